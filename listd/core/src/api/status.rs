//! What the daemon says of itself: how it is, which keys it signs with, what Exim must know of it.

use serde::{Deserialize, Serialize};

use super::DirectoryState;
use crate::config::{Config, Endpoint};
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub hostname: String,
    pub started: Timestamp,
    pub now: Timestamp,
    pub domains: Vec<String>,
    /// Where it listens, as in the configuration, with a word what for: `lmtp`, `smtp`.
    pub listening: Vec<(String, String)>,
    pub directory: DirectoryState,
    pub queue: QueueState,
    pub relay: RelayState,
    /// What is configured and has no effect yet.
    pub later: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueState {
    pub mails: u64,
    pub posts_waiting: u64,
    pub recipients_waiting: u64,
    pub recipients_deferred: u64,
    /// Mails that wait for somebody's word.
    #[serde(default)]
    pub held: u64,
    pub bounces: u64,
    pub bounces_unattributed: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayState {
    /// `host:port`
    pub address: String,
    /// Connections that are open now.
    pub open: usize,
    pub last_error: Option<String>,
}

/// A key that is published, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimRecord {
    pub domain: String,
    /// `RSA` or `Ed25519`.
    pub algorithm: String,
    /// Where the TXT record stands, e.g. `r2026._domainkey.schule.example`.
    pub name: String,
    /// The record's text in one piece, e.g. `v=DKIM1; k=rsa; p=...`.
    pub record: String,
}

/// What a configuration for Exim needs to know of the running daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub hostname: String,
    pub domains: Vec<String>,
    /// As in the configuration: `unix:/path` or `address:port`.
    pub lmtp_listen: Vec<String>,
    pub smtp_listen: Vec<String>,
    /// Whose Authentication-Results count.
    pub trusted_authserv_id: Vec<String>,
    /// `host:port`
    pub relay: String,
    pub max_message_size: u64,
}

impl From<&Config> for Facts {
    fn from(config: &Config) -> Facts {
        let shown = |endpoints: &[Endpoint]| endpoints.iter().map(Endpoint::to_string).collect();
        Facts {
            hostname: config.hostname.clone(),
            domains: config.domains.iter().map(|domain| domain.name.clone()).collect(),
            lmtp_listen: shown(&config.lmtp.listen),
            smtp_listen: shown(&config.lmtp.smtp_listen),
            trusted_authserv_id: config.trusted_authserv_id.clone(),
            relay: config.relay.address.clone(),
            max_message_size: config.lmtp.max_message_size,
        }
    }
}
