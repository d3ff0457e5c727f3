//! Charsets of a text and of the footer below it: lossless, or not at all (rules B1, B9).
//!
//! What is there keeps its octets wherever that is possible. Only where the footer can't be said in the charset of
//! the text does the text become UTF-8, and only where every decoder agrees what it says. Labels mean what mail
//! programs take them for (WHATWG); where a label is wrong, the footer is written in ASCII letters.

use std::borrow::Cow;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8};

use crate::notice;

/// What the octets of a text mean.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// US-ASCII, said or by default (RFC 2045 5.2).
    Ascii,
    Known {
        encoding: &'static Encoding,
        /// The label is that of a smaller charset, e.g. latin-1, whose name stands for windows-1252 on the web.
        smaller: bool,
    },
    /// Octets below 128 are ASCII; what the others mean is unclear.
    AsciiBased,
    Unknown,
}

/// How a footer goes below a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// The text anew; `None` where its octets stay.
    pub old: Option<Vec<u8>>,
    pub new: Vec<u8>,
    /// What the parameter `charset` has to be then, if something else than it is.
    pub charset: Option<&'static str>,
}

const ASCII: [&str; 6] = ["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "iso-ir-6", "us"];

/// Labels that mean what they stand for on the web, where others of the same meaning name a part of it.
const WHOLE: [&str; 14] = [
    "windows-1252",
    "cp1252",
    "x-cp1252",
    "windows-1254",
    "cp1254",
    "x-cp1254",
    "windows-874",
    "gbk",
    "x-gbk",
    "cp936",
    "ms936",
    "windows-949",
    "windows-31j",
    "ms932",
];

impl Charset {
    /// From the parameters of Content-Type.
    pub(super) fn of(params: &[(String, String)]) -> Charset {
        // RFC 2231 pieces are too rare here to be worth a mistake.
        if params.iter().any(|(name, _)| name.starts_with("charset*")) {
            return Charset::Unknown;
        }
        let mut found = params.iter().filter(|(name, _)| name == "charset").map(|(_, v)| named(v));
        let first = found.next().unwrap_or(Charset::Ascii);
        // One program reads the first of two, another one the last.
        found.fold(first, |one, other| match (one, other) {
            (one, other) if one == other => one,
            (one, other) if one.is_ascii_based() && other.is_ascii_based() => Charset::AsciiBased,
            _ => Charset::Unknown,
        })
    }

    /// True where octets below 128 mean ASCII, always.
    pub(super) fn is_ascii_based(self) -> bool {
        match self {
            Charset::Ascii | Charset::AsciiBased => true,
            Charset::Known { encoding, .. } => encoding.is_ascii_compatible(),
            Charset::Unknown => false,
        }
    }

    /// True where escape sequences switch between sets of characters, ASCII being one of them.
    pub(super) fn is_switched(self) -> bool {
        matches!(self, Charset::Known { encoding, .. } if encoding == ISO_2022_JP)
    }

    /// As a reader would see it; U+FFFD for what makes no sense.
    pub(super) fn shown(self, octets: &[u8]) -> Cow<'_, str> {
        match self {
            Charset::Known { encoding, .. } => encoding.decode_without_bom_handling(octets).0,
            _ => String::from_utf8_lossy(octets),
        }
    }

    /// `footer` without umlauts below a text of these octets, whose end is certain if nothing else is.
    pub(super) fn in_letters(self, octets: &[u8], footer: &str) -> Option<Fit> {
        let Charset::Known { encoding, .. } = self else { return None };
        let safe_end = !multibyte(encoding) || (self.is_switched() && ends_in_ascii(octets));
        safe_end.then(|| written(footer)).flatten()
    }

    /// How `footer` goes below a text of these octets; `None` where that would hurt it.
    pub(super) fn fit(self, octets: &[u8], footer: &str) -> Option<Fit> {
        // Typographic quotes are not worth a change of the charset.
        let plain = softened(footer);
        let only = |new: Vec<u8>| Fit { old: None, new, charset: None };
        let utf8 = |old: Option<Vec<u8>>| Fit {
            old,
            new: footer.as_bytes().to_vec(),
            charset: Some("utf-8"),
        };
        let switches = octets.iter().any(|b| matches!(b, 0x0e | 0x0f | 0x1b));
        let written = || written(footer);
        match self {
            Charset::Unknown => None,
            Charset::Ascii if plain.is_ascii() => Some(only(plain.into_bytes())),
            Charset::Ascii if octets.is_ascii() && !switches => Some(utf8(None)),
            Charset::Ascii | Charset::AsciiBased => written(),
            Charset::Known { encoding, smaller } => {
                let safe_end = !self.is_switched() || ends_in_ascii(octets);
                let Some(text) =
                    encoding.decode_without_bom_handling_and_without_replacement(octets)
                else {
                    // A damaged end could swallow what follows where a character has several octets.
                    return if multibyte(encoding) { None } else { written() };
                };
                let added = encoded(encoding, smaller, footer)
                    .or_else(|| encoded(encoding, smaller, &plain));
                if let Some(new) = added.filter(|_| safe_end) {
                    return Some(only(new));
                }
                if octets.is_ascii() && !switches {
                    return Some(utf8(None));
                }
                if undisputed(encoding, smaller, octets, &text) {
                    return Some(utf8(Some(text.into_owned().into_bytes())));
                }
                if safe_end { written() } else { None }
            }
        }
    }
}

