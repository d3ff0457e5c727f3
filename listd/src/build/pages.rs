//! What members say and see: their choices, the pages, and the socket that serves them.

use std::sync::Arc;

use listcore::address::Address;
use listcore::config::{self, Config};
use listd::bounces::Bounces;
use listd::choices::{self, Choices, Waking};
use listd::desk::Desk;
use listd::letters::Letters;
use listd::pipeline::{Pipeline, Tenant};
use listd::requests::{self, Requests};
use listd::scheduler::Scheduler;
use listd::store::sqlite::SqliteStore;
use listd::web::{self, Site};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::tenants::zone;

/// What members wish, by whichever way they say it.
pub fn choices(
    config: &Config,
    store: &Arc<SqliteStore>,
    scheduler: &Arc<Scheduler>,
    pipeline: &Arc<Pipeline>,
    bounces: &Arc<Bounces>,
) -> Arc<Choices> {
    let bounces = bounces.clone();
    let works = move |domain: String, address: Address| -> Waking {
        let bounces = bounces.clone();
        Box::pin(async move { bounces.works(&domain, &address).await })
    };
    let (scheduler, tenants) = (scheduler.clone(), pipeline.clone());
    let tenant = move |domain: &str| {
        let known = tenants.tenants.load();
        let of = |tenant: &Tenant| choices::Tenant {
            language: tenant.language.clone(),
            links: web::Links {
                imprint: tenant.links.imprint.clone(),
                privacy: tenant.links.privacy.clone(),
                help: tenant.help_url.clone(),
            },
            zone: tenant.zone.clone(),
        };
        known.get(domain).map(of).unwrap_or_default()
    };
    Choices::new(choices::Parts {
        members: pipeline.members.clone(),
        store: store.clone(),
        keys: pipeline.house.keys.clone(),
        letters: Letters { hostname: config.hostname.clone(), ids: pipeline.ids.clone() },
        announce: Box::new(move |batches| scheduler.announce(batches)),
        tenant: Box::new(tenant),
        public_url: config.web.as_ref().map(|web| web.public_url.clone()),
        works: Box::new(works),
        clock: pipeline.clock.clone(),
    })
}

/// The pages that links in our letters and copies lead to, if there are to be any.
pub fn site(
    config: &Config,
    (clerk, desk): (&Arc<Requests>, &Arc<Desk>),
    choices: Arc<Choices>,
    pipeline: &Arc<Pipeline>,
) -> Option<Arc<Site>> {
    let url = &config.web.as_ref()?.public_url;
    let questions = requests::Pages { clerk: clerk.clone(), others: desk.clone() };
    let clock = pipeline.clock.clone();
    let site = Site::new(url, web_domains(config), Arc::new(questions), clock);
    Some(Arc::new(site.with_options(Arc::new(choices::Pages(choices)))))
}

/// The domains, as the pages show them.
pub fn web_domains(config: &Config) -> Vec<web::Domain> {
    let domain = |domain: &config::Domain| web::Domain {
        name: domain.name.clone(),
        language: domain.language.clone(),
        links: web::Links {
            imprint: domain.imprint_url.clone(),
            privacy: domain.privacy_url.clone(),
            help: domain.help_url.clone(),
        },
        zone: zone(domain),
    };
    config.domains.iter().map(domain).collect()
}

pub async fn open(
    config: &Config,
    site: Option<Arc<Site>>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let (Some(pages), Some(site)) = (&config.web, site) else { return Ok(()) };
    let what = format!("web.listen = {}", pages.listen);
    let listener = web::bind(pages.listen)
        .await
        .map_err(|source| StartError::Socket { what: what.clone(), source })?;
    tracing::info!("listening: {what}");
    tasks.spawn(web::serve(listener, site, stop.clone()));
    Ok(())
}
