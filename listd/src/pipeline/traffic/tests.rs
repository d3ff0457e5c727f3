//! What is counted around real mails, and what is not.

use std::time::Duration;

use bytes::Bytes;
use listcore::address::Address;
use listcore::list::ListId;
use listcore::list::settings::Key;

use crate::members::Lookup;
use crate::pipeline::testing::{START, School, letter};

const LIST: &str = "5b@schule.example";
const MINUTE: Duration = Duration::from_secs(60);

fn set(school: &School, key: Key, value: &str) {
    let list = ListId("00000000-0000-0000-0000-00000000005b".to_owned());
    school.door.pipeline.members.set_override(&list, key, Some(&[value.to_owned()]));
}

/// The rule that would decide about a mail, as `listctl simulate` tells it.
async fn rule(school: &School, mail: &str) -> String {
    let address = Address::parse(LIST).unwrap();
    let Lookup::List(list) = school.door.pipeline.members.lookup(&address) else {
        panic!("no list {LIST}")
    };
    let trial = school.door.pipeline.trial(list, Bytes::from(mail.to_owned()), true).await;
    trial.rule
}

fn answer(id: &str, from: &str) -> String {
    letter(id, "Ja")
        .replace("Subject:", "In-Reply-To: <first@home.example>\r\nSubject:")
        .replace("Anna <anna@home.example>", from)
        .replace("smtp.auth=anna", &format!("smtp.auth={}", from.split('@').next().unwrap()))
}

/// So many mails of one author go to a list at once, then one in a while; each author and list has a count of its own,
/// who is refused or tries uses up nothing, and a second address is no second count.
#[tokio::test]
async fn one_author_sends_so_much() {
    let school = School::new();
    set(&school, Key::PostsPerHour, "3");
    for id in ["1@x", "2@x", "3@x"] {
        for _ in 0..5 {
            assert_eq!(rule(&school, &letter(id, id)).await, "allowed");
        }
        let replies = school.anna(&[LIST], id, id).await;
        assert!(replies[1].starts_with("250"), "{replies:?}");
    }
    assert_eq!(rule(&school, &letter("4@x", "4")).await, "rate");
    for id in ["4@x", "5@x", "6@x"] {
        school.anna(&[LIST], id, id).await;
    }
    let trial = school.anna(&[LIST], "7@x", "7").await;
    assert!(trial[1].starts_with("450 4.2.1"), "a flood has to come later: {trial:?}");
    let replies = school.anna(&["6a@schule.example"], "8@x", "8").await;
    assert!(replies[1].starts_with("250"), "another list: {replies:?}");
    let bert = letter("9@x", "9").replace("anna", "bert");
    assert_eq!(rule(&school, &bert).await, "allowed");
    school.later(21 * MINUTE);
    school.live.fresh(START + 21 * MINUTE, None);
    assert_eq!(rule(&school, &letter("10@x", "10")).await, "allowed", "one more after a while");
    set(&school, Key::PostsPerHour, "0");
    assert_eq!(rule(&school, &letter("11@x", "11")).await, "allowed", "no limit");
}

/// The brake: more answers within the time than the limit, on a list that is big enough; new letters go on, and so
/// does its owner.
#[tokio::test]
async fn a_storm_of_answers() {
    let school = School::new();
    for (key, value) in [
        (Key::StormReplies, "3"),
        (Key::StormMinutes, "10"),
        (Key::StormMembers, "2"),
        (Key::PostsPerHour, "0"),
    ] {
        set(&school, key, value);
    }
    let anna = "anna@home.example";
    for id in ["1@x", "2@x", "3@x"] {
        let mail = answer(id, anna);
        assert_eq!(rule(&school, &mail).await, "allowed", "{id}");
        let replies = school.send("<anna@home.example>", &[LIST], mail.as_bytes()).await;
        assert!(replies[1].starts_with("250"), "{replies:?}");
    }
    let next = answer("4@x", anna);
    assert_eq!(rule(&school, &next).await, "storm");
    assert_eq!(rule(&school, &letter("5@x", "new")).await, "allowed", "no answer");
    assert_eq!(rule(&school, &answer("6@x", "bert@home.example")).await, "allowed", "its owner");
    set(&school, Key::StormMembers, "3");
    assert_eq!(rule(&school, &next).await, "allowed", "two people are no big list");
    set(&school, Key::StormMembers, "2");
    set(&school, Key::StormReplies, "0");
    assert_eq!(rule(&school, &next).await, "allowed", "no brake");
    set(&school, Key::StormReplies, "3");
    school.later(11 * MINUTE);
    assert_eq!(rule(&school, &next).await, "allowed", "it is quiet again");
}

/// GD22: who is on the list or in the house is no outsider, and one address is one, however often it is named.
#[tokio::test]
async fn what_a_mail_shows() {
    let school = School::new();
    let to = |to: &str| letter("1@x", "1").replace("To: 5b@schule.example", &format!("To: {to}"));
    let cases = [
        (Key::MaxOutside, "5b@schule.example, bert@home.example, sekretariat@schule.example", 0),
        (Key::MaxOutside, "eve@away.example, EVE@away.example, 5b@schule.example", 1),
        (Key::MaxOutside, "eve@away.example\r\nCc: left@home.example", 2),
        (Key::MaxRecipients, "5b@schule.example, eve@away.example\r\nCc: bert@home.example", 3),
        (Key::MaxLists, "eve@away.example", 1),
        (Key::MaxLists, "5b@schule.example, klasse-5b@schule.example, 6a@schule.example", 2),
    ];
    let limits = [Key::MaxOutside, Key::MaxRecipients, Key::MaxLists];
    for (key, people, count) in cases {
        for limit in 1..5 {
            limits.into_iter().for_each(|other| set(&school, other, "0"));
            set(&school, key, &limit.to_string());
            let expect = if count > limit { &key.name()[4..] } else { "allowed" };
            assert_eq!(rule(&school, &to(people)).await, expect, "{people}, at most {limit}");
        }
        set(&school, key, "0");
        assert_eq!(rule(&school, &to(people)).await, "allowed", "{people}, no limit");
    }
}
