//! A directory that is an LDIF file: read at the start and again whenever it changes.
//!
//! For trying out and for tests, and for a school whose directory writes an export every night.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use listcore::dn;
use listcore::ldif;
use listcore::mapping::Mapping;

use super::live::Live;
use super::replica::Replica;
use crate::clock::Clock;

/// Largest file that is read (octets).
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Keeps `live` what the file says, until the task is aborted.
pub async fn follow(
    live: Arc<Live>,
    source: FileSource,
    mut seen: Seen,
    every: Duration,
    clock: Clock,
) {
    loop {
        tokio::time::sleep(every).await;
        let now = clock();
        match source.look(&live, &mut seen).await {
            Ok(()) => live.fresh(now, None),
            Err(error) => live.failed(error),
        }
    }
}

/// Which file, and what of it counts.
#[derive(Clone, Debug)]
pub struct FileSource {
    pub path: PathBuf,
    /// DN in normal form; entries outside are not read. `""` = everything.
    pub base: String,
    pub mapping: Arc<Mapping>,
}

/// What tells that a file is another one now.
type Stamp = (SystemTime, u64);

/// Which state of the file is in use, and which was seen last. A file that is being written is not read
/// before it rests: half a file would be half a school.
#[derive(Copy, Clone, Debug, Default)]
pub struct Seen {
    used: Option<Stamp>,
    last: Option<Stamp>,
}

impl FileSource {
    /// Reads the file where it is not the one that was `seen` last.
    pub async fn look(&self, live: &Live, seen: &mut Seen) -> Result<(), String> {
        let path = self.path.display();
        let metadata = tokio::fs::metadata(&self.path).await.map_err(|e| {
            format!("the directory file {path} cannot be read: {e}; check [directory] url and the rights")
        })?;
        let modified = metadata.modified().map_err(|e| format!("{path} has no time: {e}"))?;
        let stamp = (modified, metadata.len());
        let rests = seen.last.replace(stamp).is_none_or(|last| last == stamp);
        if seen.used == Some(stamp) || !rests {
            return Ok(());
        }
        if metadata.len() > LARGEST {
            return Err(format!("the directory file {path} is larger than 1 GB and was not read"));
        }
        let source = self.clone();
        let loaded = tokio::task::spawn_blocking(move || source.load());
        let replica = loaded.await.map_err(|_| format!("reading {path} failed; see the log"))??;
        live.swap(replica);
        seen.used = Some(stamp);
        Ok(())
    }

    fn load(&self) -> Result<Replica, String> {
        let path = self.path.display();
        let bytes = std::fs::read(&self.path)
            .map_err(|e| format!("the directory file {path} cannot be read: {e}"))?;
        let entries = ldif::parse(&bytes).map_err(|e| {
            format!(
                "the directory file {path} has an error in {e}; the last good version stays in use"
            )
        })?;
        let mut replica = Replica::new(self.mapping.clone());
        for entry in entries {
            let Some(key) = dn::normal(&entry.dn) else {
                tracing::warn!(dn = %entry.dn, "an entry of {path} was left out: its DN is none");
                continue;
            };
            if dn::is_under(&key, &self.base) {
                let uuid = entry.first("entryuuid").map(str::to_ascii_lowercase);
                let uuid = uuid.unwrap_or_else(|| super::uuid_of(&key));
                replica.upsert(&uuid, entry);
            }
        }
        Ok(replica)
    }
}
