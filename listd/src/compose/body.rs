//! The body of all copies in one language: the original's very octets, or what the edits make of them.
//!
//! What they are to be plans `listcore::rewrite::body`. A large body stays in its file and is read in pieces; one that
//! changes is read whole while that is planned, and what is new of it stands between the pieces of the file. Where most
//! of it is new it is written once, for all recipients of the language.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use listcore::message::{Lines, MAX_HEADER, Tree, lines, split};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::{BodyOf, Edits, Unsendable};

use super::pieces::pieces;
use super::{never, never_with};
use crate::delivery::Payload;
use crate::scheduler::NoCopy;
use crate::sign::{BodyHash, SignError, body_hash};
use crate::store::Body;

/// Octets read from a file at once.
const PIECE: usize = 128 * 1024;

/// A mail whose body can be sent as it is.
pub(super) struct Prepared {
    /// The header block with the empty line; what it says of the body is true.
    pub head: Vec<u8>,
    pub body: Payload,
    pub hash: BodyHash,
    /// There is an octet over 127 in the body.
    pub eight_bit: bool,
    /// What it was, where it is another now.
    pub original: Option<Original>,
}

/// The mail as it came.
pub(super) struct Original {
    pub head: Vec<u8>,
    /// Its body is sent.
    pub body: bool,
}

impl Prepared {
    /// For the question whether the author's signature survives. Where it is asked, a body that changed is in memory.
    pub fn body_of(&self) -> BodyOf<'_> {
        match (&self.original, &self.body) {
            (None, _) => BodyOf::Original,
            (Some(Original { head, body: false }), Payload::Memory(body)) => {
                BodyOf::Changed { head, body: Some(body) }
            }
            (Some(Original { head, .. }), _) => BodyOf::Changed { head, body: None },
        }
    }
}

/// Takes the body as it is, where that is all that is wished for. `in_memory`: one that changes is wanted there.
pub(super) fn prepare(
    body: &Body,
    wishes: &Wishes<'_>,
    in_memory: bool,
) -> Result<Prepared, NoCopy> {
    let (head, payload) = divide(body)?;
    if !wishes.change_content() {
        let (lines, hash) = measure(&payload)?;
        if !wishes.forbid(&lines) {
            let eight_bit = lines.eight_bit;
            return Ok(Prepared { head, body: payload, hash, eight_bit, original: None });
        }
    }
    let raw = whole(body)?;
    let edits = plan(&raw, wishes)?;
    let reach = edits.reach(head.len());
    let original = Some(Original { head: head.clone(), body: !reach });
    let pieces = match reach && !in_memory {
        true => in_pieces(body, &raw, head.len(), &edits),
        false => None,
    };
    let (head, sent, measured) = match (reach, pieces) {
        // What the header says of the body, or nothing: the body stays where it is.
        (false, _) => {
            let measured = measure(&Payload::Memory(raw.slice(head.len().min(raw.len())..)))?;
            (edits.apply(&head), payload, measured)
        }
        (true, Some((head, payload))) => {
            drop((raw, edits));
            let measured = measure(&payload)?;
            (head, payload, measured)
        }
        (true, None) => {
            // One that was read from a file is nobody else's.
            let changed = match raw.try_into_mut() {
                Ok(raw) => edits.apply_to(raw.into()),
                Err(raw) => edits.apply(&raw),
            };
            let (head, payload) = divide(&Body::Memory(Bytes::from(changed)))?;
            let measured = measure(&payload)?;
            (head, payload, measured)
        }
    };
    let (lines, hash) = measured;
    if wishes.forbid(&lines) {
        return Err(never_with("5.6.0", "a line over 998 octets can't be re-encoded"));
    }
    Ok(Prepared { head, body: sent, hash, eight_bit: lines.eight_bit, original })
}

/// The changed mail, of which most stays in the file.
fn in_pieces(body: &Body, raw: &[u8], at: usize, edits: &Edits) -> Option<(Vec<u8>, Payload)> {
    match body {
        Body::File { path, .. } => pieces(raw, at, edits, &Arc::new(path.clone())),
        Body::Memory(_) => None,
    }
}

