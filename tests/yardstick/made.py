"""Mails made for the yardstick: invitations and winmail.dat around foreign files, DKIM-signed ones, sealed ones.

Each maker yields (name, raw mail). The invitations' and winmail.dat's contents are the corpora's; the mail around them is as
Outlook, Google and a plain program put it.
"""

import base64
import itertools
import os
import re
import subprocess
import sys
import tempfile

import dkim

HEAD = (
    "From: %s\r\nTo: klasse-5b@schule.example\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0100\r\n"
    "Message-ID: <%s>\r\nMIME-Version: 1.0\r\n"
)
AUTHOR = "=?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@gmx.example>"


def head(subject, ident, author=AUTHOR):
    return (HEAD % (author, subject, ident)).encode()


def wrapped(data):
    text = base64.b64encode(data).decode()
    return "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)).encode() + b"\r\n"


def invitations(corpora):
    """Every calendar of the corpora as an invitation: as Google's three parts, a single part, or an attachment."""
    root = os.path.join(corpora, "ics")
    paths = sorted(os.path.join(w, f) for w, _, files in os.walk(root) for f in files if f.endswith(".ics"))
    for number, path in enumerate(paths):
        with open(path, "rb") as file:
            data = re.sub(rb"\r\n?|\n", b"\r\n", file.read())
        method = re.search(rb"(?mi)^METHOD:([A-Z]+)", data)
        method = method.group(1).decode().upper() if method else "REQUEST"
        ident, name = "ics%d@gmx.example" % number, os.path.relpath(path, corpora)
        kind = (b'Content-Type: text/calendar; charset="utf-8"; method=%s; name="invite.ics"\r\n' % method.encode())
        long = max(map(len, data.split(b"\r\n"))) > 998 or b"\0" in data
        as_text = b"Content-Transfer-Encoding: %s\r\n\r\n" % (b"base64" if long else b"8bit")
        as_text += wrapped(data) if long else data
        as_base64 = b"Content-Transfer-Encoding: base64\r\n\r\n" + wrapped(data)
        top = head("Einladung: Elternabend", ident)
        if number % 3 == 0:
            yield name, top + kind + as_text
            continue
        plain = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nElternabend am Freitag, Gr\xc3\xbc\xc3\x9fe\r\n"
        html = (
            b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            b"<html><body><p>Elternabend am <b>Freitag</b>, Gr=C3=BC=C3=9Fe</p></body></html>\r\n"
        )
        three = [plain, html, kind + (as_text if number % 3 == 1 else as_base64)]
        alternative = multipart("alternative", "000alt%d" % number, three)
        if number % 3 == 1:
            yield name, top + alternative
        else:
            attached = (
                b'Content-Type: application/ics; name="invite.ics"\r\nContent-Disposition: attachment; filename="invite.ics"\r\n'
                + as_base64
            )
            yield name, top + multipart("mixed", "000mix%d" % number, [alternative, attached])


def winmails(corpora):
    """Every TNEF file as the winmail.dat of an Outlook mail."""
    root = os.path.join(corpora, "tnef")
    paths = sorted(os.path.join(w, f) for w, _, files in os.walk(root) for f in files if f.endswith(".tnef"))
    for number, path in enumerate(paths):
        with open(path, "rb") as file:
            data = file.read()
        text = (
            b'Content-Type: text/plain; charset="iso-8859-1"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
            b"Sehr geehrte Eltern,\r\n\r\nanbei der Plan f=FCr die Woche.\r\n\r\nMit freundlichen Gr=FC=DFen\r\n"
        )
        tnef = (
            b'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n'
            b'Content-Disposition: attachment; filename="winmail.dat"\r\n\r\n' + wrapped(data)
        )
        top = head("Plan", "tnef%d@gmx.example" % number)
        yield os.path.relpath(path, corpora), top + multipart("mixed", "----=_NextPart_%d" % number, [text, tnef])


