//! The store in memory, for tests of other rooms: the same answers as the durable one, nothing survives.
//!
//! Not for production, and not fast: reports walk over everything.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::options::Choice;
use listcore::outcome::Outcome;
use listcore::recipients::{PersonId, Recipient};
use listcore::time::Timestamp;

mod admitted;
mod bodies;
mod brake;
mod digest;
mod erase;
mod failures;
mod held;
mod last_mile;
mod moves;
mod read;
mod replica;

use super::admitted::Admitted;
use super::brake::Refused;
use super::failures::{Standing, StrangeMail};
use super::held::{Held, MarkKind, Ticket};
use super::last_mile::Said;
use super::{
    BatchId, BounceEvent, Commit, Done, HiddenAuthor, MailId, Move, PostId, RecipientRef,
    StoreError, StoredPost, TraceEvent, rules,
};

/// All of it behind one lock.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    failure: Mutex<Option<StoreError>>,
}

#[derive(Default)]
struct State {
    bodies: HashMap<MailId, bodies::Kept>,
    posts: BTreeMap<PostId, Post>,
    recipients: BTreeMap<u64, Recipient>,
    refs: HashMap<(Option<PersonId>, String), u64>,
    last_ref: u64,
    seen: HashMap<SeenKey, Vec<([u8; 32], PostId, Timestamp)>>,
    traces: Vec<TraceEvent>,
    bounces: Vec<BounceEvent>,
    failures: BTreeMap<failures::Key, failures::Kept>,
    standings: BTreeMap<(String, String), Standing>,
    strange: Vec<(StrangeMail, Bytes)>,
    refusals: BTreeMap<(PostId, RecipientRef), Refused>,
    brakes: BTreeMap<PostId, brake::Kept>,
    overrides: BTreeMap<(ListId, Key), Vec<String>>,
    replica: BTreeMap<String, Vec<u8>>,
    cookie: Vec<u8>,
    fresh: Timestamp,
    accepted: BTreeMap<String, Vec<u8>>,
    hidden: HashMap<(ListId, u64), HiddenAuthor>,
    held: BTreeMap<PostId, Held>,
    tickets: BTreeMap<u64, Ticket>,
    marks: BTreeMap<MarkKey, Option<Timestamp>>,
    keeps_originals: bool,
    heard: BTreeMap<BatchId, Vec<Outcome>>,
    said: Vec<Said>,
    position: Vec<u8>,
    options: BTreeMap<(String, Option<ListId>), Choice>,
    /// By list and mailbox.
    admitted: BTreeMap<(ListId, String), Admitted>,
    /// By recipient and post: what waits for her digest, and what went out in one.
    digests: BTreeMap<(u64, PostId), digest::Kept>,
}

/// Kind, list, whose, value.
type MarkKey = (MarkKind, Option<ListId>, String, String);

/// List, way to it, Message-ID.
type SeenKey = (ListId, String, String);

struct Post {
    stored: Arc<StoredPost>,
    batches: Vec<PackedBatch>,
    /// When the last batch was finished; only of use once none is left.
    last: Timestamp,
}

struct PackedBatch {
    refs: Vec<u64>,
    outcomes: Vec<Outcome>,
}

impl MemoryStore {
    pub fn new() -> Arc<MemoryStore> {
        Arc::new(MemoryStore::default())
    }

    /// From now on every commit fails like this, until `None` is given: for tests of what others do then.
    pub fn fail_with(&self, failure: Option<StoreError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One answer for each post and held mail of a mail that comes in, one for each other move.
    fn apply(&mut self, change: Move, done: &mut Vec<Done>) {
        let ok = |()| Done::Ok;
        let mut answer = Ok(Done::Ok);
        match change {
            Move::Accept { mail, posts, held } => return self.accept(mail, posts, held, done),
            Move::Told(told) => answer = self.told(told),
            Move::Rehold { id, reason, waits_for, next, expires } => {
                answer = self.rehold(id, reason, waits_for, next, expires);
            }
            Move::End { id, ended, post, marks } => {
                answer = self.end(id, ended, post.map(|post| *post), marks);
            }
            Move::Tickets(tickets) => answer = self.add_tickets(tickets).map(ok),
            Move::Mark(mark) => self.mark(mark),
            Move::Settle { batch, outcomes } => answer = self.settle(batch, outcomes).map(ok),
            Move::Digested { letter, entries } => self.digested(letter, &entries),
            Move::RetryNow { post } => answer = self.retry_now(post).map(ok),
            Move::Trace(event) => self.traces.push(event),
            Move::Bounce(event) => self.bounced(event),
            Move::Failed { who, at, failure } => self.failed(who, at, failure),
            Move::Refused(refused) => self.refused(*refused),
            Move::Brake { post, at, refusals } => answer = Ok(self.brake(post, at, refusals)),
            Move::Unbrake { post, at } => answer = Ok(self.unbrake(post, at)),
            Move::Standing(standing) => {
                let key = (standing.domain.clone(), standing.address.key());
                self.standings.insert(key, *standing);
            }
            Move::Replica(change) => self.change_replica(change),
            Move::Override { list, key, value } => put(&mut self.overrides, (list, key), value),
            Move::Options(choice) => {
                self.options.insert((choice.who(), choice.list.clone()), *choice);
            }
            Move::Admit(admitted) => {
                let key = (admitted.list.clone(), admitted.address.key());
                self.admitted.insert(key, *admitted);
            }
            Move::Dismiss { list, address } => {
                self.admitted.remove(&(list, address.key()));
            }
            Move::Accepted(rows) => {
                rows.into_iter().for_each(|(name, data)| put(&mut self.accepted, name, data));
            }
            Move::LastMile(told) => self.last_mile(told),
            Move::Erase { before } => self.erase(before),
            Move::EraseOriginals { before } => self.erase_originals(before),
            Move::EraseExpired { before } => self.erase_expired(before),
        }
        done.push(answer.unwrap_or_else(Done::Rejected));
    }
}

/// Sets a row, or with `None` takes it away.
fn put<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => rows.insert(key, value),
        None => rows.remove(&key),
    };
}

impl Post {
    fn is_unfinished(&self) -> bool {
        self.batches.iter().any(|batch| rules::due(&batch.outcomes).is_some())
    }
}

#[async_trait]
impl Commit for MemoryStore {
    async fn commit(&self, moves: Vec<Move>) -> Result<Vec<Done>, StoreError> {
        if let Some(failure) = &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(failure.clone());
        }
        let mut done = Vec::with_capacity(moves.len());
        let mut state = self.state();
        for change in moves {
            state.apply(change, &mut done);
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite;

    #[tokio::test]
    async fn the_suite() {
        let spool = tempfile::tempdir().expect("directory");
        // One for each case; all go with the outer one.
        let own = || tempfile::tempdir_in(spool.path()).expect("directory").keep();
        suite::run(async || (MemoryStore::new(), own())).await;
    }

    #[tokio::test]
    async fn it_fails_on_demand() {
        let store = MemoryStore::new();
        store.fail_with(Some(StoreError::Full("test".into())));
        assert_eq!(store.commit(Vec::new()).await, Err(StoreError::Full("test".into())));
        store.fail_with(None);
        assert_eq!(store.commit(Vec::new()).await, Ok(Vec::new()));
    }
}
