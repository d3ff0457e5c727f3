//! The MTA's side over a stream: reuse, a filter that restarts, silence, nonsense.

#![allow(clippy::unwrap_used, clippy::panic)] // in the helpers of the tests

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::client::{Idle, Limits, offer};
use milter::code;
use milter::drive::{self, Handler, serve};
use milter::drive_client::{Broken, Mail, Next, Outcome, Session, Source, Timeouts, ask};
use milter::fault::Fault;
use milter::filter;
use milter::frame::{Decoder, Frame};
use milter::header::Field;
use milter::macros::{Macros, Symbols};
use milter::negotiate::{Actions, Choice, Disagreement, Protocol, Stage, Wish};
use milter::packet::{Connect, Modification, PacketError, Path, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What a filter of the tests does.
#[derive(Clone, Default)]
struct Filter {
    protocol: Protocol,
    takes: Duration,
    skips: bool,
    refuses: &'static str,
    told: Arc<Mutex<Vec<String>>>,
}

impl Filter {
    fn note(&self, what: impl Into<String>) -> Answer {
        self.told.lock().unwrap().push(what.into());
        Answer::Continue
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

impl Handler for Filter {
    async fn connect(&mut self, client: Connect, _: &Symbols) -> Answer {
        self.note(format!("connect {}", client.ip().unwrap()))
    }

    async fn rcpt(&mut self, to: Path, macros: &Symbols) -> Answer {
        self.note(format!("rcpt {}", text(to.bare())));
        let mine = macros.text("auth_authen");
        assert_eq!(mine.as_deref(), Some("anna"));
        if text(to.bare()) == self.refuses { Answer::Reject } else { Answer::Continue }
    }

    async fn header(&mut self, field: Field, _: &Symbols) -> Answer {
        self.note(format!("header {}", text(&field.line())))
    }

    async fn body(&mut self, piece: Vec<u8>) -> BodyAnswer {
        let more = self.note(format!("body {}", piece.len()));
        if self.skips { BodyAnswer::Skip } else { more.into() }
    }

    async fn end(&mut self, _: &Symbols) -> Verdict {
        tokio::time::sleep(self.takes).await;
        self.note("end");
        Verdict { modifications: vec![spam()], answer: Answer::Accept }
    }

    fn new_connection(&mut self) {
        self.note("new");
    }
}

fn spam() -> Modification {
    Modification::AddHeader(Field::new("X-Spam", "yes"))
}

/// A filter for each connection that is made.
enum Peer {
    Ours(Filter),
    /// Answers the offer with this, and each command with the next; then closes.
    Says(Vec<Vec<u8>>),
    /// The same, but in the end it is silent.
    Deaf(Vec<Vec<u8>>),
    /// Answers the offer and then this many commands with Continue, and closes.
    Dies(usize),
    /// Agrees and is silent.
    Silent,
    Refused,
}

struct Peers {
    peers: VecDeque<Peer>,
    connects: usize,
    body: Vec<u8>,
    /// How often the body was read from its start.
    bodies: usize,
}

fn peers(peers: impl IntoIterator<Item = Peer>) -> Peers {
    let peers = peers.into_iter().collect();
    Peers { peers, connects: 0, body: b"text\r\n".to_vec(), bodies: 0 }
}

impl Source for Peers {
    type Stream = DuplexStream;
    type Body = io::Cursor<Vec<u8>>;

    async fn connect(&mut self) -> io::Result<DuplexStream> {
        self.connects += 1;
        let (near, far) = tokio::io::duplex(1 << 18);
        match self.peers.pop_front() {
            Some(Peer::Ours(filter)) => drop(tokio::spawn(ours(filter, far))),
            Some(Peer::Says(says)) => drop(tokio::spawn(async { drop(says_all(says, far).await) })),
            Some(Peer::Deaf(says)) => drop(tokio::spawn(async {
                let _open = says_all(says, far).await;
                pending::<()>().await;
            })),
            Some(Peer::Dies(after)) => {
                let mut says = vec![choice(Protocol::NONE)];
                says.extend(vec![packet(&Reply::Continue); after]);
                drop(tokio::spawn(async { drop(says_all(says, far).await) }));
            }
            Some(Peer::Silent) => drop(tokio::spawn(async move {
                let mut far = far;
                far.write_all(&choice(Protocol::NONE)).await.unwrap();
                pending::<()>().await;
            })),
            Some(Peer::Refused) | None => return Err(io::ErrorKind::ConnectionRefused.into()),
        }
        Ok(near)
    }

    fn body(&mut self) -> impl Future<Output = io::Result<io::Cursor<Vec<u8>>>> + Send {
        self.bodies += 1;
        let body = io::Cursor::new(self.body.clone());
        async { Ok(body) }
    }
}

async fn ours(mut filter: Filter, stream: DuplexStream) {
    let wish = Wish { likes: Actions::ALL, protocol: filter.protocol, ..Wish::default() };
    let timeouts =
        drive::Timeouts { progress: Duration::from_secs(10), ..drive::Timeouts::default() };
    let limits = filter::Limits::default();
    let _ = serve(stream, &wish, limits, &timeouts, &mut filter, pending()).await;
}

/// Says one thing to each command; gives the stream back, if the peer did not close it.
async fn says_all(says: Vec<Vec<u8>>, mut stream: DuplexStream) -> Option<DuplexStream> {
    let mut decoder = Decoder::new();
    for say in says {
        loop {
            let octet = stream.read_u8().await.ok()?;
            let frame = decoder.feed(&mut [octet].as_slice()).unwrap();
            if frame.is_some_and(|frame| frame.code != b'D') {
                break;
            }
        }
        stream.write_all(&say).await.unwrap();
    }
    Some(stream)
}

fn packet(reply: &Reply) -> Vec<u8> {
    let mut out = Vec::new();
    reply.encode().unwrap().encode(&mut out).unwrap();
    out
}

fn choice(protocol: Protocol) -> Vec<u8> {
    let choice = Choice { version: 6, actions: Actions::ADD_HEADERS, protocol, macros: vec![] };
    packet(&Reply::Negotiate(choice))
}

fn timeouts() -> Timeouts {
    let seconds = Duration::from_secs;
    Timeouts { connect: seconds(5), command: seconds(10), verdict: seconds(30), mail: seconds(100) }
}

type Asked = Result<(Outcome, Option<Session<DuplexStream, Idle>>), Broken>;

async fn ask_them(peers: &mut Peers, idle: Option<Session<DuplexStream, Idle>>) -> Asked {
    let client = Connect::inet("mx", "192.0.2.1".parse().unwrap(), 25);
    let anna = Macros::default().with("{auth_authen}", "anna");
    let mail = Mail {
        client: &client,
        helo: Some(b"mx"),
        sender: &Path::new("a@x.example"),
        recipients: &[Path::new("b@y.example"), Path::new("c@y.example")],
        header: &[Field { name: b"Subject".to_vec(), value: b"  x\r\n\ty".to_vec() }],
        macros: &[(Stage::Mail, anna)],
    };
    let actions = Actions::ADD_HEADERS | Actions::QUARANTINE;
    ask(peers, idle, &mail, (offer(actions), Limits::default(), timeouts())).await
}

fn accepted() -> Outcome {
    let verdict = Verdict { modifications: vec![spam()], answer: Answer::Accept };
    Outcome { verdict, refused: vec![] }
}

/// MI24: the second mail goes over the connection of the first.
#[tokio::test(start_paused = true)]
async fn mi24_reuse() {
    let protocol = Protocol::LEADING_SPACE | Protocol::SILENT_HEADER;
    let filter = Filter { protocol, ..Filter::default() };
    let mut peers = peers([Peer::Ours(filter.clone())]);
    let mut idle = None;
    for _ in 0..2 {
        let (outcome, connection) = ask_them(&mut peers, idle).await.unwrap();
        assert_eq!(outcome, accepted());
        idle = connection;
    }
    assert_eq!(peers.connects, 1);
    let once = [
        "connect 192.0.2.1",
        "rcpt b@y.example",
        "rcpt c@y.example",
        "header Subject:  x\r\n\ty\r\n",
        "body 6",
        "end",
    ];
    let told = filter.told.lock().unwrap().clone();
    assert_eq!(told.split(|note| note == "new").collect::<Vec<_>>(), [&once[..], &once[..]]);
}

/// MI24: a filter that closes anywhere in the middle is asked once more, from the offer on.
#[tokio::test(start_paused = true)]
async fn mi24_restart() {
    for after in 0..9 {
        let mut peers = peers([Peer::Dies(after), Peer::Ours(Filter::default())]);
        let (outcome, _) = ask_them(&mut peers, None).await.unwrap();
        assert_eq!((outcome, peers.connects), (accepted(), 2), "after {after}");
    }
    for after in 0..9 {
        let mut peers = peers([Peer::Dies(after), Peer::Dies(after), Peer::Silent]);
        let broken = ask_them(&mut peers, None).await.unwrap_err();
        assert!(matches!(broken, Broken::Closed(_)), "{broken}");
        assert_eq!(peers.connects, 2);
    }
}

/// MI24: an idle connection that has gone stale costs no attempt.
#[tokio::test(start_paused = true)]
async fn mi24_stale() {
    let go_on = || packet(&Reply::Continue);
    let says = vec![choice(Protocol::NONE), go_on(), go_on(), packet(&Reply::TempFail)];
    let mut first = peers([Peer::Says(says)]);
    let (outcome, idle) = ask_them(&mut first, None).await.unwrap();
    assert_eq!(outcome.verdict, Answer::TempFail.into());
    let mut then = peers([Peer::Dies(3), Peer::Ours(Filter::default())]);
    let (outcome, _) = ask_them(&mut then, idle).await.unwrap();
    assert_eq!((outcome, then.connects), (accepted(), 2));
}

/// MI24: libmilter's filters do not hear that another SMTP connection follows, and are silent. That costs the time of
/// a connection and no mail, and they give no connection for the next one.
#[tokio::test(start_paused = true)]
async fn mi24_deaf() {
    let go_on = || packet(&Reply::Continue);
    let says = vec![choice(Protocol::NONE), go_on(), go_on(), packet(&Reply::TempFail)];
    let (_, idle) = ask_them(&mut peers([Peer::Deaf(says)]), None).await.unwrap();
    let mut then = peers([Peer::Ours(Filter::default())]);
    let begun = tokio::time::Instant::now();
    let (outcome, idle) = ask_them(&mut then, idle).await.unwrap();
    assert_eq!((outcome, then.connects, begun.elapsed().as_secs()), (accepted(), 1, 5));
    assert!(idle.is_none());
}

/// MI23: silence is not tried again; a filter that nobody reaches says so.
#[tokio::test(start_paused = true)]
async fn mi23_silence() {
    let mut silent = peers([Peer::Silent, Peer::Silent]);
    let begun = tokio::time::Instant::now();
    let broken = ask_them(&mut silent, None).await.unwrap_err();
    assert!(matches!(broken, Broken::Late("the connection")), "{broken}");
    assert_eq!((silent.connects, begun.elapsed().as_secs()), (1, 10));

    let mut gone = peers([Peer::Refused, Peer::Refused]);
    let broken = ask_them(&mut gone, None).await.unwrap_err();
    assert!(matches!(broken, Broken::Stream(_)), "{broken}");
}

/// MI11, MI23: progress gives a long scan its time, but not for ever.
#[tokio::test(start_paused = true)]
async fn mi23_progress() {
    let takes = |seconds| Filter { takes: Duration::from_secs(seconds), ..Filter::default() };
    let (outcome, _) = ask_them(&mut peers([Peer::Ours(takes(95))]), None).await.unwrap();
    assert_eq!(outcome, accepted());
    let broken = ask_them(&mut peers([Peer::Ours(takes(120))]), None).await.unwrap_err();
    assert!(matches!(broken, Broken::Late("the whole mail")), "{broken}");
}

/// MI10: one recipient is refused, the mail goes on; all are, and it is over.
#[tokio::test(start_paused = true)]
async fn mi10_recipients() {
    let filter = Filter { refuses: "c@y.example", ..Filter::default() };
    let (outcome, _) = ask_them(&mut peers([Peer::Ours(filter)]), None).await.unwrap();
    assert_eq!(outcome, Outcome { refused: vec![(1, Answer::Reject)], ..accepted() });

    let (go_on, no) = (packet(&Reply::Continue), packet(&Reply::Reject));
    let says = vec![choice(Protocol::NONE), go_on.clone(), go_on.clone(), go_on, no.clone(), no];
    let mut peers = peers([Peer::Says(says)]);
    let (outcome, _) = ask_them(&mut peers, None).await.unwrap();
    let refused = vec![(0, Answer::Reject), (1, Answer::Reject)];
    assert_eq!(outcome, Outcome { verdict: Answer::Reject.into(), refused });
    assert_eq!(peers.bodies, 0);
}

/// MI12, MI17: a body of 200,000 octets in pieces; behind a SKIP no more of it.
#[tokio::test(start_paused = true)]
async fn mi12_skip() {
    for (skips, expect) in [(true, vec![65_535]), (false, vec![65_535, 65_535, 65_535, 3_395])] {
        let filter = Filter { skips, protocol: Protocol::SKIP, ..Filter::default() };
        let mut peers = peers([Peer::Ours(filter.clone())]);
        peers.body = vec![b'x'; 200_000];
        let (outcome, _) = ask_them(&mut peers, None).await.unwrap();
        assert_eq!(outcome, accepted());
        let told = filter.told.lock().unwrap().clone();
        let sizes = told.iter().filter_map(|note| note.strip_prefix("body ")?.parse().ok());
        assert_eq!(sizes.collect::<Vec<usize>>(), expect);
    }
    let filter = Filter::default();
    let mut peers = peers([Peer::Ours(filter.clone())]);
    peers.body = Vec::new();
    ask_them(&mut peers, None).await.unwrap();
    assert!(!filter.told.lock().unwrap().iter().any(|note| note.starts_with("body")), "MI17");
}

/// MI4, MI5, MI6, MI11, MI13: what a filter must not say, and when. None of it is tried again.
#[tokio::test(start_paused = true)]
async fn nonsense() {
    let choose = |version, actions: Actions, protocol| {
        packet(&Reply::Negotiate(Choice { version, actions, protocol, macros: vec![] }))
    };
    let raw = |code: u8, data: &[u8]| {
        let mut out = Vec::new();
        Frame::new(code, data).encode(&mut out).unwrap();
        out
    };
    let agreed = || choice(Protocol::NONE);
    let go_on = || packet(&Reply::Continue);
    let none = Protocol::NONE;
    // Up to the verdict: connect, helo, mail, rcpt, rcpt, data, header, end of header, body.
    let at_end = |what: Vec<u8>| {
        let mut says = vec![agreed()];
        says.extend((0..9).map(|_| go_on()));
        says.push(what);
        says
    };
    let wrong = |reply, to| Fault::Answer { reply, to };
    let quarantine = packet(&Reply::Modify(Modification::Quarantine(b"x".to_vec())));
    let evil = Field { name: b"X".to_vec(), value: b" a\nEvil: b".to_vec() };
    let evil = packet(&Reply::Modify(Modification::AddHeader(evil)));
    let cases: Vec<(Vec<Vec<u8>>, Fault)> = vec![
        (vec![choose(7, Actions::NONE, none)], Disagreement::Version(7).into()),
        (vec![choose(1, Actions::NONE, none)], Disagreement::Version(1).into()),
        (vec![choose(6, Actions::CHANGE_BODY, none)], Disagreement::Actions(2).into()),
        (
            vec![choose(6, Actions::NONE, Protocol::from_bits(1 << 28))],
            Disagreement::Protocol(1 << 28).into(),
        ),
        (vec![go_on()], wrong(code::Reply::Continue, code::Command::Negotiate)),
        (vec![agreed(), agreed()], wrong(code::Reply::Negotiate, code::Command::Connect)),
        (
            vec![agreed(), packet(&Reply::Progress)],
            wrong(code::Reply::Progress, code::Command::Connect),
        ),
        (
            vec![agreed(), packet(&Reply::Discard)],
            wrong(code::Reply::Discard, code::Command::Connect),
        ),
        (
            vec![agreed(), go_on(), go_on(), packet(&Reply::Skip)],
            wrong(code::Reply::Skip, code::Command::Mail),
        ),
        (
            vec![agreed(), go_on(), go_on(), packet(&Reply::Modify(spam()))],
            wrong(code::Reply::AddHeader, code::Command::Mail),
        ),
        (vec![agreed(), [go_on(), go_on()].concat()], Fault::Unasked(code::Reply::Continue)),
        (vec![agreed(), raw(b'y', b"250 2.0.0 fine\0")], PacketError::BadReplyCode.into()),
        (vec![agreed(), raw(b'y', b"550-a\r\n551 b\0")], PacketError::BadReplyCode.into()),
        (vec![agreed(), raw(b'?', b"")], PacketError::UnknownCode(b'?').into()),
        (at_end(packet(&Reply::Skip)), wrong(code::Reply::Skip, code::Command::BodyEnd)),
        (at_end(quarantine), Fault::NotAllowed(code::Reply::Quarantine)),
        (at_end(evil), PacketError::BadField.into()),
    ];
    for (says, fault) in cases {
        let mut peers = peers([Peer::Says(says), Peer::Silent]);
        match ask_them(&mut peers, None).await.unwrap_err() {
            Broken::Fault(found) => assert_eq!(found, fault),
            other => panic!("{other} instead of {fault}"),
        }
        assert_eq!(peers.connects, 1, "{fault}");
    }
}

/// MI6: a filter that answers what it promised not to answer is found out before its answer is taken for another.
#[tokio::test(start_paused = true)]
async fn mi6_answers_to_what_has_none() {
    let silent = Protocol::SILENT_MAIL;
    let go_on = || packet(&Reply::Continue);
    let says = vec![choice(silent), go_on(), go_on(), go_on(), go_on()];
    let mut stream = peers([Peer::Says(says)]);
    let near = stream.connect().await.unwrap();
    let session = Session::open(near, offer(Actions::ALL), Limits::default(), timeouts());
    let session = session.await.unwrap();
    let none = Macros::default();
    let client = Connect::unknown("mx");
    let Next::Go(session) = session.connect(&client, &none).await.unwrap() else { panic!() };
    let Next::Go(session) = session.helo(b"mx", &none).await.unwrap() else { panic!() };
    let Next::Go(session) = session.mail(&Path::new(""), &none).await.unwrap() else { panic!() };
    // MAIL goes out with RCPT, and both are answered at once or one after the other.
    let rcpt = session.rcpt(&Path::new("b@y.example"), &none).await;
    let Ok(Next::Go(session)) = rcpt else {
        assert!(matches!(rcpt, Err(Broken::Fault(Fault::Unasked(_)))));
        return;
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let broken = session.tried().0.data(&none).await.unwrap_err();
    assert!(matches!(broken, Broken::Fault(Fault::Unasked(_))), "{broken}");
}

/// Abort in a message, then another message on the same connection.
#[tokio::test(start_paused = true)]
async fn mi9_abort() {
    let filter = Filter::default();
    let mut one = peers([Peer::Ours(filter.clone())]);
    let near = one.connect().await.unwrap();
    let session = Session::open(near, offer(Actions::ALL), Limits::default(), timeouts());
    let none = Macros::default();
    let session = session.await.unwrap();
    let client = Connect::inet("mx", "192.0.2.1".parse().unwrap(), 25);
    let Next::Go(session) = session.connect(&client, &none).await.unwrap() else { panic!() };
    let Next::Go(session) = session.mail(&Path::new(""), &none).await.unwrap() else { panic!() };
    let session = session.abort().unwrap();
    let Next::Go(session) = session.mail(&Path::new(""), &none).await.unwrap() else { panic!() };
    session.abort().unwrap().quit().await;
    assert_eq!(filter.told.lock().unwrap().join(","), "connect 192.0.2.1");
}
