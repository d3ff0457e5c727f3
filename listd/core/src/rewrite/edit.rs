//! Changes to a mail as edits on its octets: what no edit names is byte-identical by construction.
//!
//! Knows nothing of why: plans are made in [`body`](super::body) and by `copy_head`.

use std::ops::Range;

mod chain;

use serde::{Deserialize, Serialize};

/// One change: these octets of the original become those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Empty where something is only inserted in front of `old.start`.
    pub old: Range<usize>,
    pub new: Vec<u8>,
    pub what: What,
}

/// What an edit does, in the field's terms. `section` is that of [`Part`](crate::message::Part): empty for the mail
/// itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A header field.
    Field { section: String, name: String, change: Change },
    /// The body of a part, or a whole part.
    Part { section: String, done: Done },
}

impl What {
    pub fn field(section: &str, name: &str, change: Change) -> What {
        What::Field { section: section.to_owned(), name: name.to_owned(), change }
    }

    pub fn part(section: &str, done: Done) -> What {
        What::Part { section: section.to_owned(), done }
    }
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Added,
    Removed,
    Replaced,
}

/// What was done with a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// Encoded anew for transfer; it decodes to what it was.
    Encoded,
    /// A footer was added to its text, or is a part of its own.
    Footer,
    /// It stands in a multipart now that was made around it.
    Wrapped,
    /// It was left out; why, in words.
    Removed(String),
    /// Its text was turned into another form, e.g. from HTML to plain text.
    Converted,
    /// A personal link or address of ours in it was made useless.
    Veiled,
    /// A former list's password was taken from its first line.
    Cleansed,
}

/// Two edits want the same octets, or some that are not there. A mistake of ours: no mail can cause it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two changes of the mail overlap at octet {0}")]
pub struct Overlap(pub usize);

/// Each edit in place moves all that is behind it; with more of them a new copy is cheaper.
const IN_PLACE: usize = 16;

/// Edits in the order of their places, disjoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// Sorts and checks edits of an original of `len` octets. Insertions at the same place stay in their order, and
    /// stand in front of what replaces octets there. Edits that change nothing are left out.
    pub fn new(mut edits: Vec<Edit>, len: usize) -> Result<Edits, Overlap> {
        edits.retain(|edit| !edit.old.is_empty() || !edit.new.is_empty());
        edits.sort_by_key(|edit| (edit.old.start, edit.old.end));
        let mut at = 0;
        for edit in &edits {
            if edit.old.start < at || edit.old.end < edit.old.start || edit.old.end > len {
                return Err(Overlap(edit.old.start));
            }
            at = edit.old.end;
        }
        Ok(Edits(edits))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Edit> {
        self.0.iter()
    }

    /// True where an edit is behind this octet, or begins there: with the length of the header, whether the body
    /// changes.
    pub fn reach(&self, at: usize) -> bool {
        self.0.last().is_some_and(|edit| edit.old.end > at || edit.old.start >= at)
    }

    /// The changed mail, in one allocation.
    pub fn apply(&self, original: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.new_len(original.len()));
        let mut at = 0;
        for edit in &self.0 {
            out.extend_from_slice(original.get(at..edit.old.start).unwrap_or_default());
            out.extend_from_slice(&edit.new);
            at = edit.old.end;
        }
        out.extend_from_slice(original.get(at..).unwrap_or_default());
        out
    }

    /// The same where neither is needed any more: a large mail is not copied, but changed where it is, or becomes part of
    /// the text that stands for most of it.
    pub fn apply_to(mut self, mut original: Vec<u8>) -> Vec<u8> {
        let half = self.new_len(original.len()) / 2;
        if let [edit] = self.0.as_mut_slice()
            && edit.new.len() >= half
        {
            let mut out = std::mem::take(&mut edit.new);
            out.extend_from_slice(original.get(edit.old.end..).unwrap_or_default());
            out.splice(..0, original.drain(..edit.old.start));
            out.shrink_to_fit();
            return out;
        }
        if self.0.len() > IN_PLACE {
            return self.apply(&original);
        }
        for edit in self.0.drain(..).rev() {
            original.splice(edit.old, edit.new);
        }
        original
    }

    /// Octets of the changed mail.
    fn new_len(&self, original: usize) -> usize {
        let gone: usize = self.0.iter().map(|edit| edit.old.len()).sum();
        let come: usize = self.0.iter().map(|edit| edit.new.len()).sum();
        original.saturating_sub(gone).saturating_add(come)
    }
}

impl<'a> IntoIterator for &'a Edits {
    type Item = &'a Edit;
    type IntoIter = std::slice::Iter<'a, Edit>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old: Range<usize>, new: &str) -> Edit {
        Edit { old, new: new.into(), what: What::part("", Done::Encoded) }
    }

    fn applied(edits: &[(Range<usize>, &str)]) -> Result<String, Overlap> {
        let edits = edits.iter().map(|(old, new)| edit(old.clone(), new)).collect();
        let edits = Edits::new(edits, 6)?;
        let out = edits.apply(b"abcdef");
        assert_eq!(out.len(), out.capacity(), "one allocation");
        assert_eq!(edits.apply_to(b"abcdef".to_vec()), out);
        Ok(String::from_utf8(out).expect("ASCII"))
    }

    /// B11: what no edit names stays; insertions keep their order.
    #[test]
    fn edits_are_applied() {
        let is = |text: &str| Ok(text.to_owned());
        assert_eq!(applied(&[]), is("abcdef"));
        assert_eq!(applied(&[(4..6, "X"), (0..1, "")]), is("bcdX"));
        assert_eq!(applied(&[(2..3, "Y"), (2..2, "1"), (2..2, "2"), (3..3, "3")]), is("ab12Y3def"));
        assert_eq!(applied(&[(6..6, "end")]), is("abcdefend"));
        assert_eq!(applied(&[(1..5, "a long one")]), is("aa long onef"));
        assert_eq!(applied(&[(0..3, "x"), (2..4, "y")]), Err(Overlap(2)));
        assert_eq!(applied(&[(5..7, "")]), Err(Overlap(5)));
        #[allow(clippy::reversed_empty_ranges, reason = "a range that is none")]
        let reversed = 4..3;
        assert_eq!(applied(&[(reversed, "x")]), Err(Overlap(4)));
    }

    /// B11: whether the body is touched.
    #[test]
    fn edits_reach_the_body_or_not() {
        let reach = |old: Range<usize>| Edits::new(vec![edit(old, "x")], 6).expect("one").reach(3);
        assert!(!reach(0..3) && !reach(2..2) && reach(3..3) && reach(2..4) && reach(6..6));
        assert!(!Edits::default().reach(0));
    }
}
