//! Our own text below each mail of a list (rule B12).
//!
//! Placeholders and no values: the same code fills in this text and an admin's (`rewrite::footer`).

use fluent_bundle::FluentArgs;

use super::{SOURCES, format};
use crate::list::Placeholder;

/// At most five lines: why one gets it, who answers, and links.
const LINES: [&str; 5] =
    ["footer-why", "footer-leave", "footer-settings", "footer-imprint", "footer-privacy"];

/// The language that there are words in, and the text with placeholders such as `{imprint}`, lines between LFs.
pub fn footer(language: &str) -> (&'static str, String) {
    let mut args = FluentArgs::new();
    for (name, _) in Placeholder::ALL {
        args.set(name, format!("{{{name}}}"));
    }
    let short = language.get(..2).unwrap_or_default().to_ascii_lowercase();
    let known = SOURCES.iter().find(|(known, _)| *known == short).map_or("en", |(known, _)| known);
    (known, LINES.map(|line| format(known, line, &args)).join("\n"))
}
