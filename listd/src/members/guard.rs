//! The safety catch (promise 6): what of each list was accepted last, and what is held because it shrank too much.
//!
//! It measures what the replica says against what was accepted, and keeps that in the store. The numbers' rule is
//! `listcore::shrink`; the admins are told by `alarm`. Nothing here asks the directory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use listcore::address::Address;
use listcore::list::List;
use listcore::recipients::{PersonId, Recipient, Roster};
use listcore::shrink::{Shrink, YOUNG, has_settled, shrink};
use listcore::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The name under which the number of all people is watched; no list has it.
pub const EVERYBODY: &str = "";

/// How a row stands in the store, behind a version byte (postcard). Behind it come the ids of those who were protected
/// when it was accepted; older rows have none.
#[derive(Serialize, Deserialize)]
struct Stored {
    addresses: Vec<Address>,
    title: String,
    size: u64,
    recipients: Vec<Recipient>,
    lower_since: Option<Timestamp>,
    held_since: Option<Timestamp>,
    rejected: Option<[u8; 32]>,
}

const VERSION: u8 = 1;

/// What was accepted of a list last.
#[derive(Clone, Debug)]
struct Row {
    /// The posting address first, then the aliases; empty for [`EVERYBODY`].
    addresses: Vec<Address>,
    title: String,
    size: usize,
    roster: Arc<Roster>,
    /// Since when it is smaller than accepted, within what the guard allows.
    lower_since: Option<Timestamp>,
    held: Option<Hold>,
}

#[derive(Copy, Clone, Debug)]
struct Hold {
    since: Timestamp,
    /// An admin does not believe exactly this state; what was accepted serves until the directory says another.
    rejected: Option<[u8; 32]>,
}

/// What one list is now, as the replica has it.
pub struct Now<'a> {
    pub list: &'a List,
    pub roster: Arc<Roster>,
    /// The share that may be gone.
    pub percent: u8,
}

/// May mail go out on what the replica says of a list?
#[derive(Clone, Debug)]
pub enum Trust {
    Current,
    /// An admin rejected what the directory says; this is who is on the list meanwhile.
    Kept(Arc<Roster>),
    Held,
}

/// Something that is held, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// [`EVERYBODY`], or the list's id.
    pub name: String,
    /// `None` for the directory as a whole.
    pub address: Option<Address>,
    pub title: String,
    pub since: Timestamp,
    pub accepted: usize,
    pub now: usize,
    /// An admin has rejected it: mail goes to those who were accepted.
    pub rejected: bool,
    /// The list is no list any more.
    pub gone: bool,
}

/// Who came and who went since the last accepted state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub accepted: usize,
    pub now: usize,
    pub went: Vec<Recipient>,
    pub came: Vec<Recipient>,
    /// Who was protected when she was accepted; her entry may be gone (rule GD4).
    pub protected: HashSet<PersonId>,
}

#[derive(Debug, Default)]
pub struct Guard {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: HashMap<String, Row>,
    /// Rows that the store does not have yet as they are.
    dirty: HashSet<String>,
}

impl State {
    fn put(&mut self, name: &str, row: Row) {
        self.rows.insert(name.to_owned(), row);
        self.dirty.insert(name.to_owned());
    }

    fn forget(&mut self, name: &str) {
        self.rows.remove(name);
        self.dirty.insert(name.to_owned());
    }

    /// Brings one row up to date with what is there now.
    fn measure(&mut self, name: &str, fresh: Row, percent: u8, now: Timestamp) {
        let Some(old) = self.rows.get(name) else { return self.put(name, fresh) };
        let mut row = old.clone();
        match shrink(old.size, fresh.size, percent) {
            Shrink::None => row = fresh,
            Shrink::Allowed if old.lower_since.is_some_and(|since| has_settled(since, now)) => {
                row = fresh;
            }
            Shrink::Allowed => {
                row.held = None;
                row.lower_since.get_or_insert(now);
            }
            Shrink::TooMuch => {
                let hold = row.held.get_or_insert(Hold { since: now, rejected: None });
                hold.rejected = hold.rejected.filter(|print| *print == fresh.print());
            }
        }
        if !row.same_as(old) {
            self.put(name, row);
        }
    }
}

