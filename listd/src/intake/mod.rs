//! Sockets in: one task per connection, one spool per mail.
//!
//! Not the protocol (crate `lmtp`) and not a decision (`pipeline`).

pub mod spool;
