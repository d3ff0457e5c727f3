//! All stories as one program: one link instead of twenty. Each module tells one, on a school of its own.

// A story that can not go on stops with what it saw; its helpers are not always tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod t00_stack;
mod t01_exim;
mod t07_kill;
mod t11_corpus;
