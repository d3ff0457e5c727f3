//! A large body that changes a little: what stays of its file and what is new, one behind the other.
//!
//! Nothing is read here, and of the mail nothing copied but its header. What is to change plans `listcore::rewrite::body`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use listcore::message::split;
use listcore::rewrite::{Edit, Edits};

use crate::delivery::Payload;

/// Most edits: with more of them one new body is cheaper than so many pieces.
const MOST: usize = 16;

/// The header and the body that `edits` make of `raw`, which stands in the file and whose header ends at `at`. `None`
/// where a new body is no larger, or where what changes goes over the end of the header.
pub(super) fn pieces(
    raw: &[u8],
    at: usize,
    edits: &Edits,
    path: &Arc<PathBuf>,
) -> Option<(Vec<u8>, Payload)> {
    let new: usize = edits.iter().map(|edit| edit.new.len()).sum();
    if edits.iter().len() > MOST || new > raw.len() / 2 {
        return None;
    }
    let (above, below): (Vec<&Edit>, Vec<&Edit>) = edits.iter().partition(|e| e.old.start < at);
    let above = Edits::new(above.into_iter().cloned().collect(), at).ok()?;
    let head = above.apply(raw.get(..at)?);
    if !head.ends_with(b"\r\n\r\n") || split(&head) != head.len() {
        return None;
    }
    let stays = |range: Range<usize>| Payload::File {
        path: Arc::clone(path),
        offset: range.start as u64,
        len: range.len() as u64,
    };
    let (mut all, mut end) = (Vec::new(), at);
    for edit in below {
        all.push(stays(end..edit.old.start));
        all.push(Payload::Memory(edit.new.clone().into()));
        end = edit.old.end;
    }
    all.push(stays(end..raw.len()));
    all.retain(|piece| !piece.is_empty());
    Some((head, Payload::Pieces(all.into())))
}
