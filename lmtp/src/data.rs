//! The message on the wire: the strict dot-reader of DATA, and what is noted about its lines.
//!
//! Only `CRLF.CRLF` ends DATA (X1, LM24); a reader that ends earlier lets a sender smuggle a second
//! mail past whoever checked the first. Pieces of the input are handed on as they are, without a
//! copy per line. Not here: commands, limits, replies.

use memchr::{memchr, memchr_iter, memmem};

/// What [`DotReader::read`] found next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Message octets, dot-stuffing undone. Never empty.
    Bytes(&'a [u8]),
    /// `CRLF.CRLF` was read; what follows in the input are commands.
    End,
    /// The input is used up.
    More,
}

/// Undoes dot-stuffing (RFC 5321 4.5.2) and finds the end of data, over any split of the stream.
#[derive(Debug, Default)]
pub struct DotReader {
    at: At,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Behind a CRLF, or at the very start: the CRLF of the DATA command counts.
    #[default]
    LineStart,
    /// Behind the first dot of a line. It is never part of the message.
    Dot,
    /// Behind `.CR` at the start of a line: the CR is held back, it may belong to the end.
    DotCr,
    /// Behind a CR within a line.
    Cr,
    /// Anywhere else within a line.
    Text,
}

impl DotReader {
    pub fn new() -> DotReader {
        DotReader::default()
    }

    /// Takes the next piece off `input`.
    pub fn read<'a>(&mut self, input: &mut &'a [u8]) -> Piece<'a> {
        while let Some((&first, rest)) = input.split_first() {
            match (self.at, first) {
                (At::LineStart, b'.') => (self.at, *input) = (At::Dot, rest),
                (At::Dot, b'\r') => (self.at, *input) = (At::DotCr, rest),
                (At::DotCr, b'\n') => {
                    (self.at, *input) = (At::LineStart, rest);
                    return Piece::End;
                }
                (At::DotCr, _) => {
                    self.at = At::Cr;
                    return Piece::Bytes(b"\r");
                }
                _ => return self.run(input),
            }
        }
        Piece::More
    }

    /// All octets up to the next dot at a line start, or to the end of the input.
    fn run<'a>(&mut self, input: &mut &'a [u8]) -> Piece<'a> {
        let bytes = *input;
        // A CR that came with the last read makes this LF a line end, and the dot behind it counts.
        let split_crlf = self.at == At::Cr && bytes.starts_with(b"\n.");
        let end = if split_crlf { 1 } else { next_dot_line(bytes) };
        let (piece, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        self.at = match piece {
            [b'\n'] if self.at == At::Cr => At::LineStart,
            [.., b'\r', b'\n'] => At::LineStart,
            [.., b'\r'] => At::Cr,
            _ => At::Text,
        };
        *input = rest;
        Piece::Bytes(piece)
    }
}

/// How many octets stand before the first dot that follows a CRLF; all of them where there is none.
fn next_dot_line(bytes: &[u8]) -> usize {
    memmem::find(bytes, b"\r\n.").map_or(bytes.len(), |at| at + 2)
}

/// Counts what matters about the lines of a message, over any split.
///
/// Used for DATA and BDAT alike, on octets without dot-stuffing.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    size: u64,
    crs: u64,
    lfs: u64,
    crlfs: u64,
    nul: bool,
    longest: u64,
    /// Octets since the last CRLF, a CR that may begin the next one included.
    open: u64,
    after_cr: bool,
}

