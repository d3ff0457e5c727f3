//! A relay by script: a small SMTP server on loopback that says what a test tells it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the relay is asked.
#[derive(Clone, Debug)]
pub enum Ask<'a> {
    Connect,
    Mail,
    Rcpt(&'a str),
    /// The whole message has come, for these.
    Message(&'a [String]),
}

/// What it does.
#[derive(Clone, Debug)]
pub enum Act {
    Yes,
    Say(&'static str),
    /// Closes the connection without a word.
    Die,
    /// Waits for [`FakeRelay::release`], then says yes.
    Hold,
}

type Script = Arc<dyn Fn(Ask<'_>) -> Act + Send + Sync>;

pub const ALL: &[&str] =
    &["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000000", "CHUNKING", "ENHANCEDSTATUSCODES"];

#[derive(Clone)]
pub struct FakeRelay {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

struct Seen {
    script: Script,
    offers: &'static [&'static str],
    /// Recipients of each accepted transaction, in order.
    accepted: Mutex<Vec<Vec<String>>>,
    /// The last message that came, whatever became of it; dots unstuffed.
    message: Mutex<Vec<u8>>,
    /// RCPT, answered whatever.
    tried: Mutex<Vec<String>>,
    connections: Mutex<u32>,
    release: tokio::sync::Semaphore,
}

impl FakeRelay {
    pub async fn start(
        offers: &'static [&'static str],
        script: impl Fn(Ask<'_>) -> Act + Send + Sync + 'static,
    ) -> FakeRelay {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        FakeRelay::start_at(any, offers, script).await
    }

    pub async fn start_at(
        address: SocketAddr,
        offers: &'static [&'static str],
        script: impl Fn(Ask<'_>) -> Act + Send + Sync + 'static,
    ) -> FakeRelay {
        let listener = TcpListener::bind(address).await.expect("a port");
        let seen = Arc::new(Seen {
            script: Arc::new(script),
            offers,
            accepted: Mutex::default(),
            message: Mutex::default(),
            tried: Mutex::default(),
            connections: Mutex::default(),
            release: tokio::sync::Semaphore::new(0),
        });
        let relay = FakeRelay {
            address: listener.local_addr().expect("an address"),
            seen: seen.clone(),
            tasks: Arc::default(),
        };
        relay.tasks.lock().expect("lock").spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("nodelay");
                *seen.connections.lock().expect("lock") += 1;
                let seen = seen.clone();
                sessions.spawn(async move {
                    // A session that dies is part of the play.
                    let _ = session(stream, &seen).await;
                });
            }
        });
        relay
    }

    pub fn accepted(&self) -> Vec<Vec<String>> {
        self.seen.accepted.lock().expect("lock").clone()
    }

    /// How often each address was accepted.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for to in self.accepted().into_iter().flatten() {
            *counts.entry(to).or_default() += 1;
        }
        counts
    }

    pub fn tried(&self, address: &str) -> usize {
        self.seen.tried.lock().expect("lock").iter().filter(|to| *to == address).count()
    }

    pub fn message(&self) -> Vec<u8> {
        self.seen.message.lock().expect("lock").clone()
    }

    pub fn connections(&self) -> u32 {
        *self.seen.connections.lock().expect("lock")
    }

    /// Lets `n` messages go that are on hold.
    pub fn release(&self, n: usize) {
        self.seen.release.add_permits(n);
    }
}

/// `None` = the connection is over.
async fn answer(seen: &Seen, ask: Ask<'_>, stream: &mut BufReader<TcpStream>) -> Option<bool> {
    let reply = match (seen.script)(ask) {
        Act::Yes => "250 2.0.0 OK id=1fakeX-000000001-0001",
        Act::Say(text) => text,
        Act::Die => return None,
        Act::Hold => {
            seen.release.acquire().await.ok()?.forget();
            "250 2.0.0 OK id=1fakeX-000000001-0001"
        }
    };
    stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    (!reply.starts_with("421")).then_some(reply.starts_with('2'))
}

async fn session(stream: TcpStream, seen: &Seen) -> Option<()> {
    let mut stream = BufReader::new(stream);
    match (seen.script)(Ask::Connect) {
        Act::Yes | Act::Hold => stream.write_all(b"220 fake ESMTP\r\n").await.ok()?,
        Act::Say(text) => stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?,
        Act::Die => return None,
    }
    let (mut mail, mut to) = (false, Vec::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let lines: Vec<&str> =
                    std::iter::once("fake").chain(seen.offers.iter().copied()).collect();
                let last = lines.len() - 1;
                for (i, text) in lines.iter().enumerate() {
                    let mark = if i == last { ' ' } else { '-' };
                    stream.write_all(format!("250{mark}{text}\r\n").as_bytes()).await.ok()?;
                }
            }
            "RSET" => {
                (mail, to) = (false, Vec::new());
                stream.write_all(b"250 flushed\r\n").await.ok()?;
            }
            "MAIL" => mail = answer(seen, Ask::Mail, &mut stream).await?,
            "RCPT" if !mail => stream.write_all(b"503 MAIL first\r\n").await.ok()?,
            "RCPT" => {
                let who = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                seen.tried.lock().expect("lock").push(who.clone());
                if answer(seen, Ask::Rcpt(&who), &mut stream).await? {
                    to.push(who);
                }
            }
            "DATA" | "BDAT" => {
                if verb == "BDAT" {
                    let size = line.split(' ').nth(1).and_then(|n| n.parse().ok())?;
                    let mut message = vec![0; size];
                    stream.read_exact(&mut message).await.ok()?;
                    *seen.message.lock().expect("lock") = message;
                }
                if !mail || to.is_empty() {
                    stream.write_all(b"503 nobody to send it to\r\n").await.ok()?;
                    continue;
                }
                if verb == "DATA" {
                    stream.write_all(b"354 go\r\n").await.ok()?;
                    let mut message = Vec::new();
                    loop {
                        let mut line = Vec::new();
                        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
                            return None;
                        }
                        if line == b".\r\n" {
                            break;
                        }
                        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    }
                    *seen.message.lock().expect("lock") = message;
                }
                let took = std::mem::take(&mut to);
                mail = false;
                // Counted before the reply: who reads the reply must find it counted.
                let at = {
                    let mut accepted = seen.accepted.lock().expect("lock");
                    accepted.push(took.clone());
                    accepted.len() - 1
                };
                let taken = answer(seen, Ask::Message(&took), &mut stream).await;
                if taken != Some(true) {
                    let mut accepted = seen.accepted.lock().expect("lock");
                    if let Some(slot) = accepted.get_mut(at) {
                        slot.clear();
                    }
                }
                taken?;
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return Some(());
            }
            _ => stream.write_all(b"502 what\r\n").await.ok()?,
        }
    }
}
