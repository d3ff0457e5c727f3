//! A wish to be on a list: where the directory says who is on it, its owners decide. The mail waits for their word like
//! any mail that is held, and the desk asks them.

use std::sync::PoisonError;

use listcore::hold::Reason;
use listcore::notice::NoHelp;

use super::Requests;
use crate::letters::limit;
use crate::pipeline::{Answered, Request};
use crate::store::held::Held;
use crate::store::{Move, StoreError};

/// Held mails of a list that are looked at.
const LOOKED_AT: usize = 1_000;

impl Requests {
    /// One open wish for an address and list; three in a day for an address, and a few of strangers for a list.
    pub(super) async fn wish(&self, request: &Request<'_>) -> Result<Answered, StoreError> {
        let (list, address, now) = (request.list, &request.who.address, request.now);
        if self.choices()?.on_the_list(list, address).is_some() {
            return self.is_on(request).await;
        }
        let store = self.parts.store.as_ref();
        let waiting = store.held_on(Some(&list.id), LOOKED_AT).await?;
        let same = |held: &Held| {
            held.reason == Reason::Subscription
                && held.author.as_ref().is_some_and(|author| author.same_as(address))
        };
        if waiting.iter().any(same) {
            return Ok(Answered::Waits);
        }
        if !limit::WISHES.is_left(store, None, address, now).await? {
            return Ok(Answered::Enough(NoHelp::TooMany));
        }
        if !request.known && !self.stranger(request) {
            return Ok(Answered::Enough(NoHelp::TooMany));
        }
        let key = format!("{} {}", list.id.0, address.key());
        if !self.underway.lock().unwrap_or_else(PoisonError::into_inner).take(&key, now) {
            return Ok(Answered::Waits);
        }
        let spent = limit::WISHES.spent(None, address, &self.number(request), now);
        self.commit(vec![Move::Mark(spent)]).await?;
        Ok(Answered::Wish)
    }
}