def multipart(sub, boundary, parts, parameters=""):
    out = 'Content-Type: multipart/%s; %sboundary="%s"\r\n\r\n' % (sub, parameters, boundary)
    out = out.encode()
    for part in parts:
        out += b"--%s\r\n%s\r\n" % (boundary.encode(), part)
    return out + b"--%s--\r\n" % boundary.encode()


BODIES = [
    ("plain", b"Content-Type: text/plain; charset=us-ascii\r\n\r\nLiebe Eltern,\r\n\r\nam Freitag ist Wandertag.\r\n"),
    ("qp", b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
           b"Sch=C3=B6ne Gr=C3=BC=C3=9Fe, eine lange Zeile mit weichem =\r\nUmbruch am Ende=20\r\n"),
    ("latin1", b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSch\xf6ne Gr\xfc\xdfe\r\n"),
    ("base64", b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
               + wrapped("Schöne Grüße aus Köln\r\n".encode() * 9)),
    ("flowed", b"Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
               b"Ein Absatz, der  \r\nweitergeht.\r\n\r\n> Zitat \r\n> geht weiter\r\n-- \r\nJ\xc3\xb6rg\r\n\r\n\r\n"),
    ("two", multipart("alternative", "b1_two", [
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHallo \xc3\x96zg\xc3\xbcr\r\n",
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"<!DOCTYPE html>\r\n<html><head><meta charset=utf-8></head><body><p>Hallo \xc3\x96zg\xc3\xbcr</p><!-- </body> --></body></html>\r\n"])),
    ("files", multipart("mixed", "b2_files", [
        b"Content-Type: text/plain\r\n\r\nanbei\r\n",
        b'Content-Type: application/pdf; name="plan.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="plan.pdf"\r\n\r\n' + wrapped(bytes(range(256)) * 12)])),
    ("empty", b"Content-Type: text/plain; charset=utf-8\r\n\r\n"),
]


def signed(keys):
    """What the parents' provider signs: all canonicalizations over all bodies, so that a changed space would show."""
    with open(os.path.join(keys, "provider-rsa.pem"), "rb") as file:
        key = file.read()
    forms = list(itertools.product((b"simple", b"relaxed"), repeat=2))
    names = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]
    for number, ((form, body), canonical) in enumerate(itertools.product(BODIES, forms)):
        subject = ["Wandertag", "=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus\r\n =?utf-8?b?S8O2bG4=?=", "Re:  zwei  Leerzeichen"][number % 3]
        author = "Anna =?iso-8859-1?Q?=D6z?= <anna@post.example>"
        raw = head(subject, "dkim%d@post.example" % number, author)
        # Some providers sign twice each name, so that none can be added.
        signs = names + [b"from", b"subject", b"reply-to", b"sender"] if number % 2 else names
        raw += body
        signature = dkim.sign(raw, b"s1", b"post.example", key, canonicalize=canonical, include_headers=signs)
        yield "made/signed-%s-%s" % (form, b"-".join(canonical).decode()), signature + raw


def domains():
    """Authors whose domains ask for different things (the zones are in tests/stack/dns.rs)."""
    for domain in ("firma.example", "sorge.example", "kind.sorge.example", "still.example", "post.still.example", "weg.still.example"):
        text = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
        yield "made/author-" + domain, head("Wandertag", "a@" + domain, "Anna Muster <anna@%s>" % domain) + text


