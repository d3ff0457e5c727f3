//! The store in memory, for tests of other rooms: the same answers as the durable one, nothing survives.
//!
//! Not for production, and not fast: reports walk over everything.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
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
mod brake;
mod digest;
mod failures;
mod held;
mod last_mile;

use super::admitted::Admitted;
use super::brake::{Brakes, Refused};
use super::failures::{Standing, StrangeMail};
use super::held::{Held, MarkKind, NewHeld, Ticket};
use super::last_mile::Said;
use super::{
    Accepted, Account, Attribution, BATCH, Batch, BatchId, Body, BounceEvent, Commit, Counts, Done,
    DueBatch, HiddenAuthor, MailId, MemberOptions, Move, NewMail, NewPost, Originals, Override,
    Overrides, PostId, Queue, Raw, RecipientRef, Replica, ReplicaChange, Report, StoreError,
    StoredPost, StoredReplica, TraceEvent, rules, rules::Key as Seen,
};

/// All of it behind one lock.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    failure: Mutex<Option<StoreError>>,
}

#[derive(Default)]
struct State {
    bodies: HashMap<MailId, Kept>,
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

/// A body, until all posts of the mail are finished; then only the name, so that it is not used again.
enum Kept {
    Body(Body),
    /// For the filter to learn; since when.
    Original(Body, Timestamp),
    Gone,
}

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
    fn apply(&mut self, change: Move, done: &mut Vec<Done>) {
        let result = match change {
            Move::Accept { mail, posts, held } => return self.accept(mail, posts, held, done),
            Move::Told(told) => return done.push(self.told(told).unwrap_or_else(Done::Rejected)),
            Move::Rehold { id, reason, waits_for, next, expires } => {
                let answer = self.rehold(id, reason, waits_for, next, expires);
                return done.push(answer.unwrap_or_else(Done::Rejected));
            }
            Move::End { id, ended, post, marks } => {
                let answer = self.end(id, ended, post.map(|post| *post), marks);
                return done.push(answer.unwrap_or_else(Done::Rejected));
            }
            Move::Tickets(tickets) => self.add_tickets(tickets),
            Move::Mark(mark) => {
                self.mark(mark);
                Ok(())
            }
            Move::Settle { batch, outcomes } => self.settle(batch, outcomes),
            Move::Digested { letter, entries } => {
                self.digested(letter, &entries);
                Ok(())
            }
            Move::RetryNow { post } => self.retry_now(post),
            Move::Trace(event) => {
                self.traces.push(event);
                Ok(())
            }
            Move::Bounce(event) => {
                if let (Some(who), Some(failure)) = (event.recipient, event.failure.clone()) {
                    self.failed(who, event.at, failure);
                }
                if let (Some(list), Some(strange)) = (event.list.clone(), event.strange.clone()) {
                    self.strange(event.at, list, strange);
                }
                self.bounces.push(event);
                Ok(())
            }
            Move::Failed { who, at, failure } => {
                self.failed(who, at, failure);
                Ok(())
            }
            Move::Refused(refused) => {
                self.refused(*refused);
                Ok(())
            }
            Move::Brake { post, at, refusals } => {
                return done.push(self.brake(post, at, refusals));
            }
            Move::Unbrake { post, at } => return done.push(self.unbrake(post, at)),
            Move::Standing(standing) => {
                let key = (standing.domain.clone(), standing.address.key());
                self.standings.insert(key, *standing);
                Ok(())
            }
            Move::Replica(change) => {
                self.change_replica(change);
                Ok(())
            }
            Move::Override { list, key, value } => {
                match value {
                    Some(value) => self.overrides.insert((list, key), value),
                    None => self.overrides.remove(&(list, key)),
                };
                Ok(())
            }
            Move::Options(choice) => {
                self.options.insert((choice.who(), choice.list.clone()), *choice);
                Ok(())
            }
            Move::Admit(admitted) => {
                let key = (admitted.list.clone(), admitted.address.key());
                self.admitted.insert(key, *admitted);
                Ok(())
            }
            Move::Dismiss { list, address } => {
                self.admitted.remove(&(list, address.key()));
                Ok(())
            }
            Move::Accepted(rows) => {
                for (name, data) in rows {
                    match data {
                        Some(data) => self.accepted.insert(name, data),
                        None => self.accepted.remove(&name),
                    };
                }
                Ok(())
            }
            Move::LastMile(told) => {
                self.last_mile(told);
                Ok(())
            }
            Move::Erase { before } => {
                self.erase(before);
                Ok(())
            }
            Move::EraseOriginals { before } => {
                self.erase_originals(before);
                Ok(())
            }
            Move::EraseExpired { before } => {
                self.hidden.retain(|_, hidden| hidden.expires >= before);
                self.marks.retain(|_, until| until.is_none_or(|end| end >= before));
                Ok(())
            }
        };
        done.push(result.map_or_else(Done::Rejected, |()| Done::Ok));
    }

