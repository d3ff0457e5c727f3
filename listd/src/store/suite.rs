//! What every backend must do: named cases, run against each of them.
//!
//! Only through the traits. What is special to one backend (crashes, files, locks) is tested beside it.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use listcore::address::Address;
use listcore::list::{ListId, Role};
use listcore::options::{Mute, Options};
use listcore::outcome::{Dropped, Outcome, Reply};
use listcore::recipients::{PersonId, Recipient};
use listcore::rewrite::{Frozen, PostKind};
use listcore::time::Timestamp;

use super::admitted::Admissions;
use super::brake::Brakes;
use super::digest::Digests;
use super::failures::Failures;
use super::held::Holds;
use super::last_mile::RelayLog;
use super::*;

mod admitted;
mod brake;
pub(super) mod digest;
pub(super) mod failures;
pub(crate) mod held;
mod last_mile;

/// All that a backend offers.
pub(super) trait Whole:
    Queue
    + Replica
    + Attribution
    + Report
    + Overrides
    + MemberOptions
    + Admissions
    + Accepted
    + Holds
    + Failures
    + Originals
    + RelayLog
    + Brakes
    + Digests
{
}
impl<T> Whole for T where
    T: Queue
        + Replica
        + Attribution
        + Report
        + Overrides
        + MemberOptions
        + Admissions
        + Accepted
        + Holds
        + Failures
        + Originals
        + RelayLog
        + Brakes
        + Digests
{
}

/// A fresh store, and where spilled files lie.
pub(super) struct Case {
    pub store: Arc<dyn Whole>,
    pub spool: PathBuf,
}

type Running = Pin<Box<dyn Future<Output = ()>>>;
type Named = (&'static str, fn(Case) -> Running);

macro_rules! cases {
    ($($name:path),* $(,)?) => {
        &[$((stringify!($name), |case| Box::pin($name(case)))),*]
    };
}

const CASES: &[Named] = cases![
    an_accepted_post_is_there_whole,
    a_post_without_recipients_needs_nothing,
    a_large_body_is_a_file,
    a_spilled_body_belongs_to_the_store,
    batches_have_up_to_a_hundred,
    a_duplicate_stores_nothing,
    concurrent_duplicates_are_one_post,
    a_mail_to_a_list_and_its_owners_is_no_duplicate,
    a_duplicate_is_forgotten_after_seven_days,
    one_mail_to_two_lists_is_one_body,
    settling_moves_the_due_time,
    settling_goes_on_after_a_wrong_move,
    a_used_name_is_rejected_alone,
    retry_now_makes_deferred_due,
    recipients_are_known_by_number,
    the_retention_job_erases,
    bounces_and_traces_are_counted_and_found,
    accounts_and_waiting_are_in_order,
    the_replica_is_replaced_and_updated,
    a_large_replica,
    overrides_are_set_replaced_and_taken_back,
    what_members_wish_is_kept,
    admitted::who_was_let_in_is_kept,
    what_was_accepted_is_kept,
    hidden_authors_are_known_until_they_expire,
    digest::a_mail_waits_for_digests,
    digest::another_outcome_ends_the_wait,
    digest::what_waits_for_a_digest_is_not_erased,
    held::a_held_mail_is_there_whole,
    held::a_held_mail_is_no_second_time_accepted,
    held::an_accepted_one_goes_out,
    held::there_is_one_decision,
    held::a_step_is_told_once,
    held::it_goes_on_waiting_for_another,
    held::what_waits_is_listed_and_due_in_order,
    held::marks_are_true_until_they_end,
    held::old_decisions_are_erased,
    failures::a_failure_counts_once_a_day,
    failures::a_standing_is_replaced_and_forgotten,
    brake::who_refuses_a_mail_is_counted_once,
    brake::a_mail_is_braked_once,
    brake::a_copy_and_a_bounce_lead_to_whom_and_what,
    failures::what_was_not_understood_is_found,
    originals_are_kept_to_learn_from,
    last_mile::what_the_relay_has_is_underway_until_the_last_word,
    last_mile::what_was_refused_is_found_again,
    last_mile::tries_are_counted_and_the_last_word_stays,
    last_mile::what_was_heard_is_counted_by_day_and_erased,
];

pub(super) async fn run<W: Whole + 'static>(make: impl AsyncFn() -> (Arc<W>, PathBuf)) {
    for (name, case) in CASES {
        println!("case {name}");
        let (store, spool) = make().await;
        case(Case { store, spool }).await;
    }
}

pub(crate) const T: Timestamp = Timestamp(1_800_000_000_000);
const DAY: i64 = 24 * 3600 * 1000;

pub(super) fn day(days: i64) -> Timestamp {
    Timestamp(T.0 + days * DAY)
}

pub(super) fn person(n: usize) -> Recipient {
    Recipient {
        person: Some(PersonId(format!("person-{n}"))),
        address: Address::parse(&format!("Eltern{n}@post.example")).expect("address"),
        name: Some(format!("Jörg Nr. {n}")),
        language: Some("de".into()),
    }
}

pub(crate) fn people(n: usize) -> Vec<Recipient> {
    (0..n).map(person).collect()
}

