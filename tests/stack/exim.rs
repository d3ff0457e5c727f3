//! The school's Exim: mail from outside, from its people and from listd.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::claim::Port;
use crate::process::{Server, run, run_any};
use crate::{Doing, Result, school, smtp, talks, template, wait};

const COMMAND: Duration = Duration::from_secs(30);
/// The configuration that `listctl exim-config` prints and `docs/exim.md` quotes.
pub const TEMPLATE: &str = include_str!("../../cli/src/exim.conf.tmpl");

/// Which servers Exim talks to.
#[derive(Debug)]
pub struct Peers {
    pub ldap_port: u16,
    pub dovecot_lmtp: u16,
    pub outside: u16,
    pub listd_lmtp: u16,
    pub listd_smtp: u16,
    /// The domains of the lists, e.g. `schule.example : kolleg.example`.
    pub list_domains: String,
    /// Text of a resolv.conf.
    pub resolv_conf: String,
    /// How often the queue is run, e.g. [`PROMPT`].
    pub queue_interval: &'static str,
}

/// So that no story waits.
pub const PROMPT: &str = "1s";
/// What the guide says.
pub const GUIDE: &str = "10s";

/// A running Exim.
#[derive(Debug)]
pub struct Exim {
    pub server: Server,
    mx: Port,
    submission: Port,
    relay: Port,
    dir: PathBuf,
    queue_interval: &'static str,
}

impl Exim {
    pub fn start(dir: &Path, peers: &Peers) -> Result<Exim> {
        let (mx, submission, relay) = (Port::claim()?, Port::claim()?, Port::claim()?);
        let home = dir.join("exim");
        std::fs::create_dir_all(home.join("spool"))?;
        std::fs::write(home.join("resolv.conf"), &peers.resolv_conf)?;
        let ports = [mx.number(), submission.number(), relay.number()];
        std::fs::write(home.join("exim.conf"), configuration(&home, peers, ports)?)?;
        let log = dir.join("log");
        run(
            &[
                "chown",
                "-R",
                "Debian-exim:Debian-exim",
                &home.join("spool").to_string_lossy(),
                &log.to_string_lossy(),
            ],
            b"",
            COMMAND,
        )?;
        let queue_interval = peers.queue_interval;
        let server = serve(dir, &home, ports, queue_interval)?;
        Ok(Exim { server, mx, submission, relay, dir: dir.to_owned(), queue_interval })
    }

    /// Where mail from outside comes in, with a PROXY line first.
    pub fn mx(&self) -> SocketAddr {
        self.mx.address()
    }

    /// Where the school's people send, with a login.
    pub fn submission(&self) -> SocketAddr {
        self.submission.address()
    }

    /// Where listd gives its copies.
    pub fn relay(&self) -> SocketAddr {
        self.relay.address()
    }

    /// `kill -9` with all its children.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again on its spool and ports.
    pub fn restart(&mut self) -> Result<()> {
        self.server.kill();
        let ports = [self.mx.number(), self.submission.number(), self.relay.number()];
        self.server = serve(&self.dir, &self.home(), ports, self.queue_interval)?;
        Ok(())
    }

    /// Starts it again with further lines in the main section, e.g. `check_spool_space = 900G`.
    pub fn restart_with(&mut self, lines: &str) -> Result<()> {
        self.restart_changed(|plain| format!("{lines}\n{plain}"))
    }

    /// Starts it again with a configuration made out of its own.
    pub fn restart_changed(&mut self, change: impl FnOnce(&str) -> String) -> Result<()> {
        let file = self.home().join("exim.conf");
        let plain = std::fs::read_to_string(&file)?;
        std::fs::write(&file, change(&plain))?;
        let done = self.restart();
        // For the next start; those that run have read theirs.
        std::fs::write(&file, plain)?;
        done
    }

