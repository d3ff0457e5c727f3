//! Tokens of ours in what somebody quotes or forwards: whoever sends the header of her copy, or a letter of ours, to the
//! list would hand out her own links to everybody.
//!
//! Finds what looks like one, and makes useless what the caller knows to be one: each character becomes a dot, so that
//! no other octet moves. Signed and encrypted parts stay (promise 9). Not whether a token is valid
//! ([`token`](crate::token)). Relay addresses of hidden authors are for everybody, and stay.

use std::collections::BTreeSet;

use memchr::{memchr2_iter, memmem};

use crate::message::{Encoding, Part, Shape, Tree};
use crate::rewrite::edit::{Done, Edit, What};
use crate::rewrite::transfer;

/// Most that are looked at in a mail.
const MOST: usize = 64;
/// Characters of a token: the shortest and the longest that we make.
const LENGTHS: std::ops::RangeInclusive<usize> = 18..=44;

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

/// What looks like a token, in the texts of a mail; and in those of its signed parts, which can't change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub open: BTreeSet<Quoted>,
    pub sealed: BTreeSet<Quoted>,
}

/// Looks through all texts, and the headers of mails in the mail.
pub fn find(raw: &[u8], tree: &Tree) -> Found {
    let mut found = Found::default();
    for part in &tree.parts {
        let into = if part.sealed.is_some() { &mut found.sealed } else { &mut found.open };
        if is_header_of_mail(tree, part) {
            look(part.head(raw), into);
        }
        if is_text(part) {
            look(&part.content(raw), into);
        }
    }
    found
}

/// The edits that make these tokens useless wherever they may change.
pub(super) fn edits(raw: &[u8], tree: &Tree, tokens: &[String]) -> Vec<Edit> {
    if tokens.is_empty() {
        return Vec::new();
    }
    let mut edits = Vec::new();
    for part in tree.parts.iter().filter(|part| part.sealed.is_none()) {
        if is_header_of_mail(tree, part) {
            in_place(raw, &part.section, part.head.clone(), Encoding::Identity, tokens, &mut edits);
        }
        if !is_text(part) {
            continue;
        }
        match part.encoding {
            Encoding::Base64 => edits.extend(anew(raw, part, tokens)),
            encoding => {
                in_place(raw, &part.section, part.body.clone(), encoding, tokens, &mut edits);
            }
        }
    }
    edits
}

/// A mail inside the mail: its header is a text like any other.
fn is_header_of_mail(tree: &Tree, part: &Part) -> bool {
    let parent = part.parent.and_then(|index| tree.parts.get(index));
    parent.is_some_and(|parent| parent.shape == Shape::Message)
}

fn is_text(part: &Part) -> bool {
    part.is_leaf() && (part.kind.starts_with("text/") || part.kind.starts_with("message/"))
}

fn look(text: &[u8], found: &mut BTreeSet<Quoted>) {
    for at in memchr2_iter(b'/', b'+', text) {
        if found.len() >= MOST {
            return;
        }
        found.extend(match text.get(at) {
            Some(b'/') => link(text, at),
            _ => address(text, at),
        });
    }
}

/// `/u/TOKEN`.
fn link(text: &[u8], at: usize) -> Option<Quoted> {
    let path = text.get(at + 1..at + 3)?;
    if ![b"u/", b"o/", b"q/"].iter().any(|known| path == *known) {
        return None;
    }
    token(text.get(at + 3..)?).map(Quoted::Link)
}

/// `LIST-bounces+TOKEN@DOMAIN`, `b+TOKEN@DOMAIN`.
fn address(text: &[u8], at: usize) -> Option<Quoted> {
    let token = token(text.get(at + 1..)?)?;
    let (before, behind) = (text.get(..at)?, text.get(at + 1 + token.len()..)?);
    let domain = behind.strip_prefix(b"@")?;
    let is_domain = |b: &&u8| b.is_ascii_alphanumeric() || b".-".contains(b);
    let domain: Vec<u8> = domain.iter().take(253).take_while(is_domain).copied().collect();
    let is_local = |b: &&u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
    let mut local: Vec<u8> = before.iter().rev().take(64).take_while(is_local).copied().collect();
    local.reverse();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let domain = text(&domain);
    let address = format!("{}+{token}@{}", text(&local), domain.trim_end_matches(['.', '-']));
    Some(Quoted::Address(token, address))
}

/// Base32, as long as ours are.
fn token(text: &[u8]) -> Option<String> {
    let in_it = |b: &&u8| b.is_ascii_alphabetic() || (b'2'..=b'7').contains(*b);
    let token: Vec<u8> = text.iter().take(LENGTHS.end() + 1).take_while(in_it).copied().collect();
    LENGTHS.contains(&token.len()).then(|| String::from_utf8_lossy(&token).into_owned())
}

/// Dots for the characters of each token, which may be escaped or broken where the text is quoted-printable.
fn in_place(
    raw: &[u8],
    section: &str,
    range: std::ops::Range<usize>,
    encoding: Encoding,
    tokens: &[String],
    edits: &mut Vec<Edit>,
) {
    let text = raw.get(range.clone()).unwrap_or_default();
    let mut at = 0;
    while at < text.len() {
        let here = text.get(at..).unwrap_or_default();
        let hit = tokens.iter().find_map(|token| match encoding {
            Encoding::QuotedPrintable => read_quoted(here, token.as_bytes()),
            _ => here.starts_with(token.as_bytes()).then(|| (token.len(), dots(token.len()))),
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

fn dots(len: usize) -> Vec<u8> {
    vec![b'.'; len]
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
        new.push(b'.');
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
fn anew(raw: &[u8], part: &Part, tokens: &[String]) -> Option<Edit> {
    let mut content = part.content(raw).into_owned();
    let mut changed = false;
    for token in tokens {
        let places: Vec<usize> = memmem::find_iter(&content, token.as_bytes()).collect();
        for at in places {
            if let Some(place) = content.get_mut(at..at + token.len()) {
                place.fill(b'.');
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
