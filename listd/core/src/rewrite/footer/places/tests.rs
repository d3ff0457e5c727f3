//! Shapes of mails, and where their footer goes.

use super::*;

/// A mail from an outline: `(type ...)` is a multipart, other words are leaves, `type!` is an attachment, `type#name`
/// has a name.
fn mail(outline: &str) -> Vec<u8> {
    fn part(
        words: &mut std::iter::Peekable<std::str::SplitWhitespace<'_>>,
        depth: usize,
        out: &mut String,
    ) {
        let Some(word) = words.next() else { return };
        let Some(kind) = word.strip_prefix('(') else {
            let (kind, name) = word.split_once('#').unwrap_or((word, ""));
            let kind = kind.trim_end_matches('!');
            out.push_str(&format!("Content-Type: {kind}\r\n"));
            if word.contains('!') {
                out.push_str("Content-Disposition: attachment\r\n");
            } else if !name.is_empty() {
                out.push_str(&format!("Content-Disposition: inline; filename={name}\r\n"));
            }
            let body = match kind {
                "text/x-pgp" => "",
                "message/rfc822" => "From: b@x.example\r\n\r\nenclosed",
                _ => "x",
            };
            out.push_str(&format!("\r\n{body}"));
            return;
        };
        out.push_str(&format!("Content-Type: {kind}; boundary=b{depth}\r\n\r\n"));
        while words.peek().is_some_and(|word| *word != ")") {
            out.push_str(&format!("--b{depth}\r\n"));
            part(words, depth + 1, out);
            out.push_str("\r\n");
        }
        words.next();
        out.push_str(&format!("--b{depth}--\r\n"));
    }
    let mut out = "From: a@x.example\r\nMIME-Version: 1.0\r\n".to_owned();
    part(&mut outline.split_whitespace().peekable(), 0, &mut out);
    out.into_bytes()
}

