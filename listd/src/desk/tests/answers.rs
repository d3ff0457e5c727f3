//! Answers: by page, by reply and at once; one decision each.

use std::time::Duration;

use listcore::answer::Said;
use listcore::hold::{By, Choice, End, Reason};
use listcore::list::settings::Key;
use listcore::list::{FromPolicy, ListId};
use listcore::policy::Unproven;
use listcore::token;

use super::super::Decided;
use super::house::{House, LIST_ID};
use crate::directory::Change;
use crate::pipeline::testing::letter;
use crate::store::held::{About, Holds, MarkKind};
use crate::store::{PostId, Report};
use crate::web::{Answered, Kind, Questions};

/// A reply to a letter, from whoever has it.
async fn reply(house: &House, to: &str, from: &str, head: &str, body: &str) -> String {
    let mail = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: AW: Frage\r\n{head}Message-ID: <{}@x.example>\r\n\r\n{body}\r\n",
        house.now().0
    );
    let replies = house.school.send(&format!("<{from}>"), &[to], mail.as_bytes()).await;
    replies.last().cloned().unwrap_or_default()
}

async fn reply_to(house: &House, letter: usize) -> String {
    house.letters().await[letter].reply_to.clone().expect("an address for the answer")
}

/// Promise 8: "Ja" from her mail program lets it go out to who is on the list now, and nothing else does.
#[tokio::test]
async fn a_reply_confirms() {
    let house = House::new();
    let id = house.asked().await;
    let to = reply_to(&house, 0).await;
    let away = "Auto-Submitted: auto-replied\r\n";
    assert!(reply(&house, &to, "anna@home.example", away, "Ja").await.starts_with("250"));
    assert!(reply(&house, &to, "anna@home.example", "", "Hm?").await.starts_with("250"));
    assert_eq!(house.sent_to(id).await, None);
    assert_eq!(house.written_to().await, ["anna", "anna"], "she hears that it was not clear");
    let said = reply(&house, &to, "anna@home.example", "", "Ja\r\n\r\n> Haben Sie").await;
    assert!(said.starts_with("250"), "{said}");
    assert_eq!(house.sent_to(id).await, Some(2));
    let held = house.held(id).await;
    let ended = held.ended.clone().expect("an end");
    assert_eq!((ended.end, ended.by), (End::Accepted, By::Author));
    house.round().await;
    assert_eq!(house.letters().await.len(), 2, "she sees her mail on the list");
    let late = reply(&house, &to, "anna@home.example", "", "Nein").await;
    assert!(late.starts_with("250") && house.sent_to(id).await == Some(2), "{late}");
    let traced = house.school.traced(&held.new.message_id).await;
    assert!(traced.iter().any(|line| line.starts_with("accepted watched@")), "{traced:?}");
}

/// Three answers that make no sense are told of, more are not: whoever answers may be a program.
#[tokio::test]
async fn not_clear_is_told_three_times() {
    let house = House::new();
    house.asked().await;
    let to = reply_to(&house, 0).await;
    for _ in 0..5 {
        reply(&house, &to, "anna@home.example", "", "Vielleicht").await;
    }
    assert_eq!(house.letters().await.len(), 1 + 3);
}

/// A forged token, one of another list, and an old one lead nowhere, and none of that can be told apart.
#[tokio::test]
async fn a_token_is_believed_only_if_it_is_ours() {
    let house = House::new();
    let id = house.asked().await;
    let to = reply_to(&house, 0).await;
    let (local, domain) = to.split_once('@').expect("an address");
    let token = local.rsplit_once('+').expect("a token").1.to_owned();
    let forged = format!("watched-confirm+{}{}@{domain}", &token[1..], &token[..1]);
    let elsewhere = format!("5b-confirm+{token}@{domain}");
    for to in [forged, elsewhere] {
        let said = reply(&house, &to, "anna@home.example", "", "Ja").await;
        assert!(said.starts_with("550 5.1.1"), "{to}: {said}");
    }
    let none = token::ticket(&house.school.keys, 77, house.now());
    let to = format!("b+{none}@{domain}");
    let said = reply(&house, &to, "anna@home.example", "", "Ja").await;
    assert!(said.starts_with("550 5.1.1"), "{said}");
    assert_eq!(house.sent_to(id).await, None);
    let short = format!("b+{token}@{domain}");
    assert!(reply(&house, &short, "a@x.example", "", "Ja").await.starts_with("250"));
    assert_eq!(house.sent_to(id).await, Some(2), "the short form serves as well");
}

