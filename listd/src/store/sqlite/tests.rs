//! What only the durable store promises: it survives, it is alone, it lets go, it fails cleanly.

use std::path::PathBuf;

use listcore::outcome::Outcome;
use tempfile::TempDir;

use super::*;
use crate::store::suite::{self, T, accept, day, delivered, mail, people, person, post, settle};
use crate::store::*;

struct Fixture {
    dir: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture { dir: tempfile::tempdir().expect("directory") }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("state/listd.db")
    }

    async fn open(&self) -> Arc<SqliteStore> {
        SqliteStore::open(self.path()).await.expect("open")
    }
}

async fn sql(store: &SqliteStore, sql: &'static str) {
    let (done, wait) = oneshot::channel();
    assert!(store.commands.send(Command::Sql(sql, done)).await.is_ok());
    wait.await.expect(sql);
}

fn large(id: u64, list: &str, size: usize) -> Move {
    Move::accept(mail(id, vec![b'x'; size]), vec![post(id, list, people(1))])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

#[tokio::test]
async fn the_suite() {
    let dir = tempfile::tempdir().expect("directory");
    let number = std::sync::atomic::AtomicU32::new(0);
    suite::run(async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let store = SqliteStore::open(dir.path().join(format!("{number}.db"))).await.expect("open");
        let spool = store.spool_dir().to_owned();
        (store, spool)
    })
    .await;
}

/// Promise 1
#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let moves = vec![accept(1, "5b", people(150)), large(2, "5b", 2_000_000)];
    store.commit(moves).await.expect("commit");
    store.commit(vec![settle(1, 1, vec![(3, delivered(7))])]).await.expect("commit");
    store.close().await;
    assert!(matches!(store.commit(vec![]).await, Err(StoreError::Failed(_))));
    assert!(matches!(store.due().await, Err(StoreError::Failed(_))));
    let store = fixture.open().await;
    assert_eq!(store.due().await.expect("due").len(), 3);
    let batch = store.batch(BatchId { post: PostId(1), number: 1 }).await.expect("batch");
    assert_eq!(batch.expect("is there").outcomes[3], delivered(7));
    let body = store.body(MailId(2)).await.expect("body").expect("is there");
    let Body::File { path, size } = body else { panic!("a large body is a file") };
    assert_eq!((fs::read(&path).expect("read").len(), size), (2_000_000, 2_000_000));
    let modes = [mode(&fixture.path()), mode(&path), mode(store.spool_dir())];
    assert_eq!((modes, mode(&fixture.dir.path().join("state"))), ([0o600, 0o600, 0o700], 0o700));
}

#[tokio::test]
async fn two_daemons_never_share_a_store() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    assert!(matches!(SqliteStore::open(fixture.path()).await, Err(StoreError::Locked(_))));
    store.close().await;
    fixture.open().await.close().await;
}

#[tokio::test]
async fn what_a_crash_left_in_the_spool_is_removed() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    store.commit(vec![large(1, "5b", 100_000)]).await.expect("commit");
    store.close().await;
    for name in ["9.mail", "1.tmp", "in.77", "x.mail"] {
        fs::write(store.spool_dir().join(name), "left over").expect("write");
    }
    let store = fixture.open().await;
    let names: Vec<_> = fs::read_dir(store.spool_dir())
        .expect("spool")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    assert_eq!(names, ["1.mail"]);
}

/// Promise 10: stored garbage is an error for who asked, and for nobody else.
#[tokio::test]
async fn a_broken_row_is_an_error_for_who_asks() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let moves = (1..=4).map(|n| accept(n, "5b", people(2))).collect();
    store.commit(moves).await.expect("commit");
    sql(&store, "UPDATE batch SET outcomes = x'01ff' WHERE post = 1").await;
    sql(&store, "UPDATE batch SET recipients = x'02' WHERE post = 2").await;
    sql(&store, "UPDATE post SET frozen = x'017b' WHERE id = 3").await;
    sql(&store, "UPDATE recipient SET address = 'nothing' WHERE id = 2").await;
    let batch = async |n| store.batch(BatchId { post: PostId(n), number: 0 }).await;
    assert!(batch(1).await.is_err() && batch(2).await.is_err() && batch(4).await.is_err());
    assert!(store.account(PostId(3)).await.is_err() && store.waiting(9).await.is_err());
    let (broken, fine) = tokio::join!(
        store.commit(vec![accept(5, "5c", people(1)), settle(1, 0, vec![(0, delivered(1))])]),
        store.commit(vec![settle(4, 0, vec![(0, delivered(1))])]),
    );
    assert!(matches!(broken, Err(StoreError::Failed(_))), "{broken:?}");
    assert_eq!(fine, Ok(vec![Done::Ok]));
    assert!(store.post(PostId(5)).await.expect("post").is_none(), "all or nothing");
    sql(&store, "DELETE FROM recipient WHERE id = 2").await;
    let batch = batch(4).await.expect("batch").expect("is there");
    assert!(batch.recipients[1].is_none(), "an erased person");
    assert_eq!(batch.recipients[0].as_ref().map(|(_, r)| r), Some(&person(0)));
}

