//! Figures of the store, printed and not judged: `cargo test -p listd --lib store::sqlite::bench -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::SqliteStore;
use crate::store::suite::{T, accept, delivered, people, person, settle};
use crate::store::*;

/// Runs `times` and tells the mean.
async fn mean(times: u64, mut run: impl AsyncFnMut(u64)) -> Duration {
    let start = Instant::now();
    for n in 0..times {
        run(n).await;
    }
    start.elapsed() / u32::try_from(times).unwrap_or(u32::MAX)
}

async fn ok(store: &SqliteStore, change: Move) {
    assert_eq!(store.commit(vec![change]).await, Ok(vec![Done::Ok]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures, judges nothing"]
async fn figures() {
    let dir = tempfile::tempdir_in(".").expect("directory");
    let store = SqliteStore::open(dir.path().join("listd.db")).await.expect("open");

    let one = mean(200, async |n| ok(&store, accept(n + 1, "5b", vec![person(1)])).await).await;
    println!("accept, one recipient, alone: {one:?} = {:.0}/s", 1.0 / one.as_secs_f64());

    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..50_u64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in 0..40 {
                ok(&store, accept(1_000 + caller * 100 + n, "5b", vec![person(1)])).await;
            }
        });
    }
    tasks.join_all().await;
    let rate = 2_000.0 / start.elapsed().as_secs_f64();
    println!("accept, one recipient, 50 callers: {rate:.0}/s");

    let class = people(1_000);
    let new = mean(1, async |_| ok(&store, accept(10_000, "all", class.clone())).await).await;
    let known =
        mean(20, async |n| ok(&store, accept(10_001 + n, "all", class.clone())).await).await;
    println!("accept, 1,000 recipients: {new:?} new, {known:?} known");

    let eight = |from: u16| (from..from + 8).map(|i| (i, delivered(i.into()))).collect();
    let settled = mean(120, async |n| {
        let (batch, from) = ((n / 12) as u32, (n % 12) as u16 * 8);
        ok(&store, settle(10_000, batch, eight(from))).await;
    });
    println!("settle 8 outcomes, alone: {:?}", settled.await);
    let moves: Vec<Move> =
        (0..120).map(|n| settle(10_001, n / 12, eight((n % 12) as u16 * 8))).collect();
    let start = Instant::now();
    store.commit(moves).await.expect("commit");
    println!("settle 8 outcomes, without the sync: {:?}", start.elapsed() / 120);

    let id = BatchId { post: PostId(10_002), number: 3 };
    let read = mean(200, async |_| assert!(store.batch(id).await.expect("batch").is_some())).await;
    println!("read a batch of 100: {read:?}");

    let entries: Vec<_> = (0..50_000).map(|n| (format!("{n:032}"), vec![b'x'; 400])).collect();
    let replace = |at| ReplicaChange::Replace { entries: entries.clone(), cookie: vec![1], at };
    let first = mean(1, async |_| ok(&store, Move::Replica(replace(T))).await).await;
    let same = mean(1, async |_| ok(&store, Move::Replica(replace(T))).await).await;
    let load = mean(3, async |_| drop(store.replica().await.expect("replica"))).await;
    println!("replica of 50,000: replace {first:?}, the same again {same:?}, load {load:?}");

    let start = Instant::now();
    ok(&store, Move::Erase { before: T }).await;
    println!("erase: {:?}", start.elapsed());
    store.close().await;
}
