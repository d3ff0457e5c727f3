//! The safety catch over a school in memory (promise 6).

use std::collections::HashMap;
use std::time::Duration;

use listcore::config::{Admin, ListMapping, PeopleMapping};
use listcore::entry::Entry;
use listcore::list::Settings;
use listcore::list::settings::{Base, Key, Source};
use listcore::mapping::Mapping;
use listcore::outcome::Dropped;
use listcore::recipients::{PersonId, Recipient};

use super::*;
use crate::directory::{Change, Live, Mode};
use crate::members::{Claim, Domain, Lookup};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn mapping() -> Arc<Mapping> {
    let lists = ListMapping {
        filter: "(objectClass=groupOfNames)".to_owned(),
        address: "mail".to_owned(),
        address_template: String::new(),
        aliases: vec![],
        name: "cn".to_owned(),
        description: String::new(),
        members: words(&["member"]),
        external: vec![],
        owners: vec![],
        moderators: vec![],
        settings: Default::default(),
    };
    let people = PeopleMapping {
        filter: "(objectClass=inetOrgPerson)".to_owned(),
        login: "uid".to_owned(),
        address: words(&["mail"]),
        may_post_as: words(&["mail"]),
        name: words(&["cn"]),
        language: String::new(),
        inactive: String::new(),
        address_shown: "listAddressShown".into(),
    };
    Arc::new(Mapping::new(&lists, &people).expect("mapping"))
}

fn person(n: usize) -> Change {
    let mut entry = Entry::new(&format!("uid=p{n},dc=x"));
    for (name, value) in [("objectClass", "inetOrgPerson"), ("uid", &format!("p{n}"))] {
        entry.push(name, value.as_bytes());
    }
    entry.push("mail", format!("p{n}@home.example").as_bytes());
    Change::Upsert(format!("person-{n}"), entry)
}

fn group(id: &str, name: &str, members: std::ops::Range<usize>) -> Change {
    let mut entry = Entry::new(&format!("cn={name},dc=x"));
    entry.push("objectClass", b"groupOfNames");
    entry.push("cn", name.as_bytes());
    entry.push("mail", format!("{name}@schule.example").as_bytes());
    for n in members {
        entry.push("member", format!("uid=p{n},dc=x").as_bytes());
    }
    Change::Upsert(id.to_owned(), entry)
}

struct School {
    live: Arc<Live>,
    members: Members,
    stored: HashMap<String, Vec<u8>>,
}

impl School {
    /// 40 people; 5a has 20 of them, 5b the other 20, and the council three.
    fn new() -> School {
        let live = Arc::new(Live::new(mapping(), Mode::Sync, "x".into(), Duration::from_secs(900)));
        let mut all: Vec<Change> = (0..40).map(person).collect();
        all.push(group("5a", "5a", 0..20));
        all.push(group("5b", "5b", 20..40));
        all.push(group("rat", "rat", 0..3));
        live.apply(&all);
        live.fresh(NOW, None);
        let mut school = School { members: School::over(&live), live, stored: HashMap::new() };
        school.measure(NOW);
        assert_eq!(school.members.held(), []);
        school
    }

    fn over(live: &Arc<Live>) -> Members {
        let name = "schule.example".to_owned();
        let admins = vec![Admin::Group("cn=rat,dc=x".to_owned())];
        Members::new(
            live.clone(),
            vec![Domain { name, admins, settings: Default::default(), base: None }],
        )
    }

    fn measure(&mut self, now: Timestamp) {
        for (name, data) in self.members.measure(now) {
            match data {
                Some(data) => self.stored.insert(name, data),
                None => self.stored.remove(&name),
            };
        }
    }

    /// Another daemon on the same store and directory.
    fn restart(&mut self) {
        self.members = School::over(&self.live);
        self.members.remember(self.stored.clone().into_iter().collect());
    }

    fn is_held(&self, id: &str) -> bool {
        self.members.is_held(&ListId(id.to_owned()))
    }

    fn claim(&self, id: &str, n: usize, now: Timestamp) -> Claim {
        let recipient = Recipient {
            person: Some(PersonId(format!("person-{n}"))),
            address: Address::parse(&format!("p{n}@home.example")).expect("address"),
            name: None,
            language: None,
        };
        self.members.claim(&ListId(id.to_owned()), &recipient, now)
    }

    fn held(&self) -> Vec<(String, usize, usize)> {
        self.members.held().into_iter().map(|h| (h.name, h.accepted, h.now)).collect()
    }
}

