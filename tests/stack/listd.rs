//! `listd` itself, as a process, and `listctl` to ask it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::claim::Port;
use crate::process::{Server, WriteLock, memory, pss, run};
use crate::{Doing, Failure, Result, school, smtp, template, wait};

/// Moves the clock of a process; `$LIB` is the machine's own folder for libraries.
pub(crate) const FAKETIME: &str = "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1";

const COMMAND: Duration = Duration::from_secs(30);

/// What a story sets differently from `conf/listd.toml`.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where the copies go.
    pub relay: String,
    /// Further lines in `[relay]`.
    pub relay_more: String,
    /// Of the directory server, or `file:...`.
    pub ldap_url: String,
    /// `host:port` of the resolver.
    pub dns: String,
    /// Further lines in `[directory]`.
    pub directory: String,
    /// What happens to a mail whose author is not verified; `reject` when empty.
    pub unverified: String,
    /// Further lines in `[list]`.
    pub list: String,
    /// Further lines in `[[domain]]`.
    pub domain: String,
    /// Further tables at the end, e.g. a second domain.
    pub more: String,
}

/// Stories write faster and to more people than anybody does: what `[list]` limits is off but for the keys that a
/// story sets itself.
fn without_limits(list: &str) -> String {
    let limits = ["max_lists", "max_recipients", "max_outside", "posts_per_hour", "storm_replies"];
    let off = limits.into_iter().filter(|key| !list.contains(key));
    off.map(|key| format!("{key} = 0\n")).collect::<String>() + list
}

/// The ports of listd, claimed before Exim's configuration names them.
#[derive(Debug)]
pub struct Ports {
    pub lmtp: Port,
    pub smtp: Port,
}

impl Ports {
    pub fn claim() -> Result<Ports> {
        Ok(Ports { lmtp: Port::claim()?, smtp: Port::claim()? })
    }
}

/// A listd with its directory, running or not.
#[derive(Debug)]
pub struct Listd {
    server: Option<Server>,
    /// What time it is at the next start, where that is not the machine's.
    clock: Option<String>,
    ports: Ports,
    dir: PathBuf,
}

impl Listd {
    /// Writes the configuration, the keys and the password; starts nothing.
    pub fn prepare(dir: &Path, ports: Ports, settings: &Settings) -> Result<Listd> {
        let listd = Listd { server: None, clock: None, ports, dir: dir.to_owned() };
        let home = listd.home();
        std::fs::create_dir_all(&home)?;
        let keys = school::fixtures().join("keys");
        secret(&home.join("r2026.pem"), &std::fs::read(keys.join("school-rsa.pem"))?)?;
        secret(&home.join("e2026.pem"), &std::fs::read(keys.join("school-ed25519.pem"))?)?;
        secret(&home.join("ldap.password"), school::LISTD_PASSWORD.as_bytes())?;
        listd.configure(settings)?;
        Ok(listd)
    }

    /// Writes the configuration anew; it counts from the next start or reload.
    pub fn configure(&self, settings: &Settings) -> Result<()> {
        let home = self.home().to_string_lossy().into_owned();
        let (lmtp, smtp) =
            (self.ports.lmtp.number().to_string(), self.ports.smtp.number().to_string());
        let mut directory = settings.directory.clone();
        if settings.ldap_url.starts_with("ldap") {
            let bind = format!(
                "bind_dn = \"{}\"\nbind_password_file = \"{home}/ldap.password\"\n",
                school::LISTD_DN
            );
            directory.insert_str(0, &bind);
        }
        let unverified =
            if settings.unverified.is_empty() { "reject" } else { &settings.unverified };
        let list = without_limits(&settings.list);
        let values = [
            ("DIR", home.as_str()),
            ("UNVERIFIED", unverified),
            ("LMTP_PORT", &lmtp),
            ("SMTP_PORT", &smtp),
            ("RELAY", &settings.relay),
            ("RELAY_MORE", &settings.relay_more),
            ("LDAP_URL", &settings.ldap_url),
            ("BASE", school::BASE),
            ("DIRECTORY", &directory),
            ("LIST", &list),
            ("DOMAIN", &settings.domain),
            ("DNS", &settings.dns),
            ("DOMAIN", &settings.domain),
            ("MORE", &settings.more),
        ];
        let text = template::fill(include_str!("conf/listd.toml"), &values)?;
        std::fs::write(self.config(), text).doing(|| "write listd.toml".to_owned())
    }

    /// Starts it and waits until it answers LHLO and knows the school's lists.
    pub fn start(&mut self) -> Result<()> {
        self.start_knowing(school::CLASS_5B)
    }

    /// Starts it and waits until it takes mail for this list.
    pub fn start_knowing(&mut self, list: &str) -> Result<()> {
        self.start_without_directory()?;
        wait::until(&format!("listd to know {list}"), wait::START, || {
            let mut client = smtp::Client::connect(self.lmtp())?;
            client.hello("LHLO", "probe.example")?;
            client.say("MAIL FROM:<>")?.expect(250)?;
            client.say(&format!("RCPT TO:<{list}>"))?.expect(250)?;
            client.quit();
            Ok(Some(()))
        })
        .map_err(|Failure(why)| Failure(format!("{why}\n{}", self.output())))
    }

