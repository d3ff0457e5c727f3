//! `verdictd` itself, as a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::claim::Port;
use crate::listd::program;
use crate::milter::Client;
use crate::process::{Server, memory};
use crate::{Doing, Failure, Result, http, template};

/// What a story sets differently.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `http://...`; empty: not asked.
    pub rspamd: String,
    /// `unix:...` or `address:port`; empty: not asked.
    pub clamd: String,
    /// Further lines.
    pub more: String,
}

/// A verdictd, running or not.
#[derive(Debug)]
pub struct Verdictd {
    server: Option<Server>,
    milter: Port,
    metrics: Port,
    dir: PathBuf,
}

impl Verdictd {
    /// Writes the configuration; starts nothing.
    pub fn prepare(dir: &Path, settings: &Settings) -> Result<Verdictd> {
        let (milter, metrics) = (Port::claim()?, Port::claim()?);
        let verdictd = Verdictd { server: None, milter, metrics, dir: dir.to_owned() };
        std::fs::create_dir_all(verdictd.home())?;
        verdictd.configure(settings)?;
        Ok(verdictd)
    }

    pub fn start(dir: &Path, settings: &Settings) -> Result<Verdictd> {
        let mut verdictd = Verdictd::prepare(dir, settings)?;
        verdictd.run()?;
        Ok(verdictd)
    }

    /// Writes the configuration anew; it counts from the next start or reload.
    pub fn configure(&self, settings: &Settings) -> Result<()> {
        let line = |key: &str, value: &str| match value {
            "" => String::new(),
            value => format!("{key} = \"{value}\"\n"),
        };
        let scanners = line("rspamd", &settings.rspamd) + &line("clamd", &settings.clamd);
        let values = [
            ("DIR", self.home().to_string_lossy().into_owned()),
            ("PORT", self.milter.number().to_string()),
            ("METRICS_PORT", self.metrics.number().to_string()),
            ("SCANNERS", scanners),
            ("MORE", settings.more.clone()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let text = template::fill(include_str!("conf/verdictd.toml"), &values)?;
        std::fs::write(self.config(), text).doing(|| "write verdictd.toml".to_owned())
    }

    /// Starts it and waits until it agrees on a protocol on both sockets.
    pub fn run(&mut self) -> Result<()> {
        let (program, config) = (program("verdictd")?, self.config());
        let argv = [program.to_string_lossy(), "--config".into(), config.to_string_lossy()];
        let argv: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
        let mut server = Server::start("verdictd", &self.dir.join("log"), &argv)?;
        let (milter, socket) = (self.milter(), self.socket());
        server.ready(|| {
            Client::connect(milter)?.quit();
            Client::connect_unix(&socket)?.quit();
            Ok(())
        })?;
        self.server = Some(server);
        Ok(())
    }

    pub fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            server.signal(name);
        }
    }

    /// SIGTERM and its end.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let server = self.server.as_mut().ok_or_else(|| Failure::new("verdictd does not run"))?;
        let status = server.stop()?;
        self.server = None;
        Ok(status)
    }

    pub fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(Server::is_running)
    }

    /// A line of `/proc/PID/status` in MB, e.g. `VmHWM`, the most so far.
    pub fn memory(&self, what: &str) -> Option<f64> {
        memory(self.server.as_ref()?.pid(), what)
    }

    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    pub fn milter(&self) -> SocketAddr {
        self.milter.address()
    }

    pub fn socket(&self) -> PathBuf {
        self.home().join("milter.sock")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.join("verdictd")
    }

    pub fn config(&self) -> PathBuf {
        self.home().join("verdictd.toml")
    }

    /// Status and body of a path on `metrics_listen`.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        http::get(self.metrics.address(), path)
    }

    /// A figure, e.g. `verdictd_messages_total{verdict="clean"}`; 0 where it is not there.
    pub fn figure(&self, name: &str) -> Result<f64> {
        let (_, text) = self.get("/metrics")?;
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.and_then(|value| value.parse().ok()).unwrap_or(0.0))
    }

    /// What it logged, since its first start.
    pub fn output(&self) -> String {
        std::fs::read(self.dir.join("log/verdictd.out"))
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// Its lines with one mail each, the last of them.
    pub fn last_line(&self) -> String {
        let output = self.output();
        let line = output.lines().rev().find(|l| l.contains(" scanned "));
        line.unwrap_or_default().to_owned()
    }
}
