//! A mail on its way in: in memory while it is small, in a file of the store's spool once it is not.
//!
//! Not durable: the store syncs and renames the file when it commits the mail.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::store::Raw;

/// Up to this size a mail stays in memory (octets).
const IN_MEMORY: usize = 256 * 1024;

/// How many octets all mails on their way in may hold at once; beyond it a client hears 452.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU64,
}

impl Budget {
    pub fn new(octets: u64) -> Arc<Budget> {
        Arc::new(Budget { left: AtomicU64::new(octets) })
    }

    /// Octets that are free.
    #[cfg(test)]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn take(&self, octets: u64) -> bool {
        let take = |left: u64| left.checked_sub(octets);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give_back(&self, octets: u64) {
        self.left.fetch_add(octets, Ordering::Relaxed);
    }
}

/// Why a mail could not be taken in; our trouble, so 4xx (promise 5).
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("too much mail is on its way in at this moment")]
    Budget,
    #[error("cannot write {path}: {source}")]
    Disk { path: PathBuf, source: std::io::Error },
}

/// One mail being written.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    memory: Vec<u8>,
    file: Option<std::fs::File>,
    size: u64,
    budget: Arc<Budget>,
    taken: u64,
}

impl Spool {
    /// `path` is where the mail goes once it is too large for memory; nothing is there before.
    pub fn new(path: PathBuf, budget: Arc<Budget>) -> Spool {
        Spool { path, memory: Vec::new(), file: None, size: 0, budget, taken: 0 }
    }

    /// Appends a piece.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), SpoolError> {
        let octets = piece.len() as u64;
        if !self.budget.take(octets) {
            return Err(SpoolError::Budget);
        }
        self.taken += octets;
        self.size += octets;
        if self.file.is_none() && self.memory.len() + piece.len() > IN_MEMORY {
            self.spill()?;
        }
        match &mut self.file {
            None => self.memory.extend_from_slice(piece),
            Some(file) => file.write_all(piece).map_err(|source| disk(&self.path, source))?,
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), SpoolError> {
        let open = std::fs::OpenOptions::new().write(true).create_new(true).open(&self.path);
        let mut file = open.map_err(|source| disk(&self.path, source))?;
        file.write_all(&self.memory).map_err(|source| disk(&self.path, source))?;
        self.memory = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    /// True once it is in a file.
    pub fn is_spilled(&self) -> bool {
        self.file.is_some()
    }

    /// The whole mail for reading, and how the store shall take it over. The budget stays taken while `self` lives.
    pub fn finish(&mut self) -> Result<(Bytes, Raw), SpoolError> {
        if self.file.take().is_none() {
            let bytes = Bytes::from(std::mem::take(&mut self.memory));
            return Ok((bytes.clone(), Raw::Memory(bytes)));
        }
        let bytes = std::fs::read(&self.path).map_err(|source| disk(&self.path, source))?;
        Ok((Bytes::from(bytes), Raw::Spilled { path: self.path.clone(), size: self.size }))
    }
}

fn disk(path: &Path, source: std::io::Error) -> SpoolError {
    SpoolError::Disk { path: path.to_owned(), source }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
        // Where the store took the mail over, it has renamed the file, and there is nothing to remove.
        if self.size > IN_MEMORY as u64 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_mail_goes_to_a_file_and_the_file_goes_with_it() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("in.1");
        let budget = Budget::new(1_000_000);
        let mut spool = Spool::new(path.clone(), budget.clone());
        let piece = vec![b'x'; 100_000];
        for _ in 0..3 {
            spool.write(&piece).expect("write");
        }
        let (bytes, raw) = spool.finish().expect("finish");
        assert_eq!(bytes.len(), 300_000);
        assert!(matches!(raw, Raw::Spilled { size: 300_000, .. }));
        assert!(path.exists());
        drop(spool);
        assert!(!path.exists());
        assert_eq!(budget.left.load(Ordering::Relaxed), 1_000_000);
    }

    #[test]
    fn a_small_mail_never_touches_the_disk() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("in.1");
        let mut spool = Spool::new(path.clone(), Budget::new(1_000));
        spool.write(b"Subject: a\r\n\r\n").expect("write");
        let (bytes, raw) = spool.finish().expect("finish");
        assert!(matches!(raw, Raw::Memory(ref b) if *b == bytes));
        assert!(!path.exists());
    }

    /// Promise 10: the octets on their way in are bounded; what does not fit is our trouble (452).
    #[test]
    fn what_exceeds_the_budget_is_refused_and_given_back() {
        let dir = tempfile::tempdir().expect("dir");
        let budget = Budget::new(10);
        let mut first = Spool::new(dir.path().join("in.1"), budget.clone());
        first.write(b"12345678").expect("write");
        let mut second = Spool::new(dir.path().join("in.2"), budget.clone());
        assert!(matches!(second.write(b"12345678"), Err(SpoolError::Budget)));
        drop(first);
        second.write(b"12345678").expect("room again");
    }
}
