//! All servers of a school together, as one guard.

use std::path::{Path, PathBuf};

use crate::dns::Dns;
use crate::dovecot::Dovecot;
use crate::exim::{Exim, GUIDE, PROMPT, Peers};
use crate::home::Home;
use crate::ldap::Ldap;
use crate::listd::{Listd, Ports, Settings};
use crate::scanners::Scanners;
use crate::sink::Sink;
use crate::smtp::{As, Reply, send};
use crate::verdictd::Verdictd;
use crate::watch::Watch;
use crate::{Result, dkim, school};

/// What differs from the plain school. Every field has a sensible default.
#[derive(Debug, Default)]
pub struct StackBuilder {
    ldif: String,
    tls: bool,
    settings: Settings,
    domains: Vec<String>,
    relay_is_sink: bool,
    without_listd: bool,
    doors: Option<(u16, u16)>,
    queue_as_in_the_guide: bool,
    scanned: bool,
    follows_relay_log: bool,
    unwatched: bool,
}

/// A running school. Dropped, nothing of it is left.
pub struct Stack {
    /// Judges what everybody saw, before the servers go.
    watch: Option<Watch>,
    // Dropped in this order: who talks first ends first.
    pub listd: Listd,
    /// Where it is [`StackBuilder::scanned`].
    pub verdicts: Option<Verdicts>,
    pub exim: Exim,
    pub dovecot: Dovecot,
    pub ldap: Ldap,
    pub dns: Dns,
    /// Everybody outside the school and `post.example`; or listd's relay.
    pub sink: Sink,
    settings: Settings,
    home: Home,
}

/// verdictd, and whom it asks.
#[derive(Debug)]
pub struct Verdicts {
    pub verdictd: Verdictd,
    pub scanners: Scanners,
}

impl Stack {
    /// The whole school.
    pub fn start() -> Result<Stack> {
        Stack::builder().start()
    }

    pub fn builder() -> StackBuilder {
        StackBuilder::default()
    }

    /// A mail of somebody at `post.example` as his provider sends it to the school: signed, from the right machine.
    pub fn post(&self, from: &str, to: &[&str], letter: &[u8]) -> Result<Reply> {
        send(
            self.exim.mx(),
            &As::Outside(school::PROVIDER_IP),
            from,
            to,
            &dkim::sign_as_provider(letter)?,
        )
    }

    /// Every address that somebody saw so far and should not have (promise 7); asked at the end of each story anyway.
    pub fn leaks(&self) -> Vec<String> {
        self.watch.as_ref().map(Watch::leaks).unwrap_or_default()
    }

    /// Its temp dir.
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }

    /// listd's settings, to change and give to [`Listd::configure`].
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }
}

impl StackBuilder {
    /// Further LDIF entries in the directory.
    pub fn ldif(mut self, text: &str) -> Self {
        self.ldif.push_str(text);
        self
    }

    /// slapd offers StartTLS.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Changes listd's configuration.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Exim hands this domain to listd too.
    pub fn domain(mut self, name: &str) -> Self {
        self.domains.push(name.to_owned());
        self
    }

    /// listd gives its copies to the sink and not to Exim.
    pub fn relay_is_sink(mut self) -> Self {
        self.relay_is_sink = true;
        self
    }

    /// listd is prepared and not started.
    pub fn without_listd(mut self) -> Self {
        self.without_listd = true;
        self
    }

    /// Exim finds something else where listd would be: on these LMTP and SMTP ports.
    pub fn instead_of_listd(mut self, lmtp: u16, smtp: u16) -> Self {
        self.doors = Some((lmtp, smtp));
        self.without_listd()
    }

    /// Exim runs its queue as often as the guide says, and not every second.
    pub fn queue_as_in_the_guide(mut self) -> Self {
        self.queue_as_in_the_guide = true;
        self
    }

    /// With rspamd, clamd, a verdictd that asks both, and a listd that asks verdictd.
    pub fn scanned(mut self) -> Self {
        self.scanned = true;
        self
    }

    /// listd reads Exim's main log.
    pub fn follows_relay_log(mut self) -> Self {
        self.follows_relay_log = true;
        self
    }

    /// Nobody judges what people saw: where mail comes in that no client of ours sent.
    pub fn unwatched(mut self) -> Self {
        self.unwatched = true;
        self
    }

