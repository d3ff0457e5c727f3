//! The room over a small school in LDIF.

use std::time::Duration;

use listcore::config::{ListMapping, PeopleMapping};
use listcore::dn;
use listcore::hold::By;
use listcore::ldif;
use listcore::list::Posters;
use listcore::mapping::Mapping;
use listcore::options::{Choice, Options};
use listcore::outcome::Dropped;
use listcore::recipients::{PersonId, Recipient};

use super::*;
use crate::directory::Change;
use crate::store::admitted::Admitted;

const SCHOOL: &str = "\
dn: ou=people,dc=x
objectClass: organizationalUnit

dn: uid=anna,ou=people,dc=x
objectClass: inetOrgPerson
uid: anna
cn: Anna Müller
mail: anna@home.example
mailAlternateAddress: a.mueller@home.example
preferredLanguage: de-DE

dn: uid=bert,ou=people,dc=x
objectClass: inetOrgPerson
uid: bert
cn: Bert
mail: bert@home.example

dn: uid=emil,ou=people,dc=x
objectClass: inetOrgPerson
uid: emil
cn: Emil
mail: emil@home.example
pwdAccountLockedTime: 000001010000Z

dn: uid=broken,ou=people,dc=x
objectClass: inetOrgPerson
uid: broken
mail:: YUB4LmV4YW1wbGUKQmNjOiBiQHguZXhhbXBsZQ==

dn: cn=klasse-5b,ou=groups,dc=x
entryUUID: 00000000-0000-0000-0000-00000000005B
objectClass: groupOfNames
cn: klasse-5b
description: Klasse 5b
mail: klasse-5b@schule.example
mailAlternateAddress: 5b@schule.example
mailAlternateAddress: 5b@elsewhere.example
owner: uid=bert,ou=people,dc=x
member: uid=anna, ou=People, dc=x
member: uid=emil,ou=people,dc=x
member: uid=broken,ou=people,dc=x
member: uid=gone,ou=people,dc=x
gosaMailForwardingAddress: oma@out.example

dn: cn=owners,ou=groups,dc=x
entryUUID: 00000000-0000-0000-0000-000000000002
objectClass: groupOfNames
cn: owners
mail: klasse-5b-owner@schule.example
member: cn=klasse-5b,ou=groups,dc=x

dn: cn=copycat,ou=groups,dc=x
entryUUID: 00000000-0000-0000-0000-00000000005c
objectClass: groupOfNames
cn: copycat
mail: Klasse-5B@schule.example
member: uid=anna,ou=people,dc=x

dn: cn=abroad,ou=groups,dc=x
objectClass: groupOfNames
cn: abroad
mail: abroad@elsewhere.example
member: uid=anna,ou=people,dc=x

dn: cn=parents,ou=groups,dc=x
objectClass: posixGroup
cn: parents
memberUid: anna
memberUid: nobody

dn: cn=dynamic,ou=groups,dc=x
entryUUID: 00000000-0000-0000-0000-0000000000d1
objectClass: groupOfURLs
cn: dynamic
mail: alle@schule.example
memberURL: ldap:///ou=people,dc=x??sub?(uid=*)
";

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// The contract's defaults.
fn mapping() -> Mapping {
    let classes = "(|(objectClass=groupOfNames)(objectClass=posixGroup)(objectClass=groupOfURLs))";
    let lists = ListMapping {
        filter: classes.to_owned(),
        address: "mail".to_owned(),
        address_template: String::new(),
        aliases: strings(&["mailAlternateAddress", "gosaMailAlternateAddress"]),
        name: "cn".to_owned(),
        description: "description".to_owned(),
        members: strings(&["member", "uniqueMember", "memberUid", "memberURL", "roleOccupant"]),
        external: strings(&["gosaMailForwardingAddress"]),
        owners: strings(&["owner"]),
        moderators: strings(&["listModerator"]),
        settings: BTreeMap::new(),
    };
    let people = PeopleMapping {
        filter: "(objectClass=inetOrgPerson)".to_owned(),
        login: "uid".to_owned(),
        address: strings(&["mail"]),
        may_post_as: strings(&["mail", "mailAlternateAddress"]),
        name: strings(&["displayName", "cn"]),
        language: "preferredLanguage".to_owned(),
        inactive: "(pwdAccountLockedTime=000001010000Z)".to_owned(),
        address_shown: "listAddressShown".into(),
    };
    Mapping::new(&lists, &people).unwrap()
}

