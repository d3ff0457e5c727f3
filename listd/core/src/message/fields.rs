//! The header block as slices: where each field stands, byte for byte.
//!
//! Knows nothing of what a field means. Works on any bytes in linear time and never fails: a line that is no
//! field is [`Field::valid`]` == false`, and the rewriter leaves it out (rule R5).

use std::ops::Range;

/// Octets of a header block, the empty line included, above which a mail is refused (rule B14).
pub const MAX_HEADER: usize = 256 * 1024;

/// One field, as offsets into the bytes that were split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// From the first byte of the name to behind the line end of the last folded line.
    pub whole: Range<usize>,
    /// Without trailing white space.
    pub name: Range<usize>,
    /// Between the colon and the last line end; folds included.
    pub value: Range<usize>,
    /// False for a line without a colon or with a name that RFC 5322 3.6.8 does not allow.
    pub valid: bool,
}

impl Field {
    /// The name as it was written; empty for a line that is no field.
    pub fn name<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        head.get(self.name.clone()).unwrap_or_default()
    }

    /// The raw value, folds and leading space included.
    pub fn value<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        head.get(self.value.clone()).unwrap_or_default()
    }

    /// True where the field has this name; ASCII case does not count.
    pub fn is(&self, head: &[u8], name: &str) -> bool {
        self.valid && self.name(head).eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Length of the header block with the empty line that ends it: the body starts there.
///
/// Without an empty line all of `raw` is header.
pub fn split(raw: &[u8]) -> usize {
    let mut at = 0;
    while at < raw.len() {
        let end = line_end(raw, at);
        if matches!(raw.get(at..end), Some(b"\r\n" | b"\n")) {
            return end;
        }
        at = end;
    }
    raw.len()
}

/// The fields of a header block, in order; stops at the empty line.
pub fn fields(head: &[u8]) -> Vec<Field> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < head.len() {
        let first = line_end(head, at);
        if matches!(head.get(at..first), Some(b"\r\n" | b"\n")) {
            break;
        }
        let mut end = first;
        while matches!(head.get(end), Some(b' ' | b'\t')) {
            end = line_end(head, end);
        }
        found.push(field(head, at, end));
        at = end;
    }
    found
}

/// Index behind the line that starts at `at`.
pub(crate) fn line_end(raw: &[u8], at: usize) -> usize {
    let rest = raw.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(raw.len(), |i| at + i + 1)
}

fn field(head: &[u8], start: usize, end: usize) -> Field {
    let whole = head.get(start..end).unwrap_or_default();
    let text = whole.strip_suffix(b"\n").unwrap_or(whole);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let none = Field {
        whole: start..end,
        name: start..start,
        value: start..start + text.len(),
        valid: false,
    };
    let Some(colon) = memchr::memchr(b':', text) else { return none };
    // obs-fields (RFC 5322 4.5) allow white space before the colon, and only there; a fold there hides the name
    // from whoever reads line by line, so it is no field.
    let name = text.get(..colon).unwrap_or_default();
    let name = match name.iter().rposition(|b| !matches!(b, b' ' | b'\t')) {
        Some(last) => name.get(..=last).unwrap_or_default(),
        None => &[],
    };
    if name.is_empty() || name.len() > 200 || !name.iter().all(|b| (33..=126).contains(b)) {
        return none;
    }
    Field {
        whole: start..end,
        name: start..start + name.len(),
        value: start + colon + 1..start + text.len(),
        valid: true,
    }
}

/// The value on one line: line ends are dropped, what folding added stays as one white space (RFC 5322 2.2.3).
pub fn unfold(value: &[u8]) -> Vec<u8> {
    value
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'\r' | b'\n' | 0))
        .collect::<Vec<u8>>()
        .trim_ascii()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(head: &[u8]) -> Vec<String> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        fields(head)
            .iter()
            .map(|f| format!("{}={}|{}", text(f.name(head)), text(f.value(head)), f.valid))
            .collect()
    }

    /// R5: names, folds, lines that are no field, missing ends.
    #[test]
    fn fields_are_slices() {
        let cases: [(&[u8], &[&str], usize); 10] = [
            (b"A: b\r\nC: d\r\n\r\nbody", &["A= b|true", "C= d|true"], 14),
            (b"A: b\r\n\tc\r\n d\r\n\r\n", &["A= b\r\n\tc\r\n d|true"], 16),
            (b"A : b\r\n\r\n", &["A= b|true"], 9),
            (b"From x y\r\nA: b\r\n\r\n", &["=From x y|false", "A= b|true"], 18),
            (b"From\r\n : <a@b>\r\n\r\n", &["=From\r\n : <a@b>|false"], 18),
            (b"A b: c\r\n\r\n", &["=A b: c|false"], 10),
            (b": c\r\n\r\n", &["=: c|false"], 7),
            (b"A: b\nB: c\n\nx", &["A= b|true", "B= c|true"], 11),
            (b"\r\nbody", &[], 2),
            (b"A: b", &["A= b|true"], 4),
        ];
        for (head, expect, len) in cases {
            assert_eq!(shown(head), expect, "{head:?}");
            assert_eq!(split(head), len, "{head:?}");
        }
    }
}
