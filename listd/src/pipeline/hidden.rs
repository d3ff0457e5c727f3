//! Hidden authors: whom a relay address means, what a copy shows instead of an author, and how much goes that way.
//!
//! Not how a header loses an address (`listcore::rewrite::hidden`), nor what a token looks like (`listcore::token`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use listcore::address::{Address, AddressError};
use listcore::list::{AuthorAddress, List};
use listcore::message::{Mail, Mailbox};
use listcore::rate::Rate;
use listcore::recipients::Recipient;
use listcore::rewrite::hidden::{Begins, Secrets, addresses_in, message_ids};
use listcore::rewrite::{BodyOf, Hidden, Ours, PostKind, Unsendable, copy_head};
use listcore::time::Timestamp;
use listcore::token;
use lmtp::reply::Reply;

use super::{Incoming, Pipeline, Target, answer};
use crate::store::{HiddenAuthor, NewPost};

/// A relay address serves so long after the last mail that showed it.
pub const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// Most addresses of one author that are kept out of a header.
const MOST_ADDRESSES: usize = 20;

/// Most addresses out of the Message-IDs of one mail that are looked for in the directory.
const MOST_LOOKUPS: usize = 5_000;

/// How much mail to hidden authors may go through in an hour.
#[derive(Debug)]
pub struct Flood {
    /// From one person: more is no conversation.
    writers: Mutex<Rate>,
    /// To one author: all parents of a school may answer a letter, later ones have to wait.
    authors: Mutex<Rate>,
    /// To the owners of one list: they are people.
    owners: Mutex<Rate>,
}

/// Mails in an hour from one person, and to one author.
pub const FROM_ONE: u32 = 20;
pub const TO_ONE: u32 = 300;

/// Mails in an hour to the owners of one list.
pub const TO_OWNERS: u32 = 100;

/// Persons that are remembered; about 100 octets each.
const REMEMBERED: usize = 10_000;

impl Default for Flood {
    fn default() -> Flood {
        let hourly = |count| Mutex::new(Rate::new(count, Duration::from_secs(3600), REMEMBERED));
        Flood { writers: hourly(FROM_ONE), authors: hourly(TO_ONE), owners: hourly(TO_OWNERS) }
    }
}

/// Why a mail to a hidden author or to the owners has to wait, or is too much.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Flooded {
    ByWriter,
    ByAll,
}

impl Flood {
    pub(super) fn count(
        &self,
        writer: &Address,
        author: &Address,
        now: Timestamp,
    ) -> Result<(), Flooded> {
        let take = |rate: &Mutex<Rate>, who: &Address| {
            rate.lock().unwrap_or_else(PoisonError::into_inner).take(&who.key(), now)
        };
        if !take(&self.writers, writer) {
            return Err(Flooded::ByWriter);
        }
        if take(&self.authors, author) { Ok(()) } else { Err(Flooded::ByAll) }
    }

    /// The same for the owners of a list. What nobody vouches for is counted apart, so that a forger uses up nothing
    /// of hers.
    pub(super) fn count_role(
        &self,
        writer: Option<(&Address, bool)>,
        list: &Address,
        now: Timestamp,
    ) -> Result<(), Flooded> {
        let take = |rate: &Mutex<Rate>, who: &str| {
            rate.lock().unwrap_or_else(PoisonError::into_inner).take(who, now)
        };
        let writer = writer.map(|(address, proven)| match proven {
            true => format!("{} {}", list.key(), address.key()),
            false => format!("{} ?{}", list.key(), address.key()),
        });
        if writer.is_some_and(|writer| !take(&self.writers, &writer)) {
            return Err(Flooded::ByWriter);
        }
        if take(&self.owners, &list.key()) { Ok(()) } else { Err(Flooded::ByAll) }
    }
}

impl Pipeline {
    /// Whom a relay address means whose token is ours. A bad one, an old one and one whose author is gone are told
    /// apart by nobody.
    pub(super) async fn hidden_author(
        &self,
        list: Arc<List>,
        number: u64,
        written: &Address,
        now: Timestamp,
    ) -> Result<Target, Reply> {
        let found = self.store.hidden_author(&list.id, number).await;
        let found = found.map_err(|error| {
            tracing::error!(%error, "a relay address could not be looked up");
            answer::store_trouble(&error)
        })?;
        match found {
            Some(who) if self.is_reached(&list, &who, now) => {
                Ok(Target::Author { list, who: Arc::new(who) })
            }
            _ => Err(answer::unknown(written, &self.tenant(written.domain()).language)),
        }
    }

    /// True while a relay address leads to its author.
    pub(super) fn is_reached(&self, list: &List, who: &HiddenAuthor, now: Timestamp) -> bool {
        let standing = self.members.standing(list, &who.address);
        let here = standing.member || standing.owner || standing.moderator;
        // Who has left the school is nobody in the directory any more, or somebody else.
        let same = who.person.is_none() || who.person == standing.person;
        who.expires > now && same && (here || !who.member)
    }

