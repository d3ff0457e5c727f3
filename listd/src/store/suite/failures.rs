//! Failures and standings: cases for every backend.

use listcore::bounce::score::Since;
use listcore::bounce::{Class, Kind};

use super::*;
use crate::store::failures::{Failure, Paused, STRANGE, Standing, StrangeMail};

fn failure(class: Class, probe: bool, said: &str) -> Failure {
    let list = ListId("5b".into());
    Failure { domain: "schule.example".into(), list, class, probe, said: said.into() }
}

fn bounce(at: Timestamp, failure: Failure) -> Move {
    let recipient = Some(RecipientRef(1));
    Move::Bounce(BounceEvent { at, recipient, failure: Some(failure), ..BounceEvent::default() })
}

/// V7: one for an address, class and day; of a probe apart; nobody's number is nobody's failure.
pub async fn a_failure_counts_once_a_day(case: Case) {
    case.accept(1, "5b", people(2)).await;
    let at = |hours: i64| Timestamp(day(10).0 + hours * 3_600_000);
    let unknown = Move::Failed {
        who: RecipientRef(99),
        at: at(0),
        failure: failure(Class::Hard, false, "nobody"),
    };
    let probe = Move::Failed {
        who: RecipientRef(1),
        at: at(30),
        failure: failure(Class::Hard, true, "probe"),
    };
    case.commit(vec![
        bounce(at(1), failure(Class::Hard, false, "first")),
        bounce(at(2), failure(Class::Hard, false, "again")),
        bounce(at(2), failure(Class::Full, false, "full")),
        bounce(at(25), failure(Class::Hard, false, "next day")),
        probe,
        unknown,
    ])
    .await;
    let failing = case.store.failing().await.expect("failing");
    let [one] = failing.as_slice() else { panic!("{failing:?}") };
    assert_eq!(one.address, people(1)[0].address);
    assert_eq!(
        (one.domain.as_str(), one.list.0.as_str(), one.said.as_str()),
        ("schule.example", "5b", "probe")
    );
    let seen: Vec<_> = one.events.iter().map(|e| (e.at, e.class, e.probe)).collect();
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert_eq!(seen.last(), Some(&(at(30), Class::Hard, true)));
    assert!(
        seen.contains(&(at(2), Class::Hard, false)) && seen.contains(&(at(2), Class::Full, false))
    );
    case.commit(vec![Move::Erase { before: day(11) }]).await;
    let left = case.store.failing().await.expect("failing");
    assert_eq!(left.first().map(|f| f.events.len()), Some(2));
    case.commit(vec![Move::Erase { before: day(20) }]).await;
    assert_eq!(case.store.failing().await.expect("failing"), []);
}

pub async fn a_standing_is_replaced_and_forgotten(case: Case) {
    let address = Address::parse("Anna@x.example").expect("address");
    let standing = |probed: Option<i64>, paused: bool| Standing {
        domain: "schule.example".into(),
        address: address.clone(),
        list: ListId("5b".into()),
        since: Since { forgiven: None, probed: probed.map(day) },
        probe: Some(PostId(7)),
        paused: paused.then(|| Paused { at: day(3), class: Class::Hard, said: "550 gone".into() }),
    };
    let set = async |new: &Standing| case.commit(vec![Move::Standing(Box::new(new.clone()))]).await;
    let all = async || case.store.standings().await.expect("standings");
    set(&standing(Some(2), false)).await;
    assert_eq!(all().await, [standing(Some(2), false)]);
    set(&standing(Some(2), true)).await;
    case.commit(vec![Move::Erase { before: day(90) }]).await;
    assert_eq!(case.store.counts().await.expect("counts").paused, 1);
    assert_eq!(all().await, [standing(Some(2), true)], "a pause lasts until somebody ends it");
    set(&standing(Some(80), false)).await;
    case.commit(vec![Move::Erase { before: day(81) }]).await;
    assert_eq!(all().await, []);
}

/// What nobody understands is kept for a human, the latest of it.
pub async fn what_was_not_understood_is_found(case: Case) {
    let event = |at, list: Option<&str>, what: &str| {
        let mail = Bytes::from(format!("the mail of {what}"));
        let strange = Some(Strange { kind: Kind::Feedback, what: what.to_owned(), mail });
        let list = list.map(|id| ListId(id.to_owned()));
        Move::Bounce(BounceEvent { at: day(at), list, strange, ..BounceEvent::default() })
    };
    case.commit(vec![event(1, Some("5b"), "old"), event(3, Some("5b"), "new")]).await;
    case.commit(vec![event(3, None, "forged")]).await;
    let found = async |since| case.store.strange(day(since)).await.expect("found");
    let words =
        |all: &[StrangeMail]| -> Vec<String> { all.iter().map(|m| m.what.clone()).collect() };
    assert_eq!(words(&found(0).await), ["old", "new"]);
    let new = found(2).await.pop().expect("one");
    assert_eq!(
        (new.at, new.list.0.as_str(), new.kind, new.what.as_str()),
        (day(3), "5b", Kind::Feedback, "new")
    );
    let mail = case.store.strange_mail(new.number).await.expect("read");
    assert_eq!(mail.as_deref(), Some(&b"the mail of new"[..]));
    assert_eq!(case.store.strange_mail(9_999).await.expect("read"), None);
    let many = (0..STRANGE).map(|n| event(4, Some("5b"), &n.to_string())).collect();
    case.commit(many).await;
    let all = found(0).await;
    assert_eq!((all.len(), all[0].what.as_str()), (STRANGE as usize, "0"), "room is made");
    case.commit(vec![Move::Erase { before: day(5) }]).await;
    assert_eq!(found(0).await, []);
}
