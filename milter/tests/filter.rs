//! The filter machine: every combination of what is left out and not answered, the order of commands, limits.

#![allow(clippy::unwrap_used, clippy::panic)] // in the helpers of the tests

mod common;

use common::{LEFT_OUT, SILENT};
use milter::answer::{Answer, BodyAnswer, Verdict};
use milter::code;
use milter::fault::Fault;
use milter::filter::{Event, Filter, Fresh, Limits, Opening, Step};
use milter::frame::{Decoder, FrameError};
use milter::header::Field;
use milter::macros::Macros;
use milter::negotiate::{Actions, Disagreement, Offer, Protocol, Wish};
use milter::packet::{Command, Connect, Modification, PacketError, Path, Reply};

fn offer() -> Offer {
    Offer { version: 6, actions: Actions::ALL, protocol: Protocol::ALL }
}

fn wire(commands: &[Command]) -> Vec<u8> {
    let mut out = Vec::new();
    commands.iter().for_each(|command| command.encode().unwrap().encode(&mut out).unwrap());
    out
}

fn replies(mut wire: &[u8]) -> Vec<Reply> {
    let mut decoder = Decoder::new();
    std::iter::from_fn(|| decoder.feed(&mut wire).unwrap())
        .map(|frame| Reply::decode(frame).unwrap())
        .collect()
}

/// A session that has agreed on all that the wish names and the offer has.
fn agreed(wish: Wish, offer: Offer, limits: Limits) -> Filter {
    let wire = wire(&[Command::Negotiate(offer)]);
    match Fresh::new(wish, limits).next(&mut wire.as_slice()).unwrap() {
        Opening::Agreed(mut filter) => {
            filter.output().clear();
            filter
        }
        other => panic!("{other:?}"),
    }
}

fn with_protocol(protocol: Protocol) -> Filter {
    agreed(Wish { protocol, ..Wish::default() }, offer(), Limits::default())
}

/// Lets the machine work through octets. All is answered with `say`; gives the events and the replies.
fn run(
    mut filter: Filter,
    mut input: &[u8],
    say: &dyn Fn(&Event) -> Answer,
) -> Result<(Vec<Event>, Vec<Reply>, Filter), Fault> {
    let mut events = Vec::new();
    loop {
        filter = match filter.next(&mut input)? {
            Step::More(mut filter) => {
                let output = std::mem::take(filter.output());
                return Ok((events, replies(&output), filter));
            }
            Step::Told(event, filter) => {
                events.push(event);
                filter
            }
            Step::Asked(event, question) => {
                let answer = say(&event);
                events.push(event);
                question.answer(answer)?
            }
            Step::Body(piece, question) => {
                let event = Event::Body(piece);
                let answer = say(&event);
                events.push(event);
                question.answer(BodyAnswer::Answer(answer))?
            }
            Step::End(ending) => {
                ending.finish(Answer::Accept.into()).map_err(|(fault, _)| fault)?
            }
            Step::Quit => panic!("nobody said quit"),
        }
    }
}

fn go_on(_: &Event) -> Answer {
    Answer::Continue
}

fn connect() -> Command {
    Command::Connect(Connect::inet("mx.example", "192.0.2.1".parse().unwrap(), 25))
}

/// A whole SMTP session with one mail.
fn session() -> Vec<Command> {
    vec![
        connect(),
        Command::Helo(b"mx.example".to_vec()),
        Command::Mail(Path::new("a@x.example")),
        Command::Rcpt(Path::new("b@y.example")),
        Command::Unknown(b"XYZZY".to_vec()),
        Command::Rcpt(Path::new("c@y.example")),
        Command::Data,
        Command::Header(Field::new("Subject", "x")),
        Command::Header(Field::new("To", "y")),
        Command::HeaderEnd,
        Command::Body(b"one\r\n".to_vec()),
        Command::Body(b"two\r\n".to_vec()),
        Command::BodyEnd(Vec::new()),
    ]
}

/// The union of those bits whose place in the list is set in `choice`.
fn choose(bits: &[Protocol], choice: usize) -> Protocol {
    let chosen = bits.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
    chosen.fold(Protocol::NONE, |all, (_, bit)| all | *bit)
}