pub(super) fn frozen(list: &str) -> Frozen {
    Frozen {
        description: "Klasse 5b".into(),
        language: "de".into(),
        received: "Received: by lists.schule.example\r\n".into(),
        add_date: Some("Date: x".into()),
        ..Frozen::new(
            PostKind::List,
            ListId(list.into()),
            Address::parse(&format!("{list}@schule.example")).expect("address"),
        )
    }
}

pub(super) fn mail(id: u64, raw: impl Into<Vec<u8>>) -> NewMail {
    NewMail {
        id: MailId(id),
        raw: Raw::Memory(Bytes::from(raw.into())),
        message_id: format!("m{id}@x.example"),
        sender: Some(Address::parse("anna@x.example").expect("address")),
        received: T,
        utf8: false,
    }
}

pub(super) fn post(id: u64, list: &str, recipients: Vec<Recipient>) -> NewPost {
    let expires = day(5);
    let frozen = frozen(list);
    NewPost { id: PostId(id), frozen, digest: [7; 32], expires, recipients, hides: None }
}

/// A small mail to one list: mail and post have the same number.
pub(crate) fn accept(id: u64, list: &str, recipients: Vec<Recipient>) -> Move {
    Move::accept(mail(id, "A: b\r\n\r\nc\r\n"), vec![post(id, list, recipients)])
}

pub(super) fn delivered(at: i64) -> Outcome {
    let reply = Reply { code: 250, text: format!("2.0.0 OK id=1q{at}-Ab") };
    Outcome::Delivered { at: Timestamp(T.0 + at), reply, queue_id: Some(format!("1q{at}-Ab")) }
}

pub(super) fn deferred(at: i64, next: i64) -> Outcome {
    let reply = Reply { code: 451, text: "4.7.1 später".into() };
    let (at, next) = (Timestamp(T.0 + at), Timestamp(T.0 + next));
    Outcome::Deferred { at, attempts: 3, next, reply }
}

fn gone(at: i64) -> Outcome {
    Outcome::Dropped { at: Timestamp(T.0 + at), why: Dropped::LeftList }
}

fn batch_id(post: u64, number: u32) -> BatchId {
    BatchId { post: PostId(post), number }
}

pub(crate) fn settle(post: u64, number: u32, outcomes: Vec<(u16, Outcome)>) -> Move {
    Move::Settle { batch: batch_id(post, number), outcomes }
}

impl Case {
    async fn commit(&self, moves: Vec<Move>) -> Vec<Done> {
        self.store.commit(moves).await.expect("commit")
    }

    async fn accept(&self, id: u64, list: &str, recipients: Vec<Recipient>) {
        assert_eq!(self.commit(vec![accept(id, list, recipients)]).await, [Done::Ok]);
    }

    async fn due(&self) -> Vec<(u64, u32, i64)> {
        let due = self.store.due().await.expect("due");
        due.iter().map(|b| (b.id.post.0, b.id.number, b.due.0)).collect()
    }

    async fn batch(&self, post: u64, number: u32) -> Option<Batch> {
        self.store.batch(batch_id(post, number)).await.expect("batch")
    }

    async fn body(&self, mail: u64) -> Option<Vec<u8>> {
        match self.store.body(MailId(mail)).await.expect("body")? {
            Body::Memory(bytes) => Some(bytes.to_vec()),
            Body::File { path, size } => {
                let bytes = std::fs::read(path).expect("body file");
                assert_eq!(bytes.len() as u64, size);
                Some(bytes)
            }
        }
    }

    async fn counts(&self) -> Counts {
        self.store.counts().await.expect("counts")
    }
}

fn is_rejected(done: &Done) -> bool {
    matches!(done, Done::Rejected(why) if !why.is_empty())
}

fn files(dir: &Path) -> usize {
    std::fs::read_dir(dir).expect("spool").count()
}

/// Promise 1, and the frozen settings of promise 2.
async fn an_accepted_post_is_there_whole(case: Case) {
    let external = Recipient { person: None, name: None, language: None, ..person(9) };
    case.accept(1, "5b", vec![person(1), external.clone()]).await;
    let stored = case.store.post(PostId(1)).await.expect("post").expect("is there");
    assert_eq!(stored.frozen, frozen("5b"));
    assert_eq!((stored.mail, stored.message_id.as_str()), (MailId(1), "m1@x.example"));
    assert_eq!((stored.accepted, stored.expires, stored.size), (T, day(5), 11));
    assert_eq!(case.body(1).await.as_deref(), Some(&b"A: b\r\n\r\nc\r\n"[..]));
    let batch = case.batch(1, 0).await.expect("batch");
    let recipients: Vec<_> = batch.recipients.into_iter().flatten().map(|(_, r)| r).collect();
    assert_eq!(recipients, [person(1), external]);
    assert_eq!(batch.outcomes, [Outcome::Waiting, Outcome::Waiting]);
    let due = case.store.due().await.expect("due");
    let list = ListId("5b".into());
    assert_eq!(due, [DueBatch { id: batch_id(1, 0), list, due: Timestamp(0) }]);
    assert!(case.store.post(PostId(2)).await.expect("post").is_none());
    assert!(case.batch(1, 1).await.is_none() && case.body(2).await.is_none());
}

