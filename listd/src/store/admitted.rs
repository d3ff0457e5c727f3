//! People whom somebody let onto a list though the directory does not name them there.
//!
//! Values and the trait that reads them. What they count for is `members`', who may let them in the desk's.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::hold::By;
use listcore::list::ListId;
use listcore::recipients::{PersonId, Recipient, Roster};
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Commit, StoreError};

/// One of them, on one list. Stored as JSON; a new field gets a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    pub list: ListId,
    pub address: Address,
    /// As she wrote it, or an admin; empty where nobody did.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub language: Option<String>,
    /// Whom the directory knew by this address then.
    #[serde(default)]
    pub person: Option<PersonId>,
    /// Who let her in.
    pub by: By,
    pub at: Timestamp,
}

impl Admitted {
    /// As one who gets copies.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            person: self.person.clone(),
            address: self.address.clone(),
            name: Some(self.name.clone()).filter(|name| !name.is_empty()),
            language: self.language.clone(),
        }
    }

    /// She is on the list, and for no other reason.
    pub fn is_beside(&self, roster: &Roster) -> bool {
        let her = |who: &&Recipient| who.person.is_some() && who.person == self.person;
        roster.is_admitted(&self.recipient())
            || roster.recipients.iter().filter(her).any(|who| roster.is_admitted(who))
    }

    /// The directory names her there as well.
    pub fn is_named(&self, roster: &Roster) -> bool {
        let is_on = roster.has_address(&self.address)
            || self.person.as_ref().is_some_and(|id| roster.has_person(id));
        is_on && !self.is_beside(roster)
    }
}

/// What the members room reads at start.
#[async_trait]
pub trait Admissions: Commit {
    /// All, by list and address.
    async fn admitted(&self) -> Result<Vec<Admitted>, StoreError>;
}
