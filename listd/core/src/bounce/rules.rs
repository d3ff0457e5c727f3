//! The rules as they stand in `rules.toml`, read once. What a bounce says is data; this is only its shape.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Class;
use super::phrases::Phrases;

/// All rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// Lines that are one of these begin the mail that came back.
    pub returned_line: Vec<String>,
    /// So do lines that begin with one of these.
    pub returned: Phrases,
    /// What stands right in front of an address that failed.
    pub labels: Phrases,
    /// An address in such a line is not one that failed.
    pub not_recipients: Phrases,
    /// Local parts that are never a member's.
    pub not_locals: Vec<String>,
    /// The address was refused after the mail itself.
    pub after_data: Phrases,
    /// It was not, though it looks so.
    pub before_data: Phrases,
    /// It was refused before any recipient was named.
    pub before_rcpt: Phrases,
    pub kind: Kinds,
    /// In order: the first that matches counts.
    pub rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kinds {
    /// In the subject of a bounce.
    pub bounce_subject: Phrases,
    /// In the words of a bounce.
    pub bounce: Phrases,
    /// Local parts and names that bounces come from.
    pub senders: Phrases,
    pub delayed_subject: Phrases,
    pub delayed: Phrases,
    pub given_up: Phrases,
    pub vacation_subject: Phrases,
    pub vacation: Phrases,
    pub challenge_subject: Phrases,
    pub challenge: Phrases,
    pub feedback: Phrases,
}

/// One reason and the class that follows from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub name: String,
    pub class: Class,
    #[serde(default = "none")]
    pub text: Phrases,
    /// Enhanced status codes (RFC 3463, RFC 5248), `x` for any number: `5.1.1`, `x.7.x`.
    #[serde(default)]
    pub status: Vec<String>,
}

fn none() -> Phrases {
    Phrases::from(Vec::new())
}

/// The rules of this version; that they can be read is tested.
#[allow(clippy::expect_used)]
pub(super) static RULES: LazyLock<Rules> =
    LazyLock::new(|| toml::from_str(include_str!("rules.toml")).expect("rules.toml is tested"));
