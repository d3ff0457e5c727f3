//! Waiting until it is time: a seam, so that tests move the time themselves.

use std::time::Duration;

use async_trait::async_trait;
use listcore::time::Timestamp;

use crate::clock::Clock;

#[async_trait]
pub trait Timer: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
    /// Returns at `at`, or a little later; at once where that is past.
    async fn sleep_until(&self, at: Timestamp);
}

/// Waits in real time, by the clock that all rooms go by.
#[derive(Clone)]
pub struct RealTimer(pub Clock);

/// The clock may be set while we sleep: look at it now and then.
const NAP: Duration = Duration::from_secs(30);

#[async_trait]
impl Timer for RealTimer {
    fn now(&self) -> Timestamp {
        (self.0)()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(NAP)).await;
        }
    }
}
