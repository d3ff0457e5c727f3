//! A footer as a part of its own: behind the others of a multipart/mixed, or beside a mail that must stay as it is
//! (rules B6, B7).

use crate::message::{Part, Tree};
use crate::rewrite::edit::{Change, Done, Edit, What};
use crate::rewrite::transfer;

use super::Footer;

/// The footer as the last part of the mail, a multipart/mixed. A missing last delimiter line is mended (rule B10).
pub(in crate::rewrite) fn extended(raw: &[u8], tree: &Tree, footer: &Footer) -> Option<Edit> {
    let mail = tree.parts.first()?;
    let boundary = mail.param("boundary")?;
    let delimited = format!("\r\n--{boundary}\r\n{}", entity(footer));
    let (at, new) = match &mail.close {
        // The last part is empty, even of a line end.
        Some(close) if raw.get(close.start) == Some(&b'-') => {
            (close.start, format!("{}\r\n", delimited.trim_start()))
        }
        Some(close) => (close.start, delimited),
        None => (mail.body.end, format!("{delimited}\r\n--{boundary}--\r\n")),
    };
    Some(Edit { old: at..at, new: new.into_bytes(), what: What::part("", Done::Footer) })
}

/// The mail as the first part of a new one, not one octet of its body changed, and the footer as the second.
pub(in crate::rewrite) fn wrapped(raw: &[u8], mail: &Part, footer: &Footer) -> Vec<Edit> {
    let boundary = boundary(raw);
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
    if !versioned {
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
    let behind = format!("\r\n--{boundary}\r\n{}\r\n--{boundary}--\r\n", entity(footer));
    let what = What::part(&mail.section, Done::Footer);
    edits.push(Edit { old: mail.body.end..mail.body.end, new: behind.into_bytes(), what });
    edits
}

/// The part with its header, without a line end behind it.
fn entity(footer: &Footer) -> String {
    let text = footer.plain.lines().collect::<Vec<_>>().join("\r\n");
    let ascii = text.is_ascii();
    let (encoding, body) = match ascii {
        true => ("7bit", text.into_bytes()),
        false => transfer::fitting("text/plain", text.as_bytes()),
    };
    format!(
        "Content-Type: text/plain; charset={}\r\nContent-Transfer-Encoding: {encoding}\r\n\
         Content-Disposition: inline\r\nContent-Language: {}\r\n\r\n{}",
        if ascii { "us-ascii" } else { "utf-8" },
        footer.language,
        String::from_utf8_lossy(&body)
    )
}

/// One that occurs nowhere in the mail: `=_` can't stand in an encoded part (RFC 2045 6.7).
fn boundary(raw: &[u8]) -> String {
    let fresh = |boundary: &String| memchr::memmem::find(raw, boundary.as_bytes()).is_none();
    let mut all = (0..100).map(|i| format!("=_verteiler_{i}"));
    all.find(fresh).unwrap_or_else(|| "=_verteiler".to_owned())
}

#[cfg(test)]
mod tests;
