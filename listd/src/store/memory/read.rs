//! What the rooms read of the store in memory: the queue, settings and choices, reports.

use std::sync::Arc;

use async_trait::async_trait;
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::options::Choice;
use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use super::bodies::Kept;
use super::{MemoryStore, PackedBatch, Post, State};
use crate::store::brake::Brakes;
use crate::store::{
    Account, Attribution, Batch, BatchId, Body, Counts, DueBatch, HiddenAuthor, MailId,
    MemberOptions, Override, Overrides, PostId, Queue, RecipientRef, Report, StoreError,
    StoredPost, TraceEvent, rules,
};

impl State {
    fn load(&self, post: PostId, number: usize, batch: &PackedBatch) -> Batch {
        let known = |r: &u64| Some((RecipientRef(*r), self.recipients.get(r)?.clone()));
        Batch {
            id: BatchId { post, number: u32::try_from(number).unwrap_or(u32::MAX) },
            recipients: batch.refs.iter().map(known).collect(),
            outcomes: batch.outcomes.clone(),
        }
    }

    fn account(&self, post: &Post) -> Account {
        let id = post.stored.id;
        let batches = post.batches.iter().enumerate().map(|(n, b)| self.load(id, n, b)).collect();
        Account { post: (*post.stored).clone(), batches }
    }
}

#[async_trait]
impl Queue for MemoryStore {
    async fn due(&self) -> Result<Vec<DueBatch>, StoreError> {
        let state = self.state();
        let mut all = Vec::new();
        for (id, post) in &state.posts {
            for (number, batch) in (0_u32..).zip(&post.batches) {
                if let Some(due) = rules::due(&batch.outcomes) {
                    let list = post.stored.frozen.list.clone();
                    all.push(DueBatch { id: BatchId { post: *id, number }, list, due });
                }
            }
        }
        all.sort_by_key(|batch| (batch.due, batch.id));
        Ok(all)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        let state = self.state();
        let number = usize::try_from(id.number).unwrap_or(usize::MAX);
        let batch = state.posts.get(&id.post).and_then(|post| post.batches.get(number));
        let unfinished = batch.filter(|batch| rules::due(&batch.outcomes).is_some());
        Ok(unfinished.map(|batch| state.load(id.post, number, batch)))
    }

    async fn outcome(&self, id: BatchId, index: u16) -> Result<Option<Outcome>, StoreError> {
        let state = self.state();
        let number = usize::try_from(id.number).unwrap_or(usize::MAX);
        let batch = state.posts.get(&id.post).and_then(|post| post.batches.get(number));
        Ok(batch.and_then(|batch| batch.outcomes.get(usize::from(index)).cloned()))
    }

    async fn post(&self, id: PostId) -> Result<Option<Arc<StoredPost>>, StoreError> {
        Ok(self.state().posts.get(&id).map(|post| Arc::clone(&post.stored)))
    }

    async fn body(&self, mail: MailId) -> Result<Option<Body>, StoreError> {
        Ok(match self.state().bodies.get(&mail) {
            Some(Kept::Body(body) | Kept::Original(body, _)) => Some(body.clone()),
            Some(Kept::Gone) | None => None,
        })
    }

    async fn brakes(&self) -> Result<Vec<(PostId, Timestamp)>, StoreError> {
        Ok(self.braked().await?.into_iter().map(|one| (one.post, one.expires)).collect())
    }
}

#[async_trait]
impl Overrides for MemoryStore {
    async fn overrides(&self) -> Result<Vec<Override>, StoreError> {
        let one = |((list, key), value): (&(ListId, Key), &Vec<String>)| Override {
            list: list.clone(),
            key: *key,
            value: value.clone(),
        };
        Ok(self.state().overrides.iter().map(one).collect())
    }
}

#[async_trait]
impl MemberOptions for MemoryStore {
    async fn member_options(&self) -> Result<Vec<Choice>, StoreError> {
        Ok(self.state().options.values().cloned().collect())
    }
}

#[async_trait]
impl Attribution for MemoryStore {
    async fn recipient(&self, who: RecipientRef) -> Result<Option<Recipient>, StoreError> {
        Ok(self.state().recipients.get(&who.0).cloned())
    }

    async fn hidden_author(
        &self,
        list: &ListId,
        number: u64,
    ) -> Result<Option<HiddenAuthor>, StoreError> {
        Ok(self.state().hidden.get(&(list.clone(), number)).cloned())
    }
}

#[async_trait]
impl Report for MemoryStore {
    async fn counts(&self) -> Result<Counts, StoreError> {
        let state = self.state();
        let mut counts = Counts {
            mails: state.bodies.values().filter(|b| matches!(b, Kept::Body(_))).count() as u64,
            posts_waiting: state.posts.values().filter(|p| p.is_unfinished()).count() as u64,
            held: state.held.values().filter(|held| held.ended.is_none()).count() as u64,
            bounces: state.bounces.len() as u64,
            bounces_unattributed: state.bounces.iter().filter(|b| b.recipient.is_none()).count()
                as u64,
            braked: state.braked().len() as u64,
            paused: state.standings.values().filter(|s| s.paused.is_some()).count() as u64,
            ..Counts::default()
        };
        for batch in state.posts.values().flat_map(|post| &post.batches) {
            let (waiting, deferred) = rules::unfinished(&batch.outcomes);
            counts.recipients_waiting += waiting;
            counts.recipients_deferred += deferred;
        }
        Ok(counts)
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<StoredPost>, StoreError> {
        let state = self.state();
        let unfinished = state.posts.values().filter(|post| post.is_unfinished());
        let mut posts: Vec<StoredPost> = unfinished.map(|post| (*post.stored).clone()).collect();
        posts.sort_by_key(|post| (post.accepted, post.id));
        posts.truncate(limit);
        Ok(posts)
    }

    async fn account(&self, post: PostId) -> Result<Option<Account>, StoreError> {
        let state = self.state();
        Ok(state.posts.get(&post).map(|post| state.account(post)))
    }

    async fn trace(&self, message_id: &str) -> Result<(Vec<Account>, Vec<TraceEvent>), StoreError> {
        let state = self.state();
        let posts = state.posts.values().filter(|post| post.stored.message_id == message_id);
        let mut accounts: Vec<Account> = posts.map(|post| state.account(post)).collect();
        accounts.sort_by_key(|account| (account.post.accepted, account.post.id));
        let mut events: Vec<TraceEvent> =
            state.traces.iter().filter(|e| e.message_id == message_id).cloned().collect();
        events.sort_by_key(|event| event.at);
        Ok((accounts, events))
    }
}
