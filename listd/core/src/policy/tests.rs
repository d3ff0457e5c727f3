//! The table of cases of `policy::decide`.

use super::*;
use crate::list::{ListId, Role};

fn list(change: impl FnOnce(&mut List)) -> List {
    let mut list = List {
        id: ListId("5b".to_owned()),
        dn: "cn=klasse-5b".to_owned(),
        address: Address::parse("klasse-5b@schule.example").expect("address"),
        aliases: Vec::new(),
        name: "klasse-5b".to_owned(),
        description: String::new(),
        settings: Settings::default(),
        expires: None,
    };
    change(&mut list);
    list
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
        standing: Standing {
            person: Some(PersonId("anna".to_owned())),
            member: true,
            ..Standing::default()
        },
    }
}

fn ask(
    change: impl FnOnce(&mut List),
    with: impl FnOnce(&mut Facts<'_>),
) -> (Decision, Rule, Option<&'static str>) {
    let list = list(change);
    let mut facts = facts(&list);
    with(&mut facts);
    let verdict = decide(&facts);
    (verdict.decision, verdict.rule, verdict.setting)
}

fn unverified(facts: &mut Facts<'_>) {
    if let Some(author) = &mut facts.author {
        author.verified = Verified::No(Unproven::Nothing);
    }
}

fn stranger(facts: &mut Facts<'_>) {
    facts.standing = Standing::default();
}

const YES: (Decision, Rule, Option<&str>) = (Decision::Distribute, Rule::Allowed, None);

fn no(
    refusal: Refusal,
    rule: Rule,
    setting: Option<&'static str>,
) -> (Decision, Rule, Option<&'static str>) {
    (Decision::Refuse(refusal), rule, setting)
}

/// L1, L2, A4, T6, T7, Z1 and the closed list: each decides alone and in this order.
#[test]
fn before_the_author_counts() {
    assert_eq!(ask(|_| {}, |_| {}), YES);
    let all = |facts: &mut Facts<'_>| {
        facts.automatic = Some(Automatic::Reply);
        facts.malformed = Some(Malformed::NoFrom);
        facts.size = 10_000_001;
        unverified(facts);
    };
    let cases: [(fn(&mut Facts<'_>), _); 6] = [
        (|f| f.looped = Some(Loop::Own("List-Id")), no(Refusal::Loop, Rule::Loop, None)),
        (|f| f.looped = Some(Loop::Hops(101)), no(Refusal::Hops(101), Rule::Loop, None)),
        (
            |_| {},
            (Decision::Discard(Discarded::Automatic(Automatic::Reply)), Rule::Automatic, None),
        ),
        (|f| f.automatic = None, no(Refusal::Malformed(Malformed::NoFrom), Rule::Malformed, None)),
        (
            |f| (f.automatic, f.malformed) = (None, None),
            no(
                Refusal::TooBig { size: 10_000_001, limit: 10_000_000 },
                Rule::Size,
                Some("max_size"),
            ),
        ),
        (
            |f| (f.automatic, f.malformed, f.size) = (None, None, 10_000_000),
            no(Refusal::Expired, Rule::Expired, Some("listExpires")),
        ),
    ];
    for (i, (with, expect)) in cases.into_iter().enumerate() {
        let got = ask(
            |l| l.expires = Some(Timestamp(1_000)),
            |f| {
                all(f);
                with(f);
            },
        );
        assert_eq!(got, expect, "case {i}");
    }
}

/// Promise 8: nobody vouched, whatever the standing, is no post unless the list says so; the first check counts.
#[test]
fn an_unverified_author_is_refused() {
    let refused = || no(Refusal::Unverified(Unproven::Nothing), Rule::Author, Some("unverified"));
    for setting in [Unverified::Confirm, Unverified::Hold, Unverified::Reject] {
        assert_eq!(ask(|l| l.settings.unverified = setting, unverified), refused(), "{setting:?}");
        let owner = |f: &mut Facts<'_>| {
            unverified(f);
            f.standing.owner = true;
        };
        assert_eq!(ask(|l| l.settings.unverified = setting, owner), refused(), "{setting:?}");
    }
    assert_eq!(ask(|l| l.settings.unverified = Unverified::Accept, unverified), YES);
    assert_eq!(ask(|_| {}, |f| f.author = None), refused());
    for verified in [Verified::Spf("x".to_owned()), Verified::Auth("anna".to_owned())] {
        let with = |f: &mut Facts<'_>| {
            if let Some(author) = &mut f.author {
                author.verified = verified;
            }
        };
        assert_eq!(ask(|_| {}, with), YES);
    }
}

