//! Asks the rooms at a scrape.

use std::sync::Arc;

use async_trait::async_trait;
use listcore::time::Timestamp;

use super::{Directory, Intake, Queue, Relay, Rooms, Snapshot};
use crate::clock::Clock;
use crate::compose::Composer;
use crate::intake::tally::Tally;
use crate::members::Members;
use crate::scheduler::Scheduler;
use crate::store::{Probe, StoreError};

/// The rooms that are watched.
pub struct House {
    pub started: Timestamp,
    pub clock: Clock,
    pub members: Arc<Members>,
    pub scheduler: Arc<Scheduler>,
    pub composer: Arc<Composer>,
    pub store: Arc<dyn Probe>,
    pub tally: Arc<Tally>,
    /// How many sockets take mail when all is well.
    pub sockets: usize,
}

impl House {
    async fn queue(&self) -> Result<Queue, StoreError> {
        let counts = self.store.counts().await?;
        let oldest = self.store.waiting(1).await?.first().map(|post| post.accepted);
        Ok(Queue { counts, oldest })
    }

    fn directory(&self, now: Timestamp) -> Directory {
        let status = self.members.status(now);
        Directory {
            mode: status.mode,
            freshness: status.freshness,
            fresh_at: status.fresh_at,
            people: status.people,
            groups: status.groups,
            lists: status.lists,
            has_error: status.last_error.is_some(),
            warnings: status.warnings.len(),
        }
    }

    fn intake(&self) -> Intake {
        let refused = self.tally.refused().into_iter();
        Intake {
            connections: self.tally.connections(),
            sockets: self.tally.sockets(),
            sockets_expected: self.sockets,
            refused: refused.map(|(stage, code, count)| (stage.as_str(), code, count)).collect(),
        }
    }
}

#[async_trait]
impl Rooms for House {
    async fn look(&self) -> Snapshot {
        let queue = self.queue().await;
        if let Err(error) = &queue {
            tracing::error!(%error, "the queue can't be counted");
        }
        let now = (self.clock)();
        let scheduler = self.scheduler.status();
        Snapshot {
            now,
            started: self.started,
            queue: queue.ok(),
            directory: self.directory(now),
            intake: self.intake(),
            relay: Relay {
                connections: scheduler.connections,
                failures: scheduler.relay_failures,
                troubles: scheduler.relay_troubles,
            },
            signatures: self.composer.signatures(),
            uncommitted: scheduler.uncommitted,
            store_trouble: scheduler.store_error.is_some(),
        }
    }

    async fn store_works(&self) -> Result<(), String> {
        self.store.probe().await.map_err(|error| error.to_string())
    }
}
