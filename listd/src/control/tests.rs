//! The socket and its rules, asked over a real unix socket; the rooms behind it are played.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use listcore::api;
use listcore::hold::Choice;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::peer::{Act, Peer, allow};
use super::{Answer, Problem, Rooms, Sight, Wanted, bind, serve};

/// Rooms in which only the queue and a list `5b` exist, and a list whose look-up panics.
#[derive(Default)]
struct Played {
    retried: AtomicU64,
}

fn nothing<T>() -> Answer<T> {
    Err(Problem::not_found("it is not there", "Look elsewhere."))
}

#[async_trait]
impl Rooms for Played {
    async fn status(&self) -> Answer<api::Status> {
        Err(crate::store::StoreError::Full("no space left".to_owned()).into())
    }
    async fn lists(&self) -> Answer<Vec<api::ListLine>> {
        Ok(Vec::new())
    }
    async fn list(&self, _list: &str, _sight: Sight) -> Answer<api::ListDetail> {
        nothing()
    }
    async fn set(&self, ask: api::Set) -> Answer<api::ListDetail> {
        self.retried.store(ask.value.map_or(0, |v| v.len() as u64), Ordering::SeqCst);
        nothing()
    }
    async fn members(&self, list: &str, sight: Sight) -> Answer<api::Members> {
        assert_ne!(list, "panic", "this list panics");
        let members = |list| api::Members {
            list,
            recipients: Vec::new(),
            skipped: Vec::new(),
            recipients_protected: if sight == Sight::Veiled { 1 } else { 0 },
            skipped_protected: 0,
            admitted: Vec::new(),
            digests: Vec::new(),
        };
        if list == "5b & c/ü" { Ok(members(list.to_owned())) } else { nothing() }
    }
    async fn queue(&self, limit: usize, _sight: Sight) -> Answer<api::Queue> {
        Ok(api::Queue { posts: Vec::new(), more: limit == 1_000 })
    }
    async fn post(&self, _id: u64, _sight: Sight) -> Answer<api::Post> {
        nothing()
    }
    async fn admit(&self, ask: api::Admit, _: &str) -> Answer<api::Changed> {
        Ok(api::Changed { list: ask.list, address: ask.address })
    }

    async fn dismiss(&self, ask: api::Dismiss, _: &str) -> Answer<api::Changed> {
        Ok(api::Changed { list: ask.list, address: ask.address })
    }

    async fn resume(&self, address: &str, _: &str) -> Answer<api::Resumed> {
        let domains = vec!["schule.example".to_owned()];
        Ok(api::Resumed { address: address.to_owned(), domains })
    }

    async fn retry(&self, id: Option<u64>) -> Answer<api::Retried> {
        self.retried.store(id.unwrap_or(7), Ordering::SeqCst);
        Ok(api::Retried { recipients: 3 })
    }
    async fn release(&self, id: u64, who: &str) -> Answer<api::Released> {
        assert!(who.starts_with("user "), "it is known who did it: {who}");
        self.retried.store(id, Ordering::SeqCst);
        Ok(api::Released { recipients: 2 })
    }
    async fn cancel(&self, id: u64, who: &str) -> Answer<api::Cancelled> {
        assert!(who.starts_with("user "), "it is known who did it: {who}");
        self.retried.store(id, Ordering::SeqCst);
        Ok(api::Cancelled { copies: 2, digests: 1 })
    }
    async fn strange(&self, _number: u64, _sight: Sight) -> Answer<api::StrangeMail> {
        nothing()
    }
    async fn held(
        &self,
        list: Option<&str>,
        limit: usize,
        _sight: Sight,
    ) -> Answer<api::HeldMails> {
        list.map_or_else(
            || Ok(api::HeldMails { mails: Vec::new(), more: limit == 1_000 }),
            |_| nothing(),
        )
    }
    async fn held_mail(&self, _id: u64, _sight: Sight) -> Answer<api::HeldDetail> {
        nothing()
    }
    async fn decide(&self, id: u64, choice: &Choice, who: &str) -> Answer<api::Decided> {
        assert!(who.starts_with("user "), "it is known who decided: {who}");
        assert_eq!(*choice, Choice::Reject("Bitte an die Klasse".to_owned()));
        self.retried.store(id, Ordering::SeqCst);
        nothing()
    }
    async fn stopped(&self) -> Answer<api::Stopped> {
        nothing()
    }
    async fn emergency(&self, ask: api::Emergency, who: &str) -> Answer<api::Stopped> {
        assert!(who.starts_with("user "), "it is known who asked: {who}");
        Ok(api::Stopped { lists: vec![(ask.place, None)], waiting: usize::from(ask.on) })
    }
    async fn learn(&self, message_id: &str, spam: bool, who: &str) -> Answer<api::Learned> {
        assert!(who.starts_with("user "), "it is known who taught: {who}");
        Ok(api::Learned { message_id: message_id.to_owned(), spam, known: false })
    }
    async fn trace(&self, message_id: &str, _sight: Sight) -> Answer<api::Trace> {
        Ok(super::report::trace(message_id, Vec::new(), &[]))
    }
    async fn simulate(&self, list: &str, mail: Bytes, wanted: Wanted) -> Answer<api::Simulation> {
        Ok(api::Simulation {
            list: list.to_owned(),
            accepted: wanted.copies,
            rule: mail.len().to_string(),
            waits: None,
            setting: None,
            reply: String::new(),
            author: String::new(),
            scan: String::new(),
            notes: Vec::new(),
            recipients: Vec::new(),
            skipped: Vec::new(),
            recipients_protected: 0,
            skipped_protected: 0,
            copies: Vec::new(),
            copies_left_out: 0,
        })
    }
    async fn dkim(&self, domain: Option<&str>) -> Answer<Vec<api::DkimRecord>> {
        domain.map_or_else(|| Ok(Vec::new()), |_| nothing())
    }
    async fn directory(&self) -> Answer<api::DirectoryDetail> {
        nothing()
    }
    async fn directory_diff(
        &self,
        list: Option<&str>,
        _sight: Sight,
    ) -> Answer<Vec<api::Difference>> {
        list.map_or_else(|| Ok(Vec::new()), |_| nothing())
    }
    async fn directory_accept(&self, list: Option<&str>, who: &str) -> Answer<Vec<api::Held>> {
        assert!(who.starts_with("user "), "the log names who asked: {who}");
        list.map_or_else(|| Ok(Vec::new()), |_| nothing())
    }
    async fn directory_reject(&self, who: &str) -> Answer<Vec<api::Held>> {
        self.directory_accept(None, who).await
    }
    async fn providers(&self, _days: u16) -> Answer<api::Providers> {
        Ok(api::Providers::default())
    }
    async fn facts(&self) -> Answer<api::Facts> {
        nothing()
    }
}

