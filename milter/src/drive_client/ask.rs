//! One mail, one verdict: the whole exchange over a new or an idle connection, and once more from the start where
//! the filter was restarted in between (MI24).

use std::future::Future;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;

use super::{Broken, Next, Session, Timeouts};
use crate::answer::{Answer, Verdict};
use crate::client::{Idle, Limits, Start};
use crate::filter::MAX_PIECE;
use crate::header::Field;
use crate::macros::Macros;
use crate::negotiate::{Offer, Stage};
use crate::packet::{Connect, Path};

/// A mail as a filter is told of it; its body comes from the [`Source`].
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Who gave the mail to the MTA.
    pub client: &'a Connect,
    /// What it said in HELO or EHLO, if that is known.
    pub helo: Option<&'a [u8]>,
    pub sender: &'a Path,
    pub recipients: &'a [Path],
    /// In the order of the mail.
    pub header: &'a [Field],
    /// Macros for stages (MI22).
    pub macros: &'a [(Stage, Macros)],
}

impl Mail<'_> {
    fn macros(&self, stage: Stage) -> Macros {
        let found = self.macros.iter().find(|(of, _)| *of == stage);
        found.map(|(_, macros)| macros.clone()).unwrap_or_default()
    }
}

/// Where connections and the body come from. Both may be asked for twice.
pub trait Source: Send {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;
    type Body: AsyncRead + Unpin + Send;

    /// A new connection to the filter.
    fn connect(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    /// The body from its start, CRLF line ends, without the empty line before it.
    fn body(&mut self) -> impl Future<Output = io::Result<Self::Body>> + Send;
}

/// What the filter thinks of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For all recipients that were not refused. Where the filter decided early there are no modifications.
    pub verdict: Verdict,
    /// Recipients that were refused alone: their place in [`Mail::recipients`], and how. Where all are, the
    /// verdict has the last refusal.
    pub refused: Vec<(usize, Answer)>,
}

/// Asks a filter about a mail.
///
/// `idle`: a connection of an earlier mail, if one is there. Where it has gone stale, or the filter closes any
/// connection in the middle, a new connection is tried from the offer on, once. A filter that is
/// silent, or talks nonsense, is not tried again. With the outcome comes the connection, for the next mail.
pub async fn ask<C: Source>(
    source: &mut C,
    idle: Option<Session<C::Stream, Idle>>,
    mail: &Mail<'_>,
    (offer, limits, timeouts): (Offer, Limits, Timeouts),
) -> Result<(Outcome, Option<Session<C::Stream, Idle>>), Broken> {
    let attempts = async {
        let first = match reuse(idle).await {
            Some(session) => Ok(session),
            None => open(source, offer, limits, timeouts).await,
        };
        let broken = match first {
            Ok(session) => match exchange(session, source, mail).await {
                Err(broken) if broken.may_be_a_restart() => broken,
                other => return other,
            },
            Err(broken) if broken.may_be_a_restart() => broken,
            Err(broken) => return Err(broken),
        };
        match open(source, offer, limits, timeouts).await {
            Ok(session) => exchange(session, source, mail).await,
            // What went wrong first says more than that nobody listens now.
            Err(_) => Err(broken),
        }
    };
    timeout(timeouts.mail, attempts).await.unwrap_or(Err(Broken::Late("the whole mail")))
}

impl Broken {
    fn may_be_a_restart(&self) -> bool {
        matches!(self, Broken::Stream(_) | Broken::Closed(_))
    }
}

async fn reuse<S>(idle: Option<Session<S, Idle>>) -> Option<Session<S, Start>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    idle?.new_connection().await.ok().flatten()
}

async fn open<C: Source>(
    source: &mut C,
    offer: Offer,
    limits: Limits,
    timeouts: Timeouts,
) -> Result<Session<C::Stream, Start>, Broken> {
    let connected = timeout(timeouts.connect, source.connect()).await;
    let stream = connected.map_err(|_| Broken::Late("the connection"))??;
    Session::open(stream, offer, limits, timeouts).await
}

async fn exchange<C: Source>(
    session: Session<C::Stream, Start>,
    source: &mut C,
    mail: &Mail<'_>,
) -> Result<(Outcome, Option<Session<C::Stream, Idle>>), Broken> {
    let mut refused = Vec::new();
    /// The session that goes on; leaves the function where the filter has decided.
    macro_rules! go {
        ($next:expr) => {
            match $next {
                Next::Go(session) => session,
                Next::Over(idle, answer) => {
                    return Ok((Outcome { verdict: answer.into(), refused }, Some(idle)));
                }
            }
        };
    }
    let mut idle = go!(session.connect(mail.client, &mail.macros(Stage::Connect)).await?);
    if let Some(helo) = mail.helo {
        idle = go!(idle.helo(helo, &mail.macros(Stage::Helo)).await?);
    }
    let mut envelope = go!(idle.mail(mail.sender, &mail.macros(Stage::Mail)).await?);
    for (at, to) in mail.recipients.iter().enumerate() {
        let (next, refusal) = go!(envelope.rcpt(to, &mail.macros(Stage::Rcpt)).await?).tried();
        refused.extend(refusal.map(|answer| (at, answer)));
        envelope = next;
    }
    if let Some((_, last)) = refused.last().filter(|_| refused.len() == mail.recipients.len()) {
        let verdict = last.clone().into();
        return Ok((Outcome { verdict, refused }, Some(envelope.abort()?)));
    }
    let mut header = go!(envelope.data(&mail.macros(Stage::Data)).await?);
    for field in mail.header {
        header = go!(header.field(field).await?);
    }
    let mut body = go!(header.end(&mail.macros(Stage::HeaderEnd)).await?);
    let mut reader = source.body().await.map_err(Broken::Mail)?;
    while body.wants_more() {
        let piece = piece(&mut reader).await.map_err(Broken::Mail)?;
        if piece.is_empty() {
            break;
        }
        body = go!(body.piece(piece).await?);
    }
    let (verdict, idle) = body.end(&mail.macros(Stage::BodyEnd)).await?;
    Ok((Outcome { verdict, refused }, Some(idle)))
}

/// The next piece, as large as it may be; an empty one at the end.
async fn piece(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(MAX_PIECE);
    let mut part = reader.take(MAX_PIECE as u64);
    while part.limit() > 0 {
        if part.read_buf(&mut piece).await? == 0 {
            break;
        }
    }
    Ok(piece)
}