async fn a_post_without_recipients_needs_nothing(case: Case) {
    case.accept(1, "leer", Vec::new()).await;
    assert!(case.due().await.is_empty());
    assert_eq!((case.body(1).await, case.counts().await), (None, Counts::default()));
    let account = case.store.account(PostId(1)).await.expect("account").expect("is there");
    assert!(account.batches.is_empty());
}

/// Promise 12: a body is stored once, in pieces if it is large, and goes when nobody waits for it.
async fn a_large_body_is_a_file(case: Case) {
    let raw: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 251) as u8).collect();
    let large = Move::accept(
        mail(1, raw.clone()),
        vec![post(1, "5b", people(2)), post(2, "5c", people(1))],
    );
    assert_eq!(case.commit(vec![large]).await, [Done::Ok, Done::Ok]);
    assert_eq!(case.body(1).await, Some(raw.clone()));
    case.commit(vec![settle(1, 0, vec![(0, delivered(1)), (1, gone(1))])]).await;
    assert_eq!(case.body(1).await, Some(raw), "another post needs it");
    case.commit(vec![settle(2, 0, vec![(0, delivered(1))])]).await;
    assert_eq!((case.body(1).await, files(&case.spool)), (None, 0));
}

async fn a_spilled_body_belongs_to_the_store(case: Case) {
    let raw = vec![b's'; INLINE_BODY + 1];
    let spill = |name: &str| {
        let path = case.spool.join(name);
        std::fs::write(&path, &raw).expect("spill");
        Raw::Spilled { path, size: raw.len() as u64 }
    };
    let accept = |id, name: &str, post| {
        let mut mail = mail(id, "");
        (mail.raw, mail.message_id) = (spill(name), "s@x.example".into());
        Move::accept(mail, vec![post])
    };
    let moves = vec![accept(1, "in.1", post(1, "5b", people(1)))];
    assert_eq!(case.commit(moves).await, [Done::Ok]);
    assert_eq!(case.body(1).await.as_ref(), Some(&raw));
    let moves = vec![
        accept(2, "in.2", post(2, "5b", people(1))),
        accept(3, "in.3", post(1, "5c", people(1))),
        accept(1, "in.4", post(4, "5d", people(1))),
    ];
    let done = case.commit(moves).await;
    assert_eq!(done[0], Done::Duplicate(PostId(1)));
    assert!(is_rejected(&done[1]) && is_rejected(&done[2]), "{done:?}");
    assert_eq!(files(&case.spool), 1, "what was not accepted left no file");
    assert_eq!(case.body(1).await.as_ref(), Some(&raw));
}

/// Promise 12
async fn batches_have_up_to_a_hundred(case: Case) {
    case.accept(1, "schule", people(250)).await;
    assert_eq!(case.due().await, [(1, 0, 0), (1, 1, 0), (1, 2, 0)]);
    let mut all = Vec::new();
    for number in 0..3 {
        let batch = case.batch(1, number).await.expect("batch");
        assert_eq!(batch.recipients.len(), batch.outcomes.len());
        all.push(batch.recipients.len());
        let first = batch.recipients[0].as_ref().map(|(_, r)| r.clone());
        assert_eq!(first, Some(person(number as usize * 100)));
    }
    assert_eq!(all, [100, 100, 50]);
    assert_eq!(case.counts().await.recipients_waiting, 250);
}

/// L4, promise 2
async fn a_duplicate_stores_nothing(case: Case) {
    let again = |id, post: NewPost| {
        let mut mail = mail(id, "again");
        mail.message_id = "m1@x.example".into();
        Move::accept(mail, vec![post])
    };
    case.accept(1, "5b", people(1)).await;
    let mut other = post(3, "5b", people(1));
    other.digest = [8; 32];
    let moves = vec![again(2, post(2, "5b", people(1))), again(3, other)];
    let done = case.commit(moves).await;
    assert_eq!(done, [Done::Duplicate(PostId(1)), Done::Conflict(PostId(1))]);
    assert_eq!((case.due().await.len(), case.counts().await.mails), (1, 1));
    assert!(case.store.post(PostId(2)).await.expect("post").is_none());
    assert_eq!((case.body(2).await, case.body(3).await), (None, None));
    let moves = vec![again(4, post(4, "5c", people(1)))];
    assert_eq!(case.commit(moves).await, [Done::Ok], "another list is another decision");
}

/// L4, promise 2: a retry that overtakes its first attempt.
async fn concurrent_duplicates_are_one_post(case: Case) {
    let attempt = |n: u64| {
        let mut mail = mail(n, "x");
        mail.message_id = "same@x.example".into();
        let store = Arc::clone(&case.store);
        let moves = vec![Move::accept(mail, vec![post(n, "5b", people(3))])];
        async move { (n, store.commit(moves).await.expect("commit")) }
    };
    let mut set = tokio::task::JoinSet::new();
    (1..=8).for_each(|n| drop(set.spawn(attempt(n))));
    let all = set.join_all().await;
    let first: Vec<u64> =
        all.iter().filter(|(_, done)| *done == [Done::Ok]).map(|(n, _)| *n).collect();
    assert_eq!(first.len(), 1, "{all:?}");
    for (n, done) in all.iter().filter(|(n, _)| *n != first[0]) {
        assert_eq!(*done, [Done::Duplicate(PostId(first[0]))], "{n}");
    }
    assert_eq!(case.due().await, [(first[0], 0, 0)]);
}

