//! Rule R3 in every form in which mail programs write such a line, and what looks like one and is none.

use super::*;
use crate::rewrite::body::{self, Wishes};

const SECRET: &str = "hunter2geheim";

fn of(kind: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: a@gmx.example\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The mail as it goes out, and how many changes that took.
fn cleansed(raw: &[u8]) -> (Vec<u8>, usize) {
    let tree = Tree::parse(raw).expect("a mail");
    let wishes = Wishes { passwords: true, ..Wishes::default() };
    let edits = body::edits(raw, &tree, &wishes).expect("it can change");
    let out = edits.apply(raw);
    let again = Tree::parse(&out).expect("a mail");
    assert!(!find(&out, &again).open, "once is enough: {}", String::from_utf8_lossy(&out));
    (out, edits.iter().count())
}

fn texts_of(raw: &[u8]) -> Vec<String> {
    let tree = Tree::parse(raw).expect("a mail");
    let leaves = tree.parts.iter().filter(|part| part.is_leaf());
    leaves.map(|part| String::from_utf8_lossy(&part.content(raw)).into_owned()).collect()
}

/// Each form of a text: the line goes, everything else keeps its octets.
#[test]
fn the_first_line_of_a_text() {
    let (plain, html) = ("text/plain; charset=utf-8", "text/html; charset=utf-8");
    let cases = [
        (plain, "7bit", format!("Approved: {SECRET}\r\n\r\nHallo\r\n"), "\r\nHallo\r\n"),
        (plain, "8bit", format!("\r\n \r\nApproved: {SECRET}\r\nGrüße\r\n"), "\r\n \r\nGrüße\r\n"),
        (plain, "7bit", format!("Approved: {SECRET}"), ""),
        (
            plain,
            "quoted-printable",
            format!("Approved:=20{SECRET}\r\nGr=C3=BC=C3=9Fe=\r\n!\r\n"),
            "Gr=C3=BC=C3=9Fe=\r\n!\r\n",
        ),
        (
            plain,
            "quoted-printable",
            format!("Appro=\r\nved: {SECRET}\r\nGr=C3=BC=C3=9Fe\r\n"),
            "Gr=C3=BC=C3=9Fe\r\n",
        ),
        (
            html,
            "7bit",
            format!("<p>Approved: {SECRET}</p><p>Hallo</p>\r\n"),
            "<p></p><p>Hallo</p>\r\n",
        ),
        (
            html,
            "7bit",
            format!("<div>Approved: {SECRET}<br>Hallo</div>\r\n"),
            "<div><br>Hallo</div>\r\n",
        ),
        (
            html,
            "7bit",
            format!(
                "<html><head><title>x</title><style>p{{}}</style></head>\r\n<body>\r\n<!-- x -->&nbsp;\r\n<p class=\"a>b\"><span>Approved:</span>&nbsp;<b>{SECRET}</b></p>Hallo\r\n"
            ),
            "<html><head><title>x</title><style>p{}</style></head>\r\n<body>\r\n<!-- x -->&nbsp;\r\n<p class=\"a>b\"><span></span><b></b></p>Hallo\r\n",
        ),
        (
            html,
            "7bit",
            format!("<pre>Approved: {SECRET}\r\nHallo</pre>\r\n"),
            "<pre>Hallo</pre>\r\n",
        ),
        (html, "7bit", format!("Approved&#58; {SECRET}<br/>Hallo\r\n"), "<br/>Hallo\r\n"),
    ];
    for (kind, encoding, text, expect) in cases {
        let raw = of(kind, encoding, text.as_bytes());
        let (out, _) = cleansed(&raw);
        let expect = of(kind, encoding, expect.as_bytes());
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expect), "{text}");
    }
}

#[test]
fn base64_and_html_in_the_middle_of_a_quoted_line() {
    let text = format!("Approved: {SECRET}\r\nHallo Welt, {}\r\n", "so lang ".repeat(30));
    let raw = of("text/plain", "base64", &transfer::based(text.as_bytes()));
    let (out, _) = cleansed(&raw);
    let [left] = &texts_of(&out)[..] else { panic!("one text") };
    assert_eq!(Some(left.trim_end()), text.split_once("\r\n").map(|(_, rest)| rest.trim_end()));
    // Padding in the midst of it: programs do not agree what follows.
    let torn = [
        transfer::based(b"Approved: "),
        transfer::based(format!("{SECRET}\r\nHallo\r\n").as_bytes()),
    ];
    let (out, _) = cleansed(&of("text/plain", "base64", &torn.concat()));
    assert!(!texts_of(&out).concat().contains(SECRET));

    let html = format!(
        "<p class=3D\"a\">Appro=\r\nved: {SEC}=\r\n{RET}</p><p>Gr=C3=BC=C3=9Fe</p>\r\n",
        SEC = &SECRET[..5],
        RET = &SECRET[5..]
    );
    let (out, _) = cleansed(&of("text/html; charset=utf-8", "quoted-printable", html.as_bytes()));
    let [left] = &texts_of(&out)[..] else { panic!("one text") };
    assert_eq!(left.trim_end(), "<p class=\"a\"></p><p>Grüße</p>");
    assert!(
        String::from_utf8_lossy(&out).lines().all(|line| line.len() <= 76 || line.contains(": "))
    );
}

