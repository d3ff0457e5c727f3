//! The real stack for tests and for `./x run`: unbound, slapd, Exim, Dovecot, Postfix, rspamd, clamd and ours in a temp dir on loopback.
//!
//! Not the stories that are told on it (`tests/tNN_*.rs`). Every wait is bounded, ready means that a real question was
//! answered, and whatever happens nothing is left running. It needs root: Exim's `/etc/resolv.conf` is replaced in a mount
//! namespace, and every server lives in a PID namespace of its own that dies with the guard.

pub mod answerers;
pub mod claim;
pub mod clamav_milter;
pub mod clamd;
pub mod crowd;
pub mod dkim;
pub mod dns;
pub mod dovecot;
pub mod exim;
pub mod home;
pub mod http;
pub mod imap;
pub mod ldap;
pub mod listd;
pub mod load;
pub mod mail;
pub mod milter;
pub mod postfix;
pub mod privacy;
pub mod process;
pub mod rspamd;
pub mod scanners;
pub mod school;
pub mod sink;
pub mod smtp;
pub mod talks;
pub mod template;
pub mod town;
pub mod verdictd;
pub mod wait;
pub mod watch;

mod stack;

use std::process::ExitCode;

pub use stack::{Solo, Stack, StackBuilder, Verdicts};

/// Why a stack or a story step failed: what was tried, with what result. For a person to read.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    pub fn new(what: impl Into<String>) -> Failure {
        Failure(what.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure(error.to_string())
    }
}

pub type Result<T> = std::result::Result<T, Failure>;

/// How a program of ours ends; what failed is told.
pub fn exit_code(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("failed: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Adds what was being done to an error.
pub trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: std::fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure(format!("{}: {error}", what())))
    }
}