    fn accept(
        &mut self,
        mail: NewMail,
        posts: Vec<NewPost>,
        held: Vec<NewHeld>,
        done: &mut Vec<Done>,
    ) {
        if let Err(why) = self.check(&mail, &posts, &held) {
            discard(&body(mail.raw));
            done.extend((0..posts.len() + held.len()).map(|_| Done::Rejected(why.clone())));
            return;
        }
        let body = body(mail.raw.clone());
        let (mut needed, mut stored) = (false, false);
        for post in posts {
            let known = self.seen(&mail, Seen::of_post(&post));
            if known.is_none() {
                (needed, stored) = (needed || !post.recipients.is_empty(), true);
                self.insert((mail.id, &mail.message_id, mail.received), size(&body), post);
            }
            done.push(known.unwrap_or(Done::Ok));
        }
        for new in held {
            let known = self.seen(&mail, Seen::of_held(&new));
            if known.is_none() {
                (needed, stored) = (true, true);
                self.hold(&mail, size(&body), new);
            }
            done.push(known.unwrap_or(Done::Ok));
        }
        if needed {
            self.bodies.insert(mail.id, Kept::Body(body));
        } else {
            discard(&body);
            if stored {
                self.bodies.insert(mail.id, Kept::Gone);
            }
        }
    }

    /// Rule L4: what this repeats. A new one is remembered.
    fn seen(&mut self, mail: &NewMail, key: Seen<'_>) -> Option<Done> {
        let name = (key.list.clone(), key.way.clone(), mail.message_id.clone());
        let earlier = self.seen.entry(name).or_default();
        let known = rules::duplicate(earlier.iter().copied(), key.digest, mail.received);
        if let Some(known) = known.filter(|known| !key.allows(known)) {
            return Some(known);
        }
        earlier.retain(|(digest, ..)| digest != key.digest);
        earlier.push((*key.digest, key.id, mail.received));
        None
    }

    /// The constraints: what a durable store would refuse.
    fn check(&self, mail: &NewMail, posts: &[NewPost], held: &[NewHeld]) -> Result<(), String> {
        let mut ids = HashSet::new();
        if self.bodies.contains_key(&mail.id) {
            return Err(format!("mail {} exists already", mail.id.0));
        }
        for id in posts.iter().map(|post| post.id).chain(held.iter().map(|held| held.id)) {
            let used = self.posts.contains_key(&id) || self.held.contains_key(&id);
            if used || !ids.insert(id) {
                return Err(format!("post {} exists already", id.0));
            }
        }
        posts.iter().try_for_each(|post| rules::batches(post.recipients.len()).map(drop))
    }

    fn hide(&mut self, mut hidden: HiddenAuthor) {
        let key = (hidden.list.clone(), hidden.number);
        if let Some(known) = self.hidden.get(&key) {
            hidden.expires = hidden.expires.max(known.expires);
        }
        self.hidden.insert(key, hidden);
    }

