//! What is added in which charset, judged by what an independent reading of the octets says.

use proptest::prelude::*;

use super::*;

fn of(label: &str) -> Charset {
    Charset::of(&[("charset".to_owned(), label.to_owned())])
}

/// B9: labels, and what is known of them.
#[test]
fn labels() {
    for (label, ascii_based, known) in [
        ("US-ASCII", true, false),
        (" utf-8 ", true, true),
        ("latin1", true, true),
        ("windows-1252", true, true),
        ("iso-2022-jp", false, true),
        ("gb18030", true, true),
        ("unknown-8bit", true, false),
        ("utf-16", false, false),
        ("utf-16le", false, false),
        ("utf-7", false, false),
        ("iso-2022-kr", false, false),
        ("hz-gb-2312", false, false),
        ("x-user-defined", false, false),
        ("klingon", false, false),
        ("", false, false),
    ] {
        let charset = of(label);
        assert_eq!(charset.is_ascii_based(), ascii_based, "{label}");
        assert_eq!(matches!(charset, Charset::Known { .. }), known, "{label}");
    }
    assert_eq!(Charset::of(&[]), Charset::Ascii);
    let double = |a: &str, b: &str| {
        Charset::of(&[("charset".to_owned(), a.to_owned()), ("charset".to_owned(), b.to_owned())])
    };
    assert_eq!(double("utf-8", "UTF8"), of("utf-8"));
    assert_eq!(double("utf-8", "latin1"), Charset::AsciiBased);
    assert_eq!(double("utf-8", "utf-16"), Charset::Unknown);
    assert_eq!(Charset::of(&[("charset*".to_owned(), "''utf-8".to_owned())]), Charset::Unknown);
}

/// B1, B9: label, octets of the text, footer; then the octets of both and the new label.
#[test]
fn the_narrowest_charset_that_holds_both() {
    let sjis_a: &[u8] = b"\x82\xa0";
    let jis_a: &[u8] = b"\x1b$B$\"\x1b(B";
    let jis_open: &[u8] = b"\x1b$B$\"";
    type Case<'a> = (&'a str, &'a [u8], &'a str, Option<(&'a [u8], &'a [u8], Option<&'a str>)>);
    let cases: [Case<'_>; 28] = [
        ("us-ascii", b"Hi", "Hallo", Some((b"Hi", b"Hallo", None))),
        ("us-ascii", b"Hi", "Gr\u{fc}\u{df}e", Some((b"Hi", "Grüße".as_bytes(), Some("utf-8")))),
        // Typographic quotes alone change no charset.
        ("us-ascii", b"Hi", "\u{201e}5b\u{201c} \u{2026}", Some((b"Hi", b"\"5b\" ...", None))),
        // UTF-8 called us-ascii: what is there stays, what comes is ASCII.
        ("us-ascii", "ü".as_bytes(), "für\r\nSie", Some(("ü".as_bytes(), b"fuer\r\nSie", None))),
        ("us-ascii", "ü".as_bytes(), "مرحبا", None),
        // ISO-2022-JP without a label.
        ("us-ascii", jis_a, "für", Some((jis_a, b"fuer", None))),
        ("utf-8", "ü".as_bytes(), "für „5b“", Some(("ü".as_bytes(), "für „5b“".as_bytes(), None))),
        ("utf-8", b"\xfc", "für", Some((b"\xfc", b"fuer", None))),
        ("utf-8", b"\xc3", "für", Some((b"\xc3", b"fuer", None))),
        ("iso-8859-1", b"\xfc", "für „5b“", Some((b"\xfc", b"f\xfcr \"5b\"", None))),
        ("windows-1252", b"\xfc", "für „5b“", Some((b"\xfc", b"f\xfcr \x845b\x93", None))),
        ("iso-8859-1", b"\xfc", "5 €", Some(("ü".as_bytes(), "5 €".as_bytes(), Some("utf-8")))),
        ("iso-8859-1", b"x", "5 €", Some((b"x", "5 €".as_bytes(), Some("utf-8")))),
        // windows-1252 called latin-1: readers disagree on 0x80, so it stays.
        ("iso-8859-1", b"\x80 \xfc", "für", Some((b"\x80 \xfc", b"f\xfcr", None))),
        ("iso-8859-1", b"\x80", "5 €", Some((b"\x80", b"5 EUR", None))),
        ("iso-8859-1", b"\x80", "مرحبا", None),
        ("iso-8859-9", b"\xfd", "ığ", Some((b"\xfd", b"\xfd\xf0", None))),
        ("iso-8859-15", b"\xa4", "€", Some((b"\xa4", b"\xa4", None))),
        ("koi8-r", b"\xc1", "für", Some(("а".as_bytes(), "für".as_bytes(), Some("utf-8")))),
        ("windows-1256", b"\xe3", "مرحبا", Some((b"\xe3", b"\xe3\xd1\xcd\xc8\xc7", None))),
        ("shift_jis", sjis_a, "für", Some(("あ".as_bytes(), "für".as_bytes(), Some("utf-8")))),
        ("shift_jis", b"\x81\x60", "für", Some((b"\x81\x60", b"fuer", None))),
        ("shift_jis", b"\x82", "Hi", None),
        ("iso-2022-jp", jis_a, "Hi", Some((jis_a, b"Hi", None))),
        ("iso-2022-jp", jis_a, "für", Some(("あ".as_bytes(), "für".as_bytes(), Some("utf-8")))),
        ("iso-2022-jp", jis_open, "Hi", Some(("あ".as_bytes(), b"Hi", Some("utf-8")))),
        ("gb18030", b"\xb0\xa1", "für", Some((b"\xb0\xa1", b"f\xa8\xb9r", None))),
        ("utf-7", b"+AOQ-", "Hi", None),
    ];
    for (label, octets, footer, expect) in cases {
        let fit = of(label).fit(octets, footer);
        let shown = fit.as_ref().map(|f| (f.old.as_deref().unwrap_or(octets), &*f.new, f.charset));
        assert_eq!(shown, expect, "{label} {octets:?} {footer}");
    }
}

proptest! {
    /// B9: read in the new charset, the text begins with what was read in the old one.
    #[test]
    fn what_was_read_is_read_still(
        octets in proptest::collection::vec(any::<u8>(), 0..60),
        text in "\\PC{0,20}",
        footer in "(\\PC|[äöüß„“€\r\n]){0,20}",
        label in proptest::sample::select(vec![
            "us-ascii", "utf-8", "iso-8859-1", "iso-8859-9", "windows-1252", "windows-1251", "koi8-r", "macintosh",
            "iso-8859-8", "big5", "gb2312", "gbk", "gb18030", "euc-jp", "euc-kr", "shift_jis", "iso-2022-jp",
        ]),
    ) {
        let charset = of(label);
        let encoded = match charset {
            Charset::Known { encoding, .. } => encoding.encode(&text).0.into_owned(),
            _ => text.clone().into_bytes(),
        };
        for octets in [octets, encoded] {
            let Some(fit) = charset.fit(&octets, &footer) else { continue };
            let whole = [fit.old.as_deref().unwrap_or(&octets), &fit.new].concat();
            let after = fit.charset.map_or(charset, of);
            let (old, new) = (charset.shown(&octets), after.shown(&whole));
            // A character that was cut off is no character before or after.
            let old = old.trim_end_matches('\u{fffd}');
            prop_assert!(new.starts_with(old), "{label}: {old:?} in {new:?}");
            if fit.old.is_some() {
                prop_assert_eq!(new.as_ref(), format!("{}{}", charset.shown(&octets), footer));
            }
        }
    }
}
