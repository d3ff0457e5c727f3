//! What a signature over header and body says of itself (RFC 6376 3.5): a DKIM-Signature, or an
//! ARC-Message-Signature (RFC 8617 4.1.2).
//!
//! How it is checked, not whether it holds: that takes a key (`dkim::published`), or what is known of the mail before (`rewrite`).

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;

use super::tags::Tags;
use super::{Field, canonical};

/// More names in `h=` than anybody signs: such a signature is taken for broken (promise 10).
const MAX_NAMES: usize = 200;

/// What of a signature says how to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `b=`, base64 without white space.
    pub b: String,
    /// `c=`: header and body; the default is simple.
    pub relaxed_head: bool,
    pub relaxed_body: bool,
    /// `h=`, lower-case.
    pub names: Vec<String>,
    /// `l=`, octets of the canonical body.
    pub length: Option<u64>,
    /// `bh=`
    pub hash: Vec<u8>,
}

impl Signature {
    /// `None` where a tag is missing that it needs, or can't be read.
    pub fn read(value: &[u8]) -> Option<Signature> {
        let tags = Tags::read(value)?;
        let (relaxed_head, relaxed_body) = match tags.packed("c") {
            Some(form) => forms(&form)?,
            None => (false, false),
        };
        let names: Vec<String> =
            tags.packed("h")?.split(':').map(str::to_ascii_lowercase).collect();
        let length = match tags.get("l") {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        Some(Signature {
            b: tags.packed("b")?,
            relaxed_head,
            relaxed_body,
            names: (names.len() <= MAX_NAMES).then_some(names)?,
            length,
            hash: BASE64.decode(tags.packed("bh")?.as_bytes()).ok()?,
        })
    }

    /// True where `bh=` is the hash of this body. With SHA-256, as all signatures that can pass (RFC 8301 3.1, RFC 8463 3).
    pub fn has_body(&self, body: &[u8]) -> bool {
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

    /// Which field each name of `h=` means: those of one name from the bottom up; `None` where there are no more
    /// (RFC 6376 5.4.2). `is(field, name)` tells whether a field has that name.
    pub fn chosen<'a, T>(
        &self,
        fields: &'a [T],
        is: impl Fn(&T, &str) -> bool,
    ) -> Vec<Option<&'a T>> {
        let mut chosen = Vec::with_capacity(self.names.len());
        for (at, name) in self.names.iter().enumerate() {
            let before = self.names.iter().take(at).filter(|n| *n == name).count();
            chosen.push(fields.iter().rev().filter(|field| is(field, name)).nth(before));
        }
        chosen
    }
}

/// `c=` (RFC 6376 3.5): for the body, simple is meant where nothing is said.
fn forms(text: &str) -> Option<(bool, bool)> {
    let relaxed = |word: &str| match word {
        "relaxed" => Some(true),
        "simple" => Some(false),
        _ => None,
    };
    match text.split_once('/') {
        Some((head, body)) => Some((relaxed(head)?, relaxed(body)?)),
        None => Some((relaxed(text)?, false)),
    }
}

/// A field in its canonical form, line end included.
pub fn canonical_field(head: &[u8], field: &Field, relaxed: bool) -> Vec<u8> {
    match relaxed {
        true => canonical::relaxed(field.name(head), field.value(head)),
        false => head.get(field.whole.clone()).unwrap_or_default().to_vec(),
    }
}
