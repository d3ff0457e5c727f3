//! Runs the SMTP client over a stream of octets: few writes, a deadline for everything, and answers
//! are read while a large message still goes out.
//!
//! The only file of the client that knows tokio. What to say and what a reply means is [`crate::client`].

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::client::stuff::Stuffer;
use crate::client::{CannotSend, Capabilities, Client, Envelope, Framing, Next, Report, Stage};

/// Octets of a message that are handled at once.
const PIECE: usize = 64 * 1024;

/// How long the server may take (RFC 5321 4.5.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a reply, and for any progress in sending.
    pub reply: Duration,
    /// For the reply to the whole message.
    pub message: Duration,
    /// For the reply to QUIT, which nobody needs.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            reply: Duration::from_secs(300),
            message: Duration::from_secs(600),
            quit: Duration::from_secs(2),
        }
    }
}

/// A message without its envelope; CRLF line ends, not dot-stuffed.
pub struct Outgoing<'a> {
    /// Its first octets, e.g. the header of this copy.
    pub head: &'a [u8],
    /// The rest.
    pub body: Body<'a>,
}

pub enum Body<'a> {
    Memory(&'a [u8]),
    /// `len` octets are read, no more; fewer end the connection.
    Stream {
        reader: &'a mut (dyn AsyncRead + Unpin + Send),
        len: u64,
    },
}

impl Outgoing<'_> {
    /// Octets of the whole message.
    pub fn size(&self) -> u64 {
        let body = match &self.body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::Stream { len, .. } => *len,
        };
        self.head.len() as u64 + body
    }
}

/// The server can't be talked to: what it was asked last, and what it said or what happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Broken {
    pub stage: Stage,
    pub why: String,
}

/// A connection that said hello.
#[derive(Debug)]
pub struct Session<S> {
    stream: S,
    client: Client,
    timeouts: Timeouts,
    input: Box<[u8]>,
}

/// What came of the greeting.
#[derive(Debug)]
pub enum Opened<S> {
    Ready(Session<S>),
    /// The server said "go ahead" to STARTTLS: put TLS on the stream, then [`Upgrade::finish`].
    Upgrade(S, Upgrade),
}

/// What is kept while the stream is being wrapped in TLS.
#[derive(Debug)]
pub struct Upgrade {
    client: Client,
    timeouts: Timeouts,
}