    pub fn start(self) -> Result<Stack> {
        let home = Home::make()?;
        let dir = home.dir().to_owned();
        let verdicts = if self.scanned { Some(verdicts(&dir)?) } else { None };
        let dns = Dns::start(&dir)?;
        let sink = Sink::start()?;
        let ldap = Ldap::start(&dir, &self.ldif, self.tls)?;
        let dovecot = Dovecot::start(&dir, &ldap.url())?;
        let ports = Ports::claim()?;
        let (listd_lmtp, listd_smtp) =
            self.doors.unwrap_or((ports.lmtp.number(), ports.smtp.number()));
        let mut domains = vec!["schule.example".to_owned()];
        domains.extend(self.domains);
        let exim = Exim::start(
            &dir,
            &Peers {
                ldap_port: ldap.port(),
                dovecot_lmtp: dovecot.lmtp().port(),
                outside: sink.address().port(),
                listd_lmtp,
                listd_smtp,
                list_domains: domains.join(" : "),
                resolv_conf: dns.resolv_conf(),
                queue_interval: if self.queue_as_in_the_guide { GUIDE } else { PROMPT },
            },
        )?;
        let mut settings = self.settings;
        if let Some(Verdicts { verdictd, .. }) = &verdicts {
            let socket = verdictd.socket();
            settings.more += &format!("\n[verdict]\nmilter = \"unix:{}\"\n", socket.display());
        }
        if self.follows_relay_log {
            settings.relay_more = format!("log = \"{}\"", exim.log_file().display());
        }
        let relay = if self.relay_is_sink { sink.address() } else { exim.relay() };
        for (value, default) in [
            (&mut settings.relay, relay.to_string()),
            (&mut settings.ldap_url, ldap.url()),
            (&mut settings.dns, dns.address().to_string()),
        ] {
            if value.is_empty() {
                *value = default;
            }
        }
        let mut listd = Listd::prepare(&dir, ports, &settings)?;
        let doors = [exim.mx(), exim.submission(), exim.relay()].map(|door| door.port());
        let watch = (!self.unwatched).then(|| Watch::begin(&dir, &doors, sink.taken()));
        if !self.without_listd {
            listd.start()?;
        }
        Ok(Stack { watch, listd, verdicts, exim, dovecot, ldap, dns, sink, settings, home })
    }
}

fn verdicts(dir: &Path) -> Result<Verdicts> {
    let scanners = Scanners::beside(dir)?;
    let verdictd = scanners.verdictd("")?;
    Ok(Verdicts { verdictd, scanners })
}

/// listd almost alone, with an LDIF file for a directory and the sink for a relay: for the bench and the kill test.
pub struct Solo {
    /// The first to go, as in [`Stack`].
    watch: Option<Watch>,
    pub listd: Listd,
    /// Where it is [`Solo::on_slapd`].
    pub ldap: Option<Ldap>,
    pub sink: Sink,
    settings: Settings,
    _dns: Dns,
    home: Home,
}

impl Solo {
    /// Prepares both; listd is not started yet.
    pub fn prepare(ldif: &str, change: impl FnOnce(&mut Settings)) -> Result<Solo> {
        let home = Home::make()?;
        let sink = Sink::start()?;
        // An author's domain is looked up, also where nothing depends on it.
        let dns = Dns::start(home.dir())?;
        let file = home.dir().join("crowd.ldif");
        std::fs::write(&file, ldif)?;
        let mut settings = Settings {
            relay: sink.address().to_string(),
            ldap_url: format!("file:{}", file.display()),
            dns: dns.address().to_string(),
            unverified: "accept".to_owned(),
            ..Settings::default()
        };
        change(&mut settings);
        let listd = Listd::prepare(home.dir(), Ports::claim()?, &settings)?;
        Ok(Solo { watch: None, listd, ldap: None, sink, settings, _dns: dns, home })
    }

    /// Is judged at its end as a [`Stack`] is; of thousands of mails a sample.
    pub fn watched(mut self) -> Solo {
        let doors = [self.listd.lmtp().port(), self.listd.smtp().port()];
        self.watch = Some(Watch::begin(self.home.dir(), &doors, self.sink.taken()));
        self
    }

    /// Clients hand in mail at this port too, e.g. that of an MTA before it.
    pub fn watch_also(&mut self, port: u16) {
        if let Some(watch) = &mut self.watch {
            watch.also(port);
        }
    }

    /// The same with a real slapd that has these schemas (in their order) and entries.
    pub fn on_slapd(
        schemas: &[PathBuf],
        ldif: &str,
        change: impl FnOnce(&mut Settings),
    ) -> Result<Solo> {
        Solo::on(change, |dir| Ldap::with(dir, schemas, ldif))
    }

    /// The same with a large tree under the sample school's schema.
    pub fn on_large_slapd(ldif: &str) -> Result<Solo> {
        Solo::on(|_| (), |dir| Ldap::large(dir, ldif))
    }

    fn on(
        change: impl FnOnce(&mut Settings),
        server: impl FnOnce(&Path) -> Result<Ldap>,
    ) -> Result<Solo> {
        let mut solo = Solo::prepare("", change)?;
        let ldap = server(solo.home.dir())?;
        solo.settings.ldap_url = ldap.url();
        solo.listd.configure(&solo.settings)?;
        solo.ldap = Some(ldap);
        Ok(solo)
    }

    /// listd's settings, to change and give to [`Listd::configure`].
    pub fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Its temp dir.
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }
}
