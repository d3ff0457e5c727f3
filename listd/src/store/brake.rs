//! Mails that many recipients' servers refuse, and their brakes: the values, and what is read of them.
//!
//! Only refusals that speak of the mail or of us are kept here (promise 11): what they mean for a mail is
//! `listcore::bounce::brake`'s to say. It all goes when the post goes.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::bounce::Class;
use listcore::bounce::brake::{Refusals, Tally};
use listcore::list::ListId;
use listcore::time::Timestamp;

use super::{BatchId, Commit, PostId, RecipientRef, StoreError};

/// A server refused a mail because of the mail, or because it came from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub post: PostId,
    pub who: RecipientRef,
    /// As `listcore::provider` names it.
    pub provider: String,
    pub class: Class,
    /// On one line, bounded, without anybody's address.
    pub said: String,
}

/// A post whose delivery pauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Braked {
    pub post: PostId,
    pub at: Timestamp,
    /// Who refused it, and how often; the rest counted together.
    pub refusals: Refusals,
    /// When the post's time is over: then whoever still waits has not got it.
    pub expires: Timestamp,
}

/// Whom a copy was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub who: RecipientRef,
    pub address: Address,
    pub domain: String,
    pub list: ListId,
    /// It is a probe for this list.
    pub probe: Option<ListId>,
}

/// What the brakes read.
#[async_trait]
pub trait Brakes: Commit {
    /// `None` where nobody knows any more.
    async fn sent(&self, batch: BatchId, index: u16) -> Result<Option<Sent>, StoreError>;
    /// The latest post of a list with this Message-ID (without brackets) that had this recipient.
    async fn post_to(
        &self,
        list: &ListId,
        message_id: &str,
        who: RecipientRef,
    ) -> Result<Option<PostId>, StoreError>;
    /// How a post fares. `None` where it is gone, or where it was braked before: a mail is braked once.
    async fn tally(&self, post: PostId) -> Result<Option<Tally>, StoreError>;
    /// Posts that are braked now and have somebody who waits.
    async fn braked(&self) -> Result<Vec<Braked>, StoreError>;
}
