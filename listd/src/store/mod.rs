//! What must survive a crash: mails, who still waits for a copy, what became of each, and the replica.
//!
//! The rooms see small traits and the values below, never a database. Every change is a [`Move`], and one
//! [`Commit::commit`] is atomic. Intake and delivery meet only here.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use listcore::address::Address;
use listcore::bounce::brake::Refusals;
use listcore::bounce::{Class, Kind};
use listcore::hold::{Ended, Reason, Waiting};
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::options::Choice;
use listcore::outcome::Outcome;
use listcore::recipients::{PersonId, Recipient};
use listcore::rewrite::Frozen;
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

use self::admitted::Admitted;
use self::brake::Refused;
use self::failures::{Failure, Standing};
use self::held::{Holds, Mark, NewHeld, Ticket, Told};
use self::last_mile::LastMile;

pub mod admitted;
pub mod brake;
pub mod digest;
pub mod failures;
pub mod held;
pub mod last_mile;
pub mod memory;
#[cfg(test)]
mod releases;
mod rules;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod suite;
pub mod witness;

/// Name of a stored mail (one body); made by the daemon, unique, never reused. Below 2^63.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MailId(pub u64);

/// Name of one mail's way to one list; made by the daemon, unique, never reused. Below 2^63.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PostId(pub u64);

/// Up to 100 recipients of one post: `post` and a number counted from 0.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchId {
    pub post: PostId,
    pub number: u32,
}

impl BatchId {
    /// Which of the post's recipients one of the batch is, counted from 0.
    pub fn place(self, index: u16) -> u32 {
        let before = self.number.saturating_mul(u32::try_from(BATCH).unwrap_or(u32::MAX));
        before.saturating_add(u32::from(index))
    }

    /// The batch of a post's recipient, and which of it she is.
    pub fn at(post: PostId, place: u32) -> (BatchId, u16) {
        let size = u32::try_from(BATCH).unwrap_or(u32::MAX);
        let index = u16::try_from(place % size).unwrap_or(u16::MAX);
        (BatchId { post, number: place / size }, index)
    }
}

/// Row number of a recipient in the store's table of recipients; what a VERP token carries.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecipientRef(pub u64);

/// Most recipients in a batch (promise 12).
pub const BATCH: usize = 100;

/// Bodies up to this size are rows, larger ones files (octets).
pub const INLINE_BODY: usize = 64 * 1024;

/// The bytes of a mail as they came in: in memory, or already spilled to a file in the store's spool directory.
#[derive(Clone, Debug)]
pub enum Raw {
    Memory(Bytes),
    /// Complete, but not yet synced; the store syncs and renames it before the commit. From then on the file is
    /// the store's, whatever became of the commit.
    Spilled {
        path: PathBuf,
        size: u64,
    },
}

impl Raw {
    /// In octets.
    pub fn size(&self) -> u64 {
        match self {
            Raw::Memory(bytes) => bytes.len() as u64,
            Raw::Spilled { size, .. } => *size,
        }
    }
}

/// A mail that is accepted for at least one list. Stored once, whatever the number of posts.
#[derive(Clone, Debug)]
pub struct NewMail {
    pub id: MailId,
    pub raw: Raw,
    /// Without angle brackets; ours where the mail had none.
    pub message_id: String,
    /// Return address; `None` = null sender.
    pub sender: Option<Address>,
    pub received: Timestamp,
    /// It came with SMTPUTF8.
    pub utf8: bool,
}

/// One mail's way to one list.
#[derive(Clone, Debug)]
pub struct NewPost {
    pub id: PostId,
    pub frozen: Frozen,
    /// Duplicate control (rule L4): the body's digest; a retry of the same mail has the same.
    pub digest: [u8; 32],
    /// Given up after this.
    pub expires: Timestamp,
    /// In the order of delivery; split into batches by the store.
    pub recipients: Vec<Recipient>,
    /// Whose address its copies hide; remembered with the post, under a number that they show instead.
    pub hides: Option<HiddenAuthor>,
}

impl NewPost {
    /// The batches that wait once it is durable.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = DueBatch> {
        let (id, list) = (self.id, self.frozen.list.clone());
        let batches = self.recipients.len().div_ceil(BATCH);
        (0..batches).filter_map(move |number| {
            let id = BatchId { post: id, number: u32::try_from(number).ok()? };
            Some(DueBatch { id, list: list.clone(), due: now })
        })
    }
}

/// An author whose address a list hides, or somebody who wrote to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenAuthor {
    pub list: ListId,
    /// What the token of the relay address carries. Below 2^56; one for an author and 30 days.
    pub number: u64,
    pub address: Address,
    pub person: Option<PersonId>,
    /// She was on the list: the relay address dies when she leaves.
    pub member: bool,
    /// From then on it leads nowhere. The latest that was said counts.
    pub expires: Timestamp,
}

