//! From a finished [`Copy`] to the relay's answer for each recipient: the SMTP way out.
//!
//! Knows only the wire. Not who gets a copy or when (`scheduler`), nor what it looks like (`compose`).

#[cfg(test)]
pub mod fake;
mod gate;
mod relay;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use listcore::address::Address;

pub use gate::{Entry, Gate};
pub use relay::{Connection, Fate, Relay, Sent};

/// One message as it goes to the relay in one transaction.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Envelope sender; `None` = null sender.
    pub sender: Option<Address>,
    /// Never empty.
    pub recipients: Vec<Address>,
    /// All header lines of this copy, signatures included, and the empty line; lines end in CRLF.
    pub head: Bytes,
    /// What follows the empty line. Shared by all copies of a variant, never copied per recipient.
    pub body: Payload,
    /// Envelope or header need SMTPUTF8 (RFC 6531, rule U1).
    pub utf8: bool,
    /// There is an octet over 127 in it (RFC 6152).
    pub eight_bit: bool,
}

/// The bytes of a body, CRLF line ends, not dot-stuffed.
#[derive(Clone, Debug)]
pub enum Payload {
    Memory(Bytes),
    /// `len` octets of the file from `offset` on; read in pieces.
    File {
        path: Arc<PathBuf>,
        offset: u64,
        len: u64,
    },
    /// One behind the other, none of them in pieces itself.
    Pieces(Arc<[Payload]>),
}

impl Payload {
    /// Octets.
    pub fn len(&self) -> u64 {
        match self {
            Payload::Memory(bytes) => bytes.len() as u64,
            Payload::File { len, .. } => *len,
            Payload::Pieces(pieces) => pieces.iter().map(Payload::len).sum(),
        }
    }

    /// What it consists of, in its order.
    pub fn pieces(&self) -> &[Payload] {
        match self {
            Payload::Memory(_) | Payload::File { .. } => std::slice::from_ref(self),
            Payload::Pieces(pieces) => pieces,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the relay said it can take, in its answer to EHLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Can {
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// The largest message in octets (RFC 1870); `None` = no limit told.
    pub size: Option<u64>,
}
