//! Both machines against each other, in memory: whatever was agreed, both stay in step.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err)] // in the helpers of the tests

mod common;

use common::{LEFT_OUT, SILENT};
use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::client::{Answered, Asked, Ended, Idle, Limits, Opened, Opening, Start, State, offer};
use milter::code;
use milter::filter::{self, Event, Filter, Fresh, Step};
use milter::header::Field;
use milter::macros::Macros;
use milter::negotiate::{Actions, Protocol, Wish};
use milter::packet::{Connect, Modification, Path};
use proptest::prelude::*;

/// A filter that answers one event otherwise than with Continue.
struct Other {
    filter: Option<Filter>,
    heard: Vec<Event>,
    /// The number of the event, and the answer to it where it has one.
    at: usize,
    answer: Answer,
    /// It was said.
    said: bool,
    verdict: Verdict,
    /// Octets that are handed over at once, both ways.
    split: usize,
}

impl Other {
    fn say(&mut self, event: Event) -> Answer {
        self.heard.push(event);
        let now = self.heard.len().checked_sub(1) == Some(self.at);
        if now { self.answer.clone() } else { Answer::Continue }
    }

    /// Hears octets of the MTA and gives the octets of the replies.
    fn hear(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut replies = Vec::new();
        for mut part in octets.chunks(self.split) {
            loop {
                self.filter = Some(match self.filter.take().unwrap().next(&mut part).unwrap() {
                    Step::More(mut filter) => {
                        replies.append(filter.output());
                        self.filter = Some(filter);
                        break;
                    }
                    Step::Told(event, filter) => {
                        self.heard.push(event);
                        filter
                    }
                    Step::Asked(event, question) => {
                        let answer = self.say(event);
                        self.said |= answer != Answer::Continue;
                        question.answer(answer).unwrap()
                    }
                    Step::Body(piece, question) => {
                        let answer = self.say(Event::Body(piece));
                        self.said |= answer != Answer::Continue;
                        question.answer(BodyAnswer::Answer(answer)).unwrap()
                    }
                    Step::End(mut ending) => {
                        ending.progress().unwrap();
                        ending.finish(self.verdict.clone()).unwrap()
                    }
                    Step::Quit => panic!("nobody said quit"),
                });
            }
        }
        replies
    }

