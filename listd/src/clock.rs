//! What time it is, handed to the rooms by `main` so that a test can say it is next week.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use listcore::time::Timestamp;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's own clock.
pub fn system() -> Clock {
    Arc::new(now)
}

fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    Timestamp(millis)
}
