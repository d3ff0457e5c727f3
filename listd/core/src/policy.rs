//! What becomes of a mail at the door: facts in, one decision out, with the rule and the setting behind it.
//!
//! Pure and total. Finding the facts (directory, DNS, milter) is the daemon's; the words of a refusal are `notice`'s. Here
//! stands what can come out; `facts` is what goes in, `decide` the way between.

use crate::hold;
use crate::list::settings::Key;
use crate::list::{FromPolicy, Settings};
use crate::message::Automatic;

mod decide;
mod facts;
mod refusal;

pub use decide::decide;
pub use facts::*;
pub use refusal::Refusal;

/// Why a mail is accepted and goes nowhere.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    Automatic(Automatic),
    /// `nonmembers = discard`
    Nonmember,
    /// The spam and virus filter says so.
    Filter,
}

/// Why a mail has to come again.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Deferred {
    /// The spam and virus filter gave no answer.
    Unscanned,
    /// Too many mails wait for it.
    Busy,
    /// Too many mails of this author.
    Flood,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Distribute,
    Refuse(Refusal),
    /// 250, kept, and distributed if somebody says so.
    Hold(hold::Reason),
    /// 250, traced, and not distributed.
    Discard(Discarded),
    /// 4yz: the sending server tries again.
    Defer(Deferred),
}

/// The rule that decided.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Loop,
    Automatic,
    Malformed,
    Size,
    Expired,
    Author,
    /// More than one (rule T7).
    Authors,
    Post,
    Emergency,
    /// How many addresses outside it shows.
    Outside,
    /// How many addresses it shows.
    Recipients,
    /// How many lists it is for.
    Lists,
    /// How much its author sends.
    Rate,
    Storm,
    Moderation,
    Virus,
    Spam,
    /// In the grey zone of the spam filter.
    Suspect,
    /// The filter's own reasons.
    Filter,
    /// The filter has no answer.
    Scanner,
    /// Nothing spoke against it.
    Allowed,
}

impl Rule {
    pub const ALL: [Rule; 21] = [
        Rule::Loop,
        Rule::Automatic,
        Rule::Malformed,
        Rule::Size,
        Rule::Expired,
        Rule::Author,
        Rule::Authors,
        Rule::Post,
        Rule::Emergency,
        Rule::Outside,
        Rule::Recipients,
        Rule::Lists,
        Rule::Rate,
        Rule::Storm,
        Rule::Moderation,
        Rule::Virus,
        Rule::Spam,
        Rule::Suspect,
        Rule::Filter,
        Rule::Scanner,
        Rule::Allowed,
    ];

    /// One word for traces and `listctl simulate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Loop => "loop",
            Rule::Automatic => "automatic",
            Rule::Malformed => "malformed",
            Rule::Size => "size",
            Rule::Expired => "expired",
            Rule::Author => "author",
            Rule::Authors => "authors",
            Rule::Post => "post",
            Rule::Emergency => "emergency",
            Rule::Outside => "outside",
            Rule::Recipients => "recipients",
            Rule::Lists => "lists",
            Rule::Rate => "rate",
            Rule::Storm => "storm",
            Rule::Moderation => "moderation",
            Rule::Virus => "virus",
            Rule::Spam => "spam",
            Rule::Suspect => "suspect",
            Rule::Filter => "filter",
            Rule::Scanner => "scanner",
            Rule::Allowed => "allowed",
        }
    }
}

/// A decision and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    pub rule: Rule,
    /// What would have to be set otherwise for another decision; `None` where nothing would do.
    pub setting: Option<Key>,
    /// The From address must stay as it is, because nobody vouched for it: rewriting would make a forgery valid
    /// (promise 8, rule F9). [`Verdict::freeze`] obeys.
    pub keep_from: bool,
}

impl Verdict {
    /// The settings to freeze with the post.
    pub fn freeze(&self, settings: &Settings) -> Settings {
        let mut frozen = settings.clone();
        if self.keep_from {
            frozen.from = FromPolicy::Unproven;
        }
        frozen
    }
}

#[cfg(test)]
mod tests;
