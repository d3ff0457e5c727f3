//! Mailboxes in header fields (RFC 5322 3.4): our own strict reading of who is named.
//!
//! Who wrote a mail decides what it may do, so this parser never guesses an address: what is no addr-spec is
//! [`Listed::bad`]. Names are lenient, because nothing is decided by them (rule X5).

use crate::address::Address;
use crate::message::text;

/// One mailbox of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Decoded; empty where there was none. Any character can be in it.
    pub name: String,
    pub address: Address,
}

/// All mailboxes of a field or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub mailboxes: Vec<Mailbox>,
    /// How many items were no mailbox.
    pub bad: usize,
    /// A group such as `undisclosed-recipients:;` was seen.
    pub group: bool,
}

/// More mailboxes than this in a field are counted as bad ones (promise 10).
const MAX_MAILBOXES: usize = 10_000;

/// Comments deeper than this are taken as broken.
const MAX_DEPTH: usize = 32;

/// Reads a raw address-list, mailbox-list or single mailbox; groups are flattened.
pub fn mailboxes(value: &[u8]) -> Listed {
    let text = text::line(value);
    let mut reader = Reader::default();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        reader.step(c, &mut chars);
    }
    reader.end_item(true);
    reader.out
}

/// One item (between commas) while it is read.
#[derive(Default)]
struct Reader {
    out: Listed,
    /// Everything outside `<>` and comments; quotes taken off.
    phrase: String,
    /// The same with its quotes, for an address without `<>`.
    bare: String,
    comment: String,
    /// What stood in `<>`.
    angle: Option<String>,
    /// An `@` stands outside quotes and `<>`.
    at: bool,
    /// Inside an encoded word (`=?charset?Q?te`): how many `?` have followed its beginning.
    encoded: Option<u8>,
    broken: bool,
    in_angle: bool,
}

