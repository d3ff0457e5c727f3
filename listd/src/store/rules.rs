//! What the store's moves mean, apart from where the data lies: both backends decide with these.
//!
//! Pure. Not a queue: which batch is tried next is the scheduler's choice.

use std::time::Duration;

use listcore::hold::{End, Reason, Waiting};
use listcore::list::ListId;
use listcore::outcome::{Dropped, Outcome};
use listcore::rewrite::PostKind;
use listcore::time::Timestamp;

use super::held::{Held, NewHeld, Told};
use super::last_mile::Underway;
use super::witness::Refusal;
use super::{BATCH, BatchId, Done, NewPost, PostId};

/// How long a mail is recognised when it comes again (rule L4).
pub(super) const DUPLICATE_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// Enters the outcomes of an attempt. All of them or, where an index is wrong, none.
///
/// What is final stays final: a late "try again" must not send a copy twice. What the relay took or refused is not left out
/// by a word that comes too late.
pub(super) fn settle(outcomes: &mut [Outcome], changes: Vec<(u16, Outcome)>) -> Result<(), String> {
    let length = outcomes.len();
    if let Some((index, _)) = changes.iter().find(|(index, _)| usize::from(*index) >= length) {
        return Err(format!("the batch has {length} recipients, there is no number {index}"));
    }
    for (index, new) in changes {
        if let Some(old) = outcomes.get_mut(usize::from(index))
            && (new.is_final() || !old.is_final())
            && !(was_tried(old) && matches!(new, Outcome::Dropped { .. }))
        {
            *old = new;
        }
    }
    Ok(())
}

fn was_tried(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered { .. } | Outcome::Failed { .. })
}

/// Enters what the recipients' own servers said. Tries are counted; the last word stays.
pub(super) fn hear(outcomes: &mut [Outcome], heard: Vec<(u16, Outcome)>) {
    for (index, mut new) in heard {
        let Some(old) = outcomes.get_mut(usize::from(index)) else { continue };
        if let (Outcome::Deferred { attempts, .. }, Outcome::Deferred { attempts: before, .. }) =
            (&mut new, &*old)
        {
            *attempts = before.saturating_add(1);
        }
        if new.is_final() || !old.is_final() {
            *old = new;
        }
    }
}

/// The copies of a batch that the relay has, and of which `heard` has no last word.
pub(super) fn underway(id: BatchId, outcomes: &[Outcome], heard: &[Outcome]) -> Vec<Underway> {
    let copy = |(index, outcome): (usize, &Outcome)| match outcome {
        Outcome::Delivered { queue_id: Some(queue_id), .. }
            if !heard.get(index).is_some_and(Outcome::is_final) =>
        {
            let (index, queue_id) = (u16::try_from(index).ok()?, queue_id.clone());
            Some(Underway { batch: id, index, queue_id })
        }
        _ => None,
    };
    outcomes.iter().enumerate().filter_map(copy).collect()
}

/// The copies of a batch that were refused for good, by the relay or as `heard` has it.
pub(super) fn refused(id: BatchId, outcomes: &[Outcome], heard: &[Outcome]) -> Vec<Refusal> {
    let refusal = |(index, outcome): (usize, &Outcome)| match outcome {
        Outcome::Failed { at, reply } => {
            let index = u16::try_from(index).ok()?;
            Some(Refusal { batch: id, index, at: *at, reply: reply.clone() })
        }
        _ => None,
    };
    [outcomes, heard]
        .into_iter()
        .flat_map(|all| all.iter().enumerate().filter_map(refusal))
        .collect()
}

/// What the outcomes of an attempt do to digests, by index: `Some` = the mail waits for hers from then on (once, so only
/// who has no outcome yet), `None` = it waits no longer.
pub(super) fn gathered(
    outcomes: &[Outcome],
    changes: &[(u16, Outcome)],
) -> Vec<(u16, Option<Timestamp>)> {
    let waits =
        |outcome: &Outcome| matches!(outcome, Outcome::Dropped { why: Dropped::Digest, .. });
    let one = |(index, new): &(u16, Outcome)| {
        let old = outcomes.get(usize::from(*index))?;
        match new {
            Outcome::Dropped { at, why: Dropped::Digest } => {
                (!old.is_final()).then_some((*index, Some(*at)))
            }
            _ => waits(old).then_some((*index, None)),
        }
    };
    changes.iter().filter_map(one).collect()
}

