//! Asks a milter about each mail before anything is decided: `verdictd`, or any other.
//!
//! Not what its answer means (`listcore::scan`), not what follows (`listcore::policy`), not the protocol (`milter`).
//! The body is sent from where it is; what finds no turn is told to come again. Each mail has a connection of its own:
//! another client on the same one (QUIT_NC) is answered by `verdictd` and rspamd, and by clamav-milter with silence.

mod answer;
mod tally;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use listcore::address::Address;
use listcore::config::{Endpoint, OnFailure};
use listcore::message::{Mail, auth_results, received};
use listcore::scan::{self, Answer, Finding, Scan};
use milter::client::{Limits, offer};
use milter::drive_client::{self, Broken, Outcome, Source, Timeouts};
use milter::header::Field;
use milter::macros::Macros;
use milter::negotiate::{Actions, Stage};
use milter::packet::{Connect, Path};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::either::Either;

pub use tally::Tally;

/// Mails that are asked about at a time; more wait. `verdictd` takes 32 at a time by itself, others fewer.
pub const AT_ONCE: usize = 16;

/// For a connection to a filter on this host or next to it.
const CONNECT: Duration = Duration::from_secs(10);

/// What a filter may say about one mail: it has no reason to send a new body, and we would not take it.
const LIMITS: Limits = Limits { modifications: 1_000, octets: 1 << 20 };

/// How we name ourselves in `{daemon_name}`, so that a filter can know that it is not asked by an MX.
const DAEMON: &str = "listd";

type Stream = Either<UnixStream, TcpStream>;

/// What the room is told at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    pub milter: Endpoint,
    pub on_failure: OnFailure,
    /// For one mail, the wait for its turn included.
    pub timeout: Duration,
    pub hostname: String,
    /// Whose Authentication-Results are ours (lower-case).
    pub trusted: Vec<String>,
}

/// One mail to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub mail: &'a Mail,
    /// The whole mail.
    pub bytes: &'a Bytes,
    /// `None` = null sender.
    pub sender: Option<&'a Address>,
    /// As they came, in their order.
    pub recipients: &'a [&'a str],
    /// Its name in logs where our MTA's `Received` tells none.
    pub id: &'a str,
}

/// Whoever asks the filter.
#[derive(Debug)]
pub struct Verdicts {
    settings: Settings,
    turns: Semaphore,
    tally: Tally,
}

impl Verdicts {
    pub fn new(settings: Settings, tally: Tally) -> Verdicts {
        Verdicts { settings, turns: Semaphore::new(AT_ONCE), tally }
    }

    /// How long [`Verdicts::ask`] takes at most.
    pub fn patience(&self) -> Duration {
        self.settings.timeout
    }

    /// What the filter found, for each recipient; they differ only where it refused one alone.
    pub async fn ask(&self, question: &Question<'_>) -> Vec<Scan> {
        let began = Instant::now();
        let (all, alone) = match self.outcome(question, began).await {
            Ok(outcome) => answer::of(&outcome),
            Err(answer) => (answer, Vec::new()),
        };
        let read = |answer: &Answer| scan::read(answer, self.settings.on_failure);
        let all = read(&all);
        let took = began.elapsed();
        self.tally.note(&all.finding, took);
        log(question, &all, took);
        let mut scans = vec![all; question.recipients.len()];
        for (at, answer) in &alone {
            if let Some(scan) = scans.get_mut(*at) {
                *scan = read(answer);
            }
        }
        scans
    }

    async fn outcome(&self, question: &Question<'_>, began: Instant) -> Result<Outcome, Answer> {
        let whole = self.settings.timeout;
        // The other half is for the filter: who has a turn at last should have an answer too.
        let turn = tokio::time::timeout(whole / 2, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Answer::Busy) };
        let rest = whole.saturating_sub(began.elapsed());
        let timeouts = Timeouts { connect: CONNECT, command: rest, verdict: rest, mail: rest };
        self.exchange(question, timeouts).await.map_err(|broken| Answer::Silent(broken.to_string()))
    }

    async fn exchange(
        &self,
        question: &Question<'_>,
        timeouts: Timeouts,
    ) -> Result<Outcome, Broken> {
        let envelope = Envelope::of(question, &self.settings);
        let body = question.bytes.slice(question.mail.head_len().min(question.bytes.len())..);
        let mut source = Filter { endpoint: &self.settings.milter, body };
        let terms = (offer(Actions::ALL), LIMITS, timeouts);
        let asked = drive_client::ask(&mut source, None, &envelope.mail(), terms).await;
        let (outcome, session) = asked?;
        if let Some(session) = session {
            session.quit().await;
        }
        Ok(outcome)
    }
}

