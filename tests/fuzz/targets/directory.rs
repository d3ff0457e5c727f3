//! What stands in a directory: names, filters, URLs, LDIF files and entries.

use listcore::config::Config;
use listcore::dn::{is_child, is_under, normal};
use listcore::entry::Entry;
use listcore::filter::Filter;
use listcore::ldap_url::MemberUrl;
use listcore::mapping::Mapping;

use super::text;

/// The normal form of a DN is its own normal form, and the tree is where it should be.
pub fn dn(octets: &[u8]) {
    let Some(one) = normal(&text(octets)) else { return };
    // Escapes make a DN longer; what is longer than is looked at need not be read again.
    if one.len() <= 4_096 {
        assert_eq!(normal(&one).as_deref(), Some(one.as_str()), "idempotent");
        let child = normal(&format!("cn=x,{one}"));
        if !one.is_empty() {
            let child = child.expect("a child of a DN is one");
            assert!(is_child(&child, &one) && is_under(&child, &one) && !is_under(&one, &child));
        }
    }
    assert!(is_under(&one, &one) && is_under(&one, "") && !is_child(&one, &one));
}

/// A filter that is read can be asked, and brackets around a bare item change nothing.
pub fn filter(octets: &[u8]) {
    let text = text(octets);
    let Ok(filter) = Filter::parse(&text) else { return };
    let matches = filter.matches(&anna());
    assert!(filter.attributes().iter().all(|name| !name.chars().any(|c| c.is_ascii_uppercase())));
    let not = Filter::Not(Box::new(filter.clone()));
    assert!(!(matches && not.matches(&anna())), "never both a filter and its opposite");
    if text.trim().starts_with('(') && text.len() < 60_000 {
        // At the deepest level that is read, one more is too deep.
        if let Ok(double) = Filter::parse(&format!("(!(!{}))", text.trim())) {
            assert_eq!(double.matches(&anna()), matches);
        }
    }
}

/// A URL that is read has its base in normal form, and finds nothing outside it.
pub fn ldap_url(octets: &[u8]) {
    let Ok(url) = MemberUrl::parse(&text(octets)) else { return };
    let entry = anna();
    let key = normal(&entry.dn).expect("a DN");
    if url.finds(&key, &entry) {
        assert!(is_under(&key, &url.base) && url.filter.matches(&entry));
    }
    assert!(
        !url.finds("uid=other,dc=elsewhere", &entry)
            || is_under("uid=other,dc=elsewhere", &url.base)
    );
}

/// LDIF: no more comes out than went in, and an error names a line of the file.
pub fn ldif(file: &[u8]) {
    match listcore::ldif::parse(file) {
        Ok(entries) => {
            let values = |entry: &Entry| -> usize {
                let names: Vec<&str> = entry.names().collect();
                names.iter().flat_map(|name| entry.values(name)).map(|value| value.len()).sum()
            };
            let size: usize = entries.iter().map(|entry| entry.dn.len() + values(entry)).sum();
            // A broken octet becomes U+FFFD, which has three.
            assert!(size <= 3 * file.len(), "{size} octets from {}", file.len());
        }
        Err(error) => {
            let lines = file.iter().filter(|octet| **octet == b'\n').count() + 1;
            assert!((1..=lines + 1).contains(&error.line), "line {} of {lines}", error.line);
        }
    }
}

/// Entries as a file brings them, made into people and groups: no address and no name with a line break (X4).
pub fn mapping(file: &[u8]) {
    let Ok(entries) = listcore::ldif::parse(file) else { return };
    let config = include_str!("../../../fixtures/config/smallest.toml");
    let config = Config::parse("smallest.toml", config).expect("a configuration");
    let mapping =
        Mapping::new(&config.directory.lists, &config.directory.people).expect("a mapping");
    for entry in entries {
        if let Some(person) = mapping.person("1", &entry) {
            assert!(!format!("{person:?}").contains("\\r\\n"));
        }
        if let Some(group) = mapping.group("1", &entry) {
            assert!(Mapping::attributes_of(&group).len() < 1_000_000);
        }
    }
}

/// Somebody in a directory, with what filters ask for.
fn anna() -> Entry {
    let mut entry = Entry::new("uid=anna,ou=people,dc=x");
    for (name, value) in [
        ("objectClass", "inetOrgPerson"),
        ("uid", "anna"),
        ("mail", "Anna@Schule.example"),
        ("cn", "Anna  Adam"),
        ("sn", "\u{c4}dam"),
        ("uidNumber", "10042"),
        ("a", ""),
        ("memberOf", "cn=5b,ou=groups,dc=x"),
    ] {
        entry.push(name, value.as_bytes());
    }
    entry
}
