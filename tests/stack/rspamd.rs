//! rspamd on loopback ports, without a network: GTUBE, and an action for each word of `conf/rspamd-rules.lua`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::claim::Port;
use crate::process::{Server, run};
use crate::{Doing, Failure, Result, template, wait};

/// The line that rspamd rejects (15 points). RFC 5322 letters around it do not matter.
pub const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

/// Of the controller.
pub const PASSWORD: &str = "rspamd-geheim";

/// With which it learns: one lesson is enough to be counted.
const CLASSIFIER: &str = r#"classifier "bayes" {
  tokenizer { name = "osb"; }
  backend = "sqlite3";
  min_tokens = 1; min_learns = 1;
  statfile { symbol = "BAYES_HAM"; path = "@@DIR@@/ham.sqlite"; spam = false; }
  statfile { symbol = "BAYES_SPAM"; path = "@@DIR@@/spam.sqlite"; spam = true; }
}"#;

/// What it takes for ends of domain names.
const SUFFIXES: &str = "example\ncom\nde\norg\nnet\n";

/// Longer than for others: it forks workers and compiles rules.
const START: Duration = Duration::from_secs(60);

/// A running rspamd.
#[derive(Debug)]
pub struct Rspamd {
    /// `None` while it is stopped.
    pub server: Option<Server>,
    scan: Port,
    control: Port,
    milter: Port,
    dir: PathBuf,
}

impl Rspamd {
    pub fn start(dir: &Path) -> Result<Rspamd> {
        Rspamd::begin(dir, None, false)
    }

    /// With a milter that asks somebody else.
    pub fn in_front_of(dir: &Path, upstream: Option<SocketAddr>) -> Result<Rspamd> {
        Rspamd::begin(dir, upstream, false)
    }

    /// With a classifier, and a controller that insists on its password.
    pub fn learning(dir: &Path) -> Result<Rspamd> {
        Rspamd::begin(dir, None, true)
    }

    fn begin(dir: &Path, upstream: Option<SocketAddr>, learns: bool) -> Result<Rspamd> {
        let (scan, control, milter) = (Port::claim()?, Port::claim()?, Port::claim()?);
        let home = dir.join("rspamd");
        std::fs::create_dir_all(&home)?;
        let ports = [scan.number(), control.number(), milter.number()].map(|n| n.to_string());
        let values = [
            ("DIR", home.to_string_lossy().into_owned()),
            ("SCAN_PORT", ports[0].clone()),
            ("CONTROL_PORT", ports[1].clone()),
            ("MILTER_PORT", ports[2].clone()),
            ("PASSWORD", PASSWORD.to_owned()),
            ("UPSTREAM", upstream.unwrap_or(scan.address()).to_string()),
            ("SECURE", if learns { "" } else { "secure_ip = \"127.0.0.1\";" }.to_owned()),
            (
                "CLASSIFIER",
                if learns {
                    CLASSIFIER.replace("@@DIR@@", &home.to_string_lossy())
                } else {
                    String::new()
                },
            ),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let conf = template::fill(include_str!("conf/rspamd.conf"), &values)?;
        std::fs::write(home.join("rspamd.conf"), conf)?;
        std::fs::write(home.join("rules.lua"), include_str!("conf/rspamd-rules.lua"))?;
        std::fs::write(home.join("suffixes"), SUFFIXES)?;
        run(&["chown", "-R", "_rspamd:_rspamd", &home.to_string_lossy()], b"", wait::START)?;
        let mut rspamd = Rspamd { server: None, scan, control, milter, dir: dir.to_owned() };
        rspamd.restart()?;
        Ok(rspamd)
    }

    /// Starts it (again) on its ports, and waits until it tells spam from ham.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        let conf = self.dir.join("rspamd/rspamd.conf");
        let line = format!("rspamd -f -u _rspamd -g _rspamd -c {}", conf.display());
        let mut server = Server::start_contained("rspamd", &self.dir.join("log"), &line)?;
        let (scan, milter) = (self.scan(), self.milter());
        let probe = || {
            let answer = check(scan, &format!("Subject: probe\r\n\r\n{GTUBE}\r\n"))?;
            if !answer.contains("\"action\":\"reject\"") {
                return Err(Failure(format!("GTUBE is no spam to it: {answer}")));
            }
            TcpStream::connect(milter).map(drop).doing(|| format!("connect to {milter}"))
        };
        server.ready_within(START, probe)?;
        self.server = Some(server);
        Ok(())
    }

    /// `kill -9` with all its workers, which end a moment after it.
    pub fn stop(&mut self) {
        self.server = None;
        let gone = || TcpStream::connect(self.scan()).is_err();
        // One that stays is met by the next start.
        let _ = wait::until_true("rspamd's workers to end", wait::START, gone);
    }

    /// Sends a signal to it and all its workers, e.g. `STOP` and `CONT`.
    pub fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            server.signal_all(name);
        }
    }

    /// Where `/checkv2` is asked.
    pub fn scan(&self) -> SocketAddr {
        self.scan.address()
    }

    /// Where `/learnspam` is asked.
    pub fn control(&self) -> SocketAddr {
        self.control.address()
    }

    /// How many lessons its classifier had.
    pub fn learned(&self) -> Result<u64> {
        let head = format!("GET /stat HTTP/1.1\r\nHost: localhost\r\nPassword: {PASSWORD}\r\n\r\n");
        let answer = ask(self.control(), head.as_bytes())?;
        let rest = answer.split_once("\"learned\":").map(|(_, rest)| rest);
        let number: String =
            rest.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        number.parse().map_err(|_| Failure(format!("no number of lessons in {answer}")))
    }

    /// Its own milter.
    pub fn milter(&self) -> SocketAddr {
        self.milter.address()
    }

    /// The process ids of its milter's workers.
    pub fn milter_pids(&self) -> Vec<u32> {
        let title = format!("rspamd: rspamd_proxy process ({})", self.milter());
        let is_it = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).starts_with(&title)
        };
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = folders.filter_map(|e| e.file_name().to_string_lossy().parse().ok());
        pids.filter(is_it).collect()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.scan())
    }
}

/// Asks about a mail by hand: the whole HTTP answer.
fn check(server: SocketAddr, mail: &str) -> Result<String> {
    let head = "POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nContent-Length";
    ask(server, format!("{head}: {}\r\n\r\n{mail}", mail.len()).as_bytes())
}

fn ask(server: SocketAddr, question: &[u8]) -> Result<String> {
    let limit = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(question)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
