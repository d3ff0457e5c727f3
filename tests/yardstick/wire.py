"""A strict receiver: is the copy a mail at all, and are its parts what they say they are? (RFC 5321, 5322, 2045)"""

import re

from sane import names
from tree import fields, parsed, payload, split



def check(before, after, said):
    """Damage of the copy as (kind, what); `said` is its MAIL line, `before` the mail that went in."""
    head, body = split(after)
    eight = "BODY=8BITMIME" in said.upper()
    if re.search(rb"(?<!\r)\n|\r(?!\n)", after):
        yield "bare CR or LF", ""
    if b"\0" in after:
        yield "NUL", ""
    longest = max(map(len, after.split(b"\r\n")))
    if longest > 998:
        yield "line over 998", str(longest)
    if body is None or not after.endswith(b"\r\n"):
        yield "mail has no end", ""
    if not head.isascii() and "SMTPUTF8" not in said.upper():
        yield "raw eight-bit header", ""
    if not after.isascii() and not eight:
        yield "eight bits not announced", ""
    for name, raw, _ in fields(head):
        if name is None:
            yield "no header field", repr(raw[:60])
        # The length of a line is counted without CRLF; a fold of white space only is long forbidden.
        if re.search(rb"\n[ \t]+\r\n", raw) and raw not in before:
            yield "empty folded line", repr(raw[:60])
        if re.match(rb"[!-9;-~]+[ \t]+:", raw):
            yield "white space before a colon", repr(raw[:60])
    yield from _parser(before, after, "SMTPUTF8" in said.upper())


def _objections(raw):
    found = []
    for part in parsed(raw).walk():
        found += sorted(names(part.defects))
        if not part.is_multipart():
            octets = payload(part)
            found += sorted(names(part.defects))
            declared = str(part.get("content-transfer-encoding", "7bit")).strip().lower()
            if declared in ("", "7bit") and not octets.isascii():
                found.append("eight-bit part marked 7bit")
    for name in ("from", "sender", "reply-to", "to", "cc", "subject", "date", "content-type", "content-disposition"):
        for value in parsed(raw).get_all(name, []):
            found += ["%s: %s" % (name, d) for d in sorted(names(value.defects))]
    return found


def _parser(before, after, utf8):
    """What Python's parser objects to in the copy and did not in the mail."""
    try:
        now = _objections(after)
    except Exception as why:
        now = ["Python can't read it: %s" % type(why).__name__]
    if utf8:
        # Python 3.11 knows no RFC 6532: addresses in UTF-8 are right where they were announced.
        now = [o for o in now if not o.endswith((": UndecodableBytesDefect", ": NonASCIILocalPartDefect"))]
    if not now:
        return
    try:
        was = _objections(before)
    except Exception as why:
        was = ["Python can't read it: %s" % type(why).__name__]
    for objection in set(now):
        if now.count(objection) > was.count(objection):
            yield "new defect", objection
