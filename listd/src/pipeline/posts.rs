//! From a decision to what is stored, and from what was stored to the replies.

use aws_lc_rs::digest;
use listcore::list::List;
use listcore::message::Mail;
use listcore::policy::Verdict;
use listcore::recipients::Recipient;
use listcore::rewrite::{Arrival, Frozen, Links, PostKind};
use listcore::scan::{Finding, Scan};
use listcore::time::Timestamp;
use lmtp::reply::Reply;

use super::judge::Step;
use super::{Incoming, Pipeline, answer};
use crate::clock;
use crate::store::{Done, MailId, Move, NewMail, NewPost, PostId, SCANNED, StoreError, TraceEvent};

/// The list's own page, for `{settings}` in footers. There are no pages yet, so there is no link, and a line that asks
/// for one is left out. With pages it is `web.public_url`, `/list/` and the list's address, percent-encoded, for lists
/// whose house has `web.listen`; it is the same for everybody, since footers are shared.
const SETTINGS_PAGE: Option<String> = None;

impl Pipeline {
    /// One mail's way to one list, with everything frozen that a retry must not see change.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn post(
        &self,
        list: &List,
        kind: PostKind,
        incoming: &Incoming,
        mail: &Mail,
        (verdict, arrival): (&Verdict, &Arrival),
        recipients: Vec<Recipient>,
        now: Timestamp,
    ) -> NewPost {
        let id = PostId(self.ids.next(now));
        let domain = list.address.domain().to_owned();
        let date = clock::rfc5322(now);
        let tenant = self.tenant(&domain);
        let frozen = Frozen {
            name: list.name.clone(),
            description: list.description.clone(),
            settings: verdict.freeze(&list.settings),
            help_url: tenant.help_url,
            links: Links { settings: SETTINGS_PAGE, ..tenant.links },
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
        let digest = digest_of(incoming.bytes.get(mail.head_len()..).unwrap_or_default());
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

    /// Everything that this mail leads to becomes durable in one commit; then the replies.
    pub(super) async fn store_and_answer(
        &self,
        incoming: &Incoming,
        mail: &Mail,
        steps: Vec<Step>,
        now: Timestamp,
    ) -> Vec<Reply> {
        let moves = self.moves(incoming, mail, &steps, now);
        match self.store.commit(moves).await {
            Ok(done) => {
                self.trace_repeats(mail, &steps, &done, now).await;
                self.answers(&steps, done, now)
            }
            Err(error) => {
                tracing::error!(%error, "a mail could not be stored and was deferred");
                vec![answer::store_trouble(&error); steps.len()]
            }
        }
    }

    /// First the mail with its posts, then each event, in the order of the steps.
    fn moves(&self, incoming: &Incoming, mail: &Mail, steps: &[Step], now: Timestamp) -> Vec<Move> {
        let post = |step: &Step| match step {
            Step::Post(post, _) => Some(post.as_ref().clone()),
            _ => None,
        };
        let posts: Vec<NewPost> = steps.iter().filter_map(post).collect();
        let mut moves = Vec::with_capacity(steps.len());
        if let Some(first) = posts.first() {
            let mail = NewMail {
                id: MailId(self.ids.next(now)),
                raw: incoming.raw.clone(),
                message_id: mail.message_id.clone().or_else(|| made(first)).unwrap_or_default(),
                sender: incoming.sender.clone(),
                received: now,
                utf8: incoming.utf8,
            };
            moves.push(Move::accept(mail, posts));
        }
        moves.extend(steps.iter().filter_map(|step| match step {
            Step::Tell(_, event) => Some(Move::Trace(event.clone())),
            Step::Bounce(event) => Some(Move::Bounce(event.clone())),
            Step::Post(post, scan) => scanned(post, scan, mail, now).map(Move::Trace),
            Step::SameAs(_) => None,
        }));
        moves
    }

    fn answers(&self, steps: &[Step], done: Vec<Done>, now: Timestamp) -> Vec<Reply> {
        let count = steps.iter().filter(|step| matches!(step, Step::Post(..))).count();
        let mut of_posts = done.into_iter().take(count);
        let mut replies: Vec<Reply> = Vec::with_capacity(steps.len());
        let mut announced = Vec::new();
        for step in steps {
            let reply = match step {
                Step::Tell(reply, _) => reply.clone(),
                Step::Bounce(_) => Reply::new(250, "2.0.0", "received"),
                Step::SameAs(first) => replies.get(*first).cloned().unwrap_or_else(lost),
                Step::Post(post, _) => match of_posts.next() {
                    Some(Done::Ok) => {
                        announced.extend(post.due(now));
                        accepted(post)
                    }
                    Some(Done::Duplicate(_)) => {
                        Reply::new(250, "2.6.0", "this mail was accepted before")
                    }
                    Some(Done::Conflict(_)) => conflict(),
                    Some(done @ (Done::Ended(_) | Done::Stale)) => {
                        tracing::error!(
                            ?done,
                            "the store gave an answer that does not belong to a post"
                        );
                        lost()
                    }
                    Some(Done::Rejected(why)) => {
                        tracing::error!(why, list = %post.frozen.address, "a mail could not be stored and was deferred");
                        answer::store_trouble(&StoreError::Failed(why))
                    }
                    None => lost(),
                },
            };
            replies.push(reply);
        }
        self.announce.announce(announced);
        replies
    }

    /// Keeps for `listctl trace` what became of repetitions; they are answered whether that works or not.
    async fn trace_repeats(&self, mail: &Mail, steps: &[Step], done: &[Done], at: Timestamp) {
        let posts = steps.iter().filter_map(|step| match step {
            Step::Post(post, _) => Some(post),
            _ => None,
        });
        let repeats = posts.zip(done).filter_map(|(post, done)| {
            let (what, why) = match done {
                Done::Duplicate(first) => ("duplicate", format!("accepted before as {}", first.0)),
                Done::Conflict(first) => {
                    ("refused", format!("another mail has this Message-ID: {}", first.0))
                }
                Done::Ok | Done::Rejected(_) | Done::Ended(_) | Done::Stale => return None,
            };
            Some(Move::Trace(TraceEvent {
                at,
                message_id: mail.message_id.clone().or_else(|| made(post)).unwrap_or_default(),
                list: Some(post.frozen.list.clone()),
                recipient: post.frozen.address.to_string(),
                author: mail.from.first().map(|from| from.address.to_string()),
                what: what.to_owned(),
                why,
            }))
        });
        let repeats: Vec<Move> = repeats.collect();
        if repeats.is_empty() {
            return;
        }
        if let Err(error) = self.store.commit(repeats).await {
            tracing::warn!(%error, "a repeated mail is missing in the trace");
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

/// Rule L4: held once there is moderation; until then the author is told.
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

/// SHA-256 of a body without the empty lines at its end, which a relay may add or drop (rule L4).
fn digest_of(body: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, body.trim_ascii_end());
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
