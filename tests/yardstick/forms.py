"""Which leaves of a mail a list with rules leaves, worked out from the mail that came and docs/rewriting.md.

`plan` says which leaves must stand in the copy, in which order, and which must be gone. `asked`: what files.py reads, and
`form` ("text" or "html").
"""

from dataclasses import dataclass, field

import files
from files import is_gone, is_sealed
from sorts import SEALED, is_attached, leaves
from tree import parsed, payload

# An alternative with one of these in it is an invitation or Outlook's own: no form of it is chosen.
WHOLE = ("text/calendar", "application/ms-tnef")


@dataclass
class Plan:
    """`left`: (how, leaf) in order, "same" or "words"; `gone`: (leaf, why); `forwarded`: a mail inside went with one; `pictures`:
    left out with their page."""

    left: list = field(default_factory=list)
    gone: list = field(default_factory=list)
    forwarded: bool = False
    pictures: int = 0
    reformed: bool = False

    def changed(self):
        return bool(self.gone or self.pictures or self.reformed)


def is_asked(asked):
    return bool(files.of(asked) or asked.get("form"))


def plan(old, asked):
    found = Plan()
    _walk(files.marked(old), files.of(asked), asked.get("form"), found)
    return found


def leaves_alone(before, asked):
    """True where a list with rules, which changes nothing else, has nothing to change in this mail."""
    if not is_asked(asked) or asked["from"] != "keep" or any(asked.get(key) for key in ("tag", "footer", "hidden", "arc")):
        return False
    return not plan(parsed(before), asked).changed()


def root_changes(before, asked):
    """True where the mail's body as a whole becomes another entity."""
    if not is_asked(asked):
        return False
    try:
        old = parsed(before)
        found = plan(old, asked)
    except Exception:
        return False
    alone = (not old.is_multipart() or old.get_content_maintype() == "message") and found.changed()
    return alone or old.get_content_type() in ("multipart/alternative", "multipart/related") and found.changed()


def _walk(part, rules, form, found):
    sort = part.get_content_type()
    if sort.startswith("message/") and part.is_multipart():
        return _enclosed(part, rules, found)
    if not part.is_multipart():
        gone = files.gone_of(part, rules)
        if gone:
            found.gone += gone
        elif form == "text" and sort == "text/html" and is_shown(part):
            found.reformed = True
            found.left.append(("words", part))
        else:
            found.left.append(("same", part))
        return None
    children = [c for c in part.get_payload() if not is_gone(c, rules)]
    if sort in SEALED or sort == "multipart/report" or not form:
        return [_walk(c, rules, None, found) for c in part.get_payload()] and None
    if sort == "multipart/alternative" and not any(is_sealed(c) for c in children):
        if any(p.get_content_type() in WHOLE for p in part.walk()):
            return [_walk(c, rules, None, found) for c in part.get_payload()] and None
        chosen = _chosen(children, form)
        if chosen is not None and (form == "text" or not any(has_more(c, rules) or pictures(c, rules) for c in children if c is not chosen)):
            found.reformed = True
            return _without(part, chosen, rules, form, found)
    if sort == "multipart/related" and form == "text" and children:
        page = _root_of(part, children)
        if page is not None and becomes_text(page, rules):
            found.reformed = True
            return _without(part, page, rules, form, found)
    return [_walk(c, rules, form, found) for c in part.get_payload()] and None


def _enclosed(mail, rules, found):
    """A mail inside the mail passes as it is, or goes as a whole."""
    bad = files.gone_of(mail, rules)
    found.gone += bad
    found.forwarded |= any(part is not mail for part, _ in bad)
    if not bad:
        found.left += [("same", p) for p in leaves(mail)]


def _without(part, chosen, rules, form, found):
    """One of several forms or the page of a multipart/related: of the others only what is neither text nor picture stays."""
    for child in part.get_payload():
        if child is chosen:
            _walk(child, rules, form, found)
        else:
            _rest(child, rules, found, part)


def _rest(part, rules, found, above):
    if is_sealed(part) or (part.get_content_maintype() == "message" and part.is_multipart()):
        return _walk(part, rules, None, found)
    if part.is_multipart():
        return [_rest(c, rules, found, part) for c in part.get_payload()] and None
    gone = files.gone_of(part, rules)
    if gone:
        found.gone += gone
    elif is_picture(part, above):
        found.pictures += 1
    elif not (part.get_content_maintype() == "text" and is_shown(part)):
        found.left.append(("same", part))
    return None


def _chosen(children, form):
    """Which of several forms goes; the last is the best (RFC 2046 5.1.4)."""
    def with_a(kind, whole):
        fits = (lambda c: not c.is_multipart() and is_text(c, kind)) if whole else (lambda c: any(is_text(p, kind) for p in own(c)))
        return next((c for c in reversed(children) if fits(c)), None)
    if form == "html":
        return with_a("text/html", False)
    return with_a("text/plain", True) or with_a("text/plain", False) or with_a("text/html", False)


def _root_of(part, children):
    start = part.get_param("start")
    named = [c for c in children if start and str(c.get("content-id", "")).strip() == str(start).strip()]
    return (named or children)[0]


def becomes_text(page, rules):
    """True for a text, or several forms of one."""
    if page.get_content_type() == "multipart/alternative" and page.is_multipart():
        children = page.get_payload()
        chosen = None if any(is_sealed(c) for c in children) else _chosen(children, "text")
        others = [c for c in children if c is not chosen]
        return chosen is not None and becomes_text(chosen, rules) and not any(has_more(c, rules) or pictures(c, rules) for c in others)
    if page.get_content_type() == "multipart/related" and page.is_multipart():
        return False
    return not page.is_multipart() and page.get_content_maintype() == "text" and not is_sealed(page)


def own(part):
    """The leaves of the mail itself: not those of mails inside, nor of what is sealed."""
    if is_sealed(part) or (part.get_content_maintype() == "message" and part.is_multipart()):
        return
    if part.is_multipart():
        for child in part.get_payload():
            yield from own(child)
    else:
        yield part


def is_shown(part):
    return not is_attached(part) and not is_sealed(part)


def is_text(part, kind):
    """An empty one stands for none."""
    return part.get_content_type() == kind and is_shown(part) and bool(payload(part).strip())


def is_picture(part, above):
    related = above is not None and above.get_content_type() == "multipart/related"
    return part.get_content_maintype() == "image" and related and part.get_content_disposition() != "attachment"


def pictures(part, rules, above=None):
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        return sum(pictures(c, rules, part) for c in part.get_payload())
    return int(is_picture(part, above) and not is_gone(part, rules))


def has_more(part, rules, above=None):
    """Something that must not be lost: an attachment that may pass, a mail, a sealed part, what can't be divided."""
    if is_gone(part, rules):
        return False
    if is_sealed(part) or (part.get_content_maintype() == "message" and part.is_multipart()):
        return True
    if part.is_multipart():
        return any(has_more(c, rules, part) for c in part.get_payload())
    return not is_picture(part, above) and not (part.get_content_maintype() == "text" and is_shown(part))
