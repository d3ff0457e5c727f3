//! One mail, one verdict: the whole exchange over a new or an idle connection, and once more from the start where
//! the filter was restarted in between (MI24).

use std::future::Future;
use std::io;
use std::time::Duration;

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
/// `idle`: a connection of an earlier mail. Give one only to a filter that is known to take a second SMTP connection
/// on it: rspamd and ours do; those built with libmilter (clamav-milter, OpenDKIM) are silent then. Where no
/// answer comes within [`Timeouts::connect`], or the connection has gone stale, a new one is made.
///
/// Where the filter closes a connection in the middle, a new one is tried from the offer on, once. A filter that
/// is silent, or talks nonsense, is not tried again. With the outcome comes the connection, for the next mail; none
/// where the filter was silent on an earlier one.
pub async fn ask<C: Source>(
    source: &mut C,
    idle: Option<Session<C::Stream, Idle>>,
    mail: &Mail<'_>,
    terms: (Offer, Limits, Timeouts),
) -> Result<(Outcome, Option<Session<C::Stream, Idle>>), Broken> {
    let attempts = async {
        let (greeted, is_deaf) = reuse(idle, mail, terms.2.connect).await;
        let (outcome, session) = attempt(greeted, source, mail, terms).await?;
        Ok((outcome, session.filter(|_| !is_deaf)))
    };
    timeout(terms.2.mail, attempts).await.unwrap_or(Err(Broken::Late("the whole mail")))
}

impl Broken {
    fn may_be_a_restart(&self) -> bool {
        matches!(self, Broken::Stream(_) | Broken::Closed(_))
    }
}

/// Another SMTP connection on an earlier one's stream, if the filter takes it; and whether it said nothing to that.
async fn reuse<S>(
    idle: Option<Session<S, Idle>>,
    mail: &Mail<'_>,
    patience: Duration,
) -> (Option<Next<S, Idle>>, bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(idle) = idle else { return (None, false) };
    let greeted = async { greet(idle.new_connection().await.ok().flatten()?, mail).await.ok() };
    timeout(patience, greeted).await.map_or((None, true), |greeted| (greeted, false))
}

async fn greet<S>(session: Session<S, Start>, mail: &Mail<'_>) -> Result<Next<S, Idle>, Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    session.connect(mail.client, &mail.macros(Stage::Connect)).await
}

async fn open<C: Source>(
    source: &mut C,
    mail: &Mail<'_>,
    (offer, limits, timeouts): (Offer, Limits, Timeouts),
) -> Result<Next<C::Stream, Idle>, Broken> {
    let connected = timeout(timeouts.connect, source.connect()).await;
    let stream = connected.map_err(|_| Broken::Late("the connection"))??;
    greet(Session::open(stream, offer, limits, timeouts).await?, mail).await
}

/// Over the connection that is there or a new one, and once more over a new one.
async fn attempt<C: Source>(
    greeted: Option<Next<C::Stream, Idle>>,
    source: &mut C,
    mail: &Mail<'_>,
    terms: (Offer, Limits, Timeouts),
) -> Result<(Outcome, Option<Session<C::Stream, Idle>>), Broken> {
    let first = match greeted {
        Some(next) => Ok(next),
        None => open(source, mail, terms).await,
    };
    let asked = match first {
        Ok(next) => exchange(next, source, mail).await,
        Err(broken) => Err(broken),
    };
    let broken = match asked {
        Err(broken) if broken.may_be_a_restart() => broken,
        other => return other,
    };
    match open(source, mail, terms).await {
        Ok(next) => exchange(next, source, mail).await,
        // What went wrong first says more than that nobody listens now.
        Err(_) => Err(broken),
    }
}

async fn exchange<C: Source>(
    greeted: Next<C::Stream, Idle>,
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
    let mut idle = go!(greeted);
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
