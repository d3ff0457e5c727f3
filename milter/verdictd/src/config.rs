//! `verdictd.toml` as typed values: a flat handful of keys, each with a default.
//!
//! Text in, values or errors out; every error names file, line and key, what was found and what was expected. What the
//! keys are for: `docs/verdictd.md`.

mod read;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use daemon::Endpoint;

use crate::verdict::{Greylist, OnFailure};

/// Longest configuration that is read (octets).
pub const MAX_TEXT: usize = 100_000;

/// A whole, validated `verdictd.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub milter_listen: Vec<Endpoint>,
    /// `host:port`; `None` = not asked.
    pub rspamd: Option<String>,
    pub rspamd_settings: String,
    pub clamd: Option<Endpoint>,
    pub on_failure: OnFailure,
    pub greylist: Greylist,
    /// Values of `{daemon_name}` for which greylisting is ignored, whatever `greylist` says.
    pub never_greylist: Vec<String>,
    pub timeout: Duration,
    /// Mails that are scanned at a time.
    pub scans: usize,
    /// How long a mail waits for its turn.
    pub patience: Duration,
    /// Mail servers' connections at a time.
    pub connections: usize,
    pub metrics_listen: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            milter_listen: vec![
                Endpoint::Unix(PathBuf::from("/run/verdictd/milter.sock")),
                Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], 8026))),
            ],
            rspamd: None,
            rspamd_settings: String::new(),
            clamd: None,
            on_failure: OnFailure::TempFail,
            greylist: Greylist::TempFail,
            never_greylist: vec!["listd".to_owned()],
            timeout: Duration::from_secs(30),
            scans: 32,
            patience: Duration::from_secs(20),
            connections: 1_000,
            metrics_listen: None,
        }
    }
}

impl Config {
    /// Reads the text of a `verdictd.toml`; `file` is its name as messages show it.
    ///
    /// # Errors
    /// All that is wrong, in the order of the lines.
    pub fn parse(file: &str, text: &str) -> Result<Config, Errors> {
        read::config(file, text)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Empty where the text is no TOML.
    pub key: String,
    /// What was found, and what was expected.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// Everything that is wrong with a file, a line for each; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(pub Vec<Problem>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Errors {}
