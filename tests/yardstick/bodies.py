"""What became of the body: the same parts in the same order, and the footer once where people see it.

`asked` says what the list was to do: `footer` (the text, or ""), `wrap` (a sealed mail may be put in a multipart with the
footer), `seven` (the relay takes seven bits only). What is let pass only since the mail that came is not plain goes into
`asked["noted"]`, a set of short reasons, which are counted and printed.
"""

import html.parser
import os
import quopri
import re
from collections import Counter

import rules
from tree import Node, charset, parsed, payload, split, text

SEALED = {"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
UNTOUCHABLE = SEALED | {
    "text/calendar", "message/rfc822", "message/partial", "message/external-body", "message/delivery-status",
    "multipart/report", "application/ms-tnef", "application/vnd.ms-tnef", "message/global",
}
ARMOUR = re.compile(rb"(?m)^-----BEGIN PGP (?:SIGNED )?MESSAGE-----\r?$")


# A charset without them has plain ones: the footer says the same.
TYPOGRAPHY = str.maketrans("–—‐‘’‚“”„", "---''\'\"\"\"")


ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "€": "EUR",
                       "é": "e", "ï": "i", "ó": "o", "Ł": "L", "ź": "z"})


def flat(text):
    """Words with one space between, dashes and quotes as a typewriter has them."""
    return " ".join(text.translate(TYPOGRAPHY).split())


