//! Who hears of outcomes and looks after what comes back: the witnesses of the store, the relay's log, the bounces room.

use std::sync::Arc;

use listcore::bounce::brake::Limit;
use listcore::config::Config;
use listd::bounces::{self, Bounces, Ear};
use listd::clock::Clock;
use listd::last_mile::{self, Copies};
use listd::letters::Letters;
use listd::maillog::MailLog;
use listd::members::Members;
use listd::metrics::Counters;
use listd::pipeline::Pipeline;
use listd::scheduler::Scheduler;
use listd::store::sqlite::SqliteStore;
use listd::store::witness::Witness;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Who is told of every commit.
pub fn witnesses(
    config: &Config,
    counters: &Arc<Counters>,
    copies: &Arc<Copies>,
    ear: &Arc<Ear>,
) -> Vec<Arc<dyn Witness>> {
    let mut all: Vec<Arc<dyn Witness>> = vec![counters.clone(), Arc::new(MailLog), ear.clone()];
    // Without a log to follow nobody would ever take a copy out again.
    if config.relay.log.is_some() {
        all.push(copies.clone());
    }
    all
}

/// What the recipients' own servers say, where the relay's log can be read.
pub fn follow_relay_log(
    config: &Config,
    store: &Arc<SqliteStore>,
    copies: Arc<Copies>,
    clock: &Clock,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let Some(path) = config.relay.log.clone() else { return };
    let parts = last_mile::Parts { path, store: store.clone(), copies, clock: clock.clone() };
    tasks.spawn(last_mile::run(parts, stop.clone()));
}

/// Who looks after what came back.
pub fn bounces(
    config: &Config,
    store: &Arc<SqliteStore>,
    members: &Arc<Members>,
    scheduler: &Arc<Scheduler>,
    (pipeline, ear): (&Arc<Pipeline>, Arc<Ear>),
) -> Arc<Bounces> {
    let (scheduler, brakes, tenants) = (scheduler.clone(), scheduler.clone(), pipeline.clone());
    let tenant = move |domain: &str| {
        let tenant = tenants.tenants.load().get(domain).cloned().unwrap_or_default();
        bounces::Tenant {
            language: tenant.language,
            help: tenant.help_url,
            imprint: tenant.links.imprint,
            privacy: tenant.links.privacy,
            zone: tenant.zone,
        }
    };
    Arc::new(Bounces {
        members: members.clone(),
        store: store.clone(),
        announce: Box::new(move |batches| scheduler.announce(batches)),
        letters: Letters { hostname: config.hostname.clone(), ids: pipeline.ids.clone() },
        tenant: Box::new(tenant),
        clock: pipeline.clock.clone(),
        ear,
        limit: Limit { percent: config.relay.brake_percent, least: config.relay.brake_least },
        pause_post: Box::new(move |post, until| brakes.brake(post, until)),
        changing: tokio::sync::Mutex::new(()),
    })
}
