//! Who is on which list, who may post, whose address is it: answered from the replica in microseconds.
//!
//! It asks no server and reads no file. What a mail may do with the answer is `listcore::policy`'s.

mod admitted;
mod guard;
mod sure;
mod table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use listcore::address::Address;
use listcore::config::Admin;
use listcore::dn;
use listcore::entry::folded;
use listcore::list::settings::{Base, Key, Layer, Source, Value, layer};
use listcore::list::{List, ListId, Posters, Role, Settings};
use listcore::options::{Book, Choice, Digest, Options};
use listcore::outcome::Dropped;
use listcore::policy::Standing;
use listcore::recipients::{
    Group, Lookup as Walk, Member, Person, PersonId, Recipient, Roster, expand, expand_for,
};
use listcore::time::Timestamp;

use crate::directory::replica::Replica;
use crate::directory::{Freshness, Live, Mode};
use guard::{EVERYBODY, Guard, Now, View};
use table::Table;
pub use table::whole;

pub use guard::{Difference, Held, Trust};

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

/// Under which name and addresses the directory knows somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownAs {
    pub addresses: Vec<Address>,
    pub name: Option<String>,
    /// She lets her address be seen by those whom she answers.
    pub shows_address: bool,
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

/// May a copy that was frozen earlier still go out?
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Yes,
    Never(Dropped),
    /// The safety catch holds the list: nobody knows for sure yet.
    Waits,
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

    /// An address of a tenant gets nothing from now on, or gets mail again. Her mail at another address goes on: what is
    /// paused is the address (rule V8).
    pub fn set_paused(&self, domain: &str, address: &Address, paused: bool) {
        let mut all = self.paused.write().unwrap_or_else(PoisonError::into_inner);
        let one = (domain.to_owned(), address.key());
        if paused {
            all.insert(one)
        } else {
            all.remove(&one)
        };
    }

    pub fn is_paused(&self, domain: &str, address: &Address) -> bool {
        let all = self.paused.read().unwrap_or_else(PoisonError::into_inner);
        !all.is_empty() && all.contains(&(domain.to_owned(), address.key()))
    }

    /// Takes what a member wishes. It counts from the next question on.
    pub fn set_options(&self, choice: Choice) {
        self.book.write().unwrap_or_else(PoisonError::into_inner).set(choice);
    }

    /// What a recipient of a list wishes; `None` where she never said.
    pub fn options(&self, list: &ListId, who: &Recipient) -> Option<Options> {
        self.choice(list, who).map(|choice| choice.options)
    }

    /// The same, with when and how she said it.
    pub fn choice(&self, list: &ListId, who: &Recipient) -> Option<Choice> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let is_gone =
            |id: &PersonId| self.live.read(|replica| replica.person_by_id(&id.0).is_none());
        book.of(list, who, &is_gone).cloned()
    }

    /// Whether a recipient of a list wants plain text only.
    pub fn wants_plain(&self, list: &ListId, who: &Recipient) -> bool {
        let any = self.book.read().unwrap_or_else(PoisonError::into_inner).has_plain();
        any && self.options(list, who).is_some_and(|options| options.plain)
    }

    /// True where somebody may be spared a copy of what she has already.
    pub fn spares_anybody(&self) -> bool {
        self.book.read().unwrap_or_else(PoisonError::into_inner).has_spares()
    }

    /// Everybody whose address it is.
    pub fn people_of(&self, address: &Address) -> Vec<PersonId> {
        self.live.read(|replica| {
            replica.by_address(address).into_iter().map(|person| person.id.clone()).collect()
        })
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

    /// Who gets the copies. Where an admin has rejected what the directory says, who was accepted before; ask
    /// [`Members::is_sure`] whether mail may go out at all.
    pub fn roster(&self, id: &ListId) -> Option<Arc<Roster>> {
        let roster = self.current(id)?;
        let roster = match self.trust(id, Some(&roster)) {
            Trust::Kept(kept) => kept,
            Trust::Current | Trust::Held => roster,
        };
        Some(self.admitting(id, roster))
    }

    /// What the replica says, without those who were let in: what the guard measures. Computed when first asked for after a change.
    fn current(&self, id: &ListId) -> Option<Arc<Roster>> {
        let list = self.table().list(id)?.clone();
        let addresses = addresses(&list);
        let generation = self.live.generation();
        if let Some((_, roster)) = self.rosters().get(id).filter(|(at, _)| *at == generation) {
            return Some(roster.clone());
        }
        let roster = self.live.read(|replica| {
            let group = replica.group_by_id(id)?;
            Some(Arc::new(expand_for(replica, &group.members, &addresses)))
        });
        let mut rosters = self.rosters();
        let Some(mut roster) = roster else {
            rosters.remove(id);
            return None;
        };
        // What did not change is kept once, however many hold it.
        if let Some((_, before)) = rosters.get(id).filter(|(_, before)| *before == roster) {
            roster = before.clone();
        }
        rosters.insert(id.clone(), (generation, roster.clone()));
        Some(roster)
    }

    /// The owners, else the domain's admins.
    pub fn owners(&self, list: &List) -> Vec<Recipient> {
        let owners = self.live.read(|replica| {
            let group = replica.group_by_id(&list.id)?;
            Some(expand(replica, &group.owners).recipients)
        });
        owners.filter(|o| !o.is_empty()).unwrap_or_else(|| self.admins(list.address.domain()))
    }

    /// Those who look after a list: its moderators, and its owners. Either may be empty.
    pub fn keepers(&self, list: &List) -> [Vec<Recipient>; 2] {
        self.live.read(|replica| {
            let group = replica.group_by_id(&list.id);
            let of = |members: fn(&Group) -> &Vec<Member>| {
                group.map(|g| expand(replica, members(g)).recipients).unwrap_or_default()
            };
            [of(|g| &g.moderators), of(|g| &g.owners)]
        })
    }

    /// The domain's admins; empty for a domain that is not ours.
    pub fn admins(&self, domain: &str) -> Vec<Recipient> {
        let domains = self.domains();
        let Some(domain) = domains.get(domain) else { return Vec::new() };
        let admins: Vec<Member> = domain.admins.iter().map(admin).collect();
        let found = self.live.read(|replica| expand(replica, &admins).recipients);
        if found.is_empty() { self.guard.noted_admins(&domain.name) } else { found }
    }

    /// May a copy that was frozen earlier still go out? The frozen set may only shrink.
    ///
    /// For posts to members; mail to a role goes to whom it was frozen for. Says yes while nothing is known of
    /// the directory: then [`Members::freshness`] holds all mail anyway.
    pub fn still_gets(&self, id: &ListId, recipient: &Recipient) -> Result<(), Dropped> {
        match self.claim(id, recipient, Timestamp(i64::MAX)) {
            Claim::Yes | Claim::Waits => Ok(()),
            Claim::Never(why) => Err(why),
        }
    }

    /// [`Members::still_gets`], and whether that is known for sure.
    pub fn claim(&self, id: &ListId, recipient: &Recipient, now: Timestamp) -> Claim {
        if !self.live.is_loaded() {
            return Claim::Yes;
        }
        if self.holds_all() {
            return Claim::Waits;
        }
        let current = self.current(id);
        let roster = match (self.trust(id, current.as_ref()), current) {
            (Trust::Held, _) => return Claim::Waits,
            (Trust::Kept(kept), _) => kept,
            (Trust::Current, Some(roster)) => roster,
            (Trust::Current, None) => return Claim::Never(Dropped::LeftList),
        };
        let (lost, roster) = (&roster, self.admitting(id, roster.clone()));
        let domain = self.table().list(id).map(|list| list.address.domain().to_owned());
        if domain.is_some_and(|domain| self.is_paused(&domain, &recipient.address)) {
            return Claim::Never(Dropped::Paused);
        }
        let is = |of: fn(&Roster, &PersonId) -> bool| {
            recipient.person.as_ref().is_some_and(|id| of(&roster, id))
        };
        let (member, muted) = (is(Roster::has_person), is(Roster::is_muted));
        if (member && !muted) || roster.has_address(&recipient.address) {
            let wishes = self.options(id, recipient).unwrap_or_default();
            return match wishes.digest {
                _ if wishes.is_muted(now) => Claim::Never(Dropped::Muted),
                Digest::Off => Claim::Yes,
                Digest::Daily | Digest::Weekly => Claim::Never(Dropped::Digest),
            };
        }
        if muted {
            return Claim::Never(Dropped::Muted);
        }
        if self.guard.just_lost(&id.0, lost, recipient, now) {
            return Claim::Waits;
        }
        let inactive = recipient.person.as_ref().is_some_and(|id| {
            self.live.read(|r| r.person_by_id(&id.0).is_some_and(|p| p.inactive))
        });
        Claim::Never(if inactive { Dropped::Inactive } else { Dropped::LeftList })
    }

    /// What the owner of an address is to a list. Says nothing of whether the mail is really his.
    pub fn standing(&self, list: &List, author: &Address) -> Standing {
        let roster = self.roster(&list.id).unwrap_or_default();
        let local_only = self.about(&list.id).is_some_and(|about| about.local_only);
        self.live.read(|replica| {
            let persons: Vec<&Person> =
                replica.by_address(author).into_iter().filter(|p| !p.inactive).collect();
            let among = |roster: &Roster| {
                roster.has_address(author) || persons.iter().any(|p| roster.has_person(&p.id))
            };
            let group = replica.group_by_id(&list.id);
            let role = |members: fn(&Group) -> &Vec<Member>| {
                group.is_some_and(|g| among(&expand(replica, members(g))))
            };
            // `post` may name a group or a person.
            let may_post = |written: &&String| {
                let Some(dn) = dn::normal(written) else { return false };
                replica.group(&dn).is_some_and(|g| among(&expand(replica, &g.members)))
                    || replica.person(&dn).is_some_and(|p| persons.iter().any(|a| a.id == p.id))
            };
            let counts = !local_only || !persons.is_empty();
            Standing {
                person: persons.first().map(|p| p.id.clone()),
                member: counts && among(&roster),
                owner: role(|g| &g.owners),
                moderator: role(|g| &g.moderators),
                groups: posting_groups(list).filter(|_| counts).filter(may_post).cloned().collect(),
            }
        })
    }

    /// How many of these addresses belong to nobody who is on the list.
    pub fn outside(&self, list: &List, addresses: &[&Address]) -> usize {
        let roster = self.roster(&list.id).unwrap_or_default();
        self.live.read(|replica| {
            let inside = |address: &Address| {
                let persons = || replica.by_address(address);
                roster.has_address(address) || persons().iter().any(|p| roster.has_person(&p.id))
            };
            addresses.iter().filter(|address| !inside(address)).count()
        })
    }

    /// What a person calls the group with this DN; `None` where it is none, e.g. a person.
    pub fn group_title(&self, written: &str) -> Option<String> {
        let dn = dn::normal(written)?;
        self.live.read(|replica| {
            let group = replica.group(&dn)?;
            let title = if group.description.is_empty() { &group.name } else { &group.description };
            Some(title.clone()).filter(|title| !title.is_empty())
        })
    }

    /// The language that the directory notes for whoever has this address, e.g. `tr`.
    pub fn language(&self, address: &Address) -> Option<String> {
        self.live.read(|replica| {
            replica.by_address(address).into_iter().find_map(|person| person.language.clone())
        })
    }

    /// What the directory says of whoever has this address; `None` for somebody who is nobody there.
    pub fn known_as(&self, address: &Address) -> Option<KnownAs> {
        self.live.read(|replica| {
            let persons = replica.by_address(address);
            let first = persons.first()?;
            Some(KnownAs {
                addresses: persons.iter().flat_map(|person| person.owns.iter().cloned()).collect(),
                name: first.name.clone(),
                // Where an address is that of several, all of them have to agree.
                shows_address: persons.iter().all(|person| person.shows_address),
            })
        })
    }

    /// True for one whose entry says that she is shown to nobody (rule GD4), also where she is known under an address
    /// that is hers no more, or shares one with somebody.
    pub fn is_protected(&self, who: &Recipient) -> bool {
        self.live.read(|replica| {
            let by_id = who.person.as_ref().and_then(|id| replica.person_by_id(&id.0));
            by_id.is_some_and(|person| person.protected) || protects(replica, &who.address)
        })
    }

    /// The same for one who is named by a DN, a login or an address.
    pub fn names_protected(&self, written: &str) -> bool {
        self.live.read(|replica| {
            let by_dn = || {
                dn::normal(written)
                    .is_some_and(|dn| replica.person(&dn).is_some_and(|person| person.protected))
            };
            let by_address = || Address::parse(written).is_ok_and(|a| protects(replica, &a));
            replica.by_login(&folded(written)).iter().any(|person| person.protected)
                || by_address()
                || by_dn()
        })
    }

    /// Our domains, in alphabetical order.
    pub fn domain_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.domains().keys().cloned().collect();
        names.sort();
        names
    }

    /// True where the address belongs to the active person who logs in with this name (promise 8).
    /// A login that two persons have owns nothing.
    pub fn owns(&self, login: &str, address: &Address) -> bool {
        self.live.read(|replica| match replica.by_login(&folded(login)).as_slice() {
            [person] => !person.inactive && person.owns.iter().any(|a| a.same_as(address)),
            _ => false,
        })
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

    fn rosters(&self) -> std::sync::MutexGuard<'_, HashMap<ListId, (u64, Arc<Roster>)>> {
        self.rosters.lock().unwrap_or_else(PoisonError::into_inner)
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

fn addresses(list: &List) -> Vec<&Address> {
    std::iter::once(&list.address).chain(&list.aliases).collect()
}

/// True where one of those to whom the address belongs is protected.
fn protects(replica: &Replica, address: &Address) -> bool {
    replica.by_address(address).iter().any(|person| person.protected)
}

fn admin(admin: &Admin) -> Member {
    match admin {
        Admin::Address(address) => Member::Address(address.clone()),
        Admin::Group(written) => match dn::normal(written) {
            Some(dn) => Member::Dn(dn),
            None => Member::Bad { value: written.clone(), why: "this is no DN".to_owned() },
        },
    }
}

fn posting_groups(list: &List) -> impl Iterator<Item = &String> {
    list.settings.post.iter().filter_map(|p| match p {
        Posters::Group(dn) => Some(dn),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
