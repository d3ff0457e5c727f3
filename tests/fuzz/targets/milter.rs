//! What comes over a milter connection: packets, an MTA to our filter, a filter to us.

use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::client::{Answered, Asked, Ended, Limits, Opened, Opening, Start, State, offer};
use milter::fault::Fault;
use milter::filter::{self, Event, Filter, Fresh, Step};
use milter::frame::{Decoder, Frame, FrameError, MAX_LENGTH};
use milter::header::Field;
use milter::macros::Macros;
use milter::negotiate::{Actions, Protocol, Wish};
use milter::packet::{Command, Connect, Modification, Path, Reply};

/// MI1: packets are the same in each split, bounded, and encode to the octets that they were read from.
pub fn packets(stream: &[u8]) {
    let whole = frames(stream, usize::MAX);
    assert_eq!(frames(stream, 1), whole);
    assert_eq!(frames(stream, 5), whole);
    let mut again = Vec::new();
    for frame in &whole.0 {
        assert!(frame.data.len() < MAX_LENGTH);
        frame.encode(&mut again).expect("what was read can be written");
    }
    assert!(stream.starts_with(&again));
    if whole.1 == Ok(false) {
        assert_eq!(again.len(), stream.len());
    }
}

fn frames(stream: &[u8], size: usize) -> (Vec<Frame>, Result<bool, FrameError>) {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    for mut piece in stream.chunks(size) {
        loop {
            match decoder.feed(&mut piece) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, Ok(decoder.is_inside()))
}

/// A whole session of an MTA with our filter. The first four octets choose what it wants of the protocol and
/// how it answers; the events and replies are the same in each split, and each reply can be read.
pub fn mta(stream: &[u8]) {
    let Some((choice, stream)) = stream.split_first_chunk::<4>() else { return };
    let choice = u32::from_be_bytes(*choice);
    let whole = session(choice, stream, usize::MAX);
    for size in [1, 7] {
        assert_eq!(session(choice, stream, size), whole, "the split changes what is said");
    }
    let (replies, rest) = frames(&whole.1, usize::MAX);
    assert_eq!(rest, Ok(false));
    for reply in replies {
        Reply::decode(reply).expect("what we say can be read");
    }
}

/// Events, octets of replies, and the fault that ended it.
type Heard = (Vec<Event>, Vec<u8>, Option<Fault>);

fn session(choice: u32, stream: &[u8], size: usize) -> Heard {
    let protocol = Protocol::from_bits(choice);
    let wish = Wish { likes: Actions::ALL, protocol, ..Wish::default() };
    let limits = filter::Limits { header: 500, recipients: 5, message: 3_000, macros: 100 };
    let mut heard: Heard = (Vec::new(), Vec::new(), None);
    let mut fresh = Some(Fresh::new(wish, limits));
    let mut open: Option<Filter> = None;
    for mut part in stream.chunks(size) {
        if let Some(begun) = fresh.take() {
            match begun.next(&mut part) {
                Ok(filter::Opening::More(more)) => fresh = Some(more),
                Ok(filter::Opening::Agreed(filter)) => open = Some(filter),
                Ok(filter::Opening::Quit) => return heard,
                Err(fault) => return (heard.0, heard.1, Some(fault)),
            }
        }
        if let Some(filter) = open.take() {
            match work(choice, filter, part, &mut heard) {
                Ok(Some(filter)) => open = Some(filter),
                Ok(None) => return heard,
                Err(fault) => return (heard.0, heard.1, Some(fault)),
            }
        }
    }
    heard
}

fn work(
    choice: u32,
    mut filter: Filter,
    mut part: &[u8],
    heard: &mut Heard,
) -> Result<Option<Filter>, Fault> {
    // Now and then something else than Continue.
    let say = |event: &Event, heard: &Heard| match (choice >> 24, event) {
        (0..100, _) => Answer::Continue,
        (100..150, Event::Rcpt(_)) => Answer::Reject,
        (150..200, Event::Header(_)) => Answer::Discard,
        (200..=255, _) if heard.0.len().is_multiple_of(5) => Answer::TempFail,
        _ => Answer::Continue,
    };
    loop {
        heard.1.append(filter.output());
        filter = match filter.next(&mut part)? {
            Step::More(filter) => {
                assert!(part.is_empty(), "all is taken");
                return Ok(Some(filter));
            }
            Step::Quit => return Ok(None),
            Step::Told(event, filter) => {
                heard.0.push(event);
                filter
            }
            Step::Asked(event, question) => {
                let answer = say(&event, heard);
                heard.0.push(event);
                question.answer(answer)?
            }
            Step::Body(piece, question) => {
                heard.0.push(Event::Body(piece));
                let skips = choice >> 24 > 128;
                let answer = if skips { BodyAnswer::Skip } else { Answer::Continue.into() };
                question.answer(answer)?
            }
            Step::End(mut ending) => {
                ending.progress()?;
                let modifications = vec![
                    Modification::AddHeader(Field::new("X", "y")),
                    Modification::ReplaceBody(b"z".to_vec()),
                ];
                match ending.finish(Verdict { modifications, answer: Answer::Accept }) {
                    Ok(filter) => filter,
                    Err((fault, output)) => {
                        heard.1.extend(output);
                        return Err(fault);
                    }
                }
            }
        };
    }
}

/// A filter that says anything to our side. The first octet chooses the pieces in which it comes. Whatever it says,
/// each command that we send is one that can be read, and a verdict is one that a mail can bear.
pub fn filter(stream: &[u8]) {
    let Some((&choice, stream)) = stream.split_first() else { return };
    let mut peer = Peer { stream, size: usize::from(choice >> 2) + 1, sent: Vec::new() };
    let _ = peer.mails(choice & 1 == 1);
    let (commands, rest) = frames(&peer.sent, usize::MAX);
    assert_eq!(rest, Ok(false));
    for command in commands {
        Command::decode(command).expect("what we say can be read");
    }
}

/// The filter's octets, of which each answer takes some.
struct Peer<'a> {
    stream: &'a [u8],
    size: usize,
    sent: Vec<u8>,
}

