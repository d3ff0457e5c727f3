"""What must stand in a copy of a list with rules about attachments and forms: the copy is compared leaf by leaf with what
forms.py says is left, as bodies.py does where there are no rules, and for each file that went there is a note.

`asked`: what forms.py and files.py read, `title` and `list`.
"""

import re

import bodies
import files
import pages
from files import names
from forms import plan
from seen import flat, seen, views
from sorts import ENCODINGS, containers, is_attached, leaves, note
from tree import parsed, payload, text
from untouched import untouched

GONE = {"de": "Anhang weggelassen: ", "en": "Attachment left out: "}
# What a note says of the reason; the first is what is said of no other.
REASONS = {
    "de": {"kind": "Dateien dieser Art", "size": "Anhänge bis höchstens", "elsewhere": "nicht sehen kann"},
    "en": {"kind": "files of this kind", "size": "attachments of at most", "elsewhere": "cannot see"},
}
FORWARDED = {"de": "Auch die weitergeleitete Mail", "en": "The forwarded mail"}
ASK = {"de": ("Wenn Sie ihn brauchen", "Wenn Sie sie brauchen"), "en": ("If you need it,", "If you need them,")}
PICTURES = {"de": re.compile(r"Bilder weggelassen[^:]*: (\d+)"), "en": re.compile(r"Pictures left out[^:]*: (\d+)")}
UNNAMED = {"de": "ohne Namen", "en": "without a name"}


def check(before, after, asked):
    """Damage as (kind, what), in place of the comparison part by part in bodies.py."""
    footer = asked.get("footer") or ""
    try:
        old, new = parsed(before), parsed(after)
        wanted, goes = plan(old, asked), list(leaves(new))
    except Exception as why:
        yield "Python can't read it", type(why).__name__
        return
    yield from untouched(before, after, asked, footer, wanted.changed())
    if not wanted.changed() and not footer:
        return
    language = asked.get("language", "de")
    notes = [p for p in goes if is_note(p, language)]
    goes = [p for p in goes if p not in notes]
    goes, _ = bodies.without_footer_part([p for _, p in wanted.left], goes, footer)
    kinds = [kind(*both) for both in wanted.left], [bodies.kind(p) for p in goes]
    if asked.get("allowed") and kinds[0] != kinds[1] and any(files.is_unclear(p) for p in old.walk()):
        note(asked, "a file name against the rules: whether the list takes the file nobody can say")
        return
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
    if part.get_content_type() != "text/plain" or is_attached(part):
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
    for part, why in wanted.gone:
        line = next((l for l in left if names_it(l[len(GONE[language]) :], part, why, language, asked)), None)
        if line is None:
            yield "note wrong", "%r, gone for its %s, is not in %r" % (names(part), why, left)
            continue
        left.remove(line)
        # What a program shows of a report is its own.
        if "multipart/report" in files.all_above(part):
            continue
        for view in ("text/plain", "text/html"):
            if any(part is p for p in reachable(old, view)) and flat(line) not in seen(new, view):
                yield "note hidden", "view of %s" % view
    if wanted.gone and any(asked["list"].replace("@", "-owner@") not in text(n) for n in notes if text(n).startswith(GONE[language])):
        yield "note wrong", "nobody to ask"
    if (FORWARDED[language] in written) != wanted.forwarded:
        yield "note wrong", "a forwarded mail is gone and nobody says so, or the other way round"
    for one in (text(n) for n in notes if text(n).startswith(GONE[language])):
        if ASK[language][one.count(GONE[language]) > 1] not in one:
            yield "note wrong", "one or several: %r" % one
    said = sum(int(n) for n in PICTURES[language].findall(written))
    if said != wanted.pictures:
        yield "note wrong", "%d pictures gone, %d said" % (wanted.pictures, said)
    for one in notes:
        if PICTURES[language].match(text(one)) and flat(text(one)) not in seen(new, "text/plain"):
            yield "note hidden", "about pictures"


