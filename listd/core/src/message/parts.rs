//! A multipart body as slices (RFC 2046 5.1.1): delimiter lines, parts, and what stands around them.
//!
//! One level only, linear, never fails; who walks deeper bounds the depth.

use std::ops::Range;

use crate::message::fields::line_end;

/// Deepest nesting that is walked (rule B14).
pub const MAX_DEPTH: usize = 100;

/// A piece of a multipart body; all pieces together are the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Preamble or epilogue.
    Filler(Range<usize>),
    /// A delimiter line with the line end in front of it, if there is one.
    Delimiter(Range<usize>),
    /// Header and body of a part.
    Part(Range<usize>),
}

/// Cuts a body at its delimiter lines. Without any, all of it is filler.
pub fn pieces(body: &[u8], boundary: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let (mut start, mut at, mut inside) = (0, 0, false);
    while at < body.len() {
        let end = line_end(body, at);
        let Some(closes) = delimiter(body.get(at..end).unwrap_or_default(), boundary) else {
            at = end;
            continue;
        };
        // The line end before a delimiter belongs to it, not to the part.
        let before = body.get(start..at).unwrap_or_default();
        let own = if before.ends_with(b"\r\n") { 2 } else { usize::from(before.ends_with(b"\n")) };
        push(&mut out, start..at - own, inside);
        out.push(Piece::Delimiter(at - own..end));
        (start, at, inside) = (end, end, !closes);
        if closes {
            break;
        }
    }
    push(&mut out, start..body.len(), inside);
    out
}

fn push(out: &mut Vec<Piece>, range: Range<usize>, inside: bool) {
    if inside {
        out.push(Piece::Part(range));
    } else if !range.is_empty() {
        out.push(Piece::Filler(range));
    }
}

/// `Some(closing)` for a delimiter line of this boundary.
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    match rest.trim_ascii_end() {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B10: preambles, epilogues, missing ends; every byte is in exactly one piece.
    #[test]
    fn bodies_are_cut() {
        let cases: [(&[u8], &str); 8] = [
            (b"--b\r\nx\r\n--b--\r\n", "DPD"),
            (b"pre\r\n--b\r\nx\r\n--b \r\ny\r\n--b--\r\nepi", "FDPDPDF"),
            (b"--b\r\nx", "DP"),
            (b"--b\r\n--b--", "DPD"),
            (b"--bb\r\nx\r\n--b x\r\n", "F"),
            (b"--b--\r\n--b\r\n", "DF"),
            (b"--b\nx\n--b--\n", "DPD"),
            (b"", ""),
        ];
        for (body, expect) in cases {
            let pieces = pieces(body, "b");
            let mut at = 0;
            let mut shape = String::new();
            for piece in &pieces {
                let (letter, range) = match piece {
                    Piece::Filler(r) => ('F', r),
                    Piece::Delimiter(r) => ('D', r),
                    Piece::Part(r) => ('P', r),
                };
                assert_eq!(range.start, at, "{body:?}");
                at = range.end;
                shape.push(letter);
            }
            assert_eq!((shape.as_str(), at), (expect, body.len()), "{body:?}");
        }
    }
}
