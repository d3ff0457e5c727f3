//! Raw header text to readable text: charsets and encoded words (RFC 2047), by mail-parser.
//!
//! The only place that calls mail-parser. It is a young rewrite, so a panic in it is caught here and costs one
//! field its decoded form, never the daemon a mail.

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
    let line = utf8_or_latin(&unfold(value));
    if !line.contains("=?") {
        return line;
    }
    let subject = AssertUnwindSafe(|| {
        HeaderForm::Text.parse(line.as_bytes()).value().as_text().map(str::to_owned)
    });
    catch_unwind(subject).ok().flatten().unwrap_or(line)
}

/// A raw `Date` value as a point in time; `None` where it is none (RFC 5322 3.3).
pub fn date(value: &[u8]) -> Option<Timestamp> {
    let line = utf8_or_latin(&unfold(value));
    let parsed = catch_unwind(|| {
        DateTime::parse_rfc822(&line).filter(DateTime::is_valid).map(|d| d.to_timestamp())
    });
    parsed.ok().flatten().map(|seconds| Timestamp(seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S7, F5: encoded words joined, raw UTF-8, raw latin-1, garbage stays text.
    #[test]
    fn text_is_decoded_or_left() {
        let cases: [(&[u8], &str); 7] = [
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
