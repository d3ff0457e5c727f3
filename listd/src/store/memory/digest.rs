//! What waits for digests, in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use listcore::time::Timestamp;

use super::{MemoryStore, State};
use crate::store::digest::{Digests, Entry, Waiting};
use crate::store::{BatchId, PostId, RecipientRef, StoreError};

/// What is kept of an entry beside whose and which.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    batch: BatchId,
    index: u16,
    at: Timestamp,
    /// The digest in which it went out.
    letter: Option<PostId>,
}

impl Kept {
    pub(super) fn waits(&self) -> bool {
        self.letter.is_none()
    }
}

impl State {
    /// Which of the batch wait for digests from now on, since when, and which no longer.
    pub(super) fn digest_later(&mut self, id: BatchId, changes: &[(u16, Option<Timestamp>)]) {
        let post = self.posts.get(&id.post);
        let batch = post.and_then(|post| post.batches.get(usize::try_from(id.number).ok()?));
        let Some(batch) = batch else { return };
        for (index, waits) in changes {
            let Some(who) = batch.refs.get(usize::from(*index)) else { continue };
            let key = (*who, id.post);
            match waits {
                Some(at) => {
                    let new = Kept { batch: id, index: *index, at: *at, letter: None };
                    self.digests.entry(key).or_insert(new);
                }
                None if self.digests.get(&key).is_some_and(Kept::waits) => {
                    self.digests.remove(&key);
                }
                None => {}
            }
        }
    }

    /// They stand in a digest now.
    pub(super) fn digested(&mut self, letter: PostId, entries: &[(PostId, RecipientRef)]) {
        for (post, who) in entries {
            if let Some(kept) = self.digests.get_mut(&(who.0, *post)) {
                kept.letter = Some(letter);
            }
            if let Some((mail, last)) =
                self.posts.get(post).map(|post| (post.stored.mail, post.last))
            {
                self.release(mail, last, true);
            }
        }
    }
}

#[async_trait]
impl Digests for MemoryStore {
    async fn digests(&self) -> Result<Waiting, StoreError> {
        let state = self.state();
        let mut waiting = Waiting::default();
        for ((number, _), kept) in state.digests.iter().filter(|(_, kept)| kept.waits()) {
            let Some(who) = state.recipients.get(number) else { continue };
            let number = RecipientRef(*number);
            waiting.people.insert(number, who.clone());
            let Kept { batch, index, at, .. } = *kept;
            waiting.entries.push(Entry { batch, index, number, at });
        }
        waiting.entries.sort_by_key(|entry| (entry.number, entry.at, entry.batch.post));
        Ok(waiting)
    }

    async fn digested(&self, post: PostId) -> Result<HashMap<(BatchId, u16), PostId>, StoreError> {
        let state = self.state();
        let kept = state.digests.iter().filter(|((_, of), _)| *of == post);
        Ok(kept.filter_map(|(_, kept)| Some(((kept.batch, kept.index), kept.letter?))).collect())
    }
}
