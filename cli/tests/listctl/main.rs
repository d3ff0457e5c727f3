//! `listctl` from outside: the real binary, with and without a daemon.

#![allow(clippy::expect_used, reason = "a helper that fails ends its test")]

mod alone;
mod daemon;
mod played;
