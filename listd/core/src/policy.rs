//! What becomes of a mail at the door: facts in, one decision out, with the rule and the setting behind it.
//!
//! Pure and total. Finding the facts (directory, DNS, milter) is the daemon's; the words of a refusal are `notice`'s.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::hold;
use crate::list::{
    AuthorAddress, FromPolicy, List, Moderation, Nonmembers, Posters, Settings, Unverified,
};
use crate::message::{Automatic, Loop, Malformed};
use crate::recipients::PersonId;
use crate::rewrite::PostKind;
use crate::scan::Finding;
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
}

/// Why a mail is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// L1
    Loop,
    /// L2: number of `Received`.
    Hops(usize),
    Malformed(Malformed),
    /// Z1, octets.
    TooBig {
        size: u64,
        limit: u64,
    },
    Expired,
    /// Promise 8.
    Unverified(Unproven),
    /// Not among those who may write; they are `post`.
    NotAllowed(Vec<Posters>),
    /// Set for the list, but not built yet: never more open than asked. The key of the setting.
    NotYet(&'static str),
    UnknownList,
    /// A line over 998 octets inside a signed or encrypted part (promise 9).
    LongLineSigned,
    /// Eight-bit text inside a signed part that can't go out as it is.
    Unsendable,
    /// The field of the mail that shows an address which the list hides.
    AddressShown(String),
    /// More mails to hidden authors than one may send in a while.
    TooMany,
    /// The signature's name, where it is known.
    Virus(Option<String>),
    Spam,
    /// Perhaps spam; held once there is moderation.
    Suspect,
    /// By the spam and virus filter, for a reason of its own.
    Filter,
    /// The attachment that the list does not let through, in a part that can't change (promise 9).
    AttachmentSigned(String),
}

impl Refusal {
    /// What is answered where a mail would wait, and can't: never more open than asked.
    pub fn instead_of(reason: hold::Reason, settings: &Settings) -> Refusal {
        match reason {
            hold::Reason::Unverified(why) | hold::Reason::Asked(why) => Refusal::Unverified(why),
            hold::Reason::Nonmember => Refusal::NotAllowed(settings.post.clone()),
            hold::Reason::Moderated | hold::Reason::First => Refusal::NotYet("moderation"),
            hold::Reason::Suspect => Refusal::Suspect,
            hold::Reason::Filter => Refusal::Filter,
            hold::Reason::SeveralAuthors => Refusal::Malformed(Malformed::SeveralFrom),
            hold::Reason::Outside(_)
            | hold::Reason::Storm
            | hold::Reason::Lists(_)
            | hold::Reason::Rate => Refusal::TooMany,
            hold::Reason::Emergency => Refusal::NotYet("emergency hold"),
            hold::Reason::Conflict => Refusal::NotYet("moderation"),
        }
    }

    /// Reply code and enhanced status (RFC 5321 4.2.3, RFC 3463).
    pub fn code(&self) -> (u16, (u8, u16, u16)) {
        match self {
            Refusal::Loop | Refusal::Hops(_) => (554, (5, 4, 6)),
            Refusal::Malformed(_) => (550, (5, 6, 0)),
            Refusal::TooBig { .. } => (552, (5, 3, 4)),
            Refusal::Expired => (550, (5, 2, 1)),
            Refusal::NotAllowed(_) | Refusal::NotYet(_) => (550, (5, 7, 1)),
            Refusal::Unverified(_) => (550, (5, 7, 1)),
            Refusal::UnknownList => (550, (5, 1, 1)),
            Refusal::LongLineSigned | Refusal::Unsendable => (554, (5, 6, 3)),
            Refusal::AddressShown(_) | Refusal::TooMany | Refusal::AttachmentSigned(_) => {
                (550, (5, 7, 1))
            }
            Refusal::Virus(_) | Refusal::Spam | Refusal::Suspect | Refusal::Filter => {
                (550, (5, 7, 1))
            }
        }
    }
}

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
    Post,
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
    /// One word for traces and `listctl simulate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Loop => "loop",
            Rule::Automatic => "automatic",
            Rule::Malformed => "malformed",
            Rule::Size => "size",
            Rule::Expired => "expired",
            Rule::Author => "author",
            Rule::Post => "post",
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
    /// The key of `[list]` that would have to change for another decision; `None` where none would.
    pub setting: Option<&'static str>,
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

