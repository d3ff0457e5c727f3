//! Attachments that a list does not let through: which they are, and the note in their place (rule B13).
//!
//! A part that goes leaves a note where it stood. Where a note can't stand (among the forms of one text, or beside
//! the pictures of a page) it stands behind them, in a multipart around both. A mail inside the mail goes as a whole
//! where something in it may not pass. In a sealed part nothing goes: the mail does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::list::Form;
use crate::message::{Part, Shape, Tree};
use crate::notice::Why;
use crate::rewrite::Unsendable;
use crate::rewrite::edit::{Done, Edit};
use crate::rewrite::filter::{Filter, Gone, shown};
use crate::rewrite::structure;

mod file;
mod judge;
mod sniff;

use file::File;

/// Mails encoded inside of mails encoded inside of mails: deeper than this it is not a mail.
const DEEPEST: usize = 4;

/// The edits that leave out what may not pass.
pub(super) fn edits(raw: &[u8], tree: &Tree, filter: &Filter) -> Result<Vec<Edit>, Unsendable> {
    let found = found(raw, tree, filter)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let gone = with_empty(tree, found.keys().copied().collect());
    let mut notes: BTreeMap<usize, Vec<Gone>> = BTreeMap::new();
    for (index, files) in found {
        notes.entry(place(tree, index, filter.form)).or_default().extend(files);
    }
    let mut edits = Vec::new();
    for (place, files) in &notes {
        let Some(part) = tree.parts.get(*place) else { continue };
        let (note, done) = (filter.notes.removed(files), removed(files));
        if gone.contains(place) {
            let (fields, body) = note.split_once("\r\n\r\n").unwrap_or((&note, ""));
            edits.extend(structure::instead(raw, part, &format!("{fields}\r\n"), body, done));
        } else {
            edits.extend(structure::beside(raw, part, &note, done));
        }
    }
    for index in &gone {
        let replaced = notes.contains_key(index);
        // What is inside of something that goes is gone with it.
        if replaced || above(tree, *index).any(|above| gone.contains(&above)) {
            continue;
        }
        let part = tree.parts.get(*index);
        edits.extend(
            part.map(|part| structure::left_out(part, Done::Removed("not allowed".to_owned()))),
        );
    }
    Ok(edits)
}

/// Files that may not pass, by the part that has to go for each.
fn found(
    raw: &[u8],
    tree: &Tree,
    filter: &Filter,
) -> Result<BTreeMap<usize, Vec<Gone>>, Unsendable> {
    let mut found: BTreeMap<usize, Vec<Gone>> = BTreeMap::new();
    for index in 0..tree.parts.len() {
        let Some(mut gone) = one(raw, tree, index, filter, 0) else { continue };
        let enclosing = above(tree, index)
            .filter(|above| tree.parts.get(*above).is_some_and(|p| p.shape == Shape::Message))
            .last();
        gone.enclosed |= enclosing.is_some();
        let whole = enclosing.unwrap_or(index);
        if tree.parts.get(whole).is_some_and(|part| part.sealed.is_some()) {
            let kind = tree.parts.get(index).map_or("", |part| &part.kind);
            let name = if gone.name.is_empty() { kind } else { &gone.name };
            return Err(Unsendable::AttachmentSigned(shown(name)));
        }
        found.entry(whole).or_default().push(gone);
    }
    // The name of a mail that goes as a whole is not one more file.
    Ok(found)
}

/// What of one part may not pass: itself, or something inside that is encoded with it.
fn one(raw: &[u8], tree: &Tree, index: usize, filter: &Filter, depth: usize) -> Option<Gone> {
    let part = tree.parts.get(index)?;
    let file = File::of(raw, tree, index);
    let named = file.as_ref().and_then(|file| file.names.first().cloned()).unwrap_or_default();
    if let Some((file, why)) = file.as_ref().and_then(|f| Some((f, judge::judge(filter, f)?))) {
        return Some(Gone { name: named, size: file.size, why, enclosed: false });
    }
    let inside = encoded_mail(raw, part)?;
    let deeper =
        || Gone { name: named.clone(), size: inside.len() as u64, why: Why::Kind, enclosed: true };
    if depth >= DEEPEST {
        return Some(deeper());
    }
    let Ok(within) = Tree::parse(&inside) else { return Some(deeper()) };
    let found =
        (0..within.parts.len()).find_map(|index| one(&inside, &within, index, filter, depth + 1));
    let is_mail = part.kind.starts_with("message/");
    found.map(|gone| Gone { enclosed: gone.enclosed || is_mail, ..gone })
}

/// What mail programs open although it is a leaf here: mostly mails that are encoded as a whole, against the rules
/// (RFC 2045 6.4).
fn encoded_mail(raw: &[u8], part: &Part) -> Option<Vec<u8>> {
    if part.shape != Shape::Leaf {
        return None;
    }
    let content = || part.content(raw).into_owned();
    match part.kind.as_str() {
        kind if file::is_mail(kind) => Some(content()),
        kind if kind.starts_with("multipart/") => {
            let fields = part.fields(raw);
            let field = fields.iter().find(|f| f.is(raw, "Content-Type"))?;
            let head = raw.get(field.whole.clone()).unwrap_or_default();
            Some([head, b"\r\n", &content()].concat())
        }
        _ => None,
    }
}

/// The part around it, the one around that, and so on.
fn above(tree: &Tree, index: usize) -> impl Iterator<Item = usize> {
    let parent = |index: &usize| tree.parts.get(*index).and_then(|part| part.parent);
    std::iter::successors(parent(&index), move |index| parent(index))
}

/// Where its note stands: at the part itself, or at the outermost of the multiparts in which a note would not be read.
/// Where forms of a text go, it goes with none of them.
fn place(tree: &Tree, index: usize, form: Form) -> usize {
    let close = |index: &usize| {
        let kind = tree.parts.get(*index).map(|part| part.kind.as_str());
        matches!(kind, Some("multipart/alternative" | "multipart/related"))
    };
    let outermost = match form {
        Form::Any => above(tree, index).take_while(close).last(),
        Form::Text | Form::Html => above(tree, index).filter(close).last(),
    };
    outermost.unwrap_or(index)
}

/// With the multiparts of which nothing is left.
fn with_empty(tree: &Tree, mut gone: BTreeSet<usize>) -> BTreeSet<usize> {
    for (index, part) in tree.parts.iter().enumerate().rev() {
        let close = matches!(part.kind.as_str(), "multipart/alternative" | "multipart/related");
        let mut children = tree.children(index).peekable();
        if close && children.peek().is_some() && children.all(|(child, _)| gone.contains(&child)) {
            gone.insert(index);
        }
    }
    gone
}

fn removed(files: &[Gone]) -> Done {
    let names: Vec<String> = files.iter().take(5).map(|gone| shown(&gone.name)).collect();
    Done::Removed(format!("not allowed: {}", names.join(", ")))
}
