//! The pages that a link in a mail leads to: HTML that needs no script, for people on any phone.
//!
//! It asks the other rooms through the traits [`Questions`] and [`wishes::Options`] and knows none of them. It decides only what is shown,
//! to whom in which language, and what a form means; never what becomes of a mail.

mod ask;
mod fixed;
mod form;
mod guard;
mod list;
mod options;
mod page;
mod problem;
mod question;
mod routes;
mod safe;
mod serve;
mod site;
#[cfg(test)]
mod tests;
pub mod wishes;
mod words;

use async_trait::async_trait;
use listcore::answer::Said;
use listcore::hold::{End, Ended};
use listcore::time::Timestamp;

pub use serve::{bind, serve};
pub use site::{Domain, Site};

/// Questions that we asked one person by mail. The token in the link says which, and who may answer.
#[async_trait]
pub trait Questions: Send + Sync + 'static {
    /// Changes nothing. `None` alike for a token that is forged, unknown or old.
    async fn look(&self, token: &str) -> Result<Option<Question>, NotNow>;

    /// Idempotent; who decided first wins.
    async fn answer(&self, token: &str, said: Said) -> Answered;
}

/// Trouble of ours, e.g. with the store: nothing was changed, and a later try may do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NotNow;

/// One question, as a page shows it. All text is shown as text, whatever stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub kind: Kind,
    /// Of whom we asked, e.g. `de`.
    pub language: String,
    /// What a person calls the list, e.g. `Klasse 5b`.
    pub list_title: String,
    pub list_address: String,
    /// Of the list's domain.
    pub links: Links,
    /// The one whom From names.
    pub author: Author,
    pub subject: String,
    /// Plain text, at most [`MAX_EXCERPT`] characters; what is longer is cut.
    pub excerpt: String,
    pub attachments: Vec<Attachment>,
    /// Why it waits, in words of `language`.
    pub reason: String,
    /// Whether From is proved, in words of `language`.
    pub verification: String,
    /// What the filter says, in words of `language`; empty where none was asked.
    pub verdict: String,
    /// When the mail arrived.
    pub at: Timestamp,
    /// Who decided already.
    pub ended: Option<Ended>,
}

/// Most characters of a mail's text on a page.
pub const MAX_EXCERPT: usize = 4_000;

/// What is asked.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The claimed author: did you write this?
    Confirm,
    /// A moderator: shall this go out?
    Moderate,
    /// The author: do you want it back?
    Withdraw,
    /// An owner: shall this person be on the list?
    Admit,
    /// The person: do you wish it no more?
    Unwish,
    /// A member: is this change yours? No mail waits; [`Question::reason`] says what would change.
    Own,
}

impl Kind {
    /// Asks one who decides for the list, who may know more than others.
    pub(crate) fn is_for_keepers(self) -> bool {
        matches!(self, Kind::Moderate | Kind::Admit)
    }

    /// The first part of the keys of its words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Confirm => "confirm",
            Kind::Moderate => "moderate",
            Kind::Withdraw => "withdraw",
            Kind::Admit => "admit",
            Kind::Unwish => "unwish",
            Kind::Own => "own",
        }
    }
}

/// Where a domain's own pages are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    pub imprint: Option<String>,
    pub privacy: Option<String>,
    pub help: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub name: Option<String>,
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    /// Octets.
    pub size: u64,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// This answer decided it.
    Done(End),
    /// The author's word was taken; now a moderator is asked.
    Passed,
    /// Somebody was first.
    Already(Ended),
    /// As [`Questions::look`] says `None`.
    Gone,
    /// As [`NotNow`].
    NotNow,
}
