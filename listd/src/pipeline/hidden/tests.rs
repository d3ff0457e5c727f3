//! A list that hides its authors, through the real intake into a store in memory.

use std::sync::Arc;
use std::time::Duration;

use listcore::ldif;
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::message::Mail;
use listcore::rewrite::{Frozen, Ours, PostKind, copy_head};

use lmtp::server::Flavor;
use milter::answer::Answer;
use milter::reply_code::ReplyCode;

use super::*;
use crate::directory::Change;
use crate::pipeline::testing::{START, School, letter};
use crate::store::{Commit, Move, Report};
use crate::verdicts::testing::Filter;

const DAY: Duration = Duration::from_secs(24 * 3600);
const LIST: &str = "5b@schule.example";

/// The school with `5b` and `6a` hiding their authors.
fn school() -> School {
    hiding(School::new())
}

fn hiding(school: School) -> School {
    for list in ["5b", "6a", "d0"] {
        let id = ListId(format!("00000000-0000-0000-0000-0000000000{list}"));
        let hidden = ["hidden".to_owned()];
        school.door.pipeline.members.set_override(&id, Key::AuthorAddress, Some(&hidden));
    }
    school
}

/// Turns the clock and says that the directory is as fresh.
fn later(school: &School, by: Duration) {
    school.later(by);
    school.live.fresh((school.door.pipeline.clock)(), None);
}

/// A mail that somebody sent logged in.
fn from(who: &str, id: &str, to: &str) -> String {
    letter(id, "Hallo")
        .replace("auth=anna", &format!("auth={who}"))
        .replace("Anna <anna@", &format!("{who} <{who}@"))
        .replace("To: 5b@schule.example", &format!("To: {to}"))
}

async fn send(school: &School, who: &str, id: &str, to: &str) -> Vec<String> {
    let sender = format!("<{who}@home.example>");
    school.send(&sender, &[to], from(who, id, to).as_bytes()).await
}

/// What was frozen with the one post of a mail, and whom it goes to.
async fn frozen(school: &School, id: &str) -> (Frozen, Vec<String>) {
    let (accounts, _) = school.store.trace(id).await.unwrap();
    assert_eq!(accounts.len(), 1, "{id}");
    let to = accounts[0].batches.iter().flat_map(|batch| &batch.recipients).flatten();
    let to = to.map(|(_, recipient)| recipient.address.to_string()).collect();
    (accounts[0].post.frozen.clone(), to)
}

/// The header of a copy.
fn head(raw: &str, frozen: &Frozen) -> String {
    let mail = Mail::parse(raw.as_bytes()).unwrap();
    let ours = Ours {
        signs_for: &|_| true,
        authserv_ids: &[],
        body: listcore::rewrite::BodyOf::Original,
        utf8: true,
    };
    String::from_utf8(copy_head(&mail.head, frozen, &ours).unwrap().bytes).unwrap()
}

/// Anna writes to the list; the address that her copies show.
async fn relay_of_anna(school: &School) -> String {
    let replies = send(school, "anna", "post@home.example", LIST).await;
    assert!(replies[1].starts_with("250"), "{replies:?}");
    frozen(school, "post@home.example").await.0.hidden.unwrap().relay.to_string()
}

