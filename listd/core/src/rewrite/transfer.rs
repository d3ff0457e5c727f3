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
        Encoding::Identity | Encoding::Other => fitting(kind, body),
    }
}

/// Whichever of the two is shorter, about.
pub(super) fn fitting(kind: &str, body: &[u8]) -> (&'static str, Vec<u8>) {
    let strange = body.iter().filter(|b| !b.is_ascii() || **b == b'=').count();
    let text = kind.starts_with("text/") || kind.starts_with("message/");
    if strange > body.len() / if text { 3 } else { 6 } {
        return ("base64", based(body));
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
            let unit = if first.is_ascii() { piece.to_vec() } else { hex(*first) };
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

/// Any octets as quoted-printable; CRLF are line ends, a CR or LF alone is content.
pub(super) fn quoted(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 8);
    let mut column = 0;
    let mut rest = body;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\r\n") {
            out.extend_from_slice(b"\r\n");
            (column, rest) = (0, after);
            continue;
        }
        let ends = tail.is_empty() || tail.starts_with(b"\r\n");
        let plain = match first {
            b' ' | b'\t' => !ends,
            b'=' => false,
            b => b.is_ascii_graphic(),
        };
        let unit = if plain { vec![*first] } else { hex(*first) };
        if column + unit.len() > LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += unit.len();
        out.extend(unit);
        rest = tail;
    }
    out
}

fn hex(byte: u8) -> Vec<u8> {
    format!("={byte:02X}").into_bytes()
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
            let out = quoted(body);
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
