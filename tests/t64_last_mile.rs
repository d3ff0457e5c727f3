//! The last mile: Exim took every copy, and what the recipients' own servers said to it is in the trace, in the figures
//! and on one screen.

use std::time::Duration;

use serde_json::Value;
use stack::claim::Port;
use stack::home::Home;
use stack::{Stack, dkim, http, mail, school, wait};

/// Word for word what T-Online says to hosts that it blocks.
const BLOCKED: &str = "554 IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact \
                       tosa@rx.t-online.de to clarify. (BL)";
/// Of 5b, at a provider that blocks the school; and one whose mailbox is full.
const TELEKOM: &str = school::OUTSIDE;
const AGAIN: Duration = Duration::from_secs(60);

fn post(stack: &Stack, id: &str) {
    let author = school::JOERG.1;
    let letter =
        mail::text(author, school::CLASS_5B, "Ausflug", id, "Liebe Eltern,\n\nam Freitag.");
    let signed = dkim::sign_as_provider(&letter).unwrap();
    let reply = stack.post(author, &[school::CLASS_5B], &signed).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
}

/// What is known of each recipient: address, and her own server's answer.
fn heard(stack: &Stack, id: &str) -> Vec<(String, Value)> {
    let text = stack.listd.listctl(&["--json", "trace", id]).unwrap_or_default();
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let all = json["posts"][0]["recipients"].as_array().cloned().unwrap_or_default();
    let known = all.into_iter().map(|one| {
        (one["address"].as_str().unwrap_or_default().to_owned(), one["last_mile"].clone())
    });
    known.collect()
}

fn wait_heard(stack: &Stack, id: &str, how: &str, who: impl Fn(&str, &Value) -> bool) {
    let found = wait::until_true(how, AGAIN, || {
        let all = heard(stack, id);
        !all.is_empty() && all.iter().all(|(address, last)| who(address, last))
    });
    assert!(found.is_ok(), "{found:?}\n{:#?}\n{}", heard(stack, id), stack.exim.log());
}

fn is(last: &Value, what: &str) -> bool {
    last.get(what).is_some()
}

fn with_log(more: String) -> Stack {
    Stack::builder().follows_relay_log().settings(|s| s.more = more).start().unwrap()
}

/// Promise: an admin sees that T-Online blocks the school, on one screen, and every recipient's own answer.
#[test]
fn what_the_recipients_servers_said() {
    let port = Port::claim().unwrap();
    let metrics = port.address();
    let stack = with_log(format!("\n[metrics]\nlisten = \"{metrics}\"\n"));
    stack.sink.set(|faults| {
        faults.refuse.insert(TELEKOM.to_owned(), BLOCKED.to_owned());
    });
    post(&stack, "meile@post.example");
    wait_heard(&stack, "meile@post.example", "each answer", |who, last| {
        is(last, if who == TELEKOM { "Failed" } else { "Delivered" })
    });
    let trace = stack.listd.listctl(&["trace", "meile@post.example"]).unwrap();
    assert!(trace.contains("19 delivered"), "the relay took all: {trace}");
    let refused = |line: &&str| line.contains("her own server") && line.contains("refused");
    let line = trace.lines().find(refused).expect("her server's answer");
    assert!(
        line.contains("554 IP=192.0.2.1 - A problem occurred.") && line.contains("[127.0.0.1]"),
        "{line}"
    );

    let screen = stack.listd.listctl(&["providers"]).unwrap();
    let line = screen.lines().find(|line| line.starts_with("telekom.example")).expect("a line");
    assert!(line.contains("1 (1 policy)") && line.contains("554 IP=192.0.2.1"), "{screen}");
    let line = screen.lines().find(|line| line.starts_with("post.example")).expect("a line");
    let numbers: Vec<&str> = line.split_ascii_whitespace().skip(1).collect();
    assert!(matches!(numbers[..], [accepted, "0", "0"] if accepted != "0"), "{screen}");
    assert!(!screen.contains(TELEKOM), "{screen}");

    let series = "verteiler_provider_answers_total{provider=\"telekom.example\",answer=\"refused\",reason=\"policy\"} 1";
    wait::until("the refusal in the figures", wait::MAIL, || {
        let (_, figures) = http::get(metrics, "/metrics")?;
        Ok(figures.contains(series).then_some(()))
    })
    .unwrap();
}

/// A provider that says "later" is asked again by Exim; the log is renamed meanwhile, and listd is not there for a while.
#[test]
fn through_rotation_and_a_restart() {
    let mut stack = with_log(String::new());
    let log = stack.exim.log_file();
    stack.sink.set(|faults| {
        faults.defer.insert(TELEKOM.to_owned(), 1_000);
    });
    post(&stack, "spaeter@post.example");
    wait_heard(&stack, "spaeter@post.example", "a deferral", |who, last| {
        is(last, if who == TELEKOM { "Deferred" } else { "Delivered" })
    });

    std::fs::rename(&log, stack.dir().join("log/exim-mainlog.1")).unwrap();
    stack.listd.kill();
    stack.sink.set(|faults| faults.defer.clear());
    stack.exim.wait_empty(AGAIN).unwrap();
    stack.listd.start().unwrap();
    wait_heard(&stack, "spaeter@post.example", "the last word", |_, last| is(last, "Delivered"));
}

/// The log can't be read: told once, however often it is tried; mail goes on, and once it can be read that is told too.
#[test]
fn a_log_that_cannot_be_read_is_told_once() {
    let home = Home::make().unwrap();
    let log = home.dir().join("mainlog");
    let stack = Stack::builder()
        .settings(|s| s.relay_more = format!("log = \"{}\"", log.display()))
        .start()
        .unwrap();
    for id in ["ohne@post.example", "nochmal@post.example"] {
        post(&stack, id);
        stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    }
    std::fs::write(&log, "").unwrap();
    let read = || stack.listd.output().contains("relay.log is read again");
    wait::until_true("the log to be read", wait::MAIL, read).unwrap();
    let told = format!("relay.log = {} can't be followed", log.display());
    assert_eq!(stack.listd.output().matches(&told).count(), 1, "{}", stack.listd.output());
}
