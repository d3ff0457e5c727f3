//! Digests: when one is due, and how the mails in it are put in order.
//!
//! Pure: the time and the zone are arguments. Who wants one, and what the mails are, is the daemon's; the words are
//! `notice::digest`'s.

use std::collections::HashMap;
use std::ops::Range;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan, Zoned};

use crate::time::Timestamp;

/// How often somebody wants one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Period {
    Daily,
    Weekly,
}

/// A time of day as a clock on the wall shows it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// 0 to 23
    pub hour: u8,
    /// 0 to 59
    pub minute: u8,
}

impl Default for TimeOfDay {
    /// When parents are home.
    fn default() -> TimeOfDay {
        TimeOfDay { hour: 18, minute: 0 }
    }
}

/// A day of the week.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Day(Weekday);

impl Default for Day {
    fn default() -> Day {
        Day(Weekday::Friday)
    }
}

impl Day {
    /// By its English name or the first three letters of it, in small letters.
    pub fn read(text: &str) -> Option<Day> {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let is = |day: &&str| **day == *text || day.get(..3) == Some(text);
        let number = days.iter().position(is)?;
        Some(Day(Weekday::from_monday_zero_offset(i8::try_from(number).ok()?).ok()?))
    }
}

/// When digests go out, by whatever clock.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub at: TimeOfDay,
    /// Of the weekly ones.
    pub day: Day,
}

impl Times {
    pub fn in_zone(self, zone: TimeZone) -> Schedule {
        Schedule { at: self.at, day: self.day, zone }
    }
}

/// When the digests of a domain go out.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub at: TimeOfDay,
    /// Of the weekly ones.
    pub day: Day,
    pub zone: TimeZone,
}

impl Schedule {
    /// The first digest after this moment: what came at `after` stands in it. On a day on which the clock is put
    /// forward over that time, it is so much later; where it is put back, the first of the two times counts.
    pub fn next(&self, after: Timestamp, period: Period) -> Timestamp {
        let from = Instant::from_millisecond(after.0).unwrap_or(Instant::UNIX_EPOCH);
        let today = from.to_zoned(self.zone.clone()).date();
        let found = (0..=8).find_map(|days: i64| {
            let at = self.on(today.checked_add(days.days()).ok()?)?;
            let fits = period == Period::Daily || at.weekday() == self.day.0;
            (fits && at.timestamp() > from).then(|| Timestamp(at.timestamp().as_millisecond()))
        });
        // Only at the end of all time.
        found.unwrap_or(Timestamp(i64::MAX))
    }

    fn on(&self, date: jiff::civil::Date) -> Option<Zoned> {
        let small = |number: u8| i8::try_from(number).ok();
        let at = date.at(small(self.at.hour)?, small(self.at.minute)?, 0, 0);
        at.to_zoned(self.zone.clone()).ok()
    }

    /// What came at `came` stands in a digest by now.
    pub fn is_due(&self, came: Timestamp, period: Period, now: Timestamp) -> bool {
        self.next(came, period) <= now
    }
}

/// Most of one digest: what providers take, and what a person finds her way in.
#[derive(Copy, Clone, Debug)]
pub struct Most {
    /// Of the mails in it.
    pub octets: u64,
    pub mails: usize,
}

impl Default for Most {
    fn default() -> Most {
        Most { octets: 10 << 20, mails: 100 }
    }
}

/// Divides mails of these sizes, in this order, among as few digests as can be. A mail that is too large for any stands
/// in one alone; each stands in exactly one.
pub fn divide(sizes: &[u64], most: Most) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut octets = 0u64;
    for (index, size) in sizes.iter().enumerate() {
        let with = octets.saturating_add(*size);
        match parts.last_mut() {
            Some(part) if with <= most.octets && part.len() < most.mails => {
                part.end = index + 1;
                octets = with;
            }
            _ => {
                parts.push(index..index + 1);
                octets = *size;
            }
        }
    }
    parts
}

