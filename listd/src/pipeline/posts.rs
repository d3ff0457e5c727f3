//! From a decision to what is stored, and from what was stored to the replies.

use aws_lc_rs::digest;
use listcore::links::list_url;
use listcore::list::List;
use listcore::message::Mail;
use listcore::policy::Verdict;
use listcore::recipients::Recipient;
use listcore::rewrite::{Arrival, Frozen, Links, PostKind};
use listcore::scan::{Finding, Scan};
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::judge::Step;
use super::{Incoming, Pipeline, answer, hold};
use crate::clock;
use crate::store::{
    Done, HELD, MailId, Move, NewMail, NewPost, PostId, Raw, SCANNED, StoreError, TraceEvent,
};

impl Pipeline {
    /// One mail's way to one list, with everything frozen that a retry must not see change.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn post(
        &self,
        id: PostId,
        list: &List,
        kind: PostKind,
        incoming: &Incoming,
        mail: &Mail,
        (verdict, arrival): (&Verdict, &Arrival),
        recipients: Vec<Recipient>,
        now: Timestamp,
    ) -> NewPost {
        let domain = list.address.domain().to_owned();
        let date = clock::rfc5322(now);
        let tenant = self.tenant(&domain);
        let frozen = Frozen {
            name: list.name.clone(),
            description: list.description.clone(),
            settings: verdict.freeze(&list.settings),
            help_url: tenant.help_url,
            // The same for everybody, since footers are shared.
            links: Links {
                settings: tenant.links.pages.as_deref().map(|url| list_url(url, &list.address)),
                ..tenant.links
            },
            language: self.language(list),
            received: self.received(incoming, id, list, &date),
            add_message_id: mail
                .message_id
                .is_none()
                .then(|| made_message_id(incoming, &self.house.hostname)),
            add_date: (!mail.has_date).then_some(date),
            arrival: arrival.clone(),
            ..Frozen::new(kind, list.id.clone(), list.address.clone())
        };
        let digest = body_digest(incoming, mail);
        let expires = now + self.house.give_up_after;
        NewPost { id, frozen, digest, expires, recipients, hides: None }
    }

    /// The `Received` line on top (rules T1, LM33): whom it is for only where there is one recipient.
    fn received(&self, incoming: &Incoming, id: PostId, list: &List, date: &str) -> String {
        let word = |c: char| c.is_ascii_graphic() && !"()<>\\\"".contains(c);
        let helo: String = incoming.helo.chars().filter(|c| word(*c)).take(255).collect();
        let whom = if incoming.targets.len() == 1 {
            format!("\r\n\tfor <{}>", list.address)
        } else {
            String::new()
        };
        format!(
            "Received: from {} ({})\r\n\tby {} with {} id {}{};\r\n\t{}\r\n",
            if helo.is_empty() { "unknown" } else { &helo },
            incoming.peer,
            self.house.hostname,
            incoming.protocol,
            id.0,
            whom,
            date
        )
    }

    /// Everything that this mail leads to becomes durable in one commit: what became of each step, `None` for those
    /// that ask nothing of the store.
    pub(super) async fn store(
        &self,
        incoming: &Incoming,
        mail: &Mail,
        steps: &[Step],
        now: Timestamp,
    ) -> Result<Vec<Option<Done>>, StoreError> {
        let mut done = self.store.commit(self.moves(incoming, mail, steps, now)).await?;
        // Posts are answered first, then what is held.
        let posts = steps.iter().filter(|step| matches!(step, Step::Post(..))).count();
        let mut of_held = done.split_off(posts.min(done.len())).into_iter();
        let mut of_posts = done.into_iter();
        let of_step = |step: &Step| match step {
            Step::Post(..) => of_posts.next(),
            Step::Hold(_) => of_held.next(),
            _ => None,
        };
        Ok(steps.iter().map(of_step).collect())
    }

    /// The replies, once everything is durable.
    pub(super) async fn answers(
        &self,
        mail: &Mail,
        steps: &[Step],
        done: Vec<Option<Done>>,
        now: Timestamp,
    ) -> Vec<Reply> {
        self.trace_repeats(mail, steps, &done, now).await;
        let mut replies: Vec<Reply> = Vec::with_capacity(steps.len());
        let (mut announced, mut waits) = (Vec::new(), false);
        for (step, done) in steps.iter().zip(done) {
            let reply = match (step, done) {
                (Step::Tell(reply, _), _) => reply.clone(),
                (Step::Bounce(_), _) => Reply::new(250, "2.0.0", "received"),
                (Step::SameAs(first), _) => replies.get(*first).cloned().unwrap_or_else(lost),
                (Step::Post(post, _), Some(Done::Ok)) => {
                    announced.extend(post.due(now));
                    accepted(post)
                }
                (Step::Hold(held), Some(Done::Ok)) => {
                    waits = true;
                    hold::waits(held)
                }
                (_, done) => not_stored(done),
            };
            replies.push(reply);
        }
        self.announce.announce(announced);
        if waits {
            self.desk.waits();
        }
        replies
    }

    /// First the mail with its posts and what of it waits, then each event, in the order of the steps.
    fn moves(&self, incoming: &Incoming, mail: &Mail, steps: &[Step], now: Timestamp) -> Vec<Move> {
        let (mut posts, mut held) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Post(post, _) => posts.push(post.as_ref().clone()),
                Step::Hold(one) => held.push(one.as_ref().clone()),
                _ => {}
            }
        }
        let mut moves = Vec::with_capacity(steps.len());
        if !posts.is_empty() || !held.is_empty() {
            let mail = self.new_mail(incoming, mail, incoming.raw.clone(), now);
            moves.push(Move::Accept { mail, posts, held });
        }
        moves.extend(steps.iter().filter_map(|step| match step {
            Step::Tell(_, event) => Some(Move::Trace(event.clone())),
            Step::Bounce(event) => Some(Move::Bounce(event.clone())),
            Step::Post(post, scan) => scanned(post, scan, mail, now).map(Move::Trace),
            Step::Hold(_) | Step::SameAs(_) => None,
        }));
        moves
    }

    pub(super) fn new_mail(
        &self,
        incoming: &Incoming,
        mail: &Mail,
        raw: Raw,
        now: Timestamp,
    ) -> NewMail {
        NewMail {
            id: MailId(self.ids.next(now)),
            raw,
            message_id: message_id(incoming, mail, &self.house.hostname),
            sender: incoming.sender.clone(),
            received: now,
            utf8: incoming.utf8,
        }
    }

    /// Keeps for `listctl trace` what waits, and what became of repetitions; they are answered whether that works or
    /// not.
    async fn trace_repeats(
        &self,
        mail: &Mail,
        steps: &[Step],
        done: &[Option<Done>],
        at: Timestamp,
    ) {
        let events = steps.iter().zip(done).filter_map(|(step, done)| {
            let (list, address, message_id) = match step {
                Step::Post(post, _) => {
                    let id = mail.message_id.clone().or_else(|| made(post)).unwrap_or_default();
                    (&post.frozen.list, &post.frozen.address, id)
                }
                Step::Hold(held) => (&held.list, &held.address, held.message_id.clone()),
                _ => return None,
            };
            let (what, why) = match (done.as_ref()?, step) {
                (Done::Duplicate(first), _) => {
                    ("duplicate", format!("accepted before as {}", first.0))
                }
                (Done::Conflict(first), _) => {
                    ("refused", format!("another mail has this Message-ID: {}", first.0))
                }
                (Done::Ok, Step::Hold(held)) => (HELD, hold::why(held)),
                _ => return None,
            };
            Some(Move::Trace(TraceEvent {
                at,
                message_id,
                list: Some(list.clone()),
                recipient: address.to_string(),
                author: mail.from.first().map(|from| from.address.to_string()),
                what: what.to_owned(),
                why,
            }))
        });
        let events: Vec<Move> = events.collect();
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.store.commit(events).await {
            tracing::warn!(%error, "a mail that waits or was repeated is missing in the trace");
        }
    }
}

