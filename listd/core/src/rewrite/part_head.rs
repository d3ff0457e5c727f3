//! The header of one part: the fields that speak of its body replaced or added, and what can't be sent repaired.

use crate::message::{Field, Mail, Part, lines};
use crate::rewrite::body::Wishes;
use crate::rewrite::edit::{Change, Edit, What};
use crate::rewrite::{eight_bit, encode};

/// The header of a part while its edits are made.
pub(super) struct Head<'a> {
    raw: &'a [u8],
    part: &'a Part,
    fields: Vec<Field>,
    /// New whole fields by name.
    set: Vec<(&'static str, Vec<u8>)>,
    repaired: Vec<Edit>,
}

impl<'a> Head<'a> {
    pub fn new(raw: &'a [u8], part: &'a Part) -> Head<'a> {
        Head { raw, part, fields: part.fields(raw), set: Vec::new(), repaired: Vec::new() }
    }

    /// The value of Content-Transfer-Encoding as it stands there, lower-case; empty where there is none.
    pub fn encoding(&self) -> Vec<u8> {
        let field = self.fields.iter().find(|f| f.is(self.raw, "Content-Transfer-Encoding"));
        field.map(|f| f.value(self.raw).trim_ascii().to_ascii_lowercase()).unwrap_or_default()
    }

    /// A field, whole with its CRLF, instead of all that have its name.
    pub fn set(&mut self, name: &'static str, field: Vec<u8>) {
        self.set.retain(|(known, _)| *known != name);
        self.set.push((name, field));
    }

    pub fn set_encoding(&mut self, encoding: &str) {
        let field = format!("Content-Transfer-Encoding: {encoding}\r\n").into_bytes();
        self.set("Content-Transfer-Encoding", field);
    }

    /// Every field that can't be sent, in a form that can.
    pub fn repair(&mut self, wishes: &Wishes<'_>) {
        let head = self.part.head(self.raw);
        let Ok(mail) = Mail::parse_within(head, head.len()) else { return };
        for (field, placed) in mail.fields.iter().zip(&self.fields) {
            let whole = placed_octets(self.raw, placed);
            if !wishes.forbid(&lines(whole)) {
                continue;
            }
            let mut new = Vec::new();
            if wishes.seven_bit && !whole.is_ascii() && field.valid {
                eight_bit::convert(&mail, field, false, &mut new);
            } else {
                let safe: Vec<u8> = whole.iter().map(|b| seven(*b, wishes)).collect();
                encode::fold_raw(&safe, &mut new);
            }
            self.repaired.push(self.replacement(placed, new));
        }
    }

    fn replacement(&self, field: &Field, new: Vec<u8>) -> Edit {
        let name = String::from_utf8_lossy(field.name(self.raw)).into_owned();
        let change = if new.is_empty() { Change::Removed } else { Change::Replaced };
        let what = What::Field { section: self.part.section.clone(), name, change };
        Edit { old: field.whole.clone(), new, what }
    }

    /// All edits of this header.
    pub fn edits(self) -> Vec<Edit> {
        let is_set = |edit: &Edit| {
            self.fields.iter().any(|f| {
                f.whole == edit.old && self.set.iter().any(|(name, _)| f.is(self.raw, name))
            })
        };
        let mut edits: Vec<Edit> = self.repaired.iter().filter(|e| !is_set(e)).cloned().collect();
        let mut added = Vec::new();
        for (name, field) in &self.set {
            let mut new = Some(field);
            for old in self.fields.iter().filter(|f| f.is(self.raw, name)) {
                let new = new.take().cloned().unwrap_or_default();
                if placed_octets(self.raw, old) != new {
                    edits.push(self.replacement(old, new));
                }
            }
            if let Some(field) = new {
                added.push((*name, field.clone()));
            }
        }
        edits.extend(self.added(added));
        edits
    }

    /// New fields behind the others, in front of the empty line, which is added where there is none.
    fn added(&self, mut added: Vec<(&'static str, Vec<u8>)>) -> Vec<Edit> {
        let head = self.part.head(self.raw);
        let versioned = self.fields.iter().any(|f| f.is(self.raw, "MIME-Version"));
        if self.part.depth == 0 && !added.is_empty() && !versioned {
            added.insert(0, ("MIME-Version", b"MIME-Version: 1.0\r\n".to_vec()));
        }
        let at = self.fields.last().map_or(self.part.head.start, |field| field.whole.end);
        let torn = self.fields.last().is_some_and(|f| !placed_octets(self.raw, f).ends_with(b"\n"));
        let empty_line = self.part.head.start + head.len() > at;
        let count = added.len();
        let edits = added.into_iter().enumerate().map(|(i, (name, field))| {
            let before: &[u8] = if torn && i == 0 { b"\r\n" } else { b"" };
            let after: &[u8] = if !empty_line && i + 1 == count { b"\r\n" } else { b"" };
            let what = What::field(&self.part.section, name, Change::Added);
            Edit { old: at..at, new: [before, &field, after].concat(), what }
        });
        edits.collect()
    }
}

fn placed_octets<'r>(raw: &'r [u8], field: &Field) -> &'r [u8] {
    raw.get(field.whole.clone()).unwrap_or_default()
}

/// An octet that may leave.
pub(super) fn seven(byte: u8, wishes: &Wishes<'_>) -> u8 {
    if wishes.seven_bit && !byte.is_ascii() { b'?' } else { byte }
}
