"""A mail of which no copy came out: was it refused, or left out, for a good reason? Each reason is checked on the mail itself.

The answer is a short line for the table. One that begins with LOST is a loss: 250 without a copy, or a refusal without
a reason that can be seen in the mail.
"""

import email.utils
import re

import files
from tree import fields, split, unfolded
from sane import ONCE

HOPS = 30
# An answer by a program, by RFC 3834 and by what programs really write.
AUTOMATIC = re.compile(
    rb"(?im)^(auto-submitted:\s*auto-replied|x-autorepl|x-autorespon|x-auto-reply|x-mail-autoreply|precedence:\s*auto_?-?reply|"
    rb"auto-submitted:\s*auto-(?:generated|notified)|x-post-messageclass:.*autoresponder)"
)
REPORT = re.compile(rb"(?i)^\s*multipart/report|^\s*message/(?:delivery-status|disposition-notification)")


def why(raw, mail, outcome, asked):
    head, body = split(raw)
    found = fields(head)
    said = outcome["reply"]
    if outcome["code"] == 250:
        return accepted(raw, head, body, found, outcome, asked)
    if 400 <= outcome["code"] < 500 or outcome["code"] == 0:
        return "LOST: answered %d %s" % (outcome["code"], said)
    if asked.get("hidden") and mail.get("from") is None:
        return "refused, nobody vouches for an author who is to be hidden"
    rules = files.of(asked)
    if rules and files.says_twice(raw):
        return "refused, a part that says twice what it is"
    if rules and files.shares_a_boundary(raw):
        return "refused, a multipart inside another with the same boundary"
    if any(ascii_of(name) in said for name in files.in_seals(raw, rules)):
        return "refused, a file that the list does not take in a sealed mail"
    reason = refused(raw, found, body or b"")
    return "refused, %s" % reason if reason else "LOST: refused without a reason that can be seen: %s" % said[:80]


def ascii_of(name):
    """The longest run of a name that stands in a reply of ASCII as it is."""
    return max(re.findall(r"[ -~]+", name), key=len, default="")


def accepted(raw, head, body, found, outcome, asked):
    kind = next((unfolded(v) for n, _, v in found if n == "content-type"), b"")
    if REPORT.search(kind):
        return "left out, a report to its sender"
    if AUTOMATIC.search(head):
        return "left out, an automatic answer"
    sealed = re.search(rb"(?i)content-type:\s*(?:multipart/(?:signed|encrypted)|application/(?:x-)?pkcs7-mime)|\n-----BEGIN PGP ", raw)
    if asked.get("seven") and outcome.get("failed") and sealed and not (body or b"").isascii():
        return "recorded as failed, sealed eight bits and a relay of seven"
    if asked.get("seven") and outcome.get("failed") and re.search(rb"(?i)transfer-encoding:\s*x-uu", raw):
        return "recorded as failed, eight bits in uuencode and a relay of seven"
    if asked.get("seven") and outcome.get("failed") and not head.isascii():
        return "recorded as failed, an address in UTF-8 and a relay without SMTPUTF8"
    if outcome.get("failed"):
        return "LOST: recorded as failed"
    return "LOST: 250 and no copy"


def refused(raw, found, body):
    names = [n for n, _, _ in found]
    for name in ONCE:
        if name not in ("mime-version", "content-id") and names.count(name) > 1:
            return "%s twice (T6)" % name
    if b"\0" in raw:
        return "NUL (X3)"
    authors = [a for n, _, v in found if n == "from" for _, a in email.utils.getaddresses([unfolded(v).decode("utf-8", "replace")])]
    if len(authors) > 1:
        return "more than one author (T7)"
    if len(authors) != 1 or not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", authors[0]):
        return "no author's address in From"
    if names.count("received") > HOPS:
        return "too many hops (L2)"
    if any(len(line) > 998 and line.startswith(b"--") for line in body.split(b"\r\n")):
        return "parts divided by lines over 998 octets"
    if any(len(line) > 998 for line in body.split(b"\r\n")) and re.search(rb"(?i)multipart/signed|multipart/encrypted|pkcs7-mime", raw):
        return "a line over 998 octets in a sealed part"
    return None
