//! What became of a mail: posts, their recipients, a Message-ID's trace, and how recipients' own servers answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::HeldMail;
use crate::bounce::brake::Refusals;
use crate::outcome::Outcome;
use crate::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Oldest first.
    pub posts: Vec<PostLine>,
    /// There are more than shown.
    pub more: bool,
}

/// One mail's way to one list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLine {
    /// A number as text: it may be more than JSON numbers carry.
    pub id: String,
    /// The list's address when the mail was accepted.
    pub list: String,
    /// The address that its copies hide.
    #[serde(default)]
    pub hidden_author: Option<String>,
    /// Without brackets.
    pub message_id: String,
    pub accepted: Timestamp,
    pub expires: Timestamp,
    pub size: u64,
    pub counts: Counts,
    /// When the next recipient is due; `None` where nothing is left to do.
    pub next: Option<Timestamp>,
    /// The latest answer of the relay to a recipient who still waits.
    pub reason: Option<String>,
    /// Delivery pauses: since when, and who refused it.
    #[serde(default)]
    pub braked: Option<Braked>,
}

/// Many servers refuse a mail, so that delivery of the rest pauses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Braked {
    pub at: Timestamp,
    #[serde(flatten)]
    pub refusals: Refusals,
}

/// Recipients by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub waiting: u64,
    pub deferred: u64,
    pub delivered: u64,
    pub failed: u64,
    pub dropped: u64,
    /// Erased on request: nothing is known of them.
    pub erased: u64,
}

/// A post with every recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    #[serde(flatten)]
    pub line: PostLine,
    pub recipients: Vec<RecipientLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientLine {
    /// `None` where the person's data was erased, or she is protected.
    pub address: Option<String>,
    pub name: Option<String>,
    /// Of the relay's words only the codes are left, too.
    #[serde(default)]
    pub protected: bool,
    pub outcome: Outcome,
    /// What her own server answered, where the relay's log is followed and has told; its host in brackets.
    #[serde(default)]
    pub last_mile: Option<Outcome>,
    /// Message-ID (without brackets) of the digest in which it went out; that has an outcome of its own.
    #[serde(default)]
    pub digest: Option<String>,
}

/// Try again now: one post, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// Recipients that are due now.
    pub recipients: u64,
}

/// A mail goes on whose delivery paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Recipients who still wait.
    pub recipients: u64,
}

/// Whoever has not got a mail yet is not to get it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    pub id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Recipients who waited for a copy.
    pub copies: u64,
    /// Recipients whose digest it waited for.
    pub digests: u64,
}

/// Everything known of a Message-ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Without brackets.
    pub message_id: String,
    pub posts: Vec<Post>,
    /// What waits for somebody's word, or did.
    #[serde(default)]
    pub held: Vec<HeldMail>,
    /// What was refused, dropped or deferred at the door, and what the filter said of the rest; oldest first.
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    /// RCPT TO as it came.
    pub recipient: String,
    /// From as it came.
    pub author: Option<String>,
    /// One word, e.g. `refused`.
    pub what: String,
    /// The rule that decided, and the reply we gave.
    pub why: String,
}

/// A bounce that was not understood, or a complaint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrangeMail {
    /// Its beginning; what is no UTF-8 is replaced.
    pub mail: String,
}

/// What the recipients' own servers answered lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Providers {
    pub since: Timestamp,
    /// The relay's log is followed.
    pub followed: bool,
    /// Those with the most answers first; all that are left are the last one, `other`.
    pub providers: Vec<Provider>,
}

/// One of them. Each try counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub name: String,
    pub accepted: u64,
    /// By reason: `hard`, `full`, `policy`, `content`, `other`.
    pub deferred: BTreeMap<String, u64>,
    pub refused: BTreeMap<String, u64>,
    /// The last refusal, else the last deferral, without anybody's address.
    pub words: Option<String>,
}
