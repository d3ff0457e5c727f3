//! Footers below texts, octet by octet.

use super::*;
use crate::rewrite::footer::Dir;

fn footer(lines: &str) -> Footer {
    let plain = format!("___\n{lines}\n");
    Footer { language: "de".to_owned(), plain, html: String::new(), dir: Dir::Ltr }
}

/// Parameters, encoding and body of a part; then its new charset and encoding, `|`, and its new body.
type Case<'a> = (&'a [(String, String)], Encoding, &'a [u8], &'a str);

fn leaf<'a>(params: &'a [(String, String)], encoding: Encoding, body: &'a [u8]) -> Leaf<'a> {
    Leaf { kind: "text/plain", params, encoding, body, is_mail: false }
}

fn params(words: &[(&str, &str)]) -> Vec<(String, String)> {
    words.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn applied(leaf: &Leaf<'_>, footer: &Footer) -> String {
    let grown = grow(leaf, footer).expect("it grows");
    let mut out = leaf.body.to_vec();
    out.splice(grown.at.clone(), grown.new.clone());
    let head = [grown.charset, grown.encoding].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("{head}|{}", String::from_utf8_lossy(&out))
}

/// B1, B3, B10: what stands there stays in front, an empty line, the lines.
#[test]
fn lines_below_a_text() {
    let utf8 = params(&[("charset", "utf-8")]);
    let ascii = params(&[]);
    let identity = Encoding::Identity;
    let qp = Encoding::QuotedPrintable;
    let cases: [Case<'_>; 11] = [
        (&utf8, identity, "ü".as_bytes(), "|ü\r\n\r\n___\r\nfür"),
        (&utf8, identity, "ü\r\n".as_bytes(), "|ü\r\n\r\n___\r\nfür\r\n"),
        (&utf8, identity, "ü\r\n\r\n".as_bytes(), "|ü\r\n\r\n___\r\nfür\r\n"),
        (
            &utf8,
            identity,
            "ü\r\n-- \r\nAnna\r\n".as_bytes(),
            "|ü\r\n-- \r\nAnna\r\n\r\n___\r\nfür\r\n",
        ),
        (&utf8, identity, b"", "quoted-printable|___\r\nf=C3=BCr"),
        // Seven bits stay seven, and the label becomes true.
        (
            &ascii,
            identity,
            b"a=b \r\n",
            "utf-8 quoted-printable|a=3Db=20\r\n\r\n___\r\nf=C3=BCr\r\n",
        ),
        (&ascii, identity, b"\xfc\r\n", "|\u{fffd}\r\n\r\n___\r\nfuer\r\n"),
        (&utf8, qp, b"=C3=BC=\r\n", "|=C3=BC=\r\n\r\n\r\n___\r\nf=C3=BCr"),
        (&utf8, qp, b"x=\r\ny\r\n", "|x=\r\ny\r\n\r\n___\r\nf=C3=BCr\r\n"),
        (&ascii, Encoding::Base64, b"SGk=\r\n", "utf-8|SGkNCg0KX19fDQpmw7xy\r\n"),
        (&ascii, qp, b"Hi", "utf-8|Hi\r\n\r\n___\r\nf=C3=BCr"),
    ];
    for (params, encoding, body, expect) in cases {
        assert_eq!(applied(&leaf(params, encoding, body), &footer("für")), expect);
    }
    let mail = Leaf { is_mail: true, ..leaf(&utf8, identity, "ü".as_bytes()) };
    assert_eq!(applied(&mail, &footer("für")), "|ü\r\n\r\n___\r\nfür\r\n");
    // The whole text anew, where it must be UTF-8.
    let latin = params(&[("charset", "iso-8859-5")]);
    let whole = applied(&leaf(&latin, identity, b"\xd0\r\n"), &footer("für"));
    assert_eq!(whole, "utf-8|а\r\n\r\n___\r\nfür\r\n");
    let whole = applied(&leaf(&latin, qp, b"=D0"), &footer("für"));
    assert_eq!(whole, "utf-8|=D0=B0\r\n\r\n___\r\nf=C3=BCr");
    // Nobody knows what `=XX` is: the text stays as it is, and the footer is written without umlauts.
    let below = applied(&leaf(&latin, qp, b"=D0=XX"), &footer("für"));
    assert_eq!(below, "|=D0=XX\r\n\r\n___\r\nfuer");
    let japanese = params(&[("charset", "shift_jis")]);
    assert_eq!(grow(&leaf(&japanese, qp, b"=83=XX"), &footer("für")), Err(Unfit::Unreadable));
    assert_eq!(grow(&leaf(&latin, Encoding::Other, b"x"), &footer("x")), Err(Unfit::Unreadable));
}

/// B2 (RFC 3676 4.1 to 4.4): fixed lines, stuffed, and joined to no paragraph.
#[test]
fn flowed_text() {
    let flowed = params(&[("charset", "utf-8"), ("format", "Flowed"), ("delsp", "yes")]);
    let footer = footer("> a\n b\nFrom c\nd");
    for (body, expect) in [
        (&b"x \r\n"[..], "|x \r\n\r\n___\r\n > a\r\n  b\r\n From c\r\nd\r\n"),
        (b"x ", "|x \r\n\r\n___\r\n > a\r\n  b\r\n From c\r\nd"),
        (b"-- \r\n", "|-- \r\n\r\n___\r\n > a\r\n  b\r\n From c\r\nd\r\n"),
    ] {
        let out = applied(&leaf(&flowed, Encoding::Identity, body), &footer);
        assert_eq!(out, expect);
        assert!(!out.split("___").nth(1).is_none_or(|added| added.contains(" \r\n")), "none flows");
    }
    let fixed = params(&[("charset", "utf-8")]);
    let out = applied(&leaf(&fixed, Encoding::Identity, b"x "), &footer);
    assert!(out.ends_with("> a\r\n b\r\nFrom c\r\nd"), "{out}");
}

/// A text that ends in this footer gets no second one; a quoted one does not count.
#[test]
fn no_second_footer() {
    let ours = "___\nListe „5b“\nfür alle\n";
    for (text, expect) in [
        ("Hi\r\n\r\n___\r\nListe „5b“\r\nfür alle\r\n", true),
        ("___\nListe \"5b\"\nfuer alle", true),
        ("Hi\n ___\nListe „5b“  \n für alle\n\n\n", true),
        ("> ___\n> Liste „5b“\n> für alle\n", false),
        ("___\nListe „5b“\nfür alle\nHi", false),
        ("Liste „5b“\nfür alle", false),
        ("", false),
    ] {
        assert_eq!(ends_with_ours(text, ours), expect, "{text}");
    }
    let utf8 = params(&[("charset", "utf-8")]);
    let body = "Hi\r\n\r\n___\r\nfür\r\n";
    let got = grow(&leaf(&utf8, Encoding::Identity, body.as_bytes()), &footer("für"));
    assert_eq!(got, Err(Unfit::Already));
}
