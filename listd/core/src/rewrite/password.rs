//! A former list's password in the first line of a text (rule R3): whoever ran a list of Mailman writes `Approved: secret`
//! there, and everybody would read it.
//!
//! The line goes, in each alternative of the text, and nothing else. Signed and encrypted parts stay (promise 9): such a
//! mail is refused while its author is still there. Not the header fields of these names (`strip`).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::message::readable::is_password;
use crate::message::{Encoding, Part, Shape, Tree, text};
use crate::rewrite::edit::{Done, Edit, What};
use crate::rewrite::footer::html::{is_tag, markup};
use crate::rewrite::footer::wire::Wire;
use crate::rewrite::transfer;

/// Octets of a text that are looked at.
const LOOKED_AT: usize = 64 * 1024;

/// Elements of HTML that end a line where they begin and where they end.
const BREAKS: [&[u8]; 25] = [
    b"address",
    b"article",
    b"blockquote",
    b"body",
    b"br",
    b"center",
    b"dd",
    b"div",
    b"dt",
    b"footer",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"header",
    b"hr",
    b"li",
    b"main",
    b"p",
    b"pre",
    b"section",
    b"table",
    b"td",
    b"tr",
    b"ul",
];

/// Where passwords stand.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In a text from which they can be taken.
    pub open: bool,
    /// In a signed part.
    pub sealed: bool,
}

/// Looks at the first line of each text.
pub fn find(raw: &[u8], tree: &Tree) -> Found {
    let mut found = Found::default();
    for (part, content) in texts(raw, tree) {
        if first(part, &content).is_some_and(|line| is_password(&line.text)) {
            match part.sealed {
                Some(_) => found.sealed = true,
                None => found.open = true,
            }
        }
    }
    found
}

/// The edits that take such lines away wherever something may change: the first line of each text, and the same line
/// where an alternative has it further down.
pub(super) fn edits(raw: &[u8], tree: &Tree) -> Vec<Edit> {
    let texts: Vec<(&Part, Cow<'_, [u8]>)> =
        texts(raw, tree).filter(|(part, _)| part.sealed.is_none()).collect();
    let mut known = BTreeSet::new();
    for (part, content) in &texts {
        known.extend(
            first(part, content).filter(|line| is_password(&line.text)).map(|line| line.words()),
        );
    }
    if known.is_empty() {
        return Vec::new();
    }
    texts.iter().filter_map(|(part, _)| without(raw, part, &known)).collect()
}

/// The texts of the mail itself, not of files and mails in it, with what their octets stand for.
fn texts<'a>(raw: &'a [u8], tree: &'a Tree) -> impl Iterator<Item = (&'a Part, Cow<'a, [u8]>)> {
    let own = |part: &&Part| {
        part.is_leaf()
            && part.kind.starts_with("text/")
            && part.is_shown()
            && !is_inside(tree, part)
    };
    tree.parts.iter().filter(own).map(|part| (part, part.content(raw)))
}

/// True for a part of a mail that is itself a part.
fn is_inside(tree: &Tree, part: &Part) -> bool {
    let mut around = part.parent.and_then(|index| tree.parts.get(index));
    while let Some(outer) = around {
        if outer.shape == Shape::Message {
            return true;
        }
        around = outer.parent.and_then(|index| tree.parts.get(index));
    }
    false
}

/// A part without these lines.
fn without(raw: &[u8], part: &Part, known: &BTreeSet<String>) -> Option<Edit> {
    let (body, what) = (part.body(raw), What::part(&part.section, Done::Cleansed));
    if let Some(wire) = Wire::read(part.encoding, body) {
        let (range, kept) = span(part, &wire.octets, known)?;
        let change = wire.replace(range, &kept);
        let at = part.body.start;
        return Some(Edit { old: at + change.at.start..at + change.at.end, new: change.new, what });
    }
    // base64 that programs read in different ways: as it was read here it is written anew.
    let content = part.content(raw);
    let (range, kept) =
        span(part, &content, known).filter(|_| part.encoding == Encoding::Base64)?;
    let (before, behind) = (content.get(..range.start)?, content.get(range.end..)?);
    let mut new = transfer::based(&[before, &kept, behind].concat());
    if body.ends_with(b"\n") {
        new.extend_from_slice(b"\r\n");
    }
    Some(Edit { old: part.body.clone(), new, what })
}

