//! What follows from failures over time: probes, and pauses of addresses (rules V7, V8).
//!
//! When something follows is `listcore::bounce::score`'s; what is kept is the store's. The directory is never written:
//! a pause is ours, and ends with another address there, or when an admin says so.

mod ear;
mod refusals;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use listcore::address::Address;
use listcore::bounce::Class;
use listcore::bounce::brake::Limit;
use listcore::bounce::score::{self, Next};
use listcore::list::List;
use listcore::notice::letter::Words;
use listcore::notice::mail::Auto;
use listcore::notice::{self, About, Frame, PausedAddress};
use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use self::ear::Ear;
use self::ear::Heard;
use crate::clock::{Clock, Zone};
use crate::letters::{Letter, Letters, Sender};
use crate::members::Members;
use crate::store::brake::Brakes;
use crate::store::failures::{Failing, Failure, Failures, Paused, Standing};
use crate::store::last_mile::RelayLog;
use crate::store::{Attribution, Done, DueBatch, Move, PostId, Report, StoreError};

/// Between two looks at what came back.
pub const LOOK: Duration = Duration::from_secs(60);

/// What happened to a mail so long ago was looked at, or its relay has given it up (four days with Exim).
const HEARD_AGAIN: Duration = Duration::from_secs(6 * 24 * 3600);

/// Most admins who are told.
const MOST_ADMINS: usize = 100;

/// All that this room asks of the store.
pub trait Kept: Failures + Attribution + Report + Brakes + RelayLog {}
impl<S: Failures + Attribution + Report + Brakes + RelayLog> Kept for S {}

/// What a letter of a domain needs to know.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    pub language: String,
    pub help: Option<String>,
    pub imprint: Option<String>,
    pub privacy: Option<String>,
    pub zone: Zone,
}

/// The room.
pub struct Bounces {
    pub members: Arc<Members>,
    pub store: Arc<dyn Kept>,
    /// Told of batches that are durable now.
    pub announce: Box<dyn Fn(Vec<DueBatch>) + Send + Sync>,
    pub letters: Letters,
    /// A domain of ours as it is now.
    pub tenant: Box<dyn Fn(&str) -> Tenant + Send + Sync>,
    pub clock: Clock,
    /// A witness of the store already.
    pub ear: Arc<Ear>,
    /// From when on a mail is to blame.
    pub limit: Limit,
    /// Told of a post whose delivery pauses, and when its time is over; the brake is durable.
    pub pause_post: Box<dyn Fn(PostId, Timestamp) + Send + Sync>,
    /// One change of how addresses stand at a time.
    pub changing: Mutex<()>,
}

impl Bounces {
    /// Tells `members` who is paused, and hears again what was refused: before anything is delivered. The last daemon may
    /// have died with refusals that it had not looked at yet.
    ///
    /// # Errors
    /// The store can't be read: then mail would go to those who are paused, and the daemon must not start.
    pub async fn remember(&self) -> Result<(), StoreError> {
        for standing in self.store.standings().await? {
            let paused = standing.paused.is_some();
            self.members.set_paused(&standing.domain, &standing.address, paused);
        }
        let refused = self.store.refused((self.clock)() - HEARD_AGAIN, ear::MOST).await?;
        self.ear.again(refused.into_iter().map(Heard::Refusal));
        Ok(())
    }

