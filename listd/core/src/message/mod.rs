//! What an incoming mail says of itself: its header block read once, strictly, within limits.
//!
//! Facts only. What follows from them is `policy`; how a copy looks is `rewrite`. Bodies are counted ([`lines`]) and
//! divided into their parts ([`tree`]).

use crate::time::Timestamp;

pub mod address;
pub mod auth_results;
pub mod automatic;
pub mod canonical;
pub mod fields;
pub mod lines;
pub mod loops;
pub mod params;
pub mod parts;
pub mod readable;
pub mod received;
pub mod signature;
pub mod tags;
pub mod text;
pub mod tree;
pub mod unseen;

pub use address::Mailbox;
pub use auth_results::{AuthResults, auth_results};
pub use automatic::{Automatic, automatic, automatic_answer_allowed, by_program};
pub use fields::{Field, MAX_HEADER, split};
pub use lines::{Lines, lines};
pub use loops::{Loop, loops};
pub use text::{filename, html_to_text};
pub use tree::{Encoding, Part, Seal, Shape, Tree, TreeError};

/// Fields that RFC 5322 3.6 allows once (rule T6).
pub const ONCE: [&str; 11] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
    "Date",
];

/// More authors than this are one too many (promise 10).
const MAX_AUTHORS: usize = 10;

/// Why a mail can't be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Octets allowed (rule B14).
    #[error("the header is larger than {0} octets")]
    HeaderTooBig(usize),
    /// Rule T6; the name of the field.
    #[error("the field {0} occurs more than once")]
    Twice(&'static str),
    #[error("there is no From field")]
    NoFrom,
    /// Rule T7.
    #[error("From names more than one author, and the Sender is none of them")]
    SeveralFrom,
    #[error("From has no valid address")]
    BadFrom,
    /// Rule X2.
    #[error("a line of the header ends in a bare CR or LF")]
    BareLineEnd,
    #[error("there is a NUL octet in the header")]
    Nul,
}

/// The header facts of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The header block with its empty line; offsets of [`Field`] count in it.
    pub head: Vec<u8>,
    pub fields: Vec<Field>,
    /// Everybody whom From names.
    pub from: Vec<Mailbox>,
    /// Items in From that are no mailbox.
    pub from_bad: usize,
    pub sender: Option<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    /// To and Cc.
    pub to: Vec<Mailbox>,
    /// Without brackets, printable ASCII or UTF-8, no white space; `None` where none is usable.
    pub message_id: Option<String>,
    pub has_date: bool,
    /// `None` for no Date and for a bad one.
    pub date: Option<Timestamp>,
    /// What stands in the brackets of each List-Id, lower-case.
    pub list_ids: Vec<String>,
    /// How many `Received` there are (rule L2).
    pub received: usize,
    /// The topmost `Received`, on one line.
    pub top_received: Option<String>,
    /// First word, lower-case (RFC 3834 5).
    pub auto_submitted: Option<String>,
    /// Lower-case.
    pub precedence: Option<String>,
    /// `type/subtype`, lower-case; `text/plain` where there is none.
    pub content_type: String,
    /// An octet above 127 stands in the header.
    pub has_8bit_header: bool,
    /// An address in From, Sender, Reply-To, To or Cc can't be written in ASCII (rule U1).
    pub needs_utf8: bool,
    /// A CR or LF that is no line end, in the header.
    pub bare: bool,
    /// A NUL in the header.
    pub nul: bool,
}

impl Mail {
    /// Reads the header block at the start of `raw`; the body need not be there. Header limit: [`MAX_HEADER`].
    pub fn parse(raw: &[u8]) -> Result<Mail, Malformed> {
        Mail::parse_within(raw, MAX_HEADER)
    }

    /// [`Mail::parse`] with another limit for the header block, in octets.
    pub fn parse_within(raw: &[u8], limit: usize) -> Result<Mail, Malformed> {
        let window = raw.get(..limit.saturating_add(1)).unwrap_or(raw);
        let head_len = split(window);
        if head_len > limit {
            return Err(Malformed::HeaderTooBig(limit));
        }
        let head = window.get(..head_len).unwrap_or_default().to_vec();
        Ok(read(head))
    }

    /// Length of the header block with its empty line: the body starts there.
    pub fn head_len(&self) -> usize {
        self.head.len()
    }

