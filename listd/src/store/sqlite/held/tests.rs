//! What only the durable store promises of held mail: it survives, it is told of, it is found without a search.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use listcore::hold::{By, End, Ended};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::store::suite::held::{end, hold, letter, told};
use crate::store::suite::{day, delivered, people, post, settle};
use crate::store::witness::{Fact, Witness};
use crate::store::{Commit, Queue, Report};

async fn open(dir: &Path) -> Arc<SqliteStore> {
    SqliteStore::open(dir.join("listd.db")).await.expect("open")
}

fn decided(end: End) -> Ended {
    Ended { end, by: By::Admin("user 0".into()), at: day(2) }
}

/// Promise 1
#[tokio::test]
async fn what_waits_survives_a_restart() {
    let dir = tempfile::tempdir().expect("directory");
    let store = open(dir.path()).await;
    let mark = Mark {
        kind: MarkKind::Always,
        list: Some(ListId("5b".into())),
        who: "anna@x.example".into(),
        value: String::new(),
        until: None,
    };
    let moves = vec![hold(1, "5b"), hold(2, "5b"), Move::Told(told(1, 0, letter(11)))];
    assert_eq!(store.commit(moves).await, Ok(vec![Done::Ok; 3]));
    let no = decided(End::Rejected("Bitte an die Klasse".into()));
    store.commit(vec![end(2, &no, None), Move::Mark(mark.clone())]).await.expect("commit");
    let held = async |store: &SqliteStore, id| store.held(PostId(id)).await.expect("held");
    let before = (held(&store, 1).await, held(&store, 2).await);
    store.close().await;
    let store = open(dir.path()).await;
    assert_eq!((held(&store, 1).await, held(&store, 2).await), before);
    assert_eq!(before.1.and_then(|held| held.ended), Some(no.clone()));
    assert!(store.ticket(11).await.expect("ticket").is_some());
    let marks = store.marked(MarkKind::Always, mark.list.as_ref(), &mark.who, day(9)).await;
    assert_eq!(marks, Ok(vec![mark]));
    assert!(store.body(MailId(1)).await.expect("body").is_some());
    assert_eq!(store.commit(vec![end(2, &no, None)]).await, Ok(vec![Done::Ended(no)]));
}

#[derive(Default)]
struct Diary(Mutex<Vec<Fact>>);

impl Witness for Diary {
    fn saw(&self, fact: &Fact) {
        self.0.lock().expect("facts").push(fact.clone());
    }

    fn committed(&self, _: Duration, _: Result<(), &StoreError>) {}
}

/// Each held mail, each letter and each decision once; what goes out is finished as any other.
#[tokio::test]
async fn a_witness_hears_how_it_ended() {
    let dir = tempfile::tempdir().expect("directory");
    let store = open(dir.path()).await;
    let diary = Arc::new(Diary::default());
    store.watched_by(vec![diary.clone()]);
    let yes = decided(End::Accepted);
    let out = || Some(post(1, "5b", people(1)));
    store
        .commit(vec![
            hold(1, "5b"),
            Move::Told(told(1, 0, letter(11))),
            Move::Told(told(1, 0, letter(12))),
            end(1, &yes, out()),
            end(1, &yes, out()),
            settle(1, 0, vec![(0, delivered(2 * 24 * 3600 * 1000 + 3_000))]),
        ])
        .await
        .expect("commit");
    let facts = std::mem::take(&mut *diary.0.lock().expect("facts"));
    let [
        Fact::Held { held: PostId(1), .. },
        Fact::Accepted { post: PostId(11), recipients: 2, .. },
        Fact::Decided {
            held: PostId(1), about: Some(_), end: "accepted", by: "admin", waited, ..
        },
        Fact::Settled { about: Some(_), .. },
        Fact::Finished { post: PostId(1), took, .. },
    ] = &facts[..]
    else {
        panic!("{facts:#?}")
    };
    assert_eq!((waited.as_secs(), took.as_secs()), (2 * 24 * 3600, 3), "the wait is not delivery");
    assert_eq!(store.counts().await.expect("counts").held, 0);
}

/// What is asked for each mail, each minute or each page is found by an index.
#[tokio::test]
async fn nothing_searches_a_whole_table() {
    let dir = tempfile::tempdir().expect("directory");
    open(dir.path()).await.close().await;
    let file = SqliteConnectOptions::new().filename(dir.path().join("listd.db"));
    let mut db = file.connect().await.expect("connect");
    for sql in [
        held!("WHERE held.id = 1"),
        held!("WHERE message_id = 'x' ORDER BY received, held.id"),
        held!("WHERE list = 'x' AND ended_at IS NULL ORDER BY received, held.id LIMIT 9"),
        held!("WHERE next IS NOT NULL ORDER BY next, held.id LIMIT 65"),
        "SELECT 1 FROM held WHERE mail = 1 AND ended_at IS NULL",
        "SELECT ticket FROM ticket WHERE number = 1",
        "SELECT ticket FROM ticket WHERE post = 1 ORDER BY number",
        "SELECT value, until FROM mark WHERE kind = 'x' AND who = 'x' AND list = 'x'",
        "DELETE FROM held WHERE ended_at < 1",
        "DELETE FROM ticket WHERE expires < 1",
        "DELETE FROM mark WHERE until < 1",
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(&mut db)
                .await
                .expect(sql);
        for (.., step) in plan {
            let searches = step.starts_with("SCAN ") && !step.contains(" USING ");
            assert!(!searches, "{sql}: {step}");
        }
    }
}
