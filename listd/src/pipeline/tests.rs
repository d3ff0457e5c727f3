//! One mail after the other through the real intake into a store in memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use listcore::address::Address;
use listcore::hold::Reason;
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::time::Timestamp;
use listcore::token;
use lmtp::server::Flavor;
use milter::answer::Answer;
use milter::reply_code::ReplyCode;

use super::testing::{START, School, letter};
use crate::store::held::Holds;
use crate::store::{MailId, PostId, Queue, Report, StoreError};
use crate::verdicts::testing::Filter;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn codes(replies: &[String]) -> String {
    let code = |reply: &String| reply.get(..3).unwrap_or("???").to_owned();
    replies.iter().map(code).collect::<Vec<_>>().join(" ")
}

/// Promise 3 and 12, LM20: two lists are two decisions, and one body.
#[tokio::test]
async fn two_lists_are_two_decisions_and_one_body() {
    let school = School::new();
    let lists = ["5b@schule.example", "foreign@schule.example", "6a@schule.example"];
    let replies = school.anna(&lists, "two@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 250 550 250", "{replies:?}");
    assert!(replies[4].contains("Mitglied"), "{}", replies[4]);
    assert_eq!(school.announced(), ["5b", "6a"]);
    let counts = school.store.counts().await.unwrap();
    assert_eq!((counts.mails, counts.posts_waiting, counts.recipients_waiting), (1, 2, 3));
    let (accounts, _) = school.store.trace("two@home.example").await.unwrap();
    assert!(
        accounts.iter().all(|a| a.post.mail == accounts[0].post.mail && a.post.mail != MailId(0))
    );
    let refused = school.traced("two@home.example").await;
    assert!(
        matches!(refused.as_slice(), [one] if one.starts_with("refused foreign@")),
        "{refused:?}"
    );
}

/// LM22, L4: what comes again is answered like the first time, and goes out once.
#[tokio::test]
async fn a_retry_is_recognised_and_another_body_is_no_retry() {
    let school = School::new();
    let id = "again@home.example";
    assert_eq!(codes(&school.anna(&["5b@schule.example"], id, "Hallo").await), "250 250");
    let replies = school.anna(&["5b@schule.example", "6a@schule.example"], id, "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 250");
    assert_eq!(school.announced(), ["5b", "6a"], "the second list was new");
    let replies = school.anna(&["klasse-5b@schule.example"], id, "Anders").await;
    assert_eq!(codes(&replies), "250 250", "{replies:?}");
    assert!(replies[1].contains("wartet auf Freigabe"), "L4: {replies:?}");
    let again = school.anna(&["klasse-5b@schule.example"], id, "Anders").await;
    assert!(again[1].contains("accepted before"), "and its retry is one: {again:?}");
    let held = school.store.held_on(None, 9).await.unwrap();
    assert_eq!(held.iter().map(|h| h.reason).collect::<Vec<_>>(), [Reason::Conflict]);
    assert!(school.store.body(held[0].mail).await.unwrap().is_some(), "with its body");
    let told = school.traced(id).await;
    let began = |word: &str| told.iter().filter(|line| line.starts_with(word)).count();
    assert_eq!((began("duplicate 5b@"), began("held 5b@"), told.len()), (2, 1, 3), "{told:?}");
    school.later(8 * DAY);
    school.live.fresh(START + 8 * DAY, None);
    assert_eq!(codes(&school.anna(&["5b@schule.example"], id, "Hallo").await), "250 250");
    assert_eq!(school.announced().len(), 3, "after seven days nobody remembers");
}

