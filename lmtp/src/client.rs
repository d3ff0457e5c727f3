//! The SMTP client as a state machine: an envelope goes in, commands come out, replies go in, and each
//! recipient's fate comes out (RFC 5321, 2920, 3030, 1870, 6152, 6531, 3461, 3207).
//!
//! No I/O, no clock: octets are moved by [`crate::drive_client`]. It never sees the message, only its size.

pub mod answer;
mod envelope;
pub mod stuff;
mod transaction;

use std::collections::VecDeque;

pub use answer::{Answer, Capabilities, Nonsense, queue_id};
pub use envelope::{CannotSend, Envelope};
pub use transaction::{Fate, Framing, Report, Stage};
use transaction::{Message, Transaction};

/// Up to this size (octets) a message is sent together with its envelope where the server takes BDAT;
/// a larger one waits for the answers, so that it is not sent for nothing.
pub const EAGER: u64 = 64 * 1024;

/// What the driver is to do next. Output that waits ([`Client::output`]) goes first, together with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the output, then read.
    Read,
    /// Send the output and the message, then call [`Client::message_sent`].
    Message(Framing),
    /// Put TLS on the connection, then call [`Client::tls_is_up`].
    Tls,
    /// A transaction may begin (again); the report of the last one is there.
    Ready,
    /// Only good for closing; the report of the last transaction is there.
    Closed,
}

/// A reply that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Reset,
    Mail,
    Rcpt(usize),
    Data,
    Message,
    Quit,
}

/// One connection to a server, from its greeting on.
#[derive(Debug)]
pub struct Client {
    hello: String,
    want_tls: bool,
    can: Capabilities,
    reader: answer::Reader,
    output: Vec<u8>,
    expect: VecDeque<Expect>,
    state: State,
    transaction: Option<Transaction>,
    /// The last transaction may still be open at the server: RSET goes first.
    dirty: bool,
    /// Why the connection was given up.
    trouble: Option<(Stage, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Tls,
    Closed,
}

impl Client {
    /// `hello`: our name for EHLO. With `want_tls` STARTTLS is used where it is offered.
    pub fn new(hello: &str, want_tls: bool) -> Client {
        Client {
            hello: hello.to_owned(),
            want_tls,
            can: Capabilities::default(),
            reader: answer::Reader::default(),
            output: Vec::new(),
            expect: VecDeque::from([Expect::Greeting]),
            state: State::Open,
            transaction: None,
            dirty: false,
            trouble: None,
        }
    }

    /// What the server offers; nothing before [`Next::Ready`].
    pub fn capabilities(&self) -> &Capabilities {
        &self.can
    }

    /// Why the connection is closed, where that is no transaction's business.
    pub fn trouble(&self) -> Option<&(Stage, String)> {
        self.trouble.as_ref()
    }

    /// What is to be sent; the caller takes it.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub fn next(&self) -> Next {
        match (self.state, &self.transaction) {
            (State::Closed, _) => Next::Closed,
            (State::Tls, _) => Next::Tls,
            (_, Some(Transaction { message: Message::Now(framing), .. })) => {
                Next::Message(*framing)
            }
            _ if self.expect.is_empty() => Next::Ready,
            _ => Next::Read,
        }
    }

    /// True where the reply that is awaited is the one to the whole message: it may take its time (RFC 5321 4.5.3.2.6).
    pub fn awaits_message_reply(&self) -> bool {
        self.expect.front() == Some(&Expect::Message)
    }

    /// Opens a transaction. Allowed at [`Next::Ready`].
    pub fn begin(&mut self, envelope: &Envelope<'_>) -> Result<(), CannotSend> {
        if self.next() != Next::Ready {
            return Err(CannotSend::NotReady);
        }
        envelope.check(&self.can)?;
        if std::mem::take(&mut self.dirty) {
            self.command(Expect::Reset, "RSET");
        }
        let mail = envelope.mail_command(&self.can);
        self.command(Expect::Mail, &mail);
        let transaction = self.transaction.insert(Transaction::new(envelope));
        let rcpts = envelope.rcpt_commands(&self.can);
        if !self.can.pipelining {
            transaction.later = rcpts.rev().collect();
            return Ok(());
        }
        for (i, rcpt) in rcpts.enumerate() {
            self.command(Expect::Rcpt(i), &rcpt);
        }
        if !self.can.chunking || envelope.size <= EAGER {
            self.offer_message();
        }
        Ok(())
    }

