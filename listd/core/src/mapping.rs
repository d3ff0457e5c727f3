//! What an entry means for us: `[directory.lists]` and `[directory.people]` applied to raw attributes.
//!
//! Every value is checked here once (rule X4), so that nothing behind it meets a line break or a broken address.

mod members;
mod value;

use std::collections::BTreeSet;

use crate::address::Address;
use crate::config::{ListMapping, PeopleMapping};
use crate::entry::{Entry, attribute_name, folded};
use crate::filter::{Filter, FilterError};
use crate::list::ListId;
use crate::list::settings::{Key, Layer, Value};
use crate::recipients::{Group, Member, Person, PersonId};
use members::{external, members};
use value::{addresses, is_set, is_true, language, rejected, text};

/// FusionDirectory's word for until when an alias serves (seconds since 1970), read where ours is not set.
const ALIAS_EXPIRES: &str = "aliasExpirationDate";

/// FusionDirectory's word for a group to which only people of the directory may write.
const LOCAL_ONLY: &str = "fdGroupMailLocalOnly";

/// Our own schema's: addresses of lists whose mail a person does not want, or `*`.
const MUTED: &str = "listMuted";

/// Our own schema's: this person is shown to nobody.
const PROTECTED: &str = "listProtected";

/// Most values of `listMuted` that are looked at.
const MOST_MUTED: usize = 1_000;

/// FusionDirectory's second kind of alias: its `mail` is the mailbox, its other addresses lead there.
const DISTRIBUTION: &str = "mailAliasDistribution";

/// Never asked for, whatever a filter names.
const NEVER: [&str; 3] = ["userpassword", "sambantpassword", "sambalmpassword"];

/// Both mappings, their filters parsed.
#[derive(Clone, Debug)]
pub struct Mapping {
    lists: ListMapping,
    people: PeopleMapping,
    list_filter: Filter,
    people_filter: Filter,
    inactive: Option<Filter>,
}

/// A filter of the configuration that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {text:?} is no LDAP filter: {error}")]
pub struct MappingError {
    pub key: &'static str,
    pub text: String,
    pub error: FilterError,
}

impl Mapping {
    pub fn new(lists: &ListMapping, people: &PeopleMapping) -> Result<Mapping, MappingError> {
        let parse = |key, text: &str| {
            Filter::parse(text).map_err(|error| MappingError { key, text: text.to_owned(), error })
        };
        let inactive = match people.inactive.trim() {
            "" => None,
            text => Some(parse("directory.people.inactive", text)?),
        };
        Ok(Mapping {
            list_filter: parse("directory.lists.filter", &lists.filter)?,
            people_filter: parse("directory.people.filter", &people.filter)?,
            inactive,
            lists: lists.clone(),
            people: people.clone(),
        })
    }

    /// One search for lists and people, so that one sync cookie covers both.
    pub fn filter_text(&self) -> String {
        let bracketed = |text: &str| match text.trim() {
            t if t.starts_with('(') => t.to_owned(),
            t => format!("({t})"),
        };
        format!("(|{}{})", bracketed(&self.lists.filter), bracketed(&self.people.filter))
    }

    /// Lower-case names of all attributes that are read (rule GD1): what the mappings and their filters name.
    pub fn attributes(&self) -> BTreeSet<String> {
        let (l, p) = (&self.lists, &self.people);
        let single = [&l.address, &l.name, &l.description, &p.login, &p.language, &p.address_shown];
        let many = [&l.aliases, &l.members, &l.external, &l.owners, &l.moderators];
        let people = [&p.address, &p.may_post_as, &p.name];
        let mut names: BTreeSet<String> = single.into_iter().map(|a| attribute_name(a)).collect();
        names.extend(many.into_iter().chain(people).flatten().map(|a| attribute_name(a)));
        names.extend(template_names(&l.address_template));
        names.extend(Key::ALL.map(|key| attribute_name(l.setting(key))));
        names.extend([ALIAS_EXPIRES, LOCAL_ONLY, MUTED, PROTECTED].map(attribute_name));
        for filter in [Some(&self.list_filter), Some(&self.people_filter), self.inactive.as_ref()] {
            names.extend(filter.into_iter().flat_map(Filter::attributes));
        }
        names.insert("objectclass".to_owned());
        names.retain(|name| !name.is_empty() && !NEVER.contains(&name.as_str()));
        names
    }

