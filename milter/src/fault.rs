//! Why a session can't go on. Each of these ends it: the stream is out of step, or the peer can't be served.

use crate::code;
use crate::frame::FrameError;
use crate::negotiate::Disagreement;
use crate::packet::PacketError;

/// What went wrong, by whose blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error(transparent)]
    Terms(#[from] Disagreement),
    #[error("the MTA said {command:?}, which can't come here (after {after})")]
    Order { command: code::Command, after: &'static str },
    #[error("the filter said {reply:?}, which can't be the answer to {to:?}")]
    Answer { reply: code::Reply, to: code::Command },
    #[error("the filter said {0:?} when nothing was asked")]
    Unasked(code::Reply),
    #[error("the filter changes what it was not allowed to change: {0:?}")]
    NotAllowed(code::Reply),
    #[error("the peer sent more than is taken: {0}")]
    Limit(&'static str),
}
