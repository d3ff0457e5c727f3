//! The scheduler with a store in memory, against a relay by script: nobody missing, nobody twice.

mod gather;
mod house;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use listcore::list::Copies;
use listcore::outcome::{Dropped, Outcome, Reply};
use listcore::rewrite::once::{Earlier, Once};

use super::*;
use crate::delivery::fake::{ALL, Act, Ask, FakeRelay};
use crate::store::{BatchId, Commit};
use house::{House, START, SlowStore, TestTimer, people, relay_at, until};

const DEADLINE: Duration = Duration::from_secs(10);

fn delivered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered { reply, queue_id, .. }
        if reply.code == 250 && queue_id.as_deref() == Some("1fakeX-000000001-0001"))
}

/// Everybody of these was accepted once, and nobody else.
fn once_each(relay: &FakeRelay, who: &[String]) {
    let counts = relay.counts();
    let all: HashSet<&String> = who.iter().collect();
    assert_eq!(counts.keys().collect::<HashSet<_>>(), all, "missing or too many");
    let twice: Vec<_> = counts.iter().filter(|(_, n)| **n != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Personal and shared, whatever the relay offers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recipient_gets_one_copy() {
    let plain: &[&str] = &[];
    for (offers, copies, transactions) in [
        (ALL, Copies::Personal, 230),
        (ALL, Copies::Shared, 3),
        (&["PIPELINING"], Copies::Personal, 230),
        (&["CHUNKING"], Copies::Shared, 3),
        (plain, Copies::Shared, 3),
    ] {
        let house = House::new();
        let relay = FakeRelay::start(offers, |_| Act::Yes).await;
        let scheduler = house.scheduler(relay_at(relay.address), 3).await;
        let to = people("p", 230);
        let (post, batches) = house.post("5b", copies, &to).await;
        scheduler.announce(batches.clone());
        scheduler.announce(batches);
        let outcomes = house.finished(post).await;
        assert!(outcomes.len() == 230 && outcomes.values().all(delivered));
        once_each(&relay, &to);
        assert_eq!(relay.accepted().len(), transactions, "{offers:?} {copies:?}");
        assert_eq!(house.render.variants.load(Ordering::SeqCst), 1, "one variant for all");
        assert!(relay.connections() <= 3);
        until("rest", || scheduler.status().lists.is_empty()).await;
        scheduler.stop(DEADLINE).await;
        assert_eq!(scheduler.status().uncommitted, 0);
    }
}

/// Promises 2, 9 and 12: each language has one variant and transactions of its own; outcomes are each recipient's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn languages_have_their_own_transactions() {
    for (copies, transactions) in [(Copies::Shared, 4), (Copies::Personal, 120)] {
        let house = House::new();
        let relay = FakeRelay::start(ALL, |ask| match ask {
            Ask::Rcpt("en-3@x.example") => Act::Say("550 5.1.1 nobody here"),
            _ => Act::Yes,
        })
        .await;
        let scheduler = house.scheduler(relay_at(relay.address), 2).await;
        let both = people("p", 60).into_iter().zip(people("en", 60));
        let mut to: Vec<String> = both.flat_map(|(p, en)| [p, en]).collect();
        let (post, batches) = house.post("5b", copies, &to).await;
        scheduler.announce(batches);
        let outcomes = house.finished(post).await;
        assert!(matches!(&outcomes["en-3@x.example"], Outcome::Failed { .. }));
        assert!(outcomes.iter().all(|(who, o)| who == "en-3@x.example" || delivered(o)));
        let accepted = relay.accepted();
        for transaction in &accepted {
            let english = transaction.iter().filter(|to| to.starts_with("en-")).count();
            assert!(english == 0 || english == transaction.len(), "{transaction:?}");
        }
        to.retain(|to| to != "en-3@x.example");
        once_each(&relay, &to);
        assert_eq!(house.render.variants.load(Ordering::SeqCst), 2, "one for each language");
        // Of two batches, 100 and 20; the one who is refused is alone where copies are personal.
        let refused = usize::from(copies == Copies::Personal);
        assert_eq!(accepted.len() + refused, transactions, "{copies:?}");
        scheduler.stop(DEADLINE).await;
    }
}

/// A refused recipient is refused alone, a deferred one is tried again alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_for_each_recipient() {
    for copies in [Copies::Shared, Copies::Personal] {
        let house = House::new();
        let first = AtomicUsize::new(0);
        let relay = FakeRelay::start(ALL, move |ask| match ask {
            Ask::Rcpt("p-3@x.example") => Act::Say("550 5.1.1 nobody here"),
            Ask::Rcpt("p-5@x.example") if first.fetch_add(1, Ordering::SeqCst) == 0 => {
                Act::Say("451 4.2.1 come again")
            }
            _ => Act::Yes,
        })
        .await;
        let scheduler = house.scheduler(relay_at(relay.address), 2).await;
        let mut to = people("p", 20);
        let (post, batches) = house.post("5b", copies, &to).await;
        scheduler.announce(batches);
        let outcomes = house.finished(post).await;
        assert!(
            matches!(&outcomes["p-3@x.example"], Outcome::Failed { reply, .. } if reply.code == 550),
        );
        assert!(outcomes.iter().all(|(who, o)| who == "p-3@x.example" || delivered(o)));
        to.remove(3);
        once_each(&relay, &to);
        assert_eq!((relay.tried("p-3@x.example"), relay.tried("p-5@x.example")), (1, 2));
        assert!(relay.accepted().contains(&vec!["p-5@x.example".to_owned()]), "alone");
        assert_eq!(scheduler.status().relay_failures, 0, "the relay is not to blame");
        scheduler.stop(DEADLINE).await;
    }
}

