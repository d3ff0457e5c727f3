//! Names for mails and posts: unique, growing, never reused, handed out by one counter.
//!
//! Not secrets: who may see a post is decided elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use listcore::time::Timestamp;

/// Hands out ids below 2^63: milliseconds since 1970 in the upper 43 bits, a running number below.
#[derive(Debug, Default)]
pub struct Ids {
    last: AtomicU64,
}

/// How many ids one millisecond has room for; a burst beyond it borrows from the next.
const PER_MILLISECOND: u64 = 1 << 20;

impl Ids {
    /// The next id, larger than each one before it, also after a restart, and also where the clock was set back.
    pub fn next(&self, now: Timestamp) -> u64 {
        let floor =
            u64::try_from(now.0).unwrap_or(0).saturating_mul(PER_MILLISECOND) & (i64::MAX as u64);
        let next = |last: u64| Some(floor.max(last + 1));
        match self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(last) | Err(last) => floor.max(last + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_also_where_the_clock_does_not() {
        let ids = Ids::default();
        let given: Vec<u64> =
            [1_000, 1_000, 500, 2_000].iter().map(|ms| ids.next(Timestamp(*ms))).collect();
        assert!(given.windows(2).all(|pair| pair[0] < pair[1]), "{given:?}");
        assert_eq!(given[3], 2_000 << 20);
        assert!(ids.next(Timestamp(i64::MAX)) <= i64::MAX as u64);
    }
}
