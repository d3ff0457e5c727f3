//! What of a mail to `-bounces` is worth reading: the words for people, the delivery report, and the head of the mail
//! that came back.
//!
//! Not what it means (`report`, `texts`, `kind`). Everything is bounded, and the mail that came back is never taken
//! for what was written about it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::phrases::plain;
use super::rules::RULES;
use crate::message::fields::{fields, split, unfold};
use crate::message::tree::{Part, Shape, Tree};
use crate::message::{Mail, html_to_text, params, text};

/// Octets of a mail that are looked at: reports stand in front of the mail that came back.
pub const MAX_MAIL: usize = 1024 * 1024;

/// Octets of words for people.
const MAX_NOTES: usize = 48 * 1024;

/// Octets of all delivery reports together, and of the returned head.
const MAX_REPORT: usize = 256 * 1024;

/// A mail, as far as a parser of bounces looks at it.
pub(super) struct Material {
    pub mail: Mail,
    /// Decoded.
    pub subject: String,
    /// The words for people in lines that end in LF, without the mail that came back.
    pub notes: String,
    /// The fields of message/delivery-status, groups with an empty line between them.
    pub report: Vec<u8>,
    /// A message/feedback-report, or what providers send in its place.
    pub feedback: bool,
    /// The fields of the first.
    pub feedback_report: Vec<u8>,
    /// message/disposition-notification: a mailbox's or a person's own answer.
    pub disposition: bool,
    /// The head of the mail that came back.
    pub returned: Vec<u8>,
}

impl Material {
    /// `None` where not even a header can be read.
    pub fn of(raw: &[u8]) -> Option<Material> {
        let raw = raw.get(..MAX_MAIL).unwrap_or(raw);
        let raw = &*with_line_ends(raw);
        let mail = Mail::parse(raw).ok()?;
        let mut out = Material {
            subject: mail.text("Subject").unwrap_or_default(),
            notes: String::new(),
            report: Vec::new(),
            feedback: false,
            feedback_report: Vec::new(),
            disposition: false,
            returned: Vec::new(),
            mail,
        };
        let (_, params) = params::content_type(out.mail.values("Content-Type").next());
        let report_type = params::param(&params, "report-type").unwrap_or_default();
        out.feedback = report_type.eq_ignore_ascii_case("feedback-report");
        out.disposition = report_type.eq_ignore_ascii_case("disposition-notification");
        match Tree::parse(raw) {
            Ok(tree) => out.parts(&tree, raw),
            Err(_) => out.note(raw.get(out.mail.head_len()..).unwrap_or_default(), None),
        }
        if out.notes.trim().is_empty() && out.report.is_empty() {
            // No part that says anything: perhaps the structure is broken.
            out.note(raw.get(out.mail.head_len()..).unwrap_or_default(), None);
        }
        out.cut();
        out.broken_report();
        Some(out)
    }

    fn parts(&mut self, tree: &Tree, raw: &[u8]) {
        let mut inner: Vec<bool> = Vec::with_capacity(tree.parts.len());
        let (mut page, mut nested) = (None, Vec::new());
        for part in &tree.parts {
            let parent = part.parent.and_then(|at| Some((tree.parts.get(at)?, *inner.get(at)?)));
            let inside = parent.is_some_and(|(p, inside)| inside || p.shape == Shape::Message);
            inner.push(inside);
            if inside {
                // A bounce that somebody passed on.
                if is_status(part) {
                    add(&mut nested, &part.content(raw));
                }
                continue;
            }
            match part.kind.as_str() {
                _ if is_status(part) => add(&mut self.report, &part.content(raw)),
                "message/feedback-report" => {
                    self.feedback = true;
                    if self.feedback_report.is_empty() {
                        add(&mut self.feedback_report, &part.content(raw));
                    }
                }
                "message/disposition-notification" => {
                    self.disposition = true;
                    add(&mut self.report, &part.content(raw));
                }
                "message/rfc822"
                | "message/global"
                | "text/rfc822-headers"
                | "text/rfc822"
                | "message/rfc822-headers"
                | "message/global-headers" => {
                    self.returned(&part.content(raw));
                }
                "text/html" => page = page.or(Some(part)),
                kind if part.is_leaf() && kind.starts_with("text/") => {
                    self.note(&part.content(raw), part.param("charset"));
                }
                _ => part.fillers.iter().for_each(|filler| {
                    let filler = raw.get(filler.clone()).unwrap_or_default();
                    // Some write their words in front of the parts.
                    if part.kind == "multipart/report" && filler.contains(&b'@') {
                        self.note(filler, None);
                    }
                }),
            }
        }
        if let (true, Some(page)) = (self.notes.trim().is_empty(), page) {
            let words = decoded(&page.content(raw), page.param("charset"));
            match words.contains("</") || words.contains("<br") || words.contains("<BR") {
                true => self.push(&html_to_text(&broken(&words))),
                // It says that it is a page, and is none.
                false => self.push(&words),
            }
        }
        if self.report.is_empty() {
            self.report = nested;
        }
    }

