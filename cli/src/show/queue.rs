//! Mail on its way: the queue, one mail, and the whole story of a Message-ID.

use listcore::api::{Braked, Counts, PROTECTED, Post, PostLine, Queue, RecipientLine, Trace};
use listcore::bounce::brake::Refusals;
use listcore::outcome::{Dropped, Outcome, Reply};

use super::table::Rows;
use crate::time;

pub fn queue(queue: &Queue) -> String {
    if queue.posts.is_empty() {
        return "Nothing waits.\n".to_owned();
    }
    let mut rows = Rows::new(&["ID", "LIST", "ACCEPTED", "WAIT", "DONE", "NEXT TRY", "REASON"]);
    for post in &queue.posts {
        let counts = &post.counts;
        rows.row([
            post.id.clone(),
            post.list.clone(),
            time::at(post.accepted),
            (counts.waiting + counts.deferred).to_string(),
            (counts.delivered + counts.failed + counts.dropped + counts.erased).to_string(),
            post.next.map(time::at).unwrap_or_default(),
            post.braked.as_ref().map_or_else(|| post.reason.clone().unwrap_or_default(), paused),
        ]);
    }
    let more = if queue.more { "There is more: --limit shows up to 1000.\n" } else { "" };
    rows.text() + more
}

pub fn post(post: &Post) -> String {
    head(&post.line) + &recipients(&post.recipients)
}

fn head(line: &PostLine) -> String {
    let mut facts = Rows::facts();
    facts.fact("mail", &line.id);
    facts.fact("list", &line.list);
    if let Some(author) = &line.hidden_author {
        facts.fact("hidden author", author);
    }
    facts.fact("message-id", &line.message_id);
    facts.fact("accepted", time::at(line.accepted));
    facts.fact("size", format!("{} octets", line.size));
    facts.fact("copies", summary(&line.counts));
    if let Some(braked) = &line.braked {
        facts.fact("paused", format!("{}: {}", time::at(braked.at), paused(braked)));
        for one in &braked.refusals.by {
            let (count, class) = (one.count, one.class.as_str());
            facts.fact("", format!("{} ({count}, {class}): {}", one.provider, one.said));
        }
        facts.fact("", format!("`listctl queue resume {}` lets it go on", line.id));
    }
    if let Some(next) = line.next {
        facts.fact("next try", time::at(next));
        facts.fact("given up", time::at(line.expires));
    }
    facts.text()
}

/// Why delivery pauses, on one line.
fn paused(braked: &Braked) -> String {
    let Refusals { refused, tried, by } = &braked.refusals;
    let loudest = by.first().map(|one| format!(": {} says {}", one.provider, one.said));
    format!("paused, {refused} of {tried} refuse it{}", loudest.unwrap_or_default())
}

fn summary(counts: &Counts) -> String {
    let parts = [
        (counts.delivered, "delivered"),
        (counts.waiting, "not tried yet"),
        (counts.deferred, "deferred"),
        (counts.failed, "failed"),
        (counts.dropped, "dropped"),
        (counts.erased, "erased"),
    ];
    let said = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    said.collect::<Vec<_>>().join(", ")
}

fn recipients(recipients: &[RecipientLine]) -> String {
    let mut rows = Rows::new(&["RECIPIENT", "WHAT", "WHEN", "REPLY"]);
    for who in recipients {
        let nobody = if who.protected { PROTECTED } else { "(erased)" };
        let address = who.address.clone().unwrap_or_else(|| nobody.to_owned());
        let [what, when, reply] = outcome(&who.outcome);
        rows.row([address, what, when, reply]);
        if let Some(digest) = &who.digest {
            let at = format!("in the digest {digest}");
            rows.row(["  see its own trace".to_owned(), String::new(), String::new(), at]);
        }
        if let Some(last) = &who.last_mile {
            let [what, when, reply] = last_mile(last);
            rows.row(["  her own server".to_owned(), what, when, reply]);
        }
    }
    rows.text()
}

/// What, when, and the relay's words.
fn outcome(outcome: &Outcome) -> [String; 3] {
    match outcome {
        Outcome::Waiting => ["not tried yet".to_owned(), String::new(), String::new()],
        Outcome::Delivered { at, reply, queue_id } => {
            let id = queue_id.as_ref().filter(|id| !reply.text.contains(*id));
            let id = id.map(|id| format!(" (queue id {id})")).unwrap_or_default();
            ["delivered".to_owned(), time::at(*at), words(reply) + &id]
        }
        Outcome::Deferred { at, attempts, next, reply } => {
            let what = format!("deferred, try {attempts}");
            let next = format!(" (next try {})", time::at(*next));
            [what, time::at(*at), words(reply) + &next]
        }
        Outcome::Failed { at, reply } => ["failed".to_owned(), time::at(*at), words(reply)],
        Outcome::Dropped { at, why } => {
            let why = match why {
                Dropped::LeftList => "no longer on the list",
                Dropped::Inactive => "the account is inactive",
                Dropped::Erased => "the person's data was erased",
                Dropped::Cancelled => "an admin removed the mail",
                Dropped::Muted => "has muted the list",
                Dropped::Paused => "paused: the address takes no mail",
                Dropped::Own => "wants no copy of her own mail",
                Dropped::Addressed => "stands in To or Cc, and wants no second copy",
                Dropped::Elsewhere => "gets it from another list that the mail names",
                Dropped::Digest => "gets digests of this list",
            };
            ["not sent".to_owned(), time::at(*at), why.to_owned()]
        }
    }
}

/// The same of the recipient's own server: who tries again there is the relay, and nobody knows when.
fn last_mile(heard: &Outcome) -> [String; 3] {
    match heard {
        Outcome::Delivered { at, reply, .. } => {
            ["accepted".to_owned(), time::at(*at), words(reply)]
        }
        Outcome::Deferred { at, attempts, reply, .. } => {
            [format!("not yet, try {attempts}"), time::at(*at), words(reply)]
        }
        Outcome::Failed { at, reply } => ["refused".to_owned(), time::at(*at), words(reply)],
        Outcome::Waiting | Outcome::Dropped { .. } => outcome(heard),
    }
}

fn words(reply: &Reply) -> String {
    match reply.code {
        0 => reply.text.clone(),
        code => format!("{code} {}", reply.text),
    }
}

/// The whole story of a Message-ID; empty where nothing is known.
pub fn trace(trace: &Trace) -> String {
    let mut text = String::new();
    for one in &trace.posts {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&post(one));
    }
    if !trace.held.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&super::held::rows(&trace.held));
    }
    if trace.events.is_empty() {
        return text;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let mut rows = Rows::new(&["WHEN", "TO", "FROM", "WHAT", "WHY"]);
    for event in &trace.events {
        rows.row([
            time::at(event.at),
            event.recipient.clone(),
            event.author.clone().unwrap_or_default(),
            event.what.clone(),
            event.why.clone(),
        ]);
    }
    text + &rows.text()
}