class Shown(html.parser.HTMLParser):
    """What a reader sees of an HTML page, roughly: its text without comments, scripts and styles."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.out, self.hidden = [], 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("script", "style", "title", "template")
        self.out.append(" ")

    def handle_endtag(self, tag):
        if tag in ("script", "style", "title", "template"):
            self.hidden = max(0, self.hidden - 1)
        self.out.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.out.append(data)


def shown(page):
    return flat("".join(Shown(page).out))


def unflowed(body, delsp):
    """format=flowed as paragraphs (RFC 3676 4.1, 4.2): a list of (quote depth, text)."""
    done, open_line = [], None
    for line in body.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        line = line[depth:]
        line = line[1:] if line.startswith(" ") else line
        flows = line.endswith(" ") and line != "-- "
        kept = line[:-1] if flows and delsp else line
        if open_line and open_line[0] == depth and line != "-- ":
            open_line[1] += kept
        else:
            open_line = [depth, kept]
            done.append(open_line)
        if not flows:
            open_line = None
    return [tuple(p) for p in done]


def check(before, after, asked):
    """Damage as (kind, what)."""
    footer = asked.get("footer") or ""
    if rules.is_asked(asked):
        yield from rules.check(before, after, asked)
        return
    yield from untouched(before, after, asked, footer, False)
    try:
        old, new = parsed(before), parsed(after)
        leaves_before, leaves_after = list(leaves(old)), list(leaves(new))
    except Exception as why:
        yield "Python can't read it", type(why).__name__
        return
    leaves_after, extra = without_footer_part(leaves_before, leaves_after, footer)
    kinds = [kind(p) for p in leaves_before], [kind(p) for p in leaves_after]
    if len(kinds[0]) != len(kinds[1]) or any(not same_kind(*both) for both in zip(*kinds)):
        yield "parts differ", "%s became %s" % tuple(" ".join(k[:8]) for k in kinds)
        return
    was, now = containers(old), containers(new)
    if was != now and not (asked.get("wrap") and extra and now == ["multipart/mixed"] + was):
        yield "structure differs", "%s became %s" % (was, now)
    for a, b in zip(leaves_before, leaves_after):
        yield from leaf(a, b, footer, asked)
    yield from footed(old, new, footer, asked)


def leaves(message):
    return (p for p in message.walk() if not p.is_multipart())


def containers(message):
    return [p.get_content_type() for p in message.walk() if p.is_multipart()]


def kind(part):
    try:
        name = part.get_filename()
    except Exception:
        name = "?"
    return "%s%s" % (part.get_content_type(), ":" + name if name else "")


def same_kind(was, now):
    """A file name in raw eight bits may have become one that can be read."""
    return was == now or ("\ufffd" in was and was.split(":")[0] == now.split(":")[0] and "\ufffd" not in now)


def without_footer_part(before, after, footer):
    """The leaves without a part that holds the footer alone, where there is one more than there was."""
    if footer and len(after) == len(before) + 1:
        for at in (len(after) - 1, 0):
            if after[at].get_content_type() == "text/plain" and alone(text(after[at]) or "", footer):
                return after[:at] + after[at + 1 :], True
    return after, False


def alone(words, footer):
    """True where nothing but the footer and a separator line stands there."""
    words = flat(words)
    return words.count(flat(footer)) == 1 and not words.replace(flat(footer), "").strip(" _-\u2014\u2500")


def note(asked, reason):
    asked.setdefault("noted", set()).add(reason)


def leaf(a, b, footer, asked):
    """One part before and after."""
    here = kind(a)
    was, now = payload(a), payload(b)
    if was == now:
        if a.get_content_maintype() == "text" and not now.isascii() and charset(a) != charset(b):
            yield "text changed", "%s: charset %s became %s" % (here, charset(a), charset(b))
        return
    if a.get_content_maintype() != "text" or a.get_content_type() in UNTOUCHABLE:
        # A line end is no content of a part that is text on the wire.
        if was.replace(b"\r\n", b"\n").rstrip(b"\n") != now.replace(b"\r\n", b"\n").rstrip(b"\n"):
            yield "attachment changed", here
        return
    yield from _text(a, b, was, now, footer, here, asked)


def readings(part, octets):
    """What a text part may mean: by its charset, else by what mislabelled mail usually is."""
    sure = text(part)
    if sure is not None and not (charset(part) == "iso8859-1" and re.search("[\x80-\x9f]", sure)):
        return [sure]
    found = [sure] if sure is not None else []
    for codec in ("utf-8", "cp1252", "latin-1"):
        try:
            found.append(octets.decode(codec).replace("\r\n", "\n"))
        except UnicodeError:
            continue
    return found


def _text(a, b, was, now, footer, here, asked):
    new = text(b)
    if new is None:
        if text(a) is not None or not grown(was, now):
            yield "text changed", "%s is no text of its charset now" % here
        note(asked, "a text that is none of its charset: compared as octets")
        return
    olds = readings(a, was)
    if olds[1:] or text(a) is None:
        note(asked, "a text that is none of its charset: compared as what it may mean")
    if any(old.rstrip("\n") == new.rstrip("\n") for old in olds):
        return
    if not footer:
        yield "text changed", here
    elif a.get_content_type() == "text/html":
        if not any(inserted(old, new, footer) for old in olds):
            yield "text changed", here
    else:
        yield from _plain(a, olds, new, footer, here, asked)


def grown(was, now):
    """Octets that no charset explains: the same with something in ASCII put in, or nothing."""
    was, now = (octets.replace(b"\r\n", b"\n").rstrip(b"\n") for octets in (was, now))
    start = len(os.path.commonprefix([was, now]))
    end = len(os.path.commonprefix([was[start:][::-1], now[start:][::-1]]))
    # Damaged base64 may end in the middle of an octet.
    return start + end >= len(was) - 2 and now[start : len(now) - end].isascii()


def is_unclear(part, footer):
    """True for a text that can't be put into another charset for certain, below which a charset can't say the footer."""
    codec = charset(part)
    try:
        footer.translate(TYPOGRAPHY).encode(codec or "us-ascii")
        said = True
    except UnicodeError:
        said = False
    escapes = re.search(rb"=(?![0-9A-Fa-f]{2}|\s*\n)", part.get_payload().encode("latin-1", "replace"))
    quoted = str(part.get("content-transfer-encoding", "")).strip().lower() == "quoted-printable"
    raw = not part.get_payload().isascii()
    return not said and (len(readings(part, payload(part))) > 1 or text(part) is None or quoted and bool(escapes or raw))


def _plain(a, olds, new, footer, here, asked):
    fits = [old for old in olds if new.startswith(old)]
    if not fits:
        yield "text changed", here
        return
    old = max(fits, key=len)
    added = new[len(old) :]
    if old and not old.endswith("\n") and not added.startswith("\n"):
        yield "text changed", "%s: the last line goes on" % here
    if str(a.get_param("format", "")).lower() == "flowed" and old.strip():
        delsp = str(a.get_param("delsp", "")).lower() == "yes"
        was, now = unflowed(old.rstrip("\n"), delsp), unflowed(new, delsp)
        if now[: len(was)] != was:
            yield "text changed", "%s: a flowed paragraph goes on" % here
        rest = now[len(was) :]
        added = "\n".join(line for _, line in rest)
        if any(flat(line) not in [flat(t) for _, t in rest] for line in footer.split("\n")):
            yield "footer broken", "%s: its lines flow together" % here
    if alone(added, footer.translate(ASCII)) and not footer.isascii() and is_unclear(a, footer):
        note(asked, "a footer without umlauts: the charset can't say it, and nobody can tell what all of the text says")
    elif not alone(added, footer):
        yield "footer broken", "%s: %r" % (here, added[-200:])


# What Python says of mails whose parts another program may divide otherwise.
DIVIDED = {"CloseBoundaryNotFoundDefect", "StartBoundaryNotFoundDefect", "MissingHeaderBodySeparatorDefect", "NoBoundaryInMultipartDefect"}
DIVISION = {"parts differ", "structure differs", "preamble or epilogue lost", "attachment changed", "text changed", "footer missing",
            "footer broken", "body changed for nothing", "not shown any more"}


def forgiven(before, after, asked, defects, damage):
    """Where it is not plain what the parts of a mail are, nothing may be swallowed, and that is all (B10)."""
    if not DIVIDED & set(defects) or not any(kind in DIVISION for kind, _ in damage):
        return damage
    gone = (swallowed_forms if asked.get("form") else swallowed)(before, after)
    if gone:
        return damage + [("words lost", " ".join(word.decode("latin-1") for word in gone[:9]))]
    note(asked, "parts that programs divide otherwise: compared word by word")
    return [d for d in damage if d[0] not in DIVISION]


DESCRIBES = re.compile(rb"(?im)^content-transfer-encoding:[^\n]*|\bcharset=[^\s;]+|^--[^\n]*|\bboundary=[^\s;]+")
TAG = re.compile(rb"<[^<>]*>")


def swallowed(before, after):
    """Words of the body that are not there any more; what describes a part anew is none."""
    bare = lambda raw: TAG.sub(b" ", quopri.decodestring(DESCRIBES.sub(b"", split(raw)[1] or b"")))
    was, now = (Counter(bare(raw).split()) for raw in (before, after))
    return list(was - now)


def swallowed_forms(before, after):
    """The same where another form of the text may stand for it: each word that is shown stands there, at least once."""
    def words(raw):
        shown = quopri.decodestring(DESCRIBES.sub(b"", split(raw)[1] or b""))
        shown = re.sub(rb"(?im)^content-[a-z]+:[^\n]*\n(?:[ \t][^\n]*\n)*|(?s:<[^<>]*>)", b" ", shown)
        # Pictures go with their page.
        shown = re.sub(rb"(?m)^[A-Za-z0-9+/]{16,}={0,2}\r?$", b" ", shown)
        return set(re.sub(rb"&\w+;|[^\w]", b" ", shown).split())
    fillers = b" ".join(piece for node in Node(before).walk() if node.children for piece in (node.preamble, node.epilogue))
    return sorted(words(before) - words(after) - set(re.sub(rb"[^\w]", b" ", fillers).split()))


META = re.compile(r"(?i)(charset\s*=\s*[\"']?)[a-z0-9_:.-]+")


def inserted(old, new, footer):
    """True where the page is the old one with one insertion, and a reader sees the old text with the footer once."""
    if META.sub(r"\1", old) != old and len(new) - len(old) < len(footer):
        return False
    for was, now in ((old, new), (META.sub(r"\1", old), META.sub(r"\1", new))):
        was, now = was.rstrip("\n"), now.rstrip("\n")
        start = 0
        while start < min(len(was), len(now)) and was[start] == now[start]:
            start += 1
        end = 0
        while end < min(len(was), len(now)) - start and was[-1 - end] == now[-1 - end]:
            end += 1
        if start + end >= len(was):
            first, second = shown(old), shown(new)
            return first.count(flat(footer)) + 1 == second.count(flat(footer))
    return False


def untouched(before, after, asked, footer, reformed):
    """Raw bytes that must come out as they went in (promise 9, B7, B8, B11)."""
    body_before, body_after = split(before)[1] or b"", split(after)[1] or b""
    root = Node(before)
    must_encode = asked.get("seven") and not body_before.isascii()
    too_long = any(len(line) > 998 for line in body_before.split(b"\r\n"))
    if not footer and not must_encode and not too_long and not reformed and body_after != body_before:
        yield "body changed for nothing", ""
    for node in root.walk():
        # A multipart that went because of its form takes with it what nobody sees.
        if reformed and asked.get("form"):
            break
        if not node.preamble.strip() and not node.epilogue.strip():
            continue
        for piece in (node.preamble, node.epilogue):
            if piece.strip() and piece.isascii() and not too_long and piece.strip() not in after:
                yield "preamble or epilogue lost", repr(piece[:60])
    stands = [node for node in Node(after).walk()]
    stands = {node.raw.strip(b"\r\n") for node in stands} | {node.body.strip(b"\r\n") for node in stands}
    for node in untouchable(root):
        if rules.tainted(node, asked.get("forbidden")):
            continue
        whole = node.body if node is root else node.raw
        # Inline OpenPGP seals the decoded text: its transfer encoding may change where it must.
        sealed = node.kind in SEALED or ARMOUR.search(node.body)
        can_stay = not any(len(line) > 998 for line in whole.split(b"\r\n")) and (whole.isascii() or not asked.get("seven"))
        if (node.kind in SEALED or can_stay) and whole.strip(b"\r\n") not in stands:
            yield ("sealed changed" if sealed else "untouchable changed"), node.kind
        if node is root:
            yield from _root(node, after, asked)


def _root(node, after, asked):
    """The whole mail is one that nobody may touch: its body and the fields that describe it."""
    new = Node(after)
    names = ["content-type", "content-disposition"]
    names += [] if asked.get("seven") else ["content-transfer-encoding"]
    for name in names:
        if node.field(name).isascii() and node.field(name) != new.field(name):
            if not (asked.get("wrap") and new.kind == "multipart/mixed"):
                yield "untouchable changed", "%s of %s" % (name, node.kind)


def untouchable(node):
    """The outermost nodes that nobody may touch."""
    if node.kind in UNTOUCHABLE or (not node.children and ARMOUR.search(node.body)):
        yield node
        return
    for child in node.children:
        yield from untouchable(child)


def is_attached(part):
    return part.get_content_disposition() not in (None, "", "inline") or bool(part.get_filename())


def views(part, prefer):
    """The text leaves that a program shows which prefers this kind in an alternative; None for what can't be shown."""
    sort = part.get_content_type()
    if sort in SEALED or sort in UNTOUCHABLE:
        return []
    if not part.is_multipart():
        return [part] if sort in ("text/plain", "text/html") and not is_attached(part) else []
    children = list(part.iter_parts())
    if sort == "multipart/digest":
        return []
    if sort == "multipart/alternative":
        shown_by = [views(child, prefer) for child in children]
        fitting = [v for v in shown_by if any(p.get_content_type() == prefer for p in v)]
        any_of = fitting or [v for v in shown_by if v]
        return any_of[-1] if any_of else []
    if sort == "multipart/related":
        return views(children[0], prefer) if children else []
    return [leaf for child in children for leaf in views(child, prefer)]


