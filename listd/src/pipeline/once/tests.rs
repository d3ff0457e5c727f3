//! What the lists that a mail names learn of each other, whichever way it comes; and who can't make them.

use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::outcome::{Dropped, Outcome, Reply};
use listcore::rewrite::Frozen;

use super::super::Because;
use crate::pipeline::again::Again;
use crate::pipeline::testing::{START, School, letter};
use crate::store::held::Holds;
use crate::store::{Body, Commit, Move, Queue, Report};

const BOTH: &str = "To: 5b@schule.example\r\nCc: Klasse 6a <6a@schule.example>";

fn list(name: &str) -> ListId {
    ListId(format!("00000000-0000-0000-0000-0000000000{name}"))
}

fn school(once: bool) -> School {
    let school = School::new();
    let tenants = &school.door.pipeline.tenants;
    let mut all = tenants.load().as_ref().clone();
    all.get_mut("schule.example").expect("ours").once = once;
    tenants.store(all.into());
    school
}

async fn send(school: &School, rcpts: &[&str], mail: &str) {
    let replies = school.send("<anna@home.example>", rcpts, mail.as_bytes()).await;
    assert!(replies.iter().all(|reply| reply.starts_with("250")), "{replies:?}");
}

fn mail(id: &str) -> String {
    letter(id, "Hallo").replace("To: 5b@schule.example", BOTH)
}

/// What is frozen of a mail for a list.
async fn frozen(school: &School, id: &str, of: &str) -> Option<Frozen> {
    let (accounts, _) = school.store.trace(id).await.expect("a trace");
    let post = accounts.into_iter().find(|account| account.post.frozen.list == list(of));
    post.map(|account| account.post.frozen)
}

/// Lists before this one that may send it to Anna; and whether she has it for sure.
async fn earlier(school: &School, id: &str, of: &str) -> (Vec<ListId>, bool) {
    let frozen = frozen(school, id, of).await.expect("a post");
    let anna = "person:uid=anna,dc=x";
    let lists = frozen.once.iter().flat_map(|once| &once.earlier);
    let lists = lists.filter(|list| list.who.contains(anna)).map(|list| list.list.clone());
    (lists.collect(), frozen.spared.get(anna) == Some(&Dropped::Elsewhere))
}

/// Everybody of a post has this outcome.
async fn settle(school: &School, id: &str, of: &str, outcome: Outcome) {
    let (accounts, _) = school.store.trace(id).await.expect("a trace");
    let account = accounts.into_iter().find(|a| a.post.frozen.list == list(of)).expect("a post");
    let moves = account.batches.iter().map(|batch| Move::Settle {
        batch: batch.id,
        outcomes: (0..).zip(&batch.outcomes).map(|(i, _)| (i, outcome.clone())).collect(),
    });
    school.store.commit(moves.collect()).await.expect("a commit");
}

fn sent() -> Outcome {
    let reply = Reply { code: 250, text: "ok".to_owned() };
    Outcome::Delivered { at: START, reply, queue_id: None }
}

const LISTS: [&str; 2] = ["6a@schule.example", "5b@schule.example"];

/// Together, in the order of To and Cc and not of RCPT; one after the other, before and after the first one went out; and
/// what the first did not send her does not count.
#[tokio::test]
async fn lists_learn_of_each_other() {
    let school = school(true);
    send(&school, &LISTS, &mail("together")).await;
    assert_eq!(earlier(&school, "together", "5b").await, (vec![], false));
    assert_eq!(earlier(&school, "together", "6a").await, (vec![list("5b")], false));
    send(&school, &LISTS, &mail("together")).await;
    assert_eq!(school.store.trace("together").await.expect("a trace").0.len(), 2, "a retry");
    let muted = Outcome::Dropped { at: START, why: Dropped::Muted };
    let cases = [
        ("waits", None, (vec![list("5b")], false)),
        ("sent", Some(sent()), (vec![], true)),
        ("muted", Some(muted), (vec![], false)),
    ];
    for (id, outcome, expect) in cases {
        send(&school, &LISTS[1..], &mail(id)).await;
        if let Some(outcome) = outcome {
            settle(&school, id, "5b", outcome).await;
        }
        send(&school, &LISTS[..1], &mail(id)).await;
        assert_eq!(earlier(&school, id, "6a").await, expect, "{id}");
    }
    // The second list in Cc came first: it is the first to send it.
    send(&school, &LISTS[..1], &mail("turned")).await;
    send(&school, &LISTS[1..], &mail("turned")).await;
    assert_eq!(earlier(&school, "turned", "5b").await, (vec![list("6a")], false));
}

/// A mail under the same Message-ID that differs in anything a reader sees, or whose author nobody vouches for, makes
/// nobody miss hers; nor does one that does not name both lists.
#[tokio::test]
async fn nobody_loses_a_mail_by_another() {
    let school = school(true);
    let members = &school.door.pipeline.members;
    members.set_override(&list("5b"), Key::Unverified, Some(&["accept".to_owned()]));
    let forge = |id: &str, what: &str, with: &str| mail(id).replace(what, with);
    for (id, first) in [
        ("body", forge("body", "\r\n\r\nHallo", "\r\n\r\nNichts")),
        ("subject", forge("subject", "Subject: Hallo", "Subject: Gelb")),
        ("date", forge("date", "Date: Sun, 22", "Date: Sat, 21")),
        ("name", forge("name", "From: Anna <", "From: Bert <")),
        ("unproven", forge("unproven", "auth=pass", "auth=none")),
        ("one-list", letter("one-list", "Hallo")),
    ] {
        send(&school, &LISTS[1..], &first).await;
        settle(&school, id, "5b", sent()).await;
        send(&school, &LISTS[..1], &mail(id)).await;
        assert_eq!(earlier(&school, id, "6a").await, (vec![], false), "{id}");
    }
    let off = self::school(false);
    send(&off, &LISTS, &mail("off")).await;
    assert_eq!(frozen(&off, "off", "6a").await.and_then(|frozen| frozen.once), None);
}

/// 5b's waits for a moderator: 7a's goes out; and when the moderator says yes she has it.
#[tokio::test]
async fn what_waits_is_not_sent_again() {
    let school = school(true);
    let members = &school.door.pipeline.members;
    members.set_override(&list("5b"), Key::Moderation, Some(&["all".to_owned()]));
    send(&school, &LISTS, &mail("held")).await;
    assert_eq!(earlier(&school, "held", "6a").await, (vec![], false));
    settle(&school, "held", "6a", sent()).await;
    let held = school.store.held_as("held").await.expect("held").remove(0);
    let Some(Body::Memory(raw)) = school.store.body(held.mail).await.expect("a store") else {
        panic!("a body")
    };
    let because = Because::Moderator { confirmed: false };
    let Again::Post(post) = school.door.pipeline.again(&held, raw, because).await else {
        panic!("it goes out")
    };
    let spared: Vec<(&str, Dropped)> =
        post.frozen.spared.iter().map(|(who, why)| (who.as_str(), *why)).collect();
    assert_eq!(spared, [("person:uid=anna,dc=x", Dropped::Elsewhere)]);
}
