//! What time it is, handed to the rooms by `main` so that a test can say it is next week.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Zoned;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use listcore::command::Day;
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

/// Where a clock on the wall hangs: a time zone, the machine's own where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Zone {
        Zone(TimeZone::system())
    }
}

impl Zone {
    /// By its name in the tz database: the machine's, which the distribution keeps current, else the one that is built in.
    pub fn named(name: &str) -> Option<Zone> {
        TimeZone::get(name).ok().map(Zone)
    }

    /// The moment as calendars and clocks there show it.
    pub fn zoned(&self, at: Timestamp) -> Zoned {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned(self.0.clone())
    }

    /// When a day of the calendar begins there; `None` for a day that is none.
    pub fn start_of(&self, day: Day) -> Option<Timestamp> {
        let small = |number: u8| i8::try_from(number).ok();
        let date = jiff::civil::Date::new(day.year, small(day.month)?, small(day.day)?).ok()?;
        let start = date.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp(start.timestamp().as_millisecond()))
    }

    pub fn rules(&self) -> &TimeZone {
        &self.0
    }
}

/// For people, as the clock of their place shows it.
pub fn local(zone: &Zone, at: Timestamp) -> Local {
    let at = zone.zoned(at);
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

    /// LA6: what the clock on the wall says, in summer and in winter, and elsewhere.
    #[test]
    fn the_clock_on_the_wall() {
        let zone = |name| Zone::named(name).expect("a zone");
        let (berlin, lisbon) = (zone("Europe/Berlin"), zone("Europe/Lisbon"));
        let winter = local(&berlin, Timestamp(1_795_309_323_000));
        let summer = local(&berlin, Timestamp(1_782_856_500_000));
        let expect = Local { year: 2026, month: 11, day: 22, weekday: 7, hour: 2, minute: 2 };
        assert_eq!(winter, expect);
        assert_eq!((summer.month, summer.day, summer.hour, summer.minute), (6, 30, 23, 55));
        assert_eq!(local(&lisbon, Timestamp(1_795_309_323_000)).hour, 1);
        assert_eq!(Zone::named("Europe/Entenhausen"), None);
    }
}
