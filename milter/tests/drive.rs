//! The filter over a stream: a handler that is always told, progress, timeouts, shutdown.

#![allow(clippy::unwrap_used, clippy::panic)] // in the helpers of the tests

mod common;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::SILENT;
use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::drive::{Broken, Handler, Timeouts, serve};
use milter::filter::Limits;
use milter::frame::Decoder;
use milter::header::Field;
use milter::macros::Symbols;
use milter::negotiate::{Actions, Offer, Protocol, Terms, Wish};
use milter::packet::{Command, Connect, Path, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Notes what it is told and says what it was told to say.
#[derive(Clone, Default)]
struct Notes {
    told: Arc<Mutex<Vec<String>>>,
    /// What to answer to the first word of a note.
    say: Vec<(&'static str, Answer)>,
    /// How long the verdict takes.
    takes: Duration,
}

impl Notes {
    fn note(&self, what: impl Into<String>) -> Answer {
        let what = what.into();
        let word = what.split(' ').next().unwrap_or_default().to_owned();
        self.told.lock().unwrap().push(what);
        let said = self.say.iter().find(|(to, _)| *to == word);
        said.map_or(Answer::Continue, |(_, answer)| answer.clone())
    }

    fn all(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

impl Handler for Notes {
    fn agreed(&mut self, terms: &Terms) {
        self.note(format!("agreed {}", terms.version));
    }

    async fn connect(&mut self, client: Connect, _: &Symbols) -> Answer {
        self.note(format!("connect {}", client.ip().unwrap()))
    }

    async fn helo(&mut self, name: Vec<u8>, _: &Symbols) -> Answer {
        self.note(format!("helo {}", text(&name)))
    }

    async fn mail(&mut self, sender: Path, _: &Symbols) -> Answer {
        self.note(format!("mail {}", text(sender.bare())))
    }

    async fn rcpt(&mut self, to: Path, _: &Symbols) -> Answer {
        self.note(format!("rcpt {}", text(to.bare())))
    }

    async fn header(&mut self, field: Field, _: &Symbols) -> Answer {
        self.note(format!("header {}:{}", text(&field.name), text(&field.value)))
    }

    async fn body(&mut self, piece: Vec<u8>) -> BodyAnswer {
        self.note(format!("body {}", piece.len())).into()
    }

    async fn end(&mut self, macros: &Symbols) -> Verdict {
        tokio::time::sleep(self.takes).await;
        self.note(format!("end {}", macros.text("i").unwrap_or_default())).into()
    }

    fn abort(&mut self) {
        self.note("abort");
    }

    fn new_connection(&mut self) {
        self.note("new");
    }
}

const EVERYTHING: Protocol = Protocol::ALL;

fn timeouts() -> Timeouts {
    let (idle, packet) = (Duration::from_secs(600), Duration::from_secs(60));
    Timeouts { idle, packet, progress: Duration::from_secs(10), shutdown: Duration::from_secs(20) }
}

/// A running filter and the MTA's end of its stream.
struct Session {
    mta: DuplexStream,
    served: JoinHandle<Result<(), Broken>>,
    stop: oneshot::Sender<()>,
    notes: Notes,
}

impl Session {
    fn start(notes: Notes, protocol: Protocol) -> Session {
        let (mta, stream) = tokio::io::duplex(1 << 20);
        let (stop, stopped) = oneshot::channel::<()>();
        let mut handler = notes.clone();
        let served = tokio::spawn(async move {
            let wish = Wish { likes: Actions::ALL, protocol, ..Wish::default() };
            let shutdown = async {
                if stopped.await.is_err() {
                    pending::<()>().await;
                }
            };
            serve(stream, &wish, Limits::default(), &timeouts(), &mut handler, shutdown).await
        });
        Session { mta, served, stop, notes }
    }

    /// One that has agreed.
    async fn agreed(notes: Notes, protocol: Protocol) -> Session {
        let mut session = Session::start(notes, protocol);
        let offer = Offer { version: 6, actions: Actions::ALL, protocol: EVERYTHING };
        session.say(&[Command::Negotiate(offer)]).await;
        assert!(matches!(session.hear(1).await.as_slice(), [Reply::Negotiate(_)]));
        session
    }

    async fn say(&mut self, commands: &[Command]) {
        let mut out = Vec::new();
        commands.iter().for_each(|command| command.encode().unwrap().encode(&mut out).unwrap());
        self.mta.write_all(&out).await.unwrap();
    }

    async fn hear(&mut self, count: usize) -> Vec<Reply> {
        let (mut decoder, mut replies) = (Decoder::new(), Vec::new());
        while replies.len() < count {
            let octet = [self.mta.read_u8().await.unwrap()];
            if let Some(frame) = decoder.feed(&mut &octet[..]).unwrap() {
                replies.push(Reply::decode(frame).unwrap());
            }
        }
        replies
    }

    async fn over(self) -> (Result<(), Broken>, Vec<String>) {
        drop(self.mta);
        let result = self.served.await.unwrap();
        (result, self.notes.all())
    }
}

fn mail() -> Vec<Command> {
    vec![
        Command::Connect(Connect::inet("mx", "192.0.2.1".parse().unwrap(), 25)),
        Command::Helo(b"mx".to_vec()),
        Command::Mail(Path::new("a@x.example")),
        Command::Rcpt(Path::new("b@y.example")),
        Command::Data,
        Command::Header(Field { name: b"Subject".to_vec(), value: b"  x".to_vec() }),
        Command::HeaderEnd,
        Command::Body(b"text\r\n".to_vec()),
        Command::BodyEnd(Vec::new()),
    ]
}

fn silent() -> Protocol {
    SILENT.into_iter().fold(Protocol::NONE, |all, bit| all | bit)
}

/// A mail with a reply to each command; a second one on the same stream behind K.
#[tokio::test(start_paused = true)]
async fn a_mail_and_another() {
    let mut session = Session::agreed(Notes::default(), Protocol::LEADING_SPACE).await;
    for command in mail() {
        session.say(&[command]).await;
        assert_eq!(session.hear(1).await, [Reply::Continue]);
    }
    session.say(&[Command::QuitNewConnection]).await;
    session.say(&mail()[..3]).await;
    session.hear(3).await;
    session.say(&[Command::Abort, Command::Abort, Command::Quit]).await;
    let (result, told) = session.over().await;
    result.unwrap();
    let expect = [
        "agreed 6",
        "connect 192.0.2.1",
        "helo mx",
        "mail a@x.example",
        "rcpt b@y.example",
        "header Subject:  x",
        "body 6",
        "end ",
        "new",
        "connect 192.0.2.1",
        "helo mx",
        "mail a@x.example",
        "abort",
    ];
    assert_eq!(told, expect);
}

/// MI6: what a handler says to something that has no reply is said as soon as something has one, and the rest is
/// not told. A refusal of one of several recipients can't be said.
#[tokio::test(start_paused = true)]
async fn mi6_answers_to_what_has_no_reply() {
    for (word, answer, expect, calls) in [
        ("header", Answer::Reject, Reply::Reject, 9),
        ("connect", Answer::TempFail, Reply::TempFail, 2),
        ("helo", Answer::Accept, Reply::Accept, 3),
        ("mail", Answer::Discard, Reply::Discard, 5),
        ("rcpt", Answer::Reject, Reply::Continue, 13),
        ("body", Answer::Reject, Reply::Reject, 11),
    ] {
        let notes = Notes { say: vec![(word, answer)], ..Notes::default() };
        let mut session = Session::agreed(notes, silent()).await;
        session.say(&mail()).await;
        assert_eq!(session.hear(1).await.first(), Some(&expect), "{word}");
        session.say(&mail()[2..]).await;
        assert_eq!(session.hear(1).await, [expect], "{word}: the next mail of the connection");
        let told = session.over().await.1;
        assert!(!told.contains(&"abort".to_owned()), "{word}: {told:?}");
        assert_eq!(told.len(), calls, "{word}: {told:?}");
    }
}

/// The MTA hears that we are still there while a verdict takes its time.
#[tokio::test(start_paused = true)]
async fn progress() {
    let notes = Notes { takes: Duration::from_secs(35), ..Notes::default() };
    let mut session = Session::agreed(notes, silent()).await;
    session.say(&mail()).await;
    let expect = [Reply::Progress, Reply::Progress, Reply::Progress, Reply::Continue];
    assert_eq!(session.hear(4).await, expect);
    session.over().await.0.unwrap();
}

/// An MTA that leaves before the verdict ends the work on it.
#[tokio::test(start_paused = true)]
async fn the_mta_leaves() {
    let notes = Notes { takes: Duration::from_secs(3_600), ..Notes::default() };
    let mut session = Session::agreed(notes, silent()).await;
    session.say(&mail()).await;
    session.hear(1).await;
    let (result, told) = session.over().await;
    assert!(matches!(result, Err(Broken::Late(_))), "{result:?}");
    assert_eq!(told.last().unwrap(), "abort");
    assert!(!told.iter().any(|note| note.starts_with("end")));
}

/// MI1: half a packet and silence, however slowly it comes; and silence alone.
#[tokio::test(start_paused = true)]
async fn mi1_silence() {
    let session = Session::agreed(Notes::default(), Protocol::NONE).await;
    let result = session.served.await.unwrap();
    assert!(matches!(result, Err(Broken::Late(why)) if why.contains("silent")));

    let mut session = Session::agreed(Notes::default(), Protocol::NONE).await;
    let begun = tokio::time::Instant::now();
    for octet in b"\0\0\0\x60Habcdefghijklmnopqrstuvwxyz" {
        tokio::time::sleep(Duration::from_secs(7)).await;
        if session.mta.write_all(&[*octet]).await.is_err() {
            break;
        }
    }
    let result = session.served.await.unwrap();
    assert!(matches!(result, Err(Broken::Late(why)) if why.contains("packet")));
    assert!(begun.elapsed() < Duration::from_secs(80));
}

/// What breaks the protocol ends the session without a word, and the handler hears that its mail is void.
#[tokio::test(start_paused = true)]
async fn faults() {
    let mut session = Session::agreed(Notes::default(), Protocol::NONE).await;
    session.say(&mail()[..3]).await;
    session.hear(3).await;
    session.mta.write_all(b"\0\0\0\0").await.unwrap();
    let mut rest = Vec::new();
    session.mta.read_to_end(&mut rest).await.unwrap();
    let (result, told) = session.over().await;
    assert!(matches!(result, Err(Broken::Fault(_))), "{result:?}");
    assert_eq!((rest, told.last().unwrap().as_str()), (vec![], "abort"));
}

/// At a shutdown a mail under way comes to its end; who has none is sent away at once.
#[tokio::test(start_paused = true)]
async fn shutdown() {
    let session = Session::agreed(Notes::default(), Protocol::NONE).await;
    session.stop.send(()).unwrap();
    session.served.await.unwrap().unwrap();

    let mut session = Session::agreed(Notes::default(), silent()).await;
    session.say(&mail()[..4]).await;
    while session.notes.told.lock().unwrap().len() < 5 {
        tokio::task::yield_now().await;
    }
    session.stop.send(()).unwrap();
    let mut out = Vec::new();
    mail()[4..].iter().for_each(|command| command.encode().unwrap().encode(&mut out).unwrap());
    session.mta.write_all(&out).await.unwrap();
    let mut reply = [0; 5];
    session.mta.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"\0\0\0\x01c");
    session.served.await.unwrap().unwrap();
    assert_eq!(session.notes.all().last().unwrap(), "end ");
}
