#!/usr/bin/python3
"""Judges DKIM signatures with dkimpy, an implementation that shares no code with ours.

    dkim_verify.py [--at-least N] DNS.json FILE|DIRECTORY...

DNS.json maps "selector._domainkey.domain" to the TXT record; it is all the DNS there is, nothing is
asked on the network. One JSON line per file goes to stdout, e.g.

    {"file": "a.eml", "signatures": [{"d": "schule.example", "s": "r2026", "a": "rsa-sha256", "ok": true}], "arc": "none"}

("arc" is what the ARC chain is worth: none, pass or fail) with "error" where the file is no mail or a signature could not be judged. Signatures stand in header order.
A domain is ours when DNS.json has a key for it. Exit 0: no signature of ours failed, and every file has at
least N of ours (default 0); 1: one failed or was missing; 2: wrong usage, or dkimpy is not installed.
"""

import json
import logging
import os
import sys

try:
    import dkim
    from dkim.util import parse_tag_value
except ImportError:
    print("dkim_verify.py: dkimpy is missing; install the Debian package python3-dkim", file=sys.stderr)
    sys.exit(2)

SILENT = logging.getLogger("dkimpy")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


def answers(path):
    """The records as dkimpy asks for them: names and texts are bytes, names end in a dot."""
    with open(path, encoding="utf-8") as file:
        return {name.rstrip(".").lower(): text.encode() for name, text in json.load(file).items()}


def text(value):
    return (value or b"").strip().decode("ascii", "replace")


def judge(message, number, value, lookup):
    """One signature: its tags, whether it holds, and why it could not be judged."""
    tags = {}
    try:
        tags = parse_tag_value(value)
        ok = bool(dkim.DKIM(message, logger=SILENT).verify(idx=number, dnsfunc=lookup))
        error = None
    except Exception as why:  # dkimpy raises many kinds, also plain ValueError, for hostile input
        ok, error = False, "%s: %s" % (type(why).__name__, why)
    found = {"d": text(tags.get(b"d")), "s": text(tags.get(b"s")), "a": text(tags.get(b"a")), "ok": ok}
    if error:
        found["error"] = error
    return found


def judge_arc(message, lookup):
    """RFC 8617 5.2, in the words of cv=."""
    try:
        validation, _, _ = dkim.ARC(message, logger=SILENT).verify(dnsfunc=lookup)
    except Exception:
        return "fail"
    return (validation or b"none").decode().lower()


def judge_file(path, records):
    with open(path, "rb") as file:
        message = file.read()

    def lookup(name, timeout=5):
        name = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        return records.get(name.rstrip(".").lower())

    try:
        headers = dkim.DKIM(message, logger=SILENT).headers
    except Exception as why:
        return {"file": path, "signatures": [], "error": "%s: %s" % (type(why).__name__, why)}
    values = [value for name, value in headers if name.lower() == b"dkim-signature"]
    return {
        "file": path,
        "signatures": [judge(message, i, value, lookup) for i, value in enumerate(values)],
        "arc": judge_arc(message, lookup),
    }


def files(paths):
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(entry.path for entry in os.scandir(path) if entry.is_file())
        else:
            yield path


def main(arguments):
    at_least = 0
    if arguments[:1] == ["--at-least"] and len(arguments) > 1 and arguments[1].isdigit():
        at_least, arguments = int(arguments[1]), arguments[2:]
    if len(arguments) < 2 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    records = answers(arguments[0])
    ours = {name.split("._domainkey.", 1)[-1] for name in records}
    bad = 0
    for path in files(arguments[1:]):
        result = judge_file(path, records)
        print(json.dumps(result), flush=True)
        mine = [s for s in result["signatures"] if s["d"].lower() in ours]
        if len(mine) < at_least or not all(s["ok"] for s in mine):
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
