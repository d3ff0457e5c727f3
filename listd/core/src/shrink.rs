//! Has a list shrunk so much that nobody should believe it without asking (promise 6)?
//!
//! Numbers in, a word out. Where the numbers come from, and what is held then, is the daemon's `members`.

use std::time::Duration;

use crate::time::Timestamp;

/// Lists with fewer members are held only when nobody is left: of three members two may well go on one day.
pub const SMALL: usize = 5;

/// A loss that the guard allows counts as accepted when it has stood so long. Until then further losses add to it,
/// so that many small steps within a day are one large one.
pub const SETTLES: Duration = Duration::from_secs(24 * 3600);

/// So long nobody is taken off mail that was frozen earlier, where a loss is young: many small steps may follow that
/// together are too much.
pub const YOUNG: Duration = Duration::from_secs(5);

/// What follows from the size of a list now, against the size that was accepted last.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Shrink {
    /// As large, or larger: accepted at once.
    None,
    /// Smaller, but no more than the guard allows.
    Allowed,
    /// So much smaller that mail waits.
    TooMuch,
}

/// `percent` is the share of the accepted members that may be gone, 0 to 100; 100 switches the guard off.
pub fn shrink(accepted: usize, now: usize, percent: u8) -> Shrink {
    if now >= accepted {
        return Shrink::None;
    }
    let lost = accepted.saturating_sub(now);
    let too_much = if accepted < SMALL {
        now == 0
    } else {
        lost.saturating_mul(100) > accepted.saturating_mul(usize::from(percent))
    };
    if too_much && percent < 100 { Shrink::TooMuch } else { Shrink::Allowed }
}

/// True where an allowed loss that began at `since` counts as accepted by now.
pub fn has_settled(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= SETTLES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6, the numbers: at the guard is allowed, over it is not; small lists have a rule of their own.
    #[test]
    fn the_guard_counts() {
        use Shrink::{Allowed, None, TooMuch};
        let cases = [
            (20, 20, 50, None),
            (20, 21, 0, None),
            (0, 0, 0, None),
            (20, 12, 50, Allowed),
            (20, 10, 50, Allowed),
            (20, 9, 50, TooMuch),
            (20, 8, 50, TooMuch),
            (20, 0, 50, TooMuch),
            (20, 19, 0, TooMuch),
            (20, 0, 99, TooMuch),
            (20, 0, 100, Allowed),
            (5, 2, 50, TooMuch),
            (4, 1, 50, Allowed),
            (4, 1, 0, Allowed),
            (4, 0, 50, TooMuch),
            (1, 0, 50, TooMuch),
            (1, 0, 100, Allowed),
            (usize::MAX, usize::MAX - 1, 50, Allowed),
        ];
        for (accepted, now, percent, expect) in cases {
            assert_eq!(
                shrink(accepted, now, percent),
                expect,
                "{accepted} -> {now} at {percent} %"
            );
        }
    }

    #[test]
    fn a_loss_settles_in_a_day() {
        let day = SETTLES.as_millis() as i64;
        assert!(!has_settled(Timestamp(5), Timestamp(4 + day)));
        assert!(has_settled(Timestamp(5), Timestamp(5 + day)));
        assert!(!has_settled(Timestamp(5), Timestamp(0)), "a clock that was set back");
    }
}