/// The relay says no, dies or is full once at some point: in the end everybody has it, and only who was in the
/// transaction that died after the last dot may have it twice (here the relay forgets it, so nobody has).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_in_trouble_loses_nobody() {
    type When = fn(&Ask<'_>) -> bool;
    let connect: When = |ask| matches!(ask, Ask::Connect);
    let mail: When = |ask| matches!(ask, Ask::Mail);
    let rcpt: When = |ask| matches!(ask, Ask::Rcpt("p-7@x.example"));
    let message: When = |ask| matches!(ask, Ask::Message(_));
    for copies in [Copies::Personal, Copies::Shared] {
        for offers in [ALL, &["PIPELINING"], &[]] {
            for (when, act) in [
                (connect, Act::Die),
                (connect, Act::Say("421 4.3.2 too many connections")),
                (connect, Act::Say("554 5.3.2 closed")),
                (mail, Act::Die),
                (mail, Act::Say("421 4.3.2 shutting down")),
                (mail, Act::Say("452 4.3.1 disk full")),
                (mail, Act::Say("451 4.3.0 later")),
                (rcpt, Act::Die),
                (rcpt, Act::Say("421 4.3.2 shutting down")),
                (message, Act::Die),
                (message, Act::Say("451 4.3.0 scanner down")),
                (message, Act::Say("421 4.3.2 shutting down")),
            ] {
                let house = House::new();
                let left = AtomicUsize::new(2);
                let what = format!("{copies:?} {offers:?} {act:?}");
                let relay = FakeRelay::start(offers, move |ask| {
                    let now = when(&ask)
                        && left
                            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                            .is_ok();
                    if now { act.clone() } else { Act::Yes }
                })
                .await;
                let scheduler = house.scheduler(relay_at(relay.address), 2).await;
                let to = people("p", 12);
                let (post, batches) = house.post("5b", copies, &to).await;
                scheduler.announce(batches);
                let outcomes = house.finished(post).await;
                assert!(outcomes.values().all(delivered), "{what}: {outcomes:?}");
                once_each(&relay, &to);
                assert!(house.timer.now().since(START) < Duration::from_secs(60), "{what}");
                scheduler.stop(DEADLINE).await;
            }
        }
    }
}

