//! Trees by their outline: section, type, shape.

use super::*;

/// `section kind shape` of each part, a `!` for sealed ones.
fn outline(raw: &str) -> Vec<String> {
    let tree = Tree::parse(raw.as_bytes()).expect("within the limits");
    let line = |p: &Part| {
        format!(
            "{}{} {}{:?}",
            if p.sealed.is_some() { "!" } else { "" },
            p.section,
            p.kind,
            p.shape
        )
    };
    tree.parts.iter().map(line).collect()
}

fn multi(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|p| format!("--{boundary}\r\n{p}\r\n")).collect();
    format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
}

/// RFC 3501 6.4.5: parts are numbered as IMAP numbers them.
#[test]
fn parts_have_their_numbers() {
    let plain = "\r\ntext";
    let html = "Content-Type: text/html\r\n\r\n<p>";
    let alternative = multi("alternative", "a", &[plain, html]);
    let mail = format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{alternative}");
    let single = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ntext";
    let cases: [(String, &[&str]); 6] = [
        ("From: a\r\n\r\ntext".to_owned(), &[" text/plainLeaf"]),
        (
            alternative.clone(),
            &[" multipart/alternativeMultipart", "1 text/plainLeaf", "2 text/htmlLeaf"],
        ),
        (
            multi("mixed", "m", &[&alternative, &mail, single]),
            &[
                " multipart/mixedMultipart",
                "1 multipart/alternativeMultipart",
                "1.1 text/plainLeaf",
                "1.2 text/htmlLeaf",
                "2 message/rfc822Message",
                "2.TEXT multipart/alternativeMultipart",
                "2.1 text/plainLeaf",
                "2.2 text/htmlLeaf",
                "3 message/rfc822Message",
                "3.1 text/plainLeaf",
            ],
        ),
        (single.to_owned(), &[" message/rfc822Message", "1.1 text/plainLeaf"]),
        (
            multi("digest", "d", &["\r\nSubject: x\r\n\r\ntext"]),
            &[" multipart/digestMultipart", "1 message/rfc822Message", "1.1 text/plainLeaf"],
        ),
        ("Content-Type: multipart/mixed\r\n\r\n--\r\n".to_owned(), &[" multipart/mixedMultipart"]),
    ];
    for (raw, expect) in cases {
        assert_eq!(outline(&raw), expect, "{raw}");
    }
}

/// Promise 9, B7: what is sealed, and all that is in it; what only speaks of it is not.
#[test]
fn seals() {
    let seal = |raw: &str| Tree::parse(raw.as_bytes()).expect("a tree").parts[0].sealed;
    let signed =
        multi("signed", "s", &["\r\ntext", "Content-Type: application/pgp-signature\r\n\r\nx"]);
    assert_eq!(
        outline(&multi("mixed", "m", &[&signed, "\r\nx"])),
        [
            " multipart/mixedMultipart",
            "!1 multipart/signedMultipart",
            "!1.1 text/plainLeaf",
            "!1.2 application/pgp-signatureLeaf",
            "2 text/plainLeaf"
        ]
    );
    let cases = [
        ("Content-Type: Application/X-PKCS7-Mime\r\n\r\nx", Some(Seal::Smime)),
        ("Content-Type: multipart/encrypted; boundary=b\r\n\r\nx", Some(Seal::Encrypted)),
        ("\r\n-----BEGIN PGP MESSAGE-----\r\n", Some(Seal::InlinePgp)),
        ("\r\nHallo\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n", Some(Seal::InlinePgp)),
        (
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n=2D----BEGIN PGP MESSAGE-----\r\n",
            Some(Seal::InlinePgp),
        ),
        ("\r\n> -----BEGIN PGP MESSAGE-----\r\n", None),
        ("\r\n-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n", None),
        ("Content-Type: application/pgp-keys\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n", None),
    ];
    for (raw, expect) in cases {
        assert_eq!(seal(raw), expect, "{raw:?}");
    }
}

/// B10, B14: every octet is in exactly one place, whatever is missing or torn.
#[test]
fn every_octet_has_its_place() {
    let inner = multi("related", "r", &["Content-Type: text/html\r\n\r\n<p>", ""]);
    let whole = multi(
        "mixed",
        "m",
        &[&inner, "no header at all", "Content-Type: message/rfc822\r\n\r\nA: b"],
    );
    for end in 0..=whole.len() {
        let raw = whole.get(..end).expect("ASCII");
        let tree = Tree::parse(raw.as_bytes()).expect("a tree");
        let mut owned: Vec<Range<usize>> = Vec::new();
        for part in &tree.parts {
            owned.push(part.delimiter.clone());
            owned.push(part.head.clone());
            owned.extend(part.is_leaf().then(|| part.body.clone()));
            owned.extend(part.fillers.iter().cloned().chain(part.close.clone()));
        }
        owned.retain(|range| !range.is_empty());
        owned.sort_by_key(|range| range.start);
        let mut at = 0;
        for range in owned {
            assert_eq!(range.start, at, "{raw}");
            at = range.end;
        }
        assert_eq!(at, raw.len(), "{raw}");
    }
}

/// B14: nesting and number are bounded.
#[test]
fn limits() {
    let deep: String = (0..3_000)
        .map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"))
        .collect();
    assert_eq!(Tree::parse(deep.as_bytes()), Err(TreeError::TooDeep));
    let mails = "Content-Type: message/rfc822\r\n\r\n".repeat(3_000);
    assert_eq!(Tree::parse(mails.as_bytes()), Err(TreeError::TooDeep));
    let wide = multi("mixed", "b", &vec!["\r\nx"; 1_000]);
    assert_eq!(Tree::parse(wide.as_bytes()), Err(TreeError::TooManyParts));
    assert!(Tree::parse(multi("mixed", "b", &vec!["\r\nx"; 999]).as_bytes()).is_ok());
}

/// B13, B6: what a part says of itself.
#[test]
fn facts_of_a_part() {
    let raw = "Content-Type: image/PNG; name=a.png\r\nContent-Disposition: Attachment (x); filename=\"b.png\"\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: BASE64\r\n\r\nQUJD\r\n";
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    let part = &tree.parts[0];
    assert_eq!(
        (part.kind.as_str(), part.disposition.as_deref(), part.filename.as_deref()),
        ("image/png", Some("attachment"), Some("b.png"))
    );
    assert_eq!((part.content_id.as_deref(), part.encoding), (Some("logo@x"), Encoding::Base64));
    assert_eq!(part.content(raw.as_bytes()).as_ref(), b"ABC");
    assert_eq!(part.fields(raw.as_bytes())[2].name(raw.as_bytes()), b"Content-ID");
}
