//! A mail that has to wait: what is kept of it beside its bytes, and what its author hears.
//!
//! Whether it waits is `listcore::policy`'s decision; whom the desk asks about it, and when, is the desk's.

use std::time::Duration;

use listcore::hold::{Reason, Waiting};
use listcore::list::List;
use listcore::message::{Mail, received};
use listcore::notice::{self, shown};
use listcore::policy::{Remembered, Verdict, Verified};
use listcore::rewrite::PostKind;
use listcore::scan::Finding;
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::judge::{Known, NotMade, Seen, Step};
use super::posts::{body_digest, message_id};
use super::scans::Scans;
use super::{Incoming, Pipeline, Target};
use crate::store::held::{Arrived, NewHeld};
use crate::store::{Done, Move, PostId, Raw};
use crate::verify::Authenticity;

/// Longest subject that is kept (characters).
const SUBJECT: usize = 200;

/// Longest name (characters).
const NAME: usize = 100;

impl Pipeline {
    /// Keeps a mail. What could not be sent to anybody is refused now, while its author still hears it.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn hold(
        &self,
        rcpt: &str,
        list: &List,
        target: &Target,
        incoming: &Incoming,
        mail: &Mail,
        (verdict, known): (&Verdict, &Known<'_>),
        reason: Reason,
        now: Timestamp,
    ) -> Step {
        let id = PostId(self.ids.next(now));
        let frozen = (verdict, &known.seen.arrival);
        let kind = match self.frozen(id, list, target, incoming, mail, frozen, now) {
            Ok(post) => post.frozen.kind,
            // Who is on the list is asked again when it goes out.
            Err(NotMade::Nobody) => self.recipients(list, target).1,
            Err(why) => {
                return self.tell(rcpt, Some(list), mail, now, self.not_made(list, mail, why));
            }
        };
        let place = (rcpt, list, kind);
        Step::Hold(Box::new(self.held(id, place, incoming, mail, known, reason, now)))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn held(
        &self,
        id: PostId,
        (rcpt, list, kind): (&str, &List, PostKind),
        incoming: &Incoming,
        mail: &Mail,
        known: &Known<'_>,
        reason: Reason,
        now: Timestamp,
    ) -> NewHeld {
        let author = mail.author().map(|author| author.address.clone());
        let standing = author.as_ref().map(|author| self.members.standing(list, author));
        let (verified, verification) = match &known.seen.authenticity {
            Authenticity::Known { verified, why } => {
                (!matches!(verified, Verified::No(_)), why.clone())
            }
            Authenticity::TempError(why) => (false, why.clone()),
        };
        NewHeld {
            id,
            list: list.id.clone(),
            address: list.address.clone(),
            kind,
            reason,
            waits_for: reason.waits_for(),
            person: standing.and_then(|standing| standing.person),
            language: self.authors_language(list, mail),
            author,
            subject: subject(mail),
            verification: one_line(&verification, SUBJECT),
            verified,
            verdict: match known.scan.finding {
                Finding::NotAsked => String::new(),
                _ => known.scan.shown(),
            },
            suspect: matches!(known.scan.finding, Finding::Suspect | Finding::Quarantined),
            arrived: Arrived {
                helo: incoming.helo.clone(),
                peer: incoming.peer.clone(),
                protocol: incoming.protocol.to_owned(),
                rcpt: rcpt.to_owned(),
                network: network(mail),
                name: name(mail),
            },
            digest: body_digest(incoming, mail),
            message_id: message_id(incoming, mail, &self.house.hostname),
            expires: now + Duration::from_secs(u64::from(list.settings.hold_expires)),
            next: now,
        }
    }

    /// Rule L4: a mail to a list whose Message-ID was used before, with another body, waits for a moderator instead.
    pub(super) async fn hold_conflicts(
        &self,
        incoming: &Incoming,
        mail: &Mail,
        steps: &mut [Step],
        done: &mut [Option<Done>],
        (seen, scans): (&Seen, &Scans),
        now: Timestamp,
    ) {
        let (mut places, mut held) = (Vec::new(), Vec::new());
        for (at, (step, done)) in steps.iter().zip(done.iter()).enumerate() {
            let place = incoming.targets.get(at);
            if let (Step::Post(post, _), Some(Done::Conflict(_))) = (step, done)
                && let Some((rcpt, Target::List(list))) = place
            {
                let place = (rcpt.as_str(), list.as_ref(), PostKind::List);
                let known = Known {
                    seen,
                    scan: scans.of(at),
                    remembered: Remembered::default(),
                    counts: false,
                };
                places.push(at);
                held.push(self.held(post.id, place, incoming, mail, &known, Reason::Conflict, now));
            }
        }
        if held.is_empty() {
            return;
        }
        // The store may have taken the file already, so it gets the bytes.
        let raw = Raw::Memory(incoming.bytes.clone());
        let new = self.new_mail(incoming, mail, raw, now);
        let accept = Move::Accept { mail: new, posts: Vec::new(), held: held.clone() };
        let kept = match self.store.commit(vec![accept]).await {
            Ok(kept) => kept,
            Err(error) => vec![Done::Rejected(error.to_string()); held.len()],
        };
        for ((at, held), kept) in places.into_iter().zip(held).zip(kept) {
            if let (Some(step), Some(done)) = (steps.get_mut(at), done.get_mut(at)) {
                *step = Step::Hold(Box::new(held));
                *done = Some(kept);
            }
        }
    }

    /// The author's language if there are words in it, else the list's.
    pub(super) fn authors_language(&self, list: &List, mail: &Mail) -> String {
        let own = mail.author().and_then(|author| self.members.language(&author.address));
        self.speaks(list, own.as_deref()).to_owned()
    }
}

/// What the author's server hears.
pub(super) fn waits(held: &NewHeld) -> Reply {
    let key = match held.waits_for {
        _ if held.reason == Reason::Subscription => "reply-wish-waits",
        Waiting::Author => "reply-waits-author",
        Waiting::Moderator => "reply-waits-moderator",
    };
    let text = notice::reply(&held.language, key);
    Reply::new(250, "2.0.0", format!("{text} ({})", held.id.0))
}

/// The reason with what lies behind it, for the trace.
pub(super) fn why(held: &NewHeld) -> String {
    let behind = match held.reason {
        Reason::Unverified(_) | Reason::Asked(_) => &held.verification,
        Reason::Suspect | Reason::Filter => &held.verdict,
        _ => "",
    };
    let reason = held.reason.as_str();
    let waits_for = held.waits_for.as_str();
    match behind {
        "" => format!("{reason}: waits for the {waits_for} as {}", held.id.0),
        behind => format!("{reason} ({behind}): waits for the {waits_for} as {}", held.id.0),
    }
}

/// Where the client was that handed the mail to our MTA.
pub(super) fn network(mail: &Mail) -> Option<String> {
    received::client(mail.top_received.as_deref()?).network()
}

/// What From calls the author.
fn name(mail: &Mail) -> String {
    let name = mail.author().map(|author| author.name.clone()).unwrap_or_default();
    shown::line(&name, NAME)
}

fn subject(mail: &Mail) -> String {
    one_line(&mail.text("Subject").unwrap_or_default(), SUBJECT)
}

fn one_line(text: &str, most: usize) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(most).collect::<String>().trim().to_owned()
}
