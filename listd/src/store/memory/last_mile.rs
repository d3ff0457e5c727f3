//! The part of the store in memory that keeps what the recipients' own servers said.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::outcome::Outcome;
use listcore::time::Timestamp;

use super::{MemoryStore, State};
use crate::store::last_mile::{LastMile, RelayLog, Said, Underway};
use crate::store::witness::Refusal;
use crate::store::{BatchId, PostId, StoreError, rules};

impl State {
    pub(super) fn last_mile(&mut self, told: LastMile) {
        for (id, index, outcome) in told.heard {
            let post = self.posts.get(&id.post);
            let batch = post.and_then(|post| post.batches.get(id.number as usize));
            let Some(length) = batch.map(|batch| batch.refs.len()) else { continue };
            let known = self.heard.entry(id).or_insert_with(|| vec![Outcome::Waiting; length]);
            rules::hear(known, vec![(index, outcome)]);
        }
        for said in told.said {
            let same = |old: &&mut Said| {
                (old.day, &old.provider, &old.answer, &old.reason)
                    == (said.day, &said.provider, &said.answer, &said.reason)
            };
            match self.said.iter_mut().find(same) {
                Some(old) => (old.count, old.words) = (old.count + said.count, said.words),
                None => self.said.push(said),
            }
        }
        self.position = told.position;
    }

    pub(super) fn erase_last_mile(&mut self, before: Timestamp) {
        self.heard.retain(|id, _| self.posts.contains_key(&id.post));
        self.said.retain(|said| said.day >= before);
    }
}

impl MemoryStore {
    /// What `of` finds in the batches of posts to which something happened since then.
    fn copies<T>(
        &self,
        since: Timestamp,
        limit: usize,
        of: impl Fn(BatchId, &[Outcome], &[Outcome]) -> Vec<T>,
    ) -> Vec<T> {
        let state = self.state();
        let mut all = Vec::new();
        for (post, kept) in state.posts.iter().rev() {
            if !kept.is_unfinished() && kept.last < since {
                continue;
            }
            for (number, batch) in (0_u32..).zip(&kept.batches) {
                let id = BatchId { post: *post, number };
                let heard = state.heard.get(&id).cloned().unwrap_or_default();
                all.extend(of(id, &batch.outcomes, &heard));
            }
        }
        all.truncate(limit);
        all
    }
}

#[async_trait]
impl RelayLog for MemoryStore {
    async fn position(&self) -> Result<Vec<u8>, StoreError> {
        Ok(self.state().position.clone())
    }

    async fn underway(&self, since: Timestamp, limit: usize) -> Result<Vec<Underway>, StoreError> {
        Ok(self.copies(since, limit, rules::underway))
    }

    async fn refused(&self, since: Timestamp, limit: usize) -> Result<Vec<Refusal>, StoreError> {
        Ok(self.copies(since, limit, rules::refused))
    }

    async fn addresses(&self, id: BatchId) -> Result<Vec<Option<Address>>, StoreError> {
        let state = self.state();
        let post = state.posts.get(&id.post);
        let batch = post.and_then(|post| post.batches.get(id.number as usize));
        let refs = batch.map(|batch| batch.refs.clone()).unwrap_or_default();
        let address = |who| Some(state.recipients.get(who)?.address.clone());
        Ok(refs.iter().map(address).collect())
    }

    async fn heard(&self, post: PostId) -> Result<Vec<(u32, Vec<Outcome>)>, StoreError> {
        let state = self.state();
        let of = state.heard.iter().filter(|(id, _)| id.post == post);
        Ok(of.map(|(id, outcomes)| (id.number, outcomes.clone())).collect())
    }

    async fn said(&self, since: Timestamp) -> Result<Vec<Said>, StoreError> {
        let mut all: Vec<Said> = Vec::new();
        let mut days: Vec<Said> =
            self.state().said.iter().filter(|s| s.day >= since).cloned().collect();
        days.sort_by_key(|said| said.day);
        for said in days {
            let same = |old: &&mut Said| {
                (&old.provider, &old.answer, &old.reason)
                    == (&said.provider, &said.answer, &said.reason)
            };
            match all.iter_mut().find(same) {
                Some(old) => {
                    (old.day, old.count, old.words) =
                        (said.day, old.count + said.count, said.words);
                }
                None => all.push(said),
            }
        }
        all.sort_by(|a, b| {
            (&a.provider, &a.answer, &a.reason).cmp(&(&b.provider, &b.answer, &b.reason))
        });
        Ok(all)
    }
}
