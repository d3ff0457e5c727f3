//! What is set for a list's attachments: which kinds of files may go to the members, and in which form texts go.
//!
//! Only what an admin writes, and whether it makes sense; which part of a mail is meant is `rewrite::attachments`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest pattern (characters), and most of them.
const LONGEST: usize = 100;
const MOST: usize = 100;

/// Alone in `attachments_allowed`: everything is. Alone in either: nothing is.
const ANY: &str = "any";
const NOTHING: &str = "nothing";

/// Files that are told by what is in them, whatever they are called.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// What a computer runs as it is.
    Program,
    /// What a computer runs line by line.
    Script,
    /// Files packed into one.
    Archive,
    /// An Office document that brings a program along.
    OfficeMacro,
}

impl Family {
    const ALL: [(&'static str, Family); 4] = [
        ("program", Family::Program),
        ("script", Family::Script),
        ("archive", Family::Archive),
        ("office-macro", Family::OfficeMacro),
    ];

    pub fn as_str(self) -> &'static str {
        Family::ALL.iter().find(|(_, family)| *family == self).map_or("", |(word, _)| word)
    }

    /// By the last part of a file's name, lower-case and without its dot.
    pub fn of_ending(ending: &str) -> Option<Family> {
        const PROGRAMS: [&str; 29] = [
            "apk", "app", "appx", "bin", "class", "com", "cpl", "deb", "dll", "dmg", "elf", "exe",
            "gadget", "jar", "lnk", "msi", "msix", "msp", "ocx", "pif", "pkg", "rpm", "scf", "scr",
            "sys", "url", "wasm", "xbap", "xll",
        ];
        const SCRIPTS: [&str; 30] = [
            "applescript",
            "bat",
            "chm",
            "cmd",
            "command",
            "csh",
            "hta",
            "inf",
            "js",
            "jse",
            "ksh",
            "mjs",
            "msc",
            "php",
            "pl",
            "ps1",
            "ps1xml",
            "psm1",
            "py",
            "rb",
            "reg",
            "sct",
            "sh",
            "vb",
            "vbe",
            "vbs",
            "ws",
            "wsc",
            "wsf",
            "wsh",
        ];
        const ARCHIVES: [&str; 24] = [
            "7z", "ace", "ar", "arj", "bz2", "cab", "cpio", "gz", "img", "iso", "lha", "lz", "lz4",
            "lzh", "rar", "tar", "tbz2", "tgz", "txz", "vhd", "vhdx", "xz", "zip", "zst",
        ];
        const MACROS: [&str; 12] = [
            "docm", "dotm", "potm", "ppam", "ppsm", "pptm", "sldm", "xla", "xlam", "xlm", "xlsm",
            "xltm",
        ];
        match ending {
            e if PROGRAMS.contains(&e) => Some(Family::Program),
            e if SCRIPTS.contains(&e) => Some(Family::Script),
            e if ARCHIVES.contains(&e) => Some(Family::Archive),
            e if MACROS.contains(&e) => Some(Family::OfficeMacro),
            _ => None,
        }
    }
}

/// One kind of files. Written as text, also where it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pattern {
    /// The last part of the name, lower-case and without its dot, e.g. `exe`.
    Ending(String),
    /// A media type and a subtype, lower-case; without one it is all of the type, as in `image/*`.
    Kind(String, Option<String>),
    Family(Family),
}

impl Pattern {
    /// True where this is the media type `type/subtype`, lower-case.
    pub fn is_kind(&self, kind: &str) -> bool {
        let (Pattern::Kind(of, sub), Some((kind, subtype))) = (self, kind.split_once('/')) else {
            return false;
        };
        of == kind && sub.as_deref().is_none_or(|sub| sub == subtype)
    }

    /// True where each file that `self` means is one that `other` means too.
    fn within(&self, other: &Pattern) -> bool {
        match (self, other) {
            (Pattern::Kind(a, _), Pattern::Kind(b, None)) => a == b,
            _ => self == other,
        }
    }
}

/// It is none of the three.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no ending, no type and no family of files")]
pub struct NoPattern(String);

impl FromStr for Pattern {
    type Err = NoPattern;

    fn from_str(text: &str) -> Result<Pattern, NoPattern> {
        let word = text.trim().to_lowercase();
        let none = || NoPattern(text.chars().take(LONGEST).collect());
        let token = |t: &str| {
            !t.is_empty()
                && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
        };
        if word.len() > LONGEST {
            return Err(none());
        }
        if let Some((_, family)) = Family::ALL.iter().find(|(known, _)| *known == word) {
            return Ok(Pattern::Family(*family));
        }
        if let Some((kind, subtype)) = word.split_once('/') {
            return match subtype {
                "*" if token(kind) => Ok(Pattern::Kind(kind.to_owned(), None)),
                sub if token(kind) && token(sub) => {
                    Ok(Pattern::Kind(kind.to_owned(), Some(sub.to_owned())))
                }
                _ => Err(none()),
            };
        }
        let ending = word.trim_start_matches('*').trim_start_matches('.');
        let fine = !ending.is_empty()
            && ![ANY, NOTHING].contains(&ending)
            && ending.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '~'));
        if fine { Ok(Pattern::Ending(ending.to_owned())) } else { Err(none()) }
    }
}

impl TryFrom<String> for Pattern {
    type Error = NoPattern;

