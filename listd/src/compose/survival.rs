//! `from = "broken"` against dkimpy: where From is kept the author's signature verifies, and where it is not it would
//! have failed. dkimpy signs and judges; it shares no code with ours.

use std::io::Write;
use std::process::{Command, Stdio};

use listcore::dkim::PrivateKey;
use listcore::list::{FooterTexts, ReplyTo, Settings};
use listcore::rewrite::SignatureName;

use super::tests::{CAN, HEAD, NOW, bytes, composer, post, to};
use super::*;
use crate::sign::testing::{DOMAIN, dkimpy};

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/keys/provider-rsa.pem");

/// Every canonical form, with and without `l=`, for three choices of fields; one signature in hex a line.
const SIGN: &str = "import sys, dkim
m = sys.stdin.buffer.read()
key = open(sys.argv[1], 'rb').read()
for h in (b'simple', b'relaxed'):
    for b in (b'simple', b'relaxed'):
        for length in (False, True):
            for names in ([b'from', b'to', b'subject', b'date', b'message-id'], [b'from', b'date'],
                          [b'from', b'from', b'subject', b'subject', b'reply-to', b'content-transfer-encoding']):
                s = dkim.sign(m, b's1', b'gmx.example', key, canonicalize=(h, b), include_headers=names,
                              length=length)
                print(s.hex())";

fn signatures(mail: &[u8]) -> Option<Vec<String>> {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", SIGN, KEY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(mail).ok()?;
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = |hex: &str| {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex");
        String::from_utf8(bytes).expect("ASCII")
    };
    Some(text.lines().map(line).collect())
}

/// Settings and a relay, and what they do.
fn cases() -> Vec<(&'static str, Settings, Can)> {
    let plain = Settings { copies: Copies::Personal, ..Settings::default() };
    let tag = Settings { subject_tag: "[5b]".to_owned(), ..plain.clone() };
    let below = FooterTexts::read(&["Unten"]).expect("a footer");
    let footer = Settings { footer: below, ..plain.clone() };
    let list = Settings { reply_to: ReplyTo::List, ..plain.clone() };
    vec![
        ("nothing", plain.clone(), CAN),
        ("tag", tag, CAN),
        ("Reply-To", list, CAN),
        ("footer", footer, CAN),
        ("seven bits", plain, Can { eight_bit: false, ..CAN }),
    ]
}

/// F2, D2, promise 8: what we say of a signature is what an independent verifier says.
#[test]
fn what_survives_is_what_verifies() {
    let text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    let long = "lang ".repeat(300);
    let key = PrivateKey::from_pem(&std::fs::read_to_string(KEY).expect("key")).expect("key");
    let provider = Signer::new("gmx.example", vec![("s1".to_owned(), key)]).expect("signer");
    let composer = composer([crate::sign::testing::signer()]);
    let (mut copies, mut claims) = (Vec::new(), Vec::new());
    for body in ["M\u{fc}ller  \r\n \t\r\n\r\n", "Hallo \r\n", "", &long] {
        let mail = format!("{HEAD}{text}\r\n{body}");
        let Some(signatures) = signatures(mail.as_bytes()) else {
            return eprintln!(
                "SKIPPED: nothing signed by dkimpy; install the package python3-dkim"
            );
        };
        assert_eq!(signatures.len(), 24);
        for signature in signatures {
            let b = signature.rsplit_once("b=").expect("b=").1;
            let raw = Bytes::from(format!("{signature}{mail}").into_bytes());
            for (what, settings, can) in cases() {
                let made = |from: FromPolicy| {
                    let mut post = post(Copies::Personal);
                    post.frozen.settings = Settings { from, ..settings.clone() };
                    post.frozen.arrival.signatures = vec![SignatureName::new(b)];
                    let body = Body::Memory(raw.clone());
                    let variant =
                        composer.variant(&post, &body, &can, &"de".into()).expect("variant");
                    bytes(
                        &composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW).expect("copy"),
                    )
                };
                let (broken, keep) = (made(FromPolicy::Broken), made(FromPolicy::Keep));
                let kept = memchr::memmem::find(&broken, b"\r\nFrom: Ayse Yilmaz <ayse@").is_some();
                assert_eq!(kept, broken == keep, "{what}");
                claims.push((what, kept, signature.clone()));
                copies.push(keep);
            }
        }
    }
    let Some(judged) = dkimpy(&provider, &copies) else { return };
    let mut counts = [0, 0];
    for ((what, kept, signature), judged) in claims.iter().zip(judged) {
        assert_eq!(judged.error, None);
        let verdict = judged.signatures.iter().find(|s| s.d != DOMAIN).map(|s| s.ok);
        assert_eq!(verdict, Some(*kept), "{what}: {signature}");
        counts[usize::from(*kept)] += 1;
    }
    println!("{} signatures survive, {} break, and dkimpy says so of each", counts[1], counts[0]);
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}
