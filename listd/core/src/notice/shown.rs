//! Somebody else's words, made safe to show in what we write: nothing in them acts, hides or turns the line around.
//!
//! For text only: what HTML makes of `<` is `letter`'s care.

use crate::rewrite::encode::cut;

/// One line of at most `max` characters: line ends and tabs become spaces, what is invisible is shown escaped (LA3).
pub fn line(text: &str, max: usize) -> String {
    let flat: String = shown(text).split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&flat, max)
}

/// Several lines between LFs, at most `max` characters in all and `max_lines` lines; empty lines at both ends go.
pub fn lines(text: &str, max: usize, max_lines: usize) -> String {
    let text = shown(&text.replace("\r\n", "\n"));
    let mut out: Vec<&str> = Vec::new();
    for line in text.trim().lines().map(str::trim_end) {
        // One empty line says as much as many.
        if !(line.is_empty() && out.last().is_none_or(|last| last.is_empty())) {
            out.push(line);
        }
    }
    let more = out.len() > max_lines;
    out.truncate(max_lines);
    let text = shortened(&out.join("\n"), max);
    if more && !text.ends_with(MORE) { text + "\n" + MORE } else { text }
}

/// Behind what was cut.
const MORE: &str = "[…]";

fn shortened(text: &str, max: usize) -> String {
    let cut = cut(text, max);
    if cut.len() == text.trim_end().len() { cut } else { format!("{cut} {MORE}") }
}

/// Line ends and tabs stay; other characters that nobody can see are named by their number.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2028}' | '\u{2029}' | '\r' | '\u{85}' => out.push('\n'),
            '\n' => out.push('\n'),
            '\t' => out.push(' '),
            // Breaks words, and says nothing.
            '\u{200b}' | '\u{feff}' | '\u{ad}' => {}
            c if c.is_control() || is_hidden(c) => {
                out.push_str(&format!("[U+{:04X}]", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// Turns the direction of a line, or carries text that nobody sees.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LA3, X4: no line end, control or bidi character comes through; letters of all scripts do.
    #[test]
    fn one_line() {
        let cases = [
            ("Elternabend", "Elternabend"),
            (" a\r\nBcc: x@y\t z ", "a Bcc: x@y z"),
            ("gpj.\u{202e}exe", "gpj.[U+202E]exe"),
            ("a\u{0}b\u{1b}[31m", "a[U+0000]b[U+001B][31m"),
            ("a\u{2028}b\u{85}c", "a b c"),
            ("Spa\u{ad}m\u{200b}", "Spam"),
            ("مدرسه\u{200c}ها 👩‍👩‍👧", "مدرسه\u{200c}ها 👩‍👩‍👧"),
            ("", ""),
        ];
        for (text, expect) in cases {
            assert_eq!(line(text, 80), expect, "{text:?}");
        }
        assert_eq!(line("Müller-Lüdenscheidt", 6), "Müller […]");
        assert!(line(&"\u{301}".repeat(100_000), 60).len() < 300);
    }

    /// Promise 10: a quote has an end, in lines and in characters.
    #[test]
    fn many_lines() {
        assert_eq!(lines("\r\n\r\na\r\n\r\n\r\n b  \r\n\r\n", 99, 9), "a\n\n b");
        assert_eq!(lines("a\nb\nc", 99, 2), "a\nb\n[…]");
        assert_eq!(lines("abcdef\nb\nc", 4, 2), "abcd […]");
        assert_eq!(lines("\u{2066}x\u{2069}", 99, 2), "[U+2066]x[U+2069]");
        assert!(lines(&"a\n".repeat(1_000_000), 1_000, 40).len() < 100);
    }
}
