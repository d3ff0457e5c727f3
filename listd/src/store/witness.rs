//! Who looks on while things become durable: what a commit was about, told to the metrics and to the mail log.
//!
//! A witness changes nothing and is asked nothing. It hears only of what is durable, and of mail that could not
//! become so; since every change passes the store, nothing can be forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use listcore::address::Address;
use listcore::hold::Reason;
use listcore::outcome::{Outcome, Reply};
use listcore::time::Timestamp;

use super::held::NewHeld;
use super::last_mile::{Said, Underway};
use super::{
    Account, BATCH, BatchId, BounceEvent, Done, Move, NewMail, NewPost, PostId, Raw, Report,
    StoreError, TraceEvent,
};

/// Something that happened to mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A mail is distributed to a list.
    Accepted {
        post: PostId,
        about: About,
        /// Return address; `None` = null sender.
        sender: Option<Address>,
        recipients: usize,
        /// Octets.
        size: u64,
    },
    /// A mail waits for somebody's word.
    Held {
        held: PostId,
        about: About,
        sender: Option<Address>,
        reason: Reason,
        /// Octets.
        size: u64,
    },
    /// A held mail waits no longer: the one decision about it.
    Decided {
        held: PostId,
        /// `None` where the store could not say.
        about: Option<About>,
        end: &'static str,
        by: &'static str,
        waited: Duration,
        /// It goes out, to so many.
        recipients: Option<usize>,
    },
    /// The same mail came again (rule L4): nothing new is sent.
    Repeated {
        earlier: PostId,
        about: About,
    },
    /// Another mail under a Message-ID that was used before (rule L4): refused.
    Conflict {
        earlier: PostId,
        about: About,
    },
    /// Trouble of ours: the sender was asked to come again.
    NotStored {
        about: About,
        full: bool,
    },
    /// A mail that was not distributed, and why.
    Told(TraceEvent),
    /// Outcomes of an attempt. `about` is `None` where the post is gone.
    Settled {
        post: PostId,
        about: Option<About>,
        outcomes: Vec<Kind>,
        /// Those that the relay took, by the names that it gave them.
        copies: Vec<Underway>,
    },
    /// All recipients of a post have a final outcome.
    Finished {
        post: PostId,
        about: About,
        took: Duration,
        counts: Counted,
    },
    Bounce(BounceEvent),
    /// What the recipients' own servers answered.
    Heard(Vec<Said>),
    /// Copies that are refused for good: by the relay, or by the recipients' own servers.
    Refused(Vec<Refusal>),
}

/// A copy that is refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub batch: BatchId,
    pub index: u16,
    pub at: Timestamp,
    pub reply: Reply,
}

/// Which list, and which mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub list: Address,
    /// Without brackets, as its author made it.
    pub message_id: String,
}

/// An outcome without its circumstances.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Waiting,
    Deferred,
    Delivered,
    Failed,
    Dropped,
}

impl Kind {
    fn is_final(self) -> bool {
        !matches!(self, Kind::Waiting | Kind::Deferred)
    }
}

impl From<&Outcome> for Kind {
    fn from(outcome: &Outcome) -> Kind {
        match outcome {
            Outcome::Waiting => Kind::Waiting,
            Outcome::Deferred { .. } => Kind::Deferred,
            Outcome::Delivered { .. } => Kind::Delivered,
            Outcome::Failed { .. } => Kind::Failed,
            Outcome::Dropped { .. } => Kind::Dropped,
        }
    }
}

/// When it came about; `None` where nothing did yet.
fn at(outcome: &Outcome) -> Option<Timestamp> {
    match outcome {
        Outcome::Waiting => None,
        Outcome::Deferred { at, .. }
        | Outcome::Delivered { at, .. }
        | Outcome::Failed { at, .. }
        | Outcome::Dropped { at, .. } => Some(*at),
    }
}

