//! Answers as text for people. Pure: each function takes an answer and returns what to print.

mod bounces;
mod directory;
mod held;
mod list;
mod providers;
mod queue;
mod status;
pub mod table;

/// Those who are there and not shown (rule GD4), in words; `None` where there are none.
pub fn protected(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("a protected person".to_owned()),
        count => Some(format!("{count} protected people")),
    }
}

/// The same as a line that says how to see them.
pub fn protected_line(count: usize) -> String {
    let how = "not shown; --reason TEXT shows who, and is logged";
    protected(count).map(|who| format!("{who} ({how})\n")).unwrap_or_default()
}

pub use bounces::bounces;
pub use directory::{differences, directory, released};
pub use held::{decided, detail as held_mail, held, learned};
pub use list::{detail, lists, members, setting, stopped};
pub use providers::providers;
pub use queue::{post, queue, trace};
pub use status::status;
