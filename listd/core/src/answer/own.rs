//! The lines that the author of a reply wrote herself: no quotes, no signature, nothing that her program added.
//!
//! When in doubt a line is somebody else's: an answer that is missed can be given again, a wrong one can't be taken back.

use crate::message::unseen::hides;
use crate::message::{Tree, html_to_text, readable};
use crate::notice;

/// Most lines that are looked at.
const MOST: usize = 500;

/// Where the quoted mail begins in pages of GMX, Gmail, Outlook, Thunderbird, Apple and Yahoo.
const IN_PAGES: [&str; 9] = [
    "<blockquote",
    "gmail_quote",
    "name=\"quote\"",
    "divrplyfwdmsg",
    "appendonsend",
    "moz-cite-prefix",
    "yahoo_quoted",
    "yahooquoted",
    "x_gmail_quote",
];

/// Not empty, trimmed, in order.
pub(crate) fn lines(raw: &[u8], tree: &Tree) -> Vec<String> {
    let of_text = readable::plain(raw, tree).map(|text| own(&text)).unwrap_or_default();
    if !of_text.is_empty() {
        return of_text;
    }
    readable::page(raw, tree).map(|page| own(&html_to_text(above(&page)))).unwrap_or_default()
}

/// The page down to the mail that it quotes.
fn above(page: &str) -> &str {
    let folded = page.to_ascii_lowercase();
    let marks = IN_PAGES.iter().filter_map(|mark| folded.find(mark));
    let end = marks.min().unwrap_or(page.len());
    let own = page.get(..end).unwrap_or_default();
    // A mark inside a tag takes its tag with it.
    match (own.rfind('<'), own.rfind('>')) {
        (Some(open), close) if close.is_none_or(|close| close < open) => {
            own.get(..open).unwrap_or_default()
        }
        _ => own,
    }
}

fn own(text: &str) -> Vec<String> {
    let cleaned = text.lines().map(cleaned).filter(|line| !line.is_empty());
    let all: Vec<String> = cleaned.take(MOST).collect();
    let (mut own, mut below) = (Vec::new(), all.as_slice());
    while let Some((line, behind)) = below.split_first() {
        below = if let Some(quote) = introduced(line, behind) {
            quote
        } else if ends(line, behind) {
            break;
        } else {
            if !is_quoted(line) {
                own.push(line.clone());
            }
            behind
        };
    }
    own
}

/// Without what can't be seen.
fn cleaned(line: &str) -> String {
    let line: String = line.replace('\t', " ").chars().filter(|c| !hides(*c)).collect();
    line.trim().to_owned()
}

fn is_quoted(line: &str) -> bool {
    line.starts_with(['>', '|'])
}

/// The quote right below "Am 1. Mai schrieb Klasse 5b:"; behind it the author may go on.
fn introduced<'a>(line: &str, below: &'a [String]) -> Option<&'a [String]> {
    let behind = if names_writer(line) { Some(below) } else { on_two_lines(line, below) };
    behind.filter(|behind| behind.first().is_some_and(|next| is_quoted(next)))
}

/// From here on nothing is hers: signature, marks of mail programs, a quoted header.
fn ends(line: &str, below: &[String]) -> bool {
    let is_rule = |c: char| line.chars().count() >= 10 && line.chars().all(|l| l == c);
    line == "--"
        || is_rule('_')
        || is_rule('-')
        || is_original(line)
        || names_writer(line) && line.ends_with(':')
        || on_two_lines(line, below).is_some()
        || is_header(line, below)
}

/// What stands below a line with a date and its second line, which ends in "schrieb x:".
fn on_two_lines<'a>(line: &str, below: &'a [String]) -> Option<&'a [String]> {
    let (next, behind) = below.split_first()?;
    let both = names(line) && next.ends_with(':') && names_writer(&format!("{line} {next}"));
    both.then_some(behind)
}

/// `-----Ursprüngliche Nachricht-----`
fn is_original(line: &str) -> bool {
    let inner = line.trim_matches(|c: char| c == '-' || c.is_whitespace()).to_lowercase();
    line.starts_with("--") && notice::phrases("answer-original").any(|mark| mark == inner)
}

/// A word for "wrote", and a date or an address.
fn names_writer(line: &str) -> bool {
    let folded = line.to_lowercase();
    let mut words = folded.split(|c: char| !c.is_alphanumeric());
    names(line) && words.any(|word| notice::phrases("answer-wrote").any(|wrote| wrote == word))
}

/// Digits of a date, or an address.
fn names(line: &str) -> bool {
    line.contains('@') || line.chars().filter(char::is_ascii_digit).count() >= 3
}

/// `Von: ...` and below it a second field, as Outlook quotes a header; `*Von:*` where a page became text.
fn is_header(line: &str, below: &[String]) -> bool {
    is_field(line) && below.first().is_some_and(|next| is_field(next))
}

fn is_field(line: &str) -> bool {
    let line = line.trim_start_matches('*');
    let Some((name, _)) = line.split_once(':') else { return false };
    let name = name.trim_matches(|c: char| c == '*' || c.is_whitespace()).to_lowercase();
    notice::phrases("answer-field").any(|field| field == name)
}
