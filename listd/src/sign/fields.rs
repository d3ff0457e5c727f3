//! Which header fields a signature covers, and which may not be added later (rules D4, D5).

use listcore::rewrite::{OVERSIGNED, SIGNED};

/// The names to hand to mail-auth for this head: it signs every occurrence of a name and adds those that do not
/// occur, so a name stands twice where it occurs and must not be added.
pub fn names(head: &[u8]) -> Vec<&'static str> {
    let occurs = |name: &str| {
        head.split(|b| *b == b'\n').any(|line| {
            line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
                && line.get(name.len()..).and_then(|rest| rest.iter().find(|b| !b" \t".contains(b)))
                    == Some(&b':')
        })
    };
    let twice = OVERSIGNED.into_iter().filter(|name| occurs(name));
    SIGNED.into_iter().chain(twice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D5: twice where it occurs, once where it does not; a folded line is no field.
    #[test]
    fn a_name_stands_twice_where_it_occurs() {
        let names = names(b"FROM: a\r\nX: b\r\n Subject: c\r\nTo : d\r\nTopic: e\r\n");
        let count = |name: &str| names.iter().filter(|n| **n == name).count();
        assert_eq!(count("From"), 2);
        assert_eq!(count("To"), 2);
        assert_eq!(count("Subject"), 1);
        assert_eq!(count("List-Id"), 1);
        assert_eq!(count("Received"), 0);
    }
}
