//! What a scheduler needs around it in a test: a store, a clock, copies, members.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use listcore::address::Address;
use listcore::list::{Copies, ListId, Settings as ListSettings};
use listcore::outcome::{Dropped, Outcome};
use listcore::recipients::Recipient;
use listcore::rewrite::{Edition, Frozen, Once, PostKind};
use listcore::time::Timestamp;
use tokio::sync::Notify;

use crate::delivery::{Can, Copy, Payload, Relay};
use crate::scheduler::{NoCopy, NotNow, Render, Scheduler, Settings, StillGets, Timer};
use crate::store::memory::MemoryStore;
use crate::store::{
    BATCH, BatchId, Body, Commit, Done, DueBatch, MailId, Move, NewMail, NewPost, PostId, Queue,
    Raw, RecipientRef, Report, StoreError, StoredPost,
};

pub const START: Timestamp = Timestamp(1_700_000_000_000);

/// A clock that jumps to the next appointment as soon as somebody waits for it, or when it is told to.
pub struct TestTimer {
    now: AtomicI64,
    jumps: bool,
    moved: Notify,
}

impl TestTimer {
    pub fn new(jumps: bool) -> Arc<TestTimer> {
        Arc::new(TestTimer { now: AtomicI64::new(START.0), jumps, moved: Notify::new() })
    }

    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
        self.moved.notify_waiters();
    }
}

#[async_trait]
impl Timer for TestTimer {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.now() >= at {
                return;
            }
            if self.jumps {
                // Time for those who are at work, so that the clock does not run away from them.
                tokio::time::sleep(Duration::from_millis(5)).await;
                self.now.fetch_max(at.0, Ordering::SeqCst);
                self.moved.notify_waiters();
                return;
            }
            moved.await;
        }
    }
}

/// Copies that are a line of header and the body as it is.
#[derive(Default)]
pub struct PlainCopies {
    pub variants: AtomicUsize,
    /// Copies for these addresses fail or panic.
    pub later: Mutex<Option<String>>,
    pub panics: Mutex<Option<String>>,
}

impl Render for PlainCopies {
    type Variant = Bytes;

    fn edition(&self, _: &Frozen, who: &Recipient, plain: bool) -> Edition {
        Edition { language: who.language.clone().unwrap_or_default(), plain }
    }

    fn variant(
        &self,
        _: &StoredPost,
        body: &Body,
        _: &Can,
        _: &Edition,
    ) -> Result<Arc<Bytes>, NoCopy> {
        self.variants.fetch_add(1, Ordering::SeqCst);
        match body {
            Body::Memory(bytes) => Ok(Arc::new(bytes.clone())),
            Body::File { .. } => Err(NoCopy::Later("no files here".into())),
        }
    }

    fn copy(
        &self,
        variant: &Bytes,
        to: &[(RecipientRef, Recipient)],
        _: Timestamp,
    ) -> Result<Copy, NoCopy> {
        let first = to.first().map(|(_, r)| r.address.to_string()).unwrap_or_default();
        if self.later.lock().expect("lock").as_ref() == Some(&first) {
            return Err(NoCopy::Later("the key is gone".into()));
        }
        let panics = self.panics.lock().expect("lock").clone();
        assert_ne!(panics.as_ref(), Some(&first), "as the test wants");
        Ok(Copy {
            sender: Address::parse("l-bounces@schule.example").ok(),
            recipients: to.iter().map(|(_, r)| r.address.clone()).collect(),
            head: Bytes::from(format!("To: {first}\r\n\r\n")),
            body: Payload::Memory(variant.clone()),
            utf8: to.iter().any(|(_, r)| !r.address.is_ascii()),
            eight_bit: false,
        })
    }

    fn is_quick(&self, _: &Bytes, _: Timestamp) -> bool {
        true
    }
}

/// Everybody still gets everything, except for these addresses. Who is called `plain` wants plain text.
#[derive(Default)]
pub struct Members(pub Mutex<Vec<String>>);

impl StillGets for Members {
    fn still_gets(&self, _: &Frozen, who: &Recipient, _: Timestamp) -> Result<(), NotNow> {
        if self.0.lock().expect("lock").contains(&who.address.to_string()) {
            return Err(NotNow::Dropped(Dropped::LeftList));
        }
        Ok(())
    }

    fn plain(&self, _: &Frozen, who: &Recipient) -> bool {
        who.address.local() == "plain"
    }
}

/// A store that commits when it is allowed to.
pub struct SlowStore {
    pub inner: Arc<MemoryStore>,
    pub commits: tokio::sync::Semaphore,
    pub settled: AtomicUsize,
}

