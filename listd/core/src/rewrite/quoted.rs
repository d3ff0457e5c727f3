//! Tokens of ours in what somebody quotes or forwards: whoever sends the header of her copy, or a letter of ours, to the
//! list would hand out her own links to everybody.
//!
//! Finds what looks like one, and makes useless what the caller knows to be one: each character becomes a dot, so that
//! no other octet moves. Signed and encrypted parts stay (promise 9). Not whether a token is valid
//! ([`token`](crate::token)). Relay addresses of hidden authors are for everybody, and stay.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memchr::memmem;

use crate::message::{Encoding, Part, Shape, Tree};
use crate::rewrite::edit::{Done, Edit, What};
use crate::rewrite::transfer;

mod look;

use look::look;

/// What looks like a token of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quoted {
    /// Behind `/u/`, `/o/` or `/q/`.
    Link(String),
    /// In an address: the token, and the address with it.
    Address(String, String),
}

impl Quoted {
    pub fn token(&self) -> &str {
        match self {
            Quoted::Link(token) | Quoted::Address(token, _) => token,
        }
    }
}

/// What looks like a token, in the header and the texts of a mail; and in its signed parts, which can't change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub open: BTreeSet<Quoted>,
    pub sealed: BTreeSet<Quoted>,
}

/// Looks through all texts, the header (whoever answers a letter of ours to the list too names its address there), and
/// the headers of mails in the mail.
pub fn find(raw: &[u8], tree: &Tree) -> Found {
    let mut found = Found::default();
    for part in &tree.parts {
        // A header is sealed where it is that of a mail in a sealed part.
        let sealed = part.sealed.is_some() && part.parent.is_some();
        if part.parent.is_none() || is_header_of_mail(tree, part) {
            look(part.head(raw), if sealed { &mut found.sealed } else { &mut found.open });
        }
        if is_text(part) {
            let into = if part.sealed.is_some() { &mut found.sealed } else { &mut found.open };
            let content = part.content(raw);
            look(&content, into);
            if is_wide(part) {
                look(&narrowed(&content), into);
                look(&narrowed(content.get(1..).unwrap_or_default()), into);
            }
        }
    }
    found
}

/// The edits that make these tokens useless wherever they may change, but in the mail's own header.
pub(super) fn edits(raw: &[u8], tree: &Tree, tokens: &[String]) -> Vec<Edit> {
    if tokens.is_empty() {
        return Vec::new();
    }
    let plain: Vec<Vec<u8>> = tokens.iter().map(|token| token.as_bytes().to_vec()).collect();
    let mut edits = Vec::new();
    for part in tree.parts.iter().filter(|part| part.sealed.is_none()) {
        if is_header_of_mail(tree, part) {
            in_place(raw, &part.section, part.head.clone(), Encoding::Identity, &plain, &mut edits);
        }
        if !is_text(part) {
            continue;
        }
        // What says that it is UTF-16 need not be.
        let wide = plain.iter().filter(|_| is_wide(part)).map(|token| widened(token));
        let tokens: &Vec<Vec<u8>> = &plain.iter().cloned().chain(wide).collect();
        match part.encoding {
            Encoding::Base64 => edits.extend(anew(raw, part, tokens)),
            encoding => {
                in_place(raw, &part.section, part.body.clone(), encoding, tokens, &mut edits);
            }
        }
    }
    edits
}

/// A field of the mail's own header without these tokens. Two dots in a row are no address, so here it is a
/// digit that no token has.
pub(super) fn in_field<'f>(field: &'f [u8], tokens: &[String]) -> Cow<'f, [u8]> {
    let mut field = Cow::Borrowed(field);
    for token in tokens {
        let places: Vec<usize> = memmem::find_iter(&field, token.as_bytes()).collect();
        for at in places {
            if let Some(place) = field.to_mut().get_mut(at..at + token.len()) {
                place.fill(b'0');
            }
        }
    }
    field
}

/// A mail inside the mail: its header is a text like any other.
fn is_header_of_mail(tree: &Tree, part: &Part) -> bool {
    let parent = part.parent.and_then(|index| tree.parts.get(index));
    parent.is_some_and(|parent| parent.shape == Shape::Message)
}

