//! The record of what was changed in a copy: enough to make the original of it again, and to show the difference.
//!
//! Made only when asked for, since it holds what was taken away. It speaks of octets: a copy that was changed on its
//! way can't be undone, and says so.

use std::ops::Range;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::text;
use crate::rewrite::edit::{Done, Edit, Edits, What};

/// Longest line of the readable difference, in characters.
const SHOWN: usize = 200;

/// What was done, in the order in which it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Of the original: SHA-256 in lower-case hex.
    pub original: String,
    /// Each works on what the one before left: the body first, then the header.
    pub layers: Vec<Layer>,
}

/// One pass over the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Octets of the mail after it.
    pub size: usize,
    /// In the order of their places, disjoint.
    pub changes: Vec<Changed>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Where the new octets stand in the mail after this layer.
    pub new: Range<usize>,
    /// The octets that stood there before; base64 in JSON.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub old: Vec<u8>,
    pub what: What,
}

fn to_base64<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&BASE64.encode(octets))
}

fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    BASE64.decode(text.as_bytes()).map_err(serde::de::Error::custom)
}

/// Why no original can be made.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the copy that the record was made of, or it was changed since")]
pub struct NotTheCopy;

impl Changes {
    /// No change yet.
    pub fn of(original: &[u8]) -> Changes {
        Changes { original: sum(original), layers: Vec::new() }
    }

    /// Records the edits of `before`: the original, or what the layer before left.
    pub fn add(&mut self, before: &[u8], edits: &Edits) {
        let mut at = 0usize;
        // How many octets the new places are behind the old ones.
        let (mut gone, mut come) = (0usize, 0usize);
        let mut changes = Vec::new();
        for Edit { old, new, what } in edits {
            let start = (old.start + come).saturating_sub(gone);
            at = start + new.len();
            let octets = before.get(old.clone()).unwrap_or_default().to_vec();
            changes.push(Changed { new: start..at, old: octets, what: what.clone() });
            gone += old.len();
            come += new.len();
        }
        let size = (before.len() + come).saturating_sub(gone).max(at);
        self.layers.push(Layer { size, changes });
    }

    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.changes.is_empty())
    }

    /// The original of a copy.
    ///
    /// # Errors
    /// It is not that copy, or the record was made by others.
    pub fn undo(&self, copy: &[u8]) -> Result<Vec<u8>, NotTheCopy> {
        let mut mail = copy.to_vec();
        for layer in self.layers.iter().rev() {
            mail = layer.undo(&mail).ok_or(NotTheCopy)?;
        }
        if sum(&mail) == self.original { Ok(mail) } else { Err(NotTheCopy) }
    }

    /// A difference to be read by people: header fields as `-` and `+` lines, of parts what was done and their sizes.
    ///
    /// # Errors
    /// As [`undo`](Changes::undo).
    pub fn diff(&self, copy: &[u8]) -> Result<String, NotTheCopy> {
        let mut mail = copy.to_vec();
        let mut texts = Vec::new();
        for layer in self.layers.iter().rev() {
            let lines: Vec<String> = layer.changes.iter().map(|c| c.shown(&mail)).collect();
            texts.push(lines.concat());
            mail = layer.undo(&mail).ok_or(NotTheCopy)?;
        }
        texts.reverse();
        Ok(texts.concat())
    }
}

impl Layer {
    /// The mail before this layer; `None` for a mail that it did not make.
    fn undo(&self, mail: &[u8]) -> Option<Vec<u8>> {
        if mail.len() != self.size {
            return None;
        }
        let mut out = Vec::with_capacity(mail.len());
        let mut at = 0;
        for change in &self.changes {
            out.extend_from_slice(mail.get(at..change.new.start)?);
            out.extend_from_slice(&change.old);
            at = change.new.end;
        }
        out.extend_from_slice(mail.get(at..)?);
        Some(out)
    }
}

