//! The stack itself, before any list: Exim, slapd, Dovecot and unbound do what the stories take for granted.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stack::smtp::{As, send};
use stack::{Stack, mail, school, wait};

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
    stack.exim.wait_empty(wait::MAIL).unwrap();

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

/// What people saw is judged at the end of every story (promise 7). A story that shows a member another one's address, in
/// one copy and not in plain sight, does not pass, though it looks at nothing itself.
#[test]
fn a_story_that_shows_an_address_is_caught() {
    let stack = Stack::builder().without_listd().start().unwrap();
    let (author, maria) = (school::JOERG.1, school::MARIA.1);
    let hidden = maria.replace('@', "=40");
    let give = |id: &str, body: &str| {
        let copy = mail::text(author, school::CLASS_5B, "Ausflug", id, body);
        let sink = stack.sink.address();
        send(sink, &As::Local, "", &[school::OUTSIDE], &copy).unwrap().expect(250).unwrap();
    };
    // As it came, and with whom it came.
    let letter = mail::text(author, school::CLASS_5B, "Ausflug", "1@post.example", "Hallo");
    stack.post(author, &[school::TEACHER.1], &letter).unwrap().expect(250).unwrap();
    give("1@post.example", "Hallo");
    assert_eq!(stack.leaks(), [""; 0]);
    give("1@post.example", &format!("Hallo\n\nAn: {hidden}"));
    let leaks = stack.leaks();
    assert!(matches!(leaks.as_slice(), [one] if one.contains(maria)), "{leaks:?}");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack))).is_err(), "the end of a story judges");
}
