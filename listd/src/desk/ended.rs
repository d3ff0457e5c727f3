//! What is told of the end of a mail that waited.

use listcore::hold::{By, End, Ended};
use listcore::notice;
use listcore::time::Timestamp;

use super::letter::is_hers;
use super::{CLOSED, Desk};
use crate::store::StoreError;
use crate::store::held::{About, Held, Told};

impl Desk {
    /// The author hears how it ended, if it is hers and she has to know; a forged author hears nothing.
    pub(super) async fn tell_end(
        &self,
        held: &Held,
        ended: &Ended,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tickets = self.parts.store.tickets_about(held.id).await?;
        let knows = tickets.iter().any(|ticket| matches!(ticket.about, About::Withdraw(_)));
        let tells = match &ended.end {
            // She sees her mail on the list, and needs no word unless she was told that it waits.
            End::Accepted => knows && held.step > 0,
            End::Rejected(_) | End::Withdrawn | End::Expired => knows,
            // Right after her own "yes" she was told nothing yet.
            End::Refused(_) => knows || ended.by == By::Author,
            End::Discarded | End::Spam | End::NotMine => false,
        };
        let matter = self.matter(held);
        let mut letters = Vec::new();
        if let Some(author) = self.author(held).filter(|_| tells && is_hers(held, &tickets)) {
            let language = self.language(held, &author);
            let words = notice::decided(&matter.frame(&language), &matter.post(), &ended.end);
            letters.extend(words.map(|words| self.letter(&matter, &author, None, words, now)));
        }
        if ended.end == End::Expired {
            for ticket in &tickets {
                if let About::Moderate(_) = ticket.about {
                    let language = self.language(held, &ticket.who);
                    let frame = matter.frame(&language);
                    let words = notice::expired_for_moderators(&frame, &matter.post());
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
}
