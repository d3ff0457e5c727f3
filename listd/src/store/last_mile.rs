//! What the recipients' own servers said of our copies, as the relay's log tells it: beside the outcomes, which end with
//! the relay's word.
//!
//! It goes when the post goes (rule GD8). What is kept by provider names nobody.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::outcome::Outcome;
use listcore::time::Timestamp;

use super::witness::Refusal;
use super::{BatchId, Commit, PostId, StoreError};

/// A piece of the log, in one commit with the place where reading goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastMile {
    /// By recipient, in the order of the log. What names a batch or recipient that is gone is left out.
    pub heard: Vec<(BatchId, u16, Outcome)>,
    pub said: Vec<Said>,
    /// The follower's own form.
    pub position: Vec<u8>,
}

/// How often a provider gave an answer on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its begin (UTC).
    pub day: Timestamp,
    /// As `listcore::provider` names it.
    pub provider: String,
    /// `accepted`, `deferred` or `refused`.
    pub answer: String,
    /// As `listcore::provider::Reason` says it; empty where it was accepted.
    pub reason: String,
    pub count: u64,
    /// The last such answer, without anybody's address; empty where it was accepted.
    pub words: String,
}

/// A copy that the relay has, and of which nothing final was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Underway {
    pub batch: BatchId,
    pub index: u16,
    /// The relay's name for it.
    pub queue_id: String,
}

/// What the follower of the relay's log reads, and who shows what was heard.
#[async_trait]
pub trait RelayLog: Commit {
    /// Where reading goes on; empty where nothing was ever read.
    async fn position(&self) -> Result<Vec<u8>, StoreError>;
    /// Copies of posts to which something happened since then; at most `limit`, the newest posts first.
    async fn underway(&self, since: Timestamp, limit: usize) -> Result<Vec<Underway>, StoreError>;
    /// What was refused for good of such posts, letters of ours too; at most `limit`, of the newest posts first.
    async fn refused(&self, since: Timestamp, limit: usize) -> Result<Vec<Refusal>, StoreError>;
    /// The recipients of a batch, in its order; `None` = erased.
    async fn addresses(&self, batch: BatchId) -> Result<Vec<Option<Address>>, StoreError>;
    /// What was heard, by number of the batch and in its order; [`Outcome::Waiting`] = nothing.
    async fn heard(&self, post: PostId) -> Result<Vec<(u32, Vec<Outcome>)>, StoreError>;
    /// By provider, from that day on, days added up; the words are the last.
    async fn said(&self, since: Timestamp) -> Result<Vec<Said>, StoreError>;
}
