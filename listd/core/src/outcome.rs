//! What became of one recipient's copy: the one set of names for it in the whole system.
//!
//! Not what became of a whole mail at the door: that is `policy::Decision`.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The relay's answer for one recipient, or our own words where there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Three digits (RFC 5321 4.2); 0 where the relay said nothing, e.g. a lost connection.
    pub code: u16,
    /// The text behind the code, lines joined by a space, an enhanced code included.
    pub text: String,
}

/// What became of one recipient's copy so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Not tried yet.
    Waiting,
    /// The relay took responsibility (RFC 5321 6.1); `queue_id` is its name for the copy.
    Delivered { at: Timestamp, reply: Reply, queue_id: Option<String> },
    /// Tried `attempts` times, the last time at `at`; tried again at `next`.
    Deferred { at: Timestamp, attempts: u16, next: Timestamp, reply: Reply },
    /// Given up: refused for good, or deferred for too long.
    Failed { at: Timestamp, reply: Reply },
    /// Never tried, because the recipient is no longer to get it.
    Dropped { at: Timestamp, why: Dropped },
}

/// Why a recipient who was on the frozen list gets no copy after all.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dropped {
    /// No longer a member when the copy was about to go out.
    LeftList,
    /// The account became inactive.
    Inactive,
    /// The person's data was erased on request.
    Erased,
    /// An admin removed the mail from the queue.
    Cancelled,
    /// The person does not want this list's mail.
    Muted,
    /// Her address takes no mail: a probe came back.
    Paused,
    /// She wrote the mail, and wants no copy of her own.
    Own,
    /// She stands in To or Cc as well, and wants no copy then.
    Addressed,
    /// Another list of hers, which the mail names too, sends it to her.
    Elsewhere,
    /// It comes with her next digest.
    Digest,
}

impl Outcome {
    /// True once nothing more will be tried.
    pub fn is_final(&self) -> bool {
        !matches!(self, Outcome::Waiting | Outcome::Deferred { .. })
    }

    /// When it came about: `None` where nothing was tried yet.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Outcome::Waiting => None,
            Outcome::Delivered { at, .. }
            | Outcome::Deferred { at, .. }
            | Outcome::Failed { at, .. }
            | Outcome::Dropped { at, .. } => Some(*at),
        }
    }

    /// When this recipient is to be tried next: `None` once final, the epoch where it never was.
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Outcome::Waiting => Some(Timestamp(0)),
            Outcome::Deferred { next, .. } => Some(*next),
            _ => None,
        }
    }
}
