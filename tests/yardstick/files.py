"""Which parts of a mail are files that a list does not take, worked out from the part itself and docs/rewriting.md.

Nothing is decided here about what stands in their place (rules.py) or which form of a text goes (forms.py).
"""

import base64
import quopri
import re
from dataclasses import dataclass

from sorts import ARMOUR, ENCODINGS, SEALED
from tree import Node, fields, parsed, payload, unfolded

# Ending, declared type, first octets: of what the yardstick's lists forbid.
SORTS = {
    "pdf": ("application/pdf", (b"%PDF",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
}
# What the first octets say a file is, as far as it is another thing to a list that allows pictures.
OCTETS = [
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
    (b"8BPS", "image/x-photoshop"), (b"\0\0\1\0", "image/x-icon"), (b"AT&TFORM", "image/x-djvu"), (b"II*\0", "image/tiff"), (b"MM\0*", "image/tiff"), (b"%PDF", "application/pdf"), (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"), (b"\xd0\xcf\x11\xe0", "application/msword"), (b"MZ", "application/x-program"),
    (b"\x7fELF", "application/x-program"), (b"Rar!", "application/x-rar"), (b"ID3", "audio/mpeg"),
]
RUNS = (b"mz", b"\x7felf", b"#!", b"<script", b"<?php", b"\xca\xfe\xba\xbe", b"@echo off")
RUNS_BY_NAME = set("exe com bat cmd scr pif js jse vbs vbe wsf hta sh php pl py rb jar msi dll lnk url bin docm xlsm pptm".split())
# Where there is nothing to look into: a piece of a mail, and a pointer to a file (RFC 2046 5.2.2, 5.2.3).
ELSEWHERE = ("message/partial", "message/external-body")
MAILS = ("message/rfc822", "message/global", "message/news")
REPORTS = ("message/delivery-status", "message/disposition-notification", "message/feedback-report", "message/tracking-status",
           "message/global-headers", "message/global-delivery-status", "message/global-disposition-notification")
ENCODED = re.compile("base64|quoted-printable")


@dataclass(frozen=True)
class Rules:
    """`forbidden`: endings. `allowed`: endings and types as in "image/*", or None for all. `limit`: octets, or 0."""

    forbidden: tuple = ()
    allowed: tuple = None
    limit: int = 0

    def __bool__(self):
        return bool(self.forbidden or self.allowed is not None or self.limit)


NONE = Rules()


def of(asked):
    allowed = asked.get("allowed")
    return Rules(tuple(asked.get("forbidden") or ()), None if allowed is None else tuple(allowed), asked.get("max") or 0)


def marked(mail):
    """The mail, each part of which knows the one around it."""
    for part in mail.walk():
        for child in part.get_payload() if part.is_multipart() else ():
            child.above = part
    return mail


def above(part):
    found = getattr(part, "above", None)
    return found.get_content_type() if found is not None else ""


def names(part):
    found = []
    for get in (part.get_filename, lambda: part.get_param("name"), lambda: part.get_param("filename", header="content-disposition")):
        try:
            name = get()
        except Exception:
            continue
        found.append(name[2] if isinstance(name, tuple) else name)
    return [str(name) for name in found if name]


def endings(part):
    """The last ending of each name; None for a name without one."""
    bare = [re.sub(r"[\s.\"']+$", "", name).lower() for name in names(part)]
    return [name.rsplit(".", 1)[1].strip() if "." in name else None for name in bare]


def is_enclosed(part):
    """A mail inside the mail, into which everybody can look."""
    return part.get_content_type() in MAILS and part.is_multipart()


def octets(part):
    """Decoded; Python takes everything that is called message/something for a mail."""
    if part.is_multipart() and part.get_content_maintype() == "message":
        return b"\n".join(inner.as_bytes() for inner in part.get_payload())
    return payload(part)


def is_file(part):
    """Text of the mail itself is none, nor a report or a mail inside."""
    sort = part.get_content_type()
    if names(part) or part.get_content_disposition() == "attachment" or sort in ELSEWHERE:
        return True
    return not (sort.startswith("text/") or sort in MAILS or sort in REPORTS)


def why(part, rules):
    """Why a part may not pass by itself: "kind", "size" or "elsewhere"; None where it may."""
    if not rules or not is_file(part):
        return None
    if rules.forbidden and is_forbidden(part, rules):
        return "kind"
    if part.get_content_type() in ELSEWHERE:
        return None if is_meant(part.get_content_type(), rules.allowed or ()) else "elsewhere"
    if is_enclosed(part) or is_of_the_text(part):
        return None
    if rules.allowed is not None and not is_allowed(part, rules.allowed):
        return "kind"
    return "size" if rules.limit and len(octets(part)) > rules.limit else None


def is_forbidden(part, rules):
    """By any name, the declared type, or the first octets. What nobody can decode may be anything."""
    coding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if set(endings(part)) & set(rules.forbidden) or coding not in ENCODINGS:
        return True
    found = octets(part)
    return any(part.get_content_type() == SORTS[e][0] or found.startswith(SORTS[e][1]) for e in rules.forbidden)


def is_meant(sort, patterns):
    return any(sort == p or p.endswith("/*") and sort.startswith(p[:-1]) for p in patterns)


def is_allowed(part, patterns):
    """By all its names, or by what it is: its octets say that where they can. A program is nothing of both."""
    found, called = octets(part), endings(part)
    sure = shown_by(found)
    fits = bool(called) and all(ending in patterns for ending in called)
    fits = fits or is_meant(sure or part.get_content_type(), patterns)
    return fits and not found.lstrip().lower().startswith(RUNS) and not RUNS_BY_NAME & set(called)


def shown_by(found):
    return next((sort for start, sort in OCTETS if found.startswith(start)), None)


def is_of_the_text(part):
    """Shown with the text, or what a seal consists of: only what is forbidden counts."""
    sort, around, attached = part.get_content_type(), above(part), part.get_content_disposition() == "attachment"
    if any(s in SEALED - {"multipart/signed"} for s in [sort] + list(all_above(part))):
        return True
    if around == "multipart/signed" and sort.endswith("-signature"):
        return True
    if around == "multipart/alternative" and sort.startswith("text/"):
        return not attached
    in_name_only = (shown_by(octets(part)) or "image/").split("/")[0] not in ("image", "text")
    return around == "multipart/related" and sort.startswith("image/") and not attached and not in_name_only


def all_above(part):
    part = getattr(part, "above", None)
    while part is not None:
        yield part.get_content_type()
        part = getattr(part, "above", None)


def own_leaves(mail):
    """The leaves, and what Python takes for a mail inside and nobody else does."""
    if mail.get_content_maintype() == "message" and mail.is_multipart() and not is_enclosed(mail):
        yield mail
    elif mail.is_multipart():
        for child in mail.get_payload():
            yield from own_leaves(child)
    else:
        yield mail


def bad_of(mail, rules):
    """The files of an enclosed mail that may not pass, with the reason. Where it is encoded as a whole, against the rules, the first."""
    if not rules:
        return []
    encoded = ENCODED.search(str(mail.get("content-transfer-encoding", "")).lower())
    leaves = own_leaves(marked(parsed(decoded(mail)))) if encoded else own_leaves(mail)
    bad = [(p, reason) for p, reason in ((p, why(p, rules)) for p in leaves) if reason]
    if encoded:
        return bad[:1]
    by_name = why(mail, rules)
    return bad or ([(mail, by_name)] if by_name else [])


def decoded(mail):
    """An enclosed mail that is encoded as a whole. Python does not undo that; its header has the encoding's lines then."""
    raw = mail.get_payload(0).as_bytes() if isinstance(mail.get_payload(), list) else mail.get_payload().encode("ascii", "replace")
    coding = str(mail["content-transfer-encoding"]).lower()
    return quopri.decodestring(raw) if "quoted" in coding else base64.b64decode(re.sub(rb"[^A-Za-z0-9+/=]", b"", raw))


def gone_of(part, rules):
    """What of a part that is no multipart may not pass, with the reasons."""
    if is_enclosed(part):
        return bad_of(part, rules)
    reason = why(part, rules)
    return [(part, reason)] if reason else []


def is_gone(part, rules):
    """True where nothing of the part is left: a leaf that may not pass, or a mail with one in it."""
    return part.get_content_maintype() != "multipart" and bool(gone_of(part, rules))


def tainted(node, around, rules):
    """The same of a part's very bytes; `around`: those of the part around it, if there is one."""
    if not rules:
        return False
    part = marked(parsed(node.raw))
    part.above = parsed(around.raw) if around else None
    if part.get_content_type() == "multipart/report":
        return any(is_gone(child, rules) for child in part.walk())
    return is_gone(part, rules)


def is_sealed(part):
    armoured = not part.is_multipart() and part.get_content_maintype() == "text" and ARMOUR.search(payload(part))
    return part.get_content_type() in SEALED or bool(armoured)


def in_seals(raw, rules):
    """The names of files inside of signed or encrypted parts, which can't be cleaned; of one without, its type."""
    sealed = [part for part in marked(parsed(raw)).walk() if is_sealed(part)] if rules else []
    return [(names(leaf) or [leaf.get_content_type()])[0] for part in sealed for leaf in own_leaves(part) if why(leaf, rules)]


def says_twice(raw):
    """True where a part has two different types or transfer encodings."""
    def twice(part):
        for name in ("content-type", "content-transfer-encoding"):
            values = {re.sub(rb"\s", b"", unfolded(v)).lower() for n, _, v in fields(part.head) if n == name}
            if len(values) > 1:
                return True
        return False
    return any(twice(part) for part in everything(Node(raw)))


def shares_a_boundary(raw):
    """True where a multipart stands inside another with the same boundary: nobody can tell which of them ends."""
    def inside(node, around):
        if node.boundary and node.boundary in around:
            return True
        return any(inside(child, around | {node.boundary}) for child in node.children)
    return inside(Node(raw), set())


def is_unclear(part):
    """The name of a file is written against the rules: what programs read differs."""
    return any(part[h] is not None and part[h].defects for h in ("content-type", "content-disposition"))


def everything(node):
    """Every part, also of the mails inside."""
    yield node
    for child in node.children:
        yield from everything(child)
    if node.kind in ("message/rfc822", "message/global"):
        yield from everything(Node(node.body))
