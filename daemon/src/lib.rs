//! What a daemon needs from the system it runs on: listening sockets, signals, the journal and the service manager.
//!
//! It knows no mail and no configuration file: what to open and what it is called are arguments.

pub mod endpoint;
pub mod journal;
pub mod listen;
pub mod log;
pub mod passed;
pub mod service;
pub mod socket;

pub use endpoint::Endpoint;
pub use listen::{Listener, Stream};
pub use passed::Passed;