/// Promise 2: outcomes that were taken back are not remembered by the next ones of their batch.
#[tokio::test]
async fn what_was_taken_back_is_forgotten() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let moves = vec![accept(1, "5b", people(4)), accept(2, "5c", people(1))];
    store.commit(moves).await.expect("commit");
    sql(&store, "UPDATE batch SET outcomes = x'01ff' WHERE post = 2").await;
    let one = |index, at| settle(1, 0, vec![(index, delivered(at))]);
    store.commit(vec![one(0, 1)]).await.expect("commit");
    let broken = vec![one(1, 2), settle(2, 0, vec![(0, delivered(2))])];
    assert!(matches!(store.commit(broken).await, Err(StoreError::Failed(_))));
    store.commit(vec![one(2, 3)]).await.expect("commit");
    let batch = store.batch(BatchId { post: PostId(1), number: 0 }).await.expect("batch");
    let expected = [delivered(1), Outcome::Waiting, delivered(3), Outcome::Waiting];
    assert_eq!(batch.expect("is there").outcomes, expected);
}

/// Promise 5: a full disk costs no one else's outcome, and the store goes on when there is room again.
#[tokio::test]
async fn a_full_disk_is_said_and_survived() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    store.commit(vec![accept(1, "5b", people(2))]).await.expect("commit");
    sql(&store, "PRAGMA max_page_count = 1").await; // = as large as it is now
    let big = || Move::accept(mail(2, vec![b'x'; 60_000]), vec![post(2, "5c", people(1))]);
    let file = || large(3, "5d", 100_000_000 / 1_000);
    let (full, fine) = tokio::join!(
        store.commit(vec![file(), big()]),
        store.commit(vec![settle(1, 0, vec![(0, delivered(1))])])
    );
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    assert_eq!(fine, Ok(vec![Done::Ok]));
    assert_eq!(fs::read_dir(store.spool_dir()).expect("spool").count(), 0, "no file is left");
    sql(&store, "PRAGMA max_page_count = 1000000").await;
    assert_eq!(store.commit(vec![big(), file()]).await, Ok(vec![Done::Ok, Done::Ok]));
}

/// GD8: what is erased stands nowhere on the disk.
#[tokio::test]
async fn erased_means_overwritten() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let body = "Subject: geheim\r\n\r\nGeheimnis\r\n".repeat(100);
    for n in 1..=20 {
        let posts = vec![post(n, "5b", people(100 * n as usize))];
        store.commit(vec![Move::accept(mail(n, body.clone()), posts)]).await.expect("commit");
    }
    let everything = || {
        let db = fixture.path();
        [db.clone(), beside(&db, "-wal"), beside(&db, "-shm")]
            .iter()
            .flat_map(|path| fs::read(path).unwrap_or_default())
            .collect::<Vec<u8>>()
    };
    let holds = |text: &str| memchr::memmem::find(&everything(), text.as_bytes()).is_some();
    assert!(holds("@post.example") && holds("Geheimnis") && holds("J\u{f6}rg Nr."));
    for n in 1..=20 {
        for number in 0..n as u32 {
            let all = (0..100).map(|i| (i, delivered(1))).collect();
            store.commit(vec![settle(n, number, all)]).await.expect("commit");
        }
    }
    assert_eq!(store.commit(vec![Move::Erase { before: day(30) }]).await, Ok(vec![Done::Ok]));
    let left =
        ["@post.example", "Geheimnis", "J\u{f6}rg Nr.", "person-1", "m1@x.example"].map(holds);
    assert_eq!(left, [false; 5]);
    assert_eq!(store.counts().await, Ok(Counts::default()));
    assert!(store.trace("m1@x.example").await.expect("trace").0.is_empty());
    assert!(T < day(30));
}

