//! The list's own addresses through real servers: who writes to `-request` is helped once, a thousand spams cause no mail.

use std::time::Duration;

use stack::smtp::{As, Client, Reply};
use stack::{Stack, dkim, mail, school, wait};

const REQUEST: &str = "klasse-5b-request@schule.example";

fn letter(from: &str, id: usize, fields: &str) -> Vec<u8> {
    let id = format!("{id}.request@post.example");
    let mail = mail::text(from, REQUEST, "Hilfe", &id, "Wie melde ich mich ab?");
    [fields.as_bytes(), &mail].concat()
}

/// On a connection that stays open.
fn hand_in(client: &mut Client, from: &str, mail: &[u8]) -> Reply {
    client.say(&format!("MAIL FROM:<{from}>")).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{REQUEST}>")).unwrap().expect(250).unwrap();
    client.data(mail).unwrap()
}

/// Q4, Q2, A2: through Exim, rspamd and clamd. What can't be proved is refused while its sender is still there, so
/// nobody writes a bounce either; a program is never answered; a parent is, once, by a signed letter.
#[test]
fn a_thousand_spams_cause_no_mail() {
    let stack = Stack::builder().scanned().start().unwrap();
    let forger = As::Outside(school::FORGER_IP);
    let names = [school::AYSE.1, school::JOERG.1, "victim@elsewhere.example", "x@bulk.example"];
    let mut client = Client::open(stack.exim.mx(), &forger).unwrap();
    for id in 0..1_000 {
        if id % 50 == 49 {
            client.quit();
            client = Client::open(stack.exim.mx(), &forger).unwrap();
        }
        let from = names[id % names.len()];
        let reply = hand_in(&mut client, from, &letter(from, id, ""));
        assert_eq!(reply.code / 100, 5, "{reply}");
    }
    // A holiday notice of one who really wrote it.
    let (_, joerg) = school::JOERG;
    let mut home = Client::open(stack.exim.mx(), &As::Outside(school::PROVIDER_IP)).unwrap();
    let away = letter(joerg, 2_000, "Auto-Submitted: auto-replied\r\n");
    hand_in(&mut home, joerg, &dkim::sign_as_provider(&away).unwrap()).expect(250).unwrap();
    assert!(stack.sink.deliveries().is_empty() && stack.exim.queued() == 0);

    let real = |id| dkim::sign_as_provider(&letter(joerg, id, "")).unwrap();
    hand_in(&mut home, joerg, &real(3_000)).expect(250).unwrap();
    let inbox = || stack.dovecot.inbox(school::JOERG.0).unwrap();
    wait::until_true("the help text", wait::MAIL, || !inbox().is_empty()).unwrap();
    let again = hand_in(&mut home, joerg, &real(3_001));
    assert!(again.code == 550 && again.lines[0].contains("klasse-5b-owner@"), "{again}");
    wait::stays("the only answer", Duration::from_secs(2), || inbox().len()).unwrap();
    let help = &inbox()[0];
    assert_eq!(mail::header(help, "Return-Path"), "<>");
    assert_eq!(mail::header(help, "Auto-Submitted"), "auto-replied");
    assert_eq!(mail::header(help, "In-Reply-To"), "<3000.request@post.example>");
    assert!(mail::header(help, "Subject").contains("Hilfe"), "in German");
    assert!(mail::headers(help, "List-Id").is_empty());
    dkim::check_school(help).unwrap();
    assert!(stack.sink.deliveries().is_empty() && stack.exim.queued() == 0);
}
