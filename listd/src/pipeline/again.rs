//! A held mail that is to go out now: the original as it came, decided on the membership of this moment.
//!
//! Loops, the filter and the size were looked at when it came. Who may let it go out is the desk's business.

use std::sync::Arc;

use bytes::Bytes;
use listcore::hold::Reason;
use listcore::message::Mail;
use listcore::notice;
use listcore::policy::{self, Decision, Refusal, Unproven, Verified};
use listcore::rewrite::PostKind;
use listcore::scan::{Finding, Scan};

use super::judge::{NotMade, unsendable};
use super::{Incoming, LARGE, Pipeline, Target};
use crate::store::held::Held;
use crate::store::{NewPost, Raw};
use crate::verify::Authenticity;

/// Who says that it goes out.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The author: she wrote it. The rules are asked anew.
    Confirmed,
    /// A moderator: nothing makes it wait any more. `confirmed`: the author said before that she wrote it.
    Moderator { confirmed: bool },
}

/// What becomes of it.
#[derive(Debug)]
pub enum Again {
    /// It goes out, under the name of the held mail.
    Post(Box<NewPost>),
    /// It goes on waiting, for a moderator.
    Hold(Reason),
    /// It can't go out: why, in the author's language.
    Refuse(String),
    /// Not known at the moment: to be tried again (promise 6).
    Later,
}

impl Pipeline {
    /// What becomes of a held mail now. `raw`: its bytes as they came.
    pub async fn again(self: &Arc<Self>, held: &Held, raw: Bytes, because: Because) -> Again {
        if raw.len() <= LARGE {
            return self.anew(held, raw, because).await;
        }
        let Ok(turn) = self.turns.clone().acquire_owned().await else { return Again::Later };
        let (pipeline, held) = (self.clone(), held.clone());
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            let _turn = turn;
            runtime.block_on(pipeline.anew(&held, raw, because))
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Again::Later)
    }

    async fn anew(&self, held: &Held, raw: Bytes, because: Because) -> Again {
        let now = (self.clock)();
        let Ok(mail) = Mail::parse(&raw) else { return Again::Later };
        // Nothing waits but mail to lists.
        let Some(list) = self.members.list(&held.list) else {
            let title = held.address.to_string();
            let about = notice::About { title: &title, address: &held.address };
            return Again::Refuse(notice::refusal(&held.language, &Refusal::UnknownList, &about));
        };
        let refuse = |refusal: &Refusal| {
            let about = notice::About { title: list.title(), address: &list.address };
            Again::Refuse(notice::refusal(&held.language, &self.titled(refusal), &about))
        };
        if !self.members.is_sure(&list, now) {
            return Again::Later;
        }
        let target = Target::List(list.clone());
        let incoming = incoming(held, raw, target.clone());
        let verified = verified(held, because);
        let authenticity =
            Authenticity::Known { verified: verified.clone(), why: held.verification.clone() };
        let seen = self.with_arrival(authenticity, &incoming, &mail).await;
        let scan = scan(held);
        let mut facts = self.facts(&list, PostKind::List, &incoming, &mail, (verified, &scan), now);
        facts.remembered = self.remembered(&list, &mail, now).await;
        facts.approved = because != Because::Confirmed;
        let verdict = policy::decide(&facts);
        match &verdict.decision {
            Decision::Distribute => {}
            Decision::Hold(reason) => return Again::Hold(*reason),
            Decision::Refuse(why) => return refuse(why),
            Decision::Discard(_) => {
                return refuse(&Refusal::NotAllowed(list.settings.post.clone()));
            }
            Decision::Defer(_) => return Again::Later,
        }
        let frozen = (&verdict, &seen.arrival);
        match self.frozen(held.id, &list, &target, &incoming, &mail, frozen, now) {
            Ok(mut post) => {
                let several = post.frozen.once.is_some();
                let id = held.message_id.as_str();
                if several && self.tell_of_others(id, vec![&mut *post]).await.is_err() {
                    return Again::Later;
                }
                Again::Post(post)
            }
            Err(NotMade::Never(_, why)) => refuse(&unsendable(why)),
            Err(NotMade::Nobody | NotMade::NoRelayAddress) => Again::Later,
        }
    }
}

/// Who vouches for its author by now. A moderator's word is none: then From stays as it is (promise 8).
fn verified(held: &Held, because: Because) -> Verified {
    let confirmed = because != Because::Moderator { confirmed: false };
    match held.reason {
        _ if held.verified || confirmed => Verified::Confirmed,
        Reason::Unverified(why) | Reason::Asked(why) => Verified::No(why),
        _ => Verified::No(Unproven::Nothing),
    }
}

/// The mail as it came.
fn incoming(held: &Held, raw: Bytes, target: Target) -> Incoming {
    let arrived = &held.arrived;
    Incoming {
        sender: held.sender.clone(),
        targets: vec![(arrived.rcpt.clone(), target)],
        raw: Raw::Memory(raw.clone()),
        bytes: raw,
        utf8: held.utf8,
        helo: arrived.helo.clone(),
        peer: arrived.peer.clone(),
        protocol: match arrived.protocol.as_str() {
            "ESMTP" => "ESMTP",
            "SMTP" => "SMTP",
            _ => "LMTP",
        },
        patience: Default::default(),
    }
}

/// What the filter said when it came.
fn scan(held: &Held) -> Scan {
    let finding = if held.suspect { Finding::Suspect } else { Finding::Clean };
    Scan { finding, words: held.verdict.clone() }
}
