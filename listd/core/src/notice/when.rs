//! Days and times as people write them (LA6).

use fluent_bundle::FluentArgs;

use super::{format, word};
use crate::time::Local;

/// A day and a time, e.g. `Sonntag, 22. November 2026, 8:05 Uhr`.
pub fn moment(language: &str, at: &Local) -> String {
    written(language, "moment", at)
}

/// A day, e.g. `Sonntag, 22. November 2026`.
pub fn day(language: &str, at: &Local) -> String {
    written(language, "day", at)
}

fn written(language: &str, key: &str, at: &Local) -> String {
    let mut args = FluentArgs::new();
    // As text: a number would be grouped as one, 2,026.
    args.set("year", at.year.to_string());
    args.set("day", at.day.to_string());
    args.set("month", word(language, &format!("month-{}", at.month.clamp(1, 12))));
    args.set("weekday", word(language, &format!("weekday-{}", at.weekday.clamp(1, 7))));
    args.set("hour", at.hour.to_string());
    args.set("minute", format!("{:02}", at.minute));
    format(language, key, &args)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LA6: in the order and with the words of the language.
    #[test]
    fn days_and_times() {
        let at = Local { year: 2026, month: 3, day: 1, weekday: 7, hour: 8, minute: 5 };
        for (language, full, short) in [
            ("de", "Sonntag, 1. März 2026, 8:05 Uhr", "Sonntag, 1. März 2026"),
            ("en", "Sunday, 1 March 2026, 8:05", "Sunday, 1 March 2026"),
        ] {
            assert_eq!(moment(language, &at), full);
            assert_eq!(day(language, &at), short);
        }
    }
}