/// A relay that was down for a minute costs a minute and seconds, and nobody's patience: no attempt is counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_was_down_for_a_minute() {
    let house = House::with_timer(TestTimer::new(false));
    let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
    let address = relay.address;
    drop(relay);
    // The port is free once the listener's task is gone.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let scheduler = house.scheduler(relay_at(address), 4).await;
    let to = people("p", 30);
    let (post, batches) = house.post("5b", Copies::Personal, &to).await;
    scheduler.announce(batches);
    until("trouble", || scheduler.status().relay_failures > 0).await;
    for _ in 0..60 {
        house.timer.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert!(house.outcomes(post).await.values().all(|o| *o == Outcome::Waiting));
    let status = scheduler.status();
    assert!((4..30).contains(&status.relay_failures), "{status:?}");
    assert!(status.relay_error.is_some_and(|(_, why)| why.contains("can't be reached")));
    let relay = FakeRelay::start_at(address, ALL, |_| Act::Yes).await;
    house.timer.advance(Duration::from_secs(13));
    assert!(house.finished(post).await.values().all(delivered));
    once_each(&relay, &to);
    assert_eq!(scheduler.status().relay_failures, 0);
    scheduler.stop(DEADLINE).await;
}

/// Promise 5: a relay that does not relay for us fails nobody. Whose copies it takes get theirs meanwhile; where it takes
/// none it is soon left alone, and it shows; when its setup is mended everybody has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_does_not_relay_for_us() {
    type Takes = fn(&str) -> bool;
    let some: Takes = |to| to.starts_with("in-");
    let none: Takes = |_| false;
    for (copies, takes) in
        [(Copies::Personal, some), (Copies::Shared, some), (Copies::Personal, none)]
    {
        let house = House::with_timer(TestTimer::new(false));
        let mended = Arc::new(AtomicBool::new(false));
        let open = mended.clone();
        let relay = FakeRelay::start(ALL, move |ask| match ask {
            Ask::Rcpt(to) if !takes(to) && !open.load(Ordering::SeqCst) => {
                Act::Say("550 relay not permitted")
            }
            _ => Act::Yes,
        })
        .await;
        let scheduler = house.scheduler(relay_at(relay.address), 2).await;
        let to: Vec<String> = [people("in", 30), people("out", 30)].concat();
        let inside = to.iter().filter(|to| takes(to)).count();
        let (post, batches) = house.post("5b", copies, &to).await;
        scheduler.announce(batches);
        until("those inside have it", || relay.counts().len() == inside).await;
        until("it shows", || scheduler.status().relay_denials > 0).await;
        let shuts = || scheduler.status().relay_failures > 0;
        if inside == 0 {
            until("it is left alone", shuts).await;
        }
        for _ in 0..30 {
            house.timer.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let failed = |o: &Outcome| matches!(o, Outcome::Failed { .. });
        assert!(!house.outcomes(post).await.values().any(failed), "nobody is given up");
        let why = scheduler.status().relay_error.expect("told").1;
        assert!(why.contains("550 relay not permitted"), "{why}");
        if inside == 0 {
            let tried: usize = to.iter().map(|to| relay.tried(to)).sum();
            assert!(tried < to.len(), "{tried} tries, though it takes nothing");
        }
        mended.store(true, Ordering::SeqCst);
        let mut rounds = 0;
        while !house.outcomes(post).await.values().all(delivered) {
            house.timer.advance(Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(3)).await;
            rounds += 1;
            assert!(rounds < 3_000, "{:?}", house.outcomes(post).await);
        }
        once_each(&relay, &to);
        scheduler.stop(DEADLINE).await;
    }
}

