//! Text to header bytes: cleaned, RFC 2047 encoded words, folded. Every value of ours passes here (rule X4).

use data_encoding::BASE64;
use unicode_segmentation::UnicodeSegmentation;

use crate::address::Address;
use crate::message::lines::MAX_LINE;
use crate::message::unseen::turns;

/// Where our own lines are folded (rule D6).
const FOLD: usize = 78;

/// One line without control characters, line separators, bidi controls and invisible spaces (rules F5, S5, X4);
/// white space is collapsed.
pub(crate) fn clean(text: &str) -> String {
    let kept = text.chars().filter_map(|c| match c {
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if turns(c) => None,
        '\u{200b}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => None,
        c if c.is_whitespace() => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    });
    kept.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `max` user-visible characters, cut on a grapheme border (rule F5), and never over 4 octets each on average.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let mut out = String::new();
    for grapheme in text.graphemes(true).take(max) {
        // Someone can pile 10,000 accents on one letter.
        if out.len() + grapheme.len() > max * 4 {
            break;
        }
        out.push_str(grapheme);
    }
    out.trim_end().to_owned()
}

/// A display name as header tokens: a quoted string, or encoded words where it is not ASCII.
pub(super) fn phrase(text: &str) -> Vec<String> {
    let text = clean(text);
    if text.is_empty() {
        Vec::new()
    } else if text.is_ascii() && !text.contains("=?") && text.len() <= 400 {
        vec![format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))]
    } else {
        encoded_words(&text)
    }
}

/// `Name <address>` as header tokens.
pub(super) fn mailbox(name: &str, address: &Address) -> Vec<String> {
    let mut tokens = phrase(name);
    tokens.push(if tokens.is_empty() { address.to_string() } else { format!("<{address}>") });
    tokens
}

/// Mailboxes as the tokens of an address list.
pub(super) fn list(items: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for item in items {
        if let Some(last) = tokens.last_mut() {
            last.push(',');
        }
        tokens.extend(item);
    }
    tokens
}

/// UTF-8 encoded words of at most 75 characters, none of which splits a character (RFC 2047 2, 5; rule S1).
pub(super) fn encoded_words(text: &str) -> Vec<String> {
    let q_total: usize = text.chars().map(q_len).sum();
    let q = q_total <= text.len().div_ceil(3) * 4;
    // 75 less "=?utf-8?Q?" and "?="; in base64 that is room for 45 octets.
    let (room, cost): (usize, fn(char) -> usize) =
        if q { (63, q_len) } else { (45, char::len_utf8) };
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        if used + cost(c) > room {
            pieces.push(String::new());
            used = 0;
        }
        used += cost(c);
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    let word = |piece: &String| match q {
        true => format!("=?utf-8?Q?{}?=", piece.chars().map(q_char).collect::<String>()),
        false => format!("=?utf-8?B?{}?=", BASE64.encode(piece.as_bytes())),
    };
    pieces.iter().map(word).collect()
}

fn q_len(c: char) -> usize {
    if is_plain(c) || c == ' ' { 1 } else { 3 * c.len_utf8() }
}

/// What a phrase may carry as it is (RFC 2047 5, rule 3).
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!*+-/".contains(c)
}

fn q_char(c: char) -> String {
    match c {
        ' ' => "_".to_owned(),
        c if is_plain(c) => c.to_string(),
        c => c.encode_utf8(&mut [0; 4]).bytes().map(|b| format!("={b:02X}")).collect(),
    }
}

