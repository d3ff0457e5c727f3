//! A filter built on our milter crate behind a real Postfix: every answer, every change.

use std::time::Duration;

use milter::answer::{Answer, Verdict};
use milter::apply::apply;
use milter::header::Field;
use milter::negotiate::Protocol;
use milter::packet::Modification;
use milter::reply_code::ReplyCode;
use stack::postfix::{Alone, CONTENT_TIMEOUT};
use stack::smtp::{As, Client, Reply, send};
use stack::{mail, wait};

use crate::scripted::{Script, Scripted};

/// A Postfix that asks a filter.
struct School {
    filter: Scripted,
    alone: Alone,
}

const FROM: &str = "joerg@post.example";
const TO: [&str; 2] = ["petra@schule.example", "maria@schule.example"];

impl School {
    fn start() -> School {
        let filter = Scripted::start();
        let alone = Alone::patient(&[filter.name()], Some(CONTENT_TIMEOUT)).unwrap();
        School { filter, alone }
    }

    fn post(&self, letter: &[u8]) -> Reply {
        send(self.alone.postfix.smtp(), &As::Local, FROM, &TO, letter).unwrap()
    }

    /// Posts under a script.
    fn play(&self, script: Script) -> Reply {
        self.filter.play(script);
        self.alone.sink.clear();
        self.post(LETTER)
    }

    /// The mail that got through, as header fields and body.
    fn arrived(&self) -> (Vec<Field>, Vec<u8>) {
        let sink = &self.alone.sink;
        sink.wait_for(2, wait::MAIL).unwrap();
        let mails = sink.deliveries();
        let (head, body) = mail::split(&mails[0].mail);
        (fields(head), body.to_vec())
    }
}

const LETTER: &[u8] = b"From: <joerg@post.example>\r\nTo: <petra@schule.example>\r\n\
Subject:  two spaces\r\nX-Tab:\ttab\r\nX-None:none\r\nX-Twice: 1\r\nX-Twice: 2\r\n\
X-Folded: a\r\n\tb\r\n  c\r\nMessage-ID: <1@post.example>\r\n\
Date: Sun, 22 Nov 2026 05:00:00 +0000\r\n\r\nLiebe Eltern,\r\n\r\nam Freitag.\r\n";

/// The header of a mail; folds as LF, like a filter has them.
fn fields(head: &[u8]) -> Vec<Field> {
    let text = String::from_utf8_lossy(head).replace("\r\n", "\n");
    let mut fields: Vec<Field> = Vec::new();
    for line in text.trim_end_matches('\n').split('\n') {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some(last)) => last.value.extend(format!("\n{line}").bytes()),
            _ => {
                let (name, value) = line.split_once(':').unwrap();
                fields.push(Field { name: name.into(), value: value.into() });
            }
        }
    }
    fields
}

/// Readable, for comparison.
fn lines(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| String::from_utf8_lossy(&field.line()).into_owned()).collect()
}

fn said(code: u16, enhanced: &str, text: &str) -> Answer {
    Answer::Code(ReplyCode::new(code, enhanced, text).unwrap())
}

/// MI8, MI15, MI16, MI17, MI22: what a filter hears of a mail, to the letter.
#[test]
fn mi16_what_the_filter_hears() {
    let school = School::start();
    assert_eq!(school.play(Script::default()).code, 250);
    school.arrived();
    let folded = "header X-Folded: a\n\tb\n  c";
    let mut expect = vec![
        "agreed 6 0xff 0x100400",
        "connect 127.0.0.1 at mx.schule.example",
        "helo client.example",
        "mail <joerg@post.example> Some(\"joerg@post.example\")",
        "rcpt <petra@schule.example> petra@schule.example",
        "rcpt <maria@schule.example> maria@schule.example",
        "data",
        "header From: <joerg@post.example>",
        "header To: <petra@schule.example>",
        "header Subject:  two spaces",
        "header X-Tab:\ttab",
        "header X-None:none",
        "header X-Twice: 1",
        "header X-Twice: 2",
        folded,
        "header Message-ID: <1@post.example>",
        "header Date: Sun, 22 Nov 2026 05:00:00 +0000",
        "header_end",
        "body 30",
        "end, id true",
    ];
    assert_eq!(school.filter.heard(), expect);

    // Without the agreement the one space is gone on the wire; only X-None looks different then.
    let script = Script { protocol: Protocol::NONE, macros: "i", ..Script::default() };
    school.play(script);
    school.arrived();
    expect[0] = "agreed 6 0x1ff 0x0";
    expect[3] = "mail <joerg@post.example> None";
    let alike = |lines: &[String]| {
        lines.iter().filter(|line| !line.starts_with("header X-None")).cloned().collect::<Vec<_>>()
    };
    let expect: Vec<String> = expect.into_iter().map(str::to_owned).collect();
    assert_eq!(alike(&school.filter.heard()), alike(&expect));
    assert!(school.filter.heard().contains(&"header X-None: none".to_owned()));
}