/// L4: role mail is another way to the list.
async fn a_mail_to_a_list_and_its_owners_is_no_duplicate(case: Case) {
    let mut owners = post(2, "5b", people(1));
    owners.frozen.kind = PostKind::Role(Role::Owner);
    let posts = vec![post(1, "5b", people(2)), owners, post(3, "5b", people(1))];
    let done = case.commit(vec![Move::accept(mail(1, "x"), posts)]).await;
    assert_eq!(done, [Done::Ok, Done::Ok, Done::Duplicate(PostId(1))]);
}

/// L4
async fn a_duplicate_is_forgotten_after_seven_days(case: Case) {
    let mut done = Vec::new();
    for (id, days) in [(1, 0), (2, 7), (3, 8), (4, 14)] {
        let mut mail = mail(id, "x");
        (mail.message_id, mail.received) = ("weekly@x.example".into(), day(days));
        done.extend(case.commit(vec![Move::accept(mail, vec![post(id, "5b", people(1))])]).await);
    }
    assert_eq!(done, [Done::Ok, Done::Duplicate(PostId(1)), Done::Ok, Done::Duplicate(PostId(3))]);
}

/// Promise 12, promise 3
async fn one_mail_to_two_lists_is_one_body(case: Case) {
    let posts = vec![post(1, "5b", people(1)), post(2, "5c", people(1))];
    assert_eq!(case.commit(vec![Move::accept(mail(1, "x"), posts)]).await, [Done::Ok, Done::Ok]);
    assert_eq!((case.counts().await.mails, case.due().await.len()), (1, 2));
    case.commit(vec![settle(1, 0, vec![(0, delivered(1))])]).await;
    assert_eq!((case.counts().await.mails, case.due().await), (1, vec![(2, 0, 0)]));
    case.commit(vec![settle(2, 0, vec![(0, delivered(1))])]).await;
    assert_eq!(case.counts().await, Counts::default());
}

/// Promise 2: outcomes are exact, per recipient.
async fn settling_moves_the_due_time(case: Case) {
    case.accept(1, "5b", people(3)).await;
    case.commit(vec![settle(1, 0, vec![(0, deferred(10, 900)), (2, delivered(11))])]).await;
    assert_eq!(case.due().await, [(1, 0, 0)], "one was not tried yet");
    case.commit(vec![settle(1, 0, vec![(1, deferred(12, 500))])]).await;
    assert_eq!(case.due().await, [(1, 0, T.0 + 500)]);
    let batch = case.batch(1, 0).await.expect("batch");
    assert_eq!(batch.outcomes, [deferred(10, 900), deferred(12, 500), delivered(11)]);
    let counts = case.counts().await;
    assert_eq!((counts.recipients_waiting, counts.recipients_deferred), (0, 2));
    let failed = Outcome::Failed {
        at: Timestamp(T.0 + 20),
        reply: Reply { code: 0, text: "connection lost".into() },
    };
    case.commit(vec![settle(1, 0, vec![(0, failed.clone()), (1, gone(21))])]).await;
    assert!(case.due().await.is_empty() && case.batch(1, 0).await.is_none());
    let account = case.store.account(PostId(1)).await.expect("account").expect("is there");
    assert_eq!(account.batches[0].outcomes, [failed, gone(21), delivered(11)]);
    assert!(case.body(1).await.is_none());
}

async fn settling_goes_on_after_a_wrong_move(case: Case) {
    case.accept(1, "5b", people(2)).await;
    let done = case
        .commit(vec![
            settle(1, 0, vec![(0, delivered(1))]),
            settle(1, 0, vec![(1, delivered(1)), (2, delivered(1))]),
            settle(1, 7, vec![(0, delivered(1))]),
            settle(9, 0, vec![(0, delivered(1))]),
            accept(2, "5c", people(1)),
        ])
        .await;
    assert!(done[1..4].iter().all(is_rejected), "{done:?}");
    assert_eq!((&done[0], &done[4]), (&Done::Ok, &Done::Ok));
    let batch = case.batch(1, 0).await.expect("batch");
    assert_eq!(batch.outcomes, [delivered(1), Outcome::Waiting]);
}

