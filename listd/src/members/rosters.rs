//! Who gets the mail of a list, and who looks after it: members, owners, moderators, admins.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use listcore::address::Address;
use listcore::config::Admin;
use listcore::dn;
use listcore::list::{List, ListId};
use listcore::recipients::{Group, Member, Recipient, Roster, expand, expand_for};

use super::{Members, Trust};

impl Members {
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
    pub(super) fn current(&self, id: &ListId) -> Option<Arc<Roster>> {
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

    fn rosters(&self) -> MutexGuard<'_, HashMap<ListId, (u64, Arc<Roster>)>> {
        self.rosters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn addresses(list: &List) -> Vec<&Address> {
    std::iter::once(&list.address).chain(&list.aliases).collect()
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
