//! Why a mail is refused, and by which code. The words are `notice`'s.

use crate::hold;
use crate::list::{Posters, Settings};
use crate::message::Malformed;

use super::Unproven;

/// Why a mail is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// L1
    Loop,
    /// L2: number of `Received`.
    Hops(usize),
    Malformed(Malformed),
    /// Z1, octets.
    TooBig {
        size: u64,
        limit: u64,
    },
    Expired,
    /// Promise 8.
    Unverified(Unproven),
    /// Not among those who may write; they are `post`. A group by its DN, or by its title once that was looked up.
    NotAllowed(Vec<Posters>),
    /// Set for the list, but not built yet: never more open than asked. The key of the setting.
    NotYet(&'static str),
    UnknownList,
    /// A line over 998 octets inside a signed or encrypted part (promise 9).
    LongLineSigned,
    /// Eight-bit text inside a signed part that can't go out as it is.
    Unsendable,
    /// Nested too deep, divided by lines that can't be sent, or read as two things by two programs.
    BadStructure,
    /// The field of the mail that shows an address which the list hides.
    AddressShown(String),
    /// More mails to hidden authors than one may send in a while.
    TooMany,
    /// The signature's name, where it is known.
    Virus(Option<String>),
    Spam,
    /// Perhaps spam, on a way where nothing waits for a moderator.
    Suspect,
    /// By the spam and virus filter, for a reason of its own.
    Filter,
    /// The attachment that the list does not let through, in a part that can't change (promise 9).
    AttachmentSigned(String),
    /// A former list's password at the beginning of a signed part (rule R3, promise 9).
    PasswordSigned,
}

impl Refusal {
    /// What is answered where a mail would wait, and can't: never more open than asked.
    pub fn instead_of(reason: hold::Reason, settings: &Settings) -> Refusal {
        match reason {
            hold::Reason::Unverified(why) | hold::Reason::Asked(why) => Refusal::Unverified(why),
            hold::Reason::Nonmember => Refusal::NotAllowed(settings.post.clone()),
            hold::Reason::Moderated | hold::Reason::First => Refusal::NotYet("moderation"),
            hold::Reason::Suspect => Refusal::Suspect,
            hold::Reason::Filter => Refusal::Filter,
            hold::Reason::SeveralAuthors => Refusal::Malformed(Malformed::SeveralFrom),
            hold::Reason::Outside(_)
            | hold::Reason::Recipients(_)
            | hold::Reason::Storm
            | hold::Reason::Lists(_)
            | hold::Reason::Rate => Refusal::TooMany,
            hold::Reason::Emergency => Refusal::NotYet("emergency hold"),
            hold::Reason::Conflict | hold::Reason::Subscription => Refusal::NotYet("moderation"),
        }
    }

    /// Reply code and enhanced status (RFC 5321 4.2.3, RFC 3463).
    pub fn code(&self) -> (u16, (u8, u16, u16)) {
        match self {
            Refusal::Loop | Refusal::Hops(_) => (554, (5, 4, 6)),
            Refusal::Malformed(_) => (550, (5, 6, 0)),
            Refusal::TooBig { .. } => (552, (5, 3, 4)),
            Refusal::Expired => (550, (5, 2, 1)),
            Refusal::NotAllowed(_) | Refusal::NotYet(_) => (550, (5, 7, 1)),
            Refusal::Unverified(_) => (550, (5, 7, 1)),
            Refusal::UnknownList => (550, (5, 1, 1)),
            Refusal::LongLineSigned | Refusal::Unsendable => (554, (5, 6, 3)),
            Refusal::BadStructure => (554, (5, 6, 0)),
            Refusal::AddressShown(_)
            | Refusal::TooMany
            | Refusal::AttachmentSigned(_)
            | Refusal::PasswordSigned => (550, (5, 7, 1)),
            Refusal::Virus(_) | Refusal::Spam | Refusal::Suspect | Refusal::Filter => {
                (550, (5, 7, 1))
            }
        }
    }
}
