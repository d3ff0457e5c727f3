//! Whom somebody let onto a list that is gone: kept for a while, since a group may come back, and then erased.
//!
//! That a list is gone says only a directory that is sure (promise 6), every time that is looked.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use listcore::address::Address;
use listcore::list::ListId;
use listcore::time::Timestamp;

use crate::store::admitted::Admissions;
use crate::store::held::{Holds, Mark, MarkKind};
use crate::store::{Move, StoreError};

/// How long a list may be away.
pub const AWAY: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is read and changed.
pub trait Kept: Admissions + Holds {}
impl<S: Admissions + Holds> Kept for S {}

/// All lists that there are; `None` while the directory is not sure.
pub type Known = Box<dyn Fn(Timestamp) -> Option<HashSet<ListId>> + Send + Sync>;

/// Told of somebody who is on a list no more.
pub type Dismissed = Box<dyn Fn(&ListId, &Address) + Send + Sync>;

/// Looks once: notes which lists are gone since when, and erases whom they had beside the directory.
pub(super) async fn erase(
    store: &dyn Kept,
    known: &Known,
    dismissed: &Dismissed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(known) = known(now) else { return Ok(()) };
    let mut people: BTreeMap<String, Vec<(ListId, Address)>> = BTreeMap::new();
    for one in store.admitted().await? {
        people.entry(one.list.0.clone()).or_default().push((one.list, one.address));
    }
    for (id, people) in people {
        let list = ListId(id);
        let marks = store.marked(MarkKind::Gone, Some(&list), "", now).await?;
        let since = marks.iter().filter_map(|mark| mark.value.parse().ok().map(Timestamp)).min();
        let mark = |at: Timestamp, until: Option<Timestamp>| {
            let (value, list) = (at.0.to_string(), Some(list.clone()));
            Move::Mark(Mark { kind: MarkKind::Gone, list, who: String::new(), value, until })
        };
        match (known.contains(&list), since) {
            (true, None) => {}
            (true, Some(_)) => {
                let back = |old: &Mark| Move::Mark(Mark { until: Some(now), ..old.clone() });
                store.commit(marks.iter().map(back).collect()).await?;
            }
            (false, None) => _ = store.commit(vec![mark(now, None)]).await?,
            (false, Some(since)) if now.since(since) > AWAY => {
                let out = people.iter().map(|(list, address)| {
                    let (list, address) = (list.clone(), address.clone());
                    Move::Dismiss { list, address }
                });
                store.commit(out.chain([mark(since, Some(now))]).collect()).await?;
                people.iter().for_each(|(list, address)| dismissed(list, address));
                tracing::warn!(
                    list = list.0,
                    people = people.len(),
                    "a list is gone for good, and so are those whom somebody had let onto it"
                );
            }
            (false, Some(_)) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use listcore::hold::By;

    use super::*;
    use crate::store::Commit;
    use crate::store::admitted::Admitted;
    use crate::store::memory::MemoryStore;

    const DAY: i64 = 24 * 3600 * 1000;

    fn admitted(list: &str, address: &str) -> Admitted {
        Admitted {
            list: ListId(list.into()),
            address: Address::parse(address).expect("an address"),
            name: String::new(),
            language: None,
            person: None,
            by: By::Admin("root".into()),
            at: Timestamp(0),
        }
    }

    /// Promise 6, GD9: 30 days after a sure directory has said first that a list is gone, and still says so; a list that
    /// comes back starts anew, and trouble with the directory counts for nothing.
    #[tokio::test]
    async fn who_was_let_onto_a_list_goes_with_it() {
        let store = MemoryStore::new();
        for (list, who) in
            [("5b", "oma@x.example"), ("5b", "opa@x.example"), ("6a", "oma@x.example")]
        {
            store.commit(vec![Move::Admit(Box::new(admitted(list, who)))]).await.expect("admitted");
        }
        let lists: Arc<Mutex<Option<Vec<&str>>>> = Arc::default();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (there, heard) = (lists.clone(), told.clone());
        let known: Known = Box::new(move |_| {
            let there = there.lock().expect("a lock").clone()?;
            Some(there.into_iter().map(|id| ListId(id.into())).collect())
        });
        let dismissed: Dismissed = Box::new(move |list, address| {
            heard.lock().expect("a lock").push(format!("{} {address}", list.0));
        });
        let left = async |day: i64, now: Option<Vec<&'static str>>| {
            *lists.lock().expect("a lock") = now;
            erase(&*store, &known, &dismissed, Timestamp(day * DAY)).await.expect("looked");
            store.admitted().await.expect("read").len()
        };
        let both = || Some(vec!["5b", "6a"]);
        let gone = || Some(vec!["6a"]);
        assert_eq!(left(0, both()).await, 3);
        assert_eq!(left(1, None).await, 3);
        assert_eq!(left(100, gone()).await, 3, "since now");
        assert_eq!(left(120, both()).await, 3, "it is back");
        assert_eq!(left(140, gone()).await, 3, "and gone again");
        assert_eq!(left(170, gone()).await, 3, "30 days are not over");
        assert_eq!(left(171, None).await, 3, "nobody can say");
        assert_eq!(left(172, gone()).await, 1);
        assert_eq!(*told.lock().expect("a lock"), ["5b oma@x.example", "5b opa@x.example"]);
        assert_eq!(left(173, gone()).await, 1);
    }
}
