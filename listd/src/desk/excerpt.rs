//! What those who decide see of a mail: its author as From has her, the beginning of its text, the names of its files.

use listcore::message::{Mail, Shape, Tree, readable};
use listcore::notice::Scanned;

use crate::store::held::Held;

/// Longest text (characters), as much as a page shows.
const TEXT: usize = 4_000;

/// Most files that are named.
const FILES: usize = 50;

/// All of it is somebody else's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Excerpt {
    /// Name and address.
    pub author: String,
    pub name: Option<String>,
    pub text: String,
    /// Name and size in octets.
    pub attachments: Vec<(String, u64)>,
}

impl Excerpt {
    pub(super) fn of(raw: &[u8]) -> Excerpt {
        let Ok(mail) = Mail::parse(raw) else { return Excerpt::default() };
        let shown = |from: &listcore::message::Mailbox| match from.name.trim() {
            "" => from.address.to_string(),
            name => format!("{name} <{}>", from.address),
        };
        let name = mail.author().map(|author| author.name.trim().to_owned());
        Excerpt {
            author: mail.from.iter().map(shown).collect::<Vec<_>>().join(", "),
            name: name.filter(|name| !name.is_empty()),
            text: readable::excerpt(raw, TEXT),
            attachments: files(raw),
        }
    }
}

/// Whatever is a file, or no text.
fn files(raw: &[u8]) -> Vec<(String, u64)> {
    let Ok(tree) = Tree::parse(raw) else { return Vec::new() };
    let is_file = |part: &&listcore::message::Part| {
        let is_text = part.kind == "text/plain" || part.kind == "text/html";
        let named = part.filename.is_some() || part.disposition.as_deref() == Some("attachment");
        part.shape == Shape::Leaf && (named || !is_text)
    };
    let file = |part: &listcore::message::Part| {
        let size = part.content(raw).len();
        (part.filename.clone().unwrap_or_default(), u64::try_from(size).unwrap_or(u64::MAX))
    };
    tree.parts.iter().filter(is_file).take(FILES).map(file).collect()
}

/// What the filter said when it came.
pub(super) fn scanned(held: &Held) -> Scanned {
    match (held.suspect, held.verdict.as_str()) {
        (true, _) => Scanned::Suspect,
        (false, "") => Scanned::No,
        (false, _) => Scanned::Clean,
    }
}
