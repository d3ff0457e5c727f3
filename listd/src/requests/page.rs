//! The pages of this room's questions; all others are somebody else's.

use std::sync::Arc;

use async_trait::async_trait;
use listcore::answer::Said;
use listcore::command::Change;
use listcore::{notice, token};

use super::Requests;
use super::change::Settled;
use crate::clock;
use crate::store::StoreError;
use crate::store::held::{About, Ticket};
use crate::web::{Answered, Author, Kind, NotNow, Question, Questions};

/// Answers for the clerk, and sends everybody else on.
pub struct Pages {
    pub clerk: Arc<Requests>,
    pub others: Arc<dyn Questions>,
}

#[async_trait]
impl Questions for Pages {
    async fn look(&self, token: &str) -> Result<Option<Question>, NotNow> {
        match self.clerk.look(token).await.map_err(|error| trouble(&error))? {
            Some(question) => Ok(Some(question)),
            None => self.others.look(token).await,
        }
    }

    async fn answer(&self, token: &str, said: Said) -> Answered {
        match self.clerk.take(token, &said).await {
            Ok(Some(answered)) => answered,
            Ok(None) => self.others.answer(token, said).await,
            Err(error) => {
                trouble(&error);
                Answered::NotNow
            }
        }
    }
}

fn trouble(error: &StoreError) -> NotNow {
    tracing::error!(%error, "a question about a command could not be answered");
    NotNow
}

impl Requests {
    /// A question of this room that is still open, or was answered.
    async fn ticket(&self, token: &str) -> Result<Option<(Ticket, Change)>, StoreError> {
        let now = (self.parts.clock)();
        let Ok(number) = token::check_ticket(&self.parts.keys, token, now) else { return Ok(None) };
        let ticket = self.parts.store.ticket(number).await?.filter(|t| t.expires > now);
        let change = |ticket: &Ticket| match ticket.about {
            About::Command(change) => Some(change),
            _ => None,
        };
        Ok(ticket.and_then(|ticket| Some((change(&ticket)?, ticket))).map(|(c, t)| (t, c)))
    }

    async fn look(&self, token: &str) -> Result<Option<Question>, StoreError> {
        let now = (self.parts.clock)();
        let Some((ticket, change)) = self.ticket(token).await? else { return Ok(None) };
        let Some(list) = self.parts.members.list(&ticket.list) else { return Ok(None) };
        let choices = self.choices()?;
        let (language, zone) = (choices.language(&list, &ticket.who), choices.zone(&list));
        Ok(Some(Question {
            kind: Kind::Own,
            language: language.to_owned(),
            list_title: list.title().to_owned(),
            list_address: list.address.to_string(),
            links: choices.links(&list),
            author: Author { name: None, address: ticket.who.address.to_string() },
            subject: String::new(),
            excerpt: String::new(),
            attachments: Vec::new(),
            reason: notice::wanted(language, &change, |at| clock::local(&zone, at)),
            verification: String::new(),
            verdict: String::new(),
            at: now,
            ended: self.settled(&ticket, now).await?,
        }))
    }

    async fn take(&self, token: &str, said: &Said) -> Result<Option<Answered>, StoreError> {
        let _turn = self.turn.lock().await;
        let now = (self.parts.clock)();
        let Some((ticket, change)) = self.ticket(token).await? else { return Ok(None) };
        Ok(Some(match self.settle(&ticket, change, said, now).await? {
            Settled::Now(end) => Answered::Done(end),
            Settled::Before(first) => Answered::Already(first),
            Settled::Gone => Answered::Gone,
        }))
    }
}
