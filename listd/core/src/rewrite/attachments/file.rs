//! One part as a file: all the names and types that a mail program may take it for, and whether it is one.

use super::sniff::{Found, sniff};
use crate::list::Family;
use crate::message::unseen::hides;
use crate::message::{Part, Seal, Shape, Tree, filename, params};

/// How the rules take a part.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// An attachment: all rules.
    Attached,
    /// What is shown with the text, or seals it: only what is forbidden.
    Shown,
}

/// A part as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub held: Held,
    /// As they are written, the one that most programs show first.
    pub names: Vec<String>,
    /// Types that it says it has, lower-case.
    pub kinds: Vec<String>,
    pub found: Found,
    /// Octets, decoded.
    pub size: u64,
    /// It is encoded in a way that can't be undone here.
    pub unreadable: bool,
    /// What it stands for is elsewhere: a piece of a mail that the reader's program puts together, or a file that it
    /// fetches (RFC 2046 5.2.2, 5.2.3).
    pub elsewhere: bool,
}

const ELSEWHERE: [&str; 2] = ["message/partial", "message/external-body"];

/// What a program wrote to be read: reports. Any other `message` that is no mail is a file (RFC 2046 5.2.4).
const READ: [&str; 7] = [
    "delivery-status",
    "disposition-notification",
    "feedback-report",
    "tracking-status",
    "global-headers",
    "global-delivery-status",
    "global-disposition-notification",
];

impl File {
    /// The part as a file; `None` where it is text of the mail, or a container.
    pub fn of(raw: &[u8], tree: &Tree, index: usize) -> Option<File> {
        let part = tree.parts.get(index)?;
        let fields = part.fields(raw);
        let values = |name: &str| -> Vec<&[u8]> {
            fields.iter().filter(|f| f.is(raw, name)).map(|f| f.value(raw)).collect()
        };
        let (dispositions, types) = (values("Content-Disposition"), values("Content-Type"));
        let mut names: Vec<String> = part.filename.iter().cloned().collect();
        let others = dispositions.iter().filter_map(|value| filename(Some(value), None));
        for name in others.chain(types.iter().filter_map(|value| filename(None, Some(value)))) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let held = held(tree, part, !names.is_empty())?;
        let mut kinds = vec![part.kind.clone()];
        kinds.extend(types.iter().map(|value| params::content_type(Some(value)).0));
        kinds.dedup();
        let content = match part.shape {
            Shape::Leaf => part.content(raw),
            _ => part.body(raw).into(),
        };
        let found = if part.shape == Shape::Leaf { sniff(&content) } else { Found::default() };
        let unreadable = part.encoding == crate::message::Encoding::Other;
        let elsewhere = kinds.iter().any(|kind| ELSEWHERE.contains(&kind.as_str()));
        let size = content.len() as u64;
        Some(File { held, names, kinds, found, size, unreadable, elsewhere })
    }

    /// The last part of each name, lower-case, where it has one.
    pub fn endings(&self) -> impl Iterator<Item = String> {
        self.names.iter().filter_map(|name| ending(name))
    }

    /// By content and by name.
    pub fn families(&self) -> Vec<Family> {
        let by_name = self.endings().filter_map(|ending| Family::of_ending(&ending));
        // Who turns the direction of writing in a name wants another ending to be read.
        let turned = self.names.iter().any(|name| name.contains(['\u{202d}', '\u{202e}']));
        let turned = turned.then_some(Family::Program);
        self.found.family.into_iter().chain(by_name).chain(turned).collect()
    }
}

fn held(tree: &Tree, part: &Part, named: bool) -> Option<Held> {
    let attached = part.disposition.as_deref() == Some("attachment");
    let parent = part.parent.and_then(|index| tree.parts.get(index));
    let in_a = |kind: &str| parent.is_some_and(|parent| parent.kind == kind);
    let is = |kind: &str| part.kind.starts_with(kind);
    match part.shape {
        Shape::Multipart => None,
        // What is in it is looked at for itself.
        Shape::Message => (named || attached).then_some(Held::Shown),
        Shape::Leaf if is_mail(&part.kind) => (named || attached).then_some(Held::Shown),
        Shape::Leaf if (is("text/") || is_read(&part.kind)) && !named && !attached => None,
        // What a signature or an encryption consists of.
        Shape::Leaf if matches!(part.sealed, Some(Seal::Encrypted | Seal::Smime)) => {
            Some(Held::Shown)
        }
        Shape::Leaf if in_a("multipart/signed") && part.kind.ends_with("-signature") => {
            Some(Held::Shown)
        }
        Shape::Leaf if in_a("multipart/alternative") && is("text/") && !attached => {
            Some(Held::Shown)
        }
        Shape::Leaf if in_a("multipart/related") && is("image/") && !attached => Some(Held::Shown),
        Shape::Leaf => Some(Held::Attached),
    }
}

/// One that is a leaf is encoded as a whole: what is in it is looked at all the same.
pub(super) fn is_mail(kind: &str) -> bool {
    matches!(kind, "message/rfc822" | "message/global" | "message/news")
}

fn is_read(kind: &str) -> bool {
    kind.strip_prefix("message/").is_some_and(|kind| READ.contains(&kind))
}

/// `exe` of `Rechnung.pdf.exe . `: as the system reads it that opens the file, not as it looks.
pub(super) fn ending(name: &str) -> Option<String> {
    let seen: String = name.chars().filter(|c| !hides(*c)).collect();
    // Windows ends a name there, and drops dots and spaces at its end.
    let file = seen.split(':').next().unwrap_or_default();
    let file =
        file.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || c == '"' || c == '\'');
    let (_, ending) = file.rsplit_once('.')?;
    let ending = ending.trim().to_lowercase();
    (!ending.is_empty()).then_some(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B13: the ending that counts.
    #[test]
    fn endings() {
        for (name, expect) in [
            ("a.PDF", Some("pdf")),
            ("Rechnung.pdf.exe", Some("exe")),
            ("Rechnung.pdf      .exe", Some("exe")),
            ("a.exe.", Some("exe")),
            ("a.exe . .", Some("exe")),
            ("a.exe::$DATA", Some("exe")),
            ("Foto\u{202e}gpj.exe", Some("exe")),
            ("a.e\u{200b}xe", Some("exe")),
            ("a.exe\u{0}", Some("exe")),
            ("\"a.exe\"", Some("exe")),
            ("a. exe", Some("exe")),
            ("LIESMICH", None),
            ("a.", None),
            ("", None),
            (".bashrc", Some("bashrc")),
        ] {
            assert_eq!(ending(name).as_deref(), expect, "{name:?}");
        }
    }
}
