//! Cases for `wrap_lines` and `to_seven_bit`, judged by mail-parser, which decodes before and after.

use super::*;
use mail_parser::MessageParser;

/// What every leaf part decodes to.
fn contents(raw: &[u8]) -> Vec<Vec<u8>> {
    let mail = MessageParser::default().parse(raw).expect("a mail");
    (0..100).map_while(|i| mail.part(i)).map(|part| part.decoded().into_owned()).collect()
}

fn long(len: usize) -> String {
    "Elternabend ".repeat(len / 12 + 1)
}

fn mixed(parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|p| format!("--b\r\n{p}\r\n")).collect();
    format!(
        "From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n{parts}--b--\r\nepi\r\n"
    )
}

/// B11: what needs no change is not touched.
#[test]
fn nothing_to_do() {
    for body in ["", "x\r\n", &"a".repeat(998), "ä\r\n"] {
        assert_eq!(wrap_lines(format!("From: a@x.example\r\n\r\n{body}").as_bytes()), Ok(None));
    }
    let long_head = format!("Subject: {}\r\n\r\nbody\r\n", "a".repeat(2_000));
    assert_eq!(wrap_lines(long_head.as_bytes()), Ok(None), "the head is copy_head's");
    assert_eq!(to_seven_bit(b"From: a@x.example\r\n\r\nbody\r\n"), Ok(None));
}

/// D9, X3, B10: long lines are encoded where they are; the rest of the mail stays byte for byte.
#[test]
fn long_lines_are_encoded() {
    let text = format!("Content-Type: text/plain; charset=utf-8\r\n\r\nHallo\r\n{}ü", long(2_000));
    let html = format!(
        "Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\nX-A: b\r\n\r\n<p>{}",
        long(1_200)
    );
    let short = "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nkurz ä  ";
    let base64 = format!(
        "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        "QUJD".repeat(400)
    );
    let qp = format!(
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}",
        "=C3=A4 ".repeat(400)
    );
    let enclosed = format!(
        "Content-Type: message/rfc822\r\n\r\nSubject: {}\r\n\r\n{}",
        long(1_500),
        long(1_500)
    );
    let nested = format!(
        "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n{html}\r\n--c\r\n{short}\r\n--c--"
    );
    let binary = format!(
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n{}",
        "\u{80}".repeat(2_000)
    );
    for part in [&text, &html, &base64, &qp, &enclosed, &nested, &binary] {
        let raw = mixed(&[short, part, short]);
        let out = wrap_lines(raw.as_bytes()).expect("sendable").expect("changed");
        assert!(lines(&out).longest <= MAX_LINE, "{:.60}", part);
        assert_eq!(contents(&out).len(), contents(raw.as_bytes()).len());
        if !part.contains("rfc822") && !part.contains("boundary=c") {
            // mail-parser's part 0 is the multipart, whose raw content changes.
            assert_eq!(contents(&out)[1..], contents(raw.as_bytes())[1..], "{:.60}", part);
        }
        let text = String::from_utf8_lossy(&out).into_owned();
        assert_eq!(
            text.matches(short).count(),
            raw.matches(short).count(),
            "short parts stay: {:.60}",
            part
        );
        assert!(text.contains("\r\npre\r\n--b\r\n") && text.ends_with("\r\n--b--\r\nepi\r\n"));
    }
    let top = format!("From: a@x.example\r\n\r\n{}\r\n", long(3_000));
    let out = wrap_lines(top.as_bytes()).expect("sendable").expect("changed");
    assert!(out.starts_with(b"From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"));
    assert_eq!(contents(&out), contents(top.as_bytes()));
}

/// X3: preambles, missing boundaries, a body with a long line and no text.
#[test]
fn odd_places_for_long_lines() {
    let a = "a".repeat(5_000);
    let cases = [
        format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{a}\r\n--b\r\n\r\nx\r\n--b--\r\n{a}"
        ),
        format!("Content-Type: multipart/mixed\r\n\r\n{a}\r\n"),
        format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: {a}\r\n\r\nx\r\n--b\r\n{a}"
        ),
        format!("\r\n{a}"),
    ];
    for raw in cases {
        let out = wrap_lines(raw.as_bytes()).expect("sendable").expect("changed");
        assert!(lines(&out).longest <= MAX_LINE && out.ends_with(b"\r\n"), "{raw:.60}");
        let count = |b: &[u8]| b.iter().filter(|b| **b == b'a').count();
        assert!(count(&out) >= count(raw.as_bytes()), "nothing is swallowed: {raw:.60}");
    }
}

/// Promise 9, B7: not one byte inside signed or encrypted parts; beside them the rest may change.
#[test]
fn sealed_parts_are_never_touched() {
    for kind in [
        "multipart/signed; boundary=c",
        "multipart/encrypted; boundary=c",
        "application/pkcs7-mime",
        "Application/X-PKCS7-Mime",
    ] {
        let sealed =
            |line: &str| format!("Content-Type: {kind}\r\n\r\n--c\r\n\r\n{line}\r\n--c--\r\n");
        assert_eq!(
            wrap_lines(sealed(&long(2_000)).as_bytes()),
            Err(Unsendable::LongLineSigned),
            "{kind}"
        );
        assert_eq!(
            wrap_lines(mixed(&[&sealed(&long(2_000))]).as_bytes()),
            Err(Unsendable::LongLineSigned),
            "{kind}"
        );
        assert_eq!(
            to_seven_bit(mixed(&[&sealed("ä")]).as_bytes()),
            Err(Unsendable::EightBitSigned),
            "{kind}"
        );
        let inner = sealed("ä  b \r\nc");
        let raw = mixed(&[&inner, &format!("\r\n{}", long(2_000))]);
        let out = wrap_lines(raw.as_bytes()).expect("sendable").expect("changed");
        assert!(String::from_utf8_lossy(&out).contains(&inner), "{kind}");
    }
}

