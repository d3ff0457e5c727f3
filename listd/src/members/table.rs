//! All lists by id and by address, and what an address with a role word means.
//!
//! Built from the groups of the replica and the settings of the domains; thrown away when one of them changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use listcore::address::Address;
use listcore::dn;
use listcore::list::settings::{Key, Layer, Source, layer};
use listcore::list::{List, ListId, Posters, Role};
use listcore::recipients::Group;

use super::{About, Domain, Lookup};
use crate::directory::replica::Replica;

/// The lists as they are at one generation of the groups.
#[derive(Debug, Default)]
pub struct Table {
    generation: u64,
    /// In the order of their addresses.
    lists: Vec<Arc<List>>,
    by_id: HashMap<ListId, Arc<List>>,
    by_address: HashMap<String, Arc<List>>,
    about: HashMap<ListId, Arc<About>>,
    warnings: Vec<String>,
}

/// Words behind a list's name that stand alone, and those that a token follows.
const WORDS: [(&str, Role); 5] = [
    ("-owner", Role::Owner),
    ("-request", Role::Request),
    ("-subscribe", Role::Subscribe),
    ("-unsubscribe", Role::Unsubscribe),
    ("-bounces", Role::Bounces),
];
const TOKEN_WORDS: [(&str, Role); 3] =
    [("-bounces", Role::Bounces), ("-confirm", Role::Confirm), ("-author", Role::Author)];

impl Table {
    pub fn build(
        replica: &Replica,
        domains: &HashMap<String, Domain>,
        overrides: &HashMap<ListId, Layer>,
        generation: u64,
    ) -> Table {
        let mut table = Table { generation, ..Table::default() };
        let mut groups: Vec<&Group> = replica.groups().map(AsRef::as_ref).collect();
        // The smaller entryUUID has the right to an address that two want.
        groups.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for group in groups {
            table.warnings.extend(group.problems.iter().map(|p| format!("{}: {p}", group.dn)));
            if let Some(list) = table.list_of(group, domains, overrides) {
                table.add(list);
            }
        }
        table.lists.sort_by_cached_key(|list| list.address.key());
        table
    }

    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn lists(&self) -> &[Arc<List>] {
        &self.lists
    }

    pub fn list(&self, id: &ListId) -> Option<&Arc<List>> {
        self.by_id.get(id)
    }

