//! Whole mails behind the words of a letter: a `multipart/digest` (RFC 2046 5.1.5), which mail programs open one by one.
//!
//! Not encoded: a mail inside a mail may not be (RFC 2046 5.2.1), so that what is in it stays what it was.

use std::sync::Arc;

use memchr::memmem;

use crate::message::fields::{fields, split};

/// A whole mail with CRLF line ends.
#[derive(Clone, Debug)]
pub struct Original {
    pub octets: Arc<[u8]>,
    /// Its header has UTF-8 (RFC 6532 3.7).
    pub global: bool,
}

/// `letter` is a mail as [`super::mail::mail`] writes it; boundaries are made of `name`.
pub fn with_originals(letter: &[u8], originals: &[Original], name: u64) -> Vec<u8> {
    let (head, body) = letter.split_at(split(letter).min(letter.len()));
    let head = head.strip_suffix(b"\r\n").unwrap_or(head);
    let kind = fields(head).into_iter().find(|field| field.is(head, "Content-Type"));
    let kind = kind.map_or(0..0, |field| field.whole);
    let boundary = boundary(letter, originals, name);
    let eight = originals.iter().any(|mail| !mail.octets.is_ascii());
    let eight = if eight { EIGHT } else { "" };
    let size: usize = originals.iter().map(|mail| mail.octets.len() + 200).sum();
    let mut out = Vec::with_capacity(letter.len() + size + 500);
    let mut add = |piece: &[u8]| out.extend_from_slice(piece);
    add(head.get(..kind.start).unwrap_or_default());
    add(head.get(kind.end..).unwrap_or_default());
    add(format!("Content-Type: multipart/mixed; boundary=\"{boundary}.mixed\"\r\n{eight}\r\n--{boundary}.mixed\r\n")
        .as_bytes());
    add(head.get(kind).unwrap_or_default());
    add(b"\r\n");
    add(body);
    add(format!("\r\n--{boundary}.mixed\r\nContent-Type: multipart/digest; boundary=\"{boundary}.digest\"\r\n{eight}")
        .as_bytes());
    for mail in originals {
        let kind = if mail.global { "message/global" } else { "message/rfc822" };
        let eight = if mail.octets.is_ascii() { "" } else { EIGHT };
        add(format!("\r\n--{boundary}.digest\r\nContent-Type: {kind}\r\n{eight}\r\n").as_bytes());
        add(&mail.octets);
    }
    add(format!("\r\n--{boundary}.digest--\r\n\r\n--{boundary}.mixed--\r\n").as_bytes());
    out
}

const EIGHT: &str = "Content-Transfer-Encoding: 8bit\r\n";

/// One that stands in none of them: whoever guesses our numbers can end no part of ours with his mail.
fn boundary(letter: &[u8], originals: &[Original], name: u64) -> String {
    let is_free = |boundary: &String| {
        let find = memmem::Finder::new(boundary.as_bytes());
        let all = originals.iter().map(|mail| mail.octets.as_ref());
        !all.chain([letter]).any(|octets| find.find(octets).is_some())
    };
    let mut tries = (0..).map(|n: u64| format!("=_{name}.{n}"));
    tries.find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Shape, Tree, lines};

    /// RFC 2046 5.1.5: the words first, then each mail octet for octet, whatever it is made of and however it ends.
    #[test]
    fn mails_stand_behind_the_words() {
        let letter = b"From: a@x.example\r\nContent-Type: multipart/alternative;\r\n boundary=b\r\nMIME-Version: 1.0\r\n\r\n\
            --b\r\n\r\ntext\r\n--b--\r\n";
        let one = &b"Subject: eins\r\n\r\nGr\xc3\xbc\xc3\x9fe"[..];
        let two = &b"Subject: zwei\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n"[..];
        // Somebody has guessed the boundary.
        let bad = &b"Subject: drei\r\n\r\n--=_7.0.digest--\r\n\r\n--=_7.0.mixed\r\n\r\nBuy!\r\n--=_7.1.mixed--\r\n\r\n"[..];
        for originals in [vec![one, two], vec![two], vec![bad, two]] {
            let mails: Vec<Original> = originals
                .iter()
                .map(|mail| Original { octets: Arc::from(*mail), global: false })
                .collect();
            let raw = with_originals(letter, &mails, 7);
            let tree = Tree::parse(&raw).expect("a tree");
            let found: Vec<&[u8]> = tree
                .parts
                .iter()
                .filter(|part| part.shape == Shape::Message)
                .map(|part| part.body(&raw))
                .collect();
            assert_eq!(found, originals);
            let kinds: Vec<&str> =
                tree.parts.iter().map(|part| part.kind.as_str()).take(4).collect();
            assert_eq!(
                kinds,
                ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/digest"]
            );
            let text = String::from_utf8(raw.clone()).expect("UTF-8");
            assert_eq!(text.contains("8bit"), originals.contains(&one));
            assert!(
                text.starts_with("From: a@x.example\r\nMIME-Version: 1.0\r\n") && !lines(&raw).bare
            );
        }
    }

    #[test]
    fn utf8_in_a_header_is_said() {
        let mail =
            Original { octets: Arc::from("Subject: Grüße\r\n\r\n".as_bytes()), global: true };
        let raw = with_originals(b"From: a@x.example\r\n\r\nx\r\n", &[mail], 7);
        let text = String::from_utf8(raw).expect("UTF-8");
        assert!(text.contains(
            "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: Grüße"
        ));
    }
}