impl Upgrade {
    /// Says hello again, inside TLS.
    pub async fn finish<T: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        stream: T,
    ) -> Result<Session<T>, Broken> {
        self.client.tls_is_up();
        let mut session = Session::over(stream, self.client, self.timeouts);
        session.talk().await;
        session.ready()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Reads the greeting and says `EHLO hello`. With `want_tls` STARTTLS is used where it is offered.
    pub async fn open(
        stream: S,
        hello: &str,
        want_tls: bool,
        timeouts: Timeouts,
    ) -> Result<Opened<S>, Broken> {
        let mut session = Session::over(stream, Client::new(hello, want_tls), timeouts);
        session.talk().await;
        if session.client.next() == Next::Tls {
            let Session { stream, client, timeouts, .. } = session;
            return Ok(Opened::Upgrade(stream, Upgrade { client, timeouts }));
        }
        session.ready().map(Opened::Ready)
    }

    fn over(stream: S, client: Client, timeouts: Timeouts) -> Session<S> {
        Session { stream, client, timeouts, input: vec![0; 4096].into() }
    }

    fn ready(self) -> Result<Session<S>, Broken> {
        if self.client.next() == Next::Ready {
            return Ok(self);
        }
        let (stage, why) =
            self.client.trouble().cloned().unwrap_or((Stage::Hello, "no answer".to_owned()));
        Err(Broken { stage, why })
    }

    /// The same session over a wrapped stream, e.g. one that is boxed.
    pub fn map_stream<T>(self, wrap: impl FnOnce(S) -> T) -> Session<T> {
        let Session { stream, client, timeouts, input } = self;
        Session { stream: wrap(stream), client, timeouts, input }
    }

    pub fn capabilities(&self) -> &Capabilities {
        self.client.capabilities()
    }

    /// Another transaction may be tried. It looks at the socket without waiting: a server that closed or
    /// said goodbye while we were idle is noticed here.
    pub fn is_usable(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while self.client.next() == Next::Ready {
            match self.poll_input(&mut cx) {
                Poll::Pending => return true,
                Poll::Ready(()) => {}
            }
        }
        false
    }

    /// One transaction. `envelope.size` is set from the message.
    ///
    /// # Errors
    /// Only what is known before anything is sent; whatever happens on the wire is in the report.
    pub async fn send(
        &mut self,
        envelope: Envelope<'_>,
        mut message: Outgoing<'_>,
    ) -> Result<Report, CannotSend> {
        self.client.begin(&Envelope { size: message.size(), ..envelope })?;
        loop {
            match self.client.next() {
                Next::Message(framing) => self.message(framing, &mut message).await,
                Next::Read => self.step().await,
                Next::Tls | Next::Ready | Next::Closed => break,
            }
        }
        self.client.take_report().ok_or(CannotSend::NotReady)
    }

    /// Says QUIT and waits a moment for the answer.
    pub async fn quit(mut self) {
        self.client.quit();
        let patience = self.timeouts.quit;
        let _ = timeout(patience, self.talk()).await;
        let _ = timeout(patience, self.stream.shutdown()).await;
    }

    /// Sends and reads until nothing is awaited.
    async fn talk(&mut self) {
        while self.client.next() == Next::Read {
            self.step().await;
        }
    }

    /// Sends what waits, then reads once.
    async fn step(&mut self) {
        let output = self.client.output();
        if !output.is_empty() {
            self.write(&mut [IoSlice::new(&output)]).await;
        }
        if self.client.next() != Next::Read {
            return;
        }
        let message = self.client.awaits_message_reply();
        let patience = if message { self.timeouts.message } else { self.timeouts.reply };
        if timeout(patience, poll_fn(|cx| self.poll_input(cx))).await.is_err() {
            self.client.lost(&format!("no answer within {} s", patience.as_secs()));
        }
    }

    /// Sends what waits and the message behind it.
    async fn message(&mut self, framing: Framing, message: &mut Outgoing<'_>) {
        let output = self.client.output();
        match framing {
            Framing::Nothing => self.write(&mut [IoSlice::new(b".\r\n")]).await,
            Framing::Counted => self.counted(&output, message).await,
            Framing::Dots => self.dotted(message).await,
        }
        if matches!(self.client.next(), Next::Message(_)) {
            self.client.message_sent();
        }
    }

    async fn counted(&mut self, output: &[u8], message: &mut Outgoing<'_>) {
        let (out, head) = (IoSlice::new(output), IoSlice::new(message.head));
        match &mut message.body {
            Body::Memory(body) => self.write(&mut [out, head, IoSlice::new(body)]).await,
            Body::Stream { reader, len } => {
                self.write(&mut [out, head]).await;
                let mut piece = vec![0; PIECE.min(usize::try_from(*len).unwrap_or(PIECE))];
                let mut left = *len;
                while let Some(octets) = self.next_piece(reader, &mut left, &mut piece).await {
                    self.write(&mut [IoSlice::new(octets)]).await;
                }
            }
        }
    }

    async fn dotted(&mut self, message: &mut Outgoing<'_>) {
        let mut stuffer = Stuffer::default();
        self.stuffed(&mut stuffer, message.head).await;
        match &mut message.body {
            Body::Memory(body) => self.stuffed(&mut stuffer, body).await,
            Body::Stream { reader, len } => {
                let mut piece = vec![0; PIECE.min(usize::try_from(*len).unwrap_or(PIECE))];
                let mut left = *len;
                while let Some(octets) = self.next_piece(reader, &mut left, &mut piece).await {
                    self.stuffed(&mut stuffer, octets).await;
                }
            }
        }
        if matches!(self.client.next(), Next::Message(_)) {
            self.write(&mut [IoSlice::new(stuffer.end())]).await;
        }
    }

    async fn stuffed(&mut self, stuffer: &mut Stuffer, octets: &[u8]) {
        for piece in octets.chunks(PIECE) {
            let mut slices = Vec::new();
            stuffer.piece(piece, &mut slices);
            let mut slices: Vec<IoSlice<'_>> = slices.into_iter().map(IoSlice::new).collect();
            self.write(&mut slices).await;
        }
    }

    /// The next octets of a body that is read in pieces; `None` at its end, or when there is no more use in it.
    async fn next_piece<'b>(
        &mut self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        left: &mut u64,
        piece: &'b mut [u8],
    ) -> Option<&'b [u8]> {
        if *left == 0 || !matches!(self.client.next(), Next::Message(_)) {
            return None;
        }
        let most = piece.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let room = piece.get_mut(..most)?;
        match reader.read(room).await {
            Ok(n) if n > 0 => {
                *left -= n as u64;
                piece.get(..n)
            }
            Ok(_) => {
                self.client.lost("the stored body is shorter than it should be");
                None
            }
            Err(e) => {
                self.client.lost(&format!("the stored body can't be read: {e}"));
                None
            }
        }
    }

    /// Writes all of it, unless the connection dies or the server ends the transaction meanwhile.
    async fn write(&mut self, mut slices: &mut [IoSlice<'_>]) {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() && self.client.next() != Next::Closed {
            let patience = self.timeouts.reply;
            let written = timeout(patience, poll_fn(|cx| self.poll_write(cx, slices))).await;
            match written {
                Ok(Ok(n)) => IoSlice::advance_slices(&mut slices, n),
                Ok(Err(e)) => return self.write_failed(&e).await,
                Err(_) => {
                    let why = format!("nothing could be sent for {} s", patience.as_secs());
                    return self.client.lost(&why);
                }
            }
        }
        if self.client.next() != Next::Closed
            && let Err(e) = self.stream.flush().await
        {
            self.write_failed(&e).await;
        }
    }

    /// Tries to write; where the server does not take it, hears what the server says (it may wait for that itself).
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.client.next() == Next::Closed {
                return Poll::Ready(Ok(0));
            }
            match Pin::new(&mut self.stream).poll_write_vectored(cx, slices) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => return Poll::Ready(written),
                Poll::Pending => {}
            }
            if self.poll_input(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Before a server closes it often says why: hear it.
    async fn write_failed(&mut self, error: &io::Error) {
        let patience = self.timeouts.quit;
        let hear = async {
            while self.client.next() != Next::Closed {
                poll_fn(|cx| self.poll_input(cx)).await;
            }
        };
        let _ = timeout(patience, hear).await;
        self.client.lost(&format!("sending failed: {error}"));
    }

    /// Reads once and hands it to the machine.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buffer = ReadBuf::new(&mut self.input);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                self.client.lost("the server closed the connection");
            }
            Poll::Ready(Ok(())) => self.client.receive(buffer.filled()),
            Poll::Ready(Err(e)) => self.client.lost(&format!("reading failed: {e}")),
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
