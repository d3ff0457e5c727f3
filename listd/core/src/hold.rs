//! What holding a mail means: why it waits, for whose word, what may be decided, and how it ended.
//!
//! Values only. When a mail is held is `policy`'s decision, its words are `notice`'s, keeping it is the store's.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::policy::Unproven;
use crate::time::Timestamp;

/// Why a mail waits. Stored with it; a name that was once released stays.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// `unverified = hold`.
    Unverified(Unproven),
    /// `unverified = confirm`: the claimed author is asked.
    Asked(Unproven),
    /// `nonmembers = hold`, or `moderation = nonmembers`.
    Nonmember,
    /// `moderation = all`.
    Moderated,
    /// `moderation = first`: the first post of this person.
    First,
    /// In the grey zone of the spam filter.
    Suspect,
    /// The filter asks to hold it, for a reason of its own.
    Filter,
    /// Rule T7.
    SeveralAuthors,
    /// Rule GD22: visible addresses of people who are not on the list.
    Outside(usize),
    /// Visible addresses of anybody.
    Recipients(usize),
    /// More replies in a while than a big list lets through.
    Storm,
    /// The emergency hold of a list or a domain.
    Emergency,
    /// Sent to that many lists at once.
    Lists(usize),
    /// More mails of this author in a while than the list lets through.
    Rate,
    /// Rule L4: its Message-ID was used before, with another body.
    Conflict,
    /// It is no mail for the list: its author wishes to be on it.
    Subscription,
}

impl Reason {
    /// One word for traces, figures and the keys of texts (`held-*`).
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Unverified(_) => "unverified",
            Reason::Asked(_) => "asked",
            Reason::Nonmember => "nonmember",
            Reason::Moderated => "moderated",
            Reason::First => "first",
            Reason::Suspect => "suspect",
            Reason::Filter => "filter",
            Reason::SeveralAuthors => "several-authors",
            Reason::Outside(_) => "outside",
            Reason::Recipients(_) => "recipients",
            Reason::Storm => "storm",
            Reason::Emergency => "emergency",
            Reason::Lists(_) => "lists",
            Reason::Rate => "rate",
            Reason::Conflict => "conflict",
            Reason::Subscription => "subscription",
        }
    }

    /// Who is asked.
    pub fn waits_for(self) -> Waiting {
        match self {
            Reason::Asked(_) => Waiting::Author,
            _ => Waiting::Moderator,
        }
    }
}

/// Whose word a held mail waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// The one whom From names.
    Author,
    Moderator,
}

impl Waiting {
    /// One word for `listctl held`.
    pub fn as_str(self) -> &'static str {
        match self {
            Waiting::Author => "author",
            Waiting::Moderator => "moderator",
        }
    }
}

/// What a moderator may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    Accept,
    /// Accept this, and hold nothing of this person any more.
    Always,
    /// With a sentence for the author; may be empty.
    Reject(String),
    /// The author hears nothing.
    Discard,
    /// As [`Choice::Discard`], and the filter learns it.
    Spam,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    Accepted,
    /// By a moderator, with a sentence for the author; may be empty.
    Rejected(String),
    Discarded,
    Spam,
    /// The author took it back.
    Withdrawn,
    /// The claimed author says that somebody else wrote it.
    NotMine,
    /// Nobody answered in time.
    Expired,
    /// It was to go out, but could not any more: why, in words.
    Refused(String),
}

impl End {
    /// One word for traces and figures.
    pub fn as_str(&self) -> &'static str {
        match self {
            End::Accepted => "accepted",
            End::Rejected(_) => "rejected",
            End::Discarded => "discarded",
            End::Spam => "spam",
            End::Withdrawn => "withdrawn",
            End::NotMine => "not-mine",
            End::Expired => "expired",
            End::Refused(_) => "refused",
        }
    }
}

/// Who ended it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    Moderator(Address),
    /// With `listctl`: the name of the system's user.
    Admin(String),
    Author,
    Clock,
}

impl By {
    /// One word for figures and the log.
    pub fn as_str(&self) -> &'static str {
        match self {
            By::Moderator(_) => "moderator",
            By::Admin(_) => "admin",
            By::Author => "author",
            By::Clock => "clock",
        }
    }
}

/// The one decision about a held mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub end: End,
    pub by: By,
    pub at: Timestamp,
}
