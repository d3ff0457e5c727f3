//! What a member wishes of a list: no mail for a while, a digest, no copy of her own mails. Kept beside the directory, per person.
//!
//! Values, and whose wish counts. Not where they are stored, nor what a page asks (`listd/src/web/wishes.rs`).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::digest::Period;
use crate::list::ListId;
use crate::recipients::{PersonId, Recipient};
use crate::time::Timestamp;

/// Stored as JSON; a new field gets a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    pub mute: Mute,
    pub digest: Digest,
    /// No copy of what she wrote herself.
    pub no_own: bool,
    /// No copy of what she gets anyway, in To or Cc.
    pub no_addressed: bool,
    /// Text without formatting.
    pub plain: bool,
}

/// Whether mails are gathered for her into one.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Digest {
    #[default]
    Off,
    Daily,
    Weekly,
}

impl Digest {
    /// How often; `None` = each mail goes out by itself.
    pub fn period(self) -> Option<Period> {
        match self {
            Digest::Off => None,
            Digest::Daily => Some(Period::Daily),
            Digest::Weekly => Some(Period::Weekly),
        }
    }
}

/// Whether mail is wanted.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mute {
    #[default]
    No,
    /// None before this.
    Until(Timestamp),
    ForGood,
    /// The same, on a list that takes it for leaving (`unsubscribe = "leave"`).
    Left,
}

impl Mute {
    /// No mail, and no end to that.
    pub fn is_for_good(self) -> bool {
        matches!(self, Mute::ForGood | Mute::Left)
    }
}

/// By which way somebody said that she wants no more mail.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Left {
    /// One click (RFC 8058), also that of the page behind it.
    Click,
    /// Her settings.
    Page,
    /// A mail to `-unsubscribe`.
    Mail,
    /// She told her provider that it is spam, and the provider told us (rule C1).
    Complaint,
}

impl Options {
    /// No wishes.
    pub const NONE: Options = Options {
        mute: Mute::No,
        digest: Digest::Off,
        no_own: false,
        no_addressed: false,
        plain: false,
    };

    /// No copy goes to her now.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        match self.mute {
            Mute::No => false,
            Mute::Until(end) => now < end,
            Mute::ForGood | Mute::Left => true,
        }
    }
}

/// What somebody chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// `None` = for all lists.
    pub list: Option<ListId>,
    pub person: Option<PersonId>,
    /// Where her copies went when she chose.
    pub address: Address,
    pub options: Options,
    pub at: Timestamp,
    /// How she said that she wants no mail, or none for a while.
    #[serde(default)]
    pub by: Option<Left>,
}

impl Choice {
    /// What names it beside the list: the person, else the address.
    pub fn who(&self) -> String {
        who(self.person.as_ref(), &self.address)
    }
}

/// What names somebody in the store: the person, else the address.
pub fn who(person: Option<&PersonId>, address: &Address) -> String {
    person.map_or_else(|| address.key(), |person| format!("person:{}", person.0))
}

/// All choices, to be asked for each copy.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// By `who` and list.
    choices: HashMap<(String, Option<ListId>), Choice>,
    /// The same by the address.
    addresses: HashMap<(String, Option<ListId>), Vec<String>>,
    /// Somebody wished so at least once: else nobody has to be asked for each copy.
    plain: bool,
    spares: bool,
}

impl Book {
    /// Takes a choice; it replaces the one before.
    pub fn set(&mut self, choice: Choice) {
        self.plain |= choice.options.plain;
        self.spares |= choice.options.no_own || choice.options.no_addressed;
        let by_address = (choice.address.key(), choice.list.clone());
        let named = self.addresses.entry(by_address).or_default();
        if !named.contains(&choice.who()) {
            named.push(choice.who());
        }
        self.choices.insert((choice.who(), choice.list.clone()), choice);
    }

    /// Whose mail ended because of a complaint.
    pub fn complained(&self) -> impl Iterator<Item = &Choice> {
        let so = |choice: &&Choice| choice.by == Some(Left::Complaint);
        self.choices.values().filter(so).filter(|choice| choice.options.mute.is_for_good())
    }

    /// False where nobody ever wished for plain text.
    pub fn has_plain(&self) -> bool {
        self.plain
    }

    /// False where nobody ever wished to be spared a copy.
    pub fn has_spares(&self) -> bool {
        self.spares
    }

