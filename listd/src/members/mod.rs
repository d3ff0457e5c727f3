//! Who is on which list, who may post, whose address is it: answered from the replica in microseconds.
//!
//! It asks no server and reads no file. What a mail may do with the answer is `listcore::policy`'s.

mod admitted;
mod claim;
mod guard;
mod people;
mod rosters;
mod standing;
mod sure;
mod table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use listcore::address::Address;
use listcore::config::Admin;
use listcore::list::settings::{Base, Key, Layer, Source, Value};
use listcore::list::{List, ListId, Role, Settings};
use listcore::options::Book;
use listcore::recipients::Roster;
use listcore::time::Timestamp;

use crate::directory::replica::Replica;
use crate::directory::{Freshness, Live, Mode};
pub use claim::Claim;
use guard::Guard;
pub use guard::{Difference, Held, Trust};
pub use people::KnownAs;
use table::Table;
pub use table::whole;

/// A tenant as this room needs it; `main` builds it from the configuration.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Lower-case A-label.
    pub name: String,
    pub admins: Vec<Admin>,
    /// What the configuration says for each list of the domain.
    pub settings: Base,
    /// Its lists are groups at or below this DN (in normal form); `None` = anywhere.
    pub base: Option<String>,
}

/// Whom an address at one of our domains means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    List(Arc<List>),
    /// `-owner`, `-request`, `-subscribe`, `-unsubscribe`, or `-bounces` without a token.
    Role(Arc<List>, Role),
    /// `-bounces+TOKEN`, `-confirm+TOKEN`, `-author+TOKEN`; the token in lower case, not checked.
    Token {
        list: Arc<List>,
        role: Role,
        token: String,
    },
    /// `b+TOKEN@domain`, the form for long list names.
    Short {
        domain: String,
        token: String,
    },
    /// `postmaster@` or `abuse@`: the domain's admins (RFC 2142).
    Postmaster {
        domain: String,
    },
    UnknownDomain,
    UnknownList,
    /// Nothing is known of the directory yet: defer.
    NoDirectory,
}

/// Where the settings of a list come from, for `listctl list show`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    pub sources: BTreeMap<Key, Source>,
    /// Only people of the directory may post (`fdGroupMailLocalOnly`).
    pub local_only: bool,
    /// What an admin should mend in the entry, or with `listctl list set`.
    pub problems: Vec<String>,
}

/// For `listctl status` and the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryStatus {
    pub mode: Mode,
    pub url: String,
    pub freshness: Freshness,
    /// When the directory was last known to be what we have.
    pub fresh_at: Option<Timestamp>,
    /// The server's change number up to which we know everything.
    pub csn: Option<String>,
    pub people: usize,
    pub groups: usize,
    pub lists: usize,
    /// What, where, what to do.
    pub last_error: Option<String>,
    /// Entries that an admin should mend: two lists with one address, an address outside our domains, ...
    pub warnings: Vec<String>,
    /// What the safety catch holds; mail to these lists waits.
    pub held: Vec<Held>,
}

/// The room. All answers are about the replica as it is at the moment of the question.
#[derive(Debug)]
pub struct Members {
    live: Arc<Live>,
    domains: RwLock<Arc<HashMap<String, Domain>>>,
    /// What `listctl list set` said.
    overrides: RwLock<HashMap<ListId, Layer>>,
    table: Mutex<Arc<Table>>,
    rosters: Mutex<HashMap<ListId, (u64, Arc<Roster>)>>,
    /// What members wish.
    book: RwLock<Book>,
    guard: Guard,
    /// How much of all people of the directory may be gone at once, in percent.
    everybody: AtomicU8,
    /// How many people there are, at which generation.
    people: Mutex<(u64, usize)>,
    /// Who was let onto a list beside the directory.
    admitted: admitted::Admissions,
    /// Tenants and addresses that get nothing until somebody says otherwise.
    paused: RwLock<HashSet<(String, String)>>,
}

