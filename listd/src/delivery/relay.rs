//! The relay, and a connection to it that carries one copy after the other.

use std::io::Cursor;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use listcore::outcome::Reply;
use listcore::retry::{self, At};
use lmtp::client::{Answer, CannotSend, Envelope, Fate as Wire, Report, Stage, queue_id};
use lmtp::drive_client::{Body, Broken, Opened, Outgoing, Session, Timeouts};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Can, Copy, Payload, tls};

/// Where the copies go, and how.
#[derive(Clone, Debug)]
pub struct Relay {
    /// `host:port`; a name is resolved at each connect.
    pub address: String,
    /// Our name for EHLO.
    pub hostname: String,
    pub connect_timeout: Duration,
    pub timeouts: Timeouts,
    /// Copies over one connection before it is renewed; Exim's own limit is 1,000.
    pub copies_per_connection: u32,
}

/// What became of the copy for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Accepted {
        reply: Reply,
        queue_id: Option<String>,
    },
    /// Worth another try. `relay`: the reply speaks of the relay, not of this recipient.
    Deferred {
        reply: Reply,
        relay: bool,
    },
    /// The relay does not take copies for her from us, because of how it, or we, are set up: worth another try, and an
    /// admin's care.
    Denied {
        reply: Reply,
    },
    Refused {
        reply: Reply,
    },
    /// The connection died: worth another try, though it may have arrived where the reply says so. Code 0.
    Lost {
        reply: Reply,
    },
}

impl Fate {
    /// Code 0 where the relay said nothing.
    pub fn reply(&self) -> &Reply {
        match self {
            Fate::Accepted { reply, .. }
            | Fate::Deferred { reply, .. }
            | Fate::Denied { reply }
            | Fate::Refused { reply }
            | Fate::Lost { reply } => reply,
        }
    }
}

/// What came of offering a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A fate for each recipient, in order.
    Fates(Vec<Fate>),
    /// The connection had gone stale before this transaction began: take a new one and send it again.
    Stale(String),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

type BoxedSession = Session<Box<dyn Stream>>;

/// A connection that said hello.
pub struct Connection {
    session: BoxedSession,
    sent: u32,
    limit: u32,
}

impl Relay {
    /// With the usual timeouts and limits.
    pub fn new(address: &str, hostname: &str) -> Relay {
        Relay {
            address: address.to_owned(),
            hostname: hostname.to_owned(),
            connect_timeout: Duration::from_secs(30),
            timeouts: Timeouts::default(),
            copies_per_connection: 100,
        }
    }

    /// Connects and says hello; over TLS where the relay is on another machine and offers it.
    ///
    /// # Errors
    /// In words, for the log and `listctl status`.
    pub async fn connect(&self) -> Result<Connection, String> {
        let opened = self.open(true).await;
        let session = match opened {
            Err(Trouble::Tls(why)) => {
                // TLS is opportunistic: a relay with a broken one is no worse than a relay without.
                tracing::warn!(relay = %self.address, %why, "TLS failed, going on without it");
                self.open(false).await
            }
            other => other,
        };
        let session = session.map_err(|trouble| match trouble {
            Trouble::Connect(why) => format!("relay {} can't be reached: {why}", self.address),
            Trouble::Tls(why) => format!("relay {}: TLS failed: {why}", self.address),
            Trouble::Hello(broken) => {
                format!("relay {} turned us away at {:?}: {broken}", self.address, broken.stage)
            }
        })?;
        Ok(Connection { session, sent: 0, limit: self.copies_per_connection.max(1) })
    }

    async fn open(&self, tls: bool) -> Result<BoxedSession, Trouble> {
        let connect = TcpStream::connect(&self.address);
        let stream = timeout(self.connect_timeout, connect)
            .await
            .map_err(|_| Trouble::Connect(format!("no answer within {:?}", self.connect_timeout)))?
            .map_err(|e| Trouble::Connect(e.to_string()))?;
        stream.set_nodelay(true).map_err(|e| Trouble::Connect(e.to_string()))?;
        let near = stream.peer_addr().is_ok_and(|a| is_loopback(a.ip()));
        self.greet(stream, tls && !near).await
    }

    async fn greet(&self, stream: TcpStream, tls: bool) -> Result<BoxedSession, Trouble> {
        match Session::open(stream, &self.hostname, tls, self.timeouts).await? {
            Opened::Ready(session) => Ok(session.map_stream(|s| Box::new(s) as Box<dyn Stream>)),
            Opened::Upgrade(stream, upgrade) => {
                let stream = tls::connect(&self.address, stream, self.connect_timeout)
                    .await
                    .map_err(Trouble::Tls)?;
                Ok(upgrade.finish(Box::new(stream) as Box<dyn Stream>).await?)
            }
        }
    }
}