/// One change of what is stored.
#[derive(Clone, Debug)]
pub enum Move {
    /// Mail, posts, recipients and batches become durable together, and what of it waits for somebody's word. Each
    /// post, then each of `held`, is answered by a [`Done`]: one that repeats list, Message-ID and digest of an
    /// earlier one, sent or held, is [`Done::Duplicate`] and stores nothing, one with another digest
    /// [`Done::Conflict`] and stores nothing either, unless it is held for that very reason. Role mail has keys of
    /// its own.
    Accept { mail: NewMail, posts: Vec<NewPost>, held: Vec<NewHeld> },
    /// Outcomes of an attempt, by index in the batch. The batch is due again when the earliest of its
    /// unfinished recipients is; with none left it is finished. What is final is replaced by what is final only.
    /// With the last batch of its last post a mail's body goes, if nothing of it is held. Who is dropped for her digest
    /// has an entry in [`digest`] from then on, until it is sent or another outcome
    /// replaces it.
    Settle { batch: BatchId, outcomes: Vec<(u16, Outcome)> },
    /// What happened to a mail that was not distributed.
    Trace(TraceEvent),
    /// A bounce that reached `-bounces`. Its failure is kept once for a tenant, address, class and day.
    Bounce(BounceEvent),
    /// A failure of a probe that the relay itself told of.
    Failed { who: RecipientRef, at: Timestamp, failure: Failure },
    /// How an address stands from now on.
    Standing(Box<Standing>),
    /// A recipient's server refused a mail because of the mail, or of us: kept once for a post and recipient.
    Refused(Box<Refused>),
    /// Delivery of a post pauses, once in its life: [`Done::Stale`] where it did before, or is gone.
    Brake { post: PostId, at: Timestamp, refusals: Refusals },
    /// It goes on: [`Done::Stale`] where it does not pause.
    Unbrake { post: PostId, at: Timestamp },
    /// `listctl queue retry`: everything unfinished (of one post) is due now: its `next` becomes its `at`.
    RetryNow { post: Option<PostId> },
    /// Part of a directory sync; cookie and entries are committed together.
    Replica(ReplicaChange),
    /// `listctl list set` and `unset`: the value of one setting of one list, or that there is none any more.
    Override { list: ListId, key: Key, value: Option<Vec<String>> },
    /// What a member wishes of a list; it replaces what she wished before.
    Options(Box<Choice>),
    /// She is on the list beside the directory; said again, the latest counts.
    Admit(Box<Admitted>),
    /// She is not any more.
    Dismiss { list: ListId, address: Address },
    /// What was accepted of lists (promise 6), by name, in the members room's own form; `None` = forgotten.
    Accepted(Vec<(String, Option<Vec<u8>>)>),
    /// Questions that were asked.
    Tickets(Vec<Ticket>),
    /// Something to remember about somebody.
    Mark(Mark),
    /// The desk's outbox: a step and its letters, or [`Done::Stale`] where the mail is not as the desk saw it.
    Told(Told),
    /// It goes on waiting, for another reason: `step` is 0 again. [`Done::Stale`] where it waits so already,
    /// [`Done::Ended`] where it waits no longer.
    Rehold { id: PostId, reason: Reason, waits_for: Waiting, next: Timestamp, expires: Timestamp },
    /// The one decision about a held mail; a later one is answered by the first ([`Done::Ended`]) and does nothing.
    /// With `post`, which has the name of the held mail, it goes out; without, its body goes, unless another post
    /// needs it. The desk is due at once, to tell of it.
    End { id: PostId, ended: Ended, post: Option<Box<NewPost>>, marks: Vec<Mark> },
    /// What the relay's log said.
    LastMile(LastMile),
    /// These stand in a digest now, the letter with this id, which the same commit accepts: they wait no longer.
    Digested { letter: PostId, entries: Vec<(PostId, RecipientRef)> },
    /// The retention job: outcomes, traces, bounces, duplicate keys, tickets and decisions older than this go. A post
    /// goes with all its outcomes once it was finished before this; a recipient when nothing names her any more.
    Erase { before: Timestamp },
    /// The retention job: originals that are kept for the filter to learn ([`Originals`]), finished before this, go.
    EraseOriginals { before: Timestamp },
    /// The retention job: hidden authors whose relay address has expired before this go, and marks.
    EraseExpired { before: Timestamp },
}

impl Move {
    /// [`Move::Accept`] of a mail of which nothing is held.
    pub fn accept(mail: NewMail, posts: Vec<NewPost>) -> Move {
        Move::Accept { mail, posts, held: Vec::new() }
    }
}

