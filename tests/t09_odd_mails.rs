//! Mails that are large, in chunks, in other scripts or with endless lines.

use std::time::Duration;

use stack::smtp::{As, Client, send};
use stack::{Solo, Stack, crowd, dkim, mail, school, wait};

#[test]
fn twenty_megabytes_go_through() {
    let stack = Stack::start().unwrap();
    let line = format!("{}\n", "0123456789abcdef".repeat(4));
    let letter = mail::text(
        school::JOERG.1,
        school::CLASS_5B,
        "Fotos",
        "gross@post.example",
        &line.repeat(20 << 20 >> 6),
    );
    assert!(letter.len() > 20 << 20);
    let reply = stack.post(school::JOERG.1, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let copy = stack.dovecot.wait_for(school::ZOE.0, "gross@post.example").unwrap();
    assert!(mail::split(&copy).1 == mail::split(&letter).1, "the body is byte-identical");
    dkim::check_school(&copy).unwrap();
    stack
        .sink
        .wait_for((school::CLASS_5B_RECIPIENTS - 5) as u64, Duration::from_secs(120))
        .unwrap();
}

#[test]
fn chunks_by_lmtp_and_by_smtp() {
    let mut solo = Solo::prepare(&crowd::directory(&[("eins", 3)]), |_| {}).unwrap().watched();
    solo.listd.start_knowing("eins@schule.example").unwrap();
    let (lmtp, smtp) = (solo.listd.lmtp(), solo.listd.smtp());
    for (n, (address, verb, size)) in
        [(lmtp, "LHLO", 7), (smtp, "EHLO", 1000), (lmtp, "LHLO", 1 << 20)].iter().enumerate()
    {
        let job = crowd::job("eins", &format!("bdat{n}@bench.example"), 3000);
        let mut client = Client::connect(*address).unwrap();
        client.hello(verb, "client.example").unwrap();
        assert!(client.offers("CHUNKING"));
        client.say(&format!("MAIL FROM:<{}>", job.from)).unwrap().expect(250).unwrap();
        client.say("RCPT TO:<eins@schule.example>").unwrap().expect(250).unwrap();
        client.bdat(&job.mail, *size).unwrap().expect(250).unwrap();
        client.quit();
        solo.sink.wait_for(3 * (n as u64 + 1), wait::MAIL).unwrap();
        let all = solo.sink.deliveries();
        let copy =
            all.iter().find(|d| mail::header(&d.mail, "Message-ID").contains(&job.name)).unwrap();
        assert!(mail::split(&copy.mail).1 == mail::split(&job.mail).1);
    }
}

#[test]
fn other_scripts_in_address_and_header() {
    let stack = Stack::builder()
        .settings(|s| {
            s.list = "post = [\"anyone\"]\n".into();
            s.unverified = "accept".into();
        })
        .start()
        .unwrap();
    let from = "jörg@gmx.example";
    let letter = mail::text(
        &format!("Jörg <{from}>"),
        school::CLASS_5B,
        "Ausflug nach Köln",
        "utf8@gmx.example",
        "Grüße",
    );
    let reply = send(
        stack.exim.mx(),
        &As::Outside(school::PROVIDER_IP),
        from,
        &[school::CLASS_5B],
        &letter,
    )
    .unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let copy = stack.dovecot.wait_for(school::ZOE.0, "utf8@gmx.example").unwrap();
    assert_eq!(mail::split(&copy).1, mail::split(&letter).1);
    dkim::check_school(&copy).unwrap();
    stack.sink.wait_for((school::CLASS_5B_RECIPIENTS - 5) as u64, wait::MAIL).unwrap();
}

#[test]
fn a_line_of_five_thousand_octets_arrives() {
    let stack = Stack::start().unwrap();
    let long = "Wort ".repeat(1000);
    let letter = mail::text(school::JOERG.1, school::CLASS_5B, "Lang", "lang@post.example", &long);
    let reply = stack.post(school::JOERG.1, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let copy = stack.dovecot.wait_for(school::ZOE.0, "lang@post.example").unwrap();
    assert!(copy.split(|b| *b == b'\n').all(|line| line.len() <= 999));
    dkim::check_school(&copy).unwrap();
}
