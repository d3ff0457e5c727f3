//! The room that sends digests, at the time of each domain, to who wants them at that moment.

use std::sync::Arc;

use listcore::config::Config;
use listcore::digest::{Most, Period};
use listcore::list::ListId;
use listcore::recipients::Recipient;
use listd::compose::Composer;
use listd::digest::{Press, Tenant, Wants};
use listd::letters::Letters;
use listd::members::Members;
use listd::pipeline::{self, Pipeline};
use listd::scheduler::Scheduler;
use listd::store::sqlite::SqliteStore;

use super::outbound::OnTheList;

pub fn press(
    config: &Config,
    store: &Arc<SqliteStore>,
    composer: &Arc<Composer>,
    scheduler: &Arc<Scheduler>,
    pipeline: &Arc<Pipeline>,
) -> Press {
    let (scheduler, of) = (scheduler.clone(), pipeline.clone());
    let tenant = |(domain, tenant): (&String, &pipeline::Tenant)| {
        let tenant = Tenant {
            schedule: tenant.digests.in_zone(tenant.zone.rules().clone()),
            zone: tenant.zone.clone(),
            language: tenant.language.clone(),
            help: tenant.help_url.clone(),
            links: tenant.links.clone(),
        };
        (domain.clone(), tenant)
    };
    Press {
        store: store.clone(),
        composer: composer.clone(),
        letters: Letters { hostname: config.hostname.clone(), ids: pipeline.ids.clone() },
        wants: Arc::new(Wished(pipeline.members.clone())),
        members: Arc::new(OnTheList(pipeline.members.clone())),
        tenants: Box::new(move || of.tenants.load().iter().map(tenant).collect()),
        announce: Box::new(move |batches| scheduler.announce(batches)),
        most: Most::default(),
        clock: pipeline.clock.clone(),
    }
}

/// What members chose.
struct Wished(Arc<Members>);

impl Wants for Wished {
    fn period(&self, list: &ListId, who: &Recipient) -> Option<Period> {
        self.0.options(list, who)?.digest.period()
    }
}
