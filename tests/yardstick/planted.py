"""Damage of lists with rules, policies and two languages, planted for selftest.py: what a good copy is, and what must be seen in a bad one.

Each case is (the kind of damage or None, what the list was asked, the mail, the copy).
"""

import made

PNG = (
    b'Content-Type: image/png; name="a.png"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <1@x>\r\n\r\n'
    + made.wrapped(b"\x89PNG\r\n\x1a\n" + bytes(range(40)))
)
OTHER_PNG = PNG[:-8] + b"AAAA" + PNG[-4:]
PDF_DATA = b"%PDF-1.7" + bytes(range(256)) * 4
TEXT = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n"
HTML = TEXT.replace("plain", "html")
ASKED = {"list": "c1@schule.example", "title": "Klasse 5b", "from": "keep", "domain": "schule.example", "language": "de", "word": "über"}
NO_PDF = dict(ASKED, forbidden=["pdf"])
AS_TEXT, AS_HTML = dict(ASKED, form="text"), dict(ASKED, form="html")
BOTH = dict(NO_PDF, form="text")
# Pictures and PDF files alone, of 2 kB at most.
SOME = dict(ASKED, allowed=["image/*", "pdf"], max=2000)
SMALL = dict(ASKED, max=2000)
FOOTED = dict(NO_PDF, footer="Grüße von der Klassenliste")


def pdf(name="plan.pdf", sort="application/pdf", data=PDF_DATA):
    head = 'Content-Type: %s; name="%s"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="%s"\r\n\r\n'
    return (head % (sort, name, name)).encode() + made.wrapped(data)


def text(words):
    return (TEXT % words).encode()


def html(words):
    return (HTML % words).encode()


def note(what="plan.pdf", size="1 kB", owner="c1-owner@schule.example", forwarded=False):
    said = "Anhang weggelassen: %s (%s). Die Liste „Klasse 5b“ nimmt Dateien dieser Art nicht an.\r\n" % (what, size)
    said += "Auch die weitergeleitete Mail, in der das stand, fehlt deshalb.\r\n" if forwarded else ""
    return text(said + "Wenn Sie ihn brauchen, fragen Sie bitte den Absender oder %s." % owner)


def note_of(asked, what, size, why):
    """A note for another reason than its kind."""
    said = {"size": "Die Liste „Klasse 5b“ nimmt Anhänge bis höchstens 2 kB an.",
            "elsewhere": "Er ist nur ein Stück einer zerteilten Mail oder ein Verweis auf eine Datei; die Liste „Klasse 5b“ nimmt nichts an, "
                         "dessen Inhalt sie nicht sehen kann."}[why]
    return text("Anhang weggelassen: %s (%s). %s\r\nWenn Sie ihn brauchen, fragen Sie bitte c1-owner@schule.example." % (what, size, said))


def too_large(what="plan.pdf", size="3 kB"):
    return note_of(SMALL, what, size, "size")


def elsewhere(what="ohne Namen", size="9 B"):
    return note_of(SOME, what, size, "elsewhere")


def pictures(count):
    return text("Bilder weggelassen, weil diese Liste reinen Text verschickt: %d" % count)


def mixed(*parts):
    return made.multipart("mixed", "mmm", parts)


def inner(*parts):
    return made.multipart("mixed", "iii", parts)


def either(*parts):
    return made.multipart("alternative", "aaa", parts)


def related(*parts):
    return made.multipart("related", "rrr", parts)


def enclosed(body):
    return b"Content-Type: message/rfc822\r\n\r\n" + made.head("Alt", "9@gmx.example") + body


HALLO, PAGE = text("Hallo Özgür, bis Montag"), html("<p>Hallo <b>Ö</b>zgür, bis <a href='https://x.example/a'>Montag</a></p>")
PAGE_AS_TEXT = text("Hallo Özgür, bis Montag (https://x.example/a)")
SEALED = made.multipart("signed", "sss", [HALLO, b"Content-Type: application/pgp-signature\r\n\r\nAAAA\r\n"], 'protocol="application/pgp-signature"; ')
LARGE = PDF_DATA * 3
PIECE = b'Content-Type: message/partial; id="1@gmx.example"; number=2; total=3\r\n\r\nTVqQAAMAA\r\n'
POINTER = (b'Content-Type: message/external-body; access-type=URL; URL="https://x.example/a.exe"\r\n\r\n'
           b"Content-Type: application/octet-stream\r\nContent-ID: <1@x>\r\n\r\n")
