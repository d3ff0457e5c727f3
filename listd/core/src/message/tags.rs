//! Lists of tags (RFC 6376 3.2), `a=x; b=y`, as signatures, seals and key records have them.
//!
//! Read strictly: what is no such list counts for nothing. What a tag means is for who asks.

use std::collections::BTreeMap;

use super::fields::unfold;

/// The tags of one list, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// `None` for what is no list: a name that is none or stands twice, an empty place, octets that are no UTF-8.
    pub fn read(value: &[u8]) -> Option<Tags> {
        let line = String::from_utf8(unfold(value)).ok()?;
        let line = line.trim();
        let list = line.strip_suffix(';').unwrap_or(line);
        let mut tags = BTreeMap::new();
        for piece in list.split(';') {
            let (name, value) = piece.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !named || tags.insert(name.to_owned(), value.to_owned()).is_some() {
                return None;
            }
        }
        Some(Tags(tags))
    }

    /// The value, without the white space around it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value without any white space, as base64 and lists of names may hold it.
    pub fn packed(&self, name: &str) -> Option<String> {
        self.get(name).map(|text| text.chars().filter(|c| !c.is_ascii_whitespace()).collect())
    }
}

/// A field, or its value alone, with the value of `b=` and the white space around it taken out: what a signature covers of
/// its own field (RFC 6376 3.7).
pub fn without_signature(field: &[u8]) -> Vec<u8> {
    let is_b = |name: &[u8]| {
        name.rsplit(|b| *b == b':').next().is_some_and(|name| name.trim_ascii() == b"b")
    };
    let mut out = Vec::with_capacity(field.len());
    for (n, piece) in field.split(|b| *b == b';').enumerate() {
        if n > 0 {
            out.push(b';');
        }
        match piece.iter().position(|b| *b == b'=') {
            Some(at) if piece.get(..at).is_some_and(is_b) => {
                out.extend(piece.get(..=at).unwrap_or_default());
            }
            _ => out.extend(piece),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6376 3.2: what is a list, and what is none.
    #[test]
    fn lists_are_read() {
        let cases = [
            ("a=rsa-sha256; b=x", Some("rsa-sha256")),
            (" a = ed25519-sha256 ;\r\n b=x; ", Some("ed25519-sha256")),
            ("a=; x_1=y", Some("")),
            ("a=x;; b=x", None),
            ("a=x; ;b=x", None),
            ("a=x; a=x", None),
            ("a=x; _=x", None),
            ("a=x; 1x=x", None),
            ("a=x; word", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            let tags = Tags::read(text.as_bytes());
            assert_eq!(tags.as_ref().and_then(|tags| tags.get("a")), wanted, "{text:?}");
        }
        assert_eq!(Tags::read(b"a=\xff"), None);
        assert_eq!(Tags::read(b"b=a b\r\n\tc").and_then(|t| t.packed("b")).as_deref(), Some("abc"));
    }

    /// RFC 6376 3.7: `b=` is emptied, `bh=` and a `b=` inside a value stay.
    #[test]
    fn the_signature_is_taken_out() {
        for (text, wanted) in [
            ("a=x; b=abc\r\n def ; c=y", "a=x; b=; c=y"),
            ("a=x;\r\n b = abc", "a=x;\r\n b ="),
            ("bh=abc; z=b=c; b=x;", "bh=abc; z=b=c; b=;"),
            ("arc-seal:b=x; a=y\r\n", "arc-seal:b=; a=y\r\n"),
            ("", ""),
        ] {
            let found = String::from_utf8(without_signature(text.as_bytes())).expect("text");
            assert_eq!(found, wanted, "{text:?}");
        }
    }
}
