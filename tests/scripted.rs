//! A filter built on our crate that does what a story says, and remembers what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::drive::{Handler, Timeouts, serve};
use milter::filter::Limits;
use milter::header::Field;
use milter::macros::Symbols;
use milter::negotiate::{Actions, Protocol, Stage, Terms, Wish};
use milter::packet::{Connect, Path};
use tokio::sync::oneshot;

/// What it does, from the next session on.
#[derive(Clone, Debug)]
pub struct Script {
    pub protocol: Protocol,
    /// What to answer where it hears something that begins so.
    pub say: Vec<(&'static str, Answer)>,
    pub verdict: Verdict,
    pub takes: Duration,
    pub skips: bool,
    /// It hangs up as soon as somebody connects.
    pub is_down: bool,
    /// Names of macros that it wants for MAIL.
    pub macros: &'static str,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            protocol: Protocol::LEADING_SPACE | Protocol::SKIP,
            say: Vec::new(),
            verdict: Answer::Accept.into(),
            takes: Duration::ZERO,
            skips: false,
            is_down: false,
            macros: "",
        }
    }
}

/// A running filter. Ends when it is dropped.
pub struct Scripted {
    address: SocketAddr,
    shared: Shared,
    _stop: oneshot::Sender<()>,
}

#[derive(Clone, Default)]
struct Shared {
    script: Arc<Mutex<Script>>,
    heard: Arc<Mutex<Vec<String>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scripted {
    pub fn start() -> Scripted {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::default();
        let (stop, stopped) = oneshot::channel();
        let to_run = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, to_run) => {}
                    _ = stopped => {}
                }
            });
        });
        Scripted { address, shared, _stop: stop }
    }

    /// For `smtpd_milters`.
    pub fn name(&self) -> String {
        format!("inet:{}:{}", self.address.ip(), self.address.port())
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Another script, and nothing heard yet.
    pub fn play(&self, script: Script) {
        *lock(&self.shared.script) = script;
        lock(&self.shared.heard).clear();
    }

    /// What it heard since, one line each.
    pub fn heard(&self) -> Vec<String> {
        lock(&self.shared.heard).clone()
    }
}

async fn accept(listener: tokio::net::TcpListener, shared: Shared) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = lock(&shared.script).clone();
        if script.is_down {
            continue;
        }
        let mut handler = Told { shared: shared.clone(), script };
        tokio::spawn(async move {
            let macros = handler.script.macros.as_bytes().to_vec();
            let wish = Wish {
                likes: Actions::ALL,
                protocol: handler.script.protocol,
                macros: if macros.is_empty() { vec![] } else { vec![(Stage::Mail, macros)] },
                ..Wish::default()
            };
            let timeouts = Timeouts { progress: Duration::from_millis(300), ..Timeouts::default() };
            let limits = Limits::default();
            let never = std::future::pending();
            if let Err(broken) = serve(stream, &wish, limits, &timeouts, &mut handler, never).await
            {
                handler.note(format!("broken {broken}"));
            }
        });
    }
}

struct Told {
    shared: Shared,
    script: Script,
}

impl Told {
    fn note(&self, what: impl Into<String>) -> Answer {
        let what = what.into();
        let said = self.script.say.iter().find(|(to, _)| what.starts_with(to));
        let answer = said.map_or(Answer::Continue, |(_, answer)| answer.clone());
        lock(&self.shared.heard).push(what);
        answer
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

impl Handler for Told {
    fn agreed(&mut self, terms: &Terms) {
        self.note(format!(
            "agreed {} {:#x} {:#x}",
            terms.version,
            terms.actions.bits(),
            terms.protocol.bits()
        ));
    }

    async fn connect(&mut self, client: Connect, macros: &Symbols) -> Answer {
        let me = macros.text("j").unwrap_or_default();
        self.note(format!(
            "connect {} at {me}",
            client.ip().map(|ip| ip.to_string()).unwrap_or_default()
        ))
    }

    async fn helo(&mut self, name: Vec<u8>, _: &Symbols) -> Answer {
        self.note(format!("helo {}", text(&name)))
    }

    async fn mail(&mut self, sender: Path, macros: &Symbols) -> Answer {
        let address = macros.text("{mail_addr}");
        self.note(format!("mail {} {address:?}", text(&sender.address)))
    }

    async fn rcpt(&mut self, to: Path, macros: &Symbols) -> Answer {
        let address = macros.text("rcpt_addr").unwrap_or_default();
        self.note(format!("rcpt {} {address}", text(&to.address)))
    }

    async fn data(&mut self, _: &Symbols) -> Answer {
        self.note("data")
    }

    async fn header(&mut self, field: Field, _: &Symbols) -> Answer {
        self.note(format!("header {}:{}", text(&field.name), text(&field.value)))
    }

    async fn header_end(&mut self, _: &Symbols) -> Answer {
        self.note("header_end")
    }

    async fn body(&mut self, piece: Vec<u8>) -> BodyAnswer {
        let answer = self.note(format!("body {}", piece.len()));
        if self.script.skips { BodyAnswer::Skip } else { answer.into() }
    }

    async fn unknown(&mut self, line: Vec<u8>) -> Answer {
        self.note(format!("unknown {}", text(&line)))
    }

    async fn end(&mut self, macros: &Symbols) -> Verdict {
        tokio::time::sleep(self.script.takes).await;
        let id = macros.get("i").is_some();
        self.note(format!("end, id {id}"));
        self.script.verdict.clone()
    }

    fn abort(&mut self) {
        self.note("abort");
    }

    fn new_connection(&mut self) {
        self.note("new connection");
    }
}