    /// The one to whom mail to a hidden author goes.
    pub(super) fn behind(&self, who: &HiddenAuthor) -> Recipient {
        Recipient {
            person: who.person.clone(),
            address: who.address.clone(),
            name: None,
            language: self.members.language(&who.address),
        }
    }

    /// Freezes what stands for the author into a post that hides one. The other posts stay as they are.
    pub(super) fn hide(
        &self,
        post: &mut NewPost,
        list: &List,
        incoming: &Incoming,
        mail: &Mail,
        now: Timestamp,
    ) -> Result<(), AddressError> {
        let hides = match post.frozen.kind {
            PostKind::List => list.settings.author_address == AuthorAddress::Hidden,
            PostKind::Role(_) => false,
            PostKind::Author(_) => true,
        };
        let (true, Some(author)) = (hides, mail.from.first()) else { return Ok(()) };
        let keys = &self.house.keys;
        let relay = token::relay_address(keys, &list.id, &list.address, &author.address, now)?;
        let known = self.members.known_as(&author.address).unwrap_or_default();
        let shown = known.shows_address && matches!(post.frozen.kind, PostKind::Author(_));
        let addresses = match shown {
            true => Vec::new(),
            false => self.addresses(list, incoming, mail, &known.addresses),
        };
        let secrets = Secrets::new(&addresses);
        let mut looked = 0;
        let opaque = |id: String| {
            let shows = secrets.shown_in(id.as_bytes(), Begins::Anywhere)
                || self.shows_another(list, &id, &mut looked);
            shows
                .then(|| (token::opaque_id(keys, &list.address, &id), id))
                .map(|(new, id)| (id, new))
        };
        let standing = self.members.standing(list, &author.address);
        post.frozen.hidden = Some(Hidden {
            relay: relay.address,
            name: name(author, known.name),
            ids: message_ids(mail).into_iter().filter_map(opaque).collect(),
            answers: shown.then(|| author.address.clone()),
            addresses,
        });
        post.hides = Some(HiddenAuthor {
            list: list.id.clone(),
            number: relay.number,
            address: author.address.clone(),
            member: standing.member || standing.owner || standing.moderator,
            person: standing.person,
            expires: now + LIFE,
        });
        Ok(())
    }

    /// Whoever was written to directly answers on the list with the id of that mail in References: there it would show
    /// the address of one who is hidden too.
    fn shows_another(&self, list: &List, id: &str, looked: &mut usize) -> bool {
        if *looked >= MOST_LOOKUPS {
            return false;
        }
        let maybe = addresses_in(id);
        *looked += maybe.len();
        let lists = || std::iter::once(&list.address).chain(&list.aliases);
        let maybe: Vec<&Address> =
            maybe.iter().filter(|address| !lists().any(|own| own.same_as(address))).collect();
        self.members.outside(list, &maybe) < maybe.len()
            || maybe.iter().any(|address| self.members.known_as(address).is_some())
    }

    /// All addresses that could give the author away: those in From, all of hers in the directory, and those to
    /// which she or her program had answers and bounces sent, unless she wrote to them.
    fn addresses(
        &self,
        list: &List,
        incoming: &Incoming,
        mail: &Mail,
        known: &[Address],
    ) -> Vec<Address> {
        let own = mail.from.iter().map(|from| &from.address).chain(known);
        let further = incoming
            .sender
            .iter()
            .chain(mail.sender.iter().chain(&mail.reply_to).map(|m| &m.address))
            .filter(|address| !mail.to.iter().any(|to| to.address.same_as(address)));
        let lists = || std::iter::once(&list.address).chain(&list.aliases);
        let mut all: Vec<Address> = Vec::new();
        for address in own.chain(further) {
            let ours = lists().any(|a| a.same_as(address));
            if !ours && all.len() < MOST_ADDRESSES && !all.iter().any(|a| a.same_as(address)) {
                all.push(address.clone());
            }
        }
        all
    }

    /// Whether copies of a post that hides its author can be made: while the author still hears it.
    pub(super) fn can_hide(&self, post: &NewPost, mail: &Mail) -> Result<(), Unsendable> {
        if post.frozen.hidden.is_none() {
            return Ok(());
        }
        let ours =
            Ours { signs_for: &|_| false, authserv_ids: &[], body: BodyOf::Original, utf8: true };
        copy_head(&mail.head, &post.frozen, &ours).map(|_| ())
    }
}

/// The name as she wrote it, else as the directory has it.
fn name(author: &Mailbox, known: Option<String>) -> String {
    match author.name.trim() {
        "" => known.unwrap_or_default(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