    pub fn about(&self, id: &ListId) -> Option<&Arc<About>> {
        self.about.get(id)
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whom an address at one of our domains means.
    pub fn lookup(&self, address: &Address) -> Lookup {
        if let Some(list) = self.by_address.get(&address.key()) {
            return Lookup::List(list.clone());
        }
        let local = address.local().to_ascii_lowercase();
        let domain = address.domain();
        if matches!(local.as_str(), "postmaster" | "abuse") {
            return Lookup::Postmaster { domain: domain.to_owned() };
        }
        if let Some(token) = local.strip_prefix("b+").filter(|t| !t.is_empty()) {
            return Lookup::Short { domain: domain.to_owned(), token: token.to_owned() };
        }
        self.with_token(&local, domain)
            .or_else(|| self.with_word(&local, domain))
            .unwrap_or(Lookup::UnknownList)
    }

    fn with_token(&self, local: &str, domain: &str) -> Option<Lookup> {
        let (name, token) = local.rsplit_once('+').filter(|(_, token)| !token.is_empty())?;
        TOKEN_WORDS.iter().find_map(|(word, role)| {
            let list = self.named(name.strip_suffix(word)?, domain)?;
            Some(Lookup::Token { list: list.clone(), role: *role, token: token.to_owned() })
        })
    }

    fn with_word(&self, local: &str, domain: &str) -> Option<Lookup> {
        WORDS.iter().find_map(|(word, role)| {
            let list = self.named(local.strip_suffix(word)?, domain)?;
            Some(Lookup::Role(list.clone(), *role))
        })
    }

    fn named(&self, local: &str, domain: &str) -> Option<&Arc<List>> {
        self.by_address.get(&format!("{local}@{domain}"))
    }

    /// The list that a group is; `None` for a group without an address at one of our domains.
    fn list_of(
        &mut self,
        group: &Group,
        domains: &HashMap<String, Domain>,
        overrides: &HashMap<ListId, Layer>,
    ) -> Option<List> {
        let address = group.address.clone()?;
        let Some(domain) = domains.get(address.domain()) else {
            self.warnings.push(format!(
                "{}: {address} is not at one of our domains, so it is no list; add the [[domain]] or correct \
                 the address",
                group.dn
            ));
            return None;
        };
        if !holds(domain, group) {
            self.warnings.push(format!(
                "{}: {address} is at {}, whose lists stand below {}, so it is no list; move the group there or give \
                 it an address of another domain",
                group.dn,
                domain.name,
                domain.base.as_deref().unwrap_or_default()
            ));
            return None;
        }
        let (aliases, foreign): (Vec<Address>, Vec<Address>) = group
            .aliases
            .iter()
            .cloned()
            .partition(|a| domains.get(a.domain()).is_some_and(|d| holds(d, group)));
        for alias in foreign {
            self.warnings.push(format!(
                "{}: the alias {alias} is not at a domain that this group may have addresses of",
                group.dn
            ));
        }
        let none = Layer::new();
        let listctl = overrides.get(&group.id).unwrap_or(&none);
        let mut held = layer(&domain.settings.of(&address), &group.settings, listctl);
        // An emergency of the whole domain is over whatever its lists say.
        if overrides.contains_key(&whole(&domain.name)) {
            held.settings.emergency = true;
            held.sources.insert(Key::Emergency, Source::Emergency);
        }
        self.warnings.extend(held.problems.iter().map(|p| format!("{}: {p}", group.dn)));
        if group.local_only {
            only_people(&mut held.settings.post);
        }
        let problems = group.problems.iter().cloned().chain(held.problems).collect();
        let about = About { sources: held.sources, local_only: group.local_only, problems };
        self.about.insert(group.id.clone(), Arc::new(about));
        Some(List {
            id: group.id.clone(),
            dn: group.dn.clone(),
            address,
            aliases,
            name: group.name.clone(),
            description: group.description.clone(),
            settings: held.settings,
            expires: held.expires,
        })
    }

    /// Takes a list in. Where its address is taken the list is not served, where an alias is, the alias is not;
    /// a warning names both.
    fn add(&mut self, mut list: List) {
        if let Some(first) = self.by_address.get(&list.address.key()) {
            self.warnings.push(format!(
                "{} and {} both have the address {}; mail to it goes to the first, the second is not served; \
                 give one of them another address",
                first.dn, list.dn, list.address
            ));
            return;
        }
        let (taken, free): (Vec<Address>, Vec<Address>) =
            list.aliases.drain(..).partition(|a| self.by_address.contains_key(&a.key()));
        list.aliases = free;
        for alias in taken {
            if let Some(first) = self.by_address.get(&alias.key()) {
                self.warnings.push(format!(
                    "{} and {} both have the address {alias}; mail to it goes to the first",
                    first.dn, list.dn
                ));
            }
        }
        let list = Arc::new(list);
        for address in std::iter::once(&list.address).chain(&list.aliases) {
            if let Entry::Vacant(free) = self.by_address.entry(address.key()) {
                free.insert(list.clone());
            }
        }
        self.by_id.insert(list.id.clone(), list.clone());
        self.lists.push(list);
    }
}

/// Under this name stands what an admin has set for all lists of a domain at once: its emergency.
pub fn whole(domain: &str) -> ListId {
    ListId(format!("domain:{domain}"))
}

/// True where a group stands in the part of the tree from which the domain takes its lists.
fn holds(domain: &Domain, group: &Group) -> bool {
    let Some(base) = &domain.base else { return true };
    dn::normal(&group.dn).is_some_and(|dn| dn::is_under(&dn, base))
}

/// Anyone becomes everybody in the directory. Who else is named must be a person too: that is asked of each author.
fn only_people(post: &mut Vec<Posters>) {
    if post.contains(&Posters::Anyone) {
        post.retain(|p| !matches!(p, Posters::Anyone | Posters::People));
        post.push(Posters::People);
    }
}
