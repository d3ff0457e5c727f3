//! Who is on a list: groups in groups, persons with several addresses, one copy per address.
//!
//! Pure: it walks whatever answers the trait [`Lookup`]. Not the replica itself (`listd/directory`), and not
//! which attribute means what (`mapping`).

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::ldap_url::MemberUrl;
use crate::list::ListId;
use crate::list::settings::Layer;

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

/// A person of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub dn: String,
    /// Folded, for `memberUid` and SMTP AUTH.
    pub logins: Vec<String>,
    /// Where copies go.
    pub address: Option<Address>,
    /// All that are this person's, the one above included.
    pub owns: Vec<Address>,
    pub name: Option<String>,
    pub language: Option<String>,
    pub inactive: bool,
    /// Keys of the addresses of lists whose mail this person does not want, or `*`.
    pub muted: Vec<String>,
    /// Hidden authors whom this person answers may see the address.
    pub shows_address: bool,
    /// Name and address are shown to nobody who gives no reason (rule GD4).
    pub protected: bool,
    /// Values that were rejected, and why.
    pub problems: Vec<String>,
}

/// A group of the directory; a list where it has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: ListId,
    pub dn: String,
    pub address: Option<Address>,
    pub aliases: Vec<Address>,
    /// One line; empty where the directory has none.
    pub name: String,
    pub description: String,
    pub members: Vec<Member>,
    pub owners: Vec<Member>,
    pub moderators: Vec<Member>,
    /// What the entry says of the list's settings, its end included.
    pub settings: Layer,
    /// Only people of the directory may post, whatever the settings say.
    pub local_only: bool,
    /// Values that were rejected, and why. Those of the settings are in `settings`.
    pub problems: Vec<String>,
}

/// How a group names its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// DN in normal form.
    Dn(String),
    /// Folded.
    Login(String),
    Url(Box<MemberUrl>),
    Address(Address),
    Bad {
        value: String,
        why: String,
    },
}

/// What the expansion asks the replica.
pub trait Lookup {
    /// `dn` in normal form.
    fn person(&self, dn: &str) -> Option<&Person>;
    fn group(&self, dn: &str) -> Option<&Group>;
    /// All who have this login (folded).
    fn by_login(&self, login: &str) -> Vec<&Person>;
    /// All to whom the address belongs.
    fn by_address(&self, address: &Address) -> Vec<&Person>;
    /// All whom a search finds.
    fn found(&self, url: &MemberUrl) -> Vec<&Person>;
}

/// Who gets the copies of a list, and who does not and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// In the order of the group's values; no address twice.
    pub recipients: Vec<Recipient>,
    pub skipped: Vec<Skipped>,
    persons: HashSet<PersonId>,
    muted: HashSet<PersonId>,
    protected: HashSet<PersonId>,
    keys: HashSet<String>,
    /// Keys of those who are on it beside the directory.
    admitted: HashSet<String>,
}

/// A member value that leads to no copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The DN, login or address as far as it is known.
    pub what: String,
    pub why: String,
}

impl Roster {
    /// One of known recipients, e.g. as they were accepted earlier.
    pub fn of(recipients: Vec<Recipient>) -> Roster {
        let persons = recipients.iter().filter_map(|r| r.person.clone()).collect();
        let keys = recipients.iter().map(|r| r.address.key()).collect();
        Roster { recipients, persons, keys, ..Roster::default() }
    }

    /// How many are on the list as far as it can be told: what the safety catch measures.
    pub fn size(&self) -> usize {
        self.recipients.len() + self.muted.len()
    }

    /// True for an active person who is a member, also where another has the same address or none is set.
    pub fn has_person(&self, id: &PersonId) -> bool {
        self.persons.contains(id)
    }

    /// On the list, and does not want its mail.
    pub fn is_muted(&self, id: &PersonId) -> bool {
        self.muted.contains(id)
    }

    /// The same with these among them protected.
    pub fn protecting(self, protected: HashSet<PersonId>) -> Roster {
        Roster { protected, ..self }
    }

    /// Those on it who are shown to nobody.
    pub fn protected(&self) -> &HashSet<PersonId> {
        &self.protected
    }

    /// The same with people who were let onto the list beside the directory. Whoever is on it already stands once, an
    /// account that was closed lets nobody in, and `list` is as in [`expand_for`].
    pub fn admitting(
        &self,
        lookup: &dyn Lookup,
        list: &[&Address],
        people: &[Recipient],
    ) -> Roster {
        let mut walk = Walk::new(lookup, list, self.clone());
        for who in people {
            walk.admit(who);
        }
        walk.roster
    }

    /// True for one who is on the list only because somebody let her in.
    pub fn is_admitted(&self, who: &Recipient) -> bool {
        self.admitted.contains(&who.address.key())
    }

    /// True where a copy goes to this mailbox.
    pub fn has_address(&self, address: &Address) -> bool {
        self.keys.contains(&address.key())
    }
}

/// Resolves member values to recipients. A group that is reached twice, or contains itself, counts once.
pub fn expand<'a>(lookup: &'a dyn Lookup, members: &'a [Member]) -> Roster {
    expand_for(lookup, members, &[])
}