/// What puts a mail in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What the list is called, and its address, for lists of one name.
    pub list: (String, String),
    /// Ids as the mail has them, in any form that is the same for the same id.
    pub id: Option<String>,
    /// Of what it answers: References and In-Reply-To, the oldest first.
    pub answers: Vec<String>,
    pub came: Timestamp,
}

/// The indices of the items by list, and in each by thread: lists by name, threads by when they began, mails by when
/// they came. Each index stands in it once.
pub fn order(items: &[Item]) -> Vec<Vec<Vec<usize>>> {
    let mut by_time: Vec<usize> = (0..items.len()).collect();
    let came = |index: &usize| items.get(*index).map(|item| item.came);
    by_time.sort_by_key(came);
    let mut lists: Vec<(&(String, String), Threads)> = Vec::new();
    for index in by_time {
        let Some(item) = items.get(index) else { continue };
        match lists.iter_mut().find(|(list, _)| **list == item.list) {
            Some((_, threads)) => threads.add(index, item),
            None => {
                let mut threads = Threads::default();
                threads.add(index, item);
                lists.push((&item.list, threads));
            }
        }
    }
    lists.sort_by_key(|(list, _)| *list);
    lists.into_iter().map(|(_, threads)| threads.all).collect()
}

/// The threads of one list.
#[derive(Default)]
struct Threads {
    all: Vec<Vec<usize>>,
    /// Which thread an id belongs to, whether we have that mail or not.
    known: HashMap<String, usize>,
}

