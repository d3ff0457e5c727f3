//! Who is named in a group's entry: what each value of `member`, `memberUid`, `memberURL` and their like means.
//!
//! Not who that is: `crate::recipients` looks them up.

use crate::dn;
use crate::entry::{Entry, folded};
use crate::ldap_url::MemberUrl;
use crate::recipients::Member;

use super::value::checked_address;

pub(super) fn members<'a>(
    entry: &'a Entry,
    attributes: &'a [String],
) -> impl Iterator<Item = Member> + 'a {
    attributes.iter().flat_map(move |attribute| {
        let logins = attribute.eq_ignore_ascii_case("memberUid");
        let values = entry.values(attribute).iter().filter(|v| !v.trim().is_empty());
        values.map(move |value| if logins { Member::Login(folded(value)) } else { member(value) })
    })
}

/// What a value of `member` and its like means, by its look.
fn member(value: &str) -> Member {
    let value = value.trim();
    let bad = |why: String| Member::Bad { value: value.chars().take(100).collect(), why };
    if value.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("ldap")) && value.contains("://") {
        return match MemberUrl::parse(value) {
            Ok(url) => Member::Url(Box::new(url)),
            Err(why) => bad(format!("the search is not understood: {why}")),
        };
    }
    // uniqueMember may carry a bit string behind a # (RFC 4517 3.3.21).
    let named =
        value.strip_suffix("'B").and_then(|v| v.rsplit_once("#'")).map_or(value, |(dn, _)| dn);
    match dn::normal(named) {
        Some(dn) if !dn.is_empty() => Member::Dn(dn),
        _ if value.contains('@') => external_value(value),
        _ if value.contains('=') => bad("this is no DN".to_owned()),
        _ => Member::Login(folded(value)),
    }
}

pub(super) fn external<'a>(
    entry: &'a Entry,
    attributes: &'a [String],
) -> impl Iterator<Item = Member> + 'a {
    let values = attributes.iter().flat_map(|attribute| entry.values(attribute));
    values.filter(|v| !v.trim().is_empty()).map(|value| external_value(value))
}

fn external_value(value: &str) -> Member {
    match checked_address(value) {
        Ok(address) => Member::Address(address),
        Err(why) => Member::Bad {
            value: value.chars().take(100).collect(),
            why: format!("this is no mail address: {why}"),
        },
    }
}