/// MI6: under each of the 512 combinations of unanswered commands, exactly the others have one reply each, at
/// once; twice in a row on one connection, so that nothing is left over.
#[test]
fn mi6_each_combination_of_silence() {
    for choice in 0..512 {
        let protocol = choose(&SILENT, choice);
        let mut filter = with_protocol(protocol);
        for round in 0..2 {
            for command in session().into_iter().skip(round * 2) {
                let (events, replies, next) =
                    run(filter, &wire(std::slice::from_ref(&command)), &go_on).unwrap();
                filter = next;
                let expect = match command.code() {
                    code::Command::BodyEnd => vec![Reply::Accept],
                    code if protocol.is_silent(code) => vec![],
                    _ => vec![Reply::Continue],
                };
                assert_eq!(replies, expect, "{command:?} under {protocol:?}");
                assert_eq!(events.len(), usize::from(command.code() != code::Command::BodyEnd));
            }
        }
    }
}

/// MI6: under each of the 512 combinations of commands that are left out, the others come through, and what was
/// to be left out ends the session.
#[test]
fn mi6_each_combination_of_what_is_left_out() {
    for choice in 0..512 {
        let protocol = choose(&LEFT_OUT, choice) | choose(&SILENT, choice * 7 % 512);
        let (rest, gone): (Vec<_>, Vec<_>) =
            session().into_iter().partition(|command| !protocol.is_left_out(command.code()));
        let sent = wire(&rest);
        let (events, _, _) = run(with_protocol(protocol), &sent, &go_on).unwrap();
        assert_eq!(events.len() + 1, rest.len(), "{protocol:?}");
        for command in gone {
            let code = command.code();
            let fault = run(with_protocol(protocol), &wire(&[command]), &go_on).unwrap_err();
            assert!(matches!(fault, Fault::Order { command, .. } if command == code), "{fault}");
        }
    }
}

/// MI8, MI9: what may follow what, with nothing left out. `.` is an abort.
#[test]
fn mi8_order() {
    let cases = [
        ("CHMRRTLLNBBE", None),
        ("CHMRTNE", None),
        ("CMRTLNBE", None),
        ("CHMRLNBE", None),
        ("CHMRTLNBEMRTLNE", None),
        ("A", None),
        ("AACAHAMAAMRAAMRTAMRTLAMRTLNAMRTLNBAAMRTLNBE", None),
        ("CHMRTLNBEKCHMRTLNBE", None),
        ("KKC", None),
        ("CHHMR", None),
        ("CHUMUR", None),
        ("DCDHDMDRDTDNDEDA", None),
        ("CDHDMDRDRDTLDNBDE", None),
        ("H", Some('H')),
        ("M", Some('M')),
        ("CC", Some('C')),
        ("CR", Some('R')),
        ("CT", Some('T')),
        ("CL", Some('L')),
        ("CB", Some('B')),
        ("CE", Some('E')),
        ("CHMM", Some('M')),
        ("CHMRHMHAMRTLNBE", None),
        ("CHMRTH", Some('H')),
        ("CHMRC", Some('C')),
        ("CHMRTT", Some('T')),
        ("CHMRTR", Some('R')),
        ("CHMRTU", Some('U')),
        ("CHMRTLB", Some('B')),
        ("CHMRTLE", Some('E')),
        ("CHMRTLNN", Some('N')),
        ("CHMRTLNL", Some('L')),
        ("CHMRTLNBL", Some('L')),
        ("CHMRTLNBEE", Some('E')),
        ("CHMRTLNBEB", Some('B')),
        ("CHO", Some('O')),
    ];
    for (script, wrong) in cases {
        let mut filter = Some(with_protocol(Protocol::NONE));
        let mut stopped = None;
        for letter in script.chars() {
            let of = code::Command::Mail;
            let command = match letter {
                'A' => Command::Abort,
                'D' => Command::Macros(of, Macros::default().with("i", "1")),
                'K' => Command::QuitNewConnection,
                'O' => Command::Negotiate(offer()),
                _ => {
                    session().into_iter().find(|c| char::from(c.code().octet()) == letter).unwrap()
                }
            };
            match run(filter.take().unwrap(), &wire(&[command]), &go_on) {
                Ok((_, _, next)) => filter = Some(next),
                Err(Fault::Order { command, .. }) => {
                    stopped = Some(char::from(command.octet()));
                    assert_eq!(stopped, Some(letter), "{script}");
                    break;
                }
                Err(other) => panic!("{script}: {other}"),
            }
        }
        assert_eq!(stopped, wrong, "{script}");
    }
}

