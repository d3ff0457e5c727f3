//! The words of the commands as they stand in `commands.toml`, read once. What they mean is data; this is only its shape.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Kind;

/// One language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Language {
    help: Vec<String>,
    status: Vec<String>,
    mute: Vec<String>,
    unmute: Vec<String>,
    digest_off: Vec<String>,
    digest_daily: Vec<String>,
    digest_weekly: Vec<String>,
    subscribe: Vec<String>,
    unsubscribe: Vec<String>,
    /// May stand before and behind everything.
    pub polite: Vec<String>,
    /// Before a day ...
    pub until: Vec<String>,
    /// ... and before a number of days.
    pub r#for: Vec<String>,
    /// May stand before the name of a day.
    pub beside: Vec<String>,
    pub tomorrow: Vec<String>,
    pub day_after_tomorrow: Vec<String>,
    pub day: Vec<String>,
    pub week: Vec<String>,
    pub month: Vec<String>,
    /// From one on.
    pub numbers: Vec<Vec<String>>,
    /// From Monday on.
    pub weekdays: Vec<Vec<String>>,
    pub months: Vec<Vec<String>>,
}

impl Language {
    pub fn phrases(&self, kind: Kind) -> &[String] {
        match kind {
            Kind::Help => &self.help,
            Kind::Status => &self.status,
            Kind::Mute => &self.mute,
            Kind::Unmute => &self.unmute,
            Kind::DigestOff => &self.digest_off,
            Kind::DigestDaily => &self.digest_daily,
            Kind::DigestWeekly => &self.digest_weekly,
            Kind::Subscribe => &self.subscribe,
            Kind::Unsubscribe => &self.unsubscribe,
        }
    }
}

/// By language, e.g. `de`. That they can be read is tested.
#[allow(clippy::expect_used)]
static ALL: LazyLock<BTreeMap<String, Language>> = LazyLock::new(|| {
    toml::from_str(include_str!("commands.toml")).expect("commands.toml is tested")
});

/// All languages.
pub(super) fn languages() -> impl Iterator<Item = &'static Language> {
    ALL.values()
}

/// The first phrase of a command in this language, else in English.
pub(super) fn first(language: &str, kind: Kind) -> &'static str {
    let of = |language: &str| ALL.get(language)?.phrases(kind).first();
    of(language).or_else(|| of("en")).map_or("", String::as_str)
}

/// Whether a word is one of those that this part of any language has.
pub(super) fn is(word: &str, part: fn(&Language) -> &Vec<String>) -> bool {
    languages().any(|language| part(language).iter().any(|known| known == word))
}

/// Which of a row of words (e.g. the months) it is, counted from 1.
pub(super) fn place(word: &str, rows: fn(&Language) -> &Vec<Vec<String>>) -> Option<usize> {
    let of = |language: &'static Language| {
        rows(language).iter().position(|row| row.iter().any(|known| known == word))
    };
    languages().find_map(of).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// LA5: every language has every command, in words as a line is read, and none means two.
    #[test]
    fn the_words_are_clear() {
        let mut seen: HashMap<&str, Kind> = HashMap::new();
        for (name, language) in ALL.iter() {
            assert!(crate::notice::spoken(name).is_some(), "{name} has letters");
            for kind in Kind::ALL {
                assert!(!language.phrases(kind).is_empty(), "{name} {kind:?}");
                for phrase in language.phrases(kind) {
                    let plain = |c: char| c.is_alphanumeric() && !c.is_uppercase() || c == ' ';
                    assert!(phrase.chars().all(plain) && !phrase.contains("  "), "{phrase}");
                    let other = seen.insert(phrase, kind);
                    assert!(other.is_none_or(|other| other == kind), "{phrase} means two");
                }
            }
            let sizes = [&language.numbers, &language.weekdays, &language.months].map(Vec::len);
            assert_eq!(sizes, [12, 7, 12], "{name}");
        }
        for language in crate::notice::languages() {
            assert!(ALL.contains_key(language), "{language} has commands");
        }
    }
}
