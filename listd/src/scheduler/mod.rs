//! Who gets the next copy, and when: fairness between lists, retries, outcomes.
//!
//! Reads the store's queue and commits outcomes. It looks into no mail: copies come from whoever
//! implements [`Render`], membership from whoever implements [`StillGets`], the wire is `delivery`.

mod agenda;
mod cache;

mod deck;
mod settle;
mod timer;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use listcore::list::ListId;
use listcore::outcome::{Dropped, Reply};
use listcore::recipients::Recipient;
use listcore::rewrite::{Edition, Frozen};
use listcore::time::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::delivery::{Can, Copy, Gate, Relay};
use crate::store::{Body, DueBatch, Move, PostId, Queue, RecipientRef, StoreError, StoredPost};
use agenda::Agenda;
use deck::Deck;
pub use timer::{RealTimer, Timer};

/// Makes copies. Synchronous and CPU-bound: called on a blocking thread.
///
/// The same arguments give the same bytes, today and at a retry.
pub trait Render: Send + Sync + 'static {
    /// What all copies of one edition of a post for one kind of relay have in common: the body and its hash.
    type Variant: Send + Sync + 'static;

    /// Which copies this recipient gets, who may have wished for plain text; the same for all where they do not differ.
    fn edition(&self, post: &Frozen, who: &Recipient, plain: bool) -> Edition;

    /// Called once for a post, a relay's abilities and an edition, and kept while the post has copies to send.
    fn variant(
        &self,
        post: &StoredPost,
        body: &Body,
        can: &Can,
        edition: &Edition,
    ) -> Result<Arc<Self::Variant>, NoCopy>;

    /// The copy for these recipients, in this order: one of them where copies are personal, more where shared. All of
    /// them have the variant's edition.
    fn copy(
        &self,
        variant: &Self::Variant,
        to: &[(RecipientRef, Recipient)],
        now: Timestamp,
    ) -> Result<Copy, NoCopy>;

    /// True where a copy takes microseconds, because nothing must be signed for it.
    fn is_quick(&self, variant: &Self::Variant, now: Timestamp) -> bool;
}

/// Why there is no copy for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCopy {
    /// It can't be sent, now or later, e.g. code 550 and "5.6.7 ..." (rule U1): the recipient's outcome is Failed.
    Never(Reply),
    /// Trouble of ours (a file that can't be read, a signing key that is gone): tried again later.
    Later(String),
}

/// Asked at the claim of each copy: may this recipient still get it (who has left is dropped)?
pub trait StillGets: Send + Sync + 'static {
    fn still_gets(&self, post: &Frozen, who: &Recipient, now: Timestamp) -> Result<(), NotNow>;

    /// Does she want plain text only?
    fn plain(&self, post: &Frozen, who: &Recipient) -> bool;
}

/// Why a recipient gets no copy at this moment.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// Never again.
    Dropped(Dropped),
    /// Who is on the list is not known for sure (promise 6): the copy waits for the directory.
    Unsure,
}

/// How the scheduler works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections to the relay at the same time.
    pub connections: usize,
    /// Most recipients of a shared copy; a batch has no more than 100.
    pub recipients_per_transaction: usize,
    /// A connection that has nothing to do for so long is closed.
    pub idle: Duration,
}

impl Default for Settings {
    /// The contract's defaults.
    fn default() -> Settings {
        Settings { connections: 4, recipients_per_transaction: 100, idle: Duration::from_secs(5) }
    }
}

/// What the workers share, whatever renders the copies.
struct Core {
    state: Mutex<State>,
    /// Something changed: look again.
    wake: Notify,
    stop: CancellationToken,
    timer: Arc<dyn Timer>,
    queue: Arc<dyn Queue>,
}

