//! Mail to `-request` through the real intake: who is answered, how often, and that nobody else gets mail.

use std::time::Duration;

use listcore::message::Mail;
use listcore::notice;

use super::*;
use crate::pipeline::testing::{START, School};
use crate::store::{Account, Body, Queue, Report};

const REQUEST: &str = "5b-request@schule.example";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// From our own Exim, which says who logged in, or that SPF passed; `fields` end in CRLF.
fn mail(proof: &str, from: &str, id: usize, fields: &str) -> String {
    format!(
        "Authentication-Results: mx.schule.example; {proof}\r\n\
         Received: from home.example by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\n\
         From: <{from}>\r\nTo: {REQUEST}\r\nSubject: Hilfe\r\nMessage-ID: <{id}@home.example>\r\n{fields}\r\nBitte\r\n"
    )
}

fn anna(id: usize, fields: &str) -> String {
    mail("auth=pass smtp.auth=anna", "anna@home.example", id, fields)
}

async fn sent(school: &School, from: &str, mail: &str) -> String {
    let replies = school.send(&format!("<{from}>"), &[REQUEST], mail.as_bytes()).await;
    replies.last().cloned().unwrap_or_default()
}

/// All that waits to go out.
async fn letters(school: &School) -> Vec<Account> {
    let mut all = Vec::new();
    for post in school.store.waiting(2_000).await.unwrap() {
        all.extend(school.store.account(post.id).await.unwrap());
    }
    all
}

/// Q4, A1, A3: one letter in a day for an address and a list, in her language; what comes then is told where people
/// read. The mail itself goes to nobody.
#[tokio::test]
async fn one_answer_a_day() {
    let school = School::new();
    let first = sent(&school, "anna@home.example", &anna(1, "")).await;
    assert!(first.starts_with("250"), "{first}");
    let second = sent(&school, "anna@home.example", &anna(2, "")).await;
    assert!(
        second.starts_with("550 5.7.1") && second.contains("5b-owner@schule.example"),
        "{second}"
    );
    let all = letters(&school).await;
    let [letter] = all.as_slice() else { panic!("{} letters", all.len()) };
    let people: Vec<String> = letter.batches[0]
        .recipients
        .iter()
        .flatten()
        .map(|(_, who)| who.address.to_string())
        .collect();
    assert_eq!(people, ["anna@home.example"]);
    assert!(letter.post.frozen.is_notice());
    let Some(Body::Memory(raw)) = school.store.body(letter.post.mail).await.unwrap() else {
        panic!("a letter is small")
    };
    let header = Mail::parse(&raw).unwrap();
    assert_eq!(header.text("In-Reply-To").as_deref(), Some("<1@home.example>"));
    assert_eq!(header.auto_submitted.as_deref(), Some("auto-replied"));
    assert_eq!(header.from[0].address.to_string(), "5b-owner@schule.example");
    assert!(String::from_utf8_lossy(&raw).contains("lang=3D\"de\""), "the domain's language");
    assert_eq!(school.announced(), ["le"], "notice:schule.example");
    school.later(DAY + Duration::from_secs(1));
    school.live.fresh(START + DAY, None);
    assert!(sent(&school, "anna@home.example", &anna(3, "")).await.starts_with("250"));
    assert_eq!(letters(&school).await.len(), 2, "a day later she may ask again");
    let bert = mail("auth=pass smtp.auth=bert", "bert@home.example", 4, "");
    assert!(sent(&school, "bert@home.example", &bert).await.starts_with("250"));
    assert_eq!(letters(&school).await.last().unwrap().post.frozen.language, "en", "his own");
}

/// Promise 4, Q2: a thousand forgeries and a thousand strangers with good papers.
#[tokio::test]
async fn a_thousand_spams_cause_no_mail() {
    let school = School::new();
    for id in 0..1_000 {
        let from = match id % 3 {
            0 => "anna@home.example".to_owned(),
            1 => "bert@home.example".to_owned(),
            _ => format!("victim-{id}@elsewhere.example"),
        };
        let reply = sent(&school, &from, &mail("none", &from, id, "")).await;
        assert!(reply.starts_with("550 5.7.1"), "{reply}");
    }
    assert!(letters(&school).await.is_empty() && school.announced().is_empty());
    // Whoever owns a domain can have a thousand addresses in it: they do not make us write a thousand letters.
    for id in 0..1_000 {
        let from = format!("spam-{id}@bulk.example");
        let spf = format!("spf=pass smtp.mailfrom={from}");
        let reply = sent(&school, &from, &mail(&spf, &from, id, "")).await;
        assert!(reply.starts_with("250") || reply.starts_with("550"), "{reply}");
    }
    assert!(letters(&school).await.len() <= STRANGERS as usize);
    let from_anna = sent(&school, "anna@home.example", &anna(9_999, "")).await;
    assert!(from_anna.starts_with("250"), "who is known is helped: {from_anna}");
}

/// A2: programs, lists and nobody get no answer, and cause none.
#[tokio::test]
async fn programs_are_not_answered() {
    let school = School::new();
    let marks = [
        "Auto-Submitted: auto-replied\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Precedence: bulk\r\n",
        "List-Unsubscribe: <mailto:x@y.example>\r\n",
        "X-Auto-Response-Suppress: All\r\n",
        "X-Autoreply: yes\r\n",
    ];
    for (id, mark) in marks.iter().enumerate() {
        let reply = sent(&school, "anna@home.example", &anna(id, mark)).await;
        assert!(reply.starts_with("250 2.6.0"), "{mark}: {reply}");
    }
    assert!(sent(&school, "", &anna(77, "")).await.starts_with("250 2.6.0"), "a null sender");
    let other = sent(&school, "else@home.example", &anna(78, "")).await;
    assert!(other.starts_with("550"), "another address sent it: {other}");
    assert!(letters(&school).await.is_empty());
}

/// LM5: these replies are one line of ASCII that names the owners, in every language.
#[test]
fn replies_lead_to_people() {
    let address = listcore::address::Address::parse("klasse-5b@schule.example").unwrap();
    let about = notice::About { title: "Klasse 5b – Grüne", address: &address };
    for language in notice::languages() {
        for why in [notice::NoHelp::Unverified, notice::NoHelp::Enough] {
            let text = notice::no_help(language, why, &about);
            assert!(text.is_ascii() && text.len() <= notice::MAX_REPLY, "{text}");
            assert!(text.contains("klasse-5b-owner@schule.example") && !text.contains("refused"));
        }
    }
}

/// A provider that signs its return addresses (BATV) sends for the same person.
#[tokio::test]
async fn a_signed_return_address_is_hers() {
    let cases = [
        ("prvs=0123abcdef=anna@home.example", "250"),
        ("PRVS=0123ABCDEF=Anna@home.example", "250"),
        ("prvs=0123abcdef=bert@home.example", "550"),
        ("prvs=0123abcdef=anna@away.example", "550"),
        ("prvs=anna@home.example", "550"),
    ];
    for (sender, code) in cases {
        let school = School::new();
        let reply = sent(&school, sender, &anna(1, "")).await;
        assert!(reply.starts_with(code), "{sender}: {reply}");
        let all = letters(&school).await;
        assert_eq!(all.len(), usize::from(code == "250"), "{sender}");
    }
}