    /// What counts for a recipient of a list: her own choice; else that of whoever had the address before, where
    /// `is_gone` says that the directory knows that person no more (a new account with the same address).
    pub fn of(
        &self,
        list: &ListId,
        recipient: &Recipient,
        is_gone: &dyn Fn(&PersonId) -> bool,
    ) -> Option<&Choice> {
        [Some(list.clone()), None].into_iter().find_map(|list| {
            let own = who(recipient.person.as_ref(), &recipient.address);
            let own = self.choices.get(&(own, list.clone()));
            own.or_else(|| self.inherited(&recipient.address, list, is_gone))
        })
    }

    fn inherited(
        &self,
        address: &Address,
        list: Option<ListId>,
        is_gone: &dyn Fn(&PersonId) -> bool,
    ) -> Option<&Choice> {
        let named = self.addresses.get(&(address.key(), list.clone()))?;
        let of = |who: &String| self.choices.get(&(who.clone(), list.clone()));
        let counts = |choice: &&Choice| {
            choice.address.same_as(address) && choice.person.as_ref().is_none_or(is_gone)
        };
        named.iter().filter_map(of).filter(counts).max_by_key(|choice| choice.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(person: Option<&str>, address: &str) -> Recipient {
        Recipient {
            person: person.map(|id| PersonId(id.to_owned())),
            address: Address::parse(address).expect("an address"),
            name: None,
            language: None,
        }
    }

    fn choice(list: Option<&str>, person: Option<&str>, address: &str, mute: Mute) -> Choice {
        let Recipient { person, address, .. } = recipient(person, address);
        let list = list.map(|id| ListId(id.to_owned()));
        Choice {
            list,
            person,
            address,
            options: Options { mute, ..Options::default() },
            at: Timestamp(1),
            by: None,
        }
    }

    /// Per person and not per address: it follows her to a new address, stays through a new account with the same
    /// address, and never falls on somebody who shares the mailbox.
    #[test]
    fn whose_choice_counts() {
        let mut book = Book::default();
        book.set(choice(Some("5b"), Some("anna"), "eltern@x.example", Mute::ForGood));
        book.set(choice(Some("5b"), None, "oma@x.example", Mute::ForGood));
        book.set(choice(None, Some("carl"), "carl@x.example", Mute::Until(Timestamp(9))));
        let muted = |list: &str, person: Option<&str>, address: &str, gone: &[&str]| {
            let is_gone = |id: &PersonId| gone.contains(&id.0.as_str());
            let list = ListId(list.to_owned());
            let found = book.of(&list, &recipient(person, address), &is_gone);
            found.is_some_and(|choice| choice.options.is_muted(Timestamp(5)))
        };
        let cases = [
            (muted("5b", Some("anna"), "eltern@x.example", &[]), true, "she"),
            (muted("5b", Some("anna"), "neu@x.example", &[]), true, "her new address"),
            (muted("5b", Some("bert"), "eltern@x.example", &[]), false, "the other parent"),
            (muted("5b", Some("anna2"), "Eltern@x.example", &["anna"]), true, "a new account"),
            (muted("5c", Some("anna"), "eltern@x.example", &[]), false, "another list"),
            (muted("5b", None, "OMA@x.example", &[]), true, "an external address"),
            (muted("5b", Some("oma"), "oma@x.example", &[]), true, "who is a person now"),
            (muted("7a", Some("carl"), "carl@x.example", &[]), true, "all lists"),
        ];
        for (found, expected, what) in cases {
            assert_eq!(found, expected, "{what}");
        }
    }

    /// A list's own choice counts before the one for all lists; a new one replaces the old; a pause ends by itself.
    #[test]
    fn the_nearer_and_the_newer_counts() {
        let mut book = Book::default();
        let anna = recipient(Some("anna"), "anna@x.example");
        let list = ListId("5b".to_owned());
        let nobody = |_: &PersonId| false;
        book.set(choice(None, Some("anna"), "anna@x.example", Mute::ForGood));
        book.set(choice(Some("5b"), Some("anna"), "anna@x.example", Mute::No));
        assert_eq!(book.of(&list, &anna, &nobody).map(|c| c.options.mute), Some(Mute::No));
        let pause = Mute::Until(Timestamp(10));
        book.set(choice(Some("5b"), Some("anna"), "other@x.example", pause));
        let options = book.of(&list, &anna, &nobody).expect("a choice").options.clone();
        assert!(options.is_muted(Timestamp(9)) && !options.is_muted(Timestamp(10)));
    }
}
