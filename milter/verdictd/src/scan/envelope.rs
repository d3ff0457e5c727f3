//! What the mail server tells about a mail besides the mail itself.

use std::net::IpAddr;

/// Recipients that are kept to be told; for more than that no rule has a use.
pub const TOLD: usize = 5_000;

/// Everything but the mail. Texts are octets as the client sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    pub ip: Option<IpAddr>,
    /// The client's name in DNS, where it has one.
    pub hostname: Option<Vec<u8>>,
    pub helo: Option<Vec<u8>>,
    /// Without angle brackets; empty for the null sender.
    pub from: Vec<u8>,
    /// The first [`TOLD`] of them, without angle brackets.
    pub to: Vec<Vec<u8>>,
    /// How many there are.
    pub recipients: usize,
    /// Who logged in.
    pub user: Option<Vec<u8>>,
    pub queue_id: Option<Vec<u8>>,
}

impl Envelope {
    /// One recipient more.
    pub fn add(&mut self, to: &[u8]) {
        self.recipients = self.recipients.saturating_add(1);
        if self.to.len() < TOLD {
            self.to.push(to.to_vec());
        }
    }
}