FOOT = text("Hallo Özgür, bis Montag\r\n\r\n_____\r\nGrüße von der Klassenliste")
BODIES = [
    # What may not be attached.
    (None, NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note())),
    ("parts differ", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, pdf())),
    ("parts differ", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, pdf(), note())),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO)),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note("plan.doc"))),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note(size="9 kB"))),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note(owner="x@schule.example"))),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note(), note())),
    ("note wrong", NO_PDF, mixed(HALLO, pdf(), pdf("b.pdf")), mixed(HALLO, note())),
    ("parts differ", dict(NO_PDF, language="en"), mixed(HALLO, pdf()), mixed(HALLO, note())),
    ("text changed", NO_PDF, mixed(HALLO, pdf()), mixed(text("Hallo zgür, bis Montag"), note())),
    ("attachment changed", NO_PDF, mixed(HALLO, pdf(), PNG), mixed(HALLO, note(), OTHER_PNG)),
    ("parts differ", NO_PDF, mixed(HALLO, pdf(), PNG), mixed(HALLO, note())),
    ("parts differ", NO_PDF, mixed(HALLO, pdf(), PNG), mixed(PNG, HALLO, note())),
    ("structure differs", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note()).replace(b"multipart/mixed", b"multipart/digest")),
    ("body changed for nothing", NO_PDF, mixed(HALLO, PNG), mixed(HALLO, PNG).replace(b"Montag", b"Montag ")),
    (None, NO_PDF, mixed(HALLO, PNG), mixed(HALLO, PNG)),
    (None, NO_PDF, mixed(HALLO, pdf("a.bin", "application/octet-stream")), mixed(HALLO, note("a.bin"))),
    ("parts differ", NO_PDF, mixed(HALLO, pdf("a.bin", "application/octet-stream")), mixed(HALLO, pdf("a.bin", "application/octet-stream"))),
    ("parts differ", NO_PDF, mixed(HALLO, pdf("a.pdf", "text/x-a", b"a")), mixed(HALLO, pdf("a.pdf", "text/x-a", b"a"))),
    (None, NO_PDF, mixed(HALLO, enclosed(inner(HALLO, pdf()))), mixed(HALLO, note(forwarded=True))),
    ("note wrong", NO_PDF, mixed(HALLO, enclosed(inner(HALLO, pdf()))), mixed(HALLO, note())),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note(forwarded=True))),
    ("note wrong", NO_PDF, mixed(HALLO, pdf()), mixed(HALLO, note().replace(b"ihn", b"sie"))),
    ("parts differ", NO_PDF, mixed(HALLO, enclosed(inner(HALLO, pdf()))), mixed(HALLO, enclosed(inner(HALLO, note())))),
    ("untouchable changed", NO_PDF, mixed(enclosed(inner(HALLO, PNG)), pdf()), mixed(enclosed(inner(HALLO, PNG)).replace(b"Montag", b"Montag "), note())),
    ("sealed changed", NO_PDF, mixed(SEALED, pdf()), mixed(SEALED.replace(b"Montag", b"Montag "), note())),
    (None, NO_PDF, mixed(SEALED, pdf()), mixed(SEALED, note())),
    ("note hidden", NO_PDF, mixed(either(HALLO, PAGE), pdf()), mixed(either(note(), HALLO, PAGE))),
    ("note hidden", NO_PDF, related(PAGE, pdf()), related(PAGE, note())),
    (None, NO_PDF, related(PAGE, pdf()), mixed(related(PAGE), note())),
    # What alone may be attached, and how large.
    (None, SOME, mixed(HALLO, PNG, pdf()), mixed(HALLO, PNG, pdf())),
    (None, SOME, mixed(HALLO, pdf("a.doc", "application/msword", b"a")), mixed(HALLO, note("a.doc", "1 B"))),
    ("parts differ", SOME, mixed(HALLO, pdf("a.doc", "application/msword", b"a")), mixed(HALLO, pdf("a.doc", "application/msword", b"a"))),
    ("body changed for nothing", SOME, mixed(HALLO, pdf()), mixed(HALLO, note())),
    ("body changed for nothing", SOME, mixed(HALLO, PNG), mixed(HALLO, note("a.png", "48 B"))),
    ("parts differ", SOME, mixed(HALLO, pdf("a.png", "image/png", b"PK\3\4")), mixed(HALLO, pdf("a.png", "image/png", b"PK\3\4"))),
    ("parts differ", SOME, mixed(HALLO, pdf("a.pdf", data=b"MZ\0\0")), mixed(HALLO, pdf("a.pdf", data=b"MZ\0\0"))),
    (None, SOME, mixed(HALLO, pdf(data=LARGE)), mixed(HALLO, too_large())),
    (None, SMALL, mixed(HALLO, pdf("a.doc", "application/msword", LARGE)), mixed(HALLO, too_large("a.doc"))),
    (None, SMALL, mixed(HALLO, pdf("a.doc", "application/msword")), mixed(HALLO, pdf("a.doc", "application/msword"))),
    ("parts differ", SMALL, mixed(HALLO, pdf(data=LARGE)), mixed(HALLO, pdf(data=LARGE))),
    ("body changed for nothing", SMALL, mixed(HALLO, pdf()), mixed(HALLO, note())),
    ("note wrong", SMALL, mixed(HALLO, pdf(data=LARGE)), mixed(HALLO, note(size="3 kB"))),
    ("note wrong", SMALL, mixed(HALLO, pdf(data=LARGE)), mixed(HALLO, too_large().replace(b"2 kB", b"3 kB"))),
    ("note wrong", SMALL, mixed(HALLO, pdf(data=LARGE)), mixed(HALLO, too_large(size="1 MB"))),
    ("note wrong", SOME, mixed(HALLO, pdf("a.doc", "application/msword", b"a")), mixed(HALLO, too_large("a.doc", "1 B"))),
    # Pictures of a page and forms of a text are no attachments; a large one is shown.
    (None, SMALL, related(PAGE, PNG), related(PAGE, PNG)),
    ("body changed for nothing", SMALL, related(PAGE, PNG), related(PAGE)),
    # Nobody can see here what is in a piece of a mail, or behind a pointer.
    (None, NO_PDF, mixed(HALLO, PIECE), mixed(HALLO, elsewhere())),
    (None, SMALL, PIECE, elsewhere()),
    (None, SOME, mixed(HALLO, POINTER), mixed(HALLO, elsewhere())),
    ("parts differ", NO_PDF, mixed(HALLO, PIECE), mixed(HALLO, PIECE)),
    ("parts differ", SMALL, PIECE, PIECE),
    ("parts differ", SOME, mixed(HALLO, POINTER), mixed(HALLO, POINTER)),
    ("note wrong", NO_PDF, mixed(HALLO, PIECE), mixed(HALLO, note("ohne Namen", "9 B"))),
    (None, dict(ASKED, allowed=["message/partial"]), mixed(HALLO, PIECE), mixed(HALLO, PIECE)),
    ("untouchable changed", dict(ASKED, allowed=["message/partial"]), mixed(HALLO, PIECE), mixed(HALLO, elsewhere())),
    (None, AS_TEXT, mixed(HALLO, PIECE), mixed(HALLO, PIECE)),
    # With a footer beside.
    (None, FOOTED, mixed(HALLO, pdf()), mixed(FOOT, note())),
    ("footer missing", FOOTED, mixed(HALLO, pdf()), mixed(HALLO, note())),
    ("footer twice", FOOTED, mixed(HALLO, pdf()), mixed(FOOT.replace(b"_____", b"_____\r\nGr\xc3\xbc\xc3\x9fe von der Klassenliste"), note())),
    # The footer of another language.
    (None, dict(ASKED, footer="Grüße von der Klassenliste"), HALLO, FOOT),
    ("footer missing", dict(ASKED, footer="Regards from the class list", language="en"), HALLO, FOOT),
    # Plain text alone.
    (None, AS_TEXT, either(HALLO, PAGE), HALLO),
    (None, AS_TEXT, PAGE, PAGE_AS_TEXT),
    (None, AS_TEXT, either(text(" "), PAGE), PAGE_AS_TEXT),
    ("text changed", AS_TEXT, either(text(" "), PAGE), text(" ")),
    ("parts differ", AS_TEXT, either(HALLO, PAGE), either(HALLO, PAGE)),
    ("parts differ", AS_TEXT, either(HALLO, PAGE), PAGE),
    ("text changed", AS_TEXT, either(HALLO, PAGE), text("Hallo")),
    ("text changed", AS_TEXT, PAGE, text("Hallo Özgür, bis (https://x.example/a)")),
    ("text changed", AS_TEXT, PAGE, text("Hallo Ozgür, bis Montag (https://x.example/a)")),
    ("text changed", AS_TEXT, PAGE, text("Hallo Özgür, bis Montag")),
    ("text changed", AS_TEXT, PAGE, text("Hallo Özgür, bis Montag (https://x.example/a). Werbung")),
    ("not shown any more", AS_TEXT, mixed(HALLO, PAGE), made.multipart("alternative", "mmm", [HALLO, PAGE_AS_TEXT])),
    (None, AS_TEXT, related(PAGE, PNG), mixed(PAGE_AS_TEXT, pictures(1))),
    ("note wrong", AS_TEXT, related(PAGE, PNG), mixed(PAGE_AS_TEXT, pictures(2))),
    ("note wrong", AS_TEXT, related(PAGE, PNG), PAGE_AS_TEXT),
    ("parts differ", AS_TEXT, related(PAGE, PNG), mixed(PAGE_AS_TEXT, PNG)),
    (None, AS_TEXT, either(HALLO, inner(PAGE, pdf())), mixed(HALLO, inner(pdf()))),
    ("parts differ", AS_TEXT, either(HALLO, inner(PAGE, pdf())), HALLO),
    ("sealed changed", AS_TEXT, SEALED.replace(b"text/plain", b"text/html"), SEALED),
    # HTML where there is some.
    (None, AS_HTML, either(HALLO, PAGE), PAGE),
    (None, AS_HTML, HALLO, HALLO),
    ("parts differ", AS_HTML, either(HALLO, PAGE), HALLO),
    ("parts differ", AS_HTML, either(HALLO, PAGE), either(HALLO, PAGE)),
    ("text changed", AS_HTML, either(HALLO, PAGE), PAGE.replace(b"Hallo", b"Halo")),
    ("body changed for nothing", AS_HTML, HALLO, HALLO.replace(b"Montag", b"Montag ")),
    # Both at once.
    (None, BOTH, mixed(either(HALLO, related(PAGE, PNG)), pdf()), mixed(inner(HALLO, pictures(1)), note())),
    ("note wrong", BOTH, mixed(either(HALLO, related(PAGE, PNG)), pdf()), mixed(inner(HALLO, pictures(1)))),
]