/// A class mail waits for at most one copy per connection, also behind a letter to 50,000; and then takes turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_mail_behind_a_letter_to_everybody() {
    for connections in [1, 4] {
        let house = House::new();
        let relay = FakeRelay::start(ALL, |ask| match ask {
            Ask::Message(_) => Act::Hold,
            _ => Act::Yes,
        })
        .await;
        let scheduler = house.scheduler(relay_at(relay.address), connections).await;
        let (_, letter) = house.post("all", Copies::Personal, &people("all", 50_000)).await;
        assert_eq!(letter.len(), 500);
        let (class, batches) = house.post("5b", Copies::Personal, &people("class", 30)).await;
        scheduler.announce(letter);
        relay.release(100);
        until("the letter is going out", || relay.accepted().len() == 100 + connections).await;
        scheduler.announce(batches);
        // One copy for each connection at a time: how fast which of them is, is the machine's business.
        let is_class = |to: &&String| to.starts_with("class");
        while relay.accepted().iter().flatten().filter(is_class).count() < 30 {
            let next = relay.accepted().len() + connections;
            relay.release(connections);
            until("each connection has its next copy", || relay.accepted().len() == next).await;
        }
        relay.release(100_000);
        assert!(house.finished(class).await.values().all(delivered));
        scheduler.stop(DEADLINE).await;
        let order: Vec<bool> =
            relay.accepted().iter().flatten().map(|to| to.starts_with("class")).collect();
        let first = order.iter().position(|class| *class).expect("it came");
        // The copies that were open when it came, and those that other connections took at the same time.
        assert!(first <= 100 + 2 * connections, "the class waited until {first}");
        let last = order.iter().rposition(|class| *class).expect("it came");
        // Turn by turn, but for what a connection may be ahead of the others (promise 2).
        assert!(last - first <= 60 + 8 * connections, "{} copies for 30", last - first);
    }
}

/// Promise 2: at most 8 outcomes of personal copies, or one shared transaction, are uncommitted per connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_eight_uncommitted_outcomes_per_connection() {
    for (copies, connections, most) in
        [(Copies::Personal, 1, 8), (Copies::Personal, 3, 24), (Copies::Shared, 2, 200)]
    {
        let house = House::new();
        let slow = SlowStore::new(house.store.clone());
        let peak = Arc::new(AtomicUsize::new(0));
        let sent = Arc::new(AtomicUsize::new(0));
        let (p, s, store) = (peak.clone(), sent.clone(), slow.clone());
        let relay = FakeRelay::start(ALL, move |ask| {
            if let Ask::Message(to) = ask {
                let sent = s.fetch_add(to.len(), Ordering::SeqCst) + to.len();
                p.fetch_max(sent - store.settled.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            Act::Yes
        })
        .await;
        let scheduler =
            house.scheduler_on(slow.clone(), relay_at(relay.address), connections).await;
        let to = people("p", 400);
        let (post, batches) = house.post("5b", copies, &to).await;
        scheduler.announce(batches);
        // Not one commit: the windows fill, and then it stands still.
        until("full windows", || sent.load(Ordering::SeqCst) == most).await;
        assert_eq!(slow.settled.load(Ordering::SeqCst), 0);
        // One commit after the other: the window moves and is never wider.
        let feeder = tokio::spawn({
            let slow = slow.clone();
            async move {
                loop {
                    slow.commits.add_permits(1);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        });
        assert!(house.finished(post).await.values().all(delivered));
        assert_eq!(peak.load(Ordering::SeqCst), most, "{copies:?}");
        once_each(&relay, &to);
        scheduler.stop(DEADLINE).await;
        feeder.abort();
    }
}

/// A store that is full for a while: delivery stands still after the windows (promise 2), however often the commit is
/// tried again and whatever else comes in; then nobody was sent twice, and nobody is forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_full_for_a_while() {
    for (copies, connections, most) in
        [(Copies::Personal, 1, 8), (Copies::Personal, 4, 32), (Copies::Shared, 2, 200)]
    {
        let house = House::new();
        let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
        let scheduler = house.scheduler(relay_at(relay.address), connections).await;
        let mut to = people("p", 400);
        let (post, batches) = house.post("5b", copies, &to).await;
        let others = people("q", 20);
        let (late, more) = house.post("5a", copies, &others).await;
        house.store.fail_with(Some(StoreError::Full("no space".into())));
        scheduler.announce(batches);
        until("the store's error", || scheduler.status().store_error.is_some()).await;
        until("full windows", || scheduler.status().uncommitted == most).await;
        // Nothing that happens meanwhile opens them.
        scheduler.announce(more);
        assert!(scheduler.retry_now(None).await.is_err(), "told, not half done");
        tokio::time::sleep(2 * settle::PAUSE).await;
        assert_eq!(relay.counts().len(), most, "{copies:?}");
        assert_eq!(scheduler.status().uncommitted, most);
        house.store.fail_with(None);
        assert!(house.finished(post).await.values().all(delivered));
        assert!(house.finished(late).await.values().all(delivered));
        to.extend(others);
        once_each(&relay, &to);
        assert_eq!(scheduler.status().store_error, None);
        scheduler.stop(DEADLINE).await;
    }
}

/// Who has left gets nothing and is told apart; asked at the claim, not when the mail came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_left_is_dropped() {
    for copies in [Copies::Personal, Copies::Shared] {
        let house = House::new();
        let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
        let mut to = people("p", 5);
        let (post, _) = house.post("5b", copies, &to).await;
        house.members.0.lock().expect("lock").push("p-2@x.example".into());
        let scheduler = house.scheduler(relay_at(relay.address), 1).await;
        let outcomes = house.finished(post).await;
        let dropped = &outcomes["p-2@x.example"];
        assert!(matches!(dropped, Outcome::Dropped { why: Dropped::LeftList, .. }), "{dropped:?}");
        to.remove(2);
        once_each(&relay, &to);
        scheduler.stop(DEADLINE).await;
    }
}

/// U1: an address that needs SMTPUTF8, and a relay without it: that recipient fails, the others get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_without_smtputf8() {
    for (offers, code) in [(&["PIPELINING", "CHUNKING"] as &[&str], 0), (ALL, 250)] {
        let house = House::new();
        let relay = FakeRelay::start(offers, |_| Act::Yes).await;
        let scheduler = house.scheduler(relay_at(relay.address), 1).await;
        let mut to = people("p", 5);
        to.push("m\u{fc}ller@x.example".to_owned());
        let (post, batches) = house.post("5b", Copies::Shared, &to).await;
        scheduler.announce(batches);
        let outcomes = house.finished(post).await;
        let (muller, others): (Vec<_>, Vec<_>) =
            outcomes.iter().partition(|(who, _)| who.starts_with('m'));
        assert!(others.len() == 5 && others.iter().all(|(_, o)| delivered(o)));
        match muller[0].1 {
            Outcome::Failed { reply, .. } => {
                assert!(code == 0 && reply.text.starts_with("5.6.7 "), "{reply:?}");
            }
            other => assert!(code == 250 && delivered(other), "{other:?}"),
        }
        scheduler.stop(DEADLINE).await;
    }
}

