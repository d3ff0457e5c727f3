//! Figures for Prometheus, and whether the daemon lives and is ready, over HTTP.
//!
//! Counters hear of every commit as a witness of the store; everything else is asked for at the scrape, so no other
//! room knows that it is watched. No person's address is in any figure; a list's address is a label. What each figure
//! means, and what to do about it, stands in `docs/operation.md`.

mod counters;
mod house;
mod serve;
mod snapshot;

use async_trait::async_trait;

pub use counters::Counters;
pub use house::{HELD, House};
pub use serve::{bind, serve};
pub use snapshot::{Directory, Intake, Queue, Relay, Snapshot, Waits};

/// In front of every name.
const PREFIX: &str = "verteiler";

/// What the other rooms tell at a scrape.
#[async_trait]
pub trait Rooms: Send + Sync + 'static {
    async fn look(&self) -> Snapshot;

    /// Writes to the store; the error says what is wrong.
    async fn store_works(&self) -> Result<(), String>;
}
