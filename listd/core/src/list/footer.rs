//! What is set as a list's footer: nothing, our own words, or the admin's texts with placeholders, by language.
//!
//! Only which text there is for whom, and whether it makes sense; what becomes of it is `rewrite::footer`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The word that stands for our own text.
const STANDARD: &str = "standard";

/// Longest text (characters), and most languages.
const LONGEST: usize = 4_000;
const MOST: usize = 30;

/// What may stand in a text between braces, and what is put there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The list's name.
    List,
    /// Its description; its name where it has none.
    Description,
    /// Its posting address.
    Address,
    /// The address of those who run it.
    Owner,
    /// Links of the domain; a line whose link is not configured is left out.
    Help,
    Imprint,
    Privacy,
    /// The list's own page, the same for everybody on it.
    Settings,
}

impl Placeholder {
    pub const ALL: [(&'static str, Placeholder); 8] = [
        ("list", Placeholder::List),
        ("description", Placeholder::Description),
        ("address", Placeholder::Address),
        ("owner", Placeholder::Owner),
        ("help", Placeholder::Help),
        ("imprint", Placeholder::Imprint),
        ("privacy", Placeholder::Privacy),
        ("settings", Placeholder::Settings),
    ];

    fn named(name: &str) -> Option<Placeholder> {
        Placeholder::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, found)| found)
    }
}

/// A stretch of a text.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Words(&'a str),
    Put(Placeholder),
    /// A name in braces that nothing is known of.
    Unknown(&'a str),
}

/// Cuts a text at its placeholders. Braces around anything but one word of ASCII letters are plain text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(open) = text.get(at..).and_then(|rest| rest.find('{')).map(|i| at + i) {
        let behind = text.get(open + 1..).unwrap_or_default();
        let name = behind.split_once('}').map_or("", |(name, _)| name);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
            at = open + 1;
            continue;
        }
        out.extend(text.get(from..open).filter(|words| !words.is_empty()).map(Piece::Words));
        out.push(Placeholder::named(name).map_or(Piece::Unknown(name), Piece::Put));
        at = open + name.len() + 2;
        from = at;
    }
    out.extend(text.get(from..).filter(|words| !words.is_empty()).map(Piece::Words));
    out
}

/// The footer that is set for a list. Stored as a text, or as a map from language to text with `""` for all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct FooterTexts {
    /// For every language that has none of its own.
    other: String,
    /// By language tag, lower-case.
    languages: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    One(String),
    Many(BTreeMap<String, String>),
}

impl From<Stored> for FooterTexts {
    fn from(stored: Stored) -> FooterTexts {
        match stored {
            Stored::One(other) => FooterTexts { other, languages: BTreeMap::new() },
            Stored::Many(mut languages) => {
                let other = languages.remove("").unwrap_or_default();
                FooterTexts { other, languages }
            }
        }
    }
}

impl From<FooterTexts> for Stored {
    fn from(texts: FooterTexts) -> Stored {
        let FooterTexts { other, mut languages } = texts;
        if languages.is_empty() {
            return Stored::One(other);
        }
        if !other.is_empty() {
            languages.insert(String::new(), other);
        }
        Stored::Many(languages)
    }
}

/// Why a text can't be a footer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFooter {
    #[error("the placeholder {{{0}}}, which is none of {known}", known = known())]
    Placeholder(String),
    #[error("a text of {0} characters")]
    Long(usize),
    #[error("a text with a control character")]
    Control,
    #[error("{0:?}, which is no language")]
    Language(String),
    #[error("two texts for one language")]
    Twice,
    #[error("texts in more than {MOST} languages")]
    Many,
}

fn known() -> String {
    Placeholder::ALL.map(|(name, _)| format!("{{{name}}}")).join(", ")
}

/// What is to be said to one reader.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Our own text, in this language if we have it.
    Standard(&'a str),
    /// The admin's, and its language.
    Text(&'a str, &'a str),
}

