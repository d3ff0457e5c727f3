//! The table of cases of `policy::decide`: `fixtures/policy/decide.txt`, and what its words mean.

use super::*;
use crate::address::Address;
use crate::list::settings::{Base, Key, Layer, Value, layer};
use crate::list::{List, ListId, Role};
use crate::message::{Automatic, Loop, Malformed};
use crate::recipients::PersonId;
use crate::rewrite::PostKind;
use crate::scan::Finding;
use crate::storm::Storm;
use crate::time::Timestamp;

const CASES: &str = include_str!("../../../../fixtures/policy/decide.txt");

fn list() -> List {
    List {
        id: ListId("5b".to_owned()),
        dn: "cn=klasse-5b".to_owned(),
        address: Address::parse("klasse-5b@schule.example").expect("address"),
        aliases: Vec::new(),
        name: "klasse-5b".to_owned(),
        description: String::new(),
        settings: Settings::default(),
        expires: None,
    }
}

fn facts(list: &List) -> Facts<'_> {
    let address = Address::parse("anna@gmx.example").expect("address");
    Facts {
        kind: PostKind::List,
        list,
        now: Timestamp(1_000),
        size: 4_000,
        looped: None,
        automatic: None,
        malformed: None,
        finding: &Finding::Clean,
        author: Some(Author { address, verified: Verified::Dkim("gmx.example".to_owned()) }),
        others: Others::Nobody,
        standing: Standing { person: person(), member: true, ..Standing::default() },
        remembered: Remembered::default(),
        shown: Shown::default(),
        pace: Pace::Fine,
        storm: Storm::Calm,
        approved: false,
    }
}

fn person() -> Option<PersonId> {
    Some(PersonId("anna".to_owned()))
}

/// `post=members,people` as the list's entry would say it; `closed` has ended at this very moment.
fn set(words: &str) -> List {
    let (mut list, mut entry) = (list(), Layer::new());
    for word in words.split(' ').filter(|word| *word != "-") {
        if word == "closed" {
            list.expires = Some(Timestamp(1_000));
            continue;
        }
        let (name, value) = word.split_once('=').expect(word);
        let key = Key::from_name(name).expect(word);
        let texts: Vec<&str> = match key {
            Key::Post => value.split(',').collect(),
            _ => vec![value],
        };
        entry.extend(Value::read(key, "the table", texts).map(|said| (key, said)));
    }
    let held = layer(&Base::default(), &entry, &Layer::new());
    assert_eq!(held.problems, [""; 0], "{words}");
    list.settings = held.settings;
    list
}

