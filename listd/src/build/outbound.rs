//! The way out: the scheduler with its relay, and what it asks of `members` before each copy.

use std::sync::Arc;

use listcore::config::Config;
use listcore::list::ListId;
use listcore::outcome::Dropped;
use listcore::recipients::Recipient;
use listcore::rewrite::{Frozen, PostKind};
use listcore::time::Timestamp;
use listd::clock::Clock;
use listd::compose::Composer;
use listd::delivery::Relay;
use listd::directory::Freshness;
use listd::members::{Claim, Members};
use listd::pipeline::Announce;
use listd::scheduler::{NotNow, RealTimer, Scheduler, Settings, StillGets};
use listd::store::DueBatch;
use listd::store::sqlite::SqliteStore;

use super::StartError;

pub(super) async fn scheduler(
    config: &Config,
    store: &Arc<SqliteStore>,
    composer: &Arc<Composer>,
    members: &Arc<Members>,
    clock: &Clock,
) -> Result<Arc<Scheduler>, StartError> {
    let settings = Settings {
        connections: config.relay.connections,
        recipients_per_transaction: config.relay.recipients_per_transaction,
        ..Settings::default()
    };
    let relay = Relay::new(&config.relay.address, &config.hostname);
    let still = Arc::new(OnTheList(members.clone()));
    let timer = Arc::new(RealTimer(clock.clone()));
    Ok(Scheduler::start(settings, store.clone(), composer.clone(), still, relay, timer).await?)
}

/// What `members` knows, in the words of the scheduler.
pub(super) struct OnTheList(pub Arc<Members>);

impl StillGets for OnTheList {
    /// Mail to the owners goes to whom it was frozen for; a post only to who is on the list, if that is known.
    fn still_gets(&self, post: &Frozen, who: &Recipient, now: Timestamp) -> Result<(), NotNow> {
        if post.kind != PostKind::List {
            return Ok(());
        }
        if let Some(why) = post.spares(who) {
            return Err(NotNow::Dropped(why));
        }
        if self.0.freshness(now) != Freshness::Fresh {
            return Err(NotNow::Unsure);
        }
        // In a digest it comes as well.
        let comes = |claim: &Claim| matches!(claim, Claim::Yes | Claim::Never(Dropped::Digest));
        let still = |list: &ListId| comes(&self.0.claim(list, who, now));
        let twice = || post.once.as_ref().is_some_and(|once| once.comes(who, still));
        match self.0.claim(&post.list, who, now) {
            claim if comes(&claim) && twice() => Err(NotNow::Dropped(Dropped::Elsewhere)),
            Claim::Yes => Ok(()),
            Claim::Waits => Err(NotNow::Unsure),
            Claim::Never(why) => Err(NotNow::Dropped(why)),
        }
    }

    fn plain(&self, post: &Frozen, who: &Recipient) -> bool {
        post.kind == PostKind::List && self.0.wants_plain(&post.list, who)
    }
}

/// What the scheduler waits for, in the words of the pipeline.
pub(super) struct Waiting(pub Arc<Scheduler>);

impl Announce for Waiting {
    fn announce(&self, batches: Vec<DueBatch>) {
        self.0.announce(batches);
    }
}
