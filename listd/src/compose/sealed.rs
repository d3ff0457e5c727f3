//! Signed and encrypted mail behind everything a list can do: what GnuPG and OpenSSL said of it before, they say
//! of the part as received (promise 9, rule B7).
//!
//! The mails are made here with keys of the moment; no key of the machine is read or left behind. Parts are cut out
//! of the copies by their boundaries alone, not by our own reader.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use listcore::list::{FooterSigned, FooterTexts};

use super::tests::{NOW, bytes, composer, post};
use super::*;

const FOOTER: &str = "Grüße von der Liste für Ömer";
const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDer Vertrag, Gr=C3=BC=C3=9Fe=20\r\n\r\n=2D- =\r\n\r\nAnna\r\n";
const WIDE: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nDer Vertrag, grüße\r\n\r\n";

/// What a program makes of a mail; a failure is an answer.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// The signature holds or the decryption worked, and this is what it is about.
    Good(Vec<u8>),
    Bad,
}

/// A mail with its seal, and how to ask about it.
struct Sample {
    name: &'static str,
    fields: Vec<u8>,
    body: Vec<u8>,
    eight_bit: bool,
    ask: fn(&Desk, &[u8]) -> Said,
}

/// A temp dir with keys; an agent in it is ended with it.
struct Desk(tempfile::TempDir);

impl Drop for Desk {
    fn drop(&mut self) {
        let home = self.path("");
        let mut end = Command::new("gpgconf");
        let _ =
            end.arg("--homedir").arg(home).args(["--kill", "all"]).stderr(Stdio::null()).status();
    }
}

impl Desk {
    fn open() -> Desk {
        // The name of an agent's socket may have 107 octets, so the folder is a short one.
        Desk(tempfile::Builder::new().prefix("vs").tempdir_in("/tmp").expect("temp dir"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The output, if the program says yes.
    fn run(&self, program: &str, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let file = self.path("input");
        std::fs::write(&file, input).expect("input");
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env("GNUPGHOME", self.0.path()).env("LC_ALL", "C");
        let stdin = std::fs::File::open(&file).expect("input");
        let output = command.args(args).stdin(stdin).output().expect("it was there before");
        output.status.success().then_some(output.stdout)
    }

    fn made(&self, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
        self.run(program, args, input).unwrap_or_else(|| panic!("{program} {args:?} fails"))
    }

    fn gpg(&self, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let quiet = ["--batch", "--quiet", "--no-tty", "--trust-model", "always"];
        let open = ["--pinentry-mode", "loopback", "--passphrase", ""];
        self.run("gpg", &[&quiet[..], &open, args].concat(), input)
    }

    /// `openssl cms` about a whole entity. `-CAfile` is the signer's own certificate: it is its own authority.
    fn cms(&self, args: &[&str], entity: &[u8]) -> Said {
        self.run("openssl", &[&["cms"], args].concat(), entity).map_or(Said::Bad, Said::Good)
    }
}

/// True where a program is there; else it is said aloud.
fn has(program: &str, package: &str) -> bool {
    let asked = match program {
        "openssl" => Command::new(program).arg("version").output(),
        _ => Command::new(program).arg("--version").output(),
    };
    let there = asked.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: nothing about {program}; install the package {package}");
    }
    there
}

/// Line ends as on the wire; spaces in front of them stay, since they are signed.
fn as_crlf(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|b| *b == b'\n');
    let ended = |line: &[u8]| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat()
    };
    lines.flat_map(ended).collect()
}

/// What stands between the delimiter lines of a boundary, without the line ends that belong to them.
fn between(text: &[u8], boundary: &str) -> Vec<Vec<u8>> {
    let delimiter = format!("\r\n--{boundary}");
    let text = [b"\r\n", text].concat();
    let mut parts = Vec::new();
    let mut rest = text.as_slice();
    while let Some(at) = memchr::memmem::find(rest, delimiter.as_bytes()) {
        parts.push(rest[..at].to_vec());
        rest = &rest[at + delimiter.len()..];
    }
    // The first is the preamble; what follows a delimiter begins with its line end.
    parts.into_iter().skip(1).map(|part| part[2..].to_vec()).collect()
}

fn verify_smime(desk: &Desk, entity: &[u8]) -> Said {
    desk.cms(&["-verify", "-CAfile", "cert.pem", "-purpose", "any"], entity)
}

fn decrypt_smime(desk: &Desk, entity: &[u8]) -> Said {
    desk.cms(&["-decrypt", "-recip", "cert.pem", "-inkey", "key.pem"], entity)
}