/// From the first octet that goes to the last one, and what stays of that.
fn span(part: &Part, octets: &[u8], known: &BTreeSet<String>) -> Option<(Range<usize>, Vec<u8>)> {
    let lines = lines(part, octets, usize::MAX);
    let gone: Vec<&Line> = lines.iter().filter(|line| known.contains(&line.words())).collect();
    let (start, end) = (gone.first()?.range.start, gone.last()?.range.end);
    let (mut kept, mut at) = (Vec::new(), start);
    for line in gone {
        kept.extend_from_slice(octets.get(at..line.range.start)?);
        kept.extend_from_slice(&line.kept);
        at = line.range.end;
    }
    Some((start..end, kept))
}

/// A line that a reader sees.
#[derive(Debug, Default)]
struct Line {
    text: String,
    /// The octets that go with it.
    range: Range<usize>,
    /// Of these, what is no text: tags.
    kept: Vec<u8>,
}

impl Line {
    /// The same for each form of it.
    fn words(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn is_blank(&self) -> bool {
        self.text.trim_start_matches('\u{feff}').trim().is_empty()
    }
}

/// The first line of a text that is not blank: most mails are read no further.
fn first(part: &Part, octets: &[u8]) -> Option<Line> {
    lines(part, octets, 1).into_iter().next()
}

/// The lines of a text that are not blank, from its beginning; it is read until there are `enough`.
fn lines(part: &Part, octets: &[u8], enough: usize) -> Vec<Line> {
    let octets = octets.get(..LOOKED_AT).unwrap_or(octets);
    // Two octets for a character: not read here.
    if octets.contains(&0) {
        return Vec::new();
    }
    match part.kind.as_str() {
        "text/html" => of_page(octets, enough),
        _ => of_text(octets, enough),
    }
}

fn of_text(octets: &[u8], enough: usize) -> Vec<Line> {
    let (mut found, mut at) = (Vec::new(), 0);
    for line in octets.split_inclusive(|b| *b == b'\n') {
        if found.len() >= enough {
            break;
        }
        let range = at..at + line.len();
        at = range.end;
        let line = Line { text: text::utf8_or_latin(line), range, kept: Vec::new() };
        found.extend(Some(line).filter(|line| !line.is_blank()));
    }
    found
}

fn of_page(html: &[u8], enough: usize) -> Vec<Line> {
    let mut page = Page::default();
    let (mut at, mut verbatim) = (0, false);
    while let Some(rest) = html.get(at..).filter(|r| !r.is_empty() && page.lines.len() < enough) {
        let len = match rest.first() {
            Some(b'<') => markup(rest).unwrap_or(rest.len()),
            _ => memchr::memchr(b'<', rest).unwrap_or(rest.len()),
        };
        let piece = rest.get(..len).unwrap_or(rest);
        if piece.len() > 1 && piece.starts_with(b"<") {
            verbatim = is_tag(rest, b"pre") || (verbatim && !is_tag(rest, b"/pre"));
            match is_break(rest) {
                true => page.ends(),
                false => page.tag(piece),
            }
        } else if verbatim {
            let mut from = at;
            for line in piece.split_inclusive(|b| *b == b'\n') {
                page.text(line, from);
                from += line.len();
                if line.ends_with(b"\n") {
                    page.ends();
                }
            }
        } else {
            page.text(piece, at);
        }
        at += len;
    }
    page.ends();
    page.lines
}

fn is_break(rest: &[u8]) -> bool {
    BREAKS.iter().any(|name| is_tag(rest, name) || is_tag(rest, &[b"/", *name].concat()))
}

/// A page that is being read.
#[derive(Default)]
struct Page {
    lines: Vec<Line>,
    line: Line,
    /// Tags since the last text of the line.
    tags: Vec<u8>,
}

impl Page {
    fn text(&mut self, octets: &[u8], at: usize) {
        let shown = shown(octets);
        let blank = shown.trim_start_matches('\u{feff}').trim().is_empty();
        if blank && self.line.text.is_empty() {
            return;
        }
        if self.line.text.is_empty() {
            self.line.range = at..at;
            self.tags.clear();
        }
        self.line.text.push_str(&shown);
        self.line.kept.append(&mut self.tags);
        self.line.range.end = at + octets.len();
    }

    fn tag(&mut self, tag: &[u8]) {
        self.tags.extend_from_slice(tag);
    }

    fn ends(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.tags.clear();
        self.lines.extend(Some(line).filter(|line| !line.is_blank()));
    }
}

/// As a reader sees it: the character references that programs write for spaces and punctuation.
fn shown(octets: &[u8]) -> String {
    let text = text::utf8_or_latin(octets);
    if !text.contains('&') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        match behind.split_once(';').and_then(|(name, after)| Some((character(name)?, after))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "nbsp" => Some(' '),
        "amp" => Some('&'),
        "colon" => Some(':'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

#[cfg(test)]
mod tests;
