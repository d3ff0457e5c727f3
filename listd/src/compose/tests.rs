//! Copies of one post: what they share, what differs, what can't be sent.

use std::time::Duration;

use listcore::arc::Validation;
use listcore::list::Settings;
use listcore::rewrite::PostKind;
use listcore::token::{Purpose, check};

use super::*;
use crate::sign::testing::{DOMAIN, dkimpy, signer};
use crate::store::{MailId, PostId};

pub(super) const NOW: Timestamp = Timestamp(1_795_000_012_345);

pub(super) const CAN: Can = Can { eight_bit: true, utf8: true, chunking: true, size: None };

pub(super) fn composer(signers: impl IntoIterator<Item = Signer>) -> Composer {
    let keys = Keys::parse(&"5e".repeat(32)).expect("keys");
    let ours = ["mx.schule.example".to_owned()];
    Composer::new(Signers::new(signers), Arc::new(keys), &ours, &[DOMAIN.to_owned()])
}

pub(super) fn post(copies: Copies) -> StoredPost {
    let address = Address::parse("klasse-5b@schule.example").expect("address");
    StoredPost {
        id: PostId(1),
        mail: MailId(1),
        message_id: "1@gmx.example".into(),
        frozen: Frozen {
description: "Klasse 5b".into(),
settings: Settings { copies, ..Settings::default() },
language: "de".into(),
received: "Received: from mx.schule.example by lists.schule.example with LMTP;\r\n Sun, 22 Nov 2026 01:00:00 +0000\r\n".into(),
add_message_id: Some("<added@schule.example>".into()),
add_date: Some("Sun, 22 Nov 2026 01:00:00 +0000".into()),
..Frozen::new(PostKind::List, ListId("0c5b".into()), address)
},
        accepted: NOW,
        expires: NOW + Duration::from_secs(5 * 24 * 3600),
        size: 1,
    }
}

pub(super) fn to(number: u64, address: &str) -> (RecipientRef, Recipient) {
    let address = Address::parse(address).expect("address");
    (RecipientRef(number), Recipient { person: None, address, name: None, language: None })
}

pub(super) const HEAD: &str = "Received: from a by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\n\
From: Ayse Yilmaz <ayse@gmx.example>\r\nTo: klasse-5b@schule.example\r\nSubject: Elternabend\r\n\
Date: Sun, 22 Nov 2026 01:00:00 +0000\r\nMessage-ID: <1@gmx.example>\r\nMIME-Version: 1.0\r\n";

fn mail(fields: &str, body: &str) -> Body {
    Body::Memory(Bytes::from(format!("{HEAD}{fields}\r\n{body}").into_bytes()))
}

/// The bytes that go out.
pub(super) fn bytes(copy: &Copy) -> Vec<u8> {
    let mut out = copy.head.to_vec();
    for piece in copy.body.pieces() {
        match piece {
            Payload::Memory(body) => out.extend_from_slice(body),
            Payload::File { path, offset, len } => {
                let raw = std::fs::read(path.as_ref()).expect("file");
                let place = |at: u64| usize::try_from(at).expect("a place");
                out.extend_from_slice(&raw[place(*offset)..place(offset + len)]);
            }
            Payload::Pieces(_) => panic!("a piece is whole"),
        }
    }
    out
}

fn judged(signer: &Signer, copies: &[&Copy]) {
    let mails: Vec<Vec<u8>> = copies.iter().map(|copy| bytes(copy)).collect();
    let Some(judged) = dkimpy(signer, &mails) else { return };
    for one in judged {
        assert_eq!(one.ours(), [("r1", true), ("e1", true)], "{one:?}");
    }
}

fn reason(result: Result<impl Sized, NoCopy>) -> String {
    match result.map(|_| ()) {
        Err(NoCopy::Never(reply)) => reply.text,
        other => panic!("expected a refusal: {other:?}"),
    }
}

