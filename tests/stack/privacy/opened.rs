//! A digest is several mails in one: what of it is judged as a copy of its own, and what as the words around them.

use std::borrow::Cow;

use super::LOOKED_AT;
use crate::mail;

const START: &[u8] = b"Content-Type: multipart/digest; boundary=\"";

/// What is judged by itself.
pub struct Piece<'a> {
    pub mail: Cow<'a, [u8]>,
    /// Message-IDs, in lower case, of the mails whose words it may show.
    pub of: Vec<String>,
}

/// A mail as it is; a digest as each mail in it, and the words around them, which may show what any of these does.
pub fn opened(mail: &[u8]) -> Vec<Piece<'_>> {
    let id = |mail: &[u8]| mail::header(mail, "Message-ID").to_lowercase();
    let outer = id(mail);
    let Some((inside, around)) = digest(mail) else {
        return vec![Piece { mail: mail.into(), of: vec![outer] }];
    };
    let all = inside.iter().map(|one| id(one)).chain([outer.clone()]).collect();
    let each =
        inside.into_iter().map(|one| Piece { mail: one.into(), of: vec![id(one), outer.clone()] });
    each.chain([Piece { mail: around.into(), of: all }]).collect()
}

/// The mails of a `multipart/digest` (RFC 2046 5.1.5), and what is around them.
fn digest(mail: &[u8]) -> Option<(Vec<&[u8]>, Vec<u8>)> {
    let start = find(mail.get(..LOOKED_AT).unwrap_or(mail), START)?;
    let name = mail.get(start + START.len()..)?;
    let name = name.get(..find(name, b"\"")?)?;
    let line = [b"\r\n--".as_slice(), name].concat();
    let (mut inside, mut around) = (Vec::new(), Vec::new());
    let mut rest = mail;
    while let Some(at) = find(rest, &line) {
        let (before, after) = rest.split_at(at);
        // The first is what stands before all of them, with the digest's own header.
        if around.is_empty() {
            around.extend_from_slice(before);
        } else {
            // Behind the header of the part.
            inside.push(mail::split(before).1);
        }
        rest = after.get(line.len()..)?;
    }
    around.extend_from_slice(rest);
    (!inside.is_empty()).then_some((inside, around))
}

fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets.windows(what.len()).position(|window| window == what)
}
