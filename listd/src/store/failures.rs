//! Failures to deliver, and how addresses stand because of them: the values, and what is read of them.
//!
//! Kept for a tenant and an address, not for a person: whoever gets a new address starts anew (rule V8). What follows from
//! failures is `listcore::bounce::score`.

use async_trait::async_trait;
use bytes::Bytes;
use listcore::address::Address;
use listcore::bounce::score::{Event, Since};
use listcore::bounce::{Class, Kind};
use listcore::list::ListId;
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Commit, PostId, RecipientRef, StoreError};

/// What a bounce, or the relay, said about one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The tenant.
    pub domain: String,
    pub list: ListId,
    pub class: Class,
    /// It is a probe that failed.
    pub probe: bool,
    /// On one line, bounded.
    pub said: String,
}

/// An address whose failures may have consequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    pub domain: String,
    pub address: Address,
    /// The latest that failed, for what else is known of her.
    pub who: RecipientRef,
    pub list: ListId,
    /// What was said last.
    pub said: String,
    /// Oldest first; one for a class and day.
    pub events: Vec<Event>,
    pub standing: Option<Standing>,
}

/// How an address of a tenant stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub domain: String,
    pub address: Address,
    pub list: ListId,
    pub since: Since,
    /// The last probe.
    pub probe: Option<PostId>,
    pub paused: Option<Paused>,
}

/// Why she gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    pub at: Timestamp,
    pub class: Class,
    /// What the other server said of the probe.
    pub said: String,
}

/// Bounces that were not understood that are kept at most.
pub const STRANGE: u32 = 500;

/// A bounce that nobody understands, for a human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrangeMail {
    pub number: u64,
    pub at: Timestamp,
    pub list: ListId,
    pub kind: Kind,
    pub what: String,
}

impl Standing {
    /// When it says nothing any more; `None` while she is paused.
    pub(super) fn until(&self) -> Option<Timestamp> {
        let last = self.since.probed.max(self.since.forgiven).unwrap_or_default();
        self.paused.is_none().then_some(last)
    }
}

/// The day of a failure: there is one a day.
pub(super) fn day(at: Timestamp) -> i64 {
    at.0.div_euclid(24 * 3600 * 1000)
}

/// What the bounces room reads.
#[async_trait]
pub trait Failures: Commit {
    /// Every address with a failure that is still kept.
    async fn failing(&self) -> Result<Vec<Failing>, StoreError>;
    /// Bounces with a good token that were not understood, since then, oldest first; the latest [`STRANGE`] are kept.
    async fn strange(&self, since: Timestamp) -> Result<Vec<StrangeMail>, StoreError>;
    /// The beginning of one of them.
    async fn strange_mail(&self, number: u64) -> Result<Option<Bytes>, StoreError>;
    /// How all addresses stand of which there is something to say.
    async fn standings(&self) -> Result<Vec<Standing>, StoreError>;
}