/// One member's error never aborts the group of the others.
async fn a_used_name_is_rejected_alone(case: Case) {
    case.accept(1, "5b", people(1)).await;
    let moves = |n: u64| {
        let bad = if n.is_multiple_of(2) { 1 } else { n };
        let posts = vec![post(n + 100, "5x", people(1)), post(bad + 200, "5y", people(1))];
        let mut mail = mail(n + 1, "x");
        mail.id = if n == 5 { MailId(1) } else { mail.id };
        vec![Move::accept(mail, posts), accept(n + 300, "5z", people(1))]
    };
    case.accept(201, "5w", people(1)).await;
    let mut set = tokio::task::JoinSet::new();
    for n in 2..8 {
        let (store, moves) = (Arc::clone(&case.store), moves(n));
        set.spawn(async move { (n, store.commit(moves).await.expect("commit")) });
    }
    for (n, done) in set.join_all().await {
        let wrong = n % 2 == 0 || n == 5;
        assert_eq!(done.iter().map(is_rejected).collect::<Vec<_>>(), [wrong, wrong, false], "{n}");
        let half = case.store.post(PostId(n + 100)).await.expect("post").is_some();
        assert_eq!(half, !wrong, "{n}: no half move");
    }
}

async fn retry_now_makes_deferred_due(case: Case) {
    case.accept(1, "5b", people(2)).await;
    case.accept(2, "5b", people(1)).await;
    let later = |post, n| settle(post, 0, vec![(n, deferred(10, 9000))]);
    case.commit(vec![
        later(1, 0),
        settle(1, 0, vec![(1, delivered(10))]),
        settle(2, 0, vec![(0, deferred(10, 9000))]),
    ])
    .await;
    let done = case.commit(vec![Move::RetryNow { post: Some(PostId(1)) }]).await;
    assert_eq!(done, [Done::Ok]);
    assert_eq!(case.due().await, [(1, 0, T.0 + 10), (2, 0, T.0 + 9000)]);
    let batch = case.batch(1, 0).await.expect("batch");
    assert_eq!(batch.outcomes, [deferred(10, 10), delivered(10)]);
    let done = case.commit(vec![Move::RetryNow { post: Some(PostId(9)) }]).await;
    assert!(is_rejected(&done[0]));
    assert_eq!(case.commit(vec![Move::RetryNow { post: None }]).await, [Done::Ok]);
    assert_eq!(case.due().await, [(1, 0, T.0 + 10), (2, 0, T.0 + 10)]);
}

/// VERP: the number stays the same from post to post; the name is the last one known.
async fn recipients_are_known_by_number(case: Case) {
    let number = async |post| case.batch(post, 0).await.expect("batch").recipients[1].clone();
    case.accept(1, "5b", people(2)).await;
    let (first, _) = number(1).await.expect("known");
    assert_eq!(case.store.recipient(first).await.expect("recipient"), Some(person(1)));
    let renamed = Recipient { name: Some("Neu".into()), language: None, ..person(1) };
    case.accept(2, "5c", vec![person(0), renamed.clone()]).await;
    assert_eq!(number(2).await, Some((first, renamed.clone())));
    assert_eq!(case.store.recipient(first).await.expect("recipient"), Some(renamed.clone()));
    case.accept(3, "5c", vec![person(0), Recipient { person: None, ..person(1) }]).await;
    assert_ne!(number(3).await.expect("known").0, first, "another person at this address");
    assert!(case.store.recipient(RecipientRef(999)).await.expect("recipient").is_none());
    assert!(case.store.recipient(RecipientRef(u64::MAX)).await.expect("recipient").is_none());
}

/// GD8
async fn the_retention_job_erases(case: Case) {
    case.accept(1, "5b", people(2)).await;
    case.accept(2, "5b", people(3)).await;
    let numbers: Vec<RecipientRef> = {
        let batch = case.batch(2, 0).await.expect("batch");
        batch.recipients.iter().flatten().map(|(number, _)| *number).collect()
    };
    let event = |days: i64, id: &str| TraceEvent {
        at: day(days),
        message_id: id.into(),
        list: None,
        recipient: "5b@schule.example".into(),
        author: None,
        what: "refused".into(),
        why: "P1".into(),
    };
    let bounce = |days, n: usize| {
        let recipient = Some(numbers[n]);
        Move::Bounce(BounceEvent {
            at: day(days),
            recipient,
            summary: "dsn".into(),
            ..BounceEvent::default()
        })
    };
    case.commit(vec![
        settle(2, 0, vec![(0, delivered(0)), (1, delivered(0)), (2, delivered(2 * DAY))]),
        Move::Trace(event(1, "t@x.example")),
        Move::Trace(event(4, "t@x.example")),
        bounce(1, 1),
        bounce(4, 1),
    ])
    .await;
    let erase = async |days| case.commit(vec![Move::Erase { before: day(days) }]).await;
    assert_eq!(erase(2).await, [Done::Ok], "the last outcome of post 2 is not older than this");
    let there = async |n| case.store.account(PostId(n)).await.expect("account").is_some();
    assert!(there(1).await && there(2).await);
    erase(3).await;
    assert!(there(1).await && !there(2).await, "unfinished posts stay");
    let known = async |n: usize| case.store.recipient(numbers[n]).await.expect("recipient");
    assert!(known(0).await.is_some() && known(1).await.is_some() && known(2).await.is_none());
    let (_, traces) = case.store.trace("t@x.example").await.expect("trace");
    assert_eq!(traces, [event(4, "t@x.example")]);
    assert_eq!(case.counts().await.bounces, 1);
    case.commit(vec![settle(1, 0, vec![(0, delivered(1)), (1, delivered(1))])]).await;
    erase(4).await;
    assert!(!there(1).await && known(0).await.is_none());
    assert!(known(1).await.is_some(), "a bounce names her");
    case.accept(3, "5b", people(3)).await;
    let batch = case.batch(3, 0).await.expect("batch");
    let again: Vec<u64> = batch.recipients.iter().flatten().map(|(number, _)| number.0).collect();
    assert_eq!(again[1], numbers[1].0);
    assert!(again[0] > numbers[2].0 && again[2] > numbers[2].0, "no number is used again");
    let mut mail = mail(1, "x");
    mail.received = day(1);
    let posts = vec![post(1, "5b", people(1))];
    assert_eq!(case.commit(vec![Move::accept(mail, posts)]).await, [Done::Ok], "key erased");
}