/// MI10, MI13: each refusal at each stage is what the sender hears, and nothing gets in.
#[test]
fn mi10_refusals() {
    let school = School::start();
    let own = || said(550, "5.7.1", "No\nof 100 % sure");
    let later = || said(451, "4.7.0", "Come again");
    for at in ["helo", "mail", "data", "header Subject", "header_end", "body", "rcpt"] {
        for (answer, code, text) in [
            (own(), 550, "5.7.1 of 100 % sure"),
            (later(), 451, "4.7.0 Come again"),
            (Answer::Reject, 550, "5.7.1"),
            (Answer::TempFail, 451, "4.7.1"),
        ] {
            let script = Script { say: vec![(at, answer.clone())], ..Script::default() };
            let reply = school.play(script);
            assert_eq!(reply.code, code, "{answer:?} at {at}: {reply}");
            assert!(reply.lines.iter().any(|line| line.starts_with(text)), "{at}: {reply}");
        }
    }
    for (answer, code) in
        [(own(), 550), (later(), 451), (Answer::Reject, 550), (Answer::TempFail, 451)]
    {
        let reply = school.play(Script { verdict: answer.into(), ..Script::default() });
        assert_eq!(reply.code, code, "{reply}");
    }
    // 421 closes the session.
    school
        .filter
        .play(Script { say: vec![("mail", said(421, "4.3.2", "Bye"))], ..Script::default() });
    let mut client = Client::open(school.alone.postfix.smtp(), &As::Local).unwrap();
    assert_eq!(client.say(&format!("MAIL FROM:<{FROM}>")).unwrap().code, 421);
    assert!(client.say("NOOP").is_err());
    assert_eq!(school.alone.sink.deliveries().len(), 0);
}

/// MI10: a refused recipient is one, the others have their mail.
#[test]
fn mi10_one_recipient() {
    let school = School::start();
    school.filter.play(Script {
        say: vec![("rcpt <petra", said(550, "5.1.1", "Not she"))],
        ..Script::default()
    });
    let mut client = Client::open(school.alone.postfix.smtp(), &As::Local).unwrap();
    client.say(&format!("MAIL FROM:<{FROM}>")).unwrap().expect(250).unwrap();
    client.say("RCPT TO:<petra@schule.example>").unwrap().expect(550).unwrap();
    client.say("RCPT TO:<maria@schule.example>").unwrap().expect(250).unwrap();
    client.data(LETTER).unwrap().expect(250).unwrap();
    school.alone.sink.wait_for(1, wait::MAIL).unwrap();
    let to: Vec<_> = school.alone.sink.deliveries().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, ["maria@schule.example"]);

    // MI9: RSET and HELO in the middle, and a second mail in the same session.
    school.filter.play(Script::default());
    client.say(&format!("MAIL FROM:<{FROM}>")).unwrap().expect(250).unwrap();
    client.say("RSET").unwrap().expect(250).unwrap();
    client.say("RSET").unwrap().expect(250).unwrap();
    client.say(&format!("MAIL FROM:<{FROM}>")).unwrap().expect(250).unwrap();
    client.say("RCPT TO:<maria@schule.example>").unwrap().expect(250).unwrap();
    client.say("EHLO again.example").unwrap().expect(250).unwrap();
    client.say(&format!("MAIL FROM:<{FROM}>")).unwrap().expect(250).unwrap();
    client.say("RCPT TO:<maria@schule.example>").unwrap().expect(250).unwrap();
    client.data(LETTER).unwrap().expect(250).unwrap();
    let aborts = school.filter.heard().iter().filter(|line| *line == "abort").count();
    assert_eq!(aborts, 2, "{:?}", school.filter.heard());
    assert!(!school.filter.heard().iter().any(|line| line.starts_with("broken")));
}

