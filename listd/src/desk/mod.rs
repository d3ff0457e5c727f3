//! The desk: cares for mail that waits. It asks the questions, hears the answers, decides once, and watches the times.
//!
//! The pipeline only stores a held mail; a loop here finds what is due and commits each step together with its
//! letters, so that a crash repeats nothing and loses nothing. Whether a mail waits is `listcore::policy`'s, the words
//! are `listcore::notice`'s, pages are `web`'s.

mod asked;
mod bell;
mod decide;
mod ended;
mod excerpt;
mod front;
mod learns;
mod letter;
mod questions;
mod storm;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use listcore::hold::{By, End, Ended, Reason, Waiting};
use listcore::rate::Rate;
use listcore::time::Timestamp;
use listcore::token::Keys;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use self::excerpt::Excerpt;
use crate::clock::Clock;
use crate::ids::Ids;
use crate::letters::Letters;
use crate::members::Members;
use crate::pipeline::{Announce, Pipeline};
use crate::store::held::{Held, Holds};
use crate::store::{Body, Done, MailId, Move, PostId, Queue, StoreError, TraceEvent};

pub use bell::Bell;
pub use decide::Decided;
pub use learns::{Learns, Lessons};

/// What the desk needs of the store.
pub trait Drawer: Holds + Queue {}

impl<S: Holds + Queue> Drawer for S {}

/// What the room is handed.
pub struct Parts {
    pub members: Arc<Members>,
    pub pipeline: Arc<Pipeline>,
    pub store: Arc<dyn Drawer>,
    pub letters: Letters,
    pub announce: Arc<dyn Announce>,
    pub learns: Arc<dyn Learns>,
    pub keys: Arc<Keys>,
    pub ids: Arc<Ids>,
    /// Where the pages are, without a slash at its end; `None` where there are none: then answers come by mail.
    pub pages: Option<String>,
    pub clock: Clock,
}

/// The room.
pub struct Desk {
    parts: Parts,
    /// Something new is due.
    again: Notify,
    /// Replies that were not understood, by ticket: how often that is told.
    unclear: Mutex<Rate>,
    /// Turns for excerpts of large mails.
    turns: Semaphore,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

/// The step of a held mail of which nothing is left to tell.
const CLOSED: u8 = u8::MAX;

/// A question is answered by "not clear" so often in a day, and so many questions are remembered.
const UNCLEAR: (u32, usize) = (3, 10_000);

/// The loop looks at least so often: what time it is may have been set anew.
const LOOK: Duration = Duration::from_secs(600);

/// After trouble.
const AFTER_TROUBLE: Duration = Duration::from_secs(30);

/// Above this size an excerpt is made by a thread of its own (octets).
const LARGE: u64 = 256 * 1024;

/// Large mails that are read at once to be shown; a page or a letter about the next one waits for its turn.
const LARGE_AT_ONCE: usize = 2;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An author who confirmed is not asked again about mail from the same network for so long.
const CONFIRMED: Duration = Duration::from_secs(180 * 24 * 3600);

impl Desk {
    pub fn new(parts: Parts) -> Arc<Desk> {
        let unclear = Mutex::new(Rate::new(UNCLEAR.0, DAY, UNCLEAR.1));
        let turns = Semaphore::new(LARGE_AT_ONCE);
        Arc::new(Desk { parts, again: Notify::new(), unclear, turns })
    }