/// GD3, GD8: known with the post that hides her, for as long as the latest said, by list and number; then erased.
async fn hidden_authors_are_known_until_they_expire(case: Case) {
    let hidden = |list: &str, number, days| HiddenAuthor {
        list: ListId(list.into()),
        number,
        address: Address::parse("Ayşe.Y@post.example").expect("address"),
        person: Some(PersonId("person-1".into())),
        member: true,
        expires: day(days),
    };
    let hiding = |id, hides| {
        let posts = vec![NewPost { hides: Some(hides), ..post(id, "5b", people(1)) }];
        Move::accept(mail(id, "A: b\r\n\r\nc\r\n"), posts)
    };
    let known = async |list: &str, number| {
        case.store.hidden_author(&ListId(list.into()), number).await.expect("hidden author")
    };
    let large = (1 << 56) - 1;
    let stranger = HiddenAuthor { person: None, member: false, ..hidden("5b", large, 90) };
    let moves = vec![
        hiding(1, hidden("5b", 7, 95)),
        hiding(2, hidden("5b", 7, 90)),
        hiding(3, stranger.clone()),
        hiding(4, hidden("5c", 7, 80)),
    ];
    assert_eq!(case.commit(moves).await, vec![Done::Ok; 4]);
    assert_eq!(known("5b", 7).await, Some(hidden("5b", 7, 95)), "the latest counts");
    assert_eq!(known("5b", large).await, Some(stranger));
    assert_eq!((known("5b", 8).await, known("5d", 7).await), (None, None));
    assert_eq!(known("5b", u64::MAX).await, None);
    let left = HiddenAuthor { member: false, ..hidden("5b", 7, 96) };
    let mut again = mail(1, "x");
    (again.id, again.received) = (MailId(9), T);
    let posts = vec![NewPost { hides: Some(left), ..post(9, "5b", people(1)) }];
    let done = case.commit(vec![Move::accept(again, posts)]).await;
    assert_eq!(done, [Done::Duplicate(PostId(1))]);
    assert_eq!(known("5b", 7).await, Some(hidden("5b", 7, 95)), "a repeated mail says nothing new");
    assert_eq!(case.commit(vec![Move::EraseExpired { before: day(90) }]).await, [Done::Ok]);
    assert_eq!(known("5c", 7).await, None);
    assert!(known("5b", 7).await.is_some() && known("5b", large).await.is_some());
    case.commit(vec![Move::EraseExpired { before: day(96) }]).await;
    assert_eq!((known("5b", 7).await, known("5b", large).await), (None, None));
}

/// GD8: bodies of finished mail stay where the filter learns, and go in time; what its author took back goes at once.
async fn originals_are_kept_to_learn_from(case: Case) {
    use self::held::{end, hold};
    use listcore::hold::{By, End, Ended};
    case.store.keep_originals(true);
    let large = vec![b'l'; INLINE_BODY + 1];
    let mut notice = post(3, "postmaster", people(1));
    notice.frozen.list = ListId(format!("{}schule.example", Frozen::NOTICE));
    notice.frozen.kind = PostKind::Role(Role::Owner);
    case.commit(vec![
        accept(1, "5b", people(1)),
        Move::accept(mail(2, large), vec![post(2, "5b", people(1))]),
        Move::accept(mail(3, "letter"), vec![notice]),
        hold(4, "5b"),
        hold(5, "5b"),
    ])
    .await;
    let over = |end, at| Ended { end, by: By::Author, at };
    let done = case
        .commit(vec![
            settle(1, 0, vec![(0, delivered(0))]),
            settle(2, 0, vec![(0, delivered(DAY))]),
            settle(3, 0, vec![(0, delivered(0))]),
            end(4, &over(End::Spam, day(1)), None),
            end(5, &over(End::Withdrawn, day(1)), None),
        ])
        .await;
    assert_eq!(done, vec![Done::Ok; 5]);
    let kept = async || {
        let mut kept = Vec::new();
        for id in 1..=5 {
            kept.extend(case.body(id).await.map(|_| id));
        }
        kept
    };
    assert_eq!(kept().await, [1, 2, 4]);
    assert_eq!(case.counts().await.mails, 0, "nothing needs them");
    let named = async |id: &str| case.store.originals(id).await.expect("originals");
    assert_eq!(named("m4@x.example").await, [MailId(4)]);
    assert!(named("nothing@x.example").await.is_empty());
    case.commit(vec![Move::EraseOriginals { before: day(1) }]).await;
    assert_eq!(kept().await, [2, 4]);
    case.commit(vec![Move::EraseOriginals { before: day(2) }]).await;
    assert_eq!((kept().await.len(), files(&case.spool)), (0, 0));
    case.store.keep_originals(false);
    case.accept(6, "5b", people(1)).await;
    case.commit(vec![settle(6, 0, vec![(0, delivered(0))])]).await;
    assert_eq!(case.body(6).await, None);
}