/// MI10, MI21: accept early, discard, quarantine.
#[test]
fn mi21_accept_discard_quarantine() {
    let school = School::start();
    for at in ["connect", "mail", "rcpt", "header Subject", "body"] {
        let reply = school.play(Script { say: vec![(at, Answer::Accept)], ..Script::default() });
        assert_eq!(reply.code, 250, "accept at {at}: {reply}");
        school.arrived();
        assert!(!school.filter.heard().iter().any(|line| line.starts_with("end")), "at {at}");
    }
    school.alone.sink.clear();
    for script in [
        Script { say: vec![("mail", Answer::Discard)], ..Script::default() },
        Script { say: vec![("header From", Answer::Discard)], ..Script::default() },
        Script { verdict: Answer::Discard.into(), ..Script::default() },
    ] {
        assert_eq!(school.play(script).code, 250);
    }
    let quarantine = vec![Modification::Quarantine(b"looks odd".to_vec())];
    let verdict = Verdict { modifications: quarantine, answer: Answer::Accept };
    assert_eq!(school.play(Script { verdict, ..Script::default() }).code, 250);
    assert_eq!(school.alone.postfix.held(), 1);
    school.alone.postfix.wait_log("milter-hold").unwrap();
    // One that gets through behind them: they are really gone.
    school.play(Script::default());
    school.arrived();
    assert_eq!(school.alone.sink.deliveries().len(), 1);
}

/// MI16, MI18: Postfix makes of each change what our own `apply` makes of it, with and without leading space.
#[test]
fn mi18_header_changes() {
    let school = School::start();
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    let add = |name, value| Modification::AddHeader(field(name, value));
    let insert =
        |index, name, value| Modification::InsertHeader { index, field: field(name, value) };
    let change =
        |index, name, value| Modification::ChangeHeader { index, field: field(name, value) };
    let cases = [
        vec![add("X-New", " 1"), add("X-New", " 2")],
        vec![insert(0, "X-Top", " 1"), insert(0, "X-Top", " 0")],
        vec![insert(1, "X-Second", " x"), insert(99, "X-Last", " x")],
        vec![change(1, "Subject", " changed"), change(2, "x-twice", " changed")],
        vec![change(2, "X-Twice", ""), change(1, "X-Twice", "")],
        vec![change(1, "X-Twice", ""), change(1, "X-Twice", "")],
        vec![change(1, "X-Twice", ""), change(2, "X-Twice", " x")],
        vec![change(5, "X-Twice", " third"), change(1, "X-Absent", ""), change(1, "X-Here", " x")],
        vec![add("X-Folded", " a\n\tb"), change(1, "X-Folded", " c\n  d")],
    ];
    for protocol in [Protocol::LEADING_SPACE, Protocol::NONE] {
        for modifications in &cases {
            let verdict =
                Verdict { modifications: modifications.clone(), answer: Answer::Continue };
            let reply = school.play(Script { verdict, protocol, ..Script::default() });
            assert_eq!(reply.code, 250, "{reply}");
            // To an insertion Postfix's own Received is the first field, though the filter does not see it.
            let (found, _) = school.arrived();
            let received = found.iter().find(|field| field.is("Received")).unwrap().clone();
            let mut before = vec![received];
            before.extend(fields(mail::split(LETTER).0));
            assert_eq!(lines(&found), lines(&apply(modifications, before)), "{modifications:?}");
        }
    }
    // MI16: with leading space agreed, each of the four cases is written as it is.
    let exact = ["x", " x", "  x", "\tx"].map(|value| add("X-Exact", value)).to_vec();
    let verdict = Verdict { modifications: exact.clone(), answer: Answer::Continue };
    school.play(Script { verdict, ..Script::default() });
    let (found, _) = school.arrived();
    assert_eq!(found.get(found.len() - 4..).unwrap(), apply(&exact, Vec::new()));
}