/// F6, GD3, H11: a post shows no address; an answer reaches the author and shows none either; and so on, back and forth.
#[tokio::test]
async fn two_write_to_each_other_and_see_no_address() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    assert!(relay.starts_with("5b-author+"), "{relay}");
    let (post, to) = frozen(&school, "post@home.example").await;
    assert_eq!(to.len(), 2);
    let copy = head(&from("anna", "post@home.example", LIST), &post);
    assert!(!copy.contains("anna@") && copy.contains(&format!("<{relay}>")), "{copy}");

    // Bert answers Anna, Anna answers Bert, and Bert once more.
    let mut to = relay;
    for (n, (writer, reader)) in
        [("bert", "anna"), ("anna", "bert"), ("bert", "anna")].iter().enumerate()
    {
        let id = format!("answer{n}@home.example");
        let replies = send(&school, writer, &id, &to.to_uppercase()).await;
        assert!(replies[1].starts_with("250"), "{replies:?}");
        let (answer, whom) = frozen(&school, &id).await;
        assert_eq!(whom, [format!("{reader}@home.example")]);
        assert!(matches!(answer.kind, PostKind::Author(_)));
        let copy = head(&from(writer, &id, &to), &answer);
        assert!(
            !copy.contains("@home.example>\r\nTo") && !copy.contains(&format!("{writer}@")),
            "{copy}"
        );
        assert!(!copy.contains("List-") && copy.contains("X-Loop: author-"), "{copy}");
        to = answer.hidden.unwrap().relay.to_string();
        assert!(copy.contains(&format!("<{to}>")), "{copy}");
    }
}

/// A1, GD2: what is forged, of another list, mistyped or for something else is told apart by nobody.
#[tokio::test]
async fn a_token_that_is_not_ours_leads_nowhere() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    let (name, token) = relay.split_once('@').unwrap().0.split_once('+').unwrap();
    let domain = "schule.example";
    let forged = [
        format!(
            "{name}+{}@{domain}",
            token.replace(&token[..1], if token.starts_with('b') { "c" } else { "b" })
        ),
        format!("6a-author+{token}@{domain}"),
        format!("{name}+@{domain}"),
        format!("{name}@{domain}"),
        format!("{name}+aaaa@{domain}"),
        format!("5b-confirm+{token}@{domain}"),
    ];
    for address in &forged {
        let replies = send(&school, "bert", "x@home.example", address).await;
        let expect = format!("550 5.1.1 {}", no_such_list(address));
        assert_eq!(replies, [expect], "{address}");
    }
    let bounce = school.send("<>", &[&relay.replace("author", "bounces")], b"x: y\r\n\r\n").await;
    assert!(bounce[1].starts_with("250"), "counted as unattributed: {bounce:?}");
    assert_eq!(school.store.counts().await.unwrap().bounces_unattributed, 1);
    assert!(school.traced("x@home.example").await.is_empty());
}

/// DESIGN 4: 90 days after the last mail that showed it an address leads nowhere, and retention erases whom it meant.
#[tokio::test]
async fn a_relay_address_expires() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    later(&school, 29 * DAY);
    let sent = send(&school, "bert", "a@home.example", &relay).await;
    assert!(sent[1].starts_with("250"), "{sent:?}");
    later(&school, 60 * DAY);
    let sent = send(&school, "bert", "b@home.example", &relay).await;
    assert!(sent[1].starts_with("250"), "{sent:?}");
    later(&school, DAY + Duration::from_secs(1));
    let sent = send(&school, "bert", "c@home.example", &relay).await;
    assert!(sent[0].starts_with("550 5.1.1") && sent.len() == 1, "{sent:?}");
    let now = (school.door.pipeline.clock)();
    assert!(now > START);
    school.store.commit(vec![Move::EraseExpired { before: now }]).await.unwrap();
    let again = send(&school, "anna", "again@home.example", LIST).await;
    assert!(again[1].starts_with("250"));
    let fresh = frozen(&school, "again@home.example").await.0.hidden.unwrap().relay;
    assert_ne!(fresh.to_string(), relay, "another period");
}

/// What everybody hears of an address that leads nowhere.
fn no_such_list(address: &str) -> String {
    format!("Die Liste {address} gibt es nicht. Bitte pruefen Sie die Adresse.")
}

