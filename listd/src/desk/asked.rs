//! The questions: one to the author, or one to each of those who decide, and later to their deputies.

use std::time::Duration;

use listcore::hold::{Reason, Waiting};
use listcore::list::List;
use listcore::message::{Mail, automatic_answer_allowed};
use listcore::notice::{self, Announcement, Question, Waits, Wish};
use listcore::policy::Unproven;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use super::letter::{Matter, confirmed, is_hers};
use super::{Desk, excerpt};
use crate::letters::limit;
use crate::store::held::{About, Held, Ticket, Told};
use crate::store::{Done, Move, StoreError};

impl Desk {
    /// "Did you write this?", once; what nobody is to be asked about waits for a moderator.
    pub(super) async fn ask_author(&self, held: &Held, now: Timestamp) -> Result<(), StoreError> {
        let Some(author) = self.author(held) else { return self.to_moderators(held, now).await };
        let store = self.parts.store.as_ref();
        let left = limit::QUESTIONS.is_left(store, None, &author.address, now).await?;
        if !left || !self.may_answer(held).await? {
            return self.to_moderators(held, now).await;
        }
        let matter = self.matter(held);
        let language = self.language(held, &author);
        let ask = self.ticket(held, About::Confirm(held.id), &author, now);
        let question = Question {
            post: matter.post(),
            url: ask.url.as_deref(),
            until: matter.local(held.expires),
        };
        let words = notice::confirm_question(&matter.frame(&language), &question);
        let letter = self.letter(&matter, &author, ask.reply_to, words, now);
        let mark = limit::QUESTIONS.spent(None, &author.address, &held.id.0.to_string(), now);
        let mut told = next_step(held, held.expires);
        told.letters.push(letter);
        told.tickets.push(ask.ticket);
        told.marks.push(mark);
        self.told(told).await
    }

    /// She is not asked, or too often already: those who decide see that nobody vouches for her.
    async fn to_moderators(&self, held: &Held, now: Timestamp) -> Result<(), StoreError> {
        let unproven = match held.reason {
            Reason::Asked(why) | Reason::Unverified(why) => why,
            _ => Unproven::Nothing,
        };
        let rehold = Move::Rehold {
            id: held.id,
            reason: Reason::Unverified(unproven),
            waits_for: Waiting::Moderator,
            next: now,
            expires: held.expires,
        };
        self.done(self.parts.store.commit(vec![rehold]).await?)
    }

    /// Asks the next circle: the moderators, else the owners, else the domain's admins; each time that `deputies_after`
    /// has passed those behind them. At first the author hears that her mail waits.
    pub(super) async fn ask_moderators(
        &self,
        held: &Held,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tickets = self.parts.store.tickets_about(held.id).await?;
        let list = self.parts.members.list(&held.list);
        let circles = self.circles(held, list.as_deref());
        let is_new = |who: &Recipient| !was_asked(&tickets, who);
        let mut fresh = circles.iter().filter(|circle| circle.iter().any(is_new));
        let now_asked: Vec<&Recipient> =
            fresh.next().into_iter().flatten().filter(|who| is_new(who)).collect();
        let next = match (fresh.next(), list.as_deref()) {
            (Some(_), Some(list)) => {
                let pause = Duration::from_secs(u64::from(list.settings.deputies_after));
                (now + pause).min(held.expires)
            }
            _ => held.expires,
        };
        let deputies = tickets.iter().any(|ticket| matches!(ticket.about, About::Moderate(_)));
        if now_asked.is_empty() && !deputies {
            tracing::warn!(list = %held.address, held = held.id.0, "nobody can be asked about a mail that waits: the list has no moderators and owners, and domain.admins leads to nobody; see listctl held");
        }
        let matter = self.matter(held);
        let mut told = next_step(held, next);
        let shown = self.excerpt(held).await?;
        for who in now_asked {
            self.announce_to(&matter, who, &shown, deputies, &tickets, &mut told, now);
        }
        if held.step == 0 && is_hers(held, &tickets) && self.hears(held).await? {
            self.tell_that_it_waits(&matter, &mut told, now);
        }
        self.told(told).await
    }

    /// Whom to ask, one circle after the other.
    pub(super) fn circles(&self, held: &Held, list: Option<&List>) -> Vec<Vec<Recipient>> {
        let members = &self.parts.members;
        let keepers = list.map(|list| members.keepers(list));
        let mut circles = match keepers {
            None => Vec::new(),
            // Who belongs to a list is for its owners to say.
            Some([_, owners]) if held.reason == Reason::Subscription => vec![owners],
            Some(keepers) => keepers.into(),
        };
        circles.push(members.admins(held.address.domain()));
        circles
    }

