//! What waits for digests: which mail for whom, and since when.
//!
//! An entry comes with the outcome [`Dropped::Digest`](listcore::outcome::Dropped), in the same commit. It ends when its
//! digest is accepted ([`Move::Digested`](super::Move)), or with another outcome. As long as it waits, the mail keeps its
//! body; then it says in which digest the mail went out, as long as there are outcomes.

use std::collections::HashMap;

use async_trait::async_trait;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use super::{BatchId, PostId, Queue, RecipientRef, StoreError};

/// A mail that waits for somebody's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub batch: BatchId,
    /// Whose outcome in the batch it is.
    pub index: u16,
    pub number: RecipientRef,
    /// When it would have been sent to her alone.
    pub at: Timestamp,
}

/// Everything that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// By recipient and time. Whoever was erased is not among it.
    pub entries: Vec<Entry>,
    /// As they are known now.
    pub people: HashMap<RecipientRef, Recipient>,
}

/// What the digest room reads, and who tells what became of a mail.
#[async_trait]
pub trait Digests: Queue {
    async fn digests(&self) -> Result<Waiting, StoreError>;

    /// In which digests a post went out: the digest's own post, by batch and index.
    async fn digested(&self, post: PostId) -> Result<HashMap<(BatchId, u16), PostId>, StoreError>;
}
