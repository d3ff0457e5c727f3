//! Runs the MTA's machine over a stream: few writes, a deadline for everything, and a filter that was restarted
//! is asked once more.
//!
//! The only file of the MTA's side that knows tokio. What may be said when is [`crate::client::state`]: a [`Session`]
//! stands in one of its states and can say what that state can say.

mod ask;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::{Answer, Verdict};
use crate::client::{
    Answered, Asked, Body, Ended, Ending, Envelope, Header, Idle, Limits, Opened, Opening, Start,
    State, Tried,
};
use crate::fault::Fault;
use crate::header::Field;
use crate::macros::Macros;
use crate::negotiate::{Offer, Terms};
use crate::packet::{Connect, Path};

pub use ask::{Mail, Outcome, Source, ask};

/// Octets that are gathered before they are written though nothing is awaited.
const BATCH: usize = 64 * 1024;

/// How long the filter may take (MI23).
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the connection and the first exchange.
    pub connect: Duration,
    /// For the answer to a command, and for any progress in sending.
    pub command: Duration,
    /// For the verdict, and for each sign of progress before it.
    pub verdict: Duration,
    /// For a whole mail, whatever progress there is.
    pub mail: Duration,
}

impl Default for Timeouts {
    /// 30 s, 30 s, 300 s, 900 s. The first three are Postfix's.
    fn default() -> Timeouts {
        let seconds = Duration::from_secs;
        Timeouts {
            connect: seconds(30),
            command: seconds(30),
            verdict: seconds(300),
            mail: seconds(900),
        }
    }
}