fn copy(batch: BatchId, (index, outcome): &(u16, Outcome)) -> Option<Underway> {
    match outcome {
        Outcome::Delivered { queue_id: Some(queue_id), .. } => {
            Some(Underway { batch, index: *index, queue_id: queue_id.clone() })
        }
        _ => None,
    }
}

fn refusal(batch: BatchId, index: u16, outcome: &Outcome) -> Option<Refusal> {
    match outcome {
        Outcome::Failed { at, reply } => {
            Some(Refusal { batch, index, at: *at, reply: reply.clone() })
        }
        _ => None,
    }
}

/// What the relay itself refused: without a code it is trouble of ours.
fn refused(batch: BatchId, outcomes: &[(u16, Outcome)]) -> Vec<Refusal> {
    let all = outcomes.iter().filter_map(|(index, outcome)| refusal(batch, *index, outcome));
    all.filter(|refusal| refusal.reply.code != 0).collect()
}

/// Recipients by their final outcome.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub delivered: usize,
    pub failed: usize,
    pub dropped: usize,
}

/// Looks on. Called on the way of every mail: it must be quick, and it can't fail.
pub trait Witness: Send + Sync + 'static {
    fn saw(&self, fact: &Fact);

    /// One call of `commit`, from its begin to its answer.
    fn committed(&self, took: Duration, result: Result<(), &StoreError>);
}

/// The witnesses of one store, and what it takes to tell them of lists instead of row numbers.
pub(super) struct Watch {
    witnesses: Vec<Arc<dyn Witness>>,
    /// Posts with unfinished recipients that were seen since the start.
    tallies: Mutex<HashMap<PostId, Tally>>,
}

/// What a move is about, kept over the commit that consumes it.
pub(super) enum Note {
    Accept(Entry),
    /// The letters of a step.
    Told(Vec<Entry>),
    End(Decision),
    Settle {
        batch: BatchId,
        outcomes: Vec<(u16, Kind)>,
        copies: Vec<Underway>,
        refused: Vec<Refusal>,
        last: Timestamp,
    },
    Trace(TraceEvent),
    Bounce(BounceEvent),
    Heard(Vec<Said>, Vec<Refusal>),
    /// Nothing that a witness wants to hear of.
    Other,
}

/// A mail on its way into the store.
pub(super) struct Entry {
    posts: Vec<(PostId, About, usize)>,
    held: Vec<(PostId, About, Reason)>,
    sender: Option<Address>,
    size: u64,
    at: Timestamp,
}

impl Entry {
    fn of(mail: &NewMail, posts: &[NewPost], held: &[NewHeld]) -> Entry {
        let about = |list: &Address| {
            let (list, message_id) = (list.clone(), mail.message_id.clone());
            About { list, message_id }
        };
        let post = |post: &NewPost| (post.id, about(&post.frozen.address), post.recipients.len());
        Entry {
            posts: posts.iter().map(post).collect(),
            held: held.iter().map(|held| (held.id, about(&held.address), held.reason)).collect(),
            sender: mail.sender.clone(),
            size: match &mail.raw {
                Raw::Memory(bytes) => bytes.len() as u64,
                Raw::Spilled { size, .. } => *size,
            },
            at: mail.received,
        }
    }
}

/// The end of a held mail.
pub(super) struct Decision {
    held: PostId,
    end: &'static str,
    by: &'static str,
    at: Timestamp,
    /// Of the post that it becomes.
    recipients: Option<usize>,
}

