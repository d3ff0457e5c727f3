//! What the tests' own clients said to a watched server and what they heard, by SMTP, LMTP and HTTP, for `privacy`.
//!
//! One store for the process, since clients belong to nobody; kept only for ports that somebody watches.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of one write or read that much is kept (octets): no address hides behind it in any story.
const KEPT: usize = 256 * 1024;

/// One connection: everything that was said on it, and everything that was heard.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    pub said: Vec<u8>,
    pub heard: Vec<u8>,
    /// The path, where it was a request for a page.
    pub path: Option<String>,
}

/// By port, then by connection.
static TALKS: Mutex<Option<HashMap<u16, HashMap<u64, Talk>>>> = Mutex::new(None);
static NUMBER: AtomicU64 = AtomicU64::new(0);

fn talks() -> MutexGuard<'static, Option<HashMap<u16, HashMap<u64, Talk>>>> {
    TALKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on what is said to this port is kept.
pub fn watch(port: u16) {
    talks().get_or_insert_default().entry(port).or_default();
}

/// Hands out what was kept for a port, which nobody watches any more.
pub fn take(port: u16) -> Vec<Talk> {
    let kept = talks().as_mut().and_then(|all| all.remove(&port));
    kept.into_iter().flat_map(HashMap::into_values).collect()
}

/// What was kept so far.
pub fn look(port: u16) -> Vec<Talk> {
    let all = talks();
    let kept = all.as_ref().and_then(|all| all.get(&port));
    kept.into_iter().flat_map(HashMap::values).cloned().collect()
}

/// A name for a connection.
pub fn number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

pub fn said(port: u16, connection: u64, bytes: &[u8]) {
    note(port, connection, |talk| talk.said.extend_from_slice(short(bytes)));
}

pub fn heard(port: u16, connection: u64, bytes: &[u8]) {
    note(port, connection, |talk| talk.heard.extend_from_slice(short(bytes)));
}

/// A request for a page and its answer.
pub fn page(port: u16, path: &str, sent: &str, answer: &str) {
    note(port, number(), |talk| {
        talk.path = Some(path.to_owned());
        talk.said = short(sent.as_bytes()).to_owned();
        talk.heard = short(answer.as_bytes()).to_owned();
    });
}

fn note(port: u16, connection: u64, change: impl FnOnce(&mut Talk)) {
    if let Some(talks) = talks().as_mut().and_then(|all| all.get_mut(&port)) {
        change(talks.entry(connection).or_default());
    }
}

fn short(bytes: &[u8]) -> &[u8] {
    bytes.get(..KEPT).unwrap_or(bytes)
}