/// "Nein": it is thrown away, nobody is written to, and the trace says so.
#[tokio::test]
async fn not_mine_ends_it() {
    let house = House::new();
    let id = house.asked().await;
    let ticket = house.ticket(id, "anna", About::Confirm).await;
    let decided = house.desk.decide(ticket.number, &Said::No).await;
    assert_eq!(decided, Decided::Done(End::NotMine));
    house.round().await;
    assert_eq!(house.letters().await.len(), 1);
    let held = house.held(id).await;
    let traced = house.school.traced(&held.new.message_id).await;
    assert!(traced.iter().any(|line| line.starts_with("not-mine watched@")), "{traced:?}");
    assert!(matches!(house.desk.decide(ticket.number, &Said::Yes).await, Decided::Already(_)));
}

/// LM20: two moderators at once are one decision, and the second learns who decided and how.
#[tokio::test]
async fn two_moderators_are_one_decision() {
    let house = House::new();
    let id = house.announced().await;
    let carl = house.ticket(id, "carl", About::Moderate).await;
    let dora = house.ticket(id, "dora", About::Moderate).await;
    let reject = Said::Reject("Bitte kürzer".to_owned());
    let (one, two) = tokio::join!(
        house.desk.decide(carl.number, &Said::Accept),
        house.desk.decide(dora.number, &reject),
    );
    let first = house.held(id).await.ended.expect("an end");
    let both = [one, two];
    assert_eq!(both.iter().filter(|d| matches!(d, Decided::Done(_))).count(), 1, "{both:?}");
    let Some(Decided::Already(told)) = both.iter().find(|d| matches!(d, Decided::Already(_)))
    else {
        panic!("{both:?}")
    };
    assert_eq!(*told, first);
    assert_eq!(house.sent_to(id).await.is_some(), first.end == End::Accepted);
}

/// By mail the second is told in a letter; a rejection reaches the author with its sentence.
#[tokio::test]
async fn a_rejection_has_a_sentence() {
    let house = House::new();
    let id = house.announced().await;
    let (carl, dora) = (reply_to(&house, 0).await, reply_to(&house, 1).await);
    reply(&house, &carl, "carl@home.example", "", "ablehnen: Bitte an die 5a.").await;
    reply(&house, &dora, "dora@home.example", "", "accept").await;
    house.round().await;
    assert_eq!(house.sent_to(id).await, None);
    let letters = house.letters().await;
    let to: Vec<&str> = letters[3..].iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(to, ["carl@home.example", "dora@home.example", "anna@home.example"]);
    assert!(letters[4].text.contains("carl@home.example"), "{}", letters[4].text);
    assert!(letters[5].text.contains("Bitte an die 5a."), "{}", letters[5].text);
    assert!(!letters[5].text.contains("carl"), "she does not learn who decided");
}

