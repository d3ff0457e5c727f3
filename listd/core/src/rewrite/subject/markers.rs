//! What stands at the beginning of a subject: reply markers of many languages, forwards, tags (rules S2, S3).
//!
//! Works on decoded text. Letters are compared without case and without any country's rules.

use crate::message::unseen::turns;

/// Replies, in small letters (rule S3). `rv` and `tr` are forwards to some, and replies to the rule.
const REPLIES: [&str; 14] =
    ["re", "aw", "antw", "sv", "vs", "odp", "ynt", "cevap", "rv", "tr", "ref", "відп", "отв", "رد"];

/// Forwards, which stay in a subject.
const FORWARDS: [&str; 8] = ["wg", "fw", "fwd", "vb", "i", "enc", "i\u{307}lt", "doorst"];

/// Longest bracket of somebody else (`[extern]`) and longest word before a colon (`WG:`) that we look behind for our
/// own tag, in characters.
const MAX_BRACKET: usize = 60;
const MAX_WORD: usize = 20;

/// Rounds of stripping; each takes out one tag or marker at least, and nobody needs more.
const MAX_ROUNDS: usize = 50;

/// A subject without our tag and with at most one reply marker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stripped {
    /// The first reply marker as it was written, with the space that follows it; or nothing.
    pub reply: String,
    pub tail: String,
    /// Something was taken out. Else reply and tail together are the text.
    pub changed: bool,
}

/// Takes our tag out and all reply markers but the first, at the beginning; and our tag also behind forwards,
/// brackets and words with a colon. The author's own words begin behind those and stay.
pub(super) fn strip(text: &str, tag: &str) -> Stripped {
    let mut done = once(text.trim(), tag);
    for _ in 0..MAX_ROUNDS {
        let again = once(&format!("{}{}", done.reply, done.tail), tag);
        if !again.changed {
            break;
        }
        done = again;
    }
    done
}

fn once(text: &str, tag: &str) -> Stripped {
    let (mut reply, mut rest, mut changed) = (String::new(), text, false);
    loop {
        let probe = rest.trim_start_matches(|c: char| c.is_whitespace() || turns(c));
        if let Some(behind) = own(probe, tag) {
            (rest, changed) = (behind, true);
        } else if let Some(behind) = marker(probe) {
            if reply.is_empty() {
                let after = behind.trim_start();
                let written = probe.len() - after.len();
                reply = probe.get(..written).unwrap_or_default().to_owned();
                changed |= probe.len() != rest.trim_start().len();
            } else {
                changed = true;
            }
            rest = behind;
        } else {
            break;
        }
    }
    let rest = rest.trim_start();
    if changed && !reply.is_empty() && !text.ends_with(&format!("{reply}{rest}")) {
        // Something stood between marker and tail.
        reply = format!("{} ", reply.trim_end());
    }
    let (tail, inside) = without_inner(rest, tag);
    Stripped { reply, tail, changed: changed || inside }
}

/// The tail without our tag behind what is not the author's own words yet.
fn without_inner(text: &str, tag: &str) -> (String, bool) {
    let (mut kept, mut rest, mut changed) = (String::new(), text, false);
    loop {
        let start = rest.trim_start();
        kept.push_str(rest.get(..rest.len() - start.len()).unwrap_or_default());
        if let Some(behind) = own(start, tag) {
            (rest, changed) = (behind.trim_start(), true);
        } else if let Some(behind) = marker(start).or_else(|| foreign(start)) {
            kept.push_str(start.get(..start.len() - behind.len()).unwrap_or_default());
            rest = behind;
        } else {
            kept.push_str(start);
            return (kept.trim().to_owned(), changed);
        }
    }
}

/// The text behind all markers of replies and forwards, and behind brackets.
pub(crate) fn without_markers(text: &str) -> String {
    let mut rest = text;
    for _ in 0..MAX_ROUNDS {
        let start = rest.trim_start_matches(|c: char| c.is_whitespace() || turns(c));
        let forward =
            || FORWARDS.iter().find_map(|name| colon(numbered(without_case(start, name)?)));
        let bracket = || foreign(start).filter(|_| start.starts_with('['));
        match marker(start).or_else(forward).or_else(bracket) {
            Some(behind) => rest = behind,
            None => return start.trim_end().to_owned(),
        }
    }
    rest.trim().to_owned()
}

/// What stands behind our tag, if the text begins with it; white space does not count.
fn own<'t>(text: &'t str, tag: &str) -> Option<&'t str> {
    let mut rest = text;
    let mut last = ' ';
    for (i, wanted) in tag.chars().filter(|c| !c.is_whitespace()).enumerate() {
        let probe = if i == 0 { rest } else { rest.trim_start() };
        rest = probe.strip_prefix(wanted)?;
        last = wanted;
    }
    // A tag without brackets is no part of a word.
    let inside = last.is_alphanumeric() && rest.starts_with(char::is_alphanumeric);
    (!inside).then_some(rest)
}

/// What stands behind a reply marker: `Re:`, `RE :`, `Re[2]:`, `Re(2):`.
fn marker(text: &str) -> Option<&str> {
    REPLIES.iter().find_map(|name| {
        let rest = without_case(text, name)?;
        colon(numbered(rest))
    })
}

fn without_case<'t>(text: &'t str, small: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    for wanted in small.chars() {
        let mut lower = rest.next()?.to_lowercase();
        if lower.next() != Some(wanted) || lower.next().is_some() {
            return None;
        }
    }
    Some(rest.as_str())
}

/// Behind `[2]` or `(2)`, where there is one.
fn numbered(text: &str) -> &str {
    let digits = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (open, close) in [('[', ']'), ('(', ')')] {
        let Some(rest) = text.strip_prefix(open) else { continue };
        let behind = rest.get(rest.len() - digits(rest)..).unwrap_or_default();
        if let Some(behind) = behind.strip_prefix(close) {
            return behind;
        }
    }
    text
}

fn colon(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_whitespace() || turns(c));
    rest.strip_prefix([':', '\u{ff1a}'])
}

/// What stands behind a word with a colon (`WG:`, `Fwd:`, `Frage:`) or a bracket (`[extern]`).
fn foreign(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('[') {
        let end = rest.char_indices().take(MAX_BRACKET).find(|(_, c)| *c == ']')?.0;
        return rest.get(end + 1..);
    }
    let end = text.char_indices().take(MAX_WORD + 1).find(|(_, c)| !c.is_alphabetic())?.0;
    let behind = colon(numbered(text.get(end..)?))?;
    let apart = behind.is_empty() || behind.starts_with(|c: char| c.is_whitespace() || c == '[');
    (end > 0 && apart).then_some(behind)
}