fn is_text(part: &Part) -> bool {
    part.is_leaf() && (part.kind.starts_with("text/") || part.kind.starts_with("message/"))
}

/// Two octets for each character (RFC 2781).
fn is_wide(part: &Part) -> bool {
    let charset = part.param("charset").unwrap_or_default();
    charset.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("utf-16"))
}

/// The ASCII of UTF-16 whose low octets come first; one octet further on, of that whose high ones do.
fn narrowed(content: &[u8]) -> Vec<u8> {
    let one = |pair: &[u8]| match pair {
        [octet, 0] | [octet] => *octet,
        _ => 0,
    };
    content.chunks(2).map(one).collect()
}

/// A token as it stands in UTF-16, in either order of octets: what is at its ends does not matter.
fn widened(token: &[u8]) -> Vec<u8> {
    let mut wide: Vec<u8> = token.iter().flat_map(|octet| [*octet, 0]).collect();
    wide.pop();
    wide
}

/// Dots for the characters of each token, which may be escaped or broken where the text is quoted-printable.
fn in_place(
    raw: &[u8],
    section: &str,
    range: std::ops::Range<usize>,
    encoding: Encoding,
    tokens: &[Vec<u8>],
    edits: &mut Vec<Edit>,
) {
    let text = raw.get(range.clone()).unwrap_or_default();
    let mut at = 0;
    while at < text.len() {
        let here = text.get(at..).unwrap_or_default();
        let hit = tokens.iter().find_map(|token| match encoding {
            Encoding::QuotedPrintable => read_quoted(here, token),
            _ => here.starts_with(token).then(|| (token.len(), dotted(token))),
        });
        let Some((len, new)) = hit else {
            at += 1;
            continue;
        };
        let old = range.start + at..range.start + at + len;
        edits.push(Edit { old, new, what: What::part(section, Done::Veiled) });
        at += len;
    }
}

/// Dots for its characters; what else UTF-16 is made of stays.
fn dotted(token: &[u8]) -> Vec<u8> {
    token.iter().map(|octet| if *octet == 0 { 0 } else { b'.' }).collect()
}

/// How many octets of quoted-printable are this token, and what stands there without it; soft line breaks stay.
fn read_quoted(text: &[u8], token: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (mut at, mut new) = (0, Vec::new());
    for (number, wanted) in token.iter().enumerate() {
        while let Some(soft) = soft_break(text.get(at..)?).filter(|_| number > 0) {
            new.extend_from_slice(text.get(at..at + soft)?);
            at += soft;
        }
        let (found, len) = octet(text.get(at..)?)?;
        if found != *wanted {
            return None;
        }
        match wanted {
            0 => new.extend_from_slice(text.get(at..at + len)?),
            _ => new.push(b'.'),
        }
        at += len;
    }
    Some((at, new))
}

fn soft_break(text: &[u8]) -> Option<usize> {
    [b"=\r\n".as_slice(), b"=\n"].into_iter().find(|s| text.starts_with(s)).map(<[u8]>::len)
}

fn octet(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'=', high, low, ..] => {
            let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            Some((digit(high)? * 16 + digit(low)?, 3))
        }
        [first, ..] => Some((*first, 1)),
        [] => None,
    }
}

/// base64 can't be changed in place; where its lines are the usual ones the others stay what they were.
fn anew(raw: &[u8], part: &Part, tokens: &[Vec<u8>]) -> Option<Edit> {
    let mut content = part.content(raw).into_owned();
    let mut changed = false;
    for token in tokens {
        let places: Vec<usize> = memmem::find_iter(&content, token).collect();
        for at in places {
            if let Some(place) = content.get_mut(at..at + token.len()) {
                place.copy_from_slice(&dotted(token));
                changed = true;
            }
        }
    }
    let body = part.body(raw);
    let mut new = transfer::based(&content);
    if body.ends_with(b"\n") {
        new.extend_from_slice(b"\r\n");
    }
    changed.then(|| Edit {
        old: part.body.clone(),
        new,
        what: What::part(&part.section, Done::Veiled),
    })
}

#[cfg(test)]
mod tests;
