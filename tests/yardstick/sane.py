"""Has a mail a defect of its own? A rule that is no list manager's: what Python's parser objects to, and the standards' plainest rules.

A mail with a defect is put through all the same and nothing of it may be lost; but what "unchanged" means for it is
not always plain, so the figures tell both kinds apart.
"""

import email.utils
import re

from tree import charset, fields, payload, split, strictly, text

ONCE = ("from sender reply-to to cc bcc message-id in-reply-to references subject date mime-version content-type "
        "content-transfer-encoding content-id").split()
CHECKED = "from sender reply-to to cc subject date message-id content-type content-disposition content-transfer-encoding".split()
# Python knows no other name for them, and they are no defects of the mail.
HARMLESS = {"MultipartInvariantViolationDefect"}


def names(objections):
    return {type(d).__name__ for d in objections} - HARMLESS


def defects(raw):
    """What is wrong with the mail, as a sorted list of short words; empty: it is sane."""
    found = set()
    head, body = split(raw)
    if body is None:
        found.add("no empty line")
    all_fields = fields(head)
    _of_head(head, all_fields, found)
    if b"\0" in raw:
        found.add("NUL")
    if max(map(len, raw.split(b"\r\n")), default=0) > 998:
        found.add("line over 998 octets")
    try:
        _of_parts(strictly(raw), found)
    except Exception as why:
        found.add("Python can't read it: %s" % type(why).__name__)
    return sorted(found)


def _of_head(head, all_fields, found):
    if not head.isascii():
        found.add("raw eight-bit header")
    if any(name is None for name, _, _ in all_fields):
        found.add("no header field")
    if re.search(rb"(?m)^[!-9;-~]+[ \t]+:", head):
        found.add("white space before a colon")
    if re.search(rb"\n[ \t]+\r\n", head):
        found.add("empty folded line")
    for name in ONCE:
        if sum(n == name for n, _, _ in all_fields) > 1:
            found.add("%s twice" % name)
    froms = [value.decode("ascii", "replace") for n, _, value in all_fields if n == "from"]
    authors = [a for _, a in email.utils.getaddresses(froms)]
    if len(authors) != 1 or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", authors[0]):
        found.add("not one author")


def _of_parts(message, found):
    for name in CHECKED:
        for value in message.get_all(name, []):
            found |= {"%s: %s" % (name, d) for d in names(value.defects)}
    for part in message.walk():
        if part is not message and part.get_content_maintype() != "multipart":
            for name in ("content-type", "content-disposition", "content-transfer-encoding"):
                for value in part.get_all(name, []):
                    found |= {"%s: %s" % (name, d) for d in names(value.defects)}
        if not part.is_multipart():
            octets = payload(part)
            declared = str(part.get("content-transfer-encoding", "7bit")).strip().lower()
            if declared not in ("7bit", "8bit", "binary", "base64", "quoted-printable"):
                found.add("unknown transfer encoding")
            if declared == "7bit" and not octets.isascii():
                found.add("eight-bit part marked 7bit")
            if part.get_content_maintype() == "text":
                if charset(part) is None:
                    found.add("unknown charset")
                elif text(part) is None:
                    found.add("text not of its charset")
        elif str(part.get("content-transfer-encoding", "7bit")).strip().lower() in ("base64", "quoted-printable"):
            found.add("encoded container")
        found |= names(part.defects)