/// B5 to B8: the sections that grow, and what happens where none of them can.
#[test]
fn places_of_footers() {
    let part = |sealed| Otherwise::Part { sealed };
    let cases = [
        ("text/plain", "", Otherwise::Wrap),
        ("text/html", "", Otherwise::Wrap),
        ("text/plain!", "-", Otherwise::Wrap),
        ("text/csv", "-", Otherwise::Wrap),
        ("application/pdf", "-", Otherwise::Wrap),
        ("(multipart/alternative text/plain text/html )", "1 2", Otherwise::Wrap),
        ("(multipart/alternative text/plain text/html text/calendar )", "1 2", Otherwise::Nothing),
        (
            "(multipart/alternative text/plain (multipart/related text/html image/png ) )",
            "1 2.1",
            Otherwise::Wrap,
        ),
        ("(multipart/mixed text/plain application/pdf! )", "1", part(false)),
        ("(multipart/mixed text/plain image/jpeg text/plain )", "3", part(false)),
        ("(multipart/mixed text/plain text/plain! text/plain#notes.txt )", "1", part(false)),
        (
            "(multipart/mixed (multipart/alternative text/plain text/html ) text/calendar! )",
            "1.1 1.2",
            Otherwise::Nothing,
        ),
        (
            "(multipart/mixed (multipart/related (multipart/alternative text/plain text/html ) image/png ) x/y! )",
            "1.1.1 1.1.2",
            part(false),
        ),
        ("(multipart/mixed application/pdf! )", "-", part(false)),
        ("(multipart/mixed message/rfc822 )", "-", part(false)),
        ("(multipart/mixed text/plain message/rfc822 )", "1", part(false)),
        ("(multipart/signed text/plain application/pgp-signature )", "-", Otherwise::Wrap),
        (
            "(multipart/encrypted application/pgp-encrypted application/octet-stream )",
            "-",
            Otherwise::Wrap,
        ),
        ("application/pkcs7-mime", "-", Otherwise::Wrap),
        ("(multipart/mixed (multipart/signed text/plain x/y ) text/plain )", "2", part(true)),
        ("(multipart/mixed (multipart/signed text/plain x/y ) )", "-", part(true)),
        (
            "(multipart/alternative text/plain (multipart/signed text/html x/y ) )",
            "-",
            Otherwise::Wrap,
        ),
        ("(multipart/alternative text/plain application/pkcs7-mime )", "-", Otherwise::Wrap),
        (
            "(multipart/report text/plain message/delivery-status message/rfc822 )",
            "-",
            Otherwise::Nothing,
        ),
        (
            "(multipart/mixed text/plain (multipart/report text/plain x/y ) )",
            "-",
            Otherwise::Nothing,
        ),
        ("message/rfc822", "-", Otherwise::Nothing),
        ("message/partial", "-", Otherwise::Nothing),
        ("text/calendar", "-", Otherwise::Nothing),
        ("(multipart/mixed text/plain application/ms-tnef )", "-", Otherwise::Nothing),
        (
            "(multipart/mixed text/plain application/octet-stream#WINMAIL.DAT )",
            "-",
            Otherwise::Nothing,
        ),
        ("(multipart/digest message/rfc822 )", "-", Otherwise::Wrap),
        ("(multipart/x-strange text/plain )", "-", Otherwise::Wrap),
        ("(multipart/mixed )", "-", Otherwise::Wrap),
    ];
    for (outline, sections, otherwise) in cases {
        let raw = mail(outline);
        let tree = Tree::parse(&raw).expect("a tree");
        let plan = plan(&raw[..], &tree);
        let found: Vec<&str> =
            plan.leaves.iter().map(|i| tree.parts[*i].section.as_str()).collect();
        let found = if found.is_empty() { "-".to_owned() } else { found.join(" ") };
        let own = ["", "1"].contains(&found.as_str()) && !outline.starts_with('(');
        assert!(own || found == sections, "{outline}: {found:?}");
        assert_eq!(own, sections.is_empty(), "{outline}");
        assert_eq!(plan.otherwise, otherwise, "{outline}");
    }
}

/// RFC 2387 3.2: the root of a multipart/related may stand anywhere.
#[test]
fn the_root_of_related_parts() {
    let raw = "Content-Type: multipart/related; start=\"<r@x>\"; boundary=b\r\n\r\n\
               --b\r\nContent-Type: text/html\r\n\r\nx\r\n\
               --b\r\nContent-Type: text/html\r\nContent-ID: <r@x>\r\n\r\nroot\r\n--b--\r\n";
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    assert_eq!(plan(raw.as_bytes(), &tree).leaves, [2]);
    let lost = raw.replace("start=\"<r@x>\"", "start=\"<other@x>\"");
    assert_eq!(plan(lost.as_bytes(), &Tree::parse(lost.as_bytes()).expect("a tree")).leaves, [1]);
}

/// B7: an OpenPGP message in a text is sealed.
#[test]
fn inline_pgp_is_sealed() {
    let raw = b"Content-Type: text/plain\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nx\r\n";
    let tree = Tree::parse(raw).expect("a tree");
    assert_eq!(plan(raw, &tree), Plan { leaves: Vec::new(), otherwise: Otherwise::Wrap });
}

/// A header that nothing ends has no text below it.
#[test]
fn a_mail_without_a_body() {
    for raw in ["", "From: a@x.example\r\n", "From: a@x.exa", "From: a@x.example\r\n "] {
        let tree = Tree::parse(raw.as_bytes()).expect("a tree");
        assert_eq!(plan(raw.as_bytes(), &tree), NOTHING, "{raw:?}");
    }
    for raw in ["\r\n", "\n", "From: a@x.example\r\n\r\n"] {
        let tree = Tree::parse(raw.as_bytes()).expect("a tree");
        assert_eq!(plan(raw.as_bytes(), &tree).leaves, [0], "{raw:?}");
    }
}