    /// Takes what the server sent.
    pub fn receive(&mut self, mut input: &[u8]) {
        while !input.is_empty() && self.state == State::Open {
            match self.reader.read(&mut input) {
                Ok(Some(answer)) => self.answer(answer),
                Ok(None) => {}
                Err(nonsense) => self.lost(&nonsense.to_string()),
            }
        }
        if self.state == State::Tls && !input.is_empty() {
            // Plain text behind the 220 would be taken for the server's words inside TLS.
            self.lost("the server sent more behind its answer to STARTTLS");
        }
    }

    /// The message has gone out as [`Next::Message`] asked.
    pub fn message_sent(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.message = Message::Sent;
        }
    }

    /// TLS stands: all that was said before is forgotten (RFC 3207 4.2).
    pub fn tls_is_up(&mut self) {
        if self.state == State::Tls {
            self.state = State::Open;
            self.want_tls = false;
            self.can = Capabilities::default();
            self.greet();
        }
    }

    /// The connection died; `why` in words.
    pub fn lost(&mut self, why: &str) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.output.clear();
        if let Some(transaction) = &mut self.transaction {
            let complete = transaction.message == Message::Sent;
            transaction.settle(&Fate::Lost { why: why.to_owned(), complete });
        } else {
            let stage = match self.expect.front() {
                Some(Expect::Greeting) => Stage::Greeting,
                _ => Stage::Hello,
            };
            self.trouble = Some((stage, why.to_owned()));
        }
    }

    /// Says goodbye where that is possible.
    pub fn quit(&mut self) {
        if self.next() == Next::Ready {
            self.command(Expect::Quit, "QUIT");
        }
    }

    /// The report of the transaction that ended; `None` where there was none, or it is still open.
    pub fn take_report(&mut self) -> Option<Report> {
        if !matches!(self.next(), Next::Ready | Next::Closed) {
            return None;
        }
        self.transaction.take().map(Transaction::report)
    }

    fn command(&mut self, expect: Expect, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.expect.push_back(expect);
    }

    fn greet(&mut self) {
        let line = format!("EHLO {}", self.hello);
        self.command(Expect::Ehlo, &line);
    }

    /// DATA, or BDAT and at once the message.
    fn offer_message(&mut self) {
        let Some(transaction) = &mut self.transaction else { return };
        if self.can.chunking {
            transaction.message = Message::Now(Framing::Counted);
            let line = format!("BDAT {} LAST", transaction.size);
            self.command(Expect::Message, &line);
        } else {
            self.command(Expect::Data, "DATA");
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Some(expect) = self.expect.pop_front() else {
            // Unasked: "421 idle for too long" or nonsense.
            return self.lost(&format!("the server said, unasked: {answer}"));
        };
        if let Some(transaction) = &mut self.transaction {
            transaction.answered = true;
        }
        if answer.code == 421 && expect != Expect::Quit {
            return self.shut(expect, answer);
        }
        match expect {
            Expect::Greeting => self.on_greeting(answer),
            Expect::Ehlo => self.on_ehlo(answer),
            Expect::Helo if answer.is_positive() => {}
            Expect::Helo => self.refused(Stage::Hello, answer),
            Expect::StartTls => self.on_starttls(&answer),
            Expect::Reset if answer.is_positive() => {}
            Expect::Reset => self.lost(&format!("RSET was answered: {answer}")),
            Expect::Mail => self.on_mail(answer),
            Expect::Rcpt(i) => self.on_rcpt(i, answer),
            Expect::Data => self.on_data(answer),
            Expect::Message => self.on_message(answer),
            Expect::Quit => self.state = State::Closed,
        }
    }

    /// 421: the server closes. Whoever has no answer yet gets this one.
    fn shut(&mut self, expect: Expect, answer: Answer) {
        let stage = expect.stage();
        match &mut self.transaction {
            Some(transaction) => transaction.settle(&Fate::Deferred(stage, answer)),
            None => self.trouble = Some((stage, answer.to_string())),
        }
        self.state = State::Closed;
        self.output.clear();
    }

    /// The server does not want to talk to us.
    fn refused(&mut self, stage: Stage, answer: Answer) {
        self.trouble = Some((stage, answer.to_string()));
        self.state = State::Closed;
    }

    fn on_greeting(&mut self, answer: Answer) {
        if answer.is_positive() { self.greet() } else { self.refused(Stage::Greeting, answer) }
    }

    fn on_ehlo(&mut self, answer: Answer) {
        if !answer.is_positive() {
            if answer.code >= 500 {
                let line = format!("HELO {}", self.hello);
                return self.command(Expect::Helo, &line);
            }
            return self.refused(Stage::Hello, answer);
        }
        self.can = Capabilities::parse(&answer);
        if self.want_tls && self.can.starttls {
            self.command(Expect::StartTls, "STARTTLS");
        }
    }

    fn on_starttls(&mut self, answer: &Answer) {
        // Refused: TLS is opportunistic here, so the session goes on without it.
        if answer.is_positive() {
            self.state = State::Tls;
        }
    }

    fn on_mail(&mut self, answer: Answer) {
        let Some(transaction) = &mut self.transaction else { return };
        if answer.is_positive() {
            return self.proceed();
        }
        match Fate::negative(Stage::Mail, &answer) {
            Some(fate) => transaction.settle(&fate),
            None => return self.lost(&format!("MAIL was answered: {answer}")),
        }
        transaction.no_mail = Some(answer);
        transaction.later.clear();
        self.dirty = true;
        self.proceed();
    }

    fn on_rcpt(&mut self, i: usize, answer: Answer) {
        let Some(transaction) = &mut self.transaction else { return };
        if !answer.is_positive() && transaction.no_mail.is_none() {
            let fate = Fate::negative(Stage::Rcpt, &answer);
            match (fate, transaction.fates.get_mut(i)) {
                (Some(fate), Some(slot)) => *slot = Some(fate),
                _ => return self.lost(&format!("RCPT was answered: {answer}")),
            }
        }
        self.proceed();
    }

    /// After a reply to MAIL or RCPT, where nothing else is on its way: the next RCPT, the message, or the end.
    fn proceed(&mut self) {
        let Some(transaction) = &mut self.transaction else { return };
        if !self.expect.is_empty() || transaction.message != Message::NotYet {
            return;
        }
        if let Some(rcpt) = transaction.later.pop() {
            let i = transaction.fates.len() - transaction.later.len() - 1;
            return self.command(Expect::Rcpt(i), &rcpt);
        }
        if transaction.is_settled() {
            self.dirty = true;
        } else {
            self.offer_message();
        }
    }

    fn on_data(&mut self, answer: Answer) {
        let Some(transaction) = &mut self.transaction else { return };
        if answer.code == 354 {
            let nobody = transaction.is_settled();
            transaction.message =
                Message::Now(if nobody { Framing::Nothing } else { Framing::Dots });
            return self.expect.push_back(Expect::Message);
        }
        self.dirty = true;
        match Fate::negative(Stage::Data, &answer) {
            Some(fate) => transaction.settle(&fate),
            None => self.lost(&format!("DATA was answered: {answer}")),
        }
    }

    fn on_message(&mut self, answer: Answer) {
        let Some(transaction) = &mut self.transaction else { return };
        let sent = transaction.message == Message::Sent;
        if answer.is_positive() && sent {
            return transaction.settle(&Fate::Accepted(answer));
        }
        self.dirty = true;
        let Some(fate) = Fate::negative(Stage::Message, &answer) else {
            return self.lost(&format!("the message was answered: {answer}"));
        };
        transaction.settle(&fate);
        if !sent {
            // It answered in the middle of the message: what follows can't be told from commands.
            self.state = State::Closed;
        }
    }
}

impl Expect {
    fn stage(self) -> Stage {
        match self {
            Expect::Greeting => Stage::Greeting,
            Expect::Ehlo | Expect::Helo | Expect::StartTls | Expect::Quit => Stage::Hello,
            Expect::Reset | Expect::Mail => Stage::Mail,
            Expect::Rcpt(_) => Stage::Rcpt,
            Expect::Data => Stage::Data,
            Expect::Message => Stage::Message,
        }
    }
}

#[cfg(test)]
mod tests;
