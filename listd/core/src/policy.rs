//! What becomes of a mail at the door: facts in, one decision out, with the rule and the setting behind it.
//!
//! Pure and total. Finding the facts (directory, DNS, milter) is the daemon's; the words of a refusal are `notice`'s.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::hold::{self, Reason};
use crate::list::{
    AuthorAddress, FromPolicy, List, Moderation, Nonmembers, Posters, Settings, Unverified,
};
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
    fn is_known(&self) -> bool {
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
    fn unproven(&self) -> Option<Unproven> {
        match &self.author {
            Some(Author { verified: Verified::No(why), .. }) => Some(*why),
            Some(_) => None,
            None => Some(Unproven::Nothing),
        }
    }

    fn is_proven(&self) -> bool {
        self.unproven().is_none()
    }

    /// Really an owner or a moderator.
    fn looks_after(&self) -> bool {
        self.is_proven() && (self.standing.owner || self.standing.moderator)
    }

    /// Really somebody whom a moderator lets always pass.
    fn always_passes(&self) -> bool {
        self.is_proven() && self.remembered.always
    }
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
    /// Not among those who may write; they are `post`. A group by its DN, or by its title once that was looked up.
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
    /// Perhaps spam, on a way where nothing waits for a moderator.
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
            | hold::Reason::Recipients(_)
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

/// What was decided, by which rule, and which setting would have to change.
type Ruling = (Decision, Rule, Option<&'static str>);

/// Decides.
///
/// A mail to the list passes, in this order: loops, automatic, malformed, size, virus and spam, expired, author,
/// several authors, post; then what has to come again; last what makes it wait, so that nobody waits, is asked or
/// comes again who may not write at all. What waits gets one reason, the one that a moderator has to know first.
///
/// Mail to a role address passes the first five and what the filter doubts, without the second: a person in need must
/// reach the owners. Mail to a hidden author passes all that can refuse, and only from verified authors who are on the
/// list or may write to it: a relay address serves no stranger, and nobody nameless. Neither ever waits: a moderator
/// is not to read what was not meant for the list.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let ruling = at_the_door(facts).or_else(|| match facts.kind {
        PostKind::Role(_) => several(facts).or_else(|| doubt(facts)),
        PostKind::Author(_) => to_author(facts),
        PostKind::List => to_list(facts),
    });
    let (decision, rule, setting) = ruling.unwrap_or((Decision::Distribute, Rule::Allowed, None));
    Verdict { decision, rule, setting, keep_from: !facts.is_proven() }
}

fn refuse(refusal: Refusal, rule: Rule, setting: Option<&'static str>) -> Option<Ruling> {
    Some((Decision::Refuse(refusal), rule, setting))
}

fn hold(reason: Reason, rule: Rule, setting: Option<&'static str>) -> Option<Ruling> {
    Some((Decision::Hold(reason), rule, setting))
}

/// What the mail alone says, whoever wrote it.
fn at_the_door(facts: &Facts<'_>) -> Option<Ruling> {
    match &facts.looped {
        Some(Loop::Own(_)) => return refuse(Refusal::Loop, Rule::Loop, None),
        Some(Loop::Hops(n)) => return refuse(Refusal::Hops(*n), Rule::Loop, None),
        None => {}
    }
    let for_all = !matches!(facts.kind, PostKind::Role(_));
    if let (true, Some(automatic)) = (for_all, facts.automatic) {
        return Some((Decision::Discard(Discarded::Automatic(automatic)), Rule::Automatic, None));
    }
    if let Some(malformed) = &facts.malformed {
        return refuse(Refusal::Malformed(malformed.clone()), Rule::Malformed, None);
    }
    let limit = facts.list.settings.max_size;
    if facts.size > limit {
        let refusal = Refusal::TooBig { size: facts.size, limit };
        return refuse(refusal, Rule::Size, Some("max_size"));
    }
    found(facts.finding)
}

/// What the filter is sure of.
fn found(finding: &Finding) -> Option<Ruling> {
    match finding {
        Finding::Virus(name) => refuse(Refusal::Virus(name.clone()), Rule::Virus, None),
        Finding::Spam => refuse(Refusal::Spam, Rule::Spam, None),
        Finding::Refused => refuse(Refusal::Filter, Rule::Filter, None),
        Finding::Discard => Some((Decision::Discard(Discarded::Filter), Rule::Filter, None)),
        Finding::NotAsked | Finding::Clean | Finding::Unscanned => None,
        Finding::Suspect | Finding::Quarantined | Finding::Failed | Finding::Busy => None,
    }
}

