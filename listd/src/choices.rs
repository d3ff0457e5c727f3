//! Members' own settings behind the pages: whose link it is, what she chose, and a letter about it.
//!
//! The directory is never written. What a choice means for a copy is `members`', how it looks `web`'s.

mod by_mail;
mod complained;
mod leave;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use listcore::address::Address;
use listcore::links;
use listcore::list::List;
use listcore::notice::letter::Words;
use listcore::notice::{self, Frame};
use listcore::options::{Choice, Digest, Left, Mute, Options};
use listcore::rate::Rate;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;
use listcore::token::{self, Keys};

use crate::clock::{Clock, Zone};
use crate::letters::Letters;
use crate::members::{Lookup, Members};
use crate::store::held::{About, Holds, Ticket};
use crate::store::{
    Attribution, DueBatch, MemberOptions, Move, NewMail, NewPost, RecipientRef, StoreError,
};
use crate::web::NotNow;
use crate::web::wishes::{self, ListPage, Mail, Mine, Offers, Wishes};

pub use by_mail::Way;

/// A link by mail works so long (rule AC7: at least seven days).
const LINK_LIFE: Duration = Duration::from_secs(14 * 24 * 3600);
/// Links by mail for one address, within a day.
const LINKS: u32 = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Addresses that are remembered for it.
const ADDRESSES: usize = 10_000;

/// What the room asks the store.
pub trait Keeps: MemberOptions + Attribution + Holds {}

impl<T: MemberOptions + Attribution + Holds> Keeps for T {}

/// A domain, as far as its members' pages and letters show it.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    pub language: String,
    pub links: crate::web::Links,
    /// Of all times that we write.
    pub zone: Zone,
}

/// What the room is handed.
pub struct Parts {
    pub members: Arc<Members>,
    pub store: Arc<dyn Keeps>,
    pub keys: Arc<Keys>,
    pub letters: Letters,
    /// Told of batches that are durable now.
    pub announce: Box<dyn Fn(Vec<DueBatch>) + Send + Sync>,
    /// What there is for a domain now.
    pub tenant: Box<dyn Fn(&str) -> Tenant + Send + Sync>,
    /// `None` where there are no pages: then letters have no links.
    pub public_url: Option<String>,
    /// Told that an address which was paused works again: its member says so.
    pub works: Works,
    pub clock: Clock,
}

/// A tenant, an address, and the end of its pause; durable when it is over.
pub type Works = Box<dyn Fn(String, Address) -> Waking + Send + Sync>;
pub type Waking = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// The room.
pub struct Choices {
    parts: Parts,
    links: Mutex<Rate>,
    /// Held while a choice changes: who unsubscribes twice at once is told once.
    changing: tokio::sync::Mutex<()>,
}

/// Whose link it is.
struct Member {
    list: Arc<List>,
    who: Recipient,
}

impl Choices {
    pub fn new(parts: Parts) -> Arc<Choices> {
        let links = Mutex::new(Rate::new(LINKS, DAY, ADDRESSES));
        Arc::new(Choices { parts, links, changing: tokio::sync::Mutex::default() })
    }

    /// A token of a copy's own link, or of a letter that was asked for.
    async fn member(&self, token: &str) -> Result<Option<Member>, StoreError> {
        let Parts { members, store, keys, .. } = &self.parts;
        let (now, lists) = ((self.parts.clock)(), members.lists());
        let ids = lists.iter().map(|list| &list.id);
        if let Ok((id, number)) = token::check_member(keys, token, now, ids) {
            let who = store.recipient(RecipientRef(number)).await?;
            return Ok(members.list(id).zip(who).map(|(list, who)| Member { list, who }));
        }
        let Ok(number) = token::check_ticket(keys, token, now) else { return Ok(None) };
        let ticket = store.ticket(number).await?;
        let ticket = ticket.filter(|t| t.about == About::Options && t.expires > now);
        let of = |ticket: Ticket| {
            members.list(&ticket.list).map(|list| Member { list, who: ticket.who })
        };
        Ok(ticket.and_then(of))
    }

    /// A token of a digest: one for each list that stood in it and that she is on still, however she gets its mail now;
    /// and for each of which she gets digests of that domain, unless she chose so after it was made (she may have had no
    /// mail of it that day, and means the next digest too).
    async fn reader(&self, token: &str) -> Result<Vec<Member>, StoreError> {
        let Parts { members, store, keys, clock, .. } = &self.parts;
        let domains = members.domain_names();
        let names = domains.iter().map(String::as_str);
        let Ok(said) = token::check_digest(keys, token, clock(), names) else {
            return Ok(Vec::new());
        };
        let Some(who) = store.recipient(RecipientRef(said.who)).await? else {
            return Ok(Vec::new());
        };
        let is_meant = |list: &List| {
            let choice = || members.choice(&list.id, &who);
            let gathers =
                |choice: &Choice| choice.options.digest != Digest::Off && choice.at <= said.made;
            let is_there = list.address.domain() == said.domain;
            said.names(&list.id) || (is_there && choice().as_ref().is_some_and(gathers))
        };
        let lists = members.lists().into_iter().filter(|list| is_meant(list));
        let hers = lists.filter(|list| self.on_the_list(list, &who.address).is_some());
        Ok(hers.map(|list| Member { list, who: who.clone() }).collect())
    }

