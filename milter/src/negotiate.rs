//! The first exchange: version, actions, protocol (MI3 to MI7).
//!
//! The MTA offers, the filter chooses a part of it, and what is chosen are the [`Terms`] of the session.

use std::ops::BitOr;

use crate::code::Command;
use crate::packet::{Modification, PacketError, Reader, put};

/// The version that is spoken here.
pub const VERSION: u32 = 6;
/// The oldest that is understood (MI4).
pub const OLDEST: u32 = 2;

/// Declares a set of bits as a type.
macro_rules! bits {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $bit:ident = $value:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(u32);

        impl $name {
            $($(#[$what])* pub const $bit: $name = $name($value);)*
            pub const NONE: $name = $name(0);
            /// All that the protocol has.
            pub const ALL: $name = $name(0 $(| $value)*);

            /// From the wire: bits that the protocol does not have stay.
            pub fn from_bits(bits: u32) -> $name {
                $name(bits)
            }

            pub fn bits(self) -> u32 {
                self.0
            }

            /// Are all of these in it?
            pub fn contains(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }

            /// Those that are in both.
            #[must_use]
            pub fn and(self, other: $name) -> $name {
                $name(self.0 & other.0)
            }

            /// Those that are not in the other.
            #[must_use]
            pub fn without(self, other: $name) -> $name {
                $name(self.0 & !other.0)
            }
        }

        impl BitOr for $name {
            type Output = $name;

            fn bitor(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }
        }
    };
}

bits! {
    /// What a filter may do to a message (MI5).
    Actions {
        /// Also insert them.
        ADD_HEADERS = 0x01,
        CHANGE_BODY = 0x02,
        ADD_RECIPIENTS = 0x04,
        DELETE_RECIPIENTS = 0x08,
        CHANGE_HEADERS = 0x10,
        QUARANTINE = 0x20,
        CHANGE_SENDER = 0x40,
        ADD_RECIPIENTS_WITH_ARGUMENTS = 0x80,
        /// Name the macros that it wants.
        SET_MACROS = 0x100,
    }
}

bits! {
    /// What need not be sent, what need not be answered, and how header values look (MI6).
    Protocol {
        NO_CONNECT = 0x01,
        NO_HELO = 0x02,
        NO_MAIL = 0x04,
        NO_RCPT = 0x08,
        NO_BODY = 0x10,
        NO_HEADERS = 0x20,
        NO_HEADER_END = 0x40,
        /// No reply to a header field.
        SILENT_HEADER = 0x80,
        NO_UNKNOWN = 0x100,
        NO_DATA = 0x200,
        /// The MTA understands SKIP.
        SKIP = 0x400,
        /// Send recipients that the MTA itself rejected, too.
        REJECTED_RECIPIENTS = 0x800,
        SILENT_CONNECT = 0x1000,
        SILENT_HELO = 0x2000,
        SILENT_MAIL = 0x4000,
        SILENT_RCPT = 0x8000,
        SILENT_DATA = 0x1_0000,
        SILENT_UNKNOWN = 0x2_0000,
        SILENT_HEADER_END = 0x4_0000,
        SILENT_BODY = 0x8_0000,
        /// Header values are exact, with the space behind the colon.
        LEADING_SPACE = 0x10_0000,
    }
}

impl Protocol {
    /// Will the filter leave this command unanswered?
    pub fn is_silent(self, command: Command) -> bool {
        let bit = match command {
            Command::Connect => Protocol::SILENT_CONNECT,
            Command::Helo => Protocol::SILENT_HELO,
            Command::Mail => Protocol::SILENT_MAIL,
            Command::Rcpt => Protocol::SILENT_RCPT,
            Command::Data => Protocol::SILENT_DATA,
            Command::Unknown => Protocol::SILENT_UNKNOWN,
            Command::Header => Protocol::SILENT_HEADER,
            Command::HeaderEnd => Protocol::SILENT_HEADER_END,
            Command::Body => Protocol::SILENT_BODY,
            Command::Abort | Command::Macro | Command::Quit | Command::QuitNewConnection => {
                return true;
            }
            Command::Negotiate | Command::BodyEnd => return false,
        };
        self.contains(bit)
    }

    /// Is this command left out?
    pub fn is_left_out(self, command: Command) -> bool {
        let bit = match command {
            Command::Connect => Protocol::NO_CONNECT,
            Command::Helo => Protocol::NO_HELO,
            Command::Mail => Protocol::NO_MAIL,
            Command::Rcpt => Protocol::NO_RCPT,
            Command::Data => Protocol::NO_DATA,
            Command::Unknown => Protocol::NO_UNKNOWN,
            Command::Header => Protocol::NO_HEADERS,
            Command::HeaderEnd => Protocol::NO_HEADER_END,
            Command::Body => Protocol::NO_BODY,
            _ => return false,
        };
        self.contains(bit)
    }
}

impl Actions {
    /// What must have been agreed for this change.
    pub fn needed_for(modification: &Modification) -> Actions {
        match modification {
            Modification::AddHeader(_) | Modification::InsertHeader { .. } => Actions::ADD_HEADERS,
            Modification::ChangeHeader { .. } => Actions::CHANGE_HEADERS,
            Modification::ReplaceBody(_) => Actions::CHANGE_BODY,
            Modification::AddRecipient { arguments, .. } if arguments.is_empty() => {
                Actions::ADD_RECIPIENTS
            }
            Modification::AddRecipient { .. } => Actions::ADD_RECIPIENTS_WITH_ARGUMENTS,
            Modification::DeleteRecipient(_) => Actions::DELETE_RECIPIENTS,
            Modification::ChangeSender { .. } => Actions::CHANGE_SENDER,
            Modification::Quarantine(_) => Actions::QUARANTINE,
        }
    }
}

/// What the MTA offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub version: u32,
    pub actions: Actions,
    pub protocol: Protocol,
}

