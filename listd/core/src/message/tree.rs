//! A mail as a tree of MIME parts, each as ranges of octets in the mail: read once, nothing copied.
//!
//! Pure reading, linear for each level, within limits (rule B14). What follows from it for a copy is `rewrite`'s.
//! Whatever walks a mail's parts walks this.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::message::fields::{Field, fields, split};
use crate::message::parts::{MAX_DEPTH, Piece, pieces};
use crate::message::{params, text};

/// Most parts that are read (rule B14).
pub const MAX_PARTS: usize = 1_000;

/// Why a mail was not read to the end.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("its parts are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("it has more than {MAX_PARTS} parts")]
    TooManyParts,
}

/// How a body is encoded for transfer (RFC 2045 6).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 7bit, 8bit, binary, or not said.
    Identity,
    Base64,
    QuotedPrintable,
    /// One that is not defined, e.g. `x-uuencode`.
    Other,
}

impl Encoding {
    fn of(value: Option<&[u8]>) -> Encoding {
        let token = value.unwrap_or_default().split(|b| *b == b'(').next().unwrap_or_default();
        match token.trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"7bit" | b"8bit" | b"binary" => Encoding::Identity,
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::QuotedPrintable,
            _ => Encoding::Other,
        }
    }

    /// What the octets stand for, damage forgiven; the octets themselves where the encoding is none or unknown.
    pub fn decode(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Encoding::Identity | Encoding::Other => Cow::Borrowed(body),
            Encoding::Base64 => text::transfer_decoded(body, true),
            Encoding::QuotedPrintable => text::transfer_decoded(body, false),
        }
    }
}

/// Why not one octet of a part may change (promise 9, rule B7).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seal {
    /// multipart/signed (RFC 1847), OpenPGP or S/MIME.
    Signed,
    /// multipart/encrypted (RFC 1847).
    Encrypted,
    /// application/pkcs7-mime (RFC 8551).
    Smime,
    /// A text with an OpenPGP message in it.
    InlinePgp,
}

impl Seal {
    fn of(kind: &str) -> Option<Seal> {
        match kind {
            "multipart/signed" => Some(Seal::Signed),
            "multipart/encrypted" => Some(Seal::Encrypted),
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => Some(Seal::Smime),
            _ => None,
        }
    }
}

/// What a part's body is made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Octets; also what could be divided, but is encoded for transfer as a whole.
    Leaf,
    /// Parts between delimiter lines (RFC 2046 5.1).
    Multipart,
    /// One mail (message/rfc822, message/global, message/news).
    Message,
}

/// A header with its body. All ranges count in the mail that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// RFC 3501 6.4.5: `1.2`, and `2.TEXT` for a mail in part 2 that is a multipart; empty for the mail itself.
    pub section: String,
    /// The part around it, as an index of [`Tree::parts`].
    pub parent: Option<usize>,
    /// 0 is the mail itself.
    pub depth: usize,
    /// The delimiter line in front, with the line end before it; empty where there is none.
    pub delimiter: Range<usize>,
    /// With the empty line at its end, if there is one.
    pub head: Range<usize>,
    pub body: Range<usize>,
    /// `type/subtype`, lower-case; by default `text/plain`, in a digest `message/rfc822`.
    pub kind: String,
    /// Parameters of Content-Type in order, names in lower case.
    pub params: Vec<(String, String)>,
    pub encoding: Encoding,
    /// First word of Content-Disposition, lower-case: `inline`, `attachment`.
    pub disposition: Option<String>,
    /// From Content-Disposition, else Content-Type; decoded (RFC 2231, RFC 2047). Never used as a path.
    pub filename: Option<String>,
    /// Without its brackets.
    pub content_id: Option<String>,
    /// Set for a sealed part and for all parts in it.
    pub sealed: Option<Seal>,
    pub shape: Shape,
    /// Of a multipart: preamble and epilogue, as far as they are not empty.
    pub fillers: Vec<Range<usize>>,
    /// Of a multipart: the closing delimiter line with the line end before it.
    pub close: Option<Range<usize>>,
}

impl Part {
    /// All of it, without the delimiter line.
    pub fn whole(&self) -> Range<usize> {
        self.head.start..self.body.end
    }

    /// A parameter of Content-Type.
    pub fn param(&self, name: &str) -> Option<&str> {
        params::param(&self.params, name)
    }

    pub fn is_leaf(&self) -> bool {
        self.shape == Shape::Leaf
    }

