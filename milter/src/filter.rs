//! The filter's side of a session as a machine: octets in, events out, answers in, octets out.
//!
//! One type per state, so that a wrong order can't be written:
//!
//! - [`Fresh`]: nothing was agreed. It becomes a [`Filter`] by the MTA's offer.
//! - [`Filter`]: waits for commands. Only it reads.
//! - [`Question`], [`BodyQuestion`]: the MTA waits for an answer, which gives the [`Filter`] back.
//! - [`Ending`]: the message is whole. Only here there are modifications and progress.
//!
//! A command that the MTA does not wait for ([`Step::Told`]) has no question, so nothing can answer it (MI6).
//! Not here: I/O, time, what to answer. [`crate::drive`] runs it.

mod order;

use crate::answer::{Answer, BodyAnswer, Verdict};
use crate::code;
use crate::fault::Fault;
use crate::frame::{self, Decoder};
use crate::header::Field;
use crate::macros::Symbols;
use crate::negotiate::{Actions, Terms, Wish};
use crate::packet::{Command, Connect, Modification, Path, Reply};
use order::Place;

/// The largest piece of a body in one packet (MI17).
pub const MAX_PIECE: usize = 65_535;

/// What a session may cost. What is more ends it, and the MTA does what it does when a filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one message's header, names and values.
    pub header: usize,
    /// Recipients of one message.
    pub recipients: usize,
    /// Octets of one message in all, as packets; also of what comes between two of them.
    pub message: u64,
    /// Octets of macros that come with one command.
    pub macros: usize,
}

impl Default for Limits {
    /// 1 MiB of header, 50,000 recipients, 1 GiB, 64 KiB of macros.
    fn default() -> Limits {
        Limits { header: 1 << 20, recipients: 50_000, message: 1 << 30, macros: 1 << 16 }
    }
}

/// What the MTA tells or asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Connect(Connect),
    /// The name in HELO or EHLO.
    Helo(Vec<u8>),
    Mail(Path),
    Rcpt(Path),
    Data,
    /// The value is as in the mail ([`crate::header`]).
    Header(Field),
    HeaderEnd,
    Body(Vec<u8>),
    /// A line that the MTA did not understand.
    Unknown(Vec<u8>),
    /// The message is void. Also where none was begun.
    Abort,
    /// Another SMTP connection follows on this stream; all that was said is void.
    NewConnection,
}

/// What came of reading.
#[derive(Debug)]
pub enum Step {
    /// The input is used up.
    More(Filter),
    /// The MTA does not wait for an answer.
    Told(Event, Filter),
    Asked(Event, Question),
    /// A piece of the body that is to be answered.
    Body(Vec<u8>, BodyQuestion),
    End(Ending),
    /// The MTA closes.
    Quit,
}

/// What came of reading before anything was agreed.
#[derive(Debug)]
pub enum Opening {
    More(Fresh),
    /// The answer to the offer stands in the output.
    Agreed(Filter),
    Quit,
}

/// A stream on which nothing was agreed yet.
#[derive(Debug)]
pub struct Fresh {
    decoder: Decoder,
    wish: Wish,
    limits: Limits,
}

impl Fresh {
    pub fn new(wish: Wish, limits: Limits) -> Fresh {
        Fresh { decoder: Decoder::new(), wish, limits }
    }

    /// Is a packet begun and not ended?
    pub fn is_inside(&self) -> bool {
        self.decoder.is_inside()
    }

    /// Takes octets off `input`.
    ///
    /// # Errors
    /// What does not begin with an offer, or offers what can't be agreed to: close without a word.
    pub fn next(mut self, input: &mut &[u8]) -> Result<Opening, Fault> {
        let Some(frame) = self.decoder.feed(input)? else { return Ok(Opening::More(self)) };
        let offer = match Command::decode(frame)? {
            Command::Negotiate(offer) => offer,
            Command::Quit => return Ok(Opening::Quit),
            other => return Err(Fault::Order { command: other.code(), after: "nothing" }),
        };
        let choice = self.wish.choose(&offer)?;
        let terms = Terms::from(choice.clone());
        let mut filter = Filter {
            decoder: self.decoder,
            limits: self.limits,
            terms,
            place: Place::Connection,
            symbols: Symbols::default(),
            used: Used::default(),
            skipping: false,
            held: None,
            output: Vec::new(),
        };
        filter.say(&Reply::Negotiate(choice))?;
        Ok(Opening::Agreed(filter))
    }
}

/// A session in which the MTA may speak.
#[derive(Debug)]
pub struct Filter {
    decoder: Decoder,
    limits: Limits,
    terms: Terms,
    place: Place,
    symbols: Symbols,
    used: Used,
    /// The rest of the body is not wanted.
    skipping: bool,
    /// What is still to be told of the last command.
    held: Option<Held>,
    output: Vec<u8>,
}

