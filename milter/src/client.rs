//! The MTA's side of a session as a machine: commands go in, octets come out, replies go in.
//!
//! One type per state, so that a wrong order can't be written ([`state`]). Each command gives an [`Asked`]: the
//! octets to send, and the state behind it as soon as the filter has answered. Where it was agreed that the filter
//! does not answer, or that the command is left out, there is nothing to wait for (MI6).
//!
//! Not here: I/O, time, reconnecting. [`crate::drive_client`] runs it.

pub mod state;

mod check;

use crate::answer::{Answer, Verdict};
use crate::code;
use crate::fault::Fault;
use crate::frame::{Decoder, Frame};
use crate::macros::Macros;
use crate::negotiate::{Actions, Offer, Protocol, Stage, Terms, VERSION};
use crate::packet::{Command, Modification, Reply};
use crate::reply_code::ReplyCode;
pub use state::{Body, Envelope, Header, Idle, Start, Tried};

/// What the filter may say about one mail. What is more ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Modifications other than pieces of a new body.
    pub modifications: usize,
    /// Octets of all modifications, a new body included.
    pub octets: usize,
}

impl Default for Limits {
    /// 1,000 modifications, 64 MiB.
    fn default() -> Limits {
        Limits { modifications: 1_000, octets: 64 << 20 }
    }
}

/// All of the protocol, for these actions.
///
/// rspamd (3.4) chooses all that it knows, whatever is offered, and asks for it in vain then: offer
/// [`Actions::ALL`] where it may be the filter, and leave undone what is not wanted.
pub fn offer(actions: Actions) -> Offer {
    Offer { version: VERSION, actions, protocol: Protocol::ALL }
}

/// What both sides of all states need.
#[derive(Debug)]
pub struct Core {
    decoder: Decoder,
    terms: Terms,
    limits: Limits,
    /// To be sent before anything is awaited.
    output: Vec<u8>,
    /// The filter wants no more of the body (MI12).
    skipping: bool,
}

/// An offer that waits for the filter's choice.
#[derive(Debug)]
pub struct Opening {
    decoder: Decoder,
    offer: Offer,
    limits: Limits,
}

/// What came of reading the choice.
#[derive(Debug)]
pub enum Opened {
    More(Opening),
    Agreed(Start),
}

impl Opening {
    /// Also gives the octets of the offer.
    pub fn new(offer: Offer, limits: Limits) -> (Opening, Vec<u8>) {
        let mut output = Vec::new();
        // Twelve octets in a packet: neither can fail.
        let frame = Command::Negotiate(offer).encode();
        let _ = frame.map(|frame| frame.encode(&mut output));
        (Opening { decoder: Decoder::new(), offer, limits }, output)
    }

    /// Takes what the filter sent.
    pub fn take(mut self, mut input: &[u8]) -> Result<Opened, Fault> {
        let Some(frame) = self.decoder.feed(&mut input)? else { return Ok(Opened::More(self)) };
        let choice = match Reply::decode(frame)? {
            Reply::Negotiate(choice) => choice,
            other => {
                return Err(Fault::Answer { reply: other.code(), to: code::Command::Negotiate });
            }
        };
        let terms = self.offer.accept(choice)?;
        let (output, skipping) = (Vec::new(), false);
        let core = Core { decoder: self.decoder, terms, limits: self.limits, output, skipping };
        core.nothing_more(input)?;
        Ok(Opened::Agreed(Start(core)))
    }
}

/// A command that was said. `N` is the state behind it.
#[derive(Debug)]
pub struct Asked<N> {
    next: N,
    /// The command whose answer is awaited; `None`: none is.
    awaits: Option<code::Command>,
}

/// What came of an answer.
#[derive(Debug)]
pub enum Answered<N> {
    /// It is not whole yet.
    More(Asked<N>),
    Go(N),
    /// The filter has decided: at connect or helo the whole SMTP connection, else this message.
    Over(Idle, Answer),
}

/// A state that stands on a core.
pub trait State: Sized {
    #[doc(hidden)]
    fn core(&mut self) -> &mut Core;
    #[doc(hidden)]
    fn into_core(self) -> Core;
    /// Takes a refusal that does not end the message; gives it back where each one does.
    #[doc(hidden)]
    fn refuse(&mut self, refusal: Answer) -> Result<(), Answer> {
        Err(refusal)
    }
}

impl<N: State> Asked<N> {
    fn new(next: N, awaits: Option<code::Command>) -> Asked<N> {
        Asked { next, awaits }
    }

    /// What is to be sent. The driver takes it out; it need not be sent before an answer is awaited.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.next.core().output
    }

    /// Will the filter answer? If not, [`Asked::take`] needs no octets.
    pub fn awaits_answer(&self) -> bool {
        self.awaits.is_some()
    }

    /// Takes what the filter sent.
    ///
    /// # Errors
    /// Nonsense, and an answer to something that has none: the stream is out of step.
    pub fn take(mut self, mut input: &[u8]) -> Result<Answered<N>, Fault> {
        let core = self.next.core();
        let Some(to) = self.awaits else {
            core.nothing_more(input)?;
            return Ok(Answered::Go(self.next));
        };
        let Some(frame) = core.decoder.feed(&mut input)? else { return Ok(Answered::More(self)) };
        core.nothing_more(input)?;
        let reply = Reply::decode(frame)?;
        let wrong = Fault::Answer { reply: reply.code(), to };
        let answer = match reply {
            Reply::Skip if to == code::Command::Body && core.knows_skip() => {
                core.skipping = true;
                Answer::Continue
            }
            reply => answer(reply).ok_or(wrong)?,
        };
        let of_connection = matches!(to, code::Command::Connect | code::Command::Helo);
        let answer = match answer {
            Answer::Continue => return Ok(Answered::Go(self.next)),
            Answer::Discard if of_connection => return Err(wrong),
            answer if answer.is_refusal() && !closes(&answer) => match self.next.refuse(answer) {
                Ok(()) => return Ok(Answered::Go(self.next)),
                Err(answer) => answer,
            },
            answer => answer,
        };
        let mut core = self.next.into_core();
        if !of_connection {
            core.abort()?;
        }
        Ok(Answered::Over(Idle(core), answer))
    }
}