/// Promise 12: one mail that goes to one list and waits for another is one body, and two answers; the desk is called.
#[tokio::test]
async fn sent_here_and_held_there() {
    let desk = Arc::new(super::testing::Unmanned::default());
    let school = School::staffed(Flavor::Lmtp, None, desk.clone());
    let list = ListId("00000000-0000-0000-0000-00000000006a".into());
    let all = ["all".to_owned()];
    school.door.pipeline.members.set_override(&list, Key::Moderation, Some(&all));
    let lists = ["5b@schule.example", "6a@schule.example"];
    let replies = school.anna(&lists, "both@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 250", "{replies:?}");
    assert!(replies[3].contains("angenommen; wartet auf Freigabe ("), "{replies:?}");
    assert_eq!((school.announced(), desk.called()), (vec!["5b".to_owned()], 1));
    let held = school.store.held_on(None, 9).await.unwrap().remove(0);
    assert_eq!((held.reason, &held.list, held.verified), (Reason::Moderated, &list, true));
    assert_eq!((held.new.subject.as_str(), held.arrived.rcpt.as_str()), ("Hallo", lists[1]));
    let (accounts, _) = school.store.trace("both@home.example").await.unwrap();
    assert_eq!(accounts.iter().map(|a| a.post.mail).collect::<Vec<_>>(), [held.mail]);
    let again = school.anna(&lists, "both@home.example", "Hallo").await;
    assert!(again[2..].iter().all(|reply| reply.contains("accepted before")), "{again:?}");
    assert_eq!((school.store.counts().await.unwrap().held, desk.called()), (1, 1));
}

/// LM22 for a mail without Message-ID, where the retry is for one of its lists only.
#[tokio::test]
async fn a_mail_without_message_id_is_recognised_too() {
    let school = School::new();
    let lists = ["5b@schule.example", "small@small.example"];
    assert_eq!(codes(&school.anna(&lists, "", "Hallo").await), "250 250 250 250");
    let replies = school.anna(&lists[1..], "", "Hallo").await;
    assert!(replies[1].contains("accepted before"), "{replies:?}");
    assert_eq!(school.announced(), ["5b", "d0"]);
    let post = school.store.waiting(1).await.unwrap().remove(0);
    assert!(post.message_id.ends_with(".listd@lists.schule.example"), "{}", post.message_id);
    assert_eq!(codes(&school.anna(&lists[1..], "", "Anders").await), "250 250");
    assert_eq!(school.announced().len(), 3);
}

/// A list by its address and by an alias in one mail is one post (rule L4).
#[tokio::test]
async fn an_alias_is_the_same_list() {
    let school = School::new();
    let twice = ["5b@schule.example", "Klasse-5B@Schule.example"];
    let replies = school.anna(&twice, "alias@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 250");
    let post = |reply: &str| reply.rsplit(' ').next().map(str::to_owned);
    assert_eq!(post(&replies[2]), post(&replies[3]));
    assert_eq!(school.announced(), ["5b"]);
}

/// V4, A4, promise 4: the null sender and what answers by itself go nowhere, and an admin can see it.
#[tokio::test]
async fn automatic_mail_is_dropped_and_traced() {
    let school = School::new();
    let mail = letter("auto@home.example", "weg");
    let to = ["5b@schule.example"];
    assert_eq!(codes(&school.send("<>", &to, mail.as_bytes()).await), "250 250");
    let vacation = format!("Auto-Submitted: auto-replied\r\n{mail}");
    let replies = school.send("<anna@home.example>", &to, vacation.as_bytes()).await;
    assert_eq!(codes(&replies), "250 250");
    let told = school.traced("auto@home.example").await;
    assert!(told.len() == 2 && told.iter().all(|l| l.starts_with("dropped 5b@")), "{told:?}");
    assert!(school.announced().is_empty());
}

/// Role addresses reach the owners, else the admins; postmaster and abuse the admins (RFC 2142, RFC 5321 4.5.1).
/// The author may be anybody.
#[tokio::test]
async fn roles_reach_owners_else_admins() {
    let cases = [
        ("5b-owner@schule.example", "bert@home.example"),
        ("klasse-5b-owner@schule.example", "bert@home.example"),
        ("6a-owner@schule.example", "root@home.example"),
        ("closed-owner@schule.example", "root@home.example"),
        ("postmaster@schule.example", "root@home.example"),
        ("Abuse@small.example", "root@home.example"),
        ("Postmaster", "root@home.example"),
    ];
    let mail = "From: x@away.example\r\nMessage-ID: <role@away.example>\r\n\r\nBitte\r\n";
    for (rcpt, whom) in cases {
        let school = School::new();
        let replies = school.send("<x@away.example>", &[rcpt], mail.as_bytes()).await;
        assert_eq!(codes(&replies), "250 250", "{rcpt}: {replies:?}");
        let (accounts, _) = school.store.trace("role@away.example").await.unwrap();
        let people = accounts[0].batches[0].recipients.iter().flatten();
        let people: Vec<String> = people.map(|(_, r)| r.address.to_string()).collect();
        assert_eq!(people, [whom], "{rcpt}");
    }
}

