//! What a failure means for the member: its class, by the rules in `rules.toml`.
//!
//! Words count more than codes, since many servers have one code for everything (Exim's own is always 5.0.0); and
//! nothing that may pass is taken for final.

use super::phrases::plain;
use super::rules::{RULES, Rule};
use super::{Class, UNKNOWN};

/// Octets of one text that are searched.
const MAX_TEXT: usize = 4 * 1024;

/// What is known of one failure, the surest first.
#[derive(Default)]
pub(super) struct Said<'a> {
    /// RFC 3463, as the report or the reply has it.
    pub status: Option<&'a str>,
    /// What the other server said.
    pub diagnostic: &'a str,
    /// The words around the address.
    pub near: &'a str,
    /// All words of the mail.
    pub notes: &'a str,
    /// They are about nobody else.
    pub alone: bool,
    /// The bouncing server goes on trying.
    pub delayed: bool,
}

/// The class, and the name of the rule that gave it.
pub(super) fn classify(said: &Said<'_>) -> (Class, String) {
    let by_words = [said.diagnostic, said.near].into_iter().find_map(by_text);
    let found = by_words
        .or_else(|| said.status.filter(|s| !is_vague(s)).and_then(by_status))
        .or_else(|| by_text(said.notes))
        .or_else(|| said.status.and_then(by_status));
    let Some(rule) = found else { return (Class::Soft, UNKNOWN.to_owned()) };
    let status = said.status.unwrap_or_default();
    let passes = said.delayed || is_temporary(said) || is_after_data(said);
    match rule.class {
        Class::Hard if is_full(said) => (Class::Full, "full".to_owned()),
        Class::Hard if is_policy(said) => (Class::Policy, format!("{} by policy", rule.name)),
        // A host that takes no mail at all says so to everybody (RFC 7504).
        Class::Hard if rule.name != "takes-no-mail" && is_before_rcpt(said) => {
            (Class::Policy, format!("{} of the sender", rule.name))
        }
        // The code knows more than the words: a mailbox that does not exist is not switched off for a while.
        Class::Soft if status == "5.1.1" && rule.name == "suspended" => {
            (Class::Hard, format!("{} for good", rule.name))
        }
        Class::Hard if passes => (Class::Soft, format!("{} for now", rule.name)),
        class => (class, rule.name.clone()),
    }
}

/// Some programs put their own words for every refusal in front of what was really answered.
fn is_full(said: &Said<'_>) -> bool {
    let notes = if said.alone { said.notes } else { "" };
    [said.near, notes].into_iter().any(|text| class_of(text) == Some(Class::Full))
}

/// A code of theirs says that it is our matter, whatever the words (promise 11).
fn is_policy(said: &Said<'_>) -> bool {
    let words = if said.diagnostic.is_empty() { said.near } else { said.diagnostic };
    // Whose the mailbox or the domain is now: about her after all (RFC 7293).
    let hers = |code: &str| matches!(code, "5.7.17" | "5.7.18");
    let ours = |code: &str| (code.starts_with("5.7.") || code.starts_with("5.6.")) && !hers(code);
    said.status.is_some_and(ours) || all_enhanced(words).any(ours)
}

/// The address was accepted at RCPT TO, and refused when the mail was through.
fn is_after_data(said: &Said<'_>) -> bool {
    let mut texts = [said.diagnostic, said.near, said.notes].into_iter().map(bounded).map(plain);
    let mut after = false;
    texts.all(|text| {
        after |= RULES.after_data.find(&text).is_some();
        RULES.before_data.find(&text).is_none()
    }) && after
}

/// Refused before any recipient was named: what is unknown or wrong then is the sender, or we are.
fn is_before_rcpt(said: &Said<'_>) -> bool {
    let texts = [said.diagnostic, said.near, if said.alone { said.notes } else { "" }];
    texts.into_iter().any(|text| RULES.before_rcpt.find(&plain(bounded(text))).is_some())
}

/// The first rule one of whose phrases stands in the text.
fn by_text(text: &str) -> Option<&'static Rule> {
    let plain = plain(bounded(text));
    if plain.is_empty() {
        return None;
    }
    RULES.rule.iter().find(|rule| rule.text.find(&plain).is_some())
}

