//! What stands in a copy instead of an attachment or a picture that was left out.

use fluent_bundle::FluentArgs;

use super::{format, size};

/// Why an attachment did not pass.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Kind,
    /// Larger than this (octets).
    Size(u64),
    /// What it stands for is not in the mail, or not in one piece.
    Elsewhere,
}

/// One line about a file: its name (may be empty), its octets, and why it went.
pub fn removed(language: &str, list: &str, name: &str, octets: u64, why: Why) -> String {
    let mut args = FluentArgs::new();
    args.set(
        "name",
        if name.is_empty() { super::word(language, "attachment-unnamed") } else { name.to_owned() },
    );
    args.set("size", size(language, octets));
    args.set("list", list.to_owned());
    match why {
        Why::Kind => format(language, "attachment-kind", &args),
        Why::Elsewhere => format(language, "attachment-elsewhere", &args),
        Why::Size(limit) => {
            args.set("limit", size(language, limit));
            format(language, "attachment-size", &args)
        }
    }
}

/// Whom to ask for what was removed, which is so many files.
pub fn ask(language: &str, owner: &str, count: usize) -> String {
    let mut args = FluentArgs::new();
    args.set("owner", owner.to_owned());
    let key = if count > 1 { "attachment-ask-several" } else { "attachment-ask" };
    format(language, key, &args)
}

/// How many pictures went.
pub fn pictures(language: &str, count: usize) -> String {
    let mut args = FluentArgs::new();
    args.set("count", count);
    format(language, "pictures-removed", &args)
}
