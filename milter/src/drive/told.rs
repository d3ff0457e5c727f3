//! What the handler was told, and what it said where the MTA did not wait for an answer.

use crate::answer::{Answer, BodyAnswer};
use crate::filter::Event;
use crate::macros::Symbols;

use super::Handler;

pub(super) struct Told<'h, H> {
    pub(super) handler: &'h mut H,
    /// What it said to `connect` or `helo`; holds for the whole SMTP connection.
    connection: Option<Answer>,
    /// What it said inside the message.
    message: Option<Answer>,
    /// It wants no more of the body.
    skipping: bool,
    /// It knows of a message that is neither decided nor void.
    open: bool,
}

impl<'h, H: Handler> Told<'h, H> {
    pub(super) fn new(handler: &'h mut H) -> Told<'h, H> {
        Told { handler, connection: None, message: None, skipping: false, open: false }
    }

    /// The MTA asks.
    pub(super) async fn ask(&mut self, event: Event, symbols: &Symbols) -> Answer {
        if let Some(answer) = self.decided() {
            return answer;
        }
        self.hear(event, symbols).await
    }

    /// The MTA asks about a piece of the body.
    pub(super) async fn body(&mut self, piece: Vec<u8>) -> BodyAnswer {
        match self.decided() {
            Some(answer) => answer.into(),
            None => self.handler.body(piece).await,
        }
    }

    /// The MTA does not wait for an answer: it is kept.
    pub(super) async fn tell(&mut self, event: Event, symbols: &Symbols) {
        match event {
            Event::Abort => return self.abort(),
            Event::NewConnection => {
                self.abort();
                self.connection = None;
                return self.handler.new_connection();
            }
            Event::Body(_) if self.skipping => return,
            _ if self.decided().is_some() => return,
            _ => {}
        }
        let (of_connection, of_recipient) = match event {
            Event::Connect(_) | Event::Helo(_) => (true, false),
            Event::Rcpt(_) => (false, true),
            // Concerns a line that nobody understood.
            Event::Unknown(_) => return drop(self.hear(event, symbols).await),
            _ => (false, false),
        };
        let answer = self.hear(event, symbols).await;
        if answer == Answer::Continue || (of_recipient && answer.is_refusal()) {
            return;
        }
        if of_connection {
            self.connection = Some(answer);
        } else {
            self.message = Some(answer);
            self.open = false;
        }
    }

    /// What the handler said already, to something that had no answer.
    pub(super) fn decided(&self) -> Option<Answer> {
        self.message.as_ref().or(self.connection.as_ref()).cloned()
    }

    /// An answer was given; the message goes on or not.
    pub(super) fn answered(&mut self, in_message: bool) {
        if !in_message {
            self.open = false;
            self.skipping = false;
            self.message = None;
        }
    }

    /// The message is void.
    pub(super) fn abort(&mut self) {
        self.message = None;
        self.skipping = false;
        if std::mem::take(&mut self.open) {
            self.handler.abort();
        }
    }

    async fn hear(&mut self, event: Event, symbols: &Symbols) -> Answer {
        let outside = matches!(event, Event::Connect(_) | Event::Helo(_) | Event::Unknown(_));
        self.open |= !outside;
        match event {
            Event::Connect(client) => self.handler.connect(client, symbols).await,
            Event::Helo(name) => self.handler.helo(name, symbols).await,
            Event::Mail(path) => self.handler.mail(path, symbols).await,
            Event::Rcpt(path) => self.handler.rcpt(path, symbols).await,
            Event::Data => self.handler.data(symbols).await,
            Event::Header(field) => self.handler.header(field, symbols).await,
            Event::HeaderEnd => self.handler.header_end(symbols).await,
            Event::Unknown(line) => self.handler.unknown(line).await,
            Event::Body(piece) => match self.handler.body(piece).await {
                BodyAnswer::Answer(answer) => answer,
                BodyAnswer::Skip => {
                    self.skipping = true;
                    Answer::Continue
                }
            },
            Event::Abort | Event::NewConnection => Answer::Continue,
        }
    }
}
