//! Members of every kind become recipients, over a small directory in memory.

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
        let got: Vec<String> = roster.recipients.iter().map(|r| r.address.to_string()).collect();
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
    let admitted: Vec<bool> = roster.recipients.iter().map(|who| roster.is_admitted(who)).collect();
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
