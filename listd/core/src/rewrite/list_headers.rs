//! The fields that make a copy list mail (rules H1 to H4, H11 to H13), from the frozen settings alone.

use crate::address::Address;
use crate::list::Role;
use crate::rewrite::{Frozen, PostKind, encode};

/// Longest URL that we put into a field, octets.
const MAX_URL: usize = 800;

/// The id in List-Id (RFC 2919 2): `klasse-5b.schule.example` for `klasse-5b@schule.example`, at most 255 octets.
pub fn list_id(address: &Address) -> String {
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let name: String = address.local().chars().map(|c| if atext(c) { c } else { '-' }).collect();
    let room = 254usize.saturating_sub(address.domain().len());
    let name: String = name.to_ascii_lowercase().chars().take(room).collect();
    format!("{name}.{}", address.domain())
}

/// `klasse-5b-owner@d`; `None` where the local part would be over 64 octets. Postmaster and abuse (RFC 2142) are
/// their own owners.
pub fn role_address(list: &Address, role: Role) -> Option<Address> {
    let of_the_house =
        ["postmaster", "abuse"].iter().any(|name| list.local().eq_ignore_ascii_case(name));
    if of_the_house && role == Role::Owner {
        return Some(list.clone());
    }
    let suffix = match role {
        Role::Owner => "owner",
        Role::Request => "request",
        Role::Subscribe => "subscribe",
        Role::Unsubscribe => "unsubscribe",
        Role::Bounces => "bounces",
        Role::Confirm => "confirm",
        Role::Author => "author",
    };
    Address::new(format!("{}-{suffix}", list.local()), list.domain()).ok()
}

/// All fields of this kind, each ending in CRLF.
pub(super) fn all(frozen: &Frozen) -> Vec<u8> {
    let mut out = Vec::new();
    let mut add = |name: &str, tokens: Vec<String>| {
        if !tokens.is_empty() {
            out.extend(encode::field(name, &tokens));
        }
    };
    match frozen.kind {
        PostKind::List => {
            let mut id = encode::phrase(&encode::cut(&encode::clean(frozen.title()), 60));
            id.push(format!("<{}>", list_id(&frozen.address)));
            add("List-Id", id);
            add("List-Post", post(frozen));
            add("List-Help", help(frozen));
            if frozen.one_click().is_none() {
                add("List-Unsubscribe", role(&frozen.address, Role::Unsubscribe));
            }
            add("List-Subscribe", role(&frozen.address, Role::Subscribe));
            add("List-Owner", role(&frozen.address, Role::Owner));
            add("Precedence", vec!["list".to_owned()]);
        }
        // H11: what goes to the owners is no list traffic. Our own mark ends loops (L1).
        PostKind::Role(_) => {
            let to = role_address(&frozen.address, Role::Owner);
            add("X-Loop", vec![to.unwrap_or_else(|| frozen.address.clone()).to_string()]);
        }
        // Two authors who forward their mail to each other end up here again.
        PostKind::Author(number) => add("X-Loop", vec![author_mark(number, &frozen.address)]),
    }
    let suppressed = ["OOF,", "AutoReply,", "DR,", "RN,", "NRN"];
    add("X-Auto-Response-Suppress", suppressed.map(str::to_owned).to_vec());
    out
}

/// What marks a mail that was sent on to the hidden author with this number: an address at which nobody is.
pub fn author_mark(number: u64, list: &Address) -> String {
    format!("author-{number:x}@{}", list_id(list))
}

/// H4: `NO` where nobody but owners and moderators may write.
fn post(frozen: &Frozen) -> Vec<String> {
    if frozen.settings.post.is_empty() {
        return vec!["NO".to_owned()];
    }
    vec![format!("<mailto:{}>", percent(&frozen.address))]
}

/// H8: the fields of one copy, each ending in CRLF. One click at the recipient's own link first, then a mail (H3).
pub fn unsubscribe(list: &Address, own_link: &str) -> Vec<u8> {
    let link = url(own_link).map(|url| vec![format!("<{url}>")]);
    let clicks = link.is_some();
    let mail = role(list, Role::Unsubscribe);
    let both = link.into_iter().chain((!mail.is_empty()).then_some(mail));
    let mut out = encode::field("List-Unsubscribe", &encode::list(both));
    if clicks {
        out.extend(one_click());
    }
    out
}

/// The fields of one reader's digest, each ending in CRLF: to whom, and one click at her own link that ends it. No mail does
/// so, since it is of several lists.
pub fn own_of_digest(name: &str, address: &Address, own_link: Option<&str>) -> Vec<u8> {
    let mut out = encode::field("To", &encode::mailbox(&encode::cut(name, 60), address));
    if let Some(url) = own_link.and_then(url) {
        out.extend(encode::field("List-Unsubscribe", &[format!("<{url}>")]));
        out.extend(one_click());
    }
    out
}

fn one_click() -> Vec<u8> {
    encode::field("List-Unsubscribe-Post", &["List-Unsubscribe=One-Click".to_owned()])
}

