//! Puts the parts together out of the configuration; signals in, exit code out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::Parser;
use daemon::Passed;
use daemon::service::{self, Asked, Signals};
use milter::drive::Timeouts;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use verdictd::config::Config;
use verdictd::metrics::{self, Counters};
use verdictd::scan::Scanners;
use verdictd::scan::clamd::Clamd;
use verdictd::scan::rspamd::Rspamd;
use verdictd::serve;
use verdictd::session::{House, Rules};
use verdictd::verdict::Policy;

/// Longer than a mail that is under way may take at the end.
const GRACE: Duration = Duration::from_secs(15);

/// A milter that asks rspamd and ClamAV, and gives one verdict.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The configuration, e.g. /etc/verteiler/verdictd.toml (docs/verdictd.md)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    daemon::log::start("verdictd");
    // Before there is a second thread.
    let passed = match Passed::take() {
        Ok(passed) => passed,
        Err(why) => {
            tracing::error!("the sockets that systemd passes cannot be used: {why}");
            return ExitCode::FAILURE;
        }
    };
    let config = match load(&args.config) {
        Ok(config) => config,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    if let Err(why) = passed.check(&config.milter_listen, "milter_listen", "verdictd.socket") {
        eprintln!("{}: {why}", args.config.display());
        return ExitCode::from(2);
    }
    match run(&args.config, config, passed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn load(path: &Path) -> Result<Config, String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("{name}: cannot be read: {error}; give the configuration with --config FILE")
    })?;
    Config::parse(&name, &text).map_err(|errors| errors.to_string())
}

#[tokio::main]
async fn run(path: &Path, config: Config, passed: Passed) -> Result<(), String> {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let mut signals = Signals::new().map_err(|error| format!("no signals: {error}"))?;
    let house = Arc::new(House {
        rules: ArcSwap::from_pointee(rules(&config)),
        scanners: Arc::new(ArcSwap::from_pointee(scanners(&config))),
        counters: Arc::new(Counters::new()),
    });
    open(&config, passed, &house, &tasks, &stop).await?;
    service::ready();
    tracing::info!("ready");
    while let Asked::Reload = signals.next().await {
        service::reloading();
        reload(path, &house);
        service::ready();
    }
    service::stopping();
    tracing::info!("stopping: mails under way are finished first");
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!("some mails got no verdict in time; their mail servers try again later");
    }
    tracing::info!("stopped");
    Ok(())
}

/// All sockets, or none.
async fn open(
    config: &Config,
    mut passed: Passed,
    house: &Arc<House>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), String> {
    let mut listeners = Vec::new();
    for endpoint in &config.milter_listen {
        let listener = passed.open(endpoint).await;
        listeners.push(listener.map_err(|error| format!("milter_listen = {endpoint}: {error}"))?);
    }
    if let Some(address) = config.metrics_listen {
        let listener = metrics::bind(address).await;
        let listener = listener.map_err(|error| format!("metrics_listen = {address}: {error}"))?;
        tracing::info!("listening: metrics_listen = {address}");
        let (counters, scanners) = (house.counters.clone(), house.scanners.clone());
        let stop = stop.clone();
        tasks.spawn(async move {
            if let Err(error) = metrics::serve(listener, counters, scanners, stop).await {
                tracing::error!(%error, "the socket for metrics failed; nothing is measured until a restart");
            }
        });
    }
    let places = Arc::new(Semaphore::new(config.connections));
    for (listener, endpoint) in listeners.into_iter().zip(&config.milter_listen) {
        tracing::info!("listening: milter_listen = {endpoint}");
        let (house, places) = (house.clone(), places.clone());
        tasks.spawn(serve::serve(house, listener, places, Timeouts::default(), stop.clone()));
    }
    Ok(())
}

/// A reload that fails leaves everything as it was. Mails under way keep the rules with which they began.
fn reload(path: &Path, house: &House) {
    match load(path) {
        Ok(config) => {
            house.rules.store(Arc::new(rules(&config)));
            house.scanners.store(Arc::new(scanners(&config)));
            tracing::info!("reloaded: scanners and rules; sockets and connections need a restart");
        }
        Err(why) => tracing::error!("not reloaded, the old configuration stays in force: {why}"),
    }
}

fn rules(config: &Config) -> Rules {
    Rules {
        policy: Policy { on_failure: config.on_failure, greylist: config.greylist },
        never_greylist: config.never_greylist.clone(),
    }
}

fn scanners(config: &Config) -> Scanners {
    let rspamd = config
        .rspamd
        .clone()
        .map(|authority| Rspamd { authority, settings: config.rspamd_settings.clone() });
    let clamd = config.clamd.clone().map(|endpoint| Clamd { endpoint });
    Scanners::new(rspamd, clamd, config.timeout, config.patience, config.scans)
}
