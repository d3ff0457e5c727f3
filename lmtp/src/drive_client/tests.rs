//! The driver over a stream in memory: large messages, small buffers, servers that die or talk at the wrong time.
use super::*;
use crate::client::Fate;
use tokio::io::{DuplexStream, duplex};

const PATIENCE: Timeouts = Timeouts {
    reply: Duration::from_secs(20),
    message: Duration::from_secs(20),
    quit: Duration::from_millis(200),
};

async fn open(server_ehlo: &str, room: usize) -> (Session<DuplexStream>, DuplexStream) {
    let (ours, mut theirs) = duplex(room.max(1024));
    let hello = async {
        theirs.write_all(b"220 mx\r\n").await.expect("greeting");
        expect(&mut theirs, b"EHLO me\r\n").await;
        theirs.write_all(server_ehlo.as_bytes()).await.expect("hello");
    };
    let (opened, ()) = tokio::join!(Session::open(ours, "me", false, PATIENCE), hello);
    match opened.expect("open") {
        Opened::Ready(session) => (session, theirs),
        Opened::Upgrade(..) => panic!("nobody wanted TLS"),
    }
}

async fn expect(stream: &mut DuplexStream, octets: &[u8]) {
    let mut got = vec![0; octets.len()];
    stream.read_exact(&mut got).await.expect("octets");
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(octets));
}

fn envelope(to: &[String]) -> Envelope<'_> {
    Envelope { sender: None, recipients: to, size: 0, eight_bit: false, utf8: false }
}

const ALL: &str = "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
const DATA: &str = "250-mx\r\n250 PIPELINING\r\n";

/// Large bodies from memory and from a reader, by BDAT and by DATA, through a pipe that holds 1 KB.
#[tokio::test]
async fn large_bodies_arrive_whole() {
    let body: Vec<u8> = "0123456789\r\n.dot\r\n".repeat(20_000).into_bytes();
    let to = ["a@x".to_owned()];
    for (offers, stream) in [(ALL, false), (ALL, true), (DATA, false), (DATA, true)] {
        let (mut session, mut theirs) = open(offers, 1024).await;
        let server = async {
            expect(&mut theirs, b"MAIL FROM:<>\r\nRCPT TO:<a@x>\r\n").await;
            theirs.write_all(b"250 a\r\n250 b\r\n").await.expect("replies");
            let wire = if offers == ALL {
                expect(&mut theirs, format!("BDAT {} LAST\r\n", body.len() + 8).as_bytes()).await;
                [b"S: x\r\n\r\n".as_slice(), &body].concat()
            } else {
                expect(&mut theirs, b"DATA\r\n").await;
                theirs.write_all(b"354 go\r\n").await.expect("354");
                let text = String::from_utf8(body.clone()).expect("text").replace("\n.", "\n..");
                format!("S: x\r\n\r\n{text}.\r\n").into_bytes()
            };
            let mut got = vec![0; wire.len()];
            theirs.read_exact(&mut got).await.expect("message");
            assert!(got == wire, "the message changed on its way");
            theirs.write_all(b"250 OK id=1\r\n").await.expect("reply");
        };
        let mut reader = body.as_slice();
        let len = body.len() as u64;
        let source =
            if stream { Body::Stream { reader: &mut reader, len } } else { Body::Memory(&body) };
        let send = session.send(envelope(&to), Outgoing { head: b"S: x\r\n\r\n", body: source });
        let (report, ()) = tokio::join!(send, server);
        assert!(matches!(report.expect("sent").fates.as_slice(), [Fate::Accepted(_)]));
        assert!(session.is_usable());
    }
}

