//! The store is killed while it works, again and again, and has to keep its word (promises 1 and 2).
//!
//! The test starts this test binary once more as a child that says each commit that was acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use listcore::hold::{By, End, Ended};

use super::SqliteStore;
use crate::store::held::Holds;
use crate::store::suite::{T, delivered, held, mail, people, post, settle};
use crate::store::*;

const FILE: &str = "LISTD_CRASH_FILE";
const FIRST: &str = "LISTD_CRASH_FIRST";
/// Numbers of one child's mails.
const ROUND: u64 = 1_000_000;
const WRITERS: u64 = 4;
/// Letters have the numbers of their mails, from here on.
const LETTERS: u64 = 1 << 40;

/// Every third body is a file.
fn size(id: u64) -> usize {
    if id.is_multiple_of(3) { 100_000 } else { 500 }
}

fn recipients(id: u64) -> usize {
    if id.is_multiple_of(2) { 130 } else { 3 }
}

/// Not a test: what the child does until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the crash test"]
async fn child() {
    let (Ok(file), Ok(first)) = (std::env::var(FILE), std::env::var(FIRST)) else { return };
    let first: u64 = first.parse().expect("a number");
    let store = SqliteStore::open(file).await.expect("open");
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for id in (first + n..first + ROUND).step_by(WRITERS as usize) {
                work(&store, id).await;
            }
        });
    }
    tasks.join_all().await;
}

/// Every fifth mail waits for a moderator first.
fn is_held(id: u64) -> bool {
    id.is_multiple_of(5)
}

/// The mail that asks her.
fn letter(id: u64) -> u64 {
    LETTERS + id
}

fn say(what: &str, id: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{what} {id}").and_then(|()| out.flush()).expect("say");
}

/// Accepts a mail, and settles every second one.
async fn work(store: &SqliteStore, id: u64) {
    if is_held(id) {
        return wait(store, id).await;
    }
    let accept =
        Move::accept(mail(id, vec![b'x'; size(id)]), vec![post(id, "5b", people(recipients(id)))]);
    assert_eq!(store.commit(vec![accept]).await, Ok(vec![Done::Ok]));
    say("accepted", id);
    if id % 4 < 2 {
        let all = |n: usize| (0..n.min(100) as u16).map(|i| (i, delivered(i.into()))).collect();
        let mut moves = vec![settle(id, 0, all(recipients(id)))];
        if recipients(id) > 100 {
            moves.push(settle(id, 1, all(recipients(id) - 100)));
        }
        let done = store.commit(moves).await.expect("settle");
        assert!(done.iter().all(|done| *done == Done::Ok));
        say("settled", id);
    }
}

/// Holds a mail, asks a moderator, and lets it go out.
async fn wait(store: &SqliteStore, id: u64) {
    let (mail, posts) = (mail(id, vec![b'x'; size(id)]), Vec::new());
    let hold = Move::Accept { mail, posts, held: vec![held::held(id, "5b")] };
    assert_eq!(store.commit(vec![hold]).await, Ok(vec![Done::Ok]));
    say("held", id);
    let told = held::told(id, 0, (asked(letter(id)), question(letter(id))));
    assert_eq!(store.commit(vec![Move::Told(told)]).await, Ok(vec![Done::Ok]));
    say("told", id);
    let yes = Ended { end: End::Accepted, by: By::Clock, at: T };
    let end = held::end(id, &yes, Some(post(id, "5b", people(recipients(id)))));
    assert_eq!(store.commit(vec![end]).await, Ok(vec![Done::Ok]));
    say("ended", id);
}

fn asked(id: u64) -> NewMail {
    mail(id, vec![b'x'; size(id)])
}

fn question(id: u64) -> NewPost {
    post(id, "notice", people(recipients(id)))
}

#[derive(Default)]
struct Acknowledged {
    accepted: BTreeSet<u64>,
    settled: BTreeSet<u64>,
    held: BTreeSet<u64>,
    told: BTreeSet<u64>,
    ended: BTreeSet<u64>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) -> bool {
        let Some((word, number)) = line.split_once(' ') else { return false };
        let known = match word {
            "accepted" => &mut self.accepted,
            "settled" => &mut self.settled,
            "held" => &mut self.held,
            "told" => &mut self.told,
            "ended" => &mut self.ended,
            _ => return false,
        };
        number.parse().is_ok_and(|id| known.insert(id))
    }
}

