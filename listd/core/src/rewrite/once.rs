//! One person, several lists: what is frozen of a mail that names more than one, so that each person gets it once.
//!
//! Not how the lists find each other (the pipeline), nor who is on one. A copy is left out only where another list has
//! sent it: where that is not yet known when it is this one's turn, it waits.

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
    /// Its post, by number; `None` in posts of earlier versions.
    #[serde(default)]
    pub post: Option<u64>,
    /// Which of that post's recipients they are, counted from 0.
    #[serde(default)]
    pub places: BTreeMap<String, u32>,
}

/// A copy of another list's: its post, and which of its recipients it is for, counted from 0.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    pub post: u64,
    pub place: u32,
}

impl Once {
    /// The copies that earlier lists may send to this recipient: what became of them decides.
    pub fn copies(&self, who: &Recipient) -> Vec<Sending> {
        if self.earlier.is_empty() {
            return Vec::new();
        }
        let key = key(who);
        let copy = |list: &Earlier| {
            Some(Sending { post: list.post?, place: list.places.get(&key).copied()? })
        };
        self.earlier.iter().filter_map(copy).collect()
    }

    /// For posts of earlier versions, whose lists' copies are not known: true where an earlier list sends it to this
    /// recipient, who `still_gets` that list's mail.
    pub fn comes(&self, who: &Recipient, still_gets: impl Fn(&ListId) -> bool) -> bool {
        let unknown = || self.earlier.iter().filter(|list| list.post.is_none());
        if unknown().next().is_none() {
            return false;
        }
        let key = key(who);
        unknown().any(|list| list.who.contains(&key) && still_gets(&list.list))
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
    post: u64,
    people: HashMap<PersonId, (Sent, u32)>,
    addresses: HashMap<String, (Sent, u32)>,
}

impl Sender {
    pub fn new(list: ListId, post: u64) -> Sender {
        Sender { list: Some(list), post, ..Sender::default() }
    }

    /// One of its recipients, at this place; who is not to get it from there does not count, a digest does.
    pub fn add(&mut self, who: &Recipient, place: u32, outcome: &Outcome) {
        let sent = match outcome {
            Outcome::Delivered { .. } => Sent::Yes,
            Outcome::Waiting
            | Outcome::Deferred { .. }
            | Outcome::Failed { .. }
            | Outcome::Dropped { why: Dropped::Digest, .. } => Sent::Trying,
            Outcome::Dropped { .. } => return,
        };
        if let Some(person) = &who.person {
            self.people.insert(person.clone(), (sent, place));
        }
        self.addresses.insert(who.address.key(), (sent, place));
    }

    fn of(&self, who: &Recipient) -> Option<(Sent, u32)> {
        let person = who.person.as_ref().and_then(|person| self.people.get(person));
        person.or_else(|| self.addresses.get(&who.address.key())).copied()
    }

    /// Enters into a later list's post what of it this list sends: who has it already is spared, who is about to get it
    /// is asked for again at her turn.
    pub fn enter(&self, to: &[Recipient], once: &mut Once, spared: &mut BTreeMap<String, Dropped>) {
        let Some(list) = self.list.clone() else { return };
        let (mut who, mut places) = (BTreeSet::new(), BTreeMap::new());
        for recipient in to {
            match self.of(recipient) {
                Some((Sent::Yes, _)) => {
                    spared.entry(key(recipient)).or_insert(Dropped::Elsewhere);
                }
                Some((Sent::Trying, place)) => {
                    places.insert(key(recipient), place);
                    who.insert(key(recipient));
                }
                None => {}
            }
        }
        if !who.is_empty() {
            once.earlier.push(Earlier { list, who, post: Some(self.post), places });
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
        let digest = Outcome::Dropped { at, why: Dropped::Digest };
        let mut sender = Sender::new(ListId("5b".to_owned()), 7);
        for (place, (person, address, outcome)) in (0..).zip([
            (Some("anna"), "a@x.example", &sent),
            (Some("bert"), "b@x.example", &Outcome::Waiting),
            (Some("carl"), "c@x.example", &muted),
            (None, "d@x.example", &sent),
            (Some("emil"), "e@x.example", &failed),
            (Some("gabi"), "g@x.example", &digest),
        ]) {
            sender.add(&who(person, address), place, outcome);
        }
        let to = [
            who(Some("anna"), "other@x.example"),
            who(Some("bert"), "b@x.example"),
            who(Some("carl"), "c@x.example"),
            who(Some("dora"), "D@x.example"),
            who(Some("emil"), "e@x.example"),
            who(Some("fred"), "f@x.example"),
            who(Some("gabi"), "g@x.example"),
        ];
        let mut once = Once { mail: String::new(), place: 1, earlier: Vec::new() };
        let mut spared = BTreeMap::from([("person:dora".to_owned(), Dropped::Own)]);
        sender.enter(&to, &mut once, &mut spared);
        let spared: Vec<(&str, Dropped)> = spared.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        assert_eq!(spared, [("person:anna", Dropped::Elsewhere), ("person:dora", Dropped::Own)]);
        let places = [None, Some(1), None, None, Some(4), None, Some(5)];
        for (recipient, place) in to.iter().zip(places) {
            let copies: Vec<Sending> =
                place.iter().map(|place| Sending { post: 7, place: *place }).collect();
            assert_eq!(once.copies(recipient), copies, "{recipient:?}");
            assert!(!once.comes(recipient, |_| true), "its copies are known");
        }
    }

    /// What an earlier version has stored: where her copy of the other list is can't be told.
    #[test]
    fn a_post_of_an_earlier_version() {
        let stored = r#"{"mail":"m","place":1,"earlier":[{"list":"5b","who":["person:bert"]}]}"#;
        let once: Once = serde_json::from_str(stored).expect("a stored form");
        let bert = who(Some("bert"), "b@x.example");
        assert!(once.comes(&bert, |list| list.0 == "5b") && once.copies(&bert).is_empty());
        assert!(!once.comes(&bert, |_| false), "the other list is muted by now");
        assert!(!once.comes(&who(Some("anna"), "a@x.example"), |_| true));
    }
}