/// What goes out is decided on the membership of that moment, and under the name of the held mail.
#[tokio::test]
async fn accepted_mail_goes_to_who_is_there_now() {
    let house = House::new();
    let id = house.announced().await;
    let entry = "dn: cn=watched,dc=x\nobjectClass: groupOfNames\ncn: watched\nmail: watched@schule.example\n\
         entryUUID: 00000000-0000-0000-0000-0000000000b1\nowner: uid=bert,dc=x\n\
         listModerator: uid=carl,dc=x\nmember: uid=bert,dc=x\n";
    let entry = listcore::ldif::parse(entry.as_bytes()).expect("ldif").remove(0);
    house.school.live.apply(&[Change::Upsert(LIST_ID.to_owned(), entry)]);
    house.later(Duration::from_secs(1));
    let dora = house.ticket(id, "dora", About::Moderate).await;
    assert_eq!(house.desk.decide(dora.number, &Said::Accept).await, Decided::Gone, "she has left");
    let carl = house.ticket(id, "carl", About::Moderate).await;
    let decided = house.desk.decide(carl.number, &Said::Accept).await;
    assert_eq!(decided, Decided::Done(End::Accepted));
    assert_eq!(house.sent_to(id).await, Some(1));
    assert!(house.seen.announced.lock().expect("a lock").iter().any(|b| b.id.post == id));
    house.round().await;
    assert_eq!(
        house.written_to().await,
        ["carl", "dora", "anna", "anna"],
        "she knew that it waited"
    );
}

/// Promise 6: while nobody knows who is on the list nothing is decided, and nothing is lost.
#[tokio::test]
async fn an_unsure_directory_waits() {
    let house = House::new();
    let id = house.announced().await;
    house.school.later(Duration::from_secs(3600));
    let carl = house.ticket(id, "carl", About::Moderate).await;
    assert_eq!(house.desk.decide(carl.number, &Said::Accept).await, Decided::NotNow);
    assert_eq!(house.held(id).await.ended, None);
    house.later(Duration::ZERO);
    let decided = house.desk.decide(carl.number, &Said::Accept).await;
    assert_eq!(decided, Decided::Done(End::Accepted));
}

/// "Always" and "accept" are remembered for the person on this list; spam is learnt.
#[tokio::test]
async fn what_a_moderator_says_is_remembered() {
    let house = House::new();
    let marks = |kind| {
        let (store, at) = (house.school.store.clone(), house.now());
        let list = ListId(LIST_ID.to_owned());
        async move {
            store.marked(kind, Some(&list), "anna@home.example", at).await.expect("marks").len()
        }
    };
    for (said, posted, always, spam) in [
        (Said::Spam, 0, 0, 1),
        (Said::Discard, 0, 0, 1),
        (Said::Accept, 1, 0, 1),
        (Said::Always, 1, 1, 1),
    ] {
        let id = house.announced().await;
        let carl = house.ticket(id, "carl", About::Moderate).await;
        assert!(matches!(house.desk.decide(carl.number, &said).await, Decided::Done(_)));
        assert_eq!(
            (marks(MarkKind::Posted).await, marks(MarkKind::Always).await),
            (posted, always)
        );
        assert_eq!(house.seen.spam.lock().expect("a lock").len(), spam);
    }
}

/// What the filter doubted and a moderator lets go was no spam: that is learnt too, and of no other mail.
#[tokio::test]
async fn a_suspect_that_goes_out_is_learnt_as_ham() {
    let house = House::new();
    for (reason, said, learnt) in [
        (Reason::Suspect, Said::Discard, 0),
        (Reason::Moderated, Said::Accept, 0),
        (Reason::Suspect, Said::Accept, 1),
    ] {
        let id = house.hold(reason, true).await;
        house.round().await;
        let carl = house.ticket(id, "carl", About::Moderate).await;
        assert!(matches!(house.desk.decide(carl.number, &said).await, Decided::Done(_)));
        assert_eq!(house.seen.ham.lock().expect("a lock").len(), learnt, "{reason:?} {said:?}");
        assert!(house.seen.spam.lock().expect("a lock").is_empty());
    }
}

/// The author takes it back; a moderator comes too late.
#[tokio::test]
async fn the_author_withdraws() {
    let house = House::new();
    let id = house.announced().await;
    let to = reply_to(&house, 2).await;
    assert!(reply(&house, &to, "anna@home.example", "", "zurückziehen").await.starts_with("250"));
    let carl = house.ticket(id, "carl", About::Moderate).await;
    let late = house.desk.decide(carl.number, &Said::Accept).await;
    assert!(matches!(&late, Decided::Already(first) if first.end == End::Withdrawn), "{late:?}");
    assert_eq!(house.sent_to(id).await, None);
    house.round().await;
    assert_eq!(house.written_to().await.last().map(String::as_str), Some("anna"));
}