    /// Until `stop`.
    pub async fn run(self: Arc<Bounces>, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let looked = tokio::select! {
                _ = look.tick() => self.look().await,
                // A mail that many refuse goes on until it is stopped.
                () = self.ear.ring() => self.weigh().await,
                () = stop.cancelled() => return,
            };
            if let Err(error) = looked {
                tracing::error!(%error, "what came back could not be looked at; tried again in a minute");
            }
        }
    }

    /// Does once what is to be done now.
    pub async fn look(&self) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        self.weigh().await?;
        let now = (self.clock)();
        for failing in self.store.failing().await? {
            if failing.standing.as_ref().is_some_and(|standing| standing.paused.is_some()) {
                continue;
            }
            let failing = self.with_refusal(failing, now).await?;
            let since = failing.standing.as_ref().map(|s| s.since).unwrap_or_default();
            match score::next(&failing.events, since, now) {
                Next::Nothing => {}
                Next::Probe(class) => self.probe(&failing, class, now).await?,
                Next::Pause(class) => self.pause(&failing, class, now).await?,
            }
        }
        self.sum_up(now).await
    }

    /// The relay may have refused the probe itself, or its log says that the recipient's server did: then perhaps
    /// nothing comes back.
    async fn with_refusal(
        &self,
        mut failing: Failing,
        now: Timestamp,
    ) -> Result<Failing, StoreError> {
        let Some(standing) = &failing.standing else { return Ok(failing) };
        let (Some(probe), Some(probed)) = (standing.probe, standing.since.probed) else {
            return Ok(failing);
        };
        let known = failing.events.iter().any(|event| event.probe && event.at >= probed);
        if known || now > probed + Duration::from_secs(score::PROBE_DAYS.unsigned_abs() * 86_400) {
            return Ok(failing);
        }
        let Some(account) = self.store.account(probe).await? else { return Ok(failing) };
        let heard = self.store.heard(probe).await?;
        let heard = heard.iter().flat_map(|(_, outcomes)| outcomes);
        let known = account.batches.iter().flat_map(|batch| &batch.outcomes);
        let refused = known.chain(heard).find_map(|outcome| match outcome {
            Outcome::Failed { at, reply } => Some((*at, reply.clone())),
            _ => None,
        });
        let Some((at, reply)) = refused else { return Ok(failing) };
        let class = listcore::bounce::of_reply(reply.code, &reply.text);
        let said = notice::shown::line(&reply.text, 300);
        let said = if reply.code == 0 { said } else { format!("{} {said}", reply.code) };
        let (domain, list) = (failing.domain.clone(), failing.list.clone());
        let failure = Failure { domain, list, class, probe: true, said: said.clone() };
        self.store.commit(vec![Move::Failed { who: failing.who, at, failure }]).await?;
        failing.events.push(score::Event { at, class, probe: true });
        failing.said = said;
        Ok(failing)
    }

    /// A letter with a token of its own, to that address alone.
    async fn probe(
        &self,
        failing: &Failing,
        class: Class,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(list) = self.members.list(&failing.list) else { return Ok(()) };
        let Some(to) = self.store.recipient(failing.who).await? else { return Ok(()) };
        let words = self.words(&list, &to, notice::probe);
        let (mail, mut post) = self.letters.write(&letter(to, words, &list.address, &list), now);
        post.frozen.probe = Some(list.id.clone());
        let mut standing = standing(failing);
        standing.since.probed = Some(now);
        standing.probe = Some(post.id);
        let due = post.due(now).collect();
        let moves = vec![Move::Standing(Box::new(standing)), Move::accept(mail, vec![post])];
        self.commit(moves, due).await?;
        tracing::info!(
            domain = failing.domain,
            class = class.as_str(),
            "an address is probed: its mail came back too often"
        );
        Ok(())
    }

    async fn pause(
        &self,
        failing: &Failing,
        class: Class,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut standing = standing(failing);
        standing.paused = Some(Paused { at: now, class, said: failing.said.clone() });
        let mut moves = vec![Move::Standing(Box::new(standing))];
        let mut due = Vec::new();
        if let Some(list) = self.members.list(&failing.list) {
            for letter in self.told(failing, &list).await? {
                let (mail, post) = self.letters.write(&letter, now);
                due.extend(post.due(now));
                moves.push(Move::accept(mail, vec![post]));
            }
        }
        self.commit(moves, due).await?;
        self.members.set_paused(&failing.domain, &failing.address, true);
        tracing::warn!(
            domain = failing.domain,
            class = class.as_str(),
            "an address is paused: its probe came back; listctl list members shows it"
        );
        Ok(())
    }

    /// One letter to each admin, in a language of her own. Owners are not told: whose address a list has is the admins'
    /// to know (promise 7).
    async fn told(&self, failing: &Failing, list: &List) -> Result<Vec<Letter>, StoreError> {
        let who = self.store.recipient(failing.who).await?;
        let protected = who.is_none_or(|who| self.members.is_protected(&who));
        let shown = failing.address.to_string();
        let address = (!protected).then_some(shown.as_str());
        let paused = PausedAddress { address, said: if protected { "" } else { &failing.said } };
        let from = postmaster(&failing.domain, list);
        let admins = self.members.admins(&failing.domain).into_iter().take(MOST_ADMINS);
        let one = |to: Recipient| {
            let words = self.words(list, &to, |frame| notice::paused(frame, &paused));
            letter(to, words, &from, list)
        };
        Ok(admins.map(one).collect())
    }

    fn words(&self, list: &List, to: &Recipient, say: impl Fn(&Frame<'_>) -> Words) -> Words {
        let tenant = (self.tenant)(list.address.domain());
        let spoken = to.language.as_deref().unwrap_or_default();
        say(&Frame {
            language: notice::language([spoken, &tenant.language]),
            list: About { title: list.title(), address: &list.address },
            help: tenant.help.as_deref(),
            imprint: tenant.imprint.as_deref(),
            privacy: tenant.privacy.as_deref(),
        })
    }

    async fn commit(&self, moves: Vec<Move>, due: Vec<DueBatch>) -> Result<(), StoreError> {
        let done = self.store.commit(moves).await?;
        if let Some(Done::Rejected(why)) = done.iter().find(|d| matches!(d, Done::Rejected(_))) {
            return Err(StoreError::Failed(why.clone()));
        }
        (self.announce)(due);
        Ok(())
    }

    /// The address works, says an admin: at which tenants it was paused. What failed before counts no more.
    pub async fn resume(&self, address: &Address) -> Result<Vec<String>, StoreError> {
        self.wake(address, |_| true).await
    }

    /// The address works, says its member on a page of this tenant.
    pub async fn works(&self, domain: &str, address: &Address) -> Result<(), StoreError> {
        self.wake(address, |at| at == domain).await.map(|_| ())
    }

    async fn wake(
        &self,
        address: &Address,
        at: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, StoreError> {
        let _changing = self.changing.lock().await;
        let now = (self.clock)();
        let mut domains = Vec::new();
        for mut standing in self.store.standings().await? {
            let hers = standing.address.same_as(address) && at(&standing.domain);
            if standing.paused.is_none() || !hers {
                continue;
            }
            standing.paused = None;
            standing.since.forgiven = Some(now);
            let domain = standing.domain.clone();
            self.commit(vec![Move::Standing(Box::new(standing))], Vec::new()).await?;
            self.members.set_paused(&domain, address, false);
            domains.push(domain);
        }
        Ok(domains)
    }

    /// Who is paused at a tenant, and why.
    pub async fn paused(&self, domain: &str) -> Result<Vec<(Address, Paused)>, StoreError> {
        let all = self.store.standings().await?.into_iter().filter(|s| s.domain == domain);
        Ok(all.filter_map(|standing| Some((standing.address, standing.paused?))).collect())
    }
}

fn standing(failing: &Failing) -> Standing {
    failing.standing.clone().unwrap_or_else(|| Standing {
        domain: failing.domain.clone(),
        address: failing.address.clone(),
        list: failing.list.clone(),
        since: score::Since::default(),
        probe: None,
        paused: None,
    })
}

/// Who writes to admins.
fn postmaster(domain: &str, list: &List) -> Address {
    Address::new("postmaster", domain).unwrap_or_else(|_| list.address.clone())
}

fn letter(to: Recipient, words: Words, from: &Address, list: &List) -> Letter {
    Letter {
        to,
        from: Sender { name: list.title().to_owned(), address: from.clone() },
        reply_to: None,
        words,
        answers: None,
        auto: Auto::Generated,
        list: list.address.clone(),
    }
}

#[cfg(test)]
mod tests;
