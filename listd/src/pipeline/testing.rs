//! For tests: a small school behind the real intake, with a store in memory and a clock that can be turned.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use listcore::address::Address;
use listcore::bounce::complaint::Source;
use listcore::config::{Admin, ListMapping, PeopleMapping};
use listcore::list::{ListId, Posters, Settings, Unverified};
use listcore::mapping::Mapping;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;
use listcore::{ldif, token::Keys};
use lmtp::drive::Timeouts;
use lmtp::server::{Config, Flavor};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::{
    Announce, Flood, Front, Heard, House, LARGE_AT_ONCE, Pipeline, Several, Tenant, Traffic,
    Written,
};
use crate::choices::{self, Choices};
use crate::clock::Clock;
use crate::directory::{Change, Live, Mode};
use crate::ids::Ids;
use crate::intake::{Door, spool::Budget};
use crate::letters::Letters;
use crate::members::{Domain, Members};
use crate::requests::{self, Requests};
use crate::store::memory::MemoryStore;
use crate::store::{
    Attribution, Commit, Done, DueBatch, HiddenAuthor, Move, RecipientRef, StoreError,
};
use crate::verdicts::Verdicts;
use crate::verify::{Verifier, testing::empty_server};

const DIRECTORY: &str = include_str!("testing.ldif");

/// Octets that may be on their way in.
pub const BUDGET: u64 = 60_000_000;

/// Remembers what was announced.
#[derive(Default)]
pub struct Announced(Mutex<Vec<DueBatch>>);

impl Announce for Announced {
    fn announce(&self, batches: Vec<DueBatch>) {
        self.0.lock().unwrap().extend(batches);
    }
}

/// A desk that was not told who sits there: it hears nothing, and counts what waits.
#[derive(Default)]
pub struct Unmanned(AtomicI64);

