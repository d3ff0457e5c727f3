//! Header fields and bodies in the forms that signatures are made of (RFC 6376 3.4).

use crate::message::fields::{line_end, unfold};

/// `name:value` and CRLF in relaxed form. `value` is raw, folds and leading space included.
pub fn relaxed(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = name.trim_ascii().to_ascii_lowercase();
    out.push(b':');
    squeeze(&unfold(value), &mut out);
    out.extend_from_slice(b"\r\n");
    out
}

/// RFC 6376 3.4.3 and 3.4.4: hands the canonical body over in pieces. Empty lines at the end do not count.
pub fn body(body: &[u8], relaxed: bool, sink: &mut dyn FnMut(&[u8])) {
    let (mut empty, mut any, mut out) = (0_usize, false, Vec::new());
    let mut at = 0;
    while at < body.len() {
        let end = line_end(body, at);
        let line = body.get(at..end).unwrap_or_default();
        at = end;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        out.clear();
        match relaxed {
            true => squeeze(line, &mut out),
            false => out.extend_from_slice(line),
        }
        if out.is_empty() {
            empty += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty) {
            sink(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        sink(&out);
        any = true;
    }
    if !any && !relaxed {
        sink(b"\r\n");
    }
}

/// Runs of white space become one space; none stays at the end.
fn squeeze(line: &[u8], out: &mut Vec<u8>) {
    let mut space = false;
    for octet in line {
        match octet {
            b' ' | b'\t' => space = true,
            octet => {
                if std::mem::take(&mut space) {
                    out.push(b' ');
                }
                out.push(*octet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str, relaxed: bool) -> String {
        let mut out = Vec::new();
        super::body(text.as_bytes(), relaxed, &mut |piece| out.extend_from_slice(piece));
        String::from_utf8(out).expect("ASCII")
    }

    /// RFC 6376 3.4.3 to 3.4.5: the examples of the standard, and ends of all kinds.
    #[test]
    fn canonical_bodies() {
        for (text, simple, relaxed) in [
            (" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"),
            ("", "\r\n", ""),
            ("\r\n\r\n", "\r\n", ""),
            (" \r\n\r\n", " \r\n", ""),
            ("a", "a\r\n", "a\r\n"),
            ("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
            ("a \r\n \t\r\n", "a \r\n \t\r\n", "a\r\n"),
        ] {
            assert_eq!(body(text, false), simple, "{text:?}");
            assert_eq!(body(text, true), relaxed, "{text:?}");
        }
    }

    /// RFC 6376 3.4.5, its own example, and what folding leaves.
    #[test]
    fn fields_are_relaxed() {
        let cases: [(&[u8], &[u8], &[u8]); 5] = [
            (b"A", b" X", b"a:X\r\n"),
            (b"B ", b" Y\t\r\n\tZ  ", b"b:Y Z\r\n"),
            (b"Subject", b"\r\n  x", b"subject:x\r\n"),
            (b"x", b" \t ", b"x:\r\n"),
            (b"ARC-Seal", b" i=1;\r\n\ta=b;  c=d ", b"arc-seal:i=1; a=b; c=d\r\n"),
        ];
        for (name, value, wanted) in cases {
            assert_eq!(relaxed(name, value), wanted, "{:?}", String::from_utf8_lossy(value));
        }
    }
}