    /// Until `stop`. Nothing is due but what a look at the store says; between two looks nothing is asked.
    pub async fn run(self: Arc<Desk>, stop: CancellationToken) {
        loop {
            let pause = match self.round().await {
                Ok(next) => self.until(next),
                Err(error) => {
                    tracing::error!(%error, "the desk can't read or store what waits; tried again");
                    AFTER_TROUBLE
                }
            };
            tokio::select! {
                () = self.again.notified() => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn until(&self, next: Option<Timestamp>) -> Duration {
        next.map_or(LOOK, |next| next.since(self.now()).min(LOOK))
    }

    /// Acts on everything that is due now; when the next is.
    ///
    /// # Errors
    /// The store fails. One mail that can't be cared for does not keep the others waiting.
    pub async fn round(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut troubled: Vec<PostId> = Vec::new();
        loop {
            let (due, next) = self.parts.store.held_due(self.now()).await?;
            let fresh: Vec<&Held> = due.iter().filter(|h| !troubled.contains(&h.id)).collect();
            if fresh.is_empty() {
                let later = (!troubled.is_empty()).then(|| self.now() + AFTER_TROUBLE);
                return Ok(next.into_iter().chain(later).min());
            }
            for held in fresh {
                if let Err(error) = self.act(held).await {
                    tracing::error!(%error, held = held.id.0, "a mail that waits could not be cared for; tried again");
                    troubled.push(held.id);
                }
            }
        }
    }

    /// The next step of one mail.
    async fn act(&self, held: &Held) -> Result<(), StoreError> {
        let now = self.now();
        if let Some(ended) = &held.ended {
            return self.tell_end(held, ended, now).await;
        }
        if held.expires <= now {
            return self.expire(held, now).await;
        }
        match held.waits_for {
            Waiting::Author => self.ask_author(held, now).await,
            Waiting::Moderator if held.reason == Reason::Storm => {
                self.tell_of_storm(held, now).await
            }
            Waiting::Moderator => self.ask_moderators(held, now).await,
        }
    }

    /// Nobody said anything in time.
    async fn expire(&self, held: &Held, now: Timestamp) -> Result<(), StoreError> {
        let ended = Ended { end: End::Expired, by: By::Clock, at: now };
        let end = Move::End { id: held.id, ended: ended.clone(), post: None, marks: Vec::new() };
        let done = self.parts.store.commit(vec![end]).await?;
        match done.first() {
            Some(Done::Rejected(why)) => return Err(StoreError::Failed(why.clone())),
            Some(Done::Ok) => self.trace(held, &ended).await,
            _ => {}
        }
        Ok(())
    }

    /// Keeps for `listctl trace` how it ended.
    async fn trace(&self, held: &Held, ended: &Ended) {
        let by = match &ended.by {
            By::Moderator(who) => format!("by {who}"),
            By::Admin(who) => format!("by {who} with listctl"),
            By::Author => "by its author".to_owned(),
            By::Clock => "nobody decided in time".to_owned(),
        };
        let why = match &ended.end {
            End::Rejected(why) | End::Refused(why) if !why.is_empty() => {
                format!("{by}: {}", why.replace('\n', " "))
            }
            _ => by,
        };
        let event = TraceEvent {
            at: ended.at,
            message_id: held.message_id.clone(),
            list: Some(held.list.clone()),
            recipient: held.address.to_string(),
            author: held.author.as_ref().map(ToString::to_string),
            what: ended.end.as_str().to_owned(),
            why,
        };
        if let Err(error) = self.parts.store.commit(vec![Move::Trace(event)]).await {
            tracing::warn!(%error, held = held.id.0, "the end of a mail that waited is missing in the trace");
        }
    }

    /// The bytes of a held mail.
    async fn raw(&self, mail: MailId) -> Result<Option<Bytes>, StoreError> {
        match self.parts.store.body(mail).await? {
            None => Ok(None),
            Some(Body::Memory(raw)) => Ok(Some(raw)),
            Some(Body::File { path, .. }) => match tokio::fs::read(&path).await {
                Ok(raw) => Ok(Some(raw.into())),
                Err(error) => Err(StoreError::Failed(format!("{}: {error}", path.display()))),
            },
        }
    }

    /// What is shown of a held mail; nothing of one whose bytes are gone. However large it is, and however many ask, a few
    /// are in memory and none keeps a thread from others.
    async fn excerpt(&self, held: &Held) -> Result<Excerpt, StoreError> {
        if held.size <= LARGE {
            return Ok(Excerpt::of(&self.raw(held.mail).await?.unwrap_or_default()));
        }
        let _turn = self.turns.acquire().await;
        let raw = self.raw(held.mail).await?.unwrap_or_default();
        let made = tokio::task::spawn_blocking(move || Excerpt::of(&raw)).await;
        made.map_err(|error| StoreError::Failed(format!("a mail could not be shown: {error}")))
    }

    fn now(&self) -> Timestamp {
        (self.parts.clock)()
    }
}

#[cfg(test)]
mod tests;
