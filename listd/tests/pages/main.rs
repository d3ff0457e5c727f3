//! The pages of the room `web` over a real socket, with rooms behind them that say what they are told to say.
//!
//! What holds for each request alone is tested in `listd/src/web/tests.rs`.

#![allow(clippy::expect_used, reason = "a test that fails panics")]

mod axe;
mod barriers;
mod chromium;
mod fake;
mod log;
mod shots;
mod spoken;
mod states;

use listd::web;