impl Row {
    fn of(now: &Now<'_>) -> Row {
        let addresses = std::iter::once(&now.list.address).chain(&now.list.aliases);
        Row {
            addresses: addresses.cloned().collect(),
            title: now.list.title().to_owned(),
            size: now.roster.size(),
            roster: now.roster.clone(),
            lower_since: None,
            held: None,
        }
    }

    /// What is left of a list that is none any more.
    fn gone(&self) -> Row {
        Row { size: 0, roster: Arc::default(), lower_since: None, held: None, ..self.clone() }
    }

    fn everybody(people: usize) -> Row {
        Row {
            addresses: Vec::new(),
            title: String::new(),
            size: people,
            roster: Arc::default(),
            lower_since: None,
            held: None,
        }
    }

    fn same_as(&self, other: &Row) -> bool {
        let hold = |row: &Row| row.held.map(|h| (h.since, h.rejected));
        self.size == other.size
            && self.lower_since == other.lower_since
            && hold(self) == hold(other)
            && self.addresses == other.addresses
            && self.title == other.title
            && (Arc::ptr_eq(&self.roster, &other.roster)
                || (self.roster.recipients == other.roster.recipients
                    && self.roster.protected() == other.roster.protected()))
    }

    /// Tells one state from another: the digest of who gets mail.
    fn print(&self) -> [u8; 32] {
        let mut keys: Vec<String> =
            self.roster.recipients.iter().map(|r| r.address.key()).collect();
        keys.sort_unstable();
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.size.to_string().as_bytes());
        for key in &keys {
            context.update(b"\0");
            context.update(key.as_bytes());
        }
        let mut print = [0; 32];
        for (to, from) in print.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        print
    }

    fn encoded(&self) -> Option<Vec<u8>> {
        let stored = Stored {
            addresses: self.addresses.clone(),
            title: self.title.clone(),
            size: self.size as u64,
            recipients: self.roster.recipients.clone(),
            lower_since: self.lower_since,
            held_since: self.held.map(|h| h.since),
            rejected: self.held.and_then(|h| h.rejected),
        };
        postcard::to_stdvec(&(VERSION, stored, self.roster.protected())).ok()
    }

    fn decoded(bytes: &[u8]) -> Option<Row> {
        let (first, rest) = bytes.split_first()?;
        let (stored, more): (Stored, &[u8]) =
            (*first == VERSION).then(|| postcard::take_from_bytes(rest).ok())??;
        let protected =
            if more.is_empty() { HashSet::new() } else { postcard::from_bytes(more).ok()? };
        Some(Row {
            addresses: stored.addresses,
            title: stored.title,
            size: usize::try_from(stored.size).unwrap_or(usize::MAX),
            roster: Arc::new(Roster::of(stored.recipients).protecting(protected)),
            lower_since: stored.lower_since,
            held: stored.held_since.map(|since| Hold { since, rejected: stored.rejected }),
        })
    }
}

/// All that is there now, to be measured.
pub struct View<'a> {
    pub lists: Vec<Now<'a>>,
    pub people: usize,
    /// The share of all people that may be gone.
    pub percent: u8,
    /// The guard of a list that is gone, by its id and address; `None` = the domain is ours no more.
    pub percent_of: &'a dyn Fn(&str, &Address) -> Option<u8>,
}

impl Guard {
    /// Takes what the store has. Rows of another version are as good as none.
    pub fn load(&self, rows: Vec<(String, Vec<u8>)>) {
        let rows = rows.into_iter().filter_map(|(name, data)| Some((name, Row::decoded(&data)?)));
        self.state().rows = rows.collect();
    }

    pub fn holds_any(&self) -> bool {
        self.state().rows.values().any(|row| row.held.is_some())
    }

    pub fn is_empty(&self) -> bool {
        self.state().rows.is_empty()
    }

