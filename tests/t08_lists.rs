//! Two lists are two decisions (promise 3), and two lists that are on each other stop (rules L1 and L2).

use std::time::Duration;

use stack::smtp::deliver;
use stack::{Solo, Stack, crowd, mail, school, wait};

#[test]
fn a_mail_to_two_lists_goes_to_both_and_each_answers_for_itself() {
    let mut solo =
        Solo::prepare(&crowd::directory(&[("eins", 3), ("zwei", 2)]), |_| {}).unwrap().watched();
    solo.listd.start_knowing("eins@schule.example").unwrap();
    let from = crowd::member("eins", 0);
    // The header names a third list; only RCPT TO counts.
    let letter =
        mail::text(&from, "drei@schule.example", "An beide", "beide@bench.example", "Hallo");
    let to = ["eins@schule.example", "zwei@schule.example"];
    let replies = deliver(solo.listd.lmtp(), &from, &to, &letter).unwrap();
    assert_eq!(
        replies.iter().map(|r| r.code).collect::<Vec<_>>(),
        [250, 550],
        "not on zwei: {replies:?}"
    );
    solo.sink.wait_for(3, wait::MAIL).unwrap();
    let counts = solo.sink.counts();
    assert!((0..3).all(|i| counts[&crowd::member("eins", i)] == 1), "{counts:?}");

    // An LMTP client that heard no answer sends it again: recognised, not distributed again.
    let replies = deliver(solo.listd.lmtp(), &from, &to[..1], &letter).unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
    let other = mail::text(&from, to[0], "Neu", "neu@bench.example", "Hallo");
    assert_eq!(deliver(solo.listd.lmtp(), &from, &to[..1], &other).unwrap()[0].code, 250);
    solo.sink.wait_for(6, wait::MAIL).unwrap();
    let ids: Vec<String> =
        solo.sink.deliveries().iter().map(|d| mail::header(&d.mail, "Message-ID")).collect();
    let first = ids.iter().filter(|id| id.contains("beide@")).count();
    let copies = solo
        .sink
        .deliveries()
        .iter()
        .filter(|d| mail::header(&d.mail, "Message-ID").contains("beide@"))
        .map(|d| d.to.len())
        .sum::<usize>();
    assert!(first > 0 && copies == 3, "{ids:?}");
}

#[test]
fn two_lists_on_each_other_do_not_circle() {
    let knot = |name: &str, other: &str| {
        let base = school::BASE;
        format!(
            "dn: uid=liste-{name},ou=people,{base}\nobjectClass: inetOrgPerson\nuid: liste-{name}\ncn: {name}\nsn: {name}\n\
             mail: kreis-{name}@schule.example\n\n\
             dn: cn=kreis-{name},ou=groups,{base}\nobjectClass: groupOfNames\nobjectClass: schoolList\ncn: kreis-{name}\n\
             mail: kreis-{name}@schule.example\nmember: uid=liste-{other},ou=people,{base}\nmember: uid=mensch-{name},ou=people,{base}\n\n\
             dn: uid=mensch-{name},ou=people,{base}\nobjectClass: inetOrgPerson\nuid: mensch-{name}\ncn: Mensch {name}\nsn: {name}\n\
             mail: mensch-{name}@gmx.example\n\n"
        )
    };
    let stack = Stack::builder()
        .ldif(&format!("{}{}", knot("a", "b"), knot("b", "a")))
        .settings(|s| {
            s.list = "post = [\"anyone\"]\n".into();
            s.unverified = "accept".into();
        })
        .start()
        .unwrap();
    let letter = mail::text(
        school::JOERG.1,
        "kreis-a@schule.example",
        "Kreis",
        "kreis@post.example",
        "Hallo",
    );
    let reply = stack.post(school::JOERG.1, &["kreis-a@schule.example"], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let copies = |who: &str| stack.sink.counts().get(who).copied().unwrap_or(0);
    wait::until_true("the people of a to have it", wait::MAIL, || {
        copies("mensch-a@gmx.example") == 1
    })
    .unwrap();
    // The copy that list b gets comes back to a at most once; then all is quiet. Exim's queue and listd's can't be read at
    // the same moment: what went from one to the other meanwhile shows in the log.
    let received = || stack.exim.log().matches(" <= ").count();
    wait::until("Exim and listd to have nothing left", wait::MAIL, || {
        let before = received();
        let idle = stack.exim.queued() == 0 && stack.listd.status("/queue/posts_waiting")? == 0;
        Ok((idle && received() == before).then_some(()))
    })
    .unwrap();
    wait::stays("the number of mails that Exim took", Duration::from_secs(2), received).unwrap();
    assert_eq!(copies("mensch-a@gmx.example"), 1);
    assert!(copies("mensch-b@gmx.example") <= 1);
}
