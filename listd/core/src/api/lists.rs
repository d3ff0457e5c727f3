//! Lists: what each is, what was set for it, and the emergency in which all its mail waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Person;
use crate::list::Settings;
use crate::list::settings::{Key, Source};
use crate::time::Timestamp;

/// A line of `listctl lists`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListLine {
    pub address: String,
    pub name: String,
    pub description: String,
    /// Who gets mail.
    pub recipients: usize,
    /// Who is in the group and gets none.
    pub skipped: usize,
    /// It is closed from then on.
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDetail {
    pub id: String,
    pub dn: String,
    pub address: String,
    pub aliases: Vec<String>,
    pub name: String,
    pub description: String,
    pub settings: Settings,
    pub expires: Option<Timestamp>,
    /// Where each setting comes from.
    #[serde(default)]
    pub sources: BTreeMap<Key, Source>,
    /// Only people of the directory may post, whatever `post` says (`fdGroupMailLocalOnly`).
    #[serde(default)]
    pub local_only: bool,
    /// What the group's entry, or an earlier `listctl list set`, says and makes no sense.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Who gets mail to `-owner`: the owners, else the domain's admins.
    pub owners: Vec<Person>,
    /// How many more that are protected.
    #[serde(default)]
    pub owners_protected: usize,
    pub recipients: usize,
    pub skipped: usize,
}

/// Set one setting of one list, or take back what was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    pub list: String,
    /// As in `[list]`; `expires` too.
    pub key: String,
    /// `None` = unset. More than one only for `post`.
    pub value: Option<Vec<String>>,
}

/// Hold all mail to a list or to all lists of a domain, or hold it no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// A list (address or short name) or a domain.
    pub place: String,
    pub on: bool,
}

/// Lists of which all mail waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Address, and who says so.
    pub lists: Vec<(String, Option<Source>)>,
    /// Mails that wait because of an emergency, there or earlier; of the oldest 1,000 that wait at all.
    pub waiting: usize,
}
