//! Parts left out, put in place of others, added behind or around them: as edits, the octets between them untouched.
//!
//! Knows nothing of why. No multipart is left without a part by any of these; whoever leaves parts out sees to that.

use crate::message::{Part, lines};
use crate::rewrite::edit::{Change, Done, Edit, What};
use crate::rewrite::transfer;

/// A plain text as a part with its header, without a line end behind it. `language` is its tag.
pub(super) fn text_part(text: &str, language: &str) -> String {
    let (fields, body) = text_entity(text);
    format!("{fields}Content-Disposition: inline\r\nContent-Language: {language}\r\n\r\n{body}")
}

/// The two fields that a plain text needs, and its body. No line of the body can be taken for a delimiter.
pub(super) fn text_entity(text: &str) -> (String, String) {
    let text = text.lines().collect::<Vec<_>>().join("\r\n");
    let found = lines(text.as_bytes());
    let ascii = text.is_ascii();
    let (encoding, body) = match ascii && found.longest <= 990 && !found.bare && !found.nul {
        true => ("7bit", text.clone().into_bytes()),
        false => transfer::fitting("text/plain", &[text.as_bytes()]),
    };
    let looks = |body: &[u8]| body.split(|b| *b == b'\n').any(|line| line.starts_with(b"--"));
    let (encoding, body) = match looks(&body) {
        true => ("base64", transfer::based(text.as_bytes())),
        false => (encoding, body),
    };
    // Also where it is ASCII: a footer below it may hold any character then.
    let fields = format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    );
    (fields, String::from_utf8_lossy(&body).into_owned())
}

/// The part goes, with the delimiter line in front of it.
pub(super) fn left_out(part: &Part, done: Done) -> Edit {
    let old = part.delimiter.start.min(part.head.start)..part.body.end;
    Edit { old, new: Vec::new(), what: What::part(&part.section, done) }
}

/// Another entity in place of the part: `fields` about the body, each with its CRLF, and the body.
pub(super) fn instead(raw: &[u8], part: &Part, fields: &str, body: &str, done: Done) -> Vec<Edit> {
    let what = What::part(&part.section, done);
    if part.depth > 0 {
        let new = format!("{fields}\r\n{body}").into_bytes();
        return vec![Edit { old: part.whole(), new, what }];
    }
    let mut edits = content_fields(raw, part, fields.as_bytes());
    edits.push(Edit { old: part.body.clone(), new: body.as_bytes().to_vec(), what });
    edits
}

/// The multipart goes, and what stands in one of its parts is in its place.
pub(super) fn collapsed(raw: &[u8], multipart: &Part, child: &Part) -> Vec<Edit> {
    let what = || What::part(&multipart.section, Done::Converted);
    let gone = |old: std::ops::Range<usize>| Edit { old, new: Vec::new(), what: what() };
    if multipart.depth > 0 {
        return vec![
            gone(multipart.head.start..child.head.start),
            gone(child.body.end..multipart.body.end),
        ];
    }
    let mut fields = Vec::new();
    for field in child.fields(raw) {
        let whole = raw.get(field.whole.clone()).unwrap_or_default();
        if field.valid && field.name(raw).to_ascii_lowercase().starts_with(b"content-") {
            fields.extend_from_slice(whole);
            fields.extend_from_slice(if whole.ends_with(b"\n") { b"" } else { b"\r\n" });
        }
    }
    let mut edits = content_fields(raw, multipart, &fields);
    edits.push(gone(multipart.body.start..child.body.start));
    edits.push(gone(child.body.end..multipart.body.end));
    edits
}

/// The mail's own fields that speak of its body become others.
fn content_fields(raw: &[u8], mail: &Part, new: &[u8]) -> Vec<Edit> {
    let (mut edits, mut end, mut versioned) = (Vec::new(), mail.head.start, false);
    for field in mail.fields(raw) {
        end = field.whole.end;
        versioned |= field.is(raw, "MIME-Version");
        if field.valid && field.name(raw).to_ascii_lowercase().starts_with(b"content-") {
            let name = String::from_utf8_lossy(field.name(raw)).into_owned();
            let what = What::field(&mail.section, &name, Change::Removed);
            edits.push(Edit { old: field.whole, new: Vec::new(), what });
        }
    }
    let torn = end > mail.head.start && !raw.get(..end).is_some_and(|b| b.ends_with(b"\n"));
    let mut head = if torn { b"\r\n".to_vec() } else { Vec::new() };
    if !versioned {
        head.extend_from_slice(b"MIME-Version: 1.0\r\n");
    }
    head.extend_from_slice(new);
    if end == mail.head.end {
        // No empty line ends the header.
        head.extend_from_slice(b"\r\n");
    }
    let what = What::field(&mail.section, "Content-Type", Change::Added);
    edits.push(Edit { old: end..end, new: head, what });
    edits
}

