//! A letter as the octets of a mail (rules A1, A3, H11): built by mail-builder, the same for the same arguments.
//!
//! Not who gets it or how it travels: that is the daemon's.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};

use super::letter::Words;
use super::shown;
use crate::address::Address;
use crate::time::Timestamp;

/// Longest name of a person or list in a header, in characters.
const NAME: usize = 60;

/// What caused the mail (RFC 3834 5).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Auto {
    /// Something that happened here.
    Generated,
    /// A mail that it answers.
    Replied,
}

/// The header. Names may be anything: they are made safe here.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    pub from: (&'a str, &'a Address),
    /// `None` = each copy gets a field of its own.
    pub to: Option<(&'a str, &'a Address)>,
    /// Where an answer by mail goes; `None` = to From.
    pub reply_to: Option<&'a Address>,
    pub date: Timestamp,
    /// Ours, without brackets.
    pub message_id: &'a str,
    /// Message-ID (without brackets) of what it answers (A1).
    pub answers: Option<&'a str>,
    pub auto: Auto,
}

/// The whole mail with CRLF line ends: a text and a page that say the same (AC8).
pub fn mail(head: &Head<'_>, words: &Words) -> Vec<u8> {
    let mailbox = |(name, address): (&str, &Address)| {
        let name = Some(shown::line(name, NAME)).filter(|name| !name.is_empty());
        Mailbox::new_address(name, address.to_string())
    };
    let auto = match head.auto {
        Auto::Generated => "auto-generated",
        Auto::Replied => "auto-replied",
    };
    let mut builder = MessageBuilder::new().from(mailbox(head.from));
    if let Some(to) = head.to {
        builder = builder.to(mailbox(to));
    }
    let mut builder = builder
        .subject(words.subject.clone())
        .date(head.date.seconds())
        .message_id(head.message_id.to_owned())
        .header("Auto-Submitted", Raw::new(auto))
        .header("Content-Language", Raw::new(tag(&words.language)));
    if let Some(reply_to) = head.reply_to {
        builder = builder.reply_to(mailbox(("", reply_to)));
    }
    // An id of somebody else's; one that can't stand in a header is no help to anybody.
    if let Some(id) = head.answers.filter(|id| can_be_named(id)) {
        builder = builder.in_reply_to(id.to_owned()).references(id.to_owned());
    }
    let part = |kind: &str, text: &str| {
        let kind = ContentType::new(kind.to_owned()).attribute("charset", "utf-8");
        MimePart::new(kind, BodyPart::Text(text.to_owned().into()))
    };
    let kind = ContentType::new("multipart/alternative").attribute("boundary", boundary(head));
    let parts = vec![part("text/plain", &words.text), part("text/html", &words.html)];
    // Writing to memory never fails.
    builder.body(MimePart::new(kind, parts)).write_to_vec().unwrap_or_default()
}

fn can_be_named(id: &str) -> bool {
    id.len() <= 900 && id.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b))
}

/// The same for the same mail; `=_` stands in no quoted-printable text and in no base64 (RFC 2045 6.7).
fn boundary(head: &Head<'_>) -> String {
    let id = head.message_id.split('@').next().unwrap_or_default();
    let safe: String = id.chars().filter(char::is_ascii_alphanumeric).take(50).collect();
    format!("=_{safe}")
}

/// A language tag is letters, digits and hyphens (RFC 5646 2.1).
fn tag(language: &str) -> String {
    language.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(35).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Mail, lines};
    use crate::notice::letter::{Block, words};

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    fn written(name: &str, answers: Option<&str>, text: &str) -> Vec<u8> {
        let (from, to) = (address("5b-owner@s.example"), address("ayse@gmx.example"));
        let reply_to = address("5b-confirm+abc@s.example");
        let head = Head {
            from: (name, &from),
            to: Some((name, &to)),
            reply_to: Some(&reply_to),
            date: Timestamp(1_795_309_323_000),
            message_id: "letter.7.listd@s.example",
            answers,
            auto: Auto::Replied,
        };
        mail(
            &head,
            &words("de", "Haben Sie „Grüße“ geschrieben?", &[Block::Quote(text.to_owned())]),
        )
    }

    /// A1, A3, H11, AC8: the fields of an automatic mail and no others.
    #[test]
    fn the_header_of_a_letter() {
        let raw = written("Öznur \"Ö\" Yıldız\r\nBcc: x@y", Some("1@gmx.example"), "Hallo");
        let mail = Mail::parse(&raw).expect("a mail");
        assert_eq!(mail.malformed(), None);
        let names: Vec<String> = mail
            .fields
            .iter()
            .map(|f| String::from_utf8_lossy(f.name(&mail.head)).into_owned())
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "Content-Language",
                "Reply-To",
                "In-Reply-To",
                "References",
                "MIME-Version",
                "Content-Type"
            ]
        );
        assert_eq!(mail.from[0].name, "Öznur \"Ö\" Yıldız Bcc: x@y");
        assert_eq!(mail.from[0].address, address("5b-owner@s.example"));
        assert_eq!(mail.reply_to[0].address, address("5b-confirm+abc@s.example"));
        assert_eq!(mail.text("Subject").as_deref(), Some("Haben Sie „Grüße“ geschrieben?"));
        assert_eq!(mail.auto_submitted.as_deref(), Some("auto-replied"));
        assert_eq!(mail.message_id.as_deref(), Some("letter.7.listd@s.example"));
        assert_eq!(mail.date, Some(Timestamp(1_795_309_323_000)));
        assert_eq!(mail.text("In-Reply-To").as_deref(), Some("<1@gmx.example>"));
        assert_eq!(mail.content_type, "multipart/alternative");
        assert_eq!(written("", None, "Hallo"), written("", None, "Hallo"), "no chance");
    }

    /// X3, X4: whatever is written about, the mail is ASCII with lines of at most 998 octets and one header.
    #[test]
    fn hostile_words_stay_words() {
        let long = "ä<b> ".repeat(2_000);
        let boundary = "--=_letter7listd\r\n--=_letter7listd--\r\n.\r\n";
        for text in ["", boundary, long.as_str(), "a\r\n.\r\nMAIL FROM:<>\r\n", &"x".repeat(90_000)]
        {
            for name in ["", "a\r\n\r\nb", "=?utf-8?q?x?=", &"李".repeat(500), "\u{202e}"] {
                let raw = written(name, Some("a\r\nb@c"), text);
                let counted = lines(&raw);
                assert!(
                    !counted.bare && counted.longest <= 998 && raw.is_ascii(),
                    "{name:?} {text:.20}"
                );
                let mail = Mail::parse(&raw).expect("a mail");
                assert_eq!(mail.malformed(), None, "{name:?}");
                assert!(mail.fields.len() <= 12 && mail.fields.iter().all(|f| f.valid), "{name:?}");
                let body = String::from_utf8_lossy(&raw[mail.head_len()..]).into_owned();
                assert_eq!(
                    body.lines().filter(|l| l.starts_with("--=_letter7")).count(),
                    3,
                    "{text:.20}"
                );
            }
        }
    }
}
