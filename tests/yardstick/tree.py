"""A mail as a tree of byte ranges, read by the letter of RFC 2045 and 2046, and as what Python's own parser sees.

Not the product's reader: it shares no code with it and is slow and simple on purpose. `Node` keeps the very bytes of
each part, which Python's parser does not; `parsed` is that parser with its default policy. The checks use both.
"""

import codecs
import email
import email.headerregistry
import email.policy
import functools
import re

# The default policy; a field that was read once is not read again, which is most of the time.
POLICY = email.policy.default.clone(header_factory=functools.lru_cache(8192)(email.headerregistry.HeaderRegistry()))
FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
DEPTH = 60
# After a semicolon, in a header, a boundary with a character that wants quotes.
UNQUOTED = re.compile(rb"(?im)(^content-type:[^\n]*?(?:;[^\n]*?\n?[ \t]*)boundary=)([^\s\";]*=[^\s\";]*)(?=[\s;])")


@functools.lru_cache(8)
def parsed(raw):
    """The mail as Python's parser sees it, which does not read a boundary with "=" in it without quotes, as all others do."""
    head, body = split(raw)
    head = UNQUOTED.sub(rb'\1"\2"', head)
    return email.message_from_bytes(head if body is None else head + b"\r\n" + body, policy=POLICY)


def strictly(raw):
    """The same, with no help."""
    return email.message_from_bytes(raw, policy=POLICY)


def crlf(raw):
    """Line ends as Exim hands them over: CR, LF and CRLF are one line end each."""
    raw = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def split(raw):
    """The header with its last CRLF, and the body behind the empty line (None: there is no empty line)."""
    if raw.startswith(b"\r\n"):
        return b"", raw[2:]
    at = raw.find(b"\r\n\r\n")
    return (raw, None) if at < 0 else (raw[: at + 2], raw[at + 4 :])


def fields(head):
    """Fields as (lower-case name, whole raw bytes with CRLF, raw value), in order; what is no field has no name."""
    found = []
    for line in re.findall(rb"[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]+$", head):
        match = FIELD.fullmatch(line)
        if match:
            found.append((match.group(1).decode("ascii").lower(), line, match.group(2)))
        else:
            found.append((None, line, line))
    return found


def unfolded(value):
    """A raw value on one line, white space at folds made one space."""
    return re.sub(rb"[ \t]*\r\n[ \t]+", b" ", value).strip()


class Node:
    """One part: `raw` is its header and body, byte for byte."""

    def __init__(self, raw, depth=0, default="text/plain"):
        self.raw = raw
        self.head, body = split(raw)
        self.body = body or b""
        self.fields = fields(self.head)
        self.message = email.message_from_bytes(self.head + b"\r\n", policy=POLICY)
        self.kind = self._kind(default)
        self.children = []
        self.preamble = self.epilogue = b""
        self.closed = True
        self.boundary = self._boundary()
        if self.kind.startswith("multipart/") and self.boundary and depth < DEPTH:
            self._divide(depth)

    def field(self, name):
        """The raw value of the first field of this name, unfolded; empty where there is none."""
        return next((unfolded(value) for n, _, value in self.fields if n == name), b"")

    def _kind(self, default):
        try:
            if "content-type" not in self.message:
                return default
            return self.message.get_content_type()
        except Exception:
            return "text/plain"

    def _boundary(self):
        try:
            found = parsed(self.head + b"\r\n").get_boundary()
        except Exception:
            return None
        return found.rstrip().encode("ascii", "surrogateescape") if found else None

    def _divide(self, depth):
        line = re.compile(
            rb"(?:^|(?<=\n))--" + re.escape(self.boundary) + rb"(--)?[ \t]*(?:\r\n|$)"
        )
        found = list(line.finditer(self.body))
        if not found:
            self.closed = False
            self.preamble = self.body
            return
        self.preamble = self.body[: found[0].start()]
        default = "message/rfc822" if self.kind == "multipart/digest" else "text/plain"
        self.closed = False
        for here, after in zip(found, found[1:] + [None]):
            if here.group(1):
                self.closed = True
                self.epilogue = self.body[here.end() :]
                break
            end = after.start() if after else len(self.body)
            part = self.body[here.end() : end]
            # The line end in front of a delimiter belongs to the delimiter.
            if after and part.endswith(b"\r\n"):
                part = part[:-2]
            self.children.append(Node(part, depth + 1, default))

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def payload(part):
    """The decoded octets of a leaf that Python's parser found."""
    if part.is_multipart():
        return b"".join(payload(p) for p in part.iter_parts()) if part.get_content_maintype() == "multipart" else b""
    coding = str(part.get("content-transfer-encoding", ""))
    if coding != coding.strip() and coding.strip().lower() in ("base64", "quoted-printable"):
        # Python does not know the name with white space behind it, which everybody else does.
        part.replace_header("content-transfer-encoding", coding.strip())
    return part.get_payload(decode=True) or b""


def charset(part):
    """The Python codec of a text part, or None where it names none that is known."""
    try:
        name = part.get_content_charset("us-ascii")
    except Exception:
        return None
    name = (name or "us-ascii").strip().strip("'\"").lower()
    # What mail programs mean by these names (WHATWG encoding standard).
    name = {"ks_c_5601-1987": "cp949", "x-sjis": "cp932", "gb2312": "gb18030", "unicode-1-1-utf-7": "utf-7"}.get(name, name)
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError, TypeError):
        return None


def text(part):
    """The decoded text of a text part, lines ended by LF; None where it is not what its charset says."""
    codec = charset(part)
    if codec is None:
        return None
    try:
        return payload(part).decode(codec).replace("\r\n", "\n")
    except (UnicodeError, ValueError, TypeError):
        return None


def values(message, name):
    """All values of a header field, decoded by Python's header parser; what it can't take is left out."""
    try:
        return [str(v) for v in message.get_all(name, [])]
    except Exception:
        return []
