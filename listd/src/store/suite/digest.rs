//! What waits for digests.

use listcore::outcome::{Dropped, Outcome};

use super::*;

fn gathered(at: i64) -> Outcome {
    Outcome::Dropped { at: Timestamp(T.0 + at), why: Dropped::Digest }
}

impl Case {
    /// Post, index, address and time of all that wait.
    async fn digests(&self) -> Vec<(u64, u16, String, i64)> {
        let all = self.store.digests().await.expect("digests");
        let one = |e: &crate::store::digest::Entry| {
            let address = all.people[&e.number].address.to_string();
            (e.batch.post.0, e.index, address, e.at.0 - T.0)
        };
        all.entries.iter().map(one).collect()
    }

    async fn entries(&self) -> Vec<(PostId, RecipientRef)> {
        let all = self.store.digests().await.expect("digests");
        all.entries.iter().map(|e| (e.batch.post, e.number)).collect()
    }
}

fn digested(letter: u64, entries: Vec<(PostId, RecipientRef)>) -> Move {
    Move::Digested { letter: PostId(letter), entries }
}

/// Nothing is lost: the mail keeps its body until the last digest that it stands in was accepted, in one commit with it;
/// and as long as there are outcomes they say in which one.
pub(super) async fn a_mail_waits_for_digests(case: Case) {
    case.accept(1, "5b", people(3)).await;
    let outcomes = vec![(0, gathered(5)), (1, delivered(1)), (2, gathered(6))];
    assert_eq!(case.commit(vec![settle(1, 0, outcomes.clone())]).await, [Done::Ok]);
    let [a, b] = [0, 2].map(|n| person(n).address.to_string());
    assert_eq!(case.digests().await, [(1, 0, a.clone(), 5), (1, 2, b.clone(), 6)]);
    assert_eq!(case.counts().await.posts_waiting, 0, "delivery is done with it");
    assert!(case.body(1).await.is_some());

    // The same outcome again is no second entry.
    case.commit(vec![settle(1, 0, outcomes.clone())]).await;
    let entries = case.entries().await;
    assert_eq!(entries.len(), 2);
    let digest = |id, entry| vec![digested(id, vec![entry]), accept(id, "5b", vec![person(0)])];
    assert_eq!(case.commit(digest(2, entries[0])).await, [Done::Ok, Done::Ok]);
    assert_eq!(case.digests().await, [(1, 2, b, 6)]);
    assert!(case.body(1).await.is_some(), "another digest needs it");
    case.commit(digest(3, entries[1])).await;
    assert!(case.digests().await.is_empty());
    assert!(case.body(1).await.is_none());

    case.commit(vec![settle(1, 0, outcomes)]).await;
    assert!(case.digests().await.is_empty(), "what went out waits no second time");
    let sent = case.store.digested(PostId(1)).await.expect("digested");
    let batch = BatchId { post: PostId(1), number: 0 };
    let expected = [((batch, 0), PostId(2)), ((batch, 2), PostId(3))];
    assert_eq!(sent, expected.into_iter().collect());
    assert!(case.store.digested(PostId(2)).await.expect("digested").is_empty());
}

/// Who is to get it no more has another outcome, and nothing waits for her.
pub(super) async fn another_outcome_ends_the_wait(case: Case) {
    case.accept(1, "5b", people(2)).await;
    case.commit(vec![settle(1, 0, vec![(0, gathered(5)), (1, gathered(5))])]).await;
    let left = Outcome::Dropped { at: Timestamp(T.0 + 9), why: Dropped::LeftList };
    assert_eq!(case.commit(vec![settle(1, 0, vec![(0, left.clone())])]).await, [Done::Ok]);
    assert_eq!(case.digests().await.len(), 1);
    assert!(case.body(1).await.is_some());
    case.commit(vec![settle(1, 0, vec![(1, left)])]).await;
    assert!(case.digests().await.is_empty());
    assert!(case.body(1).await.is_none());
}

/// GD8: what still waits is not erased, however old; then it goes with its recipients.
pub(super) async fn what_waits_for_a_digest_is_not_erased(case: Case) {
    case.accept(1, "5b", people(1)).await;
    case.commit(vec![settle(1, 0, vec![(0, gathered(5))])]).await;
    case.commit(vec![Move::Erase { before: day(60) }]).await;
    assert_eq!(case.digests().await.len(), 1);
    assert!(case.body(1).await.is_some());
    let entries = case.entries().await;
    let number = entries[0].1;
    case.commit(vec![digested(2, entries), Move::Erase { before: day(60) }]).await;
    assert!(case.digests().await.is_empty());
    assert!(case.store.digested(PostId(1)).await.expect("digested").is_empty());
    assert_eq!(case.store.recipient(number).await.expect("recipient"), None);
}
