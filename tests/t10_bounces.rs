//! A copy that can not be delivered comes back as Exim's DSN to its VERP address, and ends at listd.

use stack::{Stack, mail, school, wait};

#[test]
fn a_dsn_comes_back_to_its_verp_address() {
    let stack = Stack::start().unwrap();
    // One parent's provider knows her no more; Exim took the copy already.
    let outside = school::OUTSIDE;
    stack.sink.set(|f| {
        f.refuse.insert(outside.to_owned(), "550 5.1.1 no such user".into());
    });
    let counted = || {
        let count = |what| stack.listd.status(&format!("/queue/{what}")).unwrap();
        (count("bounces"), count("bounces_unattributed"))
    };
    assert_eq!(counted(), (0, 0));
    let letter =
        mail::text(school::JOERG.1, school::CLASS_5B, "Hallo", "dsn@post.example", "Hallo");
    let reply = stack.post(school::JOERG.1, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    // Exim's own bounce, from <>, delivered to listd by LMTP.
    stack.exim.wait_log("=> klasse-5b-bounces+").unwrap();
    let log = stack.exim.log();
    let line = log.lines().find(|l| l.contains("=> klasse-5b-bounces+")).unwrap_or_default();
    assert!(line.contains("F=<>") || log.contains("<= <>"), "{line}");
    assert!(line.contains("T=listd_lmtp") && line.contains("C=\"250"), "{line}");
    // It is counted where an admin looks, and nobody's mailbox got it.
    wait::until_true("the bounce to be counted", wait::MAIL, || counted() == (1, 0)).unwrap();
    let trace = stack.listd.listctl(&["--json", "trace", "dsn@post.example"]).unwrap();
    assert!(trace.contains(outside), "{trace}");
    let teacher = stack.dovecot.inbox(school::TEACHER.0).unwrap();
    assert!(teacher.is_empty(), "a bounce that is attributed reaches no person");
}