    /// Measures everything. What is as large as before or larger is accepted at once.
    pub fn measure(&self, view: &View<'_>, now: Timestamp) {
        let mut state = self.state();
        state.measure(EVERYBODY, Row::everybody(view.people), view.percent, now);
        let there: HashSet<&str> = view.lists.iter().map(|n| n.list.id.0.as_str()).collect();
        let mut gone: HashMap<String, Row> = state
            .rows
            .iter()
            .filter(|(name, row)| !row.addresses.is_empty() && !there.contains(name.as_str()))
            .map(|(name, row)| (name.clone(), row.clone()))
            .collect();
        for one in &view.lists {
            let name = one.list.id.0.as_str();
            if !state.rows.contains_key(name)
                && let Some(before) = successor_of(&gone, &one.list.address)
                && let Some(row) = gone.remove(&before)
            {
                // The same list in a directory that was filled anew, under another entryUUID.
                state.forget(&before);
                state.put(name, row);
            }
            state.measure(name, Row::of(one), one.percent, now);
            state.rename(name, one.list);
        }
        for (name, row) in gone {
            let percent = row.addresses.first().and_then(|a| (view.percent_of)(&name, a));
            match percent {
                Some(percent) if row.size > 0 => {
                    state.measure(&name, row.gone(), percent, now);
                    if state.rows.get(&name).is_some_and(|row| row.size == 0) {
                        state.forget(&name);
                    }
                }
                _ => state.forget(&name),
            }
        }
    }

    /// What must be stored, in the form of a [`crate::store::Move::Accepted`]; call [`Guard::failed`] where it was not.
    pub fn take_dirty(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut state = self.state();
        let dirty = std::mem::take(&mut state.dirty);
        let data = |name: &str| state.rows.get(name).and_then(Row::encoded);
        dirty.into_iter().map(|name| (name.clone(), data(&name))).collect()
    }

    pub fn failed(&self, rows: Vec<(String, Option<Vec<u8>>)>) {
        self.state().dirty.extend(rows.into_iter().map(|(name, _)| name));
    }

    /// May mail go out? `roster` is what the replica says of the list, `None` where it has none of this id.
    ///
    /// Judged from the numbers of this moment, so that no claim comes between a change and its measuring.
    pub fn trust(
        &self,
        id: &str,
        roster: Option<&Arc<Roster>>,
        percent_of: &dyn Fn(&Address) -> u8,
    ) -> Trust {
        let state = self.state();
        let Some(row) = state.rows.get(id) else { return Trust::Current };
        let Some(address) = row.addresses.first() else { return Trust::Current };
        let percent = percent_of(address);
        let size = roster.map_or(0, |r| r.size());
        if shrink(row.size, size, percent) != Shrink::TooMuch {
            return Trust::Current;
        }
        let rejected = row.held.and_then(|h| h.rejected);
        let fresh = Row { size, roster: roster.cloned().unwrap_or_default(), ..row.clone() };
        if rejected.is_some_and(|print| print == fresh.print()) {
            Trust::Kept(row.roster.clone())
        } else {
            Trust::Held
        }
    }

    /// True where somebody was on the list as it was accepted, and the loss of members is so young that more may
    /// follow.
    pub fn just_lost(&self, id: &str, roster: &Roster, who: &Recipient, now: Timestamp) -> bool {
        let state = self.state();
        let Some(row) = state.rows.get(id) else { return false };
        let was_on = row.roster.has_address(&who.address)
            || who.person.as_ref().is_some_and(|p| row.roster.has_person(p));
        let young = row.lower_since.is_none_or(|since| now.since(since) < YOUNG);
        was_on && roster.size() < row.size && young
    }

    /// True while so many people are gone that no list is believed.
    pub fn holds_all(&self, people: usize, percent: u8) -> bool {
        let state = self.state();
        let Some(row) = state.rows.get(EVERYBODY) else { return false };
        let rejected = row.held.and_then(|h| h.rejected);
        shrink(row.size, people, percent) == Shrink::TooMuch
            && rejected != Some(Row::everybody(people).print())
    }

    /// True for an address of a list that is none any more, and whose end nobody has accepted.
    pub fn remembers(&self, local: &str, domain: &str, is_there: &dyn Fn(&str) -> bool) -> bool {
        let name = local.split_once('+').map_or(local, |(name, _)| name);
        let short = name.rsplit_once('-').map_or(name, |(short, _)| short);
        let state = self.state();
        let gone = state.rows.iter().filter(|(name, _)| !is_there(name));
        let mut addresses = gone.flat_map(|(_, row)| &row.addresses);
        addresses.any(|a| {
            let ours = |name: &str| a.local().eq_ignore_ascii_case(name);
            a.domain() == domain && (ours(local) || ours(name) || ours(short))
        })
    }

