#!/usr/bin/python3
"""The yardstick: compares what went in with what came out, knows nothing of the code in between, prints a table.

    check.py IN RESULT [KEYS]

IN is the folder of mails.py. RESULT is a folder with `results.json`:

    {"asked": {...}, "left_out": 0, "mails": [{"number": 7, "code": 250, "reply": "...", "failed": false, "copies": [{"file": "0007.eml", "said": "MAIL FROM:..."}]}]}

`asked` is what the list was to do (see heads.py, bodies.py, files.py and forms.py), with "#" for the mail's number in `list` and `title`; a value
that is an object has one for each language, and a copy its reader's `language` ("de" where it has none). "minimal": true says that
nothing was configured that touches what an author signs. `failed`: the mail got 250, could not be given to the
relay, and listd said so. `left_out`: so many mails of IN were not tried, a sample was. Exit 0: no damage and nothing lost; 1: some; 2: wrong usage. RESULT/report.json has every finding.
"""

import json
import multiprocessing
import os
import re
import sys
from collections import Counter

import bodies
import divided
import forms
import heads
import lost
import seals
import tree
import wire
from signatures import Signatures


def judge(task):
    """One mail with its copies: (number, damage, facts)."""
    folder, result, keys, mail, outcome, asked = task
    with open(os.path.join(folder, mail["file"]), "rb") as file:
        before = repaired(file.read())
    asked = {k: v.replace("#", str(mail["number"])) if isinstance(v, str) and k != "footer" else v for k, v in asked.items()}
    asked["verified"] = mail["from"] is not None
    facts, damage = {"mail": mail}, []
    if not outcome["copies"]:
        facts["lost"] = lost.why(before, mail, outcome, asked)
        return mail["number"], damage, facts
    judges = Signatures(os.path.join(keys, "dns.json"))
    for copy in outcome["copies"]:
        mine = in_language(asked, copy.get("language", "de")) | {"reformed": forms.root_changes(before, asked)}
        with open(os.path.join(result, copy["file"]), "rb") as file:
            after = file.read()
        # The bounce of one check must not hide what the others find.
        for check in (lambda: wire.check(before, after, copy["said"]), lambda: signed(judges, mail, before, after, mine, facts),
                      lambda: heads.check(before, after, mine), lambda: bodies.check(before, after, mine),
                      lambda: seals.check(folder, mail, before, after)):
            try:
                damage += list(check())
            except Exception as why:
                damage.append(("the check itself failed", "%s: %s" % (type(why).__name__, why)))
        damage = divided.forgiven(before, after, mine, mail["defects"], damage)
        facts.setdefault("noted", set()).update(mine.get("noted", ()))
    facts["rewritten"] = asked["list"].split("@")[0] in str(heads.one(heads.fields(heads.split(after)[0]), "from"))
    changed = asked.get("footer") or forms.is_asked(asked)
    facts["footer"] = bool(changed) and tree.split(before)[1] != tree.split(after)[1]
    return mail["number"], damage, facts


def in_language(asked, language):
    """What the list was to do for a reader of this language: texts may be given by language."""
    mine = {k: v[language] if isinstance(v, dict) else v for k, v in asked.items()}
    return mine | {"language": language, "word": {"de": "über", "en": "via"}[language]}


def repaired(raw):
    """The syntax of old with white space before a colon is written as everybody reads it (RFC 5322 4.5)."""
    head, body = tree.split(raw)
    head = re.sub(rb"(?m)^([!-9;-~]+)[ \t]+:", rb"\1:", head)
    return head if body is None else head + b"\r\n" + body


