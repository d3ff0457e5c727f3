//! Keeps the replica at the LDAP server's heels: session after session, with pauses that grow and jitter.
//!
//! It decides what follows the end of a session; it speaks no LDAP itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::live::Mode;
use super::query::Query;
use super::session::{self, End, Shared};
use super::{Times, poll};

/// Longer than a daemon runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How the following begins.
pub struct Begin {
    pub query: Query,
    /// The server's cookie from the store; empty for none.
    pub cookie: Vec<u8>,
    /// Never RFC 4533.
    pub poll_only: bool,
    pub poll_interval: Duration,
    pub seed: u64,
}

/// For ever.
pub async fn run(shared: Arc<Shared>, begin: Begin, times: Times) {
    let Begin { mut query, mut cookie, poll_only, poll_interval, seed } = begin;
    let mut pause = Pause::new(times.first_pause, times.longest_pause, seed);
    let mut known = None;
    // So many refreshes from nothing there must have been before a cookie counts again.
    let mut due = 0;
    let mut polling_until = poll_only.then(|| Instant::now() + FOR_EVER);
    loop {
        if polling_until.is_some_and(|until| Instant::now() < until) {
            if known.is_none() {
                shared.live.set_mode(Mode::Poll);
            }
            match guarded(poll::once(shared.clone(), query.clone(), known.take())).await {
                Some(Ok(mut next)) => {
                    pause.reset();
                    let changes = next.is_some();
                    shared.live.set_mode(if changes { Mode::PollChanges } else { Mode::Poll });
                    query.attributes.extend(shared.live.read(super::replica::Replica::wanted));
                    tokio::select! {
                        () = tokio::time::sleep(poll_interval) => {}
                        () = shared.live.asked_for_all() => {
                            next.iter_mut().for_each(poll::Known::distrust);
                        }
                    }
                    known = next;
                    continue;
                }
                Some(Err(error)) => shared.live.failed(error),
                None => shared.live.failed(panicked(&shared)),
            }
            tokio::time::sleep(pause.next()).await;
            continue;
        }
        known = None;
        shared.live.set_mode(Mode::Sync);
        let end = guarded(session::run(shared.clone(), query.clone(), cookie.clone())).await;
        if shared.listening.swap(false, Ordering::AcqRel) {
            pause.reset();
        }
        if shared.live.wholes() < due {
            // What was asked for was not answered: half of it is no reason to go on as before.
            cookie.clear();
        } else if let Some(known) = shared.keeper.server_cookie() {
            cookie = known;
        }
        match end {
            Some(End::NoSync) => {
                let url = &shared.server.url;
                tracing::warn!(
                    "{url} has no content sync (RFC 4533) for our base; asking every {poll_interval:?}"
                );
                polling_until = Some(Instant::now() + times.full_refresh);
                continue;
            }
            Some(End::StaleCookie) if !cookie.is_empty() => {
                tracing::info!(
                    "the server does not know our cookie any more; asking for everything"
                );
                cookie.clear();
                shared.keeper.forget_cookie();
                continue;
            }
            Some(End::Widen(attributes)) => {
                tracing::info!(
                    "dynamic groups look at further attributes; asking for everything with them"
                );
                query.attributes = attributes;
                cookie.clear();
                shared.keeper.forget_cookie();
                continue;
            }
            Some(End::TimeForAll) => {
                due = shared.live.wholes() + 1;
                cookie.clear();
                continue;
            }
            Some(End::StaleCookie) => {
                shared.live.failed("the server wants a refresh again and again".to_owned())
            }
            Some(End::Failed(error)) => shared.live.failed(error),
            None => shared.live.failed(panicked(&shared)),
        }
        tokio::time::sleep(pause.next()).await;
    }
}

/// Runs in a task of its own, which ends with the caller; `None` where it panicked.
pub(super) async fn guarded<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut set = JoinSet::new();
    set.spawn(work);
    set.join_next().await.and_then(Result::ok)
}

fn panicked(shared: &Shared) -> String {
    format!("the LDAP server {} sent something malformed; it is tried again", shared.server.url)
}

/// Times between attempts: each twice the one before, up to the longest, each between half of it and all.
struct Pause {
    first: Duration,
    longest: Duration,
    current: Duration,
    chance: u64,
}

impl Pause {
    fn new(first: Duration, longest: Duration, seed: u64) -> Pause {
        Pause { first, longest, current: first, chance: seed | 1 }
    }

    fn reset(&mut self) {
        self.current = self.first;
    }

    fn next(&mut self) -> Duration {
        // xorshift64: no secret, only so that many daemons do not knock at once.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let whole = self.current;
        self.current = (whole * 2).min(self.longest);
        let parts = u32::try_from(self.chance % 1_000).unwrap_or(0);
        whole / 2 + whole / 2 * parts / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_anew() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(30));
        let mut pause = Pause::new(first, longest, 7);
        let all: Vec<Duration> = (0..12).map(|_| pause.next()).collect();
        assert!(all[0] >= first / 2 && all[0] <= first, "{all:?}");
        assert!(all[11] >= longest / 2 && all[11] <= longest, "{all:?}");
        pause.reset();
        assert!(pause.next() <= first);
    }
}