/// 40 % is life, 60 % is held: at once, before anybody has measured; the other list goes on.
#[test]
fn a_list_that_shrinks_too_much_waits_and_others_go_on() {
    let mut school = School::new();
    school.live.apply(&[group("5b", "5b", 28..40)]);
    assert!(!school.is_held("5b"));
    school.live.apply(&[group("5b", "5b", 32..40)]);
    assert!(school.is_held("5b") && !school.is_held("5a"));
    assert_eq!(school.claim("5b", 20, NOW), Claim::Waits, "nobody is dropped");
    assert_eq!(school.claim("5b", 39, NOW), Claim::Waits, "and nobody gets mail");
    assert_eq!(school.claim("5a", 1, NOW), Claim::Yes);
    school.measure(later(1));
    assert_eq!(school.held(), [("5b".to_owned(), 20, 8)]);
    school.restart();
    assert!(school.is_held("5b"), "what was accepted survives a restart");
    assert_eq!(school.members.held()[0].since, later(1));
    let known = school.members.difference("5b").expect("known");
    assert_eq!((known.went.len(), known.came.len()), (12, 0));
    school.live.apply(&[group("5b", "5b", 21..40)]);
    school.measure(later(2));
    assert!(!school.is_held("5b"), "mended, it goes on by itself");
    assert_eq!(school.held(), []);
}

/// Many small steps are one large one, unless a day lies between them; growth counts at once.
#[test]
fn small_steps_add_up() {
    let mut school = School::new();
    for gone in 1..=10 {
        school.live.apply(&[group("5b", "5b", 20 + gone..40)]);
        school.measure(later(60 * gone as u64));
        assert!(!school.is_held("5b"), "{gone}");
    }
    school.live.apply(&[group("5b", "5b", 31..40)]);
    assert!(school.is_held("5b"));
    school.live.apply(&[group("5b", "5b", 30..40)]);
    school.measure(later(86_400 + 700));
    school.live.apply(&[group("5b", "5b", 34..40)]);
    school.measure(later(86_400 + 800));
    assert!(!school.is_held("5b"), "ten were accepted by then");
    school.live.apply(&[group("5b", "5b", 0..40)]);
    school.measure(later(86_400 + 900));
    school.live.apply(&[group("5b", "5b", 21..40)]);
    assert!(school.is_held("5b"), "40 counted at once");
}

/// A young loss takes nobody off frozen mail; one that has stood does.
#[test]
fn who_left_is_dropped_when_the_loss_has_stood() {
    let mut school = School::new();
    school.live.apply(&[group("5b", "5b", 21..40)]);
    assert_eq!(school.claim("5b", 20, NOW), Claim::Waits);
    assert_eq!(school.claim("5b", 21, NOW), Claim::Yes);
    school.measure(NOW);
    assert_eq!(school.claim("5b", 20, later(1)), Claim::Waits);
    assert_eq!(school.claim("5b", 20, later(10)), Claim::Never(Dropped::LeftList));
}

/// An answer without people holds every list, and the admins are still known.
#[test]
fn an_empty_directory_holds_everything() {
    let mut school = School::new();
    let all: Vec<Change> = (0..40).map(|n| Change::Remove(format!("person-{n}"))).collect();
    school.live.apply(&all);
    assert!(["5a", "5b", "rat"].iter().all(|id| school.is_held(id)));
    school.live.apply(&["5a", "5b", "rat"].map(|id| Change::Remove(id.to_owned())));
    school.measure(later(1));
    assert_eq!(school.held().len(), 4);
    assert_eq!(school.held()[0], (EVERYBODY.to_owned(), 40, 0));
    assert_eq!(school.claim("5a", 1, later(60)), Claim::Waits);
    assert_eq!(school.members.admins("schule.example").len(), 3);
    for address in ["5a@schule.example", "5b-owner@schule.example", "5a-bounces+x@schule.example"] {
        let address = Address::parse(address).expect("address");
        assert_eq!(school.members.lookup(&address), Lookup::NoDirectory, "no 550: {address}");
    }
}

/// A directory filled anew gives its entries other ids: the list is known by its address.
#[test]
fn a_list_under_a_new_id_is_measured_against_the_old_one() {
    let mut school = School::new();
    school.live.apply(&[Change::Remove("5b".to_owned()), group("new", "5b", 32..40)]);
    school.measure(later(1));
    assert_eq!(school.held(), [("new".to_owned(), 20, 8)]);
    assert!(school.is_held("new"));
}

#[test]
fn accepted_is_accepted_and_a_list_that_ended_is_forgotten() {
    let mut school = School::new();
    school.live.apply(&[group("5b", "5b", 32..40), Change::Remove("5a".to_owned())]);
    school.measure(later(1));
    let closed = Address::parse("5a@schule.example").expect("address");
    assert_eq!(school.members.lookup(&closed), Lookup::NoDirectory);
    assert_eq!(school.members.accept(Some(&["5b".to_owned()])).len(), 1);
    school.measure(later(2));
    assert!(!school.is_held("5b"));
    assert_eq!(school.claim("5b", 20, later(3)), Claim::Never(Dropped::LeftList));
    assert_eq!(school.held(), [("5a".to_owned(), 20, 0)]);
    assert_eq!(school.members.accept(None).len(), 1);
    school.measure(later(3));
    assert_eq!(school.members.lookup(&closed), Lookup::UnknownList);
    school.restart();
    assert!(school.held().is_empty() && !school.is_held("5b"));
}