/// What it is not sure of, where nothing can wait.
fn doubt(facts: &Facts<'_>) -> Option<Ruling> {
    match facts.finding {
        Finding::Suspect => refuse(Refusal::Suspect, Rule::Suspect, None),
        Finding::Quarantined => refuse(Refusal::Filter, Rule::Filter, None),
        _ => unscanned(facts),
    }
}

/// What it could not say.
fn unscanned(facts: &Facts<'_>) -> Option<Ruling> {
    match facts.finding {
        Finding::Failed => Some((Decision::Defer(Deferred::Unscanned), Rule::Scanner, None)),
        Finding::Busy => Some((Decision::Defer(Deferred::Busy), Rule::Scanner, None)),
        _ => None,
    }
}

fn to_author(facts: &Facts<'_>) -> Option<Ruling> {
    let unproven = || refuse(Refusal::Unverified(facts.unproven()?), Rule::Author, None);
    let stranger = || match not_allowed(facts).filter(|_| !facts.standing.member)? {
        (Decision::Hold(_), ..) => Some((no_poster(facts), Rule::Post, Some("post"))),
        ruling => Some(ruling),
    };
    expired(facts)
        .or_else(unproven)
        .or_else(|| several(facts))
        .or_else(stranger)
        .or_else(|| doubt(facts))
}

fn to_list(facts: &Facts<'_>) -> Option<Ruling> {
    let (author, several, post) = (author(facts), several(facts), not_allowed(facts));
    let waits = |ruling: &Ruling| matches!(ruling.0, Decision::Hold(_));
    let sure = [expired(facts), author.clone(), several.clone(), post.clone(), unscanned(facts)];
    let sure = sure.into_iter().flatten().find(|ruling| !waits(ruling));
    if sure.is_some() || facts.approved {
        return sure;
    }
    // Who could not write here either if it is really she is not asked.
    let author = author.filter(|_| post.is_none());
    let doubts = [
        flood(facts),
        author,
        emergency(facts),
        post,
        several,
        doubtful(facts),
        too_many(facts),
        storm(facts),
        moderation(facts),
    ];
    doubts.into_iter().flatten().next()
}

fn expired(facts: &Facts<'_>) -> Option<Ruling> {
    let over = facts.list.expires.is_some_and(|end| end <= facts.now);
    over.then(|| refuse(Refusal::Expired, Rule::Expired, Some("listExpires")))?
}

/// Promise 8: an author for whom nobody vouches.
fn author(facts: &Facts<'_>) -> Option<Ruling> {
    let why = facts.unproven()?;
    let settings = &facts.list.settings;
    let refused = |setting| refuse(Refusal::Unverified(why), Rule::Author, setting);
    let hidden = settings.author_address == AuthorAddress::Hidden;
    match settings.unverified {
        // A domain that asks to reject forgeries is heard, whatever the list accepts (rule F9).
        _ if why == Unproven::Forbidden => refused(None),
        Unverified::Reject => refused(Some("unverified")),
        // The question goes to people whom the directory knows, never to a stranger whose address somebody used.
        Unverified::Confirm if facts.standing.is_known() && !facts.approved => {
            hold(Reason::Asked(why), Rule::Author, Some("unverified"))
        }
        // A From that nobody vouched for stays as it is, and a hidden one can't.
        _ if hidden => refused(Some("author_address")),
        Unverified::Confirm | Unverified::Hold => {
            hold(Reason::Unverified(why), Rule::Author, Some("unverified"))
        }
        Unverified::Accept => None,
    }
}

/// T7: nobody can check several authors, and they go out only on the word of a verified one. A relay address stands
/// for one author only.
fn several(facts: &Facts<'_>) -> Option<Ruling> {
    let settings = &facts.list.settings;
    let refused =
        |setting| refuse(Refusal::Malformed(Malformed::SeveralFrom), Rule::Authors, setting);
    let hidden = settings.author_address == AuthorAddress::Hidden;
    match (facts.kind, facts.others) {
        (_, Others::Nobody) => None,
        _ if !facts.is_proven() => refused(None),
        (PostKind::List, _) if hidden => refused(Some("author_address")),
        (PostKind::List, _) => hold(Reason::SeveralAuthors, Rule::Authors, None),
        (PostKind::Role(_), Others::Somebody) if settings.from != FromPolicy::Keep => None,
        (PostKind::Role(_), _) => refused(Some("from")),
        (PostKind::Author(_), _) => refused(None),
    }
}

