//! What would happen to a mail: the decision, and the copies that would go out.

use serde::{Deserialize, Serialize};

use super::{Person, Skipped};
use crate::list::settings::{Key, Source};
use crate::rewrite::Changes;

/// What would happen to a mail. Nothing was stored or sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    pub list: String,
    /// It would go out.
    pub accepted: bool,
    /// The rule that decides, with what lies behind it, e.g. `author (no signature of gmx.example)`.
    pub rule: String,
    /// Why it would wait for somebody's word, in one word; `None` where it would not.
    #[serde(default)]
    pub waits: Option<String>,
    /// What would have to be set otherwise for another decision; `None` where nothing would do.
    #[serde(default)]
    pub setting: Option<Decisive>,
    /// The answer to the sending server, e.g. `550 5.7.1 ...`.
    pub reply: String,
    /// Whether the author counts as verified, and by what.
    pub author: String,
    /// What the spam and virus filter said, e.g. `clean` or `not_asked`.
    #[serde(default)]
    pub scan: String,
    /// What an admin should know of it beside.
    #[serde(default)]
    pub notes: Vec<String>,
    pub recipients: Vec<Person>,
    pub skipped: Vec<Skipped>,
    /// How many more of both that are protected.
    #[serde(default)]
    pub recipients_protected: usize,
    #[serde(default)]
    pub skipped_protected: usize,
    /// Each different copy; empty where the mail would not go out or copies were not asked for.
    pub copies: Vec<SimulatedCopy>,
    /// Personal copies beyond those rendered; they differ in the recipient only.
    pub copies_left_out: usize,
}

/// A setting that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisive {
    pub key: Key,
    /// As `listctl list set` takes it; for `expires` a timestamp.
    pub value: String,
    /// Where it comes from.
    pub source: Option<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedCopy {
    /// MAIL FROM.
    pub sender: String,
    /// RCPT TO.
    pub to: Vec<String>,
    /// In which our own words are, e.g. `de`.
    #[serde(default)]
    pub language: String,
    /// For those who want plain text only.
    #[serde(default)]
    pub plain: bool,
    /// The whole mail, CRLF, in base64.
    pub mail: String,
    /// Where it was asked for.
    #[serde(default)]
    pub changes: Option<SimulatedChanges>,
}

/// What was changed in a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedChanges {
    /// To be read by people: `-` and `+` lines for header fields, `~` lines for parts.
    pub diff: String,
    /// With the copy, enough to make the mail again that came in.
    pub record: Changes,
}
