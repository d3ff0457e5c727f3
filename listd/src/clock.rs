//! What time it is, handed to the rooms by `main` so that a test can say it is next week.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::fmt::rfc2822;
use listcore::time::{Local, Timestamp};

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

/// For people, in the machine's own zone.
pub fn local(at: Timestamp) -> Local {
    local_in(at, jiff::tz::TimeZone::system())
}

fn local_in(at: Timestamp, zone: jiff::tz::TimeZone) -> Local {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let at = at.to_zoned(zone);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    Local {
        year: at.year(),
        month: small(at.month()),
        day: small(at.day()),
        weekday: small(at.weekday().to_monday_one_offset()),
        hour: small(at.hour()),
        minute: small(at.minute()),
    }
}

fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    Timestamp(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LA6: what the clock on the wall says, in summer and in winter.
    #[test]
    fn the_clock_on_the_wall() {
        // Berlin's rules, so that no database of zones is needed.
        let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let winter = local_in(Timestamp(1_795_309_323_000), zone.clone());
        let summer = local_in(Timestamp(1_782_856_500_000), zone);
        let expect = Local { year: 2026, month: 11, day: 22, weekday: 7, hour: 2, minute: 2 };
        assert_eq!(winter, expect);
        assert_eq!((summer.month, summer.day, summer.hour, summer.minute), (6, 30, 23, 55));
    }
}