    /// Whose link it is: of one list, or of all that a digest's means. Empty for one that says nothing to us.
    async fn known(&self, token: &str) -> Result<Vec<Member>, NotNow> {
        let known = match self.member(token).await {
            Ok(Some(member)) => Ok(vec![member]),
            Ok(None) => self.reader(token).await,
            Err(error) => Err(error),
        };
        known.map_err(|error| trouble(&error))
    }

    fn options(&self, member: &Member) -> Options {
        self.parts.members.options(&member.list.id, &member.who).unwrap_or_default()
    }

    /// Kept first, then true.
    async fn choose(
        &self,
        member: &Member,
        options: Options,
        by: Option<Left>,
        mut moves: Vec<Move>,
    ) -> Result<(), NotNow> {
        let choice = Choice {
            list: Some(member.list.id.clone()),
            person: member.who.person.clone(),
            address: member.who.address.clone(),
            options,
            at: (self.parts.clock)(),
            by,
        };
        moves.push(Move::Options(Box::new(choice.clone())));
        self.parts.store.commit(moves).await.map_err(|error| trouble(&error))?;
        self.parts.members.set_options(choice);
        Ok(())
    }

    /// To somebody about a list, in her language.
    fn letter(
        &self,
        list: &List,
        to: &Recipient,
        write: impl Fn(&Frame<'_>) -> Words,
    ) -> (NewMail, NewPost) {
        self.write(Way { list, to, reply_to: None, answers: None }, write)
    }

    /// Her copies do not go to her, because mail to her address came back.
    fn is_paused(&self, member: &Member) -> bool {
        self.parts.members.is_paused(member.list.address.domain(), &member.who.address)
    }

    /// Whoever saves her settings says that her address works: what failed before counts no more (rule V7).
    async fn wake(&self, member: &Member) -> Result<(), NotNow> {
        if !self.is_paused(member) {
            return Ok(());
        }
        let domain = member.list.address.domain().to_owned();
        let woken = (self.parts.works)(domain, member.who.address.clone()).await;
        woken.map_err(|error| trouble(&error))
    }

    /// A way to her settings that lasts; `None` where there are no pages.
    fn link(&self, member: &Member) -> Option<(String, Ticket)> {
        let (now, url) = ((self.parts.clock)(), self.parts.public_url.as_deref()?);
        let number = self.parts.letters.ids.next(now);
        let url = links::options_url(url, &token::ticket(&self.parts.keys, number, now));
        let (list, who) = (member.list.id.clone(), member.who.clone());
        let expires = now + LINK_LIFE;
        Some((url, Ticket { number, list, about: About::Options, who, expires }))
    }

    fn announce(&self, post: &NewPost) {
        (self.parts.announce)(post.due((self.parts.clock)()).collect());
    }

    /// Whoever on the list has this address, or is a person who has it.
    pub fn on_the_list(&self, list: &List, address: &Address) -> Option<Recipient> {
        let roster = self.parts.members.roster(&list.id)?;
        let by_address = roster.recipients.iter().find(|r| r.address.same_as(address));
        let by_person = || {
            let person = self.parts.members.standing(list, address).person?;
            roster.recipients.iter().find(|r| r.person.as_ref() == Some(&person))
        };
        by_address.or_else(by_person).cloned()
    }

    /// The letter with the link, if there is somebody to get it.
    async fn write_link(&self, list: Arc<List>, address: Address) {
        let now = (self.parts.clock)();
        let Some(who) = self.on_the_list(&list, &address) else { return };
        let free = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if !{ free }.take(&who.address.key(), now) {
            return;
        }
        let member = Member { list, who };
        let Some((url, ticket)) = self.link(&member) else { return };
        let write = |frame: &Frame<'_>| notice::settings_link(frame, &url);
        let (mail, post) = self.letter(&member.list, &member.who, write);
        let moves = vec![Move::Tickets(vec![ticket]), Move::accept(mail, vec![post.clone()])];
        match self.parts.store.commit(moves).await {
            Ok(_) => self.announce(&post),
            Err(error) => _ = trouble(&error),
        }
    }
}

fn trouble(error: &StoreError) -> NotNow {
    tracing::error!(%error, "a member's settings could not be read or kept");
    NotNow
}

/// What a page's form says, beside what it does not offer.
fn options(wishes: &Wishes, before: Options) -> Options {
    let mute = match wishes.mail {
        Mail::All => Mute::No,
        Mail::Until(end) => Mute::Until(end),
        Mail::None if before.mute.is_for_good() => before.mute,
        Mail::None => Mute::ForGood,
    };
    let Wishes { no_own, no_addressed, plain, .. } = *wishes;
    Options { mute, digest: digest(wishes.digest), no_own, no_addressed, plain }
}

/// What the room `web` asks; the pages are handed an `Arc` of it.
pub struct Pages(pub Arc<Choices>);

#[async_trait]
impl crate::web::wishes::Options for Pages {
    async fn mine(&self, token: &str) -> Result<Option<Mine>, NotNow> {
        let all = self.0.known(token).await?;
        let Some(member) = all.first() else { return Ok(None) };
        let (list, who) = (&member.list, &member.who);
        let tenant = (self.0.parts.tenant)(list.address.domain());
        let language = notice::language([
            who.language.as_deref().unwrap_or_default(),
            &list.settings.language,
            &tenant.language,
        ]);
        Ok(Some(Mine {
            language: language.to_owned(),
            list_title: titles(&all),
            list_address: list.address.to_string(),
            links: tenant.links,
            address: who.address.to_string(),
            paused: self.0.is_paused(member),
            wishes: wishes(&self.0.options(member), (self.0.parts.clock)()),
            offers: Offers { digest: true, no_own: true, no_addressed: true, plain: true },
        }))
    }

