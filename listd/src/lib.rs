//! The daemon's rooms. `main.rs` builds them and hands each its values; no room reads the configuration.

pub mod alarm;
pub mod bounces;
pub mod clock;
pub mod compose;
pub mod control;
pub mod delivery;
pub mod desk;
pub mod directory;
pub mod ids;
pub mod intake;
pub mod learning;
pub mod letters;
pub mod maillog;
pub mod members;
pub mod metrics;
pub mod office;
pub mod pipeline;
pub mod requests;
pub mod retention;
pub mod scheduler;
pub mod secret;
pub mod sign;
pub mod store;
pub mod verdicts;
pub mod verify;
pub mod web;