    /// `mail` = its name, its Message-ID and when it came.
    fn insert(&mut self, mail: (MailId, &str, Timestamp), size: u64, post: NewPost) {
        let (mail, message_id, accepted) = mail;
        if let Some(hidden) = post.hides {
            self.hide(hidden);
        }
        let stored = StoredPost {
            id: post.id,
            mail,
            message_id: message_id.to_owned(),
            frozen: post.frozen,
            accepted,
            expires: post.expires,
            size,
        };
        let refs: Vec<u64> = post.recipients.into_iter().map(|r| self.refer(r)).collect();
        let batch = |refs: &[u64]| PackedBatch {
            refs: refs.to_vec(),
            outcomes: vec![Outcome::Waiting; refs.len()],
        };
        let batches = refs.chunks(BATCH).map(batch).collect();
        let post = Post { stored: Arc::new(stored), batches, last: accepted };
        self.posts.insert(post.stored.id, post);
    }

    fn refer(&mut self, recipient: Recipient) -> u64 {
        let key = (recipient.person.clone(), recipient.address.key());
        let number = *self.refs.entry(key).or_insert_with(|| {
            self.last_ref += 1;
            self.last_ref
        });
        self.recipients.insert(number, recipient);
        number
    }

    fn settle(&mut self, id: BatchId, changes: Vec<(u16, Outcome)>) -> Result<(), String> {
        let missing = || format!("there is no batch {} of post {}", id.number, id.post.0);
        let post = self.posts.get_mut(&id.post).ok_or_else(missing)?;
        let number = usize::try_from(id.number).map_err(|_| missing())?;
        let batch = post.batches.get_mut(number).ok_or_else(missing)?;
        let waits = rules::gathered(&batch.outcomes, &changes);
        rules::settle(&mut batch.outcomes, changes)?;
        let at = rules::last(&batch.outcomes);
        post.last = post.last.max(at);
        let mail = post.stored.mail;
        self.digest_later(id, &waits);
        self.release(mail, at, true);
        Ok(())
    }

    /// A body goes when neither a post, nor a held mail, nor a digest needs it, and nobody is to learn from it.
    fn release(&mut self, mail: MailId, at: Timestamp, may_keep: bool) {
        let of_mail = |post: &&Post| post.stored.mail == mail;
        let sent = self.posts.values().filter(of_mail).any(Post::is_unfinished);
        let held = || self.held.values().filter(|held| held.mail == mail);
        let of = |post: &PostId| self.posts.get(post).map(|post| post.stored.mail);
        let gathered =
            self.digests.iter().any(|((_, post), kept)| kept.waits() && of(post) == Some(mail));
        if sent || gathered || held().any(|held| held.ended.is_none()) {
            return;
        }
        let foreign = self.posts.values().filter(of_mail).any(|p| !p.stored.frozen.is_notice());
        let keep = may_keep && self.keeps_originals && (foreign || held().next().is_some());
        match self.bodies.insert(mail, Kept::Gone) {
            Some(Kept::Body(body)) if keep => {
                self.bodies.insert(mail, Kept::Original(body, at));
            }
            Some(Kept::Body(body) | Kept::Original(body, _)) => discard(&body),
            Some(Kept::Gone) | None => {}
        }
    }

    fn erase_originals(&mut self, before: Timestamp) {
        for kept in self.bodies.values_mut() {
            if let Kept::Original(body, at) = kept
                && *at < before
            {
                discard(body);
                *kept = Kept::Gone;
            }
        }
    }

    fn retry_now(&mut self, post: Option<PostId>) -> Result<(), String> {
        if let Some(id) = post
            && !self.posts.contains_key(&id)
        {
            return Err(format!("there is no post {}", id.0));
        }
        let chosen = self.posts.iter_mut().filter(|(id, _)| post.is_none_or(|p| p == **id));
        for batch in chosen.flat_map(|(_, post)| &mut post.batches) {
            rules::hurry(&mut batch.outcomes);
        }
        Ok(())
    }

