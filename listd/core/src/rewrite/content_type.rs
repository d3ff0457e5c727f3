//! The field Content-Type with another charset, and everything else in it as it was.

use std::ops::Range;

use crate::message::params::{self, param};

/// The whole field with `charset` as its parameter. `raw` is the field as it came, with its name and line end; `None`
/// adds one. No answer where the field is too damaged to be changed without doubt.
pub(super) fn with_charset(raw: Option<&[u8]>, charset: &str) -> Option<Vec<u8>> {
    let plain = || format!("Content-Type: text/plain; charset={charset}\r\n").into_bytes();
    let Some(raw) = raw else { return Some(plain()) };
    let colon = memchr::memchr(b':', raw)? + 1;
    let (name, value) = raw.split_at_checked(colon)?;
    let (kind, old) = params::content_type(Some(value));
    if kind == "text/plain" && !value.to_ascii_lowercase().windows(5).any(|w| w == b"plain") {
        // No type at all, which means plain text (RFC 2045 5.2).
        return Some(plain());
    }
    let new = replaced(value, charset);
    let (new_kind, after) = params::content_type(Some(&new));
    let others = |all: &[(String, String)]| -> Vec<(String, String)> {
        all.iter().filter(|(name, _)| name != "charset").cloned().collect()
    };
    let same = kind == new_kind && others(&old) == others(&after);
    (same && param(&after, "charset") == Some(charset)).then(|| [name, &new].concat())
}

/// A value with the parameter in the place of the old ones, or behind everything.
fn replaced(value: &[u8], charset: &str) -> Vec<u8> {
    let new = format!("charset={charset}");
    let mut out = Vec::with_capacity(value.len() + 20);
    let (mut at, mut found) = (0, false);
    for piece in pieces(value) {
        let text = value.get(piece.clone()).unwrap_or_default();
        let is_charset = text.split(|b| *b == b'=').next().is_some_and(|name| {
            text.contains(&b'=') && name.trim_ascii().eq_ignore_ascii_case(b"charset")
        });
        if is_charset {
            let start = piece.start + text.len() - text.trim_ascii_start().len();
            let end = piece.start + text.trim_ascii_end().len();
            out.extend_from_slice(value.get(at..start).unwrap_or_default());
            out.extend_from_slice(new.as_bytes());
            (at, found) = (end, true);
        }
    }
    let rest = value.get(at..).unwrap_or_default();
    if found {
        out.extend_from_slice(rest);
        return out;
    }
    let text = rest.trim_ascii_end();
    out.extend_from_slice(text);
    if !text.ends_with(b";") {
        out.push(b';');
    }
    out.extend_from_slice(format!("\r\n {new}\r\n").as_bytes());
    out
}

/// What stands between the `;` that are in no quotes and no comments.
fn pieces(value: &[u8]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut quoted, mut depth, mut escaped) = (0, false, 0usize, false);
    for (at, byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b';' if !quoted && depth == 0 => {
                out.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(start..value.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B1, B2: the other parameters, their order, folds and case stay.
    #[test]
    fn the_charset_is_replaced() {
        let cases = [
            (
                "Content-Type: text/plain; charset=us-ascii\r\n",
                "Content-Type: text/plain; charset=utf-8\r\n",
            ),
            (
                "content-type:text/plain;\r\n\tcharset=\"US-ASCII\";\r\n\tformat=flowed; delsp=yes\r\n",
                "content-type:text/plain;\r\n\tcharset=utf-8;\r\n\tformat=flowed; delsp=yes\r\n",
            ),
            ("Content-Type: TEXT/Plain\r\n", "Content-Type: TEXT/Plain;\r\n charset=utf-8\r\n"),
            ("Content-Type: text/plain;\r\n", "Content-Type: text/plain;\r\n charset=utf-8\r\n"),
            (
                "Content-Type: text/plain; x=\"a;charset=b\"; Charset = ascii (was)\r\n",
                "Content-Type: text/plain; x=\"a;charset=b\"; charset=utf-8\r\n",
            ),
            (
                "Content-Type: text/plain; charset=ascii; charset=us-ascii\r\n",
                "Content-Type: text/plain; charset=utf-8; charset=utf-8\r\n",
            ),
            ("Content-Type: text\r\n", "Content-Type: text/plain; charset=utf-8\r\n"),
        ];
        for (raw, expect) in cases {
            let new = with_charset(Some(raw.as_bytes()), "utf-8").expect(raw);
            assert_eq!(String::from_utf8(new).expect("ASCII"), expect);
        }
        assert_eq!(
            with_charset(None, "utf-8").as_deref(),
            Some(&b"Content-Type: text/plain; charset=utf-8\r\n"[..])
        );
        for broken in
            ["Content-Type: text/plain; x=\"open\r\n", "Content-Type: text/plain; (open\r\n"]
        {
            assert_eq!(with_charset(Some(broken.as_bytes()), "utf-8"), None, "{broken}");
        }
    }

    proptest::proptest! {
        /// Promise 10.
        #[test]
        fn any_field_is_answered(value in "[a-z/;=\"\\\\() \r\ncharset]{0,60}") {
            let raw = format!("Content-Type: text/plain; {value}");
            let _ = with_charset(Some(raw.as_bytes()), "utf-8");
        }
    }
}
