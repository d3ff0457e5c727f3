//! LMTP and SMTP on the wire: server in and client out, as state machines over bytes.
//!
//! Nothing here does I/O, reads a clock or draws a random number, but the `drive` files, which run
//! a machine over tokio's streams.

pub mod client;
pub mod command;
pub mod data;
pub mod drive;
pub mod drive_client;
pub mod path;
pub mod reply;
pub mod server;
