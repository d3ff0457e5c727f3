//! The server as a state machine: bytes in, events and reply bytes out.
//!
//! Feed it with [`Server::next`] until that gives `None`, answer the events that ask something,
//! and send what stands in [`Server::output`]. It speaks LMTP (RFC 2033) or, for Exim's cutthrough
//! delivery, SMTP with one recipient per message. Not here: sockets, time, and what becomes of the
//! mail.

use crate::command::{self, Command, Fault, LineBuffer};
pub use crate::command::{MailFrom, RcptTo};
use crate::data::{DotReader, Lines, Piece};
use crate::reply::Reply;

mod message;

/// Which of the two sisters is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavor {
    /// LHLO, one reply per accepted recipient.
    #[default]
    Lmtp,
    /// EHLO or HELO, one accepted recipient per message, one reply.
    Smtp,
}

/// What the machine needs to know; sizes in octets.
#[derive(Clone, Debug)]
pub struct Config {
    pub flavor: Flavor,
    /// Our name in greeting and LHLO reply. ASCII.
    pub hostname: String,
    /// The largest message, without dot-stuffing (RFC 1870).
    pub max_message_size: u64,
    /// The longest line of a message, without its CRLF (LM25).
    pub max_line_length: u64,
    /// Refuse a message with a bare CR or LF, or a NUL, at its end (X2, mode strict).
    pub strict_lines: bool,
    /// Accepted recipients per message; SMTP takes one whatever stands here (LM9).
    pub max_recipients: usize,
    /// Wrong commands per connection until 421 (LM29).
    pub max_errors: u32,
    /// Tolerate `MAIL FROM: <a@b>` (LM6).
    pub space_before_path: bool,
}

impl Config {
    /// The defaults: 25 MB, lines of 1 MiB, strict lines, 1,000 recipients, 20 errors.
    pub fn new(flavor: Flavor, hostname: impl Into<String>) -> Config {
        Config {
            flavor,
            hostname: hostname.into(),
            max_message_size: 25_000_000,
            max_line_length: 1 << 20,
            strict_lines: true,
            max_recipients: 1_000,
            max_errors: 20,
            space_before_path: false,
        }
    }
}

/// What was noted about a message when it was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataEnd {
    /// Octets of the message without dot-stuffing, those dropped over the limit included.
    pub size: u64,
    /// There was a CR or LF that is not part of a CRLF (X2).
    pub bare: bool,
    pub nul: bool,
    /// Octets of the longest line, without its CRLF.
    pub longest_line: u64,
    /// Over `max_message_size`: only that many octets were handed on.
    pub too_big: bool,
    /// What the wire rules have against this message. The handler should answer with it; where it
    /// says 250 all the same, the machine says this instead.
    pub refusal: Option<Reply>,
}

/// What the machine has to say to its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Send the output before going on (RFC 2920 3.2).
    Flush,
    /// LHLO or EHLO gave this name.
    Hello(String),
    /// Asks: answer with [`Server::answer`].
    Mail(MailFrom),
    /// Asks: answer with [`Server::answer`].
    Rcpt(RcptTo),
    /// Asks before the first octet of a message: answer with [`Server::begin`].
    Begin,
    /// Octets of the message, as large as they were read.
    Chunk(&'a [u8]),
    /// Asks for one reply per accepted recipient: answer with [`Server::finish`]. The message is
    /// over with the answer, no `Reset` follows.
    End(DataEnd),
    /// What was begun with `Mail` is void.
    Reset,
}

/// The machine for one connection.
#[derive(Debug)]
pub struct Server<'c> {
    config: &'c Config,
    state: State,
    greeted: bool,
    envelope: Envelope,
    errors: u32,
    bad_line_ends: u32,
    /// A [`Event::Reset`] is still to be told.
    void: bool,
    /// A [`Event::Flush`] is still to be told.
    flush: bool,
    output: Vec<u8>,
}

/// Where the stream stands.
#[derive(Debug)]
enum State {
    Command(LineBuffer),
    /// An event is out, its answer not yet in.
    Asked(Question),
    Data(DotReader, Lines),
    Chunk(Chunk),
    Closed,
}

/// What was asked, and what is needed to go on from the answer.
#[derive(Debug)]
enum Question {
    Mail { smtputf8: bool },
    Rcpt(String),
    BeginData,
    BeginChunk(Chunk),
    End(Option<Reply>),
}

