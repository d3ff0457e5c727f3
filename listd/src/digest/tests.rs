//! Digests on a store in memory, with a clock that is set: over a weekend, over a change of the clock, and after trouble.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use listcore::address::Address;
use listcore::digest::{Day, TimeOfDay};
use listcore::list::{AuthorAddress, Copies, ListId, Settings};
use listcore::message::{Shape, Tree};
use listcore::outcome::{Dropped, Outcome};
use listcore::recipients::PersonId;
use listcore::rewrite::{Frozen, Hidden, Once, PostKind};
use listcore::token::{self, Keys, Purpose};

use super::*;
use crate::delivery::{Can, Payload};
use crate::scheduler::{NotNow, Render};
use crate::sign::Signers;
use crate::store::memory::MemoryStore;
use crate::store::{BATCH, BatchId, MailId, Queue, Raw, Report, StoredPost};

/// What is said of a member of a list, by list and name.
#[derive(Default)]
struct Said(Mutex<HashMap<(String, String), Says>>);

#[derive(Copy, Clone)]
enum Says {
    Weekly,
    Single,
    Gone(Dropped),
    Unsure,
}

impl Said {
    fn of(&self, list: &ListId, who: &Recipient) -> Option<Says> {
        let key = (list.0.clone(), who.address.local().to_owned());
        self.0.lock().expect("unharmed").get(&key).copied()
    }
}

impl Wants for Said {
    fn period(&self, list: &ListId, who: &Recipient) -> Option<Period> {
        match self.of(list, who) {
            Some(Says::Weekly) => Some(Period::Weekly),
            Some(Says::Single) => None,
            _ => Some(Period::Daily),
        }
    }
}

impl StillGets for Said {
    fn still_gets(&self, post: &Frozen, who: &Recipient, _: Timestamp) -> Result<(), NotNow> {
        match self.of(&post.list, who) {
            Some(Says::Gone(why)) => Err(NotNow::Dropped(why)),
            Some(Says::Unsure) => Err(NotNow::Unsure),
            Some(Says::Single) => Ok(()),
            Some(Says::Weekly) | None => Err(NotNow::Dropped(Dropped::Digest)),
        }
    }

    fn plain(&self, _: &Frozen, _: &Recipient) -> bool {
        false
    }
}

pub(super) struct House<S = MemoryStore> {
    store: Arc<S>,
    said: Arc<Said>,
    pub press: Press,
    posts: u64,
}

/// Little room, to see digests divided; and as much as a digest has.
const SMALL: Most = Most { octets: 1_000, mails: 4 };
pub(super) const LARGE: Most = Most { octets: 10 << 20, mails: 100 };

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect("a time").as_millisecond())
}

fn who(name: &str) -> Recipient {
    Recipient {
        person: Some(PersonId(name.to_owned())),
        address: address(&format!("{name}@gmx.example")),
        name: Some(name.to_owned()),
        language: Some(if name == "john" { "en" } else { "de" }.to_owned()),
    }
}

fn frozen(list: &str) -> Frozen {
    Frozen {
        description: format!("Klasse {list}"),
        language: "de".to_owned(),
        received: "Received: by lists.schule.example; Fri, 20 Nov 2026 10:00:00 +0100\r\n"
            .to_owned(),
        settings: Settings { subject_tag: format!("[{list}]"), ..Settings::default() },
        ..Frozen::new(
            PostKind::List,
            ListId(format!("id-{list}")),
            address(&format!("klasse-{list}@schule.example")),
        )
    }
}

fn keys() -> Arc<Keys> {
    Arc::new(Keys::parse(&"5e".repeat(32)).expect("keys"))
}

impl House {
    fn new() -> House {
        House::with(MemoryStore::new(), SMALL)
    }
}

