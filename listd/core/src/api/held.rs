//! What is said of mail that waits for somebody's word, and of mail that the spam filter is to learn.

use serde::{Deserialize, Serialize};

use crate::hold::{Choice, End};
use crate::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMails {
    /// What waits, oldest first.
    pub mails: Vec<HeldMail>,
    /// There are more than shown.
    pub more: bool,
}

/// A mail that waits, or how its waiting ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMail {
    /// A number as text: it may be more than JSON numbers carry.
    pub id: String,
    /// The list's address.
    pub list: String,
    /// Without brackets.
    pub message_id: String,
    /// From as far as it can be read.
    pub author: Option<String>,
    /// `None` where the author is protected.
    pub subject: Option<String>,
    pub at: Timestamp,
    pub size: u64,
    /// One word, e.g. `nonmember`.
    pub reason: String,
    /// The same as a sentence.
    pub why: String,
    /// `author` or `moderator`.
    pub waits_for: String,
    /// Somebody vouches for the author.
    pub verified: bool,
    /// Who, or why nobody does.
    pub verification: String,
    /// What the spam and virus filter said; empty where it was not asked.
    pub verdict: String,
    /// Nobody is waited for after this.
    pub expires: Timestamp,
    /// Those who are asked were written to.
    pub told: bool,
    pub ended: Option<Ending>,
}

/// The one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub end: End,
    /// Who decided, e.g. an address; empty where nobody did in time.
    pub by: String,
    pub at: Timestamp,
}

/// A held mail and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldDetail {
    #[serde(flatten)]
    pub mail: HeldMail,
    /// RCPT TO as it came, and from where.
    pub recipient: String,
    pub came_from: String,
    /// The beginning of the text; `None` where it is gone, or the author is protected.
    pub text: Option<String>,
}

/// Decide about a held mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    pub id: String,
    pub choice: Choice,
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// False where somebody had decided before; then `mail` says who and how.
    pub yours: bool,
    pub mail: HeldMail,
}

/// Tell rspamd what a mail is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learn {
    /// With or without brackets.
    pub message_id: String,
    /// Else it is ham: mail that people want.
    pub spam: bool,
}

/// What rspamd made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Without brackets.
    pub message_id: String,
    pub spam: bool,
    /// It had learned this before.
    pub known: bool,
}