async fn bounces_and_traces_are_counted_and_found(case: Case) {
    let trace = |id: &str, at| TraceEvent {
        at: Timestamp(T.0 + at),
        message_id: id.into(),
        list: Some(ListId("5b".into())),
        recipient: "5b@schule.example".into(),
        author: Some("fremd@x.example".into()),
        what: "refused".into(),
        why: "550 5.7.1 Nur Mitglieder".into(),
    };
    let bounce = |recipient| BounceEvent {
        at: T,
        recipient,
        list: Some(ListId("5b".into())),
        summary: "dsn 5.1.1".into(),
        ..BounceEvent::default()
    };
    case.accept(1, "5b", people(1)).await;
    let done = case
        .commit(vec![
            Move::Trace(trace("m1@x.example", 5)),
            Move::Trace(trace("m1@x.example", 1)),
            Move::Trace(trace("m2@x.example", 1)),
            Move::Bounce(bounce(Some(RecipientRef(1)))),
            Move::Bounce(bounce(None)),
        ])
        .await;
    assert_eq!(done, vec![Done::Ok; 5]);
    let (accounts, traces) = case.store.trace("m1@x.example").await.expect("trace");
    assert_eq!(traces, [trace("m1@x.example", 1), trace("m1@x.example", 5)]);
    assert_eq!(accounts.iter().map(|a| a.post.id.0).collect::<Vec<_>>(), [1]);
    let (accounts, traces) = case.store.trace("m3@x.example").await.expect("trace");
    assert!(accounts.is_empty() && traces.is_empty());
    let counts = case.counts().await;
    assert_eq!((counts.bounces, counts.bounces_unattributed), (2, 1));
}

async fn accounts_and_waiting_are_in_order(case: Case) {
    for (id, at, list) in [(1, 3, "5b"), (3, 1, "5c"), (2, 1, "5d"), (4, 0, "5e")] {
        let mut mail = mail(id, "x");
        (mail.received, mail.message_id) = (day(at), "all@x.example".into());
        case.commit(vec![Move::accept(mail, vec![post(id, list, people(120))])]).await;
    }
    let all = (0..100).map(|n| (n, delivered(1))).collect();
    let rest = (0..20).map(|n| (n, delivered(1))).collect();
    case.commit(vec![settle(4, 0, all), settle(4, 1, rest)]).await;
    let waiting = async |limit| {
        let posts = case.store.waiting(limit).await.expect("waiting");
        posts.iter().map(|post| post.id.0).collect::<Vec<_>>()
    };
    assert_eq!((waiting(9).await, waiting(2).await), (vec![2, 3, 1], vec![2, 3]));
    assert_eq!(case.counts().await.posts_waiting, 3);
    let (accounts, _) = case.store.trace("all@x.example").await.expect("trace");
    let order: Vec<_> = accounts.iter().map(|a| (a.post.id.0, a.batches.len())).collect();
    assert_eq!(order, [(4, 2), (2, 2), (3, 2), (1, 2)]);
    assert!(case.store.account(PostId(9)).await.expect("account").is_none());
}

/// Promise 6: cookie and entries are one commit.
async fn the_replica_is_replaced_and_updated(case: Case) {
    let state = async || {
        let replica = case.store.replica().await.expect("replica");
        let mut entries: Vec<(String, String)> = replica
            .entries
            .into_iter()
            .map(|(uuid, data)| (uuid, String::from_utf8(data).expect("text")))
            .collect();
        entries.sort();
        let text = entries.iter().map(|(u, d)| format!("{u}={d}")).collect::<Vec<_>>().join(" ");
        (text, replica.cookie, replica.at)
    };
    let entry = |uuid: &str, data: &str| (uuid.to_owned(), data.as_bytes().to_vec());
    assert_eq!(state().await, (String::new(), Vec::new(), Timestamp(0)));
    let replace = |entries, cookie: &[u8], at| {
        Move::Replica(ReplicaChange::Replace { entries, cookie: cookie.to_vec(), at })
    };
    let entries = vec![entry("a", "1"), entry("b", "2"), entry("c", "3")];
    assert_eq!(case.commit(vec![replace(entries, b"k1", day(1))]).await, [Done::Ok]);
    assert_eq!(state().await, ("a=1 b=2 c=3".into(), b"k1".to_vec(), day(1)));
    let entries =
        vec![("a".into(), None), ("b".into(), Some(b"x".to_vec())), ("d".into(), Some(vec![]))];
    let update = ReplicaChange::Update { entries, cookie: b"k2".to_vec(), at: day(2) };
    assert_eq!(case.commit(vec![Move::Replica(update)]).await, [Done::Ok]);
    assert_eq!(state().await, ("b=x c=3 d=".into(), b"k2".to_vec(), day(2)));
    case.commit(vec![replace(vec![entry("c", "3"), entry("e", "5")], b"", day(3))]).await;
    assert_eq!(state().await, ("c=3 e=5".into(), Vec::new(), day(3)));
}

