"""The signed mails that mails.py made, judged by those who signed: OpenSSL and GnuPG, before and after the list."""

import os
import subprocess
import tempfile

from tree import Node

KINDS = {"made/smime-signed": "multipart/signed", "made/smime-opaque": "application/pkcs7-mime",
         "made/pgp-signed": "multipart/signed", "made/pgp-signed-in-mixed": "multipart/signed"}


def check(folder, mail, before, after):
    """Damage as (kind, what); nothing where the mail is none of these."""
    kind = KINDS.get(mail["name"])
    if kind is None:
        return
    keys = os.path.join(folder, "keys")
    for when, raw in (("before", before), ("after", after)):
        node = next((n for n in Node(raw).walk() if n.kind == kind), None)
        if node is None or not (_smime if "smime" in mail["name"] else _openpgp)(keys, node):
            yield "seal broken", "%s %s" % (mail["name"], when)


def _smime(keys, node):
    argv = ["openssl", "cms", "-verify", "-noverify", "-certfile", os.path.join(keys, "smime.pem"), "-out", os.devnull]
    return subprocess.run(argv, input=node.raw, capture_output=True, check=False).returncode == 0


def _openpgp(keys, node):
    text, signature = node.children
    with tempfile.TemporaryDirectory(prefix="ys") as short:
        base = ["gpg", "--homedir", short, "--batch", "--quiet", "--no-tty", "--no-autostart", "--trust-model", "always"]
        subprocess.run(base + ["--import", os.path.join(keys, "pgp.pub")], capture_output=True, check=False)
        file = os.path.join(short, "s.asc")
        with open(file, "wb") as handle:
            handle.write(signature.body)
        return subprocess.run(base + ["--verify", file, "-"], input=text.raw, capture_output=True, check=False).returncode == 0
