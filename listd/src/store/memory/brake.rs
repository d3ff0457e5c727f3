//! The part of the store in memory that keeps refusals of a mail, and its brake.

use std::collections::BTreeMap;

use async_trait::async_trait;
use listcore::bounce::Class;
use listcore::bounce::brake::{ByProvider, Refusals, Tally};
use listcore::list::ListId;
use listcore::outcome::Outcome;
use listcore::time::Timestamp;

use super::{MemoryStore, State};
use crate::store::brake::{Braked, Brakes, Refused, Sent};
use crate::store::{BatchId, Done, PostId, RecipientRef, StoreError};

/// A brake, and when it was released.
pub(super) struct Kept {
    at: Timestamp,
    refusals: Refusals,
    released: Option<Timestamp>,
}

impl State {
    pub(super) fn refused(&mut self, refused: Refused) {
        if !self.posts.contains_key(&refused.post) {
            return;
        }
        let (key, said) = ((refused.post, refused.who), refused.said.clone());
        self.refusals.entry(key).or_insert(refused).said = said;
    }

    pub(super) fn brake(&mut self, post: PostId, at: Timestamp, refusals: Refusals) -> Done {
        if !self.posts.contains_key(&post) || self.brakes.contains_key(&post) {
            return Done::Stale;
        }
        self.brakes.insert(post, Kept { at, refusals, released: None });
        Done::Ok
    }

    pub(super) fn unbrake(&mut self, post: PostId, at: Timestamp) -> Done {
        match self.brakes.get_mut(&post).filter(|kept| kept.released.is_none()) {
            Some(kept) => {
                kept.released = Some(at);
                Done::Ok
            }
            None => Done::Stale,
        }
    }

    pub(super) fn braked(&self) -> Vec<Braked> {
        let now = self.brakes.iter().filter(|(_, kept)| kept.released.is_none());
        let one = |(post, kept): (&PostId, &Kept)| {
            let stored = self.posts.get(post).filter(|post| post.is_unfinished())?;
            let (at, refusals) = (kept.at, kept.refusals.clone());
            Some(Braked { post: *post, at, refusals, expires: stored.stored.expires })
        };
        now.filter_map(one).collect()
    }

    pub(super) fn erase_brakes(&mut self) {
        self.refusals.retain(|(post, _), _| self.posts.contains_key(post));
        self.brakes.retain(|post, _| self.posts.contains_key(post));
    }
}

#[async_trait]
impl Brakes for MemoryStore {
    async fn sent(&self, batch: BatchId, index: u16) -> Result<Option<Sent>, StoreError> {
        let state = self.state();
        let Some(post) = state.posts.get(&batch.post) else { return Ok(None) };
        let refs = post.batches.get(batch.number as usize).map(|batch| &batch.refs);
        let Some(who) = refs.and_then(|refs| refs.get(usize::from(index))) else { return Ok(None) };
        let Some(recipient) = state.recipients.get(who) else { return Ok(None) };
        let frozen = &post.stored.frozen;
        Ok(Some(Sent {
            who: RecipientRef(*who),
            address: recipient.address.clone(),
            domain: frozen.domain.clone(),
            list: frozen.list.clone(),
            probe: frozen.probe.clone(),
        }))
    }

    async fn post_to(
        &self,
        list: &ListId,
        message_id: &str,
        who: RecipientRef,
    ) -> Result<Option<PostId>, StoreError> {
        let state = self.state();
        let found = state.posts.iter().rev().find(|(_, post)| {
            post.stored.frozen.list == *list
                && post.stored.message_id == message_id
                && post.batches.iter().any(|batch| batch.refs.contains(&who.0))
        });
        Ok(found.map(|(id, _)| *id))
    }

    async fn tally(&self, id: PostId) -> Result<Option<Tally>, StoreError> {
        let state = self.state();
        let Some(post) = state.posts.get(&id).filter(|_| !state.brakes.contains_key(&id)) else {
            return Ok(None);
        };
        let outcomes = || post.batches.iter().flat_map(|batch| &batch.outcomes);
        let waiting = outcomes().filter(|outcome| Outcome::due(outcome).is_some()).count();
        let mut by: BTreeMap<(String, &str), ByProvider> = BTreeMap::new();
        for refused in state.refusals.values().filter(|refused| refused.post == id) {
            let Refused { provider, class, said, .. } = refused.clone();
            let new =
                ByProvider { provider: provider.clone(), class, count: 0, said: said.clone() };
            let one = by.entry((provider, Class::as_str(class))).or_insert(new);
            (one.count, one.said) = (one.count + 1, said);
        }
        let by = by.into_values().collect();
        Ok(Some(Tally { tried: outcomes().count() - waiting, waiting, by }))
    }

    async fn braked(&self) -> Result<Vec<Braked>, StoreError> {
        Ok(self.state().braked())
    }
}
