//! For tests: a filter on a loopback port that notes what it is told, and says what a test wants.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use listcore::config::{Endpoint, OnFailure};
use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::drive::{Handler, Timeouts, serve};
use milter::filter::Limits;
use milter::header::Field;
use milter::macros::Symbols;
use milter::negotiate::{Actions, Protocol, Wish};
use milter::packet::{Connect, Path};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{Settings, Tally, Verdicts};

pub fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// What all connections of one filter share.
#[derive(Debug)]
pub struct Shared {
    pub told: Mutex<Vec<String>>,
    pub says: Mutex<Verdict>,
    /// This recipient is refused alone.
    pub refuses: Mutex<String>,
    pub connections: AtomicUsize,
    /// A verdict takes one of them.
    pub verdicts: Semaphore,
}

#[derive(Clone, Debug)]
pub struct Filter(pub Arc<Shared>);

impl Filter {
    /// Starts it; ends with the test.
    pub async fn start(timeout: Duration) -> (Filter, Verdicts) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let filter = Filter(Arc::new(Shared {
            told: Mutex::default(),
            says: Mutex::new(Answer::Continue.into()),
            refuses: Mutex::default(),
            connections: AtomicUsize::new(0),
            verdicts: Semaphore::new(1_000),
        }));
        let shared = filter.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.0.connections.fetch_add(1, Ordering::Relaxed);
                let mut one = shared.clone();
                tokio::spawn(async move {
                    let wish = Wish {
                        needs: Actions::NONE,
                        likes: Actions::ALL,
                        protocol: Protocol::LEADING_SPACE,
                        macros: Vec::new(),
                    };
                    let (limits, times) = (Limits::default(), Timeouts::default());
                    let ended = std::future::pending();
                    let _ = serve(stream, &wish, limits, &times, &mut one, ended).await;
                });
            }
        });
        (filter, verdicts(Endpoint::Tcp(address), timeout))
    }

    pub fn says(&self, verdict: impl Into<Verdict>) {
        *self.0.says.lock().unwrap() = verdict.into();
    }

    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.0.told.lock().unwrap())
    }

    fn note(&self, what: String) -> Answer {
        self.0.told.lock().unwrap().push(what);
        Answer::Continue
    }
}

pub fn verdicts(milter: Endpoint, timeout: Duration) -> Verdicts {
    let settings = Settings {
        milter,
        on_failure: OnFailure::Defer,
        timeout,
        hostname: "lists.schule.example".to_owned(),
        trusted: vec!["mx.schule.example".to_owned()],
    };
    Verdicts::new(settings, Tally::default())
}

impl Handler for Filter {
    async fn connect(&mut self, client: Connect, macros: &Symbols) -> Answer {
        let named = ["j", "daemon_name"].map(|name| macros.text(name).unwrap_or_default());
        let ip = client.ip().map(|ip| ip.to_string()).unwrap_or_default();
        self.note(format!("connect {} {ip} {}", text(&client.host), named.join(" ")))
    }

    async fn helo(&mut self, name: Vec<u8>, _: &Symbols) -> Answer {
        self.note(format!("helo {}", text(&name)))
    }

    async fn mail(&mut self, sender: Path, macros: &Symbols) -> Answer {
        let login = macros.text("auth_authen").unwrap_or_default();
        self.note(format!("mail {} by {login}", text(&sender.address)))
    }

    async fn rcpt(&mut self, to: Path, _: &Symbols) -> Answer {
        self.note(format!("rcpt {}", text(to.bare())));
        let refused = text(to.bare()) == *self.0.refuses.lock().unwrap();
        if refused { Answer::Reject } else { Answer::Continue }
    }

    async fn header(&mut self, field: Field, _: &Symbols) -> Answer {
        self.note(text(&field.line()))
    }

    async fn header_end(&mut self, macros: &Symbols) -> Answer {
        self.note(format!("id {}", macros.text("i").unwrap_or_default()))
    }

    async fn body(&mut self, piece: Vec<u8>) -> BodyAnswer {
        self.note(format!("body {}", piece.len())).into()
    }

    async fn end(&mut self, _: &Symbols) -> Verdict {
        let turn = self.0.verdicts.acquire().await;
        drop(turn);
        self.0.says.lock().unwrap().clone()
    }
}
