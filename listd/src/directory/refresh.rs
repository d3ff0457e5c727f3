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

    /// False where the server takes for known what we do not have: then its cookie was another server's.
    pub fn fits(&self, old: &Replica) -> bool {
        let known = |uuid: &String| old.entry(uuid).is_some() || self.upserts.contains_key(uuid);
        self.present.iter().all(known)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use listcore::config::{ListMapping, PeopleMapping};
    use listcore::mapping::Mapping;

    use super::*;

    fn person(name: &str) -> Entry {
        let mut entry = Entry::new(&format!("cn={name}"));
        entry.push("cn", name.as_bytes());
        entry
    }

    fn old() -> Replica {
        let lists = ListMapping {
            filter: "(mail=*)".to_owned(),
            address: String::new(),
            address_template: String::new(),
            aliases: vec![],
            name: String::new(),
            description: String::new(),
            members: vec![],
            external: vec![],
            owners: vec![],
            moderators: vec![],
            settings: std::collections::BTreeMap::new(),
        };
        let people = PeopleMapping {
            filter: "(cn=*)".to_owned(),
            login: String::new(),
            address: vec![],
            may_post_as: vec![],
            name: vec![],
            language: String::new(),
            inactive: String::new(),
            address_shown: "listAddressShown".into(),
        };
        let mut old = Replica::new(Arc::new(Mapping::new(&lists, &people).unwrap()));
        for name in ["a", "b", "c"] {
            old.upsert(name, person(name));
        }
        old
    }

    /// RFC 4533 3.3: the present phase, the delete phase, both, and a refresh from nothing.
    #[test]
    fn a_refresh_leads_to_the_servers_state() {
        // Each word: +x is new or changed, =x is present, -x is deleted, ! ends a present phase.
        let cases = [
            ("", false, "a b c"),
            ("-b", false, "a c"),
            ("+d -a", false, "b c d"),
            ("=a =c !", false, "a c"),
            ("+d =a !", false, "a d"),
            ("=a =b ! -b", false, "a"),
            ("-a +a", false, "a b c"),
            ("+b +d", true, "b d"),
            ("", true, ""),
        ];
        for (told, from_nothing, expect) in cases {
            let mut refresh = Refresh::new(from_nothing);
            for word in told.split_whitespace() {
                let (sign, name) = word.split_at(1);
                match sign {
                    "+" => refresh.upsert(name.to_owned(), person(name)),
                    "=" => refresh.present(name.to_owned()),
                    "-" => refresh.delete(name.to_owned()),
                    _ => refresh.end_of_present(),
                }
            }
            assert!(refresh.fits(&old()), "{told}");
            let new = refresh.applied_to(&old());
            let mut names: Vec<&str> = new.entries().map(|(uuid, _)| uuid.as_ref()).collect();
            names.sort_unstable();
            assert_eq!(names.join(" "), expect, "{told:?} from nothing: {from_nothing}");
        }
        let mut foreign = Refresh::new(false);
        foreign.present("x".to_owned());
        assert!(!foreign.fits(&old()));
    }
}