/// The stages for which a filter may name macros (MI3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Connect,
    Helo,
    Mail,
    Rcpt,
    Data,
    BodyEnd,
    HeaderEnd,
}

impl Stage {
    const ALL: [Stage; 7] = [
        Stage::Connect,
        Stage::Helo,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::BodyEnd,
        Stage::HeaderEnd,
    ];

    fn number(self) -> u32 {
        self as u32
    }

    /// The command that the macros of this stage come with.
    pub fn command(self) -> Command {
        match self {
            Stage::Connect => Command::Connect,
            Stage::Helo => Command::Helo,
            Stage::Mail => Command::Mail,
            Stage::Rcpt => Command::Rcpt,
            Stage::Data => Command::Data,
            Stage::BodyEnd => Command::BodyEnd,
            Stage::HeaderEnd => Command::HeaderEnd,
        }
    }
}

/// What the filter chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub version: u32,
    pub actions: Actions,
    pub protocol: Protocol,
    /// Names of macros, separated by spaces, for stages.
    pub macros: Vec<(Stage, Vec<u8>)>,
}

/// What a filter wants from each MTA. What is not offered it does without, but for what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Without these the filter can't work.
    pub needs: Actions,
    pub likes: Actions,
    /// Those of them that are offered are used.
    pub protocol: Protocol,
    /// Where the MTA takes them.
    pub macros: Vec<(Stage, Vec<u8>)>,
}

/// Why two can't talk to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    #[error(
        "the peer speaks version {0} of the milter protocol, versions {OLDEST} to {VERSION} are understood"
    )]
    Version(u32),
    #[error("the MTA does not allow what the filter needs: actions {0:#x}")]
    Needed(u32),
    #[error("the filter chose actions {0:#x} that were not offered")]
    Actions(u32),
    #[error("the filter chose protocol bits {0:#x} that were not offered")]
    Protocol(u32),
    #[error("the filter names macros, which was not agreed")]
    Macros,
}

