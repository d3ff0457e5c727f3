//! Which message in the relay's queue is which copy of ours: a witness of the store's settlements.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::last_mile::Underway;
use crate::store::witness::{Fact, Witness};
use crate::store::{BatchId, StoreError};

/// Copies that the relay has and that are followed at most; about 100 octets each.
pub const MOST: usize = 200_000;

/// By the relay's names. A transaction of shared copies has several recipients.
#[derive(Debug, Default)]
pub struct Copies {
    known: Mutex<HashMap<String, Vec<(BatchId, u16)>>>,
}

impl Copies {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<(BatchId, u16)>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Beyond [`MOST`] copies end with the relay's word.
    pub fn add(&self, copies: impl IntoIterator<Item = Underway>) {
        let mut known = self.known();
        for Underway { batch, index, queue_id } in copies {
            if known.len() < MOST || known.contains_key(&queue_id) {
                let recipients = known.entry(queue_id).or_default();
                if !recipients.contains(&(batch, index)) {
                    recipients.push((batch, index));
                }
            }
        }
    }

    /// The recipients of a message of ours; `None` of any other.
    pub fn of(&self, queue_id: &str) -> Option<Vec<(BatchId, u16)>> {
        self.known().get(queue_id).cloned()
    }

    pub fn forget(&self, queue_id: &str) {
        self.known().remove(queue_id);
    }
}

impl Witness for Copies {
    fn saw(&self, fact: &Fact) {
        if let Fact::Settled { copies, .. } = fact {
            self.add(copies.iter().cloned());
        }
    }

    fn committed(&self, _took: Duration, _result: Result<(), &StoreError>) {}
}