#[derive(Default)]
struct State {
    agenda: Agenda,
    gate: Gate,
    connections: usize,
    /// How often the relay was in trouble since the start.
    relay_troubles: u64,
    /// Transactions since the start in which it did not take a copy because of how it, or we, are set up.
    relay_denials: u64,
    /// Outcomes that are known and not committed yet.
    uncommitted: usize,
    store_error: Option<String>,
    /// Posts whose delivery pauses, and when their time is over.
    brakes: HashMap<PostId, Timestamp>,
    /// Posts that an admin took back, and when: copies of them may be about to go out.
    cancelled: HashMap<PostId, Timestamp>,
}

/// What a brake says of a post.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Brake {
    Off,
    /// Nothing goes out before.
    Until(Timestamp),
    /// Its time is over: whoever still waits has not got it.
    Over,
    /// An admin took it back.
    Cancelled,
}

impl State {
    fn brake(&self, post: PostId, now: Timestamp) -> Brake {
        if self.cancelled.contains_key(&post) {
            return Brake::Cancelled;
        }
        match self.brakes.get(&post) {
            None => Brake::Off,
            Some(until) if *until > now => Brake::Until(*until),
            Some(_) => Brake::Over,
        }
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A brake is forgotten so long after its post's time is over.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// The scheduler as the other rooms see it.
pub struct Scheduler {
    core: Arc<Core>,
    tasks: Mutex<Option<Tasks>>,
}

struct Tasks {
    workers: JoinSet<()>,
    settler: tokio::task::JoinHandle<()>,
}

/// A snapshot for `listctl status` and `listctl queue`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Lists that have something waiting or in work.
    pub lists: Vec<ListStatus>,
    /// When the next batch that waits for its time is due.
    pub next_due: Option<Timestamp>,
    /// Open connections to the relay.
    pub connections: usize,
    /// How often in a row the relay could not be used; 0 = all is well.
    pub relay_failures: u32,
    /// How often it could not be used since the start.
    pub relay_troubles: u64,
    /// Transactions since the start in which it did not take a copy because of how it, or we, are set up.
    pub relay_denials: u64,
    /// The last time the relay was in trouble, and why; kept when the trouble is over.
    pub relay_error: Option<(Timestamp, String)>,
    /// Outcomes that are known and not committed yet.
    pub uncommitted: usize,
    /// Why outcomes can't be committed now.
    pub store_error: Option<String>,
}

/// Counts batches (up to 100 recipients each).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListStatus {
    pub list: ListId,
    /// Waiting for their time.
    pub waiting: u64,
    /// Due or in work.
    pub active: u64,
}