impl<S: Digests + Report + 'static> House<S> {
    pub fn with(store: Arc<S>, most: Most) -> House<S> {
        let schedule = Schedule {
            at: TimeOfDay { hour: 18, minute: 0 },
            day: Day::read("sunday").expect("a day"),
            zone: jiff::tz::TimeZone::get("Europe/Berlin").expect("tzdata"),
        };
        let pages = Some("https://lists.schule.example".to_owned());
        let tenant = Tenant {
            zone: Zone::named("Europe/Berlin").expect("a zone"),
            schedule,
            language: "de".to_owned(),
            help: None,
            links: Links { pages, ..Links::default() },
        };
        let said = Arc::new(Said::default());
        let tenants = move || BTreeMap::from([("schule.example".to_owned(), tenant.clone())]);
        let press = Press {
            store: store.clone(),
            composer: Arc::new(Composer::new(Signers::new([]), keys(), &[], &[])),
            letters: Letters { hostname: "lists.schule.example".to_owned(), ids: Arc::default() },
            wants: said.clone(),
            members: said.clone(),
            tenants: Box::new(tenants),
            announce: Box::new(|_| {}),
            most,
            clock: Arc::new(|| Timestamp(0)),
        };
        House { store, said, press, posts: 0 }
    }

    fn say(&self, list: &str, name: &str, what: Says) {
        let key = (format!("id-{list}"), name.to_owned());
        self.said.0.lock().expect("unharmed").insert(key, what);
    }

    /// The outcome of the first recipient of a post.
    async fn outcome(&self, post: u64) -> Outcome {
        let account = self.store.account(PostId(post)).await.expect("store").expect("a post");
        account.batches[0].outcomes[0].clone()
    }

    async fn post(&mut self, list: &str, subject: &str, answers: &str, to: &[&str], came: &str) {
        let raw = format!(
            "From: Ayse <ayse@web.example>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n{answers}Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nText zu {subject}\r\n"
        );
        self.gather(frozen(list), &format!("{subject}@x"), raw, to, came).await;
    }

    pub async fn long(&mut self, list: &str, subject: &str, text: &str, to: &[&str], came: &str) {
        let raw = format!(
            "From: Ayse <ayse@web.example>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\n{text}\r\n"
        );
        self.gather(frozen(list), &format!("{subject}@x"), raw, to, came).await;
    }

    /// A post of which nobody gets a copy: all of them want digests.
    async fn gather(&mut self, frozen: Frozen, id: &str, raw: String, to: &[&str], came: &str) {
        self.posts += 1;
        let (number, came) = (self.posts, at(came));
        let mail = NewMail {
            id: MailId(number),
            raw: Raw::Memory(Bytes::from(raw)),
            message_id: id.to_owned(),
            sender: None,
            received: came,
            utf8: false,
        };
        let recipients: Vec<Recipient> = to.iter().map(|name| who(name)).collect();
        let gathered = Outcome::Dropped { at: came, why: Dropped::Digest };
        let settle = |(number, batch): (u32, &[Recipient])| Move::Settle {
            batch: BatchId { post: PostId(self.posts), number },
            outcomes: (0..).zip(batch).map(|(index, _)| (index, gathered.clone())).collect(),
        };
        let settled: Vec<Move> = (0..).zip(recipients.chunks(BATCH)).map(settle).collect();
        let post = NewPost {
            id: PostId(number),
            frozen,
            digest: [7; 32],
            expires: came,
            recipients,
            hides: None,
        };
        let moves = [vec![Move::accept(mail, vec![post])], settled].concat();
        self.store.commit(moves).await.expect("stored");
    }

    /// What was sent since the last time: to whom, and the mail.
    async fn look(&self, now: &str) -> Vec<(String, StoredPost, String)> {
        assert_eq!(self.press.send(at(now)).await, Ok(true));
        self.taken().await
    }

    async fn taken(&self) -> Vec<(String, StoredPost, String)> {
        let mut sent = Vec::new();
        for due in self.store.due().await.expect("due") {
            let batch = self.store.batch(due.id).await.expect("store").expect("a batch");
            let post = self.store.post(due.id.post).await.expect("store").expect("a post");
            let body = self.store.body(post.mail).await.expect("store").expect("a body");
            let composer = &self.press.composer;
            let variant = composer.variant(&post, &body, &CAN, &"de".into()).expect("a variant");
            let mut outcomes = Vec::new();
            for (index, to) in (0..).zip(batch.recipients.iter().flatten()) {
                let copy = composer.copy(&variant, std::slice::from_ref(to), AT).expect("a copy");
                let Payload::Memory(body) = &copy.body else { panic!("in memory") };
                let raw = [copy.head.as_ref(), body.as_ref()].concat();
                let raw = String::from_utf8(raw).expect("ASCII");
                sent.push((to.1.address.to_string(), (*post).clone(), raw));
                let why = Dropped::Cancelled;
                outcomes.push((index, Outcome::Dropped { at: Timestamp(0), why }));
            }
            let settle = Move::Settle { batch: due.id, outcomes };
            self.store.commit(vec![settle]).await.expect("stored");
        }
        sent.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
        sent
    }
}