def with_files():
    """Files where mail programs put them: beside a text, behind a page, in one of its forms, in what is forwarded or signed."""
    plain = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHallo \xc3\x96zg\xc3\xbcr\r\n"
    page = (
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html><body><p>Hallo \xc3\x96zg\xc3\xbcr</p>"
        b'<ul><li>eins<li>zwei</ul><a href="https://schule.example/plan">Plan</a><img src="cid:1@x"></body></html>\r\n'
    )
    file = b'Content-Type: %s; name="%s"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: %s; filename="%s"\r\n\r\n%s'
    pdf = file % (b"application/pdf", b"plan.pdf", b"attachment", b"plan.pdf", wrapped(b"%PDF-1.7" + bytes(range(256)) * 3))
    gif = b'Content-Type: image/gif; name="1.gif"\r\nContent-ID: <1@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n' + wrapped(b"GIF89a" + bytes(40))
    png = gif.replace(b"gif", b"png").replace(wrapped(b"GIF89a" + bytes(40)), wrapped(b"\x89PNG\r\n\x1a\n" + bytes(40)))
    forwarded = b'Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename="alt.eml"\r\n\r\n' + head("Alt", "alt@gmx.example")
    multi = lambda kind, *parts: multipart(kind, "b%s%d" % (kind[:3], len(b"".join(parts))), parts)
    seal = b"Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----\r\n"
    signed = multipart("signed", "sss", [multi("mixed", plain, pdf), seal], 'micalg=pgp-sha512; protocol="application/pgp-signature"; ')
    for name, body in [
        ("beside", multi("mixed", plain, pdf, png)),
        ("in-a-page", multi("alternative", plain, multi("related", page, gif))),
        ("picture", multi("alternative", plain, multi("related", page, png))),
        ("page-alone", page),
        ("empty-form", multi("alternative", plain[: plain.index(b"Hallo")] + b"\r\n", page)),
        ("in-a-form", multi("alternative", plain, multi("mixed", page, pdf))),
        ("in-the-plain-form", multi("alternative", multi("mixed", plain, pdf), page)),
        ("apple", multi("alternative", plain, multi("mixed", page, pdf, page.replace(b"Hallo", b"Ende")))),
        ("all", multi("mixed", multi("related", multi("alternative", plain, page), png, gif), pdf)),
        ("forwarded", multi("mixed", plain, forwarded + multi("mixed", plain, pdf))),
        ("forwarded-clean", multi("mixed", plain, forwarded + multi("alternative", plain, page))),
        ("alone", pdf),
        ("large", multi("mixed", plain, pdf.replace(wrapped(b"%PDF-1.7" + bytes(range(256)) * 3), wrapped(b"%PDF-1.7" + bytes(range(256)) * 99)))),
        ("program", multi("mixed", plain, pdf.replace(wrapped(b"%PDF-1.7" + bytes(range(256)) * 3), wrapped(b"MZ" + bytes(400))))),
        ("text", multi("mixed", plain, file % (b"text/plain", b"plan.txt", b"attachment", b"plan.txt", wrapped(b"Montag frei\r\n")))),
        ("large-picture", multi("alternative", plain, multi("related", page, png.replace(wrapped(b"\x89PNG\r\n\x1a\n" + bytes(40)), wrapped(b"\x89PNG\r\n\x1a\n" + bytes(25000)))))),
        ("piece", b'Content-Type: message/partial; id="1@gmx.example"; number=2; total=3\r\n\r\nTVqQAAMAAAAEAAAA\r\n'),
        ("piece-beside", multi("mixed", plain, b'Content-Type: message/partial; id="1@gmx.example"; number=1; total=2\r\n\r\nSubject: x\r\n\r\nTVqQ\r\n')),
        ("pointer", multi("mixed", plain, b'Content-Type: message/external-body; access-type=URL; URL="https://x.example/a.exe"\r\n\r\n'
                          b"Content-Type: application/octet-stream\r\n\r\n")),
        ("news", multi("mixed", plain, forwarded.replace(b"rfc822", b"news").replace(b'Content-Disposition: attachment; filename="alt.eml"\r\n', b"") + multi("mixed", plain, pdf))),
        ("signed", signed),
        ("signed-beside", multi("mixed", signed.replace(b"plan.pdf", b"plan.doc").replace(b"application/pdf", b"application/x-a")
                                .replace(wrapped(b"%PDF-1.7" + bytes(range(256)) * 3), b"AAAA\r\n"), pdf)),
    ]:
        yield "made/file-" + name, head("Plan", "file-%s@gmx.example" % name) + body