/// Five days of "later": then it is over, and the last reply is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_up_after_five_days() {
    let house = House::new();
    let relay = FakeRelay::start(ALL, |ask| match ask {
        Ask::Rcpt("p-1@x.example") => Act::Say("451 4.2.1 mailbox busy"),
        _ => Act::Yes,
    })
    .await;
    let scheduler = house.scheduler(relay_at(relay.address), 1).await;
    let (post, batches) = house.post("5b", Copies::Personal, &people("p", 3)).await;
    scheduler.announce(batches);
    let outcomes = house.finished(post).await;
    let Outcome::Failed { at, reply } = &outcomes["p-1@x.example"] else { panic!("{outcomes:?}") };
    let days = at.since(START).as_secs_f64() / 86_400.0;
    assert!((5.0..5.01).contains(&days), "{days}");
    assert!(reply.code == 451 && reply.text.contains("mailbox busy"), "{reply:?}");
    assert!((60..120).contains(&relay.tried("p-1@x.example")));
    assert_eq!(relay.counts().len(), 2);
    scheduler.stop(DEADLINE).await;
}

/// `listctl queue retry`: who waits for an hour is tried now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_now() {
    let house = House::with_timer(TestTimer::new(false));
    let busy = Arc::new(Mutex::new(true));
    let is_busy = busy.clone();
    let relay = FakeRelay::start(ALL, move |ask| match ask {
        Ask::Rcpt(_) if *is_busy.lock().expect("lock") => Act::Say("451 4.2.1 mailbox busy"),
        _ => Act::Yes,
    })
    .await;
    let scheduler = house.scheduler(relay_at(relay.address), 1).await;
    let (one, first) = house.post("5a", Copies::Shared, &people("a", 3)).await;
    let (two, second) = house.post("5b", Copies::Shared, &people("b", 3)).await;
    scheduler.announce(first.into_iter().chain(second).collect());
    until("both wait", || {
        let status = scheduler.status();
        let waiting = status.lists.iter().filter(|l| l.waiting == 1 && l.active == 0).count();
        waiting == 2 && status.next_due.is_some_and(|due| due > START)
    })
    .await;
    *busy.lock().expect("lock") = false;
    scheduler.retry_now(Some(one)).await.expect("store");
    assert!(house.finished(one).await.values().all(delivered));
    assert!(house.outcomes(two).await.values().all(|o| !o.is_final()));
    scheduler.retry_now(None).await.expect("store");
    assert!(house.finished(two).await.values().all(delivered));
    scheduler.stop(DEADLINE).await;
}