impl Unmanned {
    /// How often something waited.
    pub fn called(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Front for Unmanned {
    fn waits(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    async fn heard(&self, _: &Written<'_>) -> Heard {
        Heard::Gone
    }
}

/// The store in memory; on demand it panics.
struct Touchy {
    inner: Arc<MemoryStore>,
    panics: Arc<AtomicBool>,
}

#[async_trait]
impl Commit for Touchy {
    async fn commit(&self, moves: Vec<Move>) -> Result<Vec<Done>, StoreError> {
        assert!(!self.panics.load(Ordering::Relaxed), "a test wanted this panic");
        self.inner.commit(moves).await
    }
}

#[async_trait]
impl Attribution for Touchy {
    async fn recipient(&self, who: RecipientRef) -> Result<Option<Recipient>, StoreError> {
        self.inner.recipient(who).await
    }

    async fn hidden_author(
        &self,
        list: &ListId,
        number: u64,
    ) -> Result<Option<HiddenAuthor>, StoreError> {
        self.inner.hidden_author(list, number).await
    }
}

pub struct School {
    pub door: Arc<Door>,
    pub clerk: Arc<Requests>,
    /// Whom the clerk asks.
    _choices: Arc<Choices>,
    pub store: Arc<MemoryStore>,
    pub live: Arc<Live>,
    pub keys: Arc<Keys>,
    pub panics: Arc<AtomicBool>,
    pub spool: PathBuf,
    announced: Arc<Announced>,
    now: Arc<AtomicI64>,
    _dir: tempfile::TempDir,
}

/// When the tests begin: 2026-11-22.
pub const START: Timestamp = Timestamp(1_795_305_600_000);

impl School {
    pub fn new() -> School {
        School::speaking(Flavor::Lmtp)
    }

    pub fn speaking(flavor: Flavor) -> School {
        School::with(flavor, None)
    }

    /// A school that asks this filter.
    pub fn with(flavor: Flavor, verdicts: Option<Arc<Verdicts>>) -> School {
        School::staffed(flavor, verdicts, Arc::new(Unmanned::default()))
    }

    /// A school with somebody at its desk.
    pub fn staffed(
        flavor: Flavor,
        verdicts: Option<Arc<Verdicts>>,
        desk: Arc<dyn Front>,
    ) -> School {
        let live = Live::new(Arc::new(mapping()), Mode::File, "file:x".into(), FIFTEEN_MINUTES);
        let live = Arc::new(live);
        for entry in ldif::parse(DIRECTORY.as_bytes()).unwrap() {
            let uuid = entry.first("entryuuid").unwrap_or(&entry.dn).to_owned();
            live.apply(&[Change::Upsert(uuid, entry)]);
        }
        live.fresh(START, None);
        let now = Arc::new(AtomicI64::new(START.0));
        let (store, panics) = (MemoryStore::new(), Arc::new(AtomicBool::new(false)));
        let announced = Arc::new(Announced::default());
        let keys = Arc::new(Keys::parse(&"0123456789abcdef".repeat(4)).unwrap());
        let trusted = ["mx.schule.example".to_owned()];
        let clock = now.clone();
        let ids = Arc::<Ids>::default();
        let letters = Letters { hostname: "lists.schule.example".into(), ids: ids.clone() };
        let clock: Clock = Arc::new(move || Timestamp(clock.load(Ordering::Relaxed)));
        let members = Arc::new(Members::new(live.clone(), domains()));
        let pages = Some("https://lists.schule.example".to_owned());
        let clerk = Arc::new(Requests::new(requests::Parts {
            members: members.clone(),
            store: store.clone(),
            letters: letters.clone(),
            announce: announced.clone(),
            keys: keys.clone(),
            pages: pages.clone(),
            clock: clock.clone(),
        }));
        let announce = announced.clone();
        let choices = Choices::new(choices::Parts {
            members: members.clone(),
            store: store.clone(),
            keys: keys.clone(),
            letters,
            announce: Box::new(move |batches| announce.announce(batches)),
            tenant: Box::new(|_| choices::Tenant {
                language: "de".into(),
                ..choices::Tenant::default()
            }),
            public_url: pages,
            works: Box::new(|_, _| Box::pin(async { Ok(()) })),
            clock: clock.clone(),
        });
        clerk.hang(&choices);
        let pipeline = Pipeline {
            house: House {
                hostname: "lists.schule.example".into(),
                keys: keys.clone(),
                max_message_size: 25_000_000,
                give_up_after: Duration::from_secs(5 * 24 * 3600),
                complaints_from: vec![Source::Domain("arf.provider.example".into())],
            },
            tenants: ArcSwap::from_pointee(
                [tenant("schule.example", "de"), tenant("small.example", "de")].into(),
            ),
            members,
            verifier: Verifier::new(Some(empty_server()), &trusted).unwrap(),
            verdicts,
            store: Arc::new(Touchy { inner: store.clone(), panics: panics.clone() }),
            announce: announced.clone(),
            desk,
            clerk: clerk.clone(),
            ids,
            flood: Flood::default(),
            traffic: Traffic::default(),
            several: Several::new(store.clone()),
            marks: store.clone(),
            clock,
            turns: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        };
        let dir = tempfile::tempdir().unwrap();
        let mut wire = Config::new(flavor, "lists.schule.example");
        wire.max_message_size = 25_000_000;
        let door = Door {
            pipeline: Arc::new(pipeline),
            wire,
            timeouts: Timeouts::default(),
            spool_dir: dir.path().to_owned(),
            budget: Budget::new(BUDGET),
            tally: Arc::default(),
        };
        let spool = dir.path().to_owned();
        School {
            _choices: choices,
            clerk,
            door: Arc::new(door),
            store,
            live,
            keys,
            panics,
            spool,
            announced,
            now,
            _dir: dir,
        }
    }

    pub fn later(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// Lists of the batches announced so far, in order, as the last two digits of their ids.
    pub fn announced(&self) -> Vec<String> {
        let ends = |batch: &DueBatch| batch.list.0.chars().rev().take(2).collect::<String>();
        let announced = self.announced.0.lock().unwrap();
        announced.iter().map(|b| ends(b).chars().rev().collect()).collect()
    }

    /// One connection that hands in one mail; see [`talk`].
    pub async fn send(&self, from: &str, rcpts: &[&str], mail: &[u8]) -> Vec<String> {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let visit = crate::intake::visit_once(&self.door, server);
        let (replies, ()) = tokio::join!(talk(client, from, rcpts, mail), visit);
        replies
    }

    /// A mail of Anna's, who is on the lists, to these.
    pub async fn anna(&self, rcpts: &[&str], id: &str, body: &str) -> Vec<String> {
        self.send("<anna@home.example>", rcpts, letter(id, body).as_bytes()).await
    }

    /// What `listctl trace` has to tell of a mail that was not distributed: what and why.
    pub async fn traced(&self, id: &str) -> Vec<String> {
        use crate::store::Report;
        let (_, events) = self.store.trace(id).await.unwrap();
        events.iter().map(|e| format!("{} {} {}", e.what, e.recipient, e.why)).collect()
    }
}

/// Speaks one transaction: the replies to all RCPT, then those to the mail, each without its line end. Commands
/// wait for their replies; MAIL takes what follows the path too, e.g. `<a@x> SMTPUTF8`.
pub async fn talk<S>(stream: S, from: &str, rcpts: &[&str], mail: &[u8]) -> Vec<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut client = Client { stream, read: Vec::new() };
    assert!(client.reply().await.starts_with("220"));
    let hello = client.say("LHLO mx.schule.example").await;
    if !hello.starts_with("250") {
        assert!(client.say("EHLO mx.schule.example").await.starts_with("250"));
    }
    let accepted = client.say(&format!("MAIL FROM:{from}")).await;
    if !accepted.starts_with("250") {
        return vec![accepted];
    }
    let mut replies = Vec::new();
    for rcpt in rcpts {
        replies.push(client.say(&format!("RCPT TO:<{rcpt}>")).await);
    }
    let mut count = replies.iter().filter(|r| r.starts_with("250")).count();
    if !hello.starts_with("250") {
        count = count.min(1);
    }
    if count > 0 {
        assert!(client.say("DATA").await.starts_with("354"));
        client.stream.write_all(mail).await.unwrap();
        client.stream.write_all(b"\r\n.\r\n").await.unwrap();
        for _ in 0..count {
            replies.push(client.reply().await);
        }
    }
    client.stream.write_all(b"QUIT\r\n").await.unwrap();
    replies
}

pub struct Client<S> {
    pub stream: S,
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub async fn greeted(stream: S) -> Client<S> {
        let mut client = Client { stream, read: Vec::new() };
        assert!(client.reply().await.starts_with("220"));
        client
    }

    pub async fn say(&mut self, line: &str) -> String {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// The last line of the next reply; empty where the connection ended.
    pub async fn reply(&mut self) -> String {
        loop {
            while let Some(end) = self.read.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if line.as_bytes().get(3) != Some(&b'-') {
                    return line;
                }
            }
            if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return String::new();
            }
        }
    }
}

/// A mail that Anna sent logged in.
pub fn letter(id: &str, body: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("Message-ID: <{id}>\r\n") };
    format!(
        "Authentication-Results: mx.schule.example; auth=pass smtp.auth=anna\r\n\
         Received: from home.example by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\n\
         From: Anna <anna@home.example>\r\nTo: 5b@schule.example\r\nSubject: Hallo\r\n\
         {id}Date: Sun, 22 Nov 2026 01:00:00 +0000\r\n\r\n{body}\r\n"
    )
}

const FIFTEEN_MINUTES: Duration = Duration::from_secs(900);

fn tenant(domain: &str, language: &str) -> (String, Tenant) {
    (domain.to_owned(), Tenant { language: language.to_owned(), ..Tenant::default() })
}

/// `small.example` takes 1,000 octets and everybody's word, and its lists speak English, whatever the domain speaks.
fn domains() -> Vec<Domain> {
    let school = Settings { unverified: Unverified::Reject, ..Settings::default() };
    let small = Settings {
        max_size: 1_000,
        unverified: Unverified::Accept,
        post: vec![Posters::Members],
        language: "en".to_owned(),
        ..Settings::default()
    };
    let admins = |address: &str| vec![Admin::Address(Address::parse(address).unwrap())];
    let domain = |name: &str, settings: Settings| {
        let admins = admins("root@home.example");
        Domain { name: name.to_owned(), admins, settings: settings.into(), base: None }
    };
    vec![domain("schule.example", school), domain("small.example", small)]
}

fn mapping() -> Mapping {
    let strings = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    let lists = ListMapping {
        filter: "(objectClass=groupOfNames)".into(),
        address: "mail".into(),
        address_template: String::new(),
        aliases: strings(&["mailAlternateAddress"]),
        name: "cn".into(),
        description: "description".into(),
        members: strings(&["member"]),
        external: strings(&["rfc822MailMember"]),
        owners: strings(&["owner"]),
        moderators: strings(&["listModerator"]),
        settings: std::collections::BTreeMap::new(),
    };
    let people = PeopleMapping {
        filter: "(objectClass=inetOrgPerson)".into(),
        login: "uid".into(),
        address: strings(&["mail"]),
        may_post_as: strings(&["mail"]),
        name: strings(&["cn"]),
        language: "preferredLanguage".into(),
        inactive: "(pwdAccountLockedTime=000001010000Z)".into(),
        address_shown: "listAddressShown".into(),
    };
    Mapping::new(&lists, &people).unwrap()
}
