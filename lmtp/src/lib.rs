//! LMTP and SMTP on the wire: server in and client out, as state machines over bytes.

pub mod client;
pub mod drive_client;