    /// Starts the process and waits for nothing.
    pub fn spawn(&mut self) -> Result<()> {
        let program = program("listd")?;
        let config = self.config();
        let (program, config) = (program.to_string_lossy(), config.to_string_lossy());
        let faked = self.clock.as_ref().map(|clock| format!("FAKETIME={clock}"));
        let mut argv: Vec<&str> = Vec::new();
        if let Some(faked) = &faked {
            argv.extend(["env", "TZ=UTC", FAKETIME, "FAKETIME_DONT_FAKE_MONOTONIC=1", faked]);
        }
        argv.extend([program.as_ref(), "--config", config.as_ref()]);
        self.server = Some(Server::start("listd", &self.dir.join("log"), &argv)?);
        Ok(())
    }

    /// Starts it and waits until it answers LHLO only: it may have no directory yet.
    pub fn start_without_directory(&mut self) -> Result<()> {
        self.spawn()?;
        self.answers()
    }

    /// Waits until a listd that was started answers on both ports.
    pub fn answers(&mut self) -> Result<()> {
        let (lmtp, smtp_port) = (self.lmtp(), self.smtp());
        let server = self.server.as_mut().ok_or_else(|| Failure::new("listd does not run"))?;
        server.ready(|| {
            let mut client = smtp::Client::connect(lmtp)?;
            client.hello("LHLO", "probe.example")?;
            client.quit();
            smtp::Client::open(smtp_port, &smtp::As::Local)?.quit();
            Ok(())
        })
    }

    /// At the next start it is this time (UTC, `2027-03-26 09:00:00`) for listd, and goes on from there.
    pub fn set_clock(&mut self, at: &str) {
        self.clock = Some(format!("@{at}"));
    }

    /// At the next start it is so many days later for listd than it is.
    pub fn set_days_ahead(&mut self, days: u32) {
        self.clock = Some(format!("+{days}d"));
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Sends a signal, e.g. `HUP`.
    pub fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            server.signal(name);
        }
    }

    /// SIGTERM and its end.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let server = self.server.as_mut().ok_or_else(|| Failure::new("listd does not run"))?;
        let status = server.stop()?;
        self.server = None;
        Ok(status)
    }

    /// Lets nobody write to its store until the result is dropped: what is not committed yet stays so.
    pub fn block_commits(&self) -> Result<WriteLock> {
        WriteLock::take(&self.home().join("listd.db"))
    }

    /// A number of `listctl --json status`, e.g. `/queue/recipients_waiting`.
    pub fn status(&self, pointer: &str) -> Result<u64> {
        let text = self.listctl(&["--json", "status"])?;
        let json: serde_json::Value = serde_json::from_str(&text).doing(|| "status".to_owned())?;
        let found = json.pointer(pointer).and_then(serde_json::Value::as_u64);
        found.ok_or_else(|| Failure(format!("no {pointer} in {text}")))
    }

    /// Waits until each recipient of each mail has an outcome that is committed: whoever is tried again after a crash, or
    /// after a connection that was cut, is none of those who have their copy (promise 2).
    pub fn settled(&self) -> Result<()> {
        wait::until("no mail to wait in listd", 2 * wait::MAIL, || {
            Ok((self.status("/queue/posts_waiting")? == 0).then_some(()))
        })
    }

    pub fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(Server::is_running)
    }

    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// A line of `/proc/PID/status` in MB, e.g. `VmRSS` (now) or `VmHWM` (the most so far).
    pub fn memory(&self, what: &str) -> Option<f64> {
        memory(self.pid()?, what)
    }

    /// Its proportional set size now (MB): shared pages count in part.
    pub fn pss(&self) -> Result<f64> {
        let pid = self.pid().ok_or_else(|| Failure::new("listd does not run"))?;
        pss(pid)
    }

    /// Processor time of all its threads since its start, in steps of 10 ms.
    pub fn cpu_seconds(&self) -> Result<f64> {
        const TICKS: f64 = 100.0; // USER_HZ, on every Linux
        let pid = self.pid().ok_or_else(|| Failure::new("listd does not run"))?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Fields 14 and 15; the second one, in brackets, may have spaces.
        let after = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
        let times = after.split(' ').skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
        Ok(times.sum::<f64>() / TICKS)
    }

    pub fn lmtp(&self) -> SocketAddr {
        self.ports.lmtp.address()
    }

    pub fn smtp(&self) -> SocketAddr {
        self.ports.smtp.address()
    }

    pub fn home(&self) -> PathBuf {
        self.dir.join("listd")
    }

    pub fn config(&self) -> PathBuf {
        self.home().join("listd.toml")
    }

    pub fn control(&self) -> PathBuf {
        self.home().join("control.sock")
    }

    /// What it logged, since its first start.
    pub fn output(&self) -> String {
        std::fs::read(self.dir.join("log/listd.out"))
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// Runs `listctl` on it: its stdout, or an error with all it said.
    pub fn listctl(&self, arguments: &[&str]) -> Result<String> {
        self.listctl_with(arguments, b"")
    }

    /// [`Listd::listctl`] with bytes on stdin.
    pub fn listctl_with(&self, arguments: &[&str], input: &[u8]) -> Result<String> {
        let program = program("listctl")?;
        let (program, socket) = (program.to_string_lossy(), self.control());
        let socket = socket.to_string_lossy();
        let mut argv = vec![program.as_ref(), "--socket", socket.as_ref()];
        argv.extend_from_slice(arguments);
        Ok(String::from_utf8_lossy(&run(&argv, input, COMMAND)?).into_owned())
    }
}

/// A file that only its owner reads.
fn secret(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).doing(|| format!("write {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(())
}

/// A binary of this workspace, from the build that this program belongs to.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).take(3).map(|dir| dir.join(name)).find(|p| p.is_file());
    found.ok_or_else(|| {
        Failure(format!("{name} is not built; run cargo build --workspace first (./x does)"))
    })
}
