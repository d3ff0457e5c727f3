//! What a filter is told, what its answers come to, and what happens without one.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use milter::answer::{Answer as Said, Verdict};
use milter::packet::Modification;
use milter::reply_code::ReplyCode;

use super::testing::{Filter, verdicts};
use super::*;

const LONG: Duration = Duration::from_secs(60);

const HEAD: &str = "Authentication-Results: mx.schule.example; auth=pass smtp.auth=anna\r\n\
    Received: from mail.post.example ([192.0.2.25] helo=out.post.example)\r\n\
    \tby mx.schule.example with esmtpsa id 1wXyZ0-0001ab-2c; Sun, 22 Nov 2026 01:00:00 +0000\r\n\
    Received: from [203.0.113.9] by evil with smtp id 9\r\n\
    no field\r\n\
    Subject:two\r\n lines\r\n\r\n";

async fn ask(verdicts: &Verdicts, mail: &str, rcpts: &[&str]) -> Vec<Scan> {
    let bytes = Bytes::from(mail.to_owned());
    let mail = Mail::parse(&bytes).unwrap();
    let sender = Address::parse("anna@post.example").ok();
    let sender = sender.as_ref();
    verdicts
        .ask(&Question { mail: &mail, bytes: &bytes, sender, recipients: rcpts, id: "ours" })
        .await
}

async fn finding(verdicts: &Verdicts) -> Finding {
    let scans = ask(verdicts, "Subject: x\r\n\r\nHallo\r\n", &["5b@schule.example"]).await;
    scans.first().unwrap().finding.clone()
}

/// MI14, MI15, MI16, MI22: the client as our MTA saw it, the login, the header byte for byte, the body in pieces.
#[tokio::test]
async fn a_filter_hears_what_our_mta_knows() {
    let (filter, verdicts) = Filter::start(LONG).await;
    let mail = format!("{HEAD}{}", "x".repeat(150_000));
    let rcpts = ["5b@schule.example", "5b-owner@schule.example"];
    assert_eq!(ask(&verdicts, &mail, &rcpts).await.len(), 2);
    let mut told = filter.told();
    let body: Vec<String> = told.split_off(told.len() - 3);
    assert_eq!(body, ["body 65535", "body 65535", "body 18930"]);
    let expect = [
        "connect mail.post.example 192.0.2.25 lists.schule.example listd",
        "helo out.post.example",
        "mail <anna@post.example> by anna",
        "rcpt 5b@schule.example",
        "rcpt 5b-owner@schule.example",
        "Authentication-Results: mx.schule.example; auth=pass smtp.auth=anna\r\n",
        "Received: from mail.post.example ([192.0.2.25] helo=out.post.example)\r\n\tby mx.schule.example with esmtpsa id 1wXyZ0-0001ab-2c; Sun, 22 Nov 2026 01:00:00 +0000\r\n",
        "Received: from [203.0.113.9] by evil with smtp id 9\r\n",
        "Subject:two\r\n lines\r\n",
        "id 1wXyZ0-0001ab-2c",
    ];
    assert_eq!(told, expect);
    // Without a Received: nobody knows who that was.
    assert_eq!(finding(&verdicts).await, Finding::Clean);
    let told = filter.told();
    assert_eq!(told[0], "connect localhost  lists.schule.example listd");
    assert_eq!(told[1], "mail <anna@post.example> by ");
    assert_eq!(told[4], "id ours");
    assert_eq!(filter.0.connections.load(Ordering::Relaxed), 2, "a connection for each mail");
}

/// MI10, MI20, MI21: each answer of the protocol, and changes that a list lets nobody make.
#[tokio::test]
async fn answers_are_understood() {
    let (filter, verdicts) = Filter::start(LONG).await;
    let code = |code, text: &str| Said::Code(ReplyCode::new(code, "", text).unwrap()).into();
    let with = |modifications| Verdict { modifications, answer: Said::Accept };
    let header = |name, value| Modification::AddHeader(Field::new(name, value));
    let address = || b"<x@evil.example>".to_vec();
    let changes = vec![
        Modification::ReplaceBody(b"another".to_vec()),
        Modification::AddRecipient { address: address(), arguments: Vec::new() },
        Modification::DeleteRecipient(b"<5b@schule.example>".to_vec()),
        Modification::ChangeSender { address: address(), arguments: Vec::new() },
        header("X-Spam", "No"),
    ];
    let virus = Finding::Virus(Some("Eicar".to_owned()));
    let cases: Vec<(Verdict, Finding)> = vec![
        (Said::Continue.into(), Finding::Clean),
        (Said::Accept.into(), Finding::Clean),
        (Said::Reject.into(), Finding::Refused),
        (Said::TempFail.into(), Finding::Failed),
        (Said::Discard.into(), Finding::Discard),
        (code(550, "This message contains malware:\nEicar"), virus),
        (code(451, "greylisted"), Finding::Clean),
        (with(vec![header("X-Spam", "Yes")]), Finding::Suspect),
        (with(vec![Modification::Quarantine(b"look at it".to_vec())]), Finding::Quarantined),
        (with(changes), Finding::Clean),
    ];
    for (says, expect) in cases {
        filter.says(says.clone());
        assert_eq!(finding(&verdicts).await, expect, "{says:?}");
    }
    filter.says(Said::Accept);
    *filter.0.refuses.lock().unwrap() = "b@x.example".to_owned();
    let scans = ask(&verdicts, HEAD, &["a@x.example", "b@x.example", "c@x.example"]).await;
    let found: Vec<&str> = scans.iter().map(|scan| scan.finding.as_str()).collect();
    assert_eq!(found, ["clean", "refused", "clean"], "one alone");
}

/// Promise 5, rule MI23: no filter, one that is silent, and a crowd before it.
#[tokio::test]
async fn without_an_answer_nothing_is_clean() {
    let nobody = Endpoint::Unix(PathBuf::from("/nonexistent/milter.sock"));
    let scans = ask(&verdicts(nobody, LONG), HEAD, &["a@x.example"]).await;
    assert_eq!(scans[0].finding, Finding::Failed);
    assert!(scans[0].words.contains("cannot reach unix:/nonexistent/milter.sock"), "{scans:?}");

    let (filter, short) = Filter::start(Duration::from_millis(300)).await;
    let all = filter.0.verdicts.acquire_many(1_000).await.unwrap();
    let crowd = futures(&short, AT_ONCE + 4).await;
    let count = |of: &Finding| crowd.iter().filter(|found| *found == of).count();
    assert_eq!((count(&Finding::Failed), count(&Finding::Busy)), (AT_ONCE, 4), "{crowd:?}");
    drop(all);
    assert_eq!(finding(&short).await, Finding::Clean, "its turns are free again");
}

/// So many mails at once.
async fn futures(verdicts: &Verdicts, count: usize) -> Vec<Finding> {
    let mut asked: Vec<_> = (0..count).map(|_| Box::pin(finding(verdicts))).collect();
    let mut found = vec![None; count];
    std::future::poll_fn(|cx| {
        for (one, found) in asked.iter_mut().zip(&mut found) {
            if found.is_none()
                && let std::task::Poll::Ready(finding) = one.as_mut().poll(cx)
            {
                *found = Some(finding);
            }
        }
        let done = found.iter().all(Option::is_some);
        if done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    found.into_iter().flatten().collect()
}
