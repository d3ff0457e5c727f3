//! Is it one? Light checks of DNs, attribute names, filters, links and templates, so that a slip is
//! told with its line before the first connection. The directory has the last word on what they mean.

use std::net::IpAddr;

use crate::address::{Address, normal_domain};
use crate::dn;
use crate::filter::Filter;

/// A name (RFC 4512 1.4) or OID, with or without options.
pub(super) fn is_attribute(text: &str) -> bool {
    let mut parts = text.split(';');
    let name = parts.next().unwrap_or_default();
    let word = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let oid = name.contains('.')
        && name.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic()) && word(name);
    (named || oid) && parts.all(word)
}

/// A distinguished name (RFC 4514), not the empty one.
pub(super) fn is_dn(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control) && dn::normal(text).is_some()
}

/// A filter in parentheses (RFC 4515) with names that can be attributes.
pub(super) fn check_filter(text: &str) -> Result<(), String> {
    if !text.starts_with('(') {
        return Err("a filter begins with a parenthesis".to_owned());
    }
    let filter = Filter::parse(text).map_err(|error| error.to_string())?;
    match filter.attributes().into_iter().find(|name| !is_attribute(name)) {
        Some(name) => Err(format!("{name:?} is no attribute name")),
        None => Ok(()),
    }
}

/// `http://` or `https://`, a host, and nothing that would break a header.
pub(super) fn is_web_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let sound = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\');
        !host.is_empty() && !host.contains('@') && rest.chars().all(sound)
    })
}

/// A web link that may have somebody's token in it: `https://`, or this machine itself, where nobody listens on the way.
pub(super) fn is_private_url(text: &str) -> bool {
    let to_itself = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    };
    is_web_url(text) && text.strip_prefix("http://").is_none_or(to_itself)
}

/// `ldap://` or `ldaps://` with a host, `ldapi://` with a percent-encoded path or nothing.
pub(super) fn is_ldap_url(text: &str) -> bool {
    if let Some(path) = text.strip_prefix("ldapi://") {
        let path = path.strip_suffix('/').unwrap_or(path);
        return !path.contains('/') && path.chars().all(|c| c.is_ascii_graphic());
    }
    let rest = text.strip_prefix("ldap://").or_else(|| text.strip_prefix("ldaps://"));
    rest.is_some_and(|rest| {
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse::<u16>().is_ok()),
            _ => (rest, true),
        };
        let literal = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        port && match literal {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            None => normal_domain(host).is_ok(),
        }
    })
}

/// An address once every `{attribute}` is filled in.
pub(super) fn is_template(text: &str) -> bool {
    filled(text).is_some_and(|address| Address::parse(&address).is_ok())
}

/// The domain of an address template where it is fixed.
pub(super) fn template_domain(text: &str) -> Option<String> {
    let domain = text.rsplit_once('@')?.1;
    if domain.contains('{') { None } else { normal_domain(domain).ok() }
}

/// The template with `x` for every placeholder; `None` where there is none or a brace is wrong.
fn filled(template: &str) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        if !is_attribute(name) {
            return None;
        }
        filled.push_str(before);
        filled.push('x');
        rest = behind;
    }
    let some = !filled.is_empty() && !rest.contains('}');
    some.then(|| filled + rest)
}

/// A language tag in outline (RFC 5646): `de`, `pt-BR`.
pub(crate) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let word = |t: &str| (1..=8).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric());
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(check: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(check(text), "{text:?} should pass");
        }
        for text in bad {
            assert!(!check(text), "{text:?} should not pass");
        }
    }

    #[test]
    fn names_and_links() {
        sort(
            is_attribute,
            &["mail", "x-mail2", "2.5.4.3", "cn;lang-de"],
            &["", "2mail", "a b", "mail;", "ma_il"],
        );
        sort(
            is_dn,
            &["dc=x", "cn=a\\,b,dc=x", "cn=a+uid=b, dc=x", "cn=Müller,dc=x"],
            &["", "x", "cn=a,", "=a", "cn=a\n,dc=x"],
        );
        sort(
            is_web_url,
            &["https://x.example", "http://127.0.0.1:8425/a?b#c"],
            &[
                "ftp://x",
                "https://",
                "https:///a",
                "https://a b",
                "x.example",
                "https://a@b",
                "https://x/>",
                "https://x/\r\nBcc:",
            ],
        );
        sort(
            is_private_url,
            &[
                "https://x.example/a",
                "http://127.0.0.1:8425",
                "http://[::1]:8425/lists",
                "http://localhost",
            ],
            &[
                "http://lists.schule.example",
                "http://127.0.0.1.example",
                "http://x.example:127",
                "http://x.example/127.0.0.1:8",
                "ftp://127.0.0.1",
            ],
        );
        sort(
            is_ldap_url,
            &[
                "ldap://127.0.0.1:389",
                "ldaps://ldap.schule.example/",
                "ldap://[::1]:389",
                "ldap://[::1]",
                "ldapi://",
                "ldapi://%2Frun%2Fldapi",
            ],
            &[
                "ldap://",
                "ldap:/x",
                "ldap://x:ldap",
                "ldap://x/dc=x",
                "http://x",
                "ldapi:///run/ldapi",
            ],
        );
        sort(is_language, &["de", "en-GB", "zh-Hant"], &["", "d", "german", "de_DE", "d1", "de-"]);
        sort(
            is_template,
            &["{cn}@schule.example", "l-{cn}@{o}.example", "{cn}.{ou}@s.example"],
            &[
                "",
                "{cn}",
                "cn@schule.example",
                "{c n}@s.example",
                "{cn@s.example",
                "cn}@s.example",
                "{cn}x}@s.example",
            ],
        );
        assert_eq!(template_domain("{cn}@Schule.example").as_deref(), Some("schule.example"));
        assert_eq!(template_domain("{cn}@{o}.example"), None);
    }

    #[test]
    fn filters() {
        let good = [
            "(a=b)",
            "(&(a=b)(|(c=*)(!(d>=1))))",
            "(&)",
            "(cn=a\\28b\\29)",
            "(a~=b)",
            "(cn:dn:2.5.13.2:=x)",
            "(:caseIgnoreMatch:=x)",
        ];
        for text in good {
            assert_eq!(check_filter(text), Ok(()), "{text}");
        }
        let bad = [
            "",
            "a=b",
            "(a=b",
            "(a=b))",
            "(&(a=b)",
            "(ab)",
            "(=b)",
            "(!(a=b)(c=d))",
            "(a b=c)",
            "(a=b)(c=d)",
            "(&(a=b)x)",
        ];
        for text in bad {
            assert!(check_filter(text).is_err(), "{text}");
        }
        let deep = format!("{}(a=b){}", "(!".repeat(100_000), ")".repeat(100_000));
        assert!(check_filter(&deep).is_err());
    }
}