/// What a [`Move`] led to, in the order of the moves (an `Accept` has one for each post, then for each held mail).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Ok,
    /// The same mail to the same list was accepted before, as this post.
    Duplicate(PostId),
    /// The same Message-ID was accepted for this list before, with another body (rule L4).
    Conflict(PostId),
    /// Somebody was first, and this is the decision.
    Ended(Ended),
    /// It is not as it was when the caller looked; nothing was done.
    Stale,
    /// Only this move failed, the others stand: what it was.
    Rejected(String),
}

/// [`TraceEvent::what`] where the mail went out: what the spam and virus filter said of it.
pub const SCANNED: &str = "scanned";

/// [`TraceEvent::what`] where the mail waits for somebody's word.
pub const HELD: &str = "held";

/// A mail that was refused, dropped, deferred or forwarded elsewhere: kept so that `listctl trace` can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEvent {
    pub at: Timestamp,
    /// Without brackets; empty where there was none.
    pub message_id: String,
    pub list: Option<ListId>,
    /// RCPT TO as it came.
    pub recipient: String,
    /// The From address as it came.
    pub author: Option<String>,
    /// One word: `refused`, `dropped`, `deferred`, `duplicate`, [`SCANNED`], [`HELD`], or how a held mail ended.
    pub what: String,
    /// The rule that decided, and the reply we gave.
    pub why: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BounceEvent {
    pub at: Timestamp,
    /// `None` where the token was forged, unknown or old: counted, nothing else.
    pub recipient: Option<RecipientRef>,
    pub list: Option<ListId>,
    /// What it seems to be, in short, e.g. `bounce hard 5.1.1` or `vacation`.
    pub summary: String,
    /// What sort of mail came back, and of what class its first recipient is.
    #[serde(default)]
    pub kind: Option<Kind>,
    #[serde(default)]
    pub class: Option<Class>,
    /// What counts about the recipient: kept for her address, once a day.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// What they have against us or the mail (promise 11): it counts about the mail that came back, by Message-ID
    /// (without brackets).
    #[serde(default)]
    pub refused: Option<Against>,
    /// Where nobody understands it: a human looks at it.
    #[serde(default)]
    pub strange: Option<Strange>,
}

/// What a bounce has against a mail of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Against {
    pub message_id: String,
    pub class: Class,
    /// On one line, bounded.
    pub said: String,
}

/// A bounce that nobody understands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strange {
    pub kind: Kind,
    /// In a few words, without anybody's address.
    pub what: String,
    /// Its beginning; kept beside the event.
    #[serde(skip)]
    pub mail: Bytes,
}

/// One step of a directory sync. `data` is the directory room's own versioned form.
#[derive(Clone, Debug)]
pub enum ReplicaChange {
    /// A whole refresh replaces everything.
    Replace { entries: Vec<(String, Vec<u8>)>, cookie: Vec<u8>, at: Timestamp },
    /// Entries changed, or gone (`None`), since the last cookie.
    Update { entries: Vec<(String, Option<Vec<u8>>)>, cookie: Vec<u8>, at: Timestamp },
}

/// The stored replica, as the directory room left it.
#[derive(Clone, Debug, Default)]
pub struct StoredReplica {
    /// entryUUID and the directory room's own form.
    pub entries: Vec<(String, Vec<u8>)>,
    pub cookie: Vec<u8>,
    /// When it was last known to be fresh.
    pub at: Timestamp,
}

/// A batch with what is known of each recipient.
#[derive(Clone, Debug)]
pub struct Batch {
    pub id: BatchId,
    /// Same length and order as `outcomes`. `None` = erased.
    pub recipients: Vec<Option<(RecipientRef, Recipient)>>,
    pub outcomes: Vec<Outcome>,
}

/// A post as it was accepted.
#[derive(Clone, Debug)]
pub struct StoredPost {
    pub id: PostId,
    pub mail: MailId,
    pub message_id: String,
    pub frozen: Frozen,
    pub accepted: Timestamp,
    pub expires: Timestamp,
    pub size: u64,
}

/// What the scheduler needs to know of a waiting batch without loading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueBatch {
    pub id: BatchId,
    pub list: ListId,
    pub due: Timestamp,
}