impl Reader {
    fn step(&mut self, c: char, rest: &mut std::str::Chars<'_>) {
        match c {
            // Sloppy programs leave these as they are inside an encoded word.
            '(' | ')' | ',' | ';' | ':' if !self.in_angle && self.encoded.is_some() => self.push(c),
            '"' => self.quoted(rest),
            '(' => self.comment(rest),
            '<' if self.in_angle || self.angle.is_some() => self.broken = true,
            '<' => {
                self.in_angle = true;
                self.angle = Some(String::new());
            }
            '>' if self.in_angle => self.in_angle = false,
            '>' => self.broken = true,
            c if self.in_angle => self.push(c),
            ',' => self.end_item(false),
            ';' => {
                self.end_item(true);
            }
            ':' if !self.at => {
                // A group's name: not a mailbox.
                self.out.group = true;
                self.clear();
            }
            '\\' => self.push(rest.next().unwrap_or(' ')),
            c => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        match (&mut self.angle, self.in_angle) {
            (Some(angle), true) => angle.push(c),
            _ => {
                self.at |= c == '@';
                self.encoded = match (c, self.encoded) {
                    ('?', None) if self.bare.ends_with('=') => Some(0),
                    ('?', Some(count)) if count < 2 => Some(count + 1),
                    ('?', _) => None,
                    (c, _) if c.is_whitespace() => None,
                    (_, open) => open,
                };
                self.phrase.push(c);
                self.bare.push(c);
            }
        }
    }

    fn quoted(&mut self, rest: &mut std::str::Chars<'_>) {
        let mut raw = String::from('"');
        let mut plain = String::new();
        loop {
            match rest.next() {
                Some('"') => break,
                Some('\\') => {
                    let c = rest.next().unwrap_or(' ');
                    raw.extend(['\\', c]);
                    plain.push(c);
                }
                Some(c) => {
                    raw.push(c);
                    plain.push(c);
                }
                None => {
                    self.broken = true;
                    break;
                }
            }
        }
        raw.push('"');
        match (&mut self.angle, self.in_angle) {
            (Some(angle), true) => angle.push_str(&raw),
            _ => {
                self.phrase.push_str(&plain);
                self.bare.push_str(&raw);
            }
        }
    }

    fn comment(&mut self, rest: &mut std::str::Chars<'_>) {
        let mut depth = 1;
        let mut text = String::new();
        while depth > 0 {
            match rest.next() {
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                Some('\\') => text.push(rest.next().unwrap_or(' ')),
                Some(c) => text.push(c),
                None => {
                    self.broken = true;
                    return;
                }
            }
            if depth > MAX_DEPTH {
                self.broken = true;
            }
        }
        self.comment = text;
    }

    /// A comma or the end. A comma in an unquoted name (`Müller, Anna <a@x>`) does not end an item: what has no
    /// `@` so far is the first part of a name, unless `last`.
    fn end_item(&mut self, last: bool) {
        let empty = self.bare.trim().is_empty() && self.angle.is_none();
        if empty && !self.broken {
            return self.clear();
        }
        if !last && self.angle.is_none() && !self.at && !self.broken {
            self.phrase.push(',');
            return;
        }
        match self.mailbox() {
            Some(found) if self.out.mailboxes.len() < MAX_MAILBOXES => {
                self.out.mailboxes.push(found)
            }
            _ => self.out.bad += 1,
        }
        self.clear();
    }

    fn mailbox(&self) -> Option<Mailbox> {
        if self.broken || self.in_angle {
            return None;
        }
        let (spec, name) = match &self.angle {
            // obs-route (RFC 5322 4.4): <@a,@b:user@c>
            Some(angle) if angle.starts_with('@') => (angle.split_once(':')?.1, &self.phrase),
            Some(angle) => (angle.as_str(), &self.phrase),
            None => (self.bare.as_str(), &self.comment),
        };
        let address = Address::parse(spec.trim()).ok()?;
        let name = text::decode(name.as_bytes());
        Some(Mailbox { name: name.split_whitespace().collect::<Vec<_>>().join(" "), address })
    }

    fn clear(&mut self) {
        let out = std::mem::take(&mut self.out);
        *self = Reader { out, ..Reader::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        let listed = mailboxes(value.as_bytes());
        let mut all: Vec<String> =
            listed.mailboxes.iter().map(|m| format!("{}<{}>", m.name, m.address)).collect();
        all.extend(std::iter::repeat_n("BAD".to_owned(), listed.bad));
        all.join(" ")
    }

    /// X6: time grows with the length only, whatever stands in a field.
    #[test]
    fn long_fields_are_read_in_linear_time() {
        for (start, piece) in [
            ("a", ","),
            ("=?a", ":"),
            ("(", "("),
            ("\"", "\\"),
            ("<", "<"),
            ("a@b", ","),
            ("", "a,"),
            ("=?", "?,"),
        ] {
            let value =
                format!("{}{}", start.repeat(60_000 / start.len().max(1)), piece.repeat(60_000));
            let listed = mailboxes(value.as_bytes());
            assert!(listed.mailboxes.len() <= MAX_MAILBOXES);
        }
    }

    /// X5, F5: the forms of RFC 5322 and the sloppy ones; no address is ever guessed.
    #[test]
    fn who_is_named() {
        let cases = [
            ("anna@x.example", "<anna@x.example>"),
            ("Anna Öz <anna@x.example>", "Anna Öz<anna@x.example>"),
            ("\"Öz, Anna\" <anna@x.example>", "Öz, Anna<anna@x.example>"),
            ("\"a@b\", Anna <anna@x.example>", "a@b, Anna<anna@x.example>"),
            ("Öz, Anna <anna@x.example>", "Öz, Anna<anna@x.example>"),
            ("anna@x.example (Anna (5b) Oez)", "Anna 5b Oez<anna@x.example>"),
            ("=?utf-8?Q?=C3=96z?= =?utf-8?Q?_Anna?= <a@x.example>", "Öz Anna<a@x.example>"),
            ("=?utf-8?Q?=C3=96z,_(5b);:?= <a@x.example>", "Öz, (5b);:<a@x.example>"),
            ("=?utf-8?Q?x,b@x.example <a@x.example>", "=?utf-8?Q?x,b@x.example<a@x.example>"),
            ("\"=?utf-8?Q?=C3=96z?=\" <a@x.example>", "Öz<a@x.example>"),
            ("a@x.example, b@x.example", "<a@x.example> <b@x.example>"),
            ("A <a@x.example>,, B <b@x.example>,", "A<a@x.example> B<b@x.example>"),
            ("undisclosed-recipients:;", ""),
            ("Klasse: a@x.example, b@x.example;", "<a@x.example> <b@x.example>"),
            ("<@r.example,@s.example:a@x.example>", "<a@x.example>"),
            ("\"a b\"@x.example", "<\"a b\"@x.example>"),
            ("\"boss@school.example\" <evil@x.example>", "boss@school.example<evil@x.example>"),
            ("boss@school.example <evil@x.example>", "boss@school.example<evil@x.example>"),
            ("<a@x.example> <b@x.example>", "BAD"),
            ("a@b@x.example", "BAD"),
            ("\"open <a@x.example>", "BAD"),
            ("(open a@x.example", "BAD"),
            ("<a@x.example", "BAD"),
            ("a@x.example>", "BAD"),
            ("Anna", "BAD"),
            ("<>", "BAD"),
            ("", ""),
        ];
        for (value, expect) in cases {
            assert_eq!(shown(value), expect, "{value:?}");
        }
    }
}
