//! Content-Type and its parameters (RFC 2045 5.1), as far as walking a mail needs them.

use crate::message::{fields::unfold, text};

/// `type/subtype` in lower case and the parameters in order, names in lower case; `text/plain` where the value is
/// missing or no type. Comments are skipped; RFC 2231 pieces (`name*0`) stay as they are.
pub fn content_type(value: Option<&[u8]>) -> (String, Vec<(String, String)>) {
    let line = value.map(|v| text::utf8_or_latin(&unfold(v))).unwrap_or_default();
    let mut pieces = split_pieces(&line).into_iter();
    let kind = pieces.next().unwrap_or_default().concat().to_ascii_lowercase();
    let fine = kind.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    let params = pieces.filter_map(|piece| {
        let mut words = piece.into_iter();
        let name = words.next()?.to_ascii_lowercase();
        words.next().filter(|w| w == "=")?;
        Some((name, words.collect::<String>()))
    });
    let params = params.collect();
    (if fine { kind } else { "text/plain".to_owned() }, params)
}

/// One parameter.
pub fn param<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// Words of each `;`-separated piece; the first `=` of a piece is a word of its own, quotes are taken off.
fn split_pieces(line: &str) -> Vec<Vec<String>> {
    let mut pieces = vec![Vec::new()];
    let mut word = String::new();
    let mut depth = 0usize;
    let mut chars = line.chars();
    let push = |pieces: &mut Vec<Vec<String>>, word: &mut String| {
        if let (false, Some(last)) = (word.is_empty(), pieces.last_mut()) {
            last.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '\\' if depth > 0 => drop(chars.next()),
            _ if depth > 0 => {}
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => word.extend(chars.next()),
                        c => word.push(c),
                    }
                }
            }
            ';' => {
                push(&mut pieces, &mut word);
                pieces.push(Vec::new());
            }
            '=' if pieces.last().is_some_and(|p| !p.iter().any(|w| w == "=")) => {
                push(&mut pieces, &mut word);
                if let Some(last) = pieces.last_mut() {
                    last.push("=".to_owned());
                }
            }
            c if c.is_whitespace() => push(&mut pieces, &mut word),
            c => word.push(c),
        }
    }
    push(&mut pieces, &mut word);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X5: quotes, comments, odd spaces, broken values.
    #[test]
    fn types_and_parameters() {
        let cases = [
            ("multipart/mixed; boundary=abc", "multipart/mixed", Some("abc")),
            ("Multipart/Mixed;\r\n Boundary = \"a b;c=\\\"\"", "multipart/mixed", Some("a b;c=\"")),
            ("multipart/mixed (x;y) ; (z) boundary=\"=_1\"", "multipart/mixed", Some("=_1")),
            ("multipart/mixed; boundary=a=b", "multipart/mixed", Some("a=b")),
            ("multipart/mixed; boundary=\"open", "multipart/mixed", Some("open")),
            ("multipart / mixed", "multipart/mixed", None),
            ("text", "text/plain", None),
            ("", "text/plain", None),
            ("/;;=;a=", "text/plain", None),
        ];
        for (value, kind, boundary) in cases {
            let (got, params) = content_type(Some(value.as_bytes()));
            assert_eq!((got.as_str(), param(&params, "boundary")), (kind, boundary), "{value:?}");
        }
    }
}
