//! Which command may follow which (MI8). What was agreed to be left out must not come, and need not.

use crate::code::Command;
use crate::fault::Fault;
use crate::negotiate::Terms;

/// Where a session stands: behind which command. In the order of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A new SMTP connection of which nothing was said.
    Connection,
    /// Between messages.
    Idle,
    Mail,
    Rcpt,
    Data,
    Header,
    HeaderEnd,
    Body,
    BodyEnd,
}

impl Place {
    /// Where it stands behind this command, if that may come here.
    pub(super) fn next(self, command: Command, terms: &Terms) -> Result<Place, Fault> {
        let place = if terms.has(command) { self.behind(command, terms) } else { None };
        place.ok_or(Fault::Order { command, after: self.name() })
    }

    pub(super) fn in_message(self) -> bool {
        self >= Place::Mail
    }

    /// The place between messages that this one goes back to.
    pub(super) fn without_message(self) -> Place {
        self.min(Place::Idle)
    }

    fn behind(self, command: Command, terms: &Terms) -> Option<Place> {
        let left_out = |command| !terms.has(command);
        let may_begin = self == Place::Idle || left_out(Command::Connect);
        match command {
            Command::Negotiate => None,
            Command::Macro | Command::Quit => Some(self),
            Command::Abort => Some(self.without_message()),
            Command::QuitNewConnection => Some(Place::Connection),
            Command::Unknown => (self <= Place::Rcpt).then_some(self),
            Command::Connect => (self == Place::Connection).then_some(Place::Idle),
            // HELO in the middle of an envelope makes it void (RFC 5321 4.1.4).
            Command::Helo => {
                (self <= Place::Rcpt && (may_begin || self.in_message())).then_some(Place::Idle)
            }
            Command::Mail => (!self.in_message() && may_begin).then_some(Place::Mail),
            Command::Rcpt => self.inside(Place::Rcpt, true, may_begin, terms),
            Command::Data => self.inside(Place::Data, false, may_begin, terms),
            Command::Header => self.inside(Place::Header, true, may_begin, terms),
            Command::HeaderEnd => self.inside(Place::HeaderEnd, false, may_begin, terms),
            Command::Body | Command::BodyEnd => {
                let body = command == Command::Body;
                let place = if body { Place::Body } else { Place::BodyEnd };
                let ready = self >= Place::HeaderEnd || left_out(Command::HeaderEnd);
                ready.then(|| self.inside(place, body, may_begin, terms)).flatten()
            }
        }
    }

    /// A command inside a message, which MAIL has begun unless it is left out.
    fn inside(self, place: Place, again: bool, may_begin: bool, terms: &Terms) -> Option<Place> {
        let begun = self.in_message() || (may_begin && !terms.has(Command::Mail));
        (begun && (self < place || (again && self == place))).then_some(place)
    }

    fn name(self) -> &'static str {
        match self {
            Place::Connection => "the negotiation",
            Place::Idle => "the connection or a whole message",
            Place::Mail => "MAIL",
            Place::Rcpt => "RCPT",
            Place::Data => "DATA",
            Place::Header => "a header field",
            Place::HeaderEnd => "the end of the header",
            Place::Body => "a piece of the body",
            Place::BodyEnd => "the end of the body",
        }
    }
}