/// What one word says of the mail.
fn tell(facts: &mut Facts<'_>, word: &str) {
    let mut verified = |how: Verified| {
        if let Some(author) = &mut facts.author {
            author.verified = how;
        }
    };
    match word {
        "spf" => return verified(Verified::Spf("gmx.example".to_owned())),
        "login" => return verified(Verified::Auth("anna".to_owned())),
        "she said so" => return verified(Verified::Confirmed),
        "unsigned" => return verified(Verified::No(Unproven::Nothing)),
        "other login" => return verified(Verified::No(Unproven::OtherLogin)),
        "forbidden" => return verified(Verified::No(Unproven::Forbidden)),
        _ => {}
    }
    let (name, count) = match word.rsplit_once(' ').map(|(name, end)| (name, end.parse::<usize>()))
    {
        Some((name, Ok(count))) => (name, count),
        _ => (word, 0),
    };
    match name {
        "nameless" => facts.author = None,
        "person" => facts.standing.member = false,
        "stranger" => facts.standing = Standing::default(),
        "external member" => facts.standing.person = None,
        "not a member" => facts.standing.member = false,
        "owner" => facts.standing.owner = true,
        "moderator" => facts.standing.moderator = true,
        "confirmed before" => {
            facts.author = facts
                .author
                .take()
                .map(|author| Author { verified: author.verified.or_confirmed(true), ..author });
        }
        "posted" => facts.remembered.posted = true,
        "always" => facts.remembered.always = true,
        "approved" => facts.approved = true,
        "several" => facts.others = Others::Somebody,
        "several of the house" => facts.others = Others::Household,
        "to the owners" => facts.kind = PostKind::Role(Role::Owner),
        "to a hidden author" => facts.kind = PostKind::Author(7),
        "virus" => facts.finding = &EICAR,
        "spam" => facts.finding = &Finding::Spam,
        "suspect" => facts.finding = &Finding::Suspect,
        "quarantined" => facts.finding = &Finding::Quarantined,
        "refused by the filter" => facts.finding = &Finding::Refused,
        "discarded by the filter" => facts.finding = &Finding::Discard,
        "unscanned" => facts.finding = &Finding::Unscanned,
        "not asked" => facts.finding = &Finding::NotAsked,
        "scanner failed" => facts.finding = &Finding::Failed,
        "scanner busy" => facts.finding = &Finding::Busy,
        "outside" => facts.shown.outside = count,
        "recipients" => facts.shown.recipients = count,
        "lists" => facts.shown.lists = count,
        "fast" => facts.pace = Pace::Fast,
        "flood" => facts.pace = Pace::Flood,
        "storm begins" => facts.storm = Storm::Begins,
        "storm blows" => facts.storm = Storm::Blows,
        "automatic" => facts.automatic = Some(Automatic::Reply),
        "null sender" => facts.automatic = Some(Automatic::NullSender),
        "two subjects" => facts.malformed = Some(Malformed::Twice("Subject")),
        "loop" => facts.looped = Some(Loop::Own("List-Id")),
        "through 101 servers" => facts.looped = Some(Loop::Hops(101)),
        other => match other.strip_prefix("in ") {
            Some(dn) => facts.standing.groups.push(dn.to_owned()),
            None => panic!("the table has a word that means nothing: {other}"),
        },
    }
}

static EICAR: std::sync::LazyLock<Finding> =
    std::sync::LazyLock::new(|| Finding::Virus(Some("Eicar".to_owned())));

/// As the table writes it.
fn written(verdict: &Verdict) -> String {
    let decision = match &verdict.decision {
        Decision::Distribute => "distribute".to_owned(),
        Decision::Hold(reason) => format!("hold {reason:?}"),
        Decision::Refuse(refusal) => return format!("refuse {refusal:?}"),
        Decision::Discard(why) => return format!("discard {why:?}"),
        Decision::Defer(why) => return format!("defer {why:?}"),
    };
    if verdict.keep_from { format!("{decision}, From stays") } else { decision }
}

/// Promise 8; L1, L2, A4, T6, T7, Z1, F9, Q2, Q4, GD2, GD22, MI20, MI21, MI25: what becomes of a mail, by which rule,
/// and which setting would have to change.
#[test]
fn every_case_of_the_table() {
    let (mut rows, mut rules, mut wrong) = (0, Vec::new(), Vec::new());
    for (number, line) in CASES.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let &[settings, words, decision, rule, setting] = cells.as_slice() else {
            panic!("line {}: expected five cells: {line}", number + 1)
        };
        let list = set(settings);
        let mut facts = facts(&list);
        words.split(", ").filter(|word| *word != "-").for_each(|word| tell(&mut facts, word));
        let verdict = decide(&facts);
        let got = [
            written(&verdict),
            verdict.rule.as_str().to_owned(),
            verdict.setting.map_or("-", Key::name).to_owned(),
        ];
        if got != [decision, rule, setting] {
            wrong.push(format!("line {}: {settings} | {words}\n    gives {got:?}", number + 1));
        }
        rows += 1;
        rules.push(verdict.rule);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 150, "the table has {rows} cases only");
    let missing: Vec<&Rule> = Rule::ALL.iter().filter(|rule| !rules.contains(rule)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// Promise 8, F9: From of one whom nobody vouched for is never rewritten into a valid one.
#[test]
fn a_forgery_is_never_made_valid() {
    let list = list();
    let mut facts = facts(&list);
    assert_eq!(decide(&facts).freeze(&list.settings).from, list.settings.from);
    tell(&mut facts, "unsigned");
    assert_eq!(decide(&facts).freeze(&list.settings).from, FromPolicy::Unproven);
    tell(&mut facts, "confirmed before");
    assert_eq!(decide(&facts).freeze(&list.settings).from, list.settings.from);
}