/// Decides. Order: loops, automatic, malformed, size, virus and spam, expired, author, post, moderation; last what the
/// filter doubts or could not say, so that nobody who may not write at all comes again for it.
///
/// Mail to a role address passes the first five and the last only, without the second: a person in need must reach
/// the owners.
/// Mail to a hidden author passes all but moderation, and only from verified authors who are on the list or may write
/// to it: a relay address serves no stranger, and nobody nameless.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let settings = &facts.list.settings;
    let keep_from = !matches!(&facts.author, Some(a) if !matches!(a.verified, Verified::No(_)));
    let verdict = |decision, rule, setting| Verdict { decision, rule, setting, keep_from };
    let refuse = |refusal, rule, setting| verdict(Decision::Refuse(refusal), rule, setting);
    match &facts.looped {
        Some(Loop::Own(_)) => return refuse(Refusal::Loop, Rule::Loop, None),
        Some(Loop::Hops(n)) => return refuse(Refusal::Hops(*n), Rule::Loop, None),
        None => {}
    }
    let for_all = !matches!(facts.kind, PostKind::Role(_));
    if let (true, Some(automatic)) = (for_all, facts.automatic) {
        return verdict(Decision::Discard(Discarded::Automatic(automatic)), Rule::Automatic, None);
    }
    if let Some(malformed) = &facts.malformed {
        return refuse(Refusal::Malformed(malformed.clone()), Rule::Malformed, None);
    }
    if facts.size > settings.max_size {
        let refusal = Refusal::TooBig { size: facts.size, limit: settings.max_size };
        return refuse(refusal, Rule::Size, Some("max_size"));
    }
    if let Some((decision, rule)) = found(facts.finding) {
        return verdict(decision, rule, None);
    }
    let doubt = doubt(facts.finding).map(|(decision, rule)| verdict(decision, rule, None));
    if !for_all {
        return match several(facts, keep_from) {
            Some((decision, rule, setting)) => verdict(decision, rule, Some(setting)),
            None => doubt.unwrap_or(verdict(Decision::Distribute, Rule::Allowed, None)),
        };
    }
    if facts.list.expires.is_some_and(|end| end <= facts.now) {
        return refuse(Refusal::Expired, Rule::Expired, Some("listExpires"));
    }
    let known = || author(facts).or_else(|| several(facts, keep_from));
    let refused = match facts.kind {
        PostKind::Author(_) if facts.standing.member => known(),
        PostKind::Author(_) => known().or_else(|| may_post(facts)),
        _ => known().or_else(|| may_post(facts)).or_else(|| not_yet(settings)),
    };
    match refused {
        Some((decision, rule, setting)) => verdict(decision, rule, Some(setting)),
        None => doubt.unwrap_or(verdict(Decision::Distribute, Rule::Allowed, None)),
    }
}

/// What the filter is sure of.
fn found(finding: &Finding) -> Option<(Decision, Rule)> {
    let refuse = |refusal, rule| Some((Decision::Refuse(refusal), rule));
    match finding {
        Finding::Virus(name) => refuse(Refusal::Virus(name.clone()), Rule::Virus),
        Finding::Spam => refuse(Refusal::Spam, Rule::Spam),
        Finding::Refused => refuse(Refusal::Filter, Rule::Filter),
        Finding::Discard => Some((Decision::Discard(Discarded::Filter), Rule::Filter)),
        Finding::NotAsked | Finding::Clean | Finding::Unscanned => None,
        Finding::Suspect | Finding::Failed | Finding::Busy => None,
    }
}