/// A whole message whose verdict is awaited.
#[derive(Debug)]
pub struct Ending {
    core: Core,
    modifications: Vec<Modification>,
    octets: usize,
}

/// What came of reading towards the verdict.
#[derive(Debug)]
pub enum Ended {
    /// Not all is there.
    More(Ending),
    /// The filter is still at work: have patience anew, call again with the rest of the input.
    Progress(Ending),
    Done(Idle, Verdict),
}

impl Ending {
    /// What is to be sent. The driver takes it out.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.core.output
    }

    /// Takes octets off what the filter sent.
    pub fn take(mut self, input: &mut &[u8]) -> Result<Ended, Fault> {
        while let Some(frame) = self.core.decoder.feed(input)? {
            let octets = frame.data.len();
            match Reply::decode(frame)? {
                Reply::Progress => return Ok(Ended::Progress(self)),
                Reply::Modify(modification) => self.modify(modification, octets)?,
                reply => {
                    let to = code::Command::BodyEnd;
                    let wrong = Fault::Answer { reply: reply.code(), to };
                    let answer = answer(reply).ok_or(wrong)?;
                    self.core.nothing_more(input)?;
                    self.core.skipping = false;
                    let modifications = self.modifications;
                    return Ok(Ended::Done(Idle(self.core), Verdict { modifications, answer }));
                }
            }
        }
        Ok(Ended::More(self))
    }

    fn modify(&mut self, modification: Modification, octets: usize) -> Result<(), Fault> {
        if !self.core.terms.actions.contains(Actions::needed_for(&modification)) {
            return Err(Fault::NotAllowed(modification.code()));
        }
        self.octets = self.octets.saturating_add(octets);
        if self.octets > self.core.limits.octets {
            return Err(Fault::Limit("octets of modifications"));
        }
        if let (Modification::ReplaceBody(more), Some(Modification::ReplaceBody(body))) =
            (&modification, self.modifications.last_mut())
        {
            body.extend_from_slice(more);
            return Ok(());
        }
        if self.modifications.len() >= self.core.limits.modifications {
            return Err(Fault::Limit("modifications of one message"));
        }
        let exact = self.core.terms.exact_headers();
        let modification = modification.map_field(|field| field.off_filter(exact));
        check::modification(&modification)?;
        self.modifications.push(modification);
        Ok(())
    }
}

impl Core {
    /// A command, with its macros before it; where it is left out, nothing.
    fn say(
        &mut self,
        command: &Command,
        stage: Option<Stage>,
        macros: &Macros,
    ) -> Result<Option<code::Command>, Fault> {
        let code = command.code();
        if !self.terms.has(code) || (self.skipping && code == code::Command::Body) {
            return Ok(None);
        }
        let macros = match self.terms.macros.iter().find(|(named, _)| Some(*named) == stage) {
            Some((_, names)) => macros.only(names),
            None => macros.clone(),
        };
        if !macros.is_empty() {
            self.put(&Command::Macros(code, macros))?;
        }
        self.put(command)?;
        Ok((!self.terms.protocol.is_silent(code)).then_some(code))
    }

    fn put(&mut self, command: &Command) -> Result<(), Fault> {
        let Frame { code, data } = command.encode()?;
        Ok(crate::frame::encode(code, &data, &mut self.output)?)
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.skipping = false;
        self.put(&Command::Abort)
    }

    fn knows_skip(&self) -> bool {
        self.terms.protocol.contains(Protocol::SKIP)
    }

    /// An answer too many is the first sign that both are out of step.
    fn nothing_more(&self, input: &[u8]) -> Result<(), Fault> {
        match input.get(4).and_then(|octet| code::Reply::from_octet(*octet)) {
            Some(code) => Err(Fault::Unasked(code)),
            None if input.is_empty() => Ok(()),
            None => Err(Fault::Unasked(code::Reply::Continue)),
        }
    }
}

/// An answer to a command, of those that every command may have.
fn answer(reply: Reply) -> Option<Answer> {
    match reply {
        Reply::Continue => Some(Answer::Continue),
        Reply::Accept => Some(Answer::Accept),
        Reply::Reject => Some(Answer::Reject),
        Reply::TempFail => Some(Answer::TempFail),
        Reply::Discard => Some(Answer::Discard),
        Reply::Code(code) => Some(Answer::Code(code)),
        // Both close the SMTP session.
        Reply::Shutdown | Reply::ConnectionFail => {
            ReplyCode::new(421, "4.7.0", "Try again later").ok().map(Answer::Code)
        }
        _ => None,
    }
}

/// 421 ends the SMTP session, whatever it was the answer to.
fn closes(answer: &Answer) -> bool {
    matches!(answer, Answer::Code(code) if code.code() == 421)
}
