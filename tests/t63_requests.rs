//! The list's own addresses through real servers: who writes to `-request` is helped once, a thousand spams cause no mail;
//! `-owner` leads to whoever owns the list in LDAP at that moment.

use std::time::Duration;

use stack::rspamd::GTUBE;
use stack::smtp::{As, Client, Reply};
use stack::{Stack, dkim, mail, school, wait};

const REQUEST: &str = "klasse-5b-request@schule.example";
const OWNER: &str = "klasse-5b-owner@schule.example";

/// Somebody whom no directory knows, at a provider that proves nothing.
const GRANDMA: &str = "oma@nirgends.example";

fn letter(from: &str, id: usize, fields: &str) -> Vec<u8> {
    let id = format!("{id}.request@post.example");
    let mail = mail::text(from, REQUEST, "Hilfe", &id, "Wie melde ich mich ab?");
    [fields.as_bytes(), &mail].concat()
}

/// On a connection that stays open.
fn hand_in(client: &mut Client, from: &str, mail: &[u8]) -> Reply {
    hand_to(client, from, REQUEST, mail)
}

fn hand_to(client: &mut Client, from: &str, to: &str, mail: &[u8]) -> Reply {
    client.say(&format!("MAIL FROM:<{from}>")).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{to}>")).unwrap().expect(250).unwrap();
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
    stack.exim.wait_empty(wait::MAIL).unwrap();
    assert!(stack.sink.deliveries().is_empty());
}

/// Promise 7, Q4: who has a question reaches whoever owns the list in LDAP right now, and she alone; spam is refused, and
/// one who writes and writes has to stop, which keeps nobody else from being heard.
#[test]
fn owners_are_those_of_the_directory_now() {
    let stack = Stack::builder().scanned().start().unwrap();
    let outside = As::Outside(school::FORGER_IP);
    let question = |id: &str, body: &str| mail::text(GRANDMA, OWNER, "Enkel", id, body);
    let mut client = Client::open(stack.exim.mx(), &outside).unwrap();
    let mut ask = |id: &str, body: &str| hand_to(&mut client, GRANDMA, OWNER, &question(id, body));

    let (old, new) = (school::TEACHER, school::AYSE);
    ask("eins@nirgends.example", "Wer holt ihn?").expect(250).unwrap();
    let got = stack.dovecot.wait_for(old.0, "eins@nirgends.example").unwrap();
    let shown = String::from_utf8_lossy(&got).into_owned();
    assert!(shown.contains("Wer holt ihn?") && shown.contains(GRANDMA), "{shown}");
    assert!(mail::headers(&got, "List-Unsubscribe").is_empty(), "no owner can leave by it");

    let entry = "dn: cn=klasse-5b,ou=groups,dc=schule,dc=example\nchangetype: modify\n";
    let owner = format!("{entry}replace: owner\nowner: {}\n", school::dn(new.0));
    stack.ldap.modify(&owner).unwrap();
    wait::until_true("the owner to be known", wait::MAIL, || {
        let shown = stack.listd.listctl(&["list", "show", "klasse-5b"]).unwrap_or_default();
        shown.lines().any(|line| line.contains("owners") && line.contains(new.1))
    })
    .unwrap();
    ask("zwei@nirgends.example", "Und heute?").expect(250).unwrap();
    let got = stack.dovecot.wait_for(new.0, "zwei@nirgends.example").unwrap();
    assert!(!String::from_utf8_lossy(&got).contains(old.1), "nobody else is named");

    let reply = ask("spam@nirgends.example", GTUBE);
    assert!(reply.code == 550 && reply.lines.join(" ").contains("fuer Spam"), "{reply}");
    let mut refused = None;
    for number in 0..30 {
        let reply = ask(&format!("{number}.viel@nirgends.example"), "Hallo?");
        if reply.code != 250 {
            refused = Some((number, reply));
            break;
        }
    }
    let (number, reply) = refused.expect("it has a limit");
    assert!((10..20).contains(&number) && reply.code == 550, "after {number}: {reply}");

    // A member is heard all the same, and nobody but the owner reads her.
    let (_, maria) = school::MARIA;
    let letter = mail::text(maria, OWNER, "Frage", "drei@post.example", "Eine Frage.");
    stack.post(maria, &[OWNER], &letter).unwrap().expect(250).unwrap();
    stack.dovecot.wait_for(new.0, "drei@post.example").unwrap();
    let zoe = stack.dovecot.inbox(school::ZOE.0).unwrap();
    let late = stack.dovecot.inbox(old.0).unwrap();
    assert!(zoe.is_empty() && late.len() == 1, "{} and {}", zoe.len(), late.len());
    assert!(stack.sink.deliveries().is_empty(), "nobody outside got a thing");
}
