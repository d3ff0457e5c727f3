//! What a reply to one of our questions says: only a clear word counts, and only one that a person wrote.
//!
//! The token in its address says which question it answers; nothing else in the mail does, least of all its subject.
//! The words of all languages count everywhere; they stand in `locales/*.ftl`.

mod own;

pub(crate) use own::lines as own_lines;

use crate::message::{Mail, Tree, by_program};
use crate::notice;

/// What was asked.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// "Did you write this?"
    Confirm,
    /// "Shall it go out?"
    Moderate,
    /// Nothing: she was told that her mail waits, and may take it back.
    Withdraw,
    /// "Shall she be on the list?"
    Admit,
}

/// A clear answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Yes,
    No,
    Accept,
    Always,
    /// With what the author is told, at most [`SENTENCE`] characters; may be empty.
    Reject(String),
    Discard,
    Spam,
    Withdraw,
}

/// Why a reply says nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// A program wrote it: nobody is there to be told.
    Program,
    /// A person did, perhaps, and it is not clear what she wants.
    Unclear,
}

/// Longest sentence to an author (characters).
pub const SENTENCE: usize = 1_000;

/// Longest line that can be an answer (characters).
const LINE: usize = 200;

/// What a reply says. `null_sender`: MAIL FROM was empty.
pub fn read(raw: &[u8], mail: &Mail, null_sender: bool, asked: Asked) -> Result<Said, Nothing> {
    if by_program(mail, null_sender) {
        return Err(Nothing::Program);
    }
    let tree = Tree::parse(raw).map_err(|_| Nothing::Unclear)?;
    let lines = own::lines(raw, &tree);
    let (first, rest) = lines.split_first().ok_or(Nothing::Unclear)?;
    if first.chars().count() > LINE && !matches!(asked, Asked::Moderate | Asked::Admit) {
        return Err(Nothing::Unclear);
    }
    let said = match asked {
        Asked::Confirm => clear(first, &[("answer-yes", Said::Yes), ("answer-no", Said::No)]),
        Asked::Withdraw => clear(first, &[("answer-withdraw", Said::Withdraw)]),
        Asked::Admit => rejection(first, rest).or_else(|| {
            let no = Said::Reject(String::new());
            let (yes, accept) = (("answer-yes", Said::Accept), ("answer-accept", Said::Accept));
            clear(first, &[yes, accept, ("answer-no", no)])
        }),
        Asked::Moderate => rejection(first, rest).or_else(|| {
            let words = [
                ("answer-accept", Said::Accept),
                ("answer-always", Said::Always),
                ("answer-discard", Said::Discard),
                ("answer-spam", Said::Spam),
            ];
            clear(first, &words)
        }),
    };
    said.ok_or(Nothing::Unclear)
}

/// The line is one of the phrases and nothing else: "Ja, ich bin im Urlaub" is no yes, and neither is "Ja?".
fn clear(line: &str, meanings: &[(&str, Said)]) -> Option<Said> {
    if line.contains('?') {
        return None;
    }
    let line = plainly(line);
    let found = meanings.iter().find(|(key, _)| notice::phrases(key).any(|p| p == line));
    found.map(|(_, said)| said.clone())
}

/// `ablehnen: Bitte an die Elternvertretung.`, and further lines below it.
fn rejection(first: &str, rest: &[String]) -> Option<Said> {
    let word: String = first.chars().take_while(|c| c.is_alphanumeric()).collect();
    let behind = first.get(word.len()..)?;
    notice::phrases("answer-reject").find(|phrase| *phrase == plainly(&word))?;
    let sign = |c: char| c.is_whitespace() || c == ':' || c == ',' || c == '-' || c == '\u{2013}';
    let lines = std::iter::once(behind.trim_start_matches(sign).trim_start_matches('.'))
        .chain(rest.iter().map(String::as_str));
    let mut sentence = String::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let room = SENTENCE.saturating_sub(sentence.chars().count() + 1);
        if room == 0 {
            break;
        }
        if !sentence.is_empty() {
            sentence.push('\n');
        }
        sentence.extend(line.chars().take(room));
    }
    Some(Said::Reject(sentence.trim().to_owned()))
}

/// Words in lower case with one space between them, without any signs.
fn plainly(line: &str) -> String {
    let lower = line.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