#[derive(Debug)]
enum Trouble {
    Connect(String),
    Tls(String),
    Hello(Broken),
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Trouble {
        Trouble::Hello(broken)
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

impl Connection {
    pub fn can(&self) -> Can {
        let can = self.session.capabilities();
        Can { eight_bit: can.eight_bit, utf8: can.utf8, chunking: can.chunking, size: can.max_size }
    }

    /// False where the next copy needs a new connection.
    pub fn is_usable(&mut self) -> bool {
        self.sent < self.limit && self.session.is_usable()
    }

    /// Nothing was sent over it yet.
    pub fn is_fresh(&self) -> bool {
        self.sent == 0
    }

    /// One transaction. Nobody is lost: whatever happens, each recipient has a fate.
    pub async fn send(&mut self, copy: &Copy) -> Sent {
        let sender = copy.sender.as_ref().map(ToString::to_string);
        let recipients: Vec<String> = copy.recipients.iter().map(ToString::to_string).collect();
        let envelope = Envelope {
            sender: sender.as_deref(),
            recipients: &recipients,
            size: 0,
            eight_bit: copy.eight_bit,
            utf8: copy.utf8,
        };
        let report = match &copy.body {
            Payload::Memory(body) => {
                let message = Outgoing { head: &copy.head, body: Body::Memory(body) };
                self.session.send(envelope, message).await
            }
            stored => match open(stored).await {
                Ok(mut reader) => {
                    let body = Body::Stream { reader: &mut reader, len: stored.len() };
                    self.session.send(envelope, Outgoing { head: &copy.head, body }).await
                }
                Err(text) => {
                    let reply = Reply { code: 0, text };
                    return Sent::Fates(vec![
                        Fate::Deferred { reply, relay: false };
                        recipients.len()
                    ]);
                }
            },
        };
        let used = self.sent > 0;
        self.sent += 1;
        match report {
            Err(why) => Sent::Fates(vec![cannot(why); recipients.len()]),
            Ok(report) => match stale(&report).filter(|_| used) {
                Some(why) => Sent::Stale(why),
                None => Sent::Fates(report.fates.into_iter().map(fate).collect()),
            },
        }
    }

    pub async fn quit(self) {
        self.session.quit().await;
    }
}

type Reader = Box<dyn AsyncRead + Unpin + Send>;

/// A body from its first octet to its last; or why it can't be read.
async fn open(body: &Payload) -> Result<Reader, String> {
    let mut all: Reader = Box::new(tokio::io::empty());
    for piece in body.pieces() {
        all = match piece {
            Payload::Memory(bytes) => Box::new(all.chain(Cursor::new(bytes.clone()))),
            Payload::File { path, offset, len } => {
                let file = open_at(path, *offset).await.map_err(|e| {
                    format!("the stored body {} can't be read: {e}", path.display())
                })?;
                Box::new(all.chain(file.take(*len)))
            }
            Payload::Pieces(_) => return Err("a body in pieces of pieces".to_owned()),
        };
    }
    Ok(all)
}

async fn open_at(path: &Arc<PathBuf>, offset: u64) -> std::io::Result<tokio::fs::File> {
    let mut file = tokio::fs::File::open(path.as_ref()).await?;
    file.seek(std::io::SeekFrom::Start(offset)).await?;
    Ok(file)
}

/// Why the relay had closed the connection before it looked at this copy: silence, or 421 to MAIL.
fn stale(report: &Report) -> Option<String> {
    match report.fates.first()? {
        Wire::Lost { why, .. } if !report.answered => Some(why.clone()),
        Wire::Deferred(Stage::Mail, answer) if answer.code == 421 => Some(answer.to_string()),
        _ => None,
    }
}

/// This relay can't take this copy.
fn cannot(why: CannotSend) -> Fate {
    let text = match why {
        CannotSend::NeedsUtf8 => format!("5.6.7 {why}"),
        CannotSend::TooBig { .. } => format!("5.3.4 {why}"),
        CannotSend::BadAddress => format!("5.1.3 {why}"),
        CannotSend::NoRecipient => format!("5.5.4 {why}"),
        // Another relay than the one the copy was made for: the next attempt makes a new one.
        CannotSend::NeedsEightBit | CannotSend::NotReady => {
            let reply = Reply { code: 0, text: why.to_string() };
            return Fate::Deferred { reply, relay: false };
        }
    };
    Fate::Refused { reply: Reply { code: 0, text } }
}

fn fate(wire: Wire) -> Fate {
    let reply = |answer: &Answer| Reply { code: answer.code, text: answer.text() };
    match wire {
        Wire::Accepted(answer) => {
            let reply = reply(&answer);
            let queue_id = queue_id(&reply.text).map(str::to_owned);
            Fate::Accepted { reply, queue_id }
        }
        Wire::Deferred(stage, answer) | Wire::Refused(stage, answer) => {
            let (at, reply) = (at(stage), reply(&answer));
            if !retry::is_for_now(at, reply.code, &reply.text) {
                return Fate::Refused { reply };
            }
            match retry::is_about_relay(at, reply.code, &reply.text) {
                false if retry::denies_us(at, reply.code, &reply.text) => Fate::Denied { reply },
                relay => Fate::Deferred { reply, relay },
            }
        }
        Wire::Lost { why, complete } => {
            let also =
                if complete { " after the whole mail was sent; it may have arrived" } else { "" };
            let reply = Reply { code: 0, text: format!("connection lost{also}: {why}") };
            Fate::Lost { reply }
        }
    }
}

fn at(stage: Stage) -> At {
    match stage {
        Stage::Greeting | Stage::Hello => At::Hello,
        Stage::Mail => At::Mail,
        Stage::Rcpt => At::Rcpt,
        Stage::Data | Stage::Message => At::Message,
    }
}

#[cfg(test)]
mod tests;
