//! How much goes on around a mail: what it shows to everybody, how much its author sends, and storms of answers.
//!
//! Facts only; what is too much decides `listcore::policy`. Kept in memory: after a restart everybody begins anew.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use listcore::address::Address;
use listcore::list::{List, Settings};
use listcore::message::Mail;
use listcore::policy::{Author, Facts, Pace, Shown, Standing, Verified};
use listcore::rate::Rate;
use listcore::rewrite::PostKind;
use listcore::storm::{Limit, Storm, Storms};
use listcore::time::Timestamp;

use super::{Incoming, Pipeline, Target};
use crate::members::Lookup;

/// Authors times lists that are remembered; about 150 octets each.
const AUTHORS: usize = 10_000;

/// Lists whose answers are remembered; 8 octets for each of at most `storm_replies` answers.
const LISTS: usize = 3_000;

const HOUR: Duration = Duration::from_secs(3600);

/// What went through lately.
#[derive(Debug)]
pub struct Traffic {
    /// Within `posts_per_hour`.
    posts: Mutex<Rate>,
    /// As many again, which moderators may get to see.
    more: Mutex<Rate>,
    storms: Mutex<Storms>,
}

impl Default for Traffic {
    fn default() -> Traffic {
        // Each list has a count of its own.
        let hourly = || Mutex::new(Rate::new(1, HOUR, AUTHORS));
        Traffic { posts: hourly(), more: hourly(), storms: Mutex::new(Storms::new(LISTS)) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose mails are counted together: one person's, whatever her addresses. Those of nobody who is verified are counted
/// apart, so that a forger uses up nothing of hers.
fn counted_as(list: &List, author: Option<&Author>, standing: &Standing) -> Option<String> {
    let author = author?;
    let who = match &standing.person {
        Some(person) => format!("person:{}", person.0),
        None => author.address.key(),
    };
    let proven = if matches!(author.verified, Verified::No(_)) { "?" } else { "" };
    Some(format!("{} {proven}{who}", list.id))
}

impl Traffic {
    /// How much the author has sent to the list lately, this mail included; counts nothing.
    pub(super) fn pace(
        &self,
        list: &List,
        author: Option<&Author>,
        standing: &Standing,
        now: Timestamp,
    ) -> Pace {
        let most = list.settings.posts_per_hour;
        let Some(key) = counted_as(list, author, standing).filter(|_| most > 0) else {
            return Pace::Fine;
        };
        if locked(&self.posts).has_room(&key, most, now) {
            Pace::Fine
        } else if locked(&self.more).has_room(&key, most, now) {
            Pace::Fast
        } else {
            Pace::Flood
        }
    }

    /// What an answer to a list of this size is; counts nothing.
    pub(super) fn storm(&self, list: &List, mail: &Mail, size: usize, now: Timestamp) -> Storm {
        match brake(&list.settings, mail, size) {
            Some(limit) => locked(&self.storms).next(&list.id.0, limit, now),
            None => Storm::Calm,
        }
    }

    /// Counts a mail to the list that goes out or waits.
    pub(super) fn count(&self, facts: &Facts<'_>, mail: &Mail, size: usize) {
        if facts.kind != PostKind::List {
            return;
        }
        let (list, now) = (facts.list, facts.now);
        let most = list.settings.posts_per_hour;
        let key = counted_as(list, facts.author.as_ref(), &facts.standing).filter(|_| most > 0);
        if let Some(key) = key {
            let _ = locked(&self.posts).take_of(&key, most, now)
                || locked(&self.more).take_of(&key, most, now);
        }
        if let Some(limit) = brake(&list.settings, mail, size) {
            locked(&self.storms).count(&list.id.0, limit, now);
        }
    }
}

/// The limit that counts for an answer to a list of this size, if any.
fn brake(settings: &Settings, mail: &Mail, size: usize) -> Option<Limit> {
    let answers = mail.count("In-Reply-To") > 0 || mail.count("References") > 0;
    let is_big = usize::try_from(settings.storm_members).is_ok_and(|least| size >= least);
    (answers && is_big && settings.storm_replies > 0).then(|| Limit {
        replies: settings.storm_replies,
        within: Duration::from_secs(60 * u64::from(settings.storm_minutes)),
    })
}

impl Pipeline {
    /// What the mail shows to everybody who gets it from this list.
    pub(super) fn shown(&self, list: &List, incoming: &Incoming, mail: &Mail) -> Shown {
        let mut seen = HashSet::new();
        let shown: Vec<&Address> =
            mail.to.iter().map(|to| &to.address).filter(|a| seen.insert(a.key())).collect();
        let named = shown.iter().filter_map(|address| match self.members.lookup(address) {
            Lookup::List(list) => Some(list.id.clone()),
            _ => None,
        });
        let meant = incoming.targets.iter().filter_map(|(_, target)| match target {
            Target::List(list) => Some(list.id.clone()),
            _ => None,
        });
        let lists: HashSet<_> = named.chain(meant).collect();
        let tenants = self.tenants.load();
        let strange: Vec<&Address> =
            shown.iter().copied().filter(|a| !tenants.contains_key(a.domain())).collect();
        Shown {
            lists: lists.len(),
            recipients: shown.len(),
            outside: self.members.outside(list, &strange),
        }
    }
}

#[cfg(test)]
mod tests;
