//! The story of one mail, from its recipients to its replies; the rooms do the work.
//!
//! Not the protocol (`intake`), not the rules (`listcore::policy`), not the way out (`scheduler`).

mod again;
mod answer;
mod bounced;
mod complaints;
mod heard;
mod hidden;
mod hold;
mod judge;
mod once;
mod posts;
mod quoted;
mod remembered;
mod requests;
mod scans;
mod seal;
mod spared;
mod traffic;
mod trial;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use listcore::address::Address;
use listcore::bounce::complaint::Source;
use listcore::digest::Times;
use listcore::list::{List, Role};
use listcore::message::{MAX_HEADER, Mail, Malformed};
use listcore::policy::Refusal;
use listcore::rewrite::Links;
use listcore::time::Timestamp;
use listcore::token::Keys;
use lmtp::reply::Reply;
use tokio::sync::Semaphore;

use crate::clock::{Clock, Zone};
use crate::ids::Ids;
use crate::members::Members;
use crate::store::held::Holds;
use crate::store::{Attribution, DueBatch, HiddenAuthor, Raw, StoreError};
use crate::verdicts::Verdicts;
use crate::verify::{Patience, Verifier};

pub use again::{Again, Because};
use answer::Found;
pub use complaints::Trace;
pub use heard::{Front, Heard, Written};
pub use hidden::Flood;
use judge::{Known, Step};
pub use once::Several;
pub use requests::{Answered, Clerk, Request};
pub use traffic::Traffic;
pub use trial::Trial;

/// Above this size a mail is worked on by a thread of its own: hashing and splitting 25 MB would keep the
/// connections waiting that share a thread (octets).
const LARGE: usize = 256 * 1024;

/// Large mails in work at once; the next one waits for its turn.
pub const LARGE_AT_ONCE: usize = 16;

/// A client hears 451 rather than nothing after this and what the filter may take (rule LM21).
const PATIENCE: Duration = Duration::from_secs(60);

/// What a RCPT TO means. It names the list, never a header does (promise 3).
#[derive(Clone, Debug)]
pub enum Target {
    List(Arc<List>),
    Role(Arc<List>, Role),
    /// A hidden author of the list, behind a relay address.
    Author {
        list: Arc<List>,
        who: Arc<HiddenAuthor>,
    },
    /// Mail to postmaster or abuse of a domain.
    Postmaster {
        domain: String,
    },
    /// A reply to a question of ours, by the number of its ticket; `list` is `None` for the short form.
    Answer {
        /// As it was written.
        address: Address,
        list: Option<Arc<List>>,
        ticket: u64,
    },
    /// A bounce; `list` is `None` for the short form, whose token names the list.
    Bounce {
        domain: String,
        list: Option<Arc<List>>,
        token: String,
    },
}