/// The footer in the letters of ASCII.
fn written(footer: &str) -> Option<Fit> {
    let new = notice::in_ascii(footer)?.into_bytes();
    Some(Fit { old: None, new, charset: None })
}

fn named(label: &str) -> Charset {
    let label = label.trim().to_ascii_lowercase();
    if ASCII.contains(&label.as_str()) {
        return Charset::Ascii;
    }
    // RFC 1428: a gateway's word for "who knows".
    if label == "unknown-8bit" {
        return Charset::AsciiBased;
    }
    match Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(encoding) if encoding.is_ascii_compatible() || encoding == ISO_2022_JP => {
            let name = encoding.name().to_ascii_lowercase();
            let exact = label == name && encoding != EUC_KR && encoding != SHIFT_JIS;
            let shared =
                ["windows-1252", "windows-1254", "windows-874", "gbk", "euc-kr", "shift_jis"];
            let smaller =
                shared.contains(&name.as_str()) && !exact && !WHOLE.contains(&label.as_str());
            match name.as_str() {
                "x-user-defined" => Charset::Unknown,
                _ => Charset::Known { encoding, smaller },
            }
        }
        _ => Charset::Unknown,
    }
}

fn multibyte(encoding: &'static Encoding) -> bool {
    [BIG5, EUC_JP, EUC_KR, GB18030, GBK, ISO_2022_JP, SHIFT_JIS].contains(&encoding)
}

/// The footer in this charset, if it comes back the same and every decoder of the label knows its octets.
fn encoded(encoding: &'static Encoding, smaller: bool, footer: &str) -> Option<Vec<u8>> {
    let (octets, _, lost) = encoding.encode(footer);
    if lost || (multibyte(encoding) && footer.contains(is_disputed)) {
        return None;
    }
    let (back, _) = encoding.decode_without_bom_handling(&octets);
    let inside = !smaller || octets.iter().all(|b| b.is_ascii() || *b >= 0xa0);
    (back == footer && inside).then(|| octets.into_owned())
}

/// True where every decoder of these octets gets this text.
fn undisputed(encoding: &'static Encoding, smaller: bool, octets: &[u8], text: &str) -> bool {
    if encoding == UTF_8 {
        return true;
    }
    if octets.iter().any(|b| is_rare(encoding, smaller, *b)) {
        return false;
    }
    let control = text.contains(|c| matches!(c, '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}'));
    let (again, _, lost) = encoding.encode(text);
    let same = !lost && (encoding == ISO_2022_JP || again.as_ref() == octets);
    !control && same && !(multibyte(encoding) && text.contains(is_disputed))
}

/// Octets of characters that not every decoder of the label knows.
fn is_rare(encoding: &'static Encoding, smaller: bool, octet: u8) -> bool {
    match octet {
        0x87 | 0xed..=0xfc if encoding == SHIFT_JIS => true,
        0x80..0xa0 => smaller && encoding != SHIFT_JIS,
        _ => false,
    }
}

/// Characters that one table of an East Asian charset has where another one has a look-alike.
fn is_disputed(c: char) -> bool {
    "\\~¥‾￥￣～〜∥‖－−￠¢￡£￢¬―—・·€₩｜¦".contains(c)
}

/// ISO-2022-JP whose last escape sequence is the one back to ASCII (RFC 1468).
fn ends_in_ascii(octets: &[u8]) -> bool {
    match memchr::memrchr(0x1b, octets) {
        None => true,
        Some(at) => octets.get(at + 1..at + 3) == Some(b"(B"),
    }
}

/// Quotes, dashes and dots of typographers as typewriters have them.
fn softened(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match notice::punctuation(c) {
            Some(plain) => out.push_str(plain),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