impl FooterTexts {
    /// Texts with the tag of their language, `""` for all others. A text that is empty says: none in this language.
    pub fn new<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<FooterTexts, BadFooter> {
        let mut found = FooterTexts::default();
        let mut other = false;
        for (tag, text) in texts {
            let text = checked(text)?;
            if tag.is_empty() {
                if std::mem::replace(&mut other, true) {
                    return Err(BadFooter::Twice);
                }
                found.other = text;
                continue;
            }
            let tag =
                language(tag).ok_or_else(|| BadFooter::Language(tag.chars().take(40).collect()))?;
            if found.languages.insert(tag, text).is_some() {
                return Err(BadFooter::Twice);
            }
            if found.languages.len() > MOST {
                return Err(BadFooter::Many);
            }
        }
        Ok(found)
    }

    /// As `listctl list set` and attributes without language options write them: `de:Text`, or the text alone.
    pub fn read(texts: &[&str]) -> Result<FooterTexts, BadFooter> {
        FooterTexts::new(texts.iter().map(|text| prefixed(text).unwrap_or(("", text))))
    }

    /// True where there is a footer for nobody.
    pub fn is_none(&self) -> bool {
        self.other.trim().is_empty() && self.languages.values().all(|text| text.trim().is_empty())
    }

    /// What to say to a reader of `language` on a list whose own language is `own`: a text in the reader's language,
    /// else the one for all others, else the one in the list's language, else the first. `None` for no footer.
    pub fn wanted<'a>(&'a self, language: &'a str, own: &'a str) -> Option<Wanted<'a>> {
        let (tag, text) = self
            .exactly(language)
            .or_else(|| Some((own, self.other.as_str())).filter(|_| !self.other.is_empty()))
            .or_else(|| self.exactly(own))
            .or_else(|| {
                self.languages.iter().next().map(|(tag, text)| (tag.as_str(), text.as_str()))
            })?;
        match text.trim() {
            "" => None,
            STANDARD => Some(Wanted::Standard(language)),
            _ => Some(Wanted::Text(tag, text)),
        }
    }

    /// The tag under which there is a text for readers of a language, e.g. `de` for `de-AT`.
    pub fn language(&self, tag: &str) -> Option<&str> {
        self.exactly(tag).map(|(tag, _)| tag)
    }

    /// The text of a language or, for `de-AT`, of `de`.
    fn exactly(&self, language: &str) -> Option<(&str, &str)> {
        let language = language.to_ascii_lowercase();
        let short = language.split('-').next().unwrap_or_default();
        let found = self.languages.get_key_value(language.as_str());
        let found = found.or_else(|| self.languages.get_key_value(short))?;
        Some((found.0.as_str(), found.1.as_str()))
    }
}

impl fmt::Display for FooterTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let other = (!self.other.is_empty() || self.languages.is_empty())
            .then(|| format!("{:?}", self.other));
        let rest = self.languages.iter().map(|(tag, text)| format!("{tag}:{text:?}"));
        f.write_str(&other.into_iter().chain(rest).collect::<Vec<_>>().join(", "))
    }
}

/// A text that may stand (rule X4), with `\n` as line ends.
fn checked(text: &str) -> Result<String, BadFooter> {
    let text = text.replace("\r\n", "\n");
    let count = text.chars().count();
    if count > LONGEST {
        return Err(BadFooter::Long(count));
    }
    let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{fffd}';
    if text.contains(bad) || text.contains(['\u{2028}', '\u{2029}']) {
        return Err(BadFooter::Control);
    }
    let unknown = pieces(&text).into_iter().find_map(|piece| match piece {
        Piece::Unknown(name) => Some(name.chars().take(40).collect()),
        _ => None,
    });
    match unknown {
        Some(name) => Err(BadFooter::Placeholder(name)),
        None => Ok(text),
    }
}

/// A language tag in outline (RFC 5646), lower-case.
fn language(tag: &str) -> Option<String> {
    let mut words = tag.split('-');
    let first = words.next()?;
    let fine = (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && words
            .all(|w| (1..=8).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_alphanumeric()))
        && tag.len() <= 35;
    fine.then(|| tag.to_ascii_lowercase())
}

