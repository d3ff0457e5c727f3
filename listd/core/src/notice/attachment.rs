//! What stands in a copy instead of an attachment or a picture that was left out.

use fluent_bundle::FluentArgs;

use super::{format, size};

/// One sentence about a file: its name (may be empty), its octets, and why it went: its kind, or a limit in octets.
pub fn removed(language: &str, list: &str, name: &str, octets: u64, limit: Option<u64>) -> String {
    let mut args = FluentArgs::new();
    args.set(
        "name",
        if name.is_empty() { super::word(language, "attachment-unnamed") } else { name.to_owned() },
    );
    args.set("size", size(language, octets));
    args.set("list", list.to_owned());
    match limit {
        None => format(language, "attachment-kind", &args),
        Some(limit) => {
            args.set("limit", size(language, limit));
            format(language, "attachment-size", &args)
        }
    }
}

/// Whom to ask for what was removed.
pub fn ask(language: &str, owner: &str) -> String {
    let mut args = FluentArgs::new();
    args.set("owner", owner.to_owned());
    format(language, "attachment-ask", &args)
}

/// How many pictures went.
pub fn pictures(language: &str, count: usize) -> String {
    let mut args = FluentArgs::new();
    args.set("count", count);
    format(language, "pictures-removed", &args)
}
