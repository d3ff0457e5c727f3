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