impl SlowStore {
    pub fn new(inner: Arc<MemoryStore>) -> Arc<SlowStore> {
        let commits = tokio::sync::Semaphore::new(0);
        Arc::new(SlowStore { inner, commits, settled: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Commit for SlowStore {
    async fn commit(&self, moves: Vec<Move>) -> Result<Vec<Done>, StoreError> {
        self.commits.acquire().await.expect("open").forget();
        let count: usize = moves
            .iter()
            .map(|m| if let Move::Settle { outcomes, .. } = m { outcomes.len() } else { 0 })
            .sum();
        let done = self.inner.commit(moves).await?;
        self.settled.fetch_add(count, Ordering::SeqCst);
        Ok(done)
    }
}

#[async_trait]
impl Queue for SlowStore {
    async fn due(&self) -> Result<Vec<DueBatch>, StoreError> {
        self.inner.due().await
    }
    async fn batch(&self, id: BatchId) -> Result<Option<crate::store::Batch>, StoreError> {
        self.inner.batch(id).await
    }
    async fn outcome(&self, id: BatchId, index: u16) -> Result<Option<Outcome>, StoreError> {
        self.inner.outcome(id, index).await
    }
    async fn post(&self, id: PostId) -> Result<Option<Arc<StoredPost>>, StoreError> {
        self.inner.post(id).await
    }
    async fn body(&self, mail: MailId) -> Result<Option<Body>, StoreError> {
        self.inner.body(mail).await
    }

    async fn brakes(&self) -> Result<Vec<(PostId, Timestamp)>, StoreError> {
        self.inner.brakes().await
    }
}

pub struct House {
    pub store: Arc<MemoryStore>,
    pub timer: Arc<TestTimer>,
    pub render: Arc<PlainCopies>,
    pub members: Arc<Members>,
    next: AtomicU64,
}

impl House {
    /// With a clock that jumps.
    pub fn new() -> House {
        House::with_timer(TestTimer::new(true))
    }

    pub fn with_timer(timer: Arc<TestTimer>) -> House {
        House {
            store: MemoryStore::new(),
            timer,
            render: Arc::default(),
            members: Arc::default(),
            next: AtomicU64::new(1),
        }
    }

    pub async fn scheduler(&self, relay: Relay, connections: usize) -> Arc<Scheduler> {
        self.scheduler_on(self.store.clone(), relay, connections).await
    }

    pub async fn scheduler_on(
        &self,
        queue: Arc<dyn Queue>,
        relay: Relay,
        connections: usize,
    ) -> Arc<Scheduler> {
        let settings = Settings { connections, ..Settings::default() };
        let (render, members) = (self.render.clone(), self.members.clone());
        Scheduler::start(settings, queue, render, members, relay, self.timer.clone())
            .await
            .expect("it starts")
    }

    /// Accepts a post to `list` for `name-0@x.example` .., in English for the name `en`; the batches as intake would announce them.
    pub async fn post(&self, list: &str, copies: Copies, to: &[String]) -> (PostId, Vec<DueBatch>) {
        self.post_once(list, copies, to, None).await
    }

    /// The same for a mail that names other lists as well.
    pub async fn post_once(
        &self,
        list: &str,
        copies: Copies,
        to: &[String],
        once: Option<Once>,
    ) -> (PostId, Vec<DueBatch>) {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        let address = Address::parse(&format!("{list}@schule.example")).expect("address");
        let frozen = Frozen {
            settings: ListSettings { copies, ..ListSettings::default() },
            language: "de".to_owned(),
            once,
            ..Frozen::new(PostKind::List, ListId(list.to_owned()), address)
        };
        let recipient = |a: &String| Recipient {
            person: None,
            address: Address::parse(a).expect("address"),
            name: None,
            language: a.starts_with("en-").then(|| "en".to_owned()),
        };
        let post = NewPost {
            id: PostId(n),
            frozen,
            digest: [0; 32],
            expires: START + Duration::from_secs(5 * 86_400),
            recipients: to.iter().map(recipient).collect(),
            hides: None,
        };
        let mail = NewMail {
            id: MailId(n),
            raw: Raw::Memory(Bytes::from_static(b"the body\r\n")),
            message_id: format!("{n}@x.example"),
            sender: None,
            received: START,
            utf8: false,
        };
        let done = self.store.commit(vec![Move::accept(mail, vec![post])]).await;
        assert_eq!(done, Ok(vec![Done::Ok]));
        let batches = to.len().div_ceil(BATCH) as u32;
        let due = |number| DueBatch {
            id: BatchId { post: PostId(n), number },
            list: ListId(list.to_owned()),
            due: START,
        };
        (PostId(n), (0..batches).map(due).collect())
    }

    /// What became of each recipient of a post.
    pub async fn outcomes(&self, post: PostId) -> BTreeMap<String, Outcome> {
        let account = self.store.account(post).await.expect("store").expect("the post");
        let mut all = BTreeMap::new();
        for batch in account.batches {
            for (who, outcome) in batch.recipients.into_iter().zip(batch.outcomes) {
                if let Some((_, recipient)) = who {
                    all.insert(recipient.address.to_string(), outcome);
                }
            }
        }
        all
    }

    /// Waits until so many were put off, and all others are finished.
    pub async fn deferred(&self, post: PostId, count: usize) {
        for _ in 0..10_000 {
            let outcomes = self.outcomes(post).await;
            let put_off = outcomes.values().filter(|o| matches!(o, Outcome::Deferred { .. }));
            if put_off.count() == count && !outcomes.values().any(|o| *o == Outcome::Waiting) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        panic!("not {count}: {:?}", self.outcomes(post).await);
    }

    /// Waits until everything is finished.
    pub async fn finished(&self, post: PostId) -> BTreeMap<String, Outcome> {
        for _ in 0..10_000 {
            let outcomes = self.outcomes(post).await;
            if outcomes.values().all(Outcome::is_final) {
                return outcomes;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        panic!("not finished: {:?}", self.outcomes(post).await);
    }
}

pub fn people(name: &str, n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{name}-{i}@x.example")).collect()
}

pub fn relay_at(address: std::net::SocketAddr) -> Relay {
    Relay::new(&address.to_string(), "lists.schule.example")
}

/// Waits for something that is to come.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it did not come: {what}");
}