/// A clean stop ends the open transactions and commits them; another start sends the rest, and nobody twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_and_start_again() {
    let house = House::new();
    let relay = FakeRelay::start(ALL, |ask| match ask {
        Ask::Message(_) => Act::Hold,
        _ => Act::Yes,
    })
    .await;
    let to = people("p", 50);
    let (post, _) = house.post("5b", Copies::Personal, &to).await;
    let scheduler = house.scheduler(relay_at(relay.address), 2).await;
    relay.release(10);
    until("two are open", || relay.accepted().len() == 12).await;
    let stop = tokio::spawn({
        let scheduler = scheduler.clone();
        async move { scheduler.stop(DEADLINE).await }
    });
    until("it stops", || scheduler.core.stop.is_cancelled()).await;
    relay.release(2);
    stop.await.expect("stopped");
    let done = house.outcomes(post).await.values().filter(|o| delivered(o)).count();
    assert_eq!((done, relay.counts().len()), (12, 12));
    relay.release(1000);
    let again = house.scheduler(relay_at(relay.address), 2).await;
    assert!(house.finished(post).await.values().all(delivered));
    once_each(&relay, &to);
    again.stop(DEADLINE).await;
}

/// A relay that hangs does not keep the daemon from stopping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_does_not_wait_for_ever() {
    let house = House::new();
    let relay = FakeRelay::start(ALL, |ask| match ask {
        Ask::Message(_) => Act::Hold,
        _ => Act::Yes,
    })
    .await;
    let (post, _) = house.post("5b", Copies::Personal, &people("p", 5)).await;
    let scheduler = house.scheduler(relay_at(relay.address), 1).await;
    until("one is open", || relay.accepted().len() == 1).await;
    tokio::time::timeout(DEADLINE, scheduler.stop(Duration::from_millis(50))).await.expect("stop");
    assert!(house.outcomes(post).await.values().all(|o| *o == Outcome::Waiting));
}

/// A connection is renewed after so many copies, and an idle one is closed; a relay that ends one by itself
/// (Exim after 1,000 mails) is not in trouble.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_come_and_go() {
    let house = House::new();
    let mails = AtomicUsize::new(0);
    let relay = FakeRelay::start(ALL, move |ask| match ask {
        Ask::Mail if mails.fetch_add(1, Ordering::SeqCst) % 8 == 7 => {
            Act::Say("421 4.7.0 too many messages in this connection")
        }
        _ => Act::Yes,
    })
    .await;
    let settings =
        Settings { connections: 1, idle: Duration::from_millis(20), ..Settings::default() };
    let scheduler = Scheduler::start(
        settings,
        house.store.clone(),
        house.render.clone(),
        house.members.clone(),
        Relay { copies_per_connection: 5, ..relay_at(relay.address) },
        house.timer.clone(),
    )
    .await
    .expect("it starts");
    let to = people("p", 20);
    let (post, batches) = house.post("5b", Copies::Personal, &to).await;
    scheduler.announce(batches);
    assert!(house.finished(post).await.values().all(delivered));
    once_each(&relay, &to);
    assert!(relay.connections() >= 5);
    let status = scheduler.status();
    assert_eq!((status.relay_failures, status.relay_error), (0, None));
    until("idle", || scheduler.status().connections == 0).await;
    scheduler.stop(DEADLINE).await;
}

