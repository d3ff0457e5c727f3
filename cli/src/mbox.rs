//! Mails of a mailbox file (mbox, RFC 4155), as slices of it. Not what is in them.

/// The mails of a file; the file itself where it is no mailbox.
///
/// A mail begins at a `From ` line with a time in it, behind an empty line and in front of a field: bounces quote mails
/// with such lines, too.
pub fn mails(file: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let (mut at, mut empty) = (0, true);
    for line in file.split_inclusive(|b| *b == b'\n') {
        let next = at + line.len();
        if empty && is_separator(line) && is_field(file.get(next..).unwrap_or_default()) {
            starts.push((at, next));
        }
        empty = line.trim_ascii_end().is_empty();
        at = next;
    }
    if starts.first().is_none_or(|(start, _)| *start != 0) {
        return vec![file];
    }
    let ends = starts.iter().skip(1).map(|(end, _)| *end).chain([file.len()]);
    let mails = starts.iter().zip(ends).map(|((_, begin), end)| file.get(*begin..end));
    mails.map(Option::unwrap_or_default).collect()
}

/// `From anna@x.example Thu Apr  9 23:34:45 2015`.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let time = |word: &[u8]| {
        word.len() >= 5
            && word.contains(&b':')
            && word.iter().all(|b| b.is_ascii_digit() || *b == b':')
    };
    line.len() < 500 && rest.split(|b| b.is_ascii_whitespace()).any(time)
}

/// True where a line like `Name: value` comes next, as it does in a mail.
fn is_field(rest: &[u8]) -> bool {
    let name: Vec<u8> = rest.iter().copied().take(80).take_while(|b| *b != b':').collect();
    let letter = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
    !name.is_empty() && name.len() < 80 && name.iter().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_cut_into_mails() {
        let from = "From a@b Thu Apr  9 23:34:45 2015\n";
        let cases = [
            ("Subject: x\n\nFrom here on\n".to_owned(), 1),
            (format!("{from}A: b\n\nx\n\n{from}C: d\n\ny\n"), 2),
            (format!("{from}A: b\n\nquoted:\n\n{from}no field\n"), 1),
            (format!("{from}A: b\n\nnot behind an empty line\n{from}C: d\n"), 1),
            (format!("A: b\n\n{from}C: d\n"), 1),
            (format!("{from}A: b\r\n\r\nx\r\n\r\n{from}C: d\r\n"), 2),
            (String::new(), 1),
            (from.to_owned(), 1),
        ];
        for (file, expect) in cases {
            assert_eq!(mails(file.as_bytes()).len(), expect, "{file:?}");
        }
        let two = format!("{from}A: b\n\nx\n\n{from}C: d\n");
        assert_eq!(mails(two.as_bytes()), [&b"A: b\n\nx\n\n"[..], b"C: d\n"]);
    }
}
