"""The tag in the Subject, worked out a second time (rules S1 to S5, S7): `[5b] Re: Foo`.

The tag stands first and once; of several reply markers at the beginning one stays; a forward stays; the rest is the author's.
"""

import base64
import binascii
import quopri
import re

# Reply markers of the languages that parents' programs speak.
REPLIES = "re aw antw antwort sv vs odp ynt cevap rv ref res r відп отв رد".split()
REPLY = re.compile(r"(?i)(%s)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*" % "|".join(map(re.escape, REPLIES)))
WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?]*)?\?([bBqQ])\?([^?\s]*)\?=")


def octets(kind, coded):
    if kind in "bB":
        try:
            return base64.b64decode(coded + "=" * (-len(coded) % 4))
        except (binascii.Error, ValueError):
            return None
    # Raw octets inside a word can only be octets of its charset.
    raw = coded.replace("_", "=20")
    return quopri.decodestring(raw.encode("cp1252" if raw.isascii() is False else "ascii", "replace"), header=False)


def decoded(value):
    """A raw header value as its reader sees it: encoded words decoded, those side by side joined (RFC 2047 6.2)."""
    if isinstance(value, bytes):
        value = re.sub(rb"\r\n(?=[ \t])", b"", value)
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("cp1252", "replace")
    # A character may be cut by the border of two words of one charset: they are joined as octets first.
    out, at, open_charset, open_octets = [], 0, None, b""

    def close():
        if open_charset is not None:
            out.append(as_text(open_octets, open_charset))

    for match in WORD.finditer(value):
        between = value[at : match.start()]
        content = octets(match.group(2), match.group(3))
        charset = match.group(1).lower()
        if content is None:
            continue
        if open_charset is not None and not between.strip():
            if charset != open_charset:
                close()
                open_octets = b""
        else:
            close()
            out.append(between)
            open_octets = b""
        open_charset, open_octets, at = charset, open_octets + content, match.end()
    close()
    out.append(value[at:])
    return "".join(out)


def as_text(content, charset):
    names = {"gb2312": "gb18030", "ks_c_5601-1987": "cp949", "iso-8859-1": "cp1252", "us-ascii": "cp1252"}
    try:
        return content.decode(names.get(charset, charset))
    except (LookupError, ValueError):
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content.decode("cp1252", "replace")


def one_line(text):
    text = re.sub(r"[\s\u2028\u2029\x85]+", " ", text)
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "", text).strip()


def spaced(text):
    """With one space behind each reply marker at the beginning: programs write `Re:Foo` and `Re: Foo`."""
    tag, found = "", re.match(r"\[[^\]]*\] ", text)
    if found:
        tag, text = found.group(0), text[found.end() :]
    marker = REPLY.match(text)
    return tag + (marker.group(0).strip() + " " + text[marker.end() :] if marker else text)


def expected(value, tag):
    """What a reader sees in the copy's Subject; `value` is the raw one that came, None where there was none."""
    text = one_line(decoded(value or b""))
    if not tag:
        return text
    first = ""
    while True:
        marker = REPLY.match(text)
        if text.lower().startswith(tag.lower()):
            text = text[len(tag) :].lstrip()
        elif marker:
            first = first or marker.group(0).strip()
            text = text[marker.end() :]
        else:
            return one_line("%s %s %s" % (tag, first, text))