/// The second half of a command that tells two things.
#[derive(Debug)]
enum Held {
    /// The last piece of the body came with it.
    End,
    /// It came inside a message, which it made void: Postfix says the abort only after it.
    Helo(Vec<u8>),
}

/// What the message has cost so far.
#[derive(Debug, Default)]
struct Used {
    header: usize,
    recipients: usize,
    octets: u64,
}

impl Filter {
    /// What was agreed.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The macros as they are now.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// What is to be sent. The driver takes it out.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Is a packet begun and not ended?
    pub fn is_inside(&self) -> bool {
        self.decoder.is_inside()
    }

    /// Has a message begun and not ended?
    pub fn in_message(&self) -> bool {
        self.place.in_message()
    }

    /// The next event. Takes what it understood off `input`.
    pub fn next(mut self, input: &mut &[u8]) -> Result<Step, Fault> {
        match self.held.take() {
            Some(Held::End) => return Ok(Step::End(Ending { filter: self })),
            Some(Held::Helo(name)) => {
                return Ok(self.tell(code::Command::Helo, Event::Helo(name)));
            }
            None => {}
        }
        while let Some(frame) = self.decoder.feed(input)? {
            self.used.octets += frame.data.len() as u64 + 5;
            if self.used.octets > self.limits.message {
                return Err(Fault::Limit("octets of one message"));
            }
            let command = Command::decode(frame)?;
            let before = self.place;
            self.place = before.next(command.code(), &self.terms)?;
            match command {
                Command::Quit => return Ok(Step::Quit),
                Command::Macros(of, macros) => self.macros(of, macros)?,
                Command::Abort => {
                    self.end_message();
                    return Ok(Step::Told(Event::Abort, self));
                }
                Command::QuitNewConnection => {
                    self.end_message();
                    self.symbols.clear();
                    self.used = Used::default();
                    return Ok(Step::Told(Event::NewConnection, self));
                }
                Command::Helo(name) if before.in_message() => {
                    self.end_message();
                    self.held = Some(Held::Helo(name));
                    return Ok(Step::Told(Event::Abort, self));
                }
                Command::BodyEnd(last) => return Ok(self.body_end(last)),
                Command::Body(_) if self.skipping => {
                    // An MTA that knows no SKIP, or had sent this before it heard of it.
                    if !self.terms.protocol.is_silent(code::Command::Body) {
                        self.say(&Reply::Continue)?;
                    }
                }
                Command::Body(piece) => return Ok(self.body(piece)),
                other => {
                    let code = other.code();
                    let event = self.event(other)?;
                    return Ok(self.tell(code, event));
                }
            }
        }
        Ok(Step::More(self))
    }

    /// Counts what a command costs, and says it in the words of an event.
    fn event(&mut self, command: Command) -> Result<Event, Fault> {
        Ok(match command {
            Command::Connect(connect) => Event::Connect(connect),
            Command::Helo(name) => Event::Helo(name),
            Command::Mail(path) => Event::Mail(path),
            Command::Rcpt(path) => {
                self.used.recipients += 1;
                if self.used.recipients > self.limits.recipients {
                    return Err(Fault::Limit("recipients of one message"));
                }
                Event::Rcpt(path)
            }
            Command::Data => Event::Data,
            Command::Header(field) => {
                self.used.header += field.name.len() + field.value.len();
                if self.used.header > self.limits.header {
                    return Err(Fault::Limit("octets of one header"));
                }
                Event::Header(field.off_wire(self.terms.exact_headers()))
            }
            Command::HeaderEnd => Event::HeaderEnd,
            Command::Unknown(line) => Event::Unknown(line),
            other => return Err(Fault::Order { command: other.code(), after: "the negotiation" }),
        })
    }

    fn tell(self, code: code::Command, event: Event) -> Step {
        if self.terms.protocol.is_silent(code) {
            return Step::Told(event, self);
        }
        Step::Asked(event, Question { filter: self, code })
    }

    fn body(self, piece: Vec<u8>) -> Step {
        if self.terms.protocol.is_silent(code::Command::Body) {
            return Step::Told(Event::Body(piece), self);
        }
        Step::Body(piece, BodyQuestion { filter: self })
    }

    fn body_end(mut self, last: Vec<u8>) -> Step {
        if last.is_empty() || self.skipping {
            return Step::End(Ending { filter: self });
        }
        self.held = Some(Held::End);
        Step::Told(Event::Body(last), self)
    }

    fn macros(&mut self, of: code::Command, macros: crate::macros::Macros) -> Result<(), Fault> {
        let octets: usize = macros.iter().map(|(name, value)| name.len() + value.len()).sum();
        if octets > self.limits.macros {
            return Err(Fault::Limit("octets of macros"));
        }
        self.symbols.set(of, macros);
        Ok(())
    }

