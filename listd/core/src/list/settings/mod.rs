//! Where a list's settings come from: built in < `[list]` < `[domain.list]` < LDAP entry < `listctl list set`.
//!
//! Pure: values of each source in, the settings that hold and the source of each out. What one value may be is
//! `value`; which attribute holds it is `mapping`.
//!
//! A value that makes no sense never makes a list more open. Its source says nothing, and what holds is the
//! strictest of all sources below it, the built-in default included: with `anyone` in the configuration and a
//! `listPost` that nobody understands, members may post. Of a `listPost` with good and bad values the good ones
//! hold, since each value only ever adds people. A list whose end cannot be read is closed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::address::Address;
use crate::time::Timestamp;

mod key;
#[cfg(test)]
mod tests;
mod value;

pub use key::Key;
pub use value::Value;

/// What one source says of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `None` where nothing of it makes sense.
    pub value: Option<Value>,
    pub rejected: Vec<Rejected>,
}

/// A value that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where it stands: the attribute, or `listctl list set`.
    pub place: String,
    /// Its first hundred characters.
    pub value: String,
    pub why: String,
}

/// What one source says.
pub type Layer = BTreeMap<Key, Said>;

/// Which source a setting comes from.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Built in, or `[list]`.
    Default,
    /// `[domain.list]`
    Domain,
    /// The group's entry.
    Ldap,
    /// `listctl list set`
    Listctl,
    /// `listctl emergency on DOMAIN`, over all others
    Emergency,
    /// No source alone: a value makes no sense, and this is as strict as all others together.
    Strictest,
}

impl Source {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Domain => "domain",
            Source::Ldap => "LDAP entry",
            Source::Listctl => "listctl",
            Source::Emergency => "listctl emergency",
            Source::Strictest => "the strictest of all sources",
        }
    }
}

/// What the configuration says for the lists of one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// `[list]` over what is built in.
    pub list: Settings,
    /// `[domain.list]` over that.
    pub domain: Settings,
    /// What `[domain.list]` sets itself.
    pub own: BTreeSet<Key>,
    /// `domain.shrink_guard_of`: in percent, by the key of a list's address.
    pub shrink_guard_of: BTreeMap<String, u8>,
}

impl Base {
    /// What the configuration says for the list with this address.
    pub fn of(&self, list: &Address) -> Cow<'_, Base> {
        let Some(percent) = self.shrink_guard_of.get(&list.key()) else {
            return Cow::Borrowed(self);
        };
        let mut base = self.clone();
        base.domain.shrink_guard = *percent;
        base.own.insert(Key::ShrinkGuard);
        Cow::Owned(base)
    }
}

impl From<Settings> for Base {
    /// A domain that overrides nothing.
    fn from(list: Settings) -> Base {
        Base { domain: list.clone(), list, ..Base::default() }
    }
}

/// What holds for one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layered {
    pub settings: Settings,
    pub expires: Option<Timestamp>,
    /// Every key.
    pub sources: BTreeMap<Key, Source>,
    /// One sentence for each value that makes no sense: where, what, why, and what holds instead.
    pub problems: Vec<String>,
}

/// Lays the sources over each other.
pub fn layer(base: &Base, ldap: &Layer, listctl: &Layer) -> Layered {
    let mut out = Layered {
        settings: base.domain.clone(),
        expires: None,
        sources: BTreeMap::new(),
        problems: Vec::new(),
    };
    for key in Key::ALL {
        let (source, value) = one(key, base, ldap.get(&key), listctl.get(&key));
        let said = [listctl.get(&key), ldap.get(&key)];
        for bad in said.into_iter().flatten().flat_map(|said| &said.rejected) {
            out.problems.push(format!(
                "{} {:?} makes no sense: {}; {} is {value} now ({})",
                bad.place,
                bad.value,
                bad.why,
                key.name(),
                source.as_str()
            ));
        }
        value.put(&mut out.settings, &mut out.expires);
        out.sources.insert(key, source);
    }
    out
}

/// The value of one key, and who says so.
fn one(key: Key, base: &Base, ldap: Option<&Said>, listctl: Option<&Said>) -> (Source, Value) {
    let domain = Value::of(key, &base.domain);
    let list = Value::of(key, &base.list);
    let mut sources: Vec<(Source, Option<&Value>)> = Vec::new();
    sources.extend(listctl.map(|said| (Source::Listctl, said.value.as_ref())));
    sources.extend(ldap.map(|said| (Source::Ldap, said.value.as_ref())));
    sources.extend(base.own.contains(&key).then_some((Source::Domain, Some(&domain))));
    sources.push((Source::Default, Some(&list)));
    // Where each value closes something, one that nobody understands may have been the one that counts.
    let closes = |said: Option<&Said>| said.is_some_and(|said| !said.rejected.is_empty());
    let torn = key == Key::AttachmentsForbidden && closes(listctl.or(ldap));
    if let (false, Some((source, Some(value)))) = (torn, sources.first()) {
        return (*source, (*value).clone());
    }
    let strictest = sources
        .iter()
        .filter_map(|(_, value)| *value)
        .cloned()
        .chain([Value::strict(key)])
        .reduce(Value::stricter)
        .unwrap_or_else(|| Value::strict(key));
    let source = sources.iter().find(|(_, value)| *value == Some(&strictest));
    (source.map_or(Source::Strictest, |(source, _)| *source), strictest)
}
