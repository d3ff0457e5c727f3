//! A handler for tests and a loop that runs the server machine without any I/O.
#![allow(dead_code, clippy::expect_used, clippy::unwrap_used)] // each test file uses its own part

pub mod invariants;

use lmtp::reply::Reply;
use lmtp::server::{Config, DataEnd, Event, Server};

/// A scripted answer: to what (`mail`, `rcpt`, `begin`, `end`), for which path (`*`: any), what.
#[derive(Clone, Debug)]
pub struct Rule {
    pub ask: String,
    pub path: String,
    pub reply: Reply,
}

/// One thing the machine said, chunks joined, flushes left out: what no split of the stream changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Hello(String),
    Mail(lmtp::server::MailFrom),
    Rcpt(String),
    /// And whether the handler was willing.
    Begin(bool),
    Bytes(Vec<u8>),
    End(DataEnd),
    Reset,
}

/// The machine, its script, and all it said.
pub struct Bench<'c> {
    pub server: Server<'c>,
    pub rules: Vec<Rule>,
    pub said: Vec<Said>,
    pub output: Vec<u8>,
    accepted: Vec<String>,
}

impl<'c> Bench<'c> {
    pub fn new(config: &'c Config, rules: &[Rule]) -> Bench<'c> {
        Bench {
            server: Server::new(config),
            rules: rules.to_vec(),
            said: Vec::new(),
            output: Vec::new(),
            accepted: Vec::new(),
        }
    }

    /// Feeds one piece of the stream and answers everything.
    pub fn feed(&mut self, mut input: &[u8]) {
        while let Some(event) = self.server.next(&mut input) {
            self.event(event);
        }
        self.output.append(self.server.output());
        assert!(input.is_empty() || self.server.is_closed(), "input was left over");
    }

    pub fn feed_split(&mut self, input: &[u8], size: usize) {
        input.chunks(size.max(1)).for_each(|piece| self.feed(piece));
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Flush => self.output.append(self.server.output()),
            Event::Hello(name) => self.said.push(Said::Hello(name)),
            Event::Mail(mail) => {
                let path = mail.path.clone().unwrap_or_default();
                self.accepted.clear();
                self.said.push(Said::Mail(mail));
                let reply = self.reply("mail", &path).unwrap_or_else(Reply::sender_ok);
                self.server.answer(reply);
            }
            Event::Rcpt(rcpt) => {
                let reply = self.reply("rcpt", &rcpt.path).unwrap_or_else(Reply::recipient_ok);
                if reply.is_ok() {
                    self.accepted.push(rcpt.path.clone());
                }
                self.said.push(Said::Rcpt(rcpt.path));
                self.server.answer(reply);
            }
            Event::Begin => {
                let go = self.reply("begin", "").map_or(Ok(()), Err);
                self.said.push(Said::Begin(go.is_ok()));
                self.server.begin(go);
            }
            Event::Chunk(bytes) => match self.said.last_mut() {
                Some(Said::Bytes(all)) => all.extend_from_slice(bytes),
                _ => self.said.push(Said::Bytes(bytes.to_vec())),
            },
            Event::End(end) => {
                self.said.push(Said::End(end));
                let accepted = std::mem::take(&mut self.accepted);
                let replies = accepted.iter().map(|path| {
                    self.reply("end", path).unwrap_or_else(|| Reply::accepted("Stored"))
                });
                let replies = replies.collect();
                self.server.finish(replies);
            }
            Event::Reset => self.said.push(Said::Reset),
        }
    }

    fn reply(&self, ask: &str, path: &str) -> Option<Reply> {
        let fits = |rule: &&Rule| rule.ask == ask && (rule.path == "*" || rule.path == path);
        self.rules.iter().find(fits).map(|rule| rule.reply.clone())
    }

    /// The messages that came to their end, with what was noted about them.
    pub fn messages(&self) -> Vec<(Vec<u8>, DataEnd)> {
        let mut open = Vec::new();
        let mut messages = Vec::new();
        for said in &self.said {
            match said {
                Said::Begin(_) | Said::Reset => open.clear(),
                Said::Bytes(bytes) => open.extend_from_slice(bytes),
                Said::End(end) => messages.push((std::mem::take(&mut open), end.clone())),
                _ => {}
            }
        }
        messages
    }
}
