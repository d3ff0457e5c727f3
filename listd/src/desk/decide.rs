//! The one decision: by a page, by a reply, or with `listctl`; whoever is first.

use bytes::Bytes;
use listcore::address::Address;
use listcore::answer::Said;
use listcore::hold::{By, Choice, End, Ended, Reason, Waiting};
use listcore::policy::Unproven;
use listcore::recipients::PersonId;
use listcore::time::Timestamp;

use super::asked::vouched;
use super::letter::is_hers;
use super::{CONFIRMED, Desk};
use crate::pipeline::{Again, Because};
use crate::store::held::{About, Held, Mark, MarkKind, Ticket};
use crate::store::{Done, Move, NewPost, PostId, StoreError};

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// This answer decided it.
    Done(End),
    /// The author's word was taken; now a moderator is asked.
    Passed,
    /// Somebody was first.
    Already(Ended),
    /// There is no such question, none any more, or this is no answer to it.
    Gone,
    /// Trouble of ours: nothing was changed, and a later try may do.
    NotNow,
}

impl Desk {
    /// What an answer to a question leads to. The same answer again leads to the same.
    pub async fn decide(&self, ticket: u64, said: &Said) -> Decided {
        match self.decided(ticket, said).await {
            Ok(decided) => decided,
            Err(error) => {
                tracing::error!(%error, "an answer could not be taken");
                Decided::NotNow
            }
        }
    }

    /// An admin's decision, with the name of the system's user.
    pub async fn decide_as(&self, admin: &str, id: PostId, choice: &Choice) -> Decided {
        let ruled = async {
            match self.parts.store.held(id).await? {
                Some(held) => self.rule(&held, choice, By::Admin(admin.to_owned())).await,
                None => Ok(Decided::Gone),
            }
        };
        ruled.await.unwrap_or_else(|error: StoreError| {
            tracing::error!(%error, "a decision could not be taken");
            Decided::NotNow
        })
    }

    async fn decided(&self, number: u64, said: &Said) -> Result<Decided, StoreError> {
        let Some((ticket, held)) = self.question(number).await? else { return Ok(Decided::Gone) };
        if let Some(ended) = held.ended.clone() {
            return Ok(Decided::Already(ended));
        }
        match (&ticket.about, said) {
            (About::Confirm(_), Said::Yes) => self.confirm(&held).await,
            (About::Confirm(_), Said::No) if held.waits_for == Waiting::Author => {
                self.end(&held, End::NotMine, By::Author, None, Vec::new()).await
            }
            (About::Withdraw(_), Said::Withdraw) => {
                self.end(&held, End::Withdrawn, By::Author, None, Vec::new()).await
            }
            (About::Moderate(_), said) => match choice(said) {
                Some(choice) => {
                    let by = By::Moderator(ticket.who.address.clone());
                    self.rule(&held, &choice, by).await
                }
                None => Ok(Decided::Gone),
            },
            _ => Ok(Decided::Gone),
        }
    }

    /// A question that may still be answered, with its mail. Who does not look after the list any more is not asked.
    pub(super) async fn question(&self, number: u64) -> Result<Option<(Ticket, Held)>, StoreError> {
        let Some(ticket) = self.parts.store.ticket(number).await? else { return Ok(None) };
        let Some(post) = ticket.about.post() else { return Ok(None) };
        let Some(held) = self.parts.store.held(post).await? else { return Ok(None) };
        let asked = match ticket.about {
            About::Moderate(_) => self.looks_after(&held, &ticket),
            _ => true,
        };
        let open = asked && ticket.expires > self.now();
        Ok(open.then_some((ticket, held)))
    }

    fn looks_after(&self, held: &Held, ticket: &Ticket) -> bool {
        let list = self.parts.members.list(&held.list);
        let circles = self.circles(held, list.as_deref());
        circles.iter().flatten().any(|who| {
            who.address.same_as(&ticket.who.address)
                || who.person.is_some() && who.person == ticket.who.person
        })
    }

    /// She wrote it: the rules decide anew, and her word counts for a while.
    async fn confirm(&self, held: &Held) -> Result<Decided, StoreError> {
        if held.waits_for != Waiting::Author {
            return Ok(Decided::Passed);
        }
        let Some(raw) = self.raw(held.mail).await? else { return Ok(Decided::NotNow) };
        let now = self.now();
        let marks: Vec<Mark> = confirmed(held, now).into_iter().collect();
        match self.parts.pipeline.again(held, raw, Because::Confirmed).await {
            Again::Post(post) => self.end(held, End::Accepted, By::Author, Some(post), marks).await,
            Again::Refuse(why) => self.end(held, End::Refused(why), By::Author, None, marks).await,
            Again::Later => Ok(Decided::NotNow),
            Again::Hold(reason) => {
                let rehold = Move::Rehold {
                    id: held.id,
                    reason,
                    waits_for: Waiting::Moderator,
                    next: now,
                    expires: held.expires,
                };
                let mut moves = vec![rehold];
                moves.extend(marks.into_iter().map(Move::Mark));
                let done = self.parts.store.commit(moves).await?;
                self.again.notify_one();
                Ok(match done.into_iter().next() {
                    Some(Done::Ok | Done::Stale) => Decided::Passed,
                    Some(Done::Ended(ended)) => Decided::Already(ended),
                    _ => Decided::NotNow,
                })
            }
        }
    }

