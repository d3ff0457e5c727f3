//! Who gets no copy of a post because she has it already: the author, and whom To or Cc names, where she wishes so.
//!
//! Decided once, when the mail is accepted: the header is not read again for each copy. By person and not only by
//! address, since copies may go to another address than she writes from.

use std::collections::{BTreeMap, HashSet};

use listcore::address::Address;
use listcore::message::Mail;
use listcore::options::who;
use listcore::outcome::Dropped;
use listcore::recipients::{PersonId, Recipient};
use listcore::rewrite::PostKind;

use super::Pipeline;
use crate::members::Members;
use crate::store::NewPost;

impl Pipeline {
    /// `proven`: it is sure who wrote it. Else nobody counts as its author, so that a mail in somebody's name is not
    /// kept from the very person.
    pub(super) fn spared(
        &self,
        post: &NewPost,
        mail: &Mail,
        proven: bool,
    ) -> BTreeMap<String, Dropped> {
        if post.frozen.kind != PostKind::List || !self.members.spares_anybody() {
            return BTreeMap::new();
        }
        let author = mail.author().filter(|_| proven);
        let author = Named::author(&self.members, author.map(|author| &author.address));
        let addressed = Named::all(&self.members, mail.to.iter().map(|to| &to.address));
        let why = |recipient: &Recipient| {
            let (own, twice) = (author.has(recipient), addressed.has(recipient));
            if !own && !twice {
                return None;
            }
            let wishes = self.members.options(&post.frozen.list, recipient)?;
            match wishes {
                _ if own && wishes.no_own => Some(Dropped::Own),
                _ if twice && wishes.no_addressed => Some(Dropped::Addressed),
                _ => None,
            }
        };
        let key = |recipient: &Recipient| who(recipient.person.as_ref(), &recipient.address);
        post.recipients.iter().filter_map(|r| Some((key(r), why(r)?))).collect()
    }
}

/// Whom some addresses mean.
#[derive(Default)]
struct Named {
    people: HashSet<PersonId>,
    addresses: HashSet<String>,
}

impl Named {
    fn all<'a>(members: &Members, addresses: impl Iterator<Item = &'a Address>) -> Named {
        let mut named = Named::default();
        for address in addresses {
            named.people.extend(members.people_of(address));
            named.addresses.insert(address.key());
        }
        named
    }

    /// Of an address that several people have, nobody knows which of them wrote.
    fn author(members: &Members, address: Option<&Address>) -> Named {
        let mut named = Named::all(members, address.into_iter());
        if named.people.len() > 1 {
            named.people.clear();
        }
        named
    }

    fn has(&self, who: &Recipient) -> bool {
        who.person.as_ref().is_some_and(|id| self.people.contains(id))
            || self.addresses.contains(&who.address.key())
    }
}

#[cfg(test)]
mod tests;
