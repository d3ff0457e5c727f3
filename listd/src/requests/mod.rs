//! The clerk: does what people ask of a list's program by mail (`-request`, `-subscribe`, `-unsubscribe`).
//!
//! Whether somebody proved who she is the pipeline has looked at, what her mail says `listcore::command`. Here: what
//! follows. A verified author's command about her own mail is done at once, and told by a letter with the way back; one
//! that nobody vouches for is asked about, if the address is on the list, and its sender never learns whether it is
//! (rule GD2). Every answer is limited, and remembered in the store together with its letter: nobody can make us write
//! to thousands.

mod change;
mod help;
mod page;
mod status;
mod wish;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use listcore::command::{Change, Command};
use listcore::rate::Rate;
use listcore::token::Keys;

use crate::choices::Choices;
use crate::clock::Clock;
use crate::letters::Letters;
use crate::members::Members;
use crate::pipeline::{Announce, Answered, Clerk, Heard, Request, Trace, Written};
use crate::store::held::Holds;
use crate::store::{Done, Move, NewMail, NewPost, StoreError};

pub use page::Pages;

/// Answers to strangers that a list gives in a day, and wishes of theirs that it hears.
pub const STRANGERS: u32 = 10;

/// Lists that are remembered with what they answered to strangers; about 100 octets each.
const REMEMBERED: usize = 10_000;

/// A wish is on its way to the store no longer than this.
const UNDERWAY: Duration = Duration::from_secs(30);

/// A question about a command is open so long (rule AC7: at least seven days).
const OPEN: Duration = Duration::from_secs(7 * 24 * 3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the room is handed.
pub struct Parts {
    pub members: Arc<Members>,
    pub store: Arc<dyn Holds>,
    pub letters: Letters,
    pub announce: Arc<dyn Announce>,
    pub keys: Arc<Keys>,
    /// Where the pages are; `None` where there are none: then questions are answered by mail.
    pub pages: Option<String>,
    pub clock: Clock,
}

/// The room.
pub struct Requests {
    parts: Parts,
    /// What members wish; built out of the pipeline, which knows this room.
    choices: OnceLock<Weak<Choices>>,
    strangers: Mutex<Rate>,
    /// Wishes to be on a list that are not stored yet.
    underway: Mutex<Rate>,
    /// Replies that were not understood, by ticket: how often that is told.
    unclear: Mutex<Rate>,
    /// One after the other, so that two mails at once get one answer.
    turn: tokio::sync::Mutex<()>,
}

impl Requests {
    pub fn new(parts: Parts) -> Requests {
        let rate = |count, period| Mutex::new(Rate::new(count, period, REMEMBERED));
        Requests {
            parts,
            choices: OnceLock::new(),
            strangers: rate(STRANGERS, DAY),
            underway: rate(1, UNDERWAY),
            unclear: rate(3, DAY),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Once; before that nothing can be changed by mail.
    pub fn hang(&self, choices: &Arc<Choices>) {
        let _ = self.choices.set(Arc::downgrade(choices));
    }

    fn choices(&self) -> Result<Arc<Choices>, StoreError> {
        let choices = self.choices.get().and_then(Weak::upgrade);
        choices.ok_or_else(|| StoreError::Failed("the house is not built yet".into()))
    }

    async fn done(&self, request: &Request<'_>) -> Result<Answered, StoreError> {
        let end = match request.command {
            Command::Mute(Some(day)) => {
                request.tenant.zone.start_of(day).filter(|end| *end > request.now)
            }
            _ => None,
        };
        let change = match request.command {
            Command::Help => return self.help(request).await,
            Command::Status => return self.status(request).await,
            Command::Subscribe => return self.wish(request).await,
            // A day that never begins.
            Command::Mute(Some(_)) if end.is_none() => return self.help(request).await,
            Command::Mute(_) => Change::Mute(end),
            Command::Unmute => Change::Unmute,
            Command::Digest(digest) => Change::Digest(digest),
            Command::Unsubscribe => Change::Leave,
        };
        match request.verified {
            true => self.change(request, change).await,
            false => self.ask(request, change).await,
        }
    }

    /// A letter and what is remembered with it, in one commit.
    async fn post(
        &self,
        (mail, post): (NewMail, NewPost),
        mut moves: Vec<Move>,
    ) -> Result<(), StoreError> {
        let due = post.due((self.parts.clock)()).collect();
        moves.push(Move::accept(mail, vec![post]));
        self.commit(moves).await?;
        self.parts.announce.announce(due);
        Ok(())
    }

    async fn commit(&self, moves: Vec<Move>) -> Result<(), StoreError> {
        let done = self.parts.store.commit(moves).await?;
        match done.into_iter().find(|done| matches!(done, Done::Rejected(_))) {
            Some(Done::Rejected(why)) => Err(StoreError::Failed(why)),
            _ => Ok(()),
        }
    }

    /// One more for somebody whom nobody here knows.
    fn stranger(&self, request: &Request<'_>) -> bool {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.take(&request.list.id.0, request.now)
    }

    /// Names what a limit counts.
    fn number(&self, request: &Request<'_>) -> String {
        self.parts.letters.ids.next(request.now).to_string()
    }
}

#[async_trait]
impl Clerk for Requests {
    async fn asked(&self, request: &Request<'_>) -> Answered {
        let _turn = self.turn.lock().await;
        self.done(request).await.unwrap_or_else(Answered::Trouble)
    }

    async fn heard(&self, written: &Written<'_>) -> Option<Heard> {
        let _turn = self.turn.lock().await;
        self.reply(written).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a reply could not be looked up and was deferred");
            Some(Heard::NotNow)
        })
    }

    async fn complained(&self, trace: &Trace, provider: &str) -> Result<bool, StoreError> {
        let choices = self.choices()?;
        let ended = match trace {
            Trace::Link(token, _) => choices.complained_of_link(token, provider).await,
            Trace::Copy(list, who) => choices.complained_of_copy(list, *who, provider).await,
        };
        ended.map_err(|_| StoreError::Failed("a complaint could not be kept".into()))
    }
}

#[cfg(test)]
mod tests;
