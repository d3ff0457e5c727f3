//! What is known of the directory, and what its safety catch holds (promise 6).

use serde::{Deserialize, Serialize};

use super::Person;
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryState {
    /// Where it is, e.g. `ldap://127.0.0.1:389`.
    pub url: String,
    /// How it is followed, e.g. `refreshAndPersist`, `file`, `snapshot`.
    pub mode: String,
    pub freshness: Freshness,
    /// When the membership was last known to be current.
    pub as_of: Option<Timestamp>,
    pub people: usize,
    pub groups: usize,
    pub lists: usize,
    pub last_error: Option<String>,
    /// Entries that an admin should mend, e.g. two lists with one address; one sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How many lists (and the directory as a whole) the safety catch holds.
    #[serde(default)]
    pub held: usize,
}

/// Whether mail goes out on what is known of the membership (promise 6).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    Fresh,
    /// Older than `max_staleness`: mail waits.
    Stale,
    /// Nothing was ever read: mail waits.
    Never,
}

/// The directory, and what the safety catch holds (promise 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryDetail {
    pub state: DirectoryState,
    pub now: Timestamp,
    /// The server's change number up to which all is known.
    pub csn: Option<String>,
    pub held: Vec<Held>,
}

/// A list that shrank more than its guard allows: mail to it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `None` for the people of the directory together: then mail to all lists waits.
    pub list: Option<String>,
    pub title: String,
    pub since: Timestamp,
    /// How many were on it when it was accepted last, and how many are now.
    pub accepted: usize,
    pub now: usize,
    /// An admin rejected it: mail goes to those who were accepted, until the directory says something else.
    pub rejected: bool,
    /// It is no list any more.
    pub gone: bool,
}

/// Who came to a list and who left it since it was accepted last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub list: Option<String>,
    /// It is held since then.
    pub held_since: Option<Timestamp>,
    pub accepted: usize,
    pub now: usize,
    pub went: Vec<Person>,
    pub came: Vec<Person>,
    /// How many more went and came that are protected.
    #[serde(default)]
    pub went_protected: usize,
    #[serde(default)]
    pub came_protected: usize,
}

/// Believe what the directory says of a list, or (`None`) of all that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    pub list: Option<String>,
}
