//! Characters that nobody sees, and that make text look other than it is.

/// True for marks that turn the direction of writing, or set it (UAX 9).
pub fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True for what is left out where text of a stranger stands in a line of ours: control characters, marks of direction,
/// characters without width, and what ends a line.
pub fn hides(c: char) -> bool {
    c.is_control()
        || turns(c)
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S5, B13: letters of all scripts, accents and emoji are seen.
    #[test]
    fn what_is_seen_and_what_is_not() {
        assert!(!"aß ı\u{301}عربي日本👍🏽\u{fe0f}".chars().any(hides));
        let unseen = "\u{0}\t\n\u{7f}\u{85}\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2069}\u{feff}";
        assert!(unseen.chars().all(hides));
        assert_eq!(unseen.chars().filter(|c| turns(*c)).count(), 4);
    }
}
