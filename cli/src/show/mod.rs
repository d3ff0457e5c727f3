//! Answers as text for people. Pure: each function takes an answer and returns what to print.

mod directory;
mod list;
mod queue;
mod status;
pub mod table;

pub use directory::{differences, directory, released};
pub use list::{detail, lists, members, setting};
pub use queue::{post, queue, trace};
pub use status::status;