def sealed(out):
    """S/MIME by openssl and OpenPGP by gpg, signed and encrypted; keys stay in OUT/keys for the check afterwards."""
    home = os.path.join(out, "keys")
    os.makedirs(home, mode=0o700, exist_ok=True)
    text = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nDer Vertrag, gr\xc3\xbc\xc3\x9fe \r\n\r\n"
    author = "Anna Muster <anna@gmx.example>"
    yield from _smime(home, text, author)
    yield from _openpgp(home, text, author)


def run(argv, data=b"", env=None):
    done = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, check=False)
    if done.returncode:
        raise RuntimeError("%s: %s" % (argv[0], done.stderr.decode("utf-8", "replace")))
    return done.stdout


def _smime(home, text, author):
    key, cert = os.path.join(home, "smime.key"), os.path.join(home, "smime.pem")
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "3650",
         "-subj", "/CN=Anna Muster/emailAddress=anna@gmx.example", "-addext", "keyUsage=digitalSignature,keyEncipherment",
         "-addext", "extendedKeyUsage=emailProtection"])
    for name, argv in [
        ("smime-signed", ["-sign", "-signer", cert, "-inkey", key]),
        ("smime-opaque", ["-sign", "-nodetach", "-signer", cert, "-inkey", key]),
        ("smime-encrypted", ["-encrypt", "-aes256", cert]),
    ]:
        # "-crlfeol" writes the canonical line ends that a mail has on the wire.
        whole = run(["openssl", "cms", "-crlfeol"] + argv, text)
        whole = re.sub(rb"\r?\n", b"\r\n", whole)
        whole = re.sub(rb"\AMIME-Version: 1.0\r\n", b"", whole)
        yield "made/" + name, head("Vertrag", name + "@gmx.example", author) + whole


def gpg(home):
    return ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--trust-model", "always", "--pinentry-mode",
            "loopback", "--passphrase", ""]


def _openpgp(home, text, author):
    # The agent's socket path must be short.
    try:
        with tempfile.TemporaryDirectory(prefix="ys") as short:
            base = gpg(short)
            run(base + ["--quick-gen-key", "anna@gmx.example", "ed25519", "default", "0"])
            fingerprint = re.search(rb"fpr:+([0-9A-F]+):", run(base + ["--with-colons", "-k"])).group(1).decode()
            run(base + ["--quick-add-key", fingerprint, "cv25519", "encr", "0"])
            with open(os.path.join(home, "pgp.pub"), "wb") as file:
                file.write(run(base + ["--export", "anna@gmx.example"]))
            detached = run(base + ["--armor", "--detach-sign"], text)
            crypt = run(base + ["--armor", "--encrypt", "-r", "anna@gmx.example"], text)
            clear = run(base + ["--clearsign"], "Hallo,\n\ngrüße aus Köln\n- eins\n".encode())
            subprocess.run(["gpgconf", "--homedir", short, "--kill", "all"], check=False)
    except (OSError, RuntimeError) as why:
        print("mails.py: no OpenPGP mails: %s" % why, file=sys.stderr)
        return
    as_crlf = lambda data: re.sub(rb"\r?\n", b"\r\n", data)
    part = b'Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n' + as_crlf(detached)
    signed_mail = multipart("signed", "pgp-s", [text, part], 'micalg=pgp-sha512; protocol="application/pgp-signature"; ')
    yield "made/pgp-signed", head("Vertrag", "pgp-signed@gmx.example", author) + signed_mail
    version = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    data = b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n' + as_crlf(crypt)
    encrypted = multipart("encrypted", "pgp-e", [version, data], 'protocol="application/pgp-encrypted"; ')
    yield "made/pgp-encrypted", head("...", "pgp-encrypted@gmx.example", author) + encrypted
    inline = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + as_crlf(clear)
    yield "made/pgp-inline", head("Vertrag", "pgp-inline@gmx.example", author) + inline
    mixed = multipart("mixed", "pgp-m", [b"Content-Type: text/plain\r\n\r\nVon der Liste\r\n", signed_mail])
    yield "made/pgp-signed-in-mixed", head("Vertrag", "pgp-mixed@gmx.example", author) + mixed
