//! Dots in front of dots: a message made fit for DATA (RFC 5321 4.5.2), without copying it.

use memchr::memchr_iter;

/// Cuts a message that comes in pieces into slices that go on the wire.
#[derive(Debug)]
pub struct Stuffer {
    /// The last octets seen: are we at the start of a line, after a CR?
    line_start: bool,
    after_cr: bool,
    complete: bool,
}

impl Default for Stuffer {
    fn default() -> Stuffer {
        Stuffer { line_start: true, after_cr: false, complete: true }
    }
}

impl Stuffer {
    /// Adds the slices for the next piece. A dot is added after a bare LF too: a server that takes
    /// that for a line end must not see an end of data there (rule X1).
    pub fn piece<'a>(&mut self, piece: &'a [u8], out: &mut Vec<&'a [u8]>) {
        let (Some(first), Some(last)) = (piece.first(), piece.last()) else { return };
        let mut from = 0;
        if self.line_start && *first == b'.' {
            out.push(b".");
        }
        for dot in memchr_iter(b'\n', piece).map(|lf| lf + 1) {
            if piece.get(dot) == Some(&b'.')
                && let Some(before) = piece.get(from..dot)
            {
                out.push(before);
                out.push(b".");
                from = dot;
            }
        }
        out.extend(piece.get(from..));
        let cr_before = match piece.len() {
            1 => self.after_cr,
            n => piece.get(n - 2) == Some(&b'\r'),
        };
        self.line_start = *last == b'\n';
        self.complete = self.line_start && cr_before;
        self.after_cr = *last == b'\r';
    }

    /// What ends the message: the lone dot, behind a line end where the message has none.
    pub fn end(&self) -> &'static [u8] {
        if self.complete { b".\r\n" } else { b"\r\n.\r\n" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuffed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut stuffer = Stuffer::default();
        let mut out = Vec::new();
        for piece in pieces {
            stuffer.piece(piece, &mut out);
        }
        out.push(stuffer.end());
        out.concat()
    }

    #[test]
    fn dots() {
        let cases: [(&str, &str); 9] = [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("..a\r\n.b\r\n", "...a\r\n..b\r\n.\r\n"),
            ("a.b\r\n", "a.b\r\n.\r\n"),
            ("a\r\n.", "a\r\n..\r\n.\r\n"),
            ("a\n.b\r\n", "a\n..b\r\n.\r\n"),
            ("a\n", "a\n\r\n.\r\n"),
        ];
        for (message, wire) in cases {
            assert_eq!(String::from_utf8_lossy(&stuffed(&[message.as_bytes()])), wire);
        }
    }

    proptest! {
        /// Whatever the pieces, the wire is the same, and the other end gets the message back.
        #[test]
        fn pieces_do_not_matter(text in "[a.\r\n]{0,40}", cut in 0usize..40) {
            let text = text.replace('\r', "").replace('\n', "\r\n").into_bytes();
            let (a, b) = text.split_at(cut.min(text.len()));
            let wire = stuffed(&[a, b]);
            prop_assert_eq!(&wire, &stuffed(&[&text]));
            let wire = String::from_utf8(wire).expect("ASCII");
            let body = wire.strip_suffix(".\r\n").expect("the end");
            let lines: Vec<&str> = body.split_inclusive("\r\n").collect();
            prop_assert!(!lines.contains(&".\r\n"));
            let back: String = lines.iter().map(|l| l.strip_prefix('.').unwrap_or(l)).collect();
            let mut expect = String::from_utf8(text).expect("ASCII");
            if !expect.is_empty() && !expect.ends_with("\r\n") {
                expect.push_str("\r\n");
            }
            prop_assert_eq!(back, expect);
        }
    }
}