/// U4: seven bits, the same content, and containers that say so.
#[test]
fn eight_bits_become_seven() {
    let part = "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline; filename=\"ü.txt\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\nvon .";
    let raw = mixed(&[part, "Content-Type: text/plain\r\n\r\nascii"])
        .replace("MIME-Version: 1.0", "Content-Transfer-Encoding: 8bit");
    let out = to_seven_bit(raw.as_bytes()).expect("sendable").expect("changed");
    let text = String::from_utf8(out.clone()).expect("ASCII");
    assert!(
        text.is_ascii()
            && text.contains("Content-Transfer-Encoding: 7bit")
            && text.contains("filename*=utf-8''%C3%BC.txt"),
        "{text}"
    );
    assert_eq!(contents(&out)[1..], contents(raw.as_bytes())[1..]);
}

/// X3: a boundary that is longer than a line may be can't be helped.
#[test]
fn a_boundary_can_be_too_long() {
    let b = "b".repeat(1_000);
    let raw =
        format!("Content-Type: multipart/mixed; boundary={b}\r\n\r\n--{b}\r\n\r\nx\r\n--{b}--\r\n");
    assert_eq!(wrap_lines(raw.as_bytes()), Err(Unsendable::BadStructure));
}

/// B14: nesting without end is refused, not walked.
#[test]
fn nesting_is_bounded() {
    let mut raw = String::new();
    for i in 0..3_000 {
        raw.push_str(&format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"));
    }
    raw.push_str(&format!("\r\n{}", long(2_000)));
    assert_eq!(wrap_lines(raw.as_bytes()), Err(Unsendable::BadStructure));
}

/// X3: the same where the long line is the last delimiter and nothing closes it.
#[test]
fn a_boundary_can_be_too_long_and_open() {
    let b = "b".repeat(1_000);
    let raw = format!("Content-Type: multipart/mixed; boundary={b}\r\n\r\n--{b}\r\n\r\nx\r\n");
    assert_eq!(wrap_lines(raw.as_bytes()), Err(Unsendable::BadStructure));
}

/// B7, promise 9: the lines of an OpenPGP message in a text are part of what is signed; its header is not.
#[test]
fn inline_pgp_is_sealed() {
    let text = |head: &str, line: &str| {
        format!(
            "Content-Type: text/plain{head}\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n{line}\r\n"
        )
    };
    let sealed = mixed(&[&text("", &long(2_000)), "\r\nx"]);
    assert_eq!(wrap_lines(sealed.as_bytes()), Err(Unsendable::LongLineSigned));
    let eight = mixed(&[&text("", "ä"), "\r\nx"]);
    assert_eq!(to_seven_bit(eight.as_bytes()), Err(Unsendable::EightBitSigned));
    let (inner, other) = (text("", "ä"), format!("\r\n{}", long(2_000)));
    let raw = mixed(&[&inner, &other]);
    let out = wrap_lines(raw.as_bytes()).expect("sendable").expect("changed");
    assert!(String::from_utf8_lossy(&out).contains(&inner));
    let head = mixed(&[&text(&format!("; name={}", "n ".repeat(700)), "short"), "\r\nx"]);
    let out = wrap_lines(head.as_bytes()).expect("sendable").expect("changed");
    assert!(lines(&out).longest <= MAX_LINE);
}

/// B9: text in uuencode stays what it says it is, or does not go.
#[test]
fn uuencode_is_not_encoded_over() {
    let raw =
        b"From: a@x.example\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 600 \xf6.txt\r\n";
    assert_eq!(to_seven_bit(raw), Err(Unsendable::BadStructure));
    assert_eq!(wrap_lines(raw), Ok(None));
}

fn footer(language: &str, words: &str) -> Footer {
    Footer {
        language: language.to_owned(),
        plain: format!("___\n{words}\n"),
        html: format!("<hr>\r\n<p>{}</p>\r\n", words.replace('ü', "&#252;")),
        dir: crate::rewrite::footer::Dir::of(language),
    }
}

/// X4: a name from the directory can't end a part. It reads like a delimiter only where the mail has that boundary.
#[test]
fn footers_are_no_delimiters() {
    let raw = mixed(&["Content-Type: text/plain\r\n\r\neins", "\r\nzwei"]);
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    for (words, placed) in [("--b", false), ("--b--", false), ("--bc", false), ("--c", true)] {
        let footer = footer("de", words);
        let wishes = Wishes { footer: Some(&footer), ..Wishes::default() };
        let edits = edits(raw.as_bytes(), &tree, &wishes).expect("sendable");
        assert_eq!(!edits.is_empty(), placed, "{words}");
    }
}
