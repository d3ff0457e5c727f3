"""A page and the plain text made of it: the same characters in the same order, white space aside.

Where a link leads stands behind its words, unless they say it. What may stand there besides: a mark in front of a list's
item, the title of the page.
"""

import html.parser
import re

HIDDEN = ("script", "style", "template")
LINK = re.compile(r"(?i)^(?:https?://|mailto:|tel:)")


def solid(text):
    """Without white space, and without characters that nobody sees."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\ufeff]+", "", text)


class Pieces(html.parser.HTMLParser):
    """(characters, must be there) in their order."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.out, self.hidden, self.title, self.links = [], 0, 0, []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in HIDDEN
        self.title += tag == "title"
        if tag == "li":
            self.out.append(("-", False))
        if tag == "a":
            self.links.append((next((v for k, v in attrs if k == "href" and v), ""), len(self.out)))

    def handle_endtag(self, tag):
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        if tag == "title":
            self.title = max(0, self.title - 1)
        if tag == "a" and self.links:
            target, begun = self.links.pop()
            where = solid(re.sub(r"(?i)^(mailto|tel):", "", target))
            if LINK.match(target) and where:
                said = where in "".join(piece for piece, _ in self.out[begun:])
                self.out.append(("(%s)" % where, not said and len(where) < 500))

    def handle_data(self, data):
        if not self.hidden:
            self.out.append((solid(data), not self.title))


def difference(page, stream):
    """None, or the first place where the plain text is not what the page says."""
    at = 0
    for piece, must in Pieces(page).out:
        if stream.startswith(piece, at):
            at += len(piece)
        elif must:
            return "%r became %r" % (piece[:60], stream[at : at + 60])
    return None if at == len(stream) else "%r was added" % stream[at : at + 60]
