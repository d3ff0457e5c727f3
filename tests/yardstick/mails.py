#!/usr/bin/python3
"""Makes the yardstick's mails: every mail of the corpora as a real Exim would hand it over, and some made for it.

    mails.py CORPORA KEYS OUT

Writes OUT/NNNN.eml and OUT/mails.json, a list of objects: `number`, `name` (where it is from), `file`, `from` (the
author's address), `defects` (empty: sane, see sane.py), `signed` (the domain whose DKIM signature holds, or null).
KEYS is the folder with the test keys, `fixtures/keys`. Says on stderr what it left out.
"""

import email.utils
import json
import os
import re
import sys

import made
from sane import defects
from signatures import Signatures
from tree import crlf, fields, split

FOLDERS = ("mime", "bounces", "dkim-arc")
# Expected outputs and other things that only look like mails.
NO_MAIL = {".out", ".xml", ".json", ".ref", ".hdr", ".body", ".mbox", ".jcal", ".md", ".msgh"}
KNOWN = set("from to subject received date message-id mime-version content-type return-path sender reply-to".split())
LARGEST = 4_000_000
TRACE = (
    b"Authentication-Results: mx.schule.example; spf=pass smtp.mailfrom=%s\r\n"
    b"Received: from mail.gmx.example (mail.gmx.example [192.0.2.1])\r\n\tby mx.schule.example with esmtps"
    b" (Exim 4.98) id 1vMt%04d-0000000;\r\n\tSun, 22 Nov 2026 10:00:01 +0100\r\n"
)


def found(root):
    """Every file of the corpora that is a mail by its first lines: (path from the root, its bytes)."""
    left = 0
    for folder in FOLDERS:
        for where, folders, files in os.walk(os.path.join(root, folder)):
            folders.sort()
            for file in sorted(files):
                path = os.path.join(where, file)
                if os.path.splitext(file)[1] in NO_MAIL or os.path.getsize(path) > LARGEST:
                    left += 1
                    continue
                with open(path, "rb") as handle:
                    raw = handle.read()
                if looks_like_mail(raw, file):
                    yield os.path.relpath(path, root), raw
                else:
                    left += 1
    print("mails.py: %d files of %s are no mails" % (left, ", ".join(FOLDERS)), file=sys.stderr)


def looks_like_mail(raw, file):
    head = re.sub(rb"\r\n?", b"\n", raw).lstrip(b"\n").split(b"\n\n", 1)[0]
    names = {m.lower().decode() for m in re.findall(rb"(?m)^([!-9;-~]+)[ \t]*:", head)}
    return len(names & KNOWN) >= (1 if file.endswith((".eml", ".msg")) else 2)


def as_exim_hands_it_over(raw):
    """Line ends, no mbox line, an empty line in front of what is no header field."""
    raw = crlf(raw)
    while raw.startswith(b"\r\n"):
        raw = raw[2:]
    raw = re.sub(rb"\A>?From [^\r\n]*\r\n", b"", raw)
    good = re.match(rb"(?:[!-9;-~]+[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*)*", raw).end()
    if raw[good : good + 2] != b"\r\n":
        raw = raw[:good] + b"\r\n" + raw[good:]
    return raw


def with_author(raw):
    """A mail without From gets one; the author's address as it can stand in Authentication-Results."""
    head, _ = split(raw)
    froms = [value for name, _, value in fields(head) if name == "from"]
    if not froms:
        return b"From: Anna Beispiel <a@gmx.example>\r\n" + raw, "a@gmx.example"
    text = froms[0].decode("ascii", "replace")
    address = email.utils.getaddresses([re.sub(r"\r\n", "", text)])[0][1]
    good = re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", address)
    return raw, address if good else None


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    corpora, keys, out = arguments
    os.makedirs(out, exist_ok=True)
    judge = Signatures(os.path.join(keys, "dns.json"))
    described = []
    every = list(found(corpora)) + list(made.invitations(corpora)) + list(made.winmails(corpora))
    every += list(made.signed(keys)) + list(made.sealed(out)) + list(made.domains()) + list(made.with_files())
    for number, (name, raw) in enumerate(every):
        raw, author = with_author(as_exim_hands_it_over(raw))
        wrong = defects(raw)
        held = sorted({s.domain for s in judge.of(raw) if s.ok})
        raw = TRACE % ((author or "a@gmx.example").encode(), number) + raw
        file = "%04d.eml" % number
        with open(os.path.join(out, file), "wb") as handle:
            handle.write(raw)
        described.append(
            {"number": number, "name": name, "file": file, "from": author, "defects": wrong, "signed": held}
        )
    with open(os.path.join(out, "mails.json"), "w", encoding="utf-8") as handle:
        json.dump(described, handle, indent=0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
