//! What a copy says in place of what was left out of it, in the reader's language. Nothing in it is personal.

use crate::list::Role;
use crate::message::unseen::hides;
use crate::notice::{self, Why};
use crate::rewrite::{Frozen, encode, role_address, structure};

/// Most characters of a file's name that are shown, and most files that are named.
const LONGEST: usize = 80;
const MOST: usize = 20;

/// An attachment that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rewrite) struct Gone {
    /// As the author wrote it; empty where there is none.
    pub name: String,
    /// Octets, decoded.
    pub size: u64,
    pub why: Why,
    /// It stood in a mail inside the mail, which went with it.
    pub enclosed: bool,
}

/// Who speaks in a note, and in which language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Language tag, e.g. `de`.
    pub language: String,
    /// What a person calls the list.
    pub list: String,
    /// Whom to ask.
    pub owner: String,
}

impl Notes {
    pub fn of(frozen: &Frozen, language: &str) -> Notes {
        let owner = role_address(&frozen.address, Role::Owner);
        Notes {
            language: notice::spoken(language).unwrap_or("en").to_owned(),
            list: encode::clean(frozen.title()),
            owner: owner.map_or_else(|| frozen.address.to_string(), |owner| owner.to_string()),
        }
    }

    /// A part, header and body, that names what was taken out.
    pub(in crate::rewrite) fn removed(&self, all: &[Gone]) -> String {
        let mut text = String::new();
        for gone in all.iter().take(MOST) {
            let name = shown(&gone.name);
            text += &notice::removed(&self.language, &self.list, &name, gone.size, gone.why);
            text.push('\n');
        }
        if let Some(more) = all.len().checked_sub(MOST).filter(|more| *more > 0) {
            text += &format!("... +{more}\n");
        }
        if all.iter().any(|gone| gone.enclosed) {
            text += &notice::word(&self.language, "attachment-enclosed");
            text.push('\n');
        }
        text += &notice::ask(&self.language, &self.owner, all.len());
        structure::text_part(&text, &self.language)
    }

    /// A part that says how many pictures went with the HTML.
    pub(in crate::rewrite) fn pictures(&self, count: usize) -> String {
        structure::text_part(&notice::pictures(&self.language, count), &self.language)
    }
}

/// A name on one line in which nothing is hidden: no control character, none that turns the direction of writing.
pub(in crate::rewrite) fn shown(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !hides(*c)).collect();
    let clean = clean.trim();
    let short: String = clean.chars().take(LONGEST).collect();
    if short.len() < clean.len() {
        // The end of a name says what it is.
        let end: Vec<char> = clean.chars().rev().take(12).collect();
        return format!("{short}...{}", end.into_iter().rev().collect::<String>());
    }
    short
}
