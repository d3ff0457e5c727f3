//! Sends digests: one mail per person and period over all her lists of a domain, at the domain's own time of day.
//!
//! What waits stands in the store (`store::digest`), when it is due and in which order is `listcore::digest`'s, the
//! words are `listcore::notice`'s. A digest and the end of its entries stand in one commit, with those of others: nothing is sent twice, and what was
//! due while the daemon was down is sent when it is up. Readers of the same mails share one body (promise 12).

mod copies;
mod issue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use listcore::digest::{Most, Period, Schedule};
use listcore::list::ListId;
use listcore::notice;
use listcore::outcome::{Outcome, Reply};
use listcore::recipients::Recipient;
use listcore::rewrite::Links;
use listcore::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Zone};
use crate::compose::Composer;
use crate::letters::{self, Letters};
use crate::scheduler::StillGets;
use crate::store::digest::Digests;
use crate::store::{DueBatch, Move, NewMail, NewPost, PostId, StoreError};
use copies::{Copies, Copy, Lost};
use issue::{Due, Issue};

/// Longest sleep: a clock that is set, and a new time after a reload, are noticed within it.
const NAP: Duration = Duration::from_secs(60);

/// So long after its time a digest is looked for again: an outcome may be on its way into the store at that moment.
const STRAGGLERS: Duration = Duration::from_secs(180);

/// How often somebody wants a digest.
pub trait Wants: Send + Sync {
    /// `None` = she wants each mail by itself: what still waits for her comes with the next daily one.
    fn period(&self, list: &ListId, who: &Recipient) -> Option<Period>;
}

/// What the room must know of a domain; may change at a reload.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub schedule: Schedule,
    pub zone: Zone,
    pub language: String,
    pub help: Option<String>,
    pub links: Links,
}

/// What the room is handed.
pub struct Press {
    pub store: Arc<dyn Digests>,
    pub composer: Arc<Composer>,
    pub letters: Letters,
    pub wants: Arc<dyn Wants>,
    /// Who may get a mail at this moment.
    pub members: Arc<dyn StillGets>,
    /// By domain.
    pub tenants: Box<dyn Fn() -> BTreeMap<String, Tenant> + Send + Sync>,
    /// Told of batches that are durable now.
    pub announce: Box<dyn Fn(Vec<DueBatch>) + Send + Sync>,
    /// Of one digest.
    pub most: Most,
    pub clock: Clock,
}

impl Press {
    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        // What was due while nobody was there comes first.
        let mut looked = Timestamp(0);
        loop {
            let now = (self.clock)();
            looked = looked.min(now);
            if self.next(looked) <= now {
                match self.send(now).await {
                    Ok(true) => looked = Timestamp(now.0.saturating_sub(millis(STRAGGLERS))),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::error!(%error, "digests wait: the store can't be read; tried again");
                    }
                }
            }
            let nap = self.next(now).since(now).clamp(Duration::from_secs(1), NAP);
            tokio::select! {
                () = tokio::time::sleep(nap) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// When the first of any domain is due after this.
    fn next(&self, after: Timestamp) -> Timestamp {
        let tenants = (self.tenants)();
        let times = tenants.values().map(|tenant| tenant.schedule.next(after, Period::Daily));
        times.min().unwrap_or(Timestamp(i64::MAX))
    }

    /// Sends all that is due; false where something of it waits still.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn send(&self, now: Timestamp) -> Result<bool, StoreError> {
        let tenants = (self.tenants)();
        let Due { issues, gone, unsure } = issue::due(self, &tenants, now).await?;
        let mut all = !unsure;
        if !gone.is_empty() {
            self.store.commit(gone).await?;
        }
        let (mut copies, mut printed) = (Copies::default(), Printed::default());
        for issue in issues {
            let Some(tenant) = tenants.get(&issue.domain) else { continue };
            match self.print(&issue, tenant, &mut copies, now).await {
                Ok(one) => printed.add(one),
                Err(error) => all &= waits(&error),
            }
            if printed.is_full() {
                all &= self.bring(std::mem::take(&mut printed)).await;
            }
        }
        Ok(self.bring(printed).await && all)
    }