fn verify_pgp(desk: &Desk, entity: &[u8]) -> Said {
    let parts = between(&entity[split_at(entity)..], "pgp");
    let [text, signature] = parts.as_slice() else { return Said::Bad };
    std::fs::write(desk.path("signature.asc"), &signature[split_at(signature)..]).expect("file");
    match desk.gpg(&["--verify", "signature.asc", "-"], text) {
        Some(_) => Said::Good(text.clone()),
        None => Said::Bad,
    }
}

fn decrypt_pgp(desk: &Desk, entity: &[u8]) -> Said {
    let parts = between(&entity[split_at(entity)..], "pgp");
    let [_, data] = parts.as_slice() else { return Said::Bad };
    desk.gpg(&["--decrypt"], &data[split_at(data)..]).map_or(Said::Bad, Said::Good)
}

fn verify_inline(desk: &Desk, entity: &[u8]) -> Said {
    desk.gpg(&["--decrypt"], &entity[split_at(entity)..]).map_or(Said::Bad, Said::Good)
}

/// Behind the empty line.
fn split_at(entity: &[u8]) -> usize {
    match entity.starts_with(b"\r\n") {
        true => 2,
        false => memchr::memmem::find(entity, b"\r\n\r\n").expect("an empty line") + 4,
    }
}

fn sample(name: &'static str, entity: &[u8], ask: fn(&Desk, &[u8]) -> Said) -> Sample {
    let (fields, body) = entity.split_at(split_at(entity));
    let fields = fields[..fields.len() - 2].to_vec();
    Sample { name, fields, body: body.to_vec(), eight_bit: !entity.is_ascii(), ask }
}

fn smime(desk: &Desk) -> Vec<Sample> {
    let subject = "/CN=Anna Muster/emailAddress=anna@gmx.example";
    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", subject];
    let usage = ["-addext", "keyUsage=digitalSignature,keyEncipherment"];
    let files = ["-keyout", "key.pem", "-out", "cert.pem"];
    desk.made("openssl", &[&new[..], &usage, &files].concat(), b"");
    let make = |args: &[&str], text: &str| {
        let whole = desk.made("openssl", &[&["cms", "-crlfeol"], args].concat(), text.as_bytes());
        let whole = as_crlf(&whole);
        match whole.strip_prefix(b"MIME-Version: 1.0\r\n".as_slice()) {
            Some(entity) => entity.to_vec(),
            None => whole,
        }
    };
    let by = ["-sign", "-signer", "cert.pem", "-inkey", "key.pem"];
    let opaque = [&by[..], &["-nodetach"]].concat();
    vec![
        sample("S/MIME, signed", &make(&by, TEXT), verify_smime),
        sample("S/MIME, signed in eight bits", &make(&by, WIDE), verify_smime),
        sample("S/MIME, opaque", &make(&opaque, TEXT), verify_smime),
        sample(
            "S/MIME, enveloped",
            &make(&["-encrypt", "-aes256", "cert.pem"], TEXT),
            decrypt_smime,
        ),
    ]
}

fn openpgp(desk: &Desk) -> Vec<Sample> {
    let gpg = |args: &[&str], text: &str| {
        as_crlf(&desk.gpg(args, text.as_bytes()).unwrap_or_else(|| panic!("gpg {args:?} fails")))
    };
    gpg(&["--quick-gen-key", "anna@gmx.example", "rsa2048", "sign,encr", "0"], "");
    let signed = |text: &str| {
        let signature = gpg(&["--armor", "--detach-sign"], text);
        let head = "Content-Type: multipart/signed; micalg=pgp-sha512;\r\n protocol=\"application/pgp-signature\"; boundary=\"pgp\"\r\n\r\n--pgp\r\n";
        let middle =
            "\r\n--pgp\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\n\r\n";
        [head.as_bytes(), text.as_bytes(), middle.as_bytes(), &signature, b"\r\n--pgp--\r\n"]
            .concat()
    };
    let encrypted = gpg(&["--armor", "--encrypt", "-r", "anna@gmx.example"], TEXT);
    let head = "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n boundary=\"pgp\"\r\n\r\n--pgp\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--pgp\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n\r\n";
    let encrypted = [head.as_bytes(), &encrypted, b"\r\n--pgp--\r\n"].concat();
    let plain =
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    let inline = |text: &str| [plain.as_bytes(), &gpg(&["--clearsign"], text)].concat();
    let armored = gpg(&["--armor", "--encrypt", "-r", "anna@gmx.example"], "Hallo\n");
    vec![
        sample("PGP/MIME, signed", &signed(TEXT), verify_pgp),
        sample("PGP/MIME, signed in eight bits", &signed(WIDE), verify_pgp),
        sample("PGP/MIME, encrypted", &encrypted, decrypt_pgp),
        sample("OpenPGP in a text", &inline("Hallo,\n\n- eins\nFrom hier\n"), verify_inline),
        sample("OpenPGP in a text of eight bits", &inline("Grüße aus Köln\n"), verify_inline),
        sample(
            "OpenPGP in a text, encrypted",
            &[plain.as_bytes(), &armored].concat(),
            verify_inline,
        ),
    ]
}