/// What it is not sure of. The grey zone is to be held; until there is moderation the author is told.
fn doubt(finding: &Finding) -> Option<(Decision, Rule)> {
    match finding {
        Finding::Suspect => Some((Decision::Refuse(Refusal::Suspect), Rule::Suspect)),
        Finding::Failed => Some((Decision::Defer(Deferred::Unscanned), Rule::Scanner)),
        Finding::Busy => Some((Decision::Defer(Deferred::Busy), Rule::Scanner)),
        _ => None,
    }
}

type No = (Decision, Rule, &'static str);

/// Promise 8. `confirm` and `hold` refuse as well until they are built: never more open than asked.
fn author(facts: &Facts<'_>) -> Option<No> {
    let why = match &facts.author {
        Some(Author { verified: Verified::No(why), .. }) => *why,
        Some(_) => return None,
        None => Unproven::Nothing,
    };
    let settings = &facts.list.settings;
    // A From that nobody vouched for stays as it is, and a hidden one can't.
    let hidden = matches!(facts.kind, PostKind::Author(_))
        || settings.author_address == AuthorAddress::Hidden;
    if hidden && settings.unverified == Unverified::Accept {
        return Some((Decision::Refuse(Refusal::Unverified(why)), Rule::Author, "author_address"));
    }
    match settings.unverified {
        // A domain that asks to reject forgeries is heard, whatever the list accepts (rule F9).
        Unverified::Accept if why != Unproven::Forbidden => None,
        _ => Some((Decision::Refuse(Refusal::Unverified(why)), Rule::Author, "unverified")),
    }
}

/// T7: several authors go out only under the list's own From, and only on the word of a verified one. Held once there
/// is moderation; until then the author is told.
fn several(facts: &Facts<'_>, keep_from: bool) -> Option<No> {
    let settings = &facts.list.settings;
    // A relay address stands for one author only.
    let hidden = settings.author_address == AuthorAddress::Hidden && facts.kind == PostKind::List
        || matches!(facts.kind, PostKind::Author(_));
    let kept = keep_from || hidden || settings.from == FromPolicy::Keep;
    match facts.others {
        Others::Nobody => None,
        Others::Somebody if !kept => None,
        Others::Somebody | Others::Household => {
            let refusal = Refusal::Malformed(Malformed::SeveralFrom);
            Some((Decision::Refuse(refusal), Rule::Malformed, "from"))
        }
    }
}

/// Owners and moderators always may; then whoever `post` names.
fn may_post(facts: &Facts<'_>) -> Option<No> {
    let (standing, settings) = (&facts.standing, &facts.list.settings);
    let named = |posters: &Posters| match posters {
        Posters::Members => standing.member,
        Posters::Owners => standing.owner,
        Posters::Moderators => standing.moderator,
        Posters::People => standing.person.is_some(),
        Posters::Anyone => true,
        Posters::Group(dn) => standing.groups.contains(dn),
    };
    if standing.owner || standing.moderator || settings.post.iter().any(named) {
        return None;
    }
    match settings.nonmembers {
        Nonmembers::Discard => {
            Some((Decision::Discard(Discarded::Nonmember), Rule::Post, "nonmembers"))
        }
        Nonmembers::Reject | Nonmembers::Hold => {
            Some((Decision::Refuse(Refusal::NotAllowed(settings.post.clone())), Rule::Post, "post"))
        }
    }
}

/// Settings that ask for more care than is built: better no post than one too open.
fn not_yet(settings: &Settings) -> Option<No> {
    if settings.moderation != Moderation::None {
        return Some((
            Decision::Refuse(Refusal::NotYet("moderation")),
            Rule::Moderation,
            "moderation",
        ));
    }
    None
}

#[cfg(test)]
mod tests;