/// MI10: behind an answer that ends the message, another one may begin, or an abort comes; at RCPT a refusal is
/// one recipient's.
#[test]
fn mi10_answers_end_messages() {
    let starts = [
        (code::Command::Mail, false),
        (code::Command::Rcpt, true),
        (code::Command::Data, false),
        (code::Command::Header, false),
        (code::Command::HeaderEnd, false),
        (code::Command::Body, false),
    ];
    for (at, of_recipient) in starts {
        for answer in [Answer::Accept, Answer::Reject, Answer::TempFail, Answer::Discard] {
            let upto = session().into_iter().position(|command| command.code() == at).unwrap() + 1;
            let input = wire(session().get(..upto).unwrap());
            let last = std::cell::Cell::new(0);
            let say = |_: &Event| {
                last.set(last.get() + 1);
                if last.get() == upto { answer.clone() } else { Answer::Continue }
            };
            let (_, _, filter) = run(with_protocol(Protocol::NONE), &input, &say).unwrap();
            let goes_on = of_recipient && answer.is_refusal();
            assert_eq!(filter.in_message(), goes_on, "{answer:?} to {at:?}");
            let again = [Command::Abort, Command::Mail(Path::new("")), Command::Abort];
            run(filter, &wire(&again), &go_on).unwrap();
        }
    }
}

/// MI11: only agreed modifications; pieces of the new body together and last; else a TEMPFAIL alone.
#[test]
fn mi11_modifications() {
    let replace = |body: &[u8]| Modification::ReplaceBody(body.to_vec());
    let add = || Modification::AddHeader(Field::new("X-A", "b"));
    let all = Wish { likes: Actions::ALL, ..Wish::default() };
    let ending = |wish: Wish| {
        let filter = agreed(wish, offer(), Limits::default());
        let mut before = session();
        let end = before.pop().unwrap();
        let (_, _, filter) = run(filter, &wire(&before), &go_on).unwrap();
        match filter.next(&mut wire(&[end]).as_slice()).unwrap() {
            Step::End(ending) => ending,
            other => panic!("{other:?}"),
        }
    };
    let mut at_work = ending(all);
    at_work.progress().unwrap();
    let long = vec![b'x'; 65_536];
    let modifications = vec![replace(&long), add(), Modification::Quarantine(b"why".to_vec())];
    let mut filter = at_work.finish(Verdict { modifications, answer: Answer::Accept }).unwrap();
    let expect = vec![
        Reply::Progress,
        Reply::Modify(Modification::AddHeader(Field {
            name: b"X-A".to_vec(),
            value: b"b".to_vec(),
        })),
        Reply::Modify(Modification::Quarantine(b"why".to_vec())),
        Reply::Modify(replace(&long[..65_535])),
        Reply::Modify(replace(b"x")),
        Reply::Accept,
    ];
    assert_eq!(replies(filter.output()), expect);

    let nul = Modification::AddHeader(Field::new("X-\0", "b"));
    for (wish, modification, fault) in [
        (Wish::default(), add(), Fault::NotAllowed(code::Reply::AddHeader)),
        (Wish { needs: Actions::ADD_HEADERS, ..Wish::default() }, nul, PacketError::Nul.into()),
    ] {
        let verdict = Verdict { modifications: vec![modification], answer: Answer::Accept };
        let (why, output) = ending(wish).finish(verdict).unwrap_err();
        assert_eq!((why, replies(&output)), (fault, vec![Reply::TempFail]));
    }
}

