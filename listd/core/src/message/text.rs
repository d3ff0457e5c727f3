//! Raw text to readable text: charsets, encoded words (RFC 2047), transfer encodings, by mail-parser.
//!
//! The only place that calls mail-parser. It is a young rewrite, so a panic in it is caught here and costs one
//! field its decoded form, never the daemon a mail.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{DateTime, HeaderForm};

use crate::message::fields::unfold;
use crate::time::Timestamp;

/// Octets as text: UTF-8 where it is valid, else the charset that sloppy senders mean, windows-1252 (rule S7).
pub fn utf8_or_latin(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => match mail_parser::decoders::charsets::charset_decoder(b"windows-1252") {
            Some(decode) => decode(bytes).to_string(),
            None => bytes.iter().map(|b| char::from(*b)).collect(),
        },
    }
}

/// A raw unstructured value or phrase as one line of text, encoded words decoded.
///
/// May contain any character that an encoded word can carry, a line break too: clean it before output (rule S5).
pub fn decode(value: &[u8]) -> String {
    let line = line(value);
    if !line.contains("=?") {
        return line;
    }
    let subject = AssertUnwindSafe(|| {
        HeaderForm::Text.parse(line.as_bytes()).value().as_text().map(str::to_owned)
    });
    let mut text = catch_unwind(subject).ok().flatten().unwrap_or_else(|| line.clone());
    // Words side by side are decoded in one go, and the decoder marks where one ISO-2022-JP word ends and the next begins.
    if line.to_ascii_lowercase().contains("=?iso-2022-jp") {
        text.retain(|c| c != '\u{fffd}');
    }
    text
}

/// A raw value as one line of text, encoded words as they stand there.
pub fn line(value: &[u8]) -> String {
    utf8_or_latin(&escaped(&unfold(value)))
}

/// Raw octets inside a Q-encoded word can only be octets of its charset: as its escapes they are read so (RFC 2047 4.2).
fn escaped(line: &[u8]) -> Cow<'_, [u8]> {
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len() + 16);
    // Question marks passed since the word began: charset, encoding, text.
    let (mut marks, mut q, mut before) = (0, false, 0);
    for &byte in line {
        match (byte, marks) {
            (b'?', 0) if before == b'=' => (marks, q) = (1, false),
            (b'?', 1 | 2) => marks += 1,
            (b'?', _) => marks = 0,
            (b' ' | b'\t', _) => marks = 0,
            (b'q' | b'Q', 2) => q = true,
            _ => {}
        }
        if marks == 3 && q && !byte.is_ascii() {
            out.extend_from_slice(format!("={byte:02X}").as_bytes());
        } else {
            out.push(byte);
        }
        before = byte;
    }
    Cow::Owned(out)
}

/// A raw `Date` value as a point in time; `None` where it is none (RFC 5322 3.3).
pub fn date(value: &[u8]) -> Option<Timestamp> {
    let line = utf8_or_latin(&unfold(value));
    let parsed = catch_unwind(|| {
        DateTime::parse_rfc822(&line).filter(DateTime::is_valid).map(|d| d.to_timestamp())
    });
    parsed.ok().flatten().map(|seconds| Timestamp(seconds.saturating_mul(1000)))
}

/// A body in base64, else in quoted-printable, decoded; damage is forgiven (rule B10).
pub fn transfer_decoded(body: &[u8], base64: bool) -> Cow<'_, [u8]> {
    let encoding = match base64 {
        true => mail_parser::Encoding::Base64,
        false => mail_parser::Encoding::QuotedPrintable,
    };
    catch_unwind(AssertUnwindSafe(|| encoding.decode(body))).unwrap_or(Cow::Borrowed(body))
}

/// The name of a part's file by its raw Content-Disposition, else Content-Type (RFC 2183 2.3, RFC 2231).
pub fn filename(disposition: Option<&[u8]>, content_type: Option<&[u8]>) -> Option<String> {
    let named = |value: Option<&[u8]>, name: &str| -> Option<String> {
        let line = [side_by_side(&utf8_or_latin(&unfold(value?))).as_bytes(), b"\r\n"].concat();
        let parse = AssertUnwindSafe(|| {
            let parsed = HeaderForm::ContentType.parse(&line);
            parsed.value().as_content_type()?.attribute(name).map(str::to_owned)
        });
        catch_unwind(parse).ok().flatten().filter(|name| !name.is_empty())
    };
    named(disposition, "filename").or_else(|| named(content_type, "name"))
}

