//! Signatures compared with mail-auth's own and judged by dkimpy.

use std::time::Duration;

use listcore::dkim::{Algorithm, generate};
use listcore::time::Timestamp;
use mail_auth::crypto::SigningKey;
use mail_auth::dkim::DkimSigner;

use super::testing::{DOMAIN, dkimpy, signer};
use super::*;

const HEAD: &[u8] = b"Received: from a by b;\r\n Sun, 22 Nov 2026 01:00:00 +0000\r\n\
From: \"Ayse Yilmaz via Klasse 5b\" <klasse-5b@schule.example>\r\n\
To: klasse-5b@schule.example\r\n\
Subject:  Elternabend \t am\r\n  Dienstag\r\n\
Date: Sun, 22 Nov 2026 01:00:00 +0000\r\n\
Message-ID: <1@gmx.example>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
List-Id: <klasse-5b.schule.example>\r\n\
List-Unsubscribe: <mailto:klasse-5b-unsubscribe@schule.example>\r\n";

const BODIES: [&[u8]; 6] = [
    b"",
    b"\r\n\r\n",
    b"Hallo\r\n",
    b"no line end",
    b"  a \t b  \r\n\t\r\nc\r\n\r\n \r\n",
    b".\r\n..x\r\n\xc3\xa4\xff\r\n",
];

const NOW: Timestamp = Timestamp(1_795_000_000_123);

pub(super) fn hash(body: &[u8]) -> BodyHash {
    body_hash(|sink| -> Result<(), SignError> {
        sink(body);
        Ok(())
    })
    .expect("hash")
}

fn signed(signer: &Signer, head: &[u8], body: &[u8]) -> Vec<u8> {
    let lines = signer.sign(head, &hash(body), NOW).expect("signed");
    [lines.as_slice(), head, b"\r\n", body].concat()
}

/// What mail-auth makes of the whole message by itself, at our time.
fn plain(key: impl SigningKey, selector: &str, head: &[u8], body: &[u8]) -> (Vec<u8>, u64) {
    let signature = DkimSigner::from_key(key)
        .domain(DOMAIN)
        .selector(selector)
        .headers(fields::names(head))
        .expiration(Duration::from_secs(mailauth::EXPIRES_AFTER))
        .sign(&[head, b"\r\n", body].concat())
        .expect("mail-auth signs");
    let mut line = Vec::new();
    signature.write(&mut line, true);
    (line, signature.t)
}

/// The two-step signature is the one that mail-auth makes in one step: an upgrade that changes one alone is seen.
#[test]
fn once_is_plain_sign() {
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let key = generate(algorithm).expect("key");
        let again = PrivateKey::from_pem(&key.secret_pem()).expect("key");
        let signer = Signer::new(DOMAIN, vec![("s1".to_owned(), key)]).expect("signer");
        for body in BODIES {
            let (expect, t) = plain(mailauth::load(&again).expect("key"), "s1", HEAD, body);
            let now = Timestamp(i64::try_from(t).expect("time") * 1000 + 999);
            let ours = signer.sign(HEAD, &hash(body), now).expect("signed");
            assert_eq!(
                String::from_utf8_lossy(&ours),
                String::from_utf8_lossy(&expect),
                "{algorithm} {body:?}"
            );
        }
    }
}

/// The body hash does not depend on where the pieces end.
#[test]
fn a_body_in_pieces_has_the_same_hash() {
    for body in BODIES {
        for size in 1..=4 {
            let pieces = body_hash(|sink| -> Result<(), SignError> {
                body.chunks(size).for_each(sink);
                Ok(())
            });
            assert_eq!(pieces.expect("hash"), hash(body), "{body:?} in pieces of {size}");
        }
    }
}

/// D6: the tags of a signature, RSA on top, lines of at most 78.
#[test]
fn tags_and_folding() {
    let lines = signer().sign(HEAD, &hash(b"x\r\n"), NOW).expect("signed");
    let text = String::from_utf8(lines).expect("ASCII");
    let fields: Vec<&str> = text.split("DKIM-Signature: ").skip(1).collect();
    let [rsa, ed] = fields.as_slice() else { panic!("two signatures: {text}") };
    assert!(rsa.starts_with("v=1; a=rsa-sha256; s=r1; d=schule.example; c=relaxed/relaxed;"));
    assert!(ed.starts_with("v=1; a=ed25519-sha256; s=e1; d=schule.example; c=relaxed/relaxed;"));
    for field in fields {
        let unfolded = field.replace("\r\n\t", " ");
        assert!(unfolded.contains("; t=1795000000; x=1796209600; bh="), "{field}");
        assert!(!field.contains(" l="), "{field}");
    }
    // mail-auth does not fold its first line, so a long domain makes that longer than the 78 of RFC 5322 2.1.1.
    let folded = |line: &str| line.len() <= 78 || line.starts_with("DKIM-Signature: ");
    assert!(text.lines().all(folded), "{text}");
}

