//! A list that hides its authors: what the class sees, how parents answer each other all the same, and who can't.

use stack::smtp::{As, send};
use stack::{Stack, dkim, mail, school, wait};

/// The whole header of a copy in small letters, on one line, with what encodings could hide.
fn header(copy: &[u8]) -> String {
    let head = String::from_utf8_lossy(mail::split(copy).0).replace("\r\n ", " ");
    head.replace("\r\n\t", " ").replace("%40", "@").replace("=40", "@").to_lowercase()
}

/// The address in the From of a copy.
fn from(copy: &[u8]) -> String {
    let from = mail::header(copy, "From");
    from.rsplit_once('<').unwrap().1.trim_end_matches('>').to_owned()
}

fn answer(stack: &Stack, who: (&str, &str), to: &str, id: &str) -> u16 {
    let letter = mail::text(&format!("Eltern <{}>", who.1), to, "AW: Ausflug", id, "Gern");
    stack.post(who.1, &[to], &letter).unwrap().code
}

/// F6, F7, GD2 to GD4, promises 4, 7 and 8 on the real stack.
#[test]
fn parents_answer_each_other_and_see_no_address() {
    let mut stack = Stack::builder()
        .settings(|s| s.list = "author_address = \"hidden\"\nsubject_tag = \"[5b]\"\n".into())
        .start()
        .unwrap();
    let (_, author) = school::JOERG;
    let letter = mail::text(
        &format!("=?utf-8?q?J=C3=B6rg?= <{author}>"),
        &format!("{}, {author}", school::CLASS_5B),
        "Ausflug",
        &format!("erste.{author}"),
        "Wer kommt mit?",
    );
    let letter =
        [format!("Reply-To: {author}\r\nX-Sender: {author}\r\n").as_bytes(), &letter].concat();
    let reply = stack.post(author, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let mut relay = String::new();
    for (login, _) in [school::AYSE, school::MARIA, school::ZOE] {
        let copy = stack.dovecot.wait_for(login, "[5b] Ausflug").unwrap();
        dkim::check_school(&copy).unwrap();
        assert!(!header(&copy).contains("joerg.schaefer"), "{}", header(&copy));
        assert_eq!(mail::split(&copy).1, mail::split(&letter).1, "the body is byte-identical");
        relay = from(&copy);
        assert!(
            relay.starts_with("klasse-5b-author+") && relay.ends_with("@schule.example"),
            "{relay}"
        );
        assert!(mail::header(&copy, "Reply-To").contains(&relay));
        assert!(mail::header(&copy, "To").contains(&relay), "she wrote to herself too");
        assert!(mail::header(&copy, "Message-ID").ends_with(".hidden@schule.example>"));
        assert_eq!(mail::header(&copy, "Subject"), "[5b] Ausflug");
        assert!(mail::header(&copy, "Return-Path").contains("klasse-5b-bounces+"));
    }

    // Maria answers, Jörg answers her, and so on: both see relay addresses alone.
    assert_eq!(answer(&stack, school::MARIA, &relay, "zweite@post.example"), 250);
    let second = stack.dovecot.wait_for(school::JOERG.0, "zweite@post.example").unwrap();
    dkim::check_school(&second).unwrap();
    assert!(!header(&second).contains("maria.fischer"), "{}", header(&second));
    assert!(
        mail::headers(&second, "List-Id").is_empty()
            && mail::headers(&second, "List-Unsubscribe").is_empty()
    );
    assert_eq!(mail::header(&second, "Subject"), "AW: Ausflug", "no tag between two");
    let back = from(&second);
    assert!(back.starts_with("klasse-5b-author+") && back != relay, "{back}");
    assert_eq!(answer(&stack, school::JOERG, &back, "dritte@post.example"), 250);
    let third = stack.dovecot.wait_for(school::MARIA.0, "dritte@post.example").unwrap();
    assert!(!header(&third).contains("joerg.schaefer"), "{}", header(&third));
    assert_eq!(from(&third), relay, "the same for 30 days");
    let trace = stack.listd.listctl(&["trace", "zweite@post.example"]).unwrap();
    assert!(trace.contains(author), "admins see to whom it went: {trace}");

    refused(&stack, &relay);

    // She leaves the class, and nobody reaches her that way any more.
    stack.ldap.membership("klasse-5b", school::JOERG.0, false).unwrap();
    wait::until_true("the relay address to be dead", wait::MAIL, || {
        answer(&stack, school::MARIA, &relay, "letzte@post.example") == 550
    })
    .unwrap();
    assert!(stack.listd.is_running() && !stack.listd.output().contains("panicked"));
}

/// Tokens that are not ours, authors whom nobody knows, strangers, programs; and a flood.
fn refused(stack: &Stack, relay: &str) {
    let (name, token) = relay.split_once('@').unwrap().0.split_once('+').unwrap();
    let other = if token.ends_with('a') { "b" } else { "a" };
    for to in [
        format!("{name}+{}{other}@schule.example", &token[..token.len() - 1]),
        format!("klasse-5a-author+{token}@schule.example"),
        format!("{name}@schule.example"),
    ] {
        assert_eq!(answer(stack, school::MARIA, &to, "falsch@post.example"), 550, "{to}");
    }
    assert_eq!(answer(stack, school::STRANGER, relay, "fremd@post.example"), 550);
    let forged = mail::text(school::MARIA.1, relay, "AW", "forged@post.example", "Gern");
    let reply =
        send(stack.exim.mx(), &As::Outside(school::FORGER_IP), school::MARIA.1, &[relay], &forged);
    assert_eq!(reply.unwrap().code, 550, "nobody vouches for it");
    let away = mail::text(school::MARIA.1, relay, "Abwesend", "weg@post.example", "Bin weg");
    let away = [b"Auto-Submitted: auto-replied\r\n".as_slice(), &away].concat();
    assert_eq!(stack.post(school::MARIA.1, &[relay], &away).unwrap().code, 250);
    let trace = stack.listd.listctl(&["trace", "weg@post.example"]).unwrap();
    assert!(trace.contains("dropped"), "{trace}");
    let codes: Vec<u16> = (0..25)
        .map(|n| answer(stack, school::ZOE, relay, &format!("flut{n}@post.example")))
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == 250).count(), 20, "{codes:?}");
    assert_eq!(codes.last(), Some(&550));
}
