//! One transaction's way to its end: what is known of each recipient so far, and the report of it.
//!
//! Not what is said on the wire, nor what a reply means there: that is [`super::Client`].

use super::{Answer, Envelope};

/// The command that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Greeting,
    Hello,
    Mail,
    Rcpt,
    /// DATA, before the message.
    Data,
    /// The message itself: the final dot, or BDAT LAST.
    Message,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server took responsibility.
    Accepted(Answer),
    /// 4yz. Where it answers MAIL, DATA or the message it is the same for all who were not refused before.
    Deferred(Stage, Answer),
    /// 5yz
    Refused(Stage, Answer),
    /// The connection died, or spoke nonsense. With `complete` the whole message had been sent: it may have arrived.
    Lost { why: String, complete: bool },
}

/// What a transaction led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of the envelope.
    pub fates: Vec<Fate>,
    /// A reply of any kind came in this transaction. Without one, a connection that was used before had gone stale.
    pub answered: bool,
}

/// How the message is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Behind DATA: dot-stuffed, ended by a lone dot.
    Dots,
    /// Behind BDAT: as it is.
    Counted,
    /// A lone dot and no message: all recipients were refused, but DATA was not (RFC 2920 3.1).
    Nothing,
}

/// How far the message itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    NotYet,
    Now(Framing),
    Sent,
}

/// What is known of the open transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    pub fates: Vec<Option<Fate>>,
    /// RCPT commands that wait for their turn, last first: the server has no PIPELINING.
    pub later: Vec<String>,
    /// The reply that refused MAIL.
    pub no_mail: Option<Answer>,
    pub message: Message,
    pub size: u64,
    pub answered: bool,
}

impl Transaction {
    pub(super) fn new(envelope: &Envelope<'_>) -> Transaction {
        Transaction {
            fates: vec![None; envelope.recipients.len()],
            later: Vec::new(),
            no_mail: None,
            message: Message::NotYet,
            size: envelope.size,
            answered: false,
        }
    }

    /// Gives `fate` to all who have none.
    pub(super) fn settle(&mut self, fate: &Fate) {
        for slot in self.fates.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(fate.clone());
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.fates.iter().all(Option::is_some)
    }

    /// At the end of the connection or of the transaction.
    pub(super) fn report(self) -> Report {
        let unknown = || Fate::Lost { why: "no answer".to_owned(), complete: false };
        Report {
            answered: self.answered,
            fates: self.fates.into_iter().map(|f| f.unwrap_or_else(unknown)).collect(),
        }
    }
}

impl Fate {
    /// The fate a 4yz or 5yz stands for.
    pub(super) fn negative(stage: Stage, answer: &Answer) -> Option<Fate> {
        match answer.code / 100 {
            4 => Some(Fate::Deferred(stage, answer.clone())),
            5 => Some(Fate::Refused(stage, answer.clone())),
            _ => None,
        }
    }
}