fn alternatives(plain: &str, html: &str) -> Vec<u8> {
    let parts = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    );
    of("multipart/alternative; boundary=b", "7bit", parts.as_bytes())
}

/// The classic leak: gone from the text, and still there for whoever reads the HTML, also where something stands above it.
#[test]
fn no_alternative_keeps_it() {
    let line = format!("Approved: {SECRET}");
    for html in [
        format!("<p>{line}</p><p>Hallo</p>"),
        format!("<div>Unser Logo</div><div>{line}</div><div>Hallo</div>"),
        format!("<div>Kopf</div>Approved:&nbsp;<i>{SECRET}</i><br>Hallo"),
    ] {
        let (out, changes) = cleansed(&alternatives(&format!("{line}\r\n\r\nHallo"), &html));
        let shown = String::from_utf8_lossy(&out);
        assert!(!shown.contains(SECRET) && shown.matches("Hallo").count() == 2, "{shown}");
        assert_eq!(changes, 2, "one in each");
    }
}

/// Promise 9, and words that are nobody's password: not one octet changes.
#[test]
fn what_stays() {
    let line = format!("Approved: {SECRET}");
    let attached = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nHallo\r\n--b\r\nContent-Type: text/plain\r\n\
         Content-Disposition: attachment\r\n\r\n{line}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
         From: b@gmx.example\r\n\r\n{line}\r\n--b--\r\n"
    );
    let wide: Vec<u8> = line.bytes().flat_map(|b| [b, 0]).collect();
    for raw in [
        of("text/plain", "7bit", format!("Hallo,\r\n{line}\r\n").as_bytes()),
        of("text/plain", "7bit", b"Urgent: the school is closed today\r\n"),
        of("text/plain", "7bit", format!("> {line}\r\n").as_bytes()),
        of("text/html", "7bit", format!("<p>Hallo</p><p>{line}</p>").as_bytes()),
        of("text/html", "7bit", b"<p>Urgent: please <b>read</b></p>\r\n"),
        of("text/plain; charset=utf-16le", "base64", &transfer::based(&wide)),
        of("multipart/mixed; boundary=b", "7bit", attached.as_bytes()),
    ] {
        let tree = Tree::parse(&raw).expect("a mail");
        assert_eq!(find(&raw, &tree), Found::default(), "{}", String::from_utf8_lossy(&raw));
        assert_eq!(cleansed(&raw), (raw.clone(), 0));
    }
    let signed = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\n{line}\r\n\r\nHallo\r\n--b\r\n\
         Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    );
    let raw = of(
        "multipart/signed; protocol=\"application/pgp-signature\"; boundary=b",
        "7bit",
        signed.as_bytes(),
    );
    let tree = Tree::parse(&raw).expect("a mail");
    assert_eq!(find(&raw, &tree), Found { open: false, sealed: true });
    let wishes = Wishes { passwords: true, ..Wishes::default() };
    assert_eq!(body::edits(&raw, &tree, &wishes), Ok(Default::default()));
}

proptest::proptest! {
    /// X4, promise 10: any octets as a text, of any kind; no panic, and once is enough.
    #[test]
    fn any_octets(
        octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        kind in "text/(plain|html)", encoding in "7bit|base64|quoted-printable", name in "(?i)approved: |x-approve:|<p>urgent:|",
    ) {
        let text = [name.as_bytes(), &octets].concat();
        let body = match encoding.as_str() {
            "base64" => transfer::based(&text),
            "quoted-printable" => transfer::quoted(&[&text]),
            _ => text,
        };
        let raw = of(&kind, &encoding, &body);
        let tree = Tree::parse(&raw).expect("a mail");
        let wishes = Wishes { passwords: true, ..Wishes::default() };
        let Ok(edits) = body::edits(&raw, &tree, &wishes) else { return Ok(()) };
        let out = edits.apply(&raw);
        let again = Tree::parse(&out).expect("a mail");
        // Where a line was seen, it is gone.
        let gone = |edit: &Edit| matches!(edit.what, What::Part { done: Done::Cleansed, .. });
        proptest::prop_assert_eq!(find(&raw, &tree).open, edits.iter().any(gone));
        let _ = find(&out, &again);
    }
}
