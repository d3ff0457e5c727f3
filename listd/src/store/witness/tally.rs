//! How far a post is: counted from what is committed, so that its end is told once.

use listcore::time::Timestamp;

use super::{About, Counted, Kind};
use crate::store::{Account, BATCH, rules};

/// How far a post is.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub about: About,
    pub accepted: Timestamp,
    /// The latest outcome.
    pub last: Timestamp,
    /// One for each recipient, in the order of the post.
    kinds: Vec<Kind>,
    /// Recipients without a final outcome.
    pub open: usize,
}

impl Tally {
    pub(super) fn new(about: About, accepted: Timestamp, recipients: usize) -> Tally {
        let kinds = vec![Kind::Waiting; recipients];
        Tally { about, accepted, last: accepted, kinds, open: recipients }
    }

    pub(super) fn of(account: &Account) -> Tally {
        let (list, message_id) =
            (account.post.frozen.address.clone(), account.post.message_id.clone());
        let total = account.batches.iter().map(|batch| batch.outcomes.len()).sum();
        let mut tally = Tally::new(About { list, message_id }, account.post.accepted, total);
        for batch in &account.batches {
            let kinds: Vec<(u16, Kind)> =
                (0..).zip(batch.outcomes.iter().map(Kind::from)).collect();
            tally.note(batch.id.number, &kinds, rules::last(&batch.outcomes));
        }
        tally
    }

    /// What is final is replaced by what is final only, as in the store.
    pub(super) fn note(&mut self, batch: u32, outcomes: &[(u16, Kind)], last: Timestamp) {
        self.last = self.last.max(last);
        let first = usize::try_from(batch).unwrap_or(usize::MAX).saturating_mul(BATCH);
        for (index, kind) in outcomes {
            let Some(slot) = self.kinds.get_mut(first.saturating_add(usize::from(*index))) else {
                continue;
            };
            match (slot.is_final(), kind.is_final()) {
                (true, false) => continue,
                (false, true) => self.open = self.open.saturating_sub(1),
                _ => {}
            }
            *slot = *kind;
        }
    }

    /// What it is about while it goes on, all of it when it is over.
    pub(super) fn clone_if_over(&self) -> Result<About, Tally> {
        if self.open > 0 { Ok(self.about.clone()) } else { Err(self.clone()) }
    }

    pub(super) fn counts(&self) -> Counted {
        let count = |wanted: Kind| self.kinds.iter().filter(|kind| **kind == wanted).count();
        Counted {
            delivered: count(Kind::Delivered),
            failed: count(Kind::Failed),
            dropped: count(Kind::Dropped),
        }
    }
}

#[cfg(test)]
mod tests {
    use listcore::address::Address;

    use super::*;

    fn tally(recipients: usize) -> Tally {
        let list = Address::parse("klasse-5b@schule.example").expect("an address");
        let about = About { list, message_id: "1@post.example".into() };
        Tally::new(about, Timestamp(0), recipients)
    }

    /// Final outcomes count once, whatever comes after them; the last one ends the post.
    #[test]
    fn a_post_is_over_when_everybody_has_a_final_outcome() {
        let mut tally = tally(BATCH + 2);
        let all: Vec<(u16, Kind)> =
            (0..u16::try_from(BATCH).expect("100")).map(|i| (i, Kind::Delivered)).collect();
        tally.note(0, &all, Timestamp(0));
        assert_eq!(tally.open, 2);
        tally.note(1, &[(0, Kind::Deferred), (1, Kind::Dropped)], Timestamp(0));
        tally.note(0, &[(7, Kind::Deferred), (8, Kind::Failed)], Timestamp(0));
        assert!(tally.clone_if_over().is_ok());
        tally.note(1, &[(0, Kind::Failed)], Timestamp(0));
        let over = tally.clone_if_over().expect_err("it is over");
        let counts = Counted { delivered: BATCH - 1, failed: 2, dropped: 1 };
        assert_eq!(over.counts(), counts);
    }

    /// Numbers that the post does not have change nothing.
    #[test]
    fn what_does_not_fit_is_left_alone() {
        let mut tally = tally(1);
        tally.note(u32::MAX, &[(u16::MAX, Kind::Failed)], Timestamp(0));
        tally.note(0, &[(1, Kind::Failed)], Timestamp(0));
        assert_eq!((tally.open, tally.counts()), (1, Counted::default()));
    }
}
