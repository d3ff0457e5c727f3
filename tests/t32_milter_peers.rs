//! Our milter crate and other people's: OpenDKIM's miltertest as the MTA of a filter of ours; rspamd's own milter as a
//! filter that we ask. (Postfix as the MTA: `t31_postfix`.)

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use milter::answer::{Answer, Verdict};
use milter::client::{Idle, Limits, offer};
use milter::drive_client::{Broken, Mail, Outcome, Session, Source, Timeouts, ask};
use milter::header::Field;
use milter::macros::Macros;
use milter::negotiate::{Actions, Stage};
use milter::packet::{Connect, Modification, Path as Address};
use milter::reply_code::ReplyCode;
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
        Asked { filter, body: Vec::new(), connects: 0 }
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
        ask(self, idle, &mail, (offer(Actions::ALL), Limits::default(), Timeouts::default())).await
    }
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
