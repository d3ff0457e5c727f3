//! Where log lines go: the journal with their fields where systemd started us, else stderr.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::journal::Journal;

/// Starts the log of the daemon `name`; its variable `NAME_LOG` says how much is told, as in `LISTD_LOG=debug`.
pub fn start(name: &'static str) {
    use std::io::IsTerminal;
    let variable = format!("{}_LOG", name.to_ascii_uppercase());
    let filter = tracing_subscriber::EnvFilter::try_from_env(variable)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    if let Some(journal) = Journal::ours(name) {
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