    /// Raw values of all fields with this name, from the top.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |f| f.is(&self.head, name)).map(|f| f.value(&self.head))
    }

    /// The first field with this name, decoded to text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.values(name).next().map(text::decode)
    }

    /// How often a field occurs.
    pub fn count(&self, name: &str) -> usize {
        self.values(name).count()
    }

    /// The author who answers for the mail, where From is valid: the only one, or the one among several who is the
    /// Sender (rules T6, T7; RFC 5322 3.6.2).
    pub fn author(&self) -> Option<&Mailbox> {
        if self.from_bad > 0 || self.count("From") != 1 {
            return None;
        }
        match self.from.as_slice() {
            [only] => Some(only),
            several if several.len() > MAX_AUTHORS || self.count("Sender") != 1 => None,
            several => {
                let sender = address::mailboxes(self.values("Sender").next()?);
                match (sender.mailboxes.as_slice(), sender.bad) {
                    ([one], 0) => several.iter().find(|a| a.address.same_as(&one.address)),
                    _ => None,
                }
            }
        }
    }

    /// The first thing about the header for which a mail to a list is refused, if any (T6, T7, X2).
    pub fn malformed(&self) -> Option<Malformed> {
        if self.nul {
            return Some(Malformed::Nul);
        }
        if self.bare {
            return Some(Malformed::BareLineEnd);
        }
        if let Some(name) = ONCE.into_iter().find(|name| self.count(name) > 1) {
            return Some(Malformed::Twice(name));
        }
        if self.count("From") == 0 {
            return Some(Malformed::NoFrom);
        }
        match (self.from.len(), self.from_bad) {
            (1, 0) => None,
            (0 | 1, _) => Some(Malformed::BadFrom),
            _ if self.author().is_some() => None,
            _ => Some(Malformed::SeveralFrom),
        }
    }
}

fn read(head: Vec<u8>) -> Mail {
    let fields = fields::fields(&head);
    let values = |name: &str| -> Vec<&[u8]> {
        fields.iter().filter(|f| f.is(&head, name)).map(|f| f.value(&head)).collect()
    };
    let people = |name: &str| -> Vec<Mailbox> {
        values(name).into_iter().flat_map(|v| address::mailboxes(v).mailboxes).collect()
    };
    let word = |name: &str| -> Option<String> {
        let line = text::utf8_or_latin(&fields::unfold(values(name).first()?));
        let word = line.split(|c: char| c.is_whitespace() || c == ';' || c == '(').next();
        word.map(str::to_ascii_lowercase)
    };
    let from: Vec<address::Listed> = values("From").into_iter().map(address::mailboxes).collect();
    let (sender, reply_to) = (people("Sender"), people("Reply-To"));
    let to: Vec<Mailbox> = ["To", "Cc"].into_iter().flat_map(people).collect();
    let dates = values("Date");
    let counted = lines(&head);
    let from_bad = from.iter().map(|l| l.bad).sum();
    let from: Vec<Mailbox> = from.into_iter().flat_map(|l| l.mailboxes).collect();
    let needs_utf8 =
        [&from, &sender, &reply_to, &to].into_iter().flatten().any(|m| !m.address.is_ascii());
    let received = values("Received");
    Mail {
        message_id: values("Message-ID").first().and_then(|v| message_id(v)),
        has_date: !dates.is_empty(),
        date: dates.first().and_then(|v| text::date(v)),
        list_ids: values("List-Id").into_iter().map(in_brackets).collect(),
        received: received.len(),
        top_received: received.first().map(|v| text::utf8_or_latin(&fields::unfold(v))),
        auto_submitted: word("Auto-Submitted"),
        precedence: word("Precedence"),
        content_type: params::content_type(values("Content-Type").first().copied()).0,
        has_8bit_header: counted.eight_bit,
        bare: counted.bare,
        nul: counted.nul,
        sender: sender.into_iter().next(),
        fields,
        head,
        from,
        from_bad,
        reply_to,
        to,
        needs_utf8,
    }
}

/// The usable Message-ID of a raw value (RFC 5322 3.6.4), without brackets: no space, no control character, at
/// most 995 octets. Brackets may be missing, for the sake of old programs that leave them out.
pub(crate) fn message_id(value: &[u8]) -> Option<String> {
    let line = String::from_utf8(fields::unfold(value)).ok()?;
    let id = line.strip_prefix('<').and_then(|l| l.strip_suffix('>')).unwrap_or(&line);
    let bad = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '\u{2028}' | '\u{2029}')
    };
    let fine = !id.is_empty() && id.len() <= 995 && !id.contains(bad);
    fine.then(|| id.to_owned())
}

/// What stands in the last `<>` of a List-Id, lower-case (RFC 2919 2); all of it where there are none.
fn in_brackets(value: &[u8]) -> String {
    let line = text::utf8_or_latin(&fields::unfold(value));
    let inner = line.rsplit_once('<').and_then(|(_, r)| r.split_once('>')).map(|(id, _)| id);
    inner.unwrap_or(&line).trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
