//! What is to be done next: waiting batches, and turns between the lists.
//!
//! Pure: no clock, no store, no tasks. Lists take turns copy by copy (deficit round robin); a list that comes
//! new is next, so that a class mail waits for at most one copy per connection behind a letter to 50,000.

use std::collections::{BTreeMap, HashMap, VecDeque};

use listcore::list::{Copies, ListId};
use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::retry;
use listcore::rewrite::Edition;
use listcore::time::Timestamp;

use crate::store::{BATCH, Batch, BatchId, DueBatch, PostId};

/// Size times recipients over which one signed copy has to do for many (octets).
const SHARED_OVER: u64 = 256 * 1024 * 1024;

/// A list may be this many copies behind its turn, not more.
const DEEPEST: i64 = -64;

/// Recipients of one transaction, by index in the batch.
pub type Unit = Vec<u16>;

/// What a worker gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Load this batch, then call [`Agenda::opened`] (or `gone`, or `postpone`), then [`Agenda::take`].
    Load(BatchId),
    /// Send this.
    Unit(BatchId, Unit),
}

/// All batches that are not finished.
#[derive(Debug, Default)]
pub struct Agenda {
    /// Not due yet, or not looked at yet.
    later: BTreeMap<(Timestamp, BatchId), ListId>,
    batches: HashMap<BatchId, Place>,
    lists: HashMap<ListId, Turns>,
    /// Lists that have something to do, in the order of their turns.
    ring: VecDeque<ListId>,
    /// Batches of a post that are being worked on.
    active: HashMap<PostId, u32>,
    /// The highest batch number known of a post: how large it is at least.
    highest: HashMap<PostId, (u32, u32)>,
}

#[derive(Debug)]
enum Place {
    Later(Timestamp),
    Ready,
    Loading(ListId),
    Open(Open),
}

/// A batch that is loaded.
#[derive(Debug)]
struct Open {
    list: ListId,
    units: VecDeque<Unit>,
    /// Recipients that were handed out and whose outcome is not committed yet.
    outstanding: usize,
    /// When the first of those who must wait is due.
    next: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Turns {
    ready: VecDeque<BatchId>,
    /// Loaded batches that have units left.
    open: VecDeque<BatchId>,
    credit: i64,
}

impl Turns {
    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.open.is_empty()
    }
}

impl Agenda {
    /// A batch that is to be delivered. One that is known already is only moved forward.
    pub fn add(&mut self, due: DueBatch) {
        let id = due.id;
        match self.batches.get(&id) {
            Some(Place::Later(at)) if due.due < *at => {
                self.later.remove(&(*at, id));
            }
            Some(Place::Open(_)) => {
                // Asked for again while it is worked on: look at it again afterwards.
                if let Some(Place::Open(open)) = self.batches.get_mut(&id) {
                    open.next = Some(open.next.map_or(due.due, |n| n.min(due.due)));
                }
                return;
            }
            Some(_) => return,
            None => {
                let known = self.highest.entry(id.post).or_default();
                *known = (known.0.max(id.number), known.1 + 1);
            }
        }
        self.batches.insert(id, Place::Later(due.due));
        self.later.insert((due.due, id), due.list);
    }

