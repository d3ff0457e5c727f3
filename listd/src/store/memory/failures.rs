//! The part of the store in memory that keeps failures and how addresses stand.

use async_trait::async_trait;
use bytes::Bytes;
use listcore::address::Address;
use listcore::bounce::score::Event;
use listcore::list::ListId;
use listcore::time::Timestamp;

use super::{MemoryStore, State};
use crate::store::failures::{Failing, Failure, Failures, STRANGE, Standing, StrangeMail, day};
use crate::store::{BounceEvent, RecipientRef, StoreError, Strange};

/// Domain, mailbox, class, probe, day.
pub(super) type Key = (String, String, &'static str, bool, i64);

pub(super) struct Kept {
    pub at: Timestamp,
    pub who: RecipientRef,
    address: Address,
    failure: Failure,
}

impl State {
    /// What it says of an address is counted; what was not understood is kept.
    pub(super) fn bounced(&mut self, event: BounceEvent) {
        if let (Some(who), Some(failure)) = (event.recipient, event.failure.clone()) {
            self.failed(who, event.at, failure);
        }
        if let (Some(list), Some(strange)) = (event.list.clone(), event.strange.clone()) {
            self.strange(event.at, list, strange);
        }
        self.bounces.push(event);
    }

    pub(super) fn failed(&mut self, who: RecipientRef, at: Timestamp, failure: Failure) {
        let Some(recipient) = self.recipients.get(&who.0) else { return };
        let address = recipient.address.clone();
        let class = failure.class.as_str();
        let key = (failure.domain.clone(), address.key(), class, failure.probe, day(at));
        let before = self.failures.get(&key).map_or(at, |kept| kept.at);
        self.failures.insert(key, Kept { at: at.max(before), who, address, failure });
    }

    fn strange(&mut self, at: Timestamp, list: ListId, strange: Strange) {
        let number = self.strange.last().map_or(1, |(mail, _)| mail.number + 1);
        let Strange { kind, what, mail } = strange;
        self.strange.push((StrangeMail { number, at, list, kind, what }, mail));
        self.strange.retain(|(mail, _)| mail.number + u64::from(STRANGE) > number);
    }
}

#[async_trait]
impl Failures for MemoryStore {
    async fn failing(&self) -> Result<Vec<Failing>, StoreError> {
        let state = self.state();
        let mut rows: Vec<(&Key, &Kept)> = state.failures.iter().collect();
        rows.sort_by_key(|((domain, mailbox, ..), kept)| {
            (domain.clone(), mailbox.clone(), kept.at)
        });
        let mut all: Vec<Failing> = Vec::new();
        for ((domain, mailbox, ..), kept) in rows {
            let Failure { class, probe, said, list, .. } = kept.failure.clone();
            let event = Event { at: kept.at, class, probe };
            match all.last_mut().filter(|f| f.domain == *domain && f.address.key() == *mailbox) {
                Some(known) => {
                    known.events.push(event);
                    (known.who, known.said) = (kept.who, said);
                }
                None => all.push(Failing {
                    domain: domain.clone(),
                    address: kept.address.clone(),
                    who: kept.who,
                    list,
                    said,
                    events: vec![event],
                    standing: state.standings.get(&(domain.clone(), mailbox.clone())).cloned(),
                }),
            }
        }
        Ok(all)
    }

    async fn strange(&self, since: Timestamp) -> Result<Vec<StrangeMail>, StoreError> {
        let state = self.state();
        let strange = state.strange.iter().filter(|(mail, _)| mail.at >= since);
        Ok(strange.map(|(mail, _)| mail.clone()).collect())
    }

    async fn strange_mail(&self, number: u64) -> Result<Option<Bytes>, StoreError> {
        let state = self.state();
        let found = state.strange.iter().find(|(mail, _)| mail.number == number);
        Ok(found.map(|(_, mail)| mail.clone()))
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        Ok(self.state().standings.values().cloned().collect())
    }
}
