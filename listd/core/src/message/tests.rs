//! Cases for `Mail`: what is read, what is refused, and that garbage never panics.

use super::*;

fn mail(head: &str) -> Mail {
    Mail::parse(format!("{head}\r\n\r\nbody\r\n").as_bytes()).expect("mail")
}

/// T6, T7, X2: each fault is named; a plain mail has none.
#[test]
fn faults_are_named() {
    let from = "From: Anna <a@x.example>\r\n";
    let cases = [
        (format!("{from}Subject: x"), None),
        ("Subject: x".to_owned(), Some(Malformed::NoFrom)),
        (format!("{from}{from}Subject: x"), Some(Malformed::Twice("From"))),
        (format!("{from}subject: x\r\nSUBJECT: y"), Some(Malformed::Twice("Subject"))),
        (
            format!("{from}Message-ID: <a@b>\r\nMessage-Id: <c@d>"),
            Some(Malformed::Twice("Message-ID")),
        ),
        (
            "From: a@x.example, b@x.example\r\nSender: c@x.example".to_owned(),
            Some(Malformed::SeveralFrom),
        ),
        (
            "From: a@x.example, b@x.example\r\nSender: a@x.example, b@x.example".to_owned(),
            Some(Malformed::SeveralFrom),
        ),
        ("From: a@x.example, b@x.example".to_owned(), Some(Malformed::SeveralFrom)),
        ("From: a@x.example, b@x.example\r\nSender: A@X.example".to_owned(), None),
        ("From: a@x.example, b\r\nSender: a@x.example".to_owned(), Some(Malformed::BadFrom)),
        (
            format!("From: {}b@x.example\r\nSender: b@x.example", "a@x.example,".repeat(10)),
            Some(Malformed::SeveralFrom),
        ),
        ("From: Anna".to_owned(), Some(Malformed::BadFrom)),
        ("From: a@x.example, Anna <b".to_owned(), Some(Malformed::BadFrom)),
        ("From:".to_owned(), Some(Malformed::BadFrom)),
        (format!("{from}Subject: a\0b"), Some(Malformed::Nul)),
        (format!("{from}Subject: a\nBcc: c@d"), Some(Malformed::BareLineEnd)),
        (format!("{from}Subject: a\rb"), Some(Malformed::BareLineEnd)),
    ];
    for (head, expect) in cases {
        assert_eq!(mail(&head).malformed(), expect, "{head:?}");
    }
}

/// B14: the header limit, with and without a body behind it.
#[test]
fn a_header_has_a_limit() {
    let exact = format!("X: {}\r\n\r\n", "a".repeat(20));
    assert!(Mail::parse_within(exact.as_bytes(), exact.len()).is_ok());
    let short = Mail::parse_within(exact.as_bytes(), exact.len() - 1);
    assert_eq!(short, Err(Malformed::HeaderTooBig(exact.len() - 1)));
    let endless = vec![b'a'; MAX_HEADER + 1];
    assert_eq!(Mail::parse(&endless), Err(Malformed::HeaderTooBig(MAX_HEADER)));
}

/// T3, T4, L2, U1 and the rest of the facts.
#[test]
fn facts_are_read() {
    let mail = mail(
        "Received: from a\r\n\tby b\r\nReceived: c\r\nFrom: =?utf-8?Q?=C3=96z?= <a@x.example>\r\nTo: l@x.example\r\n\
         Cc: m@x.example\r\nReply-To: r@x.example\r\nMessage-ID: <1@x>\r\nDate: Thu, 01 Jan 1970 00:00:01 +0000\r\n\
         List-Id: Foo <Foo.X.example>\r\nContent-Type: Multipart/Mixed; boundary=a\r\nPrecedence: Bulk",
    );
    assert_eq!(
        mail.author().map(|m| (m.name.as_str(), m.address.to_string())),
        Some(("Öz", "a@x.example".to_owned()))
    );
    assert_eq!((mail.to.len(), mail.reply_to.len(), mail.received), (2, 1, 2));
    assert_eq!(mail.top_received.as_deref(), Some("from a\tby b"));
    assert_eq!((mail.message_id.as_deref(), mail.date), (Some("1@x"), Some(Timestamp(1000))));
    assert_eq!(
        (mail.list_ids.as_slice(), mail.content_type.as_str()),
        (&["foo.x.example".to_owned()][..], "multipart/mixed")
    );
    assert_eq!(
        (mail.precedence.as_deref(), mail.needs_utf8, mail.has_8bit_header),
        (Some("bulk"), false, false)
    );
}

/// T3: what is a Message-ID and what is not (X4: no line break, no space).
#[test]
fn message_ids() {
    let cases: [(&[u8], Option<&str>); 8] = [
        (b" <a@b>", Some("a@b")),
        (b"a@b", Some("a@b")),
        (b"\r\n <a@b>", Some("a@b")),
        (b"<a b@c>", None),
        (b"<a@b> <c@d>", None),
        (b"", None),
        (b"<>", None),
        (b"<\xff@b>", None),
    ];
    for (value, expect) in cases {
        assert_eq!(message_id(value).as_deref(), expect, "{value:?}");
    }
}

/// U1: only an address makes a mail need SMTPUTF8.
#[test]
fn utf8_is_needed_for_addresses_only() {
    assert!(mail("From: müller@x.example").needs_utf8);
    assert!(!mail("From: Müller <m@schüle.example>").needs_utf8);
    assert!(mail("From: Müller <m@x.example>").has_8bit_header);
}

/// Bytes from a fixed seed (xorshift), so that a failure comes back.
fn noise(seed: u64, alphabet: &[u8], len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            alphabet[usize::try_from(state >> 33).expect("64 bit") % alphabet.len()]
        })
        .collect()
}

/// X5, X6: a mutation fuzz from fixed seeds over header parsing; nothing panics, offsets stay inside.
#[test]
fn garbage_is_only_garbage() {
    let alphabet = b"<>@,;:\"\\()=?_ \t\r\nABab.%\x00\xc3\xa4\xff";
    let names = [
        "From",
        "To",
        "Message-ID",
        "Date",
        "Content-Type",
        "Authentication-Results",
        "List-Id",
        "Subject",
        "List-Post",
    ];
    for seed in 0..3_000u64 {
        let mut raw = Vec::new();
        for (i, name) in names.iter().enumerate() {
            raw.extend_from_slice(name.as_bytes());
            raw.extend_from_slice(b": =?utf-8?q?");
            raw.extend(noise(seed * 16 + i as u64, alphabet, 40));
            raw.extend_from_slice(b"\r\n");
        }
        let mail = Mail::parse(&raw).expect("below the limit");
        assert!(mail.fields.iter().all(|f| f.whole.end <= mail.head.len()), "seed {seed}");
        let _ = (mail.malformed(), automatic(&mail, false), auth_results(&mail, &["a".to_owned()]));
    }
}
