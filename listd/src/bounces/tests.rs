//! The room over a small school: bounces come in by the real intake, the store is in memory, the clock is moved.

use std::sync::Mutex as Plain;

use listcore::list::ListId;
use listcore::outcome::{Dropped, Reply};
use listcore::token;

use super::*;
use crate::ids::Ids;
use crate::members::Claim;
use crate::pipeline::testing::School;
use crate::store::memory::MemoryStore;
use crate::store::{BatchId, Commit, Queue, RecipientRef};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct House {
    school: School,
    room: Bounces,
    announced: Arc<Plain<Vec<DueBatch>>>,
}

fn list() -> ListId {
    ListId("00000000-0000-0000-0000-00000000005b".into())
}

fn bert() -> Address {
    Address::parse("bert@home.example").expect("an address")
}

impl House {
    /// Anna has written to 5b, so that its members have numbers.
    async fn new() -> House {
        let school = School::new();
        let pipeline = school.door.pipeline.clone();
        let announced = Arc::new(Plain::new(Vec::new()));
        let heard = announced.clone();
        let room = Bounces {
            members: pipeline.members.clone(),
            store: school.store.clone() as Arc<MemoryStore>,
            announce: Box::new(move |due| heard.lock().expect("a lock").extend(due)),
            letters: Letters {
                hostname: "lists.schule.example".into(),
                ids: Arc::<Ids>::default(),
            },
            tenant: Box::new(|_| Tenant { language: "de".into(), ..Tenant::default() }),
            clock: pipeline.clock.clone(),
            changing: Mutex::default(),
        };
        let replies = school.anna(&["5b@schule.example"], "hallo@home.example", "x").await;
        assert!(replies.iter().all(|reply| reply.starts_with("250")), "{replies:?}");
        House { school, room, announced }
    }

    async fn who(&self) -> (RecipientRef, Recipient) {
        let (accounts, _) = self.school.store.trace("hallo@home.example").await.expect("a trace");
        let mut all = accounts[0].batches[0].recipients.clone().into_iter().flatten();
        all.find(|(_, one)| one.address.same_as(&bert())).expect("Bert")
    }

    /// A report comes back to the return path of a copy, or of the probe.
    async fn bounce(&self, code: &str, probe: bool) {
        let (who, _) = self.who().await;
        let (keys, address) =
            (&self.school.keys, Address::parse("5b@schule.example").expect("one"));
        let now = (self.room.clock)();
        let path = match probe {
            false => token::return_path(keys, &list(), &address, who.0, now),
            true => token::probe_path(keys, &list(), &address, who.0, now),
        };
        let report = format!(
            "From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n\
             Final-Recipient: rfc822; bert@home.example\r\nAction: {}\r\nStatus: {code}\r\n--b--\r\n",
            if code.starts_with('4') { "delayed" } else { "failed" },
        );
        let path = path.expect("an address").to_string();
        let replies = self.school.send("<>", &[&path], report.as_bytes()).await;
        assert!(replies.iter().all(|reply| reply.starts_with("250")), "{replies:?}");
        self.room.look().await.expect("a look");
    }

    /// So many days with a bounce each.
    async fn days(&self, days: usize, code: &str) {
        for _ in 0..days {
            self.school.later(DAY);
            self.bounce(code, false).await;
        }
    }

    async fn claim(&self) -> Claim {
        let (_, bert) = self.who().await;
        self.room.members.claim(&list(), &bert, (self.room.clock)())
    }

    async fn standing(&self) -> Option<Standing> {
        self.school.store.standings().await.expect("standings").pop()
    }

    /// Whom the letters that were written went to.
    async fn letters(&self) -> Vec<String> {
        let due = self.announced.lock().expect("a lock").clone();
        let mut all = Vec::new();
        for batch in due {
            let batch = self.school.store.batch(batch.id).await.expect("a batch").expect("one");
            all.extend(
                batch.recipients.into_iter().flatten().map(|(_, to)| to.address.to_string()),
            );
        }
        all
    }
}