    /// Time has passed.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.later.first_entry() {
            let (due, id) = *entry.key();
            if due > now {
                break;
            }
            let list = entry.remove();
            self.batches.insert(id, Place::Ready);
            *self.active.entry(id.post).or_default() += 1;
            self.join(&list).ready.push_back(id);
        }
    }

    /// The list's place in the ring: in front where it had none.
    fn join(&mut self, list: &ListId) -> &mut Turns {
        self.lists.entry(list.clone()).or_insert_with(|| {
            self.ring.push_front(list.clone());
            Turns { credit: 1, ..Turns::default() }
        })
    }

    /// When something becomes due that is not due now.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.later.first_key_value().map(|((due, _), _)| *due)
    }

    pub fn has_work(&self) -> bool {
        self.lists.values().any(|turns| !turns.is_empty())
    }

    /// The next copy, from the list whose turn it is.
    pub fn pick(&mut self) -> Option<Pick> {
        while let Some(list) = self.ring.pop_front() {
            let Some(turns) = self.lists.get_mut(&list) else { continue };
            if turns.is_empty() {
                // It leaves only when its turn comes: else lists that come and go would push in again and again.
                self.lists.remove(&list);
                continue;
            }
            if turns.credit <= 0 {
                turns.credit += 1;
                self.ring.push_back(list);
                continue;
            }
            turns.credit -= 1;
            let front = turns.open.front().copied();
            let load = if front.is_none() { turns.ready.pop_front() } else { None };
            if turns.credit > 0 {
                self.ring.push_front(list.clone());
            } else {
                turns.credit += 1;
                self.ring.push_back(list.clone());
            }
            match (front, load) {
                (Some(id), _) => match self.take(id) {
                    Some(unit) => return Some(Pick::Unit(id, unit)),
                    None => self.drop_open(&id),
                },
                (None, Some(id)) => {
                    self.batches.insert(id, Place::Loading(list));
                    return Some(Pick::Load(id));
                }
                (None, None) => {}
            }
        }
        None
    }

    /// A batch without units is not to be asked again.
    fn drop_open(&mut self, id: &BatchId) {
        for turns in self.lists.values_mut() {
            turns.open.retain(|other| other != id);
        }
    }

    /// What a copy cost beyond one turn: a large mail takes its time.
    pub fn charge(&mut self, list: &ListId, extra: i64) {
        if let Some(turns) = self.lists.get_mut(list) {
            turns.credit = turns.credit.saturating_sub(extra.max(0)).max(DEEPEST);
        }
    }

    /// A batch was loaded: the units that are due now, and when the first of the others is.
    /// True as in [`settled`](Self::settled).
    pub fn opened(&mut self, id: BatchId, units: Vec<Unit>, next: Option<Timestamp>) -> bool {
        let Some(Place::Loading(list)) = self.batches.get(&id) else { return false };
        let list = list.clone();
        let open = Open { list: list.clone(), units: units.into(), outstanding: 0, next };
        let empty = open.units.is_empty();
        self.batches.insert(id, Place::Open(open));
        if empty {
            return self.close_if_done(id);
        }
        self.join(&list).open.push_back(id);
        false
    }

    /// The next unit of a loaded batch.
    pub fn take(&mut self, id: BatchId) -> Option<Unit> {
        let Some(Place::Open(open)) = self.batches.get_mut(&id) else { return None };
        let unit = open.units.pop_front()?;
        open.outstanding += unit.len();
        if open.units.is_empty()
            && let Some(turns) = self.lists.get_mut(&open.list)
        {
            turns.open.retain(|other| *other != id);
        }
        Some(unit)
    }

    /// A unit was not tried after all: it is the batch's next one again.
    pub fn put_back(&mut self, id: BatchId, unit: Unit) {
        let Some(Place::Open(open)) = self.batches.get_mut(&id) else { return };
        open.outstanding = open.outstanding.saturating_sub(unit.len());
        open.units.push_front(unit);
        if open.units.len() == 1 {
            let list = open.list.clone();
            self.join(&list).open.push_front(id);
        }
    }

    /// A unit was not tried, and nothing of its batch is to be before `until`. True as in [`settled`](Self::settled).
    pub fn shelve(&mut self, id: BatchId, unit: &Unit, until: Timestamp) -> bool {
        let Some(Place::Open(open)) = self.batches.get_mut(&id) else { return false };
        open.outstanding = open.outstanding.saturating_sub(unit.len());
        open.units.clear();
        open.next = Some(open.next.map_or(until, |next| next.min(until)));
        let list = open.list.clone();
        if let Some(turns) = self.lists.get_mut(&list) {
            turns.open.retain(|other| *other != id);
        }
        self.close_if_done(id)
    }

    /// Outcomes are committed. True where that was the last batch of its post in work.
    pub fn settled(&mut self, id: BatchId, outcomes: &[(u16, Outcome)]) -> bool {
        let Some(Place::Open(open)) = self.batches.get_mut(&id) else { return false };
        open.outstanding = open.outstanding.saturating_sub(outcomes.len());
        let due = outcomes.iter().filter_map(|(_, outcome)| outcome.due());
        open.next = due.chain(open.next).min();
        self.close_if_done(id)
    }

    /// A batch that is being loaded or open waits. True as in [`settled`](Self::settled).
    pub fn postpone(&mut self, id: BatchId, until: Timestamp) -> bool {
        let list = match self.batches.get(&id) {
            Some(Place::Loading(list) | Place::Open(Open { list, .. })) => list.clone(),
            _ => return false,
        };
        self.batches.insert(id, Place::Later(until));
        self.later.insert((until, id), list);
        self.rest(id.post)
    }

    /// The store knows nothing of the batch any more. True as in [`settled`](Self::settled).
    pub fn gone(&mut self, id: BatchId) -> bool {
        self.forget(id);
        self.rest(id.post)
    }

    fn close_if_done(&mut self, id: BatchId) -> bool {
        let Some(Place::Open(open)) = self.batches.get(&id) else { return false };
        if !open.units.is_empty() || open.outstanding > 0 {
            return false;
        }
        match open.next {
            Some(next) => self.postpone(id, next),
            None => self.gone(id),
        }
    }

    /// It is loaded, and not all of it is settled.
    pub fn is_open(&self, id: BatchId) -> bool {
        matches!(self.batches.get(&id), Some(Place::Open(_)))
    }

    fn forget(&mut self, id: BatchId) {
        self.batches.remove(&id);
        if let Some((_, left)) = self.highest.get_mut(&id.post) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.highest.remove(&id.post);
            }
        }
    }

    fn rest(&mut self, post: PostId) -> bool {
        let Some(count) = self.active.get_mut(&post) else { return true };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.active.remove(&post);
            return true;
        }
        false
    }

    /// How many recipients the post of this batch has, at least: batches are full but for the last.
    pub fn recipients_of_post(&self, batch: &Batch) -> u64 {
        let highest = self.highest.get(&batch.id.post).map_or(0, |(highest, _)| *highest);
        let before = u64::from(batch.id.number) * BATCH as u64;
        if highest > batch.id.number {
            u64::from(highest) * BATCH as u64 + 1
        } else {
            before + batch.recipients.len() as u64
        }
    }

    /// Batches of each list: waiting for their time, and being worked on (or about to be).
    pub fn counts(&self) -> BTreeMap<ListId, (u64, u64)> {
        let mut counts: BTreeMap<ListId, (u64, u64)> = BTreeMap::new();
        for list in self.later.values() {
            counts.entry(list.clone()).or_default().0 += 1;
        }
        for (list, turns) in &self.lists {
            if !turns.ready.is_empty() {
                counts.entry(list.clone()).or_default().1 += turns.ready.len() as u64;
            }
        }
        for place in self.batches.values() {
            if let Place::Open(open) = place {
                counts.entry(open.list.clone()).or_default().1 += 1;
            }
        }
        counts
    }
}

