"""Reads names of mails, one a line; prints for each what Mailman's detector finds, as a line of JSON."""

import email
import json
import sys

from flufl.bounce import all_failures

for line in sys.stdin:
    file = line.rstrip("\n")
    with open(file, "rb") as mail:
        message = email.message_from_binary_file(mail)
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # it stumbles over some mails: nothing found
        temporary, permanent = set(), set()

    def text(addresses):
        return sorted(a.decode("utf-8", "replace") if isinstance(a, bytes) else a for a in addresses)

    print(json.dumps({"temporary": text(temporary), "permanent": text(permanent)}))