impl Scheduler {
    /// Loads what waits in the store, and begins.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn start<R: Render>(
        settings: Settings,
        queue: Arc<dyn Queue>,
        render: Arc<R>,
        members: Arc<dyn StillGets>,
        relay: Relay,
        timer: Arc<dyn Timer>,
    ) -> Result<Arc<Scheduler>, StoreError> {
        let due = queue.due().await?;
        let brakes = queue.brakes().await?.into_iter().collect();
        let core = Arc::new(Core {
            state: Mutex::new(State { brakes, ..State::default() }),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            timer,
            queue,
        });
        let deck = Arc::new(Deck::default());
        let (outcomes, settlements) = mpsc::unbounded_channel();
        let settler = tokio::spawn(settle::run(core.clone(), deck.clone(), settlements));
        let bench =
            worker::Bench { core: core.clone(), deck, render, members, relay, settings, outcomes };
        let bench = Arc::new(bench);
        let mut workers = JoinSet::new();
        for _ in 0..settings.connections.max(1) {
            workers.spawn(keep_running(bench.clone()));
        }
        let tasks = Mutex::new(Some(Tasks { workers, settler }));
        let scheduler = Arc::new(Scheduler { core, tasks });
        scheduler.announce(due);
        Ok(scheduler)
    }

    /// New batches, right after the commit that made them durable. Telling one twice does no harm.
    pub fn announce(&self, batches: Vec<DueBatch>) {
        let mut state = self.core.state();
        batches.into_iter().for_each(|batch| state.agenda.add(batch));
        drop(state);
        self.core.wake.notify_waiters();
    }

    /// Delivery of a post pauses until [`release`](Scheduler::release), at most until its time is over: then whoever
    /// still waits has not got it. Told after the commit that made it durable.
    pub fn brake(&self, post: PostId, until: Timestamp) {
        let now = self.core.timer.now();
        let mut state = self.core.state();
        // Those that are over for so long have nobody left who waits.
        state.brakes.retain(|_, until| *until + FORGET > now);
        state.brakes.insert(post, until);
    }

    /// No more copies of a post. Told after the commit of its outcomes.
    pub fn cancel(&self, post: PostId) {
        let now = self.core.timer.now();
        let mut state = self.core.state();
        // What was in work then has long been done.
        state.cancelled.retain(|_, at| *at + FORGET > now);
        state.cancelled.insert(post, now);
    }

    /// Delivery of a post goes on.
    ///
    /// # Errors
    /// The store can't be read: it goes on when its time is over, or after a restart.
    pub async fn release(&self, post: PostId) -> Result<(), StoreError> {
        self.core.state().brakes.remove(&post);
        let due = self.core.queue.due().await?;
        self.announce(due.into_iter().filter(|batch| batch.id.post == post).collect());
        Ok(())
    }

    /// Everything unfinished (of one post) is tried now, whatever it waits for.
    ///
    /// # Errors
    /// The store failed; nothing changed.
    pub async fn retry_now(&self, post: Option<PostId>) -> Result<(), StoreError> {
        self.core.queue.commit(vec![Move::RetryNow { post }]).await?;
        let due = self.core.queue.due().await?;
        self.core.state().gate.try_now();
        let wanted = |batch: &DueBatch| post.is_none_or(|post| batch.id.post == post);
        self.announce(due.into_iter().filter(wanted).collect());
        Ok(())
    }

    pub fn status(&self) -> Status {
        let state = self.core.state();
        let lists = state.agenda.counts().into_iter();
        Status {
            lists: lists
                .map(|(list, (waiting, active))| ListStatus { list, waiting, active })
                .collect(),
            next_due: state.agenda.next_due(),
            connections: state.connections,
            relay_failures: state.gate.failures(),
            relay_troubles: state.relay_troubles,
            relay_denials: state.relay_denials,
            relay_error: state.gate.last_error().cloned(),
            uncommitted: state.uncommitted,
            store_error: state.store_error.clone(),
        }
    }

    /// Takes no new copy, ends the open transactions and commits what is known; all within `deadline`, then it
    /// lets go. Whoever has no committed outcome is tried again at the next start.
    pub async fn stop(&self, deadline: Duration) {
        self.core.stop.cancel();
        self.core.wake.notify_waiters();
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Tasks { mut workers, mut settler }) = tasks else { return };
        let end = tokio::time::Instant::now() + deadline;
        let all = async { while workers.join_next().await.is_some() {} };
        if tokio::time::timeout_at(end, all).await.is_err() {
            tracing::warn!("the relay did not answer in time, open transactions are given up");
            workers.shutdown().await;
        }
        // What is known already is worth a moment more.
        let end = end.max(tokio::time::Instant::now() + Duration::from_millis(500));
        if tokio::time::timeout_at(end, &mut settler).await.is_err() {
            tracing::warn!(
                "the store did not take the last outcomes, some copies may go out twice"
            );
            settler.abort();
        }
    }
}

/// A panic ends one connection, not the daemon (promise 10).
async fn keep_running<R: Render>(bench: Arc<worker::Bench<R>>) {
    loop {
        let mut one = JoinSet::new();
        one.spawn(worker::run(bench.clone()));
        match one.join_next().await {
            Some(Err(e)) if e.is_panic() => {
                tracing::error!(error = %e, "a delivery worker panicked, starting it again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests;
