//! Questions that say what they are told to say: one token for each page and state.
//!
//! For the tests of the room `web` and for the browser.

use std::sync::Mutex;

use async_trait::async_trait;
use listcore::address::Address;
use listcore::answer::Said;
use listcore::hold::{By, End, Ended};
use listcore::time::Timestamp;

use super::web::wishes::{ListPage, Mail, Mine, Offers, Options, Wishes};
use super::web::{Answered, Attachment, Author, Kind, Links, NotNow, Question, Questions};

/// 2026-11-20 08:15 UTC.
pub const ARRIVED: Timestamp = Timestamp(1_795_162_500_000);

/// Every token, and what it leads to; any other is unknown.
pub const TOKENS: [&str; 11] = [
    "confirm", "moderate", "withdraw", "hostile", "decided", "rejected", "expired", "bare",
    "admit", "unwish", "own",
];

/// What was answered, and in which way.
#[derive(Default)]
pub struct Fake {
    pub answers: Mutex<Vec<(String, Said)>>,
    pub wishes: Mutex<Vec<(String, Wishes)>>,
    pub sent: Mutex<Vec<(String, String)>>,
}

pub fn links() -> Links {
    Links {
        imprint: Some("https://schule.example/impressum".into()),
        privacy: Some("https://schule.example/datenschutz".into()),
        help: Some("https://schule.example/mail".into()),
    }
}

/// A mail that waits, in the words of the room that asks.
pub fn question(kind: Kind) -> Question {
    Question {
        kind,
        language: "de".into(),
        list_title: "Klasse 5b".into(),
        list_address: "klasse-5b@schule.example".into(),
        links: links(),
        author: Author { name: Some("Ayse Yilmaz".into()), address: "ayse@gmx.example".into() },
        subject: "Ausflug am Freitag".into(),
        excerpt: "Liebe Eltern,\n\nam Freitag fahren wir in den Zoo. Bitte geben Sie 5 Euro mit.\n\nViele Grüße\nAyse Yilmaz".into(),
        attachments: vec![
            Attachment { name: "Zettel.pdf".into(), size: 48_213 },
            Attachment { name: "Plan.png".into(), size: 1_234_567 },
        ],
        reason: "Die Liste wird moderiert.".into(),
        verification: "Ja, der Mailanbieter hat es bestätigt.".into(),
        verdict: "Nichts gefunden.".into(),
        at: ARRIVED,
        ended: None,
    }
}

/// What somebody writes who wants a moderator to see something else, and the page to do something else.
fn hostile() -> Question {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}gnp.exe";
    Question {
        list_title: evil.into(),
        author: Author { name: Some(evil.into()), address: evil.into() },
        subject: format!("{evil}\r\nX: y"),
        excerpt: format!("{evil}\u{0}\u{1b}[2J\n{}\n{}", "W".repeat(500), "رسالة من المدرسة"),
        attachments: vec![Attachment { name: format!("\"'{evil}"), size: u64::MAX }],
        reason: evil.into(),
        verification: evil.into(),
        verdict: evil.into(),
        at: Timestamp(i64::MAX),
        ..question(Kind::Moderate)
    }
}

fn ended(kind: Kind, end: End, by: By) -> Question {
    Question { ended: Some(Ended { end, by, at: ARRIVED }), ..question(kind) }
}

/// A moderator whose address an author must not see.
pub fn moderator() -> By {
    By::Moderator(Address::parse("rektorin@schule.example").expect("an address"))
}

