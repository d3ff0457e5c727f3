//! Lists behind Postfix instead of Exim, as `docs/postfix.md` says: LMTP to listd, the copies back, a filter before both.

use milter::answer::{Answer, Verdict};
use milter::header::Field;
use milter::packet::Modification;
use milter::reply_code::ReplyCode;
use stack::postfix::{GUIDE, Lists, Peers, Postfix};
use stack::smtp::{As, Client, Reply, send};
use stack::{Solo, dkim, mail, school, template, wait};

use crate::scripted::{Script, Scripted};

struct School {
    postfix: Postfix,
    filter: Scripted,
    solo: Solo,
}

impl School {
    fn start() -> School {
        let ldif = std::fs::read_to_string(school::fixtures().join("school/school.ldif")).unwrap();
        let mut solo =
            Solo::prepare(&ldif, |settings| settings.unverified.clear()).unwrap().watched();
        let filter = Scripted::start();
        let names = "(klasse-5b|klasse-9z)([-+][^@]*)?".to_owned();
        let peers = Peers {
            milters: vec![filter.name()],
            outside: solo.sink.address().port(),
            lists: Some(Lists { lmtp: solo.listd.lmtp().port(), names }),
            content_timeout: None,
        };
        let postfix = Postfix::start(solo.dir(), &peers).unwrap();
        solo.watch_also(postfix.smtp().port());
        let mut settings = solo.settings();
        settings.relay = postfix.relay().to_string();
        solo.listd.configure(&settings).unwrap();
        solo.listd.start().unwrap();
        School { postfix, filter, solo }
    }

    fn post(&self, to: &str, letter: &[u8]) -> Reply {
        send(self.postfix.smtp(), &As::Local, school::JOERG.1, &[to], letter).unwrap()
    }
}

fn letter(id: &str) -> Vec<u8> {
    mail::text(school::JOERG.1, school::CLASS_5B, "Ausflug", id, "Liebe Eltern,\n\nam Freitag.")
}

#[test]
fn a_class_mail_goes_through_postfix_twice() {
    let school = School::start();
    let verdict = Verdict {
        modifications: vec![Modification::AddHeader(Field::new("X-Judged", "once"))],
        answer: Answer::Accept,
    };
    school.filter.play(Script { verdict, ..Script::default() });
    let signed = dkim::sign_as_provider(&letter("1@post.example")).unwrap();
    let reply = school.post(school::CLASS_5B, &signed);
    assert_eq!(reply.code, 250, "{reply}");
    let expect = school::CLASS_5B_RECIPIENTS as u64;
    school.solo.sink.wait_for(expect, wait::MAIL).unwrap();
    let copies = school.solo.sink.deliveries();
    let copy = &copies[0].mail;
    dkim::check_school(copy).unwrap();
    assert!(!mail::headers(copy, "List-Id").is_empty());
    let ends = school.filter.heard().iter().filter(|line| line.starts_with("end")).count();
    assert_eq!(ends, 1, "the copies are not judged again: {:?}", school.filter.heard());
}

/// What listd refuses at RCPT, the sender hears; what the filter refuses, listd never sees.
#[test]
fn refusals_in_the_dialogue() {
    let school = School::start();
    let mut client = Client::open(school.postfix.smtp(), &As::Local).unwrap();
    client.say(&format!("MAIL FROM:<{}>", school::JOERG.1)).unwrap().expect(250).unwrap();
    let reply = client.say("RCPT TO:<klasse-9z@schule.example>").unwrap();
    assert_eq!(reply.code, 550, "{reply}");
    assert!(reply.lines.iter().any(|line| line.contains("5.1.1")), "{reply}");
    client.quit();

    let spam = Answer::Code(ReplyCode::new(550, "5.7.1", "Spam").unwrap());
    school.filter.play(Script { verdict: spam.into(), ..Script::default() });
    let signed = dkim::sign_as_provider(&letter("2@post.example")).unwrap();
    let reply = school.post(school::CLASS_5B, &signed);
    assert_eq!((reply.code, reply.lines.join("")), (550, "5.7.1 Spam".to_owned()));

    // What listd refuses after the mail is Postfix's to tell: a mail to whoever the envelope names.
    school.filter.play(Script::default());
    let reply = school.post(school::CLASS_5B, &letter("3@post.example"));
    assert_eq!(reply.code, 250, "{reply}");
    school.solo.sink.wait_for(1, wait::MAIL).unwrap();
    let told = school.solo.sink.deliveries();
    assert_eq!(
        (told[0].from.as_str(), told[0].to.as_slice()),
        ("", &[school::JOERG.1.to_owned()][..])
    );
    assert_eq!(told.len(), 1);
}

/// A copy that can't be delivered comes back to listd by its bounce address.
#[test]
fn bounces_come_back() {
    let school = School::start();
    school.solo.sink.set(|faults| {
        faults.refuse.insert(school::OUTSIDE.to_owned(), "550 5.1.1 Nobody here".to_owned());
    });
    let signed = dkim::sign_as_provider(&letter("4@post.example")).unwrap();
    assert_eq!(school.post(school::CLASS_5B, &signed).code, 250);
    school.solo.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64 - 1, wait::MAIL).unwrap();
    let taken = || {
        school.postfix.log().lines().any(|line| {
            line.contains("to=<klasse-5b-bounces+") && line.contains("status=sent (250")
        })
    };
    wait::until_true("the bounce to be with listd", wait::MAIL, taken).unwrap();
}

/// The guide quotes what these tests run, word for word.
#[test]
fn the_guide_says_what_is_tested() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/postfix.md"))
        .unwrap();
    let quotes: Vec<&str> = guide.split("<!-- postfix-guide.cf: ").skip(1).collect();
    assert_eq!(quotes.len(), GUIDE.matches("\n### ").count());
    for quote in quotes {
        let (title, rest) = quote.split_once(" -->\n```\n").expect("a title and a block");
        let (block, _) = rest.split_once("\n```").expect("the end of the block");
        let section = template::section(GUIDE, title).unwrap();
        assert_eq!(block.trim(), section.trim(), "section {title} of docs/postfix.md");
    }
}
