//! One person, several lists: what is frozen of a mail that names more than one, so that each person gets it once.
//!
//! Not how the lists find each other (the pipeline), nor who is on one. A copy is left out only where another list has
//! sent it, or is about to as far as can be told when it is this one's turn.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::list::ListId;
use crate::options;
use crate::outcome::{Dropped, Outcome};
use crate::recipients::{PersonId, Recipient};

/// Of one mail and one of its lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// The same for each list, and for no other mail: hexadecimal.
    pub mail: String,
    /// Which of the lists in To and Cc this is.
    pub place: usize,
    /// Lists that come before this one.
    pub earlier: Vec<Earlier>,
}

/// A list that may have sent the mail when it is this list's turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    pub list: ListId,
    /// Recipients of this list whom it sends it to, by [`options::who`].
    pub who: BTreeSet<String>,
}

impl Once {
    /// True where an earlier list sends it to this recipient, who `still_gets` that list's mail.
    pub fn comes(&self, who: &Recipient, still_gets: impl Fn(&ListId) -> bool) -> bool {
        if self.earlier.is_empty() {
            return false;
        }
        let key = key(who);
        self.earlier.iter().any(|list| list.who.contains(&key) && still_gets(&list.list))
    }
}

fn key(who: &Recipient) -> String {
    options::who(who.person.as_ref(), &who.address)
}

/// How far another list is with a recipient.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Sent {
    Yes,
    /// Not yet, or the relay did not take it.
    Trying,
}

/// Whom another list sends the mail to.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    list: Option<ListId>,
    people: HashMap<PersonId, Sent>,
    addresses: HashMap<String, Sent>,
}

impl Sender {
    pub fn new(list: ListId) -> Sender {
        Sender { list: Some(list), ..Sender::default() }
    }

    /// One of its recipients; who is not to get it from there does not count.
    pub fn add(&mut self, who: &Recipient, outcome: &Outcome) {
        let sent = match outcome {
            Outcome::Delivered { .. } => Sent::Yes,
            Outcome::Waiting | Outcome::Deferred { .. } | Outcome::Failed { .. } => Sent::Trying,
            Outcome::Dropped { .. } => return,
        };
        if let Some(person) = &who.person {
            self.people.insert(person.clone(), sent);
        }
        self.addresses.insert(who.address.key(), sent);
    }

    fn of(&self, who: &Recipient) -> Option<Sent> {
        let person = who.person.as_ref().and_then(|person| self.people.get(person));
        person.or_else(|| self.addresses.get(&who.address.key())).copied()
    }

    /// Enters into a later list's post what of it this list sends: who has it already is spared, who is about to get it
    /// is asked for again at her turn.
    pub fn enter(&self, to: &[Recipient], once: &mut Once, spared: &mut BTreeMap<String, Dropped>) {
        let Some(list) = self.list.clone() else { return };
        let mut who = BTreeSet::new();
        for recipient in to {
            match self.of(recipient) {
                Some(Sent::Yes) => {
                    spared.entry(key(recipient)).or_insert(Dropped::Elsewhere);
                }
                Some(Sent::Trying) => {
                    who.insert(key(recipient));
                }
                None => {}
            }
        }
        if !who.is_empty() {
            once.earlier.push(Earlier { list, who });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::outcome::Reply;
    use crate::time::Timestamp;

    fn who(person: Option<&str>, address: &str) -> Recipient {
        Recipient {
            person: person.map(|id| PersonId(id.to_owned())),
            address: Address::parse(address).expect("an address"),
            name: None,
            language: None,
        }
    }

    /// By person and by address; what was sent is certain, what is underway is asked for again, what the other list does
    /// not send does not count.
    #[test]
    fn whom_another_list_sends_it_to() {
        let (at, reply) = (Timestamp(0), Reply { code: 250, text: String::new() });
        let sent = Outcome::Delivered { at, reply: reply.clone(), queue_id: None };
        let failed = Outcome::Failed { at, reply };
        let muted = Outcome::Dropped { at, why: Dropped::Muted };
        let mut sender = Sender::new(ListId("5b".to_owned()));
        for (person, address, outcome) in [
            (Some("anna"), "a@x.example", &sent),
            (Some("bert"), "b@x.example", &Outcome::Waiting),
            (Some("carl"), "c@x.example", &muted),
            (None, "d@x.example", &sent),
            (Some("emil"), "e@x.example", &failed),
        ] {
            sender.add(&who(person, address), outcome);
        }
        let to = [
            who(Some("anna"), "other@x.example"),
            who(Some("bert"), "b@x.example"),
            who(Some("carl"), "c@x.example"),
            who(Some("dora"), "D@x.example"),
            who(Some("emil"), "e@x.example"),
            who(Some("fred"), "f@x.example"),
        ];
        let mut once = Once { mail: String::new(), place: 1, earlier: Vec::new() };
        let mut spared = BTreeMap::from([("person:dora".to_owned(), Dropped::Own)]);
        sender.enter(&to, &mut once, &mut spared);
        let spared: Vec<(&str, Dropped)> = spared.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        assert_eq!(spared, [("person:anna", Dropped::Elsewhere), ("person:dora", Dropped::Own)]);
        for (recipient, comes) in to.iter().zip([false, true, false, false, true, false]) {
            assert_eq!(once.comes(recipient, |list| list.0 == "5b"), comes, "{recipient:?}");
            assert!(!once.comes(recipient, |_| false), "the other list is muted by now");
        }
    }
}
