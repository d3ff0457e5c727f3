//! A letter on its way out: signed, and otherwise as it was written.

use listcore::message::Mail;
use listcore::notice::letter::{Block, words};

use super::*;
use crate::compose::Composer;
use crate::delivery::{Can, Payload};
use crate::scheduler::Render;
use crate::sign::Signers;
use crate::sign::testing::{DOMAIN, dkimpy, signer};
use crate::store::{Body, RecipientRef, StoredPost};

pub(super) const NOW: Timestamp = Timestamp(1_795_309_323_000);

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

pub(super) fn letter() -> Letter {
    let blocks = [
        Block::Paragraph("Haben Sie das geschrieben? Grüße".to_owned()),
        Block::Choice {
            label: "Ja".to_owned(),
            url: "https://lists.schule.example/q/abc".to_owned(),
        },
    ];
    let to = Recipient {
        person: None,
        address: address("ayse@gmx.example"),
        name: Some("Ayşe Yılmaz".to_owned()),
        language: Some("de".to_owned()),
    };
    let from =
        Sender { name: "Klasse 5b".to_owned(), address: address("klasse-5b-owner@schule.example") };
    Letter {
        to,
        from,
        reply_to: Some(address("klasse-5b-confirm+abc@schule.example")),
        words: words("de", "Haben Sie das geschrieben?", &blocks),
        answers: Some("1@gmx.example".to_owned()),
        auto: Auto::Replied,
        list: address("klasse-5b@schule.example"),
    }
}

pub(super) fn letters() -> Letters {
    Letters { hostname: "lists.schule.example".to_owned(), ids: Arc::default() }
}

/// What the relay gets: the envelope's sender, the header, the body.
pub(super) fn sent(letter: &Letter, composer: &Composer) -> (Vec<u8>, Option<Address>, Vec<u8>) {
    leaving(letters().write(letter, NOW), composer)
}

/// The same of what the store gets.
pub(super) fn leaving(
    (mail, post): (NewMail, NewPost),
    composer: &Composer,
) -> (Vec<u8>, Option<Address>, Vec<u8>) {
    let Raw::Memory(raw) = mail.raw else { panic!("a letter is small") };
    let edition = post.frozen.language.as_str().into();
    let stored = StoredPost {
        id: post.id,
        mail: mail.id,
        message_id: mail.message_id,
        frozen: post.frozen,
        accepted: NOW,
        expires: post.expires,
        size: raw.len() as u64,
    };
    let can = Can { eight_bit: false, utf8: false, chunking: false, size: None };
    let body = Body::Memory(raw.clone());
    let variant = composer.variant(&stored, &body, &can, &edition).expect("a variant");
    let to = (RecipientRef(1), post.recipients.first().expect("somebody").clone());
    let copy = composer.copy(&variant, &[to], NOW).expect("a copy");
    let Payload::Memory(body) = copy.body else { panic!("a letter is small") };
    (raw.to_vec(), copy.sender, [copy.head.to_vec(), body.to_vec()].concat())
}

pub(super) fn composer(signers: Signers) -> Composer {
    let keys = listcore::token::Keys::parse(&"5e".repeat(32)).expect("keys");
    Composer::new(signers, Arc::new(keys), &[], &[])
}

/// A1, A3, H11: what was written leaves octet by octet, below a signature, our Received and the mark against loops.
#[test]
fn a_letter_leaves_as_it_was_written() {
    let signer = Arc::new(signer());
    let (raw, sender, sent) = sent(&letter(), &composer(Signers::of_one(signer.clone())));
    assert_eq!(sender, None, "nothing can answer it by itself");
    let (before, after) = (Mail::parse(&raw).expect("a mail"), Mail::parse(&sent).expect("a mail"));
    let text = |mail: &Mail, field: &listcore::message::Field| {
        String::from_utf8_lossy(mail.head.get(field.whole.clone()).unwrap_or_default()).into_owned()
    };
    let ours = ["DKIM-Signature", "Received", "X-Loop", "X-Auto-Response-Suppress"];
    let is_ours = |field: &&listcore::message::Field| ours.iter().any(|n| field.is(&after.head, n));
    let kept: Vec<String> =
        after.fields.iter().filter(|f| !is_ours(f)).map(|f| text(&after, f)).collect();
    let written: Vec<String> = before.fields.iter().map(|f| text(&before, f)).collect();
    assert_eq!(kept, written);
    assert_eq!(raw[before.head_len()..], sent[after.head_len()..]);
    assert!(after.list_ids.is_empty() && after.count("Precedence") == 0);
    assert_eq!(after.text("X-Loop").as_deref(), Some("klasse-5b-owner@schule.example"));
    assert_eq!(after.auto_submitted.as_deref(), Some("auto-replied"));
    assert_eq!(after.author().map(|a| a.address.domain()), Some(DOMAIN));
    if let Some(judged) = dkimpy(&signer, &[sent]) {
        assert_eq!(judged[0].ours(), [("r1", true), ("e1", true)]);
    }
}

/// The same letter with the same id is the same mail; two letters are two.
#[test]
fn nothing_is_left_to_chance() {
    let written = |letters: &Letters| {
        let (mail, post) = letters.write(&letter(), NOW);
        let Raw::Memory(raw) = mail.raw else { panic!("a letter is small") };
        (mail.message_id, post.frozen, post.digest, raw)
    };
    let house = letters();
    let first = written(&house);
    assert_eq!(first, written(&letters()));
    assert_ne!(first.0, written(&house).0);
}

/// U1: an address in another script travels with SMTPUTF8 or not at all; a name in any script always can.
#[test]
fn names_in_any_script() {
    let mut one = letter();
    one.to.name = Some("Οδυσσέας \u{202e}".to_owned());
    let (_, _, sent) = sent(&one, &composer(Signers::new([])));
    let mail = Mail::parse(&sent).expect("a mail");
    assert_eq!(mail.to[0].name, "Οδυσσέας [U+202E]");
}
