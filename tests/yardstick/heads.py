"""What became of the header: what rules demand is there, what they forbid is gone, everything else is as it came.

`asked`: `list` (its address), `title` (its name for people), `tag`, `from` ("rewrite", "keep", "policy" or "broken"), `strict` (domains
whose DMARC policy asks for it), `held` (domains whose signatures hold in the copy) and `signed` (those that held before), `word` ("über" in
the reader's language), `reply_to` ("author", "list", "both"), `hidden` (the author's address is in no field), `domain` (whose authors keep
their From), `verified` (somebody vouches for the author; else From must not be made valid, promise 8), `reformed` (the body as a whole
is another entity, which fields of its own describe).
"""

import email.utils
import re
import unicodedata

from subject import decoded, expected, one_line, spaced
from tree import fields, split, unfolded

# T2, T10, R1 to R4, H5, H12 to H14: never in a copy, unless it is ours.
FORBIDDEN = set(
    "return-path disposition-notification-to disposition-notification-options return-receipt-to x-confirm-reading-to "
    "generate-delivery-report x-pmrqc bcc resent-bcc apparently-to x-envelope-to x-original-to x-rcpt-to approved approve "
    "x-approved x-approve urgent x-originating-ip x-sender-ip x-client-ip archived-at errors-to x-errors-to "
    "return-errors-to envelope-to delivery-date x-envelope-from delivered-to x-delivered-to".split()
)
FOREIGN = ("list-", "x-forwarded-", "x-spam", "x-rspamd-", "x-virus-")
EXACTLY_ONE = "from date message-id list-id list-post list-help list-owner list-subscribe list-unsubscribe precedence".split()
AT_MOST_ONE = "sender reply-to to cc in-reply-to references subject mime-version content-type list-unsubscribe-post list-archive".split()
# What we may add or write anew. How much more than came in: once, but two signatures.
OURS = set(EXACTLY_ONE + AT_MOST_ONE) | {
    "received", "x-auto-response-suppress", "dkim-signature", "author", "arc-seal", "arc-message-signature",
    "arc-authentication-results", "content-transfer-encoding", "authentication-results",
}
WRITTEN = OURS - {"received", "to", "in-reply-to", "references", "dkim-signature"} | {"content-disposition"}
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"


def check(before, after, asked):
    """Damage as (kind, what)."""
    old, new = fields(split(before)[0]), fields(split(after)[0])
    if asked.get("hidden"):
        yield from _hidden(old, new, asked)
        return
    yield from _counts(old, new, asked.get("reformed"))
    yield from _kept(old, new, after if asked.get("wrap") else b"", asked.get("reformed"))
    yield from _trace(old, new)
    yield from _list(new, asked)
    yield from _subject(old, new, asked)
    yield from _people(old, new, asked)
    yield from _threads(old, new)


def all_of(found, name):
    return [unfolded(value) for n, _, value in found if n == name]


def one(found, name):
    return next(iter(all_of(found, name)), None)


def _counts(old, new, reformed):
    names = [n for n, _, _ in new if n]
    for name in EXACTLY_ONE:
        if names.count(name) != 1:
            yield "not exactly one", "%s: %d" % (name, names.count(name))
    came = [n for n, _, _ in old if n]
    for name in AT_MOST_ONE:
        # Two Content-Types are the author's own doing; which one counts is not ours to say.
        if names.count(name) > (max(1, came.count(name)) if name.startswith("content-") else 1):
            yield "not exactly one", "%s: %d" % (name, names.count(name))
    for name in sorted(set(names)):
        more = names.count(name) - came.count(name)
        most = 2 if name == "dkim-signature" else 1 if name in OURS or (reformed and name.startswith("content-")) else 0
        if more > most:
            yield "header injected", "%s: %d more" % (name, more)
        if name in FORBIDDEN or (name.startswith(FOREIGN) and name not in OURS):
            yield "forbidden header", name
    for value in all_of(new, "authentication-results"):
        if re.match(rb"\s*mx\.schule\.example\s*;", value, re.IGNORECASE):
            yield "forbidden header", "authentication-results of our own"


def _kept(old, new, frame, reformed):
    """Every field that no rule names stands in the copy as it came, in its order; in a mail that was put into a frame
    the fields that describe its body stand with the body."""
    at = 0
    raws = [(n, raw, value) for n, raw, value in new]
    for name, raw, value in old:
        if name is None or name in FORBIDDEN or name.startswith(FOREIGN) or name in WRITTEN:
            continue
        for later in range(at, len(raws)):
            if raws[later][0] == name and same(raws[later][2], value, name):
                at = later + 1
                break
        else:
            # Another form of the text is described by fields of its own.
            if name.startswith("content-") and (raw in frame or reformed):
                continue
            elsewhere = any(n == name and same(v, value, name) for n, _, v in raws)
            yield ("header moved" if elsewhere else "header changed"), name