/// A daemon's control room in a folder of its own; ends with the test.
struct House {
    folder: tempfile::TempDir,
    rooms: Arc<Played>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl House {
    async fn open() -> House {
        let folder = tempfile::tempdir().expect("folder");
        let listener = bind(&folder.path().join("control.sock")).await.expect("bind");
        let (rooms, stop) = (Arc::new(Played::default()), CancellationToken::new());
        let task = tokio::spawn(serve(listener, rooms.clone(), stop.clone()));
        House { folder, rooms, stop, task }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// Status code and body of one request.
    async fn ask(&self, method: &str, target: &str, body: &[u8]) -> (u16, String) {
        ask(&self.socket(), method, target, body).await
    }
}

async fn ask(socket: &Path, method: &str, target: &str, body: &[u8]) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).await.expect("connect");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: listd\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("write");
    // The server may answer, and hang up, before it has read a body that is too big.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (code, body.to_owned())
}

fn failure(body: &str) -> api::Failure {
    serde_json::from_str(body).expect("every error is a Failure")
}

#[tokio::test]
async fn questions_reach_the_rooms_and_errors_say_what_to_do() {
    let house = House::open().await;
    let (code, body) = house.ask("GET", "/v1/members?list=5b+%26%20c%2F%C3%BC", b"").await;
    let members: api::Members = serde_json::from_str(&body).expect("members");
    assert_eq!((code, members.list.as_str()), (200, "5b & c/ü"));

    let cases: [(&str, &str, u16, &str); 8] = [
        ("GET", "/v1/members?list=none", 404, "it is not there"),
        ("GET", "/v1/members", 400, "list"),
        ("GET", "/v1/post?id=-3", 400, "\"-3\" is no id"),
        ("GET", "/v1/status", 500, "disk is full"),
        ("GET", "/v2/status", 400, "listd knows no GET /v2/status"),
        ("DELETE", "/v1/lists", 400, "listd knows no DELETE /v1/lists"),
        ("POST", "/v1/queue/retry", 400, ""),
        ("GET", "/v1/dkim?domain=x", 404, ""),
    ];
    for (method, target, expect, error) in cases {
        let (code, body) = house.ask(method, target, b"").await;
        let failure = failure(&body);
        assert_eq!(code, expect, "{method} {target}: {body}");
        assert!(failure.error.contains(error), "{method} {target}: {body}");
        assert!(!failure.what_to_do.is_empty(), "{method} {target}: {body}");
    }
}

#[tokio::test]
async fn a_message_id_loses_its_brackets_and_a_queue_has_a_limit() {
    let house = House::open().await;
    for target in ["/v1/trace?message_id=%3Ca%40b%3E", "/v1/trace?message_id=a@b"] {
        let (_, body) = house.ask("GET", target, b"").await;
        let trace: api::Trace = serde_json::from_str(&body).expect("trace");
        assert_eq!(trace.message_id, "a@b", "{target}");
    }
    let (_, body) = house.ask("GET", "/v1/queue?limit=99999999", b"").await;
    assert!(body.contains("\"more\":true"), "cut to 1,000: {body}");
}