/// The beginning of a text, [`MAX_TEXT`] octets.
fn bounded(text: &str) -> &str {
    let mut end = MAX_TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// True where some rule knows these words.
pub(super) fn is_known(text: &str) -> bool {
    by_text(text).is_some()
}

/// True where the first rule that knows these words is the one about relaying.
pub(super) fn is_about_relaying(text: &str) -> bool {
    by_text(text).is_some_and(|rule| rule.name == "relaying")
}

/// The class by these words alone.
pub(super) fn class_of(text: &str) -> Option<Class> {
    by_text(text).map(|rule| rule.class)
}

fn by_status(status: &str) -> Option<&'static Rule> {
    let exact = RULES.rule.iter().find(|rule| rule.status.iter().any(|s| s == status));
    let wild = || RULES.rule.iter().find(|rule| rule.status.iter().any(|s| fits(s, status)));
    exact.or_else(wild)
}

/// `x` stands for any number.
fn fits(pattern: &str, status: &str) -> bool {
    let mut pairs = pattern.split('.').zip(status.split('.'));
    pairs.all(|(pattern, number)| pattern == "x" || pattern == number)
}

/// Codes that say no more than that it failed.
fn is_vague(status: &str) -> bool {
    status.ends_with(".0.0") || status.ends_with(".0") || status.ends_with(".5.0")
}

/// The status, else the reply codes: 4 and nothing that is final.
fn is_temporary(said: &Said<'_>) -> bool {
    let codes = |text: &str, digit: char| {
        let mut words = text.split(|c: char| c.is_whitespace() || "-<>:;()".contains(c)).take(400);
        words.any(|word| {
            let second = word.as_bytes().get(1);
            word.len() == 3
                && word.starts_with(digit)
                && second.is_some_and(|byte| (b'0'..=b'5').contains(byte))
                && word.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let words = if said.diagnostic.is_empty() { said.near } else { said.diagnostic };
    match (codes(words, '4'), codes(words, '5')) {
        (_, true) => false,
        (true, false) => true,
        (false, false) => said.status.is_some_and(|status| status.starts_with('4')),
    }
}

/// The first enhanced status code in a text (RFC 3463 2): `5.1.1`.
pub(super) fn enhanced(text: &str) -> Option<&str> {
    all_enhanced(text).next()
}

/// The same in words for people, where versions and dates stand too: behind a mark, a number or a word that leads to a
/// code, not behind a name (`Postfix 4.1.2`). Of a failure, thus of class 4 or 5.
pub(super) fn enhanced_in_words(text: &str) -> Option<&str> {
    const LEADS: &[&str] = &[
        "and", "as", "code", "codes", "dsn", "error", "errors", "failed", "failure", "gave", "is",
        "reason", "reply", "response", "returned", "said", "says", "smtp", "status", "with", "x",
    ];
    let leads = |before: &str| {
        let (line, mark) = (before.trim_end_matches([' ', '\t']), before.ends_with([' ', '\t']));
        let word = line.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let named = word.chars().all(char::is_alphabetic) && !word.is_empty();
        match mark {
            true => !named || LEADS.contains(&word.to_ascii_lowercase().as_str()),
            // `v4.1.2`, `X/4.1.2`
            false => !named && !line.ends_with('/'),
        }
    };
    let mut from = 0;
    all_enhanced(text).find(|code| {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(code)) else { return false };
        let before = text.get(..from + at).unwrap_or_default();
        from += at + code.len();
        code.starts_with(['4', '5']) && leads(before.rsplit('\n').next().unwrap_or_default())
    })
}

fn all_enhanced(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.map(|word| word.trim_end_matches('.')).filter(|word| is_enhanced(word))
}

/// `5.1.1`, and no IP address: class, one of the subjects that there are, and a detail (RFC 3463 2).
pub(super) fn is_enhanced(word: &str) -> bool {
    let mut numbers = 0;
    let digits = word.split('.').all(|n| {
        numbers += 1;
        (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit())
    });
    let mut parts = word.split('.');
    digits
        && numbers == 3
        && matches!(parts.next(), Some("2" | "4" | "5"))
        && parts.next().is_some_and(|subject| subject.len() == 1 && subject <= "7")
}
