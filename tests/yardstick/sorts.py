"""What is what in a mail: which parts nobody may touch, which are attached, which are leaves."""

import re

SEALED = {"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
UNTOUCHABLE = SEALED | {
    "text/calendar", "message/rfc822", "message/partial", "message/external-body", "message/delivery-status",
    "multipart/report", "application/ms-tnef", "application/vnd.ms-tnef", "message/global", "message/news",
}
ARMOUR = re.compile(rb"(?m)^-----BEGIN PGP (?:SIGNED )?MESSAGE-----\r?$")
ENCODINGS = ("", "7bit", "8bit", "binary", "base64", "quoted-printable")


def leaves(message):
    return (p for p in message.walk() if not p.is_multipart())


def containers(message):
    return [p.get_content_type() for p in message.walk() if p.is_multipart()]


def is_attached(part):
    return part.get_content_disposition() not in (None, "", "inline") or bool(part.get_filename())


def note(asked, reason):
    asked.setdefault("noted", set()).add(reason)
