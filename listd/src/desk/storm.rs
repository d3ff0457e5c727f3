//! A storm of replies: one letter to those who look after the list, however many replies wait.
//!
//! When it is a storm says `listcore::storm`. What waits is let go with `listctl held`; nobody is asked about each.

use std::time::Duration;

use listcore::address::Address;
use listcore::notice;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use super::Desk;
use super::asked::next_step;
use super::letter::{Matter, is_hers};
use crate::store::held::{Held, Mark, MarkKind, Told};
use crate::store::{NewMail, NewPost, StoreError};

/// Replies that are held within this time of each other are one storm.
const QUIET: Duration = Duration::from_secs(6 * 3600);

impl Desk {
    /// The first reply of a storm is told of, the others are not; each author hears that hers waits.
    pub(super) async fn tell_of_storm(
        &self,
        held: &Held,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = self.parts.store.as_ref();
        let is_known = !store.marked(MarkKind::Storm, Some(&held.list), "", now).await?.is_empty();
        let matter = self.matter(held);
        let mut told: Told = next_step(held, held.expires);
        told.marks.push(Mark {
            kind: MarkKind::Storm,
            list: Some(held.list.clone()),
            who: String::new(),
            value: String::new(),
            until: Some(now + QUIET),
        });
        if !is_known {
            told.letters = self.storm_letters(&matter, now);
        }
        let tickets = store.tickets_about(held.id).await?;
        if held.step == 0 && is_hers(held, &tickets) && self.hears(held).await? {
            self.tell_that_it_waits(&matter, &mut told, now);
        }
        self.told(told).await
    }

    /// To the first circle in which there is anybody.
    fn storm_letters(&self, matter: &Matter<'_>, now: Timestamp) -> Vec<(NewMail, NewPost)> {
        let held = matter.held;
        let list = self.parts.members.list(&held.list);
        let settings = list.as_deref().map(|list| list.settings.clone()).unwrap_or_default();
        let Ok(admin) = Address::new("postmaster", held.address.domain()) else {
            return Vec::new();
        };
        let storm = notice::Storm {
            replies: settings.storm_replies as usize,
            minutes: settings.storm_minutes.into(),
            admin: &admin,
        };
        let write = |who: &Recipient| {
            let language = self.language(held, who);
            let words = notice::storm(&matter.frame(&language), &storm);
            self.letter(matter, who, None, words, now)
        };
        let circles = self.circles(held, list.as_deref());
        circles.iter().find(|circle| !circle.is_empty()).into_iter().flatten().map(write).collect()
    }
}
