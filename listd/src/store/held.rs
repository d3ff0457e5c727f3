//! Mail that waits for somebody's word, the questions that were asked about it, and what is remembered of people.
//!
//! Values and the trait that reads them. Who asks, and what an answer means, is the desk's.

use std::ops::Deref;

use async_trait::async_trait;
use listcore::address::Address;
use listcore::command::Change;
use listcore::hold::{Ended, Reason, Waiting};
use listcore::list::ListId;
use listcore::recipients::{PersonId, Recipient};
use listcore::rewrite::PostKind;
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Commit, MailId, NewMail, NewPost, PostId, StoreError};

/// A mail that waits for an answer: a post that is not distributed yet, so its name is a post's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHeld {
    pub id: PostId,
    pub list: ListId,
    /// Of the list.
    pub address: Address,
    pub kind: PostKind,
    pub reason: Reason,
    pub waits_for: Waiting,
    /// From, where it can be read.
    pub author: Option<Address>,
    pub person: Option<PersonId>,
    /// The author's.
    pub language: String,
    /// Decoded, one line, at most 200 characters.
    pub subject: String,
    /// Who vouches for the author, or why nobody does; one line.
    pub verification: String,
    pub verified: bool,
    /// What the filter said; empty where it was not asked.
    pub verdict: String,
    /// In the grey zone of the filter, whatever else it waits for.
    pub suspect: bool,
    pub arrived: Arrived,
    /// Duplicate control (rule L4), as in a post.
    pub digest: [u8; 32],
    /// Without brackets; ours where the mail had none.
    pub message_id: String,
    /// Waits no longer than this.
    pub expires: Timestamp,
    /// When the desk acts next; at first the time of its arrival.
    pub next: Timestamp,
}

/// How a held mail came: what a post's `Received` field and a second look at its author need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrived {
    pub helo: String,
    pub peer: String,
    /// As in `Received: with`.
    pub protocol: String,
    /// RCPT TO as it came.
    pub rcpt: String,
    /// The client's /24 or /48, where our own MTA says it.
    pub network: Option<String>,
    /// What From calls the author, decoded, one line; kept for whoever wishes to be on a list.
    pub name: String,
}

/// A held mail as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// As it stands now: reason, whose word, times.
    pub new: NewHeld,
    pub mail: MailId,
    /// Return address; `None` = null sender.
    pub sender: Option<Address>,
    pub utf8: bool,
    /// When it came.
    pub at: Timestamp,
    /// The desk's own counting: 0 = nothing told, 1 = announced, 2 = deputies told, ...
    pub step: u8,
    /// When the desk acts next; `None` = never again.
    pub next: Option<Timestamp>,
    pub ended: Option<Ended>,
    /// Octets.
    pub size: u64,
}

impl Deref for Held {
    type Target = NewHeld;

    fn deref(&self) -> &NewHeld {
        &self.new
    }
}

/// A question that we asked one person by mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Made by the daemon, unique, never reused; what the token carries. Below 2^63.
    pub number: u64,
    pub list: ListId,
    pub about: About,
    pub who: Recipient,
    /// Answers after this come too late.
    pub expires: Timestamp,
}

/// What is asked. Stored with the ticket; a name that was once released stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// Did you write this?
    Confirm(PostId),
    /// Shall it go out?
    Moderate(PostId),
    /// It waits; take it back?
    Withdraw(PostId),
    /// How do you want the mail of this list?
    Options,
    /// Is this change yours?
    Command(Change),
}

impl About {
    /// The held mail in question.
    pub fn post(&self) -> Option<PostId> {
        match self {
            About::Confirm(post) | About::Moderate(post) | About::Withdraw(post) => Some(*post),
            About::Options | About::Command(_) => None,
        }
    }
}

/// A small fact about somebody. Kind, list, `who` and `value` name it; saying it again sets its end anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    /// `None` = wherever she writes.
    pub list: Option<ListId>,
    /// A lower-case address, or `person:ID`.
    pub who: String,
    /// E.g. the network that an author confirmed from; may be empty.
    pub value: String,
    /// From then on it is not true any more; a time that is past takes it back.
    pub until: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MarkKind {
    /// Said "yes, I wrote this" about a mail from this network.
    Confirmed,
    /// Has written to the list before.
    Posted,
    /// A moderator lets everything of hers pass.
    Always,
    /// Was asked whether she wrote a mail.
    Asked,
    /// Got the help text.
    Helped,
    /// Of a list: those who look after it know that replies are held.
    Storm,
    /// The admins of a domain (`who`) were told of bounces that nobody understands; when, in milliseconds.
    Summed,
    /// Was answered to a command by mail.
    Answered,
    /// Wished to be on a list.
    Wished,
    /// Of a ticket, by its number: the question was answered.
    Settled,
    /// Of a list: the directory has it no more, since then (milliseconds).
    Gone,
}

impl MarkKind {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            MarkKind::Confirmed => "confirmed",
            MarkKind::Posted => "posted",
            MarkKind::Always => "always",
            MarkKind::Asked => "asked",
            MarkKind::Helped => "helped",
            MarkKind::Storm => "storm",
            MarkKind::Summed => "summed",
            MarkKind::Answered => "answered",
            MarkKind::Wished => "wished",
            MarkKind::Settled => "settled",
            MarkKind::Gone => "gone",
        }
    }
}

/// What the desk has told about a held mail: all of it becomes durable together, or nothing does.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: PostId,
    /// The step that the desk saw; where it is another by now, nothing is done.
    pub expect: u8,
    /// Whether it had ended when the desk looked; where that is otherwise by now, nothing is done.
    pub ended: bool,
    pub step: u8,
    /// When the desk acts next; `None` = never again.
    pub next: Option<Timestamp>,
    pub letters: Vec<(NewMail, NewPost)>,
    pub tickets: Vec<Ticket>,
    pub marks: Vec<Mark>,
}

/// What the desk reads, and the pipeline of people.
#[async_trait]
pub trait Holds: Commit {
    /// Also one that has ended, until it is erased.
    async fn held(&self, id: PostId) -> Result<Option<Held>, StoreError>;
    /// All that was held under a Message-ID (without brackets), oldest first.
    async fn held_as(&self, message_id: &str) -> Result<Vec<Held>, StoreError>;
    /// What waits, on one list or everywhere, oldest first.
    async fn held_on(&self, list: Option<&ListId>, limit: usize) -> Result<Vec<Held>, StoreError>;
    /// Where the desk has to act, ended ones too, the most urgent first, at most [`DUE`]; and when the next of the
    /// others is due.
    async fn held_due(&self, now: Timestamp) -> Result<(Vec<Held>, Option<Timestamp>), StoreError>;
    async fn ticket(&self, number: u64) -> Result<Option<Ticket>, StoreError>;
    /// All questions about a held mail, in the order of their numbers; those that have expired too.
    async fn tickets_about(&self, post: PostId) -> Result<Vec<Ticket>, StoreError>;
    /// What is true now, by value.
    async fn marked(
        &self,
        kind: MarkKind,
        list: Option<&ListId>,
        who: &str,
        now: Timestamp,
    ) -> Result<Vec<Mark>, StoreError>;
}

/// Most rows of one [`Holds::held_due`].
pub const DUE: usize = 64;
