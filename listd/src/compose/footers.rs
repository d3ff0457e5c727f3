//! Footers of copies: one body for each language, whatever the number of its readers (promises 9, 12).

use std::sync::Arc;

use listcore::list::FooterTexts;

use super::tests::{NOW, bytes, composer, post};
use super::*;
use crate::sign::testing::{dkimpy, signer};

const CAN: Can = Can { eight_bit: true, utf8: true, chunking: true, size: None };

/// A quarter of a megabyte of text between header and footer.
fn mail() -> Body {
    let text = "Liebe Eltern, am Freitag ist Wandertag für alle.\r\n".repeat(6_000);
    let head = "From: Ayse Yilmaz <ayse@gmx.example>\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n\
                Message-ID: <1@gmx.example>\r\nMIME-Version: 1.0\r\n\
                Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    Body::Memory(Bytes::from(format!("{head}\r\n{text}").into_bytes()))
}

fn footer(texts: &[(&str, &str)]) -> StoredPost {
    let mut post = post(Copies::Personal);
    post.frozen.settings.footer = FooterTexts::new(texts.iter().copied()).expect("texts");
    post
}

/// Copies to 20 readers, half of them with each language, by way of the variants that the scheduler would make.
fn copies(composer: &Composer, post: &StoredPost, body: &Body) -> [Vec<Copy>; 2] {
    ["de", "en"].map(|language| {
        let variant = composer.variant(post, body, &CAN, &language.into()).expect("variant");
        let copy = |number: u64| {
            let address = Address::parse(&format!("m{number}@gmx.example")).expect("address");
            let language = Some(language.to_owned());
            let reader = Recipient { person: None, address, name: None, language };
            assert_eq!(
                Some(composer.edition(&post.frozen, &reader, false).language),
                reader.language
            );
            composer.copy(&variant, &[(RecipientRef(number), reader)], NOW).expect("copy")
        };
        (0..10).map(copy).collect()
    })
}

fn memory(copy: &Copy) -> &Bytes {
    match &copy.body {
        Payload::Memory(body) => body,
        Payload::File { .. } | Payload::Pieces(_) => panic!("in memory"),
    }
}

/// The values of `bh=`, one for each signature.
fn hashes(copy: &Copy) -> Vec<String> {
    let head: String = String::from_utf8_lossy(&copy.head).split_whitespace().collect();
    let value = |rest: &str| rest.split(';').next().map(str::to_owned);
    head.split(";bh=").skip(1).filter_map(value).collect()
}

/// Promise 12, B12: two languages are two bodies and two body hashes; all copies of a language are one allocation.
#[test]
fn a_language_is_one_body() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let (body, footers) = (mail(), [("de", "Diese Liste: Grüße"), ("en", "This list: regards")]);
    let post = footer(&footers);
    let both = copies(&composer, &post, &body);
    for (language, (_, words)) in both.iter().zip(footers) {
        let (first, hash) = (memory(&language[0]), hashes(&language[0]));
        assert!(first.ends_with(format!("\r\n{words}\r\n").as_bytes()), "{words}");
        assert_eq!(hash.len(), 2, "RSA and Ed25519");
        assert!(hash.iter().all(|one| *one == hash[0]), "one hash for both keys: {hash:?}");
        for copy in language {
            assert_eq!(memory(copy).as_ptr(), first.as_ptr(), "one allocation");
            assert_eq!(memory(copy).len(), first.len());
            assert_eq!(hashes(copy), hash);
            assert_eq!(copy.head.as_ptr(), language[0].head.as_ptr(), "and one header block");
        }
    }
    assert_ne!(memory(&both[0][0]).as_ptr(), memory(&both[1][0]).as_ptr());
    assert_ne!(hashes(&both[0][0]), hashes(&both[1][0]));
    assert_eq!(composer.signatures(), 4, "two keys and two languages, for 20 copies");

    let mails: Vec<Vec<u8>> = both.iter().flatten().map(bytes).collect();
    let Some(judged) = dkimpy(&signer, &mails) else { return };
    for one in judged {
        assert_eq!(one.ours(), [("r1", true), ("e1", true)], "{one:?}");
    }
}

/// A large mail with a footer stays in its file: what is kept for each language is the footer, whatever else is in it,
/// and what goes out is what would from memory.
#[test]
fn a_large_body_stays_in_its_file() {
    let (composer, memory) = (composer([]), mail());
    let Body::Memory(raw) = &memory else { panic!("in memory") };
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("1.eml");
    std::fs::write(&path, raw).expect("written");
    let file = Body::File { path, size: raw.len() as u64 };
    let mut post = footer(&[("de", "Diese Liste: Grüße"), ("en", "This list: regards")]);
    let (a, b) = (copies(&composer, &post, &memory), copies(&composer, &post, &file));
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!(bytes(a) == bytes(b), "file and memory differ");
        assert_eq!(hashes(a), hashes(b));
        let kept = b.body.pieces().iter().map(|piece| match piece {
            Payload::Memory(new) => new.len(),
            _ => 0,
        });
        assert!(kept.sum::<usize>() < 200 && b.body.len() > 300_000);
    }
    let shared = |copy: &Copy| copy.body.pieces().as_ptr();
    assert!(b.iter().all(|copies| copies.iter().all(|copy| shared(copy) == shared(&copies[0]))));

    // Whether the author's signature survives is asked of the body itself.
    post.frozen.settings.from = listcore::list::FromPolicy::Broken;
    let asked = copies(&composer, &post, &file);
    assert!(asked.iter().flatten().all(|copy| matches!(copy.body, Payload::Memory(_))));
}

/// A body without a footer in either language is the original's very memory in both: nobody pays for words that
/// are not there.
#[test]
fn no_footer_is_no_body() {
    let (composer, body) = (composer([]), mail());
    let Body::Memory(raw) = &body else { panic!("in memory") };
    let post = footer(&[("de", ""), ("en", "")]);
    for copy in copies(&composer, &post, &body).iter().flatten() {
        let sent = memory(copy);
        assert_eq!(sent.as_ptr(), raw[raw.len() - sent.len()..].as_ptr());
    }
}

/// Where the footer has no place in a mail, its body is not copied either, whatever the language.
#[test]
fn a_sealed_body_is_not_copied() {
    let composer = composer([]);
    let raw = Bytes::from_static(
        b"From: ayse@gmx.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\n\
          Content-Transfer-Encoding: base64\r\n\r\nMIIB\r\n",
    );
    let body = Body::Memory(raw.clone());
    let post = footer(&[("de", "Grüße"), ("en", "Regards")]);
    for copy in copies(&composer, &post, &body).iter().flatten() {
        assert_eq!(memory(copy).as_ptr(), raw[raw.len() - 6..].as_ptr());
        assert_eq!(memory(copy).as_ref(), b"MIIB\r\n");
    }
}