/// [`expand`] for the mail of a list with these addresses: who has muted it is on it and gets nothing.
pub fn expand_for<'a>(lookup: &'a dyn Lookup, members: &'a [Member], list: &[&Address]) -> Roster {
    let mut walk = Walk::new(lookup, list, Roster::default());
    walk.todo.push(members.iter());
    while let Some(values) = walk.todo.last_mut() {
        match values.next() {
            Some(member) => walk.member(member),
            None => {
                walk.todo.pop();
            }
        }
    }
    walk.roster
}

struct Walk<'a> {
    lookup: &'a dyn Lookup,
    /// Keys of the list's addresses; none where nothing can be muted.
    list: Vec<String>,
    roster: Roster,
    groups: HashSet<&'a ListId>,
    /// Groups within groups whose values are not all walked yet; a list of our own, so that depth costs no stack.
    todo: Vec<std::slice::Iter<'a, Member>>,
}

impl<'a> Walk<'a> {
    fn new(lookup: &'a dyn Lookup, list: &[&Address], roster: Roster) -> Walk<'a> {
        let list = list.iter().map(|address| address.key()).collect();
        Walk { lookup, list, roster, groups: HashSet::new(), todo: Vec::new() }
    }

    /// Somebody beside the directory. An address of one of its persons is that person's.
    fn admit(&mut self, who: &Recipient) {
        let persons = self.lookup.by_address(&who.address);
        let is_on = |person: &&Person| self.roster.persons.contains(&person.id);
        if self.roster.has_address(&who.address) || persons.iter().any(is_on) {
            return;
        }
        self.roster.admitted.insert(who.address.key());
        if !persons.is_empty() {
            return self.add_external(&who.address);
        }
        self.roster.keys.insert(who.address.key());
        self.roster.recipients.push(Recipient { person: None, ..who.clone() });
    }

    fn member(&mut self, member: &'a Member) {
        match member {
            Member::Dn(dn) => match (self.lookup.person(dn), self.lookup.group(dn)) {
                (Some(person), _) => self.add_person(person),
                (None, Some(group)) => {
                    if self.groups.insert(&group.id) {
                        self.todo.push(group.members.iter());
                    }
                }
                (None, None) => self.skip(dn, NOT_THERE),
            },
            Member::Login(login) => match self.lookup.by_login(login).as_slice() {
                [person] => self.add_person(person),
                [] => self.skip(login, "no person in the directory has this login"),
                [a, b, ..] => {
                    let why = format!("more than one person has this login: {} and {}", a.dn, b.dn);
                    self.skip(login, &why);
                }
            },
            Member::Url(url) => {
                for person in self.lookup.found(url) {
                    self.add_person(person);
                }
            }
            Member::Address(address) => self.add_external(address),
            Member::Bad { value, why } => self.skip(value, why),
        }
    }

    fn add_person(&mut self, person: &Person) {
        if person.inactive {
            return self.skip(&person.dn, "the account is inactive");
        }
        if !self.note(person) {
            return;
        }
        if self.is_muted(person) {
            self.roster.muted.insert(person.id.clone());
            return self.skip(&person.dn, MUTED);
        }
        match &person.address {
            Some(address) => self.add(address, Some(person)),
            None if person.problems.is_empty() => self.skip(&person.dn, "no mail address is set"),
            None => self.skip(&person.dn, &person.problems.join("; ")),
        }
    }

    /// An address that belongs to persons of the directory is theirs, wherever it was written.
    fn add_external(&mut self, address: &Address) {
        let persons = self.lookup.by_address(address);
        let active = persons.iter().find(|p| !p.inactive);
        match (active, persons.first()) {
            (Some(person), _) if self.is_muted(person) => {
                self.note(person);
                self.roster.muted.insert(person.id.clone());
                self.skip(&person.dn, MUTED);
            }
            (Some(person), _) => {
                self.note(person);
                self.add(address, Some(person));
            }
            (None, Some(person)) => self.skip(&person.dn, "the account is inactive"),
            (None, None) => self.add(address, None),
        }
    }

    /// Says whether she is met for the first time.
    fn note(&mut self, person: &Person) -> bool {
        if person.protected {
            self.roster.protected.insert(person.id.clone());
        }
        self.roster.persons.insert(person.id.clone())
    }

    fn add(&mut self, address: &Address, person: Option<&Person>) {
        if self.roster.keys.insert(address.key()) {
            self.roster.recipients.push(Recipient {
                person: person.map(|p| p.id.clone()),
                address: address.clone(),
                name: person.and_then(|p| p.name.clone()),
                language: person.and_then(|p| p.language.clone()),
            });
        }
    }

    fn is_muted(&self, person: &Person) -> bool {
        let hit =
            |muted: &String| self.list.contains(muted) || (muted == "*" && !self.list.is_empty());
        person.muted.iter().any(hit)
    }

    fn skip(&mut self, what: &str, why: &str) {
        self.roster.skipped.push(Skipped { what: what.to_owned(), why: why.to_owned() });
    }
}

const MUTED: &str = "this person has muted the list (listMuted)";

const NOT_THERE: &str = "no such entry that the people or the lists filter matches: \
    it is gone, it is no person, or we may not read it";

#[cfg(test)]
mod tests;
