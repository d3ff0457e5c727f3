//! What a filter says to a command, and at the end of a message (MI10).

use crate::packet::{Modification, Reply};
use crate::reply_code::ReplyCode;

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Continue,
    /// Take it, and ask no more: at connect or helo the whole connection, else this message.
    Accept,
    /// 5yz in the MTA's words. At RCPT this recipient only, as all refusals there.
    Reject,
    /// 4yz in the MTA's words.
    TempFail,
    /// Tell the client that it was taken, and throw it away.
    Discard,
    /// 4yz or 5yz in the filter's words.
    Code(ReplyCode),
}

impl Answer {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Answer::Continue => Reply::Continue,
            Answer::Accept => Reply::Accept,
            Answer::Reject => Reply::Reject,
            Answer::TempFail => Reply::TempFail,
            Answer::Discard => Reply::Discard,
            Answer::Code(code) => Reply::Code(code),
        }
    }

    /// Is it one of those which at RCPT concern that recipient alone?
    pub fn is_refusal(&self) -> bool {
        matches!(self, Answer::Reject | Answer::TempFail | Answer::Code(_))
    }
}

/// The answer to a piece of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyAnswer {
    /// No more of the body, please; the end still comes (MI12).
    Skip,
    Answer(Answer),
}

impl From<Answer> for BodyAnswer {
    fn from(answer: Answer) -> BodyAnswer {
        BodyAnswer::Answer(answer)
    }
}

/// What a filter says when it has seen the whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// In this order; pieces of a new body are sent together, behind the others (MI11).
    pub modifications: Vec<Modification>,
    /// `Continue` and `Accept` are the same here: the message goes on, with the modifications.
    pub answer: Answer,
}

impl From<Answer> for Verdict {
    fn from(answer: Answer) -> Verdict {
        Verdict { modifications: Vec::new(), answer }
    }
}
