//! Replies by mail to our questions.

use std::sync::PoisonError;

use async_trait::async_trait;
use listcore::answer::{self, Asked, Nothing};
use listcore::hold::{Ended, Reason};
use listcore::notice;
use listcore::notice::letter::Words;

use super::Desk;
use super::decide::Decided;
use super::letter::Matter;
use crate::pipeline::{Front, Heard, Written};
use crate::store::held::{About, Held, Ticket};
use crate::store::{Move, StoreError};

#[async_trait]
impl Front for Desk {
    fn waits(&self) {
        self.again.notify_one();
    }

    async fn heard(&self, written: &Written<'_>) -> Heard {
        let (ticket, held) = match self.question(written.ticket).await {
            Ok(Some(found)) => found,
            Ok(None) => return Heard::Gone,
            Err(error) => {
                tracing::error!(%error, "a reply could not be looked up and was deferred");
                return Heard::NotNow;
            }
        };
        if written.list.is_some_and(|list| *list != ticket.list) {
            return Heard::Gone;
        }
        let asked = asked(&ticket.about, held.reason);
        match answer::read(written.raw, written.mail, written.null_sender, asked) {
            Err(Nothing::Program) => Heard::Dropped("automatic"),
            Err(Nothing::Unclear) => {
                self.tell_unclear(&ticket, &held, asked).await;
                Heard::Dropped("unclear")
            }
            Ok(said) => {
                let decided = self.decide(ticket.number, &said).await;
                self.tell_decided(&ticket, &held, &decided).await;
                match decided {
                    Decided::Done(end) => Heard::Taken(end.as_str().to_owned()),
                    Decided::Passed => Heard::Taken("confirmed".to_owned()),
                    Decided::Already(first) => {
                        Heard::Taken(format!("too late: {}", first.end.as_str()))
                    }
                    Decided::Gone => Heard::Gone,
                    Decided::NotNow => Heard::NotNow,
                }
            }
        }
    }
}

/// What a question asks for.
pub(super) fn asked(about: &About, reason: Reason) -> Asked {
    match about {
        About::Moderate(_) if reason == Reason::Subscription => Asked::Admit,
        About::Confirm(_) => Asked::Confirm,
        About::Moderate(_) => Asked::Moderate,
        // No held mail has the latter.
        About::Withdraw(_) | About::Options | About::Command(_) => Asked::Withdraw,
    }
}

impl Desk {
    /// Who decided by mail hears that it counts, or who was first; authors see what becomes of their mail.
    async fn tell_decided(&self, ticket: &Ticket, held: &Held, decided: &Decided) {
        if !matches!(ticket.about, About::Moderate(_)) {
            return;
        }
        let matter = self.matter(held);
        let language = self.language(held, &ticket.who);
        let (frame, post) = (matter.frame(&language), matter.post());
        let words = match decided {
            Decided::Done(end) if matter.is_wish() => {
                notice::wish_taken(&frame, &matter.wisher(), end)
            }
            Decided::Done(end) => notice::taken(&frame, &post, end),
            Decided::Already(first) => self.already(&matter, &language, first),
            Decided::Passed | Decided::Gone | Decided::NotNow => return,
        };
        self.post(&matter, ticket, words).await;
    }

    fn already(&self, matter: &Matter<'_>, language: &str, first: &Ended) -> Words {
        let when = matter.local(first.at);
        if matter.is_wish() {
            let frame = matter.frame(language);
            return notice::wish_already(&frame, &matter.wisher(), first, &when);
        }
        notice::already_decided(&matter.frame(language), &matter.post(), first, &when)
    }

    /// A few times a day: whoever answers may be a program after all.
    async fn tell_unclear(&self, ticket: &Ticket, held: &Held, asked: Asked) {
        let key = ticket.number.to_string();
        let now = self.now();
        let tells = self.unclear.lock().unwrap_or_else(PoisonError::into_inner).take(&key, now);
        if !tells || held.ended.is_some() {
            return;
        }
        let matter = self.matter(held);
        let language = self.language(held, &ticket.who);
        let url = self.page(ticket.number, now);
        let words = notice::unclear(&matter.frame(&language), asked, url.as_deref());
        self.post(&matter, ticket, words).await;
    }

    /// A letter of its own; where it is lost, nothing is lost but the courtesy.
    async fn post(&self, matter: &Matter<'_>, ticket: &Ticket, words: Words) {
        let now = self.now();
        let reply_to = self.answer_address(matter.held, ticket.number, now);
        let (mail, post) = self.letter(matter, &ticket.who, reply_to, words, now);
        let batches = post.due(now).collect();
        let done: Result<_, StoreError> =
            self.parts.store.commit(vec![Move::accept(mail, vec![post])]).await;
        match done {
            Ok(_) => self.parts.announce.announce(batches),
            Err(error) => tracing::warn!(%error, "an answer was taken, and its sender not told"),
        }
    }
}
