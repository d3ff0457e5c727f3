//! Does a signature of the author's still verify in a copy (RFC 6376 3.4, 3.7, 5.4.2; rule F2 `broken`)?
//!
//! No key is asked: the signature passed when the mail came, so it passes in the copy if what is hashed is the same.
//! For the header that is compared; for the body the hash stands in the signature (`bh=`).

use crate::message::fields::{self, Field};
use crate::message::signature::{Signature, canonical_field};
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
    let fields = before.named("DKIM-Signature");
    let signatures =
        fields.filter_map(|field| Some((field, Signature::read(field.value(before.head))?)));
    let mut meant = signatures.filter(|(_, known)| names.contains(&SignatureName::new(&known.b)));
    meant.any(|(field, signature)| {
        header_survives(&signature, field, &before, &after)
            && match body {
                BodyOf::Original | BodyOf::Changed { body: None, .. } => true,
                BodyOf::Changed { body: Some(body), .. } => signature.has_body(body),
            }
    })
}

/// True where all that the signature covers of the header, and its own field, are in the copy as they were.
fn header_survives(
    signature: &Signature,
    field: &Field,
    before: &Block<'_>,
    after: &Block<'_>,
) -> bool {
    let form =
        |block: &Block<'_>, field| canonical_field(block.head, field, signature.relaxed_head);
    let own = form(before, field);
    after.named("DKIM-Signature").any(|field| form(after, field) == own)
        && before.signed(signature) == after.signed(signature)
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

    /// The canonical forms of the fields that `h=` names; an empty one where there is no such field any more.
    fn signed(&self, signature: &Signature) -> Vec<Vec<u8>> {
        let is = |field: &Option<Field>, name: &str| match field {
            Some(field) => field.is(self.head, name),
            None => name == "dkim-signature" || name.starts_with("arc-"),
        };
        let form = |field: Option<&Option<Field>>| match field {
            Some(Some(field)) => canonical_field(self.head, field, signature.relaxed_head),
            Some(None) => b"ours".to_vec(),
            None => Vec::new(),
        };
        signature.chosen(&self.fields, is).into_iter().map(form).collect()
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