/// Encoded words without the white space between them, which is none of theirs (RFC 2047 6.2).
fn side_by_side(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for piece in line.split_inclusive("?=") {
        let next = piece.trim_start_matches([' ', '\t']);
        let joins = out.ends_with("?=") && next.starts_with("=?");
        out.push_str(if joins { next } else { piece });
    }
    out
}

/// The words of a page as lines that end in LF; damage is forgiven.
pub fn html_to_text(page: &str) -> String {
    let parse = AssertUnwindSafe(|| mail_parser::decoders::html::html_to_text(page));
    catch_unwind(parse).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B13: names as they come: plain, quoted, RFC 2231 with charset and in pieces, encoded words against the rules.
    #[test]
    fn filenames() {
        let cases: [(&str, &str, Option<&str>); 9] = [
            ("attachment; filename=a.pdf", "", Some("a.pdf")),
            ("attachment; filename=\"a b.pdf\"", "x/y; name=c.pdf", Some("a b.pdf")),
            ("attachment", "x/y; name=c.pdf", Some("c.pdf")),
            ("inline; filename*=utf-8''%C3%9Cber.pdf", "", Some("\u{dc}ber.pdf")),
            ("inline; filename*=iso-8859-1'de'%DCber.pdf", "", Some("\u{dc}ber.pdf")),
            ("inline; filename*0=lang; filename*1=er.pdf", "", Some("langer.pdf")),
            ("inline; filename=\"=?utf-8?Q?=C3=9Cber.pdf?=\"", "", Some("\u{dc}ber.pdf")),
            (
                "inline; filename=\"=?utf-8?B?w5xi?=\r\n =?utf-8?Q?er.pdf?=\"",
                "",
                Some("\u{dc}ber.pdf"),
            ),
            ("inline; filename=\"\"", "text/plain", None),
        ];
        for (disposition, kind, expect) in cases {
            let got = filename(Some(disposition.as_bytes()), Some(kind.as_bytes()));
            assert_eq!(got.as_deref(), expect, "{disposition:?} {kind:?}");
        }
    }

    /// S7, F5: encoded words joined, raw UTF-8, raw latin-1, garbage stays text.
    #[test]
    fn text_is_decoded_or_left() {
        let cases: [(&[u8], &str); 10] = [
            (
                b"=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?= =?ISO-2022-JP?B?GyRCJUYbKEI=?=",
                "\u{30c6}\u{30b9}\u{30c8}\u{30c6}",
            ),
            (
                b"=?iso-8859-1?Q?J\xfcrgen?= =?iso-8859-1?q?_Fr\xf6sche?=",
                "J\u{fc}rgen Fr\u{f6}sche",
            ),
            (
                "=?utf-8?Q?Grüße_?= aus =?utf-8?B?S8O2bG4=?=".as_bytes(),
                "Gr\u{fc}\u{df}e  aus K\u{f6}ln",
            ),
            (b" Elternabend", "Elternabend"),
            (b" =?utf-8?Q?M=C3=BC?=\r\n =?utf-8?Q?ller?=", "M\u{fc}ller"),
            (b"=?iso-8859-1?B?xG5uZQ==?= Schmidt", "\u{c4}nne Schmidt"),
            ("Schülerrat".as_bytes(), "Sch\u{fc}lerrat"),
            (b"Sch\xfclerrat", "Sch\u{fc}lerrat"),
            (b"=?utf-8?Q?broken", "=?utf-8?Q?broken"),
            (b"", ""),
        ];
        for (raw, expect) in cases {
            assert_eq!(decode(raw), expect, "{raw:?}");
        }
    }

    /// T4: a date is a date or it is not.
    #[test]
    fn dates() {
        assert_eq!(date(b" Thu, 01 Jan 1970 00:00:10 +0000"), Some(Timestamp(10_000)));
        assert_eq!(date(b"gestern"), None);
        assert_eq!(date(b""), None);
    }
}
