//! Hears of refusals as they become durable: a witness of the store, for the bounces room to think about.
//!
//! It decides nothing and never waits. What is heard and not yet looked at is gone with a crash: refusals are read again
//! out of the store at the next start, where counting one twice counts once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use listcore::list::ListId;
use tokio::sync::Notify;

use crate::store::witness::{Fact, Refusal, Witness};
use crate::store::{Against, RecipientRef, StoreError};

/// Refusals that wait to be looked at, at most.
pub(super) const MOST: usize = 20_000;

/// Something that a recipient's server has against a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// As the relay, or its log, has it.
    Refusal(Refusal),
    /// As a bounce has it, of whose token names a list's recipient.
    Bounce { list: ListId, who: RecipientRef, against: Against },
}

/// One for the daemon.
#[derive(Debug, Default)]
pub struct Ear {
    heard: Mutex<Vec<Heard>>,
    wake: Notify,
}

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was heard since the last time.
    pub(super) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard())
    }

    /// What was refused before the daemon started, or could not be looked at: taken with the next look, which it does not
    /// call.
    pub(super) fn again(&self, heard: impl IntoIterator<Item = Heard>) {
        self.keep(heard);
    }

    /// Until there is something to take.
    pub(super) async fn ring(&self) {
        self.wake.notified().await;
    }

    fn add(&self, new: impl IntoIterator<Item = Heard>) {
        if self.keep(new) {
            self.wake.notify_one();
        }
    }

    /// As many as there is room for; says whether there was any.
    fn keep(&self, new: impl IntoIterator<Item = Heard>) -> bool {
        let mut heard = self.heard();
        let before = heard.len();
        heard.extend(new.into_iter().take(MOST.saturating_sub(before)));
        heard.len() > before
    }
}

impl Witness for Ear {
    fn saw(&self, fact: &Fact) {
        match fact {
            Fact::Refused(all) => self.add(all.iter().cloned().map(Heard::Refusal)),
            Fact::Bounce(event) => {
                let known = (event.list.clone(), event.recipient, event.refused.clone());
                if let (Some(list), Some(who), Some(against)) = known {
                    self.add([Heard::Bounce { list, who, against }]);
                }
            }
            _ => {}
        }
    }

    fn committed(&self, _took: Duration, _result: Result<(), &StoreError>) {}
}