    fn say(&mut self, reply: &Reply) -> Result<(), Fault> {
        let frame = reply.encode()?;
        Ok(frame.encode(&mut self.output)?)
    }

    /// Back to where the next message may begin.
    fn end_message(&mut self) {
        self.place = self.place.without_message();
        self.symbols.end_message();
        self.skipping = false;
        let Used { header, recipients, .. } = &mut self.used;
        (*header, *recipients) = (0, 0);
    }
}

/// A command that the MTA waits for the answer to.
#[derive(Debug)]
pub struct Question {
    filter: Filter,
    code: code::Command,
}

impl Question {
    /// The macros as they are now.
    pub fn symbols(&self) -> &Symbols {
        &self.filter.symbols
    }

    /// Says the answer.
    pub fn answer(self, answer: Answer) -> Result<Filter, Fault> {
        let Question { mut filter, code } = self;
        let goes_on = match code {
            code::Command::Connect | code::Command::Helo | code::Command::Unknown => true,
            code::Command::Rcpt => answer == Answer::Continue || answer.is_refusal(),
            _ => answer == Answer::Continue,
        };
        if !goes_on {
            filter.end_message();
        }
        filter.say(&answer.reply())?;
        Ok(filter)
    }
}

/// A piece of the body that the MTA waits for the answer to.
#[derive(Debug)]
pub struct BodyQuestion {
    filter: Filter,
}

impl BodyQuestion {
    /// Says the answer. SKIP works with every MTA: one that does not know it is not told, and what
    /// it still sends is swallowed.
    pub fn answer(self, answer: BodyAnswer) -> Result<Filter, Fault> {
        let BodyQuestion { mut filter } = self;
        let reply = match answer {
            BodyAnswer::Skip => {
                filter.skipping = true;
                let known = filter.terms.protocol.contains(crate::negotiate::Protocol::SKIP);
                if known { Reply::Skip } else { Reply::Continue }
            }
            BodyAnswer::Answer(Answer::Continue) => Reply::Continue,
            BodyAnswer::Answer(answer) => {
                filter.end_message();
                answer.reply()
            }
        };
        filter.say(&reply)?;
        Ok(filter)
    }
}

/// A whole message whose verdict is due.
#[derive(Debug)]
pub struct Ending {
    filter: Filter,
}

impl Ending {
    /// The macros as they are now.
    pub fn symbols(&self) -> &Symbols {
        &self.filter.symbols
    }

    /// What is to be sent. The driver takes it out.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.filter.output
    }

    /// Tells the MTA that we are still at work: its timer starts anew.
    pub fn progress(&mut self) -> Result<(), Fault> {
        self.filter.say(&Reply::Progress)
    }

    /// Says the verdict.
    ///
    /// # Errors
    /// A modification that was not agreed or can't be sent. The output is a TEMPFAIL then, without any
    /// modification, so that nothing gets through half changed; send it before closing.
    pub fn finish(mut self, verdict: Verdict) -> Result<Filter, (Fault, Vec<u8>)> {
        let before = self.filter.output.len();
        match self.verdict(verdict) {
            Ok(()) => {
                self.filter.end_message();
                self.filter.used = Used::default();
                Ok(self.filter)
            }
            Err(fault) => {
                self.filter.output.truncate(before);
                let _ = self.filter.say(&Reply::TempFail);
                Err((fault, self.filter.output))
            }
        }
    }

    fn verdict(&mut self, verdict: Verdict) -> Result<(), Fault> {
        let is_body = |change: &Modification| matches!(change, Modification::ReplaceBody(_));
        let (body, other): (Vec<_>, Vec<_>) = verdict.modifications.into_iter().partition(is_body);
        for change in other.into_iter().chain(body) {
            self.modify(change)?;
        }
        self.filter.say(&verdict.answer.reply())
    }

    fn modify(&mut self, change: Modification) -> Result<(), Fault> {
        let reply = Reply::Modify(change);
        let Reply::Modify(change) = &reply else { return Ok(()) };
        if !self.filter.terms.actions.contains(Actions::needed_for(change)) {
            return Err(Fault::NotAllowed(reply.code()));
        }
        match reply {
            Reply::Modify(Modification::ReplaceBody(body)) => self.replace(&body),
            Reply::Modify(change) => {
                let change =
                    change.map_field(|field| field.into_wire(self.filter.terms.exact_headers()));
                self.filter.say(&Reply::Modify(change))
            }
            _ => Ok(()),
        }
    }

    fn replace(&mut self, body: &[u8]) -> Result<(), Fault> {
        let code = code::Reply::ReplaceBody.octet();
        if body.is_empty() {
            frame::encode(code, body, &mut self.filter.output)?;
        }
        for piece in body.chunks(MAX_PIECE) {
            frame::encode(code, piece, &mut self.filter.output)?;
        }
        Ok(())
    }
}