/// A relay address dies when its author leaves the list, also between RCPT TO and the end of the mail.
#[tokio::test]
async fn a_relay_address_dies_when_the_author_leaves() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    let pipeline = &school.door.pipeline;
    let target = pipeline.recipient(&relay, None).await.expect("she is there");
    let without = "dn: cn=5b,dc=x\nentryUUID: 00000000-0000-0000-0000-00000000005b\n\
        objectClass: groupOfNames\ncn: 5b\nmail: 5b@schule.example\nowner: uid=bert,dc=x\n\
        member: uid=bert,dc=x\n";
    let entry = ldif::parse(without.as_bytes()).unwrap().remove(0);
    school.live.apply(&[Change::Upsert("00000000-0000-0000-0000-00000000005b".into(), entry)]);
    let raw = from("bert", "late@home.example", &relay);
    let incoming = Incoming {
        sender: Address::parse("bert@home.example").ok(),
        targets: vec![(relay.clone(), target)],
        bytes: raw.clone().into(),
        raw: crate::store::Raw::Memory(raw.into()),
        utf8: false,
        helo: "mx".into(),
        peer: "[192.0.2.1]".into(),
        protocol: "LMTP",
        patience: Default::default(),
    };
    let replies = pipeline.receive(incoming).await;
    assert_eq!((replies[0].code, replies[0].text.clone()), (550, no_such_list(&relay)));
    let told = school.traced("late@home.example").await;
    assert!(told[0].contains("gone (anna@home.example)"), "admins read who it was: {told:?}");
    let replies = send(&school, "bert", "later@home.example", &relay).await;
    assert_eq!(replies, [format!("550 5.1.1 {}", no_such_list(&relay))]);
}

/// Promise 8, GD2: nobody nameless and no stranger gets through; automatic mail and bounces end here (A2 to A4, V4).
#[tokio::test]
async fn only_verified_members_write_to_a_hidden_author() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    let unproven = from("bert", "1@home.example", &relay).replace("auth=pass", "auth=fail");
    let replies = school.send("<bert@home.example>", &[&relay], unproven.as_bytes()).await;
    assert!(replies[1].starts_with("550 5.7.1"), "{replies:?}");
    let spoofed =
        from("bert", "2@home.example", &relay).replace("smtp.auth=bert", "smtp.auth=anna");
    let replies = school.send("<bert@home.example>", &[&relay], spoofed.as_bytes()).await;
    assert!(replies[1].starts_with("550 5.7.1"), "{replies:?}");
    let sixth = relay_of_anna(&school).await;
    assert_eq!(sixth, relay, "a repeated mail shows the same");
    let away = from("bert", "3@home.example", &relay)
        .replace("Subject:", "Auto-Submitted: auto-replied\r\nSubject:");
    let replies = school.send("<bert@home.example>", &[&relay], away.as_bytes()).await;
    assert!(replies[1].starts_with("250 2.6.0"), "{replies:?}");
    let replies =
        school.send("<>", &[&relay], from("bert", "4@home.example", &relay).as_bytes()).await;
    assert!(replies[1].starts_with("250 2.6.0"), "{replies:?}");
    for (id, word) in [("1", "refused"), ("2", "refused"), ("3", "dropped"), ("4", "dropped")] {
        let told = school.traced(&format!("{id}@home.example")).await;
        assert!(told.len() == 1 && told[0].starts_with(word), "{told:?}");
    }
    // Bert is not on 6a.
    let replies = send(&school, "anna", "6a@home.example", "6a@schule.example").await;
    assert!(replies[1].starts_with("250"));
    let sixth = frozen(&school, "6a@home.example").await.0.hidden.unwrap().relay.to_string();
    let replies = send(&school, "bert", "5@home.example", &sixth).await;
    assert!(replies[1].starts_with("550 5.7.1"), "{replies:?}");
}

/// Promise 8: a list that takes everybody's word can't hide who nobody knows.
#[tokio::test]
async fn a_hidden_list_wants_proof_whatever_it_accepts() {
    let school = school();
    let forged =
        from("anna", "f@home.example", "small@small.example").replace("auth=pass", "auth=none");
    let send =
        async |list: &str| school.send("<anna@home.example>", &[list], forged.as_bytes()).await;
    let replies = send("small@small.example").await;
    assert!(replies[1].starts_with("550 5.7.1"), "{replies:?}");
}

