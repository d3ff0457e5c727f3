//! The directory in memory: entries by entryUUID, and the indexes that make look-ups cheap.
//!
//! Values in, values out: where the entries come from is `sync` and `file`, who reads them is `members`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use listcore::address::Address;
use listcore::dn;
use listcore::entry::Entry;
use listcore::ldap_url::MemberUrl;
use listcore::list::ListId;
use listcore::mapping::Mapping;
use listcore::recipients::{Group, Lookup, Member, Person};

use super::live::Change;

/// entryUUID, lower-case with hyphens.
pub type Uuid = Arc<str>;

/// All people and groups, and what they mean.
#[derive(Clone, Debug)]
pub struct Replica {
    mapping: Arc<Mapping>,
    records: HashMap<Uuid, Record>,
    by_dn: HashMap<Box<str>, Uuid>,
    by_login: HashMap<Box<str>, Vec<Uuid>>,
    by_address: HashMap<Box<str>, Vec<Uuid>>,
}

#[derive(Clone, Debug)]
struct Record {
    /// DN in normal form.
    dn: Box<str>,
    entry: Arc<Entry>,
    person: Option<Arc<Person>>,
    group: Option<Arc<Group>>,
}

/// What a change touched, so that only what depends on it is computed again.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    pub people: bool,
    pub groups: bool,
}

impl Replica {
    pub fn new(mapping: Arc<Mapping>) -> Replica {
        Replica {
            mapping,
            records: HashMap::new(),
            by_dn: HashMap::new(),
            by_login: HashMap::new(),
            by_address: HashMap::new(),
        }
    }

    /// Takes an entry in, in place of an earlier one with this uuid (also where its DN is another now).
    /// An entry that neither filter matches is one that is not there.
    pub fn upsert(&mut self, uuid: &str, entry: Entry) -> Touched {
        if self.entry(uuid).is_some_and(|have| **have == entry) {
            return Touched::default();
        }
        let before = self.remove(uuid);
        let (person, group) = (self.mapping.person(uuid, &entry), self.mapping.group(uuid, &entry));
        let Some(dn) = dn::normal(&entry.dn) else { return before };
        if person.is_none() && group.is_none() {
            return before;
        }
        let uuid: Uuid = uuid.into();
        if let Some(person) = &person {
            for login in &person.logins {
                index(&mut self.by_login, login, &uuid);
            }
            for address in &person.owns {
                index(&mut self.by_address, &address.key(), &uuid);
            }
        }
        let touched = Touched {
            people: before.people || person.is_some(),
            groups: before.groups || group.is_some(),
        };
        let dn: Box<str> = dn.into();
        self.by_dn.insert(dn.clone(), uuid.clone());
        let record = Record {
            dn,
            entry: Arc::new(entry),
            person: person.map(Arc::new),
            group: group.map(Arc::new),
        };
        self.records.insert(uuid, record);
        touched
    }

    /// Forgets an entry; nothing happens where there is none.
    pub fn remove(&mut self, uuid: &str) -> Touched {
        let Some(record) = self.records.remove(uuid) else { return Touched::default() };
        if self.by_dn.get(&record.dn).is_some_and(|owner| **owner == *uuid) {
            self.by_dn.remove(&record.dn);
        }
        if let Some(person) = &record.person {
            for login in &person.logins {
                unindex(&mut self.by_login, login, uuid);
            }
            for address in &person.owns {
                unindex(&mut self.by_address, &address.key(), uuid);
            }
        }
        Touched { people: record.person.is_some(), groups: record.group.is_some() }
    }

    pub fn entry(&self, uuid: &str) -> Option<&Arc<Entry>> {
        self.records.get(uuid).map(|r| &r.entry)
    }

    pub fn entries(&self) -> impl Iterator<Item = (&Uuid, &Arc<Entry>)> {
        self.records.iter().map(|(uuid, record)| (uuid, &record.entry))
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn people(&self) -> usize {
        self.records.values().filter(|r| r.person.is_some()).count()
    }

    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.records.values().filter_map(|r| r.group.as_ref())
    }

    pub fn group_by_id(&self, id: &ListId) -> Option<&Arc<Group>> {
        self.records.get(id.0.as_str()).and_then(|r| r.group.as_ref())
    }

