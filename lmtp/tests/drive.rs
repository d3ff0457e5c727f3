//! The server over a stream: few writes, timeouts, shutdown, and a handler that is always told.

#![allow(clippy::unwrap_used)] // in the helpers of the tests

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use lmtp::drive::{Handler, Timeouts, serve};
use lmtp::reply::Reply;
use lmtp::server::{Config, DataEnd, Flavor, MailFrom, RcptTo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::oneshot;

/// Takes everything and notes the calls.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Handler for Notes {
    fn hello(&mut self, name: &str) {
        self.note(format!("hello {name}"));
    }

    async fn mail(&mut self, mail: &MailFrom) -> Reply {
        self.note(format!("mail {}", mail.path.as_deref().unwrap_or("<>")));
        Reply::sender_ok()
    }

    async fn rcpt(&mut self, rcpt: &RcptTo) -> Reply {
        self.note(format!("rcpt {}", rcpt.path));
        Reply::recipient_ok()
    }

    fn begin(&mut self) -> Result<(), Reply> {
        self.note("begin");
        Ok(())
    }

    async fn chunk(&mut self, bytes: &[u8]) {
        self.note(format!("chunk {}", bytes.len()));
    }

    async fn end(&mut self, end: DataEnd) -> Vec<Reply> {
        self.note(format!("end {}", end.size));
        vec![Reply::accepted("Stored")]
    }

    fn reset(&mut self) {
        self.note("reset");
    }
}