/// The wrong answer to a question changes nothing: an author can't accept, a moderator not confirm.
#[tokio::test]
async fn a_ticket_answers_its_own_question() {
    let house = House::new();
    let asked = house.asked().await;
    let announced = house.announced().await;
    let confirm = house.ticket(asked, "anna", About::Confirm).await.number;
    let moderate = house.ticket(announced, "carl", About::Moderate).await.number;
    let withdraw = house.ticket(announced, "anna", About::Withdraw).await.number;
    let cases = [
        (confirm, vec![Said::Accept, Said::Always, Said::Withdraw, Said::Spam]),
        (moderate, vec![Said::Yes, Said::No, Said::Withdraw]),
        (withdraw, vec![Said::Yes, Said::No, Said::Accept, Said::Discard]),
    ];
    for (ticket, wrong) in cases {
        for said in wrong {
            assert_eq!(house.desk.decide(ticket, &said).await, Decided::Gone, "{said:?}");
        }
    }
    for id in [asked, announced] {
        assert_eq!(house.held(id).await.ended, None);
    }
}

/// The page's trait: looking changes nothing; the same answer twice is one decision.
#[tokio::test]
async fn a_page_asks_and_decides() {
    let house = House::new();
    let id = house.announced().await;
    let carl = house.ticket(id, "carl", About::Moderate).await;
    let token = token::ticket(&house.school.keys, carl.number, house.now());
    for _ in 0..3 {
        let question = house.desk.look(&token).await.expect("no trouble").expect("a question");
        assert_eq!((question.kind, question.ended), (Kind::Moderate, None));
        assert_eq!(question.author.address, "anna@home.example");
        assert_eq!(question.author.name.as_deref(), Some("Anna"));
        assert!(question.excerpt.contains("Hallo Welt") && !question.reason.is_empty());
    }
    let answered = house.desk.answer(&token, Said::Discard).await;
    assert_eq!(answered, Answered::Done(End::Discarded));
    assert!(matches!(house.desk.answer(&token, Said::Discard).await, Answered::Already(_)));
    assert!(
        house.desk.look(&token).await.expect("no trouble").expect("a question").ended.is_some()
    );
    house.round().await;
    assert_eq!(house.letters().await.len(), 3, "nobody is told that it was thrown away");
    for bad in ["", "aaaa", &token[1..]] {
        assert_eq!(house.desk.look(bad).await, Ok(None), "{bad}");
        assert_eq!(house.desk.answer(bad, Said::Accept).await, Answered::Gone);
    }
}

/// An admin decides with `listctl`, once like everybody.
#[tokio::test]
async fn an_admin_decides() {
    let house = House::new();
    let id = house.announced().await;
    let decided = house.desk.decide_as("root", id, &Choice::Accept).await;
    assert_eq!(decided, Decided::Done(End::Accepted));
    let again = house.desk.decide_as("root", id, &Choice::Discard).await;
    assert!(matches!(&again, Decided::Already(first) if first.by == By::Admin("root".into())));
    assert_eq!(house.desk.decide_as("root", PostId(5), &Choice::Accept).await, Decided::Gone);
}

/// A confirmed mail that has to wait for a moderator then: the author hears it, and is known.
#[tokio::test]
async fn confirmed_and_then_moderated() {
    let house = House::new();
    house.set(Key::Moderation, "all");
    let id = house.asked().await;
    let ticket = house.ticket(id, "anna", About::Confirm).await;
    assert_eq!(house.desk.decide(ticket.number, &Said::Yes).await, Decided::Passed);
    assert_eq!(house.held(id).await.reason, Reason::Moderated);
    assert_eq!(house.desk.decide(ticket.number, &Said::Yes).await, Decided::Passed);
    house.round().await;
    assert_eq!(house.written_to().await, ["anna", "carl", "dora", "anna"]);
    let carl = house.ticket(id, "carl", About::Moderate).await;
    house.desk.decide(carl.number, &Said::Accept).await;
    let account = house.school.store.account(id).await;
    let frozen = account.expect("the store").expect("a post").post.frozen;
    assert_ne!(frozen.settings.from, FromPolicy::Unproven, "she said it is hers");
}

