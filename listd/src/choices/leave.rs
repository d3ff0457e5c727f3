//! Unsubscribing: the mail ends at once, whatever a list makes of it, and whoever must know of it gets one letter.
//!
//! A click, a page and a mail all come here. The directory is not written: where a list wants her out of the group, its
//! owners are asked.

use std::sync::Arc;

use listcore::list::{List, Unsubscribe};
use listcore::notice::{self, Frame};
use listcore::options::{Left, Mute, Options};
use listcore::recipients::Recipient;

use super::{Choices, Member, options, trouble};
use crate::store::admitted::Admitted;
use crate::store::{Move, NewMail, NewPost};
use crate::web::NotNow;
use crate::web::wishes::{Mail, Wishes};

/// Owners who are asked to take somebody out of a group.
const ASKED: usize = 20;

impl Choices {
    /// No more mail of this list to her, from now on. False where that was so before: then nothing happens.
    ///
    /// # Errors
    /// The store failed, which the log tells; nothing changed.
    pub async fn leave(&self, list: &Arc<List>, who: &Recipient, by: Left) -> Result<bool, NotNow> {
        let _changing = self.changing.lock().await;
        let member = Member { list: list.clone(), who: who.clone() };
        let before = self.options(&member);
        let by_complaint = self.parts.members.choice(&list.id, who).and_then(|choice| choice.by)
            == Some(Left::Complaint);
        // What she says herself counts more than what her provider said: no admin undoes it then.
        if (before.mute.is_for_good() && !by_complaint) || self.is_gone(&member) {
            return Ok(false);
        }
        self.end(&member, before, by).await.map(|()| true)
    }

    /// An address that is neither anybody's in the directory nor on the list, e.g. of one who was let in and has left.
    fn is_gone(&self, Member { list, who }: &Member) -> bool {
        let roster = self.parts.members.roster(&list.id).unwrap_or_default();
        who.person.is_none() && !roster.has_address(&who.address)
    }

    /// What she wishes on her page; where that is no more mail, she unsubscribes.
    pub(super) async fn wish(&self, member: &Member, wishes: &Wishes) -> Result<(), NotNow> {
        let _changing = self.changing.lock().await;
        let before = self.options(member);
        let ends = wishes.mail == Mail::None && !before.mute.is_for_good() && !self.is_gone(member);
        let options = options(wishes, before);
        match ends {
            true => self.end(member, options, Left::Page).await,
            false => {
                // How she left is not forgotten by what she ticks later.
                let before = self.parts.members.choice(&member.list.id, &member.who);
                let by = match options.mute.is_for_good() {
                    true => before.and_then(|choice| choice.by),
                    false => Some(Left::Page),
                };
                self.choose(member, options, by, Vec::new()).await
            }
        }
    }

    /// The choice and its letters, in one commit.
    async fn end(&self, member: &Member, before: Options, by: Left) -> Result<(), NotNow> {
        let Member { list, who } = member;
        let unsubscribe = list.settings.unsubscribe;
        let mute = match unsubscribe {
            Unsubscribe::Leave => Mute::Left,
            Unsubscribe::Mute | Unsubscribe::Request => Mute::ForGood,
        };
        let admitted = self.parts.members.admission(&list.id, who);
        let admitted = admitted.filter(|_| unsubscribe == Unsubscribe::Leave);
        let roster = self.parts.members.roster(&list.id).unwrap_or_default();
        // Whom the directory names as well would still get the mail; who is not named can't come back by herself.
        let ends = admitted.as_ref().is_some_and(|one| !one.is_named(&roster));
        let link = if ends { None } else { self.link(member) };
        let (url, ticket) = link.unzip();
        let told = |frame: &Frame<'_>| notice::unsubscribed(frame, unsubscribe, url.as_deref());
        let mut letters = vec![self.letter(list, who, told)];
        if unsubscribe == Unsubscribe::Request {
            letters.extend(self.owners(member));
        }
        let mut moves: Vec<Move> = ticket.into_iter().map(|t| Move::Tickets(vec![t])).collect();
        let mut posts: Vec<NewPost> = Vec::new();
        for (mail, post) in letters {
            moves.push(Move::accept(mail, vec![post.clone()]));
            posts.push(post);
        }
        moves.extend(admitted.as_ref().map(dismissal));
        match ends {
            true => _ = self.parts.store.commit(moves).await.map_err(|error| trouble(&error))?,
            false => self.choose(member, Options { mute, ..before }, Some(by), moves).await?,
        }
        if let Some(one) = admitted {
            self.parts.members.dismiss(&one.list, &one.address);
        }
        posts.iter().for_each(|post| self.announce(post));
        Ok(())
    }

    /// To those who can take her out of the group.
    fn owners(&self, member: &Member) -> Vec<(NewMail, NewPost)> {
        let Member { list, who } = member;
        let members = &self.parts.members;
        let name = who.name.as_deref().unwrap_or_default();
        let shown = (!members.is_protected(who)).then_some((name, &who.address));
        let owners = members.owners(list).into_iter().take(ASKED);
        owners
            .map(|owner| self.letter(list, &owner, |frame| notice::leaves(frame, shown)))
            .collect()
    }
}

/// Out again, whom somebody let in beside the directory.
fn dismissal(one: &Admitted) -> Move {
    Move::Dismiss { list: one.list.clone(), address: one.address.clone() }
}