/// H8, H10, GD3: with pages each personal copy has its recipient's own link, both fields once, and in the `h=` of valid
/// signatures; the body stays one. Without pages, and for shared copies, there is a mail only.
#[test]
fn each_copy_has_its_own_link() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let body =
        mail("List-Unsubscribe: <https://evil>\r\nList-Unsubscribe-Post: a=b\r\n", "Hallo\r\n");
    let mut with_pages = post(Copies::Personal);
    with_pages.frozen.links.pages = Some("https://lists.schule.example".into());
    let variant = composer.variant(&with_pages, &body, &CAN, &"de".into()).expect("variant");
    let copies = [7, 8].map(|number| {
        composer.copy(&variant, &[to(number, "anna@gmx.example")], NOW).expect("copy")
    });
    let list = ListId("0c5b".into());
    for (copy, number) in copies.iter().zip([7, 8]) {
        let text = String::from_utf8(bytes(copy)).expect("ASCII");
        let (head, _) = text.split_once("\r\n\r\n").expect("a header");
        let one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        assert_eq!(text.matches("\r\nList-Unsubscribe: ").count(), 1, "{text}");
        assert_eq!(text.matches(one_click).count(), 1, "{text}");
        assert!(
            !text.contains("evil") && text.contains("<mailto:klasse-5b-unsubscribe@"),
            "{text}"
        );
        let (_, rest) = head.split_once("<https://lists.schule.example/u/").expect("a link");
        let (token, _) = rest.split_once('>').expect("an end");
        let whose = token::check_member(&composer.keys, token, NOW, std::iter::once(&list));
        assert_eq!(whose, Ok((&list, number)));
        let unfolded = head.replace("\r\n\t", "").replace("\r\n ", "").to_ascii_lowercase();
        let signed = unfolded.split("\r\n").filter(|line| line.starts_with("dkim-signature:"));
        let signed: Vec<&str> = signed.collect();
        assert_eq!(signed.len(), 2);
        for name in ["list-unsubscribe:list-", "list-unsubscribe-post"] {
            assert!(signed.iter().all(|line| line.replace(' ', "").contains(name)), "{signed:#?}");
        }
        let again = composer.copy(&variant, &[to(number, "anna@gmx.example")], NOW).expect("copy");
        assert_eq!(again.head, copy.head, "a retry sends the same bytes");
    }
    assert_ne!(copies[0].head, copies[1].head);
    judged(&signer, &[&copies[0], &copies[1]]);
    // Whoever takes a field off breaks the signatures.
    let taken = String::from_utf8(bytes(&copies[0])).expect("ASCII");
    let taken = taken.replacen("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "", 1);
    for one in dkimpy(&signer, &[taken.into_bytes()]).into_iter().flatten() {
        assert_eq!(one.ours(), [("r1", false), ("e1", false)], "{one:?}");
    }
    let mut shared = with_pages.clone();
    shared.frozen.settings.copies = Copies::Shared;
    for (post, to) in [(post(Copies::Personal), 7), (shared, 8)] {
        let variant = composer.variant(&post, &body, &CAN, &"de".into()).expect("variant");
        let copy = composer.copy(&variant, &[self::to(to, "bob@web.example")], NOW).expect("copy");
        let text = String::from_utf8(bytes(&copy)).expect("ASCII");
        assert!(!text.contains("/u/") && !text.contains("One-Click"), "{text}");
        assert!(text.contains("List-Unsubscribe: <mailto:"), "{text}");
    }
}

/// V1, promises 7, 9, 12: personal copies differ in their envelopes only; the body is the original's very memory.
#[test]
fn personal_copies() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let body = mail("", "Hallo zusammen\r\n\r\n.\r\n");
    let Body::Memory(raw) = &body else { panic!("in memory") };
    let variant =
        composer.variant(&post(Copies::Personal), &body, &CAN, &"de".into()).expect("variant");
    let anna = composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW).expect("copy");
    let bob = composer.copy(&variant, &[to(8, "bob@web.example")], NOW).expect("copy");

    for (copy, number) in [(&anna, 7), (&bob, 8)] {
        let sender = copy.sender.as_ref().expect("return path");
        let token = sender.local().strip_prefix("klasse-5b-bounces+").expect("VERP");
        let list = ListId("0c5b".into());
        assert_eq!(check(&composer.keys, Purpose::Bounces, &list, token, NOW), Ok(number));
        let Payload::Memory(sent) = &copy.body else { panic!("in memory") };
        assert!(raw.ends_with(sent) && sent.as_ptr() == raw[raw.len() - sent.len()..].as_ptr());
        let text = String::from_utf8(bytes(copy)).expect("ASCII");
        assert!(text.contains("\r\n\r\nHallo zusammen\r\n\r\n.\r\n"), "{text}");
        assert!(!text.contains("anna@") && !text.contains("bob@") && !text.contains(token));
        assert!(!copy.utf8 && !copy.eight_bit);
    }
    assert_ne!(anna.sender, bob.sender);
    assert_eq!(anna.head, bob.head);
    judged(&signer, &[&anna, &bob]);
}

