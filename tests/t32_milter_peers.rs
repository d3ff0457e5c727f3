//! Our milter crate and other people's: OpenDKIM's miltertest as the MTA of a filter of ours; rspamd's own milter and
//! clamav-milter as filters that we ask. (Postfix as the MTA: `t31_postfix`.)

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use milter::answer::{Answer, Verdict};
use milter::client::{Idle, Limits, offer};
use milter::drive_client::{Broken, Mail, Outcome, Session, Source, Timeouts, ask};
use milter::header::Field;
use milter::macros::Macros;
use milter::negotiate::{Actions, Stage};
use milter::packet::{Connect, Modification, Path as Address};
use milter::reply_code::ReplyCode;
use stack::clamav_milter::ClamavMilter;
use stack::clamd::{SIGNATURE, eicar};
use stack::rspamd::GTUBE;
use stack::scanners::Scanners;
use stack::{process, wait};
use tokio::net::TcpStream;

use crate::scripted::{Script, Scripted};

/// Each script of `tests/milter/` against a filter that plays its part.
#[test]
fn miltertest() {
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    let spam = || Modification::AddHeader(Field::new("X-Spam", "yes"));
    let changes = vec![
        spam(),
        Modification::InsertHeader { index: 0, field: Field::new("X-Top", "1") },
        Modification::ChangeHeader { index: 1, field: Field::new("Subject", "changed") },
        Modification::ChangeHeader { index: 1, field: field("From", "") },
        Modification::Quarantine(b"looks odd".to_vec()),
        Modification::AddRecipient { address: b"<new@y.example>".to_vec(), arguments: vec![] },
        Modification::DeleteRecipient(b"<b@y.example>".to_vec()),
        Modification::ReplaceBody(b"new\r\n".to_vec()),
    ];
    let makes = |modifications| Script {
        protocol: milter::negotiate::Protocol::NONE,
        verdict: Verdict { modifications, answer: Answer::Accept },
        ..Script::default()
    };
    let no = ReplyCode::new(550, "5.7.1", "No").unwrap();
    let says = |say| Script { say, ..Script::default() };
    let scripts = [
        ("abort", Script::default()),
        ("accept", Script::default()),
        ("change", makes(changes)),
        (
            "early",
            says(vec![("mail <refused", Answer::TempFail), ("header X-Discard", Answer::Discard)]),
        ),
        ("old", makes(vec![spam()])),
        ("recipient", says(vec![("rcpt <nobody", Answer::Reject)])),
        ("reply", Script { verdict: Answer::Code(no).into(), ..Script::default() }),
        ("skip", Script { skips: true, ..Script::default() }),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("milter");
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, scripts.len() + 1, "a script without its part, besides lib.lua");
    let filter = Scripted::start();
    let library = std::fs::read_to_string(folder.join("lib.lua")).unwrap();
    for (name, script) in scripts {
        filter.play(script);
        let text = std::fs::read_to_string(folder.join(format!("{name}.lua"))).unwrap();
        let port = format!("port={}", filter.port());
        let argv = ["miltertest", "-D", &port];
        let done = process::run(&argv, format!("{library}\n{text}").as_bytes(), wait::START);
        done.unwrap_or_else(|error| panic!("{name}.lua: {error}\n{:#?}", filter.heard()));
        let broken = || filter.heard().iter().any(|line| line.starts_with("broken"));
        assert!(!broken(), "{name}.lua: {:?}", filter.heard());
    }
}

/// A filter that listens on a port, and a mail for it.
struct Asked {
    filter: SocketAddr,
    body: Vec<u8>,
    connects: usize,
    timeouts: Timeouts,
}

impl Source for Asked {
    type Stream = TcpStream;
    type Body = io::Cursor<Vec<u8>>;

    async fn connect(&mut self) -> io::Result<TcpStream> {
        self.connects += 1;
        TcpStream::connect(self.filter).await
    }

    async fn body(&mut self) -> io::Result<io::Cursor<Vec<u8>>> {
        Ok(io::Cursor::new(self.body.clone()))
    }
}

impl Asked {
    fn new(filter: SocketAddr) -> Asked {
        Asked { filter, body: Vec::new(), connects: 0, timeouts: Timeouts::default() }
    }

