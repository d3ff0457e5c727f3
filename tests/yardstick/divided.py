"""A mail of which it is not plain what its parts are: nothing may be swallowed, and that is all that can be asked."""

import quopri
import re
from collections import Counter

from sorts import note
from tree import Node, split

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