fn domain() -> Domain {
    let settings = Settings {
        post: vec![Posters::Members, Posters::Group("CN=parents, ou=groups, dc=x".to_owned())],
        ..Settings::default()
    };
    let admins = vec![
        Admin::Address(address("root@schule.example")),
        Admin::Group("cn=parents,ou=groups,dc=x".to_owned()),
    ];
    Domain { name: "schule.example".to_owned(), admins, settings: settings.into(), base: None }
}

fn school() -> (Arc<Live>, Members) {
    let live = empty();
    let change = |entry: listcore::entry::Entry| {
        let uuid = entry.first("entryuuid").unwrap_or(&entry.dn).to_ascii_lowercase();
        Change::Upsert(uuid, entry)
    };
    let changes: Vec<Change> =
        ldif::parse(SCHOOL.as_bytes()).unwrap().into_iter().map(change).collect();
    live.apply(&changes);
    live.fresh(Timestamp(0), None);
    let members = Members::new(live.clone(), vec![domain()]);
    (live, members)
}

fn empty() -> Arc<Live> {
    let minutes = Duration::from_secs(900);
    Arc::new(Live::new(Arc::new(mapping()), Mode::File, "file:x".to_owned(), minutes))
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn id(end: &str) -> ListId {
    ListId(format!("00000000-0000-0000-0000-0000000000{end}"))
}

fn told(members: &Members, text: &str) -> String {
    match members.lookup(&address(text)) {
        Lookup::List(list) => format!("list {}", list.address),
        Lookup::Role(list, role) => format!("{role:?} of {}", list.address),
        Lookup::Token { list, role, token } => format!("{role:?} {token} of {}", list.address),
        Lookup::Short { domain, token } => format!("short {token} at {domain}"),
        Lookup::Postmaster { domain } => format!("postmaster of {domain}"),
        other => format!("{other:?}"),
    }
}

fn sent_to(recipients: &[Recipient]) -> Vec<String> {
    recipients.iter().map(|r| r.address.to_string()).collect()
}

#[test]
fn an_address_means_one_thing() {
    let (_, members) = school();
    let cases = [
        ("klasse-5b@schule.example", "list klasse-5b@schule.example"),
        ("KLASSE-5b@Schule.Example", "list klasse-5b@schule.example"),
        ("5B@schule.example", "list klasse-5b@schule.example"),
        ("5b@elsewhere.example", "UnknownDomain"),
        ("klasse-5b-owner@schule.example", "list klasse-5b-owner@schule.example"),
        ("klasse-5b-owner-owner@schule.example", "Owner of klasse-5b-owner@schule.example"),
        ("5b-OWNER@schule.example", "Owner of klasse-5b@schule.example"),
        ("klasse-5b-request@schule.example", "Request of klasse-5b@schule.example"),
        ("klasse-5b-subscribe@schule.example", "Subscribe of klasse-5b@schule.example"),
        ("klasse-5b-unsubscribe@schule.example", "Unsubscribe of klasse-5b@schule.example"),
        ("klasse-5b-bounces@schule.example", "Bounces of klasse-5b@schule.example"),
        ("klasse-5b-bounces+ABC2@schule.example", "Bounces abc2 of klasse-5b@schule.example"),
        ("klasse-5b-confirm+x@schule.example", "Confirm x of klasse-5b@schule.example"),
        ("klasse-5b-author+x@schule.example", "Author x of klasse-5b@schule.example"),
        ("klasse-5b-confirm@schule.example", "UnknownList"),
        ("klasse-5b-bounces+@schule.example", "UnknownList"),
        ("b+ABC@schule.example", "short abc at schule.example"),
        ("b+@schule.example", "UnknownList"),
        ("Postmaster@schule.example", "postmaster of schule.example"),
        ("abuse@schule.example", "postmaster of schule.example"),
        ("klasse-5x@schule.example", "UnknownList"),
        ("-owner@schule.example", "UnknownList"),
        ("abroad@elsewhere.example", "UnknownDomain"),
    ];
    for (text, expect) in cases {
        assert_eq!(told(&members, text), expect, "{text}");
    }
}

/// X4: a mail value with a line break gets no copy and is named with its DN.
#[test]
fn the_roster_says_who_gets_a_copy_and_who_does_not_and_why() {
    let (_, members) = school();
    let roster = members.roster(&id("5b")).unwrap();
    assert_eq!(sent_to(&roster.recipients), ["anna@home.example", "oma@out.example"]);
    assert_eq!(roster.recipients[0].name.as_deref(), Some("Anna Müller"));
    assert_eq!(roster.recipients[0].language.as_deref(), Some("de-de"));
    let skipped: Vec<(&str, &str)> =
        roster.skipped.iter().map(|s| (s.what.as_str(), s.why.as_str())).collect();
    assert_eq!(skipped[0], ("uid=emil,ou=people,dc=x", "the account is inactive"));
    assert_eq!(skipped[1].0, "uid=broken,ou=people,dc=x");
    assert!(skipped[1].1.starts_with("mail \"a@x.example\\nBcc"), "{}", skipped[1].1);
    assert_eq!(skipped[2].0, "uid=gone,ou=people,dc=x");
    let nested = members.roster(&id("02")).unwrap();
    assert_eq!(nested.recipients, roster.recipients);
    let dynamic = members.roster(&id("d1")).unwrap();
    assert_eq!(sent_to(&dynamic.recipients), ["anna@home.example", "bert@home.example"]);
}

#[test]
fn two_groups_with_one_address_and_foreign_addresses_are_told() {
    let (_, members) = school();
    let status = members.status(Timestamp(0));
    assert_eq!((status.people, status.lists), (4, 3));
    let warned = |a: &str, b: &str| status.warnings.iter().any(|w| w.contains(a) && w.contains(b));
    assert!(warned("cn=klasse-5b,", "cn=copycat,"), "{:?}", status.warnings);
    assert!(warned("cn=abroad,", "abroad@elsewhere.example"));
    assert!(warned("cn=klasse-5b,", "5b@elsewhere.example"));
    let addresses: Vec<String> = members.lists().iter().map(|l| l.address.to_string()).collect();
    let expect =
        ["alle@schule.example", "klasse-5b-owner@schule.example", "klasse-5b@schule.example"];
    assert_eq!(addresses, expect);
}

#[test]
fn standing_owners_and_logins() {
    let (_, members) = school();
    let list = members.list(&id("5b")).unwrap();
    let standing = |text| {
        let s = members.standing(&list, &address(text));
        (s.member, s.owner, s.moderator, s.person.is_some(), s.groups.len())
    };
    assert_eq!(standing("ANNA@home.example"), (true, false, false, true, 1));
    assert_eq!(standing("a.mueller@home.example"), (true, false, false, true, 1));
    assert_eq!(standing("bert@home.example"), (false, true, false, true, 0));
    assert_eq!(standing("emil@home.example"), (false, false, false, false, 0));
    assert_eq!(standing("oma@out.example"), (true, false, false, false, 0));
    assert_eq!(standing("eve@out.example"), (false, false, false, false, 0));
    assert_eq!(sent_to(&members.owners(&list)), ["bert@home.example"]);
    let alle = members.list(&id("d1")).unwrap();
    assert_eq!(sent_to(&members.owners(&alle)), ["root@schule.example", "anna@home.example"]);
    for (login, text, expect) in [
        ("anna", "anna@home.example", true),
        ("ANNA", "A.Mueller@home.example", true),
        ("anna", "bert@home.example", false),
        ("emil", "emil@home.example", false),
        ("nobody", "anna@home.example", false),
    ] {
        assert_eq!(members.owns(login, &address(text)), expect, "{login} {text}");
    }
}

/// A change counts at once, also for a copy that is frozen already.
#[test]
fn who_has_left_gets_no_copy() {
    let (live, members) = school();
    let recipients = members.roster(&id("5b")).unwrap().recipients.clone();
    let still = |at: usize| members.still_gets(&id("5b"), &recipients[at]);
    let owners = members.owners(&members.list(&id("5b")).unwrap());
    let stranger =
        Recipient { person: None, address: address("eve@out.example"), ..owners[0].clone() };
    assert_eq!(members.still_gets(&id("5b"), &stranger), Err(Dropped::LeftList));
    assert_eq!((still(0), still(1)), (Ok(()), Ok(())));
    let anna = "uid=anna,ou=people,dc=x";
    let mut locked = live.read(|r| (**r.entry(anna).unwrap()).clone());
    locked.push("pwdAccountLockedTime", b"000001010000Z");
    live.apply(&[Change::Upsert(anna.to_owned(), locked)]);
    assert_eq!(still(0), Err(Dropped::Inactive));
    live.apply(&[Change::Remove(anna.to_owned())]);
    assert_eq!(still(0), Err(Dropped::LeftList));
    assert_eq!(still(1), Ok(()));
    live.apply(&[Change::Remove(id("5b").0)]);
    assert_eq!(still(1), Err(Dropped::LeftList));
    assert_eq!(members.lookup(&address("5b@schule.example")), Lookup::UnknownList);
}

/// Who mutes a list after a copy was frozen does not get it, is a member still, and may post.
#[test]
fn who_has_muted_gets_no_copy_and_stays_a_member() {
    let (live, members) = school();
    let list = members.list(&id("5b")).unwrap();
    let anna = members.roster(&id("5b")).unwrap().recipients[0].clone();
    let entry = |muted: &str| {
        let mut entry = live.read(|r| (**r.entry("uid=anna,ou=people,dc=x").unwrap()).clone());
        entry.push("listMuted", muted.as_bytes());
        Change::Upsert("uid=anna,ou=people,dc=x".to_owned(), entry)
    };
    for (muted, expect) in [
        ("alle@schule.example", Ok(())),
        ("5B@Schule.example", Err(Dropped::Muted)),
        ("*", Err(Dropped::Muted)),
    ] {
        live.apply(&[entry(muted)]);
        assert_eq!(members.still_gets(&id("5b"), &anna), expect, "{muted}");
        assert!(members.standing(&list, &anna.address).member);
    }
    // Who shares nothing with her gets his copy.
    assert_eq!(sent_to(&members.roster(&id("5b")).unwrap().recipients), ["oma@out.example"]);
}

/// `fdGroupMailLocalOnly`: a foreign member gets mail and may not post.
#[test]
fn a_group_for_local_people_takes_mail_of_people_only() {
    let (live, members) = school();
    let mut group = live.read(|r| (**r.entry(&id("5b").0).unwrap()).clone());
    group.push("fdGroupMailLocalOnly", b"TRUE");
    live.apply(&[Change::Upsert(id("5b").0, group)]);
    let list = members.list(&id("5b")).unwrap();
    assert!(members.about(&id("5b")).unwrap().local_only);
    for (who, may) in [("anna@home.example", true), ("oma@out.example", false)] {
        assert_eq!(members.standing(&list, &address(who)).member, may, "{who}");
    }
    let reached = sent_to(&members.roster(&id("5b")).unwrap().recipients);
    assert_eq!(reached, ["anna@home.example", "oma@out.example"]);
}

/// `domain.base`: a group elsewhere is no list of that domain, whatever address it has, and that is told.
#[test]
fn a_list_stands_below_the_base_of_its_domain() {
    let (_, members) = school();
    for (base, lists) in [("ou=groups,dc=x", 3), ("ou=other,dc=x", 0), ("dc=x", 3)] {
        members.set_domains(vec![Domain { base: dn::normal(base), ..domain() }]);
        assert_eq!(members.lists().len(), lists, "{base}");
        let warnings = members.status(Timestamp(0)).warnings;
        let told =
            warnings.iter().any(|w| w.contains("cn=klasse-5b,") && w.contains("stand below"));
        assert_eq!(told, lists == 0, "{warnings:?}");
    }
}

/// Promise 6: the age of the replica decides.
#[test]
fn freshness_follows_the_last_answer() {
    let members = Members::new(empty(), vec![domain()]);
    assert_eq!(members.freshness(Timestamp(0)), Freshness::Never);
    assert_eq!(members.lookup(&address("5b@schule.example")), Lookup::NoDirectory);
    let (_, members) = school();
    assert_eq!(members.freshness(Timestamp(900_000)), Freshness::Fresh);
    assert_eq!(members.freshness(Timestamp(900_001)), Freshness::Stale { since: Timestamp(0) });
}

/// SIGHUP: a domain that is new makes lists, one that is gone takes them away.
#[test]
fn domains_can_change() {
    let (_, members) = school();
    members.set_domains(vec![Domain { name: "elsewhere.example".to_owned(), ..domain() }]);
    assert_eq!(told(&members, "klasse-5b@schule.example"), "UnknownDomain");
    assert_eq!(told(&members, "abroad@elsewhere.example"), "list abroad@elsewhere.example");
    assert_eq!(members.roster(&id("5b")), None);
}

/// Renames keep the uuid; two entries that swap their names end up right.
#[test]
fn renamed_entries_keep_their_identity() {
    let (live, members) = school();
    let entry = |dn: &str| live.read(|r| (**r.entry(dn).unwrap()).clone());
    let (anna, bert) = ("uid=anna,ou=people,dc=x", "uid=bert,ou=people,dc=x");
    let (mut a, mut b) = (entry(anna), entry(bert));
    std::mem::swap(&mut a.dn, &mut b.dn);
    live.apply(&[Change::Upsert(anna.to_owned(), a), Change::Upsert(bert.to_owned(), b)]);
    let roster = members.roster(&id("5b")).unwrap();
    assert_eq!(sent_to(&roster.recipients), ["bert@home.example", "oma@out.example"]);
    assert_eq!(members.owners(&members.list(&id("5b")).unwrap())[0].address.local(), "anna");
}

fn guest(list: &str, written: &str, person: Option<&str>) -> Admitted {
    Admitted {
        list: id(list),
        address: address(written),
        name: "Gast".to_owned(),
        language: Some("tr".to_owned()),
        person: person.map(|id| PersonId(id.to_owned())),
        by: By::Admin("root".to_owned()),
        at: Timestamp(1),
    }
}

/// Who was let in gets mail and may write, until she is dismissed; a copy that was frozen for her does not go out then.
/// The guard measures the directory without her.
#[test]
fn who_was_let_in_is_on_the_list() {
    let (live, members) = school();
    members.measure(Timestamp(0));
    let on = |members: &Members| sent_to(&members.roster(&id("5b")).unwrap().recipients);
    assert_eq!(on(&members), ["anna@home.example", "oma@out.example"]);
    let list = members.list(&id("5b")).unwrap();
    let mia = guest("5b", "mia@out.example", None);
    assert!(!members.standing(&list, &mia.address).member);
    for one in [mia.clone(), guest("5b", "ANNA@home.example", None)] {
        members.admit(one);
    }
    assert_eq!(on(&members), ["anna@home.example", "oma@out.example", "mia@out.example"]);
    assert!(members.standing(&list, &mia.address).member, "she may write");
    let copy = mia.recipient();
    assert_eq!(members.claim(&id("5b"), &copy, Timestamp(2)), Claim::Yes);
    assert_eq!(members.admission(&id("5b"), &copy).map(|a| a.by), Some(mia.by.clone()));
    let roster = members.roster(&id("5b")).unwrap();
    assert!(Arc::ptr_eq(&roster, &members.roster(&id("5b")).unwrap()), "made once");
    assert!(members.measure(Timestamp(3)).is_empty(), "nothing of it is the directory's");

    // Her wishes count as anybody's.
    members.set_options(Choice {
        list: Some(id("5b")),
        person: None,
        address: copy.address.clone(),
        options: Options { mute: listcore::options::Mute::ForGood, ..Options::default() },
        at: Timestamp(4),
        by: None,
    });
    assert_eq!(members.claim(&id("5b"), &copy, Timestamp(5)), Claim::Never(Dropped::Muted));

    assert!(members.dismiss(&id("5b"), &address("MIA@out.example")));
    assert!(!members.dismiss(&id("5b"), &mia.address));
    assert_eq!(members.claim(&id("5b"), &copy, Timestamp(6)), Claim::Never(Dropped::LeftList));
    assert_eq!(on(&members), ["anna@home.example", "oma@out.example"]);

    // A list that is gone lets nobody in.
    members.admit(guest("77", "mia@out.example", None));
    assert_eq!(members.roster(&id("77")), None);
    drop(live);
}

/// A person of the directory is let in as who she is: her new address counts.
#[test]
fn who_was_let_in_may_move() {
    let (live, members) = school();
    let bert = "uid=bert,ou=people,dc=x";
    members.admit(guest("5b", "bert@home.example", Some(bert)));
    let moved = "dn: uid=bert,ou=people,dc=x\nobjectClass: inetOrgPerson\nuid: bert\ncn: Bert\nmail: neu@home.example\n";
    let entry = ldif::parse(moved.as_bytes()).unwrap().remove(0);
    live.apply(&[Change::Upsert(bert.to_owned(), entry)]);
    let roster = members.roster(&id("5b")).unwrap();
    assert_eq!(sent_to(&roster.recipients).last().map(String::as_str), Some("neu@home.example"));
    assert!(roster.recipients.last().is_some_and(|who| roster.is_admitted(who)));
}

/// An emergency of a whole domain holds every list of it, whatever the list says itself, and ends as it began.
#[test]
fn an_emergency_of_a_domain_is_over_its_lists() {
    let (_, members) = school();
    let yes = ["true".to_owned()];
    let stopped = || members.lists().iter().filter(|list| list.settings.emergency).count();
    let all = members.lists().len();
    members.set_override(&id("5b"), Key::Emergency, Some(&["false".to_owned()]));
    assert!(all > 1 && stopped() == 0 && members.is_domain("schule.example"));
    members.set_override(&whole("schule.example"), Key::Emergency, Some(&yes));
    assert_eq!(stopped(), all);
    let source = members.about(&id("5b")).unwrap().sources[&Key::Emergency];
    assert_eq!(source, Source::Emergency);
    members.set_override(&whole("other.example"), Key::Emergency, Some(&yes));
    members.set_override(&whole("schule.example"), Key::Emergency, None);
    assert_eq!(stopped(), 0);
}