/// Promise 5, promise 10: a copy that can't be made (or a panic on the way) is our trouble: later, not never.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_can_not_be_made() {
    let house = House::with_timer(TestTimer::new(false));
    let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
    *house.render.later.lock().expect("lock") = Some("p-1@x.example".into());
    *house.render.panics.lock().expect("lock") = Some("p-2@x.example".into());
    let scheduler = house.scheduler(relay_at(relay.address), 1).await;
    let (post, batches) = house.post("5b", Copies::Personal, &people("p", 4)).await;
    scheduler.announce(batches);
    until("the others have it", || relay.counts().len() == 2).await;
    until("settled", || scheduler.status().uncommitted == 0).await;
    *house.render.later.lock().expect("lock") = None;
    *house.render.panics.lock().expect("lock") = None;
    house.timer.advance(Duration::from_secs(6));
    assert!(house.finished(post).await.values().all(delivered));
    once_each(&relay, &people("p", 4));
    scheduler.stop(DEADLINE).await;
}

/// V6: a braked post waits, also over a restart, while others go out; released it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_braked_post_waits_until_it_is_released() {
    let house = House::with_timer(TestTimer::new(false));
    let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
    let (to, others) = (people("p", 120), people("o", 3));
    let (post, batches) = house.post("5b", Copies::Personal, &to).await;
    let why = Move::Brake { post, at: START, refusals: Default::default() };
    house.store.commit(vec![why]).await.expect("braked");
    let scheduler = house.scheduler(relay_at(relay.address), 2).await;
    scheduler.announce(batches);
    let (other, batches) = house.post("5b", Copies::Personal, &others).await;
    scheduler.announce(batches);
    house.finished(other).await;
    scheduler.retry_now(None).await.expect("retried");
    until("rest", || scheduler.status().lists.iter().all(|list| list.active == 0)).await;
    once_each(&relay, &others);
    house.store.commit(vec![Move::Unbrake { post, at: START }]).await.expect("released");
    scheduler.release(post).await.expect("released");
    let outcomes = house.finished(post).await;
    assert!(outcomes.len() == 120 && outcomes.values().all(delivered));
    scheduler.stop(DEADLINE).await;
}

/// A mail that names two lists: whoever may get it by the first waits for that, and is not forgotten where she mutes that
/// one meanwhile; what the first has sent, or failed to, is not sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_list_may_send_it_first() {
    let house = House::with_timer(TestTimer::new(false));
    let relay = FakeRelay::start(ALL, |_| Act::Yes).await;
    let to = people("p", 104);
    let (first, _) = house.post("5b", Copies::Personal, &to).await;
    // The last four are on both.
    let both: Vec<String> = to.iter().skip(100).cloned().collect();
    let places: BTreeMap<String, u32> = both.iter().cloned().zip(100..).collect();
    let who = places.keys().cloned().collect();
    let earlier = vec![Earlier { list: ListId("5b".to_owned()), who, post: Some(first.0), places }];
    let once = Once { mail: "m".to_owned(), place: 1, earlier };
    let all = [both.clone(), people("o", 2)].concat();
    // The first rests; what becomes of its copies is said below.
    let rests = Move::Brake { post: first, at: START, refusals: Default::default() };
    house.store.commit(vec![rests]).await.expect("braked");
    let (second, batches) = house.post_once("7a", Copies::Personal, &all, Some(once)).await;
    let scheduler = house.scheduler(relay_at(relay.address), 2).await;
    scheduler.announce(batches);
    house.deferred(second, 4).await;
    once_each(&relay, &people("o", 2));
    let reply = Reply { code: 250, text: "2.0.0".to_owned() };
    let dropped = |why| Outcome::Dropped { at: START, why };
    let becomes = async |outcomes: Vec<(u16, Outcome)>| {
        let batch = BatchId { post: first, number: 1 };
        house.store.commit(vec![Move::Settle { batch, outcomes }]).await.expect("settled");
        house.timer.advance(Duration::from_secs(6));
    };
    becomes(vec![
        (0, Outcome::Delivered { at: START, reply: reply.clone(), queue_id: None }),
        (1, dropped(Dropped::Muted)),
        (2, Outcome::Failed { at: START, reply }),
    ])
    .await;
    house.deferred(second, 1).await;
    becomes(vec![(3, dropped(Dropped::LeftList))]).await;
    let outcomes = house.finished(second).await;
    let elsewhere = |o: &Outcome| matches!(o, Outcome::Dropped { why: Dropped::Elsewhere, .. });
    let of_both: Vec<&Outcome> = both.iter().map(|who| &outcomes[who]).collect();
    assert!(elsewhere(of_both[0]) && delivered(of_both[1]), "{of_both:?}");
    assert!(elsewhere(of_both[2]) && delivered(of_both[3]), "{of_both:?}");
    once_each(&relay, &[people("o", 2), vec![both[1].clone(), both[3].clone()]].concat());
    scheduler.stop(DEADLINE).await;
}