/// A whole field from tokens that stand apart by white space, folded before column 78 where a token allows it.
pub(super) fn field(name: &str, tokens: &[String]) -> Vec<u8> {
    let mut out = format!("{name}:");
    let mut column = out.len();
    for (i, token) in tokens.iter().enumerate() {
        if i > 0 && column + 1 + token.len() > FOLD {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(' ');
        out.push_str(token);
        column += 1 + token.len();
    }
    out.push_str("\r\n");
    out.into_bytes()
}

/// A whole raw field with lines of at most 998 octets and CRLF ends: folded at white space, by force where there is
/// none (rule X3). Line ends inside become folds.
pub(super) fn fold_raw(raw: &[u8], out: &mut Vec<u8>) {
    let text = raw.trim_ascii_end();
    let mut first = true;
    for line in text.split(|b| matches!(b, b'\r' | b'\n')) {
        let line: Vec<u8> = line.iter().copied().filter(|b| *b != 0).collect();
        if line.trim_ascii().is_empty() {
            continue;
        }
        if !first && !matches!(line.first(), Some(b' ' | b'\t')) {
            out.push(b' ');
        }
        first = false;
        fold_line(&line, out);
        out.extend_from_slice(b"\r\n");
    }
}

fn fold_line(line: &[u8], out: &mut Vec<u8>) {
    let mut rest = line;
    // One octet less: a space may come in front.
    while rest.len() > MAX_LINE - 1 {
        let window = rest.get(..MAX_LINE - 1).unwrap_or(rest);
        let space = window.iter().rposition(|b| matches!(b, b' ' | b'\t'));
        // A fold right behind the name or at the first octet would give an empty line.
        let usable =
            space.filter(|i| window.get(..*i).is_some_and(|w| w.contains(&b':') || w.len() > 200));
        let at = usable.filter(|i| !window.get(..*i).unwrap_or_default().trim_ascii().is_empty());
        let (head, tail) = rest.split_at(at.unwrap_or(window.len() - 1));
        out.extend_from_slice(head);
        out.extend_from_slice(b"\r\n");
        if at.is_none() {
            out.push(b' ');
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::lines::lines;
    use crate::message::text::decode;

    /// F5, S1: encoded words decode to what they came from, whatever the script, and stay within 75.
    #[test]
    fn encoded_words_come_back() {
        for text in [
            "Müller",
            "Ünal Öz Çelik",
            "Ελληνικά γράμματα",
            "李雷和韓梅梅".repeat(20).as_str(),
            "a=?b?=ä_ö",
            "👩‍👩‍👧‍👦 Familie",
        ] {
            let words = encoded_words(text);
            assert!(words.iter().all(|w| w.len() <= 75 && w.is_ascii()), "{words:?}");
            assert_eq!(decode(words.join("\r\n ").as_bytes()), text);
        }
    }

    /// F5, S5, X4: what a name must not carry.
    #[test]
    fn names_are_cleaned() {
        assert_eq!(clean("a\r\nBcc: x@y\0\u{202e}b\u{2028}c\u{200f}\t d"), "a Bcc: x@yb c d");
        assert_eq!(phrase("say \"hi\\\"")[0], "\"say \\\"hi\\\\\\\"\"");
        assert!(phrase(&"\"".repeat(2_000)).iter().all(|token| token.len() <= 75));
        assert!(phrase(&"\"".repeat(400)).iter().all(|token| token.len() <= MAX_LINE - 100));
        assert_eq!(cut(&"👩‍👩‍👧‍👦".repeat(3), 20), "👩‍👩‍👧‍👦".repeat(3));
        assert_eq!(cut("Müller-Lüdenscheidt", 6), "Müller");
        assert!(cut(&format!("e{}", "\u{301}".repeat(9_999)), 60).is_empty());
    }

    proptest::proptest! {
        /// F5, S5: any name that may stand in a header is read as it was written, and no line is too long.
        #[test]
        fn any_name_comes_back(name in "\\PC{0,120}|[a-z \"\\\\()<>@,;:=?_äß\u{1f469}\u{200d}\u{301}\r\n\u{202e}]{0,90}") {
            let name = clean(&name);
            let tokens = phrase(&name);
            assert!(tokens.iter().all(|t| t.is_ascii() && t.len() <= MAX_LINE - 100), "{tokens:?}");
            assert!(!tokens.iter().any(|t| t.contains(['\r', '\n'])), "{tokens:?}");
            let written = tokens.join(" ");
            let read = match written.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
                Some(quoted) => unquoted(quoted),
                None => decode(written.as_bytes()),
            };
            assert_eq!(read, name);
        }
    }

    /// RFC 5322 3.2.4.
    fn unquoted(text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            out.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        out
    }

    /// X3: whatever comes, lines stay within 998 and nothing is lost but line ends.
    #[test]
    fn raw_fields_are_folded() {
        for raw in [
            "X: a b\r\n".to_owned(),
            format!("X: {}", "a".repeat(5_000)),
            format!("X: {}", "ab ".repeat(2_000)),
            format!("X:{}y", " ".repeat(3_000)),
            "X: a\rb\nc".to_owned(),
        ] {
            let mut out = Vec::new();
            fold_raw(raw.as_bytes(), &mut out);
            let counted = lines(&out);
            assert!(
                counted.longest <= MAX_LINE && !counted.bare && out.ends_with(b"\r\n"),
                "{raw:.20}"
            );
            assert_eq!(crate::message::fields::fields(&out).len(), 1, "{raw:.20}");
            let solid = |b: &[u8]| {
                b.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>()
            };
            assert_eq!(solid(&out), solid(raw.as_bytes()));
        }
    }
}
