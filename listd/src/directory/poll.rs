//! For servers without RFC 4533: a question every `poll_interval`.
//!
//! First for everything, page by page. Where each entry has entryUUID and a stamp, from then on only for names and
//! stamps of all, and for the entries that are new or changed; for everything again each hour, and whenever
//! something does not add up. What `census` decides is carried out here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ldap3::{Ldap, LdapError};
use listcore::dn;
use listcore::entry::Entry;

use super::census::{self, Census, Stamp, Step};
use super::guard;
use super::live::Change;
use super::pages::{self, Question};
use super::query::{Query, StoredCookie};
use super::replica::Replica;
use super::session::{Shared, entry_of};

/// Some changes have no stamp, as those of access rules: everything is asked for at least so often.
const EVERYTHING: Duration = Duration::from_secs(3600);

/// So long after a rename or a deletion the server may still mend the groups that name the entry, without a stamp.
const SETTLES: Duration = Duration::from_secs(5);

/// What the next poll compares with. It is thrown away after any failure, and then everything is asked for.
pub struct Known {
    query: Query,
    stamp: Stamp,
    census: Census,
    whole_at: Instant,
    /// No poll for changes before one for everything that began after this.
    unsettled: Option<Instant>,
}

/// A connection and what is asked on it.
struct Poll {
    shared: Arc<Shared>,
    query: Query,
    ldap: Ldap,
}

/// Asks once and puts in place what differs. Gives what the next poll may compare with; `None`: it asks for everything.
pub async fn once(
    shared: Arc<Shared>,
    query: Query,
    known: Option<Known>,
) -> Result<Option<Known>, String> {
    let (began, at) = ((shared.clock)(), Instant::now());
    let ldap = shared.server.connect().await?;
    let mut poll = Poll { shared: shared.clone(), query, ldap };
    let every = shared.full_refresh.min(EVERYTHING);
    let unsettled = known.as_ref().and_then(|k| k.unsettled).filter(|until| at < *until);
    let usable = known.filter(|k| {
        k.query == poll.query && k.unsettled.is_none() && at.duration_since(k.whole_at) < every
    });
    if let Some(mut known) = usable
        && let Some(changes) = poll.changes(&mut known).await?
    {
        poll.put(&changes, || applied(&shared, &changes));
        shared.live.fresh(began, None);
        return Ok(Some(known));
    }
    let (new, census) = poll.everything().await?;
    let old = shared.live.read(Replica::clone);
    let changes = new.changes_from(&old);
    // A group that still names what was renamed or is gone may be mended after we read it.
    let waits = new.names_any(&census::names_no_more(&old, &changes));
    let unsettled = if waits { Some(at + SETTLES) } else { unsettled };
    poll.put(&changes, || new);
    shared.live.whole();
    shared.live.fresh(began, None);
    let Poll { query, .. } = poll;
    Ok(census.stamp().map(|stamp| Known { query, stamp, census, whole_at: at, unsettled }))
}

impl Known {
    /// The next poll is one for everything.
    pub fn distrust(&mut self) {
        self.unsettled.get_or_insert_with(Instant::now);
    }
}

impl Poll {
    async fn everything(&mut self) -> Result<(Replica, Census), String> {
        let mut asked = self.query.asked();
        asked.extend([Stamp::Csn, Stamp::Time].map(|stamp| stamp.attribute().to_owned()));
        let mut replica = Replica::new(self.shared.mapping.clone());
        let mut census = Census::default();
        let (filter, attributes) = (self.query.filter.clone(), self.query.attributes.clone());
        self.search(&filter, asked, |mut entry| {
            let uuid = census.note(&entry);
            let uuid = uuid.or_else(|| entry.first("entryuuid").map(str::to_ascii_lowercase));
            let uuid = uuid.or_else(|| dn::normal(&entry.dn).map(|key| super::uuid_of(&key)));
            entry.keep(|name| attributes.contains(name));
            if let Some(uuid) = uuid {
                replica.upsert(&uuid, entry);
            }
        })
        .await?;
        Ok((replica, census))
    }

    /// What is another since then; `None` where only everything will do.
    async fn changes(&mut self, known: &mut Known) -> Result<Option<Vec<Change>>, String> {
        let (mut now, filter) = (Census::default(), self.query.filter.clone());
        let stamp = known.stamp.attribute().to_owned();
        self.search(&filter, vec!["entryUUID".to_owned(), stamp.clone()], |entry| {
            drop(now.note(&entry))
        })
        .await?;
        let (read, gone) = match known.census.step_to(&now, known.stamp) {
            Step::Changes { read, gone } => (read, gone),
            Step::Everything(why) => {
                tracing::info!("{why}; asking for everything");
                return Ok(None);
            }
        };
        let mut asked = self.query.asked();
        asked.push(stamp);
        let (mut changes, mut got) = (Vec::new(), Census::default());
        let attributes = self.query.attributes.clone();
        for question in census::questions(&filter, &read) {
            self.search(&question, asked.clone(), |mut entry| {
                let uuid = got.note(&entry);
                entry.keep(|name| attributes.contains(name));
                changes.extend(uuid.map(|uuid| Change::Upsert(uuid, entry)));
            })
            .await?;
        }
        let names = known.census.old_names(&got, &gone);
        // OpenLDAP's refint overlay mends such a group without a new stamp.
        if self.shared.live.read(|replica| replica.names_any(&names)) || !got.has_all(&read) {
            tracing::debug!("an entry of a group was renamed or is gone; asking for everything");
            return Ok(None);
        }
        changes.extend(gone.iter().cloned().map(Change::Remove));
        known.census.take(got, &gone);
        Ok(Some(changes))
    }

    /// The one way into the store and the replica, whole or not at all.
    fn put(&self, changes: &[Change], new: impl FnOnce() -> Replica) {
        let fingerprint = self.query.fingerprint(&self.shared.server.url);
        let cookie = StoredCookie::new(fingerprint, Vec::new());
        self.shared.keeper.update(changes, Some(&cookie));
        if !changes.is_empty() {
            self.shared.live.swap(new());
        }
    }

    async fn search(
        &mut self,
        filter: &str,
        asked: Vec<String>,
        mut take: impl FnMut(Entry) + Send,
    ) -> Result<(), String> {
        let shared = self.shared.clone();
        let explain = |e: &LdapError| {
            let error = shared.server.explain(e);
            if let LdapError::LdapResult { result } = e
                && guard::is_partial(result.rc)
            {
                shared.live.doubt(error.clone());
            }
            error
        };
        let base = &self.query.base;
        let question = Question { base, filter, attributes: asked, names_only: false };
        let search = pages::each(&mut self.ldap, shared.server.timeout, question, |message| {
            take(entry_of(message));
        });
        search.await.map_err(|e| explain(&e))
    }
}

fn applied(shared: &Shared, changes: &[Change]) -> Replica {
    let mut new = shared.live.read(Replica::clone);
    for change in changes {
        match change {
            Change::Upsert(uuid, entry) => new.upsert(uuid, entry.clone()),
            Change::Remove(uuid) => new.remove(uuid),
        };
    }
    new
}
