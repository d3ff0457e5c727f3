//! What the store knows of a post, as an admin reads it. Pure.

use listcore::api;
use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;

use crate::store::{Account, Batch, Counts, StoredPost, TraceEvent};

/// The store's counts.
pub fn queue_state(counts: &Counts) -> api::QueueState {
    api::QueueState {
        mails: counts.mails,
        posts_waiting: counts.posts_waiting,
        recipients_waiting: counts.recipients_waiting,
        recipients_deferred: counts.recipients_deferred,
        held: counts.held,
        bounces: counts.bounces,
        bounces_unattributed: counts.bounces_unattributed,
    }
}

/// A line of the queue.
pub fn line(account: &Account) -> api::PostLine {
    let outcomes = || account.batches.iter().flat_map(pairs);
    let mut counts = api::Counts::default();
    for (known, outcome) in outcomes() {
        count(&mut counts, known, outcome);
    }
    let StoredPost { id, message_id, frozen, accepted, expires, size, .. } = &account.post;
    api::PostLine {
        id: id.0.to_string(),
        list: frozen.address.to_string(),
        hidden_author: frozen.hidden.as_ref().and_then(|h| Some(h.author()?.to_string())),
        message_id: message_id.clone(),
        accepted: *accepted,
        expires: *expires,
        size: *size,
        counts,
        // A recipient who was never tried is due since the mail was accepted.
        next: outcomes().filter_map(|(_, o)| o.due()).min().map(|due| due.max(*accepted)),
        reason: latest_reason(outcomes().map(|(_, outcome)| outcome)),
        braked: None,
    }
}

/// A post with every recipient, in the order of delivery; of those whom `hides` means not who they are.
pub fn post(account: &Account, hides: &dyn Fn(&Recipient) -> bool) -> api::Post {
    let line_of = |outcome: &Outcome, who: Option<&Recipient>| {
        let protected = who.is_some_and(hides);
        let shown = who.filter(|_| !protected);
        api::RecipientLine {
            address: shown.map(|recipient| recipient.address.to_string()),
            name: shown.and_then(|recipient| recipient.name.clone()),
            protected,
            outcome: outcome.clone(),
            last_mile: None,
            digest: None,
        }
    };
    let recipients = account.batches.iter().flat_map(|batch| {
        let who = batch.recipients.iter().map(|who| who.as_ref().map(|(_, recipient)| recipient));
        batch.outcomes.iter().zip(who).map(|(outcome, who)| line_of(outcome, who))
    });
    api::Post { recipients: recipients.collect(), line: line(account) }
}

/// Everything known of a Message-ID.
pub fn trace(message_id: &str, posts: Vec<api::Post>, events: &[TraceEvent]) -> api::Trace {
    let event = |event: &TraceEvent| api::Event {
        at: event.at,
        recipient: event.recipient.clone(),
        author: event.author.clone(),
        what: event.what.clone(),
        why: event.why.clone(),
    };
    let mut events: Vec<api::Event> = events.iter().map(event).collect();
    events.sort_by_key(|event| event.at);
    let message_id = message_id.to_owned();
    api::Trace { message_id, posts, held: Vec::new(), events }
}

/// Each outcome with whether its recipient is still known.
fn pairs(batch: &Batch) -> impl Iterator<Item = (bool, &Outcome)> {
    batch.recipients.iter().map(Option::is_some).zip(&batch.outcomes)
}

fn count(counts: &mut api::Counts, known: bool, outcome: &Outcome) {
    let place = match outcome {
        _ if !known => &mut counts.erased,
        Outcome::Waiting => &mut counts.waiting,
        Outcome::Deferred { .. } => &mut counts.deferred,
        Outcome::Delivered { .. } => &mut counts.delivered,
        Outcome::Failed { .. } => &mut counts.failed,
        Outcome::Dropped { .. } => &mut counts.dropped,
    };
    *place += 1;
}

/// The latest answer among those who wait for another try.
fn latest_reason<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Option<String> {
    let deferred = outcomes.filter_map(|outcome| match outcome {
        Outcome::Deferred { at, reply, .. } => Some((*at, reply)),
        _ => None,
    });
    let (_, reply) = deferred.max_by_key(|(at, _): &(Timestamp, _)| *at)?;
    Some(match reply.code {
        0 => reply.text.clone(),
        code => format!("{code} {}", reply.text),
    })
}