    /// No attachment: shown in its place, without a name to save it under (RFC 2183 2.8).
    pub fn is_shown(&self) -> bool {
        matches!(self.disposition.as_deref(), None | Some("" | "inline")) && self.filename.is_none()
    }

    /// `raw` is the mail that was read.
    pub fn head<'r>(&self, raw: &'r [u8]) -> &'r [u8] {
        raw.get(self.head.clone()).unwrap_or_default()
    }

    pub fn body<'r>(&self, raw: &'r [u8]) -> &'r [u8] {
        raw.get(self.body.clone()).unwrap_or_default()
    }

    /// The body, decoded for transfer.
    pub fn content<'r>(&self, raw: &'r [u8]) -> Cow<'r, [u8]> {
        self.encoding.decode(self.body(raw))
    }

    /// The fields of its header, with ranges that count in the mail.
    pub fn fields(&self, raw: &[u8]) -> Vec<Field> {
        let by = self.head.start;
        let shift = |range: Range<usize>| range.start + by..range.end + by;
        let found = fields(self.head(raw)).into_iter();
        found
            .map(|f| Field {
                whole: shift(f.whole),
                name: shift(f.name),
                value: shift(f.value),
                valid: f.valid,
            })
            .collect()
    }
}

/// All parts of a mail in document order, the mail itself first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub parts: Vec<Part>,
}

impl Tree {
    /// Reads a mail with header and body. Never fails but for the limits.
    pub fn parse(raw: &[u8]) -> Result<Tree, TreeError> {
        let mut reader = Reader { raw, parts: Vec::new() };
        let mail = Place {
            parent: None,
            depth: 0,
            delimiter: 0..0,
            number: String::new(),
            default: "text/plain",
            sealed: None,
        };
        reader.entity(0..raw.len(), mail)?;
        Ok(Tree { parts: reader.parts })
    }

    /// The parts right inside a part, with their indices.
    pub fn children(&self, of: usize) -> impl Iterator<Item = (usize, &Part)> {
        let behind = self.parts.iter().enumerate().skip(of + 1);
        behind.filter(move |(_, part)| part.parent == Some(of))
    }

    /// The part of a multipart/related that its others belong to (RFC 2387 3.2).
    pub fn root(&self, of: usize) -> Option<usize> {
        let start = self.parts.get(of)?.param("start");
        let start = start.map(|id| id.trim().trim_start_matches('<').trim_end_matches('>'));
        let named =
            self.children(of).find(|(_, p)| start.is_some() && p.content_id.as_deref() == start);
        named.or_else(|| self.children(of).next()).map(|(root, _)| root)
    }

    pub fn section(&self, section: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.section == section)
    }
}

/// Where a part stands.
struct Place {
    parent: Option<usize>,
    depth: usize,
    delimiter: Range<usize>,
    /// As a part of a multipart or of a mail, e.g. `1.2`.
    number: String,
    /// The type where the header names none.
    default: &'static str,
    sealed: Option<Seal>,
}

struct Reader<'r> {
    raw: &'r [u8],
    parts: Vec<Part>,
}

