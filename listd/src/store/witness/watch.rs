//! Tells the witnesses of one store what came of a commit, by lists and mails instead of row numbers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use listcore::time::Timestamp;

use super::note::{Decision, Entry, Note};
use super::tally::Tally;
use super::{About, Fact, Kind, Refusal, Witness};
use crate::store::last_mile::Underway;
use crate::store::{BatchId, Done, Move, PostId, Report, StoreError};

/// The witnesses of one store, and what it takes to tell them of lists instead of row numbers.
pub(in crate::store) struct Watch {
    witnesses: Vec<Arc<dyn Witness>>,
    /// Posts with unfinished recipients that were seen since the start.
    tallies: Mutex<HashMap<PostId, Tally>>,
}

impl Watch {
    pub(in crate::store) fn new(witnesses: Vec<Arc<dyn Witness>>) -> Watch {
        Watch { witnesses, tallies: Mutex::default() }
    }

    pub(in crate::store) fn notes(&self, moves: &[Move]) -> Vec<Note> {
        moves.iter().map(Note::of).collect()
    }

    /// Tells what came of a commit. `report` is asked once for a post that was accepted before the daemon's start.
    pub(in crate::store) async fn tell(
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
