//! The name in a rewritten From: `Ayse Yilmaz über Klasse 5b` (rules F4, F5).

use crate::message::Mailbox;
use crate::notice;
use crate::rewrite::{Frozen, encode};

/// Longest name and title in a rewritten From, in user-visible characters (rule F5).
const MAX_NAME: usize = 60;

/// The names of all authors and of the list, in the list's language. Decoded text, safe for a header.
pub(super) fn via(authors: &[Mailbox], frozen: &Frozen) -> String {
    let title = encode::cut(&harmless(frozen.title()), MAX_NAME);
    let suffix = format!(" {} {title}", notice::word(&frozen.language, "from-via"));
    let names: Vec<String> = authors.iter().map(|author| name(author, &suffix)).collect();
    format!("{}{suffix}", encode::cut(&names.join(", "), MAX_NAME))
}

fn name(author: &Mailbox, suffix: &str) -> String {
    let mut name = harmless(&author.name);
    // An answer to a copy carries the addition already.
    while let Some(shorter) = name.strip_suffix(suffix) {
        name = shorter.trim_end().to_owned();
    }
    if name.is_empty() { harmless(author.address.local()) } else { name }
}

/// A name without anything that looks like an address (rule F4, RFC 9989 11.4): of `anna@gmx.de` only `anna` stays.
pub(super) fn harmless(text: &str) -> String {
    let text = encode::clean(text);
    let ats = ['@', '\u{ff20}', '\u{fe6b}'];
    let words = text.split(' ').map(|word| match word.split_once(ats) {
        Some((before, _)) => before.trim_matches(|c: char| "<>(\"'[".contains(c)),
        None => word,
    });
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
