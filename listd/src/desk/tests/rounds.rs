//! The loop: who is written to, when, and when never again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use listcore::hold::{By, End, Reason, Waiting};
use listcore::policy::Unproven;

use super::house::{House, NETWORK};
use crate::clock::Zone;
use crate::pipeline::Tenant;
use crate::pipeline::testing::letter;
use crate::store::StoreError;
use crate::store::held::{About, Holds, MarkKind};

const DAY: Duration = Duration::from_secs(86_400);

/// F9, Q2: the claimed author gets one question, nobody else anything, and no answer means nothing more.
#[tokio::test]
async fn the_author_is_asked_once() {
    let house = House::new();
    let id = house.asked().await;
    assert_eq!(house.written_to().await, ["anna"]);
    let letter = &house.letters().await[0];
    let reply_to = letter.reply_to.clone().expect("an address for the answer");
    assert!(reply_to.starts_with("watched-confirm+"), "{reply_to}");
    assert!(letter.text.contains("https://lists.schule.example/q/"), "{}", letter.text);
    assert!(!letter.text.contains("Hallo Welt"), "nothing is sent through us: {}", letter.text);
    assert!(!String::from_utf8_lossy(&letter.raw).contains("carl"), "promise 7");
    let next = house.round().await;
    assert_eq!(next, Some(house.held(id).await.expires));
    for _ in 0..13 {
        house.later(DAY);
        house.round().await;
    }
    assert_eq!(house.written_to().await, ["anna"]);
    house.later(2 * DAY);
    house.round().await;
    let ended = house.held(id).await.ended.expect("an end");
    assert_eq!((ended.end, ended.by), (End::Expired, By::Clock));
    assert_eq!(house.written_to().await, ["anna"], "whoever wrote it is told nothing");
    assert!(house.held(id).await.next.is_none());
}

/// Two domains of two places: each letter says the time of its own (LA6).
#[tokio::test]
async fn a_letter_says_the_time_of_its_domain() {
    for (zone, until) in
        [("Europe/Berlin", "6. Dezember 2026, 1:00"), ("Europe/Lisbon", "6. Dezember 2026, 0:00")]
    {
        let house = House::new();
        let zone = Zone::named(zone).expect("a zone");
        let tenant = Tenant { language: "de".to_owned(), zone, ..Tenant::default() };
        let tenants = HashMap::from([("schule.example".to_owned(), tenant)]);
        house.school.door.pipeline.tenants.store(Arc::new(tenants));
        house.asked().await;
        let letter = &house.letters().await[0];
        assert!(letter.text.contains(until), "{until}: {}", letter.text);
    }
}

/// Rate limit: three questions to one address in a day; what comes then waits for the moderators, as unverified.
#[tokio::test]
async fn nobody_is_flooded_with_questions() {
    let house = House::new();
    for _ in 0..3 {
        house.asked().await;
    }
    let fourth = house.asked().await;
    assert_eq!(house.written_to().await, ["anna", "anna", "anna", "carl", "dora"]);
    let held = house.held(fourth).await;
    assert_eq!(held.reason, Reason::Unverified(Unproven::Nothing));
    assert_eq!(held.waits_for, Waiting::Moderator);
    house.later(DAY + Duration::from_secs(1));
    house.asked().await;
    assert_eq!(house.written_to().await.iter().filter(|to| *to == "anna").count(), 4);
}

/// A2: what a program wrote is not answered; a moderator sees it.
#[tokio::test]
async fn a_program_is_not_asked() {
    let house = House::new();
    let mail = format!("Auto-Submitted: auto-generated\r\n{}", letter("p@home.example", "Heizung"));
    house.hold_mail(Reason::Asked(Unproven::Nothing), false, &mail).await;
    house.hold_mail(Reason::Moderated, true, &mail.replace("p@home", "q@home")).await;
    house.round().await;
    assert_eq!(house.written_to().await, ["carl", "dora", "carl", "dora"]);
}

/// Announced once, each in her language with her own ticket; the author hears that it waits.
#[tokio::test]
async fn moderators_are_asked_once() {
    let house = House::new();
    let id = house.announced().await;
    house.round().await;
    assert_eq!(house.written_to().await, ["carl", "dora", "anna"]);
    let letters = house.letters().await;
    assert!(letters[0].text.contains("Hallo Welt") && letters[0].text.contains("annehmen"));
    assert!(letters[1].text.contains("accept"), "{}", letters[1].text);
    let addresses: Vec<_> = letters.iter().map(|letter| letter.reply_to.clone()).collect();
    assert!(addresses[0] != addresses[1] && addresses[1] != addresses[2]);
    for (letter, others) in
        [(0, ["dora@", "bert@"]), (1, ["carl@", "bert@"]), (2, ["carl@", "dora@"])]
    {
        let raw = String::from_utf8_lossy(&letters[letter].raw).into_owned();
        assert!(others.iter().all(|other| !raw.contains(other)), "promise 7: {raw}");
    }
    house.ticket(id, "anna", About::Withdraw).await;
}

