//! A directory that is an LDIF file: read at the start and again whenever it changes.
//!
//! For trying out and for tests, and for a school whose directory writes an export every night.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use listcore::dn;
use listcore::ldif;
use listcore::mapping::Mapping;

use super::guard;
use super::live::Live;
use super::replica::Replica;
use crate::clock::Clock;

/// Largest file that is read (octets).
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Keeps `live` what the file says, until the task is aborted.
pub async fn follow(live: Arc<Live>, source: FileSource, every: Duration, clock: Clock) {
    let mut seen = None;
    loop {
        let now = clock();
        match source.look(&live, &mut seen).await {
            Ok(()) => live.fresh(now, None),
            Err(error) => live.failed(error),
        }
        tokio::time::sleep(every).await;
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

impl FileSource {
    /// Reads the file where it is not the one that was `seen` last.
    pub async fn look(&self, live: &Live, seen: &mut Option<Stamp>) -> Result<(), String> {
        let path = self.path.display();
        let metadata = tokio::fs::metadata(&self.path).await.map_err(|e| {
            format!("the directory file {path} cannot be read: {e}; check [directory] url and the rights")
        })?;
        let modified = metadata.modified().map_err(|e| format!("{path} has no time: {e}"))?;
        let stamp = (modified, metadata.len());
        if *seen == Some(stamp) {
            return Ok(());
        }
        if metadata.len() > LARGEST {
            return Err(format!("the directory file {path} is larger than 1 GB and was not read"));
        }
        let source = self.clone();
        let loaded = tokio::task::spawn_blocking(move || source.load());
        let replica = loaded.await.map_err(|_| format!("reading {path} failed; see the log"))??;
        live.read(|old| guard::may_replace(old, &replica))?;
        live.swap(replica);
        *seen = Some(stamp);
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
                let uuid = uuid.unwrap_or_else(|| uuid_of(&key));
                replica.upsert(&uuid, entry);
            }
        }
        Ok(replica)
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
    super::hyphened(&bytes)
}
