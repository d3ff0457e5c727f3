//! A footer at the end of a text/html part (rules B4, B9, LA3).
//!
//! The end of the body is found as a browser would find it, but nothing is parsed: what is not the place keeps its
//! octets. The footer is ASCII, so it means the same in every charset that has ASCII in it.

use std::borrow::Cow;

use super::charset::Charset;
use super::wire::{Change, Wire};
use super::{Footer, Grown, Leaf, Unfit};
use crate::notice;

/// Elements whose content is no markup (HTML 13.2.5), so that a `</body>` in it is none.
const RAW: [&[u8]; 9] = [
    b"script",
    b"style",
    b"title",
    b"textarea",
    b"xmp",
    b"iframe",
    b"noembed",
    b"noframes",
    b"template",
];

/// Octets in front of the place that are looked at for a footer of ours.
const TAIL: usize = 16 * 1024;

/// What to change so that the footer stands at the end of the page.
pub(super) fn grow(leaf: &Leaf<'_>, footer: &Footer) -> Result<Grown, Unfit> {
    let wire = Wire::read(leaf.encoding, leaf.body).ok_or(Unfit::Unreadable)?;
    let charset = Charset::of(leaf.params);
    let wide = wire.octets.starts_with(b"\xff\xfe") || wire.octets.starts_with(b"\xfe\xff");
    if !(charset.is_ascii_based() || charset.is_switched()) || wide || wire.octets.contains(&0) {
        return Err(Unfit::Unreadable);
    }
    let (markup, end) = match charset.is_switched() {
        true => masked(&wire.octets),
        false => (Cow::Borrowed(wire.octets.as_ref()), true),
    };
    let at = place(&markup);
    if at == wire.octets.len() && !end {
        return Err(Unfit::Unreadable);
    }
    let before = wire.octets.get(at.saturating_sub(TAIL)..at).unwrap_or_default();
    if ends_with_ours(&charset.shown(before), footer) {
        return Err(Unfit::Already);
    }
    let fresh = at == 0 || wire.octets.get(..at).is_some_and(|b| b.ends_with(b"\n"));
    let lead = if fresh { "" } else { "\r\n" };
    let Change { at, new } = wire.insert(at, format!("{lead}{}", footer.html).as_bytes());
    Ok(Grown { at, new, charset: None, encoding: None })
}

/// ISO-2022-JP with its two-octet characters blotted out, and whether it ends in ASCII.
fn masked(octets: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut out = octets.to_vec();
    let mut ascii = true;
    let mut at = 0;
    while at < octets.len() {
        if octets.get(at) == Some(&0x1b) {
            ascii = matches!(octets.get(at + 1..at + 3), Some(b"(B" | b"(J"));
        } else if let (false, Some(byte)) = (ascii, out.get_mut(at)) {
            *byte = b'x';
        }
        at += 1;
    }
    (Cow::Owned(out), ascii)
}

/// Where the body ends: in front of the last real `</body>`, else of `</html>`, else of what is never closed, else
/// behind everything.
fn place(html: &[u8]) -> usize {
    let (mut body, mut page) = (None, None);
    let mut at = 0;
    while let Some(open) = memchr::memchr(b'<', html.get(at..).unwrap_or_default()) {
        let open = at + open;
        let rest = html.get(open..).unwrap_or_default();
        let Some(len) = markup(rest) else {
            return body.or(page).unwrap_or(open);
        };
        if is_tag(rest, b"/body") {
            body = Some(open);
        } else if is_tag(rest, b"/html") {
            page = Some(open);
        }
        at = open + len;
    }
    body.or(page).unwrap_or(html.len())
}

/// Length of what begins with this `<`; `None` where its end is missing.
pub(in crate::rewrite) fn markup(rest: &[u8]) -> Option<usize> {
    let behind = |start: usize, end: &[u8]| {
        let tail = rest.get(start..)?;
        memchr::memmem::find(tail, end).map(|i| start + i + end.len())
    };
    match rest.get(1) {
        Some(b'!') if rest.starts_with(b"<!-->") => Some(5),
        Some(b'!') if rest.starts_with(b"<!--->") => Some(6),
        Some(b'!') if rest.starts_with(b"<!--") => {
            let ends = [behind(4, b"-->"), behind(4, b"--!>")];
            ends.into_iter().flatten().min()
        }
        Some(b'!') if rest.starts_with(b"<![CDATA[") => {
            behind(9, b"]]>").or_else(|| behind(1, b">"))
        }
        Some(b'!' | b'?') => behind(1, b">"),
        Some(b'/') if rest.get(2).is_some_and(u8::is_ascii_alphabetic) => tag(rest),
        Some(b) if b.is_ascii_alphabetic() => {
            let tag = tag(rest)?;
            match RAW.iter().find(|name| is_tag(rest, name)) {
                Some(name) => closing(rest, tag, name),
                None => Some(tag),
            }
        }
        _ => Some(1),
    }
}

/// Up to the end tag of an element without markup; that tag itself is read next.
fn closing(rest: &[u8], from: usize, name: &[u8]) -> Option<usize> {
    let mut at = from;
    loop {
        let found = at + memchr::memmem::find(rest.get(at..)?, b"</")?;
        if is_tag(rest.get(found..)?, &[b"/", name].concat()) {
            return Some(found);
        }
        at = found + 2;
    }
}

/// `<name` followed by what ends a name.
pub(in crate::rewrite) fn is_tag(rest: &[u8], name: &[u8]) -> bool {
    let found = rest.get(1..=name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name));
    found
        && matches!(
            rest.get(name.len() + 1),
            Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' | 0x0c)
        )
}

/// Length of a tag; a `>` in a quoted value of an attribute is none.
fn tag(rest: &[u8]) -> Option<usize> {
    let mut at = 1;
    let mut value = false;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'>' => return Some(at + 1),
            b'"' | b'\'' if value => {
                at += 1 + memchr::memchr(*byte, rest.get(at + 1..)?)?;
                value = false;
            }
            b'=' => value = true,
            b if b.is_ascii_whitespace() => {}
            _ => value = false,
        }
        at += 1;
    }
    None
}

/// True where this very footer is the last text, and not in a quote.
fn ends_with_ours(html: &str, footer: &Footer) -> bool {
    let words = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    // A page may hold what has no ASCII letters; then the footer in it has to be as it was written.
    let plain = |text: &str| notice::in_ascii(text).map(|text| words(&text));
    let (page, footer) = (text(html), text(&footer.html));
    let ours = words(&footer);
    let quoted = html.rfind("<hr").is_some_and(|at| {
        html.get(at..).unwrap_or_default().to_ascii_lowercase().contains("</blockquote")
    });
    let same = || Some(plain(&page)?.ends_with(&plain(&footer)?));
    !ours.is_empty() && !quoted && (words(&page).ends_with(&ours) || same() == Some(true))
}

/// The text between tags, decimal character references decoded.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let mut decoded = String::new();
    for (i, piece) in out.split("&#").enumerate() {
        let number = piece.split_once(';').filter(|_| i > 0);
        let c = number.and_then(|(n, rest)| Some((char::from_u32(n.parse().ok()?)?, rest)));
        match c {
            Some((c, rest)) => {
                decoded.push(c);
                decoded.push_str(rest);
            }
            None => decoded.push_str(piece),
        }
    }
    decoded.replace("&quot;", "").replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
}

#[cfg(test)]
mod tests;
