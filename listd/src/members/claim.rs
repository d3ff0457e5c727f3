//! May a copy that was frozen earlier still go out? What members wish, which addresses are paused, and what is sure.

use std::sync::PoisonError;

use listcore::address::Address;
use listcore::list::ListId;
use listcore::options::{Choice, Digest, Options};
use listcore::outcome::Dropped;
use listcore::recipients::{PersonId, Recipient, Roster};
use listcore::time::Timestamp;

use super::{Members, Trust};

/// May a copy that was frozen earlier still go out?
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Yes,
    Never(Dropped),
    /// The safety catch holds the list: nobody knows for sure yet.
    Waits,
}

impl Members {
    /// May a copy that was frozen earlier still go out? The frozen set may only shrink.
    ///
    /// For posts to members; mail to a role goes to whom it was frozen for. Says yes while nothing is known of
    /// the directory: then [`Members::freshness`] holds all mail anyway.
    pub fn still_gets(&self, id: &ListId, recipient: &Recipient) -> Result<(), Dropped> {
        match self.claim(id, recipient, Timestamp(i64::MAX)) {
            Claim::Yes | Claim::Waits => Ok(()),
            Claim::Never(why) => Err(why),
        }
    }

    /// [`Members::still_gets`], and whether that is known for sure.
    pub fn claim(&self, id: &ListId, recipient: &Recipient, now: Timestamp) -> Claim {
        if !self.live.is_loaded() {
            return Claim::Yes;
        }
        if self.holds_all() {
            return Claim::Waits;
        }
        let current = self.current(id);
        let roster = match (self.trust(id, current.as_ref()), current) {
            (Trust::Held, _) => return Claim::Waits,
            (Trust::Kept(kept), _) => kept,
            (Trust::Current, Some(roster)) => roster,
            (Trust::Current, None) => return Claim::Never(Dropped::LeftList),
        };
        let (lost, roster) = (&roster, self.admitting(id, roster.clone()));
        let domain = self.table().list(id).map(|list| list.address.domain().to_owned());
        if domain.is_some_and(|domain| self.is_paused(&domain, &recipient.address)) {
            return Claim::Never(Dropped::Paused);
        }
        let is = |of: fn(&Roster, &PersonId) -> bool| {
            recipient.person.as_ref().is_some_and(|id| of(&roster, id))
        };
        let (member, muted) = (is(Roster::has_person), is(Roster::is_muted));
        if (member && !muted) || roster.has_address(&recipient.address) {
            let wishes = self.options(id, recipient).unwrap_or_default();
            return match wishes.digest {
                _ if wishes.is_muted(now) => Claim::Never(Dropped::Muted),
                Digest::Off => Claim::Yes,
                Digest::Daily | Digest::Weekly => Claim::Never(Dropped::Digest),
            };
        }
        if muted {
            return Claim::Never(Dropped::Muted);
        }
        if self.guard.just_lost(&id.0, lost, recipient, now) {
            return Claim::Waits;
        }
        let inactive = recipient.person.as_ref().is_some_and(|id| {
            self.live.read(|r| r.person_by_id(&id.0).is_some_and(|p| p.inactive))
        });
        Claim::Never(if inactive { Dropped::Inactive } else { Dropped::LeftList })
    }

    /// An address of a tenant gets nothing from now on, or gets mail again. Her mail at another address goes on: what is
    /// paused is the address (rule V8).
    pub fn set_paused(&self, domain: &str, address: &Address, paused: bool) {
        let mut all = self.paused.write().unwrap_or_else(PoisonError::into_inner);
        let one = (domain.to_owned(), address.key());
        if paused {
            all.insert(one)
        } else {
            all.remove(&one)
        };
    }

    pub fn is_paused(&self, domain: &str, address: &Address) -> bool {
        let all = self.paused.read().unwrap_or_else(PoisonError::into_inner);
        !all.is_empty() && all.contains(&(domain.to_owned(), address.key()))
    }

    /// Takes what a member wishes. It counts from the next question on.
    pub fn set_options(&self, choice: Choice) {
        self.book.write().unwrap_or_else(PoisonError::into_inner).set(choice);
    }

    /// What a recipient of a list wishes; `None` where she never said.
    pub fn options(&self, list: &ListId, who: &Recipient) -> Option<Options> {
        self.choice(list, who).map(|choice| choice.options)
    }

    /// The same, with when and how she said it.
    pub fn choice(&self, list: &ListId, who: &Recipient) -> Option<Choice> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let is_gone =
            |id: &PersonId| self.live.read(|replica| replica.person_by_id(&id.0).is_none());
        book.of(list, who, &is_gone).cloned()
    }

    /// Whose mail ended because of a complaint (rule C1).
    pub fn complained(&self) -> Vec<Choice> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        book.complained().cloned().collect()
    }

    /// Whether a recipient of a list wants plain text only.
    pub fn wants_plain(&self, list: &ListId, who: &Recipient) -> bool {
        let any = self.book.read().unwrap_or_else(PoisonError::into_inner).has_plain();
        any && self.options(list, who).is_some_and(|options| options.plain)
    }

    /// True where somebody may be spared a copy of what she has already.
    pub fn spares_anybody(&self) -> bool {
        self.book.read().unwrap_or_else(PoisonError::into_inner).has_spares()
    }
}