/// Q4: the owners are people. One who writes too much has to wait, and what a flood of forgeries uses up is not hers.
#[tokio::test]
async fn mail_to_the_owners_has_a_limit() {
    let school = School::new();
    let to = ["5b-owner@schule.example"];
    let forged = |id: usize, from: &str| {
        format!("From: <{from}>\r\nMessage-ID: <{id}@x.example>\r\n\r\nKauf!\r\n")
    };
    let mut taken = 0;
    for id in 0..60 {
        let replies =
            school.send("<x@away.example>", &to, forged(id, "anna@home.example").as_bytes()).await;
        taken += usize::from(replies[1].starts_with("250"));
    }
    assert_eq!(taken, 20, "under one name");
    assert_eq!(codes(&school.anna(&to, "real@home.example", "Frage").await), "250 250");
    let mut last = String::new();
    for id in 100..200 {
        let from = format!("x{id}@away.example");
        last = school.send("<x@away.example>", &to, forged(id, &from).as_bytes()).await.remove(1);
    }
    assert!(last.starts_with("450"), "under many names: {last}");
    let counts = school.store.counts().await.unwrap();
    assert_eq!(counts.posts_waiting, 100);
}

/// V8, promise 11: every bounce is accepted and counted; only a good token says whose it is.
#[tokio::test]
async fn bounces_are_counted_and_a_token_is_believed_only_if_it_is_ours() {
    let school = School::new();
    let list = ListId("00000000-0000-0000-0000-00000000005b".into());
    let address = Address::parse("5b@schule.example").unwrap();
    let long = Address::new("l".repeat(60), "schule.example").unwrap();
    let make =
        |address, at| token::return_path(&school.keys, &list, address, 7, at).unwrap().to_string();
    let good = make(&address, START);
    let short = make(&long, START);
    assert!(short.starts_with("b+"), "{short}");
    let old = make(&address, Timestamp(START.0 - 200 * 86_400_000));
    let forged = good.replace("5b-", "6a-");
    let report = "From: <MAILER-DAEMON@x>\r\n\r\nfailed\r\n";
    let broken = format!("X: {}\r\n\r\n", "x".repeat(1_000_000));
    let cases = [
        (good.as_str(), report, true),
        (&good.to_ascii_uppercase(), report, true),
        (&short, report, true),
        (&good, &broken, true),
        (&old, report, false),
        (&forged, report, false),
        ("b+aaaa@schule.example", report, false),
        ("5b-bounces+aaaa@schule.example", report, false),
        ("5b-bounces@schule.example", report, false),
    ];
    let (mut all, mut unattributed) = (0, 0);
    for (rcpt, mail, known) in cases {
        let replies = school.send("<>", &[rcpt], mail.as_bytes()).await;
        assert_eq!(codes(&replies), "250 250", "{rcpt}: {replies:?}");
        all += 1;
        unattributed += u64::from(!known);
        let counts = school.store.counts().await.unwrap();
        assert_eq!((counts.bounces, counts.bounces_unattributed), (all, unattributed), "{rcpt}");
    }
    assert!(school.announced().is_empty());
}

/// What is said at RCPT TO, before any mail.
#[tokio::test]
async fn what_can_be_said_at_rcpt_is_said_there() {
    let school = School::new();
    let cases = [
        ("nobody@schule.example", "550 5.1.1"),
        ("5b@elsewhere.example", "550 5.1.2"),
        ("closed@schule.example", "550 5.2.1"),
        ("5b-confirm+abc@schule.example", "550 5.1.1"),
        ("5b-author+abc@schule.example", "550 5.1.1"),
        ("no address", "50"),
        ("\"5b\"@schule.example", "250"),
        ("5B@SCHULE.EXAMPLE", "250"),
        ("gr\u{fc}n@schule.example", "55"),
    ];
    for (rcpt, reply) in cases {
        let replies = school.anna(&[rcpt], "rcpt@home.example", "Hallo").await;
        assert!(replies[0].starts_with(reply), "{rcpt}: {replies:?}");
        assert!(replies.iter().all(|reply| reply.is_ascii()), "{replies:?}");
    }
}

