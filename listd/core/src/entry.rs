//! One directory entry as it came, and the two ways to compare its values.
//!
//! It knows attributes and values, but not what they mean for us: that is `mapping`.

use serde::{Deserialize, Serialize};

/// A DN with its attributes: names lower-case and without options (`;lang-de`), values as text, in the order
/// in which they came. A value for one language stands a second time under the name with that option. A value that is no UTF-8 holds U+FFFD, which no address and no name may contain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub dn: Box<str>,
    attrs: Vec<(Box<str>, Vec<Box<str>>)>,
}

impl Entry {
    pub fn new(dn: &str) -> Entry {
        Entry { dn: dn.into(), attrs: Vec::new() }
    }

    /// Adds a value. `name` may carry options and any case.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        let value = String::from_utf8_lossy(value).into_owned().into_boxed_str();
        if let Some(tag) = language_option(name) {
            self.add(format!("{};lang-{tag}", attribute_name(name)), value.clone());
        }
        self.add(attribute_name(name), value);
    }

    fn add(&mut self, name: String, value: Box<str>) {
        match self.attrs.binary_search_by(|(have, _)| have.as_ref().cmp(name.as_str())) {
            Ok(at) => {
                if let Some((_, values)) = self.attrs.get_mut(at) {
                    values.push(value);
                }
            }
            Err(at) => self.attrs.insert(at, (name.into(), vec![value])),
        }
    }

    /// All values of an attribute; `name` in any case. Empty where the entry has none.
    pub fn values(&self, name: &str) -> &[Box<str>] {
        let name = attribute_name(name);
        self.attrs
            .binary_search_by(|(have, _)| have.as_ref().cmp(name.as_str()))
            .ok()
            .and_then(|at| self.attrs.get(at))
            .map_or(&[], |(_, values)| values.as_slice())
    }

    /// Values for one language each, with its tag, lower-case (RFC 3866 2); [`Entry::values`] has them too.
    pub fn by_language(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let start = format!("{};lang-", attribute_name(name));
        self.attrs.iter().flat_map(move |(have, values)| {
            let tag = have.strip_prefix(start.as_str());
            values.iter().filter_map(move |value| Some((tag?, value.as_ref())))
        })
    }

    /// The first value that is not blank.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.values(name).iter().map(AsRef::as_ref).find(|v| !v.trim().is_empty())
    }

    /// Forgets every attribute that `wanted` does not name (rule GD1: nothing else is kept).
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.attrs.retain(|(name, _)| wanted(&attribute_name(name)));
    }

    /// Names of the attributes that it has, without options.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attrs.iter().map(|(name, _)| name.as_ref()).filter(|name| !name.contains(';'))
    }
}

/// An attribute description without its options, lower-case (RFC 4512 2.5).
pub fn attribute_name(description: &str) -> String {
    description.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The tag of the one language option (`;lang-de`), lower-case; a description with several is for none of them alone.
fn language_option(description: &str) -> Option<String> {
    let options = description.split(';').skip(1).map(|o| o.trim().to_ascii_lowercase());
    let mut tags = options.filter_map(|o| o.strip_prefix("lang-").map(str::to_owned));
    let tag = tags.next().filter(|tag| !tag.is_empty() && tag.len() <= 35)?;
    tags.next().is_none().then_some(tag)
}

/// What is left of a value when case and runs of spaces do not count (RFC 4518, as far as mail needs it).
pub fn folded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for word in value.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GD1: what was not asked for is not kept; options and case do not make another attribute.
    #[test]
    fn attributes_are_found_whatever_their_spelling() {
        let mut entry = Entry::new("cn=x");
        entry.push("displayName;lang-de", b"Anna");
        entry.push("Mail", b" ");
        entry.push("mail", b"a@x.example");
        entry.push("jpegPhoto", &[0xff, 0xd8]);
        assert_eq!(entry.values("DISPLAYNAME"), ["Anna".into()]);
        entry.push("displayname;x-foo;LANG-en-GB", b"Anne");
        entry.push("displayname;lang-", b"A");
        let by_language: Vec<_> = entry.by_language("displayName").collect();
        assert_eq!(by_language, [("de", "Anna"), ("en-gb", "Anne")]);
        assert_eq!(entry.names().collect::<Vec<_>>(), ["displayname", "jpegphoto", "mail"]);
        assert_eq!(entry.first("mail"), Some("a@x.example"));
        assert_eq!(entry.first("jpegphoto"), Some("\u{fffd}\u{fffd}"));
        entry.keep(|name| name == "mail");
        assert_eq!(entry.names().collect::<Vec<_>>(), ["mail"]);
        assert!(entry.values("displayname").is_empty());
    }

    #[test]
    fn folding_ignores_case_and_runs_of_spaces() {
        assert_eq!(folded("  Frau   MÜLLER "), "frau müller");
    }
}
