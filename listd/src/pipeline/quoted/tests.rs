//! What is a token of ours in a mail, and what only looks like one.

use listcore::token::make;

use super::*;
use crate::pipeline::testing::{START, School};

/// Links and addresses that are somebody's own; not what is forged, old, another's, or for everybody.
#[tokio::test]
async fn tokens_of_ours_are_known() {
    let school = School::new();
    let (keys, pipeline) = (&school.keys, &school.door.pipeline);
    let list = ListId("00000000-0000-0000-0000-00000000005b".to_owned());
    let of = |purpose| make(keys, purpose, &list, 7, START);
    let member = token::member(keys, &list, 7, START);
    let ticket = token::ticket(keys, 8, START);
    let digest =
        token::in_digest(keys, "schule.example", std::slice::from_ref(&list), START, 7, START);
    let (bounces, probe, author) = (of(Purpose::Bounces), of(Purpose::Probe), of(Purpose::Author));
    let forged: String = member.chars().rev().collect();
    let old = token::ticket(keys, 8, Timestamp(START.0 - 200 * 24 * 3600 * 1000));
    let quoted = |raw: &str| {
        let tree = Tree::parse(raw.as_bytes()).expect("a tree");
        pipeline.quoted(raw.as_bytes(), &tree, START)
    };
    for (text, ours) in [
        (format!("https://lists.schule.example/u/{member}"), Some(&member)),
        (format!("https://lists.schule.example/u/{digest}"), Some(&digest)),
        (format!("https://lists.schule.example/o/{ticket}"), Some(&ticket)),
        (format!("mailto:5b-confirm%2B{ticket}@schule.example"), Some(&ticket)),
        (format!("https://lists.schule.example/q/{ticket}"), Some(&ticket)),
        (format!("<5b-bounces+{bounces}@schule.example>"), Some(&bounces)),
        (format!("<klasse-5b-bounces+{probe}@schule.example>"), Some(&probe)),
        (format!("<5b-confirm+{ticket}@schule.example>"), Some(&ticket)),
        (format!("<b+{ticket}@schule.example>"), Some(&ticket)),
        (format!("<5b-author+{author}@schule.example>"), None),
        (format!("<6a-bounces+{bounces}@schule.example>"), None),
        (format!("<5b-bounces+{bounces}@elsewhere.example>"), None),
        (format!("https://lists.schule.example/u/{forged}"), None),
        (format!("https://lists.schule.example/q/{old}"), None),
        ("https://elsewhere.example/o/abcdefghijklmnopqrstuvwxyz".to_owned(), None),
    ] {
        let raw = format!("Subject: Fwd\r\n\r\n> {text}\r\n");
        let found = quoted(&raw);
        let expect: Vec<String> = ours.into_iter().cloned().collect();
        assert_eq!(found, Ours { open: expect, sealed: 0 }, "{text}");
    }
    // Who answers all names the address of a letter beside the list.
    let raw = format!("Subject: Re\r\nCc: <5b-confirm+{ticket}@schule.example>\r\n\r\nJa\r\n");
    assert_eq!(quoted(&raw), Ours { open: vec![ticket], sealed: 0 });
}
