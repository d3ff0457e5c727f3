//! Bodies that can't go out as they are: lines over 998 octets, eight bits to a relay that takes seven.
//!
//! Only the leaf parts in question are encoded anew, with their Content-Transfer-Encoding; what they decode to stays
//! the same, and no other byte changes. Inside a signed or encrypted part nothing changes ever (promise 9).

use crate::message::fields::{Field, fields, split};
use crate::message::lines::MAX_LINE;
use crate::message::parts::{MAX_DEPTH, Piece, pieces};
use crate::message::{Mail, lines, params};
use crate::rewrite::{Unsendable, eight_bit, encode, transfer};

/// Encodes the parts with lines over 998 octets (rules D9, X3). `None`: nothing had to change.
pub fn wrap_lines(raw: &[u8]) -> Result<Option<Vec<u8>>, Unsendable> {
    change(raw, Goal::Lines)
}

/// Encodes the parts with octets above 127, for a relay without 8BITMIME (rule U4), and those with long lines.
/// Looks at the body only: [`copy_head`](crate::rewrite::copy_head) makes the top header ASCII.
pub fn to_seven_bit(raw: &[u8]) -> Result<Option<Vec<u8>>, Unsendable> {
    change(raw, Goal::SevenBit)
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Goal {
    Lines,
    SevenBit,
}

impl Goal {
    /// True where these bytes can't stay.
    fn needs(self, bytes: &[u8]) -> bool {
        let found = lines(bytes);
        found.longest > MAX_LINE || (self == Goal::SevenBit && found.eight_bit)
    }
}

fn change(raw: &[u8], goal: Goal) -> Result<Option<Vec<u8>>, Unsendable> {
    if !goal.needs(raw.get(split(raw)..).unwrap_or_default()) {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 8);
    entity(raw, goal, 0, &mut out)?;
    // A delimiter line is the one thing that can't be changed by itself.
    if goal.needs(out.get(split(&out)..).unwrap_or_default()) {
        return Err(Unsendable::BadStructure);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    Ok(Some(out))
}

/// A header with its body. `depth` 0 is the mail itself.
fn entity(raw: &[u8], goal: Goal, depth: usize, out: &mut Vec<u8>) -> Result<(), Unsendable> {
    let (head, body) = raw.split_at(split(raw).min(raw.len()));
    if !goal.needs(body) && (depth == 0 || !goal.needs(head)) {
        out.extend_from_slice(raw);
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Err(Unsendable::BadStructure);
    }
    let fields = fields(head);
    let value = |name: &str| fields.iter().find(|f| f.is(head, name)).map(|f| f.value(head));
    let (kind, params) = params::content_type(value("Content-Type"));
    let encoding =
        value("Content-Transfer-Encoding").unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let plain = !matches!(encoding.as_slice(), b"base64" | b"quoted-printable");
    if is_sealed(&kind) {
        return Err(match goal {
            Goal::SevenBit if lines(raw).longest <= MAX_LINE => Unsendable::EightBitSigned,
            _ => Unsendable::LongLineSigned,
        });
    }
    // What a container says of its insides must become true with them.
    let container = (goal == Goal::SevenBit && matches!(encoding.as_slice(), b"8bit" | b"binary"))
        .then_some("7bit");
    if kind.starts_with("multipart/") && plain {
        write_head(head, &fields, container, goal, depth, out);
        return multipart(
            body,
            params::param(&params, "boundary").unwrap_or_default(),
            goal,
            depth,
            out,
        );
    }
    if matches!(kind.as_str(), "message/rfc822" | "message/global") && plain {
        write_head(head, &fields, container, goal, depth, out);
        return entity(body, goal, depth + 1, out);
    }
    let (encoding, encoded) = match goal.needs(body) {
        false => (None, body.to_vec()),
        true => {
            let (name, encoded) = transfer::encode(&encoding, &kind, body);
            (Some(name), encoded)
        }
    };
    write_head(head, &fields, encoding, goal, depth, out);
    out.extend(encoded);
    Ok(())
}

/// Parts whose bytes somebody has signed or encrypted.
fn is_sealed(kind: &str) -> bool {
    let sealed = [
        "multipart/signed",
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
    ];
    sealed.contains(&kind)
}

fn multipart(
    body: &[u8],
    boundary: &str,
    goal: Goal,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Unsendable> {
    let found = if boundary.is_empty() {
        vec![Piece::Filler(0..body.len())]
    } else {
        pieces(body, boundary)
    };
    for piece in found {
        match piece {
            Piece::Delimiter(range) => out.extend_from_slice(body.get(range).unwrap_or_default()),
            Piece::Filler(range) => filler(body.get(range).unwrap_or_default(), goal, out),
            Piece::Part(range) => {
                entity(body.get(range).unwrap_or_default(), goal, depth + 1, out)?
            }
        }
    }
    Ok(())
}

/// Text that no mail program shows: long lines are broken, other octets become `?`.
fn filler(text: &[u8], goal: Goal, out: &mut Vec<u8>) {
    if !goal.needs(text) {
        return out.extend_from_slice(text);
    }
    for line in text.split_inclusive(|b| *b == b'\n') {
        let mut rest = line;
        while rest.len() > MAX_LINE {
            let (start, tail) = rest.split_at(MAX_LINE - 100);
            out.extend(start.iter().map(|b| seven(*b, goal)));
            out.extend_from_slice(b"\r\n");
            rest = tail;
        }
        out.extend(rest.iter().map(|b| seven(*b, goal)));
    }
}

fn seven(byte: u8, goal: Goal) -> u8 {
    if goal == Goal::SevenBit && !byte.is_ascii() { b'?' } else { byte }
}

/// A header as it was, but for the transfer encoding, where that changes; in parts also for what can't stay.
fn write_head(
    head: &[u8],
    fields: &[Field],
    encoding: Option<&str>,
    goal: Goal,
    depth: usize,
    out: &mut Vec<u8>,
) {
    let mail = (depth > 0 && goal.needs(head))
        .then(|| Mail::parse_within(head, head.len()).ok())
        .flatten();
    let mut written = encoding.is_none();
    let write = |out: &mut Vec<u8>, encoding: &str| {
        out.extend_from_slice(format!("Content-Transfer-Encoding: {encoding}\r\n").as_bytes());
    };
    let mut end = 0;
    for field in fields {
        let whole = head.get(field.whole.clone()).unwrap_or_default();
        end = field.whole.end;
        match encoding {
            Some(encoding) if field.is(head, "Content-Transfer-Encoding") => {
                if !written {
                    write(out, encoding);
                }
                written = true;
            }
            _ => match &mail {
                Some(mail) => kept(mail, field, whole, goal, out),
                None => out.extend_from_slice(whole),
            },
        }
    }
    if let (false, Some(encoding)) = (written, encoding) {
        let versioned = depth > 0 || fields.iter().any(|f| f.is(head, "MIME-Version"));
        if !versioned {
            out.extend_from_slice(b"MIME-Version: 1.0\r\n");
        }
        write(out, encoding);
    }
    let rest = head.get(end..).unwrap_or_default();
    out.extend_from_slice(if rest.is_empty() { b"\r\n" } else { rest });
}

/// A field of a part or of an enclosed mail.
fn kept(mail: &Mail, field: &Field, whole: &[u8], goal: Goal, out: &mut Vec<u8>) {
    if !goal.needs(whole) {
        out.extend_from_slice(whole);
    } else if goal == Goal::SevenBit && !whole.is_ascii() && field.valid {
        eight_bit::convert(mail, field, false, out);
    } else {
        let safe: Vec<u8> = whole.iter().map(|b| seven(*b, goal)).collect();
        encode::fold_raw(&safe, out);
    }
}

#[cfg(test)]
mod tests;