/// Promise 10: a flood is stopped, and who writes now and then is not.
#[tokio::test]
async fn a_flood_is_stopped() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    for n in 0..FROM_ONE {
        let replies = send(&school, "bert", &format!("{n}@flood.example"), &relay).await;
        assert!(replies[1].starts_with("250"), "{n} {replies:?}");
    }
    let replies = send(&school, "bert", "more@flood.example", &relay).await;
    assert!(replies[1].starts_with("550 5.7.1"), "{replies:?}");
    let told = school.traced("more@flood.example").await;
    assert!(told[0].contains("flood (anna@home.example)"), "{told:?}");
    later(&school, Duration::from_secs(3600));
    let replies = send(&school, "bert", "later@flood.example", &relay).await;
    assert!(replies[1].starts_with("250"), "{replies:?}");
    let flood = Flood::default();
    let (anna, now) = (Address::parse("anna@home.example").unwrap(), START);
    let writer = |n: u32| Address::parse(&format!("w{n}@home.example")).unwrap();
    for n in 0..TO_ONE {
        assert_eq!(flood.count(&writer(n), &anna, now), Ok(()));
    }
    assert_eq!(flood.count(&writer(TO_ONE), &anna, now), Err(Flooded::ByAll));
}

/// L1: two who forward their mail to each other's relay address do not run in circles.
#[tokio::test]
async fn a_circle_is_broken() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    assert!(send(&school, "bert", "1@home.example", &relay).await[1].starts_with("250"));
    let raw = from("bert", "1@home.example", &relay);
    let copy = head(&raw, &frozen(&school, "1@home.example").await.0);
    let mark = copy.split("X-Loop: ").nth(1).unwrap().lines().next().unwrap();
    let round = from("bert", "2@home.example", &relay)
        .replace("Subject:", &format!("X-Loop: {mark}\r\nSubject:"));
    let replies = school.send("<bert@home.example>", &[&relay], round.as_bytes()).await;
    assert!(replies[1].starts_with("554 5.4.6"), "{replies:?}");
}

/// GD3: what can't be taken out is told to the author at once; ids that show an address are replaced for good.
#[tokio::test]
async fn what_shows_an_address_is_replaced_or_refused() {
    let school = school();
    let shown =
        from("anna", "s@home.example", LIST).replace("Hallo\r\n", "anna%40home.example\r\n");
    let replies = school.send("<anna@home.example>", &[LIST], shown.as_bytes()).await;
    assert!(replies[1].starts_with("550 5.7.1") && replies[1].contains("Subject"), "{replies:?}");
    assert!(send(&school, "anna", "1.anna@home.example", LIST).await[1].starts_with("250"));
    let (first, _) = frozen(&school, "1.anna@home.example").await;
    let (old, new) = first.hidden.unwrap().ids.remove(0);
    assert_eq!(old, "1.anna@home.example");
    let second = from("anna", "2@home.example", LIST)
        .replace("Subject:", "In-Reply-To: <1.anna@home.example>\r\nSubject:");
    let replies = school.send("<anna@home.example>", &[LIST], second.as_bytes()).await;
    assert!(replies[1].starts_with("250"));
    let copy = head(&second, &frozen(&school, "2@home.example").await.0);
    assert!(copy.contains(&format!("In-Reply-To: <{new}>")), "the thread holds: {copy}");
}

/// GD3: Anna wrote to Bert directly, and he answers on the list: her address stands in the id of her mail. Her own post
/// with that id has the same in its place, so that the thread holds.
#[tokio::test]
async fn an_id_shows_no_other_member() {
    let school = school();
    let ids = ["anna@home.example-123", "7.anna%40home.example@x.example", "4711@x.example"];
    let answer = from("bert", "b@home.example", LIST).replace(
        "Subject:",
        &format!("References: <{}> <{}> <{}>\r\nSubject:", ids[0], ids[1], ids[2]),
    );
    let replies = school.send("<bert@home.example>", &[LIST], answer.as_bytes()).await;
    assert!(replies[1].starts_with("250"), "{replies:?}");
    let (post, _) = frozen(&school, "b@home.example").await;
    let copy = head(&answer, &post);
    assert!(!copy.contains("anna") && copy.contains(" <4711@x.example>"), "{copy}");
    assert!(send(&school, "anna", ids[0], LIST).await[1].starts_with("250"));
    let (own, _) = frozen(&school, ids[0]).await;
    assert_eq!(own.hidden.unwrap().ids[0], post.hidden.unwrap().ids[0]);
}