impl Note {
    fn of(change: &Move) -> Note {
        match change {
            Move::Accept { mail, posts, held } => Note::Accept(Entry::of(mail, posts, held)),
            Move::Told(told) => {
                let letters = told.letters.iter();
                Note::Told(
                    letters.map(|(m, p)| Entry::of(m, std::slice::from_ref(p), &[])).collect(),
                )
            }
            Move::End { id, ended, post, .. } => Note::End(Decision {
                held: *id,
                end: ended.end.as_str(),
                by: ended.by.as_str(),
                at: ended.at,
                recipients: post.as_ref().map(|post| post.recipients.len()),
            }),
            Move::Settle { batch, outcomes } => Note::Settle {
                batch: *batch,
                outcomes: outcomes.iter().map(|(i, outcome)| (*i, outcome.into())).collect(),
                copies: outcomes.iter().filter_map(|one| copy(*batch, one)).collect(),
                refused: refused(*batch, outcomes),
                last: outcomes
                    .iter()
                    .filter_map(|(_, outcome)| at(outcome))
                    .max()
                    .unwrap_or_default(),
            },
            Move::Trace(event) => Note::Trace(event.clone()),
            Move::Bounce(event) => Note::Bounce(event.clone()),
            Move::LastMile(told) => {
                let heard = told.heard.iter();
                let refused = heard.filter_map(|(batch, index, o)| refusal(*batch, *index, o));
                Note::Heard(told.said.clone(), refused.collect())
            }
            _ => Note::Other,
        }
    }
}

impl Watch {
    pub(super) fn new(witnesses: Vec<Arc<dyn Witness>>) -> Watch {
        Watch { witnesses, tallies: Mutex::default() }
    }

    pub(super) fn notes(&self, moves: &[Move]) -> Vec<Note> {
        moves.iter().map(Note::of).collect()
    }

    /// Tells what came of a commit. `report` is asked once for a post that was accepted before the daemon's start.
    pub(super) async fn tell(
        &self,
        notes: Vec<Note>,
        result: &Result<Vec<Done>, StoreError>,
        took: Duration,
        report: &dyn Report,
    ) {
        let outcome = result.as_ref().map(|_| ());
        self.witnesses.iter().for_each(|witness| witness.committed(took, outcome));
        match result {
            Ok(done) => self.stored(notes, done, report).await,
            Err(error) => self.failed(notes, error),
        }
    }