/// The copy of a mail from a list with a tag, a footer and From of its own, for a relay.
fn copy(sample: &Sample, signed: FooterSigned, eight_bit: bool) -> Vec<u8> {
    let composer = composer([]);
    let mut post = post(Copies::Personal);
    let settings = &mut post.frozen.settings;
    settings.subject_tag = "[Ölz]".to_owned();
    settings.footer = FooterTexts::new([("", FOOTER)]).expect("a footer");
    settings.footer_signed = signed;
    let head = "Received: from a by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\nFrom: Anna Muster <anna@gmx.example>\r\nTo: klasse-5b@schule.example\r\nSubject: Vertrag\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\nMessage-ID: <1@gmx.example>\r\nMIME-Version: 1.0\r\n";
    let raw = [head.as_bytes(), &sample.fields, b"\r\n", &sample.body].concat();
    let can = Can { eight_bit, utf8: eight_bit, chunking: true, size: None };
    let made = composer.variant(&post, &Body::Memory(Bytes::from(raw)), &can, &"de".into());
    let variant = made.unwrap_or_else(|why| panic!("{}: {why:?}", sample.name));
    let address = Address::parse("bob@web.example").expect("address");
    let bob = Recipient { person: None, address, name: None, language: None };
    bytes(&composer.copy(&variant, &[(RecipientRef(7), bob)], NOW).expect("copy"))
}

/// What the reader's program gets to see as the sealed entity: the mail itself, or the first part of it.
fn received(copy: &[u8], wrapped: bool) -> Vec<u8> {
    if !wrapped {
        return copy.to_vec();
    }
    let text = String::from_utf8_lossy(copy).into_owned();
    let boundary = text.split_once("boundary=\"=_").and_then(|(_, rest)| rest.split_once('"'));
    let (boundary, _) = boundary.expect("a frame of ours");
    let parts = between(&copy[split_at(copy)..], &format!("=_{boundary}"));
    let [sealed, footer] = parts.as_slice() else { panic!("two parts: {text}") };
    assert!(String::from_utf8_lossy(footer).contains("von der Liste"), "{text}");
    sealed.clone()
}

fn nothing_breaks(desk: &Desk, samples: &[Sample]) {
    for sample in samples {
        let whole = [sample.fields.as_slice(), b"\r\n", &sample.body].concat();
        let before = (sample.ask)(desk, &whole);
        assert!(matches!(&before, Said::Good(text) if !text.is_empty()), "{}", sample.name);
        let mut damaged = whole.clone();
        let at = whole.len() * 2 / 3;
        damaged[at] ^= 1;
        assert_ne!((sample.ask)(desk, &damaged), before, "{}: the judge sees damage", sample.name);
        for signed in [FooterSigned::Skip, FooterSigned::Wrap] {
            for eight_bit in [true, false].into_iter().filter(|eight| *eight || !sample.eight_bit) {
                let case = format!("{}, {signed:?}, eight bits {eight_bit}", sample.name);
                let copy = copy(sample, signed, eight_bit);
                let text = String::from_utf8_lossy(&copy);
                assert!(
                    text.contains("Subject: =?utf-8?B?W8OWbHpd?= "),
                    "{case}: the tag is there"
                );
                assert!(text.contains("klasse-5b@schule.example>\r\n"), "{case}: and our From");
                let received = received(&copy, signed == FooterSigned::Wrap);
                assert!(received.ends_with(&sample.body) || signed == FooterSigned::Wrap, "{case}");
                assert_eq!((sample.ask)(desk, &received), before, "{case}: {text}");
            }
        }
    }
}

/// Promise 9, B7: S/MIME, detached, opaque and enveloped, is as good behind us as before.
#[test]
fn openssl_says_the_same_before_and_after() {
    if !has("openssl", "openssl") {
        return;
    }
    let desk = Desk::open();
    nothing_breaks(&desk, &smime(&desk));
}

/// Promise 9, B7: so are PGP/MIME and OpenPGP messages in a text.
#[test]
fn gpg_says_the_same_before_and_after() {
    if !has("gpg", "gnupg") || !has("gpgconf", "gnupg") {
        return;
    }
    let desk = Desk::open();
    nothing_breaks(&desk, &openpgp(&desk));
}