/// GD3: all that the directory knows as hers is hidden; and what she lets be seen is seen by whom she answers.
#[tokio::test]
async fn further_addresses_are_hidden_too_unless_she_shows_them() {
    let school = school();
    let person = |more: &str| {
        let text = format!(
            "dn: uid=bert,dc=x\nobjectClass: inetOrgPerson\nuid: bert\ncn: Bert\n\
             mail: bert@home.example\nmail: bert@work.example\npreferredLanguage: en\n{more}"
        );
        let entry = ldif::parse(text.as_bytes()).unwrap().remove(0);
        school.live.apply(&[Change::Upsert("uid=bert,dc=x".into(), entry)]);
    };
    person("");
    let relay = relay_of_anna(&school).await;
    let raw = from("bert", "1@home.example", &relay).replace(
        "Subject:",
        "Reply-To: bert@third.example\r\nCc: bert@work.example, carl@x.example\r\nSubject:",
    );
    let send =
        async |raw: &str| school.send("<bert@home.example>", &[&relay], raw.as_bytes()).await;
    assert!(send(&raw).await[1].starts_with("250"));
    let copy = head(&raw, &frozen(&school, "1@home.example").await.0);
    assert!(!copy.contains("bert@") && copy.contains("carl@x.example"), "{copy}");
    person("listAddressShown: TRUE\n");
    let raw = raw.replace("<1@", "<2@");
    assert!(send(&raw).await[1].starts_with("250"));
    let copy = head(&raw, &frozen(&school, "2@home.example").await.0);
    assert!(copy.contains("Reply-To: bert@home.example\r\n"), "{copy}");
    let hidden = from("bert", "3@home.example", LIST);
    assert!(
        school.send("<bert@home.example>", &[LIST], hidden.as_bytes()).await[1].starts_with("250")
    );
    let copy = head(&hidden, &frozen(&school, "3@home.example").await.0);
    assert!(!copy.contains("bert@"), "to all of the list she stays hidden: {copy}");
}

/// Promise 5, 6: trouble of ours is 4xx.
#[tokio::test]
async fn a_directory_that_is_not_sure_defers() {
    let school = school();
    let relay = relay_of_anna(&school).await;
    school.later(Duration::from_secs(3600));
    let replies = send(&school, "bert", "1@home.example", &relay).await;
    assert!(replies[0].starts_with("451 4.3.0"), "{replies:?}");
}

/// DESIGN 4: the filter's verdict counts for an answer to a hidden author as for any mail; nothing waits there.
#[tokio::test]
async fn a_filter_is_asked_about_answers_too() {
    let (filter, verdicts) = Filter::start(Duration::from_secs(60)).await;
    let school = hiding(School::with(Flavor::Lmtp, Some(Arc::new(verdicts))));
    let relay = relay_of_anna(&school).await;
    let code = |text: &str| Answer::Code(ReplyCode::new(550, "5.7.1", text).unwrap());
    for (id, says, expect) in [
        ("1@home.example", code("This message contains malware: Eicar"), "550"),
        ("2@home.example", Answer::TempFail, "451"),
        ("3@home.example", Answer::Continue, "250"),
    ] {
        filter.says(says);
        let replies = send(&school, "bert", id, &relay).await;
        assert!(replies[1].starts_with(expect), "{id}: {replies:?}");
        assert!(!replies[1].contains("anna"), "nobody learns whom it leads to: {replies:?}");
    }
    let asked = filter.told().iter().filter(|line| **line == format!("rcpt {relay}")).count();
    assert_eq!(asked, 3, "{:?}", filter.told());
}
