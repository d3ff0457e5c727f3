//! Outcomes on their way into the store: what comes in a moment is committed together, nothing is forgotten.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use listcore::outcome::Outcome;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};

use super::{Core, Deck, Render};
use crate::store::{BatchId, Done, Move};

/// Settlements that are committed together at most.
const MOST: usize = 1024;

/// How long outcomes that press nobody wait for others. A commit costs as much as some copies, so one for each copy
/// would be most of the work.
const GATHER: Duration = Duration::from_millis(4);

/// Pause before a commit that failed is tried again: meanwhile the windows fill and delivery stops by itself.
pub const PAUSE: Duration = Duration::from_secs(1);

/// What came of one attempt. The permit goes back when it is committed.
pub struct Settlement {
    pub batch: BatchId,
    pub outcomes: Vec<(u16, Outcome)>,
    /// Half of its connection's window is spent: where nothing is committed, it soon stands still.
    pub presses: bool,
    pub _permit: OwnedSemaphorePermit,
}

/// Runs until all senders are gone and everything is committed.
pub async fn run<R: Render>(
    core: Arc<Core>,
    deck: Arc<Deck<R>>,
    mut settlements: mpsc::UnboundedReceiver<Settlement>,
) {
    let mut taken = Vec::new();
    while gather(&core, &mut settlements, &mut taken, GATHER).await {
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

/// What waits; and while more copies are to go out and nobody is pressed, what comes within a moment. False when all
/// senders are gone.
pub(super) async fn gather(
    core: &Core,
    settlements: &mut mpsc::UnboundedReceiver<Settlement>,
    taken: &mut Vec<Settlement>,
    within: Duration,
) -> bool {
    if settlements.recv_many(taken, MOST).await == 0 {
        return false;
    }
    let until = Instant::now() + within;
    while taken.len() < MOST
        && !taken.iter().any(|one| one.presses)
        && core.state().agenda.has_work()
    {
        let more = settlements.recv_many(taken, MOST);
        if !timeout_at(until, more).await.is_ok_and(|came| came > 0) {
            break;
        }
    }
    true
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
