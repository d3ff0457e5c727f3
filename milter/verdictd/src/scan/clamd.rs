//! clamd, asked by INSTREAM over a unix socket or TCP (clamd(8)).
//!
//! A connection per mail, because clamd closes it behind its answer. When it has enough (a limit, a virus) it answers and
//! closes while we still send; its answer is read all the same.

use std::io;

use bytes::Bytes;
use daemon::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;

use crate::verdict::{Failure, Virus, printable};

/// Longest answer that is read (octets).
const LONGEST: u64 = 4_096;
/// Longest name of a signature, and of clamd's words for an error.
const NAME: usize = 200;

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clamd {
    pub endpoint: Endpoint,
}

/// A stream to clamd, of either kind.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

impl Clamd {
    /// Sends the pieces to their end, and gives the answer.
    pub fn ask(
        &self,
        pieces: mpsc::Receiver<Bytes>,
    ) -> impl Future<Output = Result<Virus, Failure>> + Send + 'static {
        let endpoint = self.endpoint.clone();
        async move { scan(connect(&endpoint).await?, pieces).await }
    }

    /// Does it answer?
    pub async fn ping(&self) -> Result<(), Failure> {
        let mut wire = connect(&self.endpoint).await?;
        wire.write_all(b"zPING\0").await.map_err(broken)?;
        let (answer, _) = read(&mut wire).await?;
        match answer.as_slice() {
            b"PONG" => Ok(()),
            other => Err(Failure::Garbage(shown(other))),
        }
    }
}

async fn connect(endpoint: &Endpoint) -> Result<Box<dyn Wire>, Failure> {
    let unreachable = |error: io::Error| Failure::Unreachable(format!("{endpoint}: {error}"));
    Ok(match endpoint {
        Endpoint::Unix(path) => Box::new(UnixStream::connect(path).await.map_err(unreachable)?),
        Endpoint::Tcp(address) => {
            let stream = TcpStream::connect(address).await.map_err(unreachable)?;
            stream.set_nodelay(true).map_err(unreachable)?;
            Box::new(stream)
        }
    })
}

fn broken(error: io::Error) -> Failure {
    Failure::Broken(error.to_string())
}

async fn scan(wire: Box<dyn Wire>, pieces: mpsc::Receiver<Bytes>) -> Result<Virus, Failure> {
    let (mut from, mut to) = tokio::io::split(wire);
    let sending = send(&mut to, pieces);
    let mut answering = std::pin::pin!(read(&mut from));
    let (sent, answer) = tokio::select! {
        biased;
        sent = sending => (Some(sent), answering.await),
        early = &mut answering => (None, early),
    };
    let (answer, is_whole) = answer?;
    match (sent, answer.is_empty()) {
        (Some(Err(error)), true) => Err(broken(error)),
        (_, true) => Err(Failure::Broken("it closed without an answer".to_owned())),
        (sent, false) => match parse(&answer)? {
            // Nobody can say this before he has seen it all. What we sent may still lie in the kernel; who closes
            // without having read it resets the connection.
            Virus::Clean if !(is_whole && matches!(sent, Some(Ok(())))) => {
                Err(Failure::Garbage("\"OK\" before the end of the mail".to_owned()))
            }
            found => Ok(found),
        },
    }
}

/// `zINSTREAM`, each piece behind its length, and a length of 0 at the end.
async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    mut pieces: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    to.write_all(b"zINSTREAM\0").await?;
    while let Some(piece) = pieces.recv().await {
        let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
        to.write_all(&length.to_be_bytes()).await?;
        to.write_all(&piece).await?;
    }
    to.write_all(&0_u32.to_be_bytes()).await?;
    to.flush().await
}

/// What stands before the NUL, and whether the connection ended as it should.
async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<(Vec<u8>, bool), Failure> {
    let mut answer = Vec::new();
    let mut from = from.take(LONGEST);
    // What was answered before the connection broke counts.
    let is_whole = loop {
        match from.read_buf(&mut answer).await {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) if answer.is_empty() => return Err(broken(error)),
            Err(_) => break false,
        }
    };
    if let Some(end) = answer.iter().position(|octet| *octet == 0) {
        answer.truncate(end);
    }
    Ok((answer, is_whole))
}

fn shown(octets: &[u8]) -> String {
    printable(&String::from_utf8_lossy(octets), NAME)
}