    pub fn person_by_id(&self, id: &str) -> Option<&Person> {
        self.records.get(id).and_then(|r| r.person.as_deref())
    }

    /// The DN (in normal form) under which an entry is known.
    pub fn dn(&self, uuid: &str) -> Option<&str> {
        self.records.get(uuid).map(|r| r.dn.as_ref())
    }

    /// Groups that name an entry by this DN.
    pub fn naming(&self, dn: &str) -> Vec<Uuid> {
        let names = |m: &Member| matches!(m, Member::Dn(have) if have == dn);
        let naming = |g: &Group| {
            g.members.iter().any(names)
                || g.owners.iter().any(names)
                || g.moderators.iter().any(names)
        };
        let groups = self.records.iter().filter(|(_, r)| r.group.as_deref().is_some_and(naming));
        groups.map(|(uuid, _)| uuid.clone()).collect()
    }

    /// True where a group names an entry by one of these DNs.
    pub fn names_any(&self, dns: &HashSet<String>) -> bool {
        let names = |m: &Member| matches!(m, Member::Dn(dn) if dns.contains(dn));
        let naming = |g: &Arc<Group>| {
            [&g.members, &g.owners, &g.moderators].into_iter().flatten().any(names)
        };
        !dns.is_empty() && self.groups().any(naming)
    }

    /// What must change in `old` to make it this.
    pub fn changes_from(&self, old: &Replica) -> Vec<Change> {
        let new = self.records.iter().filter(|(uuid, r)| old.entry(uuid) != Some(&r.entry));
        let gone = old.records.keys().filter(|uuid| !self.records.contains_key(*uuid));
        new.map(|(uuid, r)| Change::Upsert(uuid.to_string(), (*r.entry).clone()))
            .chain(gone.map(|uuid| Change::Remove(uuid.to_string())))
            .collect()
    }

    /// What is to be asked of the server: the mapping's attributes, and those that dynamic groups look at.
    pub fn wanted(&self) -> BTreeSet<String> {
        let mut names = self.mapping.attributes();
        for group in self.groups() {
            names.extend(Mapping::attributes_of(group));
        }
        names
    }

    fn by_uuids(&self, uuids: Option<&Vec<Uuid>>) -> Vec<&Person> {
        let ids = uuids.into_iter().flatten();
        ids.filter_map(|uuid| self.person_by_id(uuid)).collect()
    }
}

impl Lookup for Replica {
    fn person(&self, dn: &str) -> Option<&Person> {
        self.by_dn.get(dn).and_then(|uuid| self.person_by_id(uuid))
    }

    fn group(&self, dn: &str) -> Option<&Group> {
        let uuid = self.by_dn.get(dn)?;
        self.records.get(uuid).and_then(|r| r.group.as_deref())
    }

    fn by_login(&self, login: &str) -> Vec<&Person> {
        self.by_uuids(self.by_login.get(login))
    }

    fn by_address(&self, address: &Address) -> Vec<&Person> {
        self.by_uuids(self.by_address.get(address.key().as_str()))
    }

    /// In the order of the DNs, so that the answer does not depend on the order in memory.
    fn found(&self, url: &MemberUrl) -> Vec<&Person> {
        let mut found: Vec<(&str, &Person)> = self
            .records
            .values()
            .filter(|r| url.finds(&r.dn, &r.entry))
            .filter_map(|r| Some((r.dn.as_ref(), r.person.as_deref()?)))
            .collect();
        found.sort_unstable_by_key(|(dn, _)| *dn);
        found.into_iter().map(|(_, person)| person).collect()
    }
}

/// Keeps the uuids of a key in order, so that two daemons choose the same person.
fn index(map: &mut HashMap<Box<str>, Vec<Uuid>>, key: &str, uuid: &Uuid) {
    let uuids = map.entry(key.into()).or_default();
    if let Err(at) = uuids.binary_search(uuid) {
        uuids.insert(at, uuid.clone());
    }
}

fn unindex(map: &mut HashMap<Box<str>, Vec<Uuid>>, key: &str, uuid: &str) {
    if let Some(uuids) = map.get_mut(key) {
        uuids.retain(|have| **have != *uuid);
        if uuids.is_empty() {
            map.remove(key);
        }
    }
}
