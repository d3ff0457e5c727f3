//! The school's directory as a live replica in memory: from OpenLDAP or from an LDIF file.
//!
//! It knows entries, not mail: who is on a list is `members`. No look-up ever asks the server.

pub mod file;
pub mod guard;
pub mod live;
pub mod replica;

use std::sync::Arc;
use std::time::Duration;

use listcore::config::{self, DirectorySource};
use listcore::dn;
use listcore::mapping::{Mapping, MappingError};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::store;

pub use live::{Change, Freshness, Health, Live, Mode};

/// How long the room waits for things; the defaults are what a school needs, tests are in a hurry.
#[derive(Clone, Debug)]
pub struct Times {
    /// Between two looks at the LDIF file.
    pub file: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times { file: Duration::from_secs(1) }
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
    #[error("{0}: LDAP servers are not spoken to yet; use file:")]
    NotYet(String),
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

/// Starts following the directory. A file is read before this returns; a server is connected to in the background.
pub async fn start(config: &config::Directory, parts: Parts) -> Result<Directory, StartError> {
    let Parts { clock, times, .. } = parts;
    let mapping = Arc::new(Mapping::new(&config.lists, &config.people)?);
    let base = dn::normal(&config.base).ok_or_else(|| StartError::Base(config.base.clone()))?;
    match &config.source {
        DirectorySource::File(path) => {
            let url = format!("file:{}", path.display());
            let live = Live::new(mapping.clone(), Mode::File, url, config.max_staleness);
            let live = Arc::new(live);
            let source = file::FileSource { path: path.clone(), base, mapping };
            let mut first = None;
            match source.look(&live, &mut first).await {
                Ok(()) => live.fresh(clock(), None),
                Err(error) => live.failed(error),
            }
            let task = tokio::spawn(file::follow(live.clone(), source, times.file, clock));
            Ok(Directory { live, tasks: vec![task] })
        }
        DirectorySource::Ldap(url) => Err(StartError::NotYet(url.clone())),
    }
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