impl Reader<'_> {
    fn entity(&mut self, whole: Range<usize>, place: Place) -> Result<(), TreeError> {
        if place.depth > MAX_DEPTH {
            return Err(TreeError::TooDeep);
        }
        if self.parts.len() >= MAX_PARTS {
            return Err(TreeError::TooManyParts);
        }
        let (part, number) = self.part(whole, place);
        let index = self.parts.len();
        let (shape, body, depth) = (part.shape, part.body.clone(), part.depth + 1);
        let inside = Place {
            parent: Some(index),
            depth,
            delimiter: body.start..body.start,
            number,
            default: "text/plain",
            sealed: part.sealed,
        };
        self.parts.push(part);
        match shape {
            Shape::Leaf => Ok(()),
            Shape::Message => self.entity(body, inside),
            Shape::Multipart => self.multipart(index, &inside),
        }
    }

    /// One part, and the number that stands before those of the parts in it.
    fn part(&self, whole: Range<usize>, place: Place) -> (Part, String) {
        let raw = self.raw.get(whole.clone()).unwrap_or_default();
        let at = whole.start + split(raw).min(raw.len());
        let (head, body) = (whole.start..at, at..whole.end);
        let head_octets = self.raw.get(head.clone()).unwrap_or_default();
        let fields = fields(head_octets);
        let value = |name: &str| {
            fields.iter().find(|f| f.is(head_octets, name)).map(|f| f.value(head_octets))
        };
        let (kind, params) = match value("Content-Type") {
            None => (place.default.to_owned(), Vec::new()),
            some => params::content_type(some),
        };
        let encoding = Encoding::of(value("Content-Transfer-Encoding"));
        let disposition = value("Content-Disposition");
        let shape = match encoding {
            Encoding::Base64 | Encoding::QuotedPrintable => Shape::Leaf,
            _ if kind.starts_with("multipart/") => Shape::Multipart,
            // The last is Usenet's, which mail programs open like the first.
            _ if matches!(kind.as_str(), "message/rfc822" | "message/global" | "message/news") => {
                Shape::Message
            }
            _ => Shape::Leaf,
        };
        let is_enclosed =
            place.parent.and_then(|i| self.parts.get(i)).map(|p| p.shape) == Some(Shape::Message);
        let (section, number) = match (place.number.as_str(), is_enclosed) {
            // A mail by itself has no number; the only part of a mail that is no multipart is part 1.
            ("", _) if shape == Shape::Multipart => (String::new(), String::new()),
            ("", _) => (String::new(), "1".to_owned()),
            (mail, true) if shape == Shape::Multipart => (format!("{mail}.TEXT"), mail.to_owned()),
            (mail, true) => (format!("{mail}.1"), format!("{mail}.1")),
            (own, false) => (own.to_owned(), own.to_owned()),
        };
        let mut part = Part {
            section,
            parent: place.parent,
            depth: place.depth,
            delimiter: place.delimiter,
            head,
            body,
            params,
            encoding,
            disposition: disposition.map(first_word),
            filename: text::filename(disposition, value("Content-Type")),
            content_id: value("Content-ID").and_then(crate::message::message_id),
            sealed: place.sealed.or_else(|| Seal::of(&kind)),
            kind,
            shape,
            fillers: Vec::new(),
            close: None,
        };
        if part.sealed.is_none()
            && part.kind.starts_with("text/")
            && has_pgp(&part.content(self.raw))
        {
            part.sealed = Some(Seal::InlinePgp);
        }
        (part, number)
    }

    fn multipart(&mut self, index: usize, inside: &Place) -> Result<(), TreeError> {
        let Some(part) = self.parts.get(index) else { return Ok(()) };
        let (start, body) = (part.body.start, part.body(self.raw));
        let boundary = part.param("boundary").unwrap_or_default();
        let default = if part.kind == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        let found = match boundary {
            // Without one there is nothing but filler (RFC 2046 5.1.1 wants one).
            "" => vec![Piece::Filler(0..body.len())],
            boundary => pieces(body, boundary),
        };
        let (mut fillers, mut delimiter, mut count) = (Vec::new(), None, 0usize);
        for piece in found {
            match piece {
                Piece::Filler(range) => fillers.push(range.start + start..range.end + start),
                Piece::Delimiter(range) => delimiter = Some(range.start + start..range.end + start),
                Piece::Part(range) => {
                    count += 1;
                    let number = match inside.number.as_str() {
                        "" => count.to_string(),
                        before => format!("{before}.{count}"),
                    };
                    let place = Place {
                        parent: inside.parent,
                        depth: inside.depth,
                        delimiter: delimiter.take().unwrap_or(range.start..range.start),
                        number,
                        default,
                        sealed: inside.sealed,
                    };
                    self.entity(range.start + start..range.end + start, place)?;
                }
            }
        }
        if let Some(part) = self.parts.get_mut(index) {
            (part.fillers, part.close) = (fillers, delimiter);
        }
        Ok(())
    }
}

fn first_word(value: &[u8]) -> String {
    let line = text::utf8_or_latin(&crate::message::fields::unfold(value));
    let word = line.split(|c: char| c == ';' || c == '(' || c.is_whitespace()).next();
    word.unwrap_or_default().to_ascii_lowercase()
}

/// True where a line begins an OpenPGP message (RFC 9580 6.2, 7).
fn has_pgp(content: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    memchr::memmem::find_iter(content, BEGIN).any(|at| {
        let starts_line = at == 0 || matches!(content.get(at - 1), Some(b'\n' | b'\r'));
        let rest = content.get(at + BEGIN.len()..).unwrap_or_default();
        starts_line
            && (rest.starts_with(b"MESSAGE-----") || rest.starts_with(b"SIGNED MESSAGE-----"))
    })
}

#[cfg(test)]
mod tests;
