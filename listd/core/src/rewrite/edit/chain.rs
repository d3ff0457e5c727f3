//! Edits of a mail and then edits of what came out, as edits of the mail.

use std::ops::Range;

use super::{Edit, Edits, Overlap};

impl Edits {
    /// These edits of `original`, and then `later` ones of what they made of it: applied together they give the same.
    /// Where both touch the same octets they become one edit, which is called what the first was.
    ///
    /// # Errors
    /// `later` are edits of something else.
    pub fn then(&self, original: &[u8], later: &Edits) -> Result<Edits, Overlap> {
        let (first, later) = (placed(self), later.0.as_slice());
        let (mut i, mut j) = (0, 0);
        let (mut shift, mut out) = (Shift::default(), Vec::new());
        loop {
            match (first.get(i), later.get(j)) {
                (None, None) => return Edits::new(out, original.len()),
                (Some((at, _)), Some(b)) if overlap(at, &b.old) => {
                    let (i_end, j_end, span) = group(&first, later, i, j);
                    let firsts = first.get(i..i_end).unwrap_or_default();
                    let laters = later.get(j..j_end).unwrap_or_default();
                    out.extend(merged(original, &mut shift, span, firsts, laters));
                    (i, j) = (i_end, j_end);
                }
                (Some((at, edit)), b) if b.is_none_or(|b| at.end <= b.old.start) => {
                    out.push((*edit).clone());
                    shift.add(edit);
                    i += 1;
                }
                (_, Some(b)) => {
                    let old = shift.back(b.old.start)..shift.back(b.old.end);
                    out.push(Edit { old, ..b.clone() });
                    j += 1;
                }
                (Some(_), None) => i += 1,
            }
        }
    }
}

/// Each edit with its place in what comes out.
fn placed(edits: &Edits) -> Vec<(Range<usize>, &Edit)> {
    let mut shift = Shift::default();
    let place = |edit| {
        let start = shift.on(edit);
        shift.add(edit);
        (start..start + edit.new.len(), edit)
    };
    edits.iter().map(place).collect()
}

/// True where there is an octet in both, or an empty one stands inside the other.
fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.end > b.start && b.end > a.start
}

/// The edits that hang together from these two on: the ends of both, and their place between the two.
fn group(
    first: &[(Range<usize>, &Edit)],
    later: &[Edit],
    i: usize,
    j: usize,
) -> (usize, usize, Range<usize>) {
    let (mut i, mut j) = (i, j);
    let mut span: Option<Range<usize>> = None;
    let grown = |span: &Option<Range<usize>>, at: &Range<usize>| match span {
        None => Some(at.clone()),
        Some(span) => overlap(at, span).then(|| span.start.min(at.start)..span.end.max(at.end)),
    };
    loop {
        let a = first.get(i).and_then(|(at, _)| grown(&span, at));
        let b = later.get(j).filter(|_| span.is_some()).and_then(|b| grown(&span, &b.old));
        match (a, b) {
            (Some(more), _) => (span, i) = (Some(more), i + 1),
            (None, Some(more)) => (span, j) = (Some(more), j + 1),
            (None, None) => return (i, j, span.unwrap_or_default()),
        }
    }
}

/// One edit instead of all of a group.
fn merged(
    original: &[u8],
    shift: &mut Shift,
    span: Range<usize>,
    firsts: &[(Range<usize>, &Edit)],
    laters: &[Edit],
) -> Option<Edit> {
    let what = firsts.first()?.1.what.clone();
    let start = shift.back(span.start);
    let (mut between, mut at) = (Vec::new(), start);
    for (_, edit) in firsts {
        between.extend_from_slice(original.get(at..edit.old.start).unwrap_or_default());
        between.extend_from_slice(&edit.new);
        at = edit.old.end;
        shift.add(edit);
    }
    let end = shift.back(span.end);
    between.extend_from_slice(original.get(at..end).unwrap_or_default());
    let (mut new, mut at) = (Vec::new(), 0);
    for edit in laters {
        let old = edit.old.start - span.start..edit.old.end - span.start;
        new.extend_from_slice(between.get(at..old.start).unwrap_or_default());
        new.extend_from_slice(&edit.new);
        at = old.end;
    }
    new.extend_from_slice(between.get(at..).unwrap_or_default());
    Some(Edit { old: start..end, new, what })
}

/// How far octets have moved.
#[derive(Copy, Clone, Debug, Default)]
struct Shift {
    gone: usize,
    come: usize,
}

impl Shift {
    fn add(&mut self, edit: &Edit) {
        self.gone += edit.old.len();
        self.come += edit.new.len();
    }

    /// Where an edit begins in what comes out.
    fn on(&self, edit: &Edit) -> usize {
        (edit.old.start + self.come).saturating_sub(self.gone)
    }

    /// The place in the original, of one in what came out.
    fn back(&self, at: usize) -> usize {
        (at + self.gone).saturating_sub(self.come)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rewrite::edit::{Done, What};

    fn edits(of: &[u8], raw: &[(usize, usize, String)]) -> Edits {
        let (mut at, mut out) = (0, Vec::new());
        for (skip, len, new) in raw {
            let start = (at + skip).min(of.len());
            let end = (start + len).min(of.len());
            let what = What::part("", Done::Encoded);
            out.push(Edit { old: start..end, new: new.clone().into_bytes(), what });
            at = end;
        }
        Edits::new(out, of.len()).expect("disjoint")
    }

    proptest! {
        /// B11: one after the other, and both at once.
        #[test]
        fn two_steps_are_one(
            original in "[a-z]{0,30}",
            first in prop::collection::vec((0usize..6, 0usize..6, "[A-Z]{0,4}"), 0..6),
            later in prop::collection::vec((0usize..6, 0usize..6, "[0-9]{0,4}"), 0..6),
        ) {
            let original = original.as_bytes();
            let first = edits(original, &first);
            let middle = first.apply(original);
            let later = edits(&middle, &later);
            let both = first.then(original, &later).expect("disjoint");
            let (one, two) = (both.apply(original), later.apply(&middle));
            prop_assert_eq!(String::from_utf8_lossy(&one), String::from_utf8_lossy(&two));
            prop_assert_eq!(both.apply_to(original.to_vec()), one);
        }
    }
}
