//! Mail to `-request` through the real intake: who is answered, how often, and that nobody else gets mail.

use std::time::Duration;

use listcore::message::Mail;
use listcore::notice;

use super::*;
use crate::pipeline::testing::{START, School};
use crate::store::{Account, Body, MemberOptions, Queue, Report};

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

/// From `from`, with or without a proof.
fn asks(proof: &str, from: &str, to: &str, id: usize, subject: &str, body: &str) -> String {
    format!(
        "Authentication-Results: mx.schule.example; {proof}\r\n\
         Received: from home.example by mx.schule.example; Sun, 22 Nov 2026 01:00:00 +0000\r\n\
         From: Erna Öz <{from}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <c{id}@home.example>\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    )
}

const ANNA: &str = "anna@home.example";
const PROOF: &str = "auth=pass smtp.auth=anna";

/// What Anna asks of the list's program, logged in; the last letter then, and the reply.
async fn anna_asks(school: &School, to: &str, subject: &str) -> (String, String) {
    let id = school.door.pipeline.ids.next(START);
    let mail = asks(PROOF, ANNA, to, usize::try_from(id).unwrap(), subject, "");
    let reply = school.send(&format!("<{ANNA}>"), &[to], mail.as_bytes()).await;
    (reply.last().cloned().unwrap_or_default(), last_text(school).await)
}

async fn raw_of(school: &School, account: &Account) -> Vec<u8> {
    match school.store.body(account.post.mail).await.unwrap() {
        Some(Body::Memory(raw)) => raw.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// As it is read.
async fn text_of(school: &School, account: &Account) -> String {
    listcore::message::readable::excerpt(&raw_of(school, account).await, 10_000)
}

async fn last_text(school: &School) -> String {
    match letters(school).await.last() {
        Some(account) => text_of(school, account).await,
        None => String::new(),
    }
}

fn options(school: &School) -> listcore::options::Options {
    let members = &school.door.pipeline.members;
    let list = list_5b();
    let roster = members.roster(&list).unwrap();
    let who = roster.recipients.iter().find(|r| r.address.to_string() == ANNA).unwrap();
    members.options(&list, who).unwrap_or_default()
}

fn list_5b() -> listcore::list::ListId {
    listcore::list::ListId("00000000-0000-0000-0000-00000000005b".to_owned())
}

/// Q3, A1: a verified author's own mail is changed at once, and one letter with the way back says how it is now.
#[tokio::test]
async fn a_verified_author_commands_her_own_mail() {
    use listcore::options::{Digest, Mute};
    let school = School::new();
    let (reply, text) = anna_asks(&school, REQUEST, "AW: Pause bis 1.12.").await;
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    assert!(text.contains("keine Mails bis Dienstag, 1. Dezember 2026"), "{text}");
    assert!(text.contains("https://lists.schule.example/o/"), "{text}");
    let Mute::Until(end) = options(&school).mute else { panic!("{:?}", options(&school)) };
    assert!(end > START && end < START + 10 * DAY);
    let (_, text) = anna_asks(&school, REQUEST, "Sammelmail").await;
    assert!(text.contains("keine Mails bis"), "a pause stays: {text}");
    assert_eq!(options(&school).digest, Digest::Daily);
    let (_, text) = anna_asks(&school, REQUEST, "weiter").await;
    assert!(text.contains("einmal am Tag alle Mails zusammen"), "{text}");
    let (_, text) = anna_asks(&school, REQUEST, "mute for 2 weeks").await;
    assert!(text.contains("6. Dezember 2026"), "{text}");
    anna_asks(&school, REQUEST, "einzelne Mails").await;
    let (_, text) = anna_asks(&school, REQUEST, "Pause").await;
    assert!(text.contains("jetzt: keine Mails."), "{text}");
    assert_eq!((options(&school).mute, options(&school).digest), (Mute::ForGood, Digest::Off));
    let (_, text) = anna_asks(&school, REQUEST, "Status").await;
    assert!(text.contains("Klasse 5b (5b@schule.example): keine Mails"), "{text}");
    assert!(text.contains("(6a@schule.example): alle Mails"), "{text}");
    assert!(!text.contains("small.example") && !text.contains("foreign@"), "{text}");
    // Ten answers in a day; then she is sent to people. To end her mail she may always ask.
    anna_asks(&school, REQUEST, "weiter").await;
    for _ in 0..2 {
        anna_asks(&school, REQUEST, "status").await;
    }
    let before = letters(&school).await.len();
    let (reply, _) = anna_asks(&school, REQUEST, "status").await;
    assert!(reply.starts_with("550 5.7.1") && reply.contains("5b-owner@"), "{reply}");
    let (reply, text) = anna_asks(&school, "5b-unsubscribe@schule.example", "Guten Tag").await;
    assert!(reply.starts_with("250") && text.contains("abbestellt"), "{reply} {text}");
    assert_eq!(options(&school).mute, Mute::ForGood);
    assert_eq!(letters(&school).await.len(), before + 1);
}

/// Where unsubscribing means leaving, a mail to `-unsubscribe` says so to the list's admins; a second one changes nothing,
/// and she may come back.
#[tokio::test]
async fn a_mail_leaves_a_list() {
    use listcore::list::settings::Key;
    use listcore::options::{Left, Mute};
    let school = School::new();
    let members = &school.door.pipeline.members;
    members.set_override(&list_5b(), Key::Unsubscribe, Some(&["leave".to_owned()]));
    let left = || {
        let roster = members.roster(&list_5b()).unwrap();
        let who = roster.recipients.iter().find(|r| r.address.to_string() == ANNA).unwrap();
        members.choice(&list_5b(), who).map(|choice| (choice.options.mute, choice.by))
    };
    for words in ["Sie haben sich von der Liste", "(5b@schule.example): keine Mails"] {
        let (reply, text) = anna_asks(&school, "5b-unsubscribe@schule.example", "x").await;
        assert!(reply.starts_with("250") && text.contains(words), "{reply} {text}");
        assert_eq!(left(), Some((Mute::Left, Some(Left::Mail))));
    }
    let kept = school.store.member_options().await.unwrap();
    assert!(kept.len() == 1 && kept[0].by == Some(Left::Mail), "{kept:?}");
    anna_asks(&school, REQUEST, "weiter").await;
    assert_eq!(left(), Some((Mute::No, None)));
}

/// What is no command is helped with, and the help names each command.
#[tokio::test]
async fn what_is_not_understood_is_helped_with() {
    let school = School::new();
    let (reply, text) = anna_asks(&school, REQUEST, "Pause bis Sankt Nimmerlein").await;
    assert!(reply.starts_with("250"), "{reply}");
    for word in ["status", "pause", "weiter", "sammelmail täglich", "abmelden", "anmelden"] {
        assert!(text.contains(&format!("{word}:")), "{word} in {text}");
    }
    assert_eq!(options(&school), listcore::options::Options::default());
}

/// GD2, Q3: nobody vouches for it. The member is asked, at most three times in a day; a stranger hears the same words and
/// nobody writes to her; nothing changes before the answer.
#[tokio::test]
async fn an_unverified_command_is_asked_about() {
    let school = School::new();
    let to = "5b-unsubscribe@schule.example";
    let mut replies = std::collections::HashSet::new();
    for id in 0..100 {
        let from = if id % 2 == 0 { ANNA.to_owned() } else { format!("v{id}@elsewhere.example") };
        let mail = asks("none", &from, to, id, "x", "");
        let reply = school.send(&format!("<{from}>"), &[to], mail.as_bytes()).await;
        replies.insert(reply.last().cloned().unwrap());
    }
    let replies: Vec<String> = replies.into_iter().collect();
    let [reply] = replies.as_slice() else { panic!("{replies:?}") };
    assert!(reply.starts_with("250 2.0.0") && reply.is_ascii(), "{reply}");
    let asked = letters(&school).await;
    assert_eq!(asked.len(), 3);
    for letter in &asked {
        let people: Vec<_> = letter.batches[0].recipients.iter().flatten().collect();
        assert!(people.len() == 1 && people[0].1.address.to_string() == ANNA);
        let text = text_of(&school, letter).await;
        assert!(text.contains("Sie bekommen keine Mails der Liste mehr.") && text.contains("/q/"));
    }
    assert_eq!(options(&school).mute, listcore::options::Mute::No);
    // What her provider forbids is not asked about; nor is a status, whoever she is.
    let mail = asks("none", ANNA, REQUEST, 200, "status", "");
    let reply = school.send(&format!("<{ANNA}>"), &[REQUEST], mail.as_bytes()).await;
    assert!(reply.last().unwrap().starts_with("550 5.7.1"), "{reply:?}");
    assert_eq!(letters(&school).await.len(), 3);
}

/// S3, A2: a reply carries its token whatever stands before its subject; a program and an unclear word answer nothing; a
/// second answer, by mail or by the page, changes nothing more.
#[tokio::test]
async fn a_reply_confirms_a_command_once() {
    use crate::web::{Answered as Page, Kind, Questions};
    use listcore::answer::Said;
    use listcore::hold::End;
    use listcore::options::Mute;
    let school = School::new();
    let to = "5b-unsubscribe@schule.example";
    let mail = asks("none", ANNA, to, 1, "x", "");
    school.send(&format!("<{ANNA}>"), &[to], mail.as_bytes()).await;
    let asked = letters(&school).await;
    let raw = raw_of(&school, &asked[0]).await;
    let header = Mail::parse(&raw).unwrap();
    let answer = header.reply_to[0].address.to_string();
    assert!(answer.starts_with("5b-confirm+"), "{answer}");
    let text = text_of(&school, &asked[0]).await;
    let (_, token) = text.split_once("/q/").unwrap();
    let token: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();

    let pages = Pages { clerk: school.clerk.clone(), others: Arc::new(Nobody) };
    let question = pages.look(&token).await.unwrap().expect("a question");
    assert_eq!((question.kind, question.ended), (Kind::Own, None));
    assert_eq!(question.reason, "Sie bekommen keine Mails der Liste mehr.");
    assert_eq!(pages.look("forged").await, Ok(None));

    let send = async |subject: &str, fields: &str, body: &str| {
        let mail = format!(
            "From: <{ANNA}>\r\nTo: {answer}\r\nSubject: {subject}\r\n{fields}Message-ID: <r@home.example>\r\n\r\n{body}\r\n"
        );
        let reply = school.send(&format!("<{ANNA}>"), &[&answer], mail.as_bytes()).await;
        reply.last().cloned().unwrap_or_default()
    };
    assert!(send("Ja", "Auto-Submitted: auto-replied\r\n", "Ja").await.starts_with("250 2.6.0"));
    assert!(send("AW: Bitte", "", "Vielleicht").await.starts_with("250 2.6.0"));
    assert!(last_text(&school).await.contains("haben wir nicht verstanden"));
    assert_eq!(options(&school).mute, Mute::No);
    let reply = send("Ynt: AW: Bitte best\u{e4}tigen", "", "Ja\r\n\r\n> Ist das richtig?").await;
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    assert_eq!(options(&school).mute, Mute::ForGood);
    let told = letters(&school).await.len();
    assert!(last_text(&school).await.contains("abbestellt"));

    anna_asks(&school, REQUEST, "weiter").await;
    assert!(send("Re: x", "", "Ja").await.starts_with("250"));
    assert_eq!(options(&school).mute, Mute::No, "the old yes does nothing more");
    let Page::Already(first) = pages.answer(&token, Said::Yes).await else { panic!("twice") };
    assert_eq!(first.end, End::Accepted);
    assert_eq!(pages.answer("forged", Said::Yes).await, Page::Gone);
    assert_eq!(letters(&school).await.len(), told + 1);
    school.later(8 * DAY);
    assert_eq!(pages.look(&token).await, Ok(None), "it is open for seven days");
}

struct Nobody;

#[async_trait]
impl crate::web::Questions for Nobody {
    async fn look(&self, _: &str) -> Result<Option<crate::web::Question>, crate::web::NotNow> {
        Ok(None)
    }

    async fn answer(&self, _: &str, _: listcore::answer::Said) -> crate::web::Answered {
        crate::web::Answered::Gone
    }
}

/// A wish waits for the owners: one for each address and list, three in a day, none of a program or a forger.
#[tokio::test]
async fn a_wish_to_be_on_a_list_waits() {
    let school = School::new();
    let to = "5b-subscribe@schule.example";
    let send = async |proof: &str, from: &str, to: &str, id: usize, fields: &str| {
        let mail = format!("{fields}{}", asks(proof, from, to, id, "Hallo", "Ich bin die Oma."));
        let reply = school.send(&format!("<{from}>"), &[to], mail.as_bytes()).await;
        reply.last().cloned().unwrap_or_default()
    };
    let oma = "oma@gmx.example";
    let spf = "spf=pass smtp.mailfrom=oma@gmx.example";
    let held = async || school.store.held_on(None, 100).await.unwrap();
    for id in 0..500 {
        let reply = send("none", &format!("v{id}@x.example"), to, id, "").await;
        assert!(reply.starts_with("550 5.7.1") && reply.contains("5b-owner@"), "{reply}");
        assert!(send("none", ANNA, to, 1_000 + id, "").await.starts_with("550 5.7.1"));
    }
    assert!(held().await.is_empty() && letters(&school).await.is_empty());
    let away = send(spf, oma, to, 2, "Auto-Submitted: auto-replied\r\n").await;
    assert!(away.starts_with("250 2.6.0") && held().await.is_empty(), "{away}");
    let reply = send(spf, oma, to, 3, "").await;
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    let waiting = held().await;
    let [wish] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!(wish.reason, listcore::hold::Reason::Subscription);
    assert_eq!((wish.arrived.name.as_str(), wish.verified), ("Erna Öz", true));
    for id in 4..6 {
        assert!(send(spf, oma, to, id, "").await.starts_with("250"));
    }
    assert_eq!(held().await.len(), 1, "one open wish");
    for (id, list) in ["6a", "foreign", "watched"].into_iter().enumerate() {
        let reply = send(spf, oma, &format!("{list}-subscribe@schule.example"), 10 + id, "").await;
        let ok = reply.starts_with("250");
        assert_eq!(ok, id < 2, "three in a day: {reply}");
    }
    assert!(letters(&school).await.is_empty(), "the desk writes");
    // Who is on the list hears that, and how she gets its mail.
    let (reply, text) = anna_asks(&school, to, "x").await;
    assert!(reply.starts_with("250") && text.contains("Dort sind Sie schon"), "{text}");
    let (_, text) = anna_asks(&school, REQUEST, "anmelden").await;
    assert!(text.contains("alle Mails"), "{text}");
    assert_eq!(held().await.len(), 3);
    let closed = send(spf, "opa@gmx.example", "closed-subscribe@schule.example", 30, "").await;
    assert!(closed.starts_with("550"), "{closed}");
}