/// Promise 5 on a real small disk: `mount -t tmpfs -o size=80m tmpfs DIR`, then run with `LISTD_SMALL_DISK=DIR`.
/// New mail is refused while there is still room for the outcomes of the old.
#[tokio::test]
#[ignore = "needs a small file system"]
async fn a_small_disk_fills_up_and_is_freed() {
    let dir = std::env::var("LISTD_SMALL_DISK").expect("LISTD_SMALL_DISK names an empty directory");
    let file = Path::new(&dir).join("listd.db");
    let store = SqliteStore::open(&file).await.expect("open");
    let mut accepted = Vec::new();
    for id in 1..1_000 {
        let size = if id % 2 == 0 { 60_000 } else { 200_000 };
        match store.commit(vec![large(id, "5b", size)]).await {
            Ok(done) => {
                assert_eq!(done, [Done::Ok]);
                accepted.push(id);
            }
            Err(StoreError::Full(_)) => {}
            Err(other) => panic!("mail {id}: {other}"),
        }
    }
    assert!((10..900).contains(&accepted.len()), "{} of 999 found room", accepted.len());
    for id in &accepted {
        let settled = store.commit(vec![settle(*id, 0, vec![(0, delivered(1))])]).await;
        assert_eq!(settled, Ok(vec![Done::Ok]), "mail {id}");
    }
    store.commit(vec![Move::Erase { before: day(30) }]).await.expect("erase");
    store.commit(vec![large(2_000, "5b", 200_000)]).await.expect("room again");
}

/// Keeps what it was told, and how many commits went well and did not.
#[derive(Default)]
struct Diary {
    facts: std::sync::Mutex<Vec<witness::Fact>>,
    commits: std::sync::Mutex<(usize, usize)>,
}

impl Diary {
    fn facts(&self) -> Vec<witness::Fact> {
        std::mem::take(&mut self.facts.lock().expect("facts"))
    }
}

impl Witness for Diary {
    fn saw(&self, fact: &witness::Fact) {
        self.facts.lock().expect("facts").push(fact.clone());
    }

    fn committed(&self, _: Duration, result: Result<(), &StoreError>) {
        let mut commits = self.commits.lock().expect("commits");
        if result.is_ok() { commits.0 += 1 } else { commits.1 += 1 }
    }
}

/// A witness hears what became durable, also of a post that was accepted in an earlier life, and its end once.
#[tokio::test]
async fn a_witness_hears_of_every_commit_and_of_the_end_of_each_post() {
    use witness::{Counted, Fact, Kind};
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let diary = Arc::new(Diary::default());
    store.watched_by(vec![diary.clone()]);
    let moves = vec![accept(1, "l", people(102)), accept(2, "l", people(1))];
    store.commit(moves.clone()).await.expect("commit");
    let facts = diary.facts();
    assert_eq!(facts.len(), 2, "{facts:?}");
    assert!(matches!(&facts[0], Fact::Accepted { post: PostId(1), recipients: 102, .. }));
    store
        .commit(vec![accept(3, "l", people(1)), settle(1, 1, vec![(0, delivered(1))])])
        .await
        .expect("commit");
    assert!(
        matches!(&diary.facts()[1], Fact::Settled { about: Some(_), outcomes, .. } if *outcomes == [Kind::Delivered])
    );
    store.close().await;

    let store = fixture.open().await;
    let diary = Arc::new(Diary::default());
    store.watched_by(vec![diary.clone()]);
    let first: Vec<(u16, Outcome)> = (0..100).map(|i| (i, delivered(5_000))).collect();
    store.commit(vec![settle(1, 0, first)]).await.expect("commit");
    let facts = diary.facts();
    assert!(matches!(&facts[..], [Fact::Settled { about: Some(_), .. }]), "{facts:?}");
    store.commit(vec![settle(1, 1, vec![(1, delivered(7_000))])]).await.expect("commit");
    let facts = diary.facts();
    let Some(Fact::Finished { post: PostId(1), counts, .. }) = facts.last() else {
        panic!("{facts:?}")
    };
    assert_eq!(*counts, Counted { delivered: 102, failed: 0, dropped: 0 });
    store.close().await;
    store.commit(vec![accept(9, "l", people(1))]).await.expect_err("closed");
    assert!(matches!(&diary.facts()[..], [Fact::NotStored { full: false, .. }]));
    assert_eq!(*diary.commits.lock().expect("commits"), (2, 1));
}

/// What `/healthz` asks: something is written and synced, and nothing is changed by it.
#[tokio::test]
async fn a_probe_writes_and_a_closed_store_fails_it() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let journal = beside(&fixture.path(), "-wal");
    sql(&store, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert_eq!(fs::metadata(&journal).expect("journal").len(), 0);
    assert_eq!(store.probe().await, Ok(()));
    assert!(fs::metadata(&journal).expect("journal").len() > 0, "it was written");
    store.close().await;
    assert!(matches!(store.probe().await, Err(StoreError::Failed(_))));
}
