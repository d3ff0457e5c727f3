//! Mail that we write ourselves: from words to what the store takes, so that it goes the way of all mail.
//!
//! Not the words (`listcore::notice`), nor when somebody is written to: that is decided by the room that writes. A
//! letter leaves with a null sender (rule A3), is signed like a copy, and is no list traffic (rule H11). Everything
//! comes from the arguments and an id: whoever commits the letter with its own note writes it once.

pub mod limit;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use listcore::address::Address;
use listcore::list::{FromPolicy, ListId, Role, Settings};
use listcore::notice::letter::Words;
use listcore::notice::mail::{self, Auto, Head};
use listcore::notice::{Original, with_originals};
use listcore::recipients::Recipient;
use listcore::rewrite::{Frozen, PostKind, role_address};
use listcore::time::Timestamp;

use crate::clock;
use crate::ids::Ids;
use crate::store::{MailId, NewMail, NewPost, PostId, Raw};

/// How long delivery of a letter is tried.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// One letter to one person: nobody learns from it who else was written to (rule GD3).
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: Recipient,
    pub from: Sender,
    /// Where an answer by mail goes; `None` = to the sender.
    pub reply_to: Option<Address>,
    pub words: Words,
    /// Message-ID (without brackets) of the mail that it answers; with [`Auto::Replied`].
    pub answers: Option<String>,
    pub auto: Auto,
    /// The list on whose behalf it is written, or the domain's postmaster: its domain signs.
    pub list: Address,
}

/// Many mails as one, for all who read the same.
#[derive(Clone, Debug)]
pub struct Digest<'a> {
    pub to: Vec<Recipient>,
    /// The post of one of the lists in it: bounces come back there.
    pub returns: &'a Frozen,
    /// Whose mails stand in it, each once. With several, From is none of them, but the postmaster under this name.
    pub lists: Vec<ListId>,
    pub name: String,
    pub words: Words,
    pub originals: Vec<Original>,
    /// Where copies have a link that ends it.
    pub pages: Option<String>,
}

/// Whom From names.
#[derive(Clone, Debug)]
pub struct Sender {
    pub name: String,
    pub address: Address,
}

/// The room.
#[derive(Clone, Debug)]
pub struct Letters {
    pub hostname: String,
    /// The house's names for mails and posts.
    pub ids: Arc<Ids>,
}

impl Sender {
    /// In the name of a list, from its owners' address: whoever answers it reaches people.
    pub fn of_list(title: &str, list: &Address) -> Sender {
        let owner = role_address(list, Role::Owner);
        Sender { name: title.to_owned(), address: owner.unwrap_or_else(|| list.clone()) }
    }
}

impl Letter {
    /// To an admin, about the program itself, from the domain's postmaster.
    pub fn to_admin(to: Recipient, words: Words, postmaster: Address) -> Letter {
        Letter {
            to,
            from: Sender { name: "Verteiler".to_owned(), address: postmaster.clone() },
            reply_to: None,
            words,
            answers: None,
            auto: Auto::Generated,
            list: postmaster,
        }
    }
}

impl Letters {
    /// For one [`Move::Accept`](crate::store::Move::Accept), or any other move that takes letters.
    pub fn write(&self, letter: &Letter, now: Timestamp) -> (NewMail, NewPost) {
        let id = self.ids.next(now);
        let message_id = format!("letter.{id}.listd@{}", letter.list.domain());
        let head = Head {
            from: (&letter.from.name, &letter.from.address),
            to: Some((letter.to.name.as_deref().unwrap_or_default(), &letter.to.address)),
            reply_to: letter.reply_to.as_ref(),
            date: now,
            message_id: &message_id,
            answers: letter.answers.as_deref(),
            auto: letter.auto,
        };
        let raw = mail::mail(&head, &letter.words);
        let frozen = self.frozen(&letter.list, &letter.words.language, id, now);
        let utf8 = !letter.to.address.is_ascii();
        self.stored(raw, message_id, utf8, vec![letter.to.clone()], frozen, (id, now))
    }

    /// One mail for all readers of a digest: their copies differ in the header only, and each has a return path of its
    /// reader's, as a list's copies have. Whoever gets nothing else must be found when it comes back.
    pub fn digest(&self, digest: &Digest<'_>, now: Timestamp) -> (NewMail, NewPost) {
        let id = self.ids.next(now);
        let list = &digest.returns.address;
        let message_id = format!("letter.{id}.listd@{}", list.domain());
        let from = match digest.lists.len() > 1 {
            true => Sender { name: digest.name.clone(), address: postmaster(list) },
            false => Sender::of_list(digest.returns.title(), list),
        };
        let head = Head {
            from: (&from.name, &from.address),
            to: None,
            reply_to: None,
            date: now,
            message_id: &message_id,
            answers: None,
            auto: Auto::Generated,
        };
        let raw = with_originals(&mail::mail(&head, &digest.words), &digest.originals, id);
        let mut frozen = self.frozen(list, &digest.words.language, id, now);
        frozen.digest = Some(digest.returns.list.clone());
        frozen.digest_of = digest.lists.clone();
        frozen.links.pages = digest.pages.clone();
        let utf8 = digest.to.iter().any(|who| !who.address.is_ascii());
        self.stored(raw, message_id, utf8, digest.to.clone(), frozen, (id, now))
    }

    fn stored(
        &self,
        raw: Vec<u8>,
        message_id: String,
        utf8: bool,
        recipients: Vec<Recipient>,
        frozen: Frozen,
        (id, now): (u64, Timestamp),
    ) -> (NewMail, NewPost) {
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, &raw).as_ref());
        let id_of_mail = MailId(self.ids.next(now));
        let raw = Raw::Memory(Bytes::from(raw));
        let mail = NewMail { id: id_of_mail, raw, message_id, sender: None, received: now, utf8 };
        let expires = now + GIVE_UP_AFTER;
        (mail, NewPost { id: PostId(id), frozen, digest, expires, recipients, hides: None })
    }

    /// Nothing is done to a letter on its way but what is done to each mail: a `Received`, and the mark that ends loops.
    fn frozen(&self, of: &Address, language: &str, id: u64, now: Timestamp) -> Frozen {
        let when = clock::rfc5322(now);
        let list = ListId(format!("{}{}", Frozen::NOTICE, of.domain()));
        Frozen {
            settings: Settings { from: FromPolicy::Keep, ..Settings::default() },
            language: language.to_owned(),
            received: format!("Received: by {} id {id};\r\n\t{when}\r\n", self.hostname),
            ..Frozen::new(PostKind::Role(Role::Owner), list, of.clone())
        }
    }
}

/// Of the list's domain (RFC 2142).
fn postmaster(list: &Address) -> Address {
    Address::new("postmaster".to_owned(), list.domain()).unwrap_or_else(|_| list.clone())
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
