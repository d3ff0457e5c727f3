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
mod tests {
    use super::*;

    /// A directory of a few lines: `person NAME [inactive] ADDRESS...`, `group NAME MEMBER...`.
    #[derive(Default)]
    struct Small {
        persons: Vec<Person>,
        groups: Vec<Group>,
    }

    impl Lookup for Small {
        fn person(&self, dn: &str) -> Option<&Person> {
            self.persons.iter().find(|p| p.dn == dn)
        }
        fn group(&self, dn: &str) -> Option<&Group> {
            self.groups.iter().find(|g| g.dn == dn)
        }
        fn by_login(&self, login: &str) -> Vec<&Person> {
            self.persons.iter().filter(|p| p.logins.iter().any(|l| l == login)).collect()
        }
        fn by_address(&self, address: &Address) -> Vec<&Person> {
            self.persons.iter().filter(|p| p.owns.iter().any(|a| a.same_as(address))).collect()
        }
        fn found(&self, _: &MemberUrl) -> Vec<&Person> {
            self.persons.iter().collect()
        }
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn small(text: &str) -> Small {
        let mut small = Small::default();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            let owns: Vec<Address> = words
                .iter()
                .filter(|w| w.contains('@') && !w.starts_with('-'))
                .map(|w| address(w))
                .collect();
            match words[0] {
                "person" => small.persons.push(Person {
                    id: PersonId(format!("id-{}", words[1])),
                    dn: format!("uid={}", words[1]),
                    logins: vec![words[1].trim_end_matches('2').to_owned()],
                    address: owns.first().cloned(),
                    owns,
                    name: Some(words[1].to_owned()),
                    language: None,
                    inactive: words.contains(&"inactive"),
                    muted: words
                        .iter()
                        .filter_map(|w| w.strip_prefix('-'))
                        .map(str::to_owned)
                        .collect(),
                    shows_address: false,
                    protected: words.contains(&"protected"),
                    problems: vec![],
                }),
                _ => small.groups.push(Group {
                    id: ListId(format!("id-{}", words[1])),
                    dn: format!("cn={}", words[1]),
                    address: None,
                    aliases: vec![],
                    name: String::new(),
                    description: String::new(),
                    members: words[2..].iter().map(|w| member(w)).collect(),
                    owners: vec![],
                    moderators: vec![],
                    settings: Layer::new(),
                    local_only: false,
                    problems: vec![],
                }),
            }
        }
        small
    }

    fn member(word: &str) -> Member {
        match word {
            "*" => Member::Url(Box::new(MemberUrl::parse("ldap:///??sub").unwrap())),
            w if w.contains('=') => Member::Dn(w.to_owned()),
            w if w.contains('@') => Member::Address(address(w)),
            w => Member::Login(w.to_owned()),
        }
    }

    const SCHOOL: &str = "
        person anna anna@x.example anna@work.example
        person bert bert@x.example
        person carla ANNA@x.example
        person dora
        person emil inactive emil@x.example
        person twin twin@x.example
        person twin2 twin2@x.example
        group 5a uid=anna uid=bert
        group 5b cn=5a uid=carla cn=5b
        group 5c cn=5d uid=bert
        group 5d cn=5c uid=anna";

    /// Groups in groups, loops, several addresses, one address for two, inactive, no address, missing, external.
    #[test]
    fn members_become_recipients() {
        let cases: [(&str, &[&str], usize); 14] = [
            ("uid=anna uid=bert", &["anna@x.example", "bert@x.example"], 0),
            ("uid=anna uid=anna anna", &["anna@x.example"], 0),
            ("cn=5a", &["anna@x.example", "bert@x.example"], 0),
            ("cn=5b", &["anna@x.example", "bert@x.example"], 0),
            ("cn=5c", &["anna@x.example", "bert@x.example"], 0),
            ("uid=carla uid=anna", &["ANNA@x.example"], 0),
            ("uid=dora", &[], 1),
            ("uid=emil emil@x.example", &[], 2),
            ("cn=printer", &[], 1),
            ("anna nobody", &["anna@x.example"], 1),
            ("twin", &[], 1),
            ("o@out.example O@out.example", &["o@out.example"], 0),
            ("anna@work.example", &["anna@work.example"], 0),
            ("*", &["anna@x.example", "bert@x.example", "twin@x.example", "twin2@x.example"], 2),
        ];
        let school = small(SCHOOL);
        for (members, expect, skipped) in cases {
            let members: Vec<Member> = members.split(' ').map(member).collect();
            let roster = expand(&school, &members);
            let got: Vec<String> =
                roster.recipients.iter().map(|r| r.address.to_string()).collect();
            assert_eq!(got, expect, "{members:?}");
            assert_eq!(roster.skipped.len(), skipped, "{members:?}: {:?}", roster.skipped);
        }
    }

