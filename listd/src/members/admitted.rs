//! People beside the directory: whom somebody let onto a list, and the roster with them.
//!
//! Not who may let them in (`desk`, `office`), nor where it is kept (`store`). The guard never counts them: what the
//! directory says of a list is measured without them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use listcore::address::Address;
use listcore::list::ListId;
use listcore::recipients::{Recipient, Roster};

use super::Members;
use super::rosters::addresses;
use crate::store::admitted::Admitted;

/// Of one list, by mailbox.
type People = BTreeMap<String, Admitted>;

#[derive(Debug, Default)]
pub(super) struct Admissions {
    lists: RwLock<HashMap<ListId, Arc<People>>>,
    /// The rosters with them, and what each was made of.
    rosters: Mutex<HashMap<ListId, Made>>,
}

#[derive(Debug)]
struct Made {
    generation: u64,
    before: Arc<Roster>,
    people: Arc<People>,
    roster: Arc<Roster>,
}

impl Members {
    /// She is on the list from the next question on.
    pub fn admit(&self, admitted: Admitted) {
        let mut lists = self.admitted.lists.write().unwrap_or_else(PoisonError::into_inner);
        let people = Arc::make_mut(lists.entry(admitted.list.clone()).or_default());
        people.insert(admitted.address.key(), admitted);
    }

    /// She is not any more; says whether she was.
    pub fn dismiss(&self, list: &ListId, address: &Address) -> bool {
        let mut lists = self.admitted.lists.write().unwrap_or_else(PoisonError::into_inner);
        let Some(people) = lists.get_mut(list) else { return false };
        let was = Arc::make_mut(people).remove(&address.key()).is_some();
        if people.is_empty() {
            lists.remove(list);
        }
        was
    }

    /// All who were let onto a list, by mailbox; also those whom the directory names there meanwhile.
    pub fn admitted(&self, list: &ListId) -> Vec<Admitted> {
        self.people_beside(list).iter().flat_map(|people| people.values().cloned()).collect()
    }

    /// How one who is on a list was let in, by whatever address; `None` for one whom nobody let in.
    pub fn admission(&self, list: &ListId, who: &Recipient) -> Option<Admitted> {
        let people = self.people_beside(list)?;
        let same = |one: &&Admitted| {
            one.address.same_as(&who.address) || one.person.is_some() && one.person == who.person
        };
        people.values().find(same).cloned()
    }

    fn people_beside(&self, list: &ListId) -> Option<Arc<People>> {
        let lists = self.admitted.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists.get(list).cloned()
    }

    /// The roster with those who were let in; the same where nobody was.
    pub(super) fn admitting(&self, id: &ListId, before: Arc<Roster>) -> Arc<Roster> {
        let Some(people) = self.people_beside(id) else { return before };
        let generation = self.live.generation();
        let mut rosters = self.admitted.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = rosters.get(id)
            && made.generation == generation
            && Arc::ptr_eq(&made.before, &before)
            && Arc::ptr_eq(&made.people, &people)
        {
            return made.roster.clone();
        }
        let list = self.list(id);
        let own = list.as_deref().map(addresses).unwrap_or_default();
        let roster = self.live.read(|replica| {
            // A person of the directory is found by who she is: her address may have changed since.
            let now = |one: &Admitted| {
                let known = one.person.as_ref().and_then(|id| replica.person_by_id(&id.0));
                let moved = known.and_then(|person| person.address.clone());
                let who = one.recipient();
                Recipient { address: moved.unwrap_or_else(|| who.address.clone()), ..who }
            };
            let people: Vec<Recipient> = people.values().map(now).collect();
            Arc::new(before.admitting(replica, &own, &people))
        });
        let made = Made { generation, before, people, roster: roster.clone() };
        rosters.insert(id.clone(), made);
        roster
    }
}