#[cfg(test)]
mod tests {
    use listcore::address::Address;
    use listcore::list::ListId;
    use listcore::outcome::{Dropped, Reply};
    use listcore::recipients::Recipient;
    use listcore::rewrite::{Frozen, PostKind};

    use super::*;
    use crate::store::{BatchId, MailId, PostId, RecipientRef};

    fn address(text: &str) -> Address {
        Address::parse(text).expect("address")
    }

    fn account(outcomes: Vec<Outcome>) -> Account {
        let frozen = Frozen {
            language: "de".to_owned(),
            ..Frozen::new(PostKind::List, ListId("id".to_owned()), address("5b@schule.example"))
        };
        let id = PostId(9_007_199_254_740_993);
        let post = StoredPost {
            id,
            mail: MailId(1),
            message_id: "a@b".to_owned(),
            frozen,
            accepted: Timestamp(1_000),
            expires: Timestamp(9_000),
            size: 42,
        };
        let who = |n: usize| Recipient {
            person: None,
            address: address(&format!("p{n}@x.example")),
            name: None,
            language: None,
        };
        // The second one was erased.
        let recipients = (0..outcomes.len())
            .map(|n| (n != 1).then(|| (RecipientRef(n as u64), who(n))))
            .collect();
        let batch = Batch { id: BatchId { post: id, number: 0 }, recipients, outcomes };
        Account { post, batches: vec![batch] }
    }

    fn deferred(at: i64, next: i64, code: u16, text: &str) -> Outcome {
        let reply = Reply { code, text: text.to_owned() };
        Outcome::Deferred { at: Timestamp(at), attempts: 1, next: Timestamp(next), reply }
    }

    #[test]
    fn a_post_is_counted_and_says_why_it_waits() {
        let reply = Reply { code: 250, text: "ok".to_owned() };
        let at = Timestamp(5);
        let account = account(vec![
            deferred(10, 5_000, 451, "later"),
            Outcome::Dropped { at, why: Dropped::Erased },
            deferred(20, 4_000, 0, "connection lost"),
            Outcome::Delivered { at, reply: reply.clone(), queue_id: None },
            Outcome::Failed { at, reply },
            Outcome::Dropped { at, why: Dropped::LeftList },
        ]);
        let line = line(&account);
        let counts =
            api::Counts { waiting: 0, deferred: 2, delivered: 1, failed: 1, dropped: 1, erased: 1 };
        assert_eq!(line.counts, counts);
        assert_eq!(line.next, Some(Timestamp(4_000)));
        assert_eq!(line.reason.as_deref(), Some("connection lost"), "the latest, without a 0");
        assert_eq!(line.id, "9007199254740993", "as text: JSON numbers end at 2^53");
        let post = post(&account, &|_| false);
        let shown: Vec<Option<&str>> =
            post.recipients.iter().map(|r| r.address.as_deref()).collect();
        assert_eq!(shown.first(), Some(&Some("p0@x.example")));
        assert_eq!(shown.get(1), Some(&None), "an erased one has no address");
        assert_eq!(shown.len(), 6);
    }

    #[test]
    fn what_was_never_tried_is_due_since_it_was_accepted() {
        let account = account(vec![Outcome::Waiting]);
        assert_eq!(line(&account).next, Some(Timestamp(1_000)));
        let done = Outcome::Dropped { at: Timestamp(5), why: Dropped::LeftList };
        assert_eq!(line(&self::account(vec![done])).next, None);
    }

    #[test]
    fn events_come_in_the_order_of_time() {
        let event = |at| TraceEvent {
            at: Timestamp(at),
            message_id: "a@b".to_owned(),
            list: None,
            recipient: "5b@schule.example".to_owned(),
            author: None,
            what: "refused".to_owned(),
            why: "550".to_owned(),
        };
        let trace = trace("a@b", Vec::new(), &[event(9), event(3)]);
        let times: Vec<i64> = trace.events.iter().map(|event| event.at.0).collect();
        assert_eq!(times, [3, 9]);
    }
}