    fn note(&mut self, words: &[u8], charset: Option<&str>) {
        let bounded = words.get(..MAX_NOTES * 2).unwrap_or(words);
        self.push(&decoded(bounded, charset));
    }

    fn push(&mut self, words: &str) {
        let words = words.replace("\r\n", "\n").replace(['\r', '\0'], "\n");
        let mut room = MAX_NOTES.saturating_sub(self.notes.len()).min(words.len());
        while !words.is_char_boundary(room) {
            room -= 1;
        }
        self.notes.push_str(words.get(..room).unwrap_or_default());
        self.notes.push('\n');
    }

    fn returned(&mut self, mail: &[u8]) {
        if self.returned.is_empty() {
            let mail = mail.get(..MAX_REPORT).unwrap_or(mail);
            self.returned = mail.get(..split(mail)).unwrap_or_default().to_vec();
        }
    }

    /// Takes the mail that came back off the end of the words.
    fn cut(&mut self) {
        let Some(at) = returned_at(&self.notes) else { return };
        let rest = self.notes.split_off(at);
        let head = rest.trim_start_matches(|c| c != '\n').trim_start();
        if looks_like_head(head) {
            self.returned(head.as_bytes());
        } else if looks_like_head(rest.trim_start()) {
            self.returned(rest.trim_start().as_bytes());
        }
    }

    /// A report whose part could not be told from the words, since the structure is broken.
    fn broken_report(&mut self) {
        if !self.report.is_empty() {
            return;
        }
        let fields = ["reporting-mta:", "original-recipient:", "final-recipient:"];
        let mut at = 0;
        let begins = self.notes.split_inclusive('\n').find_map(|line| {
            let start = at;
            at += line.len();
            let name = line.get(..20).unwrap_or(line).to_ascii_lowercase();
            fields.iter().any(|field| name.starts_with(field)).then_some(start)
        });
        if let Some(begins) = begins {
            let rest = self.notes.split_off(begins);
            add(&mut self.report, rest.as_bytes());
        }
    }

    /// The values of a field of the mail that came back, on one line each.
    pub fn returned_values(&self, name: &str) -> Vec<String> {
        let all = fields(&self.returned);
        let named = all.iter().filter(|f| f.is(&self.returned, name)).take(20);
        named.map(|f| text::utf8_or_latin(&unfold(f.value(&self.returned)))).collect()
    }
}

/// Lines that end in CR only, as very old programs saved them, end in LF.
fn with_line_ends(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', raw).is_some() || memchr::memchr(b'\r', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect())
}

fn is_status(part: &Part) -> bool {
    matches!(part.kind.as_str(), "message/delivery-status" | "message/global-delivery-status")
}

fn add(to: &mut Vec<u8>, more: &[u8]) {
    if to.len() < MAX_REPORT {
        to.extend_from_slice(more.get(..MAX_REPORT).unwrap_or(more));
        to.extend_from_slice(b"\r\n\r\n");
    }
}

/// Octets of a part as text.
fn decoded(octets: &[u8], charset: Option<&str>) -> String {
    let said = charset.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let encoding = match std::str::from_utf8(octets) {
        Ok(_) if said.is_none_or(Encoding::is_ascii_compatible) && !octets.contains(&0x1b) => UTF_8,
        _ => said.unwrap_or(WINDOWS_1252),
    };
    encoding.decode_without_bom_handling(octets).0.into_owned()
}

/// Line breaks of a page that the text of it must keep, one address being one line.
fn broken(page: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        if ["p", "div", "tr", "td", "li", "pre", "h1", "h2", "h3"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            out.push_str("<br>");
        }
        out.push('<');
        rest = tag;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the mail that came back begins in a text.
fn returned_at(notes: &str) -> Option<usize> {
    let mut at = 0;
    let mut said = false;
    for line in notes.split_inclusive('\n') {
        let start = line.trim_start_matches(['>', '|']).trim_start();
        let heads = ["received: from ", "received: by ", "received: (", "return-path: <"];
        let lower: String = start.chars().take(100).collect::<String>().to_lowercase();
        if said && heads.iter().any(|head| lower.starts_with(head)) {
            return Some(at);
        }
        if said && is_mark(&lower) {
            return Some(at);
        }
        said |= !start.trim().is_empty();
        at += line.len();
    }
    None
}

fn is_mark(lower: &str) -> bool {
    let words = lower.trim_matches(|c: char| !c.is_alphabetic());
    RULES.returned_line.iter().any(|line| line == words)
        || RULES.returned.find(&plain(words)) == Some(0)
}

fn looks_like_head(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    text.contains(':')
        && !name.is_empty()
        && name.len() < 60
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