    /// All that is held as it was measured last, by address; the directory as a whole first.
    pub fn held(&self, current: &BTreeMap<String, usize>) -> Vec<Held> {
        let state = self.state();
        let held = |(name, row): (&String, &Row)| {
            let hold = row.held?;
            Some(Held {
                name: name.clone(),
                address: row.addresses.first().cloned(),
                title: row.title.clone(),
                since: hold.since,
                accepted: row.size,
                now: current.get(name).copied().unwrap_or(0),
                rejected: hold.rejected.is_some(),
                gone: !current.contains_key(name),
            })
        };
        let mut all: Vec<Held> = state.rows.iter().filter_map(held).collect();
        all.sort_by_key(|held| held.address.as_ref().map(Address::key));
        all
    }

    /// Who came and who went; `None` for a list of which nothing was accepted yet.
    pub fn difference(&self, id: &str, now: &Roster) -> Option<Difference> {
        let state = self.state();
        let row = state.rows.get(id)?;
        let on = |roster: &Roster, r: &Recipient| {
            roster.has_address(&r.address)
                || r.person.as_ref().is_some_and(|p| roster.has_person(p))
        };
        let only = |these: &Roster, those: &Roster| -> Vec<Recipient> {
            these.recipients.iter().filter(|r| !on(those, r)).cloned().collect()
        };
        Some(Difference {
            accepted: row.size,
            now: now.size(),
            went: only(&row.roster, now),
            came: only(now, &row.roster),
            protected: row.roster.protected().clone(),
        })
    }

    /// Notes who is told of trouble in a domain, so that they can be told when nobody is left in the directory.
    pub fn note_admins(&self, domain: &str, admins: Vec<Recipient>) {
        let name = format!("admins:{domain}");
        let roster = Arc::new(Roster::of(admins));
        let row = Row { roster, ..Row::everybody(0) };
        let mut state = self.state();
        if state.rows.get(&name).is_none_or(|old| !row.same_as(old)) {
            state.put(&name, row);
        }
    }

    /// Who was told last of trouble in a domain.
    pub fn noted_admins(&self, domain: &str) -> Vec<Recipient> {
        let state = self.state();
        let row = state.rows.get(&format!("admins:{domain}"));
        row.map(|row| row.roster.recipients.clone()).unwrap_or_default()
    }

    /// Forgets what was accepted, so that the next measuring accepts what is there: of these names.
    pub fn accept(&self, names: &[String]) {
        let mut state = self.state();
        names.iter().for_each(|name| state.forget(name));
    }

    /// Keeps what was accepted of all that is held, until the directory says something else than now.
    pub fn reject(&self, current: &HashMap<String, Arc<Roster>>, people: usize) -> Vec<String> {
        let mut state = self.state();
        let mut names = Vec::new();
        for (name, row) in &mut state.rows {
            let roster = current.get(name).cloned().unwrap_or_default();
            let size = if name == EVERYBODY { people } else { roster.size() };
            let print = Row { size, roster, ..row.clone() }.print();
            if let Some(hold) = &mut row.held {
                hold.rejected = Some(print);
                names.push(name.clone());
            }
        }
        state.dirty.extend(names.iter().cloned());
        names
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A list that is there may get another address or name while it is held.
    fn rename(&mut self, name: &str, list: &List) {
        let Some(row) = self.rows.get_mut(name) else { return };
        let addresses: Vec<Address> =
            std::iter::once(&list.address).chain(&list.aliases).cloned().collect();
        if row.addresses != addresses || row.title != list.title() {
            row.addresses = addresses;
            row.title = list.title().to_owned();
            self.dirty.insert(name.to_owned());
        }
    }
}

fn successor_of(gone: &HashMap<String, Row>, address: &Address) -> Option<String> {
    let same = |row: &Row| row.addresses.first().is_some_and(|a| a.same_as(address));
    gone.iter().find(|(_, row)| same(row)).map(|(name, _)| name.clone())
}
