//! A footer as HTML: made from the same spans as the plain text, escaped, with links (rules B4, LA3, AC8).

use std::borrow::Cow;

use super::Dir;
use crate::address::Address;
use crate::rewrite::list_headers::percent;

/// A stretch of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Words of ours or of the admin's.
    Text(String),
    /// From the directory: isolated, since its script may run the other way.
    Value(String),
    /// A safe URL.
    Link(String),
    Address(Address),
}

impl Span {
    /// As plain text has it.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Span::Text(text) | Span::Value(text) | Span::Link(text) => Cow::Borrowed(text),
            Span::Address(address) => Cow::Owned(address.to_string()),
        }
    }
}

/// The fragment: a rule and one paragraph, in its own language and direction.
pub(super) fn html(lines: &[Vec<Span>], language: &str, dir: Dir) -> String {
    let mut out =
        format!("<div lang=\"{}\" dir=\"{}\">\r\n<hr/>\r\n<p>", escaped(language), dir.as_str());
    for (i, spans) in lines.iter().enumerate() {
        if i > 0 {
            out.push_str("<br/>");
        }
        out.push_str("\r\n");
        line(spans, &mut out);
    }
    out.push_str("\r\n</p>\r\n</div>\r\n");
    out
}

fn line(spans: &[Span], out: &mut String) {
    // "Imprint: https://..." becomes one link with the word as its text (rule AC8).
    if let [Span::Text(words), Span::Link(url)] = spans
        && let Some(label) = words.trim().strip_suffix(':').filter(|label| !label.is_empty())
    {
        return link(url, label, out);
    }
    for span in spans {
        match span {
            Span::Text(text) => push(&escaped(text), out),
            Span::Value(text) => {
                out.push_str("<bdi>");
                push(&escaped(text), out);
                out.push_str("</bdi>");
            }
            Span::Link(url) => link(url, url, out),
            Span::Address(address) => {
                link(&format!("mailto:{}", percent(address)), &address.to_string(), out);
            }
        }
    }
}

fn link(url: &str, text: &str, out: &mut String) {
    let dir = if text == url || url.starts_with("mailto:") { " dir=\"ltr\"" } else { "" };
    // A line break inside a tag is white space: so no line grows too long.
    out.push_str(&format!("<a{dir}\r\n href=\"{}\">", escaped(url)));
    push(&escaped(text), out);
    out.push_str("</a>");
}

/// Text in lines of some hundred octets; white space is one space in HTML.
fn push(escaped: &str, out: &mut String) {
    for word in escaped.split_inclusive(' ') {
        if column(out) > 200 && out.ends_with(' ') {
            out.pop();
            out.push_str("\r\n");
        }
        for unit in units(word) {
            // A word of that length has no meaning to lose: a soft place to break it.
            if column(out) > 800 {
                out.push_str("<wbr/\r\n>");
            }
            out.push_str(unit);
        }
    }
}

fn column(out: &str) -> usize {
    out.len() - out.rfind('\n').map_or(0, |at| at + 1)
}

/// Characters, and character references as a whole.
fn units(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let len = match first {
            '&' => rest.find(';').map_or(1, |at| at + 1),
            c => c.len_utf8(),
        };
        let (unit, tail) = rest.split_at_checked(len)?;
        rest = tail;
        Some(unit)
    })
}

/// Pure ASCII: all else as character references, which mean the same in every charset (rule B4).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            ' '..='~' => out.push(c),
            c => out.push_str(&format!("&#{};", u32::from(c))),
        }
    }
    out
}
