//! What the recipients' own servers said is kept beside the outcomes, and goes with them.

use listcore::outcome::{Outcome, Reply};

use super::*;
use crate::store::last_mile::{LastMile, Said, Underway};
use crate::store::witness::Refusal;

fn taken(queue_id: &str) -> Outcome {
    let reply = Reply { code: 250, text: format!("OK id={queue_id}") };
    Outcome::Delivered { at: T, reply, queue_id: Some(queue_id.to_owned()) }
}

fn failed(text: &str) -> Outcome {
    Outcome::Failed { at: T, reply: Reply { code: 554, text: text.to_owned() } }
}

fn heard(index: u16, outcome: Outcome) -> (BatchId, u16, Outcome) {
    (BatchId { post: PostId(1), number: 0 }, index, outcome)
}

fn said(days: i64, answer: &str, count: u64, words: &str) -> Said {
    Said {
        day: day(days),
        provider: "gmx.de".to_owned(),
        answer: answer.to_owned(),
        reason: "policy".to_owned(),
        count,
        words: words.to_owned(),
    }
}

async fn three(case: &Case) {
    case.store.commit(vec![accept(1, "5b", people(3))]).await.unwrap();
    let outcomes = vec![(0, taken("a")), (1, taken("b")), (2, taken("b"))];
    case.store.commit(vec![settle(1, 0, outcomes)]).await.unwrap();
}

pub async fn what_the_relay_has_is_underway_until_the_last_word(case: Case) {
    three(&case).await;
    let store = &case.store;
    let batch = BatchId { post: PostId(1), number: 0 };
    let copy = |index, id: &str| Underway { batch, index, queue_id: id.to_owned() };
    let all = [copy(0, "a"), copy(1, "b"), copy(2, "b")];
    assert_eq!(store.underway(day(-1), 10).await.unwrap(), all);
    assert_eq!(store.underway(day(-1), 2).await.unwrap(), all[..2]);
    assert!(store.underway(day(1), 10).await.unwrap().is_empty(), "too long ago");
    let told = LastMile {
        heard: vec![heard(0, delivered(T.0)), heard(1, deferred(T.0, T.0)), heard(9, failed("x"))],
        position: vec![7],
        ..LastMile::default()
    };
    assert_eq!(store.commit(vec![Move::LastMile(told)]).await.unwrap(), [Done::Ok]);
    assert_eq!(store.underway(day(-1), 10).await.unwrap(), all[1..]);
    assert_eq!(store.position().await.unwrap(), [7]);
    let addresses: Vec<String> =
        store.addresses(batch).await.unwrap().into_iter().map(|a| a.unwrap().key()).collect();
    assert_eq!(addresses.len(), 3);
    assert_eq!(addresses[1], person(1).address.key());
}

pub async fn what_was_refused_is_found_again(case: Case) {
    three(&case).await;
    let store = &case.store;
    store
        .commit(vec![accept(2, "5b", people(2)), settle(2, 0, vec![(1, failed("relay"))])])
        .await
        .unwrap();
    let told = LastMile { heard: vec![heard(2, failed("log"))], ..LastMile::default() };
    store.commit(vec![Move::LastMile(told)]).await.unwrap();
    let refusal = |post, index, text: &str| Refusal {
        batch: BatchId { post: PostId(post), number: 0 },
        index,
        at: T,
        reply: Reply { code: 554, text: text.to_owned() },
    };
    let all = [refusal(2, 1, "relay"), refusal(1, 2, "log")];
    assert_eq!(store.refused(day(-1), 10).await.unwrap(), all);
    assert_eq!(store.refused(day(-1), 1).await.unwrap(), all[..1]);
}

pub async fn tries_are_counted_and_the_last_word_stays(case: Case) {
    three(&case).await;
    let store = &case.store;
    let tell = |outcome: Outcome| {
        Move::LastMile(LastMile { heard: vec![heard(1, outcome)], ..LastMile::default() })
    };
    // The first has three tries of its own.
    for _ in 0..3 {
        store.commit(vec![tell(deferred(T.0, T.0))]).await.unwrap();
    }
    let known = store.heard(PostId(1)).await.unwrap();
    assert_eq!(known.len(), 1);
    assert!(matches!(known[0].1[1], Outcome::Deferred { attempts: 5, .. }), "{known:?}");
    assert_eq!(known[0].1[0], Outcome::Waiting);
    store.commit(vec![tell(failed("no")), tell(deferred(T.0, T.0))]).await.unwrap();
    assert_eq!(store.heard(PostId(1)).await.unwrap()[0].1[1], failed("no"));
    // Somebody whose post is gone.
    let gone = (BatchId { post: PostId(77), number: 0 }, 0, failed("x"));
    let told = LastMile { heard: vec![gone], ..LastMile::default() };
    assert_eq!(store.commit(vec![Move::LastMile(told)]).await.unwrap(), [Done::Ok]);
    assert!(store.heard(PostId(77)).await.unwrap().is_empty());
}

/// GD8
pub async fn what_was_heard_is_counted_by_day_and_erased(case: Case) {
    three(&case).await;
    let store = &case.store;
    let tell = |said| LastMile { said, heard: vec![heard(0, failed("x"))], ..LastMile::default() };
    let first = tell(vec![said(0, "refused", 2, "old"), said(0, "deferred", 1, "wait")]);
    let second = tell(vec![said(0, "refused", 1, "newer"), said(1, "refused", 4, "newest")]);
    store.commit(vec![Move::LastMile(first), Move::LastMile(second)]).await.unwrap();
    let all = store.said(day(0)).await.unwrap();
    assert_eq!(all, [said(0, "deferred", 1, "wait"), said(1, "refused", 7, "newest")]);
    assert_eq!(store.said(day(1)).await.unwrap(), [said(1, "refused", 4, "newest")]);
    store.commit(vec![Move::Erase { before: day(1) }]).await.unwrap();
    assert!(store.heard(PostId(1)).await.unwrap().is_empty());
    assert_eq!(store.said(day(0)).await.unwrap(), [said(1, "refused", 4, "newest")]);
}