    fn change_replica(&mut self, change: ReplicaChange) {
        match change {
            ReplicaChange::Replace { entries, cookie, at } => {
                self.replica = entries.into_iter().collect();
                (self.cookie, self.fresh) = (cookie, at);
            }
            ReplicaChange::Update { entries, cookie, at } => {
                for (uuid, data) in entries {
                    match data {
                        Some(data) => self.replica.insert(uuid, data),
                        None => self.replica.remove(&uuid),
                    };
                }
                (self.cookie, self.fresh) = (cookie, at);
            }
        }
    }

    fn erase(&mut self, before: Timestamp) {
        let waits = self.digests.iter().filter(|(_, kept)| kept.waits());
        let gathered: HashSet<PostId> = waits.map(|((_, post), _)| *post).collect();
        self.posts.retain(|id, post| {
            post.is_unfinished() || post.last >= before || gathered.contains(id)
        });
        let posts = &self.posts;
        self.digests.retain(|(_, post), _| posts.contains_key(post));
        self.erase_held(before);
        self.erase_last_mile(before);
        self.erase_brakes();
        self.strange.retain(|(mail, _)| mail.at >= before);
        let sent = self.posts.values().map(|p| p.stored.mail);
        let mails: HashSet<MailId> = sent.chain(self.held.values().map(|h| h.mail)).collect();
        self.bodies.retain(|id, _| mails.contains(id));
        self.traces.retain(|event| event.at >= before);
        self.bounces.retain(|event| event.at >= before);
        self.failures.retain(|_, kept| kept.at >= before);
        self.standings.retain(|_, standing| standing.until().is_none_or(|until| until >= before));
        self.seen.retain(|_, known| {
            known.retain(|(_, _, at)| *at >= before);
            !known.is_empty()
        });
        let batches = self.posts.values().flat_map(|post| &post.batches);
        let mut named: HashSet<u64> = batches.flat_map(|b| b.refs.iter().copied()).collect();
        named.extend(self.bounces.iter().filter_map(|b| b.recipient).map(|r| r.0));
        named.extend(self.failures.values().map(|kept| kept.who.0));
        self.recipients.retain(|number, _| named.contains(number));
        self.refs.retain(|_, number| named.contains(number));
    }

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

impl Post {
    fn is_unfinished(&self) -> bool {
        self.batches.iter().any(|batch| rules::due(&batch.outcomes).is_some())
    }
}

fn body(raw: Raw) -> Body {
    match raw {
        Raw::Memory(bytes) => Body::Memory(bytes),
        Raw::Spilled { path, size } => Body::File { path, size },
    }
}

fn size(body: &Body) -> u64 {
    match body {
        Body::Memory(bytes) => bytes.len() as u64,
        Body::File { size, .. } => *size,
    }
}

/// A spilled file was given to the store, so the store removes it.
fn discard(body: &Body) {
    if let Body::File { path, .. } = body {
        remove(path);
    }
}

fn remove(path: &PathBuf) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a body that is no longer needed stays");
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
impl Originals for MemoryStore {
    fn keep_originals(&self, keep: bool) {
        self.state().keeps_originals = keep;
    }

    async fn originals(&self, message_id: &str) -> Result<Vec<MailId>, StoreError> {
        let state = self.state();
        let posts = state.posts.values().map(|p| (&p.stored.message_id, p.stored.mail));
        let held = state.held.values().map(|h| (&h.message_id, h.mail));
        let named = posts.chain(held).filter(|(id, _)| *id == message_id);
        let mails: std::collections::BTreeSet<MailId> = named.map(|(_, mail)| mail).collect();
        Ok(mails.into_iter().collect())
    }
}

#[async_trait]
impl Replica for MemoryStore {
    async fn replica(&self) -> Result<StoredReplica, StoreError> {
        let state = self.state();
        let entries = state.replica.iter().map(|(uuid, data)| (uuid.clone(), data.clone()));
        Ok(StoredReplica {
            entries: entries.collect(),
            cookie: state.cookie.clone(),
            at: state.fresh,
        })
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
impl Accepted for MemoryStore {
    async fn accepted(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = self.state().accepted.clone();
        Ok(rows.into_iter().collect())
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
