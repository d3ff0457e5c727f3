//! LDIF content files (RFC 2849): text in, entries out.
//!
//! No changes (`changetype: modify` and so on) and no values from files (`:<`): such a file is refused, with the line.

use crate::entry::Entry;

/// Longest logical line (octets), folded lines joined.
const LONGEST: usize = 4 * 1024 * 1024;

/// Why a file was not taken, and at which line (counted from 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LdifError {
    pub line: usize,
    pub what: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("an entry must begin with \"dn:\"")]
    NoDn,
    #[error("\"attribute: value\" was expected")]
    NoColon,
    #[error("the value behind \"::\" is no base64")]
    BadBase64,
    #[error("a line that begins with a space continues nothing")]
    NothingToContinue,
    #[error("values from files (\":<\") are not read")]
    FromFile,
    #[error("only LDIF version 1 is known")]
    Version,
    #[error("only whole entries are read, not changes")]
    Change,
    #[error("the line is too long")]
    TooLong,
}

/// All entries of a file, in its order.
pub fn parse(file: &[u8]) -> Result<Vec<Entry>, LdifError> {
    let mut entries = Vec::new();
    let mut current: Option<Entry> = None;
    let mut begun = false;
    for line in logical_lines(file)? {
        let fail = |what| LdifError { line: line.number, what };
        if line.text.is_empty() {
            entries.extend(current.take());
            continue;
        }
        let (name, value) = attribute(&line.text).map_err(fail)?;
        match (&mut current, name) {
            (None, name) if name.eq_ignore_ascii_case("version") && !begun => {
                if value != b"1" {
                    return Err(fail(Problem::Version));
                }
            }
            (None, name) if name.eq_ignore_ascii_case("dn") => {
                current = Some(Entry::new(&String::from_utf8_lossy(&value)));
            }
            (None, _) => return Err(fail(Problem::NoDn)),
            (Some(_), name) if name.eq_ignore_ascii_case("changetype") => {
                if !value.eq_ignore_ascii_case(b"add") {
                    return Err(fail(Problem::Change));
                }
            }
            (Some(entry), name) => entry.push(name, &value),
        }
        begun = true;
    }
    entries.extend(current);
    Ok(entries)
}

struct Line {
    number: usize,
    text: Vec<u8>,
}

/// Lines with their continuations joined and comments gone; an empty text ends an entry.
fn logical_lines(file: &[u8]) -> Result<Vec<Line>, LdifError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut lines: Vec<Line> = Vec::new();
    for (at, raw) in file.split(|b| *b == b'\n').enumerate() {
        let number = at + 1;
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        match raw.strip_prefix(b" ") {
            Some(more) => match lines.last_mut().filter(|l| !l.text.is_empty()) {
                Some(last) if last.text.len() + more.len() > LONGEST => {
                    return Err(LdifError { line: number, what: Problem::TooLong });
                }
                Some(last) => last.text.extend_from_slice(more),
                None => return Err(LdifError { line: number, what: Problem::NothingToContinue }),
            },
            None => lines.push(Line { number, text: raw.to_vec() }),
        }
    }
    lines.retain(|line| !line.text.starts_with(b"#"));
    Ok(lines)
}

/// `name: value`, `name:: base64` or `name:< url`.
fn attribute(text: &[u8]) -> Result<(&str, Vec<u8>), Problem> {
    let colon = memchr::memchr(b':', text).ok_or(Problem::NoColon)?;
    let (name, rest) = text.split_at_checked(colon).ok_or(Problem::NoColon)?;
    let name = std::str::from_utf8(name).map_err(|_| Problem::NoColon)?;
    let rest = rest.get(1..).unwrap_or_default();
    match rest.first() {
        Some(b':') => {
            let encoded: Vec<u8> =
                rest.iter().skip(1).copied().filter(|b| !b.is_ascii_whitespace()).collect();
            let value = data_encoding::BASE64.decode(&encoded).map_err(|_| Problem::BadBase64)?;
            Ok((name, value))
        }
        Some(b'<') => Err(Problem::FromFile),
        _ => Ok((name, rest.trim_ascii_start().to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_every_kind_of_line() {
        let file = "\u{feff}version: 1\r\n\r\n# a comment\n that goes on\n\ndn: uid=anna,\n dc=x\n\
            cn:: TcO8bGxlcg==\nmail: a@x.\n example\nMail:b@x.example\ndescription:\n\n\n\
            dn:: Y249WWlsbWF6XCwgQXnFn2UsZGM9eA==\nchangetype: add\ncn: last";
        let entries = parse(file.as_bytes()).unwrap();
        assert_eq!(entries.len(), 2);
        let anna = &entries[0];
        assert_eq!(&*anna.dn, "uid=anna,dc=x");
        assert_eq!(anna.first("cn"), Some("Müller"));
        assert_eq!(anna.values("mail"), ["a@x.example".into(), "b@x.example".into()]);
        assert_eq!(anna.values("description"), ["".into()]);
        assert_eq!(&*entries[1].dn, "cn=Yilmaz\\, Ayşe,dc=x");
        assert_eq!(entries[1].first("cn"), Some("last"));
    }

    /// Bad input names the line.
    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let cases = [
            ("cn: x\n", 1, Problem::NoDn),
            ("dn: cn=x\ncn\n", 2, Problem::NoColon),
            ("dn: cn=x\ncn:: *\n", 2, Problem::BadBase64),
            (" x\n", 1, Problem::NothingToContinue),
            ("dn: cn=x\n\n x\n", 3, Problem::NothingToContinue),
            ("dn: cn=x\njpegPhoto:< file:///etc/passwd\n", 2, Problem::FromFile),
            ("version: 2\n", 1, Problem::Version),
            ("dn: cn=x\nchangetype: delete\n", 2, Problem::Change),
        ];
        for (text, line, what) in cases {
            assert_eq!(parse(text.as_bytes()), Err(LdifError { line, what }), "{text:?}");
        }
        assert_eq!(parse(b""), Ok(vec![]));
    }
}
