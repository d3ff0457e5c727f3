//! The words that people may answer with, and by which mail programs mark what they quote: of all languages together.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{SOURCES, word};

const KEYS: [&str; 11] = [
    "answer-yes",
    "answer-no",
    "answer-accept",
    "answer-always",
    "answer-reject",
    "answer-discard",
    "answer-spam",
    "answer-withdraw",
    "answer-original",
    "answer-wrote",
    "answer-field",
];

static PHRASES: LazyLock<BTreeMap<&str, Vec<String>>> = LazyLock::new(|| {
    let of_all = |key: &str| -> Vec<String> {
        let texts = SOURCES.iter().map(|(language, _)| word(language, key));
        texts.flat_map(|text| split(&text)).collect()
    };
    KEYS.into_iter().map(|key| (key, of_all(key))).collect()
});

fn split(text: &str) -> Vec<String> {
    text.split(';').map(|phrase| phrase.trim().to_lowercase()).filter(|p| !p.is_empty()).collect()
}

/// All phrases for a key of `answer-*`, in lower case, words with one space between them and without signs.
pub(crate) fn phrases(key: &str) -> impl Iterator<Item = &'static str> {
    PHRASES.get(key).into_iter().flatten().map(String::as_str)
}

/// The first phrase of one language: the one that we ask for.
pub(super) fn first(language: &str, key: &str) -> String {
    split(&word(language, key)).into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LA5: no phrase means two things, in whatever language; each key has some in each.
    #[test]
    fn phrases_are_clear() {
        let answers = &KEYS[..8];
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (language, _) in SOURCES {
            for key in KEYS {
                assert!(!split(&word(language, key)).is_empty(), "{language} {key}");
            }
        }
        for key in answers {
            for phrase in phrases(key) {
                let plain = phrase.chars().all(|c| c.is_alphanumeric() || c == ' ');
                assert!(plain && !phrase.contains("  "), "{phrase}");
                let other = seen.insert(phrase.to_owned(), key);
                assert!(other.is_none_or(|other| other == *key), "{phrase}: {key} and {other:?}");
            }
        }
    }
}
