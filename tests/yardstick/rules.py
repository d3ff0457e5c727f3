"""What a list's rules about attachments and forms of text made of a mail: only what they are against is gone, and it is said.

`asked`: `forbidden` (endings of file names; declared types and the first octets count as well), `form` ("text" or "html").
Knows what a file is by its own few rules. What must never change is bodies.py's and the same here.
"""

import re

import bodies
from tree import parsed, payload, text

# Ending, declared type, first octets.
SORTS = {
    "pdf": ("application/pdf", (b"%PDF",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
}
NOTES = {"de": ("Anhang weggelassen: ", "Bilder weggelassen"), "en": ("Attachment left out: ", "Pictures left out")}
INVITED = "text/calendar"


def is_asked(asked):
    return bool(asked.get("forbidden") or asked.get("form"))


def check(before, after, asked):
    """Damage as (kind, what), in place of the comparison part by part in bodies.py."""
    try:
        old, new = parsed(before), parsed(after)
        came, goes = list(bodies.leaves(old)), list(bodies.leaves(new))
    except Exception as why:
        yield "Python can't read it", type(why).__name__
        return
    words = NOTES[asked.get("language", "de")]
    goes = [p for p in goes if not is_footer(p, asked)]
    notes = [p for p in goes if p not in came and is_note(p, words)]
    goes = [p for p in goes if p not in notes]
    wrong = asked.get("forbidden") or []
    for part in goes:
        if forbidden(part, wrong):
            yield "forbidden part left", bodies.kind(part)
    yield from _stays(old, came, goes, asked, wrong, words, notes)
    if asked.get("form") == "text":
        yield from _texts(old, new)
    if asked.get("form") == "html":
        yield from _pages(old, new)


def is_note(part, words):
    shown = text(part) or ""
    return part.get_content_type() == "text/plain" and any(word in shown for word in words)


def is_footer(part, asked):
    return bool(asked.get("footer")) and part.get_content_type() == "text/plain" and bodies.alone(text(part) or "", asked["footer"])


def names(part):
    found = []
    for get in (part.get_filename, lambda: part.get_param("name"), lambda: part.get_param("filename", header="content-disposition")):
        try:
            name = get()
        except Exception:
            continue
        found.append(name[2] if isinstance(name, tuple) else name)
    return [str(name) for name in found if name]


def forbidden(part, wrong):
    """By any name, the declared type, or the first octets; text of the mail itself is no file."""
    sort, called = part.get_content_type(), names(part)
    if sort.startswith(("text/", "message/")) and not called and part.get_content_disposition() != "attachment":
        return False
    for ending in wrong:
        declared, starts = SORTS[ending]
        if sort == declared or payload(part).startswith(starts):
            return True
        if any(re.sub(r"[\s.\"']+$", "", name).lower().endswith("." + ending) for name in called):
            return True
    return False


def enclosing(old):
    """Every leaf with the outermost mail that it is enclosed in, or None."""
    def walk(part, mail):
        if part.is_multipart():
            inside = mail or (part if part is not old and part.get_content_maintype() == "message" else None)
            for child in part.get_payload():
                yield from walk(child, inside)
        else:
            yield part, mail
    return list(walk(old, None))


def _stays(old, came, goes, asked, wrong, words, notes):
    """What no rule is against is there, in its order and octet for octet; what went is named in a note."""
    tainted = {id(mail) for part, mail in enclosing(old) if mail is not None and forbidden(part, wrong)}
    left = list(goes)
    gone = 0
    for part, mail in enclosing(old):
        if (mail is not None and id(mail) in tainted) or forbidden(part, wrong):
            gone += 1
            continue
        if asked.get("form") and mail is None and may_convert(old, part):
            continue
        at = next((n for n, other in enumerate(left) if equal(part, other, asked)), None)
        if at is None:
            yield "part lost", bodies.kind(part)
        else:
            del left[at if asked.get("form") else 0 : at + 1]
    said = any(words[0] in (text(note) or "") for note in notes)
    if bool(gone) != said and wrong:
        yield "note wrong", "%d gone, note: %s" % (gone, said)


def sealed_forbidden(raw, wrong):
    """True where something forbidden stands inside of a signed or encrypted part, which can't be cleaned."""
    sealed = [part for part in parsed(raw).walk() if part.get_content_type() in bodies.SEALED]
    return any(forbidden(leaf, wrong) for part in sealed for leaf in bodies.leaves(part))


def may_convert(old, part):
    """Text of the mail, or a picture of its page: another form stands for it. A multipart without parts is nothing."""
    if part.get_content_maintype() == "text" and not bodies.is_attached(part):
        return True
    return part.get_content_maintype() in ("image", "multipart")


def equal(was, now, asked):
    if was.get_content_type() != now.get_content_type():
        return False
    if payload(was) == payload(now) or payload(was).strip() == payload(now).strip():
        return True
    # A text with a footer below it; bodies.py looks at those more closely.
    return bool(asked.get("footer")) and was.get_content_maintype() == "text" and not list(bodies._leaf(was, now, asked["footer"]))


def kept(old):
    """The texts that have a form of their own for a reason: invitations, reports, what is sealed, mails inside."""
    held = set()
    def walk(part, fixed):
        sort = part.get_content_type()
        if part is not old and part.get_content_maintype() == "message" or sort in bodies.SEALED or sort == "multipart/report":
            fixed = True
        if part.is_multipart():
            children = part.get_payload()
            calendar = sort == "multipart/alternative" and any(p.get_content_type() == INVITED for p in part.walk())
            for child in children:
                walk(child, fixed or calendar)
        elif fixed or bodies.is_attached(part):
            held.add(id(part))
    walk(old, False)
    return held


def letters(page):
    """Where a page is divided into words, programs see differently."""
    return re.findall(r"[A-Za-z0-9]", page)


def _texts(old, new):
    """Text only: no page is left, and what pages said without a plain text beside them is there in words."""
    held = kept(new)
    for part in bodies.leaves(new):
        if part.get_content_type() == "text/html" and id(part) not in held:
            yield "page left", bodies.kind(part)
    yield from _same_words(old, new, "text/plain")


def _pages(old, new):
    """HTML only: where there was a page, no plain text stands beside it."""
    for part in new.walk():
        if part.get_content_type() == "multipart/alternative" and id(part) not in kept(new):
            children = [p.get_content_type() for p in part.get_payload()] if part.is_multipart() else []
            calendar = any(p.get_content_type() == INVITED for p in part.walk())
            if "text/html" in children and "text/plain" in children and not calendar and not inside_kept(new, part):
                yield "plain text left", " ".join(children)
    yield from _same_words(old, new, "text/html")


def inside_kept(new, wanted):
    def walk(part, fixed):
        if part is wanted:
            return fixed
        sort = part.get_content_type()
        fixed = fixed or (part is not new and part.get_content_maintype() == "message") or sort in bodies.SEALED or sort == "multipart/report"
        return part.is_multipart() and any(walk(child, fixed) for child in part.get_payload())
    return walk(new, False)


def _same_words(old, new, prefer):
    """Every word that a reader saw who prefers this form is there, in its order."""
    was, now = (letters(bodies.seen(mail, prefer)) for mail in (old, new))
    at = iter(now)
    missing = next((n for n, letter in enumerate(was) if letter not in at), None)
    if missing is not None:
        yield "words lost", repr("".join(was[missing : missing + 20]))
