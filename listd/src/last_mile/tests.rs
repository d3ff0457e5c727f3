//! A log that grows beside a store: what is heard, of whom, and what is forgotten.

use std::io::Write;
use std::path::Path;

use listcore::outcome::Outcome;

use super::*;
use crate::store::memory::MemoryStore;
use crate::store::suite::{T, accept, people, settle};
use crate::store::{Commit, PostId};

const HEAD: &str = "2026-11-22 08:00:00 +0000";

fn taken(queue_id: &str) -> Outcome {
    let reply = Reply { code: 250, text: format!("OK id={queue_id}") };
    Outcome::Delivered { at: T, reply, queue_id: Some(queue_id.to_owned()) }
}

fn append(path: &Path, lines: &[&str]) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    for line in lines {
        writeln!(file, "{HEAD} {line}").unwrap();
    }
}

struct House {
    store: Arc<MemoryStore>,
    copies: Arc<Copies>,
    follower: Follower,
    log: PathBuf,
    _dir: tempfile::TempDir,
}

impl House {
    async fn new() -> House {
        let dir = tempfile::tempdir().unwrap();
        let (log, store) = (dir.path().join("mainlog"), MemoryStore::new());
        append(&log, &["1aaaaa-000001-11 => old@x.example R=o T=o H=mx C=\"250 ok\""]);
        store.commit(vec![accept(1, "5b", people(4))]).await.unwrap();
        let copies = Arc::<Copies>::default();
        let follower = follower(&store, &copies, &log);
        let mut house = House { store, copies, follower, log, _dir: dir };
        house.follower.look().await;
        house
    }

    /// As the store tells its witnesses.
    async fn settled(&self, index: u16, queue_id: &str) {
        self.store.commit(vec![settle(1, 0, vec![(index, taken(queue_id))])]).await.unwrap();
        let batch = BatchId { post: PostId(1), number: 0 };
        self.copies.add([crate::store::last_mile::Underway {
            batch,
            index,
            queue_id: queue_id.to_owned(),
        }]);
    }

    async fn heard(&self) -> Vec<Outcome> {
        let heard = self.store.heard(PostId(1)).await.unwrap();
        heard.into_iter().next().map(|(_, outcomes)| outcomes).unwrap_or_default()
    }
}

fn follower(store: &Arc<MemoryStore>, copies: &Arc<Copies>, log: &Path) -> Follower {
    Follower::new(Parts {
        path: log.to_owned(),
        store: store.clone(),
        copies: copies.clone(),
        clock: Arc::new(|| T),
    })
}

#[tokio::test]
async fn each_recipient_gets_her_servers_answer() {
    let mut house = House::new().await;
    house.settled(0, "1aaaaa-000001-aa").await;
    house.settled(1, "1aaaaa-000002-bb").await;
    house.settled(2, "1aaaaa-000002-bb").await;
    append(
        &house.log,
        &[
            "1aaaaa-000001-aa ** Eltern0@post.example R=o T=o H=mx00.t-online.de [192.0.2.1]: SMTP error from remote \
             mail server after end of data: 554 5.7.0 <eltern0@post.example> blocked",
            "1aaaaa-000001-aa Completed",
            "1aaaaa-000002-bb == eltern2@post.example R=o T=o defer (-44) H=mx [192.0.2.2]: SMTP error: 451 4.2.2 over quota",
            "1aaaaa-000002-bb => Eltern1@POST.example R=o T=o H=mx [192.0.2.2] C=\"250 ok\"",
            "1aaaaa-000009-zz => somebody@else.example R=o T=o H=mx [192.0.2.2] C=\"250 ok\"",
        ],
    );
    house.follower.look().await;
    let all = house.heard().await;
    let Outcome::Failed { reply, at } = &all[0] else { panic!("{all:?}") };
    assert_eq!(
        (reply.code, reply.text.as_str()),
        (554, "5.7.0 <(address)> blocked [mx00.t-online.de]")
    );
    assert_eq!(*at, Timestamp(1_795_334_400_000), "when the log says");
    assert!(matches!(&all[1], Outcome::Delivered { .. }), "{all:?}");
    assert!(matches!(&all[2], Outcome::Deferred { attempts: 1, .. }), "{all:?}");
    assert_eq!(all[3], Outcome::Waiting);
    assert_eq!(house.copies.of("1aaaaa-000001-aa"), None, "nothing more will come");
    let said = house.store.said(Timestamp(0)).await.unwrap();
    let said: Vec<_> =
        said.iter().map(|s| (s.answer.as_str(), s.reason.as_str(), s.count)).collect();
    assert_eq!(said, [("accepted", "", 1), ("deferred", "full", 1), ("refused", "policy", 1)]);
}

/// Exim may have delivered before our own commit is through; and what is not ours is never stored.
#[tokio::test]
async fn a_line_may_come_before_its_commit() {
    let mut house = House::new().await;
    append(
        &house.log,
        &[
            "1aaaaa-000001-aa => eltern0@post.example R=o T=o H=mx C=\"250 ok\"",
            "1aaaaa-000001-aa Completed",
        ],
    );
    house.follower.look().await;
    assert!(house.heard().await.is_empty() && house.follower.strangers.len() == 2);
    house.settled(0, "1aaaaa-000001-aa").await;
    house.follower.look().await;
    assert!(matches!(house.heard().await[0], Outcome::Delivered { .. }));
    assert!(house.follower.strangers.is_empty() && house.copies.of("1aaaaa-000001-aa").is_none());
    for n in 0..STRANGERS + 10 {
        append(&house.log, &[&format!("1aaaaa-{n:06}-zz Completed")]);
    }
    house.follower.look().await;
    assert_eq!(house.follower.strangers.len(), STRANGERS);
    house.follower.parts.clock = Arc::new(|| T + PATIENCE + Duration::from_secs(1));
    house.follower.look().await;
    assert!(house.follower.strangers.is_empty());
}

#[tokio::test]
async fn it_goes_on_after_a_restart() {
    let mut house = House::new().await;
    house.settled(0, "1aaaaa-000001-aa").await;
    house.follower.keep(true).await;
    std::fs::rename(&house.log, house.log.with_extension("1")).unwrap();
    append(
        &house.log.with_extension("1"),
        &["1aaaaa-000001-aa => eltern0@post.example R=o T=o H=mx C=\"250 ok\""],
    );
    append(&house.log, &["1aaaaa-000001-aa Completed"]);
    let copies = Arc::<Copies>::default();
    let mut again = follower(&house.store, &copies, &house.log);
    again.look().await;
    assert!(matches!(house.heard().await[0], Outcome::Delivered { .. }), "the store knew the copy");
    assert_eq!(copies.of("1aaaaa-000001-aa"), None);
}

#[tokio::test]
async fn a_store_in_trouble_loses_nothing() {
    let mut house = House::new().await;
    house.settled(0, "1aaaaa-000001-aa").await;
    house.store.fail_with(Some(StoreError::Failed("test".into())));
    append(&house.log, &["1aaaaa-000001-aa => eltern0@post.example R=o T=o H=mx C=\"250 ok\""]);
    house.follower.look().await;
    assert!(house.heard().await.is_empty());
    house.store.fail_with(None);
    house.follower.look().await;
    assert!(matches!(house.heard().await[0], Outcome::Delivered { .. }));
}