    /// What `exim -bt` says about an address, whether or not it can be routed.
    pub fn route(&self, address: &str) -> Result<String> {
        let conf = self.home().join("exim.conf");
        let output =
            run_any(&["exim4", "-C", &conf.to_string_lossy(), "-bt", address], b"", COMMAND)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Hands a mail over on the command line, as a program on this host does, and waits for its delivery.
    pub fn sendmail(&self, from: &str, to: &str, mail: &[u8]) -> Result<()> {
        let conf = self.home().join("exim.conf");
        let argv = ["exim4", "-C", &conf.to_string_lossy(), "-i", "-odf", "-f", from, to];
        let said = [format!("MAIL FROM:<{from}>\r\nDATA\r\n").as_bytes(), mail].concat();
        talks::said(self.mx().port(), talks::number(), &said);
        run(&argv, mail, COMMAND).map(|_| ())
    }

    /// Its main log.
    pub fn log_file(&self) -> PathBuf {
        self.dir.join("log/exim-mainlog")
    }

    /// The main log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Waits until the main log has `text`.
    pub fn wait_log(&self, text: &str) -> Result<()> {
        wait::until_true(&format!("{text:?} in Exim's log"), wait::MAIL, || {
            self.log().contains(text)
        })
    }

    /// How many messages wait in its queue.
    pub fn queued(&self) -> usize {
        let conf = self.home().join("exim.conf");
        let argv = ["exim4", "-C", &conf.to_string_lossy(), "-bpc"];
        let out = run(&argv, b"", COMMAND).unwrap_or_default();
        String::from_utf8_lossy(&out).trim().parse().unwrap_or(0)
    }

    /// Waits until its queue is empty: what was taken is delivered, or is no more.
    pub fn wait_empty(&self, limit: Duration) -> Result<()> {
        wait::until_true("Exim's queue to be empty", limit, || self.queued() == 0)
    }

    fn home(&self) -> PathBuf {
        self.dir.join("exim")
    }
}

fn configuration(home: &Path, peers: &Peers, [mx, submission, relay]: [u16; 3]) -> Result<String> {
    let number = |n: u16| n.to_string();
    let ports = [relay, peers.listd_lmtp, peers.listd_smtp].map(number);
    let values = [
        ("DOMAINS", peers.list_domains.as_str()),
        ("HOSTNAME", "mx.schule.example"),
        ("RELAY_PORT", &ports[0]),
        ("LMTP_PORT", &ports[1]),
        ("SMTP_PORT", &ports[2]),
    ];
    let listd = template::fill(TEMPLATE, &values)?;
    let dir = home.to_string_lossy();
    let own = [mx, submission, peers.ldap_port, peers.dovecot_lmtp, peers.outside].map(number);
    let values = [
        ("LISTD_MAIN", template::section(&listd, "Main")?),
        ("LISTD_ACLS", template::section(&listd, "ACLs")?),
        // Its "begin" line stands before the school's own routers.
        (
            "LISTD_ROUTERS",
            template::section(&listd, "Routers")?.trim_start_matches("begin routers\n"),
        ),
        ("LISTD_TRANSPORTS", template::section(&listd, "Transports")?),
        ("DIR", &dir),
        ("BASE", school::BASE),
        ("RELAY_PORT", &ports[0]),
        ("MX_PORT", &own[0]),
        ("SUBMISSION_PORT", &own[1]),
        ("LDAP_PORT", &own[2]),
        ("DOVECOT_PORT", &own[3]),
        ("OUTSIDE_PORT", &own[4]),
    ];
    template::fill(include_str!("conf/exim.conf"), &values)
}

fn serve(dir: &Path, home: &Path, ports: [u16; 3], interval: &str) -> Result<Server> {
    let conf = home.join("exim.conf");
    run(&["exim4", "-C", &conf.to_string_lossy(), "-bV"], b"", COMMAND)
        .doing(|| "Exim's configuration".to_owned())?;
    // Exim and libspf2 read /etc/resolv.conf and nothing else.
    let line = format!(
        "mount --bind {}/resolv.conf /etc/resolv.conf && exim4 -C {} -bdf -q{interval}",
        home.display(),
        conf.display()
    );
    let mut server = Server::start_contained("exim", &dir.join("log"), &line)?;
    server.ready(|| {
        for (port, who) in [
            (ports[0], smtp::As::Outside(school::PROVIDER_IP)),
            (ports[1], smtp::As::Local),
            (ports[2], smtp::As::Local),
        ] {
            smtp::Client::open(SocketAddr::from(([127, 0, 0, 1], port)), &who)?.quit();
        }
        Ok(())
    })?;
    Ok(server)
}