/// Promise 8, F9: From of one whom nobody vouched for is never rewritten into a valid one.
#[test]
fn a_forgery_is_never_made_valid() {
    let list = list(|l| l.settings.unverified = Unverified::Accept);
    let mut facts = facts(&list);
    assert_eq!(decide(&facts).freeze(&list.settings).from, FromPolicy::Rewrite);
    unverified(&mut facts);
    assert_eq!(decide(&facts).freeze(&list.settings).from, FromPolicy::Unproven);
    facts.kind = PostKind::Role(Role::Owner);
    assert_eq!(decide(&facts).freeze(&list.settings).from, FromPolicy::Unproven);
}

/// `post` and `nonmembers`; owners and moderators always may.
#[test]
fn who_may_post() {
    let group = || Posters::Group("cn=eltern".to_owned());
    let refused = |post: Vec<Posters>| no(Refusal::NotAllowed(post), Rule::Post, Some("post"));
    let anna = || Standing { person: Some(PersonId("anna".to_owned())), ..Standing::default() };
    let member = || Standing { member: true, ..anna() };
    let owner = || Standing { owner: true, ..anna() };
    let moderator = || Standing { moderator: true, ..Standing::default() };
    let elected = || Standing { groups: vec!["cn=eltern".to_owned()], ..anna() };
    let none = Standing::default;
    let cases = [
        (vec![Posters::Members], member(), true),
        (vec![Posters::Members], anna(), false),
        (vec![Posters::Members], none(), false),
        (vec![Posters::Members], owner(), true),
        (vec![Posters::Members], moderator(), true),
        (vec![Posters::Owners], member(), false),
        (vec![Posters::Moderators], member(), false),
        (vec![Posters::People], anna(), true),
        (vec![Posters::People], none(), false),
        (vec![Posters::Anyone], none(), true),
        (vec![group()], elected(), true),
        (vec![group()], member(), false),
        (vec![Posters::Owners, group()], elected(), true),
        (vec![], member(), false),
        (vec![], owner(), true),
        (vec![], moderator(), true),
    ];
    for (post, standing, may) in cases {
        let got = ask(|l| l.settings.post = post.clone(), |f| f.standing = standing.clone());
        let expect = if may { YES } else { refused(post.clone()) };
        assert_eq!(got, expect, "{post:?} {standing:?}");
    }
    let hold = |l: &mut List| l.settings.nonmembers = Nonmembers::Hold;
    assert_eq!(
        ask(hold, stranger),
        refused(vec![Posters::Members]),
        "held mail is refused until it can be released"
    );
    let discard = |l: &mut List| l.settings.nonmembers = Nonmembers::Discard;
    assert_eq!(
        ask(discard, stranger),
        (Decision::Discard(Discarded::Nonmember), Rule::Post, Some("nonmembers"))
    );
}

/// Never more open than asked: what is not built refuses.
#[test]
fn what_is_not_built_refuses() {
    for moderation in [Moderation::All, Moderation::First, Moderation::Nonmembers] {
        let got = ask(|l| l.settings.moderation = moderation, |_| {});
        assert_eq!(got, no(Refusal::NotYet("moderation"), Rule::Moderation, Some("moderation")));
    }
}

/// Promise 8, GD2: who hides her address is verified, whatever the list accepts; and so is who writes to her, who is
/// on the list or may write to it.
#[test]
fn hidden_authors_and_who_writes_to_them() {
    let hide = |l: &mut List| {
        l.settings.author_address = AuthorAddress::Hidden;
        l.settings.unverified = Unverified::Accept;
    };
    let nameless = no(Refusal::Unverified(Unproven::Nothing), Rule::Author, Some("author_address"));
    assert_eq!(ask(hide, |_| {}), YES);
    assert_eq!(ask(hide, unverified), nameless);
    let to_her = |f: &mut Facts<'_>| f.kind = PostKind::Author(7);
    assert_eq!(ask(hide, to_her), YES);
    let owners_only = |l: &mut List| l.settings.post = vec![Posters::Owners];
    assert_eq!(ask(owners_only, to_her), YES, "a member who may not post answers");
    let moderated = |l: &mut List| l.settings.moderation = Moderation::All;
    assert_eq!(ask(moderated, to_her), YES, "nobody reads what is between two");
    let both = |more: fn(&mut Facts<'_>)| {
        move |f: &mut Facts<'_>| {
            to_her(f);
            more(f);
        }
    };
    assert_eq!(ask(hide, both(unverified)), nameless);
    let got = ask(hide, both(stranger));
    assert_eq!(got, no(Refusal::NotAllowed(vec![Posters::Members]), Rule::Post, Some("post")));
    let got = ask(hide, both(|f| f.automatic = Some(Automatic::NullSender)));
    let dropped = Decision::Discard(Discarded::Automatic(Automatic::NullSender));
    assert_eq!(got, (dropped, Rule::Automatic, None), "A2, A3");
}