    /// Commits digests; false where they wait.
    async fn bring(&self, printed: Printed) -> bool {
        if printed.moves.is_empty() {
            return true;
        }
        match self.store.commit(printed.moves).await {
            Ok(_) => {
                (self.announce)(printed.due);
                true
            }
            Err(error) => waits(&error),
        }
    }

    /// One mail for all who read the same, and the end of what waited for it.
    async fn print(
        &self,
        issue: &Issue,
        tenant: &Tenant,
        made: &mut Copies,
        now: Timestamp,
    ) -> Result<Printed, StoreError> {
        let (mut copies, mut moves) = (Vec::new(), Vec::new());
        for (post, edition) in &issue.posts {
            match made.get(self, post, edition, now).await? {
                Ok(copy) => copies.push(copy),
                Err(Lost::Never(reply)) => {
                    tracing::warn!(
                        post = post.id.0,
                        code = reply.code,
                        text = reply.text,
                        "a mail can't stand in a digest"
                    );
                    moves.extend(
                        issue.entries(Some(post.id)).map(|entry| failed(entry, &reply, now)),
                    );
                }
                Err(Lost::Later(why)) => return Err(StoreError::Failed(why)),
            }
        }
        let (mut due, mut octets) = (Vec::new(), 0);
        if let Some((mail, post)) = self.written(issue, tenant, &copies, now) {
            let stands = |id: PostId| copies.iter().any(|copy| copy.post.id == id);
            let entries = issue.entries(None).filter(|entry| stands(entry.batch.post));
            let entries = entries.map(|entry| (entry.batch.post, entry.number)).collect();
            due.extend(post.due(now));
            octets = mail.raw.size();
            moves.push(Move::Digested { letter: post.id, entries });
            moves.push(Move::accept(mail, vec![post]));
        }
        Ok(Printed { moves, due, octets })
    }

    /// `None` where there is nothing to send.
    fn written(
        &self,
        issue: &Issue,
        tenant: &Tenant,
        copies: &[Arc<Copy>],
        now: Timestamp,
    ) -> Option<(NewMail, NewPost)> {
        let words = copies::words(issue, tenant, copies);
        let digest = letters::Digest {
            to: issue.readers.iter().map(|reader| reader.who.clone()).collect(),
            returns: &copies.first()?.post.frozen,
            lists: copies::lists(copies),
            name: notice::word(&words.language, "letter-digest-from"),
            words,
            originals: copies.iter().map(|copy| copy.original.clone()).collect(),
            pages: tenant.links.pages.clone(),
        };
        Some(self.letters.digest(&digest, now))
    }
}

/// Digests that become durable together: as many as one sync of the disk is worth, and as few as memory has room for.
#[derive(Default)]
struct Printed {
    moves: Vec<Move>,
    due: Vec<DueBatch>,
    octets: u64,
}

impl Printed {
    const OCTETS: u64 = 8 << 20;
    const MOVES: usize = 200;

    fn add(&mut self, one: Printed) {
        self.moves.extend(one.moves);
        self.due.extend(one.due);
        self.octets += one.octets;
    }

    fn is_full(&self) -> bool {
        self.octets >= Printed::OCTETS || self.moves.len() >= Printed::MOVES
    }
}

/// False: something waits, and is tried again.
fn waits(error: &StoreError) -> bool {
    tracing::error!(%error, "digests wait; tried again");
    false
}

fn failed(entry: &crate::store::digest::Entry, reply: &Reply, at: Timestamp) -> Move {
    let outcome = Outcome::Failed { at, reply: reply.clone() };
    Move::Settle { batch: entry.batch, outcomes: vec![(entry.index, outcome)] }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod cost;
#[cfg(test)]
mod tests;
