//! Runs the filter machine over a stream: reads, writes, timeouts, progress, shutdown.
//!
//! The only file of the filter's side that knows tokio. Not here: accepting connections, limits on their
//! number; the caller has the socket.

mod told;

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::answer::{Answer, BodyAnswer, Verdict};
use crate::fault::Fault;
use crate::filter::{Ending, Filter, Fresh, Limits, Opening, Step};
use crate::header::Field;
use crate::macros::Symbols;
use crate::negotiate::{Terms, Wish};
use crate::packet::{Connect, Path};
use told::Told;

/// What an idle connection costs. A busy one grows to the larger size.
const SMALL_BUFFER: usize = 4 * 1024;
const LARGE_BUFFER: usize = 64 * 1024;

/// What a filter does. One per stream.
///
/// Each method answers the MTA. Where it was agreed that the MTA does not wait ([`Terms::protocol`]), the
/// answer is kept: it is said at the next chance, and the rest of the message is not told; only what concerns
/// a single recipient is lost then. With any answer but `Continue` (a refusal at `rcpt` aside) the
/// message is over, and `abort` is not called for it.
pub trait Handler: Send {
    /// The MTA and we agreed on this.
    fn agreed(&mut self, _terms: &Terms) {}
    fn connect(
        &mut self,
        _client: Connect,
        _macros: &Symbols,
    ) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    /// The name in HELO or EHLO. May come several times.
    fn helo(&mut self, _name: Vec<u8>, _macros: &Symbols) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    fn mail(&mut self, _sender: Path, _macros: &Symbols) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    fn rcpt(&mut self, _to: Path, _macros: &Symbols) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    fn data(&mut self, _macros: &Symbols) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    /// A header field, its value as it stands in the mail.
    fn header(&mut self, _field: Field, _macros: &Symbols) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    fn header_end(&mut self, _macros: &Symbols) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    /// A piece of the body, CRLF line ends, cut anywhere.
    fn body(&mut self, _piece: Vec<u8>) -> impl Future<Output = BodyAnswer> + Send {
        async { Answer::Continue.into() }
    }
    /// A line that the MTA did not understand.
    fn unknown(&mut self, _line: Vec<u8>) -> impl Future<Output = Answer> + Send {
        async { Answer::Continue }
    }
    /// The message is whole. While this works the MTA hears of progress; when the MTA leaves, the future is
    /// dropped and `abort` is called.
    fn end(&mut self, macros: &Symbols) -> impl Future<Output = Verdict> + Send;
    /// What began with `mail` is void: reset, or the MTA is gone.
    fn abort(&mut self) {}
    /// Another SMTP connection follows on this stream; what `connect` and `helo` said is void.
    fn new_connection(&mut self) {}
}

/// How long an MTA may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Between packets: the MTA may wait for its own client.
    pub idle: Duration,
    /// For the rest of a packet that has begun, and for taking our replies.
    pub packet: Duration,
    /// How often we tell of progress while a verdict is made.
    pub progress: Duration,
    /// For a message that is under way when the shutdown comes.
    pub shutdown: Duration,
}

