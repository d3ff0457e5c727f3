"""DKIM by dkimpy: which signatures of a mail hold. All the DNS there is stands in a JSON file; nothing is asked."""

import json
import logging
from dataclasses import dataclass

import dkim
from dkim.util import parse_tag_value

SILENT = logging.getLogger("yardstick")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


@dataclass
class Signature:
    domain: str
    algorithm: str
    ok: bool


class Signatures:
    def __init__(self, dns):
        with open(dns, encoding="utf-8") as file:
            self.records = {name.rstrip(".").lower(): text.encode() for name, text in json.load(file).items()}
        self.domains = {name.split("._domainkey.", 1)[-1] for name in self.records}

    def _answer(self, name, timeout=5):
        name = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        return self.records.get(name.rstrip(".").lower())

    def of(self, raw):
        """The signatures of domains whose keys we know, in header order."""
        if b"ignature" not in raw:
            return []
        try:
            headers = dkim.DKIM(raw, logger=SILENT).headers
        except Exception:  # dkimpy raises many kinds for what is no mail
            return []
        found = []
        values = [value for name, value in headers if name.lower() == b"dkim-signature"]
        for index, value in enumerate(values):
            try:
                tags = parse_tag_value(value)
                domain = tags[b"d"].decode().lower()
                if domain not in self.domains:
                    continue
                ok = bool(dkim.DKIM(raw, logger=SILENT).verify(idx=index, dnsfunc=self._answer))
                found.append(Signature(domain, tags[b"a"].decode(), ok))
            except Exception:
                continue
        return found

    def chain(self, raw):
        """True where the ARC chain of a mail holds (RFC 8617)."""
        try:
            verdict, _, _ = dkim.ARC(raw, logger=SILENT).verify(dnsfunc=self._answer)
        except Exception:
            return False
        return verdict == dkim.CV_Pass