async fn a_large_replica(case: Case) {
    let entries = |n: usize| {
        (0..n).map(|n| (format!("uuid-{n}"), format!("person {n}").into_bytes())).collect()
    };
    for n in [5_001, 3_000] {
        let change = ReplicaChange::Replace { entries: entries(n), cookie: vec![1], at: T };
        assert_eq!(case.commit(vec![Move::Replica(change)]).await, [Done::Ok]);
        assert_eq!(case.store.replica().await.expect("replica").entries.len(), n);
    }
}

async fn overrides_are_set_replaced_and_taken_back(case: Case) {
    let store = case.store;
    let set = |list: &str, key, value: Option<&[&str]>| Move::Override {
        list: ListId(list.into()),
        key,
        value: value.map(|texts| texts.iter().map(|t| (*t).to_owned()).collect()),
    };
    let held = async || -> Vec<(String, Key, Vec<String>)> {
        let all = store.overrides().await.expect("overrides");
        all.into_iter().map(|o| (o.list.0, o.key, o.value)).collect()
    };
    assert_eq!(held().await, []);
    let moves = vec![
        set("5b", Key::SubjectTag, Some(&[""])),
        set("5b", Key::Post, Some(&["members", "cn=M\u{fc}ller\\, A,dc=x"])),
        set("5a", Key::Footer, Some(&["a\nb"])),
        set("5a", Key::Archive, None),
    ];
    let done = store.commit(moves).await.expect("commit");
    assert_eq!(done, vec![Done::Ok; 4]);
    let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let (post, tag) = (texts(&["members", "cn=M\u{fc}ller\\, A,dc=x"]), texts(&[""]));
    let footer = ("5a".to_owned(), Key::Footer, texts(&["a\nb"]));
    assert_eq!(
        held().await,
        [
            footer.clone(),
            ("5b".to_owned(), Key::Post, post),
            ("5b".to_owned(), Key::SubjectTag, tag)
        ]
    );
    let moves = vec![
        set("5b", Key::SubjectTag, None),
        set("5b", Key::Post, Some(&["owners"])),
        Move::Erase { before: day(9_999) },
    ];
    store.commit(moves).await.expect("commit");
    let owners = ("5b".to_owned(), Key::Post, texts(&["owners"]));
    assert_eq!(held().await, [footer, owners], "the retention job is not for settings");
}

/// What a member wishes is kept once for each person and list, and outlives the retention job.
async fn what_members_wish_is_kept(case: Case) {
    let choice = |list: Option<&str>, person: Option<&str>, address: &str, mute| Choice {
        list: list.map(|id| ListId(id.to_owned())),
        person: person.map(|id| PersonId(id.to_owned())),
        address: Address::parse(address).expect("an address"),
        options: Options { mute, ..Options::default() },
        at: T,
        by: None,
    };
    assert_eq!(case.store.member_options().await.expect("options"), []);
    let anna = choice(Some("5b"), Some("anna"), "a@x.example", Mute::Until(day(3)));
    let all = choice(None, Some("anna"), "a@x.example", Mute::No);
    let oma = choice(Some("5b"), None, "Oma@x.example", Mute::ForGood);
    let moves = [&anna, &all, &oma].map(|choice| Move::Options(Box::new(choice.clone())));
    assert_eq!(case.commit(moves.into()).await, vec![Done::Ok; 3]);
    let moved = choice(Some("5b"), Some("anna"), "new@x.example", Mute::ForGood);
    case.commit(vec![Move::Options(Box::new(moved.clone()))]).await;
    case.commit(vec![Move::Erase { before: day(9_999) }]).await;
    case.commit(vec![Move::EraseExpired { before: day(9_999) }]).await;
    assert_eq!(case.store.member_options().await.expect("options"), [oma, all, moved]);
}

/// Promise 6: the last accepted state of a list is known after a restart.
async fn what_was_accepted_is_kept(case: Case) {
    let row = |name: &str, data: &str| (name.to_owned(), Some(data.as_bytes().to_vec()));
    let known = async || case.store.accepted().await.expect("accepted");
    assert_eq!(known().await, []);
    let rows = vec![row("b", "1"), row("a", "2")];
    assert_eq!(case.commit(vec![Move::Accepted(rows)]).await, [Done::Ok]);
    let rows = vec![row("b", "3"), ("a".to_owned(), None), row("", "4"), ("c".to_owned(), None)];
    assert_eq!(case.commit(vec![Move::Accepted(rows)]).await, [Done::Ok]);
    let expect = [(String::new(), b"4".to_vec()), ("b".to_owned(), b"3".to_vec())];
    assert_eq!(known().await, expect);
}
