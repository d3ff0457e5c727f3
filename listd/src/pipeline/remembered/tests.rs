//! A word that counts again, and whom moderators know.

use std::time::Duration;

use listcore::list::ListId;
use listcore::list::settings::Key;

use crate::pipeline::testing::{START, School, letter};
use crate::store::held::{Mark, MarkKind};
use crate::store::{Commit, Move};

const LIST: &str = "5b@schule.example";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn list() -> ListId {
    ListId("00000000-0000-0000-0000-00000000005b".to_owned())
}

fn set(school: &School, key: Key, value: &str) {
    school.door.pipeline.members.set_override(&list(), key, Some(&[value.to_owned()]));
}

async fn remember(school: &School, kind: MarkKind, list: Option<ListId>, who: &str, value: &str) {
    let until = Some(START + 180 * DAY).filter(|_| kind == MarkKind::Confirmed);
    let mark = Mark { kind, list, who: who.to_owned(), value: value.to_owned(), until };
    school.store.commit(vec![Move::Mark(mark)]).await.unwrap();
}

/// Anna's, whom nobody vouches for; as it came from there.
fn unsigned(id: &str, from: &str) -> Vec<u8> {
    let mail = letter(id, "Hallo").replace("auth=pass smtp.auth=anna", "none");
    mail.replace("from home.example by", &format!("from mail.home.example ([{from}]) by")).into()
}

/// True where it goes out at once.
async fn goes_out(school: &School, mail: &[u8]) -> bool {
    let before = school.announced().len();
    let replies = school.send("<anna@home.example>", &[LIST], mail).await;
    assert!(replies.len() == 2, "{replies:?}");
    school.announced().len() > before
}

/// A confirmed address counts from the network where it was confirmed, for 180 days, and nothing else counts: no other
/// network or address, no other login, and no network that a whole house shares.
#[tokio::test]
async fn a_remembered_word() {
    let school = School::new();
    set(&school, Key::Unverified, "confirm");
    assert!(!goes_out(&school, &unsigned("1@x", "192.0.2.25")).await, "she was never asked");
    remember(&school, MarkKind::Confirmed, None, "anna@home.example", "192.0.2.0/24").await;
    assert!(goes_out(&school, &unsigned("2@x", "192.0.2.77")).await, "the same network");
    assert!(!goes_out(&school, &unsigned("3@x", "198.51.100.1")).await, "another network");
    let bert = String::from_utf8(unsigned("4@x", "192.0.2.25")).unwrap();
    let bert = bert.replace("anna@home.example>\r\nTo", "bert@home.example>\r\nTo");
    assert!(!goes_out(&school, bert.as_bytes()).await, "another address");
    let login = letter("5@x", "Hallo").replace("smtp.auth=anna", "smtp.auth=bert");
    let login = login.replace("from home.example by", "from mail.home.example ([192.0.2.25]) by");
    assert!(!goes_out(&school, login.as_bytes()).await, "another's login");
    remember(&school, MarkKind::Confirmed, None, "anna@home.example", "10.0.0.0/24").await;
    assert!(!goes_out(&school, &unsigned("6@x", "10.0.0.1")).await, "a house of its own");
    school.later(181 * DAY);
    school.live.fresh(START + 181 * DAY, None);
    assert!(!goes_out(&school, &unsigned("7@x", "192.0.2.25")).await, "long ago");
}

/// `moderation = first`, `all` and `nonmembers = hold`: whom a moderator let pass, under all her names, on this list.
#[tokio::test]
async fn whom_moderators_know() {
    let school = School::new();
    let anna = "person:uid=anna,dc=x";
    let mut number = 0;
    let mut tries = async |school: &School| {
        number += 1;
        goes_out(school, letter(&format!("{number}@x"), "Hallo").as_bytes()).await
    };
    set(&school, Key::Moderation, "first");
    assert!(!tries(&school).await, "her first mail");
    let other = ListId("00000000-0000-0000-0000-00000000006a".to_owned());
    remember(&school, MarkKind::Posted, Some(other), anna, "").await;
    assert!(!tries(&school).await, "another list");
    remember(&school, MarkKind::Posted, Some(list()), "anna@home.example", "").await;
    assert!(tries(&school).await, "by the address");
    set(&school, Key::Moderation, "all");
    assert!(!tries(&school).await, "everything waits");
    remember(&school, MarkKind::Always, Some(list()), anna, "").await;
    assert!(tries(&school).await, "but hers");
    set(&school, Key::Emergency, "true");
    assert!(!tries(&school).await, "an emergency");
}
