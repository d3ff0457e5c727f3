//! From the configuration to running rooms: each is handed its values, none sees the configuration.

mod digests;
mod doors;
mod files;
mod filter;
mod outbound;
mod pages;
mod returned;
mod tenants;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use daemon::Passed;
use listcore::config::{Config, StoreUrl};
use listd::alarm::{self, Alarm};
use listd::bounces::Ear;
use listd::choices::Choices;
use listd::clock::{self, Clock};
use listd::compose::Composer;
use listd::desk::{self, Bell, Desk, Lessons};
use listd::directory::{self, Directory, Freshness};
use listd::ids::Ids;
use listd::intake::tally::Tally;
use listd::last_mile::Copies;
use listd::learning::{self, Teacher};
use listd::letters::Letters;
use listd::members::Members;
use listd::metrics::{self, Counters};
use listd::office::{Office, Plate};
use listd::pipeline::{Flood, House, LARGE_AT_ONCE, Pipeline, Several, Traffic};
use listd::requests::{self, Requests};
use listd::retention;
use listd::scheduler::Scheduler;
use listd::store::admitted::Admissions;
use listd::store::sqlite::SqliteStore;
use listd::store::{Accepted, MemberOptions, Originals, Overrides};
use listd::verdicts;
use listd::verify::Verifier;
use listd::web::Site;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use doors::{open_control, open_doors, open_metrics, raise_open_files, socket};
use files::{readable, signers, token_keys};
use filter::{keep_originals, teacher};
use outbound::{Waiting, scheduler};
use returned::{bounces, follow_relay_log, witnesses};
use tenants::{domains, tenants};

/// How long a copy is tried before its recipient is given up (RFC 5321 4.5.4.1: at least 4 to 5 days).
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something that the configuration names is not as it says: exit code 2, before any socket opens.
    #[error("{0}")]
    Config(String),
    #[error("{what}: {source}")]
    Socket { what: String, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] listd::store::StoreError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

fn wrong(why: impl std::fmt::Display) -> StartError {
    StartError::Config(why.to_string())
}

/// The rooms at work.
pub struct Running {
    members: Arc<Members>,
    pipeline: Arc<Pipeline>,
    scheduler: Arc<Scheduler>,
    store: Arc<SqliteStore>,
    site: Option<Arc<Site>>,
    /// What members say by mail comes here too.
    _choices: Arc<Choices>,
    /// Dropped last: its tasks keep the replica current.
    _directory: Directory,
    tasks: TaskTracker,
}

impl Running {
    /// Takes over what may change while we run.
    pub fn reload(&self, config: &Config) {
        self.members.set_domains(domains(config));
        self.members.set_guard(config.directory.shrink_guard_percent);
        self.pipeline.tenants.store(Arc::new(tenants(config)));
        if let Some(site) = &self.site {
            site.set_domains(pages::web_domains(config));
        }
    }

    /// Waits for the end of what is under way, at most `grace`; then lets go of the store.
    pub async fn finish(self, grace: Duration) {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "some connections did not end in time; what had no reply is sent again by its sender"
            );
        }
        self.scheduler.stop(grace).await;
        self.store.close().await;
    }
}