impl Changed {
    /// `mail` is the one after the layer.
    fn shown(&self, mail: &[u8]) -> String {
        let new = mail.get(self.new.clone()).unwrap_or_default();
        let place = |section: &str| match section {
            "" => String::new(),
            section => format!("part {section}: "),
        };
        match &self.what {
            What::Field { section, .. } => {
                let place = place(section);
                format!("{}{}", lines('-', &place, &self.old), lines('+', &place, new))
            }
            What::Part { section, done } => {
                let (old, new) = (self.old.len(), new.len());
                let part = match section.as_str() {
                    "" => "body".to_owned(),
                    section => format!("part {section}"),
                };
                format!("~ {part}: {} ({old} octets before, {new} now)\n", words(done))
            }
        }
    }
}

fn words(done: &Done) -> String {
    match done {
        Done::Encoded => "encoded anew, the content is the same".to_owned(),
        Done::Footer => "footer added".to_owned(),
        Done::Wrapped => "put into a multipart".to_owned(),
        Done::Removed(why) => format!("left out: {why}"),
        Done::Converted => "turned into another form".to_owned(),
        Done::Veiled => "a personal link or address of ours made useless".to_owned(),
        Done::Cleansed => "a password taken from its first line".to_owned(),
    }
}

/// A field as lines of the difference: nothing in them acts on a terminal.
fn lines(mark: char, place: &str, field: &[u8]) -> String {
    let text = text::utf8_or_latin(field);
    let line = |line: &str| {
        let shown: String = line.chars().take(SHOWN).map(visible).collect();
        let more = if line.chars().nth(SHOWN).is_some() { " ..." } else { "" };
        format!("{mark} {place}{shown}{more}\n")
    };
    text.lines().map(line).collect()
}

fn visible(c: char) -> char {
    if c == '\t' {
        ' '
    } else if c.is_control() {
        '\u{fffd}'
    } else {
        c
    }
}

fn sum(octets: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, octets).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::edit::Change;

    fn edit(old: Range<usize>, new: &str, what: What) -> Edit {
        Edit { old, new: new.into(), what }
    }

    fn two_layers(original: &[u8]) -> (Changes, Vec<u8>) {
        let mut changes = Changes::of(original);
        let body = edit(12..16, "text\u{fc}", What::part("", Done::Footer));
        let body = Edits::new(vec![body], original.len()).expect("one");
        changes.add(original, &body);
        let middle = body.apply(original);
        let head = vec![
            edit(0..0, "Received: x\r\n", What::field("", "Received", Change::Added)),
            edit(0..6, "A: \u{1b}[c\r\n", What::field("", "A", Change::Replaced)),
            edit(6..10, "", What::field("", "B", Change::Removed)),
        ];
        let head = Edits::new(head, middle.len()).expect("disjoint");
        changes.add(&middle, &head);
        (changes, head.apply(&middle))
    }

    const ORIGINAL: &[u8] = b"A: b\r\nB:\r\n\r\nbody\r\n";

    /// The record and the copy give the original, and nothing else does.
    #[test]
    fn changes_are_undone() {
        let (changes, copy) = two_layers(ORIGINAL);
        assert_eq!(changes.undo(&copy).as_deref(), Ok(ORIGINAL));
        let json = serde_json::to_string(&changes).expect("JSON");
        assert_eq!(serde_json::from_str::<Changes>(&json).expect("the same"), changes);
        assert_eq!(changes.undo(&copy[1..]), Err(NotTheCopy));
        let other = [&copy[..copy.len() - 1], b"x"].concat();
        assert_eq!(changes.undo(&other), Err(NotTheCopy));
        let mut wild = changes.clone();
        wild.layers[1].changes[0].new = 5..1_000;
        assert_eq!(wild.undo(&copy), Err(NotTheCopy));
        assert_eq!(Changes::of(ORIGINAL).undo(ORIGINAL).as_deref(), Ok(ORIGINAL));
    }

    /// X4: the difference can be read, and can't act on a terminal.
    #[test]
    fn changes_are_shown() {
        let (changes, copy) = two_layers(ORIGINAL);
        let shown = changes.diff(&copy).expect("its own copy");
        let expect = "~ body: footer added (4 octets before, 6 now)\n\
                      + Received: x\n- A: b\n+ A: \u{fffd}[c\n- B:\n";
        assert_eq!(shown, expect);
    }
}
