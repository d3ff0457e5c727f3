//! Where tokens stand, and that nothing else changes with them.

use super::*;
use crate::rewrite::Edits;

const TOKEN: &str = "abcdefghijklmnopqrst2345";
const OTHER: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzz";

fn veiled(raw: &str, tokens: &[&str]) -> String {
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    let tokens: Vec<String> = tokens.iter().map(|t| (*t).to_owned()).collect();
    let edits = edits(raw.as_bytes(), &tree, &tokens);
    let edits = Edits::new(edits, raw.len()).expect("apart");
    String::from_utf8(edits.apply(raw.as_bytes())).expect("text")
}

fn open(raw: &str) -> Vec<Quoted> {
    find(raw.as_bytes(), &Tree::parse(raw.as_bytes()).expect("a tree")).open.into_iter().collect()
}

#[test]
fn what_looks_like_a_token_is_found() {
    let link = || vec![Quoted::Link(TOKEN.to_owned())];
    let address = |address: &str| vec![Quoted::Address(TOKEN.to_owned(), address.to_owned())];
    for (text, expect) in [
        (format!("> <https://lists.x.example/u/{TOKEN}>,"), link()),
        (format!("https://lists.x.example/o/{TOKEN}?lang=de"), link()),
        (format!("href=\"https://lists.x.example/q/{TOKEN}\""), link()),
        (format!("https://lists.x.example/x/{TOKEN}"), vec![]),
        ("https://lists.x.example/u/kurz".to_owned(), vec![]),
        (format!("/u/{TOKEN}{TOKEN}"), vec![]),
        (
            format!("Return-Path: <5b-bounces+{TOKEN}@schule.example>"),
            address(&format!("5b-bounces+{TOKEN}@schule.example")),
        ),
        (format!("b+{TOKEN}@schule.example."), address(&format!("b+{TOKEN}@schule.example"))),
        (format!("1+{TOKEN} = 3"), vec![]),
        (String::new(), vec![]),
    ] {
        assert_eq!(open(&format!("Subject: x\r\n\r\n{text}\r\n")), expect, "{text}");
    }
    assert_eq!(open(&format!("X: /u/{TOKEN}\r\n\r\nx\r\n")), [], "its own header is another's");
}

/// Only the characters of the token change, each to a dot, in whatever encoding they stand; what is not named stays.
#[test]
fn a_token_becomes_dots() {
    let gone = ".".repeat(TOKEN.len());
    let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    let (a, b) = TOKEN.split_at(10);
    let text = |token: &str| format!("Hallo\r\n> /u/{token} und /u/{OTHER}\r\n");
    for (head, before, after) in [
        ("", text(TOKEN), text(&gone)),
        ("Content-Type: text/html\r\n", text(TOKEN), text(&gone)),
        (
            "Content-Transfer-Encoding: quoted-printable\r\n",
            format!("Gr=C3=BC=C3=9Fe /u/{a}=\r\n{b}=20\r\n"),
            format!("Gr=C3=BC=C3=9Fe /u/..........=\r\n{}=20\r\n", ".".repeat(b.len())),
        ),
        (
            "Content-Transfer-Encoding: quoted-printable\r\n",
            format!("/u/=61{}\r\n", TOKEN.strip_prefix('a').expect("an a")),
            format!("/u/{gone}\r\n"),
        ),
        (
            "Content-Transfer-Encoding: base64\r\n",
            format!("{}\r\n", base64(&format!("/u/{TOKEN}!"))),
            format!("{}\r\n", base64(&format!("/u/{gone}!"))),
        ),
        (
            "Content-Type: message/rfc822\r\n",
            format!("List-Unsubscribe: </u/{TOKEN}>\r\nSubject: y\r\n\r\n{TOKEN}\r\n"),
            format!("List-Unsubscribe: </u/{gone}>\r\nSubject: y\r\n\r\n{gone}\r\n"),
        ),
        ("Content-Type: application/pdf\r\n", text(TOKEN), text(TOKEN)),
    ] {
        let mail = |body: &str| format!("Subject: x\r\n{head}\r\n{body}");
        assert_eq!(veiled(&mail(&before), &[TOKEN]), mail(&after), "{head}");
        assert_eq!(veiled(&mail(&before), &[]), mail(&before), "{head}");
    }
}

/// Promise 9: a signed part keeps it, and it is known that it does.
#[test]
fn a_signed_part_keeps_it() {
    let raw = format!(
        "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\r\n\r\n\
         --s\r\n\r\n/u/{TOKEN}\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
    );
    assert_eq!(veiled(&raw, &[TOKEN]), raw);
    let found = find(raw.as_bytes(), &Tree::parse(raw.as_bytes()).expect("a tree"));
    assert_eq!((found.open.len(), found.sealed.len()), (0, 1));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
    })]

    /// Promise 10, and none is left: whatever is around it, in whatever encoding.
    #[test]
    fn none_is_left(
        before in "(=|\r\n|/u/|[a-z2-7]|\\+|@|\\PC){0,40}",
        behind in "(=|\r\n|[a-z2-7]|@|\\PC){0,40}",
        encoding in "(7bit|quoted-printable|base64)",
    ) {
        let text = format!("{before} /u/{TOKEN} {behind}");
        let body = match encoding.as_str() {
            "base64" => data_encoding::BASE64.encode(text.as_bytes()),
            "7bit" => text,
            _ => String::from_utf8(transfer::quoted(&[text.as_bytes()])).expect("ASCII"),
        };
        let raw = format!("Content-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n");
        let raw = veiled(&raw, &[TOKEN]);
        let tree = Tree::parse(raw.as_bytes()).expect("a tree");
        let content = tree.parts[0].content(raw.as_bytes());
        proptest::prop_assert!(memmem::find(&content, TOKEN.as_bytes()).is_none());
    }
}
