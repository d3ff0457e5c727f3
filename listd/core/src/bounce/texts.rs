//! Who failed, by the words of a bounce: for the many servers that write no report for machines.
//!
//! Line by line. An address counts by where it stands (alone, behind `RCPT TO:`, in front of a colon, beside words of
//! failure), never by the program that wrote it. Linear in the text.

use super::Class;
use super::MAX_RECIPIENTS;
use super::classify::{class_of, enhanced_in_words, is_known};
use super::phrases::{Phrases, plain};
use super::report::MAX_DIAGNOSTIC;
use super::rules::RULES;
use crate::address::Address;

/// Most lines that are read.
const MAX_LINES: usize = 2_000;

/// Most addresses that are looked at.
const MAX_FOUND: usize = 1_000;

/// Lines behind an address that may say why.
const NEAR_LINES: usize = 14;

/// Octets of them.
const NEAR: usize = 2_000;

/// An address in a line, and what stands before and behind it.
pub(super) struct Found<'l> {
    pub address: Address,
    before: &'l str,
    after: &'l str,
}

/// How sure it is that an address is one that failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    /// It is mentioned.
    Named,
    /// Words of failure stand in its line.
    Beside,
    /// It stands alone, or behind words that say so.
    Marked,
}

/// A recipient that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub address: Address,
    /// The words around it.
    pub near: String,
}

impl Named {
    pub fn status(&self) -> Option<&str> {
        enhanced_in_words(&self.near)
    }

    /// The reply that is quoted, else the words themselves.
    pub fn diagnostic(&self) -> Option<String> {
        diagnostic(&self.near)
    }
}

/// The recipients that failed. `own` are addresses that never count, if there is any other: whom the bounce is from
/// and to.
pub(super) fn recipients(notes: &str, own: &[&Address]) -> Vec<Named> {
    let lines: Vec<&str> = notes.lines().take(MAX_LINES).collect();
    let mut found = found(&lines);
    for own in [own, &[]] {
        let is_own = |address: &Address| own.iter().any(|own| own.same_as(address));
        let best = found.iter().filter(|f| !is_own(&f.address)).map(|f| f.sure).max();
        if let Some(best) = best {
            found.retain(|f| f.sure == best && !is_own(&f.address));
            break;
        }
    }
    let mut out: Vec<Named> = Vec::new();
    for (at, one) in found.iter().enumerate() {
        let next = found.iter().skip(at + 1).find(|next| !next.address.same_as(&one.address));
        let near = near(&lines, one.line, next.map(|next| next.line));
        match out.iter().position(|named| named.address.same_as(&one.address)) {
            Some(known) => {
                let named = out.get_mut(known).filter(|named| named.near.len() < NEAR);
                named.into_iter().for_each(|named| named.near.push_str(&near));
            }
            None if out.len() < MAX_RECIPIENTS => {
                out.push(Named { address: one.address.clone(), near })
            }
            None => break,
        }
    }
    out
}

/// A name without a domain, alone in a line behind one that says whom it could not be delivered to: some providers call
/// their own customers so.
pub(super) fn bare_name<'n>(notes: &'n str, says: &Phrases) -> Option<&'n str> {
    let name = |line: &str| {
        (2..=64).contains(&line.len())
            && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && line.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let mut lines = notes.lines().take(MAX_LINES).map(str::trim).filter(|line| !line.is_empty());
    let mut before = String::new();
    lines.find(|line| {
        let found = name(line) && before.ends_with(':') && says.find(&plain(&before)).is_some();
        // The sentence may have begun a line earlier.
        if before.len() > 400 || before.ends_with([':', '.']) {
            before.clear();
        }
        before.push(' ');
        before.push_str(line);
        found
    })
}

struct Candidate {
    address: Address,
    line: usize,
    sure: Sure,
}

fn found(lines: &[&str]) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if out.len() >= MAX_FOUND {
            break;
        }
        if memchr::memchr(b'@', line.as_bytes()).is_none() {
            continue;
        }
        let failure = is_known(line);
        let reply = is_reply(line)
            && class_of(line).is_some_and(|c| matches!(c, Class::Hard | Class::Full));
        for one in addresses(line).into_iter().take(20) {
            if is_nobody(&one.address) {
                continue;
            }
            let before = one.before.to_lowercase();
            let elsewhere = RULES.not_recipients.find(before.trim_start()).is_some();
            let sure = match () {
                () if reply || is_labelled(one.before) => Sure::Marked,
                () if elsewhere => continue,
                () if is_alone(&one) => Sure::Marked,
                () if failure => Sure::Beside,
                () => Sure::Named,
            };
            // An alias that led elsewhere: what we had sent it to counts (rule V5).
            if is_origin(one.before)
                && let Some(last) = out.last_mut()
                && at - last.line <= 2
            {
                last.address = one.address;
                continue;
            }
            out.push(Candidate { address: one.address, line: at, sure });
        }
    }
    out
}

/// `(generated from a@b)`.
fn is_origin(before: &str) -> bool {
    let before = before.trim_end_matches(['<', '"', ' ', ':']).to_ascii_lowercase();
    before.ends_with("generated from")
        || before.ends_with("original address")
        || before.ends_with("originally addressed to")
}

/// A line of a transcript: `550 ...`, `<<< 550 ...`.
fn is_reply(line: &str) -> bool {
    let line = line.trim_start_matches(['<', ' ', '\t']);
    let code = line.get(..3).unwrap_or_default();
    code.starts_with(['4', '5'])
        && code.bytes().all(|b| b.is_ascii_digit())
        && line.get(3..4).is_some_and(|c| c == " " || c == "-")
}