/// D3, D5, D7, H10: dkimpy accepts both signatures, and neither after any change that matters.
#[test]
fn dkimpy_agrees() {
    let signer = signer();
    let whole = |head: &[u8], body: &[u8]| {
        let good = signed(&signer, HEAD, b"Hallo\r\n");
        let lines = &good[..good.len() - HEAD.len() - b"\r\nHallo\r\n".len()];
        [lines, head, b"\r\n", body].concat()
    };
    let added = |line: &str| whole(&[HEAD, line.as_bytes()].concat(), b"Hallo\r\n");
    let on_top = |line: &str| whole(&[line.as_bytes(), HEAD].concat(), b"Hallo\r\n");
    let replaced = |from: &str, to: &str| {
        let head = String::from_utf8_lossy(HEAD).replace(from, to);
        assert_ne!(head.as_bytes(), HEAD, "{from}");
        whole(head.as_bytes(), b"Hallo\r\n")
    };
    let mut cases: Vec<(String, Vec<u8>, bool)> = BODIES
        .iter()
        .map(|body| (format!("untouched {body:?}"), signed(&signer, HEAD, body), true))
        .collect();
    let big = b"A line of a large body, all of it the same.\r\n".repeat(60_000);
    cases.push(("large".into(), signed(&signer, HEAD, &big), true));
    cases.push(("no field but From".into(), signed(&signer, b"From: a@b.example\r\n", b"x"), true));
    cases.push(("Received added".into(), on_top("Received: from c by d; now\r\n"), true));
    cases.push(("refolded".into(), replaced("am\r\n  Dienstag", "am Dienstag"), true));
    for line in [
        "From: x@evil.example\r\n",
        "Subject: other\r\n",
        "List-Unsubscribe: <https://evil.example/>\r\n",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        "Reply-To: x@evil.example\r\n",
        "Cc: x@evil.example\r\n",
        "Content-Transfer-Encoding: base64\r\n",
    ] {
        cases.push((format!("{line:?} below"), added(line), false));
        cases.push((format!("{line:?} on top"), on_top(line), false));
    }
    cases.push((
        "To changed".into(),
        replaced("To: klasse-5b@schule.example", "To: anna@gmx.example"),
        false,
    ));
    cases.push((
        "List-Unsubscribe removed".into(),
        replaced("List-Unsubscribe: <mailto:klasse-5b-unsubscribe@schule.example>\r\n", ""),
        false,
    ));
    cases.push(("body changed".into(), whole(HEAD, b"Hallo!\r\n"), false));
    cases.push(("body appended".into(), whole(HEAD, b"Hallo\r\nmore\r\n"), false));

    let mails: Vec<Vec<u8>> = cases.iter().map(|(_, mail, _)| mail.clone()).collect();
    let Some(judged) = dkimpy(&signer, &mails) else { return };
    for ((what, _, expect), judged) in cases.iter().zip(&judged) {
        assert_eq!(judged.ours(), [("r1", *expect), ("e1", *expect)], "{what}: {judged:?}");
    }
}

/// D8, X4: what is wrong with a key is said with its file; a readable file is a warning.
#[test]
fn keys_from_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("e.pem");
    let file = |algorithm| KeyFile { selector: "e1".into(), path: path.clone(), algorithm };
    let error =
        |algorithm| Signer::load(DOMAIN, &[file(algorithm)]).expect_err("refused").to_string();

    assert!(error(Algorithm::Rsa).contains("e.pem: No such file"));
    std::fs::write(&path, "nothing").expect("written");
    assert!(error(Algorithm::Rsa).contains("e.pem: it holds no private key"));
    std::fs::write(&path, generate(Algorithm::Ed25519).expect("key").secret_pem())
        .expect("written");
    assert!(
        error(Algorithm::Rsa).contains("it holds an Ed25519 key where the configuration says RSA")
    );

    for (mode, warned) in [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("mode");
        let (signer, warnings) = Signer::load(DOMAIN, &[file(Algorithm::Ed25519)]).expect("key");
        assert_eq!(warnings.len(), warned, "{mode:o} {warnings:?}");
        assert_eq!(format!("{signer:?}"), "Signer(schule.example [\"e1\"])");
    }
    for selector in ["", "a b", "a..b", "a;b", "a\r\nb"] {
        let key = generate(Algorithm::Ed25519).expect("key");
        let error = Signer::new(DOMAIN, vec![(selector.to_owned(), key)]).expect_err("refused");
        assert!(matches!(error, SignerError::Selector { .. }), "{selector:?}");
    }
    let signers = Signers::new([Signer::new("a.example", vec![]).expect("signer"), signer()]);
    assert!(signers.signs_for(DOMAIN) && signers.of(DOMAIN).is_some());
    assert!(!signers.signs_for("a.example"), "a domain without keys is not signed for");
}

/// Figures for one core: `cargo test -p listd --release -- --ignored --nocapture rate_of_signing`.
#[test]
#[ignore = "prints figures, proves nothing"]
fn rate_of_signing() {
    let signer = signer();
    let hash = hash(&b"Hallo zusammen\r\n".repeat(250));
    let start = std::time::Instant::now();
    let mut count = 0u32;
    while start.elapsed() < Duration::from_secs(2) {
        signer.sign(HEAD, &hash, NOW).expect("signed");
        count += 1;
    }
    println!(
        "{:.0} header blocks/s with two signatures",
        f64::from(count) / start.elapsed().as_secs_f64()
    );
}
