//! The house rules that a compiler does not hold: who may know whom, and that documents say what is true.
//!
//! Reads the source tree only; starts nothing but `cargo tree`.

#![allow(clippy::expect_used, reason = "a helper that fails ends its test")]

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/supply.rs"]
mod supply;
#[path = "tidy/tree.rs"]
mod tree;
