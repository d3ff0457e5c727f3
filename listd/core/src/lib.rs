//! The decisions of Verteiler: pure functions and the types they speak of.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time, seeds, ids and DNS
//! answers are arguments (one exception: `dkim::generate` makes a key). It knows neither the wire (`lmtp`, `milter`) nor the daemon.

pub mod address;
pub mod answer;
pub mod api;
pub mod arc;
pub mod bounce;
pub mod command;
pub mod config;
pub mod digest;
pub mod dkim;
pub mod dn;
pub mod entry;
pub mod exim_log;
pub mod filter;
pub mod hold;
pub mod ldap_url;
pub mod ldif;
pub mod links;
pub mod list;
pub mod mapping;
pub mod message;
pub mod notice;
pub mod options;
pub mod outcome;
pub mod policy;
pub mod provider;
pub mod rate;
pub mod recipients;
pub mod retry;
pub mod rewrite;
pub mod scan;
pub mod shrink;
pub mod storm;
pub mod time;
pub mod token;
