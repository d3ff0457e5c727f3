//! What is remembered of the one whom From names: that she confirmed mail from this network, and what moderators let
//! pass. Read only where it can change the decision.
//!
//! The desk writes it. Where the store has no answer nothing is remembered: then a mail waits, and none is lost.

use listcore::address::Address;
use listcore::list::{List, Moderation, Nonmembers};
use listcore::message::Mail;
use listcore::policy::{Remembered, Unproven, Verified};
use listcore::time::Timestamp;

use super::hold::network;
use super::{Incoming, Pipeline, Target};
use crate::store::StoreError;
use crate::store::held::{Mark, MarkKind};
use crate::verify::Authenticity;

impl Pipeline {
    /// An author for whom nobody vouches, who said of an earlier mail from the same network that it was hers.
    pub(super) async fn or_confirmed(
        &self,
        authenticity: Authenticity,
        incoming: &Incoming,
        mail: &Mail,
    ) -> Authenticity {
        let Authenticity::Known { verified: Verified::No(Unproven::Nothing), .. } = authenticity
        else {
            return authenticity;
        };
        let wants = |target: &Target| matches!(target, Target::List(_) | Target::Author { .. });
        let wanted = incoming.targets.iter().any(|(_, target)| wants(target));
        let (true, Some(author), Some(network)) = (wanted, mail.author(), network(mail)) else {
            return authenticity;
        };
        let now = (self.clock)();
        let key = author.address.key();
        let known = read(self.marks.marked(MarkKind::Confirmed, None, &key, now).await);
        match authenticity {
            Authenticity::Known { verified, .. } if known.iter().any(|m| m.value == network) => {
                let verified = verified.or_confirmed(true);
                let why = format!("her word about an earlier mail from {network}");
                Authenticity::Known { verified, why }
            }
            other => other,
        }
    }

    /// What moderators of the list let pass of the author's.
    pub(super) async fn remembered(&self, list: &List, mail: &Mail, now: Timestamp) -> Remembered {
        let settings = &list.settings;
        let first = settings.moderation == Moderation::First;
        let moderated = settings.moderation != Moderation::None;
        let wanted = moderated || settings.nonmembers == Nonmembers::Hold;
        let (true, Some(author)) = (wanted, mail.author()) else { return Remembered::default() };
        let names = self.names(list, &author.address);
        let mut found = Remembered::default();
        for who in &names {
            let about = |kind| self.marks.marked(kind, Some(&list.id), who, now);
            found.always = found.always || !read(about(MarkKind::Always).await).is_empty();
            found.posted = found.posted || first && !read(about(MarkKind::Posted).await).is_empty();
        }
        found
    }

    /// The same for one recipient of a mail.
    pub(super) async fn remembered_of(
        &self,
        target: &Target,
        mail: &Mail,
        now: Timestamp,
    ) -> Remembered {
        match target {
            Target::List(list) => self.remembered(list, mail, now).await,
            _ => Remembered::default(),
        }
    }

    /// How marks name her: as a person where the directory knows one, and by the address from before it did.
    fn names(&self, list: &List, author: &Address) -> Vec<String> {
        let person = self.members.standing(list, author).person;
        let person = person.map(|person| format!("person:{}", person.0));
        person.into_iter().chain([author.key()]).collect()
    }
}

fn read(marks: Result<Vec<Mark>, StoreError>) -> Vec<Mark> {
    marks.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is remembered of an author could not be read");
        Vec::new()
    })
}

#[cfg(test)]
mod tests;