impl Threads {
    fn add(&mut self, index: usize, item: &Item) {
        let ids = || item.answers.iter().chain(&item.id);
        let thread = ids().find_map(|id| self.known.get(id).copied()).unwrap_or(self.all.len());
        match self.all.get_mut(thread) {
            Some(mails) => mails.push(index),
            None => self.all.push(vec![index]),
        }
        for id in ids() {
            self.known.entry(id.clone()).or_insert(thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn berlin(hour: u8, minute: u8) -> Schedule {
        Schedule {
            at: TimeOfDay { hour, minute },
            day: Day::read("sunday").expect("a day"),
            zone: TimeZone::get("Europe/Berlin").expect("tzdata"),
        }
    }

    fn utc(text: &str) -> Timestamp {
        Timestamp(text.parse::<Instant>().expect("a time").as_millisecond())
    }

    /// The same time on the wall, in summer and in winter and on the days between.
    #[test]
    fn the_time_of_day_is_local() {
        for (schedule, after, period, next) in [
            // Friday evening to Saturday, and over a weekend to the next Sunday.
            (berlin(18, 0), "2026-11-20T18:00:00Z", Period::Daily, "2026-11-21T17:00:00Z"),
            (berlin(18, 0), "2026-11-20T18:00:00Z", Period::Weekly, "2026-11-22T17:00:00Z"),
            (berlin(18, 0), "2026-11-22T17:00:00Z", Period::Weekly, "2026-11-29T17:00:00Z"),
            (berlin(18, 0), "2026-11-22T16:59:59.999Z", Period::Daily, "2026-11-22T17:00:00Z"),
            (berlin(18, 0), "2026-11-22T17:00:00Z", Period::Daily, "2026-11-23T17:00:00Z"),
            // The clock goes forward on 29 March and back on 25 October 2026.
            (berlin(18, 0), "2026-03-28T17:00:00Z", Period::Daily, "2026-03-29T16:00:00Z"),
            (berlin(18, 0), "2026-10-24T16:00:00Z", Period::Daily, "2026-10-25T17:00:00Z"),
            (berlin(2, 30), "2026-03-28T12:00:00Z", Period::Daily, "2026-03-29T01:30:00Z"),
            (berlin(2, 30), "2026-03-29T01:30:00Z", Period::Daily, "2026-03-30T00:30:00Z"),
            (berlin(2, 30), "2026-10-24T12:00:00Z", Period::Daily, "2026-10-25T00:30:00Z"),
            (berlin(2, 30), "2026-10-25T00:30:00Z", Period::Daily, "2026-10-26T01:30:00Z"),
            (berlin(0, 0), "2026-12-31T22:59:00Z", Period::Daily, "2026-12-31T23:00:00Z"),
        ] {
            assert_eq!(schedule.next(utc(after), period), utc(next), "{after} {period:?}");
        }
    }

    #[test]
    fn days_are_read() {
        for (text, day) in [
            ("monday", Some(Weekday::Monday)),
            ("fri", Some(Weekday::Friday)),
            ("sunday", Some(Weekday::Sunday)),
            ("Friday", None),
            ("freitag", None),
            ("", None),
        ] {
            assert_eq!(Day::read(text).map(|day| day.0), day, "{text}");
        }
    }

    proptest! {
        /// Each mail stands in exactly one digest, whenever somebody looks, and however long nobody did.
        #[test]
        fn each_mail_stands_in_one_digest(
            (hour, minute) in (0u8..24, 0u8..60),
            start in 1_760_000_000_000i64..1_830_000_000_000,
            came in prop::collection::vec(0i64..40 * 86_400_000, 1..20),
            looks in prop::collection::vec(1i64..4 * 86_400_000, 1..60),
            weekly: bool,
        ) {
            let schedule = berlin(hour, minute);
            let period = if weekly { Period::Weekly } else { Period::Daily };
            let mut waiting: Vec<Timestamp> = came.iter().map(|at| Timestamp(start + at)).collect();
            let mut sent = vec![0; waiting.len()];
            let mut now = start;
            for look in looks.into_iter().chain([60 * 86_400_000]) {
                now += look;
                for (at, count) in waiting.iter_mut().zip(&mut sent) {
                    // What has not come yet is not there.
                    if at.0 <= now && schedule.is_due(*at, period, Timestamp(now)) {
                        prop_assert!(schedule.next(*at, period).0 - at.0 <= 8 * 86_400_000);
                        *count += 1;
                        *at = Timestamp(i64::MAX);
                    }
                }
            }
            prop_assert!(sent.iter().all(|count| *count == 1), "{sent:?}");
        }

        /// Each mail stands in one digest, in its order, and no digest is too large but for a mail that is so alone.
        #[test]
        fn what_is_too_much_is_divided(
            sizes in prop::collection::vec(0u64..50, 0..60),
            octets in 1u64..100,
            mails in 1usize..10,
        ) {
            let parts = divide(&sizes, Most { octets, mails });
            let all: Vec<usize> = parts.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
            for part in parts {
                let size: u64 = sizes[part.clone()].iter().sum();
                prop_assert!(part.len() == 1 || (size <= octets && part.len() <= mails));
            }
        }

        /// Digests come one after the other, about a period apart.
        #[test]
        fn periods_follow_each_other((hour, minute) in (0u8..24, 0u8..60), start in 1_700_000_000_000i64..1_900_000_000_000) {
            let schedule = berlin(hour, minute);
            for (period, days) in [(Period::Daily, 1), (Period::Weekly, 7)] {
                let first = schedule.next(Timestamp(start), period);
                let second = schedule.next(first, period);
                let apart = (second.0 - first.0) as f64 / 3_600_000.0;
                prop_assert!((apart - 24.0 * f64::from(days)).abs() <= 1.0, "{apart} hours");
            }
        }
    }

    fn item(list: &str, id: &str, answers: &[&str], came: i64) -> Item {
        Item {
            list: (list.to_owned(), format!("{list}@schule.example")),
            id: Some(id.to_owned()),
            answers: answers.iter().map(|id| (*id).to_owned()).collect(),
            came: Timestamp(came),
        }
    }

    /// Lists by name, threads by their beginning, also where we never saw that beginning.
    #[test]
    fn mails_are_put_in_order() {
        let items = [
            item("7a", "1", &[], 5),
            item("5b", "4", &["0", "9"], 4),
            item("5b", "2", &[], 1),
            item("5b", "5", &["2"], 6),
            item("5b", "3", &["0"], 2),
            item("5b", "6", &[], 7),
        ];
        assert_eq!(order(&items), [vec![vec![2, 3], vec![4, 1], vec![5]], vec![vec![0]]]);
        assert!(order(&[]).is_empty());
    }
}