/// What is said where a mail was not stored, as something else than expected.
fn not_stored(done: Option<Done>) -> Reply {
    match done {
        Some(Done::Duplicate(_)) => Reply::new(250, "2.6.0", "this mail was accepted before"),
        Some(Done::Conflict(_)) => conflict(),
        Some(Done::Rejected(why)) => {
            tracing::error!(why, "a mail could not be stored and was deferred");
            answer::store_trouble(&StoreError::Failed(why))
        }
        Some(Done::Ok | Done::Ended(_) | Done::Stale) | None => {
            tracing::error!("the store gave an answer that does not belong to a mail");
            lost()
        }
    }
}

/// What the filter said of a mail that goes out.
fn scanned(post: &NewPost, scan: &Scan, mail: &Mail, at: Timestamp) -> Option<TraceEvent> {
    (scan.finding != Finding::NotAsked).then(|| TraceEvent {
        at,
        message_id: mail.message_id.clone().or_else(|| made(post)).unwrap_or_default(),
        list: Some(post.frozen.list.clone()),
        recipient: post.frozen.address.to_string(),
        author: mail.from.first().map(|from| from.address.to_string()),
        what: SCANNED.to_owned(),
        why: scan.shown(),
    })
}

/// The Message-ID that we gave a mail without one, without brackets.
fn made(post: &NewPost) -> Option<String> {
    Some(post.frozen.add_message_id.as_deref()?.trim_matches(['<', '>']).to_owned())
}

fn accepted(post: &NewPost) -> Reply {
    Reply::new(250, "2.0.0", format!("accepted as {}", post.id.0))
}

/// Rule L4, where it can't be held either: mail to a role or to a hidden author.
fn conflict() -> Reply {
    let text =
        "another mail with this Message-ID was sent to this list already; please write it anew";
    Reply::new(550, "5.6.0", text)
}

/// Can't happen with a store that keeps its contract; and if it does, it is our trouble.
fn lost() -> Reply {
    Reply::new(451, "4.3.0", "the mail could not be stored, try again later")
}

/// The same for each list and at each retry of the same bytes, so that a retry is recognised (rule LM22), also
/// where it is for some of the lists only.
fn made_message_id(incoming: &Incoming, hostname: &str) -> String {
    let digest = digest::digest(&digest::SHA256, &incoming.bytes);
    let short = digest.as_ref().get(..16).unwrap_or_default();
    format!("<{}.listd@{hostname}>", data_encoding::HEXLOWER.encode(short))
}

/// Without brackets: the mail's own, or the one that we give it.
pub(super) fn message_id(incoming: &Incoming, mail: &Mail, hostname: &str) -> String {
    let made = || made_message_id(incoming, hostname).trim_matches(['<', '>']).to_owned();
    mail.message_id.clone().unwrap_or_else(made)
}

/// What tells a retry from another mail with the same Message-ID.
pub(super) fn body_digest(incoming: &Incoming, mail: &Mail) -> [u8; 32] {
    digest_of(incoming.bytes.get(mail.head_len()..).unwrap_or_default())
}

/// SHA-256 of a body without the empty lines at its end, which a relay may add or drop (rule L4).
fn digest_of(body: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, body.trim_ascii_end());
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
