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
        (format!("/u/{TOKEN}{TOKEN}"), vec![Quoted::Link(format!("{TOKEN}{TOKEN}"))]),
        (format!("/u/{}", TOKEN.repeat(13)), vec![]),
        (format!("b+{TOKEN}{TOKEN}@schule.example"), vec![]),
        (
            format!("Return-Path: <5b-bounces+{TOKEN}@schule.example>"),
            address(&format!("5b-bounces+{TOKEN}@schule.example")),
        ),
        (format!("b+{TOKEN}@schule.example."), address(&format!("b+{TOKEN}@schule.example"))),
        // As programs escape it: in mailto, behind the link of a scanner, in HTML.
        (
            format!("mailto:5b-confirm%2B{TOKEN}%40schule.example?subject=Ja"),
            address(&format!("5b-confirm+{TOKEN}@schule.example")),
        ),
        (
            format!("href='mailto:5b-confirm%2b{TOKEN}@schule.example'"),
            address(&format!("5b-confirm+{TOKEN}@schule.example")),
        ),
        (
            format!("5b-confirm&#43;{TOKEN}&#x40;schule.example"),
            address(&format!("5b-confirm+{TOKEN}@schule.example")),
        ),
        (format!("?url=https%3A%2F%2Flists.x.example%2Fu%2F{TOKEN}&amp;data=x"), link()),
        (format!("?url=https%253A%252f%252flists.x.example%252fo%252f{TOKEN}%26x"), link()),
        (format!("https:&#x2F;&#47;lists.x.example&#x2f;q&#47;{TOKEN}"), link()),
        (format!("1+{TOKEN} = 3"), vec![]),
        (String::new(), vec![]),
    ] {
        assert_eq!(open(&format!("Subject: x\r\n\r\n{text}\r\n")), expect, "{text}");
    }
    let cc = format!("To: 5b@x.example, 5b-confirm+{TOKEN}@x.example\r\n\r\nx\r\n");
    assert_eq!(open(&cc), address(&format!("5b-confirm+{TOKEN}@x.example")), "its own header");
}

/// In a header it stays an address; what is not named stays byte for byte.
#[test]
fn a_header_stays_readable() {
    let to = |token: &str| format!("To: 5b@x.example,\r\n 5b-confirm+{token}@x.example\r\n");
    let veiled = |field: String| {
        let veiled = in_field(field.as_bytes(), &[TOKEN.to_owned()]).into_owned();
        String::from_utf8(veiled).expect("text")
    };
    assert_eq!(veiled(to(TOKEN)), to(&"0".repeat(TOKEN.len())));
    assert_eq!(veiled(to(OTHER)), to(OTHER));
}

/// Only the characters of the token change, each to a dot, in whatever encoding they stand; what is not named stays.
#[test]
fn a_token_becomes_dots() {
    let gone = ".".repeat(TOKEN.len());
    let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    let wide = |text: &str, octets: fn(u16) -> [u8; 2]| {
        let wide: Vec<u8> = text.encode_utf16().flat_map(octets).collect();
        data_encoding::BASE64.encode(&wide)
    };
    let spaced = |text: &str| text.chars().map(String::from).collect::<Vec<_>>().join("=00");
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
        (
            "Content-Type: text/plain; charset=UTF-16LE\r\nContent-Transfer-Encoding: base64\r\n",
            format!("{}\r\n", wide(&format!("/u/{TOKEN}!"), u16::to_le_bytes)),
            format!("{}\r\n", wide(&format!("/u/{gone}!"), u16::to_le_bytes)),
        ),
        (
            "Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n",
            format!("{}\r\n", wide(&format!("/u/{TOKEN}!"), u16::to_be_bytes)),
            format!("{}\r\n", wide(&format!("/u/{gone}!"), u16::to_be_bytes)),
        ),
        (
            "Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            format!("=00{}\r\n", spaced(TOKEN)),
            format!("=00{}\r\n", spaced(&gone)),
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
