//! Text of strangers on a page of ours: what would hide or turn round other text is shown by its number.
//!
//! HTML is escaped by the templates. Here it is characters that no escape helps against (rule LA3).

use listcore::message::unseen;

/// Longest line of a stranger's on a page (characters).
pub const LINE: usize = 300;

/// The text, lines kept; at most `max` characters, then dots.
pub fn text(untrusted: &str, max: usize) -> String {
    let mut out = String::with_capacity(untrusted.len().min(max.saturating_mul(4)));
    for (i, c) in untrusted.replace("\r\n", "\n").chars().enumerate() {
        if i == max {
            out.push('…');
            break;
        }
        match c {
            '\n' | '\t' => out.push(c),
            c if is_hidden(c) => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The same on one line.
pub fn line(untrusted: &str, max: usize) -> String {
    let flat: String =
        untrusted.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    text(flat.trim(), max)
}

/// What nobody sees, but for the two joiners that writing and emoji need.
fn is_hidden(c: char) -> bool {
    !matches!(c, '\u{200c}' | '\u{200d}')
        && (unseen::hides(c) || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LA3: what turns text round is seen; what writing needs (joiners of Persian and emoji) stays.
    #[test]
    fn hidden_characters_are_shown() {
        let cases = [
            ("Guten Tag\r\nIhr Rektor", "Guten Tag\nIhr Rektor"),
            ("fdp.\u{202e}exe", "fdp.[U+202E]exe"),
            ("a\u{0}b\u{1b}[31m", "a[U+0000]b[U+001B][31m"),
            ("x\u{200b}y\u{feff}", "x[U+200B]y[U+FEFF]"),
            ("می\u{200c}خواهم 👩\u{200d}🏫", "می\u{200c}خواهم 👩\u{200d}🏫"),
            ("<b>&\"'", "<b>&\"'"),
        ];
        for (given, shown) in cases {
            assert_eq!(text(given, 100), shown);
        }
        assert_eq!(text("abcdef", 3), "abc…");
        assert_eq!(text("abc", 3), "abc");
        assert_eq!(line(" a\r\nb\tc ", 10), "a  b c");
    }
}
