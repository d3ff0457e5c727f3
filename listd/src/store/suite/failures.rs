//! Failures and standings: cases for every backend.

use listcore::bounce::Class;
use listcore::bounce::score::Since;

use super::*;
use crate::store::failures::{Failure, Paused, Standing};

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
    assert_eq!(all().await, [standing(Some(2), true)], "a pause lasts until somebody ends it");
    set(&standing(Some(80), false)).await;
    case.commit(vec![Move::Erase { before: day(81) }]).await;
    assert_eq!(all().await, []);
}