impl Target {
    /// True where both lead to the same copies: a list by its address and by an alias.
    fn same_as(&self, other: &Target) -> bool {
        match (self, other) {
            (Target::List(a), Target::List(b)) => a.id == b.id,
            (Target::Role(a, one), Target::Role(b, two)) => a.id == b.id && one == two,
            (Target::Author { list: a, who: one }, Target::Author { list: b, who: two }) => {
                a.id == b.id && one.number == two.number
            }
            (Target::Postmaster { domain: a }, Target::Postmaster { domain: b }) => a == b,
            (Target::Answer { ticket: a, .. }, Target::Answer { ticket: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// A mail that came in whole.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// `None` = null sender.
    pub sender: Option<Address>,
    /// The RCPT TO that were accepted, in order, as they came and as they were understood.
    pub targets: Vec<(String, Target)>,
    pub bytes: Bytes,
    pub raw: Raw,
    /// It came with SMTPUTF8.
    pub utf8: bool,
    /// For our `Received`: what the client called itself, where it is, and the protocol it spoke.
    pub helo: String,
    pub peer: String,
    pub protocol: &'static str,
    /// With DNS.
    pub patience: Patience,
}

/// Told of posts that are durable now and wait for delivery.
pub trait Announce: Send + Sync {
    fn announce(&self, batches: Vec<DueBatch>);
}

/// What the pipeline is told once, at the start.
#[derive(Clone, Debug)]
pub struct House {
    pub hostname: String,
    pub keys: Arc<Keys>,
    /// Octets.
    pub max_message_size: u64,
    /// How long delivery is tried.
    pub give_up_after: std::time::Duration,
    /// Providers whose complaints are believed, where they are proved.
    pub complaints_from: Vec<Source>,
}

/// What the pipeline must know of a domain; may change at a reload.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    /// e.g. `de`
    pub language: String,
    pub help_url: Option<String>,
    pub links: Links,
    /// Of all times that we write.
    pub zone: Zone,
    /// A mail that names several of its lists goes to each person once.
    pub once: bool,
    /// When digests of its lists go out.
    pub digests: Times,
}

/// The rooms that a mail passes.
pub struct Pipeline {
    pub house: House,
    /// By lower-case name.
    pub tenants: ArcSwap<HashMap<String, Tenant>>,
    pub members: Arc<Members>,
    pub verifier: Verifier,
    /// `None`: no spam and virus filter is asked.
    pub verdicts: Option<Arc<Verdicts>>,
    pub store: Arc<dyn Attribution>,
    /// What is remembered of authors.
    pub marks: Arc<dyn Holds>,
    pub announce: Arc<dyn Announce>,
    /// Who cares for mail that waits.
    pub desk: Arc<dyn Front>,
    /// Who answers what is asked of a list's program.
    pub clerk: Arc<dyn Clerk>,
    pub ids: Arc<Ids>,
    pub flood: Flood,
    pub traffic: Traffic,
    pub several: Several,
    pub clock: Clock,
    /// [`LARGE_AT_ONCE`] turns.
    pub turns: Arc<Semaphore>,
}

impl Pipeline {
    /// Answers a RCPT TO; microseconds, since Exim's callouts ask it too. The store is asked for relay addresses
    /// alone, and only where the token is ours.
    ///
    /// The envelope sender refuses nobody here: it can't tell who the author is.
    pub async fn recipient(&self, path: &str, size: Option<u64>) -> Result<Target, Reply> {
        let now = (self.clock)();
        let target =
            match answer::recipient(&self.members, &self.house.keys, path, now, |domain| {
                self.tenant(domain).language
            })? {
                Found::Target(target) => target,
                Found::Author { list, number, written } => {
                    // Whether the author is still there must be known for sure.
                    answer::sure(&self.members, &list, now)?;
                    self.hidden_author(list, number, &written, now).await?
                }
            };
        answer::admit(&self.members, target, size, now, |list| self.language(list))
    }

    /// Where a mail goes that is too large for memory while it comes in.
    pub fn spool_path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("in.{}", self.ids.next((self.clock)())))
    }

    /// Of a domain; what is built in for one that is not ours.
    pub fn tenant(&self, domain: &str) -> Tenant {
        let fallback = || Tenant { language: "en".to_owned(), ..Tenant::default() };
        self.tenants.load().get(domain).cloned().unwrap_or_else(fallback)
    }

    /// Of our own words, for whoever has none of his own.
    fn language(&self, list: &List) -> String {
        match list.settings.language.as_str() {
            "" => self.tenant(list.address.domain()).language,
            own => own.to_owned(),
        }
    }

    /// Takes a whole mail, and answers for each target in their order, whatever happens.
    ///
    /// A mail that makes us panic or takes too long is deferred: its sender tries again, and nobody else notices
    /// (promises 5 and 10).
    pub async fn receive(self: &Arc<Self>, incoming: Incoming) -> Vec<Reply> {
        let count = incoming.targets.len();
        let filter = self.verdicts.as_ref().map(|verdicts| verdicts.patience());
        let patience = PATIENCE + filter.unwrap_or_default();
        match tokio::time::timeout(patience, self.told(incoming)).await {
            Ok(Some(replies)) => replies,
            Ok(None) => {
                tracing::error!(
                    "a mail stopped our work on it and was deferred; please report this"
                );
                vec![answer::not_now(); count]
            }
            Err(_) => {
                let seconds = patience.as_secs();
                tracing::error!(
                    "a mail took longer than {seconds} s and was deferred; is the disk or DNS slow?"
                );
                vec![answer::not_now(); count]
            }
        }
    }

    /// The story in a task of its own; `None` where it panicked.
    async fn told(self: &Arc<Self>, incoming: Incoming) -> Option<Vec<Reply>> {
        let large = incoming.bytes.len() > LARGE;
        let pipeline = self.clone();
        let story = async move { pipeline.story(incoming).await };
        if !large {
            return tokio::spawn(story).await.ok();
        }
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            let _turn = turn;
            runtime.block_on(story)
        };
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// Finds the facts, decides for each recipient alone, stores, answers. A 250 is given only for what is
    /// durable (promise 1).
    async fn story(&self, incoming: Incoming) -> Vec<Reply> {
        let now = (self.clock)();
        let mail = match Mail::parse(&incoming.bytes) {
            Ok(mail) => mail,
            Err(malformed) => return self.unreadable(&incoming, malformed, now).await,
        };
        let seen = self.seen(&incoming, &mail).await;
        let scans = self.scans(&incoming, &mail, now).await;
        let mut steps = Vec::with_capacity(incoming.targets.len());
        for (number, (rcpt, target)) in incoming.targets.iter().enumerate() {
            let earlier = incoming.targets.iter().take(number).position(|(_, t)| t.same_as(target));
            steps.push(match earlier {
                Some(first) => Step::SameAs(first),
                None => {
                    let remembered = self.remembered_of(target, &mail, now).await;
                    let scan = scans.of(number);
                    let known = Known { seen: &seen, scan, remembered, counts: true };
                    if let Some(step) = self.complaint(rcpt, target, &incoming, &mail, now).await {
                        steps.push(step);
                        continue;
                    }
                    match target {
                        Target::Answer { address, list, ticket } => {
                            let question = (address, list.as_deref(), *ticket);
                            self.heard(rcpt, question, &incoming, &mail, &known, now).await
                        }
                        Target::Role(list, role) if role.is_program() => {
                            let way = (list.as_ref(), target, *role);
                            self.request(rcpt, way, &incoming, &mail, &known, now).await
                        }
                        _ => self.judge(rcpt, target, &incoming, &mail, &known, now),
                    }
                }
            });
        }
        self.prepare_seals(&incoming, &mail, &seen.authenticity, &mut steps).await;
        // Held until it is stored, so that lists that get it at the same moment see each other.
        let _turn = match self.once_each(&mail, &mut steps).await {
            Ok(turn) => turn,
            Err(error) => return not_stored(&error, &steps),
        };
        match self.store(&incoming, &mail, &steps, now).await {
            Ok(mut done) => {
                let facts = (&seen, &scans);
                self.hold_conflicts(&incoming, &mail, &mut steps, &mut done, facts, now).await;
                self.answers(&mail, &steps, done, now).await
            }
            Err(error) => not_stored(&error, &steps),
        }
    }

    /// A mail whose header is too large to be read: refused, but for a bounce, which counts whatever it looks like.
    async fn unreadable(&self, incoming: &Incoming, why: Malformed, now: Timestamp) -> Vec<Reply> {
        // What fits names the mail for `listctl trace`.
        let start = incoming.bytes.get(..MAX_HEADER).unwrap_or(&incoming.bytes);
        let Ok(mail) = Mail::parse(start) else {
            return vec![answer::broken(&why); incoming.targets.len()];
        };
        let refusal = Refusal::Malformed(why);
        let mut steps = Vec::with_capacity(incoming.targets.len());
        for (rcpt, target) in &incoming.targets {
            steps.push(self.refuse_unread(rcpt, target, incoming, &mail, &refusal, now));
        }
        match self.store(incoming, &mail, &steps, now).await {
            Ok(done) => self.answers(&mail, &steps, done, now).await,
            Err(error) => not_stored(&error, &steps),
        }
    }
}

fn not_stored(error: &StoreError, steps: &[Step]) -> Vec<Reply> {
    tracing::error!(%error, "a mail could not be stored and was deferred");
    vec![answer::store_trouble(error); steps.len()]
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