/// RFC 6531: with SMTPUTF8 the list is reached by its real name.
#[tokio::test]
async fn smtputf8_reaches_a_list_with_an_umlaut() {
    let school = School::new();
    let mail = letter("utf8@home.example", "Grüße");
    let to = ["grün@schule.example"];
    let replies = school.send("<anna@home.example> SMTPUTF8", &to, mail.as_bytes()).await;
    assert_eq!(codes(&replies), "250 250", "{replies:?}");
    let (accounts, _) = school.store.trace("utf8@home.example").await.unwrap();
    assert!(accounts[0].post.frozen.received.contains("with UTF8LMTP id"));
}

/// LM13, B14: a list's own limit counts at MAIL's SIZE and for the mail itself.
#[tokio::test]
async fn the_lists_own_size_limit_holds_before_and_after_the_mail() {
    let school = School::new();
    let to = ["small@small.example", "5b@schule.example"];
    let mail = letter("size@home.example", &"x\r\n".repeat(500));
    let replies = school.send("<anna@home.example> SIZE=2000", &to, mail.as_bytes()).await;
    assert_eq!(codes(&replies), "552 250 250", "{replies:?}");
    let replies = school.send("<anna@home.example>", &to[..1], mail.as_bytes()).await;
    assert_eq!(codes(&replies), "250 552", "{replies:?}");
}

