//! The room over a small school: bounces come in by the real intake, the store is in memory, the clock is moved.

use std::sync::Mutex as Plain;

use listcore::list::ListId;
use listcore::outcome::{Dropped, Reply};
use listcore::token;

use super::*;
use crate::ids::Ids;
use crate::members::Claim;
use crate::pipeline::testing::School;
use crate::store::last_mile::LastMile;
use crate::store::memory::MemoryStore;
use crate::store::witness::{Fact, Refusal, Witness};
use crate::store::{Against, BatchId, BounceEvent, Commit, Queue, RecipientRef};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct House {
    school: School,
    room: Bounces,
    announced: Arc<Plain<Vec<DueBatch>>>,
    braked: Arc<Plain<Vec<PostId>>>,
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
        let braked = Arc::new(Plain::new(Vec::new()));
        let stopped = braked.clone();
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
            ear: Arc::default(),
            limit: Limit { percent: 30, least: 1 },
            pause_post: Box::new(move |post, _| stopped.lock().expect("a lock").push(post)),
            changing: Mutex::default(),
        };
        let replies = school.anna(&["5b@schule.example"], "hallo@home.example", "x").await;
        assert!(replies.iter().all(|reply| reply.starts_with("250")), "{replies:?}");
        House { school, room, announced, braked }
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

    /// The relay, or its log, says that this came of Bert's copy of the first mail.
    async fn refused(&self, code: u16, text: &str) {
        let (accounts, _) = self.school.store.trace("hallo@home.example").await.expect("a trace");
        let batch = &accounts[0].batches[0];
        let is_bert = |who: &Option<(RecipientRef, Recipient)>| {
            who.as_ref().is_some_and(|(_, one)| one.address.same_as(&bert()))
        };
        let index = batch.recipients.iter().position(is_bert).expect("Bert");
        let index = u16::try_from(index).expect("a small one");
        let (at, reply) = ((self.room.clock)(), Reply { code, text: text.into() });
        let all = vec![Refusal { batch: batch.id, index, at, reply }];
        self.room.ear.saw(&Fact::Refused(all));
        self.room.look().await.expect("a look");
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

/// V6, promise 11: many servers refuse one mail: the rest pauses, once, the admins hear who said what, and nobody's
/// address is any worse for it.
#[tokio::test]
async fn a_mail_that_many_refuse_is_braked_once() {
    let house = House::new().await;
    let said = "5.7.1 <bert@home.example>: blocked by policy";
    house.refused(554, said).await;
    let stopped = house.braked.lock().expect("a lock").clone();
    let braked = house.school.store.braked().await.expect("read");
    assert_eq!(stopped, braked.iter().map(|one| one.post).collect::<Vec<_>>());
    let [one] = braked.as_slice() else { panic!("{braked:?}") };
    let by = &one.refusals.by[0];
    assert_eq!((by.provider.as_str(), by.count), ("home.example", 1));
    assert!(by.said.starts_with("554 5.7.1") && !by.said.contains("bert@"), "{}", by.said);
    assert_eq!(house.letters().await, ["root@home.example"]);
    // Released, it is not stopped for the same again.
    let release = Move::Unbrake { post: one.post, at: (house.room.clock)() };
    house.school.store.commit(vec![release]).await.expect("released");
    house.refused(554, said).await;
    assert_eq!(house.school.store.braked().await.expect("read"), []);
    assert_eq!((house.letters().await.len(), house.standing().await), (1, None));
    assert_eq!(house.claim().await, Claim::Yes);
}

/// V6: a bounce that has something against the mail counts about the mail that came back, where the token's owner got it.
#[tokio::test]
async fn a_policy_bounce_is_about_the_mail() {
    for (message_id, brakes) in [("hallo@home.example", true), ("other@home.example", false)] {
        let house = House::new().await;
        let (who, _) = house.who().await;
        let against = Against {
            message_id: message_id.into(),
            class: Class::Content,
            said: "552 5.3.4 too big".into(),
        };
        house.room.ear.saw(&Fact::Bounce(BounceEvent {
            recipient: Some(who),
            list: Some(list()),
            refused: Some(against),
            ..BounceEvent::default()
        }));
        house.room.weigh().await.expect("weighed");
        assert_eq!(house.school.store.braked().await.expect("read").len(), usize::from(brakes));
    }
}

/// V7: what the relay or its log says of an ordinary copy counts like a bounce; of the probe, it pauses.
#[tokio::test]
async fn refusals_in_the_log_count_and_the_probes_pauses() {
    let house = House::new().await;
    for _ in 0..5 {
        assert_eq!(house.letters().await.len(), 0);
        house.school.later(DAY);
        house.refused(550, "5.1.1 user unknown").await;
        house.refused(550, "5.1.1 user unknown").await;
    }
    assert_eq!(house.letters().await, ["bert@home.example"], "a probe");
    // Nobody but the probe's own refusal pauses.
    house.refused(550, "5.1.1 user unknown").await;
    assert_eq!(house.claim().await, Claim::Yes);
    let probe = house.standing().await.and_then(|s| s.probe).expect("a probe");
    let (at, reply) = ((house.room.clock)(), Reply { code: 0, text: "Unrouteable address".into() });
    let heard = vec![(BatchId { post: probe, number: 0 }, 0, Outcome::Failed { at, reply })];
    let log = Move::LastMile(LastMile { heard, ..LastMile::default() });
    house.school.store.commit(vec![log]).await.expect("heard");
    house.room.look().await.expect("a look");
    assert_eq!(house.claim().await, PAUSED);
    assert!(house.school.store.braked().await.expect("read").is_empty());
}

/// V7: what was refused and not yet looked at when the daemon died is looked at after the next start, once.
#[tokio::test]
async fn a_refusal_outlives_the_daemon() {
    let house = House::new().await;
    let due = house.school.store.due().await.expect("due");
    let refuse = async |index: u16| {
        let reply = Reply { code: 550, text: "5.1.1 user unknown".into() };
        let at = (house.room.clock)();
        let outcomes = vec![(index, Outcome::Failed { at, reply })];
        let settle = Move::Settle { batch: due[0].id, outcomes };
        house.school.store.commit(vec![settle]).await.expect("settled");
    };
    let batch = house.school.store.batch(due[0].id).await.expect("read").expect("a batch");
    let mut all = batch.recipients.iter().flatten();
    let bert = all.position(|(_, one)| one.address.same_as(&bert())).expect("Bert");
    refuse(u16::try_from(bert).expect("a small one")).await;
    let failures = async || house.school.store.failing().await.expect("read").len();
    house.room.look().await.expect("a look");
    assert_eq!(failures().await, 0, "nobody heard of it");
    for _ in 0..2 {
        house.room.remember().await.expect("remembered");
        house.room.look().await.expect("a look");
        let failing = house.school.store.failing().await.expect("read");
        assert_eq!(failing.iter().map(|one| one.events.len()).collect::<Vec<_>>(), [1]);
    }
}

/// What nobody understands goes to the admins, once a day, and not again; so does a complaint (rule C1), which changes
/// nothing for whom it names.
#[tokio::test]
async fn what_is_not_understood_is_summed_up_once_a_day() {
    let house = House::new().await;
    let (who, _) = house.who().await;
    let address = Address::parse("5b@schule.example").expect("an address");
    let came = async |mail: &str| {
        let now = (house.room.clock)();
        let path = token::return_path(&house.school.keys, &list(), &address, who.0, now);
        let path = path.expect("an address").to_string();
        house.school.send("<>", &[&path], mail.as_bytes()).await;
        house.room.look().await.expect("a look");
    };
    let strange = "From: x@odd.example\r\nSubject: Hm bert@home.example\r\n\r\nwhat is this?\r\n";
    let complaint = "From: fbl@yahoo.example\r\nSubject: complaint\r\nContent-Type: multipart/report; \
        report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
        Feedback-Type: abuse\r\nVersion: 1\r\n--b--\r\n";
    came(strange).await;
    assert_eq!(house.letters().await, ["root@home.example"]);
    let kept = house.school.store.strange(Timestamp(0)).await.expect("kept");
    assert_eq!(kept[0].what, "odd.example: Hm", "nobody's address");
    house.school.later(DAY / 2);
    came(complaint).await;
    house.school.later(DAY / 4);
    house.room.look().await.expect("a look");
    assert_eq!(house.letters().await.len(), 1, "one a day");
    house.school.later(DAY);
    house.room.look().await.expect("a look");
    assert_eq!(house.letters().await.len(), 2, "the complaint is told a day later");
    house.school.later(DAY * 2);
    house.room.look().await.expect("a look");
    assert_eq!(house.letters().await.len(), 2, "and nothing twice");
    assert_eq!((house.standing().await, house.claim().await), (None, Claim::Yes));
}

/// V8: a pause ends by her own word at that tenant alone, and by another address in the directory: what is paused is the
/// address, not the person.
#[tokio::test]
async fn a_pause_ends_by_her_word_or_another_address() {
    let house = House::new().await;
    house.days(5, "5.1.1").await;
    house.bounce("5.1.1", true).await;
    assert_eq!(house.claim().await, PAUSED);
    house.room.works("other.example", &bert()).await.expect("heard");
    assert_eq!(house.claim().await, PAUSED);

    let (_, before) = house.who().await;
    let moved = "dn: uid=bert,dc=x\nobjectClass: inetOrgPerson\nuid: bert\ncn: Bert\nmail: bert@new.example\n";
    let entry = listcore::ldif::parse(moved.as_bytes()).expect("LDIF").remove(0);
    let uuid = entry.first("entryuuid").unwrap_or(&entry.dn).to_owned();
    house.school.live.apply(&[crate::directory::Change::Upsert(uuid, entry)]);
    let roster = house.room.members.roster(&list()).expect("a list");
    let now = roster.recipients.iter().find(|who| who.person == before.person).expect("Bert");
    assert_eq!(now.address.to_string(), "bert@new.example");
    let claim = house.room.members.claim(&list(), now, (house.room.clock)());
    assert_eq!(claim, Claim::Yes);

    house.room.works("schule.example", &bert()).await.expect("heard");
    assert!(house.room.paused("schule.example").await.expect("paused").is_empty());
    house.room.look().await.expect("a look");
    assert!(house.room.paused("schule.example").await.expect("paused").is_empty(), "forgiven");
}