/// Builds all rooms; the sockets open last, when everything behind them is ready.
///
/// `passed` are sockets that systemd opened already: each must be one that the configuration names.
pub async fn start(
    config: &Config,
    passed: Passed,
    stop: CancellationToken,
) -> Result<Running, StartError> {
    let named: Vec<_> =
        config.lmtp.listen.iter().chain(&config.lmtp.smtp_listen).map(socket).collect();
    passed.check(&named, "lmtp.listen or lmtp.smtp_listen", "listd-lmtp.socket").map_err(wrong)?;
    let clock = clock::system();
    raise_open_files();
    let keys = token_keys(config)?;
    let (signers, records) = signers(config)?;
    let verifier = Verifier::new(config.dns.server, &config.trusted_authserv_id).map_err(wrong)?;
    let StoreUrl::Sqlite(path) = &config.store;
    let store = SqliteStore::open(path).await?;
    let scans = verdicts::Tally::default();
    let verdicts = filter::verdicts(config, &scans);
    let lessons = learning::Tally::default();
    let teacher = teacher(config, &lessons)?;
    store.keep_originals(teacher.is_some());
    let counters = Arc::new(Counters::default().watching(&scans).teaching(&lessons));
    let copies = Arc::<Copies>::default();
    let ear = Arc::<Ear>::default();
    store.watched_by(witnesses(config, &counters, &copies, &ear));
    let directory = directory(config, &store, &clock).await?;
    let members = members(config, &store, &directory).await?;
    let names: Vec<String> = config.domains.iter().map(|d| d.name.clone()).collect();
    let composer =
        Arc::new(Composer::new(signers, keys.clone(), &config.trusted_authserv_id, &names));
    let scheduler = scheduler(config, &store, &composer, &members, &clock).await?;
    let bell = Arc::new(Bell::default());
    let ids = Arc::<Ids>::default();
    let announce = Arc::new(Waiting(scheduler.clone()));
    let letters = Letters { hostname: config.hostname.clone(), ids: ids.clone() };
    let clerk = Arc::new(Requests::new(requests::Parts {
        members: members.clone(),
        store: store.clone(),
        letters,
        announce: announce.clone(),
        keys: keys.clone(),
        pages: config.web.as_ref().map(|web| web.public_url.clone()),
        clock: clock.clone(),
    }));
    let pipeline = Arc::new(Pipeline {
        house: House {
            hostname: config.hostname.clone(),
            keys,
            max_message_size: config.lmtp.max_message_size,
            give_up_after: GIVE_UP_AFTER,
            complaints_from: config.complaints_from.clone(),
        },
        tenants: ArcSwap::from_pointee(tenants(config)),
        members: members.clone(),
        verifier,
        verdicts,
        store: store.clone(),
        announce,
        desk: bell.clone(),
        clerk: clerk.clone(),
        ids,
        flood: Flood::default(),
        traffic: Traffic::default(),
        several: Several::new(store.clone()),
        marks: store.clone(),
        clock: clock.clone(),
        turns: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
    });
    let desk = desk(config, &store, &members, &scheduler, &pipeline, &teacher);
    bell.hang(&desk);
    let digests = digests::press(config, &store, &composer, &scheduler, &pipeline);
    let alarm = alarm(config, &store, &directory, &members, &scheduler, &pipeline).await?;
    let bounces = bounces(config, &store, &members, &scheduler, (&pipeline, ear));
    bounces.remember().await?;
    let choices = pages::choices(config, &store, &scheduler, &pipeline, &bounces);
    clerk.hang(&choices);
    let office = Office {
        alarm: alarm.clone(),
        bounces: bounces.clone(),
        choices: choices.clone(),
        plate: Plate {
            facts: config.into(),
            later: config.later.clone(),
            dkim: records,
            started: clock(),
        },
        members: members.clone(),
        pipeline: pipeline.clone(),
        scheduler: scheduler.clone(),
        composer: composer.clone(),
        store: store.clone(),
        teacher,
        desk: desk.clone(),
        relay_log: config.relay.log.as_ref().map(|_| store.clone() as _),
        clock: clock.clone(),
        changing: tokio::sync::Mutex::new(()),
    };
    let tally = Arc::new(Tally::default());
    let house = metrics::House {
        started: office.plate.started,
        clock: clock.clone(),
        members: members.clone(),
        scheduler: scheduler.clone(),
        composer,
        store: store.clone(),
        tally: tally.clone(),
        sockets: config.lmtp.listen.len() + config.lmtp.smtp_listen.len(),
    };
    let tasks = TaskTracker::new();
    open_metrics(config, counters, Arc::new(house), &tasks, &stop).await?;
    let site = pages::site(config, (&clerk, &desk), choices.clone(), &pipeline);
    pages::open(config, site.clone(), &tasks, &stop).await?;
    open_control(config, Arc::new(office), &tasks, &stop).await?;
    open_doors(config, passed, &pipeline, &store, &tally, &tasks, &stop).await?;
    follow_relay_log(config, &store, copies, &clock, &tasks, &stop);
    tasks.spawn(alarm.run(stop.clone()));
    tasks.spawn(digests.run(stop.clone()));
    tasks.spawn(desk.run(stop.clone()));
    tasks.spawn(bounces.run(stop.clone()));
    let originals = keep_originals(config);
    tasks.spawn(retention::run(kept(&store, &members, clock, originals), stop));
    Ok(Running {
        members,
        pipeline,
        scheduler,
        store,
        site,
        _choices: choices,
        _directory: directory,
        tasks,
    })
}