/// The answer to INSTREAM, without the NUL behind it.
///
/// # Errors
/// clamd's own errors, its size limit, and everything that is not exactly one of its answers.
pub fn parse(answer: &[u8]) -> Result<Virus, Failure> {
    let text = std::str::from_utf8(answer).map_err(|_| Failure::Garbage(shown(answer)))?;
    let text = text.trim_end_matches(['\0', '\n', '\r']);
    if text.starts_with("INSTREAM size limit exceeded") {
        return Err(Failure::TooLarge(printable(text, NAME)));
    }
    if let Some(error) = text.strip_suffix("ERROR") {
        return Err(Failure::Error(printable(error, NAME)));
    }
    match text.strip_prefix("stream: ") {
        Some("OK") => Ok(Virus::Clean),
        Some(rest) => match rest.strip_suffix(" FOUND").map(str::trim) {
            Some(name) if !name.is_empty() => Ok(Virus::Found(printable(name, NAME))),
            _ => Err(Failure::Garbage(printable(text, NAME))),
        },
        None => Err(Failure::Garbage(printable(text, NAME))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[test]
    fn answers() {
        let found = |name: &str| Ok(Virus::Found(name.to_owned()));
        let garbage = |text: &str| Err(Failure::Garbage(text.to_owned()));
        let cases: Vec<(&str, Result<Virus, Failure>)> = vec![
            ("stream: OK", Ok(Virus::Clean)),
            ("stream: OK\n", Ok(Virus::Clean)),
            ("stream: Eicar-Test FOUND", found("Eicar-Test")),
            ("stream: Eicar-Test(0123abcd:68) FOUND", found("Eicar-Test(0123abcd:68)")),
            (
                "stream: Heuristics.Limits.Exceeded.MaxFiles FOUND",
                found("Heuristics.Limits.Exceeded.MaxFiles"),
            ),
            // A signature may be called as it likes.
            ("stream: OK FOUND", found("OK")),
            ("stream: a\u{7} FOUND", found("a?")),
            (
                "INSTREAM size limit exceeded. ERROR",
                Err(Failure::TooLarge("INSTREAM size limit exceeded. ERROR".to_owned())),
            ),
            (
                "stream: Can't allocate memory ERROR",
                Err(Failure::Error("stream: Can't allocate memory".to_owned())),
            ),
            ("COMMAND READ TIMED OUT", garbage("COMMAND READ TIMED OUT")),
            ("", garbage("")),
            ("OK", garbage("OK")),
            ("stream: ok", garbage("stream: ok")),
            ("stream: OK stream: OK", garbage("stream: OK stream: OK")),
            ("stream:  FOUND", garbage("stream:  FOUND")),
            ("UNKNOWN COMMAND", garbage("UNKNOWN COMMAND")),
            ("HTTP/1.1 400 Bad Request", garbage("HTTP/1.1 400 Bad Request")),
        ];
        for (answer, expect) in cases {
            assert_eq!(parse(answer.as_bytes()), expect, "{answer:?}");
        }
        assert!(matches!(parse(b"stream: \xff FOUND"), Err(Failure::Garbage(_))));
    }

    /// A clamd that reads `takes` octets, says `answer` and closes.
    async fn scanned(
        takes: usize,
        answer: &'static [u8],
        mail: &[&'static [u8]],
    ) -> Result<Virus, Failure> {
        let (ours, mut theirs) = duplex(64);
        let clamd = tokio::spawn(async move {
            let mut got = vec![0; takes];
            theirs.read_exact(&mut got).await.expect("as much as was said");
            theirs.write_all(answer).await.expect("taken");
            got
        });
        let (sender, pieces) = mpsc::channel(1);
        let scan = tokio::spawn(scan(Box::new(ours), pieces));
        for piece in mail {
            if sender.send(Bytes::from_static(piece)).await.is_err() {
                break;
            }
        }
        drop(sender);
        let answer = scan.await.expect("no panic");
        clamd.await.expect("no panic");
        answer
    }

    const LONG: &[u8] = &[b'x'; 500];

    #[tokio::test]
    async fn a_mail_goes_in_chunks_and_is_answered() {
        let whole = b"zINSTREAM\0\0\0\0\x03abc\0\0\0\x02de\0\0\0\0".len();
        let mail: &[&[u8]] = &[b"abc", b"de"];
        assert_eq!(scanned(whole, b"stream: OK\0", mail).await, Ok(Virus::Clean));
        let found = Ok(Virus::Found("X".to_owned()));
        assert_eq!(scanned(whole, b"stream: X FOUND\0", mail).await, found);
        assert_eq!(scanned(10 + 4, b"stream: OK\0", &[]).await, Ok(Virus::Clean));
    }

    /// It answers and closes before it has everything: the answer counts, but for "OK".
    #[tokio::test]
    async fn an_answer_before_the_end_is_read() {
        let mail: &[&[u8]] = &[LONG, LONG, LONG];
        let large = scanned(20, b"INSTREAM size limit exceeded. ERROR\0", mail).await;
        assert!(matches!(large, Err(Failure::TooLarge(_))), "{large:?}");
        let found = scanned(20, b"stream: X FOUND\0", mail).await;
        assert_eq!(found, Ok(Virus::Found("X".to_owned())));
        let early = scanned(20, b"stream: OK\0", mail).await;
        assert!(matches!(early, Err(Failure::Garbage(_))), "{early:?}");
        let closed = scanned(20, b"", mail).await;
        assert!(matches!(closed, Err(Failure::Broken(_))), "{closed:?}");
    }

    /// Everything was sent, and lies unread in the kernel: the connection is reset, and "OK" counts for nothing.
    #[tokio::test]
    async fn who_closes_without_reading_has_scanned_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = Endpoint::Tcp(listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let whole = b"zINSTREAM\0\0\0\0\x04mail\0\0\0\0".len();
            let mut seen = vec![0; whole];
            while stream.peek(&mut seen).await.expect("octets") < whole {
                tokio::task::yield_now().await;
            }
            stream.write_all(b"stream: OK\0").await.expect("taken");
        });
        let (sender, pieces) = mpsc::channel(1);
        let question = tokio::spawn(Clamd { endpoint }.ask(pieces));
        sender.send(Bytes::from_static(b"mail")).await.expect("taken");
        drop(sender);
        let answer = question.await.expect("no panic");
        assert!(matches!(answer, Err(Failure::Garbage(_) | Failure::Broken(_))), "{answer:?}");
        server.await.expect("no panic");
    }
}