/// A server whose replies fill the pipe does not block us while we send: no deadlock with many recipients.
#[tokio::test]
async fn replies_are_read_while_the_message_goes_out() {
    let (mut session, mut theirs) = open(ALL, 1024).await;
    let to: Vec<String> = (0..100).map(|i| format!("recipient-{i}@x.example")).collect();
    let body = vec![b'x'; 30_000];
    let server = async {
        let mut got = Vec::new();
        let mut answered = 0;
        // Answers each line as it comes, with long words, and waits until they are taken.
        while answered < 101 {
            let mut octet = [0];
            theirs.read_exact(&mut octet).await.expect("octet");
            got.push(octet[0]);
            if octet[0] == b'\n' {
                answered += 1;
                let reply = format!("250 {}\r\n", "y".repeat(400));
                theirs.write_all(reply.as_bytes()).await.expect("reply");
            }
        }
        expect(&mut theirs, b"BDAT 30000 LAST\r\n").await;
        let mut rest = vec![0; 30_000];
        theirs.read_exact(&mut rest).await.expect("message");
        theirs.write_all(b"250 ok\r\n").await.expect("reply");
    };
    let send = session.send(envelope(&to), Outgoing { head: b"", body: Body::Memory(&body) });
    let (report, ()) = tokio::join!(send, server);
    let fates = report.expect("sent").fates;
    assert!(fates.len() == 100 && fates.iter().all(|f| matches!(f, Fate::Accepted(_))));
}

/// RFC 3030: refused in the middle of a large message, we stop and know why.
#[tokio::test]
async fn a_refusal_in_the_middle_is_heard() {
    let (mut session, mut theirs) = open(ALL, 1024).await;
    let to = ["a@x".to_owned()];
    let body = vec![b'x'; 1_000_000];
    let server = async {
        expect(&mut theirs, b"MAIL FROM:<>\r\nRCPT TO:<a@x>\r\n").await;
        theirs.write_all(b"250 a\r\n250 b\r\n").await.expect("replies");
        expect(&mut theirs, b"BDAT 1000000 LAST\r\nxxxx").await;
        theirs.write_all(b"452 4.3.1 disk full\r\n").await.expect("reply");
    };
    let send = session.send(envelope(&to), Outgoing { head: b"", body: Body::Memory(&body) });
    let (report, ()) = tokio::join!(send, server);
    let fates = report.expect("sent").fates;
    assert!(
        matches!(fates.as_slice(), [Fate::Deferred(Stage::Message, a)] if a.code == 452),
        "{fates:?}"
    );
    assert!(!session.is_usable());
}

/// A body that is shorter than its length would end in a mail that is cut: the connection is given up instead.
#[tokio::test]
async fn a_short_body_is_never_sent_as_whole() {
    let (mut session, mut theirs) = open(DATA, 4096).await;
    let to = ["a@x".to_owned()];
    let server = async {
        expect(&mut theirs, b"MAIL FROM:<>\r\nRCPT TO:<a@x>\r\nDATA\r\n").await;
        theirs.write_all(b"250 a\r\n250 b\r\n354 go\r\n").await.expect("replies");
        expect(&mut theirs, b"short").await;
    };
    let mut reader = b"short".as_slice();
    let body = Body::Stream { reader: &mut reader, len: 100 };
    let (report, ()) =
        tokio::join!(session.send(envelope(&to), Outgoing { head: b"", body }), server);
    assert!(matches!(
        report.expect("a report").fates.as_slice(),
        [Fate::Lost { complete: false, .. }]
    ));
    assert!(!session.is_usable());
    drop(session);
    let mut rest = Vec::new();
    theirs.read_to_end(&mut rest).await.expect("end");
    assert_eq!(rest, b"", "no dot");
}

#[tokio::test]
async fn a_server_that_left_while_we_were_idle_is_noticed() {
    let (mut session, mut theirs) = open(ALL, 4096).await;
    assert!(session.is_usable());
    theirs.write_all(b"421 idle for too long\r\n").await.expect("goodbye");
    assert!(!session.is_usable());
    let (mut session, theirs) = open(ALL, 4096).await;
    drop(theirs);
    assert!(!session.is_usable());
}
