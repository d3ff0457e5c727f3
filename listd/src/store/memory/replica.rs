//! The directory's replica in memory, and what was accepted of the lists.

use async_trait::async_trait;

use super::{MemoryStore, State, put};
use crate::store::{Accepted, Replica, ReplicaChange, StoreError, StoredReplica};

impl State {
    pub(super) fn change_replica(&mut self, change: ReplicaChange) {
        match change {
            ReplicaChange::Replace { entries, cookie, at } => {
                self.replica = entries.into_iter().collect();
                (self.cookie, self.fresh) = (cookie, at);
            }
            ReplicaChange::Update { entries, cookie, at } => {
                for (uuid, data) in entries {
                    put(&mut self.replica, uuid, data);
                }
                (self.cookie, self.fresh) = (cookie, at);
            }
        }
    }
}

#[async_trait]
impl Replica for MemoryStore {
    async fn replica(&self) -> Result<StoredReplica, StoreError> {
        let state = self.state();
        let entries = state.replica.iter().map(|(uuid, data)| (uuid.clone(), data.clone()));
        Ok(StoredReplica {
            entries: entries.collect(),
            cookie: state.cookie.clone(),
            at: state.fresh,
        })
    }
}

#[async_trait]
impl Accepted for MemoryStore {
    async fn accepted(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = self.state().accepted.clone();
        Ok(rows.into_iter().collect())
    }
}
