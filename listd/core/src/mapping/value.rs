//! One value of an entry, checked (rule X4): addresses, lines of text, languages, yes and no.
//!
//! Not which attribute is read for what: that is [`super::Mapping`].

use crate::address::{Address, AddressError};
use crate::entry::Entry;

/// Longest name or description (characters); longer ones are cut.
const LONGEST_TEXT: usize = 256;

/// Anything but TRUE is no: never more open than meant.
pub(super) fn is_true(entry: &Entry, attribute: &str) -> bool {
    entry.first(attribute).is_some_and(|v| v.trim().eq_ignore_ascii_case("TRUE"))
}

/// Anything but FALSE is yes: never more open than meant.
pub(super) fn is_set(entry: &Entry, attribute: &str) -> bool {
    entry.first(attribute).is_some_and(|v| !v.trim().eq_ignore_ascii_case("FALSE"))
}

/// All valid addresses of an attribute; what is none is said in `problems`. Blank values are nothing.
pub(super) fn addresses<'a>(
    entry: &'a Entry,
    attribute: &'a str,
    problems: &mut Vec<String>,
) -> impl Iterator<Item = Address> + use<> {
    let mut found = Vec::new();
    for value in entry.values(attribute).iter().filter(|v| !v.trim().is_empty()) {
        match checked_address(value) {
            Ok(address) => found.push(address),
            Err(why) => problems.push(rejected(attribute, value, &why)),
        }
    }
    found.into_iter()
}

pub(super) fn checked_address(value: &str) -> Result<Address, AddressError> {
    let trimmed = value.trim_matches(' ');
    if trimmed.contains('\u{fffd}') {
        return Err(AddressError::BadLocal);
    }
    Address::parse(trimmed)
}

/// A line of text for people: no control character (rule X4), cut where it is too long.
pub(super) fn text(entry: &Entry, attribute: &str, problems: &mut Vec<String>) -> Option<String> {
    let value = entry.first(attribute)?.trim();
    let bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffd}');
    if value.contains(bad) {
        problems
            .push(format!("{attribute} {value:?} has a line break or a control character in it"));
        return None;
    }
    Some(value.chars().take(LONGEST_TEXT).collect())
}

pub(super) fn rejected(attribute: &str, value: &str, why: &AddressError) -> String {
    let short: String = value.chars().take(100).collect();
    format!("{attribute} {short:?} is no mail address: {why}")
}

/// `de` from `de-DE, en;q=0.8` (RFC 2798 2.7).
pub(super) fn language(value: &str) -> Option<String> {
    let first = value.split([',', ';']).next()?.trim().to_ascii_lowercase();
    let fine = (2..=35).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fine.then_some(first)
}