impl Default for Timeouts {
    /// 2 h (libmilter's), 1 min, 10 s, 10 s.
    fn default() -> Timeouts {
        Timeouts {
            idle: Duration::from_secs(2 * 60 * 60),
            packet: Duration::from_secs(60),
            progress: Duration::from_secs(10),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// Why a session ended before the MTA closed it.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Stream(#[from] io::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("{0}")]
    Late(&'static str),
}

/// Serves one MTA until it leaves, breaks the protocol, or `shutdown` is ready. Without a word where it
/// breaks it: the MTA then does what it is configured to do when a filter fails.
///
/// At the shutdown a message under way may come to its end.
pub async fn serve<S, H>(
    stream: S,
    wish: &Wish,
    limits: Limits,
    timeouts: &Timeouts,
    handler: &mut H,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Broken>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let told = Told::new(handler);
    let mut connection = Connection { stream, timeouts: *timeouts, told, early: Vec::new() };
    let fresh = Fresh::new(wish.clone(), limits);
    let result = connection.run(Machine::Fresh(fresh), shutdown).await;
    connection.told.abort();
    result
}

struct Connection<'h, S, H> {
    stream: S,
    timeouts: Timeouts,
    told: Told<'h, H>,
    /// What came while a verdict was made.
    early: Vec<u8>,
}

enum Machine {
    Fresh(Fresh),
    Filter(Filter),
}

impl Machine {
    fn is_inside(&self) -> bool {
        match self {
            Machine::Fresh(fresh) => fresh.is_inside(),
            Machine::Filter(filter) => filter.is_inside(),
        }
    }

    fn in_message(&self) -> bool {
        matches!(self, Machine::Filter(filter) if filter.in_message())
    }
}

/// What a wait for input ended with.
enum Woken {
    Read(io::Result<usize>),
    TooLate,
    Shutdown,
}

impl<S, H> Connection<'_, S, H>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    async fn run(
        &mut self,
        mut machine: Machine,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Broken> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut buffer = Vec::with_capacity(SMALL_BUFFER);
        let mut stop: Option<Instant> = None;
        let mut inside: Option<Instant> = None;
        loop {
            if stop.is_some() && !machine.in_message() {
                return Ok(());
            }
            // A packet that comes octet by octet gains no time by it.
            inside = machine.is_inside().then(|| inside.unwrap_or_else(Instant::now));
            let late = match inside {
                Some(since) => since + self.timeouts.packet,
                None => Instant::now() + self.timeouts.idle,
            };
            let late = stop.map_or(late, |stop| stop.min(late));
            buffer.clear();
            let woken = tokio::select! {
                biased;
                () = &mut shutdown, if stop.is_none() => Woken::Shutdown,
                read = timeout_at(late, self.stream.read_buf(&mut buffer)) => {
                    read.map_or(Woken::TooLate, Woken::Read)
                }
            };
            match woken {
                Woken::Shutdown => stop = Some(Instant::now() + self.timeouts.shutdown),
                Woken::TooLate if stop.is_some() => return Ok(()),
                Woken::TooLate if inside.is_some() => {
                    return Err(Broken::Late("the MTA did not end its packet in time"));
                }
                Woken::TooLate => return Err(Broken::Late("the MTA was silent for too long")),
                Woken::Read(read) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    let Some(next) = self.work(machine, &buffer).await? else { return Ok(()) };
                    machine = next;
                    fit(&mut buffer, machine.in_message());
                }
            }
        }
    }

    /// Lets the machine work through the input. `None`: the MTA leaves.
    async fn work(
        &mut self,
        mut machine: Machine,
        input: &[u8],
    ) -> Result<Option<Machine>, Broken> {
        let Some(next) = self.feed(machine, input).await? else { return Ok(None) };
        machine = next;
        while !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            let Some(next) = self.feed(machine, &early).await? else { return Ok(None) };
            machine = next;
        }
        Ok(Some(machine))
    }

    async fn feed(
        &mut self,
        machine: Machine,
        mut input: &[u8],
    ) -> Result<Option<Machine>, Broken> {
        let mut filter = match machine {
            Machine::Filter(filter) => filter,
            Machine::Fresh(fresh) => match fresh.next(&mut input)? {
                Opening::More(fresh) => return Ok(Some(Machine::Fresh(fresh))),
                Opening::Quit => return Ok(None),
                Opening::Agreed(filter) => {
                    self.told.handler.agreed(filter.terms());
                    filter
                }
            },
        };
        loop {
            filter = match filter.next(&mut input)? {
                Step::More(mut filter) => {
                    self.send(filter.output()).await?;
                    return Ok(Some(Machine::Filter(filter)));
                }
                Step::Quit => return Ok(None),
                Step::Told(event, filter) => {
                    self.told.tell(event, filter.symbols()).await;
                    filter
                }
                Step::Asked(event, question) => {
                    let answer = self.told.ask(event, question.symbols()).await;
                    let filter = question.answer(answer)?;
                    self.told.answered(filter.in_message());
                    filter
                }
                Step::Body(piece, question) => {
                    let answer = self.told.body(piece).await;
                    let filter = question.answer(answer)?;
                    self.told.answered(filter.in_message());
                    filter
                }
                Step::End(ending) => self.end(ending).await?,
            };
            self.send(filter.output()).await?;
        }
    }

    /// The verdict, with progress while it is made.
    async fn end(&mut self, mut ending: Ending) -> Result<Filter, Broken> {
        self.send(ending.output()).await?;
        let verdict = match self.told.decided() {
            Some(answer) => answer.into(),
            None => self.judge(&mut ending).await?,
        };
        self.told.answered(false);
        match ending.finish(verdict) {
            Ok(filter) => Ok(filter),
            Err((fault, mut output)) => {
                self.send(&mut output).await?;
                Err(fault.into())
            }
        }
    }

    async fn judge(&mut self, ending: &mut Ending) -> Result<Verdict, Broken> {
        let symbols = ending.symbols().clone();
        let Connection { stream, timeouts, told, early } = self;
        let mut verdict = std::pin::pin!(told.handler.end(&symbols));
        loop {
            // An MTA that waits says nothing; what it says all the same is kept, up to a limit.
            let listens = early.len() < SMALL_BUFFER;
            tokio::select! {
                biased;
                verdict = &mut verdict => return Ok(verdict),
                read = stream.read_buf(early), if listens => {
                    if read? == 0 {
                        return Err(Broken::Late("the MTA left before the verdict"));
                    }
                }
                () = sleep(timeouts.progress) => {
                    ending.progress()?;
                    write(stream, ending.output(), timeouts.packet).await?;
                }
            }
        }
    }

    async fn send(&mut self, output: &mut Vec<u8>) -> Result<(), Broken> {
        write(&mut self.stream, output, self.timeouts.packet).await
    }
}

/// All replies that wait, in one write.
async fn write<S>(stream: &mut S, output: &mut Vec<u8>, patience: Duration) -> Result<(), Broken>
where
    S: AsyncWrite + Unpin,
{
    let output = std::mem::take(output);
    if output.is_empty() {
        return Ok(());
    }
    let write = async {
        stream.write_all(&output).await?;
        stream.flush().await
    };
    match timeout(patience, write).await {
        Ok(written) => Ok(written?),
        Err(_) => Err(Broken::Late("the MTA did not take our reply in time")),
    }
}

/// Grows the buffer while a message fills it, and gives the memory back behind the message.
fn fit(buffer: &mut Vec<u8>, in_message: bool) {
    if !in_message && buffer.capacity() > SMALL_BUFFER {
        *buffer = Vec::with_capacity(SMALL_BUFFER);
    } else if in_message && buffer.len() == buffer.capacity() && buffer.len() < LARGE_BUFFER {
        *buffer = Vec::with_capacity((buffer.len() * 4).min(LARGE_BUFFER));
    }
}
