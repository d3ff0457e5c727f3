//! Outcomes on their way into the store: what waits is committed together, nothing is forgotten.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use listcore::outcome::Outcome;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Core, Deck, Render};
use crate::store::{BatchId, Done, Move};

/// Settlements that are committed together at most.
const MOST: usize = 1024;

/// Pause before a commit that failed is tried again: meanwhile the windows fill and delivery stops by itself.
pub const PAUSE: Duration = Duration::from_secs(1);

/// What came of one attempt. The permit goes back when it is committed.
pub struct Settlement {
    pub batch: BatchId,
    pub outcomes: Vec<(u16, Outcome)>,
    pub _permit: OwnedSemaphorePermit,
}

/// Runs until all senders are gone and everything is committed.
pub async fn run<R: Render>(
    core: Arc<Core>,
    deck: Arc<Deck<R>>,
    mut settlements: mpsc::UnboundedReceiver<Settlement>,
) {
    let mut taken = Vec::new();
    while settlements.recv_many(&mut taken, MOST).await > 0 {
        let moves = group(&taken);
        commit(&core, &moves).await;
        for one in moves {
            let Move::Settle { batch, outcomes } = one else { continue };
            let rests = {
                let mut state = core.state();
                state.uncommitted = state.uncommitted.saturating_sub(outcomes.len());
                state.agenda.settled(batch, &outcomes)
            };
            deck.tidy(&core, batch, rests);
        }
        taken.clear();
        core.wake.notify_waiters();
    }
}

/// One move for each batch.
fn group(taken: &[Settlement]) -> Vec<Move> {
    let mut order: Vec<BatchId> = Vec::new();
    let mut batches: HashMap<BatchId, Vec<(u16, Outcome)>> = HashMap::new();
    for settlement in taken {
        let outcomes = batches.entry(settlement.batch).or_insert_with(|| {
            order.push(settlement.batch);
            Vec::new()
        });
        outcomes.extend(settlement.outcomes.iter().cloned());
    }
    let settle = |batch| Some(Move::Settle { batch, outcomes: batches.remove(&batch)? });
    order.into_iter().filter_map(settle).collect()
}

/// Until the store takes them.
async fn commit(core: &Core, moves: &[Move]) {
    loop {
        match core.queue.commit(moves.to_vec()).await {
            Ok(done) => {
                for (done, one) in done.iter().zip(moves) {
                    if let Done::Rejected(why) = done {
                        tracing::error!(?one, %why, "the store does not take these outcomes");
                    }
                }
                core.state().store_error = None;
                return;
            }
            Err(e) => {
                tracing::error!(error = %e, "outcomes can't be committed, delivery waits");
                core.state().store_error = Some(e.to_string());
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
