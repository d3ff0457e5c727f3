//! What must hold for any input: nobody can inject a field, and no line leaves that may not (rules X3, X4, S5, R5).

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use listcore::address::Address;
use listcore::list::{ListId, ReplyTo, Settings};
use listcore::message::{fields::fields, lines, split};
use listcore::notice::{About, MAX_REPLY, refusal};
use listcore::policy::Refusal;
use listcore::rewrite::{BodyOf, Frozen, Ours, PostKind, copy_head, to_seven_bit, wrap_lines};
use proptest::prelude::*;

/// Text with what breaks headers more often than chance would bring it.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        ".{0,20}",
        "[a-zA-Z ]{0,20}",
        Just("\r\nBcc: evil@x.example".to_owned()),
        Just("\r\n\r\nbody".to_owned()),
        Just("=?utf-8?Q?a=0D=0ABcc:_evil@x.example?=".to_owned()),
        Just("\u{2028}\u{202e}\0\u{85}".to_owned()),
        Just("<\">,;:\\()@".to_owned()),
        Just("ä".repeat(300)),
        Just("x".repeat(1_200)),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn frozen(texts: [String; 5], reply_to: ReplyTo) -> Frozen {
    let [name, description, help, received, id] = texts;
    let subject_tag = description.clone();
    Frozen {
        name,
        description,
        settings: Settings { reply_to, subject_tag, ..Settings::default() },
        help_url: Some(format!("https://{help}")),
        language: "de".to_owned(),
        received: format!("Received: {received}\r\n"),
        add_message_id: Some(id.clone()),
        add_date: Some(id),
        ..Frozen::new(
            PostKind::List,
            ListId("5b".to_owned()),
            Address::parse("klasse-5b@schule.example").expect("an address"),
        )
    }
}

/// Nothing in a head but the fields that may be there, and no line that may not.
fn is_sound(head: &[u8], allowed: &[&str]) {
    let found = lines(head);
    assert!(found.longest <= 998 && !found.bare && !found.nul, "{found:?}");
    assert_eq!(split(head), head.len());
    for field in fields(head) {
        let name = String::from_utf8_lossy(field.name(head)).into_owned();
        assert!(
            field.valid && allowed.iter().any(|a| a.eq_ignore_ascii_case(&name)),
            "{name}: {}",
            String::from_utf8_lossy(head)
        );
    }
}

const OURS: [&str; 19] = [
    "Received",
    "From",
    "Author",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "X-Foo",
    "Message-ID",
    "Date",
    "List-Id",
    "List-Post",
    "List-Help",
    "List-Unsubscribe",
    "List-Subscribe",
    "List-Owner",
    "Precedence",
    "X-Auto-Response-Suppress",
    "Content-Type",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// X3, X4, S5: settings, names and subjects never become fields of their own.
    #[test]
    fn nothing_is_injected(texts in prop::array::uniform5(nasty()), name in nasty(), subject in nasty(), list in any::<bool>(), utf8 in any::<bool>()) {
        let line = |text: &str| text.replace(['\r', '\n', '\0'], " ");
        let head = format!(
            "From: \"{}\" <a@gmx.example>\r\nTo: {}\r\nSubject: {}\r\nX-Foo: {}\r\nContent-Type: text/plain; name={}\r\n\r\n",
            line(&name).replace(['"', '\\'], ""), line(&name), line(&subject), line(&subject), line(&subject)
        );
        let reply_to = if list { ReplyTo::List } else { ReplyTo::Author };
        let ours = Ours { signs_for: &|_| false, authserv_ids: &[], body: BodyOf::Original, utf8 };
        if let Ok(head) = copy_head(head.as_bytes(), &frozen(texts, reply_to), &ours) {
            is_sound(&head.bytes, &OURS);
            prop_assert!(head.needs_utf8 || head.bytes.is_ascii());
            prop_assert!(utf8 || !head.needs_utf8);
        }
    }

    /// X3: any octets at all as a header.
    #[test]
    fn any_octets_are_survived(head in prop::collection::vec(any::<u8>(), 0..600)) {
        let raw = [b"From: a@gmx.example\r\nX-Foo: ", head.as_slice(), b"\r\n"].concat();
        let body = BodyOf::Original;
        let ours = Ours { signs_for: &|_| false, authserv_ids: &[], body, utf8: true };
        if let Ok(head) = copy_head(&raw, &frozen(Default::default(), ReplyTo::Both), &ours) {
            let found = lines(&head.bytes);
            prop_assert!(found.longest <= 998 && !found.bare && !found.nul);
        }
    }

    /// X3, D9, U4: after a change no body has what it was changed for.
    #[test]
    fn changed_bodies_are_sound(parts in prop::collection::vec(nasty(), 0..4)) {
        let mut raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
        for part in parts {
            raw.extend(format!("--b\r\nX: {}\r\n\r\n{}\r\n", part.replace(['\r', '\n'], " "), part).bytes());
        }
        if let Ok(Some(new)) = wrap_lines(&raw) {
            prop_assert!(lines(&new).longest <= 998);
        }
        if let Ok(Some(new)) = to_seven_bit(&raw) {
            let found = lines(&new);
            prop_assert!(found.longest <= 998 && !found.eight_bit);
        }
    }

    /// LM5, X4: a title can't break a reply line.
    #[test]
    fn replies_are_one_line(title in nasty()) {
        let address = Address::parse("klasse-5b@schule.example").expect("an address");
        let text = refusal("de", &Refusal::Expired, &About { title: &title, address: &address });
        prop_assert!(text.len() <= MAX_REPLY && text.bytes().all(|b| (32..127).contains(&b)));
    }
}