/// An admin takes a mail back while it goes out: what the relay has is sent, nobody else gets it, and nothing waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_post_ends() {
    let house = House::with_timer(TestTimer::new(false));
    let running: Arc<Mutex<Option<Arc<Scheduler>>>> = Arc::default();
    let (post, batches) = house.post("5b", Copies::Personal, &people("p", 250)).await;
    let (seen, slot) = (AtomicUsize::new(0), running.clone());
    let relay = FakeRelay::start(ALL, move |ask| {
        if matches!(ask, Ask::Rcpt(_))
            && seen.fetch_add(1, Ordering::SeqCst) == 20
            && let Some(scheduler) = slot.lock().expect("lock").as_ref()
        {
            scheduler.cancel(post);
        }
        Act::Yes
    })
    .await;
    let scheduler = house.scheduler(relay_at(relay.address), 1).await;
    *running.lock().expect("lock") = Some(scheduler.clone());
    scheduler.announce(batches);
    let outcomes = house.finished(post).await;
    let sent = relay.accepted().len();
    assert!((21..=30).contains(&sent), "the window at most: {sent}");
    assert_eq!(outcomes.values().filter(|o| delivered(o)).count(), sent);
    let gone =
        outcomes.values().filter(|o| matches!(o, Outcome::Dropped { why: Dropped::Cancelled, .. }));
    assert_eq!(gone.count(), 250 - sent);
    running.lock().expect("lock").take();
    scheduler.stop(DEADLINE).await;
}

/// A brake in the middle of a post: what is not on its way stays; nobody says anything, and its time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brake_stops_what_is_left_and_ends_with_the_post() {
    let timer = TestTimer::new(false);
    let house = House::with_timer(timer.clone());
    let braked: Arc<Mutex<Option<Arc<Scheduler>>>> = Arc::default();
    let to = people("p", 90);
    let (post, batches) = house.post("5b", Copies::Personal, &to).await;
    let expires = house.store.post(post).await.expect("read").expect("a post").expires;
    let (seen, slot) = (AtomicUsize::new(0), braked.clone());
    let relay = FakeRelay::start(ALL, move |ask| {
        if matches!(ask, Ask::Rcpt(_))
            && seen.fetch_add(1, Ordering::SeqCst) == 20
            && let Some(scheduler) = slot.lock().expect("lock").as_ref()
        {
            scheduler.brake(post, expires);
        }
        Act::Yes
    })
    .await;
    let scheduler = house.scheduler(relay_at(relay.address), 1).await;
    *braked.lock().expect("lock") = Some(scheduler.clone());
    scheduler.announce(batches);
    until("put off", || scheduler.status().next_due == Some(expires)).await;
    let sent = relay.accepted().len();
    assert!((21..=30).contains(&sent), "the window at most: {sent}");
    let after = Duration::from_millis(expires.since(START).as_millis() as u64 + 1);
    timer.advance(after);
    let outcomes = house.finished(post).await;
    assert_eq!(outcomes.values().filter(|o| delivered(o)).count(), sent);
    let given_up = outcomes.values().filter(|o| {
        matches!(o, Outcome::Failed { reply, .. }
        if reply.text.contains("paused"))
    });
    assert_eq!(given_up.count(), 90 - sent);
    braked.lock().expect("lock").take();
    scheduler.stop(DEADLINE).await;
}
