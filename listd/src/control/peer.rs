//! Who asks, and what that one may do.
//!
//! The kernel says who it is (SO_PEERCRED) and lets in only whom the socket's mode (0660) lets in: root, the
//! daemon's user, and its group. The group may ask everything and change nothing.

use super::{Answer, Problem};

/// The user at the other end; `None` where the kernel did not say, which may do nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub uid: Option<u32>,
}

/// What a request does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Read,
    Change,
}

/// Decides whether `peer` may do `act` to a daemon that runs as `own`.
pub fn allow(peer: Peer, act: Act, own: u32) -> Answer<()> {
    match (peer.uid, act) {
        (None, _) => Err(Problem::not_allowed(
            "the system does not say who you are",
            "Use the socket on the machine where listd runs.",
        )),
        (Some(uid), Act::Change) if uid != 0 && uid != own => Err(Problem::not_allowed(
            format!("user {uid} may look, but not change anything"),
            "Run it as root (sudo) or as the user that listd runs as.",
        )),
        _ => Ok(()),
    }
}
