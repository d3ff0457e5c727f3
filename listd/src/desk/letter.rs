//! What all letters of the desk have in common: from whom, about which mail, in which language, with which ticket.

use listcore::address::Address;
use listcore::hold::{Reason, Waiting};
use listcore::links;
use listcore::list::List;
use listcore::notice::letter::Words;
use listcore::notice::mail::Auto;
use listcore::notice::{self, Frame, Post};
use listcore::recipients::Recipient;
use listcore::time::{Local, Timestamp};
use listcore::token;

use super::Desk;
use crate::clock;
use crate::letters::{Letter, Sender};
use crate::pipeline::Tenant;
use crate::store::held::{About, Held, Ticket};
use crate::store::{NewMail, NewPost};

/// A held mail with what letters and pages say of its list.
pub(super) struct Matter<'a> {
    pub held: &'a Held,
    pub title: String,
    pub tenant: Tenant,
}

impl<'a> Matter<'a> {
    /// What a letter begins and ends with.
    pub fn frame<'b>(&'b self, language: &'b str) -> Frame<'b> {
        Frame {
            language: notice::spoken(language).unwrap_or("en"),
            list: notice::About { title: &self.title, address: &self.held.address },
            help: self.tenant.help_url.as_deref(),
            imprint: self.tenant.links.imprint.as_deref(),
            privacy: self.tenant.links.privacy.as_deref(),
        }
    }

    /// It is no mail for the list: somebody wishes to be on it.
    pub fn is_wish(&self) -> bool {
        self.held.reason == Reason::Subscription
    }

    /// Who wishes it, as From had her.
    pub fn wisher(&self) -> String {
        let address = self.held.author.as_ref().map(ToString::to_string).unwrap_or_default();
        match self.held.arrived.name.trim() {
            "" => address,
            name => format!("{name} <{address}>"),
        }
    }

    pub fn post(&self) -> Post<'a> {
        Post { subject: &self.held.new.subject, at: self.local(self.held.at) }
    }

    /// As the clock of the domain shows it.
    pub fn local(&self, at: Timestamp) -> Local {
        clock::local(&self.tenant.zone, at)
    }
}

/// A ticket with where it leads.
pub(super) struct Ask {
    pub ticket: Ticket,
    /// Where an answer by mail goes.
    pub reply_to: Option<Address>,
    /// The page for it.
    pub url: Option<String>,
}

impl Desk {
    /// Of a list that is gone the address has to do.
    pub(super) fn matter<'a>(&self, held: &'a Held) -> Matter<'a> {
        let list = self.parts.members.list(&held.list);
        let title = list.map_or_else(
            || held.address.to_string(),
            |list: std::sync::Arc<List>| list.title().to_owned(),
        );
        Matter { held, title, tenant: self.parts.pipeline.tenant(held.address.domain()) }
    }

    /// A new question to one person, valid as long as the mail waits.
    pub(super) fn ticket(&self, held: &Held, about: About, who: &Recipient, now: Timestamp) -> Ask {
        let number = self.parts.ids.next(now);
        let expires = held.expires;
        let ticket = Ticket { number, list: held.list.clone(), about, who: who.clone(), expires };
        Ask {
            ticket,
            reply_to: self.answer_address(held, number, now),
            url: self.page(number, now),
        }
    }

    /// Where an answer by mail to a question goes.
    pub(super) fn answer_address(
        &self,
        held: &Held,
        number: u64,
        now: Timestamp,
    ) -> Option<Address> {
        token::answer_address(&self.parts.keys, &held.address, number, now).ok()
    }

    /// The page of a question.
    pub(super) fn page(&self, number: u64, now: Timestamp) -> Option<String> {
        let pages = self.parts.pages.as_ref()?;
        Some(links::question_url(pages, &token::ticket(&self.parts.keys, number, now)))
    }

    /// In the name of the list; where its owners read who answers in the wrong place.
    pub(super) fn letter(
        &self,
        matter: &Matter<'_>,
        to: &Recipient,
        reply_to: Option<Address>,
        words: Words,
        now: Timestamp,
    ) -> (NewMail, NewPost) {
        let held = matter.held;
        let from = Sender::of_list(&matter.title, &held.address);
        // What answers the author's own mail says so (rule A1).
        let is_author = held.author.as_ref().is_some_and(|author| author.same_as(&to.address));
        let (answers, auto) = match is_author {
            true => (Some(held.message_id.clone()), Auto::Replied),
            false => (None, Auto::Generated),
        };
        let letter = Letter {
            to: to.clone(),
            from,
            reply_to,
            words,
            answers,
            auto,
            list: held.address.clone(),
        };
        self.parts.letters.write(&letter, now)
    }

    /// The author as one to write to.
    pub(super) fn author(&self, held: &Held) -> Option<Recipient> {
        let address = held.author.clone()?;
        let known = self.parts.members.known_as(&address);
        Some(Recipient {
            person: held.person.clone(),
            name: known.and_then(|known| known.name),
            language: Some(held.language.clone()),
            address,
        })
    }

    /// In which a person is written to: hers, else the list's.
    pub(super) fn language(&self, held: &Held, who: &Recipient) -> String {
        let lists =
            || self.parts.members.list(&held.list).map(|list| list.settings.language.clone());
        let of_list = || lists().filter(|language| !language.is_empty());
        let domain = || self.parts.pipeline.tenant(held.address.domain()).language;
        who.language.clone().or_else(of_list).unwrap_or_else(domain)
    }
}

/// True where the mail is known to be its author's: she may be told what becomes of it. A forged author hears nothing.
pub(super) fn is_hers(held: &Held, tickets: &[Ticket]) -> bool {
    held.verified || confirmed(held, tickets)
}

/// She was asked, and said yes.
pub(super) fn confirmed(held: &Held, tickets: &[Ticket]) -> bool {
    use listcore::hold::{By, End};
    let asked = tickets.iter().any(|ticket| matches!(ticket.about, About::Confirm(_)));
    let by_her = held
        .ended
        .as_ref()
        .is_some_and(|ended| ended.by == By::Author && ended.end != End::NotMine);
    asked && (by_her || held.waits_for == Waiting::Moderator)
}
