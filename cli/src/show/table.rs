//! Rows as a table: with lines and as wide as the terminal for people, aligned and one line per row in a pipe.

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Table, presets};
use listcore::message::unseen::turns;

/// A table under construction.
pub struct Rows {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub fn new(head: &[&'static str]) -> Rows {
        Rows { head: head.to_vec(), rows: Vec::new() }
    }

    /// A table of two columns without a heading: what is it, and its value.
    pub fn facts() -> Rows {
        Rows::new(&[])
    }

    /// Adds a row. Control characters, which a foreign mail may have put there, are made visible.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) -> &mut Rows {
        self.rows.push(cells.iter().map(|cell| visible(cell)).collect());
        self
    }

    /// Adds a fact, unless there is none.
    pub fn fact(&mut self, name: &str, value: impl Into<String>) -> &mut Rows {
        let value = value.into();
        if value.is_empty() { self } else { self.row([name.to_owned(), value]) }
    }

    /// The table as text with a line break behind it; nothing where there are no rows.
    pub fn text(self) -> String {
        self.text_for(std::io::stdout().is_terminal())
    }

    fn text_for(self, terminal: bool) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        let lines = terminal && !self.head.is_empty();
        table.load_style(if lines { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING });
        table.set_content_arrangement(match terminal {
            true => ContentArrangement::Dynamic,
            false => ContentArrangement::Disabled,
        });
        if !self.head.is_empty() {
            table.set_header(self.head);
        }
        table.add_rows(self.rows);
        let text = table.to_string();
        let trimmed = text.lines().map(|line| {
            let line = line.trim_end();
            line.strip_prefix(' ').unwrap_or(line)
        });
        trimmed.flat_map(|line| [line, "\n"]).collect()
    }
}

/// Text without control characters and direction marks, so that it can neither steer a terminal nor hide.
pub fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() || turns(c);
    let mut shown = String::new();
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let mut rows = Rows::new(&["LIST", "PEOPLE"]);
        rows.row(["klasse-5b".to_owned(), "22".to_owned()]);
        rows.row(["a".to_owned(), "\u{1b}[31m".to_owned()]);
        rows
    }

    #[test]
    fn a_pipe_gets_one_aligned_line_per_row() {
        let expect = "LIST       PEOPLE\nklasse-5b  22\na          \\u{1b}[31m\n";
        assert_eq!(rows().text_for(false), expect);
        assert_eq!(Rows::new(&["LIST"]).text_for(false), "");
    }

    #[test]
    fn a_terminal_gets_lines() {
        assert!(rows().text_for(true).contains('─'));
    }
}