/// One copy for many, or one each.
pub fn is_shared(copies: Copies, size: u64, recipients: u64) -> bool {
    copies == Copies::Shared || size.saturating_mul(recipients) > SHARED_OVER
}

/// Cuts those of a batch who are due into transactions; and when the first of the others is due.
///
/// Personal: one each. Shared: up to `most`, apart by how often they were tried, whether the address needs SMTPUTF8
/// (rule U1), since a transaction is refused or not for all of them, and the edition.
pub fn units(
    batch: &Batch,
    now: Timestamp,
    shared: bool,
    most: usize,
    edition: &dyn Fn(&Recipient) -> Edition,
) -> (Vec<Unit>, Option<Timestamp>) {
    let mut groups: BTreeMap<(u16, bool, Edition), Unit> = BTreeMap::new();
    let mut next = None;
    let pairs = batch.outcomes.iter().zip(&batch.recipients);
    for (index, (outcome, who)) in (0..u16::MAX).zip(pairs) {
        let Some(due) = outcome.due() else { continue };
        if due > now {
            next = Some(next.map_or(due, |n: Timestamp| n.min(due)));
            continue;
        }
        let ascii = who.as_ref().is_none_or(|(_, r)| r.address.is_ascii());
        // An erased recipient gets an outcome and no copy.
        let edition = who.as_ref().filter(|_| shared).map(|(_, r)| edition(r));
        let group = (attempts(outcome), !ascii, edition.unwrap_or_default());
        groups.entry(group).or_default().push(index);
    }
    let mut units: Vec<Unit> = Vec::new();
    for ((attempts, ..), indices) in groups {
        let size = if shared { retry::transaction_size(most, attempts) } else { 1 };
        units.extend(indices.chunks(size).map(<[u16]>::to_vec));
    }
    (units, next)
}

/// How often this recipient was tried.
pub fn attempts(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Deferred { attempts, .. } => *attempts,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