    /// Further attributes that a group's dynamic members need of people.
    pub fn attributes_of(group: &Group) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = group
            .members
            .iter()
            .chain(&group.owners)
            .chain(&group.moderators)
            .filter_map(|m| match m {
                Member::Url(url) => Some(url.filter.attributes()),
                _ => None,
            })
            .flatten()
            .collect();
        names.retain(|name| !NEVER.contains(&name.as_str()));
        names
    }

    /// The person that an entry is, if it is one.
    pub fn person(&self, id: &str, entry: &Entry) -> Option<Person> {
        if !self.people_filter.matches(entry) {
            return None;
        }
        let mut problems = Vec::new();
        let address =
            self.people.address.iter().find_map(|a| addresses(entry, a, &mut problems).next());
        let mut owns: Vec<Address> = Vec::new();
        for attribute in self.people.address.iter().chain(&self.people.may_post_as) {
            let mut unheard = Vec::new();
            for found in addresses(entry, attribute, &mut unheard) {
                if !owns.iter().any(|a| a.same_as(&found)) {
                    owns.push(found);
                }
            }
        }
        Some(Person {
            id: PersonId(id.to_ascii_lowercase()),
            dn: entry.dn.to_string(),
            logins: entry.values(&self.people.login).iter().map(|v| folded(v)).collect(),
            address,
            owns,
            name: self.people.name.iter().find_map(|a| text(entry, a, &mut problems)),
            language: entry.first(&self.people.language).and_then(language),
            inactive: self.inactive.as_ref().is_some_and(|f| f.matches(entry)),
            muted: muted(entry),
            shows_address: is_true(entry, &self.people.address_shown),
            protected: is_set(entry, PROTECTED),
            problems,
        })
    }

    /// The group that an entry is, if it is one.
    pub fn group(&self, id: &str, entry: &Entry) -> Option<Group> {
        if !self.list_filter.matches(entry) {
            return None;
        }
        let l = &self.lists;
        let mut problems = Vec::new();
        let Names { address, aliases, mailboxes } = self.names(entry, &mut problems);
        let name = text(entry, &l.name, &mut problems);
        let name = name.or_else(|| address.as_ref().map(|a| a.local().to_owned()));
        Some(Group {
            id: ListId(id.to_ascii_lowercase()),
            dn: entry.dn.to_string(),
            name: name.unwrap_or_default(),
            description: text(entry, &l.description, &mut problems).unwrap_or_default(),
            members: members(entry, &l.members)
                .chain(external(entry, &l.external))
                .chain(mailboxes.into_iter().map(Member::Address))
                .collect(),
            owners: members(entry, &l.owners).collect(),
            moderators: members(entry, &l.moderators).collect(),
            settings: self.settings(entry),
            local_only: local_only(entry, &mut problems),
            address,
            aliases,
            problems,
        })
    }

    fn names(&self, entry: &Entry, problems: &mut Vec<String>) -> Names {
        let l = &self.lists;
        let mut own: Vec<Address> = addresses(entry, &l.address, problems).collect();
        if own.is_empty() && problems.is_empty() {
            own.extend(self.template_address(entry, problems));
        }
        let mut aliases = Vec::new();
        for attribute in &l.aliases {
            aliases.extend(addresses(entry, attribute, problems));
        }
        let is =
            |class: &str| entry.values("objectClass").iter().any(|c| c.eq_ignore_ascii_case(class));
        if is(DISTRIBUTION) && !own.is_empty() {
            let mut aliases = aliases.into_iter();
            return Names { address: aliases.next(), aliases: aliases.collect(), mailboxes: own };
        }
        let mut own = own.into_iter();
        let address = own.next();
        Names { address, aliases: own.chain(aliases).collect(), mailboxes: Vec::new() }
    }

    /// What the entry says of the list's settings. Blank values are nothing.
    fn settings(&self, entry: &Entry) -> Layer {
        let read = |key: Key, attribute: &str| {
            let mut values: Vec<&str> = entry.values(attribute).iter().map(AsRef::as_ref).collect();
            if key == Key::Footer && entry.by_language(attribute).next().is_some() {
                values
                    .retain(|value| entry.by_language(attribute).all(|(_, other)| other != *value));
                let others = values.into_iter().map(|text| ("", text));
                return Value::footer(attribute, others.chain(entry.by_language(attribute)));
            }
            Value::read(key, attribute, values.into_iter().filter(|v| !v.trim().is_empty()))
        };
        let said = |key: Key| {
            let found = read(key, self.lists.setting(key));
            let found = match key {
                Key::Expires => found.or_else(|| read(key, ALIAS_EXPIRES)),
                _ => found,
            };
            Some((key, found?))
        };
        Key::ALL.into_iter().filter_map(said).collect()
    }

    fn template_address(&self, entry: &Entry, problems: &mut Vec<String>) -> Option<Address> {
        let template = self.lists.address_template.as_str();
        if template.is_empty() {
            return None;
        }
        let mut written = template.to_owned();
        for name in template_names(template) {
            written = written.replace(&format!("{{{name}}}"), entry.first(&name)?.trim());
        }
        match Address::parse(&written) {
            Ok(address) => Some(address),
            Err(why) => {
                problems.push(rejected("address_template", &written, &why));
                None
            }
        }
    }
}

/// The addresses of a group, and the mailboxes that one kind of alias has as its members.
struct Names {
    address: Option<Address>,
    aliases: Vec<Address>,
    mailboxes: Vec<Address>,
}

/// A value that is neither true nor false counts as true: never more open than meant.
fn local_only(entry: &Entry, problems: &mut Vec<String>) -> bool {
    match entry.first(LOCAL_ONLY).map(|v| v.trim().to_ascii_uppercase()).as_deref() {
        None | Some("FALSE") => false,
        Some("TRUE") => true,
        Some(other) => {
            let short: String = other.chars().take(100).collect();
            problems.push(format!(
                "{LOCAL_ONLY} {short:?} is neither TRUE nor FALSE; it counts as TRUE"
            ));
            true
        }
    }
}

/// Keys of the lists' addresses, or `*`; what is no address mutes nothing.
fn muted(entry: &Entry) -> Vec<String> {
    let values = entry.values(MUTED).iter().map(|v| v.trim()).take(MOST_MUTED);
    values
        .filter_map(|value| match value {
            "*" => Some("*".to_owned()),
            value => Address::parse(value).ok().map(|address| address.key()),
        })
        .collect()
}

/// The names between braces in `address_template`.
fn template_names(template: &str) -> Vec<String> {
    let behind = template.split('{').skip(1);
    behind.filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests;