/// The edits of a whole mail.
pub(super) fn plan(raw: &[u8], wishes: &Wishes<'_>) -> Result<Edits, NoCopy> {
    let Ok(tree) = Tree::parse(raw) else {
        // More parts than anybody reads: nothing is added, and such a mail goes as it is where it can. Where not
        // everything may pass it goes nowhere, since nobody knows what is in it.
        return match wishes.filter.is_some()
            || wishes.forbid(&lines(raw.get(split(raw)..).unwrap_or_default()))
        {
            true => Err(never(&Unsendable::BadStructure)),
            false => Ok(Edits::default()),
        };
    };
    body::edits(raw, &tree, wishes).map_err(|e| never(&e))
}

/// The lines of a body that comes in pieces.
#[derive(Default)]
struct Facts {
    /// Octets of the longest line, without its line end.
    longest: usize,
    /// Of the line that is being read.
    current: usize,
    eight_bit: bool,
}

impl Facts {
    fn add(&mut self, piece: &[u8]) {
        self.eight_bit |= !piece.is_ascii();
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.current += line.len();
            // The CR is no part of the line; it may have come with the piece before.
            self.longest = self.longest.max(self.current.saturating_sub(1));
            self.current = 0;
            rest = after.get(1..).unwrap_or_default();
        }
        self.current += rest.len();
    }

    fn end(self) -> Lines {
        let longest = self.longest.max(self.current);
        Lines { longest, eight_bit: self.eight_bit, ..Lines::default() }
    }
}

/// Divides a mail into its header block and its body, which is not copied.
fn divide(body: &Body) -> Result<(Vec<u8>, Payload), NoCopy> {
    match body {
        Body::Memory(raw) => {
            let at = split(raw).min(raw.len());
            let head = raw.get(..at).unwrap_or_default().to_vec();
            Ok((head, Payload::Memory(raw.slice(at..))))
        }
        Body::File { path, size } => {
            let mut head = Vec::new();
            let limit = MAX_HEADER as u64 + 1;
            File::open(path)
                .and_then(|file| file.take(limit).read_to_end(&mut head))
                .map_err(|e| unreadable(path, &e))?;
            let at = split(&head).min(head.len());
            head.truncate(at);
            let offset = at as u64;
            let len = size.saturating_sub(offset);
            Ok((head, Payload::File { path: Arc::new(path.clone()), offset, len }))
        }
    }
}

/// Reads the body once for its facts and its hash.
fn measure(body: &Payload) -> Result<(Lines, BodyHash), NoCopy> {
    let mut facts = Facts::default();
    let hash = body_hash(|sink| -> Result<(), Trouble> {
        let mut both = |piece: &[u8]| {
            facts.add(piece);
            sink(piece);
        };
        for piece in body.pieces() {
            match piece {
                Payload::Memory(bytes) => both(bytes),
                Payload::File { path, offset, len } => {
                    read_pieces(path, *offset, *len, &mut both)?;
                }
                Payload::Pieces(_) => return Err(Trouble("a body in pieces of pieces".to_owned())),
            }
        }
        Ok(())
    })
    .map_err(|Trouble(why)| NoCopy::Later(why))?;
    Ok((facts.end(), hash))
}

fn read_pieces(
    path: &Path,
    offset: u64,
    len: u64,
    mut each: impl FnMut(&[u8]),
) -> Result<(), Trouble> {
    let failed = |e: std::io::Error| Trouble(format!("{}: {e}", path.display()));
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut buffer = vec![0; PIECE];
    let mut left = len;
    while left > 0 {
        let room = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let Some(window) = buffer.get_mut(..room) else { break };
        let read = file.read(window).map_err(failed)?;
        if read == 0 {
            return Err(Trouble(format!("{}: {left} octets are missing", path.display())));
        }
        each(window.get(..read).unwrap_or_default());
        left = left.saturating_sub(read as u64);
    }
    Ok(())
}

fn whole(body: &Body) -> Result<Bytes, NoCopy> {
    match body {
        Body::Memory(raw) => Ok(raw.clone()),
        Body::File { path, .. } => {
            std::fs::read(path).map(Bytes::from).map_err(|e| unreadable(path, &e))
        }
    }
}

/// Trouble of ours while a body is read.
struct Trouble(String);

impl From<SignError> for Trouble {
    fn from(error: SignError) -> Trouble {
        Trouble(error.to_string())
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> NoCopy {
    NoCopy::Later(format!("{}: {error}", path.display()))
}
