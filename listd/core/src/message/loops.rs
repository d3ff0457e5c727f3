//! Has this mail been through the list already (rules L1 to L3)?

use crate::address::Address;
use crate::list::Role;
use crate::message::{Mail, address};
use crate::rewrite::role_address;

/// Why a mail is a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loop {
    /// L1: this field names the list itself.
    Own(&'static str),
    /// L2: that many `Received`.
    Hops(usize),
}

/// What marks a mail that has already been here.
#[derive(Copy, Clone, Debug)]
pub struct Marks<'a> {
    /// Our List-Id; `None` for mail to a role address, since a parent may well forward a class mail to the owner.
    pub list_id: Option<&'a str>,
    /// The address that was written to and its aliases; in `X-Loop`, `X-BeenThere` and, for a list, `List-Post`.
    pub addresses: &'a [Address],
    /// More `Received` than this is a loop; 100 is what RFC 5321 6.3 asks for.
    pub max_received: usize,
}

/// Looks for our own marks and counts hops.
pub fn loops(mail: &Mail, marks: &Marks<'_>) -> Option<Loop> {
    if let Some(own) = marks.list_id {
        if mail.list_ids.iter().any(|id| id.eq_ignore_ascii_case(own)) {
            return Some(Loop::Own("List-Id"));
        }
        if mail.values("List-Post").any(|v| posts_to(v, marks.addresses)) {
            return Some(Loop::Own("List-Post"));
        }
    }
    // What went to the owners bears the owners' address.
    let role = |list: &Address, found: &Address| marks.list_id.is_none() && is_role_of(list, found);
    let ours = |name| {
        mail.values(name)
            .flat_map(|v| address::mailboxes(v).mailboxes)
            .any(|m| marks.addresses.iter().any(|a| a.same_as(&m.address) || role(a, &m.address)))
    };
    if let Some(name) = ["X-Loop", "X-BeenThere"].into_iter().find(|name| ours(name)) {
        return Some(Loop::Own(name));
    }
    (mail.received > marks.max_received).then_some(Loop::Hops(mail.received))
}

fn is_role_of(list: &Address, found: &Address) -> bool {
    role_address(list, Role::Owner).is_some_and(|owner| owner.same_as(found))
}

/// True where a List-Post value (RFC 2369) has a `mailto:` to one of the addresses.
fn posts_to(value: &[u8], addresses: &[Address]) -> bool {
    let line = crate::message::text::utf8_or_latin(&crate::message::fields::unfold(value));
    let urls = line
        .split('<')
        .skip(1)
        .filter_map(|p| p.split_once('>'))
        .map(|(url, _)| url.trim().to_owned());
    urls.filter(|url| url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")))
        .filter_map(|url| url.get(7..).and_then(|a| a.split('?').next()).map(percent_decoded))
        .filter_map(|text| Address::parse(&text).ok())
        .any(|found| addresses.iter().any(|a| a.same_as(&found)))
}

/// RFC 3986 2.1; what is no valid escape stays.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match hex.filter(|_| *first == b'%').and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L1, L2: our marks, and only ours.
    #[test]
    fn own_marks_are_found() {
        let list = [Address::parse("klasse-5b@schule.example").expect("address")];
        let marks =
            Marks { list_id: Some("klasse-5b.schule.example"), addresses: &list, max_received: 3 };
        let own = |name| Some(Loop::Own(name));
        let cases = [
            ("List-Id: \"5b\" <Klasse-5b.schule.example>", own("List-Id")),
            ("List-Id: klasse-5b.schule.example", own("List-Id")),
            ("List-Id: <klasse-5a.schule.example>", None),
            ("List-Id: <klasse-5b.schule.example.evil>", None),
            (
                "List-Post: <https://x>, <mailto:Klasse-5b@Schule.example?subject=x>",
                own("List-Post"),
            ),
            ("List-Post: <mailto:klasse%2D5b@schule.example>", own("List-Post")),
            ("List-Post: NO", None),
            ("X-Loop: klasse-5b@schule.example", own("X-Loop")),
            ("X-BeenThere: KLASSE-5B@schule.example", own("X-BeenThere")),
            ("X-Loop: other@schule.example", None),
            ("Subject: List-Id: <klasse-5b.schule.example>", None),
            ("Received: a\r\nReceived: b\r\nReceived: c", None),
            ("Received: a\r\nReceived: b\r\nReceived: c\r\nReceived: d", Some(Loop::Hops(4))),
        ];
        for (head, expect) in cases {
            let mail = Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail");
            assert_eq!(loops(&mail, &marks), expect, "{head}");
        }
        let role = Marks { list_id: None, ..marks };
        let mail = Mail::parse(b"List-Id: <klasse-5b.schule.example>\r\n\r\n").expect("mail");
        assert_eq!(loops(&mail, &role), None, "a class mail forwarded to the owner is no loop");
        let mail = Mail::parse(b"X-Loop: klasse-5b-owner@schule.example\r\n\r\n").expect("mail");
        assert_eq!(
            loops(&mail, &role),
            own("X-Loop"),
            "the owners' mailbox forwards to the owners"
        );
        assert_eq!(loops(&mail, &marks), None, "the owners may hand it to the list");
    }
}
