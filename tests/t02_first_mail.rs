//! The main job: a parent's mail through Exim to her class, and what every parent gets.

use std::collections::HashSet;

use stack::{Stack, dkim, mail, school, wait};

#[test]
fn every_parent_of_5b_gets_a_signed_copy_with_list_headers() {
    let stack = Stack::start().unwrap();
    let (_, author) = school::JOERG;
    let id = "erste@post.example";
    let letter = mail::text(
        &format!("=?utf-8?q?J=C3=B6rg?= <{author}>"),
        school::CLASS_5B,
        "Ausflug",
        id,
        "Grüße aus Köln",
    );
    let reply = stack.post(author, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");

    let mut paths = HashSet::new();
    for (login, _) in [school::AYSE, school::MARIA, school::ZOE] {
        let copy = stack.dovecot.wait_for(login, id).unwrap();
        dkim::check_school(&copy).unwrap();
        assert_eq!(mail::split(&copy).1, mail::split(&letter).1, "the body is byte-identical");
        assert_eq!(mail::header(&copy, "Message-ID"), format!("<{id}>"));
        assert_eq!(mail::header(&copy, "Subject"), "Ausflug");
        assert!(mail::header(&copy, "List-Id").contains("klasse-5b.schule.example"));
        assert!(mail::header(&copy, "List-Post").contains(school::CLASS_5B));
        let from = mail::header(&copy, "From");
        assert!(
            from.contains(school::CLASS_5B) && !from.contains(author),
            "post.example does not allow us its name: {from}"
        );
        assert!(mail::header(&copy, "Reply-To").contains(author));
        // Exim's own for its mailboxes apart, nothing that claims to be ours.
        assert!(
            mail::headers(&copy, "Authentication-Results").iter().all(|r| !r.contains("spf=pass"))
        );
        paths.insert(mail::header(&copy, "Return-Path"));
    }
    assert!(paths.iter().all(|p| p.contains("klasse-5b-bounces+")), "{paths:?}");
    assert_eq!(paths.len(), 3, "a return path of her own for each: {paths:?}");

    // The others live outside: none missing, none twice, not the locked account.
    let outside = school::CLASS_5B_RECIPIENTS - 5;
    stack.sink.wait_for(outside as u64, wait::MAIL).unwrap();
    let counts = stack.sink.counts();
    assert!(counts.len() == outside && counts.values().all(|n| *n == 1), "{counts:?}");
    assert!(!counts.keys().any(|to| to.starts_with("ines.lorenz")), "{counts:?}");

    stack.listd.settled().unwrap();
    let trace = stack.listd.listctl(&["trace", id]).unwrap();
    assert!(trace.contains(school::MARIA.1) && trace.contains("250"), "{trace}");
}
