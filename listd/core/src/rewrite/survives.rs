//! Does a signature of the author's still verify in a copy (RFC 6376 3.4, 3.7, 5.4.2; rule F2 `broken`)?
//!
//! No key is asked: the signature passed when the mail came, so it passes in the copy if what is hashed is the same.
//! For the header that is compared; for the body the hash stands in the signature (`bh=`).

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;

use crate::message::canonical;
use crate::message::fields::{self, Field};
use crate::rewrite::from::SignatureName;

/// What becomes of the body in a copy.
#[derive(Copy, Clone, Debug)]
pub enum BodyOf<'a> {
    /// It stays byte for byte.
    Original,
    /// The header was this when the mail came, and the body is sent as that; `None` where it stays.
    Changed { head: &'a [u8], body: Option<&'a [u8]> },
}

/// True where one of `names` verifies in the copy. `before` is the header block that is rewritten, `after` that of the
/// copy without our own signatures.
pub(super) fn any(names: &[SignatureName], before: &[u8], after: &[u8], body: BodyOf<'_>) -> bool {
    let before = match body {
        BodyOf::Original => before,
        BodyOf::Changed { head, .. } => head,
    };
    let (before, mut after) = (Block::read(before), Block::read(after));
    // Ours come on top, which a signature can forbid.
    after.fields.insert(0, None);
    let signatures =
        before.named("DKIM-Signature").filter_map(|field| Signature::read(&before, field));
    let mut meant = signatures.filter(|signature| names.contains(&signature.name));
    meant.any(|signature| {
        signature.header_survives(&before, &after)
            && match body {
                BodyOf::Original | BodyOf::Changed { body: None, .. } => true,
                BodyOf::Changed { body: Some(body), .. } => signature.body_survives(body),
            }
    })
}

/// A header block; `None` stands for what goes on top of a copy: our DKIM-Signature, and an ARC set where the list seals.
struct Block<'a> {
    head: &'a [u8],
    fields: Vec<Option<Field>>,
}

