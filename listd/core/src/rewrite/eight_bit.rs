//! Raw eight-bit fields: made ASCII, wherever no address needs UTF-8 (rules U1, U3, S7).

use crate::message::address::mailboxes;
use crate::message::{Field, Mail, Mailbox, fields, text};
use crate::rewrite::{encode, written};

/// Fields that hold mailboxes (RFC 5322 3.6.2, 3.6.3, 3.6.6).
const PEOPLE: [&str; 10] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Reply-To",
];

/// Fields with parameters (RFC 2045, RFC 2183).
const PARAMETERS: [&str; 2] = ["Content-Type", "Content-Disposition"];

/// Fields whose syntax has no place for encoded words, at most in a comment.
const TRACE: [&str; 14] = [
    "Received",
    "Date",
    "Resent-Date",
    "MIME-Version",
    "Content-Transfer-Encoding",
    "DKIM-Signature",
    "Authentication-Results",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Content-Id",
];

/// Appends a field that has octets above 127.
pub(super) fn convert(mail: &Mail, field: &Field, utf8: bool, out: &mut Vec<u8>) {
    let name = String::from_utf8_lossy(field.name(&mail.head)).into_owned();
    let value = field.value(&mail.head);
    let one_of = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(&name));
    if one_of(&PEOPLE) {
        let people = mailboxes(value).mailboxes;
        let tokens = encode::list(people.iter().map(|m| self::mailbox(m, utf8)));
        if !tokens.is_empty() {
            out.extend(encode::field(&name, &tokens));
        }
    } else if one_of(&["Message-ID"]) && utf8 && mail.message_id.is_some() {
        // T3: byte-identical. It parsed, so it is valid UTF-8 on one line.
        out.extend_from_slice(&written(mail, field));
    } else if one_of(&PARAMETERS) {
        encode::fold_raw(&[name.as_bytes(), b": ", parameters(value).as_bytes()].concat(), out);
    } else if one_of(&TRACE) {
        let raw = written(mail, field);
        let ascii: Vec<u8> = raw.iter().map(|b| if b.is_ascii() { *b } else { b'?' }).collect();
        encode::fold_raw(&ascii, out);
    } else {
        let text = encode::clean(&text::decode(value));
        out.extend(encode::field(&name, &encode::encoded_words(&text)));
    }
}

/// A mailbox as header tokens. Where its address is not ASCII and the way is, it becomes text: an empty group whose
/// name shows the address (RFC 6857 3.1.5).
pub(super) fn mailbox(mailbox: &Mailbox, utf8: bool) -> Vec<String> {
    if utf8 || mailbox.address.is_ascii() {
        return encode::mailbox(&mailbox.name, &mailbox.address);
    }
    let mut tokens =
        encode::encoded_words(&encode::clean(&format!("{} {}", mailbox.name, mailbox.address)));
    tokens.push(":;".to_owned());
    tokens
}

/// Parameters in ASCII: `filename="Über.pdf"` becomes `filename*=utf-8''%C3%9Cber.pdf` (RFC 2231 4). What is ASCII
/// stays byte for byte; a `?` stands for what has no other place.
fn parameters(value: &[u8]) -> String {
    let line = text::utf8_or_latin(&fields::unfold(value));
    let mut out = String::new();
    for (i, piece) in pieces(&line).into_iter().enumerate() {
        if i > 0 {
            out.push(';');
        }
        match piece.split_once('=') {
            Some((name, value)) if !piece.is_ascii() && name.is_ascii() => {
                let value = value.trim();
                let inner =
                    value.strip_prefix('"').map_or(value, |v| v.strip_suffix('"').unwrap_or(v));
                let plain = inner.replace("\\\"", "\"").replace("\\\\", "\\");
                out.push_str(&format!(
                    "{}*=utf-8''{}",
                    name.trim_end().trim_end_matches('*'),
                    percent(&plain)
                ));
            }
            _ => out.extend(piece.chars().map(|c| if c.is_ascii() { c } else { '?' })),
        }
    }
    out
}

/// Splits at `;` outside quotes.
fn pieces(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (i, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                out.extend(line.get(start..i));
                start = i + 1;
            }
            _ => {}
        }
    }
    out.extend(line.get(start..));
    out
}

fn percent(text: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::params;

    fn converted(head: &str, utf8: bool) -> String {
        let mail = Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail");
        let mut out = Vec::new();
        convert(&mail, &mail.fields[0], utf8, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    /// U3, S7: each kind of field in its own way.
    #[test]
    fn fields_become_ascii() {
        let cases = [
            ("Subject: Schülerrat", "Subject: =?utf-8?Q?Sch=C3=BClerrat?=\r\n"),
            (
                "To: Müller <m@x.example>, a@x.example",
                "To: =?utf-8?Q?M=C3=BCller?= <m@x.example>, a@x.example\r\n",
            ),
            ("Received: from müller by x", "Received: from m??ller by x\r\n"),
            (
                "Content-Disposition: attachment; filename=\"Über.pdf\"",
                "Content-Disposition: attachment; filename*=utf-8''%C3%9Cber.pdf\r\n",
            ),
            ("To: Müller", ""),
        ];
        for (head, expect) in cases {
            assert_eq!(converted(head, true), expect);
        }
        let (_, params) = params::content_type(Some(b"a/b; x=\"\xc3\xa4;\\\"\"; y=z"));
        assert_eq!(params.len(), 2);
    }

    /// U1, U3: an address stays where SMTPUTF8 is spoken and becomes text where it is not.
    #[test]
    fn addresses_need_utf8() {
        assert_eq!(converted("To: müller@x.example", true), "To: müller@x.example\r\n");
        assert_eq!(
            converted("To: müller@x.example", false),
            "To: =?utf-8?B?bcO8bGxlckB4LmV4YW1wbGU=?= :;\r\n"
        );
    }
}
