//! The daemon's rooms. `main.rs` builds them and hands each its values; no room reads the configuration.

pub mod delivery;
pub mod scheduler;
pub mod store;
