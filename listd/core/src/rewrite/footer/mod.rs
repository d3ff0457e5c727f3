//! What stands below the mails of a list: the text in one language, and how it gets into a part of a mail.
//!
//! Pure. Which texts are set is `list::FooterTexts`; where a mail changes at all is `rewrite::body`.

use std::ops::Range;

use crate::message::{Encoding, Part};

mod charset;
pub(super) mod html;
mod html_form;
mod part;
mod places;
mod text;
pub(super) mod wire;
mod words;

pub(super) use part::{extended, wrapped};
pub(super) use places::{Otherwise, plan};
pub use words::footer;

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

/// A text part that is to grow.
#[derive(Copy, Clone, Debug)]
pub(super) struct Leaf<'a> {
    /// Lower-case.
    pub kind: &'a str,
    pub params: &'a [(String, String)],
    pub encoding: Encoding,
    pub body: &'a [u8],
    /// It is the whole mail, not a part of one.
    pub is_mail: bool,
}

impl<'a> Leaf<'a> {
    pub fn of(part: &'a Part, raw: &'a [u8]) -> Leaf<'a> {
        let (kind, params) = (part.kind.as_str(), part.params.as_slice());
        let (encoding, body, is_mail) = (part.encoding, part.body(raw), part.depth == 0);
        Leaf { kind, params, encoding, body, is_mail }
    }
}

/// What makes a text part grow: one stretch of its body, as it is encoded for transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grown {
    /// Counts in the body.
    pub at: Range<usize>,
    pub new: Vec<u8>,
    /// What the parameter `charset` becomes, if it changes.
    pub charset: Option<&'static str>,
    /// What Content-Transfer-Encoding becomes, if it changes.
    pub encoding: Option<&'static str>,
}

/// Why a part does not grow.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It ends in this footer.
    Already,
    /// What it says can't be told without doubt, so nothing is added to it (rule B9).
    Unreadable,
}

/// How the footer gets into a text part.
pub(super) fn grow(leaf: &Leaf<'_>, footer: &Footer) -> Result<Grown, Unfit> {
    match leaf.kind {
        "text/html" => html::grow(leaf, footer),
        _ => text::grow(leaf, footer),
    }
}