/// Kills a child some time after it said so many words; takes in all it had said.
fn run_and_kill(file: &Path, round: u64, words: usize, known: &mut Acknowledged) {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "store::sqlite::crash::child", "--ignored", "--nocapture"])
        .env(FILE, file)
        .env(FIRST, (round * ROUND).to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("child");
    let mut lines =
        BufReader::new(child.stdout.take().expect("pipe")).lines().map_while(Result::ok);
    let mut heard = 0;
    while heard < words {
        let line = lines.next().expect("the child goes on until it is killed");
        heard += usize::from(known.note(&line));
    }
    // Not a wait for anything: the moment of death shall be any.
    std::thread::sleep(Duration::from_micros(round * 731 % 3_000));
    child.kill().expect("kill -9");
    child.wait().expect("wait");
    for line in lines {
        known.note(&line);
    }
}

async fn check(store: &SqliteStore, known: &Acknowledged) {
    for id in &known.accepted {
        let account = store.account(PostId(*id)).await.expect("account");
        let account = account.unwrap_or_else(|| panic!("post {id} was accepted and is lost"));
        let finished = account.batches.iter().all(|b| b.outcomes.iter().all(|o| o.is_final()));
        assert!(finished || !known.settled.contains(id), "post {id}: an outcome is lost");
    }
    for id in &known.held {
        check_held(store, known, *id).await;
    }
    check_halves(store).await;
}

/// A step is there with its letter, a decision with its post; or neither.
async fn check_held(store: &SqliteStore, known: &Acknowledged, id: u64) {
    let row = store.held(PostId(id)).await.expect("held");
    let row = row.unwrap_or_else(|| panic!("{id} was held and is lost"));
    let there = async |id| store.post(PostId(id)).await.expect("post").is_some();
    let ticket = store.ticket(letter(id)).await.expect("ticket").is_some();
    assert_eq!((there(letter(id)).await, ticket), (row.step == 1, row.step == 1), "half told {id}");
    assert!(row.step == 1 || !known.told.contains(&id), "a step of {id} is lost");
    assert_eq!(there(id).await, row.ended.is_some(), "half decided {id}");
    assert!(row.ended.is_some() || !known.ended.contains(&id), "a decision of {id} is lost");
}

/// Whatever is there is there whole: batches, recipients and body; and nothing else is in the spool.
async fn check_halves(store: &SqliteStore) {
    let mut files = BTreeSet::new();
    for waiting in store.waiting(usize::MAX).await.expect("waiting") {
        let id = waiting.id.0;
        let account = store.account(waiting.id).await.expect("account").expect("is there");
        let there = account.batches.iter().flat_map(|b| &b.recipients).flatten().count();
        assert_eq!(there, recipients(id), "post {id} is half there");
        let untouched = account.batches.iter().map(|b| b.outcomes.iter().all(|o| !o.is_final()));
        assert!(untouched.into_iter().all(|all| all), "post {id} is half settled");
        let length = match store.body(waiting.mail).await.expect("body") {
            Some(Body::Memory(bytes)) => bytes.len(),
            Some(Body::File { path, .. }) => {
                files.insert(path.clone());
                std::fs::read(path).expect("body file").len()
            }
            None => panic!("post {id} has no body"),
        };
        assert_eq!(length, size(id), "the body of mail {id}");
    }
    for waiting in store.held_on(None, usize::MAX).await.expect("held") {
        let body = store.body(waiting.mail).await.expect("body");
        match body.unwrap_or_else(|| panic!("held mail {} has no body", waiting.id.0)) {
            Body::Memory(bytes) => assert_eq!(bytes.len(), size(waiting.id.0)),
            Body::File { path, .. } => drop(files.insert(path)),
        }
    }
    let dir = std::fs::read_dir(store.spool_dir()).expect("spool");
    let left: BTreeSet<PathBuf> = dir.map(|entry| entry.expect("entry").path()).collect();
    assert_eq!(left, files, "orphans in the spool");
}

/// Promises 1 and 2
#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("listd.db");
    let mut known = Acknowledged::default();
    for (round, words) in (1..).zip([1, 2, 5, 13, 40, 90, 3, 21]) {
        run_and_kill(&file, round, words, &mut known);
        let store = SqliteStore::open(&file).await.expect("open after kill -9");
        check(&store, &known).await;
        store.close().await;
    }
    assert!(known.settled.len() > 20, "the children did their work");
    assert!(known.ended.len() > 10 && known.told.len() >= known.ended.len(), "also on what waits");
}