impl Lines {
    /// Notes the next octets of the message.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut from = 0;
        for at in memchr_iter(b'\n', bytes) {
            self.lfs += 1;
            let after_cr = match at.checked_sub(1) {
                Some(before) => bytes.get(before) == Some(&b'\r'),
                None => self.after_cr,
            };
            if after_cr {
                self.crlfs += 1;
                self.open += (at + 1 - from) as u64;
                self.longest = self.longest.max(self.open - 2);
                (self.open, from) = (0, at + 1);
            }
        }
        self.open += (bytes.len() - from) as u64;
        self.crs += memchr_iter(b'\r', bytes).count() as u64;
        self.nul = self.nul || memchr(0, bytes).is_some();
        self.size += bytes.len() as u64;
        self.after_cr = bytes.last().map_or(self.after_cr, |last| *last == b'\r');
    }

    /// Octets so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Was there a CR or LF that is not part of a CRLF (X2)? True for a CR that ends the message.
    pub fn bare(&self) -> bool {
        self.crs != self.crlfs || self.lfs != self.crlfs
    }

    pub fn nul(&self) -> bool {
        self.nul
    }

    /// Octets of the longest line, without its CRLF.
    pub fn longest(&self) -> u64 {
        self.longest.max(self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `input` in the given pieces; the message, and what is left where the end was found.
    fn read(pieces: &[&[u8]]) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut reader = DotReader::new();
        let (mut message, mut left, mut ended) = (Vec::new(), Vec::new(), false);
        for piece in pieces {
            let mut input = *piece;
            while !ended {
                match reader.read(&mut input) {
                    Piece::Bytes(bytes) => message.extend_from_slice(bytes),
                    Piece::End => ended = true,
                    Piece::More => break,
                }
            }
            left.extend_from_slice(input);
        }
        (message, ended.then_some(left))
    }

    /// LM23, LM24, X1: what comes off the wire, what it becomes, and whether it ends the data.
    #[test]
    fn lm24_line_endings() {
        // wire, message, what is left for the next command; None: still inside the message
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("", "", None),
            (".\r\n", "", Some("")),
            (".\r\nQUIT\r\n", "", Some("QUIT\r\n")),
            ("a\r\n.\r\n", "a\r\n", Some("")),
            ("\r\n.\r\n", "\r\n", Some("")),
            ("a\r\n.\r\nb\r\n.\r\n", "a\r\n", Some("b\r\n.\r\n")),
            ("a\r\n..\r\n.\r\n", "a\r\n.\r\n", Some("")),
            ("..\r\n.\r\n", ".\r\n", Some("")),
            ("..x\r\n.\r\n", ".x\r\n", Some("")),
            ("...\r\n.\r\n", "..\r\n", Some("")),
            (".x\r\n.\r\n", "x\r\n", Some("")),
            ("a.\r\n.\r\n", "a.\r\n", Some("")),
            ("a..b\r\n.\r\n", "a..b\r\n", Some("")),
            (". \r\n.\r\n", " \r\n", Some("")),
            ("a\r\n.\r\n.\r\n", "a\r\n", Some(".\r\n")),
            ("a\n.\n", "a\n.\n", None),
            ("a\n.\r\n", "a\n.\r\n", None),
            ("a\n.\rb", "a\n.\rb", None),
            ("a\r.\n", "a\r.\n", None),
            ("a\r.\rb", "a\r.\rb", None),
            ("a\r.\r\n", "a\r.\r\n", None),
            ("a\r\n.\n", "a\r\n\n", None),
            ("a\r\n.\rb", "a\r\n\rb", None),
            ("a\r\n\0.\r\n", "a\r\n\0.\r\n", None),
            ("a\r\n.\0\r\n", "a\r\n\0\r\n", None),
            ("a\r\n.\r\r\n", "a\r\n\r\r\n", None),
            ("a\r\r\n.\r\r\n", "a\r\r\n\r\r\n", None),
            ("a\r\r\n.\r\n", "a\r\r\n", Some("")),
            ("a\r\n.\r.\r\n", "a\r\n\r.\r\n", None),
            ("a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", Some("")),
            ("a\r\n\n.\r\n", "a\r\n\n.\r\n", None),
            ("a\r\n.\r", "a\r\n", None),
            ("no end\r\n", "no end\r\n", None),
        ];
        for (wire, message, left) in cases {
            let wire = wire.as_bytes();
            let expect = (message.as_bytes().to_vec(), left.map(|l| l.as_bytes().to_vec()));
            for at in 0..=wire.len() {
                for to in at..=wire.len() {
                    let got = read(&[&wire[..at], &wire[at..to], &wire[to..]]);
                    assert_eq!(got, expect, "{:?} at {at}, {to}", String::from_utf8_lossy(wire));
                }
            }
            let octets: Vec<&[u8]> = wire.chunks(1).collect();
            assert_eq!(read(&octets), expect);
        }
    }

    /// A piece is as large as what was read, not a line: no copy, no call per line.
    #[test]
    fn pieces_are_large() {
        let text = b"some line of text\r\n".repeat(1000);
        let mut input = &text[..];
        assert_eq!(DotReader::new().read(&mut input), Piece::Bytes(&text));
    }

    /// X2, LM25: bare CR and LF, NUL and the longest line are seen over any split.
    #[test]
    fn x2_lines() {
        // message, bare, nul, longest
        let cases: &[(&str, bool, bool, u64)] = &[
            ("", false, false, 0),
            ("a\r\n", false, false, 1),
            ("abc", false, false, 3),
            ("a\r\nabc", false, false, 3),
            ("abcd\r\nab\r\n", false, false, 4),
            ("\r\n\r\n", false, false, 0),
            ("a\nb\r\n", true, false, 3),
            ("a\rb\r\n", true, false, 3),
            ("a\r\r\n", true, false, 2),
            ("\n", true, false, 1),
            ("a\r", true, false, 2),
            ("\n\r", true, false, 2),
            ("a\r\n\n", true, false, 1),
            ("a\0b\r\n", false, true, 3),
        ];
        for (message, bare, nul, longest) in cases {
            for at in 0..=message.len() {
                let mut lines = Lines::default();
                let (head, tail) = message.as_bytes().split_at(at);
                lines.feed(head);
                lines.feed(&[]);
                lines.feed(tail);
                let got = (lines.size(), lines.bare(), lines.nul(), lines.longest());
                assert_eq!(got, (message.len() as u64, *bare, *nul, *longest), "{message:?} {at}");
            }
        }
    }
}
