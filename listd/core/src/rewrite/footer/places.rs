//! Where in a mail its footer belongs (rules B5 to B8). Reads the tree and nothing else.
//!
//! In the text that people read, each form of it; never in an attachment, a sealed part, an enclosed mail, a report,
//! a calendar, or beside Outlook's `winmail.dat`.

use crate::message::{Part, Shape, Tree};

/// Where the footer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rewrite) struct Plan {
    /// Into each of these texts, by index.
    pub leaves: Vec<usize>,
    /// Where none of them can take it.
    pub otherwise: Otherwise,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::rewrite) enum Otherwise {
    /// A last part of its own in the mail, which is a multipart/mixed; `sealed` where something in it is signed or
    /// encrypted.
    Part { sealed: bool },
    /// The mail would have to become a part itself.
    Wrap,
    /// The mail stays as it is, whatever the list says.
    Nothing,
}

const NOTHING: Plan = Plan { leaves: Vec::new(), otherwise: Otherwise::Nothing };

/// Plans where a mail's footer goes. `raw` is the mail.
pub(in crate::rewrite) fn plan(raw: &[u8], tree: &Tree) -> Plan {
    let Some(mail) = tree.parts.first().filter(|mail| has_body(raw, mail)) else { return NOTHING };
    let open: Vec<&Part> = tree.parts.iter().filter(|part| !is_enclosed(tree, part)).collect();
    let kinds = |wanted: &[&str]| open.iter().any(|part| wanted.contains(&part.kind.as_str()));
    let outlook = |part: &&&Part| {
        part.filename.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"))
    };
    // A reader of TNEF shows the text inside it; one of reports looks at fixed places.
    let whole = ["application/ms-tnef", "application/vnd.ms-tnef", "multipart/report"];
    let by_its_type = mail.kind.starts_with("message/") || mail.kind == "text/calendar";
    if by_its_type || kinds(&whole) || open.iter().any(|part| outlook(&part)) {
        return NOTHING;
    }
    let sealed = open.iter().any(|part| part.sealed.is_some());
    // Outlook finds an invitation only where it stands now.
    let invitation = kinds(&["text/calendar"]);
    let divided = mail.shape == Shape::Multipart && tree.children(0).next().is_some();
    let otherwise = match mail.kind.as_str() {
        _ if invitation => Otherwise::Nothing,
        "multipart/mixed" if divided && mail.sealed.is_none() => Otherwise::Part { sealed },
        _ => Otherwise::Wrap,
    };
    let mut leaves = texts(tree, 0);
    leaves.retain(|index| tree.parts.get(*index).is_some_and(|part| has_body(raw, part)));
    Plan { leaves, otherwise }
}

/// False where not even the empty line is there that ends a header: what is added would be one more field.
fn has_body(raw: &[u8], part: &Part) -> bool {
    let head = part.head(raw);
    matches!(head, b"\r\n" | b"\n") || head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")
}

/// True for what stands in a mail inside this one.
fn is_enclosed(tree: &Tree, part: &Part) -> bool {
    let above = |part: &Part| part.parent.and_then(|index| tree.parts.get(index));
    std::iter::successors(above(part), |part| above(part))
        .any(|above| above.shape == Shape::Message)
}

/// The texts in a part that a reader sees as the text of the mail.
fn texts(tree: &Tree, index: usize) -> Vec<usize> {
    let Some(part) = tree.parts.get(index).filter(|part| part.sealed.is_none()) else {
        return Vec::new();
    };
    let inside = |(child, _): (usize, &Part)| texts(tree, child);
    match part.kind.as_str() {
        "text/plain" | "text/html" if part.is_leaf() && part.is_shown() => vec![index],
        _ if part.shape != Shape::Multipart || !part.is_shown() => Vec::new(),
        // One that is signed alone would be another text than the others say.
        "multipart/alternative" if tree.children(index).any(|(_, p)| p.sealed.is_some()) => {
            Vec::new()
        }
        "multipart/alternative" => tree.children(index).flat_map(inside).collect(),
        "multipart/related" => tree.root(index).map_or_else(Vec::new, |root| texts(tree, root)),
        // Below the last of several texts with pictures between them, so that it is the end of the mail.
        "multipart/mixed" => {
            let found = tree.children(index).map(inside).filter(|texts| !texts.is_empty());
            found.last().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
