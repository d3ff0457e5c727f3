"""What became of the body: the same parts in the same order, and the footer once where people see it.

`asked` says what the list was to do: `footer` (the text, or ""), `wrap` (a sealed mail may be put in a multipart with the
footer), `seven` (the relay takes seven bits only). What is let pass only since the mail that came is not plain goes into
`asked["noted"]`, a set of short reasons, which are counted and printed.
"""

import os
import re

import forms
import rules
from seen import TYPOGRAPHY, flat, seen, shown, unflowed, views
from sorts import ARMOUR, ENCODINGS, SEALED, UNTOUCHABLE, containers, leaves, note
from tree import charset, parsed, payload, text
from untouched import untouched

ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "€": "EUR",
                       "é": "e", "ï": "i", "ó": "o", "Ł": "L", "ź": "z"})


def check(before, after, asked):
    """Damage as (kind, what)."""
    footer = asked.get("footer") or ""
    if forms.is_asked(asked):
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