/// D10: the seal goes on last, over our signatures and the chain that came in; dkimpy accepts both.
#[test]
fn copies_are_sealed() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let mut post = post(Copies::Personal);
    let results = "mx.schule.example; dkim=pass header.d=gmx.example; arc=none".to_owned();
    post.frozen.arc = Some(Sealing { validation: Validation::None, results });
    let variant =
        composer.variant(&post, &mail("", "Hallo\r\n"), &CAN, &"de".into()).expect("variant");
    let first = composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW).expect("copy");
    assert!(first.head.starts_with(b"ARC-Seal: "));

    // The copy comes back through another list of the house, whose id it does not have.
    post.frozen.arc = post.frozen.arc.map(|arc| Sealing { validation: Validation::Pass, ..arc });
    let body = Body::Memory(Bytes::from(bytes(&first)));
    let variant = composer.variant(&post, &body, &CAN, &"de".into()).expect("variant");
    let second = composer.copy(&variant, &[to(8, "bob@web.example")], NOW).expect("copy");
    let mails = [bytes(&first), bytes(&second)];
    let Some(judged) = dkimpy(&signer, &mails) else { return };
    for one in &judged {
        assert_eq!(one.arc, "pass", "{one:?}");
        assert_eq!(one.ours().first(), Some(&("r1", true)), "{one:?}");
    }
    let seals = String::from_utf8_lossy(&mails[1]).matches("ARC-Seal: ").count();
    assert_eq!(seals, 2);
}

/// A retry gives the same bytes; a minute later only the signatures are new.
#[test]
fn copies_repeat() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let (post, body) = (post(Copies::Shared), mail("", "Hallo\r\n"));
    let recipients = [to(7, "anna@gmx.example"), to(8, "bob@web.example")];
    let copy = |now| {
        let variant = composer.variant(&post, &body, &CAN, &"de".into()).expect("variant");
        composer.copy(&variant, &recipients, now).expect("copy")
    };
    let (first, again) = (copy(NOW), copy(NOW));
    assert_eq!(bytes(&first), bytes(&again));
    assert_eq!(
        first.sender.as_ref().map(Address::to_string).as_deref(),
        Some("klasse-5b-bounces@schule.example")
    );
    assert_eq!(first.recipients.len(), 2);

    let later = copy(NOW + Duration::from_secs(60));
    assert_ne!(bytes(&first), bytes(&later));
    let unsigned = |copy: &Copy| {
        let text = String::from_utf8(bytes(copy)).expect("ASCII");
        text.split_once("Received: ").map(|(_, rest)| rest.to_owned()).expect("Received")
    };
    assert_eq!(unsigned(&first), unsigned(&later));
    judged(&signer, &[&first, &later]);
}

/// Promise 12: a large mail is read from its file, and comes out as it would from memory.
#[test]
fn a_body_in_a_file() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let memory = mail("", &"Eine Zeile mit \u{e4}.  \r\n".repeat(30_000));
    let Body::Memory(raw) = &memory else { panic!("in memory") };
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("1.eml");
    std::fs::write(&path, raw).expect("written");
    let file = Body::File { path: path.clone(), size: raw.len() as u64 };

    let post = post(Copies::Personal);
    let copy = |body: &Body| {
        let variant = composer.variant(&post, body, &CAN, &"de".into()).expect("variant");
        composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW).expect("copy")
    };
    let (a, b) = (copy(&memory), copy(&file));
    assert!(
        matches!(b.body, Payload::File { offset, len, .. } if offset + len == raw.len() as u64)
    );
    assert!(b.eight_bit);
    assert!(bytes(&a) == bytes(&b), "file and memory differ");
    judged(&signer, &[&b]);

    std::fs::write(&path, &raw[..raw.len() - 1]).expect("written");
    let short = composer.variant(&post, &file, &CAN, &"de".into()).map(|_| ());
    assert!(matches!(short, Err(NoCopy::Later(why)) if why.contains("1 octets are missing")));
    std::fs::remove_file(&path).expect("removed");
    assert!(matches!(composer.variant(&post, &file, &CAN, &"de".into()), Err(NoCopy::Later(_))));
}

