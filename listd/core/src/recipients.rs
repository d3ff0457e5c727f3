//! Who is on a list: groups in groups, persons with several addresses, one copy per address.
//!
//! Pure: it walks whatever answers the trait [`Lookup`]. Not the replica itself (`listd/directory`).

use serde::{Deserialize, Serialize};

use crate::address::Address;

/// The stable name of a person: the entryUUID of the entry, lower-case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PersonId(pub String);

/// One who gets a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// `None` for an external address that is nobody's in the directory.
    pub person: Option<PersonId>,
    pub address: Address,
    /// Name to show; `None` where the directory has none.
    pub name: Option<String>,
    /// `preferredLanguage`, e.g. `de`.
    pub language: Option<String>,
}
