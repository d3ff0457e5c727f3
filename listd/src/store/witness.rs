//! Who looks on while things become durable: what a commit was about, told to the metrics and to the mail log.
//!
//! A witness changes nothing and is asked nothing. It hears only of what is durable, and of mail that could not
//! become so; since every change passes the store, nothing can be forgotten.

mod note;
mod tally;
mod watch;

use std::time::Duration;

use listcore::address::Address;
use listcore::hold::Reason;
use listcore::outcome::{Outcome, Reply};
use listcore::time::Timestamp;

use super::last_mile::{Said, Underway};
use super::{BatchId, BounceEvent, PostId, StoreError, TraceEvent};
pub(super) use watch::Watch;

/// Something that happened to mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A mail is distributed to a list.
    Accepted {
        post: PostId,
        about: About,
        /// Return address; `None` = null sender.
        sender: Option<Address>,
        recipients: usize,
        /// Octets.
        size: u64,
    },
    /// A mail waits for somebody's word.
    Held {
        held: PostId,
        about: About,
        sender: Option<Address>,
        reason: Reason,
        /// Octets.
        size: u64,
    },
    /// A held mail waits no longer: the one decision about it.
    Decided {
        held: PostId,
        /// `None` where the store could not say.
        about: Option<About>,
        end: &'static str,
        by: &'static str,
        waited: Duration,
        /// It goes out, to so many.
        recipients: Option<usize>,
    },
    /// The same mail came again (rule L4): nothing new is sent.
    Repeated {
        earlier: PostId,
        about: About,
    },
    /// Another mail under a Message-ID that was used before (rule L4): refused.
    Conflict {
        earlier: PostId,
        about: About,
    },
    /// Trouble of ours: the sender was asked to come again.
    NotStored {
        about: About,
        full: bool,
    },
    /// A mail that was not distributed, and why.
    Told(TraceEvent),
    /// Outcomes of an attempt. `about` is `None` where the post is gone.
    Settled {
        post: PostId,
        about: Option<About>,
        outcomes: Vec<Kind>,
        /// Those that the relay took, by the names that it gave them.
        copies: Vec<Underway>,
    },
    /// All recipients of a post have a final outcome.
    Finished {
        post: PostId,
        about: About,
        took: Duration,
        counts: Counted,
    },
    Bounce(BounceEvent),
    /// What the recipients' own servers answered.
    Heard(Vec<Said>),
    /// Copies that are refused for good: by the relay, or by the recipients' own servers.
    Refused(Vec<Refusal>),
}

/// A copy that is refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub batch: BatchId,
    pub index: u16,
    pub at: Timestamp,
    pub reply: Reply,
}

/// Which list, and which mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub list: Address,
    /// Without brackets, as its author made it.
    pub message_id: String,
}

/// An outcome without its circumstances.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Waiting,
    Deferred,
    Delivered,
    Failed,
    Dropped,
}

impl Kind {
    fn is_final(self) -> bool {
        !matches!(self, Kind::Waiting | Kind::Deferred)
    }
}

impl From<&Outcome> for Kind {
    fn from(outcome: &Outcome) -> Kind {
        match outcome {
            Outcome::Waiting => Kind::Waiting,
            Outcome::Deferred { .. } => Kind::Deferred,
            Outcome::Delivered { .. } => Kind::Delivered,
            Outcome::Failed { .. } => Kind::Failed,
            Outcome::Dropped { .. } => Kind::Dropped,
        }
    }
}

/// Recipients by their final outcome.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub delivered: usize,
    pub failed: usize,
    pub dropped: usize,
}

/// Looks on. Called on the way of every mail: it must be quick, and it can't fail.
pub trait Witness: Send + Sync + 'static {
    fn saw(&self, fact: &Fact);

    /// One call of `commit`, from its begin to its answer.
    fn committed(&self, took: Duration, result: Result<(), &StoreError>);
}
