//! The replica that the rest of the house reads while the sync changes it, and how fresh it is.
//!
//! It decides nothing about members; it says only what is known, since when, and what went wrong last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use listcore::entry::Entry;
use listcore::mapping::Mapping;
use listcore::time::Timestamp;
use tokio::sync::{Notify, watch};

use super::replica::{Replica, Touched};

/// The replica, shared. Readers hold its lock for microseconds; a change is one short write.
#[derive(Debug)]
pub struct Live {
    replica: RwLock<Replica>,
    groups: AtomicU64,
    all: AtomicU64,
    wholes: AtomicU64,
    health: Mutex<Health>,
    changed: watch::Sender<u64>,
    all_again: Notify,
    max_staleness: Duration,
}

/// May mail go out on this replica (promise 6)?
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Nothing was heard of the directory since then, which is too long.
    Stale {
        since: Timestamp,
    },
    /// There was no directory and no snapshot yet.
    Never,
}

/// How the replica is kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    File,
    /// RFC 4533.
    Sync,
    /// Everything at each poll.
    Poll,
    /// What is new or changed at each poll, and everything now and then.
    PollChanges,
}

/// What is known of the directory besides its entries.
#[derive(Clone, Debug)]
pub struct Health {
    pub mode: Mode,
    pub url: String,
    /// When the replica was last known to be what the directory holds.
    pub fresh_at: Option<Timestamp>,
    /// The server's change number up to which we know everything, as it writes it.
    pub csn: Option<String>,
    /// What, where, what to do; gone once it works again.
    pub last_error: Option<String>,
    /// The server's last answer was not whole: what we have may be wrong, however young it is.
    pub doubtful: bool,
    /// The same moment as `fresh_at` on a clock that nobody sets back; `None` where it came from the store.
    fresh_since: Option<Instant>,
}

/// One entry that is there now (again), or gone.
#[derive(Clone, Debug)]
pub enum Change {
    Upsert(String, Entry),
    Remove(String),
}

impl Live {
    pub fn new(mapping: Arc<Mapping>, mode: Mode, url: String, max_staleness: Duration) -> Live {
        Live {
            replica: RwLock::new(Replica::new(mapping)),
            groups: AtomicU64::new(1),
            all: AtomicU64::new(1),
            wholes: AtomicU64::new(0),
            health: Mutex::new(Health {
                mode,
                url,
                fresh_at: None,
                csn: None,
                last_error: None,
                doubtful: false,
                fresh_since: None,
            }),
            changed: watch::Sender::new(0),
            all_again: Notify::new(),
            max_staleness,
        }
    }

    /// Reads the replica as it is in one moment. The closure must be short: changes wait for it.
    pub fn read<R>(&self, look: impl FnOnce(&Replica) -> R) -> R {
        look(&self.replica.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Grows with every change of a group.
    pub fn groups_generation(&self) -> u64 {
        self.groups.load(Ordering::Acquire)
    }

    /// Grows with every change.
    pub fn generation(&self) -> u64 {
        self.all.load(Ordering::Acquire)
    }

    /// Wakes after each change of the replica or of its health.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let health = self.health();
        let Some(at) = health.fresh_at else { return Freshness::Never };
        // The longer of the two: a clock that was set back must not make old news fresh.
        let age = health.fresh_since.map_or(Duration::ZERO, |i| i.elapsed()).max(now.since(at));
        if health.doubtful || age > self.max_staleness {
            Freshness::Stale { since: at }
        } else {
            Freshness::Fresh
        }
    }

    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// True once there was a directory or a snapshot of it.
    pub fn is_loaded(&self) -> bool {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).fresh_at.is_some()
    }

    /// Puts a whole new replica in place of the old one.
    pub fn swap(&self, replica: Replica) {
        let mut current = self.replica.write().unwrap_or_else(PoisonError::into_inner);
        *current = replica;
        // Before anybody reads the new entries: what was computed from the old ones must not pass for theirs.
        self.bump(Touched { people: true, groups: true });
    }

    /// A refresh from nothing is done.
    pub fn whole(&self) {
        self.wholes.fetch_add(1, Ordering::Release);
    }

    /// How many of these there were.
    pub fn wholes(&self) -> u64 {
        self.wholes.load(Ordering::Acquire)
    }

    /// Applies changes one after the other, each seen whole or not at all.
    pub fn apply(&self, changes: &[Change]) {
        let mut touched = Touched::default();
        let mut replica = self.replica.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let one = match change {
                Change::Upsert(uuid, entry) => replica.upsert(uuid, entry.clone()),
                Change::Remove(uuid) => replica.remove(uuid),
            };
            touched.people |= one.people;
            touched.groups |= one.groups;
        }
        self.bump(touched);
    }

    /// The directory was asked at `at` and answered.
    pub fn fresh(&self, at: Timestamp, csn: Option<String>) {
        self.change_health(|h| {
            h.fresh_at = Some(at);
            h.fresh_since = Some(Instant::now());
            h.csn = csn.or(h.csn.take());
            h.doubtful = false;
            if h.last_error.take().is_some() {
                tracing::info!(url = h.url, "the directory works again");
            }
        });
    }

    /// The server told a change; that alone does not make everything fresh.
    pub fn heard(&self, csn: Option<String>) {
        if csn.is_some() {
            self.change_health(|h| h.csn = csn);
        }
    }

    /// The replica came from the store, where it was last fresh at `at`.
    pub fn restored(&self, at: Timestamp) {
        self.change_health(|h| h.fresh_at = Some(at));
    }

    /// Something went wrong: kept for the status, logged where it is news.
    pub fn failed(&self, error: String) {
        self.change_health(|h| {
            if h.last_error.as_ref() != Some(&error) {
                tracing::error!(url = h.url, "{error}");
                h.last_error = Some(error);
            }
        });
    }

    /// The directory answered with something else than the whole truth, e.g. half of it. Nothing of that is used,
    /// and mail waits from now on (promise 6).
    pub fn doubt(&self, error: String) {
        self.change_health(|h| h.doubtful = true);
        self.failed(error);
    }

    /// Asks whoever follows the directory for a refresh from nothing.
    pub fn ask_for_all(&self) {
        self.all_again.notify_one();
    }

    /// Waits until that is asked for.
    pub async fn asked_for_all(&self) {
        self.all_again.notified().await;
    }

    pub fn set_mode(&self, mode: Mode) {
        self.change_health(|h| h.mode = mode);
    }

    fn change_health(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
    }

    fn bump(&self, touched: Touched) {
        if touched.groups {
            self.groups.fetch_add(1, Ordering::Release);
        }
        if touched.groups || touched.people {
            self.all.fetch_add(1, Ordering::Release);
            self.changed.send_modify(|n| *n = n.wrapping_add(1));
        }
    }
}
