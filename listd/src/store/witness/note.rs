//! What a move is about, noted before the commit consumes it.
//!
//! Not what came of it: that is known after the commit ([`super::Watch`]).

use listcore::address::Address;
use listcore::hold::Reason;
use listcore::outcome::Outcome;
use listcore::time::Timestamp;

use super::{About, Kind, Refusal};
use crate::store::held::NewHeld;
use crate::store::last_mile::{Said, Underway};
use crate::store::{BatchId, BounceEvent, Move, NewMail, NewPost, PostId, TraceEvent, rules};

/// What a move is about, kept over the commit that consumes it.
pub(in crate::store) enum Note {
    Accept(Entry),
    /// The letters of a step.
    Told(Vec<Entry>),
    End(Decision),
    Settle {
        batch: BatchId,
        outcomes: Vec<(u16, Kind)>,
        copies: Vec<Underway>,
        refused: Vec<Refusal>,
        last: Timestamp,
    },
    Trace(TraceEvent),
    Bounce(BounceEvent),
    Heard(Vec<Said>, Vec<Refusal>),
    /// Nothing that a witness wants to hear of.
    Other,
}

/// A mail on its way into the store.
pub(in crate::store) struct Entry {
    pub posts: Vec<(PostId, About, usize)>,
    pub held: Vec<(PostId, About, Reason)>,
    pub sender: Option<Address>,
    pub size: u64,
    pub at: Timestamp,
}

impl Entry {
    fn of(mail: &NewMail, posts: &[NewPost], held: &[NewHeld]) -> Entry {
        let about = |list: &Address| {
            let (list, message_id) = (list.clone(), mail.message_id.clone());
            About { list, message_id }
        };
        let post = |post: &NewPost| (post.id, about(&post.frozen.address), post.recipients.len());
        Entry {
            posts: posts.iter().map(post).collect(),
            held: held.iter().map(|held| (held.id, about(&held.address), held.reason)).collect(),
            sender: mail.sender.clone(),
            size: mail.raw.size(),
            at: mail.received,
        }
    }
}

/// The end of a held mail.
pub(in crate::store) struct Decision {
    pub held: PostId,
    pub end: &'static str,
    pub by: &'static str,
    pub at: Timestamp,
    /// Of the post that it becomes.
    pub recipients: Option<usize>,
}

impl Note {
    pub(super) fn of(change: &Move) -> Note {
        match change {
            Move::Accept { mail, posts, held } => Note::Accept(Entry::of(mail, posts, held)),
            Move::Told(told) => {
                let letters = told.letters.iter();
                Note::Told(
                    letters.map(|(m, p)| Entry::of(m, std::slice::from_ref(p), &[])).collect(),
                )
            }
            Move::End { id, ended, post, .. } => Note::End(Decision {
                held: *id,
                end: ended.end.as_str(),
                by: ended.by.as_str(),
                at: ended.at,
                recipients: post.as_ref().map(|post| post.recipients.len()),
            }),
            Move::Settle { batch, outcomes } => Note::Settle {
                batch: *batch,
                outcomes: outcomes.iter().map(|(i, outcome)| (*i, outcome.into())).collect(),
                copies: outcomes.iter().filter_map(|one| copy(*batch, one)).collect(),
                refused: refused(*batch, outcomes),
                last: rules::last(outcomes.iter().map(|(_, outcome)| outcome)),
            },
            Move::Trace(event) => Note::Trace(event.clone()),
            Move::Bounce(event) => Note::Bounce(event.clone()),
            Move::LastMile(told) => {
                let heard = told.heard.iter();
                let refused = heard.filter_map(|(batch, index, o)| refusal(*batch, *index, o));
                Note::Heard(told.said.clone(), refused.collect())
            }
            _ => Note::Other,
        }
    }
}

fn copy(batch: BatchId, (index, outcome): &(u16, Outcome)) -> Option<Underway> {
    match outcome {
        Outcome::Delivered { queue_id: Some(queue_id), .. } => {
            Some(Underway { batch, index: *index, queue_id: queue_id.clone() })
        }
        _ => None,
    }
}

fn refusal(batch: BatchId, index: u16, outcome: &Outcome) -> Option<Refusal> {
    match outcome {
        Outcome::Failed { at, reply } => {
            Some(Refusal { batch, index, at: *at, reply: reply.clone() })
        }
        _ => None,
    }
}

/// What the relay itself refused: without a code it is trouble of ours.
fn refused(batch: BatchId, outcomes: &[(u16, Outcome)]) -> Vec<Refusal> {
    let all = outcomes.iter().filter_map(|(index, outcome)| refusal(batch, *index, outcome));
    all.filter(|refusal| refusal.reply.code != 0).collect()
}
