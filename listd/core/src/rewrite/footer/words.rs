//! The words of a footer: the text that is set, its placeholders filled in, as plain text and as HTML.
//!
//! Values come from the directory and are hostile (rule X4): they are cleaned and escaped, and never make a link.

use super::html_form::{Span, html};
use super::{Dir, Footer};
use crate::list::{Piece, Placeholder, Role, Wanted, pieces};
use crate::notice;
use crate::rewrite::list_headers::url;
use crate::rewrite::{Frozen, PostKind, encode, role_address};

/// What parts the mail from the footer (rule B3): not `-- `, behind which mail programs cut.
const SEPARATOR: &str = "_______________________________________________";

/// Columns of a line (RFC 5322 2.1.1), and the most that a word without spaces may have.
const WIDTH: usize = 76;
const LONGEST: usize = 240;

/// The footer for readers of a language; `None` where there is none, and in mail that is no post to the list.
pub fn footer(frozen: &Frozen, language: &str) -> Option<Footer> {
    if frozen.kind != PostKind::List {
        return None;
    }
    let (tag, text) = match frozen.settings.footer.wanted(language, &frozen.language)? {
        Wanted::Standard(language) => {
            let (tag, text) = notice::footer(language);
            (tag.to_owned(), text)
        }
        Wanted::Text(tag, text) => (tag.to_owned(), text.to_owned()),
    };
    let lines: Vec<Vec<Span>> = text.lines().filter_map(|line| filled(line, frozen)).collect();
    let blank = |line: &[Span]| line.iter().all(|span| span.text().trim().is_empty());
    let first = lines.iter().position(|line| !blank(line))?;
    let last = lines.iter().rposition(|line| !blank(line))?;
    let lines = lines.get(first..=last)?;
    let dir = Dir::of(&tag);
    Some(Footer { plain: plain(lines), html: html(lines, &tag, dir), dir, language: tag })
}

/// A line with its placeholders filled in; `None` where it needs a link that is not configured.
fn filled(line: &str, frozen: &Frozen) -> Option<Vec<Span>> {
    let mut out = Vec::new();
    for piece in pieces(line) {
        match piece {
            Piece::Words(words) => out.extend(words_with_links(words)),
            Piece::Put(placeholder) => out.push(put(placeholder, frozen)?),
            // Stored before a placeholder was checked: shown as it is.
            Piece::Unknown(name) => out.push(Span::Text(format!("{{{name}}}"))),
        }
    }
    Some(out)
}

fn put(placeholder: Placeholder, frozen: &Frozen) -> Option<Span> {
    let link = |link: &Option<String>| link.as_deref().and_then(url).map(Span::Link);
    let text = |text: &str| Some(Span::Value(encode::clean(text)));
    match placeholder {
        Placeholder::List => text(&frozen.name),
        Placeholder::Description => text(frozen.title()),
        Placeholder::Address => Some(Span::Address(frozen.address.clone())),
        Placeholder::Owner => {
            let owner = role_address(&frozen.address, Role::Owner);
            Some(Span::Address(owner.unwrap_or_else(|| frozen.address.clone())))
        }
        Placeholder::Help => link(&frozen.help_url),
        Placeholder::Imprint => link(&frozen.links.imprint),
        Placeholder::Privacy => link(&frozen.links.privacy),
        Placeholder::Settings => link(&frozen.links.settings),
    }
}

/// An admin's own words: what begins with `https://` or `http://` is a link up to the next space.
fn words_with_links(words: &str) -> Vec<Span> {
    let words: String = words.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    let mut out = Vec::new();
    let mut rest = words.as_str();
    let start = |text: &str| ["https://", "http://"].iter().filter_map(|s| text.find(s)).min();
    while let Some(at) = start(rest) {
        let (before, from) = rest.split_at(at);
        let end =
            from.find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(from.len());
        // What ends a sentence or a bracket is no part of the link.
        let link = from
            .get(..end)
            .unwrap_or(from)
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        out.push(Span::Text(before.to_owned()));
        match url(link) {
            Some(safe) => out.push(Span::Link(safe)),
            None => out.push(Span::Text(link.to_owned())),
        }
        rest = from.get(link.len()..).unwrap_or_default();
    }
    out.push(Span::Text(rest.to_owned()));
    out.retain(|span| !span.text().is_empty());
    out
}

/// The separator and the lines, wrapped.
fn plain(lines: &[Vec<Span>]) -> String {
    let mut out = format!("{SEPARATOR}\n");
    for line in lines {
        let text: String = line.iter().map(Span::text).collect();
        for line in wrapped(text.trim_end()) {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// A line in pieces of at most [`WIDTH`] columns, longer only where a word is.
fn wrapped(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let columns = word.trim_end().chars().count();
        if used > 0 && used + columns > WIDTH {
            out.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            if used >= LONGEST {
                out.push(String::new());
                used = 0;
            }
            if let Some(last) = out.last_mut() {
                last.push(c);
            }
            used += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests;
