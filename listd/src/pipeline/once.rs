//! One person, several lists (`domain.once`): how the lists that a mail names learn of each other.
//!
//! They may come in one transaction, or in several with minutes or days between: the store is asked for other posts of
//! the Message-ID, once for each mail that names several lists of such a domain, and never for a copy. What follows for
//! a recipient is `listcore::rewrite::once`'s.
//!
//! Nobody can make members miss a mail by sending another under its Message-ID: only posts whose author is verified
//! count, and only those that agree in everything a reader sees: From, To, Cc, Subject, Date and body. Whoever could
//! send such a mail would have sent that very mail.

use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use listcore::list::{List, ListId};
use listcore::message::Mail;
use listcore::message::canonical::relaxed;
use listcore::outcome::Outcome;
use listcore::rewrite::PostKind;
use listcore::rewrite::once::{Once, Sender};
use tokio::sync::{Mutex, MutexGuard};

use super::judge::Step;
use super::posts::body_digest;
use super::{Incoming, Pipeline};
use crate::members::Lookup;
use crate::store::{Account, NewPost, Report, StoreError};

/// Where posts of other lists are found.
pub struct Several {
    pub sent: Arc<dyn Report>,
    turn: Mutex<()>,
}

impl Several {
    pub fn new(sent: Arc<dyn Report>) -> Several {
        Several { sent, turn: Mutex::default() }
    }
}

impl Pipeline {
    /// For a mail of a verified author that names this list and another one of its domain.
    pub(super) fn once(
        &self,
        list: &List,
        kind: PostKind,
        incoming: &Incoming,
        mail: &Mail,
        proven: bool,
    ) -> Option<Once> {
        let wanted = kind == PostKind::List && proven && self.tenant(list.address.domain()).once;
        let id = mail.message_id.as_deref().filter(|_| wanted && mail.to.len() > 1)?;
        let mut named: Vec<ListId> = Vec::new();
        for to in mail.to.iter().filter(|to| to.address.domain() == list.address.domain()) {
            match self.members.lookup(&to.address) {
                Lookup::List(found) if !named.contains(&found.id) => named.push(found.id.clone()),
                _ => {}
            }
        }
        let place = named.iter().position(|id| *id == list.id).filter(|_| named.len() > 1)?;
        Some(Once { mail: same(id, incoming, mail), place, earlier: Vec::new() })
    }

    /// Tells the posts of a mail of each other, and of those that were stored before. What comes back is to be held
    /// until they are stored.
    pub(super) async fn once_each(
        &self,
        mail: &Mail,
        steps: &mut [Step],
    ) -> Result<Option<MutexGuard<'_, ()>>, StoreError> {
        let mut posts: Vec<&mut NewPost> = Vec::new();
        for step in steps {
            match step {
                Step::Post(post, _) if post.frozen.once.is_some() => posts.push(post.as_mut()),
                _ => {}
            }
        }
        let Some(id) = mail.message_id.as_deref().filter(|_| !posts.is_empty()) else {
            return Ok(None);
        };
        let turn = self.several.turn.lock().await;
        self.tell_of_others(id, posts).await?;
        Ok(Some(turn))
    }

    /// The lists in the order of To and Cc; what was stored before has gone out, or is on its way.
    pub(super) async fn tell_of_others(
        &self,
        message_id: &str,
        mut posts: Vec<&mut NewPost>,
    ) -> Result<(), StoreError> {
        let (accounts, _) = self.several.sent.trace(message_id).await?;
        let held = self.several.sent.held_as(message_id).await?;
        // What has come to this list before is stored no second time, and sends nothing (rule L4).
        let known = |list: &ListId| {
            accounts.iter().any(|account| account.post.frozen.list == *list)
                || held.iter().any(|held| held.list == *list)
        };
        posts.sort_by_key(|post| post.frozen.once.as_ref().map(|once| once.place));
        let mut senders: Vec<(ListId, String, Sender)> =
            accounts.iter().filter_map(stored).collect();
        for post in posts {
            let frozen = &mut post.frozen;
            let Some(once) = &mut frozen.once else { continue };
            for (list, mail, sender) in &senders {
                if *list != frozen.list && *mail == once.mail {
                    sender.enter(&post.recipients, once, &mut frozen.spared);
                }
            }
            if !known(&frozen.list) {
                let mail = once.mail.clone();
                let mut sender = Sender::new(frozen.list.clone(), post.id.0);
                let all = (0..).zip(&post.recipients);
                for (place, who) in all.filter(|(_, who)| frozen.spares(who).is_none()) {
                    sender.add(who, place, &Outcome::Waiting);
                }
                senders.push((frozen.list.clone(), mail, sender));
            }
        }
        Ok(())
    }
}

/// What a post in the store has sent, or will.
fn stored(account: &Account) -> Option<(ListId, String, Sender)> {
    let frozen = &account.post.frozen;
    let once = frozen.once.as_ref()?;
    let mut sender = Sender::new(frozen.list.clone(), account.post.id.0);
    for batch in &account.batches {
        let places = (0..).map(|index| batch.id.place(index));
        for ((who, outcome), place) in batch.recipients.iter().zip(&batch.outcomes).zip(places) {
            if let Some((_, who)) = who.as_ref().filter(|(_, who)| frozen.spares(who).is_none()) {
                sender.add(who, place, outcome);
            }
        }
    }
    Some((frozen.list.clone(), once.mail.clone(), sender))
}

/// Everything of a mail that a reader sees, and its name.
fn same(message_id: &str, incoming: &Incoming, mail: &Mail) -> String {
    let mut all = digest::Context::new(&digest::SHA256);
    all.update(message_id.as_bytes());
    for name in ["From", "To", "Cc", "Subject", "Date"] {
        for field in mail.fields.iter().filter(|field| field.is(&mail.head, name)) {
            all.update(&relaxed(name.as_bytes(), field.value(&mail.head)));
        }
    }
    all.update(&body_digest(incoming, mail));
    HEXLOWER.encode(all.finish().as_ref())
}

#[cfg(test)]
mod tests;
