//! What waits, and what became of a mail, for `listctl queue` and `listctl trace`.
//!
//! Not mail that waits for somebody's word (`held`), nor mail whose delivery pauses (`failures`).

use listcore::api;

use super::Office;
use super::veil::Veil;
use crate::control::{Answer, Problem, Sight};
use crate::store::PostId;

impl Office {
    pub(super) async fn what_waits(&self, limit: usize, veil: &Veil<'_>) -> Answer<api::Queue> {
        let mut waiting = self.store.waiting(limit.saturating_add(1)).await?;
        let more = waiting.len() > limit;
        waiting.truncate(limit);
        let mut posts = Vec::with_capacity(waiting.len());
        for post in waiting {
            if let Some(account) = self.store.account(post.id).await? {
                posts.push(veil.line(account));
            }
        }
        let brakes = self.brakes().await?;
        for line in &mut posts {
            line.braked = brakes.get(&line.id).cloned();
        }
        Ok(api::Queue { posts, more })
    }

    pub(super) async fn one_post(&self, id: u64, veil: &Veil<'_>) -> Answer<api::Post> {
        match self.store.account(PostId(id)).await? {
            Some(account) => {
                let mut post = self.whole(account, veil).await?;
                post.line.braked = self.brakes().await?.remove(&post.line.id);
                Ok(post)
            }
            None => Err(Problem::not_found(
                format!("there is no post {id}"),
                "`listctl queue` shows what waits; what is finished is kept 30 days.",
            )),
        }
    }

    pub(super) async fn try_again(&self, id: Option<u64>) -> Answer<api::Retried> {
        let recipients = match id {
            Some(id) => {
                let counts = self.one_post(id, &self.veil(Sight::Veiled)).await?.line.counts;
                counts.waiting + counts.deferred
            }
            None => {
                let counts = self.store.counts().await?;
                counts.recipients_waiting + counts.recipients_deferred
            }
        };
        self.scheduler.retry_now(id.map(PostId)).await?;
        Ok(api::Retried { recipients })
    }

    pub(super) async fn all_of(&self, message_id: &str, veil: &Veil<'_>) -> Answer<api::Trace> {
        let (accounts, events) = self.store.trace(message_id).await?;
        let mut posts = Vec::with_capacity(accounts.len());
        for account in accounts {
            posts.push(self.whole(account, veil).await?);
        }
        let held = self.store.held_as(message_id).await?;
        let held = held.iter().map(|held| veil.held(held)).collect();
        Ok(api::Trace { held, ..veil.trace(message_id, posts, &events) })
    }
}
