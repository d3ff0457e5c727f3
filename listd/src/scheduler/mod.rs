//! Who gets the next copy, and when: fairness between lists, retries, outcomes.
//!
//! Reads the store's queue and commits outcomes. It looks into no mail: copies come from whoever
//! implements [`Render`], membership from whoever implements [`StillGets`], the wire is `delivery`.

use std::sync::Arc;

use listcore::list::ListId;
use listcore::outcome::{Dropped, Reply};
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use crate::delivery::{Can, Copy};
use crate::store::{Body, RecipientRef, StoredPost};

/// Makes copies. Synchronous and CPU-bound: called on a blocking thread.
///
/// The same arguments give the same bytes, today and at a retry.
pub trait Render: Send + Sync + 'static {
    /// What all copies of a post for one kind of relay have in common: the body and its hash.
    type Variant: Send + Sync + 'static;

    /// Called once for a post and a relay's abilities, and kept while the post has copies to send.
    fn variant(
        &self,
        post: &StoredPost,
        body: &Body,
        can: &Can,
    ) -> Result<Arc<Self::Variant>, NoCopy>;

    /// The copy for these recipients, in this order: one of them where copies are personal, more where shared.
    fn copy(
        &self,
        variant: &Self::Variant,
        to: &[(RecipientRef, Recipient)],
        now: Timestamp,
    ) -> Result<Copy, NoCopy>;
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
    fn still_gets(&self, list: &ListId, who: &Recipient) -> Result<(), Dropped>;
}