impl<'a> Block<'a> {
    fn read(head: &'a [u8]) -> Block<'a> {
        Block { head, fields: fields::fields(head).into_iter().map(Some).collect() }
    }

    fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Field> {
        self.fields.iter().flatten().filter(move |field| field.is(self.head, name))
    }

    /// The canonical forms of the fields that `h=` names, from the bottom up (RFC 6376 5.4.2); an empty one where
    /// there is no such field any more.
    fn signed(&self, names: &[String], relaxed: bool) -> Vec<Vec<u8>> {
        let mut used: Vec<(&str, usize)> = Vec::new();
        let form = |name: &str, count: usize| {
            let is = |field: &&Option<Field>| match field {
                Some(field) => field.is(self.head, name),
                None => name == "dkim-signature" || name.starts_with("arc-"),
            };
            match self.fields.iter().rev().filter(is).nth(count) {
                Some(Some(field)) => canonical_field(self.head, field, relaxed),
                Some(None) => b"ours".to_vec(),
                None => Vec::new(),
            }
        };
        let mut out = Vec::new();
        for name in names {
            let count = used.iter().filter(|(n, _)| n == name).count();
            used.push((name, count));
            out.push(form(name, count));
        }
        out
    }
}

/// What of a signature says how to check it.
struct Signature {
    name: SignatureName,
    /// The field itself in its canonical form.
    own: Vec<u8>,
    relaxed_head: bool,
    relaxed_body: bool,
    /// `h=`, lower-case.
    names: Vec<String>,
    /// `l=`, octets of the canonical body.
    length: Option<u64>,
    /// `bh=`
    hash: Vec<u8>,
}

/// More names in `h=` than anybody signs: such a signature is taken for broken (promise 10).
const MAX_NAMES: usize = 200;

impl Signature {
    fn read(block: &Block<'_>, field: &Field) -> Option<Signature> {
        let value = String::from_utf8(fields::unfold(field.value(block.head))).ok()?;
        let tag = |wanted: &str| -> Option<String> {
            let mut tags = value.split(';').filter_map(|tag| tag.split_once('='));
            let (_, text) = tags.find(|(name, _)| name.trim() == wanted)?;
            Some(text.chars().filter(|c| !c.is_ascii_whitespace()).collect())
        };
        let form = tag("c").unwrap_or_default();
        let (head, body) = form.split_once('/').unwrap_or((&form, ""));
        let names: Vec<String> = tag("h")?.split(':').map(str::to_ascii_lowercase).collect();
        let length = match tag("l") {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let relaxed_head = head == "relaxed";
        Some(Signature {
            name: SignatureName::new(&tag("b")?),
            own: canonical_field(block.head, field, relaxed_head),
            relaxed_head,
            relaxed_body: body == "relaxed",
            names: (names.len() <= MAX_NAMES).then_some(names)?,
            length,
            hash: BASE64.decode(tag("bh")?.as_bytes()).ok()?,
        })
    }

    fn header_survives(&self, before: &Block<'_>, after: &Block<'_>) -> bool {
        let own = |field: &Field| canonical_field(after.head, field, self.relaxed_head) == self.own;
        after.named("DKIM-Signature").any(own)
            && before.signed(&self.names, self.relaxed_head)
                == after.signed(&self.names, self.relaxed_head)
    }

    /// All signatures that can pass hash with SHA-256 (RFC 8301 3.1, RFC 8463 3).
    fn body_survives(&self, body: &[u8]) -> bool {
        let mut hash = Context::new(&SHA256);
        let mut left = self.length.unwrap_or(u64::MAX);
        canonical::body(body, self.relaxed_body, &mut |piece| {
            let room = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
            hash.update(piece.get(..room).unwrap_or_default());
            left -= room as u64;
        });
        // A body that became shorter than `l=` fails (RFC 6376 3.5).
        let whole = self.length.is_none() || left == 0;
        whole && hash.finish().as_ref() == self.hash.as_slice()
    }
}

/// A field in its canonical form.
fn canonical_field(head: &[u8], field: &Field, relaxed: bool) -> Vec<u8> {
    match relaxed {
        true => canonical::relaxed(field.name(head), field.value(head)),
        false => head.get(field.whole.clone()).unwrap_or_default().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6376 5.4.2, 8.15: fields from the bottom up; one more than there are forbids another.
    #[test]
    fn headers_that_survive_or_not() {
        let before = "DKIM-Signature: v=1; b=abc; bh=YQ==; h=From:Subject:Subject:To; c=relaxed\r\n\
            Subject: x\r\nFrom: a\r\nX-A: 1\r\n";
        let names = [SignatureName::new("abc")];
        let lives = |before: &str, after: String| {
            any(&names, before.as_bytes(), after.as_bytes(), BodyOf::Original)
        };
        let same = before.to_owned();
        assert!(lives(before, same.clone()));
        assert!(lives(before, format!("Received: x\r\n{same}List-Id: <x>\r\n")));
        assert!(lives(before, same.replace("Subject: x", "SUBJECT:  x ")), "relaxed");
        assert!(lives(before, same.replace("X-A: 1", "X-A: 2")));
        assert!(!lives(before, same.replace("From: a", "From: b")));
        assert!(!lives(before, format!("{same}Subject: y\r\n")));
        assert!(!lives(before, format!("{same}To: y\r\n")));
        assert!(!lives(before, same.replace("Subject: x\r\n", "")));
        assert!(!lives(before, same.replace("v=1", "v=2")), "the signature itself");
        assert!(!lives(before, "From: a\r\nSubject: x\r\n".to_owned()));
        let simple = before.replace("c=relaxed", "c=simple");
        assert!(lives(&simple, simple.clone()));
        assert!(!lives(&simple, simple.replace("Subject: x", "SUBJECT: x")));
        let jealous = before.replace("h=From", "h=DKIM-Signature:DKIM-Signature:From");
        assert!(!lives(&jealous, jealous.clone()), "ours come on top");
        let jealous = before.replace("h=From", "h=ARC-Seal:From");
        assert!(!lives(&jealous, jealous.clone()), "so does a seal");
        assert!(!any(
            &[SignatureName::new("abd")],
            same.as_bytes(),
            same.as_bytes(),
            BodyOf::Original
        ));
        let changed = BodyOf::Changed { head: same.as_bytes(), body: Some(b"x\r\n") };
        assert!(!any(&names, same.as_bytes(), same.as_bytes(), changed));
    }
}
