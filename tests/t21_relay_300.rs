//! A letter to 300 parents who all have their mailbox at one provider, through Exim set up as `docs/exim.md`
//! says: the copies leave within seconds, over a few connections, and other mail does not wait for them.
//! Not the failures of the relay itself (`t06_relay.rs`).

use std::collections::HashSet;
use std::time::{Duration, Instant};

use stack::smtp::{As, send};
use stack::{Stack, crowd, mail, school, wait};

const PARENTS: usize = 300;
/// What a provider takes for one mail, at least.
const PROVIDER: Duration = Duration::from_millis(20);
/// Far above what it takes on an idle machine, and far below Debian's 30 minutes between two runs of the queue.
const SOON: Duration = Duration::from_secs(180);
/// Of 300. Exim begins one more with each run of the queue while copies are left.
const CONNECTIONS: usize = 20;

fn school() -> Stack {
    let stack = Stack::builder()
        .queue_as_in_the_guide()
        .ldif(&crowd::entries(&[("eltern", PARENTS)]))
        .settings(|s| s.unverified = "accept".into())
        .without_listd()
        .start();
    let mut stack = stack.unwrap();
    stack.sink.set(|f| f.delay = PROVIDER);
    stack.listd.start_knowing(&crowd::address("eltern")).unwrap();
    stack
}

fn write_letter(stack: &Stack, id: &str) -> Instant {
    let job = crowd::job("eltern", id, 20_000);
    let to: Vec<&str> = job.to.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let replies = stack::smtp::deliver(stack.listd.lmtp(), &job.from, &to, &job.mail).unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
    begun
}

fn nothing_waits(stack: &Stack) {
    stack.exim.wait_empty(wait::MAIL).unwrap();
}

#[test]
fn three_hundred_copies_for_one_host() {
    let stack = school();
    let begun = write_letter(&stack, "wandertag@gmx.example");
    // Amid them somebody writes a mail of her own: it goes out as ever.
    stack.sink.wait_for(1, SOON).unwrap();
    let letter =
        mail::text(school::TEACHER.1, "tante@web.example", "Privat", "p@x.example", "Hallo");
    let who = As::User(school::TEACHER.0, school::PASSWORD);
    let own = Instant::now();
    let reply =
        send(stack.exim.submission(), &who, school::TEACHER.1, &["tante@web.example"], &letter);
    assert_eq!(reply.unwrap().code, 250);
    let came = || stack.sink.counts().contains_key("tante@web.example");
    wait::until_true("a mail of another kind", wait::MAIL, came).unwrap();
    let own = own.elapsed();

    stack.sink.wait_for(PARENTS as u64 + 1, SOON).unwrap();
    let took = begun.elapsed();
    nothing_waits(&stack);
    let counts = stack.sink.counts();
    assert_eq!(counts.len(), PARENTS + 1);
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
    let copies = stack.sink.deliveries();
    let used: HashSet<u64> = copies.iter().map(|d| d.connection).collect();
    println!(
        "{PARENTS} copies in {took:?} over {} connections; the other mail {own:?}",
        used.len()
    );
    assert!(used.len() <= CONNECTIONS, "{} connections", used.len());
    assert_eq!(
        copies.iter().filter(|d| d.from.starts_with("eltern-bounces")).count(),
        PARENTS,
        "each under its own return path"
    );
}

/// Killed in the middle and started again, Exim goes on by itself; only who was in work at that moment may have
/// it twice.
#[test]
fn exim_is_killed_in_the_middle_of_it() {
    let mut stack = school();
    write_letter(&stack, "absturz@gmx.example");
    stack.sink.wait_for(40, SOON).unwrap();
    stack.exim.kill();
    stack.exim.restart().unwrap();
    let all = || stack.sink.counts().len() == PARENTS;
    wait::until_true("all the copies", SOON, all).unwrap();
    nothing_waits(&stack);
    let twice = stack.sink.counts().values().filter(|n| **n > 1).count();
    assert!(twice <= CONNECTIONS, "{twice} of them twice");
}