# What describes the body may be written anew where it is another; nothing else may.
FIELDS = [
    ("header injected", False, b"Content-Language: de\r\n", b""),
    (None, True, b"Content-Language: de\r\n", b""),
    ("header injected", True, b"Content-Language: de\r\nContent-Language: en\r\n", b""),
    ("header injected", True, b"X-Language: de\r\n", b""),
    ("header changed", True, b"", b"X-Mailer: Foo\r\n"),
]

# Whether From was rewritten, and what the list was asked: F1, F2.
FROM = [
    (None, True, {"from": "policy", "strict": ["gmx.example"]}),
    ("from wrong", False, {"from": "policy", "strict": ["gmx.example"]}),
    ("from wrong", True, {"from": "policy", "strict": ["post.example"]}),
    (None, False, {"from": "policy", "strict": ["post.example"]}),
    (None, False, {"from": "broken", "signed": ["gmx.example"], "held": ["gmx.example"]}),
    ("from wrong", True, {"from": "broken", "signed": ["gmx.example"], "held": []}),
    ("from wrong", False, {"from": "broken", "signed": ["gmx.example"], "held": []}),
    ("from wrong", False, {"from": "broken", "signed": [], "held": []}),
    (None, True, {"from": "broken", "signed": ["other.example"], "held": ["other.example"]}),
    ("name wrong", True, {"from": "rewrite", "word": "via"}),
]
