//! Asks the rooms at a scrape.

use std::sync::Arc;

use async_trait::async_trait;
use listcore::time::Timestamp;

use super::{Directory, Intake, Queue, Relay, Rooms, Snapshot, Waits};
use crate::clock::Clock;
use crate::compose::Composer;
use crate::intake::tally::Tally;
use crate::members::{Held, Members};
use crate::scheduler::Scheduler;
use crate::store::{Probe, StoreError};

/// So many of the mails that wait are looked at: what a scrape costs has an end.
pub const HELD: usize = 1_000;

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
        Ok(Queue { counts, oldest, waits: self.waits().await? })
    }

    async fn waits(&self) -> Result<Waits, StoreError> {
        let held = self.store.held_on(None, HELD).await?;
        let mut waits = Waits { oldest: held.first().map(|held| held.at), ..Waits::default() };
        for held in held {
            let label = (held.reason.as_str(), held.waits_for.as_str());
            *waits.reasons.entry(label).or_default() += 1;
        }
        Ok(waits)
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
            held_lists: held_lists(&status.held, status.lists),
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

/// How many lists' mail waits for an admin's word; `lists` is how many there are. What he rejected goes on.
fn held_lists(held: &[Held], lists: usize) -> usize {
    let waits = held.iter().filter(|h| !h.rejected);
    if waits.clone().any(|h| h.address.is_none()) {
        return lists + waits.filter(|h| h.gone && h.address.is_some()).count();
    }
    waits.count()
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
                denials: scheduler.relay_denials,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6: the figure is of lists that send nothing.
    #[test]
    fn held_lists_are_those_whose_mail_waits() {
        let one = |list: Option<&str>, rejected, gone| Held {
            name: list.unwrap_or("everybody").to_owned(),
            address: list.map(|l| listcore::address::Address::parse(l).expect("an address")),
            title: String::new(),
            since: Timestamp(1),
            accepted: 20,
            now: 1,
            rejected,
            gone,
        };
        let (a, b) = (Some("a@x.example"), Some("b@x.example"));
        for (held, expect) in [
            (vec![], 0),
            (vec![one(a, false, false), one(b, false, true)], 2),
            (vec![one(a, true, false), one(b, false, true)], 1),
            (vec![one(None, false, false)], 7),
            (vec![one(None, false, false), one(a, false, false), one(b, false, true)], 8),
            (vec![one(None, true, false), one(a, false, false)], 1),
        ] {
            assert_eq!(held_lists(&held, 7), expect, "{held:?}");
        }
    }
}
