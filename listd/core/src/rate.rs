//! How often something may happen: so many at once, then one after the other. For each key alone.
//!
//! Pure: the clock is handed in. Bounded: it remembers a fixed number of keys (promise 10), and nothing of a key
//! that has been quiet long enough.

use std::collections::HashMap;

use crate::time::Timestamp;

/// A limit, and who has used how much of it (the generic cell rate algorithm).
#[derive(Debug)]
pub struct Rate {
    /// Within `ahead`.
    count: u32,
    /// Milliseconds that a key may be ahead.
    ahead: i64,
    /// Most keys.
    capacity: usize,
    /// When a key will have used nothing again.
    until: HashMap<String, Timestamp>,
}

impl Rate {
    /// `count` within `period`, all of them at once if need be; for at most `capacity` keys.
    pub fn new(count: u32, period: std::time::Duration, capacity: usize) -> Rate {
        let ahead = i64::try_from(period.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        Rate { count, ahead, capacity: capacity.max(1), until: HashMap::new() }
    }

    /// Takes one for `key`; false where it has to wait.
    pub fn take(&mut self, key: &str, now: Timestamp) -> bool {
        self.take_of(key, self.count, now)
    }

    /// The same for a key with a count of its own.
    pub fn take_of(&mut self, key: &str, count: u32, now: Timestamp) -> bool {
        let Some(used) = self.with_one_more(key, count, now) else { return false };
        if !self.until.contains_key(key) {
            self.make_room(now);
        }
        self.until.insert(key.to_owned(), used);
        true
    }

    /// Whether [`Rate::take_of`] would take one; takes nothing.
    pub fn has_room(&self, key: &str, count: u32, now: Timestamp) -> bool {
        self.with_one_more(key, count, now).is_some()
    }

    /// When `key` would have used nothing again after one more; `None` where that is too far ahead.
    fn with_one_more(&self, key: &str, count: u32, now: Timestamp) -> Option<Timestamp> {
        let every = (self.ahead / i64::from(count.max(1))).max(1);
        let known = self.until.get(key).copied().unwrap_or(now);
        // A clock that was set back locks nobody out for longer than the period.
        let from = known.0.clamp(now.0, now.0.saturating_add(self.ahead));
        let used = Timestamp(from.saturating_add(every));
        (used.0.saturating_sub(now.0) <= self.ahead).then_some(used)
    }

    /// Forgets who has used nothing; and where that is nobody, who has used least.
    fn make_room(&mut self, now: Timestamp) {
        if self.until.len() < self.capacity {
            return;
        }
        self.until.retain(|_, until| *until > now);
        if self.until.len() < self.capacity {
            return;
        }
        let least = self.until.iter().min_by_key(|(_, until)| **until).map(|(key, _)| key.clone());
        if let Some(key) = least {
            self.until.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: i64 = 60_000;

    /// Promise 10: ten at once, then one in six minutes; each key for itself.
    #[test]
    fn a_flood_is_stopped_and_a_trickle_is_not() {
        let mut rate = Rate::new(10, Duration::from_secs(3600), 100);
        let mut at = |key: &str, minute: i64| rate.take(key, Timestamp(minute * MINUTE));
        for _ in 0..10 {
            assert!(at("anna", 0));
        }
        assert!(!at("anna", 0) && !at("anna", 5));
        assert!(at("bert", 5));
        assert!(at("anna", 6) && !at("anna", 7));
        assert!((0..10).all(|_| at("anna", 200)) && !at("anna", 200));
    }

    /// A clock that is set back does not lock anybody out for ever.
    #[test]
    fn a_clock_that_is_set_back() {
        let mut rate = Rate::new(2, Duration::from_secs(60), 100);
        assert!(rate.take("anna", Timestamp(1_000 * MINUTE)));
        assert!(!rate.take("anna", Timestamp(0)));
        assert!(rate.take("bert", Timestamp(0)));
        assert!(rate.take("anna", Timestamp(1_002 * MINUTE)));
    }

    /// Each key may have a count of its own, and who only asks takes nothing.
    #[test]
    fn a_key_with_a_count_of_its_own() {
        let mut rate = Rate::new(1, Duration::from_secs(3600), 100);
        for _ in 0..3 {
            assert!(rate.has_room("anna", 3, Timestamp(0)));
            assert!(rate.has_room("anna", 3, Timestamp(0)));
            assert!(rate.take_of("anna", 3, Timestamp(0)));
        }
        assert!(!rate.has_room("anna", 3, Timestamp(0)));
        assert!(!rate.take_of("anna", 3, Timestamp(0)));
        assert!(rate.take_of("anna", 3, Timestamp(20 * MINUTE)));
        assert!(rate.take_of("bert", 1, Timestamp(0)) && !rate.take_of("bert", 1, Timestamp(0)));
    }

    /// Promise 10: the memory is bounded, and those who have used most are remembered longest.
    #[test]
    fn it_remembers_a_fixed_number() {
        let mut rate = Rate::new(5, Duration::from_secs(3600), 10);
        for _ in 0..5 {
            assert!(rate.take("flood", Timestamp(0)));
        }
        for i in 0..1_000 {
            assert!(rate.take(&format!("{i}"), Timestamp(0)));
            assert!(rate.until.len() <= 10);
        }
        assert!(!rate.take("flood", Timestamp(0)));
    }
}