    /// Beside the directory nobody stands twice: neither a member, nor by another address of hers. Whose account is closed
    /// stays outside; who has muted the list is on it without mail; the group itself does not grow.
    #[test]
    fn people_are_let_in_once() {
        let school = small(&format!("{SCHOOL}\n person mia -5b@x.example mia@x.example"));
        let members = [member("uid=anna")];
        let list = address("5b@x.example");
        let before = expand_for(&school, &members, &[&list]);
        let guest = |written: &str, name: &str| Recipient {
            person: None,
            address: address(written),
            name: Some(name.to_owned()),
            language: None,
        };
        let people = [
            guest("Anna@X.example", "the member"),
            guest("anna@work.example", "her other address"),
            guest("bert@x.example", "a person"),
            guest("emil@x.example", "an account that is closed"),
            guest("mia@x.example", "who has muted it"),
            guest("oma@out.example", "a guest"),
            guest("OMA@out.example", "the same"),
        ];
        let roster = before.admitting(&school, &[&list], &people);
        let got: Vec<_> = roster.recipients.iter().map(|r| r.address.to_string()).collect();
        assert_eq!(got, ["anna@x.example", "bert@x.example", "oma@out.example"]);
        let admitted: Vec<bool> =
            roster.recipients.iter().map(|who| roster.is_admitted(who)).collect();
        assert_eq!(admitted, [false, true, true]);
        let [_, bert, oma] = roster.recipients.as_slice() else { panic!("three") };
        assert_eq!(bert.person, Some(PersonId("id-bert".into())), "as the directory knows him");
        assert_eq!(oma.name.as_deref(), Some("a guest"));
        assert!(roster.is_muted(&PersonId("id-mia".into())));
        assert_eq!(before.recipients.len(), 1);
        assert_eq!(before.admitting(&school, &[], &[]), before);
    }

    /// Who has muted a list is still on it, and hides nobody who shares the mailbox.
    #[test]
    fn the_muted_are_members_without_mail() {
        let school = small(
            "person anna a@x.example -5b@x.example
             person bert a@x.example
             person carl c@x.example -*
             person dora d@x.example -6a@x.example",
        );
        let members: Vec<Member> =
            ["uid=anna", "c@x.example", "uid=dora", "uid=bert"].map(member).into();
        let list = address("5B@x.example");
        let roster = expand_for(&school, &members, &[&list]);
        let got: Vec<_> = roster.recipients.iter().map(|r| r.person.clone().unwrap().0).collect();
        assert_eq!(got, ["id-dora", "id-bert"]);
        assert_eq!(roster.skipped.len(), 2);
        for (id, muted) in [("id-anna", true), ("id-bert", false), ("id-carl", true)] {
            let id = PersonId(id.into());
            assert!(roster.has_person(&id) && roster.is_muted(&id) == muted, "{id:?}");
        }
        assert_eq!(expand(&school, &members).recipients.len(), 3, "to owners nothing is muted");
    }

    #[test]
    fn an_external_address_of_a_person_is_that_person() {
        let school = small(SCHOOL);
        let members = [member("anna@work.example"), member("o@out.example")];
        let roster = expand(&school, &members);
        let persons: Vec<_> = roster.recipients.iter().map(|r| r.person.clone()).collect();
        assert_eq!(persons, [Some(PersonId("id-anna".into())), None]);
        assert!(roster.has_person(&PersonId("id-anna".into())));
        assert!(roster.has_address(&address("O@OUT.example")));
    }

    /// Both parents of one mailbox are members, though one copy goes out.
    #[test]
    fn two_persons_with_one_address_are_both_members() {
        let school = small(SCHOOL);
        let members = [member("uid=anna"), member("uid=carla")];
        let roster = expand(&school, &members);
        assert_eq!(roster.recipients.len(), 1);
        for id in ["id-anna", "id-carla"] {
            assert!(roster.has_person(&PersonId(id.into())), "{id}");
        }
    }

    #[test]
    fn a_chain_of_ten_thousand_groups_needs_no_stack() {
        let mut text = String::from("person anna anna@x.example\n");
        for n in 0..10_000 {
            text.push_str(&format!("group g{n} cn=g{}\n", n + 1));
        }
        text.push_str("group g10000 uid=anna\n");
        let mut school = small(&text);
        // The small directory looks up linearly: keep the chain short enough for that.
        school.groups.truncate(10_001);
        let roster = expand(&school, &school.groups[9_000].members);
        assert_eq!(roster.recipients.len(), 1);
    }
}