/// A multipart of another kind with the same parts. `None` where its boundary can't be written again.
pub(super) fn renamed(raw: &[u8], multipart: &Part, kind: &str) -> Option<Edit> {
    let boundary = multipart.param("boundary")?;
    let fine = |b: u8| (b.is_ascii_graphic() || b == b' ') && b != b'"' && b != b'\\';
    if boundary.is_empty() || boundary.len() > 200 || !boundary.bytes().all(fine) {
        return None;
    }
    let fields = multipart.fields(raw);
    let field = fields.iter().find(|f| f.is(raw, "Content-Type"))?;
    let new = format!("Content-Type: {kind};\r\n boundary=\"{boundary}\"\r\n").into_bytes();
    let what = What::field(&multipart.section, "Content-Type", Change::Replaced);
    Some(Edit { old: field.whole.clone(), new, what })
}

/// An entity as the last part of a multipart. A missing last delimiter line is mended (rule B10).
pub(super) fn appended(raw: &[u8], multipart: &Part, entity: &str, done: Done) -> Option<Edit> {
    let boundary = multipart.param("boundary")?;
    let delimited = format!("\r\n--{boundary}\r\n{entity}");
    let (at, new) = match &multipart.close {
        // The last part is empty, even of a line end.
        Some(close) if raw.get(close.start) == Some(&b'-') => {
            (close.start, format!("{}\r\n", delimited.trim_start()))
        }
        Some(close) => (close.start, delimited),
        None => (multipart.body.end, format!("{delimited}\r\n--{boundary}--\r\n")),
    };
    let what = What::part(&multipart.section, done);
    Some(Edit { old: at..at, new: new.into_bytes(), what })
}

/// A part as the first of a new multipart/mixed in its place, not one octet of its body changed, and an entity as the
/// second.
pub(super) fn beside(raw: &[u8], mail: &Part, entity: &str, done: Done) -> Vec<Edit> {
    let boundary = boundary(raw, mail.head.start);
    let mut edits = Vec::new();
    let mut moved = Vec::new();
    let mut end = mail.head.start;
    let (mut versioned, mut wide) = (false, false);
    for field in mail.fields(raw) {
        end = field.whole.end;
        let name = field.name(raw).to_ascii_lowercase();
        versioned |= field.is(raw, "MIME-Version");
        if !field.valid || !name.starts_with(b"content-") {
            continue;
        }
        let whole = raw.get(field.whole.clone()).unwrap_or_default();
        let value = field.value(raw).trim_ascii().to_ascii_lowercase();
        wide |= name == b"content-transfer-encoding" && matches!(&*value, b"8bit" | b"binary");
        moved.extend_from_slice(whole);
        if !whole.ends_with(b"\n") {
            moved.extend_from_slice(b"\r\n");
        }
        let name = String::from_utf8_lossy(field.name(raw)).into_owned();
        let what = What::field(&mail.section, &name, Change::Removed);
        edits.push(Edit { old: field.whole, new: Vec::new(), what });
    }
    let mut head = String::new();
    if !versioned && mail.depth == 0 {
        head.push_str("MIME-Version: 1.0\r\n");
    }
    head.push_str(&format!("Content-Type: multipart/mixed;\r\n boundary=\"{boundary}\"\r\n"));
    if wide {
        head.push_str("Content-Transfer-Encoding: 8bit\r\n");
    }
    let what = What::field(&mail.section, "Content-Type", Change::Added);
    edits.push(Edit { old: end..end, new: head.into_bytes(), what });
    let what = What::part(&mail.section, Done::Wrapped);
    let before = [format!("--{boundary}\r\n").as_bytes(), &moved, b"\r\n"].concat();
    edits.push(Edit { old: mail.body.start..mail.body.start, new: before, what });
    let behind = format!("\r\n--{boundary}\r\n{entity}\r\n--{boundary}--\r\n");
    let what = What::part(&mail.section, done);
    edits.push(Edit { old: mail.body.end..mail.body.end, new: behind.into_bytes(), what });
    edits
}

/// One that occurs nowhere in the mail: `=_` can't stand in an encoded part (RFC 2045 6.7). Another one for each place.
fn boundary(raw: &[u8], place: usize) -> String {
    let fresh = |boundary: &String| memchr::memmem::find(raw, boundary.as_bytes()).is_none();
    let mut all = (0..100).map(|i| format!("=_verteiler_{}", place + i));
    all.find(fresh).unwrap_or_else(|| "=_verteiler".to_owned())
}
