//! The half of the server machine that reads messages: DATA, BDAT, and the replies behind them.
//!
//! Not here: the commands around a message, which are the parent's.

use super::{Chunk, DataEnd, Envelope, Event, Open, Question, Server, State};
use super::{only_final, too_big};
use crate::data::Lines;
use crate::reply::Reply;

impl<'c> Server<'c> {
    pub(super) fn start_data<'a>(&mut self) -> Option<Event<'a>> {
        let none = Reply::new(503, "5.5.1", "There is no accepted recipient");
        match &self.envelope {
            Envelope::Open(open) if open.has_data() => {
                self.blame(Reply::new(503, "5.5.1", "The message came by BDAT, go on so"));
            }
            Envelope::Open(open) if !open.accepted.is_empty() => {
                self.state = State::Asked(Question::BeginData);
                return Some(Event::Begin);
            }
            // A pipelining client can't know that all was refused: no blame.
            Envelope::Refused | Envelope::Open(Open { tried: true, .. }) => self.say_now(none),
            Envelope::None | Envelope::Open(_) => self.blame(none),
        }
        None
    }

    pub(super) fn data<'a>(&mut self, bytes: &'a [u8]) -> Option<Event<'a>> {
        let max = self.config.max_message_size;
        let State::Data(_, lines) = &mut self.state else { return None };
        let kept = within(bytes, lines.size(), max);
        lines.feed(bytes);
        if lines.size() > max.saturating_mul(3) {
            // What still fits is handed on first, as it would be in a smaller read.
            self.close(flood());
        }
        (!kept.is_empty()).then_some(Event::Chunk(kept))
    }

    pub(super) fn data_end<'a>(&mut self) -> Option<Event<'a>> {
        match std::mem::replace(&mut self.state, State::command()) {
            State::Data(_, lines) => Some(self.end(&lines)),
            _ => None,
        }
    }

    fn end<'a>(&mut self, lines: &Lines) -> Event<'a> {
        let end = self.judge(lines);
        self.state = State::Asked(Question::End(end.refusal.clone()));
        Event::End(end)
    }

    /// The wire rules for a whole message (LM25, LM26, X2).
    fn judge(&self, lines: &Lines) -> DataEnd {
        let config = self.config;
        let too_big = lines.size() > config.max_message_size;
        let refusal = if too_big {
            Some(super::too_big(config.max_message_size))
        } else if lines.longest() > config.max_line_length {
            Some(Reply::new(550, "5.6.0", "The message has a line that is too long"))
        } else if config.strict_lines && lines.bare() {
            Some(Reply::new(550, "5.6.0", "The message has a CR or LF that is no line end"))
        } else if config.strict_lines && lines.nul() {
            Some(Reply::new(550, "5.6.0", "The message has a NUL octet"))
        } else {
            None
        };
        DataEnd {
            size: lines.size(),
            bare: lines.bare(),
            nul: lines.nul(),
            longest_line: lines.longest(),
            too_big,
            refusal,
        }
    }

    /// BDAT: whatever the answer, its octets are read first (RFC 3030 2, LM27).
    pub(super) fn start_chunk<'a>(&mut self, size: u64, last: bool) -> Option<Event<'a>> {
        let so_far = self.envelope.chunks().map_or(0, Lines::size);
        if so_far.saturating_add(size) > self.config.max_message_size.saturating_mul(3) {
            self.close(flood());
            return None;
        }
        let chunk = Chunk { size, left: size, last, refused: None };
        let (refused, begun) = match &self.envelope {
            Envelope::Open(open) if !open.accepted.is_empty() => {
                (open.failed.clone(), open.has_data())
            }
            _ => (Some(Reply::new(503, "5.5.1", "There is no accepted recipient")), true),
        };
        if begun {
            self.state = State::Chunk(Chunk { refused, ..chunk });
            return None;
        }
        self.state = State::Asked(Question::BeginChunk(chunk));
        Some(Event::Begin)
    }

    pub(super) fn chunk<'a>(&mut self, bytes: &'a [u8]) -> Option<Event<'a>> {
        let max = self.config.max_message_size;
        let State::Chunk(Chunk { refused: None, .. }) = &self.state else { return None };
        let lines = self.envelope.chunks_mut()?;
        let kept = within(bytes, lines.size(), max);
        lines.feed(bytes);
        (!kept.is_empty()).then_some(Event::Chunk(kept))
    }

    pub(super) fn chunk_end<'a>(&mut self) -> Option<Event<'a>> {
        let State::Chunk(chunk) = std::mem::replace(&mut self.state, State::command()) else {
            return None;
        };
        let max = self.config.max_message_size;
        match (chunk.refused, self.envelope.chunks()) {
            (Some(reply), _) => self.refuse_chunk(reply, chunk.last),
            (None, Some(lines)) if chunk.last => {
                let lines = lines.clone();
                return Some(self.end(&lines));
            }
            (None, Some(lines)) if lines.size() > max => self.say(too_big(max)),
            (None, _) => self.say(Reply::new(250, "2.0.0", format!("{} octets taken", chunk.size))),
        }
        None
    }

    /// The answer to a swallowed chunk; behind LAST one per accepted recipient, as to any end.
    fn refuse_chunk(&mut self, reply: Reply, last: bool) {
        match &self.envelope {
            Envelope::Open(open) if last && !open.accepted.is_empty() => {
                let replies = vec![reply; open.accepted.len()];
                self.say_each(replies, None);
                self.void = true;
            }
            _ => self.say_or_close(reply),
        }
    }

    /// One reply per accepted recipient (RFC 2033 4.2), then the message is over.
    pub(super) fn say_each(&mut self, replies: Vec<Reply>, refusal: Option<Reply>) {
        let Envelope::Open(open) = std::mem::take(&mut self.envelope) else { return };
        let mut replies = replies.into_iter();
        let mut close = false;
        for path in open.accepted {
            let reply = replies.next().map_or_else(|| Reply::trouble("No answer"), only_final);
            let reply = match &refusal {
                Some(refusal) if reply.is_ok() => refusal.clone(),
                _ => reply,
            };
            close |= reply.code == 421;
            let reply = if self.is_lmtp() { name(reply, &path) } else { reply };
            self.say(reply);
        }
        self.flush = true;
        if close {
            self.state = State::Closed;
        }
    }
}

impl Open {
    /// BDAT has begun, well or not.
    pub(super) fn has_data(&self) -> bool {
        self.chunks.is_some() || self.failed.is_some()
    }
}

impl Envelope {
    fn chunks(&self) -> Option<&Lines> {
        match self {
            Envelope::Open(open) => open.chunks.as_ref(),
            _ => None,
        }
    }

    fn chunks_mut(&mut self) -> Option<&mut Lines> {
        match self {
            Envelope::Open(open) => open.chunks.as_mut(),
            _ => None,
        }
    }
}

/// So far over the limit that reading on serves nobody (LM26).
fn flood() -> Reply {
    Reply::new(421, "4.3.4", "The message is far too large, goodbye")
}

/// What of `bytes` still lies below the limit.
fn within(bytes: &[u8], before: u64, max: u64) -> &[u8] {
    let room = usize::try_from(max.saturating_sub(before)).unwrap_or(usize::MAX);
    bytes.get(..room).unwrap_or(bytes)
}

/// Each reply behind the data names its recipient (LM19).
fn name(reply: Reply, path: &str) -> Reply {
    if reply.text.contains(path) {
        return reply;
    }
    Reply { text: format!("<{path}> {}", reply.text), ..reply }
}
