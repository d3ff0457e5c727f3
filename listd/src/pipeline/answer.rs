//! Replies: at RCPT TO, and after the mail, from what became of it.

use std::sync::Arc;

use listcore::address::Address;
use listcore::list::{List, Role};
use listcore::notice;
use listcore::policy::Refusal;
use listcore::time::Timestamp;
use listcore::token::{self, Keys, Purpose};
use lmtp::reply::Reply;

use super::Target;
use crate::members::{Lookup, Members};
use crate::store::StoreError;

/// What a RCPT TO means, as far as it can be said without the store.
pub enum Found {
    Target(Target),
    /// The hidden author with this number, by a token of ours.
    Author {
        list: Arc<List>,
        number: u64,
        written: Address,
    },
}

/// What a RCPT TO means, or why it is refused, in words of the language that the domain speaks.
pub fn recipient(
    members: &Members,
    keys: &Keys,
    path: &str,
    now: Timestamp,
    language: impl Fn(&str) -> String,
) -> Result<Found, Reply> {
    let address = match Address::parse(path) {
        Ok(address) => address,
        Err(_) if path.eq_ignore_ascii_case("postmaster") => {
            return postmaster(members).map(Found::Target);
        }
        Err(why) => return Err(Reply::new(553, "5.1.3", format!("this is no address: {why}"))),
    };
    let target = match members.lookup(&address) {
        Lookup::List(list) => Target::List(list),
        // A bounce without a token says nothing of anybody; it is counted.
        Lookup::Role(list, Role::Bounces) => Target::Bounce {
            domain: address.domain().to_owned(),
            list: Some(list),
            token: String::new(),
        },
        Lookup::Role(list, role) => Target::Role(list, role),
        Lookup::Token { list, role: Role::Bounces, token } => {
            Target::Bounce { domain: address.domain().to_owned(), list: Some(list), token }
        }
        Lookup::Token { list, role: Role::Author, token } => {
            return match token::check(keys, Purpose::Author, &list.id, &token, now) {
                Ok(number) => Ok(Found::Author { list, number, written: address }),
                Err(_) => Err(unknown(&address, &language(address.domain()))),
            };
        }
        Lookup::Token { list, role: Role::Confirm, token } => {
            match token::check_ticket(keys, &token, now) {
                Ok(ticket) => Target::Answer { address, list: Some(list), ticket },
                Err(_) => return Err(unknown(&address, &language(address.domain()))),
            }
        }
        Lookup::Short { domain, token } => match short(members, keys, &domain, &token, now) {
            Some((list, number)) => return Ok(Found::Author { list, number, written: address }),
            None if let Ok(ticket) = token::check_ticket(keys, &token, now) => {
                Target::Answer { address, list: None, ticket }
            }
            None => Target::Bounce { domain, list: None, token },
        },
        Lookup::Postmaster { domain } => Target::Postmaster { domain },
        Lookup::Token { .. } | Lookup::UnknownList => {
            return Err(unknown(&address, &language(address.domain())));
        }
        Lookup::UnknownDomain => {
            return Err(Reply::new(550, "5.1.2", "mail for this domain is not handled here"));
        }
        Lookup::NoDirectory => return Err(not_sure()),
    };
    Ok(Found::Target(target))
}

/// The hidden author that a token without a list's name stands for; what is none may be a bounce.
fn short(
    members: &Members,
    keys: &Keys,
    domain: &str,
    text: &str,
    now: Timestamp,
) -> Option<(Arc<List>, u64)> {
    let lists = members.lists();
    let here = lists.iter().filter(|l| l.address.domain() == domain).map(|l| &l.id);
    let (id, number) = token::check_short(keys, Purpose::Author, text, now, here).ok()?;
    Some((lists.iter().find(|l| l.id == *id)?.clone(), number))
}

/// What can be said before the mail itself: closed, too large, or members not known for sure. Who the author is stands
/// in the mail, so the words are in the list's language.
pub fn admit(
    members: &Members,
    target: Target,
    size: Option<u64>,
    now: Timestamp,
    language: impl Fn(&List) -> String,
) -> Result<Target, Reply> {
    let list = match &target {
        Target::List(list) | Target::Author { list, .. } => list,
        Target::Role(..)
        | Target::Postmaster { .. }
        | Target::Answer { .. }
        | Target::Bounce { .. } => return Ok(target),
    };
    if list.expires.is_some_and(|at| at <= now) {
        return Err(refusal(list, &Refusal::Expired, &language(list)));
    }
    if let Some(size) = size.filter(|size| *size > list.settings.max_size) {
        let too_big = Refusal::TooBig { size, limit: list.settings.max_size };
        return Err(refusal(list, &too_big, &language(list)));
    }
    sure(members, list, now).map(|()| target)
}

/// Promise 6.
pub fn sure(members: &Members, list: &List, now: Timestamp) -> Result<(), Reply> {
    if members.is_sure(list, now) { Ok(()) } else { Err(not_sure()) }
}

fn postmaster(members: &Members) -> Result<Target, Reply> {
    match members.domain_names().first() {
        Some(domain) => Ok(Target::Postmaster { domain: domain.clone() }),
        None => Err(not_sure()),
    }
}

/// A refusal of a mail to this list.
pub fn refusal(list: &List, why: &Refusal, language: &str) -> Reply {
    words(why, &notice::About { title: list.title(), address: &list.address }, language)
}

/// The same for everything that leads nowhere: who guesses learns nothing.
pub fn unknown(address: &Address, language: &str) -> Reply {
    words(&Refusal::UnknownList, &notice::About { title: "", address }, language)
}

fn words(why: &Refusal, about: &notice::About<'_>, language: &str) -> Reply {
    let (code, (class, subject, detail)) = why.code();
    let text = notice::refusal(language, why, about);
    Reply::new(code, &format!("{class}.{subject}.{detail}"), text)
}

/// Our trouble, never the author's (promise 5): Exim keeps the mail and asks again.
///
/// Not accepted to wait here: who may write and who gets it would have to be decided on members that we do not believe.
pub fn not_sure() -> Reply {
    Reply::new(
        451,
        "4.3.0",
        "the members of this list are not known for sure at the moment, try again later",
    )
}

/// Something of ours went wrong with this one mail.
pub fn not_now() -> Reply {
    Reply::new(451, "4.3.0", "this mail could not be worked on, try again later")
}

/// A mail that can't be read; for `listctl simulate` and where no list is known.
pub fn broken(why: &impl std::fmt::Display) -> Reply {
    Reply::new(550, "5.6.0", format!("this mail is broken: {why}"))
}

/// What the client hears when nothing could be stored.
pub fn store_trouble(error: &StoreError) -> Reply {
    match error {
        StoreError::Full(_) => {
            Reply::new(452, "4.3.1", "there is no room for this mail at the moment")
        }
        StoreError::Failed(_) | StoreError::Locked(_) => {
            Reply::new(451, "4.3.0", "the mail could not be stored, try again later")
        }
    }
}