    fn try_from(text: String) -> Result<Pattern, NoPattern> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Ending(ending) => f.write_str(ending),
            Pattern::Kind(kind, sub) => write!(f, "{kind}/{}", sub.as_deref().unwrap_or("*")),
            Pattern::Family(family) => f.write_str(family.as_str()),
        }
    }
}

/// Which kinds of files may be attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allowed {
    #[default]
    Any,
    /// An empty list is nothing.
    Only(Vec<Pattern>),
}

impl Allowed {
    /// `any`, `nothing`, or patterns. No pattern at all is `any`.
    pub fn read(texts: &[&str]) -> Result<Allowed, NoPattern> {
        match texts {
            [] => Ok(Allowed::Any),
            [one] if one.trim().is_empty() || is(one, ANY) => Ok(Allowed::Any),
            [one] if is(one, NOTHING) => Ok(Allowed::Only(Vec::new())),
            many => patterns(many).map(Allowed::Only),
        }
    }

    /// What both allow, or less: of patterns that can't be compared neither is.
    #[must_use]
    pub fn both(&self, other: &Allowed) -> Allowed {
        match (self, other) {
            (Allowed::Any, one) | (one, Allowed::Any) => one.clone(),
            (Allowed::Only(a), Allowed::Only(b)) => {
                let within = |one: &&Pattern, all: &[Pattern]| all.iter().any(|p| one.within(p));
                let mut out: Vec<Pattern> = a.iter().filter(|p| within(p, b)).cloned().collect();
                for one in b.iter().filter(|p| within(p, a)) {
                    if !out.contains(one) {
                        out.push(one.clone());
                    }
                }
                Allowed::Only(out)
            }
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Any => f.write_str(ANY),
            Allowed::Only(patterns) => write_patterns(patterns, f),
        }
    }
}

/// Which kinds of files may not be attached, whatever is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forbidden(pub Vec<Pattern>);

impl Forbidden {
    /// `nothing`, or patterns.
    pub fn read(texts: &[&str]) -> Result<Forbidden, NoPattern> {
        match texts {
            [one] if one.trim().is_empty() || is(one, NOTHING) => Ok(Forbidden::default()),
            many => patterns(many).map(Forbidden),
        }
    }

    /// What one of the two forbids.
    #[must_use]
    pub fn either(mut self, other: Forbidden) -> Forbidden {
        for pattern in other.0 {
            if !self.0.contains(&pattern) {
                self.0.push(pattern);
            }
        }
        self
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_patterns(&self.0, f)
    }
}

/// In which form the text of a mail goes to the members.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As it came.
    #[default]
    Any,
    /// Plain text only.
    Text,
    /// HTML only, where there is some.
    Html,
}

fn is(text: &str, word: &str) -> bool {
    text.trim().eq_ignore_ascii_case(word)
}

fn patterns(texts: &[&str]) -> Result<Vec<Pattern>, NoPattern> {
    let mut out: Vec<Pattern> = Vec::new();
    if let Some(more) = texts.get(MOST) {
        return Err(NoPattern((*more).to_owned()));
    }
    for text in texts {
        let pattern = text.parse()?;
        if !out.contains(&pattern) {
            out.push(pattern);
        }
    }
    Ok(out)
}

fn write_patterns(patterns: &[Pattern], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let words: Vec<String> = patterns.iter().map(Pattern::to_string).collect();
    f.write_str(if words.is_empty() { NOTHING.to_owned() } else { words.join(", ") }.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_and_shown() {
        for (text, expect) in [
            ("exe", Some("exe")),
            (" *.EXE", Some("exe")),
            (".Über", Some("über")),
            ("image/*", Some("image/*")),
            ("Application/ZIP", Some("application/zip")),
            ("office-macro", Some("office-macro")),
            ("Script", Some("script")),
            ("", None),
            ("*", None),
            ("*/*", None),
            ("/", None),
            ("image/", None),
            ("tar.gz", None),
            ("a b", None),
            ("any", None),
            ("exe\r\nx", None),
        ] {
            let got = text.parse::<Pattern>().ok().map(|p| p.to_string());
            assert_eq!(got.as_deref(), expect, "{text:?}");
        }
    }

    /// What makes no sense never makes a list more open: what both allow, what either forbids.
    #[test]
    fn the_stricter_of_two() {
        let allowed = |texts: &[&str]| Allowed::read(texts).expect("patterns");
        for (a, b, expect) in [
            (&["any"][..], &["pdf"][..], "pdf"),
            (&["image/*", "pdf"], &["image/png", "odt", "pdf"], "pdf, image/png"),
            (&["pdf"], &["odt"], "nothing"),
            (&["nothing"], &["any"], "nothing"),
            (&[], &[], "any"),
        ] {
            assert_eq!(allowed(a).both(&allowed(b)).to_string(), expect, "{a:?} {b:?}");
        }
        let forbidden = |texts: &[&str]| Forbidden::read(texts).expect("patterns");
        let both = forbidden(&["exe", "script"]).either(forbidden(&["exe", "zip"]));
        assert_eq!(both.to_string(), "exe, script, zip");
        assert_eq!(forbidden(&["nothing"]).to_string(), "nothing");
        assert!(Forbidden::read(&["exe", "x/y/z"]).is_err() && Allowed::read(&["a b"]).is_err());
    }
}
