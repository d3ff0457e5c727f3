//! The milter protocol, version 6, on the wire.
//!
//! Here so far: packets and their codes. What stands inside a packet, negotiation and the order of
//! a session are not here yet. Nothing here does I/O or reads a clock.

pub mod code;
pub mod frame;
