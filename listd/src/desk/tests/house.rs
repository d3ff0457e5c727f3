//! A school with somebody at its desk, and what can be seen of it: letters, tickets, what waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use listcore::address::Address;
use listcore::hold::Reason;
use listcore::list::ListId;
use listcore::list::settings::Key;
use listcore::message::{Mail, readable};
use listcore::policy::Unproven;
use listcore::rewrite::PostKind;
use listcore::time::Timestamp;
use lmtp::server::Flavor;

use super::super::{Bell, Desk, Learns, Parts};
use crate::letters::Letters;
use crate::pipeline::Announce;
use crate::pipeline::testing::{School, letter};
use crate::store::held::{About, Arrived, Held, Holds, NewHeld, Ticket};
use crate::store::{
    Body, Commit, Done, DueBatch, MailId, Move, NewMail, PostId, Queue, Raw, Report,
};

pub const LIST: &str = "watched@schule.example";
pub const LIST_ID: &str = "00000000-0000-0000-0000-0000000000b1";
pub const NETWORK: &str = "192.0.2.0/24";

/// Counts what was announced, and keeps what is to be learnt.
#[derive(Default)]
pub struct Seen {
    pub announced: Mutex<Vec<DueBatch>>,
    pub spam: Mutex<Vec<Bytes>>,
    pub ham: Mutex<Vec<Bytes>>,
}

impl Announce for Seen {
    fn announce(&self, batches: Vec<DueBatch>) {
        self.announced.lock().expect("a lock").extend(batches);
    }
}

impl Learns for Seen {
    fn spam(&self, raw: Bytes) {
        self.spam.lock().expect("a lock").push(raw);
    }

    fn ham(&self, raw: Bytes) {
        self.ham.lock().expect("a lock").push(raw);
    }
}

pub struct House {
    pub school: School,
    pub desk: Arc<Desk>,
    pub seen: Arc<Seen>,
}

/// A letter of ours as it reached the store.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: String,
    pub text: String,
    pub reply_to: Option<String>,
    pub raw: Vec<u8>,
}

impl House {
    pub fn new() -> House {
        let bell = Arc::new(Bell::default());
        let school = School::staffed(Flavor::Lmtp, None, bell.clone());
        let pipeline = school.door.pipeline.clone();
        let seen = Arc::new(Seen::default());
        let desk = Desk::new(Parts {
            members: pipeline.members.clone(),
            pipeline: pipeline.clone(),
            store: school.store.clone(),
            letters: Letters {
                hostname: "lists.schule.example".to_owned(),
                ids: pipeline.ids.clone(),
            },
            announce: seen.clone(),
            learns: seen.clone(),
            keys: school.keys.clone(),
            ids: pipeline.ids.clone(),
            pages: Some("https://lists.schule.example".to_owned()),
            clock: pipeline.clock.clone(),
        });
        bell.hang(&desk);
        House { school, desk, seen }
    }

    pub fn now(&self) -> Timestamp {
        (self.school.door.pipeline.clock)()
    }

    /// Turns the clock; the directory stays fresh.
    pub fn later(&self, by: Duration) {
        self.school.later(by);
        self.school.live.fresh(self.now(), None);
    }

    /// Everything that is due.
    pub async fn round(&self) -> Option<Timestamp> {
        self.desk.round().await.expect("a round")
    }

    /// A mail of Anna's that waits for this reason, as the pipeline leaves it.
    pub async fn hold(&self, reason: Reason, verified: bool) -> PostId {
        self.hold_mail(
            reason,
            verified,
            &letter(&format!("{}@home.example", self.id()), "Hallo Welt"),
        )
        .await
    }

    /// As `listctl list set` does.
    pub fn set(&self, key: Key, value: &str) {
        let list = ListId(LIST_ID.to_owned());
        self.school.door.pipeline.members.set_override(&list, key, Some(&[value.to_owned()]));
    }

    fn id(&self) -> u64 {
        self.school.door.pipeline.ids.next(self.now())
    }

