//! Stores of earlier releases, kept in `fixtures/store`: today's code migrates and reads them, whole.
//!
//! A new release adds its own: `cargo test -p listd --lib -- --ignored the_store_of_this_release_is_made`. A file of
//! a release that is out is never made anew: what cannot read it must learn to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use listcore::config::Config;
use listcore::ldif;
use listcore::mapping::Mapping;
use listcore::outcome::{Dropped, Outcome, Reply};

use super::sqlite::SqliteStore;
use super::suite::{self, T, accept, day, deferred, delivered, frozen, mail, people, person, post};
use super::*;
use crate::directory::query::StoredCookie;
use crate::directory::replica::Replica as Entries;
use crate::directory::snapshot::{Keeper, restore};
use crate::directory::{Live, Mode};

/// The mail that is a row; one of 70 KB would be a file beside the store.
const SMALL: &[u8] = "From: anna@x.example\r\nSubject: Grüße\r\n\r\nÄpfel\r\n".as_bytes();

const LDIF: &str = "dn: uid=anna,dc=schule,dc=example\nobjectClass: inetOrgPerson\nuid: anna\ncn: Anna\nmail: anna@x.example\n\n\
    dn: cn=klasse-5b,dc=schule,dc=example\nobjectClass: groupOfNames\ncn: klasse-5b\nmail: klasse-5b@schule.example\n\
    member: uid=anna,dc=schule,dc=example\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/store")
}

fn mapping() -> Arc<Mapping> {
    let text = "[directory]\nurl = \"ldap://127.0.0.1\"\nbase = \"dc=schule,dc=example\"\n[relay]\n\
        address = \"127.0.0.1:25\"\n[[domain]]\nname = \"schule.example\"\n";
    let config = Config::parse("listd.toml", text).expect("right");
    Arc::new(Mapping::new(&config.directory.lists, &config.directory.people).expect("mapping"))
}

fn batch(post: u64, number: u32) -> BatchId {
    BatchId { post: PostId(post), number }
}

fn refused() -> Outcome {
    let reply = Reply { code: 550, text: "5.1.1 unbekannt".into() };
    Outcome::Failed { at: Timestamp(T.0 + 9), reply }
}

fn left() -> Outcome {
    Outcome::Dropped { at: Timestamp(T.0 + 9), why: Dropped::LeftList }
}

fn event() -> TraceEvent {
    TraceEvent {
        at: T,
        message_id: "no@x.example".into(),
        list: Some(ListId("5b".into())),
        recipient: "klasse-5b@schule.example".into(),
        author: Some("fremd@x.example".into()),
        what: "refused".into(),
        why: "P1 550 5.7.1 Nur Mitglieder".into(),
    }
}

fn bounce() -> BounceEvent {
    let list = Some(ListId("5b".into()));
    let (recipient, summary) = (Some(RecipientRef(1)), "dsn 5.1.1".into());
    BounceEvent { at: T, recipient, list, summary, ..BounceEvent::default() }
}

/// Post 1 waits, of post 2's two batches one is deferred in part, post 3 is finished in every way.
fn moves() -> Vec<Move> {
    let one = mail(1, SMALL);
    let settle = |post, number, outcomes| Move::Settle { batch: batch(post, number), outcomes };
    vec![
        Move::accept(one, vec![post(1, "5b", people(3)), post(2, "6a", people(102))]),
        accept(3, "5b", people(3)),
        settle(
            2,
            0,
            (0..100)
                .map(|n| (n, if n == 7 { deferred(5, 60_000) } else { delivered(5) }))
                .collect(),
        ),
        settle(3, 0, vec![(0, delivered(9)), (1, refused()), (2, left())]),
        Move::Trace(event()),
        Move::Bounce(bounce()),
    ]
}

/// The directory's own form, written by the directory's own hand.
async fn keep_replica(store: Arc<SqliteStore>) {
    let mapping = mapping();
    let mut replica = Entries::new(mapping.clone());
    for (number, entry) in ldif::parse(LDIF.as_bytes()).expect("LDIF").into_iter().enumerate() {
        replica.upsert(&format!("00000000-0000-0000-0000-00000000000{number}"), entry);
    }
    let live = Live::new(mapping, Mode::Sync, "ldap://127.0.0.1".into(), Duration::from_secs(900));
    live.fresh(T, None);
    let keeper = Arc::new(Keeper::new(store.clone(), Arc::new(live), Vec::new()));
    keeper.replace(&replica, &StoredCookie::new([1; 32], b"rid=001,csn=x".to_vec()));
    let run = tokio::spawn(async move { keeper.run().await });
    while store.replica().await.expect("replica").entries.is_empty() {
        tokio::task::yield_now().await;
    }
    run.abort();
}

