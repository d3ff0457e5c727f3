//! Numbers with a unit, as an admin writes them: sizes, durations and shares.

use std::time::Duration;

/// `"25 MB"` as octets. Decimal units (1 kB = 1000 B), as mail providers count.
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// `"15 min"` as a duration. Units `s`, `min`, `h`, `d`.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(factor).map(Duration::from_secs)
}

/// `"50 %"` as 50; more than 100 is none.
pub fn percent(text: &str) -> Option<u8> {
    let (number, unit) = split(text)?;
    let share = u8::try_from(number).ok()?;
    (unit == "%" && share <= 100).then_some(share)
}

/// A whole number and its unit, with or without one space between them.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.strip_prefix(' ').unwrap_or(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_unit() {
        let sizes = [
            ("25 MB", Some(25_000_000)),
            ("256 KB", Some(256_000)),
            ("256kB", Some(256_000)),
            ("1 GB", Some(1_000_000_000)),
            ("0 B", Some(0)),
            ("25", None),
            ("MB", None),
            ("-1 MB", None),
            ("1.5 MB", None),
            ("25  MB", None),
            ("25 MiB", None),
            ("99999999999999999999 B", None),
            ("18446744073709551615 GB", None),
            ("", None),
        ];
        for (text, expect) in sizes {
            assert_eq!(size(text), expect, "{text:?}");
        }
        let seconds = [
            ("60 s", Some(60)),
            ("15 min", Some(900)),
            ("2 h", Some(7_200)),
            ("5 d", Some(432_000)),
            ("5d", Some(432_000)),
            ("5 m", None),
            ("5", None),
            ("18446744073709551615 d", None),
        ];
        for (text, expect) in seconds {
            assert_eq!(duration(text), expect.map(Duration::from_secs), "{text:?}");
        }
        let shares = [("50 %", Some(50)), ("0%", Some(0)), ("100 %", Some(100)), ("101 %", None)];
        for (text, expect) in shares {
            assert_eq!(percent(text), expect, "{text:?}");
        }
        assert_eq!(percent("300 %"), None);
        assert_eq!(percent("50"), None);
    }
}
