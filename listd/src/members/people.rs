//! Who somebody is, by address, login or DN: names, languages, what is hers, whether she is shown to anybody.

use listcore::address::Address;
use listcore::dn;
use listcore::entry::folded;
use listcore::recipients::{Lookup as _, PersonId, Recipient};

use super::Members;
use crate::directory::replica::Replica;

/// Under which name and addresses the directory knows somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownAs {
    pub addresses: Vec<Address>,
    pub name: Option<String>,
    /// She lets her address be seen by those whom she answers.
    pub shows_address: bool,
}

impl Members {
    /// Everybody whose address it is.
    pub fn people_of(&self, address: &Address) -> Vec<PersonId> {
        self.live.read(|replica| {
            replica.by_address(address).into_iter().map(|person| person.id.clone()).collect()
        })
    }

    /// What a person calls the group with this DN; `None` where it is none, e.g. a person.
    pub fn group_title(&self, written: &str) -> Option<String> {
        let dn = dn::normal(written)?;
        self.live.read(|replica| {
            let group = replica.group(&dn)?;
            let title = if group.description.is_empty() { &group.name } else { &group.description };
            Some(title.clone()).filter(|title| !title.is_empty())
        })
    }

    /// The language that the directory notes for whoever has this address, e.g. `tr`.
    pub fn language(&self, address: &Address) -> Option<String> {
        self.live.read(|replica| {
            replica.by_address(address).into_iter().find_map(|person| person.language.clone())
        })
    }

    /// What the directory says of whoever has this address; `None` for somebody who is nobody there.
    pub fn known_as(&self, address: &Address) -> Option<KnownAs> {
        self.live.read(|replica| {
            let persons = replica.by_address(address);
            let first = persons.first()?;
            Some(KnownAs {
                addresses: persons.iter().flat_map(|person| person.owns.iter().cloned()).collect(),
                name: first.name.clone(),
                // Where an address is that of several, all of them have to agree.
                shows_address: persons.iter().all(|person| person.shows_address),
            })
        })
    }

    /// True for one whose entry says that she is shown to nobody (rule GD4), also where she is known under an address
    /// that is hers no more, or shares one with somebody.
    pub fn is_protected(&self, who: &Recipient) -> bool {
        self.live.read(|replica| {
            let by_id = who.person.as_ref().and_then(|id| replica.person_by_id(&id.0));
            by_id.is_some_and(|person| person.protected) || protects(replica, &who.address)
        })
    }

    /// The same for one who is named by a DN, a login or an address.
    pub fn names_protected(&self, written: &str) -> bool {
        self.live.read(|replica| {
            let by_dn = || {
                dn::normal(written)
                    .is_some_and(|dn| replica.person(&dn).is_some_and(|person| person.protected))
            };
            let by_address = || Address::parse(written).is_ok_and(|a| protects(replica, &a));
            replica.by_login(&folded(written)).iter().any(|person| person.protected)
                || by_address()
                || by_dn()
        })
    }

    /// True where the address belongs to the active person who logs in with this name (promise 8).
    /// A login that two persons have owns nothing.
    pub fn owns(&self, login: &str, address: &Address) -> bool {
        self.live.read(|replica| match replica.by_login(&folded(login)).as_slice() {
            [person] => !person.inactive && person.owns.iter().any(|a| a.same_as(address)),
            _ => false,
        })
    }
}

/// True where one of those to whom the address belongs is protected.
fn protects(replica: &Replica, address: &Address) -> bool {
    replica.by_address(address).iter().any(|person| person.protected)
}