/// Q4: the owners are reached by anybody, also when the list is closed; loops and size still count.
#[test]
fn mail_to_a_role_is_let_through() {
    let role = |f: &mut Facts<'_>| f.kind = PostKind::Role(Role::Owner);
    let got = ask(
        |l| (l.expires, l.settings.post) = (Some(Timestamp(0)), Vec::new()),
        |f| {
            role(f);
            stranger(f);
            unverified(f);
            f.automatic = Some(Automatic::Report);
        },
    );
    assert_eq!(got, YES);
    let looped = ask(
        |_| {},
        |f| {
            role(f);
            f.looped = Some(Loop::Hops(200));
        },
    );
    assert_eq!(looped, no(Refusal::Hops(200), Rule::Loop, None));
}

/// F9: a forgery that its domain asks to reject is refused even where a list accepts unverified authors.
#[test]
fn nothing_accepts_a_mail_that_its_domain_asks_to_reject() {
    let list = list(|list| list.settings.unverified = Unverified::Accept);
    let decided = |why| {
        let mut facts = facts(&list);
        let address = Address::parse("anna@gmx.example").expect("address");
        facts.author = Some(Author { address, verified: Verified::No(why) });
        decide(&facts).decision
    };
    assert_eq!(decided(Unproven::Nothing), Decision::Distribute);
    let refused = Decision::Refuse(Refusal::Unverified(Unproven::Forbidden));
    assert_eq!(decided(Unproven::Forbidden), refused);
}

/// T7, promise 8: several authors go out on the word of a verified one, and not where From must stay.
#[test]
fn several_authors() {
    let refused = (
        Decision::Refuse(Refusal::Malformed(Malformed::SeveralFrom)),
        Rule::Malformed,
        Some("from"),
    );
    let fine = (Decision::Distribute, Rule::Allowed, None);
    let keep = |list: &mut List| list.settings.from = FromPolicy::Keep;
    for (others, from, kept) in [
        (Others::Nobody, fine.clone(), fine.clone()),
        (Others::Somebody, fine, refused.clone()),
        (Others::Household, refused.clone(), refused.clone()),
    ] {
        assert_eq!(ask(|_| {}, |f| f.others = others), from, "{others:?}");
        assert_eq!(ask(keep, |f| f.others = others), kept, "{others:?}, kept");
    }
    let nobody = |facts: &mut Facts<'_>| {
        unverified(facts);
        facts.others = Others::Somebody;
    };
    let accept = |list: &mut List| list.settings.unverified = Unverified::Accept;
    assert_eq!(ask(accept, nobody), refused);
    assert_eq!(ask(|_| {}, nobody).1, Rule::Author);
    let to_owners = |facts: &mut Facts<'_>| {
        nobody(facts);
        facts.kind = PostKind::Role(Role::Owner);
    };
    assert_eq!(ask(|_| {}, to_owners), refused);
}

/// MI20, MI21, MI25: what the filter is sure of counts before the author does, what it doubts comes last; role
/// addresses are no way around it.
#[test]
fn what_the_filter_found() {
    let refuse = |refusal, rule| (Decision::Refuse(refusal), rule, None);
    let virus = || Some("Eicar".to_owned());
    let sure = [
        (Finding::Virus(virus()), refuse(Refusal::Virus(virus()), Rule::Virus)),
        (Finding::Spam, refuse(Refusal::Spam, Rule::Spam)),
        (Finding::Refused, refuse(Refusal::Filter, Rule::Filter)),
        (Finding::Discard, (Decision::Discard(Discarded::Filter), Rule::Filter, None)),
    ];
    let doubts = [
        (Finding::Suspect, refuse(Refusal::Suspect, Rule::Suspect)),
        (Finding::Failed, (Decision::Defer(Deferred::Unscanned), Rule::Scanner, None)),
        (Finding::Busy, (Decision::Defer(Deferred::Busy), Rule::Scanner, None)),
    ];
    let passes =
        [Finding::NotAsked, Finding::Clean, Finding::Unscanned].map(|finding| (finding, YES));
    let decided = |finding: &Finding, kind, stranger: bool| {
        let list = list(|_| {});
        let mut facts = Facts { finding, kind, ..facts(&list) };
        if stranger {
            facts.standing = Standing::default();
        }
        let verdict = decide(&facts);
        (verdict.decision, verdict.rule, verdict.setting)
    };
    let not_allowed = || no(Refusal::NotAllowed(vec![Posters::Members]), Rule::Post, Some("post"));
    for (finding, expect) in &sure {
        assert_eq!(&decided(finding, PostKind::List, true), expect, "{finding:?}");
    }
    for (finding, _) in doubts.iter().chain(&passes) {
        assert_eq!(decided(finding, PostKind::List, true), not_allowed(), "{finding:?}");
    }
    for (finding, expect) in sure.iter().chain(&doubts).chain(&passes) {
        for kind in [PostKind::List, PostKind::Role(Role::Owner)] {
            assert_eq!(&decided(finding, kind, false), expect, "{finding:?} {kind:?}");
        }
    }
}