fn is_nobody(address: &Address) -> bool {
    if is_redacted(address) {
        return true;
    }
    RULES.not_locals.iter().any(|local| address.local().eq_ignore_ascii_case(local))
}

/// Somebody made it unreadable: `da...@mail.example`.
pub(super) fn is_redacted(address: &Address) -> bool {
    address.local().ends_with("...")
}

fn is_labelled(before: &str) -> bool {
    let before = before.trim_end_matches(['<', '"', '\'', '[', '(', ' ', '\t', '*']).to_lowercase();
    let before = before.trim_end_matches("smtp:").trim_end_matches(['[', ' ']);
    let tail = before.char_indices().rev().nth(70).map_or(before, |(at, _)| &before[at..]);
    RULES.labels.ends(tail)
}

/// Nothing in front but marks, and behind it the end or what introduces a reason.
fn is_alone(one: &Found<'_>) -> bool {
    let marks = |c: char| c.is_whitespace() || "<>\"'*-•·[(|;".contains(c);
    let before = one.before.trim_matches(marks);
    let smtp = before.to_ascii_lowercase();
    let front = before.is_empty() || is_code(before) || smtp.ends_with("smtp=") || smtp == "smtp:";
    let after = one.after.trim_start_matches(['>', '"', '\'', ')', ']', '|', '=']);
    let rest = after.trim();
    let sentence = after.starts_with(|c: char| c.is_whitespace() || c == ',')
        && rest.starts_with(|c: char| c.is_alphanumeric());
    let starts = rest.to_ascii_lowercase();
    front && (!sentence || starts.starts_with("on ") || is_known(rest))
}

/// `550-...`: another line of the same reply follows.
fn goes_on(line: &str) -> bool {
    is_reply(line) && line.trim_start_matches(['<', ' ', '\t']).get(3..4) == Some("-")
}

/// `550` or `550 5.1.1`.
fn is_code(text: &str) -> bool {
    is_reply(&format!("{text} ")) && text.bytes().all(|b| b.is_ascii_digit() || b" -.".contains(&b))
}

/// The words from one address to the next.
fn near(lines: &[&str], from: usize, to: Option<usize>) -> String {
    let to = to.filter(|to| *to > from).unwrap_or(usize::MAX).min(from + NEAR_LINES);
    let mut out = String::new();
    for line in lines.iter().take(to).skip(from) {
        let line = line.trim();
        // The next reply of a transcript is about somebody else, if the last one is complete.
        let complete = is_reply(line) && !out.lines().last().is_some_and(goes_on);
        let ends = (line.is_empty() || complete) && is_known(&out);
        if ends || out.len() + line.len() > NEAR {
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// From the first reply code on, on one line; without one, what stands behind the address.
pub(super) fn diagnostic(near: &str) -> Option<String> {
    let words: Vec<&str> = near.split_whitespace().collect();
    let is_code = |word: &&str| {
        let word = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        let code = word.get(..3).unwrap_or_default();
        code.bytes().all(|b| b.is_ascii_digit())
            && code.starts_with(['4', '5'])
            && !word
                .get(3..4)
                .is_some_and(|c| c.starts_with(|c: char| c.is_alphanumeric() || c == '.'))
    };
    let from = words.iter().position(is_code).unwrap_or(0);
    let text = words.get(from..).unwrap_or_default().join(" ");
    let text: String = text.chars().take(MAX_DIAGNOSTIC).collect();
    (!text.is_empty()).then_some(text)
}

/// All addresses in a line, as they are written in plain text.
pub(super) fn addresses(line: &str) -> Vec<Found<'_>> {
    let mut out = Vec::new();
    let mut from = 0;
    for at in memchr::memchr_iter(b'@', line.as_bytes()).take(100) {
        if at < from {
            continue;
        }
        let Some((start, end)) = around(line, from, at) else { continue };
        let (Some(text), Some(before), Some(after)) =
            (line.get(start..end), line.get(..start), line.get(end..))
        else {
            continue;
        };
        // `anna@mail...` is cut off, not an address.
        let cut =
            after.starts_with("...") && !text.rsplit('@').next().unwrap_or_default().contains('.');
        if let (false, Ok(address)) = (cut, Address::parse(text)) {
            out.push(Found { address, before, after });
            from = end;
        }
    }
    out
}

/// The octets of the address around an `@`, looking back as far as `from`.
fn around(line: &str, from: usize, at: usize) -> Option<(usize, usize)> {
    let bytes = line.as_bytes();
    let local = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(b);
    let domain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    let behind = bytes.get(at + 1..)?;
    let len = behind.iter().take(255).take_while(|b| domain(b)).count();
    let name = behind.get(..len)?;
    let end = at + 1 + name.iter().rposition(|b| b.is_ascii_alphanumeric())? + 1;
    let front = bytes.get(from..at)?;
    let mut start = at;
    if front.last() == Some(&b'"') {
        let open = front.get(..front.len() - 1)?.iter().rev().take(70).position(|b| *b == b'"')?;
        start = at - 2 - open;
    } else {
        start -= front.iter().rev().take(70).take_while(|b| local(b)).count();
        let text = line.get(start..at)?;
        // Marks of lists and of other notations, which an address could begin with, but does not.
        let lower = text.to_ascii_lowercase();
        let scheme = ["smtp=", "rfc822=", "to=", "rcpt="]
            .iter()
            .find_map(|s| lower.rfind(s).map(|at| at + s.len()));
        start += scheme.unwrap_or(0);
        let text = line.get(start..at)?;
        start += text.len()
            - text.trim_start_matches(['\'', '*', '-', '/', '=', '|', '`', '.', '{']).len();
    }
    (start < at).then_some((start, end))
}
