//! The configuration of `listd` as typed values: what the keys of `listd.toml` mean.
//!
//! Text in, values or errors out. Reading files is the daemon's; secrets stand here only as paths.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::Address;
use crate::bounce::complaint::Source;
use crate::digest::{Day, TimeOfDay};
use crate::list::Settings;
use crate::list::settings::Key;

mod build;
mod credential;
mod endpoint;
mod error;
pub mod keys;
mod later;
pub mod size;
mod source;
pub(crate) mod syntax;
#[cfg(test)]
mod tests;
mod value;

pub use credential::NoCredentials;
pub use error::{ConfigError, ConfigErrors};

/// Longest configuration that is read (octets).
pub const MAX_TEXT: usize = 1_000_000;

impl Config {
    /// What is well-formed and not as it should be; a sentence each, for the log and `listctl config check`.
    pub fn advice(&self) -> Vec<String> {
        let lacks = |domain: &&Domain| self.web.is_some() && domain.imprint_url.is_none();
        let say = |domain: &Domain| {
            format!(
                "the pages and letters of {} lead to no imprint, which a school in Germany must have: set \
                 domain.imprint_url (and privacy_url, help_url)",
                domain.name
            )
        };
        self.domains.iter().filter(lacks).map(say).collect()
    }

    /// Reads the text of a `listd.toml`.
    ///
    /// `file` is its name as messages show it; a relative `file:` URL of the directory starts at its folder.
    /// On failure every error found, each with line and key (`docs/configuration.md` says what each expects).
    pub fn parse(file: &str, text: &str) -> Result<Config, ConfigErrors> {
        let mut errors = source::Errors::new(file, text);
        if text.len() > MAX_TEXT {
            errors.add(0, "", format!("found {} octets, expected at most {MAX_TEXT}", text.len()));
            return Err(errors.into_errors());
        }
        let Some(source) = source::take_apart(text, &mut errors) else {
            return Err(errors.into_errors());
        };
        let config = build::config(file, &source, &mut errors);
        if errors.is_empty() { Ok(config) } else { Err(errors.into_errors()) }
    }
}

/// A whole, validated `listd.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Our name in `Received`, greetings and Message-IDs; `lists.` and the first domain where none is set.
    pub hostname: String,
    pub store: StoreUrl,
    pub secret_file: PathBuf,
    /// Lower-case.
    pub trusted_authserv_id: Vec<String>,
    pub lmtp: Lmtp,
    pub relay: Relay,
    /// Providers whose complaints are believed where they are proved to be theirs.
    pub complaints_from: Vec<Source>,
    pub directory: Directory,
    pub verdict: Option<Verdict>,
    /// Defaults for every list; a domain's own are in [`Domain::list`].
    pub list: Settings,
    pub domains: Vec<Domain>,
    pub web: Option<Web>,
    pub control: Control,
    pub metrics: Option<Metrics>,
    pub dns: Dns,
    /// Keys that were set and have no effect yet; the daemon says so at its start.
    pub later: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:///path`
    Sqlite(PathBuf),
}

/// Where a socket listens or a peer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lmtp {
    pub listen: Vec<Endpoint>,
    pub smtp_listen: Vec<Endpoint>,
    /// Octets.
    pub max_message_size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// `host:port`; a name is resolved at each connect.
    pub address: String,
    pub connections: usize,
    pub recipients_per_transaction: usize,
    pub log: Option<PathBuf>,
    /// 0 to 100.
    pub brake_percent: u8,
    pub brake_least: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    pub source: DirectorySource,
    pub start_tls: bool,
    pub ca_file: Option<PathBuf>,
    pub bind_dn: Option<String>,
    pub bind_password_file: Option<PathBuf>,
    pub base: String,
    pub sync: Sync,
    pub poll_interval: Duration,
    pub max_staleness: Duration,
    pub verify_interval: Duration,
    /// 0 to 100.
    pub shrink_guard_percent: u8,
    pub lists: ListMapping,
    pub people: PeopleMapping,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectorySource {
    /// `ldap://`, `ldaps://` or `ldapi://`, as written.
    Ldap(String),
    /// `file:school.ldif`
    File(PathBuf),
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Sync {
    Auto,
    Poll,
}

/// `[directory.lists]`: which attribute of a group means what. Attribute names as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMapping {
    pub filter: String,
    pub address: String,
    pub address_template: String,
    pub aliases: Vec<String>,
    pub name: String,
    pub description: String,
    pub members: Vec<String>,
    pub external: Vec<String>,
    pub owners: Vec<String>,
    pub moderators: Vec<String>,
    /// `[directory.lists.settings]`: where another attribute than our own schema's holds a setting; `""` = none.
    pub settings: BTreeMap<Key, String>,
}

impl ListMapping {
    /// The attribute that holds a setting of the list; `""` where none does.
    pub fn setting(&self, key: Key) -> &str {
        self.settings.get(&key).map_or(key.attribute(), String::as_str)
    }
}

/// `[directory.people]`: which attribute of a person means what. Attribute names as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleMapping {
    pub filter: String,
    pub login: String,
    pub address: Vec<String>,
    pub may_post_as: Vec<String>,
    pub name: Vec<String>,
    pub language: String,
    /// Filter; empty = nobody is inactive.
    pub inactive: String,
    /// Boolean: true = others may see the address when this person answers a hidden author.
    pub address_shown: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub milter: Endpoint,
    pub on_failure: OnFailure,
    /// For one mail, the wait for its turn included.
    pub timeout: Duration,
    /// `None` = nobody learns.
    pub learning: Option<Learning>,
}

/// What rspamd learns from people's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learning {
    /// rspamd's worker "controller", `host:port`.
    pub controller: String,
    pub password_file: Option<PathBuf>,
    /// How long the original of a mail is kept when nothing else needs it.
    pub keep: Duration,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    Defer,
    Accept,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// Lower-case A-label.
    pub name: String,
    /// e.g. `de`
    pub language: String,
    pub admins: Vec<Admin>,
    /// How much single lists may lose at once, in percent, by address.
    pub shrink_guard_of: Vec<(Address, u8)>,
    pub imprint_url: Option<String>,
    pub privacy_url: Option<String>,
    pub help_url: Option<String>,
    /// Name of a time zone in the tz database; the machine's own where there is none.
    pub timezone: Option<String>,
    /// When digests go out.
    pub digest_at: TimeOfDay,
    /// On which day the weekly ones do.
    pub digest_day: Day,
    pub dkim: Dkim,
    /// `[list]` with this domain's `[domain.list]` laid over it.
    pub list: Settings,
    /// What `[domain.list]` sets.
    pub own: BTreeSet<Key>,
    /// Lists of this domain are groups at or below this DN; everywhere where there is none.
    pub base: Option<String>,
    /// A mail that names several of its lists goes to each person once.
    pub once: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    Address(Address),
    /// DN of a group.
    Group(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dkim {
    pub rsa: Option<DkimKey>,
    pub ed25519: Option<DkimKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimKey {
    pub selector: String,
    pub key_file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    pub listen: SocketAddr,
    pub public_url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    pub socket: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    pub listen: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// `None` = the system's resolver.
    pub server: Option<SocketAddr>,
}