/// Promises 5 and 6: members who are not known for sure are no reason to refuse, and none to send.
#[tokio::test]
async fn a_stale_directory_defers_and_still_reaches_the_owners() {
    let school = School::new();
    school.later(Duration::from_secs(901));
    let to = ["5b@schule.example", "nobody@schule.example", "5b-owner@schule.example"];
    let replies = school.anna(&to, "stale@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "451 550 250 250", "{replies:?}");
    school.live.fresh(START + Duration::from_secs(901), None);
    assert_eq!(codes(&school.anna(&to[..1], "stale@home.example", "Hallo").await), "250 250");
}

/// Promise 6: nobody on the list is no answer to send on.
#[tokio::test]
async fn an_empty_list_waits() {
    let school = School::new();
    let replies = school.anna(&["empty@schule.example"], "empty@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 450", "{replies:?}");
    assert!(school.traced("empty@home.example").await[0].starts_with("deferred empty@"));
}

/// Promises 1 and 5: what could not be stored is deferred, whatever the decision was, and nothing is announced.
#[tokio::test]
async fn a_store_in_trouble_defers() {
    let school = School::new();
    let to = ["5b@schule.example", "foreign@schule.example", "5b-bounces@schule.example"];
    let cases = [
        (StoreError::Full("disk".into()), "250 250 250 452 452 452"),
        (StoreError::Failed("disk".into()), "250 250 250 451 451 451"),
    ];
    for (trouble, expect) in cases {
        school.store.fail_with(Some(trouble));
        assert_eq!(codes(&school.anna(&to, "store@home.example", "Hallo").await), expect);
    }
    assert!(school.announced().is_empty());
    school.store.fail_with(None);
    let replies = school.anna(&to, "store@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 250 550 250", "{replies:?}");
}

/// Promise 8: without proof nobody speaks for an address; the envelope sender is no proof.
#[tokio::test]
async fn a_forged_author_is_refused_in_the_language_of_who_it_says_to_be() {
    let school = School::new();
    let mail = |from: &str| format!("From: {from}\r\nMessage-ID: <f@x.example>\r\n\r\nHallo\r\n");
    let to = ["5b@schule.example"];
    let german =
        school.send("<anna@home.example>", &to, mail("anna@home.example").as_bytes()).await;
    assert_eq!(codes(&german), "250 550");
    let english =
        school.send("<bert@home.example>", &to, mail("bert@home.example").as_bytes()).await;
    assert_eq!(codes(&english), "250 550");
    assert_ne!(german[1], english[1], "Bert's entry says that he reads English");
    let stranger = mail("x@away.example");
    let foreign =
        school.send("<x@away.example>", &["small@small.example"], stranger.as_bytes()).await;
    assert!(foreign[1].contains("Only members"), "the list's language: {foreign:?}");
    assert!(school.announced().is_empty());
}

/// "Bad input": each is refused with a reason or goes out whole; nothing is lost in between.
#[tokio::test]
async fn broken_mails_get_a_reason() {
    let whole = letter("bad@home.example", "Hallo");
    let huge = format!("X-Long: {}\r\n{whole}", "x".repeat(1_000_000));
    let cases = [
        ("no From", whole.replace("From: Anna <anna@home.example>\r\n", ""), "550"),
        ("two From", format!("From: b@home.example\r\n{whole}"), "550"),
        ("two authors", whole.replace("From: Anna", "From: bert@home.example, Anna"), "550"),
        ("NUL in the header", whole.replace("Hallo\r\nMessage", "Ha\0llo\r\nMessage"), "550"),
        ("a header of 1 MB", huge, "550"),
        ("empty", String::new(), "550"),
        ("no Date", whole.replace("Date:", "X-Date:"), "250"),
        ("8-bit header", whole.replace("Subject: Hallo", "Subject: Grüße"), "250"),
    ];
    for (what, mail, expect) in cases {
        let school = School::new();
        let replies =
            school.send("<anna@home.example>", &["5b@schule.example"], mail.as_bytes()).await;
        assert_eq!(codes(&replies), format!("250 {expect}"), "{what}: {replies:?}");
        assert_eq!(school.announced().len(), usize::from(expect == "250"), "{what}");
    }
    let school = School::new();
    let huge = format!(
        "{}X-Long: {}\r\n\r\n",
        &whole[..whole.find("\r\n\r\n").unwrap() + 2],
        "x".repeat(999_999)
    );
    school.send("<anna@home.example>", &["5b@schule.example"], huge.as_bytes()).await;
    let told = school.traced("bad@home.example").await;
    assert!(told[0].starts_with("refused 5b@schule.example malformed"), "{told:?}");
}

/// Promise 10: a mail that makes us panic is deferred; the connection and everybody else go on.
#[tokio::test]
async fn a_panic_costs_one_mail_its_turn() {
    for body in ["small", &"large\r\n".repeat(100_000)] {
        let school = School::new();
        school.panics.store(true, Ordering::Relaxed);
        let to = ["5b@schule.example", "6a@schule.example"];
        let replies = school.anna(&to, "panic@home.example", body).await;
        assert_eq!(codes(&replies), "250 250 451 451");
        assert_eq!(school.door.budget.left(), super::testing::BUDGET);
        assert_eq!(std::fs::read_dir(&school.spool).unwrap().count(), 0, "the spool is empty");
        assert_eq!(school.door.pipeline.turns.available_permits(), super::LARGE_AT_ONCE);
        school.panics.store(false, Ordering::Relaxed);
        assert_eq!(codes(&school.anna(&to, "panic@home.example", body).await), "250 250 250 250");
    }
}

/// The SMTP flavour: one list per mail, and the mail's reply is its own (DESIGN section 5).
#[tokio::test]
async fn the_smtp_flavour_takes_one_list_per_mail() {
    let school = School::speaking(Flavor::Smtp);
    let to = ["5b@schule.example", "6a@schule.example"];
    let replies = school.anna(&to, "smtp@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 452 250", "{replies:?}");
    assert!(replies[1].starts_with("452 4.5.3"));
    assert_eq!(school.announced(), ["5b"]);
    let post = school.store.waiting(1).await.unwrap().remove(0);
    assert!(post.id != PostId(0) && post.frozen.received.contains("with ESMTP id"));
    assert!(school.store.due().await.unwrap().len() == 1);
}

/// Promise 4, rule MI10: a mail is shown once, whatever its recipients; a bounce to nobody; and the answer counts.
#[tokio::test]
async fn the_filter_is_asked_once_and_not_about_bounces() {
    let (filter, verdicts) = Filter::start(Duration::from_secs(60)).await;
    let school = School::with(Flavor::Lmtp, Some(Arc::new(verdicts)));
    let asked = || -> Vec<String> {
        filter.told().into_iter().filter(|line| line.starts_with("rcpt ")).collect()
    };
    assert_eq!(codes(&school.send("<>", &["5b-bounces@schule.example"], b"\r\n").await), "250 250");
    assert!(asked().is_empty());
    let to = ["5b@schule.example", "5b-bounces@schule.example", "5b-owner@schule.example"];
    let replies = school.anna(&to, "clean@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 250 250 250", "{replies:?}");
    assert_eq!(asked(), ["rcpt 5b@schule.example", "rcpt 5b-owner@schule.example"]);
    let told = school.traced("clean@home.example").await;
    assert!(told.iter().all(|line| line.starts_with("scanned ") && line.ends_with(" clean")));
    assert_eq!(told.len(), 2, "{told:?}");

    let malware = ReplyCode::new(550, "5.7.1", "This message contains malware: Eicar").unwrap();
    filter.says(Answer::Code(malware));
    let replies = school.anna(&to, "virus@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 550 250 550", "{replies:?}");
    assert!(replies[3].contains("Virus (Eicar)"), "{replies:?}");
    filter.says(Answer::TempFail);
    let replies = school.anna(&to, "later@home.example", "Hallo").await;
    assert_eq!(codes(&replies), "250 250 250 451 250 451", "{replies:?}");
    assert_eq!(school.traced("later@home.example").await.len(), 2);

    // A reply to a question of ours is scanned before anybody reads it.
    let list = Address::parse("5b@schule.example").unwrap();
    let question = token::answer_address(&school.keys, &list, 5, START).unwrap().to_string();
    let answered = async || school.anna(&[&question], "", "Ja").await.remove(1);
    assert!(answered().await.starts_with("451 4.3.0"));
    filter.says(Answer::Code(ReplyCode::new(550, "5.7.1", "malware: Eicar").unwrap()));
    assert!(answered().await.contains("dangerous"));
    filter.says(Answer::Continue);
    assert!(answered().await.starts_with("550 5.1.1"), "clean, and nobody asked that");
}

/// B13, promise 9: a file that the list does not take is refused where not one octet may change, in words that name it.
#[tokio::test]
async fn a_forbidden_file_in_a_signed_mail_is_refused_at_the_door() {
    let school = School::new();
    let list = ListId("00000000-0000-0000-0000-00000000005b".into());
    let pdf = ["pdf".to_owned()];
    school.door.pipeline.members.set_override(&list, Key::AttachmentsForbidden, Some(&pdf));
    let multipart = |kind: &str, boundary: &str, parts: [&str; 2]| {
        let [first, second] = parts;
        format!(
            "Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n--{boundary}\r\n{first}\r\n\
             --{boundary}\r\n{second}\r\n--{boundary}--\r\n"
        )
    };
    let file = "Content-Type: application/pdf; name=\"Pr\u{fc}fung.pdf\"\r\n\r\n%PDF-1.7";
    let mixed = multipart("mixed", "m", ["\r\nHallo", file]);
    let seal = "Content-Type: application/pgp-signature\r\n\r\nx";
    let signed = |inside: &str| multipart("signed", "s", [inside, seal]);
    let cases = [
        ("signed@home.example", signed(&mixed), "550 5.7.1"),
        ("beside@home.example", multipart("mixed", "o", [&signed("\r\nHallo"), file]), "250"),
        ("open@home.example", mixed.clone(), "250"),
        ("clean@home.example", signed("\r\nHallo"), "250"),
    ];
    for (id, entity, expect) in cases {
        let raw = letter(id, "").replacen("\r\n\r\n", &format!("\r\n{entity}"), 1);
        let replies =
            school.send("<anna@home.example>", &["5b@schule.example"], raw.as_bytes()).await;
        assert!(replies[1].starts_with(expect), "{id}: {replies:?}");
        let refused = expect != "250";
        assert_eq!(replies[1].contains("Pruefung.pdf"), refused, "{id}: {replies:?}");
        let traced = school.traced(id).await;
        assert_eq!(
            traced.iter().any(|line| line.starts_with("refused 5b@")),
            refused,
            "{traced:?}"
        );
    }
    assert_eq!(school.announced().len(), 3, "nothing of the refused one is sent");
}
