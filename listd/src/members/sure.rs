//! The safety catch as the other rooms meet it: is it sure who is on a list, what is held, accept and reject.
//!
//! The measuring itself is `guard`; the rule of the numbers `listcore::shrink`.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use listcore::address::Address;
use listcore::list::settings::{Layer, layer};
use listcore::list::{List, ListId};
use listcore::recipients::Roster;
use listcore::time::Timestamp;

use super::Members;
use super::guard::{Difference, EVERYBODY, Held, Now, Trust, View};
use super::table::Table;
use crate::directory::Freshness;
use crate::directory::replica::Replica;

impl Members {
    /// Takes how much of all people of the directory may be gone at once, in percent, as at the start and after
    /// SIGHUP. What a list may lose is its own setting.
    pub fn set_guard(&self, percent: u8) {
        self.everybody.store(percent, Ordering::Release);
    }

    /// Takes what was accepted earlier, as the store has it. Before anything else is asked.
    pub fn remember(&self, rows: Vec<(String, Vec<u8>)>) {
        self.guard.load(rows);
    }

    /// Measures all lists against what was accepted, and accepts what did not shrink. Not cheap: for one task, after
    /// a change. Gives back what the store must have ([`crate::store::Move::Accepted`]).
    pub fn measure(&self, now: Timestamp) -> Vec<(String, Option<Vec<u8>>)> {
        if !self.live.is_loaded() {
            return Vec::new();
        }
        let table = self.table();
        let domains = self.domains();
        let lists = table.lists().iter().filter_map(|list| {
            let percent = list.settings.shrink_guard;
            Some(Now { list, roster: self.current(&list.id)?, percent })
        });
        let known = |id: &str, address: &Address| self.guard_of(&table, id, address);
        let view = View {
            lists: lists.collect(),
            people: self.people(),
            percent: self.everybody.load(Ordering::Acquire),
            percent_of: &known,
        };
        if view.people == 0 && view.lists.is_empty() && self.guard.is_empty() {
            // Nothing was ever there: that is nothing to measure against later.
            return Vec::new();
        }
        self.guard.measure(&view, now);
        for domain in domains.keys() {
            let admins = self.admins(domain);
            if !admins.is_empty() {
                self.guard.note_admins(domain, admins);
            }
        }
        self.guard.take_dirty()
    }

    /// What [`Members::measure`] gave could not be stored: it comes again.
    pub fn not_stored(&self, rows: Vec<(String, Option<Vec<u8>>)>) {
        self.guard.failed(rows);
    }

    /// True where it is known for sure who is on the list (promise 6).
    pub fn is_sure(&self, list: &List, now: Timestamp) -> bool {
        self.live.freshness(now) == Freshness::Fresh && !self.is_held(&list.id)
    }

    /// True while the safety catch holds the list.
    pub fn is_held(&self, id: &ListId) -> bool {
        self.holds_all() || matches!(self.trust(id, self.current(id).as_ref()), Trust::Held)
    }

    /// True while anything is held or rejected.
    pub fn holds_any(&self) -> bool {
        self.guard.holds_any()
    }

    /// All that is held, the directory as a whole first, then by address.
    pub fn held(&self) -> Vec<Held> {
        if !self.guard.holds_any() {
            return Vec::new();
        }
        let mut current: BTreeMap<String, usize> = BTreeMap::new();
        current.insert(EVERYBODY.to_owned(), self.people());
        for list in self.table().lists() {
            let size = self.current(&list.id).map_or(0, |roster| roster.size());
            current.insert(list.id.0.clone(), size);
        }
        self.guard.held(&current)
    }

    /// Who came and who went since the last accepted state of a list; `None` where nothing was accepted yet.
    pub fn difference(&self, id: &str) -> Option<Difference> {
        let roster = self.current(&ListId(id.to_owned())).unwrap_or_default();
        self.guard.difference(id, &roster)
    }

    /// Accepts what the directory says: of these lists, or (`None`) of all that is held and of the directory as a
    /// whole. Says what it was. The caller measures and stores then.
    pub fn accept(&self, names: Option<&[String]>) -> Vec<Held> {
        let wanted: Option<HashSet<&String>> = names.map(|names| names.iter().collect());
        let mut held = self.held();
        held.retain(|held| wanted.as_ref().is_none_or(|wanted| wanted.contains(&held.name)));
        let names: Vec<String> = held.iter().map(|held| held.name.clone()).collect();
        self.guard.accept(&names);
        held
    }

    /// Keeps what was accepted, for all that is held, until the directory says something else than now.
    pub fn reject(&self) -> Vec<Held> {
        let lists = self.table();
        let current = lists
            .lists()
            .iter()
            .filter_map(|list| Some((list.id.0.clone(), self.current(&list.id)?)));
        let rejected = self.guard.reject(&current.collect(), self.people());
        let mut held = self.held();
        held.retain(|held| rejected.contains(&held.name));
        held
    }

    pub(super) fn trust(&self, id: &ListId, roster: Option<&Arc<Roster>>) -> Trust {
        let table = self.table();
        let percent = |address: &Address| {
            let own = self.guard_of(&table, &id.0, address);
            own.unwrap_or_else(|| self.everybody.load(Ordering::Acquire))
        };
        self.guard.trust(&id.0, roster, &percent)
    }

    pub(super) fn holds_all(&self) -> bool {
        self.guard.holds_all(self.people(), self.everybody.load(Ordering::Acquire))
    }

    /// True for an address of which a 550 could be untrue: nothing at all is there, or the list was there until now.
    pub(super) fn is_unsure_of(&self, table: &Table, address: &Address) -> bool {
        let nothing = table.lists().is_empty() && self.people() == 0;
        let is_there = |name: &str| table.list(&ListId(name.to_owned())).is_some();
        nothing || self.guard.remembers(address.local(), address.domain(), &is_there)
    }

    /// How much a list may lose at once. Of one that is none any more the entry is gone: what the configuration and
    /// `listctl` say; `None` where its domain is ours no more.
    fn guard_of(&self, table: &Table, id: &str, address: &Address) -> Option<u8> {
        let id = ListId(id.to_owned());
        if let Some(list) = table.list(&id) {
            return Some(list.settings.shrink_guard);
        }
        let base = self.domains().get(address.domain())?.settings.of(address).into_owned();
        let overrides = self.overrides.read().unwrap_or_else(PoisonError::into_inner);
        let none = Layer::new();
        let held = layer(&base, &none, overrides.get(&id).unwrap_or(&none));
        Some(held.settings.shrink_guard)
    }

    /// Counted once for each generation.
    fn people(&self) -> usize {
        let generation = self.live.generation();
        let mut known = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != generation {
            *known = (generation, self.live.read(Replica::people));
        }
        known.1
    }
}

#[cfg(test)]
mod tests;