#[async_trait]
impl Questions for Fake {
    async fn look(&self, token: &str) -> Result<Option<Question>, NotNow> {
        Ok(Some(match token {
            "confirm" => question(Kind::Confirm),
            "moderate" => question(Kind::Moderate),
            "withdraw" => question(Kind::Withdraw),
            "admit" => question(Kind::Admit),
            "unwish" => question(Kind::Unwish),
            "own" => question(Kind::Own),
            "hostile" => hostile(),
            "decided" => ended(Kind::Moderate, End::Accepted, moderator()),
            "rejected" => {
                let why = "Bitte fragen Sie zuerst die Klassenleitung.".into();
                ended(Kind::Withdraw, End::Rejected(why), moderator())
            }
            "expired" => ended(Kind::Moderate, End::Expired, By::Clock),
            "discarded" => ended(Kind::Withdraw, End::Discarded, moderator()),
            "bare" => Question {
                author: Author { name: None, ..question(Kind::Moderate).author },
                subject: String::new(),
                excerpt: String::new(),
                attachments: Vec::new(),
                verdict: String::new(),
                ..question(Kind::Moderate)
            },
            "passed" => question(Kind::Confirm),
            "raced" => question(Kind::Moderate),
            "refused" => question(Kind::Moderate),
            "gone" => question(Kind::Moderate),
            "trouble" => return Err(NotNow),
            "panic" => panic!("a fault that a test asked for"),
            "slow" => {
                tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
                return Err(NotNow);
            }
            _ => return Ok(None),
        }))
    }

    async fn answer(&self, token: &str, answer: Said) -> Answered {
        let mut answers = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        answers.push((token.to_owned(), answer.clone()));
        match (token, answer) {
            ("passed", _) => Answered::Passed,
            ("raced", _) => {
                let end = End::Rejected("Bitte später.".into());
                Answered::Already(Ended { end, by: moderator(), at: ARRIVED })
            }
            ("refused", _) => Answered::Done(End::Refused("die Liste ist geschlossen".into())),
            ("gone", _) => Answered::Gone,
            (_, Said::Yes | Said::Accept | Said::Always) => Answered::Done(End::Accepted),
            (_, Said::No) => Answered::Done(End::NotMine),
            (_, Said::Reject(why)) => Answered::Done(End::Rejected(why)),
            (_, Said::Discard) => Answered::Done(End::Discarded),
            (_, Said::Spam) => Answered::Done(End::Spam),
            (_, Said::Withdraw) => Answered::Done(End::Withdrawn),
        }
    }
}

/// A member's settings.
pub fn mine(mail: Mail, all: bool) -> Mine {
    Mine {
        language: "de".into(),
        list_title: "Klasse 5b".into(),
        list_address: "klasse-5b@schule.example".into(),
        links: links(),
        address: "ayse@gmx.example".into(),
        paused: false,
        wishes: Wishes { mail, no_own: true, ..Wishes::default() },
        offers: Offers { digest: all, no_own: all, no_addressed: all, plain: all },
    }
}

#[async_trait]
impl Options for Fake {
    async fn mine(&self, token: &str) -> Result<Option<Mine>, NotNow> {
        Ok(Some(match token {
            "member" => mine(Mail::All, true),
            "few" => mine(Mail::All, false),
            "paused" => mine(Mail::Until(Timestamp(ARRIVED.0 + 10 * 86_400_000)), true),
            "left" => mine(Mail::None, true),
            "trouble" => return Err(NotNow),
            _ => return Ok(None),
        }))
    }

    async fn set(&self, token: &str, wishes: Wishes) -> Result<Option<()>, NotNow> {
        let mut all = self.wishes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.push((token.to_owned(), wishes));
        Ok(Some(()))
    }

    async fn unsubscribe(&self, token: &str) -> Result<Option<()>, NotNow> {
        let wishes = Wishes { mail: Mail::None, ..Wishes::default() };
        self.set(token, wishes).await
    }

    async fn list(&self, address: &str) -> Result<Option<ListPage>, NotNow> {
        let known = address == "klasse-5b@schule.example";
        Ok(known.then(|| ListPage {
            title: "Klasse 5b".into(),
            address: address.to_owned(),
            language: "de".into(),
            links: links(),
        }))
    }

    async fn send_link(&self, list: &str, address: &str) -> Result<(), NotNow> {
        let mut sent = self.sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        sent.push((list.to_owned(), address.to_owned()));
        Ok(())
    }
}
