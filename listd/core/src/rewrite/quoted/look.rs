//! What looks like a token of ours in a text, also where a program has escaped what stands around it: percent-encoded in
//! `mailto:` and behind the links of scanners, or as HTML writes a character.

use std::collections::BTreeSet;

use memchr::{memchr_iter, memchr3_iter};

use super::Quoted;
use crate::token::LONGEST_LINK;

/// Most that are looked at in a mail.
const MOST: usize = 64;
/// Characters of a token in an address: the shortest and the longest that we make.
const IN_ADDRESS: std::ops::RangeInclusive<usize> = 18..=44;
/// The same in a link.
const IN_LINK: std::ops::RangeInclusive<usize> = 18..=LONGEST_LINK;

/// How one character comes; without case.
type Forms = [&'static [u8]; 5];
const PLUS: Forms = [b"+", b"%2B", b"%252B", b"&#43;", b"&#x2B;"];
const SLASH: Forms = [b"/", b"%2F", b"%252F", b"&#47;", b"&#x2F;"];
const AT: Forms = [b"@", b"%40", b"%2540", b"&#64;", b"&#x40;"];

pub(super) fn look(text: &[u8], found: &mut BTreeSet<Quoted>) {
    for at in memchr3_iter(b'/', b'+', b'%', text).chain(memchr_iter(b'&', text)) {
        if found.len() >= MOST {
            return;
        }
        let Some((before, rest)) = text.split_at_checked(at) else { continue };
        found.extend(link(rest).or_else(|| address(before, rest)));
    }
}

/// What stands behind a character, in whatever form that comes.
fn behind<'t>(text: &'t [u8], forms: &Forms) -> Option<&'t [u8]> {
    let one = |form: &&[u8]| {
        let (start, rest) = text.split_at_checked(form.len())?;
        start.eq_ignore_ascii_case(form).then_some(rest)
    };
    forms.iter().find_map(one)
}

/// `/u/TOKEN`.
fn link(text: &[u8]) -> Option<Quoted> {
    let (page, rest) = behind(text, &SLASH)?.split_first()?;
    let rest = behind(rest, &SLASH).filter(|_| b"uoq".contains(page))?;
    token(rest, IN_LINK).map(Quoted::Link)
}

/// `LIST-bounces+TOKEN@DOMAIN`, `b+TOKEN@DOMAIN`.
fn address(before: &[u8], rest: &[u8]) -> Option<Quoted> {
    let rest = behind(rest, &PLUS)?;
    let token = token(rest, IN_ADDRESS)?;
    let domain = behind(rest.get(token.len()..)?, &AT)?;
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
fn token(text: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let in_it = |b: &&u8| b.is_ascii_alphabetic() || (b'2'..=b'7').contains(*b);
    let token: Vec<u8> = text.iter().take(lengths.end() + 1).take_while(in_it).copied().collect();
    lengths.contains(&token.len()).then(|| String::from_utf8_lossy(&token).into_owned())
}
