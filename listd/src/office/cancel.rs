//! A mail that an admin takes back: whoever has no copy of it yet gets none, nor a digest with it.
//!
//! What the relay has taken is gone; and a digest that was made is a mail of its own, with an id of its own.

use std::collections::{HashMap, HashSet};

use listcore::api::Cancelled;
use listcore::outcome::{Dropped, Outcome};
use listcore::time::Timestamp;

use super::Office;
use crate::control::{Answer, Problem};
use crate::store::{Account, Batch, BatchId, Move, PostId};

/// Who waits: for a copy, or for a digest.
#[derive(Default)]
struct Waiting {
    copies: HashSet<(BatchId, u16)>,
    digests: HashSet<(BatchId, u16)>,
}

impl Office {
    pub(super) async fn cancelled(&self, id: u64, who: &str) -> Answer<Cancelled> {
        let (post, at) = (PostId(id), (self.clock)());
        let account = self.store.account(post).await?.ok_or_else(|| {
            Problem::not_found(
                format!("there is no mail {id}"),
                "`listctl queue` and `listctl trace` show the ids.",
            )
        })?;
        let waiting = Waiting::of(&account, &self.store.digested(post).await?);
        let (copies, digests) = (waiting.copies.len() as u64, waiting.digests.len() as u64);
        if copies + digests == 0 {
            return Err(Problem::not_found(
                format!("nobody waits for mail {id} any more"),
                "What was sent can't be taken back; `listctl queue show` tells what became of it.",
            ));
        }
        self.store.commit(waiting.ended(at)).await?;
        self.scheduler.cancel(post);
        tracing::warn!(who, post = id, copies, digests, "an admin cancelled a mail");
        Ok(Cancelled { copies, digests })
    }
}

impl Waiting {
    /// `sent` has the digests in which it went out already.
    fn of(account: &Account, sent: &HashMap<(BatchId, u16), PostId>) -> Waiting {
        let mut waiting = Waiting::default();
        for Batch { id, outcomes, .. } in &account.batches {
            for (index, outcome) in (0..).zip(outcomes) {
                let place = (*id, index);
                match outcome {
                    Outcome::Dropped { why: Dropped::Digest, .. } if !sent.contains_key(&place) => {
                        waiting.digests.insert(place);
                    }
                    Outcome::Waiting | Outcome::Deferred { .. } => {
                        waiting.copies.insert(place);
                    }
                    _ => {}
                }
            }
        }
        waiting
    }

    /// The same for all: one commit.
    fn ended(self, at: Timestamp) -> Vec<Move> {
        let mut batches: HashMap<BatchId, Vec<(u16, Outcome)>> = HashMap::new();
        for (batch, index) in self.copies.into_iter().chain(self.digests) {
            let outcome = Outcome::Dropped { at, why: Dropped::Cancelled };
            batches.entry(batch).or_default().push((index, outcome));
        }
        let settle = |(batch, outcomes)| Move::Settle { batch, outcomes };
        batches.into_iter().map(settle).collect()
    }
}