/// A stream that counts what is written to it.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A server in a task, and the client's end.
struct Stage {
    client: DuplexStream,
    notes: Notes,
    writes: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

fn stage(timeouts: Timeouts) -> Stage {
    let (client, stream) = tokio::io::duplex(1 << 20);
    let (notes, writes) = (Notes::default(), Arc::new(AtomicUsize::new(0)));
    let (stop, stopped) = oneshot::channel::<()>();
    let (mut handler, counted) = (notes.clone(), Counted(stream, writes.clone()));
    let server = tokio::spawn(async move {
        let config = Config::new(Flavor::Lmtp, "h");
        let shutdown = async {
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        serve(counted, &config, &timeouts, &mut handler, shutdown).await
    });
    Stage { client, notes, writes, stop: Some(stop), server }
}

impl Stage {
    async fn say(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until the server has said `end`.
    async fn hear(&mut self, end: &str) -> String {
        let mut heard = Vec::new();
        let reading = async {
            while !heard.ends_with(end.as_bytes()) {
                heard.push(self.client.read_u8().await.unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap();
        String::from_utf8(heard).unwrap()
    }

    /// All that comes until the server hangs up, and what the handler was told.
    async fn rest(mut self) -> (String, Vec<String>) {
        let mut heard = String::new();
        let reading = self.client.read_to_string(&mut heard);
        tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap().unwrap();
        self.server.await.unwrap().unwrap();
        (heard, self.notes.all())
    }
}

/// A client that drips and one that reads, to the end of both.
async fn both(dripping: impl Future<Output = ()>, reading: impl Future<Output = usize>) {
    let both = async { tokio::join!(dripping, reading) };
    tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
}

const OPENING: &str = "LHLO a\r\nMAIL FROM:<a@d>\r\nRCPT TO:<l@d>\r\nDATA\r\n";
const TOLD: [&str; 4] = ["hello a", "mail a@d", "rcpt l@d", "begin"];

fn short() -> Timeouts {
    let long = Duration::from_secs(60);
    Timeouts { idle: long, data: long, message: long, shutdown: long }
}

/// LM29: the replies to a group leave in one write: greeting, LHLO, the group with DATA, the end.
#[tokio::test]
async fn lm29_few_writes() {
    let mut stage = stage(Timeouts::default());
    stage.hear("LMTP\r\n").await;
    stage.say("LHLO a\r\n").await;
    stage.hear("CHUNKING\r\n").await;
    stage.say("MAIL FROM:<a@d>\r\nRCPT TO:<l@d>\r\nDATA\r\n").await;
    stage.hear("<CRLF>.<CRLF>\r\n").await;
    stage.say("x\r\n.\r\nQUIT\r\n").await;
    let writes = stage.writes.clone();
    let (heard, notes) = stage.rest().await;
    assert_eq!(heard, "250 2.6.0 <l@d> Stored\r\n221 2.0.0 Goodbye\r\n");
    assert_eq!(writes.load(Ordering::Relaxed), 5);
    assert_eq!(notes, [&TOLD[..], &["chunk 3", "end 3"]].concat());
}

/// A large message reaches the handler in pieces as large as the buffer, which grows with it.
#[tokio::test]
async fn pieces_grow() {
    let mut stage = stage(Timeouts::default());
    let lines = "x".repeat(70) + "\r\n";
    stage.say(&format!("{OPENING}{}.\r\nQUIT\r\n", lines.repeat(14_000))).await;
    let (heard, notes) = stage.rest().await;
    assert!(heard.ends_with("250 2.6.0 <l@d> Stored\r\n221 2.0.0 Goodbye\r\n"));
    let pieces: Vec<usize> =
        notes.iter().filter_map(|note| note.strip_prefix("chunk ")?.parse().ok()).collect();
    assert_eq!(pieces.iter().sum::<usize>(), 14_000 * 72);
    assert!(pieces.len() < 40 && pieces.contains(&65_536), "{pieces:?}");
}

/// LM31: a client that says nothing, or one octet now and then, hears 421 4.4.2 all the same.
#[tokio::test]
async fn lm31_idle_and_slow_commands() {
    for drip in [false, true] {
        let stage = stage(Timeouts { idle: Duration::from_millis(200), ..short() });
        let begin = Instant::now();
        let (mut half, mut client) = tokio::io::split(stage.client);
        let dripping = async {
            while drip && client.write_all(b"N").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let mut heard = String::new();
        let reading = async { half.read_to_string(&mut heard).await.unwrap() };
        both(dripping, reading).await;
        assert_eq!(heard, "220 h LMTP\r\n421 4.4.2 Nothing came for too long\r\n");
        assert!(begin.elapsed() >= Duration::from_millis(190));
        stage.server.await.unwrap().unwrap();
        assert_eq!(stage.notes.all(), [""; 0]);
    }
}

/// LM31: the same inside a message, by the pause between reads and by the time for the whole.
#[tokio::test]
async fn lm31_slow_data() {
    let ms = Duration::from_millis;
    for (timeouts, drip) in [
        (Timeouts { data: ms(200), ..short() }, false),
        (Timeouts { message: ms(200), ..short() }, true),
    ] {
        let mut stage = stage(timeouts);
        stage.say(OPENING).await;
        stage.hear("<CRLF>.<CRLF>\r\n").await;
        let (mut half, mut client) = tokio::io::split(stage.client);
        let dripping = async {
            while drip && client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(ms(10)).await;
            }
        };
        let mut heard = String::new();
        let reading = async { half.read_to_string(&mut heard).await.unwrap() };
        both(dripping, reading).await;
        assert_eq!(heard, "421 4.4.2 Nothing came for too long\r\n");
        stage.server.await.unwrap().unwrap();
        assert_eq!(stage.notes.all().last().map(String::as_str), Some("reset"));
    }
}

/// LM32: between messages a shutdown is a 421 at once.
#[tokio::test]
async fn lm32_shutdown_between_messages() {
    let mut stage = stage(short());
    stage.say("LHLO a\r\nMAIL FROM:<a@d>\r\n").await;
    stage.hear("Sender ok\r\n").await;
    stage.stop.take().unwrap().send(()).unwrap();
    let (heard, notes) = stage.rest().await;
    assert_eq!(heard, "421 4.3.2 Going down, come again later\r\n");
    assert_eq!(notes, ["hello a", "mail a@d", "reset"]);
}

/// LM32: a message under way may come to its end, which is answered; then 421.
#[tokio::test]
async fn lm32_shutdown_in_a_message() {
    let mut stage = stage(short());
    stage.say(OPENING).await;
    stage.hear("<CRLF>.<CRLF>\r\n").await;
    stage.stop.take().unwrap().send(()).unwrap();
    stage.say("x\r\n").await;
    tokio::task::yield_now().await;
    stage.say(".\r\n").await;
    let (heard, notes) = stage.rest().await;
    assert_eq!(heard, "250 2.6.0 <l@d> Stored\r\n421 4.3.2 Going down, come again later\r\n");
    assert_eq!(notes.last().map(String::as_str), Some("end 3"));
}

/// LM32: but it may not hold up the shutdown for ever.
#[tokio::test]
async fn lm32_shutdown_waits_not_for_ever() {
    let mut stage = stage(Timeouts { shutdown: Duration::from_millis(50), ..short() });
    stage.say(OPENING).await;
    stage.hear("<CRLF>.<CRLF>\r\n").await;
    stage.stop.take().unwrap().send(()).unwrap();
    let (heard, notes) = stage.rest().await;
    assert_eq!(heard, "421 4.3.2 Going down, come again later\r\n");
    assert_eq!(notes, [&TOLD[..], &["reset"]].concat());
}

/// LM22, LM32: a client that goes away in mid-message leaves a handler that knows; after the end of
/// a message there is nothing to void.
#[tokio::test]
async fn lm22_client_gone() {
    for (text, last) in [("", vec!["reset"]), ("x\r\n.\r\n", vec!["chunk 3", "end 3"])] {
        let mut stage = stage(short());
        stage.say(OPENING).await;
        stage.hear("<CRLF>.<CRLF>\r\n").await;
        stage.say(text).await;
        stage.client.shutdown().await.unwrap();
        let (_, notes) = stage.rest().await;
        assert_eq!(notes, [&TOLD[..], &last].concat());
    }
}

/// LM31: a thousand idle connections and slow ones hold up nobody.
#[tokio::test]
async fn lm31_idle_connections_hold_up_nobody() {
    let mut crowd: Vec<Stage> = (0..1000).map(|_| stage(short())).collect();
    for slow in crowd.iter_mut().take(100) {
        slow.say("LHLO a\r\nMAIL FR").await;
    }
    let begin = Instant::now();
    let mut stage = stage(short());
    stage.say(&format!("{OPENING}x\r\n.\r\nQUIT\r\n")).await;
    let (heard, _) = stage.rest().await;
    assert!(heard.ends_with("Stored\r\n221 2.0.0 Goodbye\r\n"));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}