#[tokio::test]
async fn retry_names_one_post_or_none() {
    let house = House::open().await;
    let (code, body) = house.ask("POST", "/v1/queue/retry", br#"{"id":"9007199254740993"}"#).await;
    assert_eq!((code, body.as_str()), (200, r#"{"recipients":3}"#));
    assert_eq!(house.rooms.retried.load(Ordering::SeqCst), 9_007_199_254_740_993);
    house.ask("POST", "/v1/queue/retry", b"{}").await;
    assert_eq!(house.rooms.retried.load(Ordering::SeqCst), 7);
}

/// GD4: protected people are shown to who gives a reason that can be read later.
#[tokio::test]
async fn protected_people_are_shown_for_a_reason() {
    let house = House::open().await;
    let list = "/v1/members?list=5b+%26%20c%2F%C3%BC";
    let long = "a".repeat(201);
    let cases = [
        ("", 200, Some(1)),
        ("&reason=Eltern%20fragen%20nach%20einer%20Mail", 200, Some(0)),
        ("&reason=", 400, None),
        ("&reason=%20%20", 400, None),
        ("&reason=x%0Ay", 400, None),
        (&format!("&reason={long}"), 400, None),
    ];
    for (reason, expect, hidden) in cases {
        let (code, body) = house.ask("GET", &format!("{list}{reason}"), b"").await;
        assert_eq!(code, expect, "{reason}: {body}");
        let members: Option<api::Members> = serde_json::from_str(&body).ok();
        assert_eq!(members.map(|members| members.recipients_protected), hidden, "{reason}");
    }
}

/// Promise 10: bodies are bounded; a mail may be large, a question may not.
#[tokio::test]
async fn bodies_are_bounded() {
    let house = House::open().await;
    let mail = vec![b'a'; 3_000_000];
    let (code, body) = house.ask("POST", "/v1/simulate?list=5b&copies=true", &mail).await;
    assert_eq!(code, 200);
    assert!(body.contains("\"rule\":\"3000000\"") && body.contains("\"accepted\":true"), "{body}");
    let (code, body) = house.ask("POST", "/v1/queue/retry", &mail[..20_000]).await;
    assert_eq!(code, 413);
    assert!(failure(&body).what_to_do.contains("octets"), "{body}");
    assert_eq!(house.rooms.retried.load(Ordering::SeqCst), 0);
}

/// Promise 10: clients that hang, more of them than there are places, keep no admin's question for long.
#[tokio::test]
async fn who_hangs_keeps_nobody_from_asking() {
    let house = House::open().await;
    let mut hanging = Vec::new();
    for _ in 0..40 {
        let mut stream = UnixStream::connect(house.socket()).await.expect("connect");
        stream.write_all(b"POST /v1/queue/retry HTTP/1.1\r\nHost:").await.expect("write");
        hanging.push(stream);
    }
    let asked = house.ask("GET", "/v1/lists", b"");
    let asked = tokio::time::timeout(std::time::Duration::from_secs(60), asked).await;
    assert_eq!(asked.expect("in its turn"), (200, "[]".to_owned()));
}

/// Promise 10: a panic ends one request, not the daemon.
#[tokio::test]
async fn a_panic_ends_one_request() {
    let house = House::open().await;
    let (code, body) = house.ask("GET", "/v1/members?list=panic", b"").await;
    assert_eq!(code, 500);
    assert!(failure(&body).error.contains("goes on"), "{body}");
    assert_eq!(house.ask("GET", "/v1/lists", b"").await, (200, "[]".to_owned()));
}

#[tokio::test]
async fn the_socket_is_for_owner_and_group_and_goes_with_the_daemon() {
    let house = House::open().await;
    let mode = std::fs::metadata(house.socket()).expect("socket").permissions().mode();
    assert_eq!(mode & 0o7777, 0o660);
    house.stop.cancel();
    house.task.await.expect("task");
    assert!(std::fs::read_dir(house.folder.path()).expect("folder").next().is_none());
}

#[tokio::test]
async fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let house = House::open().await;
    let error = bind(&house.socket()).await.expect_err("a daemon answers there");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(house.ask("GET", "/v1/lists", b"").await.0, 200, "the live one goes on");

    let dead = house.folder.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).expect("bind"));
    let first = bind(&dead).await.expect("nobody answered there");
    drop(first);
    let file = house.folder.path().join("file");
    std::fs::write(&file, "text").expect("write");
    let error = bind(&file).await.expect_err("a file is nobody's socket");
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&file).expect("read"), "text");
}

#[test]
fn who_may_do_what() {
    let cases = [
        (Some(0), Act::Change, true),
        (Some(106), Act::Change, true),
        (Some(1000), Act::Change, false),
        (Some(1000), Act::Read, true),
        (Some(0), Act::Read, true),
        (None, Act::Read, false),
        (None, Act::Change, false),
    ];
    for (uid, act, expect) in cases {
        assert_eq!(allow(Peer { uid }, act, 106).is_ok(), expect, "{uid:?} {act:?}");
    }
}