/// One line for each mail, as `verdictd` has one.
fn log(question: &Question<'_>, scan: &Scan, took: Duration) {
    let message_id = question.mail.message_id.as_deref().unwrap_or_default();
    let (verdict, words, ms) = (scan.finding.as_str(), &scan.words, took.as_millis());
    match scan.finding {
        Finding::Failed | Finding::Busy => {
            tracing::error!(
                message_id,
                verdict,
                words,
                ms,
                "the filter gave no verdict, the mail was deferred; does the milter of [verdict] run?"
            );
        }
        Finding::Unscanned => {
            tracing::warn!(
                message_id,
                verdict,
                words,
                ms,
                "scanned by nobody, and let through since verdict.on_failure = \"accept\""
            );
        }
        _ => tracing::info!(message_id, verdict, words, ms, "scanned"),
    }
}

/// Where connections come from, and the body.
struct Filter<'a> {
    endpoint: &'a Endpoint,
    body: Bytes,
}

impl Source for Filter<'_> {
    type Stream = Stream;
    /// It shares the mail's octets.
    type Body = io::Cursor<Bytes>;

    async fn connect(&mut self) -> io::Result<Stream> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot reach {}: {error}", self.endpoint))
        };
        match self.endpoint {
            Endpoint::Unix(path) => {
                UnixStream::connect(path).await.map(Either::Left).map_err(named)
            }
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(named)?;
                stream.set_nodelay(true)?;
                Ok(Either::Right(stream))
            }
        }
    }

    async fn body(&mut self) -> io::Result<io::Cursor<Bytes>> {
        Ok(io::Cursor::new(self.body.clone()))
    }
}

/// All that a filter is told before the body.
struct Envelope {
    client: Connect,
    helo: Option<String>,
    sender: Path,
    recipients: Vec<Path>,
    header: Vec<Field>,
    macros: [(Stage, Macros); 4],
}

impl Envelope {
    fn of(question: &Question<'_>, settings: &Settings) -> Envelope {
        let mail = question.mail;
        // The client is the one that came to our MTA, not the MTA that came to us.
        let client = received::client(mail.top_received.as_deref().unwrap_or_default());
        let login = auth_results(mail, &settings.trusted).auth;
        let sender = question.sender.map(ToString::to_string).unwrap_or_default();
        let id = client.id.as_deref().unwrap_or(question.id).to_owned();
        let of_mail = Macros::default().with("i", id.as_str()).with("{mail_addr}", sender.as_str());
        let of_mail = match login {
            Some(login) => of_mail.with("{auth_authen}", login),
            None => of_mail,
        };
        let house = Macros::default()
            .with("j", settings.hostname.as_str())
            .with("{daemon_name}", DAEMON)
            .with("v", concat!("listd ", env!("CARGO_PKG_VERSION")));
        let queue = Macros::default().with("i", id.as_str());
        Envelope {
            client: connect(&client),
            helo: client.helo,
            sender: Path::new(&sender),
            recipients: question.recipients.iter().map(|rcpt| Path::new(rcpt)).collect(),
            header: header(mail),
            macros: [
                (Stage::Connect, house),
                (Stage::Mail, of_mail),
                (Stage::HeaderEnd, queue.clone()),
                (Stage::BodyEnd, queue),
            ],
        }
    }

    fn mail(&self) -> drive_client::Mail<'_> {
        drive_client::Mail {
            client: &self.client,
            helo: self.helo.as_deref().map(str::as_bytes),
            sender: &self.sender,
            recipients: &self.recipients,
            header: &self.header,
            macros: &self.macros,
        }
    }
}

/// A client without an address is a program on our MTA's host.
fn connect(client: &received::Client) -> Connect {
    match client.ip {
        Some(ip) => {
            let name = client.name.clone().unwrap_or_else(|| format!("[{ip}]"));
            Connect::inet(name, ip, 0)
        }
        None => Connect::unknown("localhost"),
    }
}

/// The fields as they stand in the mail; a line that is none is in no copy either, so nobody needs to see it. A NUL
/// ends a value on this wire, and such a mail is refused anyway.
fn header(mail: &Mail) -> Vec<Field> {
    let valid = mail.fields.iter().filter(|field| field.valid);
    let field = |field: &listcore::message::Field| Field {
        name: field.name(&mail.head).to_vec(),
        value: field.value(&mail.head).iter().copied().filter(|octet| *octet != 0).collect(),
    };
    valid.map(field).collect()
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
