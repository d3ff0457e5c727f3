//! The tag of a list in the Subject of its posts: `[5b] Re: Foo` (rules S1 to S5, S7).
//!
//! The tag stands first and once. Of several reply markers at the beginning the first stays as the author's program
//! wrote it; a forward (`WG:`, `Fwd:`) stays where it is. What follows is not touched: its bytes stay as they came,
//! unless they can't be sent. Only the outer Subject is meant; protected headers stand in the body (rule S6).

use crate::message::lines::MAX_LINE;
use crate::message::{Mail, fields, lines, text};
use crate::rewrite::{Frozen, PostKind, encode};

mod markers;
pub(crate) use markers::without_markers;
#[cfg(test)]
mod tests;

/// Longest tag, in user-visible characters.
const MAX_TAG: usize = 60;

/// Where our own lines are folded (rule D6).
const FOLD: usize = 78;

/// Longest encoded word (RFC 2047 2), octets.
const MAX_WORD: usize = 75;

/// Raw subjects longer than this are written anew where markers went, octets; and how far into one we look for
/// what follows them.
const MAX_RAW: usize = 4096;
const MAX_MARKERS: usize = 300;

/// The Subject field of a copy, where it changes: only posts to the members have the tag.
pub(super) fn of_copy(mail: &Mail, frozen: &Frozen) -> Option<Vec<u8>> {
    if frozen.kind != PostKind::List {
        return None;
    }
    let field = mail.fields.iter().find(|field| field.is(&mail.head, "Subject"));
    let name = field.map(|field| String::from_utf8_lossy(field.name(&mail.head)));
    let value = field.map(|field| field.value(&mail.head));
    tagged(name.as_deref().unwrap_or("Subject"), value, &frozen.settings.subject_tag)
}

/// The whole Subject field with the tag, ending in CRLF; `None` where it stays as it is.
///
/// `name` is how the field's name is written, `value` its raw value, `None` where there is no such field.
fn tagged(name: &str, value: Option<&[u8]>, tag: &str) -> Option<Vec<u8>> {
    let tag = encode::cut(&encode::clean(tag), MAX_TAG);
    if tag.is_empty() {
        return None;
    }
    let raw = value.unwrap_or_default().trim_ascii();
    let text = one_line(&text::decode(raw));
    let new = markers::strip(&text, &tag);
    let whole = format!("{tag} {}{}", new.reply, new.tail).trim_end().to_owned();
    if value.is_some() && whole == text && keepable(raw) {
        return None;
    }
    let (head, kept) = match new.changed {
        true => (format!("{tag} {}", new.reply), raw_tail(raw, &new.tail)),
        false => (format!("{tag} "), keepable(raw).then_some(raw)),
    };
    let short = kept.and_then(|tail| with_raw(name, &head, tail));
    short.filter(|field| read(field) == whole).or_else(|| Some(anew(name, &whole)))
}

/// A whole field as its reader sees it.
fn read(field: &[u8]) -> String {
    let value = fields::fields(field).first().map(|f| text::decode(f.value(field)));
    one_line(&value.unwrap_or_default())
}

/// A decoded subject as one line: nothing in it can end the field (rule S5).
fn one_line(text: &str) -> String {
    let kept = text.replace("\r\n", " ");
    let kept = kept.chars().filter_map(|c| match c {
        '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' => Some(' '),
        c if c.is_ascii_whitespace() => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    });
    kept.collect::<String>().trim().to_owned()
}

/// Where the decoded `tail` begins in the raw value, if it begins at an octet and can stay as it is.
fn raw_tail<'r>(raw: &'r [u8], tail: &str) -> Option<&'r [u8]> {
    if tail.is_empty() {
        return Some(&[]);
    }
    if raw.len() > MAX_RAW {
        return None;
    }
    let begins = |rest: &&[u8]| {
        rest.first().is_some_and(|b| !b.is_ascii_whitespace())
            && one_line(&text::decode(rest)) == tail
    };
    let found = (0..raw.len().min(MAX_MARKERS)).filter_map(|at| raw.get(at..)).find(begins);
    found.filter(|rest| keepable(rest))
}

