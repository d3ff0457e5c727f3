//! rspamd and clamd as one guard: alone, for what needs no school around them, or beside a school.

use std::path::{Path, PathBuf};

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
    dir: PathBuf,
    /// Where they are alone.
    _home: Option<Home>,
}

impl Scanners {
    pub fn start() -> Result<Scanners> {
        let home = Home::make()?;
        let mut scanners = Scanners::beside(home.dir())?;
        scanners._home = Some(home);
        Ok(scanners)
    }

    /// In the temp dir of somebody else.
    pub fn beside(dir: &Path) -> Result<Scanners> {
        let clamd = Clamd::start(dir)?;
        let rspamd = Rspamd::start(dir)?;
        Ok(Scanners { rspamd, clamd, dir: dir.to_owned(), _home: None })
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
        &self.dir
    }
}
