//! One RFC 4533 session, refresh and persist, on one connection, from its login to its end.
//!
//! It runs in a task of its own, because ldap3 panics on malformed answers. Trying again is `follow`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use ldap3::controls::{
    Control, ControlType, EntryState, MakeCritical, RefreshMode, SyncDone, SyncInfo, SyncRequest,
    SyncState, parse_syncinfo,
};
use ldap3::{Ldap, LdapError, ResultEntry, Scope, SearchEntry, SearchStream};
use listcore::entry::Entry;
use listcore::mapping::Mapping;

use super::connect::Server;
use super::guard;
use super::hyphened;
use super::live::{Change, Live};
use super::moved::Moved;
use super::query::{Query, StoredCookie, change_numbers};
use super::refresh::Refresh;
use super::replica::Replica;
use super::snapshot::Keeper;
use crate::clock::Clock;

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The server has no RFC 4533 for this base.
    NoSync,
    /// The cookie is too old (RFC 4533 3.5): once more from nothing.
    StaleCookie,
    /// Dynamic groups look at attributes that were not asked for: once more with these.
    Widen(BTreeSet<String>),
    /// Once more from nothing: some changes are never told, as those of access rules or of a parent's name.
    TimeForAll,
    /// What, where, what to do.
    Failed(String),
}

/// What all parts of the LDAP source share.
pub struct Shared {
    pub server: Server,
    pub mapping: Arc<Mapping>,
    pub live: Arc<Live>,
    pub keeper: Keeper,
    pub clock: Clock,
    /// True while a session is in its persist stage.
    pub listening: std::sync::atomic::AtomicBool,
    /// False where the server answers the question for contextCSN without one.
    pub tells_csn: std::sync::atomic::AtomicBool,
    /// How long a session lasts before everything is asked for again.
    pub full_refresh: std::time::Duration,
    /// Asks the session to begin again, because it seems to be deaf.
    pub again: tokio::sync::Notify,
}

/// A refresh may be silent for so many times the server's timeout while the server searches.
const PATIENCE: u32 = 6;

type Stream = SearchStream<'static, String, Vec<String>>;

/// Runs until the connection or the search ends. `cookie` is empty for a refresh from nothing.
pub async fn run(shared: Arc<Shared>, query: Query, cookie: Vec<u8>) -> End {
    let mut session = Session {
        fingerprint: query.fingerprint(&shared.server.url),
        shared,
        query,
        cookie,
        moved: Moved::default(),
    };
    match session.follow().await {
        Ok(end) | Err(end) => end,
    }
}

struct Session {
    shared: Arc<Shared>,
    query: Query,
    cookie: Vec<u8>,
    fingerprint: [u8; 32],
    moved: Moved,
}

impl Session {
    async fn follow(&mut self) -> Result<End, End> {
        let began = (self.shared.clock)();
        let mut ldap = self.shared.server.connect().await.map_err(End::Failed)?;
        let request = SyncRequest {
            mode: RefreshMode::RefreshAndPersist,
            cookie: Some(self.cookie.clone()).filter(|c| !c.is_empty()),
            reload_hint: true,
        };
        let search = ldap.with_controls(request.critical()).streaming_search(
            &self.query.base,
            Scope::Subtree,
            &self.query.filter,
            self.query.asked(),
        );
        let mut stream = search.await.map_err(|e| self.failed(&e))?;
        let from_nothing = self.cookie.is_empty();
        self.refresh(&mut stream).await?;
        let csn = self.csn();
        self.shared.live.fresh(began, csn);
        self.shared.keeper.touch();
        self.check_wanted(self.shared.live.read(Replica::wanted))?;
        if !from_nothing {
            // A server that was restored from a backup calls entries unchanged that are older now, and without a
            // contextCSN in the backup it does not notice. A cookie serves to be up to date soon, not to be sure.
            return Ok(End::TimeForAll);
        }
        self.shared.listening.store(true, std::sync::atomic::Ordering::Release);
        let whole = tokio::time::sleep(self.shared.full_refresh);
        tokio::pin!(whole);
        loop {
            tokio::select! {
                next = stream.next() => match next.map_err(|e| self.failed(&e))? {
                    Some(entry) => self.persist(entry)?,
                    None => return Err(self.end_of(&mut stream).await),
                },
                () = self.moved.due() => self.read_again(&mut ldap).await?,
                () = &mut whole => return Ok(End::TimeForAll),
                () = self.shared.live.asked_for_all() => return Ok(End::TimeForAll),
                () = self.shared.again.notified() => {
                    return Ok(End::Failed("the server has news that it did not tell us; asking again".to_owned()));
                }
            }
        }
    }