const PAUSED: Claim = Claim::Never(Dropped::Paused);

/// V7, V8: a dead address: five days, a probe to it alone, its bounce, a pause; the admins hear of it, `resume` ends it.
#[tokio::test]
async fn a_dead_address_is_probed_and_then_paused() {
    let house = House::new().await;
    house.days(4, "5.1.1").await;
    assert_eq!((house.standing().await, house.letters().await.len()), (None, 0));
    house.days(1, "5.1.1").await;
    let standing = house.standing().await.expect("probed");
    assert_eq!((standing.paused, standing.domain.as_str()), (None, "schule.example"));
    assert_eq!(house.letters().await, ["bert@home.example"]);
    let probe = house.school.store.post(standing.probe.expect("a probe")).await.expect("a post");
    let probe = probe.expect("a post");
    assert_eq!(probe.frozen.probe, Some(list()));

    // Somebody copies the token of an old mail: that is no answer to the probe.
    house.days(3, "5.1.1").await;
    assert_eq!(house.claim().await, Claim::Yes);
    house.bounce("5.1.1", true).await;
    assert_eq!(house.claim().await, PAUSED);
    let told = house.letters().await;
    assert_eq!(told, ["bert@home.example", "root@home.example"]);
    let paused = house.room.paused("schule.example").await.expect("paused");
    assert_eq!(paused.len(), 1);
    // Once is enough, and a restart knows it.
    house.days(1, "5.1.1").await;
    assert_eq!(house.letters().await.len(), 2);
    house.room.members.set_paused("schule.example", &bert(), false);
    house.room.remember().await.expect("remembered");
    assert_eq!(house.claim().await, PAUSED);

    assert_eq!(house.room.resume(&bert()).await.expect("resumed"), ["schule.example"]);
    assert_eq!(house.claim().await, Claim::Yes);
    house.room.look().await.expect("a look");
    assert_eq!(house.claim().await, Claim::Yes, "what was before is forgiven");
    assert_eq!(house.room.resume(&bert()).await.expect("asked"), [] as [&str; 0]);
}

/// The relay refuses the probe itself, so that nothing comes back.
#[tokio::test]
async fn a_probe_that_the_relay_refuses_has_failed() {
    let house = House::new().await;
    house.days(5, "5.1.1").await;
    let probe = house.standing().await.and_then(|s| s.probe).expect("a probe");
    let reply = Reply { code: 550, text: "5.1.1 user unknown".into() };
    let at = (house.room.clock)();
    let outcomes = vec![(0, Outcome::Failed { at, reply })];
    let settle = Move::Settle { batch: BatchId { post: probe, number: 0 }, outcomes };
    house.school.store.commit(vec![settle]).await.expect("settled");
    house.room.look().await.expect("a look");
    assert_eq!(house.claim().await, PAUSED);
}

/// A probe that arrives forgives: the old days count no more.
#[tokio::test]
async fn a_probe_that_arrives_ends_it() {
    let house = House::new().await;
    house.days(5, "5.1.1").await;
    for _ in 0..8 {
        house.school.later(DAY);
    }
    // Its bounce comes weeks late: that is no answer any more.
    house.bounce("5.1.1", true).await;
    assert_eq!(house.claim().await, Claim::Yes);
    house.days(3, "5.1.1").await;
    assert_eq!(house.letters().await, ["bert@home.example"]);
}

/// Promise 11, A6: refusals for our sake, delays, and a mailbox that is full for a week do nothing to anybody.
#[tokio::test]
async fn what_is_not_hers_never_counts() {
    for (code, days) in [("5.7.1", 30), ("5.6.0", 30), ("5.3.4", 30), ("4.4.1", 30), ("5.2.2", 7)] {
        let house = House::new().await;
        house.days(days, code).await;
        house.bounce(code, true).await;
        assert_eq!((house.standing().await, house.letters().await.len()), (None, 0), "{code}");
        assert_eq!(house.claim().await, Claim::Yes, "{code}");
    }
}