    fn saw(&self, fact: &Fact) {
        self.witnesses.iter().for_each(|witness| witness.saw(fact));
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<PostId, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only mail that the sender keeps is news; outcomes are committed again, and then seen.
    fn failed(&self, notes: Vec<Note>, error: &StoreError) {
        let full = matches!(error, StoreError::Full(_));
        for note in notes {
            let Note::Accept(Entry { posts, held, .. }) = note else { continue };
            let all = posts.into_iter().map(|post| post.1).chain(held.into_iter().map(|h| h.1));
            all.for_each(|about| self.saw(&Fact::NotStored { about, full }));
        }
    }

    async fn stored(&self, notes: Vec<Note>, done: &[Done], report: &dyn Report) {
        let mut done = done.iter();
        for note in notes {
            match note {
                Note::Accept(entry) => {
                    self.entered(entry, &mut done);
                    continue;
                }
                Note::Told(letters) => {
                    if done.next() == Some(&Done::Ok) {
                        let each = &mut std::iter::repeat(&Done::Ok);
                        letters.into_iter().for_each(|letter| self.entered(letter, each));
                    }
                    continue;
                }
                Note::End(decision) => {
                    if done.next() == Some(&Done::Ok) {
                        self.decided(decision, report).await;
                    }
                    continue;
                }
                Note::Settle { batch, outcomes, copies, refused, last } => {
                    if done.next() == Some(&Done::Ok) {
                        self.settled(batch, (&outcomes, copies), last, report).await;
                        self.refused(refused);
                    }
                    continue;
                }
                Note::Trace(event) => self.saw(&Fact::Told(event)),
                Note::Bounce(event) => self.saw(&Fact::Bounce(event)),
                Note::Heard(said, refused) => {
                    self.saw(&Fact::Heard(said));
                    self.refused(refused);
                }
                Note::Other => {}
            }
            done.next();
        }
    }

    fn refused(&self, refused: Vec<Refusal>) {
        if !refused.is_empty() {
            self.saw(&Fact::Refused(refused));
        }
    }

    /// Takes as many answers as the mail has posts and held ones.
    fn entered(&self, entry: Entry, done: &mut dyn Iterator<Item = &Done>) {
        let Entry { posts, held, sender, size, at } = entry;
        for (post, about, recipients) in posts {
            let sender = sender.clone();
            if let Some(about) = self.news(done.next(), about) {
                self.tallies().insert(post, Tally::new(about.clone(), at, recipients));
                self.saw(&Fact::Accepted { post, about, sender, recipients, size });
            }
        }
        for (held, about, reason) in held {
            let sender = sender.clone();
            if let Some(about) = self.news(done.next(), about) {
                self.saw(&Fact::Held { held, about, sender, reason, size });
            }
        }
    }

    /// What goes out counts from its release: how long it waited for a word says nothing about delivery.
    async fn decided(&self, decision: Decision, report: &dyn Report) {
        let Decision { held, end, by, at, recipients } = decision;
        // One that can't be read now is decided without its list; it is no reason to fail.
        let row = report.held(held).await.ok().flatten();
        let waited = row.as_ref().map(|row| at.since(row.at)).unwrap_or_default();
        let about = row.map(|row| {
            let (list, message_id) = (row.address.clone(), row.message_id.clone());
            About { list, message_id }
        });
        if let (Some(about), Some(recipients)) = (&about, recipients) {
            self.tallies().insert(held, Tally::new(about.clone(), at, recipients));
        }
        self.saw(&Fact::Decided { held, about, end, by, waited, recipients });
    }

    /// Tells what was not stored; gives back what it was about where it was.
    fn news(&self, done: Option<&Done>, about: About) -> Option<About> {
        match done {
            Some(Done::Ok) => return Some(about),
            Some(Done::Duplicate(earlier)) => {
                self.saw(&Fact::Repeated { earlier: *earlier, about });
            }
            Some(Done::Conflict(earlier)) => {
                self.saw(&Fact::Conflict { earlier: *earlier, about });
            }
            Some(Done::Rejected(_) | Done::Ended(_) | Done::Stale) | None => {
                self.saw(&Fact::NotStored { about, full: false });
            }
        }
        None
    }

    async fn settled(
        &self,
        batch: BatchId,
        (outcomes, copies): (&[(u16, Kind)], Vec<Underway>),
        last: Timestamp,
        report: &dyn Report,
    ) {
        let post = batch.post;
        let known = self.tallies().get_mut(&post).map(|tally| {
            tally.note(batch.number, outcomes, last);
            tally.clone_if_over()
        });
        let (about, over) = match known {
            Some(Ok(about)) => (Some(about), None),
            Some(Err(over)) => (Some(over.about.clone()), Some(over)),
            None => self.recall(post, report).await,
        };
        let kinds = outcomes.iter().map(|(_, kind)| *kind).collect();
        self.saw(&Fact::Settled { post, about, outcomes: kinds, copies });
        if let Some(over) = over {
            self.tallies().remove(&post);
            let (counts, took) = (over.counts(), over.last.since(over.accepted));
            self.saw(&Fact::Finished { post, about: over.about, took, counts });
        }
    }

    /// A post of an earlier life: the store knows it with the outcomes that were just committed.
    async fn recall(&self, post: PostId, report: &dyn Report) -> (Option<About>, Option<Tally>) {
        // A post that can't be read now counts without its list; it is no reason to fail.
        let Ok(Some(account)) = report.account(post).await else { return (None, None) };
        let tally = Tally::of(&account);
        let about = tally.about.clone();
        if tally.open == 0 {
            return (Some(about), Some(tally));
        }
        self.tallies().insert(post, tally);
        (Some(about), None)
    }
}

/// How far a post is.
#[derive(Clone, Debug)]
struct Tally {
    about: About,
    accepted: Timestamp,
    /// The latest outcome.
    last: Timestamp,
    /// One for each recipient, in the order of the post.
    kinds: Vec<Kind>,
    /// Recipients without a final outcome.
    open: usize,
}

impl Tally {
    fn new(about: About, accepted: Timestamp, recipients: usize) -> Tally {
        let kinds = vec![Kind::Waiting; recipients];
        Tally { about, accepted, last: accepted, kinds, open: recipients }
    }