    /// Collects until the server says that the refresh is done, then puts the new state in place.
    async fn refresh(&mut self, stream: &mut Stream) -> Result<(), End> {
        let from_nothing = self.cookie.is_empty();
        let mut refresh = Refresh::new(from_nothing);
        let mut referrals = 0_usize;
        loop {
            let next = tokio::time::timeout(self.shared.server.timeout * PATIENCE, stream.next());
            let next = next.await.map_err(|elapsed| self.failed(&elapsed.into()))?;
            let Some(message) = next.map_err(|e| self.failed(&e))? else {
                return Err(self.end_of(stream).await);
            };
            if message.is_ref() {
                referrals += 1;
                continue;
            }
            if message.is_intermediate() {
                if self.collect_info(&mut refresh, parse_syncinfo(message)) {
                    break;
                }
                continue;
            }
            let (state, uuid) = self.state_of(&message)?;
            match state {
                EntryState::Add | EntryState::Modify => refresh.upsert(uuid, self.entry(message)),
                EntryState::Present => refresh.present(uuid),
                EntryState::Delete => refresh.delete(uuid),
            }
        }
        if referrals > 0 {
            tracing::warn!(
                url = self.shared.server.url,
                referrals,
                "the directory has referrals to other servers, which are not followed: who is only there gets no mail"
            );
        }
        self.swap_in(refresh, from_nothing)
    }

    /// True once the refresh is done.
    fn collect_info(&mut self, refresh: &mut Refresh, info: SyncInfo) -> bool {
        match info {
            SyncInfo::NewCookie(cookie) => {
                self.cookie = cookie;
                false
            }
            SyncInfo::RefreshPresent { cookie, refresh_done } => {
                self.cookie = cookie.unwrap_or(std::mem::take(&mut self.cookie));
                refresh.end_of_present();
                refresh_done
            }
            SyncInfo::RefreshDelete { cookie, refresh_done } => {
                self.cookie = cookie.unwrap_or(std::mem::take(&mut self.cookie));
                refresh_done
            }
            SyncInfo::SyncIdSet { cookie, refresh_deletes, sync_uuids } => {
                self.cookie = cookie.unwrap_or(std::mem::take(&mut self.cookie));
                for uuid in sync_uuids.iter().map(|u| hyphened(u)) {
                    if refresh_deletes { refresh.delete(uuid) } else { refresh.present(uuid) }
                }
                false
            }
        }
    }

    fn swap_in(&mut self, refresh: Refresh, from_nothing: bool) -> Result<(), End> {
        let old = self.shared.live.read(Replica::clone);
        if !refresh.fits(&old) {
            return Err(End::StaleCookie);
        }
        let new = refresh.applied_to(&old);
        let changes = new.changes_from(&old);
        if !from_nothing {
            self.moved.note(&old, &changes);
        }
        let cookie = StoredCookie::new(self.fingerprint, self.cookie.clone());
        if from_nothing {
            self.shared.keeper.replace(&new, &cookie);
            self.shared.live.whole();
        } else {
            self.shared.keeper.update(&changes, Some(&cookie));
        }
        if !changes.is_empty() {
            self.shared.live.swap(new);
        }
        Ok(())
    }

    /// One message of the persist stage: one change, seen at once.
    fn persist(&mut self, message: ResultEntry) -> Result<(), End> {
        if message.is_ref() {
            return Ok(());
        }
        let changes = if message.is_intermediate() {
            self.persist_info(parse_syncinfo(message))
        } else {
            let (state, uuid) = self.state_of(&message)?;
            match state {
                EntryState::Add | EntryState::Modify => {
                    vec![Change::Upsert(uuid, self.entry(message))]
                }
                EntryState::Delete => vec![Change::Remove(uuid)],
                EntryState::Present => vec![],
            }
        };
        self.shared.live.read(|before| self.moved.note(before, &changes));
        self.shared.live.apply(&changes);
        self.shared.live.heard(self.csn());
        let cookie = StoredCookie::new(self.fingerprint, self.cookie.clone());
        self.shared.keeper.update(&changes, Some(&cookie));
        for change in &changes {
            if let Change::Upsert(uuid, entry) = change
                && let Some(group) = self.shared.mapping.group(uuid, entry)
            {
                self.check_wanted(Mapping::attributes_of(&group))?;
            }
        }
        Ok(())
    }