def signed(judges, mail, before, after, asked, facts):
    """D3, D7: ours hold, both of them; D2: the author's where nothing that he signed was to change."""
    found = judges.of(after)
    asked["signed"], asked["held"] = mail["signed"], sorted({s.domain for s in found if s.ok})
    for algorithm in ("rsa-sha256", "ed25519-sha256"):
        if not any(s.domain == asked["domain"] and s.algorithm == algorithm and s.ok for s in found):
            yield "our signature broken", algorithm
    if asked.get("arc") and b"\narc-" not in before.lower() and not judges.chain(after):
        yield "our ARC chain broken", ""
    if mail["signed"]:
        held = {s.domain for s in found if s.ok} >= set(mail["signed"])
        facts["survived"] = held
        if (asked.get("minimal") or forms.leaves_alone(before, asked)) and not held:
            yield "author's signature lost", ""


def table(title, rows):
    print(title)
    for name, values in rows:
        print("  %-34s %s" % (name, "  ".join("%6s" % v for v in values)))


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    folder, result = arguments[:2]
    here = os.path.dirname(os.path.abspath(__file__))
    keys = arguments[2] if len(arguments) > 2 else os.path.join(here, "../../fixtures/keys")
    with open(os.path.join(folder, "mails.json"), encoding="utf-8") as file:
        mails = {m["number"]: m for m in json.load(file)}
    with open(os.path.join(result, "results.json"), encoding="utf-8") as file:
        results = json.load(file)
    tasks = [(folder, result, keys, mails[o["number"]], o, results["asked"]) for o in results["mails"]]
    with multiprocessing.Pool(2) as pool:
        judged = pool.map(judge, tasks, chunksize=16)
    missing = len(mails) - len(results["mails"]) - results.get("left_out", 0)
    return report(result, results["asked"], judged, missing)


def report(result, asked, judged, missing):
    sane = {n for n, _, facts in judged if not facts["mail"]["defects"]}
    kinds, gone, examples = [Counter(), Counter()], [Counter(), Counter()], {}
    damaged, sent = set(), set()
    for number, damage, facts in judged:
        which = 0 if number in sane else 1
        if "lost" in facts:
            gone[which][facts["lost"]] += 1
            continue
        sent.add(number)
        for kind in {k for k, _ in damage}:
            kinds[which][kind] += 1
            damaged.add(number)
        for kind, what in damage:
            examples.setdefault(kind, []).append("%s: %s" % (facts["mail"]["name"], what))
    count = lambda numbers: (len(numbers & sane), len(numbers - sane), len(numbers))
    everyone = {n for n, _, _ in judged}
    rewritten = {n for n, _, facts in judged if facts.get("rewritten")}
    footed = {n for n, _, facts in judged if facts.get("footer")}
    table("%s%42s  %6s  %6s" % (asked["name"], "sane", "defect", "all"), [
        ("mails", count(everyone)), ("sent", count(sent)), ("From rewritten", count(rewritten)),
        ("body changed", count(footed)), ("damaged", count(damaged)),
    ])
    both = lambda counters: [(k, (counters[0][k], counters[1][k], counters[0][k] + counters[1][k]))
                             for k in sorted(counters[0] | counters[1])]
    table(" not sent, and why", both(gone))
    noted = [Counter(reason for n, _, facts in judged if (n in sane) == it for reason in facts.get("noted", ())) for it in (True, False)]
    if noted[0] or noted[1]:
        table(" let pass, since the mail is not plain", both(noted))
    if damaged:
        table(" damage by kind", both(kinds))
        for kind, cases in sorted(examples.items()):
            for case in cases[:3]:
                print("    %s: %s" % (kind, case[:300]))
    possible = [facts["survived"] for _, _, facts in judged if "survived" in facts]
    print("  authors' DKIM signatures that survived: %d of %d" % (sum(possible), len(possible)))
    lost_mails = sum(n for counter in gone for why, n in counter.items() if why.startswith("LOST")) + missing
    print("  lost: %d\n" % lost_mails)
    with open(os.path.join(result, "report.json"), "w", encoding="utf-8") as file:
        json.dump([{"number": n, "name": f["mail"]["name"], "sane": n in sane, "damage": d, "lost": f.get("lost")}
                   for n, d, f in judged if d or f.get("lost")], file, indent=0)
    return 1 if damaged or lost_mails else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
