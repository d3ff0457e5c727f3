//! One mail to all scanners at once, while it still arrives.
//!
//! A piece of the mail is shared by them, and each has room for a few pieces only: a slow one holds up the mail
//! server, and one that takes nothing any more is given up after the timeout while the others go on. So a mail costs the
//! same memory whatever its size. Not what the answers mean ([`crate::verdict`]).

pub mod clamd;
pub mod envelope;
pub mod feed;
pub mod rspamd;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::verdict::{Failure, Report, Spam, Virus};
use clamd::Clamd;
use envelope::Envelope;
use feed::Feed;
use rspamd::Rspamd;

/// How long a scanner may take to say that it is there.
const PING: Duration = Duration::from_secs(5);

/// Whom to ask, and how much at once.
#[derive(Debug)]
pub struct Scanners {
    pub rspamd: Option<Rspamd>,
    pub clamd: Option<Clamd>,
    /// For an answer once the mail is whole, and for each piece before.
    pub timeout: Duration,
    /// How long a mail waits for its turn.
    pub patience: Duration,
    turns: Arc<Semaphore>,
}

/// No turn came within the time that a mail may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Scanners {
    /// At most `most` mails are scanned at a time.
    pub fn new(
        rspamd: Option<Rspamd>,
        clamd: Option<Clamd>,
        timeout: Duration,
        patience: Duration,
        most: usize,
    ) -> Scanners {
        let turns = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Scanners { rspamd, clamd, timeout, patience, turns }
    }

    /// What is wrong with the scanners, in words; nothing where all answer.
    pub async fn troubles(&self) -> Vec<String> {
        let (mut troubles, limit) = (Vec::new(), self.timeout.min(PING));
        if let Some(rspamd) = &self.rspamd {
            let answer = tokio::time::timeout(limit, rspamd.ping()).await;
            troubles
                .extend(answer.unwrap_or(Err(Failure::Late)).err().map(|e| format!("rspamd {e}")));
        }
        if let Some(clamd) = &self.clamd {
            let answer = tokio::time::timeout(limit, clamd.ping()).await;
            troubles
                .extend(answer.unwrap_or(Err(Failure::Late)).err().map(|e| format!("clamd {e}")));
        }
        troubles
    }

    /// Waits for a turn and begins with the header, the empty line behind it included.
    pub async fn begin(&self, envelope: &Envelope, head: Bytes) -> Result<Scan, Busy> {
        let turn = self.turns.clone().acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(self.patience, turn).await else {
            return Err(Busy);
        };
        let spam = self.rspamd.as_ref().map(|rspamd| {
            let request = rspamd.request(envelope);
            Feed::start(|pieces| rspamd.ask(request, pieces))
        });
        let virus = self.clamd.as_ref().map(|clamd| Feed::start(|pieces| clamd.ask(pieces)));
        let mut scan = Scan { spam, virus, timeout: self.timeout, _turn: turn };
        scan.piece(head).await;
        Ok(scan)
    }
}

/// A mail on its way to the scanners. Dropped before its end, they are left alone with what they have.
#[derive(Debug)]
pub struct Scan {
    spam: Option<Feed<Spam>>,
    virus: Option<Feed<Virus>>,
    timeout: Duration,
    _turn: OwnedSemaphorePermit,
}

impl Scan {
    /// The next octets of the mail.
    pub async fn piece(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let (spam, virus, timeout) = (&mut self.spam, &mut self.virus, self.timeout);
        let first = async {
            if let Some(feed) = spam {
                feed.give(piece.clone(), timeout).await;
            }
        };
        let second = async {
            if let Some(feed) = virus {
                feed.give(piece.clone(), timeout).await;
            }
        };
        tokio::join!(first, second);
    }

    /// Does anybody still listen?
    pub fn is_heard(&self) -> bool {
        self.spam.as_ref().is_some_and(Feed::is_heard)
            || self.virus.as_ref().is_some_and(Feed::is_heard)
    }

    /// The mail is whole: what they say, and how long each took from its first octet.
    pub async fn finish(self) -> (Report, Durations) {
        let Scan { spam, virus, timeout, _turn } = self;
        let spam = async {
            match spam {
                Some(feed) => Some(feed.answer(timeout).await),
                None => None,
            }
        };
        let virus = async {
            match virus {
                Some(feed) => Some(feed.answer(timeout).await),
                None => None,
            }
        };
        let (spam, virus) = tokio::join!(spam, virus);
        let durations = Durations {
            rspamd: spam.as_ref().map(|(_, took)| *took),
            clamd: virus.as_ref().map(|(_, took)| *took),
        };
        let report = Report { spam: spam.map(|(s, _)| s), virus: virus.map(|(v, _)| v) };
        (report, durations)
    }
}

/// From the first octet to the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Durations {
    pub rspamd: Option<Duration>,
    pub clamd: Option<Duration>,
}
