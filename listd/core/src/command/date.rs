//! Until when: `bis Montag`, `bis 1.12.`, `until Dec 1`, `2 weeks`, in the words of all languages.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::Day;
use super::words::{is, place};
use crate::time::Local;

/// Nobody pauses for longer (days).
const LONGEST: i64 = 2 * 366;

/// The first day of mail again; `None` where the words are no time, or one that is past or too far away.
pub(super) fn read(words: &[&str], today: &Local) -> Option<Day> {
    let month = i8::try_from(today.month).ok()?;
    let today = Date::new(today.year, month, i8::try_from(today.day).ok()?).ok()?;
    let day = span(words, today).or_else(|| day(words, today))?;
    let away = today.until(day).ok()?.get_days();
    let day = (1..=LONGEST).contains(&i64::from(away)).then_some(day)?;
    Some(Day {
        year: day.year(),
        month: u8::try_from(day.month()).ok()?,
        day: u8::try_from(day.day()).ok()?,
    })
}

/// `für 2 Wochen`, `a week`.
fn span(words: &[&str], today: Date) -> Option<Date> {
    let [count, unit] = without(words, |w| is(w, |l| &l.r#for)) else { return None };
    let count = match count.parse::<u16>() {
        Ok(count) => i64::from(count),
        Err(_) => i64::try_from(place(count, |l| &l.numbers)?).ok()?,
    };
    if count > LONGEST {
        return None;
    }
    let span: Span = if is(unit, |l| &l.day) {
        count.days()
    } else if is(unit, |l| &l.week) {
        count.weeks()
    } else if is(unit, |l| &l.month) {
        count.months()
    } else {
        return None;
    };
    today.checked_add(span).ok()
}

/// `bis zum nächsten Montag`, `until Dec 1`.
fn day(words: &[&str], today: Date) -> Option<Date> {
    let words = without(words, |w| is(w, |l| &l.until));
    let words = without(words, |w| is(w, |l| &l.beside));
    let (first, rest) = words.split_first()?;
    if let Some(weekday) = place(first, |l| &l.weekdays) {
        return match rest {
            [] => next(weekday, today),
            // The date counts, the name of its day does not.
            rest => calendar(without(rest, |w| is(w, |l| &l.beside)), today),
        };
    }
    match rest {
        [] if is(first, |l| &l.tomorrow) => today.checked_add(1.day()).ok(),
        [] if is(first, |l| &l.day_after_tomorrow) => today.checked_add(2.days()).ok(),
        _ => calendar(words, today),
    }
}

/// The next day of this name; a week from now where it is today.
fn next(weekday: usize, today: Date) -> Option<Date> {
    let weekday = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
    today.nth_weekday(1, weekday).ok()
}

/// A day of the calendar: `1.12.`, `1. 12. 2026`, `2026-12-01`, `1. Dezember`, `Dec 1st 2026`.
fn calendar(words: &[&str], today: Date) -> Option<Date> {
    let whole = words.concat();
    if let Ok(date) = whole.parse::<Date>() {
        return Some(date);
    }
    let months = |word: &&&str| place(word.trim_end_matches('.'), |l| &l.months).is_some();
    match words.iter().find(months) {
        Some(named) => {
            let month = place(named.trim_end_matches('.'), |l| &l.months)?;
            let others = words.iter().filter(|w| *w != named && !is(w, |l| &l.beside));
            let numbers: Vec<i16> = others.map(|word| number(word)).collect::<Option<_>>()?;
            let month = i16::try_from(month).ok()?;
            match numbers.as_slice() {
                [day] => coming(*day, month, today),
                [day, year] => in_year(*day, month, *year),
                _ => None,
            }
        }
        None => numeric(&whole, today),
    }
}

/// With dots the day comes first; with a slash only where it can be read in one way.
fn numeric(text: &str, today: Date) -> Option<Date> {
    let (sign, text) =
        if text.contains('/') { ('/', text) } else { ('.', text.trim_end_matches('.')) };
    let parts: Vec<i16> =
        text.split(sign).map(|part| part.parse().ok()).collect::<Option<Vec<_>>>()?;
    let (first, second, year) = match parts.as_slice() {
        [first, second] => (*first, *second, None),
        [first, second, year] => (*first, *second, Some(*year)),
        _ => return None,
    };
    let (day, month) = match sign {
        '/' if first > 12 => (first, second),
        '/' if second > 12 => (second, first),
        '/' if first != second => return None,
        _ => (first, second),
    };
    match year {
        Some(year) => in_year(day, month, year),
        None => coming(day, month, today),
    }
}

/// The next time that this day comes.
fn coming(day: i16, month: i16, today: Date) -> Option<Date> {
    let of = |year: i16| in_year(day, month, year).filter(|date| *date > today);
    // The 29th of February is years away.
    (today.year()..today.year().checked_add(2)?).find_map(of)
}

fn in_year(day: i16, month: i16, year: i16) -> Option<Date> {
    let year = if (0..100).contains(&year) { year + 2000 } else { year };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `1`, `1.`, `1st`.
fn number(word: &str) -> Option<i16> {
    let digits = word.trim_end_matches('.');
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| digits.strip_suffix(end));
    digits.unwrap_or(word.trim_end_matches('.')).parse().ok()
}

/// Behind the words of one sort.
fn without<'a, 'w>(words: &'a [&'w str], of: impl Fn(&str) -> bool) -> &'a [&'w str] {
    let count = words.iter().take_while(|word| of(word)).count();
    words.get(count..).unwrap_or_default()
}
