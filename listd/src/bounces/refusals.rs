//! What follows when the relay, its log, or a bounce says that a server refuses a copy: it counts about the recipient
//! (rule V7), or about the mail (rule V6), never both.

use std::collections::BTreeSet;

use listcore::bounce::brake;
use listcore::bounce::{Class, of_reply};
use listcore::exim_log::without;
use listcore::notice::{self, BrakedMail};
use listcore::provider::provider;
use listcore::recipients::Recipient;
use listcore::rewrite::Frozen;

use super::ear::Heard;
use super::{Bounces, MOST_ADMINS, letter};
use crate::clock;
use crate::store::brake::{Refused, Sent};
use crate::store::failures::Failure;
use crate::store::witness::Refusal;
use crate::store::{Move, PostId, StoreError};

/// Characters of what was answered that are kept.
const SAID: usize = 300;

impl Bounces {
    /// Counts what was heard, and brakes the mails that too many refuse.
    pub(super) async fn weigh(&self) -> Result<(), StoreError> {
        let heard = self.ear.take();
        let weighed = self.weigh_all(&heard).await;
        if weighed.is_err() {
            self.ear.again(heard);
        }
        weighed
    }

    async fn weigh_all(&self, heard: &[Heard]) -> Result<(), StoreError> {
        let (mut moves, mut posts) = (Vec::new(), BTreeSet::new());
        for heard in heard.iter().cloned() {
            let counted = match heard {
                Heard::Refusal(refusal) => self.of_reply(refusal).await?,
                Heard::Bounce { list, who, against } => {
                    let post = self.store.post_to(&list, &against.message_id, who).await?;
                    let to = self.store.recipient(who).await?;
                    post.zip(to).map(|(post, to)| {
                        let provider = provider(to.address.domain());
                        let (class, said) = (against.class, against.said);
                        Move::Refused(Box::new(Refused { post, who, provider, class, said }))
                    })
                }
            };
            if let Some(Move::Refused(refused)) = &counted {
                posts.insert(refused.post);
            }
            moves.extend(counted);
        }
        if !moves.is_empty() {
            self.store.commit(moves).await?;
        }
        for post in posts {
            self.brake(post).await?;
        }
        Ok(())
    }

    /// What one answer counts for. Letters of ours have no consequences; a probe is looked at when it is due.
    async fn of_reply(&self, refusal: Refusal) -> Result<Option<Move>, StoreError> {
        let Refusal { batch, index, at, reply } = refusal;
        let Some(sent) = self.store.sent(batch, index).await? else { return Ok(None) };
        if sent.list.0.starts_with(Frozen::NOTICE) {
            return Ok(None);
        }
        let Sent { who, address, domain, list, .. } = sent;
        let class = of_reply(reply.code, &reply.text);
        let said = match reply.code {
            0 => reply.text,
            code => format!("{code} {}", reply.text),
        };
        let said = notice::shown::line(&without(&said, &address.to_string()), SAID);
        Ok(Some(match class {
            Class::Policy | Class::Content => {
                let (post, provider) = (batch.post, provider(address.domain()));
                Move::Refused(Box::new(Refused { post, who, provider, class, said }))
            }
            Class::Hard | Class::Full | Class::Soft => {
                let failure = Failure { domain, list, class, probe: false, said };
                Move::Failed { who, at, failure }
            }
        }))
    }

    /// Looks whether a mail is to blame. The brake and the letters about it become durable together.
    async fn brake(&self, id: PostId) -> Result<(), StoreError> {
        let Some(tally) = self.store.tally(id).await? else { return Ok(()) };
        let Some(refusals) = brake::brake(&tally, self.limit) else { return Ok(()) };
        let Some(account) = self.store.account(id).await? else { return Ok(()) };
        let now = (self.clock)();
        let (frozen, expires) = (&account.post.frozen, account.post.expires);
        let mut moves = vec![Move::Brake { post: id, at: now, refusals: refusals.clone() }];
        let mut due = Vec::new();
        if let Some(list) = self.members.list(&frozen.list) {
            let (number, message_id) = (id.0.to_string(), &account.post.message_id);
            let braked = BrakedMail {
                id: &number,
                message_id,
                refusals: &refusals,
                waiting: tally.waiting,
                until: clock::local(&(self.tenant)(&frozen.domain).zone, expires),
            };
            let mail = |to: Recipient| {
                let words = self.words(&list, &to, |frame| notice::braked(frame, &braked));
                letter(to, words, &super::postmaster(&frozen.domain, &list), &list)
            };
            let admins = self.members.admins(&frozen.domain).into_iter().take(MOST_ADMINS);
            for one in admins.map(mail) {
                let (mail, post) = self.letters.write(&one, now);
                due.extend(post.due(now));
                moves.push(Move::accept(mail, vec![post]));
            }
        }
        self.commit(moves, due).await?;
        if tally.waiting > 0 {
            (self.pause_post)(id, expires);
        }
        tracing::warn!(
            post = id.0,
            list = %frozen.address,
            refused = refusals.refused,
            tried = refusals.tried,
            waiting = tally.waiting,
            "many servers refuse a mail: delivery of the rest pauses; listctl queue shows it"
        );
        Ok(())
    }
}