/// Promises 7, 9, 12: a language changes the words of ours, and nothing else; its copies can be undone.
#[test]
fn languages_of_copies() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let (post, body) = (post(Copies::Shared), mail("", "Hallo\r\n"));
    let Body::Memory(raw) = &body else { panic!("in memory") };
    let mut copies = Vec::new();
    for (language, word) in [("de", "=C3=BCber_"), ("en", "via")] {
        let (number, mut who) = to(7, "anna@gmx.example");
        who.language = Some(format!("{language}-AT"));
        assert_eq!(composer.edition(&post.frozen, &who, false).language, language);
        let variant = composer.variant(&post, &body, &CAN, &language.into()).expect("variant");
        let copy = composer.copy(&variant, &[(number, who)], NOW).expect("copy");
        let text = String::from_utf8(bytes(&copy)).expect("ASCII");
        let from = text.split("\r\nFrom: ").nth(1).expect("From");
        assert!(from.lines().next().is_some_and(|from| from.contains(word)), "{text}");
        let changes =
            composer.changes(&post, raw, &CAN, &language.into(), &bytes(&copy)).expect("a record");
        assert_eq!(changes.undo(&bytes(&copy)).as_deref(), Ok(raw.as_ref()));
        let shown = changes.diff(&bytes(&copy)).expect("its own copy");
        for line in ["+ DKIM-Signature: v=1", "- From: Ayse Yilmaz", "+ List-Id: ", "+ Received: "]
        {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        assert!(!shown.contains("- Subject"), "{shown}");
        let other = composer.changes(&post, raw, &CAN, &"tr".into(), b"another copy");
        assert!(matches!(other, Err(NoCopy::Later(_))));
        copies.push(copy);
    }
    let [Payload::Memory(de), Payload::Memory(en)] = [&copies[0].body, &copies[1].body] else {
        panic!("in memory")
    };
    assert_eq!(de.as_ptr(), en.as_ptr(), "a body without our words is the original's very memory");
    judged(&signer, &[&copies[0], &copies[1]]);
}

/// D9, U4, X3, promise 9: what can't be sent as it is gets re-encoded before it is signed, or is refused with a reason.
#[test]
fn bodies_that_must_change() {
    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let post = post(Copies::Personal);
    let text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    let signed = "Content-Type: multipart/signed; protocol=\"application/pgp-signature\";\r\n micalg=pgp-sha256; boundary=b\r\n";
    let part = |body: &str| {
        format!(
            "--b\r\n{text}\r\n{body}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
        )
    };
    let (long, umlaut) = ("lang ".repeat(300), "M\u{fc}ller\r\n".to_owned());
    let seven = Can { eight_bit: false, ..CAN };

    let render = |body: &Body, can: &Can| {
        let variant = composer.variant(&post, body, can, &"de".into())?;
        composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW)
    };
    let wrapped = render(&mail(text, &long), &CAN).expect("copy");
    let narrowed = render(&mail(text, &umlaut), &seven).expect("copy");
    let both = render(&mail(text, &format!("{umlaut}{long}\r\n")), &seven).expect("copy");
    for copy in [&wrapped, &narrowed, &both] {
        let lines = listcore::message::lines(&bytes(copy));
        assert!(lines.longest <= 998 && !lines.bare && !lines.eight_bit, "{lines:?}");
        assert!(!copy.eight_bit);
    }
    let kept = render(&mail(text, &umlaut), &CAN).expect("copy");
    assert!(kept.eight_bit && bytes(&kept).ends_with(umlaut.as_bytes()));
    let inside = render(&mail(signed, &part(&umlaut)), &CAN).expect("copy");
    assert!(bytes(&inside).ends_with(part(&umlaut).as_bytes()));
    judged(&signer, &[&wrapped, &narrowed, &both, &kept, &inside]);

    assert!(reason(render(&mail(signed, &part(&long)), &CAN)).starts_with("5.6.0 "));
    assert!(reason(render(&mail(signed, &part(&umlaut)), &seven)).starts_with("5.6.3 "));
}

/// U1: an address in UTF-8 goes where SMTPUTF8 is spoken, and alone is refused where it is not.
#[test]
fn utf8_addresses() {
    let composer = composer([]);
    let (post, body) = (post(Copies::Personal), mail("", "Hallo\r\n"));
    let render = |can: &Can, address: &str| {
        let variant = composer.variant(&post, &body, can, &"de".into())?;
        composer.copy(&variant, &[to(7, address)], NOW)
    };
    let narrow = Can { utf8: false, ..CAN };
    assert!(render(&CAN, "m\u{fc}ller@gmx.example").expect("copy").utf8);
    assert!(!render(&narrow, "anna@gmx.example").expect("copy").utf8);
    assert!(reason(render(&narrow, "m\u{fc}ller@gmx.example")).starts_with("5.6.7 "));
}