    /// Asks about a mail with this body.
    async fn about(
        &mut self,
        idle: Option<Session<TcpStream, Idle>>,
        body: &[u8],
    ) -> Result<(Outcome, Option<Session<TcpStream, Idle>>), Broken> {
        self.body = body.to_vec();
        let client = Connect::inet("mail.post.example", "192.0.2.1".parse().unwrap(), 25);
        let macros = Macros::default().with("i", "1A").with("{mail_addr}", "a@post.example");
        let mail = Mail {
            client: &client,
            helo: Some(b"mail.post.example"),
            sender: &Address::new("a@post.example"),
            recipients: &[Address::new("b@schule.example")],
            header: &[
                Field::new("From", "a@post.example"),
                Field::new("To", "b@schule.example"),
                Field::new("Subject", "Ausflug"),
                Field::new("Date", "Sun, 22 Nov 2026 05:00:00 +0000"),
                Field::new("Message-ID", "<1@post.example>"),
            ],
            macros: &[(Stage::Mail, macros)],
        };
        let terms = (offer(Actions::ALL), Limits::default(), self.timeouts);
        ask(self, idle, &mail, terms).await
    }
}

/// What it adds under this name, as text; empty where it does not.
fn added(outcome: &Outcome, name: &str) -> String {
    let field = |modification: &Modification| match modification {
        Modification::AddHeader(field) if field.is(name) => Some(field.text().to_vec()),
        _ => None,
    };
    let found = outcome.verdict.modifications.iter().find_map(field);
    String::from_utf8(found.unwrap_or_default()).unwrap()
}

fn code(outcome: &Outcome) -> String {
    match &outcome.verdict.answer {
        Answer::Code(code) => code.to_string(),
        other => format!("{other:?}"),
    }
}

/// MI24, MI26: rspamd's own milter: spam, ham and a large mail, again and again over one connection.
#[tokio::test]
async fn mi26_rspamd() {
    let scanners = Scanners::start().unwrap();
    let mut asked = Asked::new(scanners.rspamd.milter());
    let large = b"Liebe Eltern, am Freitag.\r\n".repeat(20_000);
    let mut idle = None;
    for _ in 0..3 {
        for (body, expect) in [
            (b"am Freitag.\r\n".as_slice(), "Accept"),
            (format!("{GTUBE}\r\n").as_bytes(), "554 5.7.1 Gtube pattern"),
            (b"", "Accept"),
            (&large, "Accept"),
        ] {
            let (outcome, connection) = asked.about(idle, body).await.unwrap();
            assert_eq!(code(&outcome), expect);
            idle = connection;
        }
    }
    assert_eq!(asked.connects, 1, "one connection for all");
}

/// MI23, MI24, MI26: clamav-milter: clean, a virus, a large mail, again and again; without clamd mail waits.
#[tokio::test]
async fn mi26_clamav() {
    let mut scanners = Scanners::start().unwrap();
    let milter = ClamavMilter::start(scanners.dir(), scanners.clamd.address()).unwrap();
    let mut asked = Asked::new(milter.address());
    let large = b"Liebe Eltern, am Freitag.\r\n".repeat(20_000);
    for _ in 0..2 {
        for (body, is_clean) in
            [(b"am Freitag.\r\n".as_slice(), true), (&eicar(), false), (&large, true)]
        {
            let (outcome, _) = asked.about(None, body).await.unwrap();
            if is_clean {
                assert_eq!(outcome.verdict.answer, Answer::Accept);
                assert_eq!(added(&outcome, "X-Virus-Status"), "Clean", "{outcome:?}");
            } else {
                assert_eq!(code(&outcome), format!("550 5.7.1 virus {SIGNATURE}"));
                let found = format!("Infected ({SIGNATURE})");
                assert_eq!(added(&outcome, "X-Virus-Status"), found, "{outcome:?}");
            }
            assert!(added(&outcome, "X-Virus-Scanned").starts_with("clamav-milter"), "{outcome:?}");
        }
    }
    assert_eq!(asked.connects, 6, "a new connection for each");
    // libmilter does not hear of another SMTP connection on the same stream. No mail is lost by that.
    asked.timeouts.connect = Duration::from_secs(5);
    let (_, idle) = asked.about(None, b"").await.unwrap();
    let (outcome, idle) = asked.about(Some(idle.unwrap()), b"").await.unwrap();
    assert_eq!((outcome.verdict.answer, asked.connects), (Answer::Accept, 8));
    assert!(idle.is_none());
    scanners.clamd.stop();
    let (outcome, _) = asked.about(None, &eicar()).await.unwrap();
    assert_eq!(outcome.verdict.answer, Answer::TempFail);
}
