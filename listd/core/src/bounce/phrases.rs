//! Phrases in texts: what a rule looks for, and the one form in which texts and phrases are compared.
//!
//! No meaning here. A phrase is plain words; ` * ` in it stands for up to [`GAP`] octets. Linear in the text.

use memchr::memmem::Finder;
use serde::Deserialize;

/// Octets that a `*` may span.
const GAP: usize = 80;

/// A text in the form in which it is searched: lower case, single spaces, reply codes and addresses taken out, so that
/// a phrase is found though a reply has several lines or an address stands in the midst of it.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let word = word.to_lowercase();
        let word = word.replace(['\u{2019}', '\u{2018}', '`'], "'").replace('\u{ad}', "");
        let word = without_code(&word);
        let word = if word.contains('@') { at_sign(word) } else { word };
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A word with an address in it is the address and nothing else, but for what ends a sentence.
fn at_sign(word: &str) -> &str {
    match word.char_indices().find(|(_, c)| *c == '@') {
        Some((at, _)) => word.get(at..at + 1).unwrap_or_default(),
        None => word,
    }
}

/// `550`, `550-`, `5.1.1`, `550-5.1.1` and marks of transcripts say nothing here.
fn without_code(word: &str) -> &str {
    let code = |w: &str| w.len() == 3 && w.bytes().all(|b| b.is_ascii_digit());
    let (first, rest) = match word.split_once('-') {
        Some((first, rest)) if code(first) => ("", rest),
        _ => (word, word),
    };
    let rest = if first.is_empty() { rest } else { word };
    let bare = rest.trim_matches(|c: char| !c.is_alphanumeric());
    if code(bare) || super::classify::is_enhanced(bare) || matches!(word, "<<<" | ">>>") {
        return "";
    }
    rest
}

/// Phrases that mean the same.
#[derive(Deserialize)]
#[serde(from = "Vec<String>")]
pub(super) struct Phrases(Vec<Vec<Finder<'static>>>);

impl From<Vec<String>> for Phrases {
    fn from(phrases: Vec<String>) -> Phrases {
        let parts = |phrase: &String| -> Vec<Finder<'static>> {
            let parts = phrase.split('*').map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| Finder::new(part).into_owned()).collect()
        };
        Phrases(phrases.iter().map(parts).filter(|parts| !parts.is_empty()).collect())
    }
}

impl Phrases {
    /// True where a text, in lower case, ends in one of the phrases.
    pub fn ends(&self, lower: &str) -> bool {
        let lower = lower.trim_end().as_bytes();
        let ends = |parts: &Vec<Finder<'static>>| match parts.split_last() {
            Some((last, before)) if lower.ends_with(last.needle()) => {
                let rest = lower.get(..lower.len() - last.needle().len()).unwrap_or_default();
                match before.is_empty() {
                    true => begins_word(lower, rest.len()),
                    false => before.iter().all(|part| part.find(rest).is_some()),
                }
            }
            _ => false,
        };
        self.0.iter().any(ends)
    }

    /// Where in a text in its [`plain`] form the first of the phrases that occur begins.
    pub fn find(&self, plain: &str) -> Option<usize> {
        self.0.iter().filter_map(|parts| found(parts, plain.as_bytes())).min()
    }
}

/// A phrase begins where a word does; its end may be an ending (`blocked` and `blocking`).
fn begins_word(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    let inside = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    !(inside(before) && inside(text.get(at)))
}

fn found(parts: &[Finder<'static>], text: &[u8]) -> Option<usize> {
    let (first, others) = parts.split_first()?;
    let mut from = 0;
    // Each start looks at no more than a bounded piece behind it, and there is an end to starts.
    for _ in 0..50 {
        let at = from + first.find(text.get(from..)?)?;
        if !begins_word(text, at) {
            from = at + 1;
            continue;
        }
        let mut end = at + first.needle().len();
        let follows = others.iter().all(|part| {
            let near = text.get(end..).unwrap_or_default();
            let near = near.get(..GAP + part.needle().len()).unwrap_or(near);
            match part.find(near) {
                Some(by) => {
                    end += by + part.needle().len();
                    true
                }
                None => false,
            }
        });
        if follows {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_in_one_form() {
        let cases = [
            (
                "550-5.1.1 The email  account\n550 5.1.1 does NOT exist.",
                "the email account does not exist.",
            ),
            ("<a@b>... User Unknown", "@ user unknown"),
            ("550 5.7.1 [192.0.2.1] Blocked", "[192.0.2.1] blocked"),
            ("<<< 552 Mailbox voll", "mailbox voll"),
            ("", ""),
        ];
        for (text, expect) in cases {
            assert_eq!(plain(text), expect, "{text:?}");
        }
    }

    #[test]
    fn gaps_are_bounded() {
        let phrases = Phrases::from(vec!["user * unknown".to_owned(), "voll".to_owned()]);
        assert_eq!(phrases.find("the user a at b is unknown"), Some(4));
        assert_eq!(phrases.find(&format!("user {} unknown", "x".repeat(100))), None);
        assert_eq!(phrases.find(&format!("user {} user unknown", "x".repeat(100))), Some(106));
        assert_eq!(phrases.find("postfach voll"), Some(9));
        assert_eq!(phrases.find("reizvoll"), None);
        assert_eq!(phrases.find(""), None);
    }
}
