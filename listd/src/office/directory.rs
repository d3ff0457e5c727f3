//! The directory and what its safety catch holds, for `listctl directory`: the state, the differences, an admin's word.

use listcore::address::Address;
use listcore::api;

use super::Office;
use super::veil::Veil;
use crate::control::Answer;
use crate::directory::{Freshness, Mode};
use crate::members::{DirectoryStatus, Held};

/// Posts that are tried at once when an admin releases a list; what is behind them is due soon anyway.
const RELEASE_AT_ONCE: usize = 10_000;

impl Office {
    pub(super) fn what_is_known(&self) -> api::DirectoryDetail {
        let now = (self.clock)();
        let status = self.members.status(now);
        api::DirectoryDetail {
            now,
            csn: status.csn.clone(),
            held: status.held.iter().map(held).collect(),
            state: state(status),
        }
    }

    pub(super) fn differences(
        &self,
        list: Option<&str>,
        veil: &Veil<'_>,
    ) -> Answer<Vec<api::Difference>> {
        let all = self.members.held();
        let chosen = match list {
            None => all.iter().map(|h| (h.name.clone(), h.address.clone())).collect(),
            Some(name) => vec![self.held_or_there(name, &all)?],
        };
        let line = |(name, address): (String, Option<Address>)| {
            let known = self.members.difference(&name)?;
            let held = all.iter().find(|h| h.name == name);
            let [(went, went_protected), (came, came_protected)] = veil.changes(&known);
            Some(api::Difference {
                list: address.map(|address| address.to_string()),
                held_since: held.map(|h| h.since),
                accepted: known.accepted,
                now: held.map_or(known.now, |h| h.now),
                went,
                came,
                went_protected,
                came_protected,
            })
        };
        Ok(chosen.into_iter().filter_map(line).collect())
    }

    pub(super) async fn believe(&self, list: Option<&str>, who: &str) -> Answer<Vec<api::Held>> {
        let all = self.members.held();
        let name = list.map(|list| self.held_or_there(list, &all)).transpose()?;
        let names = name.map(|(name, _)| vec![name]);
        let accepted = self.members.accept(names.as_deref());
        self.released(&accepted, "accepted", who).await?;
        Ok(accepted.iter().map(held).collect())
    }

    pub(super) async fn disbelieve(&self, who: &str) -> Answer<Vec<api::Held>> {
        let rejected = self.members.reject();
        self.released(&rejected, "rejected", who).await?;
        Ok(rejected.iter().map(held).collect())
    }

    /// A list that is there, or one that is gone and held: its id and address.
    fn held_or_there(&self, name: &str, held: &[Held]) -> Answer<(String, Option<Address>)> {
        let called = |h: &&Held| {
            let address = h.address.as_ref();
            h.name == name
                || address.is_some_and(|a| {
                    a.to_string().eq_ignore_ascii_case(name) || a.local().eq_ignore_ascii_case(name)
                })
        };
        match self.find(name) {
            Ok(list) => Ok((list.id.0.clone(), Some(list.address.clone()))),
            Err(problem) => {
                held.iter().find(called).map(|h| (h.name.clone(), h.address.clone())).ok_or(problem)
            }
        }
    }

    /// Logs and stores what an admin decided, and lets the mail go that waited for it.
    async fn released(&self, lists: &[Held], what: &str, who: &str) -> Answer<()> {
        for one in lists {
            let list = one.address.as_ref().map_or("all lists".to_owned(), ToString::to_string);
            tracing::warn!(
                who,
                list,
                before = one.accepted,
                now = one.now,
                "an admin {what} what the directory says"
            );
        }
        self.alarm.measure().await;
        let all = lists.iter().any(|h| h.address.is_none());
        let hit = |id: &str| all || lists.iter().any(|h| h.name == id);
        for post in self.store.waiting(RELEASE_AT_ONCE).await? {
            if hit(&post.frozen.list.0) {
                self.scheduler.retry_now(Some(post.id)).await?;
            }
        }
        Ok(())
    }
}

/// The directory's state in the words of the control API.
pub(super) fn state(status: DirectoryStatus) -> api::DirectoryState {
    let mode = match status.mode {
        Mode::File => "file",
        Mode::Sync => "refreshAndPersist",
        Mode::Poll => "poll, everything",
        Mode::PollChanges => "poll, changes since",
    };
    api::DirectoryState {
        url: status.url,
        mode: mode.to_owned(),
        freshness: match status.freshness {
            Freshness::Fresh => api::Freshness::Fresh,
            Freshness::Stale { .. } => api::Freshness::Stale,
            Freshness::Never => api::Freshness::Never,
        },
        as_of: status.fresh_at,
        people: status.people,
        groups: status.groups,
        lists: status.lists,
        held: status.held.len(),
        last_error: status.last_error,
        warnings: status.warnings,
    }
}

fn held(held: &Held) -> api::Held {
    api::Held {
        list: held.address.as_ref().map(ToString::to_string),
        title: held.title.clone(),
        since: held.since,
        accepted: held.accepted,
        now: held.now,
        rejected: held.rejected,
        gone: held.gone,
    }
}
