//! The replica's way into the store and back, so that a start with LDAP down works.
//!
//! Changes pile up while a commit runs and go together in the next one: a burst costs few commits. Cookie and
//! entries are committed together, so that a stored cookie never promises entries that are not there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use listcore::entry::Entry;
use listcore::mapping::Mapping;
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::live::{Change, Live};
use super::query::StoredCookie;
use super::replica::Replica;
use crate::store::{self, Move, ReplicaChange};

/// How an entry stands in the store.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u8,
    entry: Entry,
}

const VERSION: u8 = 1;

/// After a commit that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// What the store knew at the start.
pub struct Restored {
    pub replica: Replica,
    pub cookie: StoredCookie,
    pub at: Timestamp,
}

/// Reads the snapshot; `None` where there is none that can be used.
pub async fn restore(store: &dyn store::Replica, mapping: Arc<Mapping>) -> Option<Restored> {
    let stored = match store.replica().await {
        Ok(stored) => stored,
        Err(error) => {
            tracing::error!("the stored copy of the directory cannot be read: {error}");
            return None;
        }
    };
    let cookie = StoredCookie::from_bytes(&stored.cookie)?;
    let mut replica = Replica::new(mapping);
    for (uuid, bytes) in &stored.entries {
        let one: Stored =
            postcard::from_bytes(bytes).ok().filter(|s: &Stored| s.version == VERSION)?;
        replica.upsert(uuid, one.entry);
    }
    (!replica.is_empty()).then_some(Restored { replica, cookie, at: stored.at })
}

/// Takes changes and commits them in the background.
pub struct Keeper {
    store: Arc<dyn store::Replica>,
    live: Arc<Live>,
    pending: Mutex<Pending>,
    work: Notify,
}

#[derive(Default)]
struct Pending {
    /// Everything that is stored goes first.
    replace: bool,
    entries: HashMap<String, Option<Vec<u8>>>,
    cookie: Vec<u8>,
    something: bool,
}

impl Keeper {
    /// `cookie` is the stored one, complete.
    pub fn new(store: Arc<dyn store::Replica>, live: Arc<Live>, cookie: Vec<u8>) -> Keeper {
        let pending = Mutex::new(Pending { cookie, ..Pending::default() });
        Keeper { store, live, pending, work: Notify::new() }
    }

    /// Entries changed, and with them the cookie (`None` = as before).
    pub fn update(&self, changes: &[Change], cookie: Option<&StoredCookie>) {
        self.pend(|pending| {
            for change in changes {
                match change {
                    Change::Upsert(uuid, entry) => {
                        pending.entries.insert(uuid.clone(), encoded(entry))
                    }
                    Change::Remove(uuid) => pending.entries.insert(uuid.clone(), None),
                };
            }
            if let Some(cookie) = cookie {
                pending.cookie = cookie.to_bytes();
            }
        });
    }

    /// Everything is another now.
    pub fn replace(&self, replica: &Replica, cookie: &StoredCookie) {
        self.pend(|pending| {
            pending.replace = true;
            let entries = replica.entries().map(|(uuid, entry)| (uuid.to_string(), encoded(entry)));
            pending.entries = entries.collect();
            pending.cookie = cookie.to_bytes();
        });
    }

    /// Only the time is another: the directory was heard of.
    pub fn touch(&self) {
        self.pend(|_| {});
    }

    /// The server's cookie that goes with what is known now.
    pub fn server_cookie(&self) -> Option<Vec<u8>> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        StoredCookie::from_bytes(&pending.cookie).map(|c| c.cookie)
    }

    /// The next refresh begins from nothing; the entries stay until then.
    pub fn forget_cookie(&self) {
        self.pend(|pending| pending.cookie.clear());
    }

    fn pend(&self, change: impl FnOnce(&mut Pending)) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut pending);
        pending.something = true;
        self.work.notify_one();
    }

    /// Commits what is pending, for ever.
    pub async fn run(&self) {
        loop {
            self.work.notified().await;
            while let Some(batch) = self.take() {
                if let Err(error) = self.commit(&batch).await {
                    tracing::error!(
                        "the copy of the directory cannot be stored: {error}; it is tried again"
                    );
                    self.put_back(batch);
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn take(&self) -> Option<Pending> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if !pending.something {
            return None;
        }
        let cookie = pending.cookie.clone();
        Some(std::mem::replace(&mut *pending, Pending { cookie, ..Pending::default() }))
    }

    /// What came in meanwhile is newer and stays.
    fn put_back(&self, batch: Pending) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if !pending.replace {
            for (uuid, entry) in batch.entries {
                pending.entries.entry(uuid).or_insert(entry);
            }
            pending.replace = batch.replace;
        }
        pending.something = true;
    }

    async fn commit(&self, batch: &Pending) -> Result<(), store::StoreError> {
        // The first refresh may be committed before it is marked as fresh: then the mark follows. Dropping the batch
        // here would leave a cookie that promises entries which were never stored.
        let at = self.live.health().fresh_at.unwrap_or_default();
        let cookie = batch.cookie.clone();
        let change = if batch.replace {
            let there = batch.entries.iter().filter_map(|(u, e)| Some((u.clone(), e.clone()?)));
            ReplicaChange::Replace { entries: there.collect(), cookie, at }
        } else {
            let entries = batch.entries.iter().map(|(u, e)| (u.clone(), e.clone())).collect();
            ReplicaChange::Update { entries, cookie, at }
        };
        self.store.commit(vec![Move::Replica(change)]).await.map(drop)
    }
}

fn encoded(entry: &Entry) -> Option<Vec<u8>> {
    postcard::to_stdvec(&(VERSION, entry)).ok()
}
