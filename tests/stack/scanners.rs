//! rspamd and clamd alone, as one guard, for what needs no school around them.

use std::path::Path;

use crate::Result;
use crate::clamd::Clamd;
use crate::home::Home;
use crate::rspamd::Rspamd;
use crate::verdictd::{Settings, Verdictd};

/// Both, running.
#[derive(Debug)]
pub struct Scanners {
    pub rspamd: Rspamd,
    pub clamd: Clamd,
    home: Home,
}

impl Scanners {
    pub fn start() -> Result<Scanners> {
        let home = Home::make()?;
        let clamd = Clamd::start(home.dir())?;
        let rspamd = Rspamd::start(home.dir())?;
        Ok(Scanners { rspamd, clamd, home })
    }

    /// A verdictd that asks both.
    pub fn verdictd(&self, more: &str) -> Result<Verdictd> {
        Verdictd::start(self.dir(), &self.settings(more))
    }

    /// Its settings with further lines.
    pub fn settings(&self, more: &str) -> Settings {
        Settings {
            rspamd: self.rspamd.url(),
            clamd: format!("unix:{}", self.clamd.socket().display()),
            more: more.to_owned(),
        }
    }

    /// Their temp dir.
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }
}
