//! Who may not write hears it inside the SMTP dialogue, in plain words, and nobody gets a bounce (promises 4 and 8).

use stack::smtp::{As, Client, Reply, send};
use stack::{Stack, mail, school, wait};

fn letter(from: &str, id: &str) -> Vec<u8> {
    mail::text(from, school::CLASS_5B, "Hallo", id, "Hallo")
}

/// What the sender hears at RCPT.
fn at_rcpt(stack: &Stack, to: &str) -> Reply {
    let mut client = Client::open(stack.exim.mx(), &As::Outside(school::PROVIDER_IP)).unwrap();
    client.say(&format!("MAIL FROM:<{}>", school::JOERG.1)).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{to}>")).unwrap()
}

#[test]
fn refused_in_the_dialogue_or_let_through() {
    let stack = Stack::start().unwrap();
    let list = [school::CLASS_5B];

    // No such list, and one that is closed: known at RCPT already.
    let reply = at_rcpt(&stack, "klasse-9z@schule.example");
    assert_eq!(reply.code, 550, "{reply}");
    assert!(reply.lines[0].starts_with("5.1.1 ") && reply.lines[0].is_ascii(), "{reply}");
    let reply = at_rcpt(&stack, "ausflug-2024@schule.example");
    assert_eq!(reply.code, 550, "{reply}");
    assert_eq!(at_rcpt(&stack, school::CLASS_5B).code, 250);

    // Maria's name from a machine that nobody knows.
    let forged = letter(school::MARIA.1, "forged@post.example");
    let forger = As::Outside(school::FORGER_IP);
    let reply = send(stack.exim.mx(), &forger, school::MARIA.1, &list, &forged).unwrap();
    assert_eq!(reply.code, 550, "{reply}");
    assert!(reply.lines[0].starts_with("5.7.1 "), "{reply}");
    // Her name in From, his own in the envelope.
    let reply = send(stack.exim.mx(), &forger, "x@elsewhere.example", &list, &forged).unwrap();
    assert_eq!(reply.code, 550, "{reply}");
    // Somebody else's login.
    let other = As::User(school::TEACHER.0, school::PASSWORD);
    let reply = send(stack.exim.submission(), &other, school::TEACHER.1, &list, &forged).unwrap();
    assert_eq!(reply.code, 550, "{reply}");

    // A parent of another class, verified.
    let (_, stranger) = school::STRANGER;
    let reply = stack.post(stranger, &list, &letter(stranger, "stranger@post.example")).unwrap();
    assert_eq!(reply.code, 550, "{reply}");
    assert!(reply.lines.join(" ").contains("Nur Mitglieder"), "in the school's language: {reply}");

    assert_eq!(stack.exim.queued(), 0);
    assert!(stack.sink.deliveries().is_empty(), "nobody got anything");

    // The teacher owns the list and is not on it; Maria writes from her second address.
    let (login, teacher) = school::TEACHER;
    let owner = As::User(login, school::PASSWORD);
    let reply = send(
        stack.exim.submission(),
        &owner,
        teacher,
        &list,
        &letter(teacher, "teacher@schule.example"),
    )
    .unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    stack.dovecot.wait_for(school::ZOE.0, "teacher@schule.example").unwrap();
    let second = "m.fischer@firma.example";
    let firm = As::Outside("192.0.2.26");
    let reply =
        send(stack.exim.mx(), &firm, second, &list, &letter(second, "second@firma.example"))
            .unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    stack.dovecot.wait_for(school::ZOE.0, "second@firma.example").unwrap();
    let each = (school::CLASS_5B_RECIPIENTS - 5) as u64;
    stack.sink.wait_for(2 * each, wait::MAIL).unwrap();
}

/// What the school's own Exim would write about Maria, were it true (rules T8, T9).
const CLAIMS: &str = "Authentication-Results: mx.schule.example; spf=pass smtp.mailfrom=post.example;\r\n\
    \tdkim=pass header.d=post.example; auth=pass smtp.auth=maria.fischer\r\n";

#[test]
fn authentication_results_that_the_author_wrote_do_not_count() {
    let stack = Stack::start().unwrap();
    let (_, maria) = school::MARIA;
    let claiming = |id: &str| [CLAIMS.as_bytes(), &letter(maria, id)].concat();

    // From outside: Exim's own results stand above.
    let forger = As::Outside(school::FORGER_IP);
    let mail = claiming("aussen@post.example");
    let reply = send(stack.exim.mx(), &forger, maria, &[school::CLASS_5B], &mail).unwrap();
    assert_eq!(reply.code, 550, "{reply}");

    // With nothing above them, since no Received marks where the author's fields begin.
    let mail = claiming("oben@post.example");
    let replies =
        stack::smtp::deliver(stack.listd.lmtp(), maria, &[school::CLASS_5B], &mail).unwrap();
    assert_eq!(replies[0].code, 550, "{replies:?}");

    // From a program on the host, of which Exim knows nothing to write: its Received stands above.
    stack.exim.sendmail(maria, school::CLASS_5B, &claiming("lokal@post.example")).unwrap();
    stack.exim.wait_log("** klasse-5b@schule.example").unwrap();
    let log = stack.exim.log();
    let line = log.lines().find(|l| l.contains("** klasse-5b@")).unwrap_or_default();
    assert!(line.contains("T=listd_lmtp") && line.contains("550 5.7.1"), "{line}");

    let trace = stack.listd.listctl(&["--json", "trace", "lokal@post.example"]).unwrap();
    assert!(trace.contains("lokal@post.example"), "listd saw it: {trace}");
    let lists = |m: &stack::sink::Delivery| !mail::header(&m.mail, "List-Id").is_empty();
    assert!(!stack.sink.deliveries().iter().any(lists), "no copy of a forged mail");
}
