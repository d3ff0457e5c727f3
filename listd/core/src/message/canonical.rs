//! Header fields in the forms that signatures are made of (RFC 6376 3.4.1, 3.4.2).
//!
//! Only fields: bodies are hashed where they are read.

/// `name:value` and CRLF in relaxed form. `value` is raw, folds and leading space included.
pub fn relaxed(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = name.trim_ascii().to_ascii_lowercase();
    out.push(b':');
    let start = out.len();
    let mut space = false;
    for octet in value {
        match octet {
            b'\r' | b'\n' => {}
            b' ' | b'\t' => space = out.len() > start,
            other => {
                if std::mem::take(&mut space) {
                    out.push(b' ');
                }
                out.push(*other);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
