//! Builds the rooms out of the configuration and hands each its values; signals in, exit code out.
//!
//! The only file beside `build.rs` that knows the configuration. No decision about mail is made here.

mod build;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use daemon::Passed;
use daemon::service::{self, Asked, Signals};
use listcore::config::Config;
use tokio_util::sync::CancellationToken;

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
    daemon::log::start("listd");
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

#[tokio::main]
async fn run(path: &Path, config: Config, passed: Passed) -> Result<(), StartError> {
    let stop = CancellationToken::new();
    let mut signals = Signals::new()?;
    let running = build::start(&config, passed, stop.clone()).await?;
    for text in config.later.iter().chain(&config.advice()) {
        tracing::warn!("{text}");
    }
    service::ready();
    tracing::info!("ready");
    while let Asked::Reload = signals.next().await {
        service::reloading();
        reload(path, &running);
        service::ready();
    }
    service::stopping();
    tracing::info!("stopping: open transactions are finished first");
    stop.cancel();
    running.finish(GRACE).await;
    tracing::info!("stopped");
    Ok(())
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