/// Owners and moderators always may; then whoever `post` names. What becomes of all others.
fn not_allowed(facts: &Facts<'_>) -> Option<Ruling> {
    let (standing, settings) = (&facts.standing, &facts.list.settings);
    let named = |posters: &Posters| match posters {
        Posters::Members => standing.member,
        Posters::Owners => standing.owner,
        Posters::Moderators => standing.moderator,
        Posters::People => standing.person.is_some(),
        Posters::Anyone => true,
        Posters::Group(dn) => standing.groups.contains(dn),
    };
    let may = standing.owner || standing.moderator || settings.post.iter().any(named);
    if may || facts.approved {
        return None;
    }
    match settings.nonmembers {
        Nonmembers::Reject => Some((no_poster(facts), Rule::Post, Some("post"))),
        Nonmembers::Discard => {
            Some((Decision::Discard(Discarded::Nonmember), Rule::Post, Some("nonmembers")))
        }
        Nonmembers::Hold if facts.always_passes() => None,
        Nonmembers::Hold if cannot_hide(facts) => {
            let why = facts.unproven().unwrap_or(Unproven::Nothing);
            refuse(Refusal::Unverified(why), Rule::Author, Some("author_address"))
        }
        Nonmembers::Hold => hold(Reason::Nonmember, Rule::Post, Some("nonmembers")),
    }
}

fn no_poster(facts: &Facts<'_>) -> Decision {
    Decision::Refuse(Refusal::NotAllowed(facts.list.settings.post.clone()))
}

/// An author who is to be hidden and can't be, because nobody vouches for her: no moderator's word changes that.
fn cannot_hide(facts: &Facts<'_>) -> bool {
    facts.list.settings.author_address == AuthorAddress::Hidden && !facts.is_proven()
}

/// So much of one author that even moderators must not get it.
fn flood(facts: &Facts<'_>) -> Option<Ruling> {
    let flood = facts.pace == Pace::Flood;
    flood.then_some((Decision::Defer(Deferred::Flood), Rule::Rate, Some("posts_per_hour")))
}

fn emergency(facts: &Facts<'_>) -> Option<Ruling> {
    let emergency = facts.list.settings.emergency;
    emergency.then(|| hold(Reason::Emergency, Rule::Emergency, Some("emergency")))?
}

/// What the filter is not sure of.
fn doubtful(facts: &Facts<'_>) -> Option<Ruling> {
    match facts.finding {
        Finding::Suspect => hold(Reason::Suspect, Rule::Suspect, None),
        Finding::Quarantined => hold(Reason::Filter, Rule::Filter, None),
        _ => None,
    }
}

/// The limits for one mail and one author (rule GD22).
fn too_many(facts: &Facts<'_>) -> Option<Ruling> {
    let (shown, settings) = (&facts.shown, &facts.list.settings);
    let over = |count: usize, limit: u32| {
        limit > 0 && u32::try_from(count).map_or(true, |count| count > limit)
    };
    if over(shown.outside, settings.max_outside) {
        return hold(Reason::Outside(shown.outside), Rule::Outside, Some("max_outside"));
    }
    if over(shown.recipients, settings.max_recipients) {
        let reason = Reason::Recipients(shown.recipients);
        return hold(reason, Rule::Recipients, Some("max_recipients"));
    }
    if over(shown.lists, settings.max_lists) {
        return hold(Reason::Lists(shown.lists), Rule::Lists, Some("max_lists"));
    }
    let fast = facts.pace == Pace::Fast;
    fast.then(|| hold(Reason::Rate, Rule::Rate, Some("posts_per_hour")))?
}

/// Who looks after the list may calm a storm.
fn storm(facts: &Facts<'_>) -> Option<Ruling> {
    let brake = facts.storm != Storm::Calm && !facts.looks_after();
    brake.then(|| hold(Reason::Storm, Rule::Storm, Some("storm_replies")))?
}

fn moderation(facts: &Facts<'_>) -> Option<Ruling> {
    if facts.looks_after() || facts.always_passes() {
        return None;
    }
    let held = |reason| hold(reason, Rule::Moderation, Some("moderation"));
    match facts.list.settings.moderation {
        Moderation::None => None,
        Moderation::All => held(Reason::Moderated),
        Moderation::Nonmembers if facts.standing.member => None,
        Moderation::Nonmembers => held(Reason::Nonmember),
        Moderation::First if facts.remembered.posted && facts.is_proven() => None,
        Moderation::First => held(Reason::First),
    }
}

#[cfg(test)]
mod tests;