/// The bytes of a stored mail. A large one is a file that is read in pieces, never whole per copy.
#[derive(Clone, Debug)]
pub enum Body {
    Memory(Bytes),
    File { path: PathBuf, size: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room: answer 452 4.3.1.
    #[error("the store's disk is full: {0}")]
    Full(String),
    /// Anything else that passes or not: answer 451 4.3.0.
    #[error("the store failed: {0}")]
    Failed(String),
    #[error("another daemon uses this store: {0}")]
    Locked(String),
}

/// Every room that changes something.
#[async_trait]
pub trait Commit: Send + Sync {
    /// All or nothing, durable when it returns; except that a move which breaks a constraint of its own is
    /// answered [`Done::Rejected`] and leaves the others standing.
    async fn commit(&self, moves: Vec<Move>) -> Result<Vec<Done>, StoreError>;
}

/// What the scheduler reads.
#[async_trait]
pub trait Queue: Commit {
    /// All unfinished batches, at start.
    async fn due(&self) -> Result<Vec<DueBatch>, StoreError>;
    /// `None` once finished or gone.
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError>;
    /// What became of one recipient, finished or not; `None` once gone.
    async fn outcome(&self, id: BatchId, index: u16) -> Result<Option<Outcome>, StoreError>;
    async fn post(&self, id: PostId) -> Result<Option<Arc<StoredPost>>, StoreError>;
    async fn body(&self, mail: MailId) -> Result<Option<Body>, StoreError>;
    /// Posts whose delivery pauses, and until when at most, at start.
    async fn brakes(&self) -> Result<Vec<(PostId, Timestamp)>, StoreError>;
}

/// What the directory room reads at start.
#[async_trait]
pub trait Replica: Commit {
    async fn replica(&self) -> Result<StoredReplica, StoreError>;
}

/// What an admin has set for one list, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub list: ListId,
    pub key: Key,
    pub value: Vec<String>,
}

/// What the members room reads at start.
#[async_trait]
pub trait Overrides: Commit {
    /// All, by list and key. A key that this version does not know is left out, and kept.
    async fn overrides(&self) -> Result<Vec<Override>, StoreError>;
}

/// What the members room reads at start of what members wish.
#[async_trait]
pub trait MemberOptions: Commit {
    /// All, by person (or address) and list.
    async fn member_options(&self) -> Result<Vec<Choice>, StoreError>;
}

/// What the safety catch reads at start.
#[async_trait]
pub trait Accepted: Commit {
    /// Name and data of all rows, as [`Move::Accepted`] left them.
    async fn accepted(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

/// Whose token is it.
#[async_trait]
pub trait Attribution: Commit {
    async fn recipient(&self, who: RecipientRef) -> Result<Option<Recipient>, StoreError>;
    /// The hidden author of a list with this number; expired ones too, until they are erased.
    async fn hidden_author(
        &self,
        list: &ListId,
        number: u64,
    ) -> Result<Option<HiddenAuthor>, StoreError>;
}

/// One post with everything an admin may ask.
#[derive(Clone, Debug)]
pub struct Account {
    pub post: StoredPost,
    pub batches: Vec<Batch>,
}

/// Mails as they came, for a filter that learns from them.
#[async_trait]
pub trait Originals: Queue {
    /// Whether a body stays when nothing needs it any more, until [`Move::EraseOriginals`]; not letters of ours, and
    /// not what its author took back.
    fn keep_originals(&self, keep: bool);
    /// The mails that came with a Message-ID (without brackets), oldest first; their bodies may be gone.
    async fn originals(&self, message_id: &str) -> Result<Vec<MailId>, StoreError>;
}

/// Counts for `listctl status` and the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Mails whose body is still needed.
    pub mails: u64,
    /// Posts with unfinished recipients.
    pub posts_waiting: u64,
    /// Unfinished recipients that were not tried yet.
    pub recipients_waiting: u64,
    /// Unfinished recipients that were tried, and will be again.
    pub recipients_deferred: u64,
    /// Mails that wait for somebody's word.
    pub held: u64,
    /// Bounces that are still kept.
    pub bounces: u64,
    pub bounces_unattributed: u64,
    /// Posts whose delivery pauses, because many servers refuse them.
    pub braked: u64,
    /// Addresses that get nothing, because their mail comes back.
    pub paused: u64,
}

/// What `listctl` reads.
#[async_trait]
pub trait Report: Holds {
    async fn counts(&self) -> Result<Counts, StoreError>;
    /// Posts with unfinished recipients, oldest first.
    async fn waiting(&self, limit: usize) -> Result<Vec<StoredPost>, StoreError>;
    async fn account(&self, post: PostId) -> Result<Option<Account>, StoreError>;
    /// Everything known of a Message-ID (without brackets): distributions and refusals.
    async fn trace(&self, message_id: &str) -> Result<(Vec<Account>, Vec<TraceEvent>), StoreError>;
}

/// Whether the store works, found out by using it.
#[async_trait]
pub trait Probe: Report {
    /// Writes and syncs something that changes nothing, and looks for room: whether a mail could be taken in now.
    async fn probe(&self) -> Result<(), StoreError>;
}