/// When a batch is due: with the earliest of its unfinished recipients. `None` = finished.
pub(super) fn due(outcomes: &[Outcome]) -> Option<Timestamp> {
    outcomes.iter().filter_map(Outcome::due).min()
}

/// Makes everything deferred due; the time of the last attempt is surely past. True where that changed something.
pub(super) fn hurry(outcomes: &mut [Outcome]) -> bool {
    let mut changed = false;
    for outcome in outcomes {
        if let Outcome::Deferred { at, next, .. } = outcome
            && *next > *at
        {
            *next = *at;
            changed = true;
        }
    }
    changed
}

/// How many were not tried yet, and how many will be tried again.
pub(super) fn unfinished(outcomes: &[Outcome]) -> (u64, u64) {
    outcomes.iter().fold((0, 0), |(waiting, deferred), outcome| match outcome {
        Outcome::Waiting => (waiting + 1, deferred),
        Outcome::Deferred { .. } => (waiting, deferred + 1),
        _ => (waiting, deferred),
    })
}

/// The latest thing that happened in a batch; the epoch where nothing did.
pub(super) fn last<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Timestamp {
    outcomes.into_iter().filter_map(Outcome::at).max().unwrap_or_default()
}

/// Which way to a list: the same mail to a list and to its owners is two posts, no duplicate.
fn way(kind: PostKind) -> String {
    match kind {
        PostKind::List => "list".to_owned(),
        PostKind::Role(role) => format!("role {role:?}").to_ascii_lowercase(),
        PostKind::Author(number) => format!("author {number}"),
    }
}

/// What duplicate control knows a post or a held mail by, beside the Message-ID (rule L4).
pub(super) struct Key<'a> {
    pub list: &'a ListId,
    pub way: String,
    pub digest: &'a [u8; 32],
    pub id: PostId,
    /// It is held because it conflicts.
    conflicts: bool,
}