impl Members {
    pub fn new(live: Arc<Live>, domains: Vec<Domain>) -> Members {
        Members {
            live,
            domains: RwLock::new(Arc::new(by_name(domains))),
            overrides: RwLock::default(),
            table: Mutex::default(),
            rosters: Mutex::default(),
            book: RwLock::default(),
            guard: Guard::default(),
            everybody: Settings::default().shrink_guard.into(),
            people: Mutex::default(),
            admitted: admitted::Admissions::default(),
            paused: RwLock::default(),
        }
    }

    /// Takes new domains and settings, as after SIGHUP.
    pub fn set_domains(&self, domains: Vec<Domain>) {
        *self.domains.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(by_name(domains));
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// Takes what an admin has set for one list, or that it is set no more. It counts from the next question on.
    ///
    /// The texts as `listctl` gave them; those that make no sense are treated as such
    /// ([`listcore::list::settings`]).
    pub fn set_override(&self, list: &ListId, key: Key, texts: Option<&[String]>) {
        let texts = texts.unwrap_or_default().iter().map(String::as_str);
        let said = Value::read(key, "listctl list set", texts);
        {
            let mut all = self.overrides.write().unwrap_or_else(PoisonError::into_inner);
            let layer = all.entry(list.clone()).or_default();
            match said {
                Some(said) => layer.insert(key, said),
                None => layer.remove(&key),
            };
            all.retain(|_, layer| !layer.is_empty());
        }
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// Where the settings of a list come from.
    pub fn about(&self, id: &ListId) -> Option<Arc<About>> {
        self.table().about(id).cloned()
    }

    /// Whom the address of a RCPT TO means. The exact address of a list wins over everything else.
    pub fn lookup(&self, address: &Address) -> Lookup {
        if !self.domains().contains_key(address.domain()) {
            return Lookup::UnknownDomain;
        }
        if !self.live.is_loaded() {
            return Lookup::NoDirectory;
        }
        let table = self.table();
        let found = table.lookup(address);
        if found == Lookup::UnknownList && self.is_unsure_of(&table, address) {
            return Lookup::NoDirectory;
        }
        found
    }

    pub fn list(&self, id: &ListId) -> Option<Arc<List>> {
        self.table().list(id).cloned()
    }

    /// All lists, by address.
    pub fn lists(&self) -> Vec<Arc<List>> {
        self.table().lists().to_vec()
    }

    /// Our domains, in alphabetical order.
    pub fn domain_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.domains().keys().cloned().collect();
        names.sort();
        names
    }

    pub fn freshness(&self, now: Timestamp) -> Freshness {
        self.live.freshness(now)
    }

    pub fn status(&self, now: Timestamp) -> DirectoryStatus {
        let health = self.live.health();
        let table = self.table();
        let (people, groups) = self.live.read(|r: &Replica| (r.people(), r.groups().count()));
        DirectoryStatus {
            mode: health.mode,
            url: health.url,
            freshness: self.live.freshness(now),
            fresh_at: health.fresh_at,
            csn: health.csn,
            people,
            groups,
            lists: table.lists().len(),
            last_error: health.last_error,
            warnings: table.warnings().to_vec(),
            held: self.held(),
        }
    }

    /// True for the name of a domain of ours.
    pub fn is_domain(&self, name: &str) -> bool {
        self.domains().contains_key(name)
    }

    fn domains(&self) -> Arc<HashMap<String, Domain>> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The table of lists, built anew where a group has changed since.
    fn table(&self) -> Arc<Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.live.groups_generation();
        if table.generation() != generation {
            let domains = self.domains();
            let overrides = self.overrides.read().unwrap_or_else(PoisonError::into_inner);
            let new =
                self.live.read(|replica| Table::build(replica, &domains, &overrides, generation));
            drop(overrides);
            for warning in new.warnings().iter().filter(|w| !table.warnings().contains(w)) {
                tracing::warn!("{warning}");
            }
            *table = Arc::new(new);
        }
        table.clone()
    }
}

fn by_name(domains: Vec<Domain>) -> HashMap<String, Domain> {
    domains.into_iter().map(|d| (d.name.clone(), d)).collect()
}

#[cfg(test)]
mod tests;