def reachable(part, view):
    """The leaves that a program offers which prefers this kind of text: all, but for those of the other forms."""
    if not part.is_multipart():
        return [part]
    if part.get_content_maintype() == "message" and not files.is_enclosed(part):
        return [part]
    children = part.get_payload()
    if part.get_content_type() == "multipart/alternative":
        fitting = [c for c in children if any(p.get_content_type() == view for p in views(c, view))]
        chosen = (fitting or children)[-1:]
        # A form that no program shows as text is an attachment to most.
        chosen += [c for c in children if c not in chosen and not views(c, view)]
        return [leaf for c in chosen for leaf in reachable(c, view)]
    return [leaf for c in children for leaf in reachable(c, view)]


def names_it(line, part, why, language, asked):
    called = [re.sub(r"\s+", " ", n).strip() for n in names(part)] or [UNNAMED[language]]
    if files.is_unclear(part):
        note(asked, "a file name against the rules: any is fine")
        called.append(None)
    found = re.match(r"(.*) \((\d+(?:[.,]\d+)?) ?(B|Bytes?|kB|MB)\)\. ", line)
    if not found or "„%s“" % asked["title"] not in line and "“%s”" % asked["title"] not in line:
        return False
    limit = re.search(r"(\d+(?:[.,]\d+)?) ?(B|Bytes?|kB|MB)( an)?\.$", line) if why == "size" else None
    if REASONS[language][why] not in line or why == "size" and not (limit and in_octets(*limit.groups()[:2]) == asked["max"]):
        return False
    # What nobody can decode has the size that it has in the mail.
    known = str(part.get("content-transfer-encoding", "")).strip().lower() in ENCODINGS
    size = len(payload(part)) if known or part.is_multipart() else len(part.get_payload())
    octets = in_octets(found.group(2), found.group(3))
    if part.is_multipart():
        note(asked, "a mail as a file: any size is fine")
        octets = size
    if any(type(d).__name__.startswith("InvalidBase64") for d in part.defects):
        note(asked, "a file in broken base64: any size is fine")
        octets = size
    near = abs(octets - size) <= max(1000 if found.group(3)[0] != "B" else 0, size * 0.06)
    return near and any(name is None or matches(found.group(1), name) for name in called)


def in_octets(number, unit):
    return float(number.replace(",", ".")) * {"k": 1000, "M": 1000000}.get(unit[0], 1)


def matches(said, name):
    """A long name is cut in its middle; what no charset explains may be any character."""
    if "..." in said and len(name) > 80:
        return name.startswith(said.split("...")[0][:70]) and name.endswith(said.split("...")[-1])
    return re.fullmatch("".join("." if c == "\ufffd" or "\ud800" <= c <= "\udfff" else re.escape(c) for c in name), said) is not None


def _structure(old, new, wanted, notes, asked):
    """No multipart is gone but with what was in it; a new one only around a note or a frame."""
    was, now = containers(old), containers(new)
    if asked.get("form") and wanted.reformed:
        return
    for sort in [sort for mail in outermost(old, files.of(asked)) for sort in containers(mail)]:
        was.remove(sort)
    rest = iter(now)
    missing = [sort for sort in was if sort not in rest]
    more = len(now) - len(was) + len(missing)
    most = len(notes) + bool(asked.get("wrap")) + bool(asked.get("footer"))
    emptied = [s for s in missing if s in ("multipart/alternative", "multipart/related")] if wanted.gone else []
    if missing != emptied or more > most or any(now.count(s) > was.count(s) for s in set(now) - {"multipart/mixed"}):
        yield "structure differs", "%s became %s" % (was, now)


def outermost(part, rules):
    """The mails inside that go as a whole."""
    if part.get_content_maintype() == "message" and files.is_gone(part, rules):
        return [part] if part.is_multipart() else []
    return [mail for c in part.get_payload() for mail in outermost(c, rules)] if part.is_multipart() else []


def _shown(old, new, asked, wanted):
    """What a reader saw who prefers a form she sees still, in its order; with plain text alone in every program."""
    if any(text(p) is None for p in leaves(old) if p.get_content_maintype() == "text"):
        note(asked, "a text that is none of its charset: each part is compared, not what is shown of all")
        return
    form = {"text": ["text/plain"], "html": ["text/html"]}.get(asked.get("form"), ["text/plain", "text/html"])
    for prefer in form:
        was = letters(seen(old, prefer))
        for view in ("text/plain", "text/html") if asked.get("form") == "text" else (prefer,):
            now = iter(letters(seen(new, view)))
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
