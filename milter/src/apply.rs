//! What modifications do to a header (MI18).

use crate::header::Field;
use crate::packet::Modification;

/// The header with the modifications made, in their order: each one sees what those before it did. Fields in
/// the order of the mail, the first one on top.
///
/// An index is counted as Postfix does: a field that was deleted does not count any more. Who deletes several
/// of one name begins with the last, and is right with Sendmail as well. To an insertion the MTA's own
/// `Received` is the first field, so give it with the header. What does not concern the header is left alone.
pub fn apply(modifications: &[Modification], mut header: Vec<Field>) -> Vec<Field> {
    for modification in modifications {
        match modification {
            Modification::AddHeader(field) => header.push(field.clone()),
            Modification::InsertHeader { index, field } => {
                let at = usize::try_from(*index).unwrap_or(usize::MAX).min(header.len());
                header.insert(at, field.clone());
            }
            Modification::ChangeHeader { index, field } => change(&mut header, *index, field),
            _ => {}
        }
    }
    header
}

fn change(header: &mut Vec<Field>, index: u32, field: &Field) {
    let nth = usize::try_from(index.max(1)).unwrap_or(usize::MAX) - 1;
    let same = |known: &Field| known.name.eq_ignore_ascii_case(&field.name);
    let at = header.iter().enumerate().filter(|(_, known)| same(known)).map(|(at, _)| at).nth(nth);
    match (at, field.value.is_empty()) {
        (Some(at), true) => drop(header.remove(at)),
        (Some(at), false) => {
            if let Some(known) = header.get_mut(at) {
                known.clone_from(field);
            }
        }
        (None, true) => {}
        (None, false) => header.push(field.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `A: 1` per line.
    fn header(text: &str) -> Vec<Field> {
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            Field { name: name.into(), value: value.into() }
        };
        text.split(',').filter(|line| !line.is_empty()).map(field).collect()
    }

    /// MI18: `+` adds, `I` inserts at an index, `C` changes the field with an index.
    #[test]
    fn mi18_table() {
        let cases = [
            ("A: 1,B: 2", "+C: 3", "A: 1,B: 2,C: 3"),
            ("A: 1,B: 2", "I0C: 3", "C: 3,A: 1,B: 2"),
            ("A: 1,B: 2", "I1C: 3", "A: 1,C: 3,B: 2"),
            ("A: 1,B: 2", "I2C: 3", "A: 1,B: 2,C: 3"),
            ("A: 1,B: 2", "I9C: 3", "A: 1,B: 2,C: 3"),
            ("A: 1,B: 2,a: 3", "C1A: x", "A: x,B: 2,a: 3"),
            ("A: 1,B: 2,a: 3", "C0A: x", "A: x,B: 2,a: 3"),
            ("A: 1,B: 2,a: 3", "C2A: x", "A: 1,B: 2,A: x"),
            ("A: 1,B: 2,a: 3", "C3A: x", "A: 1,B: 2,a: 3,A: x"),
            ("A: 1,B: 2,a: 3", "C1a:", "B: 2,a: 3"),
            ("A: 1,B: 2,a: 3", "C2a:", "A: 1,B: 2"),
            ("A: 1,B: 2", "C2A:", "A: 1,B: 2"),
            ("", "C1A:", ""),
            ("", "C1A: x", "A: x"),
            ("", "I5A: x", "A: x"),
            // One after the other: an index counts what is there then.
            ("A: 1,A: 2,A: 3", "C3A:|C2A:|C1A:", ""),
            ("A: 1,A: 2,A: 3", "C1A:|C1A:|C1A:", ""),
            ("A: 1,A: 2", "C1A:|C2A:", "A: 2"),
            ("B: 1", "+A: 1|C1A: 2|I0A: 0|C1A:", "B: 1,A: 2"),
            ("A: 1", "C4294967295A: x|I4294967295B: y", "A: 1,A: x,B: y"),
        ];
        for (before, changes, after) in cases {
            let modification = |text: &str| {
                let (what, rest) = text.split_at(1);
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
                let (index, field) = rest.split_at(digits);
                let (index, field) = (index.parse().unwrap_or(0), header(field).remove(0));
                match what {
                    "+" => Modification::AddHeader(field),
                    "I" => Modification::InsertHeader { index, field },
                    _ => Modification::ChangeHeader { index, field },
                }
            };
            let modifications: Vec<_> = changes.split('|').map(modification).collect();
            assert_eq!(apply(&modifications, header(before)), header(after), "{before} {changes}");
        }
    }

    /// What is no business of the header leaves it alone.
    #[test]
    fn others() {
        let others = [
            Modification::Quarantine(b"A".to_vec()),
            Modification::ReplaceBody(b"A: 1".to_vec()),
            Modification::DeleteRecipient(b"A".to_vec()),
        ];
        assert_eq!(apply(&others, header("A: 1")), header("A: 1"));
    }
}