/// True for a raw value that may go out as it came: ASCII, well folded, with valid encoded words, in which no control
/// character hides.
fn keepable(raw: &[u8]) -> bool {
    let counted = lines(raw);
    let control = |b: &u8| b.is_ascii_control() && !matches!(b, b'\r' | b'\n' | b'\t');
    let empty = |line: &[u8]| line.trim_ascii().is_empty();
    let strange = |token: &[u8]| memchr::memmem::find(token, b"=?").is_some() && !is_word(token);
    raw.is_ascii()
        && !raw.iter().any(control)
        && !counted.bare
        && counted.longest <= MAX_LINE - 200
        && (raw.is_empty() || !raw.split(|b| *b == b'\n').any(empty))
        && !raw.split(u8::is_ascii_whitespace).any(strange)
        && !text::decode(raw).chars().any(|c| c.is_control() && c != '\t')
}

/// `=?charset?Q?text?=`, within 75 octets (RFC 2047 2).
fn is_word(token: &[u8]) -> bool {
    let inner = token.strip_prefix(b"=?").and_then(|t| t.strip_suffix(b"?="));
    let pieces: Vec<&[u8]> = inner.unwrap_or_default().split(|b| *b == b'?').collect();
    token.len() <= MAX_WORD
        && matches!(pieces.as_slice(), [charset, [b'B' | b'b' | b'Q' | b'q'], text]
            if !charset.is_empty() && !text.is_empty())
}

/// The field from a head of ours, with the space behind it if there is to be one, and the author's raw tail.
fn with_raw(name: &str, head: &str, tail: &[u8]) -> Option<Vec<u8>> {
    let mut out = Writer::new(name);
    let ends = head.trim_end();
    if is_plain(ends) {
        out.plain(ends);
    } else if tail.starts_with(b"=?") {
        // Between two encoded words a space vanishes (RFC 2047 6.2).
        out.words(head);
    } else {
        out.words(ends);
    }
    if !tail.is_empty() {
        if head.len() == ends.len() {
            return None;
        }
        out.raw(tail);
    }
    Some(out.end())
}

/// The field from text alone: readable as far as it is ASCII, encoded from there on.
fn anew(name: &str, whole: &str) -> Vec<u8> {
    let mut out = Writer::new(name);
    if is_plain(whole) {
        out.plain(whole);
        return out.end();
    }
    let mut spaces = whole.match_indices(' ').map(|(at, _)| whole.split_at(at));
    let fits = |(plain, _): &(&str, &str)| !plain.ends_with(' ') && is_plain(plain);
    let (plain, rest) = spaces.rfind(fits).unwrap_or(("", whole));
    if !plain.is_empty() {
        out.plain(plain);
    }
    out.words(rest.strip_prefix(' ').unwrap_or(rest));
    out.end()
}

/// ASCII that nobody takes for an encoded word, and that can be folded.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.contains("=?") && text.split(' ').all(|word| word.len() < 900)
}

/// The field while it is written; lines are folded before column 78 where there is white space.
struct Writer {
    out: Vec<u8>,
    column: usize,
}

impl Writer {
    fn new(name: &str) -> Writer {
        Writer { out: format!("{name}:").into_bytes(), column: name.len() + 1 }
    }

    /// White space, on a new line where what follows would be too long, then that.
    fn token(&mut self, space: &str, token: &[u8]) {
        let first = token.split(|b| *b == b'\r').next().unwrap_or_default().len();
        // Not right behind the name: some programs take that for an empty field.
        let fresh = self.out.ends_with(b":") && !self.out.contains(&b' ');
        if !fresh && self.column + space.len() + first > FOLD {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.out.extend_from_slice(space.as_bytes());
        self.out.extend_from_slice(token);
        self.column += space.len() + first;
    }

    /// ASCII text, its spaces as they are.
    fn plain(&mut self, text: &str) {
        let mut space = String::from(" ");
        for (i, word) in text.split(' ').enumerate() {
            if word.is_empty() {
                space.push(' ');
                continue;
            }
            // The first word has the space behind the colon, each other one that which stood before it.
            self.token(if i == 0 { " " } else { &space }, word.as_bytes());
            space.truncate(1);
        }
    }

    fn words(&mut self, text: &str) {
        for word in encode::encoded_words(text) {
            self.token(" ", word.as_bytes());
        }
    }

    fn raw(&mut self, raw: &[u8]) {
        self.token(" ", raw);
    }

    fn end(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"\r\n");
        self.out
    }
}