def same(now, was, name=""):
    """Equal as bytes, or as what a reader sees where the bytes could not stay (eight bits, long lines)."""
    if now == was:
        return True
    if name in ("from", "to", "cc", "reply-to", "sender") and not was.isascii():
        return people(now) == people(was)
    sent_as_it_is = was.isascii() and all(len(l) <= 900 for l in was.split(b"\r\n")) and not re.search(rb"\n[ \t]+\r\n", was)
    if sent_as_it_is and b"\0" not in was:
        return False
    strip = lambda v: re.sub(r"\s+", "", one_line(decoded(extended(v))))
    return strip(now) == strip(was)


def people(value):
    """Names and addresses as a reader sees them, domains in their ASCII form."""
    return [(one_line(decoded(name)).strip('"\' '), ascii_domain(address)) for name, address in mailboxes(unfolded(value))]


def ascii_domain(address):
    local, at, domain = address.rpartition("@")
    try:
        return local + at + domain.encode("idna").decode().lower()
    except UnicodeError:
        return address


def extended(value):
    """RFC 2231 parameters as the raw text that stood there."""
    def plain(match):
        raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), match.group(1))
        return b'="%s"' % raw
    return re.sub(rb"\*=utf-8''([^;\s]*)", plain, value)


def _trace(old, new):
    """T1: ours on top, and every Received below it as it came."""
    came, goes = all_of(old, "received"), all_of(new, "received")
    if len(goes) != len(came) + 1:
        yield "trace broken", "%d Received became %d" % (len(came), len(goes))
    elif not re.search(rb"with (?:UTF8)?(?:LMTP|ESMTP)S?A?\b", goes[0]):
        yield "trace broken", "no Received of ours on top"


def _list(new, asked):
    local, domain = asked["list"].split("@")
    for name in ("list-post", "list-help", "list-owner", "list-subscribe", "list-unsubscribe"):
        value = one(new, name) or b""
        if not value.startswith(b"<") and value != b"NO":
            yield "list header wrong", name
        urls = re.sub(rb"<[^<>\s]*>", b"", value).replace(b",", b"").strip()
        if urls and value != b"NO":
            yield "list header wrong", "%s: %r" % (name, urls)
    found = re.fullmatch(rb'(.*)<([^<>\s]+)>', one(new, "list-id") or b"")
    if not found or found.group(2).decode() != "%s.%s" % (local, domain):
        yield "list header wrong", "list-id"


def _subject(old, new, asked):
    was, now = one(old, "subject"), one(new, "subject")
    want = expected(was, asked.get("tag") or "")
    got = one_line(decoded(now or b""))
    if spaced(want) != spaced(got):
        yield "subject wrong", "%r is %r, not %r" % (was, got, want)
    for word in re.findall(rb"=\?[^?\s]*\?[bBqQ]\?[^?\s]*\?=", now or b""):
        if len(word) > 75 and word not in (was or b""):
            yield "subject wrong", "an encoded word of %d octets" % len(word)
    if not asked.get("tag") and was is not None and was.isascii() and was != now and len(was) < 900:
        yield "subject wrong", "changed for nothing"


def mailboxes(value):
    return [(n, a) for n, a in email.utils.getaddresses([guessed(value or b"")]) if a]


def guessed(value):
    """Raw eight-bit text: UTF-8, or else what German mail programs of old wrote (S7)."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _people(old, new, asked):
    was, now = one(old, "from"), one(new, "from")
    (_, author) = (mailboxes(was) or [("", "")])[0]
    rewritten = [a for _, a in mailboxes(now)] == [asked["list"]]
    if not wanted(author.lower().rpartition("@")[2], asked):
        if not same(now or b"", was or b"", "from"):
            yield "from wrong", "%r is not %r" % (now, was)
        elif asked["from"] == "broken" and author and not any(aligned(author.lower().rpartition("@")[2], d) for d in asked["held"]):
            if author.lower().rpartition("@")[2] != asked["domain"]:
                yield "from wrong", "%r without a signature of the author's" % now
    elif rewritten:
        yield from _name(was, now, asked)
    elif asked.get("verified", True):
        yield "from wrong", "%r is not the list's" % now
    reach = {a.lower() for f in ("from", "reply-to", "cc", "to") for _, a in mailboxes(one(new, f))}
    answers = [a.lower() for _, a in mailboxes(one(new, "reply-to"))]
    own = {a.lower() for _, a in mailboxes(one(old, "reply-to"))}
    if author and author.isascii() and author.lower() not in reach and not own & set(answers):
        yield "author out of reach", author
    if asked.get("reply_to", "author") == "author":
        if own - set(answers) and not any(not a.isascii() for a in own):
            yield "reply-to wrong", "%r lost of %r" % (own - set(answers), own)
        if asked["list"].lower() in set(answers) - own:
            yield "reply-to wrong", "answers go to the list"
    if len(answers) != len(set(answers)):
        yield "reply-to wrong", "an address twice"
    for field in ("to", "cc"):
        lost = {a.lower() for _, a in mailboxes(one(old, field)) if a.isascii()} - {a.lower() for _, a in mailboxes(one(new, field))}
        if lost:
            yield "header changed", "%s lost %r" % (field, sorted(lost))


def wanted(domain, asked):
    """F1, F2: is this author's From to be rewritten?"""
    if asked["from"] == "keep" or domain == asked["domain"]:
        return False
    if asked["from"] == "policy":
        return any(domain == strict or domain.endswith("." + strict) for strict in asked["strict"])
    if asked["from"] == "broken":
        # Nothing else is changed here, so what held before holds unless From goes.
        return not any(aligned(domain, signer) for signer in asked["signed"])
    return True


