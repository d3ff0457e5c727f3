//! Bodies in memory, or the files that were spilled for them: kept while a post, a held mail, a digest or learning needs them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use async_trait::async_trait;
use listcore::time::Timestamp;

use super::{MemoryStore, Post, State};
use crate::store::{Body, MailId, Originals, PostId, Raw, StoreError};

/// A body, until all posts of the mail are finished; then only the name, so that it is not used again.
pub(super) enum Kept {
    Body(Body),
    /// For the filter to learn; since when.
    Original(Body, Timestamp),
    Gone,
}

impl State {
    /// A body goes when neither a post, nor a held mail, nor a digest needs it, and nobody is to learn from it.
    pub(super) fn release(&mut self, mail: MailId, at: Timestamp, may_keep: bool) {
        let of_mail = |post: &&Post| post.stored.mail == mail;
        let sent = self.posts.values().filter(of_mail).any(Post::is_unfinished);
        let held = || self.held.values().filter(|held| held.mail == mail);
        let of = |post: &PostId| self.posts.get(post).map(|post| post.stored.mail);
        let gathered =
            self.digests.iter().any(|((_, post), kept)| kept.waits() && of(post) == Some(mail));
        if sent || gathered || held().any(|held| held.ended.is_none()) {
            return;
        }
        let foreign = self.posts.values().filter(of_mail).any(|p| !p.stored.frozen.is_notice());
        let keep = may_keep && self.keeps_originals && (foreign || held().next().is_some());
        match self.bodies.insert(mail, Kept::Gone) {
            Some(Kept::Body(body)) if keep => {
                self.bodies.insert(mail, Kept::Original(body, at));
            }
            Some(Kept::Body(body) | Kept::Original(body, _)) => discard(&body),
            Some(Kept::Gone) | None => {}
        }
    }

    pub(super) fn erase_originals(&mut self, before: Timestamp) {
        for kept in self.bodies.values_mut() {
            if let Kept::Original(body, at) = kept
                && *at < before
            {
                discard(body);
                *kept = Kept::Gone;
            }
        }
    }
}

pub(super) fn taken(raw: Raw) -> Body {
    match raw {
        Raw::Memory(bytes) => Body::Memory(bytes),
        Raw::Spilled { path, size } => Body::File { path, size },
    }
}

pub(super) fn size(body: &Body) -> u64 {
    match body {
        Body::Memory(bytes) => bytes.len() as u64,
        Body::File { size, .. } => *size,
    }
}

/// A spilled file was given to the store, so the store removes it.
pub(super) fn discard(body: &Body) {
    if let Body::File { path, .. } = body {
        remove(path);
    }
}

fn remove(path: &PathBuf) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a body that is no longer needed stays");
    }
}

#[async_trait]
impl Originals for MemoryStore {
    fn keep_originals(&self, keep: bool) {
        self.state().keeps_originals = keep;
    }

    async fn originals(&self, message_id: &str) -> Result<Vec<MailId>, StoreError> {
        let state = self.state();
        let posts = state.posts.values().map(|p| (&p.stored.message_id, p.stored.mail));
        let held = state.held.values().map(|h| (&h.message_id, h.mail));
        let named = posts.chain(held).filter(|(id, _)| *id == message_id);
        let mails: BTreeSet<MailId> = named.map(|(_, mail)| mail).collect();
        Ok(mails.into_iter().collect())
    }
}
