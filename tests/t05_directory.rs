//! slapd changes, dies and comes back while mail goes on.

use std::time::{Duration, Instant};

use stack::smtp::deliver;
use stack::{Stack, dkim, mail, school, wait};

const SECOND: Duration = Duration::from_secs(1);

fn letter(id: &str) -> Vec<u8> {
    mail::text(school::JOERG.1, school::CLASS_5B, "Hallo", id, "Hallo")
}

fn send(stack: &Stack, id: &str) {
    let reply = stack.post(school::JOERG.1, &[school::CLASS_5B], &letter(id)).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
}

/// As Exim hands it over. With slapd down Exim itself answers 451: it looks for its mailboxes there.
fn hand_over(stack: &Stack, id: &str) {
    let signed = dkim::sign_as_provider(&letter(id)).unwrap();
    let replies =
        deliver(stack.listd.lmtp(), school::JOERG.1, &[school::CLASS_5B], &signed).unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
}

fn members(stack: &Stack) -> String {
    stack.listd.listctl(&["--json", "list", "members", school::CLASS_5B]).unwrap_or_default()
}

/// Waits until `listctl` shows whether somebody is on the list, for at most `limit` beyond what asking takes.
fn sees(stack: &Stack, address: &str, is_member: bool, limit: Duration) {
    let begun = Instant::now();
    members(stack);
    let limit = limit + 5 * begun.elapsed();
    wait::until_true(&format!("listd to see {address}: {is_member}"), limit, || {
        let members = members(stack);
        !members.is_empty() && members.contains(address) == is_member
    })
    .unwrap();
}

#[test]
fn a_change_counts_within_a_second_and_frozen_mail_only_shrinks() {
    let mut stack = Stack::builder().relay_is_sink().start().unwrap();
    let (newcomer, address) = school::STRANGER;
    stack.ldap.membership("klasse-5b", newcomer, true).unwrap();
    sees(&stack, address, true, SECOND);
    send(&stack, "mit@post.example");
    let all = (school::CLASS_5B_RECIPIENTS + 1) as u64;
    stack.sink.wait_for(all, wait::MAIL).unwrap();
    assert_eq!(stack.sink.counts()[address], 1);

    // The mail waits for the relay; meanwhile one leaves and one comes. Neither gets it.
    stack.listd.settled().unwrap();
    stack.sink.clear();
    stack.sink.close();
    send(&stack, "frozen@post.example");
    stack.ldap.membership("klasse-5b", newcomer, false).unwrap();
    sees(&stack, address, false, SECOND);
    stack.ldap.membership("klasse-5b", "maria.schmidt", true).unwrap();
    sees(&stack, "maria.schmidt@", true, SECOND);
    stack.sink.open().unwrap();
    stack.sink.wait_for(all - 1, Duration::from_secs(90)).unwrap();
    let counts = stack.sink.counts();
    assert!(!counts.contains_key(address), "who has left gets nothing");
    assert!(!counts.keys().any(|to| to.starts_with("maria.schmidt@")), "who came later neither");
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
}

#[test]
fn slapd_dies_and_comes_back() {
    let mut stack = Stack::builder().relay_is_sink().start().unwrap();
    stack.ldap.kill();
    // For max_staleness the replica serves on.
    hand_over(&stack, "ohne@post.example");
    stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
    stack.ldap.restart().unwrap();
    let (newcomer, address) = school::STRANGER;
    stack.ldap.membership("klasse-5b", newcomer, true).unwrap();
    sees(&stack, address, true, wait::MAIL);
}

#[test]
fn a_restart_while_ldap_is_down_serves_from_the_snapshot() {
    let mut stack = Stack::builder().relay_is_sink().start().unwrap();
    assert!(stack.listd.stop().unwrap().success(), "{}", stack.listd.output());
    stack.ldap.kill();
    stack.listd.start().unwrap();
    hand_over(&stack, "snapshot@post.example");
    stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
}

#[test]
fn start_tls_with_the_right_ca_and_with_a_wrong_one() {
    let mut stack = Stack::builder().tls().relay_is_sink().without_listd().start().unwrap();
    let mut settings = stack.settings();
    let with_ca =
        |ca: std::path::PathBuf| format!("start_tls = true\nca_file = \"{}\"\n", ca.display());
    settings.directory = with_ca(stack.ldap.wrong_ca());
    stack.listd.configure(&settings).unwrap();
    stack.listd.start_without_directory().unwrap();
    let what = "listd to name the certificate";
    wait::until_true(what, wait::MAIL, || {
        stack.listd.output().to_lowercase().contains("certificate")
    })
    .unwrap();
    let reply =
        stack.post(school::JOERG.1, &[school::CLASS_5B], &letter("wrong@post.example")).unwrap();
    assert_eq!(reply.code, 451, "trouble of ours is 4xx: {reply}");

    assert!(stack.listd.stop().unwrap().success());
    settings.directory = with_ca(stack.ldap.ca());
    stack.listd.configure(&settings).unwrap();
    stack.listd.start().unwrap();
    send(&stack, "right@post.example");
    stack.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
}
