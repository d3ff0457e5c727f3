//! Bodies with damage and without, judged by mail-parser, which decodes before and after.

use proptest::prelude::*;

use super::*;

fn changed(body: &[u8], change: &Change) -> Vec<u8> {
    let mut out = body.to_vec();
    out.splice(change.at.clone(), change.new.iter().copied());
    out
}

fn decoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("Content-Type: application/x\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    let raw = [head.as_bytes(), body].concat();
    let mail = mail_parser::MessageParser::default().parse(&raw).expect("a mail");
    mail.part(0).expect("a part").decoded().into_owned()
}

fn grown(encoding: Encoding, body: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let wire = Wire::read(encoding, body)?;
    Some(changed(body, &wire.insert(wire.octets.len(), new)))
}

/// B10: soft breaks and missing line ends at the end.
#[test]
fn quoted_printable_grows_at_its_end() {
    let cases: [(&[u8], &[u8]); 8] = [
        (b"a=C3=A4", b"a=C3=A4\r\nf=C3=BCr"),
        (b"a\r\n", b"a\r\n\r\nf=C3=BCr"),
        (b"a=\r\n", b"a=\r\n\r\nf=C3=BCr"),
        (b"a=", b"a=\r\n\r\nf=C3=BCr"),
        (b"a=  ", b"a=  \r\n\r\nf=C3=BCr"),
        (b"a=3", b"a=3\r\nf=C3=BCr"),
        (b"", b"\r\nf=C3=BCr"),
        (b"a=3D", b"a=3D\r\nf=C3=BCr"),
    ];
    for (body, expect) in cases {
        let out = grown(Encoding::QuotedPrintable, body, "\r\nfür".as_bytes()).expect("readable");
        assert_eq!(out, expect, "{}", String::from_utf8_lossy(body));
    }
    let middle =
        Wire::read(Encoding::QuotedPrintable, b"x =3C/p> =\r\n=3C/body>").expect("readable");
    assert_eq!(middle.octets.as_ref(), b"x </p> </body>");
    let out = changed(middle.body, &middle.insert(7, b"\r\n<hr>\r\n"));
    assert_eq!(out, b"x =3C/p> =\r\n\r\n<hr>\r\n=3C/body>");
    let out = changed(middle.body, &middle.insert(2, b"y"));
    assert_eq!(out, b"x =\r\ny=\r\n=3C/p> =\r\n=3C/body>");
}

/// B10: only the last groups of base64 change.
#[test]
fn base64_grows_at_its_end() {
    let long = "QUJD".repeat(19);
    let cases: [(String, Option<String>); 9] = [
        ("QUJD".to_owned(), Some("QUJDWA==".to_owned())),
        ("QUI=\r\n".to_owned(), Some("QUJY\r\n".to_owned())),
        ("QUI".to_owned(), Some("QUJY".to_owned())),
        ("QQ".to_owned(), Some("QVg=".to_owned())),
        (format!("{long}\r\n{long}\r\n"), Some(format!("{long}\r\n{long}\r\nWA==\r\n"))),
        (format!("{long}\r\nQUI=\r\n\r\n"), Some(format!("{long}\r\nQUJY\r\n\r\n"))),
        ("QUI=QUI=".to_owned(), None),
        ("QUJDQ".to_owned(), None),
        (String::new(), Some("WA==".to_owned())),
    ];
    for (body, expect) in cases {
        let out = grown(Encoding::Base64, body.as_bytes(), b"X");
        let out = out.map(|out| String::from_utf8(out).expect("ASCII"));
        assert_eq!(out, expect, "{body}");
    }
    assert!(Wire::read(Encoding::Other, b"x").is_none());
}

proptest! {
    /// B10: an independent decoder reads the old octets and then the new ones.
    #[test]
    fn the_old_octets_come_first(
        octets in proptest::collection::vec(any::<u8>(), 0..300),
        new in "(\r\n)?[a-zäöü =\r\n]{0,100}x",
        cut in 0usize..4,
        at in 0usize..300,
    ) {
        let at = at.min(octets.len());
        let base64 = transfer::based(&octets);
        let quoted = transfer::quoted(&[&octets]);
        for (name, encoding, body) in
            [("base64", Encoding::Base64, base64), ("quoted-printable", Encoding::QuotedPrintable, quoted)]
        {
            let wire = Wire::read(encoding, &body).expect("readable");
            prop_assert_eq!(wire.octets.as_ref(), octets.as_slice());
            let out = changed(&body, &wire.insert(at, new.as_bytes()));
            prop_assert!(out.split(|b| *b == b'\n').all(|line| line.len() <= 78));
            let mut expect = octets.clone();
            expect.splice(at..at, new.bytes());
            prop_assert_eq!(decoded(name, &out), expect, "{} {}", name, String::from_utf8_lossy(&out));
            // Damaged at its end.
            let damaged = body.get(..body.len().saturating_sub(cut)).unwrap_or_default();
            let blank = damaged.ends_with(b" ") || damaged.ends_with(b"\t");
            // Half an escape is read in as many ways as there are decoders.
            let wire = Wire::read(encoding, damaged).filter(|wire| !wire.damaged && !blank);
            if let Some(wire) = wire {
                let out = changed(damaged, &wire.insert(wire.octets.len(), b"\r\nx"));
                let expect = [wire.octets.as_ref(), b"\r\nx"].concat();
                prop_assert_eq!(decoded(name, &out), expect, "{:?}", String::from_utf8_lossy(&out));
            }
        }
    }

    /// Promise 10: any octets.
    #[test]
    fn any_body_is_read(body in "([=A-Za-z0-9 \t+/\\x00\u{80}]|\r\n){0,80}", at in 0usize..90) {
        for encoding in [Encoding::Identity, Encoding::Base64, Encoding::QuotedPrintable] {
            if let Some(wire) = Wire::read(encoding, body.as_bytes()) {
                let at = at.min(wire.octets.len());
                let at = match wire.octets.get(at) {
                    Some(b'\r' | b'\n') => wire.octets.len(),
                    _ => at,
                };
                let change = wire.insert(at, b"\r\nx");
                let out = changed(body.as_bytes(), &change);
                let again = Wire::read(encoding, &out).expect("readable");
                prop_assert_eq!(again.octets.len(), wire.octets.len() + 3);
            }
        }
    }
}
