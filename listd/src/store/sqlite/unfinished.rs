//! Outcomes of batches that are not finished, as the writer last wrote them.
//!
//! The copies of a batch come back one by one. To read and unpack all its outcomes for each of them would cost more
//! than to write the one that is new.

use std::collections::HashMap;

use listcore::outcome::Outcome;

use crate::store::BatchId;

/// Most batches that are remembered, of up to 100 recipients each.
const REMEMBERED: usize = 256;

/// Empty again after a rollback: then it may be wrong.
#[derive(Default)]
pub(super) struct Unfinished(HashMap<BatchId, Vec<Outcome>>);

impl Unfinished {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Whoever changes them gives them back once they are written.
    pub(super) fn take(&mut self, id: BatchId) -> Option<Vec<Outcome>> {
        self.0.remove(&id)
    }

    pub(super) fn keep(&mut self, id: BatchId, outcomes: Vec<Outcome>) {
        if self.0.len() >= REMEMBERED {
            self.forget();
        }
        self.0.insert(id, outcomes);
    }
}
