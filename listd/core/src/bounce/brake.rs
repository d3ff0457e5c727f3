//! When a mail is to blame and not its recipients: too many of their servers refuse it (rule V6, promise 11).
//!
//! Pure. Only refusals for the mail's or our sake (policy, content) are counted; who counts them, and what a brake does,
//! is the daemon's.

use serde::{Deserialize, Serialize};

use super::Class;

/// Providers that are told of by name.
pub const MOST: usize = 10;

/// From when on delivery of the rest pauses.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// More than this share of those who were tried, in percent; 100 = never.
    pub percent: u8,
    /// And at least so many.
    pub least: usize,
}

/// What one provider has against a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByProvider {
    /// As [`provider`](crate::provider::provider) names it.
    pub provider: String,
    pub class: Class,
    /// So many recipients.
    pub count: usize,
    /// What it said last.
    pub said: String,
}

/// Who refused a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    pub refused: usize,
    pub tried: usize,
    /// The most first, [`MOST`] at most.
    pub by: Vec<ByProvider>,
}

/// How a mail fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Recipients who have an outcome, whatever it is.
    pub tried: usize,
    /// Recipients who still wait.
    pub waiting: usize,
    /// In any order.
    pub by: Vec<ByProvider>,
}

/// Why the rest of a mail pauses; `None` where it goes on.
pub fn brake(tally: &Tally, limit: Limit) -> Option<Refusals> {
    let refused: usize = tally.by.iter().map(|one| one.count).sum();
    let tried = tally.tried.max(refused);
    let share = refused.saturating_mul(100) > tried.saturating_mul(usize::from(limit.percent));
    if !share || refused < limit.least.max(1) {
        return None;
    }
    let mut by = tally.by.clone();
    by.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.provider.cmp(&b.provider)));
    by.truncate(MOST);
    Some(Refusals { refused, tried, by })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit { percent: 30, least: 10 };

    fn by(provider: &str, count: usize) -> ByProvider {
        let (provider, said) = (provider.to_owned(), "554 spam".to_owned());
        ByProvider { provider, class: Class::Policy, count, said }
    }

    /// V6: more than the share, and enough of them that it is no accident.
    #[test]
    fn more_than_a_share_brakes() {
        let gmx = || by("gmx.de", 8);
        let cases = [
            (vec![], 100, false),
            (vec![by("web.de", 9)], 9, false),
            (vec![by("web.de", 10)], 10, true),
            (vec![by("web.de", 30)], 100, false),
            (vec![by("web.de", 31)], 100, true),
            (vec![gmx(), by("web.de", 23)], 100, true),
            // A refusal may be heard of before the outcome it belongs to.
            (vec![by("web.de", 12)], 3, true),
        ];
        for (by, tried, expect) in cases {
            let tally = Tally { tried, waiting: 5, by };
            assert_eq!(brake(&tally, LIMIT).is_some(), expect, "{tally:?}");
        }
    }

    #[test]
    fn the_loudest_are_named_first() {
        let mut all: Vec<_> = (0..20).map(|n| by(&format!("{n}.example"), 1)).collect();
        all.push(by("gmx.de", 7));
        let why = brake(&Tally { tried: 30, waiting: 9, by: all }, LIMIT).expect("a brake");
        assert_eq!((why.refused, why.tried, why.by.len()), (27, 30, MOST));
        assert_eq!(why.by.first(), Some(&by("gmx.de", 7)));
    }

    proptest! {
        #[test]
        fn a_full_share_never_brakes_and_few_never_do(
            counts in proptest::collection::vec(0..1_000_usize, 0..20), tried in 0..100_000_usize, least in 0..50_usize,
        ) {
            let all: Vec<_> = counts.iter().map(|n| by("x.example", *n)).collect();
            let tally = Tally { tried, waiting: 1, by: all };
            let off = Limit { percent: 100, least };
            prop_assert_eq!(brake(&tally, off), None);
            let refused: usize = counts.iter().sum();
            if refused < least {
                prop_assert_eq!(brake(&tally, Limit { percent: 0, least }), None);
            }
        }
    }
}
