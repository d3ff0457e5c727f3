//! The stack itself, before any list: Exim, slapd, Dovecot and unbound do what the stories take for granted.

use stack::smtp::{As, send};
use stack::{Stack, mail, school};

#[test]
fn a_mail_from_outside_reaches_a_mailbox_and_a_list_is_routed_to_listd() {
    let stack = Stack::builder().without_listd().start().unwrap();
    let (login, address) = school::TEACHER;
    let letter = mail::text(
        "Jörg <joerg.mueller@post.example>",
        address,
        "Hallo",
        "1@post.example",
        "Grüße",
    );
    let outside = As::Outside(school::PROVIDER_IP);
    let reply =
        send(stack.exim.mx(), &outside, "joerg.mueller@post.example", &[address], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let copy = stack.dovecot.wait_for(login, "1@post.example").unwrap();
    assert_eq!(mail::header(&copy, "Subject"), "Hallo");
    assert!(mail::headers(&copy, "Authentication-Results").is_empty(), "only list mail gets one");

    // A mailbox of the lists' domain goes first.
    assert!(stack.exim.route(address).unwrap().contains("transport = dovecot"));
    let route = stack.exim.route(school::CLASS_5B).unwrap();
    assert!(route.contains("transport = listd_lmtp"), "{route}");

    // With listd down a list is asked to wait, and nothing is queued for it.
    let reply =
        send(stack.exim.mx(), &outside, "joerg.mueller@post.example", &[school::CLASS_5B], &letter)
            .unwrap();
    assert_eq!(reply.code, 451, "{reply}");
    assert_eq!(stack.exim.queued(), 0);

    // Whoever logs in may send anywhere, and nobody else may.
    let user = As::User(login, school::PASSWORD);
    let reply = send(stack.exim.submission(), &user, address, &["x@gmx.example"], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    stack.sink.wait_for(1, stack::wait::MAIL).unwrap();
    let reply =
        send(stack.exim.mx(), &outside, "joerg.mueller@post.example", &["x@gmx.example"], &letter)
            .unwrap();
    assert_eq!(reply.code, 550, "{reply}");
    assert!(
        send(
            stack.exim.submission(),
            &As::User(login, "falsch"),
            address,
            &["x@gmx.example"],
            &letter
        )
        .is_err()
    );
}