/// MI11, MI12, MI17, MI20: body, recipients, sender; SKIP of a long body.
#[test]
fn mi11_body_and_envelope() {
    let school = School::start();
    let long = b"0123456789\r\n".repeat(20_000);
    let modifications = vec![
        Modification::ReplaceBody(long.clone()),
        Modification::AddRecipient { address: b"<new@schule.example>".to_vec(), arguments: vec![] },
        Modification::DeleteRecipient(b"<maria@schule.example>".to_vec()),
        Modification::ChangeSender { address: b"<other@post.example>".to_vec(), arguments: vec![] },
        Modification::AddHeader(Field::new("X-Behind", "the body")),
    ];
    let verdict = Verdict { modifications, answer: Answer::Accept };
    assert_eq!(school.play(Script { verdict, ..Script::default() }).code, 250);
    let (_, body) = school.arrived();
    assert_eq!(body, long);
    let mails = school.alone.sink.deliveries();
    let mut to: Vec<String> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    to.sort();
    assert_eq!(to, ["new@schule.example", "petra@schule.example"]);
    assert!(mails.iter().all(|mail| mail.from == "other@post.example"));

    for (skips, pieces) in [(true, 1), (false, 4)] {
        school.filter.play(Script { skips, ..Script::default() });
        let letter = [LETTER, long.as_slice()].concat();
        assert_eq!(school.post(&letter).code, 250);
        let heard = school.filter.heard();
        let bodies = heard.iter().filter(|line| line.starts_with("body")).count();
        assert_eq!((bodies, heard.last().unwrap().as_str()), (pieces, "end, id true"));
    }
}

/// MI6: what Postfix need not wait for, all of it, mail after mail in one session.
#[test]
fn mi6_silence() {
    let silent = Protocol::SILENT_CONNECT
        | Protocol::SILENT_HELO
        | Protocol::SILENT_MAIL
        | Protocol::SILENT_RCPT
        | Protocol::SILENT_DATA
        | Protocol::SILENT_UNKNOWN
        | Protocol::SILENT_HEADER
        | Protocol::SILENT_HEADER_END
        | Protocol::SILENT_BODY;
    let school = School::start();
    let protocol = silent | Protocol::LEADING_SPACE;
    for script in [
        Script { protocol, ..Script::default() },
        // Said to a header field that has no answer, heard at the end.
        Script {
            protocol,
            say: vec![("header Subject", said(550, "5.7.1", "No"))],
            ..Script::default()
        },
    ] {
        let code = if script.say.is_empty() { 250 } else { 550 };
        school.filter.play(script);
        let mut client = Client::open(school.alone.postfix.smtp(), &As::Local).unwrap();
        for _ in 0..3 {
            client.say(&format!("MAIL FROM:<{FROM}>")).unwrap().expect(250).unwrap();
            client.say("RCPT TO:<maria@schule.example>").unwrap().expect(250).unwrap();
            client.data(LETTER).unwrap().expect(code).unwrap();
        }
        assert_eq!(client.say("XYZZY").unwrap().code / 100, 5);
        client.quit();
        let heard = || school.filter.heard().contains(&"unknown XYZZY".to_owned());
        wait::until_true("the filter to hear of it", wait::MAIL, heard).unwrap();
    }
    let few = Protocol::NO_CONNECT
        | Protocol::NO_HELO
        | Protocol::NO_RCPT
        | Protocol::NO_BODY
        | Protocol::NO_UNKNOWN
        | Protocol::NO_DATA;
    assert_eq!(school.play(Script { protocol: few, ..Script::default() }).code, 250);
    let heard = school.filter.heard();
    let words: Vec<&str> = heard.iter().filter_map(|line| line.split(' ').next()).collect();
    let mut expect = vec!["agreed", "mail"];
    expect.extend(vec!["header"; 10]);
    expect.extend(["header_end", "end,"]);
    assert_eq!(words, expect);
}

/// MI11, MI23: with progress a scan may take longer than Postfix waits; without a filter mail waits at its sender, and
/// gets in as soon as the filter is back.
#[test]
fn mi23_progress_and_trouble() {
    let school = School::start();
    let takes = Duration::from_secs(5);
    assert_eq!(CONTENT_TIMEOUT, "3s");
    assert_eq!(school.play(Script { takes, ..Script::default() }).code, 250);
    let reply = school.play(Script { is_down: true, ..Script::default() });
    assert_eq!(reply.code, 451, "{reply}");
    assert_eq!(school.play(Script::default()).code, 250);
    school.arrived();
}