    #[allow(clippy::too_many_arguments)]
    fn announce_to(
        &self,
        matter: &Matter<'_>,
        who: &Recipient,
        shown: &excerpt::Excerpt,
        deputy: bool,
        tickets: &[Ticket],
        told: &mut Told,
        now: Timestamp,
    ) {
        let held = matter.held;
        let language = self.language(held, who);
        let ask = self.ticket(held, About::Moderate(held.id), who, now);
        if matter.is_wish() {
            let wish = Wish {
                who: &matter.wisher(),
                text: &shown.text,
                at: matter.local(held.at),
                url: ask.url.as_deref(),
                until: matter.local(held.expires),
                deputy,
            };
            let words = notice::wish_for_owners(&matter.frame(&language), &wish);
            told.letters.push(self.letter(matter, who, ask.reply_to, words, now));
            told.tickets.push(ask.ticket);
            return;
        }
        let announcement = Announcement {
            post: matter.post(),
            author: &shown.author,
            verified: is_hers(held, tickets),
            scan: excerpt::scanned(held),
            reason: &held.new.reason,
            text: &shown.text,
            attachments: &shown.attachments,
            url: ask.url.as_deref(),
            until: matter.local(held.expires),
            deputy,
        };
        let words = notice::held_for_moderators(&matter.frame(&language), &announcement);
        told.letters.push(self.letter(matter, who, ask.reply_to, words, now));
        told.tickets.push(ask.ticket);
    }

    pub(super) fn tell_that_it_waits(&self, matter: &Matter<'_>, told: &mut Told, now: Timestamp) {
        let held = matter.held;
        let Some(author) = self.author(held) else { return };
        let language = self.language(held, &author);
        let ask = self.ticket(held, About::Withdraw(held.id), &author, now);
        let waits = Waits {
            post: matter.post(),
            reason: &held.new.reason,
            url: ask.url.as_deref(),
            until: matter.local(held.expires),
        };
        let frame = matter.frame(&language);
        let words = match matter.is_wish() {
            true => notice::wish_waits(&frame, waits.url, &waits.until),
            false => notice::held_for_author(&frame, &waits),
        };
        told.letters.push(self.letter(matter, &author, ask.reply_to, words, now));
        told.tickets.push(ask.ticket);
    }

    /// Whether an author who is known is told anything. What a stranger sent that may be spam is answered by nobody.
    pub(super) async fn hears(&self, held: &Held) -> Result<bool, StoreError> {
        if held.suspect && held.person.is_none() {
            return Ok(false);
        }
        self.may_answer(held).await
    }

    /// Rule A2: what a program wrote is not answered.
    async fn may_answer(&self, held: &Held) -> Result<bool, StoreError> {
        let Some(raw) = self.raw(held.mail).await? else { return Ok(true) };
        let Ok(mail) = Mail::parse(&raw) else { return Ok(false) };
        Ok(automatic_answer_allowed(&mail, held.sender.as_ref()))
    }

    /// A step with its letters. Where the mail is not as it was any more, somebody else acts on it, or will.
    pub(super) async fn told(&self, told: Told) -> Result<(), StoreError> {
        let now = self.now();
        let batches: Vec<_> = told.letters.iter().flat_map(|(_, post)| post.due(now)).collect();
        let done = self.parts.store.commit(vec![Move::Told(told)]).await?;
        if done.first() == Some(&Done::Ok) {
            self.parts.announce.announce(batches);
        }
        self.done(done)
    }

    fn done(&self, done: Vec<Done>) -> Result<(), StoreError> {
        match done.into_iter().next() {
            Some(Done::Ok | Done::Stale | Done::Ended(_)) => Ok(()),
            other => Err(StoreError::Failed(format!("{other:?}"))),
        }
    }
}

/// The step after this one with nothing in it yet; the desk acts again at `next`.
pub(super) fn next_step(held: &Held, next: Timestamp) -> Told {
    Told {
        id: held.id,
        expect: held.step,
        ended: false,
        step: held.step.saturating_add(1),
        next: Some(next),
        letters: Vec::new(),
        tickets: Vec::new(),
        marks: Vec::new(),
    }
}

/// Each person is asked once about a mail, by whatever address.
fn was_asked(tickets: &[Ticket], who: &Recipient) -> bool {
    tickets.iter().any(|ticket| {
        let same = ticket.who.person.is_some() && ticket.who.person == who.person
            || ticket.who.address.same_as(&who.address);
        matches!(ticket.about, About::Moderate(_)) && same
    })
}

/// Whether the author's own word stands behind it when a moderator decides.
pub(super) fn vouched(held: &Held, tickets: &[Ticket]) -> bool {
    confirmed(held, tickets)
}
