//! What a decision about a mail rests on: its author, where she stands, what the mail shows and what was found in it.
//!
//! Values only. Who finds them out is the daemon; what follows from them is `decide`'s.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::list::List;
use crate::message::{Automatic, Loop, Malformed};
use crate::recipients::PersonId;
use crate::rewrite::PostKind;
use crate::scan::Finding;
use crate::storm::Storm;
use crate::time::Timestamp;

/// How an author was verified, or why not (promise 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// A DKIM signature of this aligned domain passed.
    Dkim(String),
    /// SPF passed for this aligned domain.
    Spf(String),
    /// Logged in at our own MTA as the person to whom From belongs.
    Auth(String),
    /// The author said so herself, when she was asked or from the same network before.
    Confirmed,
    No(Unproven),
}

impl Verified {
    /// What counts where she said of an earlier mail from the same network that it was hers: only where nothing
    /// speaks against it, as another's login does and a domain that asks to reject forgeries.
    pub fn or_confirmed(self, before: bool) -> Verified {
        match self {
            Verified::No(Unproven::Nothing) if before => Verified::Confirmed,
            other => other,
        }
    }
}

/// Why nobody vouches for an author.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unproven {
    /// No aligned signature or SPF pass, and no login.
    Nothing,
    /// A login that the From address does not belong to.
    OtherLogin,
    /// The domain's DMARC policy says reject, and the check failed.
    Forbidden,
}

/// The one whom From names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub address: Address,
    pub verified: Verified,
}

/// Whom From names beside the author who answers for the mail (rule T7).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Others {
    #[default]
    Nobody,
    /// Others, of whom nothing is known: the verified author answers for naming them.
    Somebody,
    /// An address of a domain of this house that is not the author's own: a name that people here trust.
    Household,
}

/// Where an address stands towards a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// `None` for an address that is nobody's in the directory.
    pub person: Option<PersonId>,
    pub member: bool,
    pub owner: bool,
    pub moderator: bool,
    /// Those of the list's `post` group DNs that the person is in.
    pub groups: Vec<String>,
}

impl Standing {
    /// Somebody whom the directory knows: a person, or an address on this list.
    pub(super) fn is_known(&self) -> bool {
        self.person.is_some() || self.member || self.owner || self.moderator
    }
}

/// What is remembered of the one whom From names.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// A moderator has let a mail of hers to this list pass.
    pub posted: bool,
    /// A moderator of this list lets everything of hers pass.
    pub always: bool,
}

/// What the mail shows to everybody who gets it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Lists of this house that it is for.
    pub lists: usize,
    /// Addresses in To and Cc.
    pub recipients: usize,
    /// Those of them outside this house and this list.
    pub outside: usize,
}

/// How much its author has sent to the list lately.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    #[default]
    Fine,
    /// More than `posts_per_hour`.
    Fast,
    /// More than twice as much.
    Flood,
}

/// All that the decision rests on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub kind: PostKind,
    pub list: &'a List,
    pub now: Timestamp,
    /// Octets on the wire, without dot-stuffing (rule Z1).
    pub size: u64,
    pub looped: Option<Loop>,
    pub automatic: Option<Automatic>,
    pub malformed: Option<Malformed>,
    /// What the spam and virus filter found.
    pub finding: &'a Finding,
    /// `None` only where From is malformed or the mail goes to a role address.
    pub author: Option<Author>,
    pub others: Others,
    pub standing: Standing,
    pub remembered: Remembered,
    pub shown: Shown,
    pub pace: Pace,
    /// [`Storm::Calm`] for whatever is no answer, and on small lists.
    pub storm: Storm,
    /// A moderator has let it pass: then nothing makes it wait any more, and what refuses it still does.
    pub approved: bool,
}

impl Facts<'_> {
    /// Why nobody vouches for the author; `None` where somebody does, or she did herself.
    pub(super) fn unproven(&self) -> Option<Unproven> {
        match &self.author {
            Some(Author { verified: Verified::No(why), .. }) => Some(*why),
            Some(_) => None,
            None => Some(Unproven::Nothing),
        }
    }

    pub(super) fn is_proven(&self) -> bool {
        self.unproven().is_none()
    }

    /// Really an owner or a moderator.
    pub(super) fn looks_after(&self) -> bool {
        self.is_proven() && (self.standing.owner || self.standing.moderator)
    }

    /// Really somebody whom a moderator lets always pass.
    pub(super) fn always_passes(&self) -> bool {
        self.is_proven() && self.remembered.always
    }
}