def aligned(author, signer):
    """Relaxed, where the public suffix is the last label."""
    return author.split(".")[-2:] == signer.split(".")[-2:]


def _hidden(old, new, asked):
    """The author's address is in no field, in no encoding; a relay address of the list stands for it, and answers go there."""
    names = [n for n, _, _ in new if n]
    for name in EXACTLY_ONE + ["subject"]:
        if names.count(name) != 1:
            yield "not exactly one", "%s: %d" % (name, names.count(name))
    yield from _list(new, asked)
    local, domain = asked["list"].split("@")
    relay = re.compile(re.escape(local) + r"-author\+[a-z0-9]+@" + re.escape(domain))
    addresses = [a for _, a in mailboxes(one(new, "from"))]
    if len(addresses) != 1 or not relay.fullmatch(addresses[0]):
        yield "from wrong", "%r is no relay address" % (one(new, "from"),)
    answers = [a for _, a in mailboxes(one(new, "reply-to"))]
    if answers and answers != addresses:
        yield "reply-to wrong", repr(answers)
    typed = {a.lower() for f in ("to", "cc") for _, a in mailboxes(one(old, f))}
    for field in ("from", "sender", "reply-to"):
        for author in {a.lower() for _, a in mailboxes(one(old, field))} - typed:
            for name, raw, value in new:
                shown = guessed(raw).lower() + " " + decoded(value).lower()
                if "@" in author and re.search(r"(?<![\w.+-])%s(?![\w.-])" % re.escape(author), shown):
                    yield "address shown", "%s in %s" % (author, name)
    for name in names:
        if name in FORBIDDEN or name in ("x-mailer", "user-agent", "sender", "organization"):
            yield "forbidden header", name


def _name(was, now, asked):
    """F4, F5: the author's name without any address, and the list's."""
    shown = one_line(decoded(re.sub(rb"<[^<>]*>\s*$", b"", now))).strip('"').replace('\\"', '"').replace("\\\\", "\\")
    suffix = " %s %s" % (asked.get("word", "über"), asked["title"])
    if not shown.endswith(suffix):
        yield "name wrong", "%r does not end in %r" % (shown, suffix)
    name = shown[: -len(suffix)]
    if not name.strip() or re.search(r"\S@\S", name) or any(c in BIDI for c in name):
        yield "name wrong", repr(shown)
    if any(unicodedata.category(c) == "Cc" for c in shown):
        yield "name wrong", "control characters in %r" % shown
    original = email.utils.getaddresses([one_line((was or b"").decode("utf-8", "replace"))])
    original = one_line(decoded(original[0][0])) if original else ""
    if "\ufffd" in shown and "\ufffd" not in original and was.isascii():
        yield "name wrong", "a lost character in %r" % shown
    plain = original and "@" not in original and len(original) <= 40 and not any(c in BIDI for c in original)
    if plain and was.isascii() and re.sub(r"\s+", " ", original).strip(" \"'") != name.strip(" \"'"):
        yield "name wrong", "%r became %r" % (original, name)


def _threads(old, new):
    """T3, T4: what threads hang on is byte-identical."""
    for name in ("message-id", "date", "in-reply-to", "references"):
        was, now = one(old, name), one(new, name)
        usable = was and (name != "message-id" or re.fullmatch(rb"<[^<>\s]+@[^<>\s]+>", was))
        if usable and now != was and was.isascii() and len(was) < 900:
            yield "threading lost", "%s %r became %r" % (name, was[:60], (now or b"")[:60])