    async fn set(&self, token: &str, wishes: Wishes) -> Result<Option<()>, NotNow> {
        let all = self.0.known(token).await?;
        for member in &all {
            self.0.wish(member, &wishes).await?;
            self.0.wake(member).await?;
        }
        Ok((!all.is_empty()).then_some(()))
    }

    /// The letter that tells of it goes out once.
    async fn unsubscribe(&self, token: &str) -> Result<Option<()>, NotNow> {
        let all = self.0.known(token).await?;
        for member in &all {
            self.0.leave(&member.list, &member.who, Left::Click).await?;
        }
        Ok((!all.is_empty()).then_some(()))
    }

    async fn list(&self, address: &str) -> Result<Option<ListPage>, NotNow> {
        let Ok(address) = Address::parse(address) else { return Ok(None) };
        let list = match self.0.parts.members.lookup(&address) {
            Lookup::List(list) => list,
            Lookup::NoDirectory => return Err(NotNow),
            _ => return Ok(None),
        };
        let tenant = (self.0.parts.tenant)(list.address.domain());
        let language = notice::language(["", &list.settings.language, &tenant.language]);
        Ok(Some(ListPage {
            title: list.title().to_owned(),
            address: list.address.to_string(),
            language: language.to_owned(),
            links: tenant.links,
        }))
    }

    /// Done apart from the answer, so that the answer takes no longer for a member (rule GD2).
    async fn send_link(&self, list: &str, address: &str) -> Result<(), NotNow> {
        let (Ok(list), Ok(address)) = (Address::parse(list), Address::parse(address)) else {
            return Ok(());
        };
        if let Lookup::List(list) = self.0.parts.members.lookup(&list) {
            let choices = self.0.clone();
            tokio::spawn(async move { choices.write_link(list, address).await });
        }
        Ok(())
    }
}

/// Of one list, or of all that a link is about.
fn titles(all: &[Member]) -> String {
    let titles: Vec<&str> = all.iter().map(|member| member.list.title()).collect();
    titles.join(", ")
}

/// As a page shows it: a pause that is over is none.
fn wishes(options: &Options, now: Timestamp) -> Wishes {
    let mail = match options.mute {
        Mute::Until(end) if now < end => Mail::Until(end),
        Mute::ForGood | Mute::Left => Mail::None,
        Mute::No | Mute::Until(_) => Mail::All,
    };
    let digest = match options.digest {
        Digest::Off => wishes::Digest::Off,
        Digest::Daily => wishes::Digest::Daily,
        Digest::Weekly => wishes::Digest::Weekly,
    };
    let Options { no_own, no_addressed, plain, .. } = *options;
    Wishes { mail, digest, no_own, no_addressed, plain }
}

fn digest(wish: wishes::Digest) -> Digest {
    match wish {
        wishes::Digest::Off => Digest::Off,
        wishes::Digest::Daily => Digest::Daily,
        wishes::Digest::Weekly => Digest::Weekly,
    }
}

#[cfg(test)]
mod tests;