/// What both have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub version: u32,
    pub actions: Actions,
    pub protocol: Protocol,
    /// Macros that the filter named; stages that it did not name get all.
    pub macros: Vec<(Stage, Vec<u8>)>,
}

impl Terms {
    /// Are header values exact (MI16)?
    pub fn exact_headers(&self) -> bool {
        self.protocol.contains(Protocol::LEADING_SPACE)
    }

    /// Is there this command, in this version and under these terms? (MI4)
    pub fn has(&self, command: Command) -> bool {
        let since = match command {
            Command::Unknown => 3,
            Command::Data => 4,
            Command::QuitNewConnection => 6,
            _ => OLDEST,
        };
        self.version >= since && !self.protocol.is_left_out(command)
    }
}

impl Wish {
    /// The filter's side: what to answer to an offer.
    pub fn choose(&self, offer: &Offer) -> Result<Choice, Disagreement> {
        if offer.version < OLDEST {
            return Err(Disagreement::Version(offer.version));
        }
        let missing = self.needs.without(offer.actions);
        if missing != Actions::NONE {
            return Err(Disagreement::Needed(missing.bits()));
        }
        let can_name = offer.actions.contains(Actions::SET_MACROS) && !self.macros.is_empty();
        let naming = if can_name { Actions::SET_MACROS } else { Actions::NONE };
        Ok(Choice {
            version: offer.version.min(VERSION),
            actions: ((self.needs | self.likes).and(offer.actions))
                .without(Actions::SET_MACROS)
                .bitor(naming),
            protocol: self.protocol.and(Protocol::ALL).and(offer.protocol),
            macros: if can_name { self.macros.clone() } else { Vec::new() },
        })
    }
}

impl Offer {
    /// The MTA's side: may the filter choose so?
    pub fn accept(&self, choice: Choice) -> Result<Terms, Disagreement> {
        if !(OLDEST..=self.version).contains(&choice.version) {
            return Err(Disagreement::Version(choice.version));
        }
        let more = choice.actions.without(self.actions);
        if more != Actions::NONE {
            return Err(Disagreement::Actions(more.bits()));
        }
        let more = choice.protocol.without(self.protocol);
        if more != Protocol::NONE {
            return Err(Disagreement::Protocol(more.bits()));
        }
        if !choice.macros.is_empty() && !choice.actions.contains(Actions::SET_MACROS) {
            return Err(Disagreement::Macros);
        }
        Ok(choice.into())
    }

    pub(crate) fn read(data: &mut Reader<'_>) -> Result<Offer, PacketError> {
        Ok(Offer {
            version: data.u32()?,
            actions: Actions(data.u32()?),
            protocol: Protocol(data.u32()?),
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for field in [self.version, self.actions.0, self.protocol.0] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }
}

impl From<Choice> for Terms {
    fn from(choice: Choice) -> Terms {
        let Choice { version, actions, protocol, macros } = choice;
        Terms { version, actions, protocol, macros }
    }
}

impl Choice {
    pub(crate) fn read(data: &mut Reader<'_>) -> Result<Choice, PacketError> {
        let Offer { version, actions, protocol } = Offer::read(data)?;
        let mut macros = Vec::new();
        while !data.is_empty() {
            let number = data.u32()?;
            let stage = Stage::ALL.into_iter().find(|stage| stage.number() == number);
            macros.push((stage.ok_or(data.malformed())?, data.text()?));
        }
        Ok(Choice { version, actions, protocol, macros })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), PacketError> {
        let Choice { version, actions, protocol, macros } = self;
        Offer { version: *version, actions: *actions, protocol: *protocol }.write(out);
        for (stage, names) in macros {
            out.extend_from_slice(&stage.number().to_be_bytes());
            put(names, out)?;
        }
        Ok(())
    }
}
