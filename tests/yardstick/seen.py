"""What a reader sees of a mail, who prefers plain text or HTML."""

import html.parser

from sorts import SEALED, UNTOUCHABLE, is_attached
from tree import payload, text

# A charset without them has plain ones: the footer says the same.
TYPOGRAPHY = str.maketrans("–—‐‘’‚“”„", "---''\'\"\"\"")


def flat(text):
    """Words with one space between, dashes and quotes as a typewriter has them."""
    return " ".join(text.translate(TYPOGRAPHY).split())


class Shown(html.parser.HTMLParser):
    """What a reader sees of an HTML page, roughly: its text without comments, scripts and styles."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.out, self.hidden = [], 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("script", "style", "title", "template")
        self.out.append(" ")

    def handle_endtag(self, tag):
        if tag in ("script", "style", "title", "template"):
            self.hidden = max(0, self.hidden - 1)
        self.out.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.out.append(data)


def shown(page):
    return flat("".join(Shown(page).out))


def unflowed(body, delsp):
    """format=flowed as paragraphs (RFC 3676 4.1, 4.2): a list of (quote depth, text)."""
    done, open_line = [], None
    for line in body.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        line = line[depth:]
        line = line[1:] if line.startswith(" ") else line
        flows = line.endswith(" ") and line != "-- "
        kept = line[:-1] if flows and delsp else line
        if open_line and open_line[0] == depth and line != "-- ":
            open_line[1] += kept
        else:
            open_line = [depth, kept]
            done.append(open_line)
        if not flows:
            open_line = None
    return [tuple(p) for p in done]


def views(part, prefer):
    """The text leaves that a program shows which prefers this kind in an alternative; None for what can't be shown."""
    sort = part.get_content_type()
    if sort in SEALED or sort in UNTOUCHABLE:
        return []
    if not part.is_multipart():
        return [part] if sort in ("text/plain", "text/html") and not is_attached(part) else []
    children = list(part.iter_parts())
    if sort == "multipart/digest":
        return []
    if sort == "multipart/alternative":
        shown_by = [views(child, prefer) for child in children]
        fitting = [v for v in shown_by if any(p.get_content_type() == prefer for p in v)]
        any_of = fitting or [v for v in shown_by if v]
        return any_of[-1] if any_of else []
    if sort == "multipart/related":
        return views(children[0], prefer) if children else []
    return [leaf for child in children for leaf in views(child, prefer)]


def seen(message, prefer):
    """The words that a reader sees in this view."""
    words = []
    for part in views(message, prefer):
        content = text(part)
        if content is None:
            content = payload(part).decode("latin-1")
        words.append(shown(content) if part.get_content_type() == "text/html" else _unstuffed(part, content))
    return flat(" ".join(words))


def _unstuffed(part, content):
    if str(part.get_param("format", "")).lower() != "flowed":
        return flat(content)
    return flat(" ".join(line for _, line in unflowed(content, str(part.get_param("delsp", "")).lower() == "yes")))
