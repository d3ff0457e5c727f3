//! The relay goes away, breaks off, is full or refuses one: nobody else waits for it, and nobody is forgotten.

use std::time::Duration;

use stack::smtp::deliver;
use stack::{Stack, dkim, mail, school, wait};

const AGAIN: Duration = Duration::from_secs(120);

fn send(stack: &Stack, id: &str) {
    let letter = mail::text(school::JOERG.1, school::CLASS_5B, "Hallo", id, "Hallo");
    let reply = stack.post(school::JOERG.1, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
}

/// As Exim hands it over, which does not work itself.
fn hand_over(stack: &Stack, id: &str) {
    let letter = mail::text(school::JOERG.1, school::CLASS_5B, "Hallo", id, "Hallo");
    let signed = dkim::sign_as_provider(&letter).unwrap();
    let results =
        "Authentication-Results: mx.schule.example; spf=pass smtp.mailfrom=post.example\r\n";
    let mail = [results.as_bytes(), &signed].concat();
    let (from, to) = (school::JOERG.1, [school::CLASS_5B]);
    let replies = deliver(stack.listd.lmtp(), from, &to, &mail).unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
}

#[test]
fn exims_relay_port_is_down_for_a_while_and_back() {
    let mut stack = Stack::start().unwrap();
    stack.exim.kill();
    hand_over(&stack, "spaeter@post.example");
    stack.exim.restart().unwrap();
    wait::until("the copy", AGAIN, || {
        let mails = stack.dovecot.inbox(school::ZOE.0)?;
        Ok((!mails.is_empty()).then_some(()))
    })
    .unwrap();
    stack.sink.wait_for((school::CLASS_5B_RECIPIENTS - 5) as u64, AGAIN).unwrap();
    let counts = stack.sink.counts();
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
}

#[test]
fn a_relay_in_trouble_costs_only_time() {
    let stack = Stack::builder().relay_is_sink().start().unwrap();
    let all = school::CLASS_5B_RECIPIENTS;
    stack.sink.set(|f| {
        f.refuse.insert(school::AYSE.1.into(), "550 5.1.1 no such user".into());
        f.defer.insert(school::MARIA.1.into(), 1);
        f.cut_data = 1;
    });
    send(&stack, "trouble@post.example");
    stack.sink.wait_for(all as u64 - 1, AGAIN).unwrap();
    let counts = stack.sink.counts();
    assert!(!counts.contains_key(school::AYSE.1), "refused for good");
    assert!(counts.len() == all - 1 && counts.values().all(|n| *n == 1), "{counts:?}");
    wait::until("the refusal in the trace", wait::MAIL, || {
        let trace = stack.listd.listctl(&["--json", "trace", "trouble@post.example"])?;
        Ok(trace.contains("no such user").then_some(()))
    })
    .unwrap();
}

#[test]
fn a_relay_that_takes_five_at_a_time_gets_five_at_a_time() {
    let stack = Stack::builder()
        .relay_is_sink()
        .settings(|s| s.list = "copies = \"shared\"\n".into())
        .start()
        .unwrap();
    stack.sink.set(|f| f.full_after = Some(5));
    send(&stack, "full@post.example");
    stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, AGAIN).unwrap();
    let counts = stack.sink.counts();
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
}

/// Promise 5: the guide's line is missing in Exim's RCPT ACL, which then relays for nobody: "550 relay not permitted" for
/// everyone outside. Nobody is given up, it shows, and with the line back everybody has one copy.
#[test]
fn exims_acl_forgets_the_relay() {
    let mut stack = Stack::start().unwrap();
    let line = "  accept  acl = listd_relay_rcpt\n";
    let without = |plain: &str| {
        assert!(plain.contains(line), "{plain}");
        plain.replace(line, "")
    };
    stack.exim.restart_changed(without).unwrap();
    let id = "verboten@post.example";
    send(&stack, id);
    wait::until("the denial in the status", wait::MAIL, || {
        let told = stack.listd.listctl(&["--json", "status"])?;
        Ok(told.contains("relay not permitted").then_some(()))
    })
    .unwrap();
    // For people with a mailbox here it is no relay.
    stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    let trace = stack.listd.listctl(&["--json", "trace", id]).unwrap();
    assert!(trace.contains("\"failed\": 0"), "{trace}");
    assert_eq!(stack.sink.recipients(), 0);
    stack.exim.restart().unwrap();
    stack.listd.listctl(&["queue", "retry", "--all"]).unwrap();
    stack.sink.wait_for((school::CLASS_5B_RECIPIENTS - 5) as u64, AGAIN).unwrap();
    assert!(stack.sink.counts().values().all(|n| *n == 1), "{:?}", stack.sink.counts());
}

/// Exim says 452 to every MAIL while its disk is full: no recipient is to blame, nobody is tried in vain one by one,
/// and when there is space again everybody gets one copy, whose queue ID the trace names.
#[test]
fn exims_disk_is_full_for_a_while() {
    let mut stack = Stack::start().unwrap();
    stack.exim.restart_with("check_spool_space = 900000G").unwrap();
    let id = "platte@post.example";
    hand_over(&stack, id);
    wait::until("the relay's trouble in the status", wait::MAIL, || {
        Ok(stack.listd.listctl(&["--json", "status"])?.contains("452").then_some(()))
    })
    .unwrap();
    assert_eq!(stack.sink.recipients(), 0);
    stack.exim.restart().unwrap();
    stack.sink.wait_for((school::CLASS_5B_RECIPIENTS - 5) as u64, AGAIN).unwrap();
    assert!(stack.sink.counts().values().all(|n| *n == 1), "{:?}", stack.sink.counts());
    let queue_id = wait::until("Exim's line for the copy", wait::MAIL, || {
        let log = stack.exim.log();
        let line = log.lines().find(|l| l.contains(&format!("=> {}", school::OUTSIDE)));
        Ok(line.and_then(|l| l.split(' ').nth(2)).map(str::to_owned))
    })
    .unwrap();
    wait::until("Exim's queue ID in the trace", wait::MAIL, || {
        Ok(stack.listd.listctl(&["--json", "trace", id])?.contains(&queue_id).then_some(()))
    })
    .unwrap();
}
