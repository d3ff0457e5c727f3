//! Who is on a list, who gets nothing and why, and who was let onto it beside the directory.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Somebody who gets mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub address: String,
    pub name: Option<String>,
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    pub list: String,
    pub recipients: Vec<Person>,
    pub skipped: Vec<Skipped>,
    /// How many more of both that are protected.
    #[serde(default)]
    pub recipients_protected: usize,
    #[serde(default)]
    pub skipped_protected: usize,
    /// Who of them is on the list beside the directory.
    #[serde(default)]
    pub admitted: Vec<Admitted>,
    /// Who of the recipients gets digests instead of single mails.
    #[serde(default)]
    pub digests: Vec<Gathers>,
}

/// Something in the group that gets no mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The DN, login or address as the group has it.
    pub what: String,
    /// Why, e.g. `no entry with this DN`.
    pub why: String,
}

/// A member who gets digests, by an own choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathers {
    pub address: String,
    /// `daily` or `weekly`.
    pub period: String,
}

/// Somebody who was let onto a list beside the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    pub address: String,
    /// Who let her in, e.g. `a.lehrer@schule.example` or `root with listctl`.
    pub by: String,
    pub at: Timestamp,
    /// The directory names her there as well now.
    #[serde(default)]
    pub in_directory: bool,
}

/// Lets somebody onto a list beside the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    pub list: String,
    pub address: String,
    #[serde(default)]
    pub name: String,
    /// E.g. `de`; empty = the list's.
    #[serde(default)]
    pub language: String,
}

/// Takes that back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismiss {
    pub list: String,
    pub address: String,
}

/// Somebody is on a list beside the directory now, or is not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub list: String,
    pub address: String,
}

/// An address works again, says an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    pub address: String,
    /// Where it was paused.
    pub domains: Vec<String>,
}