/// MI12: SKIP is said where it was agreed; else the rest is swallowed, in step.
#[test]
fn mi12_skip() {
    for (protocol, expect) in [(Protocol::SKIP, Reply::Skip), (Protocol::NONE, Reply::Continue)] {
        let mut before = session();
        let (end, second) = (before.pop().unwrap(), before.pop().unwrap());
        let first = before.pop().unwrap();
        let (_, _, filter) = run(with_protocol(protocol), &wire(&before), &go_on).unwrap();
        let Step::Body(_, question) = filter.next(&mut wire(&[first]).as_slice()).unwrap() else {
            panic!("no piece of a body");
        };
        let mut filter = question.answer(BodyAnswer::Skip).unwrap();
        assert_eq!(replies(&std::mem::take(filter.output())), [expect]);
        // One that was on its way has its reply and no event.
        let (events, replies, _) = run(filter, &wire(&[second, end]), &go_on).unwrap();
        assert_eq!((events, replies), (vec![], vec![Reply::Continue, Reply::Accept]));
    }
}

/// MI16: the four cases come as they stand in the mail; without the agreement all but `Subject:x` do.
#[test]
fn mi16_leading_space() {
    for (protocol, on_wire, value) in [
        (Protocol::LEADING_SPACE, "x", "x"),
        (Protocol::LEADING_SPACE, " x", " x"),
        (Protocol::LEADING_SPACE, "  x", "  x"),
        (Protocol::LEADING_SPACE, "\tx", "\tx"),
        (Protocol::LEADING_SPACE, "", ""),
        (Protocol::NONE, "x", " x"),
        (Protocol::NONE, " x", "  x"),
        (Protocol::NONE, "\tx", "\tx"),
        (Protocol::NONE, "", " "),
    ] {
        let field = |value: &str| Field { name: b"Subject".to_vec(), value: value.into() };
        let mut input = session();
        input.truncate(7);
        input.push(Command::Header(field(on_wire)));
        let (events, _, _) = run(with_protocol(protocol), &wire(&input), &go_on).unwrap();
        assert_eq!(events.last(), Some(&Event::Header(field(value))), "{on_wire:?}");
    }
}

/// MI17: a piece that comes with the end is a piece, and the end follows.
#[test]
fn mi17_last_piece_with_the_end() {
    let mut input = session();
    input.pop();
    input.push(Command::BodyEnd(b"three".to_vec()));
    let (events, replies, _) = run(with_protocol(Protocol::NONE), &wire(&input), &go_on).unwrap();
    assert_eq!(events.last(), Some(&Event::Body(b"three".to_vec())));
    assert_eq!(replies.last(), Some(&Reply::Accept));
}

/// MI22: with braces or without, later ones hide earlier ones, a message's end with it; K forgets all.
#[test]
fn mi22_macros() {
    let set =
        |of, name: &str, value: &str| Command::Macros(of, Macros::default().with(name, value));
    let check = |filter: Filter, input: &[Command], expect: [Option<&[u8]>; 3]| {
        let (_, _, filter) = run(filter, &wire(input), &go_on).unwrap();
        let names = ["{auth_authen}", "j", "i"];
        assert_eq!(names.map(|name| filter.symbols().get(name)), expect);
        assert_eq!(filter.symbols().get("auth_authen"), expect[0]);
        filter
    };
    let filter = with_protocol(Protocol::NONE);
    let first = [set(code::Command::Connect, "j", "mx"), connect()];
    let filter = check(filter, &first, [None, Some(b"mx"), None]);
    let mail = Command::Mail(Path::new(""));
    let second = [set(code::Command::Mail, "auth_authen", "anna"), mail];
    let filter = check(filter, &second, [Some(b"anna"), Some(b"mx"), None]);
    let third = [set(code::Command::Rcpt, "{i}", "1A"), Command::Rcpt(Path::new("b@y.example"))];
    let filter = check(filter, &third, [Some(b"anna"), Some(b"mx"), Some(b"1A")]);
    let filter = check(filter, &[Command::Abort], [None, Some(b"mx"), None]);
    check(filter, &[Command::QuitNewConnection], [None, None, None]);
}