/// The filter can't be asked, or gave no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the connection to the filter broke: {0}")]
    Stream(#[from] io::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the filter gave no answer in time to {0}")]
    Late(&'static str),
    #[error("the filter closed the connection before its answer to {0}")]
    Closed(&'static str),
    #[error("the mail can't be read: {0}")]
    Mail(io::Error),
}

/// A connection to a filter that has agreed, in one of the states of [`crate::client::state`].
#[derive(Debug)]
pub struct Session<S, N> {
    wire: Wire<S>,
    state: N,
}

/// What came of a command.
#[derive(Debug)]
pub enum Next<S, N> {
    Go(Session<S, N>),
    /// The filter has decided: at connect or helo the whole SMTP connection, else this message.
    Over(Session<S, Idle>, Answer),
}

/// The stream with what is to be sent on it.
#[derive(Debug)]
struct Wire<S> {
    stream: S,
    timeouts: Timeouts,
    output: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S, Start> {
    /// Makes the offer and hears the choice.
    pub async fn open(
        stream: S,
        offer: Offer,
        limits: Limits,
        timeouts: Timeouts,
    ) -> Result<Session<S, Start>, Broken> {
        let (mut opening, output) = Opening::new(offer, limits);
        let mut wire = Wire { stream, timeouts, output };
        let late = Instant::now() + timeouts.connect;
        wire.send("the offer").await?;
        loop {
            let input = wire.read(late, "the offer").await?;
            match opening.take(&input)? {
                Opened::More(again) => opening = again,
                Opened::Agreed(state) => return Ok(Session { wire, state }),
            }
        }
    }

    /// Who connected.
    pub async fn connect(self, client: &Connect, macros: &Macros) -> Result<Next<S, Idle>, Broken> {
        let asked = self.state.connect(client, macros)?;
        self.wire.answer(asked, "the connection").await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S, Idle> {
    /// The name in HELO or EHLO.
    pub async fn helo(self, name: &[u8], macros: &Macros) -> Result<Next<S, Idle>, Broken> {
        let asked = self.state.helo(name, macros)?;
        self.wire.answer(asked, "HELO").await
    }

    pub async fn mail(self, sender: &Path, macros: &Macros) -> Result<Next<S, Envelope>, Broken> {
        let asked = self.state.mail(sender, macros)?;
        self.wire.answer(asked, "MAIL").await
    }

    /// Another SMTP connection on this stream. `None`: this filter needs a new stream for it.
    ///
    /// It looks at the stream without waiting: a filter that closed or said something is noticed here.
    pub async fn new_connection(self) -> Result<Option<Session<S, Start>>, Broken> {
        let Session { mut wire, state } = self;
        wire.is_quiet().await?;
        Ok(state.new_connection()?.map(|state| Session { wire, state }))
    }

    /// Says goodbye; there is no answer.
    pub async fn quit(self) {
        let Session { mut wire, state } = self;
        if let Ok(output) = state.quit() {
            wire.output.extend_from_slice(&output);
            let _ = wire.send("the end").await;
            let _ = timeout(wire.timeouts.command, wire.stream.shutdown()).await;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S, Envelope> {
    pub async fn rcpt(self, to: &Path, macros: &Macros) -> Result<Next<S, Tried>, Broken> {
        let asked = self.state.rcpt(to, macros)?;
        self.wire.answer(asked, "RCPT").await
    }

    /// The recipients are complete.
    pub async fn data(self, macros: &Macros) -> Result<Next<S, Header>, Broken> {
        let asked = self.state.data(macros)?;
        self.wire.answer(asked, "DATA").await
    }

    /// Gives the message up.
    pub fn abort(self) -> Result<Session<S, Idle>, Broken> {
        Ok(Session { wire: self.wire, state: self.state.abort()? })
    }
}

impl<S> Session<S, Tried> {
    /// The message goes on; with the filter's refusal where it does so without this recipient.
    pub fn tried(self) -> (Session<S, Envelope>, Option<Answer>) {
        let (state, refusal) = self.state.tried();
        (Session { wire: self.wire, state }, refusal)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S, Header> {
    /// A field of the header, its value as it stands in the mail.
    pub async fn field(self, field: &Field) -> Result<Next<S, Header>, Broken> {
        let asked = self.state.field(field)?;
        self.wire.answer(asked, "a header field").await
    }

    /// The header is complete.
    pub async fn end(self, macros: &Macros) -> Result<Next<S, Body>, Broken> {
        let asked = self.state.end(macros)?;
        self.wire.answer(asked, "the end of the header").await
    }

    /// Gives the message up.
    pub fn abort(self) -> Result<Session<S, Idle>, Broken> {
        Ok(Session { wire: self.wire, state: self.state.abort()? })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S, Body> {
    /// Does the filter want more of the body? What it does not want need not be read.
    pub fn wants_more(&self) -> bool {
        self.state.wants_more()
    }

    /// A piece of at most [`crate::filter::MAX_PIECE`] octets.
    pub async fn piece(self, piece: Vec<u8>) -> Result<Next<S, Body>, Broken> {
        let asked = self.state.piece(piece)?;
        self.wire.answer(asked, "a piece of the body").await
    }

    /// The message is complete: waits for the verdict.
    pub async fn end(self, macros: &Macros) -> Result<(Verdict, Session<S, Idle>), Broken> {
        let mut wire = self.wire;
        let mut ending: Ending = self.state.end(macros)?;
        wire.output.append(ending.output());
        wire.send("the body").await?;
        let mut late = Instant::now() + wire.timeouts.verdict;
        loop {
            let input = wire.read(late, "the whole message").await?;
            let mut input = input.as_slice();
            loop {
                match ending.take(&mut input)? {
                    Ended::Progress(again) => {
                        ending = again;
                        late = Instant::now() + wire.timeouts.verdict;
                    }
                    Ended::More(again) => {
                        ending = again;
                        break;
                    }
                    Ended::Done(state, verdict) => return Ok((verdict, Session { wire, state })),
                }
            }
        }
    }

    /// Gives the message up.
    pub fn abort(self) -> Result<Session<S, Idle>, Broken> {
        Ok(Session { wire: self.wire, state: self.state.abort()? })
    }
}

impl<S, N> Session<S, N> {
    /// The stream, e.g. to close it without a word.
    pub fn into_stream(self) -> S {
        self.wire.stream
    }
}

macro_rules! terms {
    ($($state:ident)*) => {$(
        impl<S> Session<S, $state> {
            /// What was agreed.
            pub fn terms(&self) -> &Terms {
                self.state.terms()
            }
        }
    )*};
}

terms! { Start Idle Envelope Header Body }

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Sends a command and hears its answer, where it has one. Others are gathered.
    async fn answer<N: State>(
        mut self,
        mut asked: Asked<N>,
        what: &'static str,
    ) -> Result<Next<S, N>, Broken> {
        self.output.append(asked.output());
        let waits = asked.awaits_answer();
        if waits || self.output.len() >= BATCH {
            // An answer that nobody asked for would be taken for the one that is awaited (MI6).
            self.is_quiet().await?;
            self.send(what).await?;
        }
        let late = Instant::now() + self.timeouts.command;
        loop {
            let input = if waits { self.read(late, what).await? } else { Vec::new() };
            match asked.take(&input)? {
                Answered::More(again) => asked = again,
                Answered::Go(state) => return Ok(Next::Go(Session { wire: self, state })),
                Answered::Over(state, answer) => {
                    return Ok(Next::Over(Session { wire: self, state }, answer));
                }
            }
        }
    }

    async fn send(&mut self, what: &'static str) -> Result<(), Broken> {
        let output = std::mem::take(&mut self.output);
        // Any progress counts, so that a large batch over a slow link is no failure.
        for part in output.chunks(BATCH) {
            timeout(self.timeouts.command, self.stream.write_all(part))
                .await
                .map_err(|_| Broken::Late(what))??;
        }
        let flushed = timeout(self.timeouts.command, self.stream.flush()).await;
        Ok(flushed.map_err(|_| Broken::Late(what))??)
    }

    async fn read(&mut self, late: Instant, what: &'static str) -> Result<Vec<u8>, Broken> {
        let mut input = Vec::with_capacity(4 * 1024);
        let read = timeout_at(late, self.stream.read_buf(&mut input)).await;
        if read.map_err(|_| Broken::Late(what))?? == 0 {
            return Err(Broken::Closed(what));
        }
        Ok(input)
    }

    /// Looks, without waiting, whether the filter closed or said something unasked.
    async fn is_quiet(&mut self) -> Result<(), Broken> {
        let mut octet = [0_u8; 8];
        let mut buffer = ReadBuf::new(&mut octet);
        let stream = &mut self.stream;
        let looked = poll_fn(|cx| {
            Poll::Ready(match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => None,
                Poll::Ready(read) => Some(read),
            })
        });
        match looked.await {
            None => Ok(()),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(())) if buffer.filled().is_empty() => Err(Broken::Closed("what comes next")),
            Some(Ok(())) => {
                let code = buffer.filled().get(4).copied();
                let code = code.and_then(crate::code::Reply::from_octet);
                Err(Fault::Unasked(code.unwrap_or(crate::code::Reply::Continue)).into())
            }
        }
    }
}