/// A relay that takes everything, and when it is asked.
const CAN: Can = Can { eight_bit: true, utf8: true, chunking: true, size: None };
const AT: Timestamp = Timestamp(1_795_309_323_000);

/// Subjects of the mails in a digest, in their order.
fn inside(raw: &str) -> Vec<String> {
    let tree = Tree::parse(raw.as_bytes()).expect("a tree");
    let mails = tree.parts.iter().filter(|part| part.shape == Shape::Message);
    mails
        .map(|part| {
            let mail = listcore::message::Mail::parse(part.body(raw.as_bytes())).expect("a mail");
            String::from_utf8_lossy(mail.values("Subject").next().expect("a subject"))
                .trim()
                .to_owned()
        })
        .collect()
}

fn names(sent: &[(String, StoredPost, String)]) -> Vec<(&str, Vec<String>)> {
    sent.iter().map(|(to, _, raw)| (to.as_str(), inside(raw))).collect()
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

/// Over a weekend: the daily ones each evening, the weekly one on Sunday with all of it; one mail for all lists.
#[tokio::test]
async fn over_a_weekend() {
    let mut house = House::new();
    house.say("5b", "rosa", Says::Weekly);
    house.say("7a", "rosa", Says::Weekly);
    house.post("5b", "Ausflug", "", &["ayse", "rosa"], "2026-11-20T09:00:00Z").await;
    house.post("7a", "Chor", "", &["ayse", "rosa"], "2026-11-20T10:00:00Z").await;
    assert!(house.look("2026-11-20T16:59:00Z").await.is_empty(), "not before six");
    let friday = house.look("2026-11-20T17:00:01Z").await;
    assert_eq!(names(&friday), [("ayse@gmx.example", texts(&["[5b] Ausflug", "[7a] Chor"]))]);
    assert!(house.look("2026-11-20T17:00:02Z").await.is_empty(), "once");

    house
        .post(
            "5b",
            "Mehl",
            "In-Reply-To: <Ausflug@x>\r\n",
            &["ayse", "rosa", "john"],
            "2026-11-21T09:00:00Z",
        )
        .await;
    let saturday = house.look("2026-11-21T17:30:00Z").await;
    let one = texts(&["[5b] Mehl"]);
    assert_eq!(names(&saturday), [("ayse@gmx.example", one.clone()), ("john@gmx.example", one)]);
    assert!(saturday[0].2.contains("Subject: Sammelmail: Klasse 5b (1)"));
    assert!(saturday[1].2.contains("Subject: Digest: Klasse 5b (1)"));

    let sunday = house.look("2026-11-22T17:00:00Z").await;
    assert_eq!(
        names(&sunday),
        [("rosa@gmx.example", texts(&["[5b] Ausflug", "[7a] Chor", "[5b] Mehl"]))]
    );
    let text = &sunday[0].2;
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    // Grouped: the answer stands below what it answers, in front of the other list.
    assert!(place("> Text zu Ausflug") < place("> Text zu Mehl"));
    assert!(place("> Text zu Mehl") < place("> Text zu Chor"));
    assert!(text.contains("Auto-Submitted: auto-generated") && text.contains("multipart/digest"));
    // Nobody needs the bodies any more.
    for mail in 1..=3 {
        assert!(house.store.body(MailId(mail)).await.expect("store").is_none(), "mail {mail}");
    }
}

/// Six o'clock is six o'clock, on the days on which the clock is changed too.
#[tokio::test]
async fn over_a_change_of_the_clock() {
    let mut house = House::new();
    for (came, early, time) in [
        ("2026-03-28T18:00:00Z", "2026-03-29T15:59:59Z", "2026-03-29T16:00:00Z"),
        ("2026-10-24T17:00:00Z", "2026-10-25T16:59:59Z", "2026-10-25T17:00:00Z"),
    ] {
        house.post("5b", "Uhr", "", &["ayse"], came).await;
        assert!(house.look(early).await.is_empty(), "{early}");
        assert_eq!(house.look(time).await.len(), 1, "{time}");
        assert!(house.press.next(at(time)) > at(time));
    }
}

/// What was due while nobody was there comes in one mail; trouble of the store loses nothing and repeats nothing.
#[tokio::test]
async fn after_trouble() {
    let mut house = House::new();
    house.post("5b", "Eins", "", &["ayse"], "2026-11-16T09:00:00Z").await;
    house.post("5b", "Zwei", "", &["ayse"], "2026-11-18T09:00:00Z").await;
    house.post("5b", "Drei", "", &["ayse"], "2026-11-19T20:00:00Z").await;
    house.store.fail_with(Some(StoreError::Failed("disk".to_owned())));
    assert_eq!(house.press.send(at("2026-11-19T21:00:00Z")).await, Ok(false));
    house.store.fail_with(None);
    assert!(house.taken().await.is_empty());
    let sent = house.look("2026-11-19T21:00:00Z").await;
    assert_eq!(names(&sent), [("ayse@gmx.example", texts(&["[5b] Eins", "[5b] Zwei"]))]);
    let sent = house.look("2026-11-20T21:00:00Z").await;
    assert_eq!(names(&sent), [("ayse@gmx.example", texts(&["[5b] Drei"]))]);
}

/// A bounce of a digest names the person: its return path has a token of hers, of a list of hers.
#[tokio::test]
async fn a_bounce_names_the_person() {
    let mut house = House::new();
    house.post("5b", "Eins", "", &["ayse"], "2026-11-16T09:00:00Z").await;
    let number = house.store.digests().await.expect("digests").entries[0].number;
    assert_eq!(house.press.send(at("2026-11-16T21:00:00Z")).await, Ok(true));
    let due = house.store.due().await.expect("due");
    let post = house.store.post(due[0].id.post).await.expect("store").expect("a post");
    assert!(post.frozen.is_notice(), "it is none of the list's posts");
    let batch = house.store.batch(due[0].id).await.expect("store").expect("a batch");
    let to = batch.recipients[0].clone().expect("a recipient");
    assert_eq!(to.0, number);
    let body = house.store.body(post.mail).await.expect("store").expect("a body");
    let now = at("2026-11-16T21:00:00Z");
    let variant =
        house.press.composer.variant(&post, &body, &CAN, &"de".into()).expect("a variant");
    let copy = house.press.composer.copy(&variant, &[to], now).expect("a copy");
    let sender = copy.sender.expect("no null sender");
    let token = sender.local().strip_prefix("klasse-5b-bounces+").expect("a token");
    let list = ListId("id-5b".to_owned());
    assert_eq!(token::check(&keys(), Purpose::Bounces, &list, token, now), Ok(number.0));
}

/// Promise 10: what does not fit into one mail comes in another, and all of it comes, once.
#[tokio::test]
async fn large_digests_are_divided() {
    let mut house = House::new();
    let subjects: Vec<String> = (0..5).map(|n| format!("[5b] Nr{n}")).collect();
    for n in 0..5 {
        house.post("5b", &format!("Nr{n}"), "", &["ayse"], "2026-11-16T09:00:00Z").await;
    }
    let sent = house.look("2026-11-16T21:00:00Z").await;
    assert!(sent.len() > 1, "{}", sent.len());
    let mut all: Vec<String> = names(&sent).into_iter().flat_map(|(_, inside)| inside).collect();
    all.sort();
    assert_eq!(all, subjects);
    let parts = sent.len();
    for (part, (_, _, raw)) in (1..).zip(&sent) {
        assert!(raw.contains(&format!("Teil {part} von {parts}")), "{raw}");
    }
}

/// Who has left, has muted the list or has no list any more gets nothing of it: the mail's outcome says why. What nobody
/// knows for sure waits, and comes when it is known.
#[tokio::test]
async fn membership_of_that_moment() {
    let mut house = House::new();
    house.post("5b", "Alt", "", &["ayse"], "2026-11-16T09:00:00Z").await;
    house.post("7a", "Neu", "", &["ayse"], "2026-11-16T09:00:00Z").await;
    house.post("8c", "Wann", "", &["ayse"], "2026-11-16T09:00:00Z").await;
    house.say("5b", "ayse", Says::Gone(Dropped::LeftList));
    house.say("8c", "ayse", Says::Unsure);
    let now = at("2026-11-16T21:00:00Z");
    assert_eq!(house.press.send(now).await, Ok(false), "something waits");
    let sent = house.taken().await;
    assert_eq!(names(&sent), [("ayse@gmx.example", texts(&["[7a] Neu"]))]);
    assert_eq!(house.outcome(1).await, Outcome::Dropped { at: now, why: Dropped::LeftList });
    assert!(house.store.body(MailId(1)).await.expect("store").is_none());
    assert!(matches!(house.outcome(2).await, Outcome::Dropped { why: Dropped::Digest, .. }));
    house.say("8c", "ayse", Says::Weekly);
    house.say("8c", "ayse", Says::Single);
    let sent = house.look("2026-11-16T21:01:00Z").await;
    assert_eq!(names(&sent), [("ayse@gmx.example", texts(&["[8c] Wann"]))], "not wanted, but due");
}

/// She wants no digest any more: what was gathered comes with the next, once. Weekly and daily lists of one person are
/// one mail where both are due.
#[tokio::test]
async fn each_list_has_a_period_of_its_own() {
    let mut house = House::new();
    house.say("5b", "ayse", Says::Single);
    house.say("7a", "ayse", Says::Weekly);
    house.post("5b", "Eins", "", &["ayse"], "2026-11-20T09:00:00Z").await;
    house.post("7a", "Chor", "", &["ayse"], "2026-11-20T10:00:00Z").await;
    let friday = house.look("2026-11-20T17:00:00Z").await;
    assert_eq!(names(&friday), [("ayse@gmx.example", texts(&["[5b] Eins"]))]);
    house.post("5b", "Zwei", "", &["ayse"], "2026-11-22T10:00:00Z").await;
    let sunday = house.look("2026-11-22T17:00:00Z").await;
    assert_eq!(names(&sunday), [("ayse@gmx.example", texts(&["[7a] Chor", "[5b] Zwei"]))]);
    assert!(house.look("2026-11-29T17:00:00Z").await.is_empty());
}

/// Promise 9, 12: one body for all who read the same, and nothing personal in it; to whom, and a link of her own, only in
/// the header (H8).
#[tokio::test]
async fn readers_share_a_body() {
    let mut house = House::new();
    house.post("5b", "Eins", "", &["ayse", "bert", "john"], "2026-11-16T09:00:00Z").await;
    house.post("7a", "Zwei", "", &["carl"], "2026-11-16T09:00:00Z").await;
    let sent = house.look("2026-11-16T21:00:00Z").await;
    assert_eq!(sent.len(), 4);
    let body = |raw: &str| raw.split_once("\r\n\r\n").expect("a header").1.to_owned();
    let [ayse, bert, carl, john] = sent.as_slice() else { panic!("four") };
    assert_eq!((ayse.1.id, body(&ayse.2)), (bert.1.id, body(&bert.2)));
    assert_ne!(ayse.1.id, john.1.id, "another language");
    assert_ne!(ayse.1.id, carl.1.id, "other mails");
    let link = |raw: &str| {
        let fields: Vec<&str> =
            raw.lines().filter(|line| line.starts_with("List-Unsubscribe: <https://")).collect();
        assert_eq!(fields.len(), 1, "{raw}");
        fields[0].to_owned()
    };
    assert_ne!(link(&ayse.2), link(&bert.2));
    for (to, _, raw) in &sent {
        let head = raw.split_once("\r\n\r\n").expect("a header").0;
        assert!(head.contains(&format!("<{to}>\r\n")), "{head}");
        assert!(head.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{head}");
        let body = body(raw);
        assert!(!body.contains("gmx.example") && !body.contains("/u/"), "{body}");
    }
}

/// Promise 7: a list that hides its authors hides them in digests too, in the mail and in the words around it.
#[tokio::test]
async fn a_hidden_author_stays_hidden() {
    let mut house = House::new();
    let mut frozen = frozen("5b");
    frozen.settings.author_address = AuthorAddress::Hidden;
    frozen.hidden = Some(Hidden {
        relay: address("klasse-5b-author+k7@schule.example"),
        name: "Ayse".to_owned(),
        addresses: vec![address("ayse@web.example")],
        answers: None,
        ids: Vec::new(),
    });
    let raw = "From: ayse@web.example\r\nSender: ayse@web.example\r\nReply-To: ayse@web.example\r\n\
        Subject: Eins\r\nMessage-ID: <1@x>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nHallo\r\n";
    house.gather(frozen, "1@x", raw.to_owned(), &["john"], "2026-11-16T09:00:00Z").await;
    let sent = house.look("2026-11-16T21:00:00Z").await;
    let [(_, _, raw)] = sent.as_slice() else { panic!("one digest: {sent:?}") };
    let whole = raw.replace("=\r\n", "").replace("\r\n ", " ");
    assert!(!whole.contains("web.example"), "{whole}");
    assert!(whole.contains("From: Ayse") && whole.contains("klasse-5b-author+k7@"), "{whole}");
    let (words, _) = whole.split_once("multipart/digest").expect("mails");
    assert!(words.contains("Ayse"), "{words}");
}

/// `domain.once`: a mail that named two of her lists stands in her digest once, in that of the list that is left where she
/// has muted the other one.
#[tokio::test]
async fn a_mail_to_two_lists_stands_in_it_once() {
    let mut house = House::new();
    let once = |place| Once { mail: "m".to_owned(), place, earlier: Vec::new() };
    let raw = "From: ayse@web.example\r\nSubject: Beide\r\nMessage-ID: <1@x>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nHallo\r\n";
    for (place, list) in ["5b", "7a"].into_iter().enumerate() {
        let frozen = Frozen { once: Some(once(place)), ..frozen(list) };
        let came = "2026-11-16T09:00:00Z";
        house.gather(frozen, "1@x", raw.to_owned(), &["ayse", "bert"], came).await;
    }
    house.say("5b", "bert", Says::Gone(Dropped::Muted));
    let sent = house.look("2026-11-16T21:00:00Z").await;
    let expected = [
        ("ayse@gmx.example", texts(&["[5b] Beide"])),
        ("bert@gmx.example", texts(&["[7a] Beide"])),
    ];
    assert_eq!(names(&sent), expected);
    assert!(house.look("2026-11-17T21:00:00Z").await.is_empty());
}

/// B7, promise 9: what its author signed is in a digest octet for octet, as in the copy that others got.
#[tokio::test]
async fn a_signed_mail_is_the_copy() {
    let mut house = House::new();
    let body = "--b\r\nContent-Type: text/plain\r\n\r\nEins  \r\n\r\n--b\r\n\
        Content-Type: application/pgp-signature\r\n\r\nxyz\r\n\r\n--b--\r\n \r\n\r\n";
    let raw = format!(
        "From: Ayse <ayse@web.example>\r\nSubject: Eins\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n\
         Content-Type: multipart/signed; protocol=\"application/pgp-signature\";\r\n micalg=pgp-sha256; boundary=b\r\n\r\n{body}"
    );
    house.gather(frozen("5b"), "1@x", raw, &["ayse"], "2026-11-16T09:00:00Z").await;
    let now = "2026-11-16T21:00:00Z";
    let post = house.store.post(PostId(1)).await.expect("store").expect("a post");
    let stored = house.store.body(post.mail).await.expect("store").expect("a body");
    let mut shared = StoredPost::clone(&post);
    shared.frozen.settings.copies = Copies::Shared;
    let composer = &house.press.composer;
    let edition = composer.edition(&shared.frozen, &who("ayse"), false);
    let variant = composer.variant(&shared, &stored, &CAN, &edition).expect("a variant");
    let copy = composer.copy(&variant, &[], at(now)).expect("a copy");
    let Payload::Memory(rest) = &copy.body else { panic!("in memory") };
    assert_eq!(rest.as_ref(), body.as_bytes());
    let sent = house.look(now).await;
    let raw = sent[0].2.as_bytes();
    let tree = Tree::parse(raw).expect("a tree");
    let inner = tree.parts.iter().find(|part| part.shape == Shape::Message).expect("a mail");
    let whole = [copy.head.as_ref(), rest.as_ref()].concat();
    assert_eq!(String::from_utf8_lossy(inner.body(raw)), String::from_utf8_lossy(&whole));
}

/// A mail that can't be made into a copy is told as such, and holds up nothing.
#[tokio::test]
async fn what_cannot_be_sent_fails() {
    let mut house = House::new();
    house.post("5b", "Gut", "", &["ayse"], "2026-11-16T09:00:00Z").await;
    house
        .post("5b", "Schlecht", "Date: x\r\nno header\r\n", &["ayse"], "2026-11-16T09:00:00Z")
        .await;
    let sent = house.look("2026-11-16T21:00:00Z").await;
    assert_eq!(names(&sent), [("ayse@gmx.example", texts(&["[5b] Gut"]))]);
    assert!(matches!(house.outcome(2).await, Outcome::Failed { .. }));
    assert!(house.look("2026-11-17T21:00:00Z").await.is_empty());
}