impl<'a> Key<'a> {
    pub(super) fn of_post(post: &'a NewPost) -> Key<'a> {
        let (list, way) = (&post.frozen.list, way(post.frozen.kind));
        Key { list, way, digest: &post.digest, id: post.id, conflicts: false }
    }

    pub(super) fn of_held(held: &'a NewHeld) -> Key<'a> {
        let (list, way) = (&held.list, way(held.kind));
        let conflicts = held.reason == Reason::Conflict;
        Key { list, way, digest: &held.digest, id: held.id, conflicts }
    }

    /// It may be stored although it repeats something in this way.
    pub(super) fn allows(&self, known: &Done) -> bool {
        self.conflicts && matches!(known, Done::Conflict(_))
    }
}

/// Rule L4, among the earlier posts with this list, way and Message-ID: digest, post, when. `None` = a new mail.
pub(super) fn duplicate(
    earlier: impl IntoIterator<Item = ([u8; 32], PostId, Timestamp)>,
    digest: &[u8; 32],
    now: Timestamp,
) -> Option<Done> {
    let mut conflict = None;
    for (known, post, at) in earlier {
        if now.since(at) > DUPLICATE_WINDOW {
            continue;
        }
        if known == *digest {
            return Some(Done::Duplicate(post));
        }
        conflict = conflict.or(Some(Done::Conflict(post)));
    }
    conflict
}

/// Numbers of the batches of a post with so many recipients, or why it can't have that many.
pub(super) fn batches(recipients: usize) -> Result<u32, String> {
    u32::try_from(recipients.div_ceil(BATCH)).map_err(|_| "too many recipients".to_owned())
}

pub(super) fn no_held(id: PostId) -> String {
    format!("there is no held mail {}", id.0)
}

/// The mail is not as the desk saw it.
pub(super) fn is_stale(held: &Held, told: &Told) -> bool {
    held.step != told.expect || held.ended.is_some() != told.ended
}

/// Why a held mail can't go on waiting for this. `None` = it can.
pub(super) fn rehold(held: &Held, reason: Reason, waits_for: Waiting) -> Option<Done> {
    match &held.ended {
        Some(ended) => Some(Done::Ended(ended.clone())),
        None if (held.reason, held.waits_for) == (reason, waits_for) => Some(Done::Stale),
        None => None,
    }
}

/// Whether a post is what a held mail becomes.
pub(super) fn may_release(id: PostId, post: &NewPost) -> Result<(), String> {
    if post.id != id {
        return Err(format!("post {} is not the held mail {}", post.id.0, id.0));
    }
    batches(post.recipients.len()).map(drop)
}

/// Whether the filter may learn from a mail that ended like this: what its author took back is gone.
pub(super) fn may_keep(end: &End) -> bool {
    !matches!(end, End::Withdrawn)
}

#[cfg(test)]
mod tests {
    use listcore::outcome::{Dropped, Reply};

    use super::*;

    fn deferred(next: i64) -> Outcome {
        let reply = Reply { code: 451, text: "4.7.1 later".into() };
        Outcome::Deferred { at: Timestamp(10), attempts: 1, next: Timestamp(next), reply }
    }

    fn dropped() -> Outcome {
        Outcome::Dropped { at: Timestamp(20), why: Dropped::LeftList }
    }

    #[test]
    fn settling_moves_the_due_time_and_keeps_what_is_final() {
        let mut o = vec![Outcome::Waiting, Outcome::Waiting, Outcome::Waiting];
        assert_eq!(due(&o), Some(Timestamp(0)));
        settle(&mut o, vec![(0, deferred(90)), (1, deferred(70)), (2, dropped())]).expect("settle");
        assert_eq!(
            (due(&o), unfinished(&o), last(&o)),
            (Some(Timestamp(70)), (0, 2), Timestamp(20))
        );
        settle(&mut o, vec![(2, deferred(5))]).expect("settle");
        assert_eq!(o[2], dropped());
        assert!(settle(&mut o, vec![(0, dropped()), (3, dropped())]).is_err());
        assert_eq!(o[0], deferred(90), "a wrong index changes nothing");
        assert!(hurry(&mut o) && !hurry(&mut o));
        assert_eq!(due(&o), Some(Timestamp(10)));
        settle(&mut o, vec![(0, dropped()), (1, dropped())]).expect("settle");
        assert_eq!(due(&o), None);
        let sent = Outcome::Delivered {
            at: Timestamp(30),
            reply: Reply { code: 250, text: "2.0.0".into() },
            queue_id: None,
        };
        settle(&mut o, vec![(0, sent.clone())]).expect("settle");
        settle(&mut o, vec![(0, dropped())]).expect("settle");
        assert_eq!(o[0], sent, "it was on its way when she left");
    }

    /// L4
    #[test]
    fn a_duplicate_is_known_for_seven_days() {
        let day = 24 * 3600 * 1000;
        let earlier = [([1; 32], PostId(1), Timestamp(0)), ([2; 32], PostId(2), Timestamp(day))];
        let ask = |digest: u8, now| duplicate(earlier, &[digest; 32], Timestamp(now));
        assert_eq!(ask(1, 5), Some(Done::Duplicate(PostId(1))));
        assert_eq!(ask(2, 7 * day), Some(Done::Duplicate(PostId(2))));
        assert_eq!(ask(3, 7 * day), Some(Done::Conflict(PostId(1))));
        assert_eq!(ask(1, 7 * day + 1), Some(Done::Conflict(PostId(2))));
        assert_eq!(ask(2, 8 * day + 1), None);
        assert_eq!(ask(1, -5), Some(Done::Duplicate(PostId(1))), "the clock was set back");
    }
}
