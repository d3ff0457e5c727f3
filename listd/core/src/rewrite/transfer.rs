//! Transfer encodings of a leaf part (RFC 2045 6): lines of at most 76, seven bits, the same content.

use data_encoding::BASE64;

use crate::message::Encoding;

/// Longest encoded line (RFC 2045 6.7, 6.8).
const LINE: usize = 76;

/// A body encoded so that it can pass anywhere; with the name of the encoding it then has. `encoding` is the present
/// one; `kind` the content type.
pub(super) fn encode(encoding: Encoding, kind: &str, body: &[u8]) -> (&'static str, Vec<u8>) {
    match encoding {
        Encoding::Base64 => ("base64", wrapped(body)),
        Encoding::QuotedPrintable => ("quoted-printable", requoted(body)),
        Encoding::Identity | Encoding::Other => fitting(kind, &[body]),
    }
}

/// Whichever of the two is shorter, about. The body comes in pieces.
pub(super) fn fitting(kind: &str, body: &[&[u8]]) -> (&'static str, Vec<u8>) {
    let len: usize = body.iter().map(|piece| piece.len()).sum();
    let octets = body.iter().copied().flatten();
    let strange = octets.filter(|b| !b.is_ascii() || **b == b'=').count();
    let text = kind.starts_with("text/") || kind.starts_with("message/");
    if strange > len / if text { 3 } else { 6 } {
        return ("base64", based(&body.concat()));
    }
    ("quoted-printable", quoted(body))
}

/// base64 text in lines of 76; whatever is not of its alphabet is ignored when decoding anyway.
fn wrapped(body: &[u8]) -> Vec<u8> {
    let known = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    in_lines(&body.iter().copied().filter(known).collect::<Vec<u8>>())
}

/// Any octets as base64.
pub(super) fn based(content: &[u8]) -> Vec<u8> {
    in_lines(BASE64.encode(content).as_bytes())
}

fn in_lines(text: &[u8]) -> Vec<u8> {
    text.chunks(LINE).collect::<Vec<_>>().join(b"\r\n".as_slice())
}

/// Quoted-printable that has grown too long or has octets it may not have: soft line breaks, escapes stay whole.
fn requoted(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line);
        let mut column = 0;
        let mut rest = text;
        while let Some((first, tail)) = rest.split_first() {
            let escape = *first == b'='
                && tail.get(..2).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit));
            // A soft break that is there already ends the line.
            let soft = *first == b'=' && tail.trim_ascii().is_empty();
            let taken = if escape { 3 } else { 1 };
            let (piece, after) = rest.split_at(taken.min(rest.len()));
            let escaped = hex(*first);
            let unit = if first.is_ascii() { piece } else { &escaped };
            if !soft && column + unit.len() > LINE - 1 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += unit.len();
            out.extend(unit);
            rest = if soft { &[] } else { after };
        }
        if text.len() < line.len() {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

/// Any octets as quoted-printable, given in pieces; CRLF are line ends, a CR or LF alone is content.
pub(super) fn quoted(body: &[&[u8]]) -> Vec<u8> {
    let len: usize = body.iter().map(|piece| piece.len()).sum();
    let mut out = Vec::with_capacity(len + len / 8);
    let mut column = 0;
    let mut octets = body.iter().copied().flatten().copied();
    let mut next = [octets.next(), octets.next(), octets.next()];
    while let [Some(first), second, third] = next {
        if (first, second) == (b'\r', Some(b'\n')) {
            out.extend_from_slice(b"\r\n");
            (column, next) = (0, [third, octets.next(), octets.next()]);
            continue;
        }
        let ends = second.is_none() || (second, third) == (Some(b'\r'), Some(b'\n'));
        let plain = match first {
            b' ' | b'\t' => !ends,
            b'=' => false,
            b => b.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 };
        if column + width > LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += width;
        match plain {
            true => out.push(first),
            false => out.extend(hex(first)),
        }
        next = [second, third, octets.next()];
    }
    out
}

fn hex(byte: u8) -> [u8; 3] {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    [b'=', digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &[u8]) -> Vec<u8> {
        let raw = [b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", body].concat();
        let mail = mail_parser::MessageParser::default().parse(&raw).expect("a mail");
        mail.part(0).expect("a part").decoded().into_owned()
    }

    /// B1, B10, D9: an independent decoder gets back what went in.
    #[test]
    fn quoted_text_comes_back() {
        for body in [
            &b"a b \r\n\tx\t\r\n=\r\n"[..],
            b"end ",
            "ä".repeat(500).as_bytes(),
            &[b'x'; 5_000],
            b".\r\n..\r\nFrom x",
            b"a\rb",
        ] {
            let out = quoted(&[body]);
            let (start, end) = body.split_at(body.len() / 2);
            assert_eq!(quoted(&[start, b"", end]), out);
            assert!(out.is_ascii() && out.split(|b| *b == b'\n').all(|l| l.len() <= LINE + 1));
            assert_eq!(decoded(&out), body);
        }
    }

    /// B10: a soft break or an escape is never cut in two.
    #[test]
    fn quoted_text_is_wrapped_anew() {
        let long = format!("{}=C3=A4{}=\r\nnext", "x".repeat(73), "=C3=A4 ".repeat(400));
        let out = requoted(long.as_bytes());
        assert!(out.split(|b| *b == b'\n').all(|l| l.len() <= LINE + 1));
        assert_eq!(decoded(&out), decoded(long.as_bytes()));
        assert_eq!(wrapped(&[b'A'; 200]).split(|b| *b == b'\n').count(), 3);
    }
}
