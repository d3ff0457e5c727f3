//! Changes of one's own mail: done for whoever proved who she is; asked about, once, where nobody vouches for her.

use std::sync::PoisonError;

use listcore::answer::{self, Asked, Nothing, Said};
use listcore::command::Change;
use listcore::hold::{By, End, Ended};
use listcore::links;
use listcore::notice::{self, NoHelp};
use listcore::time::Timestamp;
use listcore::token;

use super::{OPEN, Requests};
use crate::choices::Way;
use crate::clock;
use crate::letters::limit;
use crate::pipeline::{Answered, Heard, Request, Written};
use crate::store::held::{About, Mark, MarkKind, Ticket};
use crate::store::{Move, StoreError};

/// What became of an answer to a question of this room.
pub(super) enum Settled {
    /// This answer did it.
    Now(End),
    Before(Ended),
    /// Nobody on the list has this address any more.
    Gone,
}

impl Requests {
    /// Of a verified author. To end her mail she never asks too often.
    pub(super) async fn change(
        &self,
        request: &Request<'_>,
        change: Change,
    ) -> Result<Answered, StoreError> {
        let (list, address, now) = (request.list, &request.who.address, request.now);
        let choices = self.choices()?;
        let Some(who) = choices.on_the_list(list, address) else {
            return self.status(request).await;
        };
        let store = self.parts.store.as_ref();
        if change != Change::Leave {
            if !limit::ANSWERS.is_left(store, None, address, now).await? {
                return Ok(Answered::Enough(NoHelp::TooMany));
            }
            let spent = limit::ANSWERS.spent(None, address, &self.number(request), now);
            self.commit(vec![Move::Mark(spent)]).await?;
        }
        let answers = request.mail.message_id.clone();
        let list = self.parts.members.list(&list.id).ok_or_else(gone)?;
        match choices.change(&list, &who, change, answers).await {
            Ok(true) => Ok(Answered::Written),
            // She had unsubscribed before.
            Ok(false) => self.status(request).await,
            Err(_) => Err(StoreError::Failed("her wish could not be kept".into())),
        }
    }

    /// Nobody vouches for the author: the one whose address it is gets a question, if she is on the list. What is stored
    /// and said is the same where she is not, so that neither tells who is (rule GD2).
    pub(super) async fn ask(
        &self,
        request: &Request<'_>,
        change: Change,
    ) -> Result<Answered, StoreError> {
        let (list, address, now) = (request.list, &request.who.address, request.now);
        let choices = self.choices()?;
        let store = self.parts.store.as_ref();
        if !limit::QUESTIONS.is_left(store, None, address, now).await? {
            return Ok(Answered::Asked);
        }
        let number = self.parts.letters.ids.next(now);
        let spent = limit::QUESTIONS.spent(None, address, &number.to_string(), now);
        let Some(who) = choices.on_the_list(list, address) else {
            self.commit(vec![Move::Mark(spent)]).await?;
            return Ok(Answered::Asked);
        };
        let expires = now + OPEN;
        let url = self.page(number, now);
        let reply_to = token::answer_address(&self.parts.keys, &list.address, number, now).ok();
        let way = Way { list, to: &who, reply_to, answers: None };
        let zone = choices.zone(list);
        let local = |at| clock::local(&zone, at);
        let until = local(expires);
        let letter = choices
            .write(way, |frame| notice::is_it_hers(frame, &change, url.as_deref(), &until, local));
        let about = About::Command(change);
        let ticket = Ticket { number, list: list.id.clone(), about, who, expires };
        self.post(letter, vec![Move::Mark(spent), Move::Tickets(vec![ticket])]).await?;
        Ok(Answered::Asked)
    }