/// Rejected, the earlier members get the mail, until the directory says something else.
#[test]
fn rejected_serves_the_old_set_until_the_next_change() {
    let mut school = School::new();
    school.live.apply(&[group("5b", "5b", 32..40)]);
    school.measure(later(1));
    assert_eq!(school.members.reject().len(), 1);
    school.measure(later(2));
    assert!(!school.is_held("5b"));
    assert_eq!(school.members.roster(&ListId("5b".into())).map(|r| r.size()), Some(20));
    assert_eq!(school.claim("5b", 20, later(60)), Claim::Yes);
    school.restart();
    assert_eq!(school.claim("5b", 20, later(60)), Claim::Yes);
    school.live.apply(&[group("5b", "5b", 33..40)]);
    assert!(school.is_held("5b"), "another answer, another decision");
    school.measure(later(3));
    assert!(!school.members.held()[0].rejected);
}

/// The guard is a setting as any other: directory < domain (and its word on one list) < entry < listctl.
#[test]
fn the_guard_is_a_setting_of_each_list() {
    let school = School::new();
    let id = ListId("5b".to_owned());
    let entry = |percent: Option<&str>| {
        let Change::Upsert(id, mut entry) = group("5b", "5b", 32..40) else { unreachable!() };
        percent.into_iter().for_each(|p| entry.push("listShrinkGuard", p.as_bytes()));
        Change::Upsert(id, entry)
    };
    let configured = |base: Base| {
        let name = "schule.example".to_owned();
        school.members.set_domains(vec![Domain {
            name,
            admins: vec![],
            settings: base,
            base: None,
        }]);
    };
    let set = |text: Option<&str>| {
        let texts: Option<Vec<String>> = text.map(|t| vec![t.to_owned()]);
        school.members.set_override(&id, Key::ShrinkGuard, texts.as_deref());
    };
    let domain = |percent: u8, of: &[(&str, u8)]| Base {
        domain: Settings { shrink_guard: percent, ..Settings::default() },
        own: [Key::ShrinkGuard].into(),
        shrink_guard_of: of.iter().map(|(list, p)| ((*list).to_owned(), *p)).collect(),
        ..Base::default()
    };
    // 12 of 20 are gone: 60 %.
    let bad = Some("much");
    let cases = [
        (Base::default(), None, None, true, Source::Default),
        (domain(70, &[]), None, None, false, Source::Domain),
        (domain(70, &[("5b@schule.example", 10)]), None, None, true, Source::Domain),
        (domain(70, &[]), Some("10 %"), None, true, Source::Ldap),
        (Base::default(), Some("80%"), None, false, Source::Ldap),
        (Base::default(), Some("80 %"), Some("0 %"), true, Source::Listctl),
        (domain(0, &[]), Some("10 %"), Some("100 %"), false, Source::Listctl),
        // What makes no sense opens nothing.
        (domain(70, &[]), bad, None, true, Source::Default),
        (domain(40, &[]), bad, None, true, Source::Domain),
        (domain(90, &[]), Some("80 %"), Some("101 %"), true, Source::Default),
    ];
    for (n, (base, ldap, listctl, held, source)) in cases.into_iter().enumerate() {
        configured(base);
        school.live.apply(&[entry(ldap)]);
        set(listctl);
        assert_eq!(school.is_held("5b"), held, "case {n}");
        let about = school.members.about(&id).expect("a list");
        assert_eq!(about.sources.get(&Key::ShrinkGuard), Some(&source), "case {n}");
        assert!(!school.is_held("5a"), "case {n}");
    }
    // The list is none any more: listctl's word is left, then the configuration's.
    configured(Base::default());
    school.live.apply(&[Change::Remove("5b".to_owned())]);
    set(Some("100 %"));
    assert!(!school.is_held("5b"));
    set(None);
    assert!(school.is_held("5b"));
}

/// GD4: who was protected when she was accepted is so in the difference, when her entry is gone and after a restart.
#[test]
fn who_was_protected_is_remembered() {
    let mut school = School::new();
    let Change::Upsert(id, mut entry) = person(20) else { unreachable!() };
    entry.push("listProtected", b"TRUE");
    school.live.apply(&[Change::Upsert(id.clone(), entry)]);
    school.measure(NOW);
    school.live.apply(&[Change::Remove(id.clone())]);
    school.restart();
    let difference = school.members.difference("5b").expect("5b");
    assert_eq!(difference.went.len(), 1);
    assert_eq!(difference.protected, HashSet::from([PersonId(id)]));
}