/// MI3, MI4, MI5: what is agreed, and with whom nothing is.
#[test]
fn mi3_offers() {
    let wish = Wish {
        needs: Actions::ADD_HEADERS,
        likes: Actions::QUARANTINE,
        protocol: Protocol::SKIP | Protocol::NO_UNKNOWN,
        macros: vec![(milter::negotiate::Stage::Connect, b"j _".to_vec())],
    };
    let open = |offer: Offer| {
        let wire = wire(&[Command::Negotiate(offer)]);
        Fresh::new(wish.clone(), Limits::default()).next(&mut wire.as_slice()).map(|opening| {
            match opening {
                Opening::Agreed(filter) => filter.terms().clone(),
                other => panic!("{other:?}"),
            }
        })
    };
    let terms =
        open(Offer { version: 9, protocol: Protocol::from_bits(u32::MAX), ..offer() }).unwrap();
    assert_eq!((terms.version, terms.protocol), (6, wish.protocol), "MI4, MI7");
    assert_eq!(terms.actions, wish.needs | wish.likes | Actions::SET_MACROS);
    assert_eq!(terms.macros, wish.macros);
    let old = Offer { version: 2, actions: Actions::from_bits(0x3f), protocol: Protocol::NO_HELO };
    let terms = open(old).unwrap();
    assert_eq!((terms.version, terms.protocol), (2, Protocol::NONE));
    assert_eq!((terms.actions, terms.macros), (wish.needs | wish.likes, vec![]));
    assert_eq!(open(Offer { version: 1, ..offer() }), Err(Disagreement::Version(1).into()));
    let poor = Offer { actions: Actions::CHANGE_BODY, ..offer() };
    assert_eq!(open(poor), Err(Disagreement::Needed(1).into()));
}

/// MI1, MI19: what can't be read, or is too much, ends the session.
#[test]
fn faults() {
    let limits = Limits { header: 30, recipients: 3, message: 2_000, macros: 20 };
    let upto = |code| {
        let at = session().into_iter().position(|command| command.code() == code).unwrap();
        wire(session().get(..at).unwrap())
    };
    let recipients: Vec<Command> =
        (0..4).map(|_| Command::Rcpt(Path::new("b@y.example"))).collect();
    let big = Command::Macros(code::Command::Connect, Macros::default().with("j", vec![b'x'; 20]));
    let malformed = |code| Fault::Packet(PacketError::Malformed(code));
    let cases: Vec<(Vec<u8>, Vec<u8>, Fault)> = vec![
        (vec![], b"\0\0\0\0".to_vec(), FrameError::Empty.into()),
        (vec![], b"\xff\xff\xff\xff".to_vec(), FrameError::TooLong(0xffff_ffff).into()),
        (vec![], b"\0\0\0\x01z".to_vec(), PacketError::UnknownCode(b'z').into()),
        (vec![], b"\0\0\0\x01H".to_vec(), malformed('H')),
        (vec![], b"\0\0\0\x03Hmx".to_vec(), malformed('H')),
        (vec![], b"\0\0\0\x02A\0".to_vec(), malformed('A')),
        (vec![], b"\0\0\0\x05C\0x\0\0".to_vec(), malformed('C')),
        (upto(code::Command::Header), b"\0\0\0\x07La\0b\0c\0".to_vec(), malformed('L')),
        (upto(code::Command::Header), b"\0\0\0\x03La\0".to_vec(), malformed('L')),
        (upto(code::Command::Rcpt), wire(&recipients), Fault::Limit("recipients of one message")),
        (vec![], wire(&[big]), Fault::Limit("octets of macros")),
        (
            upto(code::Command::Body),
            wire(&[Command::Body(vec![b'x'; 2_000])]),
            Fault::Limit("octets of one message"),
        ),
        (
            upto(code::Command::Header),
            wire(&[Command::Header(Field::new("Subject", "0123456789012345678901234"))]),
            Fault::Limit("octets of one header"),
        ),
    ];
    for (before, wrong, fault) in cases {
        let filter = agreed(Wish::default(), offer(), limits);
        let (_, _, filter) = run(filter, &before, &go_on).unwrap();
        assert_eq!(run(filter, &wrong, &go_on).unwrap_err(), fault);
    }
}

/// 10,000 recipients are no trouble.
#[test]
fn many_recipients() {
    let mut input = session();
    let rcpt = Command::Rcpt(Path::new("b@y.example"));
    input.splice(4..4, std::iter::repeat_n(rcpt, 10_000));
    let (events, _, _) = run(with_protocol(Protocol::NONE), &wire(&input), &go_on).unwrap();
    assert_eq!(events.len() + 1, input.len());
}
