//! The school's directory as a live replica in memory: from OpenLDAP or from an LDIF file.
//!
//! It knows entries, not mail: who is on a list is `members`. No look-up ever asks the server.

mod census;
mod connect;
mod file;
mod follow;
mod guard;
mod heartbeat;
pub mod live;
mod moved;
mod pages;
mod poll;
pub(crate) mod query;
mod refresh;
pub mod replica;
mod session;
pub(crate) mod snapshot;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use listcore::config::{self, DirectorySource};
use listcore::dn;
use listcore::mapping::{Mapping, MappingError};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::store;

use connect::Server;
use query::{Query, StoredCookie};
use session::Shared;
use snapshot::Keeper;

pub use live::{Change, Freshness, Health, Live, Mode};

/// How long the room waits for things; the defaults are what a school needs, tests are in a hurry.
#[derive(Clone, Debug)]
pub struct Times {
    /// Between two looks at the LDIF file; it is read when two looks saw the same change.
    pub file: Duration,
    /// Between two questions for contextCSN, and how long an answer may take.
    pub heartbeat: Duration,
    pub deadline: Duration,
    /// For connecting, and for the login.
    pub connect: Duration,
    /// Between two refreshes from nothing.
    pub full_refresh: Duration,
    /// How long a change may be under way on another connection.
    pub settles: Duration,
    /// Between two attempts to connect, the first and the longest.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            file: Duration::from_millis(300),
            heartbeat: Duration::from_secs(30),
            deadline: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            full_refresh: Duration::from_secs(6 * 3600),
            settles: Duration::from_secs(2),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// What the room is handed.
#[derive(Clone)]
pub struct Parts {
    /// Where the snapshot of a server's entries is kept; a file needs none.
    pub store: Arc<dyn store::Replica>,
    pub clock: Clock,
    /// Chance for the jitter between two attempts.
    pub seed: u64,
    pub times: Times,
}

/// Why the room cannot start at all; a server that is down is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("directory.base = {0:?} is no DN, e.g. \"dc=schule,dc=example\"")]
    Base(String),
}

/// The running room. Dropping it ends its tasks.
#[derive(Debug)]
pub struct Directory {
    pub live: Arc<Live>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Directory {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts following the directory. A file is read, and a server's snapshot taken from the store, before this
/// returns; the server itself is connected to in the background.
pub async fn start(config: &config::Directory, parts: Parts) -> Result<Directory, StartError> {
    let mapping = Arc::new(Mapping::new(&config.lists, &config.people)?);
    let base = dn::normal(&config.base).ok_or_else(|| StartError::Base(config.base.clone()))?;
    Ok(match &config.source {
        DirectorySource::File(path) => {
            let url = format!("file:{}", path.display());
            let live = Live::new(mapping.clone(), Mode::File, url, config.max_staleness);
            let source = file::FileSource { path: path.clone(), base, mapping };
            start_file(Arc::new(live), source, parts).await
        }
        DirectorySource::Ldap(url) => start_ldap(config, url, mapping, parts).await,
    })
}

async fn start_file(live: Arc<Live>, source: file::FileSource, parts: Parts) -> Directory {
    let mut seen = file::Seen::default();
    match source.look(&live, &mut seen).await {
        Ok(()) => live.fresh((parts.clock)(), None),
        Err(error) => live.failed(error),
    }
    let task = file::follow(live.clone(), source, seen, parts.times.file, parts.clock);
    Directory { live, tasks: vec![tokio::spawn(task)] }
}

async fn start_ldap(
    config: &config::Directory,
    url: &str,
    mapping: Arc<Mapping>,
    parts: Parts,
) -> Directory {
    let Parts { store, clock, seed, times } = parts;
    let live = Live::new(mapping.clone(), Mode::Sync, url.to_owned(), config.max_staleness);
    let live = Arc::new(live);
    let mut query = Query {
        base: config.base.clone(),
        filter: mapping.filter_text(),
        attributes: mapping.attributes(),
    };
    let mut cookie = None;
    if let Some(restored) = snapshot::restore(store.as_ref(), mapping.clone()).await {
        let wanted = Query { attributes: restored.replica.wanted(), ..query.clone() };
        // What was stored for another server, base or filter may be another school's.
        if restored.cookie.fingerprint == wanted.fingerprint(url) {
            tracing::info!(
                entries = restored.replica.len(),
                "the directory as it was last known is loaded"
            );
            query = wanted;
            live.swap(restored.replica);
            live.restored(restored.at);
            cookie = Some(restored.cookie);
        }
    }
    let server = Server {
        url: url.to_owned(),
        start_tls: config.start_tls,
        ca_file: config.ca_file.clone(),
        bind_dn: config.bind_dn.clone(),
        bind_password_file: config.bind_password_file.clone(),
        timeout: times.connect,
    };
    let stored = cookie.as_ref().map(StoredCookie::to_bytes).unwrap_or_default();
    let shared = Arc::new(Shared {
        server,
        mapping,
        keeper: Keeper::new(store, live.clone(), stored),
        live: live.clone(),
        clock,
        full_refresh: times.full_refresh,
        listening: false.into(),
        tells_csn: true.into(),
        again: tokio::sync::Notify::new(),
    });
    let query_filter = query.filter.clone();
    let begin = follow::Begin {
        query,
        cookie: cookie.map(|c| c.cookie).unwrap_or_default(),
        poll_only: config.sync == config::Sync::Poll,
        poll_interval: config.poll_interval,
        seed,
    };
    let (base, every, deadline) = (config.base.clone(), times.heartbeat, times.deadline);
    let plan = verify_plan(config, query_filter, &times);
    let keeper = shared.clone();
    let tasks = vec![
        tokio::spawn(heartbeat::run(shared.clone(), base, every, deadline)),
        tokio::spawn(verify::run(shared.clone(), plan)),
        tokio::spawn(follow::run(shared, begin, times)),
        tokio::spawn(async move { keeper.keeper.run().await }),
    ];
    Directory { live, tasks }
}

/// Often enough that nothing older than `max_staleness` goes out on what is hidden by now. Where changes are polled
/// for, a difference may be as old as the last poll.
fn verify_plan(config: &config::Directory, filter: String, times: &Times) -> verify::Plan {
    verify::Plan {
        base: config.base.clone(),
        filter,
        every: config.verify_interval.min(config.max_staleness * 2 / 3),
        settles: times.settles,
        poll_interval: config.poll_interval,
    }
}

/// The DN's own UUID (RFC 9562 5.8), for entries that bring none: stable as long as the DN is.
fn uuid_of(dn: &str) -> String {
    let hash = digest::digest(&digest::SHA256, dn.as_bytes());
    let mut bytes: Vec<u8> = hash.as_ref().iter().copied().take(16).collect();
    if let Some(version) = bytes.get_mut(6) {
        *version = (*version & 0x0f) | 0x80;
    }
    if let Some(variant) = bytes.get_mut(8) {
        *variant = (*variant & 0x3f) | 0x80;
    }
    hyphened(&bytes)
}

/// 16 bytes as `xxxxxxxx-xxxx-...`, lower-case.
fn hyphened(bytes: &[u8]) -> String {
    let hex = data_encoding::HEXLOWER.encode(bytes);
    let mut out = String::with_capacity(36);
    for (at, c) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(c);
    }
    out
}
