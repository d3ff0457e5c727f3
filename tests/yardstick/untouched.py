"""Raw bytes that must come out as they went in (promise 9, B7, B8, B11)."""

import files
from sorts import ARMOUR, SEALED, UNTOUCHABLE
from tree import Node, split


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
    for node, around in untouchable(root):
        if files.tainted(node, around, files.of(asked)):
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


def untouchable(node, around=None):
    """The outermost nodes that nobody may touch, each with the one around it."""
    if node.kind in UNTOUCHABLE or (not node.children and ARMOUR.search(node.body)):
        yield node, around
        return
    for child in node.children:
        yield from untouchable(child, node)
