//! Builds the rooms out of the configuration and hands each its values; signals in, exit code out.
//!
//! The only file beside `build.rs` that knows the configuration. No decision about mail is made here.

mod build;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use listcore::config::Config;
use listd::intake::Passed;
use listd::journal::Journal;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::build::{Running, StartError};

/// How long open transactions may take at the end.
const GRACE: Duration = Duration::from_secs(20);

/// The mailing list daemon of Verteiler: LMTP in, LDAP for the members, signed copies out by SMTP.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The configuration, e.g. /etc/verteiler/listd.toml (docs/configuration.md)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    start_log();
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
    match run(&args.config, config, passed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Config(why)) => {
            eprintln!("{}: {why}", args.config.display());
            ExitCode::from(2)
        }
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Reads and validates a configuration. The message names file, key and line, and what was expected.
fn load(path: &Path) -> Result<Config, String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("{name}: cannot be read: {error}; give the configuration with --config FILE")
    })?;
    let mut config = Config::parse(&name, &text).map_err(|errors| errors.to_string())?;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    config.find_credentials(credentials.as_deref()).map_err(|why| format!("{name}: {why}"))?;
    Ok(config)
}

/// To the journal with its fields where systemd started us, else lines on stderr.
fn start_log() {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_from_env("LISTD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    if let Some(journal) = Journal::ours() {
        tracing_subscriber::registry().with(filter).with(journal).init();
        return;
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal()).with_target(false);
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        // The journal by way of stderr: it adds the time itself.
        log.without_time().init();
    } else {
        log.init();
    }
}

#[tokio::main]
async fn run(path: &Path, config: Config, passed: Passed) -> Result<(), StartError> {
    let stop = CancellationToken::new();
    let mut signals = Signals::new()?;
    let running = build::start(&config, passed, stop.clone()).await?;
    for key in &config.later {
        tracing::warn!("{key}");
    }
    tell(&[NotifyState::Ready]);
    tracing::info!("ready");
    while let Asked::Reload = signals.next().await {
        tell_reloading();
        reload(path, &running);
        tell(&[NotifyState::Ready]);
    }
    tell(&[NotifyState::Stopping]);
    tracing::info!("stopping: open transactions are finished first");
    stop.cancel();
    running.finish(GRACE).await;
    tracing::info!("stopped");
    Ok(())
}

/// Tells systemd how we are; where it did not start us there is nobody to tell.
fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}

/// With the time, without which newer versions do not believe it.
fn tell_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// A reload that fails leaves everything as it was.
fn reload(path: &Path, running: &Running) {
    match load(path) {
        Ok(config) => {
            running.reload(&config);
            tracing::info!("reloaded: lists and domains; everything else needs a restart");
        }
        Err(why) => tracing::error!("not reloaded, the old configuration stays in force: {why}"),
    }
}

/// What a signal asks for.
enum Asked {
    Reload,
    Stop,
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.hangup.recv() => Asked::Reload,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
        }
    }
}
