//! What was kept long enough is erased: outcomes, traces, bounces, who got what (rule GD8), and whom a relay address
//! stood for; and whom somebody had let onto a list that is gone.
//!
//! Not what erasing means: that is the store's.

mod gone;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::Move;
pub use gone::{Dismissed, Kept, Known};

/// How long `listctl trace` can tell.
pub const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often what is older is erased.
pub const EVERY: Duration = Duration::from_secs(3600);

/// What the room is handed.
pub struct Parts {
    pub store: Arc<dyn Kept>,
    pub clock: Clock,
    /// How long mails are kept as they came.
    pub originals: Duration,
    /// Now, and then so often.
    pub every: Duration,
    pub known: Known,
    pub dismissed: Dismissed,
}

/// Erases what is older than [`KEEP`], and what else has had its time, until `stop`. A failure is tried again.
pub async fn run(parts: Parts, stop: CancellationToken) {
    let Parts { store, clock, originals, every, known, dismissed } = parts;
    let mut every = tokio::time::interval(every);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = clock();
        let old = vec![
            Move::EraseOriginals { before: now - originals },
            Move::Erase { before: now - KEEP },
            Move::EraseExpired { before: now },
        ];
        if let Err(error) = store.commit(old).await {
            tracing::error!(%error, "old outcomes could not be erased; they are tried again later");
        }
        if let Err(error) = gone::erase(&*store, &known, &dismissed, now).await {
            tracing::error!(%error, "it can't be looked which lists are gone; that is tried again later");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use listcore::time::Timestamp;

    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::store::{Commit, Report, StoreError, TraceEvent};

    const DAY: i64 = 24 * 3600 * 1000;

    /// GD8: 30 days and no longer, also where the store was in trouble when it was time.
    #[tokio::test]
    async fn a_trace_is_kept_thirty_days_and_then_erased() {
        let store = MemoryStore::new();
        let event = |day: i64| TraceEvent {
            at: Timestamp(day * DAY),
            message_id: "a@x.example".into(),
            list: None,
            recipient: "5b@schule.example".into(),
            author: None,
            what: "refused".into(),
            why: "test".into(),
        };
        store.commit(vec![Move::Trace(event(0)), Move::Trace(event(1))]).await.unwrap();
        let left = async || store.trace("a@x.example").await.unwrap().1.len();
        let now = Arc::new(AtomicI64::new(30 * DAY));
        let told = now.clone();
        let clock: Clock = Arc::new(move || Timestamp(told.load(Ordering::Relaxed)));
        let stop = CancellationToken::new();
        let every = Duration::from_millis(1);
        let parts = Parts {
            store: store.clone(),
            clock,
            originals: Duration::ZERO,
            every,
            known: Box::new(|_| None),
            dismissed: Box::new(|_, _| {}),
        };
        let job = tokio::spawn(run(parts, stop.clone()));
        tokio::time::sleep(20 * every).await;
        assert_eq!(left().await, 2, "neither is older than 30 days");

        store.fail_with(Some(StoreError::Failed("test".into())));
        now.store(30 * DAY + 1, Ordering::Relaxed);
        tokio::time::sleep(20 * every).await;
        assert_eq!(left().await, 2, "the store was in trouble");
        store.fail_with(None);
        let erased = async {
            while left().await != 1 {
                tokio::time::sleep(every).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), erased).await.expect("erased");
        stop.cancel();
        job.await.unwrap();
    }
}
