//! Lessons to a controller that is played; the real one is asked in a story.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const MAIL: &[u8] = b"Subject: a\r\n\r\nb\r\n";

/// What came of a lesson to a controller that answers with these octets, and the question that it got.
async fn taught(answer: &str, password: Option<&str>) -> (Result<Taught, Trouble>, String) {
    let dir = tempfile::tempdir().expect("directory");
    let file = password.map(|password| {
        let path = dir.path().join("password");
        std::fs::write(&path, password).expect("written");
        path
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let authority = listener.local_addr().expect("an address").to_string();
    let answer = answer.to_owned();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut got = Vec::new();
        while !got.ends_with(MAIL) {
            assert!(stream.read_buf(&mut got).await.expect("octets") > 0, "it closed");
        }
        stream.write_all(answer.as_bytes()).await.expect("taken");
        String::from_utf8(got).expect("text")
    });
    let teacher = Teacher::new(authority, file, Tally::default());
    let taught = teacher.teach(Lesson::Ham, Bytes::from_static(MAIL)).await;
    (taught, server.await.expect("no panic"))
}

fn http(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn the_mail_and_the_password_are_told() {
    let ok = http("200 OK", r#"{"success":true}"#);
    let (taught, asked) = taught(&ok, Some("geheim\nzweite Zeile\n")).await;
    assert_eq!(taught, Ok(Taught::Learned));
    assert!(asked.starts_with("POST /learnham HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("password: geheim\r\n") && !asked.contains("zweite"), "{asked}");
}

#[tokio::test]
async fn each_answer_is_told_in_plain_words() {
    let error = |text: &str| format!(r#"{{"error":"{text}"}}"#);
    let known = error("<1@x> has been already learned as spam, ignore it");
    for (answer, expect) in [
        (http("404 <1@x> has been already learned as spam, ignore it", &known), Ok(Taught::Known)),
        (http("208 Already", &known), Ok(Taught::Known)),
        (http("401 Unauthorized", &error("Unauthorized")), Err("not this one")),
        (http("500 Oh", &error("no classifier")), Err("HTTP 500 {\"error\":\"no classifier\"}")),
        (http("200 OK", &error("\u{1b}[2J")), Err("{\"error\":\" [2J\"}")),
        ("garbage".to_owned(), Err("does not answer")),
        (String::new(), Err("does not answer")),
        (http("200 OK", &"x".repeat(LONGEST + 1)), Err("does not answer")),
    ] {
        let (got, _) = taught(&answer, None).await;
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{answer}"),
            (Err(got), Err(part)) => assert!(got.to_string().contains(part), "{got}: {answer}"),
            (got, expect) => panic!("{got:?} instead of {expect:?}: {answer}"),
        }
    }
}

#[tokio::test]
async fn a_password_that_cannot_be_read_is_not_left_out() {
    for (file, part) in [("/nonexistent/password", "No such file"), ("/dev", "")] {
        let teacher = Teacher::new("127.0.0.1:1".into(), Some(file.into()), Tally::default());
        let taught = teacher.teach(Lesson::Spam, Bytes::new()).await;
        let Err(Trouble::Password(_, why)) = taught else { panic!("{file}: {taught:?}") };
        assert!(why.contains(part), "{why}");
    }
    let teacher = Teacher::new("127.0.0.1:1".into(), None, Tally::default());
    let taught = teacher.teach(Lesson::Spam, Bytes::new()).await;
    assert!(matches!(taught, Err(Trouble::Unreachable(..))), "{taught:?}");
}

/// A controller that is not there yet hears the lesson when it is, once; one that says no is not asked again.
#[tokio::test]
async fn a_lesson_is_given_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let authority = listener.local_addr().expect("an address").to_string();
    let tally = Tally::default();
    let mut teacher = Teacher::new(authority, None, tally.clone());
    teacher.again = vec![Duration::from_millis(5); 3];
    let server = tokio::spawn(async move {
        let mut answers = vec!["", "", r#"{"success":true}"#].into_iter();
        let mut asked = 0;
        while let Ok(Ok((mut stream, _))) =
            tokio::time::timeout(Duration::from_secs(2), listener.accept()).await
        {
            let mut got = Vec::new();
            while !got.ends_with(MAIL) {
                assert!(stream.read_buf(&mut got).await.expect("octets") > 0, "it closed");
            }
            asked += 1;
            // Nothing: it breaks off.
            let body = answers.next().unwrap_or(r#"{"error":"no classifier"}"#);
            let text = if body.is_empty() { String::new() } else { http("200 OK", body) };
            stream.write_all(text.as_bytes()).await.expect("taken");
        }
        asked
    });
    let mail = || Bytes::from_static(MAIL);
    teacher.keep_teaching(Lesson::Spam, mail()).await;
    assert_eq!(tally.count(Lesson::Spam, "learned"), 1);
    assert_eq!(tally.count(Lesson::Spam, "failed"), 2, "each try is counted");
    teacher.keep_teaching(Lesson::Ham, mail()).await;
    assert_eq!(tally.count(Lesson::Ham, "failed"), 1, "it said no");
    assert_eq!(server.await.expect("no panic"), 4);
    // Nobody there, and no end of tries either.
    teacher.keep_teaching(Lesson::Ham, mail()).await;
    assert_eq!(tally.count(Lesson::Ham, "failed"), 1 + 4);
}
