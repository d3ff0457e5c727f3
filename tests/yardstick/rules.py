"""What a list's rules about attachments and forms leave of a mail, worked out from the mail that came and docs/rewriting.md.

`plan` says which leaves must stand in the copy, in which order, and which must be gone; `check` compares the copy with it
leaf by leaf, as bodies.py does where there are no rules. `asked`: `forbidden` (endings of file names; the declared type and
the first octets count as well), `form` ("text" or "html"), `title` and `list`.
"""

import base64
import quopri
import re
from dataclasses import dataclass, field

import bodies
import pages
from tree import Node, fields, parsed, payload, split, text, unfolded

# Ending, declared type, first octets.
SORTS = {
    "pdf": ("application/pdf", (b"%PDF",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
}
GONE = {"de": "Anhang weggelassen: ", "en": "Attachment left out: "}
PICTURES = {"de": re.compile(r"Bilder weggelassen[^:]*: (\d+)"), "en": re.compile(r"Pictures left out[^:]*: (\d+)")}
UNNAMED = {"de": "ohne Namen", "en": "without a name"}
# An alternative with one of these in it is an invitation or Outlook's own: no form of it is chosen.
ENCODED = re.compile("base64|quoted-printable")
WHOLE = ("text/calendar", "application/ms-tnef")


@dataclass
class Plan:
    """`left`: (how, leaf) in order, "same" or "words"; `gone`: the leaves that may not pass; `pictures`: left out with their page."""

    left: list = field(default_factory=list)
    gone: list = field(default_factory=list)
    pictures: int = 0
    reformed: bool = False

    def changed(self):
        return bool(self.gone or self.pictures or self.reformed)


def is_asked(asked):
    return bool(asked.get("forbidden") or asked.get("form"))


def plan(old, asked):
    found = Plan()
    _walk(old, old, asked, found)
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


def _walk(part, root, asked, found):
    wrong, form = asked.get("forbidden") or [], asked.get("form")
    sort = part.get_content_type()
    if sort.startswith("message/") and part.is_multipart():
        return _enclosed(part, wrong, found)
    if not part.is_multipart():
        if forbidden(part, wrong):
            found.gone.append(part)
        elif form == "text" and sort == "text/html" and is_shown(part):
            found.reformed = True
            found.left.append(("words", part))
        else:
            found.left.append(("same", part))
        return None
    children = [c for c in part.get_payload() if not is_gone(c, wrong)]
    if sort in bodies.SEALED or sort == "multipart/report" or not form:
        return [_walk(c, root, {"forbidden": wrong}, found) for c in part.get_payload()] and None
    if sort == "multipart/alternative" and not any(is_sealed(c) for c in children):
        if any(p.get_content_type() in WHOLE for p in part.walk()):
            return [_walk(c, root, {"forbidden": wrong}, found) for c in part.get_payload()] and None
        chosen = _chosen(children, form)
        if chosen is not None and (form == "text" or not any(has_more(c, wrong) or pictures(c, wrong) for c in children if c is not chosen)):
            found.reformed = True
            return _without(part, chosen, root, asked, found)
    if sort == "multipart/related" and form == "text" and children:
        page = _root_of(part, children)
        if page is not None and becomes_text(page, wrong):
            found.reformed = True
            return _without(part, page, root, asked, found)
    return [_walk(c, root, asked, found) for c in part.get_payload()] and None


def _enclosed(mail, wrong, found):
    """A mail inside the mail passes as it is, or goes as a whole."""
    bad = bad_of(mail, wrong)
    found.gone += bad
    if not bad:
        found.left += [("same", p) for p in bodies.leaves(mail)]


def bad_of(mail, wrong):
    """The forbidden files of an enclosed mail. Where it is encoded as a whole, against the rules, the first is named."""
    encoded = ENCODED.search(str(mail.get("content-transfer-encoding", "")).lower()) and wrong
    if encoded:
        inside = parsed(decoded(mail))
        return [p for p in bodies.leaves(inside) if forbidden(p, wrong)][:1]
    return [p for p in bodies.leaves(mail) if forbidden(p, wrong)] or ([mail] if named_wrong(mail, wrong) else [])


def decoded(mail):
    """An enclosed mail that is encoded as a whole. Python does not undo that; its header has the encoding's lines then."""
    raw = mail.get_payload(0).as_bytes() if isinstance(mail.get_payload(), list) else mail.get_payload().encode("ascii", "replace")
    coding = str(mail["content-transfer-encoding"]).lower()
    return quopri.decodestring(raw) if "quoted" in coding else base64.b64decode(re.sub(rb"[^A-Za-z0-9+/=]", b"", raw))


def _without(part, chosen, root, asked, found):
    """One of several forms or the page of a multipart/related: of the others only what is neither text nor picture stays."""
    for child in part.get_payload():
        if child is chosen:
            _walk(child, root, asked, found)
        else:
            _rest(child, root, asked, found, part)


def _rest(part, root, asked, found, above):
    wrong = asked.get("forbidden") or []
    if is_sealed(part) or (part.get_content_maintype() == "message" and part.is_multipart()):
        return _walk(part, root, {"forbidden": wrong}, found)
    if part.is_multipart():
        return [_rest(c, root, asked, found, part) for c in part.get_payload()] and None
    if forbidden(part, wrong):
        found.gone.append(part)
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


def becomes_text(page, wrong):
    """True for a text, or several forms of one."""
    if page.get_content_type() == "multipart/alternative" and page.is_multipart():
        children = page.get_payload()
        chosen = None if any(is_sealed(c) for c in children) else _chosen(children, "text")
        others = [c for c in children if c is not chosen]
        return chosen is not None and becomes_text(chosen, wrong) and not any(has_more(c, wrong) or pictures(c, wrong) for c in others)
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


def is_sealed(part):
    armoured = not part.is_multipart() and part.get_content_maintype() == "text" and bodies.ARMOUR.search(payload(part))
    return part.get_content_type() in bodies.SEALED or bool(armoured)


def is_shown(part):
    return not bodies.is_attached(part) and not is_sealed(part)


def is_text(part, kind):
    """An empty one stands for none."""
    return part.get_content_type() == kind and is_shown(part) and bool(payload(part).strip())


def is_picture(part, above):
    related = above is not None and above.get_content_type() == "multipart/related"
    return part.get_content_maintype() == "image" and related and part.get_content_disposition() != "attachment"


def pictures(part, wrong, above=None):
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        return sum(pictures(c, wrong, part) for c in part.get_payload())
    return int(is_picture(part, above) and not is_gone(part, wrong))


def has_more(part, wrong, above=None):
    """Something that must not be lost: an attachment that may pass, a mail, a sealed part, what can't be divided."""
    if is_gone(part, wrong):
        return False
    if is_sealed(part) or (part.get_content_maintype() == "message" and part.is_multipart()):
        return True
    if part.is_multipart():
        return any(has_more(c, wrong, part) for c in part.get_payload())
    return not is_picture(part, above) and not (part.get_content_maintype() == "text" and is_shown(part))


def names(part):
    found = []
    for get in (part.get_filename, lambda: part.get_param("name"), lambda: part.get_param("filename", header="content-disposition")):
        try:
            name = get()
        except Exception:
            continue
        found.append(name[2] if isinstance(name, tuple) else name)
    return [str(name) for name in found if name]


def named_wrong(part, wrong):
    return any(re.sub(r"[\s.\"']+$", "", name).lower().endswith("." + ending) for ending in wrong for name in names(part))


def forbidden(part, wrong):
    """By any name, the declared type, or the first octets; text of the mail itself is no file."""
    sort, called = part.get_content_type(), names(part)
    if sort.startswith(("text/", "message/")) and not called and part.get_content_disposition() != "attachment":
        return False
    # What nobody can decode may be anything.
    coding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if named_wrong(part, wrong) or (wrong and coding not in bodies.ENCODINGS):
        return True
    return any(sort == SORTS[e][0] or payload(part).startswith(SORTS[e][1]) for e in wrong)


def is_gone(part, wrong):
    """True where nothing of the part is left: a forbidden leaf, or a mail with one in it."""
    if part.get_content_maintype() == "message" and part.is_multipart():
        return bool(bad_of(part, wrong))
    return not part.is_multipart() and forbidden(part, wrong)


def tainted(node, wrong):
    """The same of an enclosed mail's very bytes."""
    return bool(wrong) and node.kind.startswith("message/") and is_gone(parsed(node.raw), wrong)


def sealed_forbidden(raw, wrong):
    """The names of forbidden files inside of signed or encrypted parts, which can't be cleaned."""
    sealed = [part for part in parsed(raw).walk() if is_sealed(part)]
    return [(names(leaf) or [""])[0] for part in sealed for leaf in bodies.leaves(part) if forbidden(leaf, wrong)]


def says_twice(raw):
    """True where a part has two different types or transfer encodings."""
    def twice(part):
        for name in ("content-type", "content-transfer-encoding"):
            values = {re.sub(rb"\s", b"", unfolded(v)).lower() for n, _, v in fields(part.head) if n == name}
            if len(values) > 1:
                return True
        return False
    return any(twice(part) for part in everything(Node(raw)))


def everything(node):
    """Every part, also of the mails inside."""
    yield node
    for child in node.children:
        yield from everything(child)
    if node.kind in ("message/rfc822", "message/global"):
        yield from everything(Node(node.body))


def check(before, after, asked):
    """Damage as (kind, what), in place of the comparison part by part in bodies.py."""
    footer = asked.get("footer") or ""
    try:
        old, new = parsed(before), parsed(after)
        wanted, goes = plan(old, asked), list(bodies.leaves(new))
    except Exception as why:
        yield "Python can't read it", type(why).__name__
        return
    yield from bodies.untouched(before, after, asked, footer, wanted.changed())
    if not wanted.changed() and not footer:
        return
    language = asked.get("language", "de")
    notes = [p for p in goes if is_note(p, language)]
    goes = [p for p in goes if p not in notes]
    goes, _ = bodies.without_footer_part([p for _, p in wanted.left], goes, footer)
    kinds = [kind(*both) for both in wanted.left], [bodies.kind(p) for p in goes]
    if len(kinds[0]) != len(kinds[1]) or any(not bodies.same_kind(*both) for both in zip(*kinds)):
        yield "parts differ", "%s became %s" % tuple(" ".join(k[:8]) for k in kinds)
        return
    for (how, was), now in zip(wanted.left, goes):
        yield from bodies.leaf(was, now, footer, asked) if how == "same" else _words(was, now, footer, asked)
    yield from _notes(wanted, notes, (old, new), asked, language)
    yield from _structure(old, new, wanted, notes, asked)
    yield from _shown(old, new, asked, wanted)
    yield from bodies.footed(old, new, footer, asked)


def kind(how, part):
    return "text/plain" if how == "words" else bodies.kind(part)


def is_note(part, language):
    if part.get_content_type() != "text/plain" or bodies.is_attached(part):
        return False
    return bool((text(part) or "").startswith(GONE[language]) or PICTURES[language].match(text(part) or ""))


def _notes(wanted, notes, mails, asked, language):
    """Every file that went is named, with its size and whom to ask; pictures are counted; and a reader sees it."""
    written = "\n".join(text(n) for n in notes)
    old, new = mails
    lines = [line for line in written.split("\n") if line.startswith(GONE[language])]
    if len(lines) != len(wanted.gone):
        yield "note wrong", "%d gone, %d named" % (len(wanted.gone), len(lines))
    left = list(lines)
    for part in wanted.gone:
        line = next((l for l in left if names_it(l[len(GONE[language]) :], part, language, asked)), None)
        if line is None:
            yield "note wrong", "%r is not in %r" % (names(part), left)
            continue
        left.remove(line)
        for view in ("text/plain", "text/html"):
            if any(part is p for p in reachable(old, view)) and bodies.flat(line) not in bodies.seen(new, view):
                yield "note hidden", "view of %s" % view
    if wanted.gone and any(asked["list"].replace("@", "-owner@") not in text(n) for n in notes if text(n).startswith(GONE[language])):
        yield "note wrong", "nobody to ask"
    said = sum(int(n) for n in PICTURES[language].findall(written))
    if said != wanted.pictures:
        yield "note wrong", "%d pictures gone, %d said" % (wanted.pictures, said)
    for note in notes:
        if PICTURES[language].match(text(note)) and bodies.flat(text(note)) not in bodies.seen(new, "text/plain"):
            yield "note hidden", "about pictures"


def reachable(part, view):
    """The leaves that a program offers which prefers this kind of text: all, but for those of the other forms."""
    if not part.is_multipart():
        return [part]
    children = part.get_payload()
    if part.get_content_type() == "multipart/alternative":
        fitting = [c for c in children if any(p.get_content_type() == view for p in bodies.views(c, view))]
        chosen = (fitting or children)[-1:]
        # A form that no program shows as text is an attachment to most.
        chosen += [c for c in children if c not in chosen and not bodies.views(c, view)]
        return [leaf for c in chosen for leaf in reachable(c, view)]
    return [leaf for c in children for leaf in reachable(c, view)]


def names_it(line, part, language, asked):
    called = [re.sub(r"\s+", " ", n).strip() for n in names(part)] or [UNNAMED[language]]
    if any(part[h] is not None and part[h].defects for h in ("content-type", "content-disposition")):
        bodies.note(asked, "a file name against the rules: any is fine")
        called.append(None)
    found = re.match(r"(.*) \((\d+(?:[.,]\d+)?) ?(B|Bytes?|kB|MB)\)\. ", line)
    if not found or "„%s“" % asked["title"] not in line and "“%s”" % asked["title"] not in line:
        return False
    # What nobody can decode has the size that it has in the mail.
    known = str(part.get("content-transfer-encoding", "")).strip().lower() in bodies.ENCODINGS
    size = len(payload(part)) if known or part.is_multipart() else len(part.get_payload())
    octets = float(found.group(2).replace(",", ".")) * {"k": 1000, "M": 1000000}.get(found.group(3)[0], 1)
    if any(type(d).__name__.startswith("InvalidBase64") for d in part.defects):
        bodies.note(asked, "a file in broken base64: any size is fine")
        octets = size
    near = abs(octets - size) <= max(1000 if found.group(3)[0] != "B" else 0, size * 0.06)
    return near and any(name is None or matches(found.group(1), name) for name in called)


def matches(said, name):
    """A long name is cut in its middle; what no charset explains may be any character."""
    if "..." in said and len(name) > 80:
        return name.startswith(said.split("...")[0][:70]) and name.endswith(said.split("...")[-1])
    return re.fullmatch("".join("." if c == "\ufffd" or "\ud800" <= c <= "\udfff" else re.escape(c) for c in name), said) is not None


def _structure(old, new, wanted, notes, asked):
    """No multipart is gone but with what was in it; a new one only around a note or a frame."""
    was, now = bodies.containers(old), bodies.containers(new)
    if asked.get("form") and wanted.reformed:
        return
    enclosed = [m for m in old.walk() if m.get_content_maintype() == "message" and is_gone(m, asked.get("forbidden") or [])]
    inside = [c for m in enclosed for c in bodies.containers(m)]
    for sort in inside:
        was.remove(sort)
    rest = iter(now)
    missing = [sort for sort in was if sort not in rest]
    more = len(now) - len(was) + len(missing)
    most = len(notes) + bool(asked.get("wrap")) + bool(asked.get("footer"))
    emptied = [s for s in missing if s in ("multipart/alternative", "multipart/related")] if wanted.gone else []
    if missing != emptied or more > most or any(now.count(s) > was.count(s) for s in set(now) - {"multipart/mixed"}):
        yield "structure differs", "%s became %s" % (was, now)


def _shown(old, new, asked, wanted):
    """What a reader saw who prefers a form she sees still, in its order; with plain text alone in every program."""
    if any(text(p) is None for p in bodies.leaves(old) if p.get_content_maintype() == "text"):
        bodies.note(asked, "a text that is none of its charset: each part is compared, not what is shown of all")
        return
    form = {"text": ["text/plain"], "html": ["text/html"]}.get(asked.get("form"), ["text/plain", "text/html"])
    for prefer in form:
        was = letters(bodies.seen(old, prefer))
        for view in ("text/plain", "text/html") if asked.get("form") == "text" else (prefer,):
            now = iter(letters(bodies.seen(new, view)))
            missing = next((n for n, letter in enumerate(was) if letter not in now), None)
            if missing is not None:
                yield "not shown any more", "%r in the view of %s" % ("".join(was[missing : missing + 20]), view)


def letters(words):
    return [c for c in words if c.isalnum() and c != "\ufffd"]


def _words(page, plain, footer, asked):
    """A page as plain text: every word of it, in its order, and nothing else but link targets and list marks."""
    now = text(plain)
    if now is None or plain.get_content_type() != "text/plain":
        yield "text changed", "%s is no plain text" % bodies.kind(page)
        return
    stream = pages.solid(now)
    if footer and stream.endswith(pages.solid(footer)):
        stream = stream[: -len(pages.solid(footer))].rstrip("_")
    wrong = []
    for number, was in enumerate(bodies.readings(page, payload(page)) or [payload(page).decode("latin-1")]):
        difference = pages.difference(was, stream)
        if difference is None:
            if number:
                asked.setdefault("noted", set()).add("a page whose charset is not plain")
            return
        wrong.append(difference)
    yield "text changed", "%s: %s" % (bodies.kind(page), wrong[0])
