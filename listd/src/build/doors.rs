//! The sockets that open last, when everything behind them is ready: mail, `listctl`, metrics.
//!
//! Not the pages' socket: that is `pages`.

use std::sync::Arc;

use daemon::Passed;
use listcore::config::{Config, Endpoint};
use listd::control;
use listd::intake::{self, Door, spool::Budget, tally::Tally};
use listd::metrics::{self, Counters};
use listd::office::Office;
use listd::pipeline::Pipeline;
use listd::store::sqlite::SqliteStore;
use lmtp::drive::Timeouts;
use lmtp::server::{Config as Wire, Flavor};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;

/// Octets that mails on their way in may hold at once; a client beyond it hears 452.
const INTAKE_BUDGET: u64 = 256_000_000;

/// Open files: connections, and one for each large mail in work.
const OPEN_FILES: u64 = 16_384;

/// The soft limit is 1,024 in many places, which is less than the idle connections we promise to bear.
pub(super) fn raise_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(OPEN_FILES) {
        tracing::warn!(%error, "the limit of open files stays as it is; raise it with LimitNOFILE=");
    }
}

pub(super) async fn open_control(
    config: &Config,
    office: Arc<Office>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let path = &config.control.socket;
    let what = format!("control.socket = {}", path.display());
    let listener =
        control::bind(path).await.map_err(|source| StartError::Socket { what, source })?;
    tasks.spawn(control::serve(listener, office, stop.clone()));
    Ok(())
}

/// Nobody is asked who he is there: the default address is this machine's own.
pub(super) async fn open_metrics(
    config: &Config,
    counters: Arc<Counters>,
    house: Arc<metrics::House>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let Some(metrics) = &config.metrics else { return Ok(()) };
    let what = format!("metrics.listen = {}", metrics.listen);
    let listener = metrics::bind(metrics.listen)
        .await
        .map_err(|source| StartError::Socket { what: what.clone(), source })?;
    tracing::info!("listening: {what}");
    tasks.spawn(metrics::serve(listener, counters, house, stop.clone()));
    Ok(())
}

pub(super) async fn open_doors(
    config: &Config,
    mut passed: Passed,
    pipeline: &Arc<Pipeline>,
    store: &Arc<SqliteStore>,
    tally: &Arc<Tally>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let budget = Budget::new(INTAKE_BUDGET);
    let kinds = [
        ("lmtp.listen", Flavor::Lmtp, &config.lmtp.listen),
        ("lmtp.smtp_listen", Flavor::Smtp, &config.lmtp.smtp_listen),
    ];
    for (key, flavor, endpoints) in kinds {
        let mut wire = Wire::new(flavor, &config.hostname);
        wire.max_message_size = config.lmtp.max_message_size;
        let door = Arc::new(Door {
            pipeline: pipeline.clone(),
            wire,
            timeouts: Timeouts::default(),
            spool_dir: store.spool_dir().to_owned(),
            budget: budget.clone(),
            tally: tally.clone(),
        });
        for endpoint in endpoints {
            let what = format!("{key} = {endpoint}");
            let listener = passed.open(&socket(endpoint)).await;
            let listener =
                listener.map_err(|source| StartError::Socket { what: what.clone(), source })?;
            tracing::info!("listening: {what}");
            tasks.spawn(intake::serve(door.clone(), listener, stop.clone()));
        }
    }
    Ok(())
}

/// What the configuration calls an endpoint, as the system opens it.
pub(super) fn socket(endpoint: &Endpoint) -> daemon::Endpoint {
    match endpoint {
        Endpoint::Unix(path) => daemon::Endpoint::Unix(path.clone()),
        Endpoint::Tcp(address) => daemon::Endpoint::Tcp(*address),
    }
}