#[tokio::test]
#[ignore = "makes a fixture"]
async fn the_store_of_this_release_is_made() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("listd.db");
    let store = SqliteStore::open(&path).await.expect("open");
    store.commit(moves()).await.expect("commit");
    keep_replica(store.clone()).await;
    store.close().await;
    std::fs::create_dir_all(folder()).expect("folder");
    let name = format!("{}.db", env!("CARGO_PKG_VERSION"));
    std::fs::copy(&path, folder().join(name)).expect("copied");
}

#[tokio::test]
async fn the_store_of_every_release_is_read() {
    let found = std::fs::read_dir(folder()).expect("fixtures/store").filter_map(Result::ok);
    let mut files: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "db"));
    assert!(!files.is_empty(), "no store is kept in fixtures/store");
    for file in files {
        println!("{}", file.display());
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("listd.db");
        std::fs::copy(&file, &path).expect("copied");
        // The second start finds what the first has migrated.
        for _ in 0..2 {
            let store = SqliteStore::open(&path).await.expect("migrated and open");
            read_queue(&store).await;
            read_history(&store).await;
            read_replica(&store).await;
            store.close().await;
        }
        let store = SqliteStore::open(&path).await.expect("open");
        goes_on(&store).await;
    }
}

async fn read_queue(store: &SqliteStore) {
    let mut due = store.due().await.expect("due");
    due.sort_by_key(|batch| batch.id);
    let due: Vec<_> = due.into_iter().map(|d| (d.id, d.list.0, d.due)).collect();
    let next = Timestamp(T.0 + 60_000);
    let (b, a) = ("5b".to_owned(), "6a".to_owned());
    let waiting = due.first().map(|d| d.2).expect("due");
    assert_eq!(
        due,
        [(batch(1, 0), b, waiting), (batch(2, 0), a.clone(), next), (batch(2, 1), a, waiting)]
    );

    let one = store.batch(batch(1, 0)).await.expect("batch").expect("is there");
    assert_eq!(one.outcomes, vec![Outcome::Waiting; 3]);
    let known: Vec<Recipient> = one.recipients.into_iter().flatten().map(|(_, r)| r).collect();
    assert_eq!(known, people(3));
    let two = store.batch(batch(2, 0)).await.expect("batch").expect("is there");
    assert_eq!((&two.outcomes[7], &two.outcomes[8]), (&deferred(5, 60_000), &delivered(5)));

    let post = store.post(PostId(2)).await.expect("post").expect("is there");
    assert_eq!((&post.frozen, post.mail, post.expires), (&frozen("6a"), MailId(1), day(5)));
    assert_eq!(
        (post.message_id.as_str(), post.accepted, post.size),
        ("m1@x.example", T, SMALL.len() as u64)
    );
    match store.body(MailId(1)).await.expect("body").expect("is there") {
        Body::Memory(bytes) => assert_eq!(bytes, SMALL),
        Body::File { .. } => panic!("a small body is a row"),
    }
    let counts = store.counts().await.expect("counts");
    let told =
        (counts.mails, counts.posts_waiting, counts.recipients_waiting, counts.recipients_deferred);
    assert_eq!(told, (1, 2, 5, 1));
    assert_eq!((counts.bounces, counts.bounces_unattributed), (1, 0));
}

async fn read_history(store: &SqliteStore) {
    let (accounts, _) = store.trace("m3@x.example").await.expect("trace");
    let outcomes: Vec<_> =
        accounts.iter().flat_map(|a| &a.batches).flat_map(|b| &b.outcomes).collect();
    assert_eq!(outcomes, [&delivered(9), &refused(), &left()]);
    let (_, events) = store.trace("no@x.example").await.expect("trace");
    assert_eq!(events, [event()]);
    // The number is in return addresses that are out in the world.
    let known = store.recipient(RecipientRef(1)).await.expect("recipient");
    assert_eq!(known, Some(person(0)));
}

async fn read_replica(store: &SqliteStore) {
    let restored = restore(store, mapping()).await.expect("the snapshot can be used");
    assert_eq!((restored.at, restored.cookie.cookie.as_slice()), (T, b"rid=001,csn=x".as_slice()));
    assert_eq!((restored.replica.people(), restored.replica.groups().count()), (1, 1));
}

/// A retry is still a duplicate, and what waits can be finished.
async fn goes_on(store: &SqliteStore) {
    let again = accept(30, "5b", people(1));
    let Move::Accept { mut mail, posts, held } = again else { unreachable!("it is one") };
    mail.message_id = "m3@x.example".into();
    let done = store.commit(vec![Move::Accept { mail, posts, held }]).await.expect("commit");
    assert_eq!(done, [Done::Duplicate(PostId(3))]);
    let all = (0..3).map(|n| (n, suite::delivered(11))).collect();
    store.commit(vec![suite::settle(1, 0, all)]).await.expect("settled");
    let due = store.due().await.expect("due");
    assert!(due.iter().all(|d| d.id.post == PostId(2)), "{due:?}");
}