/// The session is over: a fault, or no more octets.
struct Over;

impl From<Fault> for Over {
    fn from(_: Fault) -> Over {
        Over
    }
}

impl<'a> Peer<'a> {
    /// The next octets, of one packet only, as a filter that waits for its turn sends them.
    fn next(&mut self) -> Result<&'a [u8], Over> {
        let (mut rest, mut decoder, mut taken) = (self.stream, Decoder::new(), 0);
        while taken < self.size && !rest.is_empty() {
            let mut octet = rest.get(..1).unwrap_or_default();
            rest = rest.get(1..).unwrap_or_default();
            taken += 1;
            if !matches!(decoder.feed(&mut octet), Ok(None)) {
                break;
            }
        }
        let (part, rest) = self.stream.split_at(taken);
        self.stream = rest;
        if part.is_empty() { Err(Over) } else { Ok(part) }
    }

    fn answer<N: State>(&mut self, mut asked: Asked<N>) -> Result<N, Over> {
        self.sent.append(asked.output());
        loop {
            let input = if asked.awaits_answer() { self.next()? } else { &[] };
            match asked.take(input)? {
                Answered::More(again) => asked = again,
                Answered::Go(state) => return Ok(state),
                Answered::Over(idle, answer) => {
                    assert!(answer != Answer::Continue);
                    self.sent.extend(idle.quit()?);
                    return Err(Over);
                }
            }
        }
    }

    fn mails(&mut self, helo: bool) -> Result<(), Over> {
        let (mut opening, octets) =
            Opening::new(offer(Actions::ALL), Limits { modifications: 5, octets: 500 });
        self.sent.extend(octets);
        let mut start = loop {
            match opening.take(self.next()?)? {
                Opened::More(again) => opening = again,
                Opened::Agreed(start) => break start,
            }
        };
        for _ in 0..3 {
            start = match self.mail(start, helo)? {
                Some(start) => start,
                None => return Ok(()),
            };
        }
        Ok(())
    }

    fn mail(&mut self, start: Start, helo: bool) -> Result<Option<Start>, Over> {
        let macros = Macros::default().with("i", "1A").with("{auth_authen}", "anna");
        let mut idle = self.answer(start.connect(&Connect::unknown("mx"), &macros)?)?;
        if helo {
            idle = self.answer(idle.helo(b"mx", &macros)?)?;
        }
        let mut envelope = self.answer(idle.mail(&Path::new(""), &macros)?)?;
        for _ in 0..2 {
            envelope = self.answer(envelope.rcpt(&Path::new("b@y.example"), &macros)?)?.tried().0;
        }
        let header = self.answer(envelope.data(&macros)?)?;
        let header = self.answer(header.field(&Field::new("Subject", "x\r\n\ty"))?)?;
        let mut body = self.answer(header.end(&macros)?)?;
        for _ in 0..2 {
            body = self.answer(body.piece(b"text\r\n".to_vec())?)?;
        }
        let mut ending = body.end(&macros)?;
        self.sent.append(ending.output());
        loop {
            let mut part = self.next()?;
            while !part.is_empty() {
                ending = match ending.take(&mut part)? {
                    Ended::More(again) | Ended::Progress(again) => again,
                    Ended::Done(idle, verdict) => {
                        bearable(&verdict);
                        let next = idle.new_connection()?;
                        return Ok(next);
                    }
                };
            }
        }
    }
}

/// MI19: no field of a verdict leaves its lines.
fn bearable(verdict: &Verdict) {
    assert!(verdict.modifications.len() <= 5);
    let fields = verdict.modifications.iter().filter_map(|modification| match modification {
        Modification::AddHeader(field)
        | Modification::InsertHeader { field, .. }
        | Modification::ChangeHeader { field, .. } => Some(field),
        _ => None,
    });
    for field in fields {
        let line = field.line();
        let text = line.strip_suffix(b"\r\n").expect("a whole line");
        assert!(!text.starts_with(b":") && !text.contains(&0));
        let breaks = text.iter().enumerate().filter(|(_, octet)| **octet == b'\n');
        for (at, _) in breaks {
            assert!(matches!(text.get(at + 1), Some(b' ' | b'\t')), "a field leaves its line");
        }
    }
}
