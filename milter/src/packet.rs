//! What stands inside a packet: typed commands and replies, and their octets (MI2).
//!
//! Not here: which of them may come when ([`crate::filter`], [`crate::client`]).

mod command;
mod reply;
mod wire;

pub use command::{Command, Connect, Family, Path};
pub use reply::{Modification, Reply};
pub(crate) use wire::{Reader, put};

/// Why a packet can't be read, or what can't be made one. A peer that sent it is out of step: close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    #[error("a milter packet with the unknown code {0:#04x}")]
    UnknownCode(u8),
    #[error("a milter packet {0:?} whose data are cut short, or too long for it")]
    Malformed(char),
    #[error("a NUL inside a text, which the milter protocol can't carry")]
    Nul,
    #[error("a milter reply code that is not 4yz or 5yz, or whose lines do not agree")]
    BadReplyCode,
    #[error("a header field with a name that is none, or a value that leaves its lines")]
    BadField,
}
