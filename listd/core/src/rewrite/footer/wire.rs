//! Transfer encodings of a part that changes at one place: what the octets stand for, and others there (rule B10).
//!
//! All else stays: in quoted-printable every octet, in base64 all but the groups behind the place.

use std::borrow::Cow;
use std::ops::Range;

use crate::message::Encoding;
use crate::rewrite::transfer;

/// Octets for a stretch of the encoded body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rewrite) struct Change {
    pub at: Range<usize>,
    pub new: Vec<u8>,
}

/// A body that was decoded, with the place of each octet.
pub(in crate::rewrite) struct Wire<'a> {
    encoding: Encoding,
    body: &'a [u8],
    pub octets: Cow<'a, [u8]>,
    /// quoted-printable: where in the body each octet begins. base64: where each character of its alphabet is.
    places: Vec<usize>,
    /// An escape in it is none, so that decoders may disagree.
    pub damaged: bool,
}

impl<'a> Wire<'a> {
    /// `None` where decoders would not agree how long it is, or the encoding is unknown.
    pub(in crate::rewrite) fn read(encoding: Encoding, body: &'a [u8]) -> Option<Wire<'a>> {
        let wire = |octets, places, damaged| Wire { encoding, body, octets, places, damaged };
        match encoding {
            Encoding::Identity => Some(wire(Cow::Borrowed(body), Vec::new(), false)),
            Encoding::QuotedPrintable => {
                let (octets, places, damaged) = unquoted(body);
                Some(wire(Cow::Owned(octets), places, damaged))
            }
            Encoding::Base64 => {
                let (octets, places) = unbased(body)?;
                Some(wire(Cow::Owned(octets), places, false))
            }
            Encoding::Other => None,
        }
    }

    /// What to change so that `new` stands in front of the octet `at`, which is no line end, or behind everything.
    pub(super) fn insert(&self, at: usize, new: &[u8]) -> Change {
        match self.encoding {
            Encoding::QuotedPrintable if at >= self.octets.len() => self.quoted_end(new),
            _ => self.replace(at..at, new),
        }
    }

    /// What to change so that `new` stands in place of these octets.
    pub(in crate::rewrite) fn replace(&self, old: Range<usize>, new: &[u8]) -> Change {
        match self.encoding {
            Encoding::Identity | Encoding::Other => Change { at: old, new: new.to_vec() },
            Encoding::QuotedPrintable => self.quoted(old, new),
            Encoding::Base64 => self.based(old, new),
        }
    }

    /// Behind everything; a soft line break at the end (`=`) is made to end its line first.
    fn quoted_end(&self, new: &[u8]) -> Change {
        let end = self.body.len();
        let line = self.body.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let mut added = Vec::new();
        if line.trim_ascii_end().ends_with(b"=") {
            added.extend_from_slice(b"\r\n");
        } else if !line.is_empty() && !new.starts_with(b"\r\n") {
            added.extend_from_slice(b"=\r\n");
        }
        added.extend(transfer::quoted(&[new]));
        Change { at: end..end, new: added }
    }

    /// In the middle of a line: soft breaks around it.
    fn quoted(&self, old: Range<usize>, new: &[u8]) -> Change {
        let place = |at: usize| self.places.get(at).copied().unwrap_or(self.body.len());
        let (from, to) = (place(old.start), place(old.end));
        let fresh = from == 0 || self.body.get(..from).is_some_and(|b| b.ends_with(b"\n"));
        let mut added = if fresh { Vec::new() } else { b"=\r\n".to_vec() };
        added.extend(transfer::quoted(&[new]));
        if !new.ends_with(b"\n") && !new.is_empty() {
            added.extend_from_slice(b"=\r\n");
        }
        Change { at: from..to, new: added }
    }

    /// From the beginning of the line in which the place is, if a group begins there, to the end.
    fn based(&self, old: Range<usize>, new: &[u8]) -> Change {
        let group = old.start / 3 * 4;
        let behind = self.places.last().map_or(0, |last| last + 1);
        let from = self.places.get(group).copied().unwrap_or(behind);
        let line = self.body.get(..from).and_then(|b| memchr::memrchr(b'\n', b));
        let line = line.map_or(0, |at| at + 1);
        let first = self.places.partition_point(|place| *place < line);
        let (group, from) = if first % 4 == 0 { (first, line) } else { (group, from) };
        let kept = group / 4 * 3;
        let mut octets = self.octets.get(kept..old.start).unwrap_or_default().to_vec();
        octets.extend_from_slice(new);
        octets.extend_from_slice(self.octets.get(old.end..).unwrap_or_default());
        let fresh = from == 0 || self.body.get(..from).is_some_and(|b| b.ends_with(b"\n"));
        let mut added = if fresh { Vec::new() } else { b"\r\n".to_vec() };
        added.extend(transfer::based(&octets));
        let end = self.body.len();
        // The line ends behind the last group stay.
        let tail = self.body.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |at| at + 1);
        Change { at: from..tail.clamp(from, end), new: added }
    }
}

/// Octets, where each begins, and whether an escape is none. White space at the end of a line is none of the text
/// (RFC 2045 6.7).
fn unquoted(body: &[u8]) -> (Vec<u8>, Vec<usize>, bool) {
    let (mut octets, mut places) = (Vec::with_capacity(body.len()), Vec::with_capacity(body.len()));
    let mut damaged = false;
    let mut start = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let end = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line);
        let blank = end.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let text = end.get(..end.len() - blank).unwrap_or(end);
        let mut at = 0;
        let mut soft = false;
        while let Some(byte) = text.get(at) {
            let (octet, len) = match (byte, text.get(at + 1..at + 3).and_then(hex)) {
                (b'=', Some(octet)) => (octet, 3),
                (b'=', None) if at + 1 == text.len() => {
                    soft = true;
                    break;
                }
                (byte, _) => {
                    damaged |= *byte == b'=';
                    (*byte, 1)
                }
            };
            octets.push(octet);
            places.push(start + at);
            at += len;
        }
        if !soft {
            // The line end is taken as it stands.
            for (i, byte) in line.iter().enumerate().skip(end.len()) {
                octets.push(*byte);
                places.push(start + i);
            }
        }
        start += line.len();
    }
    (octets, places, damaged)
}

fn hex(pair: &[u8]) -> Option<u8> {
    let text =
        std::str::from_utf8(pair).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

/// Octets and where each character of the alphabet is. Padding may be missing; what stands behind it, or a single
/// character too many, is read in different ways, so that it is not read here.
fn unbased(body: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    let mut places = Vec::with_capacity(body.len());
    let mut octets = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let (mut bits, mut padded) = (0u32, false);
    for (at, byte) in body.iter().enumerate() {
        let Some(value) = sextet(*byte) else {
            padded |= *byte == b'=';
            continue;
        };
        if padded {
            return None;
        }
        places.push(at);
        bits = bits << 6 | value;
        if places.len().is_multiple_of(4) {
            octets.extend(bits.to_be_bytes().iter().skip(1));
            bits = 0;
        }
    }
    match places.len() % 4 {
        0 => {}
        2 => octets.extend((bits << 12).to_be_bytes().iter().skip(1).take(1)),
        3 => octets.extend((bits << 6).to_be_bytes().iter().skip(1).take(2)),
        _ => return None,
    }
    Some((octets, places))
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests;
