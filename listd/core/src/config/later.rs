//! Which keys that are set have no effect yet: the daemon says so at its start, so that nobody relies on them.

use toml::de::DeValue;

use super::source::{Source, Values};

/// A key of `[list]` or `[domain.list]`: key, value that needs no word, what happens meanwhile.
/// `*` stands for every other value.
const LIST: &[(&str, &str, &str)] = &[("archive", "members", "there is no archive yet")];

/// One sentence for each key that is set and has no effect yet, in the order of the tables above.
pub(super) fn of(source: &Source<'_>) -> Vec<String> {
    let mut said = Vec::new();
    for values in std::iter::once(&source.top).chain(&source.domains) {
        for (key, value, meanwhile) in LIST {
            list_key(values, key, value, meanwhile, &mut said);
        }
    }
    said
}

fn list_key(values: &Values<'_>, key: &str, value: &str, meanwhile: &str, said: &mut Vec<String>) {
    for table in ["list", "domain.list"] {
        let path = format!("{table}.{key}");
        let Some(found) = set(values, &path) else { continue };
        let hit = if value == "*" { !found.is_empty() } else { found == value };
        if hit {
            let shown: String = found.chars().take(40).collect();
            said.push(format!("{path} = {shown:?} comes later: {meanwhile}"));
        }
    }
}

/// The text of a key that is set; anything but a text is an error elsewhere.
fn set<'a>(values: &'a Values<'_>, key: &str) -> Option<&'a str> {
    match values.found.get(key)?.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}
