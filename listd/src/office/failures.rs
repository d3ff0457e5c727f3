//! Mails whose delivery pauses, and bounces that nobody understands, for `listctl queue` and `listctl bounces show`.

use std::collections::BTreeMap;

use listcore::api;

use super::Office;
use crate::control::{Answer, Problem, Sight};
use crate::store::{Done, Move, PostId, StoreError};

impl Office {
    /// By the post's id.
    pub(super) async fn brakes(&self) -> Result<BTreeMap<String, api::Braked>, StoreError> {
        let all = self.store.braked().await?.into_iter();
        let one = |one: crate::store::brake::Braked| {
            (one.post.0.to_string(), api::Braked { at: one.at, refusals: one.refusals })
        };
        Ok(all.map(one).collect())
    }

    pub(super) async fn go_on(&self, id: u64, who: &str) -> Answer<api::Released> {
        let (post, at) = (PostId(id), (self.clock)());
        let done = self.store.commit(vec![Move::Unbrake { post, at }]).await?;
        if done != [Done::Ok] {
            return Err(Problem::not_found(
                format!("delivery of {id} does not pause"),
                "`listctl queue` shows which mails pause, and why.",
            ));
        }
        self.scheduler.release(post).await?;
        tracing::warn!(who, post = id, "an admin lets a mail go on that many servers refuse");
        let account = self.store.account(post).await?;
        let outcomes = account.iter().flat_map(|account| &account.batches);
        let outcomes = outcomes.flat_map(|batch| &batch.outcomes);
        let recipients = outcomes.filter(|outcome| outcome.due().is_some()).count() as u64;
        Ok(api::Released { recipients })
    }

    pub(super) async fn strange_mail(&self, number: u64, sight: Sight) -> Answer<api::StrangeMail> {
        if sight != Sight::Whole {
            return Err(Problem::not_allowed(
                "whom a mail is about that nobody understands can't be told beforehand",
                "Say why you must see it: --reason \"...\" is kept in the log.",
            ));
        }
        match self.store.strange_mail(number).await? {
            Some(mail) => {
                Ok(api::StrangeMail { mail: String::from_utf8_lossy(&mail).into_owned() })
            }
            None => Err(Problem::not_found(
                format!("there is no bounce {number}"),
                "Those that nobody understands are kept 30 days, the latest 500.",
            )),
        }
    }
}
