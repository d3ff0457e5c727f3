//! The decision: which rules are asked, in which order, and what each says. One rule is one function.

use crate::hold::Reason;
use crate::list::settings::Key;
use crate::list::{AuthorAddress, FromPolicy, Moderation, Nonmembers, Posters, Unverified};
use crate::message::{Loop, Malformed};
use crate::rewrite::PostKind;
use crate::scan::Finding;
use crate::storm::Storm;

use super::{Decision, Deferred, Discarded, Facts, Others, Pace, Refusal, Rule, Unproven, Verdict};

/// What was decided, by which rule, and which setting would have to change.
type Ruling = (Decision, Rule, Option<Key>);

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

fn refuse(refusal: Refusal, rule: Rule, setting: Option<Key>) -> Option<Ruling> {
    Some((Decision::Refuse(refusal), rule, setting))
}

fn hold(reason: Reason, rule: Rule, setting: Option<Key>) -> Option<Ruling> {
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
        return refuse(refusal, Rule::Size, Some(Key::MaxSize));
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
        (Decision::Hold(_), ..) => Some((no_poster(facts), Rule::Post, Some(Key::Post))),
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
    over.then(|| refuse(Refusal::Expired, Rule::Expired, Some(Key::Expires)))?
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
        Unverified::Reject => refused(Some(Key::Unverified)),
        // The question goes to people whom the directory knows, never to a stranger whose address somebody used.
        Unverified::Confirm if facts.standing.is_known() && !facts.approved => {
            hold(Reason::Asked(why), Rule::Author, Some(Key::Unverified))
        }
        // A From that nobody vouched for stays as it is, and a hidden one can't.
        _ if hidden => refused(Some(Key::AuthorAddress)),
        Unverified::Confirm | Unverified::Hold => {
            hold(Reason::Unverified(why), Rule::Author, Some(Key::Unverified))
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
        (PostKind::List, _) if hidden => refused(Some(Key::AuthorAddress)),
        (PostKind::List, _) => hold(Reason::SeveralAuthors, Rule::Authors, None),
        (PostKind::Role(_), Others::Somebody) if settings.from != FromPolicy::Keep => None,
        (PostKind::Role(_), _) => refused(Some(Key::From)),
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
        Nonmembers::Reject => Some((no_poster(facts), Rule::Post, Some(Key::Post))),
        Nonmembers::Discard => {
            Some((Decision::Discard(Discarded::Nonmember), Rule::Post, Some(Key::Nonmembers)))
        }
        Nonmembers::Hold if facts.always_passes() => None,
        Nonmembers::Hold if cannot_hide(facts) => {
            let why = facts.unproven().unwrap_or(Unproven::Nothing);
            refuse(Refusal::Unverified(why), Rule::Author, Some(Key::AuthorAddress))
        }
        Nonmembers::Hold => hold(Reason::Nonmember, Rule::Post, Some(Key::Nonmembers)),
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
    flood.then_some((Decision::Defer(Deferred::Flood), Rule::Rate, Some(Key::PostsPerHour)))
}

fn emergency(facts: &Facts<'_>) -> Option<Ruling> {
    let emergency = facts.list.settings.emergency;
    emergency.then(|| hold(Reason::Emergency, Rule::Emergency, Some(Key::Emergency)))?
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
        return hold(Reason::Outside(shown.outside), Rule::Outside, Some(Key::MaxOutside));
    }
    if over(shown.recipients, settings.max_recipients) {
        let reason = Reason::Recipients(shown.recipients);
        return hold(reason, Rule::Recipients, Some(Key::MaxRecipients));
    }
    if over(shown.lists, settings.max_lists) {
        return hold(Reason::Lists(shown.lists), Rule::Lists, Some(Key::MaxLists));
    }
    let fast = facts.pace == Pace::Fast;
    fast.then(|| hold(Reason::Rate, Rule::Rate, Some(Key::PostsPerHour)))?
}

/// Who looks after the list may calm a storm.
fn storm(facts: &Facts<'_>) -> Option<Ruling> {
    let brake = facts.storm != Storm::Calm && !facts.looks_after();
    brake.then(|| hold(Reason::Storm, Rule::Storm, Some(Key::StormReplies)))?
}

fn moderation(facts: &Facts<'_>) -> Option<Ruling> {
    if facts.looks_after() || facts.always_passes() {
        return None;
    }
    let held = |reason| hold(reason, Rule::Moderation, Some(Key::Moderation));
    match facts.list.settings.moderation {
        Moderation::None => None,
        Moderation::All => held(Reason::Moderated),
        Moderation::Nonmembers if facts.standing.member => None,
        Moderation::Nonmembers => held(Reason::Nonmember),
        Moderation::First if facts.remembered.posted && facts.is_proven() => None,
        Moderation::First => held(Reason::First),
    }
}