/// D3: From of a domain of ours stays and is signed by that domain and by the list's; without a key nothing is.
#[test]
fn who_signs() {
    use listcore::dkim::{Algorithm, generate};
    let key = || vec![("e9".to_owned(), generate(Algorithm::Ed25519).expect("key"))];
    let other = Signer::new("gmx.example", key()).expect("signer");
    let body = mail("", "Hallo\r\n");
    let signatures = |composer: &Composer| {
        let variant =
            composer.variant(&post(Copies::Personal), &body, &CAN, &"de".into()).expect("variant");
        let copy = composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW).expect("copy");
        let head = String::from_utf8(copy.head.to_vec()).expect("ASCII");
        let of: Vec<String> = head
            .split("DKIM-Signature: ")
            .skip(1)
            .filter_map(|s| s.split("; d=").nth(1)?.split(';').next().map(str::to_owned))
            .collect();
        (of, head.contains("\r\nFrom: Ayse Yilmaz <ayse@gmx.example>\r\n"))
    };
    assert_eq!(signatures(&composer([])), (vec![], false));
    let ours = Signer::new(DOMAIN, key()).expect("signer");
    assert_eq!(
        signatures(&composer([ours, other])),
        (vec!["gmx.example".to_owned(), DOMAIN.to_owned()], true)
    );
}

/// Promise 8: where nobody vouched for the author, no signature of ours is aligned with the From.
#[test]
fn a_forgery_is_not_made_valid() {
    use listcore::dkim::{Algorithm, generate};
    let signer = |domain| {
        let key = generate(Algorithm::Ed25519).expect("key");
        Signer::new(domain, vec![("e9".to_owned(), key)]).expect("signer")
    };
    let composer = composer([signer(DOMAIN), signer("gmx.example")]);
    for (author, proven, unproven) in [
        ("rektor@schule.example", 1, 0),
        ("rektor@mail.schule.example", 1, 0),
        ("ayse@gmx.example", 2, 1),
        ("ayse@web.example", 1, 1),
    ] {
        let raw = format!("{HEAD}\r\nHallo\r\n").replace("ayse@gmx.example", author);
        let body = Body::Memory(Bytes::from(raw.into_bytes()));
        for (policy, expect) in [(FromPolicy::Keep, proven), (FromPolicy::Unproven, unproven)] {
            let mut post = post(Copies::Personal);
            post.frozen.settings.from = policy;
            let variant = composer.variant(&post, &body, &CAN, &"de".into()).expect("variant");
            let copy = composer.copy(&variant, &[to(7, "anna@gmx.example")], NOW).expect("copy");
            let head = String::from_utf8(copy.head.to_vec()).expect("ASCII");
            assert!(head.contains(&format!("\r\nFrom: Ayse Yilmaz <{author}>\r\n")), "{head}");
            assert_eq!(head.matches("DKIM-Signature: ").count(), expect, "{author} {policy:?}");
        }
    }
    for (a, b, expect) in [
        ("schule.example", "schule.example", true),
        ("lists.schule.example", "schule.example", true),
        ("lists.schule.example", "mail.schule.example", true),
        ("schule.example", "gmx.example", false),
        ("example", "schule.example", true),
        ("aschule.example", "schule.example", false),
    ] {
        assert_eq!(may_align(a, b), expect, "{a} {b}");
        assert_eq!(may_align(b, a), expect, "{b} {a}");
    }
}

/// Figures for one core: `cargo test -p listd --release -- --ignored --nocapture rate_of_copies`.
#[test]
#[ignore = "prints figures, proves nothing"]
fn rate_of_copies() {
    let composer = composer([signer()]);
    let body = mail("", &"Hallo zusammen\r\n".repeat(250));
    let variant =
        composer.variant(&post(Copies::Personal), &body, &CAN, &"de".into()).expect("variant");
    let rate = |what: &str, now: &dyn Fn(u64) -> Timestamp| {
        let start = std::time::Instant::now();
        let mut count = 0;
        while start.elapsed() < Duration::from_secs(2) {
            count += 1;
            composer.copy(&variant, &[to(count, "anna@gmx.example")], now(count)).expect("copy");
        }
        println!(
            "{:.0} copies/s of a 4 KB mail, {what}",
            count as f64 / start.elapsed().as_secs_f64()
        );
    };
    rate("one signature per key and minute", &|_| NOW);
    rate("signatures for each", &|n| NOW + Duration::from_secs(60 * n));
    let start = std::time::Instant::now();
    for _ in 0..1000 {
        composer.variant(&post(Copies::Personal), &body, &CAN, &"de".into()).expect("variant");
    }
    println!("{:.0} variants/s", 1000.0 / start.elapsed().as_secs_f64());
}