    /// A moderator's or an admin's word.
    async fn rule(&self, held: &Held, choice: &Choice, by: By) -> Result<Decided, StoreError> {
        if let Some(ended) = held.ended.clone() {
            return Ok(Decided::Already(ended));
        }
        match choice {
            // Nothing goes out: she is let in when the end is told.
            Choice::Accept | Choice::Always if held.reason == Reason::Subscription => {
                self.end(held, End::Accepted, by, None, Vec::new()).await
            }
            Choice::Accept | Choice::Always => self.accept(held, choice, by).await,
            Choice::Reject(why) => {
                self.end(held, End::Rejected(why.clone()), by, None, Vec::new()).await
            }
            Choice::Discard => self.end(held, End::Discarded, by, None, Vec::new()).await,
            Choice::Spam => {
                let raw = self.raw(held.mail).await?;
                let decided = self.end(held, End::Spam, by, None, Vec::new()).await?;
                if let (Decided::Done(_), Some(raw)) = (&decided, raw) {
                    self.parts.learns.spam(raw);
                }
                Ok(decided)
            }
        }
    }

    async fn accept(&self, held: &Held, choice: &Choice, by: By) -> Result<Decided, StoreError> {
        let Some(raw): Option<Bytes> = self.raw(held.mail).await? else {
            return Ok(Decided::NotNow);
        };
        let tickets = self.parts.store.tickets_about(held.id).await?;
        let because = Because::Moderator { confirmed: vouched(held, &tickets) };
        match self.parts.pipeline.again(held, raw.clone(), because).await {
            Again::Post(post) => {
                let marks = passed(held, is_hers(held, &tickets), *choice == Choice::Always);
                let decided = self.end(held, End::Accepted, by, Some(post), marks).await?;
                if held.suspect && matches!(decided, Decided::Done(_)) {
                    self.parts.learns.ham(raw);
                }
                Ok(decided)
            }
            Again::Refuse(why) => self.end(held, End::Refused(why), by, None, Vec::new()).await,
            // Nothing waits for the one who has just decided.
            Again::Hold(_) | Again::Later => Ok(Decided::NotNow),
        }
    }

    /// Exactly one end, whoever is first.
    async fn end(
        &self,
        held: &Held,
        end: End,
        by: By,
        post: Option<Box<NewPost>>,
        marks: Vec<Mark>,
    ) -> Result<Decided, StoreError> {
        let now = self.now();
        let ended = Ended { end, by, at: now };
        let batches: Vec<_> = post.iter().flat_map(|post| post.due(now)).collect();
        let early = self.untold(held, now).await?;
        let mut moves = vec![Move::End { id: held.id, ended: ended.clone(), post, marks }];
        moves.extend(early.map(|ticket| Move::Tickets(vec![ticket])));
        let done = self.parts.store.commit(moves).await?;
        match done.into_iter().next() {
            Some(Done::Ok) => {
                self.parts.announce.announce(batches);
                self.trace(held, &ended).await;
                self.again.notify_one();
                Ok(Decided::Done(ended.end))
            }
            Some(Done::Ended(first)) => Ok(Decided::Already(first)),
            Some(Done::Rejected(why)) => Err(StoreError::Failed(why)),
            other => Err(StoreError::Failed(format!("{other:?} is no answer to a decision"))),
        }
    }
}

impl Desk {
    /// Somebody was faster than the letter that it waits: with a ticket of hers the author hears how it ended. Made
    /// beside the end, since the mail that says whether she may be answered goes with it.
    async fn untold(&self, held: &Held, now: Timestamp) -> Result<Option<Ticket>, StoreError> {
        let waits = held.step == 0 && held.waits_for == Waiting::Moderator;
        let Some(author) = self.author(held).filter(|_| waits) else { return Ok(None) };
        let tickets = self.parts.store.tickets_about(held.id).await?;
        let hears = is_hers(held, &tickets) && self.hears(held).await?;
        Ok(hears.then(|| self.ticket(held, About::Withdraw(held.id), &author, now).ticket))
    }
}

fn choice(said: &Said) -> Option<Choice> {
    Some(match said {
        Said::Accept => Choice::Accept,
        Said::Always => Choice::Always,
        Said::Reject(why) => Choice::Reject(why.clone()),
        Said::Discard => Choice::Discard,
        Said::Spam => Choice::Spam,
        Said::Yes | Said::No | Said::Withdraw => return None,
    })
}

/// Her word counts for mail from the same network; where that is not known, for this mail only. Where somebody else was
/// logged in it is that one's network.
fn confirmed(held: &Held, now: Timestamp) -> Option<Mark> {
    if !matches!(held.reason, Reason::Asked(Unproven::Nothing)) {
        return None;
    }
    Some(Mark {
        kind: MarkKind::Confirmed,
        list: None,
        who: held.author.as_ref()?.key(),
        value: held.arrived.network.clone()?,
        until: Some(now + CONFIRMED),
    })
}

/// What a moderator's yes says of the author, for the list's further mails. Where nobody knows who wrote this one it
/// was not her first mail; but "always" is a word about the person.
fn passed(held: &Held, hers: bool, always: bool) -> Vec<Mark> {
    let Some(who) = held.author.as_ref().map(|author| name(held.person.as_ref(), author)) else {
        return Vec::new();
    };
    let kinds = [(MarkKind::Posted, hers), (MarkKind::Always, always)];
    let kinds = kinds.into_iter().filter(|(_, is)| *is);
    let mark = |(kind, _)| Mark {
        kind,
        list: Some(held.list.clone()),
        who: who.clone(),
        value: String::new(),
        until: None,
    };
    kinds.map(mark).collect()
}

/// Whom a mark is about: a person by whatever address, else the address.
fn name(person: Option<&PersonId>, address: &Address) -> String {
    person.map_or_else(|| address.key(), |person| format!("person:{}", person.0))
}