fn role(list: &Address, role: Role) -> Vec<String> {
    role_address(list, role).map(|a| format!("<mailto:{}>", percent(&a))).into_iter().collect()
}

/// H3: the page first, then a mail for those who only have mail.
fn help(frozen: &Frozen) -> Vec<String> {
    let page = frozen.help_url.as_deref().and_then(url);
    let mail = role_address(&frozen.address, Role::Request)
        .map(|a| format!("mailto:{}?subject=help", percent(&a)));
    let both: Vec<Vec<String>> =
        page.into_iter().chain(mail).map(|u| vec![format!("<{u}>")]).collect();
    encode::list(both)
}

/// A web address with everything percent-encoded that could end it (rule X4); `None` for any other scheme.
pub(super) fn url(text: &str) -> Option<String> {
    let scheme = text.split("://").next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") || text.len() > MAX_URL / 3 {
        return None;
    }
    let safe = |b: u8| b.is_ascii_graphic() && !b"<>\"\\^`{|},".contains(&b);
    Some(
        text.bytes()
            .map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect(),
    )
}

/// An address in a `mailto:` (RFC 6068 2).
pub(super) fn percent(address: &Address) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$'*+@".contains(&b);
    let text = address.to_string();
    text.bytes()
        .map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H2, U2: an id is dot-atom text of at most 255.
    #[test]
    fn ids_are_dot_atoms() {
        let id = |text: &str| list_id(&Address::parse(text).expect("address"));
        assert_eq!(id("Klasse-5b@Schule.example"), "klasse-5b.schule.example");
        assert_eq!(id("\"a <b>\"@s.example"), "a--b-.s.example");
        let long =
            format!("{}.example", ["a".repeat(63), "b".repeat(63), "c".repeat(60)].join("."));
        assert!(id(&format!("{}@{long}", "x".repeat(64))).len() <= 255);
    }

    /// Q4: each list has its role addresses, postmaster is one.
    #[test]
    fn roles_have_addresses() {
        let role = |text: &str, role| {
            role_address(&Address::parse(text).expect("address"), role).map(|a| a.to_string())
        };
        assert_eq!(role("5b@s.example", Role::Owner).as_deref(), Some("5b-owner@s.example"));
        assert_eq!(
            role("Postmaster@s.example", Role::Owner).as_deref(),
            Some("Postmaster@s.example")
        );
        assert_eq!(role(&format!("{}@s.example", "x".repeat(60)), Role::Owner), None);
    }

    /// H3, X4: a help page can't break out of its brackets.
    #[test]
    fn urls_are_safe() {
        assert_eq!(
            url("https://s.example/hilfe?a=b").as_deref(),
            Some("https://s.example/hilfe?a=b")
        );
        assert_eq!(
            url("https://s/a b>\r\nBcc: x").as_deref(),
            Some("https://s/a%20b%3E%0D%0ABcc:%20x")
        );
        assert_eq!(url("https://s/ä").as_deref(), Some("https://s/%C3%A4"));
        assert_eq!(url("javascript:alert(1)"), None);
    }

    /// H8, H10: exactly one field of each name, the https link before the mail, both within the limits of a line.
    #[test]
    fn one_click_is_two_fields() {
        let list = Address::parse("klasse-5b@schule.example").expect("address");
        let fields = unsubscribe(&list, "https://lists.schule.example/u/abc234");
        let expected = "List-Unsubscribe: <https://lists.schule.example/u/abc234>,\r\n \
            <mailto:klasse-5b-unsubscribe@schule.example>\r\n\
            List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        assert_eq!(String::from_utf8_lossy(&fields), expected);
        let fields = unsubscribe(&list, "javascript:alert(1)");
        let expected = "List-Unsubscribe: <mailto:klasse-5b-unsubscribe@schule.example>\r\n";
        assert_eq!(String::from_utf8_lossy(&fields), expected);
    }

    /// H8, promise 7: hers alone, whatever her name is made of.
    #[test]
    fn a_digest_has_fields_of_its_readers_own() {
        let ayse = Address::parse("ayse@gmx.example").expect("address");
        let link = "https://lists.schule.example/u/abc234";
        let text = |name, link| String::from_utf8(own_of_digest(name, &ayse, link)).expect("ASCII");
        assert_eq!(
            text("Ayse\r\nBcc: x", Some(link)),
            format!(
                "To: \"Ayse Bcc: x\" <ayse@gmx.example>\r\nList-Unsubscribe: <{link}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            )
        );
        assert_eq!(text("", None), "To: ayse@gmx.example\r\n");
        assert_eq!(text("", Some("javascript:alert(1)")), "To: ayse@gmx.example\r\n");
    }

    /// H3 (RFC 6068): odd local parts in a mailto.
    #[test]
    fn mailtos_are_encoded() {
        let percent = |text: &str| percent(&Address::parse(text).expect("address"));
        assert_eq!(percent("klasse-5b+x@s.example"), "klasse-5b+x@s.example");
        assert_eq!(percent("a&b?c%@s.example"), "a%26b%3Fc%25@s.example");
    }
}