    pub async fn hold_mail(&self, reason: Reason, verified: bool, raw: &str) -> PostId {
        let now = self.now();
        let id = PostId(self.id());
        let mail = Mail::parse(raw.as_bytes()).expect("a mail");
        let message_id = mail.message_id.clone().unwrap_or_default();
        let new = NewMail {
            id: MailId(self.id()),
            raw: Raw::Memory(Bytes::copy_from_slice(raw.as_bytes())),
            message_id: message_id.clone(),
            sender: Address::parse("anna@home.example").ok(),
            received: now,
            utf8: false,
        };
        let held = NewHeld {
            id,
            list: ListId(LIST_ID.to_owned()),
            address: Address::parse(LIST).expect("an address"),
            kind: PostKind::List,
            reason,
            waits_for: reason.waits_for(),
            author: mail.author().map(|author| author.address.clone()),
            person: None,
            language: "de".to_owned(),
            subject: "Hallo".to_owned(),
            verification: "nothing".to_owned(),
            verified,
            verdict: String::new(),
            suspect: reason == Reason::Suspect,
            arrived: Arrived {
                helo: "mx.schule.example".to_owned(),
                peer: "127.0.0.1".to_owned(),
                protocol: "LMTP".to_owned(),
                rcpt: LIST.to_owned(),
                network: Some(NETWORK.to_owned()),
                name: "Anna".to_owned(),
            },
            digest: [1; 32],
            message_id,
            expires: now + Duration::from_secs(14 * 86_400),
            next: now,
        };
        let accept = Move::Accept { mail: new, posts: Vec::new(), held: vec![held] };
        assert_eq!(self.school.store.commit(vec![accept]).await.expect("a commit"), [Done::Ok]);
        id
    }

    pub async fn held(&self, id: PostId) -> Held {
        self.school.store.held(id).await.expect("the store").expect("a held mail")
    }

    /// All letters so far, oldest first.
    pub async fn letters(&self) -> Vec<Sent> {
        let mut sent = Vec::new();
        let mut posts = self.school.store.waiting(1_000).await.expect("the store");
        posts.sort_by_key(|post| post.id);
        for post in posts.iter().filter(|post| post.frozen.list.0.starts_with("notice:")) {
            let account = self.school.store.account(post.id).await.expect("the store");
            let account = account.expect("a post");
            let to = account.batches[0].recipients[0].clone().expect("a recipient").1;
            let Some(Body::Memory(raw)) = self.school.store.body(post.mail).await.expect("a body")
            else {
                panic!("a letter is small")
            };
            let mail = Mail::parse(&raw).expect("a mail");
            sent.push(Sent {
                to: to.address.to_string(),
                text: readable::excerpt(&raw, 10_000),
                reply_to: mail.reply_to.first().map(|to| to.address.to_string()),
                raw: raw.to_vec(),
            });
        }
        sent
    }

    /// To whom, in the order of writing.
    pub async fn written_to(&self) -> Vec<String> {
        let local = |sent: &Sent| sent.to.split('@').next().unwrap_or_default().to_owned();
        self.letters().await.iter().map(local).collect()
    }

    /// The question about a mail to this person.
    pub async fn ticket(&self, post: PostId, who: &str, about: fn(PostId) -> About) -> Ticket {
        let tickets = self.school.store.tickets_about(post).await.expect("the store");
        let mut hers = tickets
            .into_iter()
            .filter(|ticket| ticket.who.address.local() == who && ticket.about == about(post));
        let ticket = hers.next().expect("a ticket");
        assert_eq!(hers.next(), None, "one ticket for each");
        ticket
    }

    /// Whether and to how many a mail went out.
    pub async fn sent_to(&self, post: PostId) -> Option<usize> {
        let account = self.school.store.account(post).await.expect("the store")?;
        Some(account.batches.iter().map(|batch| batch.recipients.len()).sum())
    }

    /// Asked of the author, with the answer still open.
    pub async fn asked(&self) -> PostId {
        let id = self.hold(Reason::Asked(Unproven::Nothing), false).await;
        self.round().await;
        id
    }

    /// Announced to the moderators; the author knows.
    pub async fn announced(&self) -> PostId {
        let id = self.hold(Reason::Moderated, true).await;
        self.round().await;
        id
    }
}