    /// Reads the groups again that name an entry which has moved.
    async fn read_again(&mut self, ldap: &mut Ldap) -> Result<(), End> {
        for question in self.shared.live.read(|replica| self.moved.questions(replica)) {
            let base = &self.query.base;
            ldap.with_timeout(self.shared.server.timeout);
            let found = ldap.search(base, Scope::Subtree, &question, self.query.asked()).await;
            let found =
                found.and_then(ldap3::SearchResult::success).map_err(|e| self.failed(&e))?;
            let mut changes = Vec::new();
            for message in found.0 {
                let mut entry = entry_of(message);
                let uuid = entry.first("entryuuid").map(str::to_ascii_lowercase);
                entry.keep(|name| self.query.attributes.contains(name));
                changes.extend(uuid.map(|uuid| Change::Upsert(uuid, entry)));
            }
            self.shared.live.apply(&changes);
            self.shared.keeper.update(&changes, None);
        }
        Ok(())
    }

    fn persist_info(&mut self, info: SyncInfo) -> Vec<Change> {
        let (cookie, gone) = match info {
            SyncInfo::NewCookie(cookie) => (Some(cookie), vec![]),
            SyncInfo::RefreshDelete { cookie, .. } | SyncInfo::RefreshPresent { cookie, .. } => {
                (cookie, vec![])
            }
            SyncInfo::SyncIdSet { cookie, refresh_deletes, sync_uuids } => {
                let gone = sync_uuids.iter().filter(|_| refresh_deletes);
                (cookie, gone.map(|u| Change::Remove(hyphened(u))).collect())
            }
        };
        if let Some(cookie) = cookie {
            self.cookie = cookie;
        }
        gone
    }

    fn state_of(&mut self, message: &ResultEntry) -> Result<(EntryState, String), End> {
        let state = message.1.iter().find_map(|control| match control {
            Control(Some(ControlType::SyncState), raw) => Some(raw.parse::<SyncState>()),
            _ => None,
        });
        // A server that ignores the control sends plain entries: it cannot be followed.
        let state = state.ok_or(End::NoSync)?;
        if let Some(cookie) = state.cookie {
            self.cookie = cookie;
        }
        Ok((state.state, hyphened(&state.entry_uuid)))
    }

    fn entry(&self, message: ResultEntry) -> Entry {
        let mut entry = entry_of(message);
        entry.keep(|name| self.query.attributes.contains(name));
        entry
    }

    fn check_wanted(&self, wanted: BTreeSet<String>) -> Result<(), End> {
        if wanted.is_subset(&self.query.attributes) {
            return Ok(());
        }
        Err(End::Widen(self.query.attributes.union(&wanted).cloned().collect()))
    }

    fn csn(&self) -> Option<String> {
        let cookie = String::from_utf8_lossy(&self.cookie);
        let numbers: Vec<String> = change_numbers([cookie.as_ref()]).into_values().collect();
        (!numbers.is_empty()).then(|| numbers.join(";"))
    }

    /// The search is over, which a persistent one never should be.
    async fn end_of(&mut self, stream: &mut Stream) -> End {
        let result = stream.finish().await;
        for control in &result.ctrls {
            if let Control(Some(ControlType::SyncDone), raw) = control {
                tracing::debug!(deletes = raw.parse::<SyncDone>().refresh_deletes, "sync done");
            }
        }
        match result.rc {
            // "consumer state is newer than provider": the server was restored from an older backup.
            53 if !self.cookie.is_empty() => End::StaleCookie,
            // unavailableCriticalExtension, unwillingToPerform
            12 | 53 => End::NoSync,
            // e-syncRefreshRequired
            4096 => End::StaleCookie,
            0 => End::Failed(format!(
                "the LDAP server {} ended the search; it is asked again",
                self.shared.server.url
            )),
            rc => {
                let error = self.shared.server.explain(&LdapError::LdapResult { result });
                if guard::is_partial(rc) {
                    self.shared.live.doubt(error.clone());
                }
                End::Failed(error)
            }
        }
    }

    fn failed(&self, error: &LdapError) -> End {
        End::Failed(self.shared.server.explain(error))
    }
}

/// An entry of the server as ours.
pub fn entry_of(message: ResultEntry) -> Entry {
    let from = SearchEntry::construct(message);
    let mut entry = Entry::new(&from.dn);
    for (name, values) in &from.attrs {
        values.iter().for_each(|value| entry.push(name, value.as_bytes()));
    }
    for (name, values) in &from.bin_attrs {
        values.iter().for_each(|value| entry.push(name, value));
    }
    entry
}
