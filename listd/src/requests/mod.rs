//! The clerk: answers what people ask of a list's program by mail (`-request`), with the help text.
//!
//! Whom it may answer at all the pipeline has looked at; the words are `listcore::notice`'s. One answer for an address,
//! list and day, remembered in the store together with the letter; and to people whom nobody here knows only a few for
//! each list, so that nobody can make us write to thousands.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use listcore::notice::mail::Auto;
use listcore::notice::{self, Frame};
use listcore::rate::Rate;

use crate::letters::limit;
use crate::letters::{Letter, Letters, Sender};
use crate::pipeline::{Announce, Answered, Clerk, Request};
use crate::store::held::Holds;
use crate::store::{Done, Move, StoreError};

/// Answers to strangers that a list gives in a day.
pub const STRANGERS: u32 = 10;

/// Lists that are remembered with what they answered to strangers; about 100 octets each.
const REMEMBERED: usize = 10_000;

/// The room.
pub struct Requests {
    pub store: Arc<dyn Holds>,
    pub letters: Letters,
    pub announce: Arc<dyn Announce>,
    strangers: Mutex<Rate>,
    /// One after the other, so that two mails at once get one answer.
    turn: tokio::sync::Mutex<()>,
}

impl Requests {
    pub fn new(store: Arc<dyn Holds>, letters: Letters, announce: Arc<dyn Announce>) -> Requests {
        let day = Duration::from_secs(24 * 3600);
        let strangers = Mutex::new(Rate::new(STRANGERS, day, REMEMBERED));
        Requests { store, letters, announce, strangers, turn: tokio::sync::Mutex::default() }
    }

    async fn help(&self, request: &Request<'_>) -> Result<Answered, StoreError> {
        let (list, who, now) = (request.list, request.who, request.now);
        let _turn = self.turn.lock().await;
        if !limit::HELP.is_left(self.store.as_ref(), Some(&list.id), &who.address, now).await? {
            return Ok(Answered::Enough);
        }
        if !request.known && !self.stranger(request) {
            return Ok(Answered::Enough);
        }
        let (mail, post) = self.letters.write(&letter(request), now);
        let due = post.due(now).collect();
        let spent = limit::HELP.spent(Some(&list.id), &who.address, &post.id.0.to_string(), now);
        let moves = vec![Move::accept(mail, vec![post]), Move::Mark(spent)];
        let done = self.store.commit(moves).await?;
        if let Some(Done::Rejected(why)) = done.into_iter().find(|d| matches!(d, Done::Rejected(_)))
        {
            return Err(StoreError::Failed(why));
        }
        self.announce.announce(due);
        Ok(Answered::Written)
    }

    /// One more answer to somebody whom nobody here knows.
    fn stranger(&self, request: &Request<'_>) -> bool {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.take(&request.list.id.0, request.now)
    }
}

fn letter(request: &Request<'_>) -> Letter {
    let list = request.list;
    let frame = Frame {
        language: request.language,
        list: notice::About { title: list.title(), address: &list.address },
        help: request.tenant.help_url.as_deref(),
        imprint: request.tenant.links.imprint.as_deref(),
        privacy: request.tenant.links.privacy.as_deref(),
    };
    Letter {
        to: request.who.clone(),
        from: Sender::of_list(list.title(), &list.address),
        reply_to: None,
        words: notice::help(&frame),
        answers: request.mail.message_id.clone(),
        auto: Auto::Replied,
        list: list.address.clone(),
    }
}

#[async_trait]
impl Clerk for Requests {
    async fn asked(&self, request: &Request<'_>) -> Answered {
        self.help(request).await.unwrap_or_else(Answered::Trouble)
    }
}

#[cfg(test)]
mod tests;