/// `de:Text` as language and text; only two lower-case letters with an optional region, so that a text that happens
/// to begin with a word and a colon stays whole.
fn prefixed(text: &str) -> Option<(&str, &str)> {
    let (tag, rest) = text.split_once(':')?;
    let (first, region) = tag.split_once('-').unwrap_or((tag, "XX"));
    let fine = first.len() == 2
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && (2..=8).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_alphanumeric());
    fine.then_some((tag, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> FooterTexts {
        FooterTexts::read(texts).expect("a footer")
    }

    /// B12: whose text it is, and that a reader without one gets the list's.
    #[test]
    fn a_reader_gets_the_text_of_her_language() {
        let (one, two) = (texts(&["Hallo"]), texts(&["de:Hallo", "en-GB:Hello", "tr:standard"]));
        let three = texts(&["Salut", "de:", "en:Hello"]);
        let cases = [
            (&one, "tr", Some(Wanted::Text("de", "Hallo"))),
            (&two, "de-AT", Some(Wanted::Text("de", "Hallo"))),
            (&two, "en-gb", Some(Wanted::Text("en-gb", "Hello"))),
            (&two, "en", Some(Wanted::Text("de", "Hallo"))),
            (&two, "tr", Some(Wanted::Standard("tr"))),
            (&three, "de", None),
            (&three, "EN-us", Some(Wanted::Text("en", "Hello"))),
            (&three, "fr", Some(Wanted::Text("de", "Salut"))),
        ];
        for (texts, language, expect) in cases {
            assert_eq!(texts.wanted(language, "de"), expect, "{texts} for {language}");
        }
        let foreign = texts(&["tr:Merhaba"]);
        assert_eq!(foreign.wanted("en", "de"), Some(Wanted::Text("tr", "Merhaba")));
        assert_eq!(texts(&["standard"]).wanted("ar", "de"), Some(Wanted::Standard("ar")));
        assert!(texts(&["", "de: "]).is_none() && !two.is_none());
    }

    /// X4: what makes no sense is named.
    #[test]
    fn nonsense_is_named() {
        let long = "x".repeat(4_001);
        let many: Vec<String> = (b'a'..b'a' + 2)
            .flat_map(|a| {
                (b'a'..=b'z').map(move |b| format!("{}{}:x", char::from(a), char::from(b)))
            })
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let cases: [(&[&str], &str); 6] = [
            (&["see {imprnt}"], "the placeholder {imprnt}"),
            (&[&long], "a text of 4001 characters"),
            (&["a\u{7}b"], "a control character"),
            (&["a", "b"], "two texts for one language"),
            (&["de:a", "de:b"], "two texts for one language"),
            (&many, "more than 30 languages"),
        ];
        for (texts, expect) in cases {
            let why = FooterTexts::read(texts).expect_err("nonsense").to_string();
            assert!(why.contains(expect), "{why}");
        }
        assert_eq!(
            FooterTexts::new([("deutsch!", "x")]),
            Err(BadFooter::Language("deutsch!".to_owned()))
        );
        for fine in ["{}", "{ list }", "{list", "a } b", "{{list}}", "{a b}", "{1}"] {
            assert!(FooterTexts::read(&[fine]).is_ok(), "{fine}");
        }
    }

    #[test]
    fn a_text_is_cut_at_its_placeholders() {
        use Piece::{Put, Unknown, Words};
        assert_eq!(
            pieces("An {list}{address}{ } {x}."),
            [
                Words("An "),
                Put(Placeholder::List),
                Put(Placeholder::Address),
                Words("{ } "),
                Unknown("x"),
                Words(".")
            ]
        );
        assert_eq!(pieces("{{list}}"), [Words("{"), Put(Placeholder::List), Words("}")]);
        assert_eq!(pieces(""), []);
    }

    /// What was stored before there were languages opens, and what is stored comes back.
    #[test]
    fn it_is_stored_as_text_or_as_map() {
        for (texts, json) in [
            (texts(&[""]), r#""""#),
            (texts(&["a"]), r#""a""#),
            (texts(&["a", "de:b"]), r#"{"":"a","de":"b"}"#),
            (texts(&["de:b"]), r#"{"de":"b"}"#),
        ] {
            assert_eq!(serde_json::to_string(&texts).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<FooterTexts>(json).expect("texts"), texts);
        }
    }
}