def seen(message, prefer):
    """The words that a reader sees in this view."""
    words = []
    for part in views(message, prefer):
        content = text(part)
        if content is None:
            content = payload(part).decode("latin-1")
        words.append(shown(content) if part.get_content_type() == "text/html" else _unstuffed(part, content))
    return flat(" ".join(words))


def _unstuffed(part, content):
    if str(part.get_param("format", "")).lower() != "flowed":
        return flat(content)
    return flat(" ".join(line for _, line in unflowed(content, str(part.get_param("delsp", "")).lower() == "yes")))


def footed(old, new, footer, asked):
    """Once in each view that has a place for it."""
    if not footer:
        return
    for prefer in ("text/plain", "text/html"):
        # Under text that no charset explains, the footer stands in ASCII.
        words = {flat(footer), flat(footer.translate(ASCII))}
        times = sum(seen(new, prefer).count(w) - seen(old, prefer).count(w) for w in words)
        if times > 1:
            yield "footer twice", "%d times in the view of %s" % (times, prefer)
        elif times < 1:
            reason = no_place(old, prefer)
            if reason:
                note(asked, "no footer: " + reason)
            else:
                yield "footer missing", "view of %s" % prefer


def no_place(old, prefer):
    """Why no footer need stand in a mail; None where the first thing shown is text that says truly what charset it has.
    Not beside winmail.dat, in which Outlook looks for the text, nor in what programs read at fixed places."""
    sorts = [p.get_content_type() for p in old.walk()]
    if SEALED & set(sorts):
        return "signed or encrypted"
    if "multipart/report" in sorts:
        return "a report"
    tnef = ("application/ms-tnef", "application/vnd.ms-tnef")
    if any(s in tnef for s in sorts) or any(str(p.get_filename()).lower() == "winmail.dat" for p in old.walk()):
        return "winmail.dat"
    found = views(old, prefer)
    if not found:
        return "no text of the mail itself"
    if not payload(found[0]).strip():
        return "an empty text"
    if ARMOUR.search(payload(found[0])):
        return "OpenPGP in the text"
    first = found[0]
    known = str(first.get("content-transfer-encoding", "7bit")).strip().lower() in ENCODINGS
    # A charset that is itself encoded (RFC 2231) is beyond what a list must understand.
    plain = b"charset*" not in bytes(str(first.get("content-type", "")), "utf-8", "replace") and not any(
        "charset*" in str(value) for name, value in first.raw_items() if name.lower() == "content-type")
    if not known:
        return "an unknown transfer encoding"
    if not plain or text(first) is None or charset(first) in ("utf-7", "utf-16", "utf-32"):
        return "a charset that is unknown, wrong or not over ASCII"
    return None


ENCODINGS = ("", "7bit", "8bit", "binary", "base64", "quoted-printable")
