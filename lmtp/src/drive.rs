//! Runs the server machine over a stream: reads, writes, timeouts, shutdown.
//!
//! The only file of the server that knows tokio. Not here: accepting connections, limits on their
//! number, TCP_NODELAY; the caller has the socket.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::reply::Reply;
use crate::server::{Config, DataEnd, Event, MailFrom, RcptTo, Server};

/// What an idle connection costs. A busy one grows to the larger size.
const SMALL_BUFFER: usize = 4 * 1024;
const LARGE_BUFFER: usize = 64 * 1024;

/// What becomes of the mail. One per connection.
///
/// Errors inside `chunk` are kept by the handler and told by `end`. An answer that takes long
/// holds up its own connection only.
pub trait Handler: Send {
    /// The name in LHLO or EHLO, one word of ASCII.
    fn hello(&mut self, _name: &str) {}
    /// May this sender begin? A callout asks this and hangs up; it must cost next to nothing.
    fn mail(&mut self, mail: &MailFrom) -> impl Future<Output = Reply> + Send;
    /// May this recipient have it?
    fn rcpt(&mut self, rcpt: &RcptTo) -> impl Future<Output = Reply> + Send;
    /// The message begins (before 354, or before the first BDAT chunk).
    fn begin(&mut self) -> Result<(), Reply>;
    /// Octets of the message, dot-stuffing undone, as many as were read.
    fn chunk(&mut self, bytes: &[u8]) -> impl Future<Output = ()> + Send;
    /// The message is whole: one reply per accepted recipient, in their order. 2xx only for what
    /// is on stable storage. The message is over, `reset` is not called for it.
    fn end(&mut self, end: DataEnd) -> impl Future<Output = Vec<Reply>> + Send;
    /// What began with `mail` is void: RSET, LHLO, QUIT, or the client is gone.
    fn reset(&mut self);
}

/// How long a client may take (LM31).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a whole command, and for taking our replies (RFC 5321 4.5.3.2.7).
    pub idle: Duration,
    /// For each read inside a message.
    pub data: Duration,
    /// For a whole message.
    pub message: Duration,
    /// For a message that is under way when the shutdown comes.
    pub shutdown: Duration,
}

impl Default for Timeouts {
    /// 5 min, 3 min, 1 h, 10 s.
    fn default() -> Timeouts {
        Timeouts {
            idle: Duration::from_secs(5 * 60),
            data: Duration::from_secs(3 * 60),
            message: Duration::from_secs(60 * 60),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// Serves one connection until the client leaves, is sent away, or `shutdown` is ready.
///
/// At the shutdown a message under way may come to its end; else the client hears 421 4.3.2.
/// An error is one of the stream; the handler has had its `reset` then.
pub async fn serve<S, H>(
    stream: S,
    config: &Config,
    timeouts: &Timeouts,
    handler: &mut H,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let mut connection =
        Connection { stream, server: Server::new(config), timeouts: *timeouts, handler };
    let result = connection.run(shutdown).await;
    connection.server.abandon();
    connection.events(&[]).await?;
    result
}

struct Connection<'c, 'h, S, H> {
    stream: S,
    server: Server<'c>,
    timeouts: Timeouts,
    handler: &'h mut H,
}

/// What a wait for input ended with.
enum Woken {
    Read(io::Result<usize>),
    TooLate,
    Shutdown,
}

impl<S, H> Connection<'_, '_, S, H>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    async fn run(&mut self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut buffer = Vec::with_capacity(SMALL_BUFFER);
        let mut clock = Clock::start();
        loop {
            self.send().await?;
            if self.server.is_closed() {
                return self.hang_up().await;
            }
            if clock.stopping() && !self.server.in_message() {
                self.server.close(going_down());
                continue;
            }
            buffer.clear();
            let late = clock.deadline(self.server.in_message(), &self.timeouts);
            let woken = tokio::select! {
                biased;
                () = &mut shutdown, if !clock.stopping() => Woken::Shutdown,
                read = timeout_at(late, self.stream.read_buf(&mut buffer)) => {
                    read.map_or(Woken::TooLate, Woken::Read)
                }
            };
            match woken {
                Woken::Shutdown => clock.stop(self.timeouts.shutdown),
                Woken::TooLate if clock.stopping() => self.server.close(going_down()),
                Woken::TooLate => {
                    self.server.close(Reply::new(421, "4.4.2", "Nothing came for too long"));
                }
                Woken::Read(read) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    if self.events(&buffer).await? {
                        clock.answered();
                    }
                    fit(&mut buffer, self.server.in_message());
                }
            }
        }
    }

    /// Lets the machine work through `input`. True where it answered something.
    async fn events(&mut self, mut input: &[u8]) -> io::Result<bool> {
        let mut answered = false;
        while let Some(event) = self.server.next(&mut input) {
            match event {
                Event::Flush => {
                    answered = true;
                    self.send().await?;
                }
                Event::Hello(name) => self.handler.hello(&name),
                Event::Mail(mail) => {
                    let reply = self.handler.mail(&mail).await;
                    self.server.answer(reply);
                }
                Event::Rcpt(rcpt) => {
                    let reply = self.handler.rcpt(&rcpt).await;
                    self.server.answer(reply);
                }
                Event::Begin => self.server.begin(self.handler.begin()),
                Event::Chunk(bytes) => self.handler.chunk(bytes).await,
                Event::End(end) => {
                    let replies = self.handler.end(end).await;
                    self.server.finish(replies);
                }
                Event::Reset => self.handler.reset(),
            }
        }
        Ok(answered || !self.server.output().is_empty())
    }

    /// All replies that wait, in one write.
    async fn send(&mut self) -> io::Result<()> {
        let output = std::mem::take(self.server.output());
        if output.is_empty() {
            return Ok(());
        }
        let write = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        timeout(self.timeouts.idle, write).await?
    }

    async fn hang_up(&mut self) -> io::Result<()> {
        timeout(self.timeouts.idle, self.stream.shutdown()).await?
    }
}

fn going_down() -> Reply {
    Reply::new(421, "4.3.2", "Going down, come again later")
}

/// Grows the buffer while a message fills it, and gives the memory back behind the message.
fn fit(buffer: &mut Vec<u8>, in_message: bool) {
    if !in_message && buffer.capacity() > SMALL_BUFFER {
        *buffer = Vec::with_capacity(SMALL_BUFFER);
    } else if in_message && buffer.len() == buffer.capacity() && buffer.len() < LARGE_BUFFER {
        *buffer = Vec::with_capacity((buffer.len() * 4).min(LARGE_BUFFER));
    }
}

/// Since when we wait. A client that sends one octet now and then gains no time by it.
struct Clock {
    answered: Instant,
    stop: Option<Instant>,
}

impl Clock {
    fn start() -> Clock {
        Clock { answered: Instant::now(), stop: None }
    }

    fn answered(&mut self) {
        self.answered = Instant::now();
    }

    fn stop(&mut self, grace: Duration) {
        self.stop = Some(Instant::now() + grace);
    }

    fn stopping(&self) -> bool {
        self.stop.is_some()
    }

    fn deadline(&self, in_message: bool, timeouts: &Timeouts) -> Instant {
        let late = match in_message {
            true => (Instant::now() + timeouts.data).min(self.answered + timeouts.message),
            false => self.answered + timeouts.idle,
        };
        self.stop.map_or(late, |stop| stop.min(late))
    }
}
