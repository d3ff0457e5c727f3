//! What all sockets did so far, for whoever watches: connections, and what was refused before it became a mail.
//!
//! Not what became of whole mails: that is the store's to tell.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lmtp::reply::Reply;

/// When a client was refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It came in vain: too many connections.
    Connect,
    /// MAIL FROM.
    Sender,
    /// RCPT TO of a mail: no such list, closed, too large, no directory. A callout, which no mail follows, counts as
    /// nothing.
    Recipient,
    /// The mail itself: bare line ends, too large, no room.
    Data,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Sender => "sender",
            Stage::Recipient => "recipient",
            Stage::Data => "data",
        }
    }
}

/// Shared by all doors.
#[derive(Debug, Default)]
pub struct Tally {
    connections: AtomicUsize,
    sockets: AtomicUsize,
    /// By stage and enhanced status code (RFC 3463). All codes are our own, so there are few.
    refused: Mutex<BTreeMap<(Stage, String), u64>>,
}

impl Tally {
    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Sockets that take connections now.
    pub fn sockets(&self) -> usize {
        self.sockets.load(Ordering::Relaxed)
    }

    /// What was refused since the start.
    pub fn refused(&self) -> Vec<(Stage, String, u64)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|((stage, code), count)| (*stage, code.clone(), *count)).collect()
    }

    /// Counts a reply that is a refusal.
    pub(super) fn note(&self, stage: Stage, reply: &Reply) {
        if !reply.is_refusal() {
            return;
        }
        let code = match reply.enhanced {
            Some((class, subject, detail)) => format!("{class}.{subject}.{detail}"),
            None => reply.code.to_string(),
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry((stage, code)).or_default() += 1;
    }

    pub(super) fn connection(self: &Arc<Self>) -> Held {
        Held::new(self, |tally| &tally.connections)
    }

    pub(super) fn socket(self: &Arc<Self>) -> Held {
        Held::new(self, |tally| &tally.sockets)
    }
}

/// Counts as long as it lives.
pub(super) struct Held {
    tally: Arc<Tally>,
    which: fn(&Tally) -> &AtomicUsize,
}

impl Held {
    fn new(tally: &Arc<Tally>, which: fn(&Tally) -> &AtomicUsize) -> Held {
        which(tally).fetch_add(1, Ordering::Relaxed);
        Held { tally: tally.clone(), which }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        (self.which)(&self.tally).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_and_only_refusals_are_noted() {
        let tally = Arc::new(Tally::default());
        let (one, two) = (tally.connection(), tally.connection());
        let socket = tally.socket();
        assert_eq!((tally.connections(), tally.sockets()), (2, 1));
        drop((one, socket));
        assert_eq!((tally.connections(), tally.sockets()), (1, 0));
        drop(two);
        tally.note(Stage::Recipient, &Reply::new(550, "5.1.1", "no such list"));
        tally.note(Stage::Recipient, &Reply::new(550, "5.1.1", "no such list either"));
        tally.note(Stage::Recipient, &Reply::new(250, "2.1.5", "fine"));
        tally.note(Stage::Data, &Reply::new(452, "4.3.1", "no room"));
        let expect =
            vec![(Stage::Recipient, "5.1.1".to_owned(), 2), (Stage::Data, "4.3.1".to_owned(), 1)];
        assert_eq!(tally.refused(), expect);
    }
}