    /// A command to the filter, its answer to the MTA.
    fn answer<N: State>(&mut self, mut asked: Asked<N>) -> Result<N, (Idle, Answer)> {
        let waits = asked.awaits_answer();
        let replies = self.hear(&std::mem::take(asked.output()));
        assert_eq!(replies.is_empty(), !waits, "MI6");
        let mut parts = replies.chunks(self.split);
        loop {
            match asked.take(parts.next().unwrap_or_default()).unwrap() {
                Answered::More(again) => asked = again,
                Answered::Go(state) => return Ok(state),
                Answered::Over(idle, answer) => return Err((idle, answer)),
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Mail {
    recipients: usize,
    header: Vec<Field>,
    body: Vec<Vec<u8>>,
}

fn mail() -> Mail {
    let field = |value: &str| Field { name: b"Subject".to_vec(), value: value.into() };
    Mail {
        recipients: 2,
        header: vec![field(" x"), field("  y\n\tz")],
        body: vec![b"one\r\n".to_vec(), b"two\r\n".to_vec()],
    }
}

/// Both ends, agreed on this part of the protocol.
fn open(protocol: Protocol, split: usize) -> (Start, Other) {
    let (opening, octets) = Opening::new(offer(Actions::ALL), Limits::default());
    let wish = Wish { likes: Actions::ALL, protocol, ..Wish::default() };
    let fresh = Fresh::new(wish, filter::Limits::default());
    let mut filter = match fresh.next(&mut octets.as_slice()).unwrap() {
        filter::Opening::Agreed(filter) => filter,
        other => panic!("{other:?}"),
    };
    let Opened::Agreed(start) = opening.take(&std::mem::take(filter.output())).unwrap() else {
        panic!("not agreed");
    };
    let other = Other {
        filter: Some(filter),
        heard: Vec::new(),
        at: usize::MAX,
        answer: Answer::Continue,
        said: false,
        verdict: Answer::Accept.into(),
        split,
    };
    (start, other)
}

/// One mail from connect to verdict; the refusals of single recipients besides.
fn exchange(
    start: Start,
    other: &mut Other,
    mail: &Mail,
) -> Result<(Idle, Verdict, Vec<Answer>), (Idle, Answer)> {
    let none = Macros::default();
    let macros = Macros::default().with("i", "1A").with("{auth_authen}", "anna");
    let client = Connect::inet("mx", "2001:db8::1".parse().unwrap(), 25);
    let mut refused = Vec::new();
    let idle = other.answer(start.connect(&client, &none).unwrap())?;
    let idle = other.answer(idle.helo(b"mx", &none).unwrap())?;
    let mut envelope = other.answer(idle.mail(&Path::new("a@x.example"), &macros).unwrap())?;
    for _ in 0..mail.recipients {
        let tried = other.answer(envelope.rcpt(&Path::new("b@y.example"), &none).unwrap())?;
        let (next, refusal) = tried.tried();
        envelope = next;
        refused.extend(refusal);
    }
    let mut header = other.answer(envelope.data(&none).unwrap())?;
    for field in &mail.header {
        header = other.answer(header.field(field).unwrap())?;
    }
    let mut body = other.answer(header.end(&none).unwrap())?;
    for piece in &mail.body {
        body = other.answer(body.piece(piece.clone()).unwrap())?;
    }
    let mut ending = body.end(&macros).unwrap();
    let replies = other.hear(&std::mem::take(ending.output()));
    for mut part in replies.chunks(other.split) {
        loop {
            match ending.take(&mut part).unwrap() {
                Ended::Progress(again) => ending = again,
                Ended::Done(idle, verdict) => return Ok((idle, verdict, refused)),
                Ended::More(again) => {
                    ending = again;
                    break;
                }
            }
        }
    }
    panic!("no verdict in {replies:?}");
}

/// The codes of what a filter hears of a mail that it lets through.
fn heard(mail: &Mail, protocol: Protocol) -> Vec<code::Command> {
    use code::Command::{Body, Connect, Data, Header, HeaderEnd, Helo, Mail as From, Rcpt};
    let mut all = vec![Connect, Helo, From];
    all.extend(vec![Rcpt; mail.recipients]);
    all.push(Data);
    all.extend(vec![Header; mail.header.len()]);
    all.push(HeaderEnd);
    all.extend(vec![Body; mail.body.len()]);
    all.retain(|code| !protocol.is_left_out(*code));
    all
}

/// MI6: each combination of what is silent with each of what is left out: two mails on one connection, and a
/// verdict for each.
#[test]
fn mi6_each_combination() {
    let mail = mail();
    for choice in 0..65_536_u32 {
        // Whether commands are told that the MTA does not know is no step of a mail.
        let unknown = [Protocol::SILENT_UNKNOWN, Protocol::NO_UNKNOWN];
        let bits = SILENT.iter().chain(&LEFT_OUT).filter(|bit| !unknown.contains(bit)).enumerate();
        let protocol = bits
            .filter(|(at, _)| choice >> at & 1 == 1)
            .fold(Protocol::NONE, |all, (_, bit)| all | *bit);
        let (start, mut other) = open(protocol, usize::MAX);
        let Ok((idle, verdict, _)) = exchange(start, &mut other, &mail) else {
            panic!("{protocol:?}");
        };
        assert_eq!(verdict, Answer::Accept.into());
        let once = other.heard.len();
        assert_eq!(once, heard(&mail, protocol).len(), "{protocol:?}");
        let start = idle.new_connection().unwrap().unwrap();
        other.verdict = Answer::Reject.into();
        let Ok((_, verdict, _)) = exchange(start, &mut other, &mail) else {
            panic!("{protocol:?}");
        };
        assert_eq!(verdict, Answer::Reject.into());
        assert_eq!(other.heard.len(), 2 * once + 1, "{protocol:?}");
    }
}

/// MI16: what stands in a mail comes to the filter, and what the filter writes comes into the mail, octet by octet.
#[test]
fn mi16_leading_space_both_ways() {
    for (protocol, cases) in [
        (Protocol::LEADING_SPACE, &["x", " x", "  x", "\tx", "", " x\n\ty"][..]),
        (Protocol::NONE, &[" x", "  x", " x\n\ty"]),
    ] {
        for value in cases {
            let field = Field { name: b"Subject".to_vec(), value: value.as_bytes().to_vec() };
            let (start, mut other) = open(protocol, usize::MAX);
            let add = Modification::AddHeader(field.clone());
            let insert = Modification::InsertHeader { index: 1, field: field.clone() };
            let change = Modification::ChangeHeader { index: 1, field: field.clone() };
            other.verdict.modifications = vec![add, insert, change];
            let mail = Mail { header: vec![field.clone()], ..mail() };
            let Ok((_, verdict, _)) = exchange(start, &mut other, &mail) else { panic!("over") };
            assert_eq!(verdict, other.verdict, "{value:?}");
            assert!(other.heard.contains(&Event::Header(field)), "{value:?}");
        }
    }
}

fn answers() -> impl Strategy<Value = Answer> {
    let code = milter::reply_code::ReplyCode::new(550, "5.7.1", "two\nlines, 100 % sure").unwrap();
    prop::sample::select(vec![
        Answer::Accept,
        Answer::Reject,
        Answer::TempFail,
        Answer::Discard,
        Answer::Code(code),
    ])
}

prop_compose! {
    fn mails()(
        recipients in 1_usize..4,
        values in prop::collection::vec("[ -~]{0,20}", 0..4),
        body in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..4),
    ) -> Mail {
        let field = |value: String| Field { name: b"X".to_vec(), value: value.into_bytes() };
        Mail { recipients, header: values.into_iter().map(field).collect(), body }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// MI6, MI8, MI10: any agreement, any mail, any answer anywhere, any split: the MTA hears what the filter said,
    /// and the next mail on the connection is as if nothing had been.
    #[test]
    fn mi6_any_session(
        bits in any::<u32>(),
        first in mails(),
        second in mails(),
        at in 0_usize..16,
        answer in answers(),
        split in 1_usize..50,
    ) {
        let protocol = Protocol::from_bits(bits).and(Protocol::ALL);
        let (start, mut other) = open(protocol, split);
        (other.at, other.answer) = (at, answer.clone());
        let expect = heard(&first, protocol);
        let of_connection = matches!(expect.get(at), Some(code::Command::Connect | code::Command::Helo));
        if of_connection && answer == Answer::Discard {
            // Not a thing to say there; the MTA's side calls it a fault.
            return Ok(());
        }
        let idle = match exchange(start, &mut other, &first) {
            Ok((idle, verdict, refused)) => {
                prop_assert_eq!(verdict, other.verdict.clone());
                prop_assert_eq!(other.heard.len(), expect.len());
                prop_assert_eq!(refused.len(), usize::from(other.said));
                prop_assert!(refused.iter().all(|refusal| *refusal == answer));
                idle
            }
            Err((idle, said)) => {
                prop_assert!(other.said);
                prop_assert_eq!(said, answer);
                prop_assert_eq!(other.heard.len(), at + 1);
                idle
            }
        };
        other.heard.clear();
        other.at = usize::MAX;
        other.verdict = Verdict {
            modifications: vec![Modification::Quarantine(b"why".to_vec())],
            answer: Answer::TempFail,
        };
        let start = idle.new_connection().unwrap().unwrap();
        let Ok((_, verdict, refused)) = exchange(start, &mut other, &second) else {
            return Err(TestCaseError::fail("the second mail"));
        };
        prop_assert_eq!((verdict, refused), (other.verdict, vec![]));
        let news = other.heard.iter().filter(|event| matches!(event, Event::NewConnection)).count();
        prop_assert_eq!(news, 1);
    }
}
