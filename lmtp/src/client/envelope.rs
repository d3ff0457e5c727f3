//! An envelope, and how it is said to a server: whether this one can take it, and its MAIL and RCPT commands.
//!
//! Not when they are sent, nor what is answered: that is [`super::Client`].

use std::fmt::Write as _;

use super::Capabilities;

/// One transaction's envelope. Addresses in wire form: quoted where needed, without angle brackets.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// `None` = null sender.
    pub sender: Option<&'a str>,
    pub recipients: &'a [String],
    /// Octets of the message, without dot-stuffing.
    pub size: u64,
    pub eight_bit: bool,
    pub utf8: bool,
}

/// Why a message can't even be offered to this server. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSend {
    #[error("the server does not offer SMTPUTF8, and the message needs it")]
    NeedsUtf8,
    #[error("the server does not offer 8BITMIME, and the message needs it")]
    NeedsEightBit,
    #[error("the server takes at most {limit} octets")]
    TooBig { limit: u64 },
    #[error("an address of the envelope has a character that can't be sent")]
    BadAddress,
    #[error("the envelope has no recipient")]
    NoRecipient,
    #[error("the connection is not ready for a transaction")]
    NotReady,
}

impl<'a> Envelope<'a> {
    /// Whether a server that offers this can be offered the message at all.
    pub(super) fn check(&self, can: &Capabilities) -> Result<(), CannotSend> {
        // Brackets and spaces may stand inside a quoted local part only.
        let loose = |b: u8| matches!(b, b'<' | b'>' | b' ');
        let bad = |a: &str| {
            a.bytes().any(|b| b.is_ascii_control()) || (!a.starts_with('"') && a.bytes().any(loose))
        };
        if self.recipients.is_empty() {
            return Err(CannotSend::NoRecipient);
        }
        if self.sender.is_some_and(bad) || self.recipients.iter().any(|r| bad(r)) {
            return Err(CannotSend::BadAddress);
        }
        if self.utf8 && !can.utf8 {
            return Err(CannotSend::NeedsUtf8);
        }
        if self.eight_bit && !can.eight_bit {
            return Err(CannotSend::NeedsEightBit);
        }
        match can.max_size {
            Some(limit) if self.size > limit => Err(CannotSend::TooBig { limit }),
            _ => Ok(()),
        }
    }

    /// With each parameter that the server offers and the message needs.
    pub(super) fn mail_command(&self, can: &Capabilities) -> String {
        let mut line = format!("MAIL FROM:<{}>", self.sender.unwrap_or_default());
        if can.size {
            // Writing to a String can't fail.
            let _ = write!(line, " SIZE={}", self.size);
        }
        if self.eight_bit {
            line.push_str(" BODY=8BITMIME");
        }
        if self.utf8 {
            line.push_str(" SMTPUTF8");
        }
        if can.dsn {
            line.push_str(" RET=HDRS");
        }
        line
    }

    /// One for each recipient, in their order.
    pub(super) fn rcpt_commands(
        &self,
        can: &Capabilities,
    ) -> impl DoubleEndedIterator<Item = String> + use<'a> {
        let notify = if can.dsn { " NOTIFY=FAILURE" } else { "" };
        self.recipients.iter().map(move |to| format!("RCPT TO:<{to}>{notify}"))
    }
}