    fn of(account: &Account) -> Tally {
        let (list, message_id) =
            (account.post.frozen.address.clone(), account.post.message_id.clone());
        let total = account.batches.iter().map(|batch| batch.outcomes.len()).sum();
        let mut tally = Tally::new(About { list, message_id }, account.post.accepted, total);
        for batch in &account.batches {
            let kinds: Vec<(u16, Kind)> =
                (0..).zip(batch.outcomes.iter().map(Kind::from)).collect();
            let last = batch.outcomes.iter().filter_map(at).max().unwrap_or_default();
            tally.note(batch.id.number, &kinds, last);
        }
        tally
    }

    /// What is final is replaced by what is final only, as in the store.
    fn note(&mut self, batch: u32, outcomes: &[(u16, Kind)], last: Timestamp) {
        self.last = self.last.max(last);
        let first = usize::try_from(batch).unwrap_or(usize::MAX).saturating_mul(BATCH);
        for (index, kind) in outcomes {
            let Some(slot) = self.kinds.get_mut(first.saturating_add(usize::from(*index))) else {
                continue;
            };
            match (slot.is_final(), kind.is_final()) {
                (true, false) => continue,
                (false, true) => self.open = self.open.saturating_sub(1),
                _ => {}
            }
            *slot = *kind;
        }
    }

    /// What it is about while it goes on, all of it when it is over.
    fn clone_if_over(&self) -> Result<About, Tally> {
        if self.open > 0 { Ok(self.about.clone()) } else { Err(self.clone()) }
    }

    fn counts(&self) -> Counted {
        let count = |wanted: Kind| self.kinds.iter().filter(|kind| **kind == wanted).count();
        Counted {
            delivered: count(Kind::Delivered),
            failed: count(Kind::Failed),
            dropped: count(Kind::Dropped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(recipients: usize) -> Tally {
        let list = Address::parse("klasse-5b@schule.example").expect("an address");
        let about = About { list, message_id: "1@post.example".into() };
        Tally::new(about, Timestamp(0), recipients)
    }

    /// Final outcomes count once, whatever comes after them; the last one ends the post.
    #[test]
    fn a_post_is_over_when_everybody_has_a_final_outcome() {
        let mut tally = tally(BATCH + 2);
        let all: Vec<(u16, Kind)> =
            (0..u16::try_from(BATCH).expect("100")).map(|i| (i, Kind::Delivered)).collect();
        tally.note(0, &all, Timestamp(0));
        assert_eq!(tally.open, 2);
        tally.note(1, &[(0, Kind::Deferred), (1, Kind::Dropped)], Timestamp(0));
        tally.note(0, &[(7, Kind::Deferred), (8, Kind::Failed)], Timestamp(0));
        assert!(tally.clone_if_over().is_ok());
        tally.note(1, &[(0, Kind::Failed)], Timestamp(0));
        let over = tally.clone_if_over().expect_err("it is over");
        let counts = Counted { delivered: BATCH - 1, failed: 2, dropped: 1 };
        assert_eq!(over.counts(), counts);
    }

    /// Numbers that the post does not have change nothing.
    #[test]
    fn what_does_not_fit_is_left_alone() {
        let mut tally = tally(1);
        tally.note(u32::MAX, &[(u16::MAX, Kind::Failed)], Timestamp(0));
        tally.note(0, &[(1, Kind::Failed)], Timestamp(0));
        assert_eq!((tally.open, tally.counts()), (1, Counted::default()));
    }
}
