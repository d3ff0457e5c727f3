//! What time it is, handed to the rooms by `main` so that a test can say it is next week.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::fmt::rfc2822;
use listcore::time::Timestamp;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's own clock.
pub fn system() -> Clock {
    Arc::new(now)
}

/// For a header (RFC 5322 3.3), in the machine's own zone.
pub fn rfc5322(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::system())).unwrap_or_default()
}

fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    Timestamp(millis)
}