    /// A reply by mail; `None` where this room has asked nothing.
    pub(super) async fn reply(&self, written: &Written<'_>) -> Result<Option<Heard>, StoreError> {
        let Some(ticket) = self.parts.store.ticket(written.ticket).await? else { return Ok(None) };
        let About::Command(change) = ticket.about else { return Ok(None) };
        let now = (self.parts.clock)();
        if ticket.expires <= now || written.list.is_some_and(|list| *list != ticket.list) {
            return Ok(Some(Heard::Gone));
        }
        let said = answer::read(written.raw, written.mail, written.null_sender, Asked::Confirm);
        let said = match said {
            Err(Nothing::Program) => return Ok(Some(Heard::Dropped("automatic"))),
            Err(Nothing::Unclear) => {
                self.tell_unclear(&ticket, now).await?;
                return Ok(Some(Heard::Dropped("unclear")));
            }
            Ok(said) => said,
        };
        Ok(Some(match self.settle(&ticket, change, &said, now).await? {
            Settled::Now(end) => Heard::Taken(end.as_str().to_owned()),
            Settled::Before(first) => Heard::Taken(format!("too late: {}", first.end.as_str())),
            Settled::Gone => Heard::Gone,
        }))
    }

    /// Yes or no, once.
    pub(super) async fn settle(
        &self,
        ticket: &Ticket,
        change: Change,
        said: &Said,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        if let Some(first) = self.settled(ticket, now).await? {
            return Ok(Settled::Before(first));
        }
        let choices = self.choices()?;
        let list = self.parts.members.list(&ticket.list);
        let Some(list) = list.filter(|_| matches!(said, Said::Yes | Said::No)) else {
            return Ok(Settled::Gone);
        };
        let Some(who) = choices.on_the_list(&list, &ticket.who.address) else {
            return Ok(Settled::Gone);
        };
        let end = if *said == Said::Yes { End::Accepted } else { End::NotMine };
        if end == End::Accepted && choices.change(&list, &who, change, None).await.is_err() {
            return Err(StoreError::Failed("her wish could not be kept".into()));
        }
        let value = format!("{} {}", end.as_str(), now.0);
        let mark = Mark { value, ..mark(ticket) };
        self.commit(vec![Move::Mark(mark)]).await?;
        Ok(Settled::Now(end))
    }

    /// How the question was answered before.
    pub(super) async fn settled(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Option<Ended>, StoreError> {
        let who = mark(ticket).who;
        let marks = self.parts.store.marked(MarkKind::Settled, None, &who, now).await?;
        Ok(marks.first().map(|mark| {
            let (end, at) = mark.value.split_once(' ').unwrap_or_default();
            let yes = end == End::Accepted.as_str();
            let end = if yes { End::Accepted } else { End::NotMine };
            Ended { end, by: By::Author, at: Timestamp(at.parse().unwrap_or_default()) }
        }))
    }

    /// A few times a day: whoever answers may be a program after all.
    async fn tell_unclear(&self, ticket: &Ticket, now: Timestamp) -> Result<(), StoreError> {
        let key = ticket.number.to_string();
        let tells = self.unclear.lock().unwrap_or_else(PoisonError::into_inner).take(&key, now);
        let Some(list) = self.parts.members.list(&ticket.list).filter(|_| tells) else {
            return Ok(());
        };
        if self.settled(ticket, now).await?.is_some() {
            return Ok(());
        }
        let reply_to =
            token::answer_address(&self.parts.keys, &list.address, ticket.number, now).ok();
        let way = Way { list: &list, to: &ticket.who, reply_to, answers: None };
        let url = self.page(ticket.number, now);
        let letter = self
            .choices()?
            .write(way, |frame| notice::unclear(frame, Asked::Confirm, url.as_deref()));
        self.post(letter, Vec::new()).await
    }

    fn page(&self, number: u64, now: Timestamp) -> Option<String> {
        let pages = self.parts.pages.as_deref()?;
        Some(links::question_url(pages, &token::ticket(&self.parts.keys, number, now)))
    }
}

/// Names the answer to a question.
fn mark(ticket: &Ticket) -> Mark {
    Mark {
        kind: MarkKind::Settled,
        list: None,
        who: format!("ticket:{}", ticket.number),
        value: String::new(),
        until: Some(ticket.expires),
    }
}

fn gone() -> StoreError {
    StoreError::Failed("the list has just gone".into())
}