/// A forged author hears nothing of what becomes of "her" mail.
#[tokio::test]
async fn an_unverified_author_hears_nothing() {
    let house = House::new();
    let id = house.hold(Reason::Unverified(Unproven::Nothing), false).await;
    house.round().await;
    let ticket = house.ticket(id, "carl", About::Moderate).await;
    house.desk.decide(ticket.number, &listcore::answer::Said::Reject("Nein".into())).await;
    house.round().await;
    assert_eq!(house.written_to().await, ["carl", "dora"]);
}

/// Who looks after the list's moderators: the owners after a day, the admins after another.
#[tokio::test]
async fn deputies_are_asked_later() {
    let house = House::new();
    let id = house.hold(Reason::Nonmember, false).await;
    let first = house.now();
    assert_eq!(house.round().await, Some(first + DAY));
    house.later(DAY - Duration::from_secs(1));
    house.round().await;
    assert_eq!(house.written_to().await, ["carl", "dora"]);
    house.later(Duration::from_secs(1));
    house.round().await;
    assert_eq!(house.written_to().await, ["carl", "dora", "bert"]);
    house.later(DAY);
    assert_eq!(house.round().await, Some(house.held(id).await.expires));
    assert_eq!(house.written_to().await, ["carl", "dora", "bert", "root"]);
    house.later(5 * DAY);
    house.round().await;
    assert_eq!(house.written_to().await.len(), 4, "nobody is asked twice");
}

/// After `hold_expires` nothing waits: the author hears it, and those who were asked.
#[tokio::test]
async fn what_nobody_decides_expires() {
    let house = House::new();
    let id = house.announced().await;
    house.later(14 * DAY);
    house.round().await;
    let held = house.held(id).await;
    assert_eq!(held.ended.expect("an end").end, End::Expired);
    assert_eq!(house.sent_to(id).await, None);
    let to = house.written_to().await;
    assert_eq!(&to[..3], ["carl", "dora", "anna"]);
    let mut told = to[3..].to_vec();
    told.sort();
    assert_eq!(told, ["anna", "carl", "dora"]);
    let about = house.school.traced(&held.new.message_id).await;
    assert!(about.iter().any(|line| line.starts_with("expired watched@")), "{about:?}");
}

/// A crash between the note and the letters: they are one move, so each letter is written once, or the step comes again.
#[tokio::test]
async fn trouble_repeats_no_letter() {
    let house = House::new();
    let id = house.hold(Reason::Moderated, true).await;
    house.school.store.fail_with(Some(StoreError::Failed("no disk".to_owned())));
    assert!(house.desk.round().await.is_ok(), "tried again later");
    house.school.store.fail_with(None);
    assert!(house.letters().await.is_empty());
    assert_eq!(house.held(id).await.step, 0);
    // Two daemons' worth of desks at once: the second sees that it is done.
    let (one, two) = tokio::join!(house.desk.round(), house.desk.round());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(house.written_to().await, ["carl", "dora", "anna"]);
    assert_eq!(house.school.store.tickets_about(id).await.expect("the store").len(), 3);
}

/// The mark is for the address and the network that the mail came from, for half a year.
#[tokio::test]
async fn a_yes_is_remembered() {
    let house = House::new();
    let id = house.asked().await;
    let ticket = house.ticket(id, "anna", About::Confirm).await;
    house.desk.decide(ticket.number, &listcore::answer::Said::Yes).await;
    let marks = |later: Duration| {
        let (store, at) = (house.school.store.clone(), house.now() + later);
        async move { store.marked(MarkKind::Confirmed, None, "anna@home.example", at).await }
    };
    let now: Vec<_> = marks(179 * DAY).await.expect("marks");
    assert_eq!(now.iter().map(|mark| mark.value.as_str()).collect::<Vec<_>>(), [NETWORK]);
    assert!(marks(181 * DAY).await.expect("marks").is_empty());
}

