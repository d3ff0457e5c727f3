//! Entries that got another name, and the groups that still know the old one.
//!
//! OpenLDAP's refint overlay mends `member` after a rename, but neither tells the content sync nor moves
//! entryCSN. So the groups that named the old DN are read again, a few times, since refint works in the background.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use listcore::dn;
use tokio::time::Instant;

use super::live::Change;
use super::replica::{Replica, Uuid};

/// When the groups are read again, counted from the rename.
const AFTER: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(400), Duration::from_secs(3)];

/// Most groups in one question.
const AT_ONCE: usize = 100;

/// Old names and when to look at whoever still uses them.
#[derive(Debug, Default)]
pub struct Moved {
    /// In no order: the earliest is found by looking at all.
    old: VecDeque<(Instant, String)>,
}

impl Moved {
    /// Notes what is about to be renamed by these changes. Call it before they are applied.
    pub fn note(&mut self, before: &Replica, changes: &[Change]) {
        for change in changes {
            if let Change::Upsert(uuid, entry) = change
                && let Some(old) = before.dn(uuid)
                && dn::normal(&entry.dn).as_deref() != Some(old)
            {
                let now = Instant::now();
                self.old.extend(AFTER.iter().map(|after| (now + *after, old.to_owned())));
            }
        }
    }

    /// Waits until a name is due; for ever where there is none.
    pub async fn due(&self) {
        match self.old.iter().map(|(due, _)| *due).min() {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// The groups to be read now, in questions of a bearable size: filters by entryUUID.
    pub fn questions(&mut self, replica: &Replica) -> Vec<String> {
        let now = Instant::now();
        let (due, later): (VecDeque<_>, VecDeque<_>) =
            self.old.drain(..).partition(|(due, _)| *due <= now);
        self.old = later;
        let names: BTreeSet<String> = due.into_iter().map(|(_, name)| name).collect();
        let groups: BTreeSet<Uuid> = names.iter().flat_map(|name| replica.naming(name)).collect();
        let groups: Vec<Uuid> = groups.into_iter().collect();
        groups.chunks(AT_ONCE).map(one_of).collect()
    }
}

fn one_of(uuids: &[Uuid]) -> String {
    let parts: String = uuids.iter().map(|uuid| format!("(entryUUID={uuid})")).collect();
    format!("(|{parts})")
}