/// How far the envelope of a message has come.
#[derive(Debug, Default)]
enum Envelope {
    /// No MAIL yet.
    #[default]
    None,
    /// MAIL was refused: what a pipelining client sent behind it is refused without blame.
    Refused,
    Open(Open),
}

/// A message whose MAIL was accepted.
#[derive(Debug, Default)]
struct Open {
    /// Declared SMTPUTF8, so that paths beyond ASCII may come.
    smtputf8: bool,
    /// Paths of the accepted recipients, in their order.
    accepted: Vec<String>,
    /// There was a RCPT, accepted or not.
    tried: bool,
    /// The message as far as BDAT has brought it.
    chunks: Option<Lines>,
    /// Why this message can't be taken; said to each further chunk.
    failed: Option<Reply>,
}

/// A BDAT chunk under way.
#[derive(Debug)]
struct Chunk {
    size: u64,
    left: u64,
    last: bool,
    /// Where set, the octets are swallowed and this is the answer (RFC 3030 2).
    refused: Option<Reply>,
}

impl<'c> Server<'c> {
    /// A fresh connection; the greeting stands in the output.
    pub fn new(config: &'c Config) -> Server<'c> {
        let mut server = Server {
            config,
            state: State::command(),
            greeted: false,
            envelope: Envelope::None,
            errors: 0,
            bad_line_ends: 0,
            void: false,
            flush: false,
            output: Vec::new(),
        };
        let protocol = if server.is_lmtp() { "LMTP" } else { "ESMTP" };
        server.say(Reply::new(220, "", format!("{} {protocol}", config.hostname)));
        server
    }

    /// The next event. Takes what it understood off `input`.
    ///
    /// `None`: it wants more input, or the answer to what it asked, or it is
    /// [closed](Server::is_closed).
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Event<'a>> {
        loop {
            if std::mem::take(&mut self.void) {
                return Some(Event::Reset);
            }
            if std::mem::take(&mut self.flush) {
                return Some(Event::Flush);
            }
            let event = match &mut self.state {
                State::Closed | State::Asked(_) => return None,
                State::Command(buffer) => {
                    let line = buffer.take(input)?;
                    self.line(line)
                }
                State::Data(reader, _) => match reader.read(input) {
                    Piece::More => return None,
                    Piece::Bytes(bytes) => self.data(bytes),
                    Piece::End => self.data_end(),
                },
                State::Chunk(Chunk { left: 0, .. }) => self.chunk_end(),
                State::Chunk(_) if input.is_empty() => return None,
                State::Chunk(chunk) => {
                    let take = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(input.len());
                    let (bytes, rest) = input.split_at_checked(take).unwrap_or((input, &[]));
                    *input = rest;
                    chunk.left -= bytes.len() as u64;
                    self.chunk(bytes)
                }
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// The answer to [`Event::Mail`] or [`Event::Rcpt`]. A 421 closes the connection.
    pub fn answer(&mut self, reply: Reply) {
        let Some(question) = self.asked() else { return };
        let reply = only_final(reply);
        match question {
            Question::Mail { smtputf8 } if reply.is_ok() => {
                self.envelope = Envelope::Open(Open { smtputf8, ..Open::default() });
            }
            Question::Mail { .. } => self.envelope = Envelope::Refused,
            Question::Rcpt(path) => {
                if let Envelope::Open(open) = &mut self.envelope {
                    open.accepted.extend(reply.is_ok().then_some(path));
                }
            }
            other => return self.state = State::Asked(other),
        }
        self.say_or_close(reply);
    }

    /// The answer to [`Event::Begin`]: go on, or why not.
    pub fn begin(&mut self, go: Result<(), Reply>) {
        let Some(question) = self.asked() else { return };
        match (question, go.map_err(only_refusal)) {
            (Question::BeginData, Ok(())) => {
                self.state = State::Data(DotReader::new(), Lines::default());
                self.say_now(Reply::new(354, "", "End data with <CRLF>.<CRLF>"));
            }
            (Question::BeginData, Err(reply)) => {
                self.flush = true;
                self.say_or_close(reply);
            }
            (Question::BeginChunk(chunk), Ok(())) => {
                if let Envelope::Open(open) = &mut self.envelope {
                    open.chunks = Some(Lines::default());
                }
                self.state = State::Chunk(chunk);
            }
            (Question::BeginChunk(chunk), Err(reply)) => {
                if let Envelope::Open(open) = &mut self.envelope {
                    open.failed = Some(reply.clone());
                }
                self.state = State::Chunk(Chunk { refused: Some(reply), ..chunk });
            }
            (other, _) => self.state = State::Asked(other),
        }
    }

    /// The answer to [`Event::End`]: one reply per accepted recipient, in their order.
    ///
    /// A missing one becomes 451, so that the client tries again; surplus ones are not sent.
    pub fn finish(&mut self, replies: Vec<Reply>) {
        match self.asked() {
            Some(Question::End(refusal)) => self.say_each(replies, refusal),
            Some(other) => self.state = State::Asked(other),
            None => {}
        }
    }

    /// What is to be sent. The driver takes it out.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Nothing more is read; send the output and hang up.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Inside the octets of a message, where a 421 is the last resort.
    pub fn in_message(&self) -> bool {
        matches!(self.state, State::Data(..) | State::Chunk(_))
    }

    /// Says `reply` and closes: shutdown or timeout. Ask [`Server::next`] for the last events.
    pub fn close(&mut self, reply: Reply) {
        if !self.is_closed() {
            self.say(reply);
            self.abandon();
        }
    }

    /// The client is gone. Ask [`Server::next`] for the last events.
    pub fn abandon(&mut self) {
        self.state = State::Closed;
        self.clear();
    }

    fn is_lmtp(&self) -> bool {
        self.config.flavor == Flavor::Lmtp
    }

    /// Takes the open question; the next command may come.
    fn asked(&mut self) -> Option<Question> {
        if !matches!(self.state, State::Asked(_)) {
            return None;
        }
        match std::mem::replace(&mut self.state, State::command()) {
            State::Asked(question) => Some(question),
            _ => None,
        }
    }

    fn say(&mut self, reply: Reply) {
        reply.write(&mut self.output);
    }

    /// For the replies that must not wait for company (RFC 2920 3.2).
    fn say_now(&mut self, reply: Reply) {
        self.say(reply);
        self.flush = true;
    }

    fn say_or_close(&mut self, reply: Reply) {
        if reply.code == 421 { self.close(reply) } else { self.say(reply) }
    }

    /// Refuses, and counts against the client.
    fn blame(&mut self, reply: Reply) {
        self.errors += 1;
        self.flush = true;
        if self.errors >= self.config.max_errors {
            return self.close(Reply::new(421, "4.7.0", "Too many wrong commands, goodbye"));
        }
        self.say(reply);
    }

    /// Ends the message; the driver hears of it where it had heard of its begin.
    fn clear(&mut self) {
        self.void |= matches!(std::mem::take(&mut self.envelope), Envelope::Open(_));
    }
}

impl State {
    fn command() -> State {
        State::Command(LineBuffer::default())
    }
}

/// The commands.
impl<'c> Server<'c> {
    fn line<'a>(&mut self, line: Result<Vec<u8>, Fault>) -> Option<Event<'a>> {
        match line.and_then(|line| command::parse(&line, self.config.space_before_path)) {
            Ok(command) => return self.command(command),
            Err(Fault::Refused(reply)) => self.blame(reply),
            Err(Fault::Mail(reply)) => {
                if self.greeted && matches!(self.envelope, Envelope::None) {
                    self.envelope = Envelope::Refused;
                }
                self.blame(reply);
            }
            Err(Fault::Rcpt(reply)) => {
                if let Envelope::Open(open) = &mut self.envelope {
                    open.tried = true;
                }
                self.blame(reply);
            }
            Err(Fault::OutOfStep(reply)) => self.close(reply),
            Err(Fault::LineEnd) => {
                self.bad_line_ends += 1;
                if self.bad_line_ends > 1 {
                    self.close(Reply::new(421, "4.5.2", "Lines must end with CRLF, goodbye"));
                } else {
                    self.blame(Reply::new(500, "5.5.2", "Lines must end with CRLF"));
                }
            }
        }
        None
    }

    fn command<'a>(&mut self, command: Command) -> Option<Event<'a>> {
        match command {
            Command::Lhlo(name) if self.is_lmtp() => return Some(self.hello(name, true)),
            Command::Ehlo(name) if !self.is_lmtp() => return Some(self.hello(name, true)),
            Command::Helo(name) if !self.is_lmtp() => return Some(self.hello(name, false)),
            Command::Lhlo(_) => self.blame(Reply::new(500, "5.5.1", "This is SMTP, say EHLO")),
            Command::Ehlo(_) | Command::Helo(_) => {
                self.blame(Reply::new(500, "5.5.1", "This is LMTP, say LHLO"));
            }
            Command::Mail(mail) => return self.mail(mail),
            Command::Rcpt(rcpt) => return self.rcpt(rcpt),
            Command::Data => return self.start_data(),
            Command::Bdat { size, last } => return self.start_chunk(size, last),
            Command::Rset => {
                self.clear();
                self.say(Reply::new(250, "2.0.0", "Ok"));
            }
            Command::Noop => self.say_now(Reply::new(250, "2.0.0", "Ok")),
            Command::Vrfy => self.say_now(Reply::new(252, "2.5.2", "Send a message and see")),
            Command::Help => self.say_now(Reply::new(214, "2.0.0", "See RFC 2033 and RFC 5321")),
            Command::Quit => self.close(Reply::new(221, "2.0.0", "Goodbye")),
            Command::NotOffered => {
                self.blame(Reply::new(502, "5.5.1", "This command is not offered"));
            }
        }
        None
    }

    /// LHLO and its sisters also reset (RFC 5321 4.1.4).
    fn hello<'a>(&mut self, name: String, extended: bool) -> Event<'a> {
        self.clear();
        self.greeted = true;
        let hostname = &self.config.hostname;
        let text = match extended {
            false => hostname.clone(),
            true => format!(
                "{hostname}\nPIPELINING\nENHANCEDSTATUSCODES\n8BITMIME\nSIZE {}\nSMTPUTF8\nCHUNKING",
                self.config.max_message_size
            ),
        };
        self.say_now(Reply::new(250, "", text));
        Event::Hello(name)
    }

    fn mail<'a>(&mut self, mail: MailFrom) -> Option<Event<'a>> {
        if !self.greeted {
            let hello = if self.is_lmtp() { "LHLO" } else { "EHLO" };
            self.blame(Reply::new(503, "5.5.1", format!("Say {hello} first")));
        } else if matches!(self.envelope, Envelope::Open(_)) {
            self.blame(Reply::new(503, "5.5.1", "There is a sender already, say RSET first"));
        } else if mail.size.is_some_and(|size| size > self.config.max_message_size) {
            self.envelope = Envelope::Refused;
            self.say(too_big(self.config.max_message_size));
        } else if !mail.smtputf8 && mail.path.as_ref().is_some_and(|path| !path.is_ascii()) {
            self.envelope = Envelope::Refused;
            self.say(Reply::new(550, "5.6.7", "An address beyond ASCII needs SMTPUTF8"));
        } else {
            self.state = State::Asked(Question::Mail { smtputf8: mail.smtputf8 });
            return Some(Event::Mail(mail));
        }
        None
    }

    fn rcpt<'a>(&mut self, rcpt: RcptTo) -> Option<Event<'a>> {
        let limit = if self.is_lmtp() { self.config.max_recipients } else { 1 };
        match &mut self.envelope {
            Envelope::None => self.blame(Reply::new(503, "5.5.1", "Say MAIL first")),
            Envelope::Refused => self.say(Reply::new(503, "5.5.1", "The sender was refused")),
            Envelope::Open(open) if open.has_data() => {
                self.blame(Reply::new(503, "5.5.1", "The message has begun already"));
            }
            Envelope::Open(open) if open.accepted.len() >= limit => {
                self.say(Reply::new(452, "4.5.3", "Too many recipients, send the rest separately"));
            }
            Envelope::Open(open) if !open.smtputf8 && !rcpt.path.is_ascii() => {
                open.tried = true;
                self.say(Reply::new(553, "5.6.7", "An address beyond ASCII needs SMTPUTF8"));
            }
            Envelope::Open(open) => {
                open.tried = true;
                self.state = State::Asked(Question::Rcpt(rcpt.path.clone()));
                return Some(Event::Rcpt(rcpt));
            }
        }
        None
    }
}

fn too_big(max: u64) -> Reply {
    Reply::new(552, "5.3.4", format!("The message is larger than {max} octets"))
}

/// A handler can't answer with an intermediate code; such a mistake must stay temporary.
fn only_final(reply: Reply) -> Reply {
    if reply.is_ok() || reply.is_refusal() { reply } else { Reply::trouble(reply.text) }
}

fn only_refusal(reply: Reply) -> Reply {
    if reply.is_refusal() { reply } else { Reply::trouble(reply.text) }
}