/// What is erased when its time is over.
fn kept(
    store: &Arc<SqliteStore>,
    members: &Arc<Members>,
    clock: Clock,
    originals: Duration,
) -> retention::Parts {
    let (known, dismissed) = (members.clone(), members.clone());
    retention::Parts {
        store: store.clone(),
        clock,
        originals,
        every: retention::EVERY,
        known: Box::new(move |now| {
            let sure = known.freshness(now) == Freshness::Fresh && !known.holds_any();
            sure.then(|| known.lists().iter().map(|list| list.id.clone()).collect())
        }),
        dismissed: Box::new(move |list, address| _ = dismissed.dismiss(list, address)),
    }
}

async fn directory(
    config: &Config,
    store: &Arc<SqliteStore>,
    clock: &Clock,
) -> Result<Directory, StartError> {
    readable("directory.bind_password_file", config.directory.bind_password_file.as_deref())?;
    readable("directory.ca_file", config.directory.ca_file.as_deref())?;
    let parts = directory::Parts {
        store: store.clone(),
        clock: clock.clone(),
        seed: u64::from(std::process::id()),
        times: directory::Times::default(),
    };
    directory::start(&config.directory, parts).await.map_err(wrong)
}

/// With all that the store remembers of lists and people.
async fn members(
    config: &Config,
    store: &SqliteStore,
    directory: &Directory,
) -> Result<Arc<Members>, StartError> {
    let members = Members::new(directory.live.clone(), domains(config));
    for one in store.overrides().await? {
        members.set_override(&one.list, one.key, Some(&one.value));
    }
    members.set_guard(config.directory.shrink_guard_percent);
    // What was accepted must be known before anything is asked of the lists.
    members.remember(store.accepted().await?);
    for choice in store.member_options().await? {
        members.set_options(choice);
    }
    for admitted in store.admitted().await? {
        members.admit(admitted);
    }
    Ok(Arc::new(members))
}

/// The watch over the safety catch; what it writes goes the way of all mail.
async fn alarm(
    config: &Config,
    store: &Arc<SqliteStore>,
    directory: &Directory,
    members: &Arc<Members>,
    scheduler: &Arc<Scheduler>,
    pipeline: &Arc<Pipeline>,
) -> Result<Arc<Alarm>, StartError> {
    let (scheduler, tenants) = (scheduler.clone(), pipeline.clone());
    let languages = move || {
        let tenants = tenants.tenants.load();
        tenants.iter().map(|(domain, t)| (domain.clone(), t.language.clone())).collect()
    };
    let watch = alarm::Watch {
        members: members.clone(),
        live: directory.live.clone(),
        store: store.clone(),
        announce: Box::new(move |batches| scheduler.announce(batches)),
        letters: Letters { hostname: config.hostname.clone(), ids: pipeline.ids.clone() },
        languages: Box::new(languages),
        hostname: config.hostname.clone(),
        clock: pipeline.clock.clone(),
        patience: alarm::Patience::default(),
    };
    Ok(Alarm::start(watch).await?)
}

/// Who cares for mail that waits; what it writes goes the way of all mail.
fn desk(
    config: &Config,
    store: &Arc<SqliteStore>,
    members: &Arc<Members>,
    scheduler: &Arc<Scheduler>,
    pipeline: &Arc<Pipeline>,
    teacher: &Option<Arc<Teacher>>,
) -> Arc<Desk> {
    let pages = config.web.as_ref().map(|web| web.public_url.trim_end_matches('/').to_owned());
    Desk::new(desk::Parts {
        members: members.clone(),
        pipeline: pipeline.clone(),
        store: store.clone(),
        letters: Letters { hostname: config.hostname.clone(), ids: pipeline.ids.clone() },
        announce: Arc::new(Waiting(scheduler.clone())),
        learns: Arc::new(Lessons(teacher.clone())),
        keys: pipeline.house.keys.clone(),
        ids: pipeline.ids.clone(),
        pages,
        clock: pipeline.clock.clone(),
    })
}
