//! What somebody asks of a list's program by mail: one command in the subject, or in the first lines of her text.
//!
//! The words of all languages count everywhere; they stand in `commands.toml`. Not who may ask, nor what follows: that
//! is the daemon's room `requests`. A line is a command or it is none: "nicht abmelden" is none, and neither is a
//! question.

mod date;
mod words;

use serde::{Deserialize, Serialize};

use crate::answer::own_lines;
use crate::message::unseen::hides;
use crate::message::{Mail, Tree};
use crate::options::{Digest, Mute, Options};
use crate::rewrite::without_markers;
use crate::time::{Local, Timestamp};

/// One command.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    /// Which lists do I get, and how?
    Status,
    /// No mail until this day; `None` = for good.
    Mute(Option<Day>),
    Unmute,
    Digest(Digest),
    Subscribe,
    Unsubscribe,
}

/// A day of the calendar, where the house stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day {
    pub year: i16,
    /// 1 to 12
    pub month: u8,
    /// 1 to 31
    pub day: u8,
}

/// What a command changes for its author: kept with the question whether it is hers, so a name that was once released
/// stays.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// No more mail, in whichever way the list takes that.
    Leave,
    /// No mail until then; `None` = until she says otherwise.
    Mute(Option<Timestamp>),
    Unmute,
    Digest(Digest),
}

impl Change {
    /// What somebody wishes after it. [`Change::Leave`] means more than that, and is `None`.
    pub fn of(self, before: Options) -> Option<Options> {
        match self {
            Change::Leave => None,
            Change::Mute(Some(end)) => Some(Options { mute: Mute::Until(end), ..before }),
            // Who has left has said more than that.
            Change::Mute(None) if before.mute.is_for_good() => Some(before),
            Change::Mute(None) => Some(Options { mute: Mute::ForGood, ..before }),
            Change::Unmute => Some(Options { mute: Mute::No, ..before }),
            Change::Digest(digest) => Some(Options { digest, ..before }),
        }
    }
}

/// A command without what it is told further.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Help,
    Status,
    Mute,
    Unmute,
    DigestOff,
    DigestDaily,
    DigestWeekly,
    Subscribe,
    Unsubscribe,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Help,
        Kind::Status,
        Kind::Mute,
        Kind::Unmute,
        Kind::DigestOff,
        Kind::DigestDaily,
        Kind::DigestWeekly,
        Kind::Subscribe,
        Kind::Unsubscribe,
    ];

    /// The command where nothing more is said.
    fn alone(self) -> Command {
        match self {
            Kind::Help => Command::Help,
            Kind::Status => Command::Status,
            Kind::Mute => Command::Mute(None),
            Kind::Unmute => Command::Unmute,
            Kind::DigestOff => Command::Digest(Digest::Off),
            Kind::DigestDaily => Command::Digest(Digest::Daily),
            Kind::DigestWeekly => Command::Digest(Digest::Weekly),
            Kind::Subscribe => Command::Subscribe,
            Kind::Unsubscribe => Command::Unsubscribe,
        }
    }
}

/// Lines of her own text that are looked at.
const LINES: usize = 5;

/// Longest line that can be a command (characters), and the most words in it.
const LINE: usize = 120;
const WORDS: usize = 12;

/// The command of a mail; `None` where nothing in it is one. `today` is the day where the house stands.
pub fn read(raw: &[u8], mail: &Mail, today: &Local) -> Option<Command> {
    let subject = mail.text("Subject").unwrap_or_default();
    line(&without_markers(&subject), today).or_else(|| {
        let tree = Tree::parse(raw).ok()?;
        let lines = own_lines(raw, &tree);
        lines.iter().take(LINES).find_map(|text| line(text, today))
    })
}

/// The word that our letters name for a command.
pub fn word(language: &str, kind: Kind) -> &'static str {
    words::first(language, kind)
}

/// What one line says.
pub fn line(text: &str, today: &Local) -> Option<Command> {
    if text.contains('?') || text.chars().count() > LINE {
        return None;
    }
    let lower: String = text.chars().filter(|c| *c == ' ' || *c == '\t' || !hides(*c)).collect();
    let lower = lower.to_lowercase();
    let words = polished(&lower);
    let is_polite = |word: &&str| words::is(word, |language| &language.polite);
    let words: Vec<&str> = words.into_iter().filter(|word| !is_polite(word)).collect();
    if words.is_empty() || words.len() > WORDS {
        return None;
    }
    let found = words::languages().flat_map(|language| {
        let of = |kind| language.phrases(kind).iter().map(move |phrase| (kind, phrase));
        Kind::ALL.into_iter().flat_map(of)
    });
    let mut found: Vec<(Kind, Vec<&str>)> =
        found.map(|(kind, phrase)| (kind, phrase.split(' ').collect())).collect();
    // The longest phrase that fits: "keine sammelmail" is not "keine mails".
    found.sort_by_key(|(_, phrase)| std::cmp::Reverse(phrase.len()));
    found.into_iter().find_map(|(kind, phrase)| said(kind, &phrase, &words, today))
}

/// The whole line is the phrase; a pause may say how long, behind it or before it.
fn said(kind: Kind, phrase: &[&str], words: &[&str], today: &Local) -> Option<Command> {
    let bare: Vec<&str> = words.iter().map(|word| word.trim_end_matches('.')).collect();
    if bare == phrase {
        return Some(kind.alone());
    }
    if kind != Kind::Mute {
        return None;
    }
    let rest = if bare.starts_with(phrase) {
        words.get(phrase.len()..)
    } else if bare.ends_with(phrase) {
        words.get(..words.len().checked_sub(phrase.len())?)
    } else {
        None
    };
    date::read(rest?, today).map(|day| Command::Mute(Some(day)))
}

/// The words of a line without the signs around them; a dot stays behind a word, for it makes a number a day.
fn polished(line: &str) -> Vec<&str> {
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '!' | ':' | '"' | '(' | ')');
    let edge = |c: char| !c.is_alphanumeric();
    let word = |word: &'_ str| !word.chars().all(edge);
    line.split(apart)
        .map(|word| word.trim_start_matches(edge).trim_end_matches(|c| edge(c) && c != '.'))
        .filter(|text| word(text))
        .collect()
}

#[cfg(test)]
mod tests;
