//! `verdictd`: a milter that asks rspamd and clamd side by side while a mail still arrives, and gives one verdict.
//!
//! It knows no list and no directory; `listd` is one of its clients, Postfix another. What is decided stands in
//! [`verdict`] and [`headers`], without I/O; [`scan`] asks, [`session`] speaks with the mail server.

pub mod config;
pub mod headers;
pub mod maillog;
pub mod metrics;
pub mod scan;
pub mod serve;
pub mod session;
pub mod verdict;