/// A storm: one letter however many replies wait, and another one for another storm; each author knows that hers waits.
#[tokio::test]
async fn a_storm_is_told_of_once() {
    let house = House::new();
    for _ in 0..20 {
        house.hold(Reason::Storm, true).await;
    }
    house.round().await;
    let to_moderators = async || {
        let all = house.written_to().await;
        (all.iter().filter(|to| *to != "anna").cloned().collect::<Vec<_>>(), all.len())
    };
    assert_eq!(to_moderators().await, (vec!["carl".to_owned(), "dora".to_owned()], 22));
    let letters = house.letters().await;
    let first = letters.iter().find(|letter| letter.to.starts_with("carl")).expect("a letter");
    assert!(first.text.contains("postmaster@schule.example"), "{}", first.text);
    house.later(Duration::from_secs(5 * 3600));
    house.hold(Reason::Storm, true).await;
    house.round().await;
    assert_eq!(to_moderators().await.0.len(), 2, "the same storm");
    house.later(Duration::from_secs(7 * 3600));
    house.hold(Reason::Storm, true).await;
    house.round().await;
    assert_eq!(to_moderators().await.0.len(), 4, "another one");
    house.later(2 * DAY);
    house.round().await;
    assert_eq!(to_moderators().await.0.len(), 4, "no deputies are asked");
}

/// A wish to be on a list: the owner is asked, not the moderators; her yes by mail lets the person in, once, and she
/// hears it; who is second hears who was first.
#[tokio::test]
async fn a_wish_is_decided_by_the_owners() {
    let house = House::new();
    let members = house.school.door.pipeline.members.clone();
    let list = listcore::list::ListId(super::house::LIST_ID.to_owned());
    let raw = "From: Oma Erna <oma@gmx.example>\r\nTo: watched-subscribe@schule.example\r\nSubject: x\r\n\
        Message-ID: <wish@gmx.example>\r\n\r\nIch bin die Oma von Emil.\r\n";
    let id = house.hold_mail(Reason::Subscription, true, raw).await;
    house.round().await;
    let letters = house.letters().await;
    let to: Vec<&str> = letters.iter().map(|sent| sent.to.as_str()).collect();
    assert_eq!(to, ["bert@home.example", "oma@gmx.example"]);
    assert!(letters[0].text.contains("Ich bin die Oma von Emil."), "{}", letters[0].text);
    assert!(letters[0].text.contains("oma@gmx.example") && letters[0].text.contains("yes:"));
    assert!(letters[1].text.contains("Wir haben sie gefragt"), "{}", letters[1].text);
    let ticket = house.ticket(id, "bert", About::Moderate).await;

    let answer = letters[0].reply_to.clone().expect("an address");
    let mail = format!(
        "From: <bert@home.example>\r\nTo: {answer}\r\nSubject: AW: x\r\nMessage-ID: <y@x>\r\n\r\nJa\r\n"
    );
    let reply = house.school.send("<bert@home.example>", &[&answer], mail.as_bytes()).await;
    assert!(reply.last().is_some_and(|reply| reply.starts_with("250 2.0.0")), "{reply:?}");
    house.round().await;
    let roster = members.roster(&list).expect("a list");
    let oma = roster.recipients.last().expect("somebody").clone();
    assert_eq!(oma.address.to_string(), "oma@gmx.example");
    assert!(roster.is_admitted(&oma));
    let admitted = members.admission(&list, &oma).expect("let in");
    let bert = listcore::address::Address::parse("bert@home.example").expect("an address");
    assert_eq!(admitted.by, listcore::hold::By::Moderator(bert));
    use crate::store::admitted::Admissions;
    assert_eq!(house.school.store.admitted().await.expect("the store"), [admitted]);
    let texts: Vec<String> = house.letters().await.into_iter().map(|sent| sent.text).collect();
    assert!(texts[2].contains("It was about Anna <oma@gmx.example>"), "{}", texts[2]);
    assert!(texts[3].contains("Sie sind jetzt auf der Liste"), "{}", texts[3]);

    let no = listcore::answer::Said::Reject(String::new());
    let again = house.desk.decide(ticket.number, &no).await;
    assert!(matches!(again, super::super::Decided::Already(_)), "{again:?}");
    let trouble = house.school.send("<bert@home.example>", &[&answer], mail.as_bytes()).await;
    assert!(trouble.last().is_some_and(|reply| reply.starts_with("250")), "{trouble:?}");
    let last = house.letters().await.last().expect("a letter").text.clone();
    assert!(last.contains("was decided already"), "{last}");
}
