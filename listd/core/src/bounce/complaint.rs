//! A complaint in full (RFC 5965, rule C1): of which sort, and by which traces of ours in it its member is found.
//!
//! Not whether it may be believed: the daemon proves its author first. Whose a trace is says `token`; the addresses that
//! stand in a complaint say nothing, since many providers take them out.

use super::Kind;
use super::kind::{Clues, kind};
use super::material::Material;
use super::report;
use super::texts::addresses;
use crate::address::Address;
use crate::message::fields::{fields, unfold};
use crate::message::text;

/// Most traces of a kind that are looked at.
const MAX_TRACES: usize = 10;

/// Who may complain for others: a provider that passes on what its customers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Every author of exactly this domain (lower-case): one that no customers write from.
    Domain(String),
    /// This author alone.
    Address(Address),
}

impl Source {
    /// An address, or a domain.
    pub fn parse(text: &str) -> Option<Source> {
        match text.contains('@') {
            true => Address::parse(text).ok().map(Source::Address),
            false => crate::address::normal_domain(text).ok().map(Source::Domain),
        }
    }

    pub fn is(&self, author: &Address) -> bool {
        match self {
            Source::Domain(domain) => author.domain() == domain,
            Source::Address(address) => address.same_as(author),
        }
    }
}

/// What somebody said of a mail by way of her provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// She wants no more of it; false for reports of fraud, viruses, and of mail that is no spam after all.
    pub unwanted: bool,
    /// Return paths of the mail that it is about.
    pub paths: Vec<Address>,
    /// Its links to unsubscribe.
    pub links: Vec<String>,
}

/// `None` for what is no complaint at all.
pub fn read(raw: &[u8]) -> Option<Complaint> {
    let material = Material::of(raw)?;
    let reported = report::read(&material.report);
    let clues = Clues { material: &material, reported: &reported, named: false };
    if kind(&clues) != Kind::Feedback {
        return None;
    }
    let of = |name: &str| -> Vec<String> {
        let report = &material.feedback_report;
        let all = fields(report).into_iter().filter(|field| field.is(report, name));
        all.take(MAX_TRACES).map(|f| text::utf8_or_latin(&unfold(f.value(report)))).collect()
    };
    let sorts = of("Feedback-Type");
    let sort = sorts.first().map(|sort| sort.trim().to_ascii_lowercase());
    let paths = of("Original-Mail-From").into_iter().chain(material.returned_values("Return-Path"));
    let paths = paths.flat_map(|path| {
        addresses(&path).into_iter().map(|found| found.address).collect::<Vec<_>>()
    });
    let links = material.returned_values("List-Unsubscribe");
    let links = links.iter().flat_map(|value| value.split(['<', '>', ',']));
    let links = links.map(str::trim).filter(|link| link.starts_with("http"));
    Some(Complaint {
        // Some providers send the mail alone, and say so in words.
        unwanted: sort.is_none_or(|sort| matches!(sort.as_str(), "abuse" | "opt-out")),
        paths: paths.take(MAX_TRACES).collect(),
        links: links.map(str::to_owned).take(MAX_TRACES).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arf(sort: &str, fields: &str, head: &str) -> String {
        format!(
            "From: feedback@arf.mail.example\r\nSubject: FW: Ausflug\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\
             --b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {sort}\r\n\
             User-Agent: X/1\r\nVersion: 1\r\n{fields}\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\n{head}\r\nHallo\r\n--b--\r\n"
        )
    }

    /// C1: which sorts say that she wants no more, and where the traces stand.
    #[test]
    fn complaints_are_read() {
        let head = "Return-Path: <5b-bounces+abc@schule.example>\r\n\
            List-Unsubscribe: <https://l.example/u/abc>,\r\n <mailto:5b-unsubscribe@schule.example>\r\nSubject: x\r\n";
        let path = |text: &str| Address::parse(text).expect("an address");
        let fields = "Original-Mail-From: <b+xyz@schule.example>\r\nOriginal-Rcpt-To: redacted\r\n";
        let found = read(arf("abuse", fields, head).as_bytes()).expect("a complaint");
        let expect = Complaint {
            unwanted: true,
            paths: vec![path("b+xyz@schule.example"), path("5b-bounces+abc@schule.example")],
            links: vec!["https://l.example/u/abc".into()],
        };
        assert_eq!(found, expect);
        for (sort, unwanted) in [
            ("Abuse", true),
            ("opt-out", true),
            ("not-spam", false),
            ("fraud", false),
            ("virus", false),
            ("auth-failure", false),
        ] {
            let found = read(arf(sort, "", head).as_bytes()).expect("a complaint");
            assert_eq!(found.unwanted, unwanted, "{sort}");
        }
    }

    /// A provider that sends the mail alone, with a subject of its own.
    #[test]
    fn a_complaint_without_a_report_is_one() {
        let raw = "From: staff@mail.example\r\nSubject: complaint about message from 192.0.2.1\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
            List-Unsubscribe: <https://l.example/u/abc>\r\nSubject: x\r\n\r\nHallo\r\n--b--\r\n";
        let found = read(raw.as_bytes()).expect("a complaint");
        assert!(found.unwanted && found.paths.is_empty(), "{found:?}");
        assert_eq!(found.links, ["https://l.example/u/abc"]);
        for other in ["", "x", "From: a@x.example\r\nSubject: Re: Ausflug\r\n\r\nJa\r\n"] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_source_is_one_author_or_exactly_one_domain() {
        let author = |text: &str| Address::parse(text).expect("an address");
        let cases = [
            ("arf.mail.example", "feedback@arf.mail.example", true),
            ("Arf.Mail.example", "feedback@arf.mail.example", true),
            ("mail.example", "feedback@arf.mail.example", false),
            ("staff@mail.example", "Staff@mail.example", true),
            ("staff@mail.example", "anna@mail.example", false),
        ];
        for (source, from, expect) in cases {
            let known = Source::parse(source).expect("a source");
            assert_eq!(known.is(&author(from)), expect, "{source} {from}");
        }
        assert_eq!(Source::parse("no domain"), None);
        assert_eq!(Source::parse("@"), None);
    }
}