/// Promise 8: what a moderator accepts without anybody vouching for the author keeps its From.
#[tokio::test]
async fn an_unverified_from_stays() {
    let house = House::new();
    house.set(Key::Unverified, "hold");
    let id = house.hold(Reason::Unverified(Unproven::Nothing), false).await;
    house.round().await;
    let carl = house.ticket(id, "carl", About::Moderate).await;
    let decided = house.desk.decide(carl.number, &Said::Accept).await;
    assert_eq!(decided, Decided::Done(End::Accepted));
    let account = house.school.store.account(id).await;
    let frozen = account.expect("the store").expect("a post").post.frozen;
    assert_eq!(frozen.settings.from, FromPolicy::Unproven);
}

/// An admin may be faster than the desk: the author, who was not told that her mail waits, hears how it ended; but for
/// one that goes out she needs no word. A forged author hears nothing, and a program neither.
#[tokio::test]
async fn who_was_told_nothing_yet_hears_the_end() {
    let reject = Choice::Reject("Bitte an die 5a.".into());
    let program = letter("p@home.example", "Hallo")
        .replace("Subject:", "Auto-Submitted: auto-replied\r\nSubject:");
    let own = letter("o@home.example", "Hallo");
    let cases = [
        (&own, true, &reject, 1),
        (&own, true, &Choice::Accept, 0),
        (&own, true, &Choice::Discard, 0),
        (&own, false, &reject, 0),
        (&program, true, &reject, 0),
    ];
    for (raw, verified, choice, letters) in cases {
        let house = House::new();
        let id = house.hold_mail(Reason::Moderated, verified, raw).await;
        let decided = house.desk.decide_as("root", id, choice).await;
        assert!(matches!(decided, Decided::Done(_)), "{decided:?}");
        house.round().await;
        assert_eq!(house.written_to().await, vec!["anna"; letters], "{choice:?}, {verified}");
        house.round().await;
        assert_eq!(house.letters().await.len(), letters, "once");
    }
}

/// A mail that is refused when it was to go out tells her who may write: groups by their titles, never by their DNs.
#[tokio::test]
async fn refused_after_all_names_groups_by_title() {
    let house = House::new();
    let id = house.asked().await;
    house.set(Key::Post, "cn=6a,dc=x");
    let ticket = house.ticket(id, "anna", About::Confirm).await;
    house.set(Key::Post, "cn=foreign,dc=x");
    let decided = house.desk.decide(ticket.number, &Said::Yes).await;
    let Decided::Done(End::Refused(why)) = decided else { panic!("{decided:?}") };
    assert!(why.contains("\"foreign\"") && !why.contains("dc="), "{why}");
}

/// A mail as large as a list takes is shown and let go like a small one.
#[tokio::test]
async fn a_large_mail_is_shown_and_goes_out() {
    let house = House::new();
    let raw = letter("l@home.example", &"0123456789\r\n".repeat(40_000));
    let id = house.hold_mail(Reason::Moderated, true, &raw).await;
    house.round().await;
    let carl = house.ticket(id, "carl", About::Moderate).await;
    let letters = house.letters().await;
    assert!(letters.iter().any(|sent| sent.text.contains("0123456789")), "its beginning is shown");
    assert!(letters.iter().all(|sent| sent.raw.len() < 100_000), "and only that");
    let decided = house.desk.decide(carl.number, &Said::Accept).await;
    assert_eq!(decided, Decided::Done(End::Accepted));
}
