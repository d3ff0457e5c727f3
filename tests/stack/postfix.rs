//! Postfix beside another mail server: Debian's package unpacked and not installed, run in namespaces of its own.
//!
//! `./x test` unpacks it into `target/postfix`. Its user and groups exist in its mount namespace only, so nothing of it is left.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::claim::Port;
use crate::home::Home;
use crate::process::Server;
use crate::sink::Sink;
use crate::{Failure, Result, smtp, template, wait};

/// What `docs/postfix.md` quotes, in sections.
pub const GUIDE: &str = include_str!("conf/postfix-guide.cf");

/// Whom it talks to.
#[derive(Debug, Default)]
pub struct Peers {
    /// Filters, e.g. `inet:127.0.0.1:8026`.
    pub milters: Vec<String>,
    /// Of the server that takes all that leaves it.
    pub outside: u16,
    /// listd, where there is one.
    pub lists: Option<Lists>,
    /// How long a filter may take for a verdict, and for each sign of progress before it. `None`: Postfix's own 300 s.
    pub content_timeout: Option<&'static str>,
}

/// The guide's part about lists.
#[derive(Debug)]
pub struct Lists {
    pub lmtp: u16,
    /// The local parts of lists, as a regular expression.
    pub names: String,
}

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    pub server: Server,
    smtp: Port,
    relay: Port,
    home: PathBuf,
    log: PathBuf,
}

/// Short, so that a story can be slower.
pub const CONTENT_TIMEOUT: &str = "3s";

impl Postfix {
    pub fn start(dir: &Path, peers: &Peers) -> Result<Postfix> {
        let unpacked = unpacked()?;
        let (smtp, relay) = (Port::claim()?, Port::claim()?);
        let home = dir.join("postfix");
        for folder in ["etc", "spool/pid", "data"] {
            std::fs::create_dir_all(home.join(folder))?;
        }
        let log = dir.join("log/postfix-maillog");
        configure(&home, &log, &unpacked, peers, [smtp.number(), relay.number()])?;
        let line = start_line(&home, &unpacked);
        let mut server = Server::start_contained("postfix", &dir.join("log"), &line)?;
        server.ready(|| {
            smtp::Client::open(smtp.address(), &smtp::As::Local)?.quit();
            Ok(())
        })?;
        Ok(Postfix { server, smtp, relay, home, log })
    }

    /// Where mail comes in.
    pub fn smtp(&self) -> SocketAddr {
        self.smtp.address()
    }

    /// Where listd gives its copies; nothing listens there without lists.
    pub fn relay(&self) -> SocketAddr {
        self.relay.address()
    }

    /// How many mails are held: quarantined by a filter.
    pub fn held(&self) -> usize {
        std::fs::read_dir(self.home.join("spool/hold")).map(Iterator::count).unwrap_or(0)
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the log has `text`.
    pub fn wait_log(&self, text: &str) -> Result<()> {
        wait::until_true(&format!("{text:?} in Postfix's log"), wait::MAIL, || {
            self.log().contains(text)
        })
        .map_err(|Failure(why)| Failure(format!("{why}\n{}", self.log())))
    }
}

/// Where the package was unpacked.
fn unpacked() -> Result<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/postfix");
    let found = dir.canonicalize().ok().filter(|dir| dir.join("usr/lib/postfix/sbin").is_dir());
    found.ok_or_else(|| {
        Failure(format!("there is no Postfix in {}; ./x test unpacks it", dir.display()))
    })
}

fn configure(
    home: &Path,
    log: &Path,
    unpacked: &Path,
    peers: &Peers,
    ports: [u16; 2],
) -> Result<()> {
    let [smtp, relay] = ports.map(|port| port.to_string());
    let [dir, log, unpacked] = [home, log, unpacked].map(Path::to_string_lossy);
    let part = |title| template::section(GUIDE, title);
    let mut main = part("Verdicts: main.cf")?.to_owned();
    let mut master = String::new();
    let (mut lmtp, mut names) = (String::new(), String::new());
    if let Some(lists) = &peers.lists {
        main.push_str(part("Lists: main.cf")?);
        master.push_str(part("Lists: master.cf")?);
        (lmtp, names) = (lists.lmtp.to_string(), lists.names.clone());
    }
    let outside = peers.outside.to_string();
    let milters = peers.milters.join(", ");
    let values = [
        ("GUIDE", main.as_str()),
        ("DIR", &dir),
        ("LOG", &log),
        ("UNPACKED", &unpacked),
        ("OUTSIDE_PORT", &outside),
        ("CONTENT_TIMEOUT", peers.content_timeout.unwrap_or("300s")),
        ("MILTERS", &milters),
        ("SMTP_PORT", &smtp),
        ("RELAY_PORT", &relay),
        ("LMTP_PORT", &lmtp),
        ("LISTS", &names),
    ];
    let etc = home.join("etc");
    let main = template::fill(include_str!("conf/postfix-main.cf"), &values)?;
    std::fs::write(etc.join("main.cf"), main)?;
    let master_values = [&[("GUIDE", master.as_str())], values.get(1..).unwrap_or_default()];
    let master = template::fill(include_str!("conf/postfix-master.cf"), &master_values.concat())?;
    std::fs::write(etc.join("master.cf"), master)?;
    for (file, title) in [
        ("lists", "Lists: /etc/postfix/lists"),
        ("lists_verify", "Lists: /etc/postfix/lists_verify"),
    ] {
        std::fs::write(etc.join(file), template::fill(part(title)?, &values)?)?;
    }
    with_users(home)
}

/// The system's users and groups with Postfix's own.
fn with_users(home: &Path) -> Result<()> {
    let add = |file: &str, lines: &str| -> Result<()> {
        let known = std::fs::read_to_string(Path::new("/etc").join(file))?;
        Ok(std::fs::write(home.join(file), format!("{known}{lines}"))?)
    };
    add("passwd", "postfix:x:64399:64399::/nonexistent:/usr/sbin/nologin\n")?;
    add("group", "postfix:x:64399:\npostdrop:x:64398:\n")
}

fn start_line(home: &Path, unpacked: &Path) -> String {
    let (home, unpacked) = (home.display(), unpacked.display());
    let queues = "active bounce corrupt defer deferred flush hold incoming private saved trace";
    format!(
        "mount --bind {home}/passwd /etc/passwd && mount --bind {home}/group /etc/group && cd {home}/spool && \
         mkdir {queues} public maildrop && chown postfix {queues} {home}/data && chmod 700 {queues} && \
         chown postfix:postdrop public maildrop && chmod 710 public && chmod 1730 maildrop && \
         LD_LIBRARY_PATH={unpacked}/usr/lib/postfix {unpacked}/usr/lib/postfix/sbin/master -c {home}/etc -d"
    )
}

/// A Postfix with filters and nothing else: all that gets through it ends in the sink.
pub struct Alone {
    pub postfix: Postfix,
    pub sink: Sink,
    _home: Home,
}

impl Alone {
    /// `milters`: e.g. `inet:127.0.0.1:8026`.
    pub fn start(milters: &[String]) -> Result<Alone> {
        Alone::patient(milters, None)
    }

    /// The same with another `milter_content_timeout` than Postfix's own.
    pub fn patient(milters: &[String], content_timeout: Option<&'static str>) -> Result<Alone> {
        let home = Home::make()?;
        let sink = Sink::start()?;
        let outside = sink.address().port();
        let peers = Peers { milters: milters.to_vec(), outside, lists: None, content_timeout };
        let postfix = Postfix::start(home.dir(), &peers)?;
        Ok(Alone { postfix, sink, _home: home })
    }
}
