//! The states of a session of the MTA, each with what may be said in it (MI8).
//!
//! ```text
//! Start --connect--> Idle --mail--> Envelope --data--> Header --end--> Body --end--> Ending --> Idle
//!   ^                 | helo          | rcpt            | field         | piece
//!   '-new_connection--'
//! ```

use super::{Asked, Core, Ending, State};
use crate::answer::Answer;
use crate::code;
use crate::fault::Fault;
use crate::filter::MAX_PIECE;
use crate::header::Field;
use crate::macros::Macros;
use crate::negotiate::{Stage, Terms};
use crate::packet::{Command, Connect, Path};

/// A new SMTP connection of which nothing was said.
#[derive(Debug)]
pub struct Start(pub(super) Core);

/// Between messages.
#[derive(Debug)]
pub struct Idle(pub(super) Core);

/// A message with its sender.
#[derive(Debug)]
pub struct Envelope(Core);

/// A message with one recipient more, or one that was refused.
#[derive(Debug)]
pub struct Tried {
    core: Core,
    refusal: Option<Answer>,
}

/// A message whose header comes.
#[derive(Debug)]
pub struct Header(Core);

/// A message whose body comes.
#[derive(Debug)]
pub struct Body(Core);

macro_rules! states {
    ($($state:ident)*) => {$(
        impl State for $state {
            fn core(&mut self) -> &mut Core {
                &mut self.0
            }

            fn into_core(self) -> Core {
                self.0
            }
        }

        impl $state {
            /// What was agreed.
            pub fn terms(&self) -> &Terms {
                &self.0.terms
            }
        }
    )*};
}

states! { Start Idle Envelope Header Body }

impl State for Tried {
    fn core(&mut self) -> &mut Core {
        &mut self.core
    }

    fn into_core(self) -> Core {
        self.core
    }

    fn refuse(&mut self, refusal: Answer) -> Result<(), Answer> {
        self.refusal = Some(refusal);
        Ok(())
    }
}

impl Tried {
    /// The message goes on; with the filter's refusal where it does so without this recipient (MI10).
    pub fn tried(self) -> (Envelope, Option<Answer>) {
        (Envelope(self.core), self.refusal)
    }
}

macro_rules! aborts {
    ($($state:ident)*) => {$(
        impl $state {
            /// Gives the message up (MI9). The octets stand in the output of what is said next.
            pub fn abort(mut self) -> Result<Idle, Fault> {
                self.0.abort()?;
                Ok(Idle(self.0))
            }
        }
    )*};
}

aborts! { Envelope Header Body }

/// Says a command and goes into the next state.
fn say<N: State>(
    mut core: Core,
    command: &Command,
    stage: Option<Stage>,
    macros: &Macros,
    next: fn(Core) -> N,
) -> Result<Asked<N>, Fault> {
    let awaits = core.say(command, stage, macros)?;
    Ok(Asked::new(next(core), awaits))
}

impl Start {
    /// Who connected.
    pub fn connect(self, client: &Connect, macros: &Macros) -> Result<Asked<Idle>, Fault> {
        let command = Command::Connect(Connect { host: clean(&client.host), ..client.clone() });
        say(self.0, &command, Some(Stage::Connect), macros, Idle)
    }
}

impl Idle {
    /// The name in HELO or EHLO.
    pub fn helo(self, name: &[u8], macros: &Macros) -> Result<Asked<Idle>, Fault> {
        say(self.0, &Command::Helo(clean(name)), Some(Stage::Helo), macros, Idle)
    }

    pub fn mail(self, sender: &Path, macros: &Macros) -> Result<Asked<Envelope>, Fault> {
        say(self.0, &Command::Mail(sender.clone()), Some(Stage::Mail), macros, Envelope)
    }

    /// Another SMTP connection on this stream; `None` where the filter is too old for it: say
    /// [`quit`](Idle::quit) and connect anew. Filters built with libmilter (8.17) do not hear it: they are silent to
    /// what follows.
    pub fn new_connection(mut self) -> Result<Option<Start>, Fault> {
        if !self.0.terms.has(code::Command::QuitNewConnection) {
            return Ok(None);
        }
        self.0.put(&Command::QuitNewConnection)?;
        Ok(Some(Start(self.0)))
    }

    /// The last octets; close behind them.
    pub fn quit(mut self) -> Result<Vec<u8>, Fault> {
        self.0.put(&Command::Quit)?;
        Ok(self.0.output)
    }
}

impl Envelope {
    pub fn rcpt(self, to: &Path, macros: &Macros) -> Result<Asked<Tried>, Fault> {
        let tried = |core| Tried { core, refusal: None };
        say(self.0, &Command::Rcpt(to.clone()), Some(Stage::Rcpt), macros, tried)
    }

    /// A line that the MTA did not understand.
    pub fn unknown(self, line: &[u8]) -> Result<Asked<Envelope>, Fault> {
        say(self.0, &Command::Unknown(clean(line)), None, &Macros::default(), Envelope)
    }

    /// The recipients are complete.
    pub fn data(self, macros: &Macros) -> Result<Asked<Header>, Fault> {
        say(self.0, &Command::Data, Some(Stage::Data), macros, Header)
    }
}

impl Header {
    /// A field, its value as it stands in the mail. NUL is left out, for it can't be told (MI19); a field is
    /// cut where it is longer than filters take.
    pub fn field(self, field: &Field) -> Result<Asked<Header>, Fault> {
        let mut name = clean(&field.name);
        name.truncate(MAX_PIECE / 2);
        let mut value = clean(&field.value);
        value.truncate(MAX_PIECE - name.len() - 3);
        let field = Field { name, value }.into_wire(self.0.terms.exact_headers());
        say(self.0, &Command::Header(field), None, &Macros::default(), Header)
    }

    /// The header is complete.
    pub fn end(self, macros: &Macros) -> Result<Asked<Body>, Fault> {
        say(self.0, &Command::HeaderEnd, Some(Stage::HeaderEnd), macros, Body)
    }
}

impl Body {
    /// Does the filter want more of the body?
    pub fn wants_more(&self) -> bool {
        !self.0.skipping && self.0.terms.has(code::Command::Body)
    }

    /// A piece of 1 to [`MAX_PIECE`] octets, CRLF line ends, cut anywhere (MI17).
    ///
    /// # Errors
    /// One that is longer.
    pub fn piece(self, piece: Vec<u8>) -> Result<Asked<Body>, Fault> {
        if piece.len() > MAX_PIECE {
            return Err(Fault::Limit("octets of a piece of a body"));
        }
        if piece.is_empty() {
            return Ok(Asked::new(self, None));
        }
        say(self.0, &Command::Body(piece), None, &Macros::default(), Body)
    }

    /// The message is complete.
    pub fn end(mut self, macros: &Macros) -> Result<Ending, Fault> {
        // Pieces may be skipped, the end never is.
        self.0.say(&Command::BodyEnd(Vec::new()), Some(Stage::BodyEnd), macros)?;
        Ok(Ending { core: self.0, modifications: Vec::new(), octets: 0 })
    }
}

fn clean(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|octet| *octet != 0).collect()
}
