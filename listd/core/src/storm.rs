//! The brake on reply storms: when answers to a big list come faster than people can want to read them.
//!
//! Pure: the clock is handed in. Bounded: for each list the newest few times, and a fixed number of lists (promise
//! 10). Kept in memory alone: after a restart a storm has to begin anew. What is done with a storm decides `policy`.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::time::Timestamp;

/// How many answers are too many.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many go out; the next one is a storm.
    pub replies: u32,
    pub within: Duration,
}

/// What one more answer is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Storm {
    #[default]
    Calm,
    /// The first one too many.
    Begins,
    /// It goes on: until fewer than half as many as the limit came within its time, waiting ones included.
    Blows,
}

/// When the newest answers to a list came.
#[derive(Debug, Default)]
struct Seen {
    at: VecDeque<Timestamp>,
    blows: bool,
}

impl Seen {
    /// How many came within the time before `now`. What a clock that was set back left in the future counts too, and
    /// goes with the next one that is counted.
    fn lately(&self, limit: Limit, now: Timestamp) -> usize {
        self.at.iter().filter(|at| at.0 > since(limit, now)).count()
    }

    fn next(&self, limit: Limit, now: Timestamp) -> Storm {
        let (lately, most) = (self.lately(limit, now), to_usize(limit.replies));
        match self.blows {
            true if lately * 2 > most => Storm::Blows,
            _ if lately < most => Storm::Calm,
            _ => Storm::Begins,
        }
    }
}

/// The answers to all lists.
#[derive(Debug)]
pub struct Storms {
    capacity: usize,
    lists: HashMap<String, Seen>,
}

impl Storms {
    /// Remembers at most `capacity` lists; each takes room for as many times as its limit.
    pub fn new(capacity: usize) -> Storms {
        Storms { capacity: capacity.max(1), lists: HashMap::new() }
    }

    /// What one more answer to `list` would be; counts nothing.
    pub fn next(&self, list: &str, limit: Limit, now: Timestamp) -> Storm {
        self.lists.get(list).map_or(Storm::Calm, |seen| seen.next(limit, now))
    }

    /// Counts an answer to `list`, and says what it is.
    pub fn count(&mut self, list: &str, limit: Limit, now: Timestamp) -> Storm {
        if !self.lists.contains_key(list) {
            self.make_room();
        }
        let seen = self.lists.entry(list.to_owned()).or_default();
        let storm = seen.next(limit, now);
        seen.blows = storm != Storm::Calm;
        seen.at.retain(|at| at.0 > since(limit, now) && *at <= now);
        seen.at.push_back(now);
        while seen.at.len() > to_usize(limit.replies) + 1 {
            seen.at.pop_front();
        }
        storm
    }

    /// Forgets the list that has been quiet longest.
    fn make_room(&mut self) {
        if self.lists.len() < self.capacity {
            return;
        }
        let last = |seen: &Seen| seen.at.back().map_or(i64::MIN, |at| at.0);
        let quietest = self.lists.iter().min_by_key(|(_, seen)| last(seen));
        if let Some(list) = quietest.map(|(list, _)| list.clone()) {
            self.lists.remove(&list);
        }
    }
}

fn since(limit: Limit, now: Timestamp) -> i64 {
    now.0.saturating_sub(i64::try_from(limit.within.as_millis()).unwrap_or(i64::MAX))
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;
    const TEN: Limit = Limit { replies: 10, within: Duration::from_secs(600) };

    fn at(second: i64) -> Timestamp {
        Timestamp(second * SECOND)
    }

    /// Ten go out, the eleventh begins the storm, once; half as many within the time end it.
    #[test]
    fn a_storm_begins_once_and_ends_when_it_is_quiet() {
        let mut storms = Storms::new(10);
        for second in 0..10 {
            assert_eq!(storms.count("5b", TEN, at(second)), Storm::Calm);
        }
        assert_eq!(storms.next("5b", TEN, at(10)), Storm::Begins);
        assert_eq!(storms.next("5b", TEN, at(10)), Storm::Begins, "asking counts nothing");
        assert_eq!(storms.count("5b", TEN, at(10)), Storm::Begins);
        for second in 11..300 {
            assert_eq!(storms.count("5b", TEN, at(second)), Storm::Blows, "{second}");
        }
        assert_eq!(storms.next("5a", TEN, at(300)), Storm::Calm, "each list for itself");
        // The newest eleven came at 289 to 299: five of them are young enough at 894 still, six at 893.
        assert_eq!(storms.next("5b", TEN, at(893)), Storm::Blows);
        assert_eq!(storms.count("5b", TEN, at(894)), Storm::Calm);
        // And it may begin again.
        let again: Vec<Storm> = (0..8).map(|_| storms.count("5b", TEN, at(895))).collect();
        assert_eq!(again.iter().filter(|s| **s == Storm::Begins).count(), 1, "{again:?}");
    }

    /// A trickle of one answer a minute is a conversation.
    #[test]
    fn a_trickle_is_no_storm() {
        let mut storms = Storms::new(10);
        for minute in 0..1_000 {
            assert_eq!(storms.count("5b", TEN, at(minute * 61)), Storm::Calm);
        }
    }

    /// A clock that is set back: at most one storm's time is wrong.
    #[test]
    fn a_clock_that_is_set_back() {
        let mut storms = Storms::new(10);
        for second in 0..10 {
            storms.count("5b", TEN, at(1_000_000 + second));
        }
        assert_eq!(storms.count("5b", TEN, at(0)), Storm::Begins);
        assert_eq!(storms.count("5b", TEN, at(1)), Storm::Calm);
    }

    /// Promise 10: so many lists, so many times each.
    #[test]
    fn it_remembers_a_fixed_number() {
        let mut storms = Storms::new(3);
        for second in 0..1_000 {
            storms.count("loud", TEN, at(second));
            storms.count(&format!("{second}"), TEN, at(second));
            assert!(storms.lists.len() <= 3);
            assert!(storms.lists.values().all(|seen| seen.at.len() <= 11));
        }
        assert_eq!(storms.next("loud", TEN, at(1_000)), Storm::Blows);
    }
}
