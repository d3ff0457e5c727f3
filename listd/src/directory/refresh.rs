//! The refresh stage of RFC 4533 as a value: what the server has told so far, and what follows when it is done.
//!
//! No connection. Nothing of it is seen outside before the refresh is complete.

use std::collections::{HashMap, HashSet};

use listcore::entry::Entry;

use super::replica::Replica;

/// Collects one refresh.
#[derive(Debug, Default)]
pub struct Refresh {
    upserts: HashMap<String, Entry>,
    present: HashSet<String>,
    deleted: HashSet<String>,
    /// What was not named is gone: the present phase (RFC 4533 3.3.1), or a refresh from nothing.
    only_named: bool,
}

impl Refresh {
    /// `from_nothing`: no cookie was sent, so the server tells everything.
    pub fn new(from_nothing: bool) -> Refresh {
        Refresh { only_named: from_nothing, ..Refresh::default() }
    }

    /// An entry is there, new or changed.
    pub fn upsert(&mut self, uuid: String, entry: Entry) {
        self.deleted.remove(&uuid);
        self.upserts.insert(uuid, entry);
    }

    /// An entry is there as we know it.
    pub fn present(&mut self, uuid: String) {
        self.deleted.remove(&uuid);
        self.present.insert(uuid);
    }

    pub fn delete(&mut self, uuid: String) {
        self.upserts.remove(&uuid);
        self.present.remove(&uuid);
        self.deleted.insert(uuid);
    }

    /// A present phase has ended.
    pub fn end_of_present(&mut self) {
        self.only_named = true;
    }

    /// The new state, out of the old one.
    pub fn applied_to(self, old: &Replica) -> Replica {
        let mut new = old.clone();
        let gone: Vec<String> = old
            .entries()
            .map(|(uuid, _)| uuid.to_string())
            .filter(|uuid| {
                let named = self.upserts.contains_key(uuid) || self.present.contains(uuid);
                self.deleted.contains(uuid) || (self.only_named && !named)
            })
            .collect();
        for uuid in gone {
            new.remove(&uuid);
        }
        for (uuid, entry) in self.upserts {
            new.upsert(&uuid, entry);
        }
        new
    }
}
