//! What accepting, settling and retrying change in memory.
//!
//! Decisions (duplicates, due times) are `store::rules`.

use std::collections::HashSet;
use std::sync::Arc;

use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use super::bodies::{self, Kept};
use super::{PackedBatch, Post, State};
use crate::store::held::NewHeld;
use crate::store::rules::{self, Key as Seen};
use crate::store::{
    BATCH, BatchId, Done, HiddenAuthor, MailId, NewMail, NewPost, PostId, StoredPost,
};

impl State {
    pub(super) fn accept(
        &mut self,
        mail: NewMail,
        posts: Vec<NewPost>,
        held: Vec<NewHeld>,
        done: &mut Vec<Done>,
    ) {
        if let Err(why) = self.check(&mail, &posts, &held) {
            bodies::discard(&bodies::taken(mail.raw));
            done.extend((0..posts.len() + held.len()).map(|_| Done::Rejected(why.clone())));
            return;
        }
        let body = bodies::taken(mail.raw.clone());
        let (mut needed, mut stored) = (false, false);
        for post in posts {
            let known = self.seen(&mail, Seen::of_post(&post));
            if known.is_none() {
                (needed, stored) = (needed || !post.recipients.is_empty(), true);
                self.insert((mail.id, &mail.message_id, mail.received), bodies::size(&body), post);
            }
            done.push(known.unwrap_or(Done::Ok));
        }
        for new in held {
            let known = self.seen(&mail, Seen::of_held(&new));
            if known.is_none() {
                (needed, stored) = (true, true);
                self.hold(&mail, bodies::size(&body), new);
            }
            done.push(known.unwrap_or(Done::Ok));
        }
        if needed {
            self.bodies.insert(mail.id, Kept::Body(body));
        } else {
            bodies::discard(&body);
            if stored {
                self.bodies.insert(mail.id, Kept::Gone);
            }
        }
    }

    /// Rule L4: what this repeats. A new one is remembered.
    fn seen(&mut self, mail: &NewMail, key: Seen<'_>) -> Option<Done> {
        let name = (key.list.clone(), key.way.clone(), mail.message_id.clone());
        let earlier = self.seen.entry(name).or_default();
        let known = rules::duplicate(earlier.iter().copied(), key.digest, mail.received);
        if let Some(known) = known.filter(|known| !key.allows(known)) {
            return Some(known);
        }
        earlier.retain(|(digest, ..)| digest != key.digest);
        earlier.push((*key.digest, key.id, mail.received));
        None
    }

    /// The constraints: what a durable store would refuse.
    pub(super) fn check(
        &self,
        mail: &NewMail,
        posts: &[NewPost],
        held: &[NewHeld],
    ) -> Result<(), String> {
        let mut ids = HashSet::new();
        if self.bodies.contains_key(&mail.id) {
            return Err(format!("mail {} exists already", mail.id.0));
        }
        for id in posts.iter().map(|post| post.id).chain(held.iter().map(|held| held.id)) {
            let used = self.posts.contains_key(&id) || self.held.contains_key(&id);
            if used || !ids.insert(id) {
                return Err(format!("post {} exists already", id.0));
            }
        }
        posts.iter().try_for_each(|post| rules::batches(post.recipients.len()).map(drop))
    }

    fn hide(&mut self, mut hidden: HiddenAuthor) {
        let key = (hidden.list.clone(), hidden.number);
        if let Some(known) = self.hidden.get(&key) {
            hidden.expires = hidden.expires.max(known.expires);
        }
        self.hidden.insert(key, hidden);
    }

    /// `mail` = its name, its Message-ID and when it came.
    pub(super) fn insert(&mut self, mail: (MailId, &str, Timestamp), size: u64, post: NewPost) {
        let (mail, message_id, accepted) = mail;
        if let Some(hidden) = post.hides {
            self.hide(hidden);
        }
        let stored = StoredPost {
            id: post.id,
            mail,
            message_id: message_id.to_owned(),
            frozen: post.frozen,
            accepted,
            expires: post.expires,
            size,
        };
        let refs: Vec<u64> = post.recipients.into_iter().map(|r| self.refer(r)).collect();
        let batch = |refs: &[u64]| PackedBatch {
            refs: refs.to_vec(),
            outcomes: vec![Outcome::Waiting; refs.len()],
        };
        let batches = refs.chunks(BATCH).map(batch).collect();
        let post = Post { stored: Arc::new(stored), batches, last: accepted };
        self.posts.insert(post.stored.id, post);
    }

    fn refer(&mut self, recipient: Recipient) -> u64 {
        let key = (recipient.person.clone(), recipient.address.key());
        let number = *self.refs.entry(key).or_insert_with(|| {
            self.last_ref += 1;
            self.last_ref
        });
        self.recipients.insert(number, recipient);
        number
    }

    pub(super) fn settle(
        &mut self,
        id: BatchId,
        changes: Vec<(u16, Outcome)>,
    ) -> Result<(), String> {
        let missing = || format!("there is no batch {} of post {}", id.number, id.post.0);
        let post = self.posts.get_mut(&id.post).ok_or_else(missing)?;
        let number = usize::try_from(id.number).map_err(|_| missing())?;
        let batch = post.batches.get_mut(number).ok_or_else(missing)?;
        let waits = rules::gathered(&batch.outcomes, &changes);
        rules::settle(&mut batch.outcomes, changes)?;
        let at = rules::last(&batch.outcomes);
        post.last = post.last.max(at);
        let mail = post.stored.mail;
        self.digest_later(id, &waits);
        self.release(mail, at, true);
        Ok(())
    }

    pub(super) fn retry_now(&mut self, post: Option<PostId>) -> Result<(), String> {
        if let Some(id) = post
            && !self.posts.contains_key(&id)
        {
            return Err(format!("there is no post {}", id.0));
        }
        let chosen = self.posts.iter_mut().filter(|(id, _)| post.is_none_or(|p| p == **id));
        for batch in chosen.flat_map(|(_, post)| &mut post.batches) {
            rules::hurry(&mut batch.outcomes);
        }
        Ok(())
    }
}
