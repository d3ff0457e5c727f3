//! What stands below the mails of a list: the text in one language, and how it gets into a part of a mail.
//!
//! Pure. Which texts are set is `list::FooterTexts`; where a mail changes at all is `rewrite::body`.

mod html_form;
mod words;

pub use words::{footer, language};

/// A footer in one language, ready to be put below a mail. Nothing in it is personal (promise 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Language tag, e.g. `de`.
    pub language: String,
    /// Lines that end in LF, the separator first; none is longer than 240 characters.
    pub plain: String,
    /// A fragment for the end of a `body` element: pure ASCII, lines that end in CRLF, none over 998 octets.
    pub html: String,
    pub dir: Dir,
}

/// Which way a script runs (rule LA3).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Dir {
    Ltr,
    Rtl,
}

impl Dir {
    /// By language tag; Latin where nothing else is known.
    pub fn of(language: &str) -> Dir {
        const RTL: [&str; 13] =
            ["ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "syr", "ug", "ur", "yi"];
        let language = language.to_ascii_lowercase();
        let mut words = language.split('-');
        let first = words.next().unwrap_or_default();
        // A script subtag outweighs the language (RFC 5646 2.2.3).
        match words.find(|w| w.len() == 4 && w.bytes().all(|b| b.is_ascii_alphabetic())) {
            Some("arab" | "hebr" | "syrc" | "thaa" | "nkoo" | "adlm") => Dir::Rtl,
            Some(_) => Dir::Ltr,
            None if RTL.contains(&first) => Dir::Rtl,
            None => Dir::Ltr,
        }
    }

    /// As the attribute `dir` of HTML has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dir::Ltr => "ltr",
            Dir::Rtl => "rtl",
        }
    }
}
