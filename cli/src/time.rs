//! Points in time and lengths of time as an admin reads them.

use jiff::tz::TimeZone;
use listcore::time::Timestamp;

/// Local time in ISO 8601 with seconds and offset, e.g. `2026-11-22 08:15:00+01:00`.
pub fn at(time: Timestamp) -> String {
    at_zone(time, TimeZone::system())
}

fn at_zone(time: Timestamp, zone: TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(instant) => instant.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
        Err(_) => format!("{} ms", time.0),
    }
}

/// How long `from` is before `to`, in its two largest units: `3 min 20 s`.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.since(from).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The year, or the day, of now, as DKIM selectors carry it: `2026`, `20260131`.
pub fn selector(day: bool) -> String {
    let now = jiff::Zoned::now();
    now.strftime(if day { "%Y%m%d" } else { "%Y" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_iso_in_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(at_zone(Timestamp(0), zone.clone()), "1970-01-01 01:00:00+01:00");
        assert_eq!(at_zone(Timestamp(i64::MAX), zone), "9223372036854775807 ms");
    }

    #[test]
    fn lengths_have_two_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (200, "3 min 20 s"),
            (7_260, "2 h 1 min"),
            (432_000, "5 d 0 h"),
        ];
        for (seconds, expect) in cases {
            assert_eq!(between(Timestamp(0), Timestamp(seconds * 1_000)), expect);
        }
        assert_eq!(between(Timestamp(9), Timestamp(0)), "0 s");
    }
}
