//! What is told of the end of a mail that waited.

use listcore::hold::{By, End, Ended, Reason};
use listcore::notice;
use listcore::time::Timestamp;

use super::letter::is_hers;
use super::{CLOSED, Desk};
use crate::store::admitted::Admitted;
use crate::store::held::{About, Held, Told};
use crate::store::{Move, StoreError};

impl Desk {
    /// The author hears how it ended, if it is hers and she has to know; a forged author hears nothing.
    pub(super) async fn tell_end(
        &self,
        held: &Held,
        ended: &Ended,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tickets = self.parts.store.tickets_about(held.id).await?;
        let wish = held.reason == Reason::Subscription;
        let knows = wish || tickets.iter().any(|ticket| matches!(ticket.about, About::Withdraw(_)));
        let tells = match &ended.end {
            // She sees her mail on the list, and needs no word unless she was told that it waits.
            End::Accepted => knows && held.step > 0,
            End::Rejected(_) | End::Withdrawn | End::Expired => knows,
            // Right after her own "yes" she was told nothing yet.
            End::Refused(_) => knows || ended.by == By::Author,
            End::Discarded | End::Spam | End::NotMine => false,
        };
        if held.reason == Reason::Subscription && ended.end == End::Accepted {
            self.let_in(held, ended).await?;
        }
        let matter = self.matter(held);
        let mut letters = Vec::new();
        if let Some(author) = self.author(held).filter(|_| tells && is_hers(held, &tickets)) {
            let language = self.language(held, &author);
            let frame = matter.frame(&language);
            let words = match matter.is_wish() {
                true => notice::wish_decided(&frame, &ended.end),
                false => notice::decided(&frame, &matter.post(), &ended.end),
            };
            letters.extend(words.map(|words| self.letter(&matter, &author, None, words, now)));
        }
        if ended.end == End::Expired {
            for ticket in &tickets {
                if let About::Moderate(_) = ticket.about {
                    let language = self.language(held, &ticket.who);
                    let frame = matter.frame(&language);
                    let words = match matter.is_wish() {
                        true => notice::wish_undecided(&frame, &matter.wisher()),
                        false => notice::expired_for_moderators(&frame, &matter.post()),
                    };
                    letters.push(self.letter(&matter, &ticket.who, None, words, now));
                }
            }
        }
        self.told(Told {
            id: held.id,
            expect: held.step,
            ended: true,
            step: CLOSED,
            next: None,
            letters,
            tickets: Vec::new(),
            marks: Vec::new(),
        })
        .await
    }

    /// Whoever was accepted is on the list from now on; a crash in between lets her in again, once.
    async fn let_in(&self, held: &Held, ended: &Ended) -> Result<(), StoreError> {
        let Some(address) = held.author.clone() else { return Ok(()) };
        let admitted = Admitted {
            list: held.list.clone(),
            address,
            name: held.arrived.name.clone(),
            language: Some(held.language.clone()).filter(|language| !language.is_empty()),
            person: held.person.clone(),
            by: ended.by.clone(),
            at: ended.at,
        };
        self.parts.store.commit(vec![Move::Admit(Box::new(admitted.clone()))]).await?;
        self.parts.members.admit(admitted);
        Ok(())
    }
}
