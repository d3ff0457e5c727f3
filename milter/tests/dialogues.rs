//! Runs `fixtures/milter/*.txt`: what an MTA says, what the filter machine must answer, octet by octet.
//!
//! A file is a list of lines; the first, behind `#`, says what the dialogue shows:
//! - `set protocol 0xNN`: the protocol bits that the filter wishes;
//! - `on CODE r`: it refuses where it is asked about this command;
//! - `C: CODE DATA`: the MTA's packet; `C+ OCTETS`: octets as they are. `\r`, `\n`, `\t`, `\0` and `\xNN` stand for octets;
//! - `S: CODE DATA`: the filter's next packet, which comes now;
//! - `H: NAME:VALUE`: the header field that it heard last;
//! - `waits`: half a packet is there; `quit`: the MTA has left; `broken TEXT`: the session ends with this fault.
//!
//! Each dialogue runs with each packet in one piece, and again octet by octet.

#![allow(clippy::unwrap_used, clippy::panic)] // in the helpers of the tests

use std::path::Path;

use milter::answer::{Answer, BodyAnswer};
use milter::fault::Fault;
use milter::filter::{Event, Filter, Fresh, Limits, Opening, Step};
use milter::negotiate::{Protocol, Wish};

/// MI1 to MI24: each file names the rules it shows.
#[test]
fn dialogues() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/milter");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 9, "no dialogues in {}", folder.display());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# "), "{}: what does it show?", file.display());
        for size in [usize::MAX, 1] {
            run(&format!("{} in pieces of {size}", file.display()), &text, size);
        }
    }
}

enum Machine {
    Fresh(Fresh),
    Filter(Box<Filter>),
    Quit,
    Broken(String),
}

/// A filter at work, and what is known of it.
struct Bench {
    machine: Machine,
    output: Vec<u8>,
    refuses: Option<char>,
    header: String,
}

fn run(name: &str, text: &str, size: usize) {
    let setting = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    let bits = setting("set protocol 0x").map_or(0, |bits| u32::from_str_radix(bits, 16).unwrap());
    let wish = Wish { protocol: Protocol::from_bits(bits), ..Wish::default() };
    let refuses = setting("on ").and_then(|line| line.strip_suffix(" r")?.chars().next());
    let machine = Machine::Fresh(Fresh::new(wish, Limits::default()));
    let mut bench = Bench { machine, output: Vec::new(), refuses, header: String::new() };
    for (at, line) in text.lines().enumerate() {
        let place = format!("{name}:{}: {line}", at + 1);
        match line.split_at_checked(3) {
            Some(("C: ", packet)) => bench.feed(&frame(packet), size),
            Some(("C+ ", octets)) => bench.feed(&unescape(octets), size),
            Some(("S: ", packet)) => {
                let expect = frame(packet);
                assert!(bench.output.starts_with(&expect), "{place}: {:?}", bench.output);
                bench.output.drain(..expect.len());
                continue;
            }
            Some(("H: ", field)) => {
                assert_eq!(bench.header.as_bytes(), unescape(field), "{place}");
            }
            _ if line.starts_with("# ") || line.starts_with("set ") || line.starts_with("on ") => {}
            _ => bench.stands(&place, line),
        }
        let more = text.lines().nth(at + 1).is_some_and(|next| next.starts_with("S: "));
        assert_eq!(bench.output.is_empty(), !more, "{place}: {:?}", bench.output);
    }
}

impl Bench {
    fn feed(&mut self, octets: &[u8], size: usize) {
        for piece in octets.chunks(size) {
            let machine = std::mem::replace(&mut self.machine, Machine::Quit);
            let next = self.work(machine, piece);
            self.machine = next.unwrap_or_else(|fault| Machine::Broken(fault.to_string()));
        }
    }

    fn work(&mut self, machine: Machine, mut input: &[u8]) -> Result<Machine, Fault> {
        let mut filter = match machine {
            Machine::Filter(filter) => *filter,
            Machine::Fresh(fresh) => match fresh.next(&mut input)? {
                Opening::More(fresh) => return Ok(Machine::Fresh(fresh)),
                Opening::Quit => return Ok(Machine::Quit),
                Opening::Agreed(filter) => filter,
            },
            over => return Ok(over),
        };
        loop {
            self.output.append(filter.output());
            filter = match filter.next(&mut input)? {
                Step::More(mut filter) => {
                    self.output.append(filter.output());
                    return Ok(Machine::Filter(Box::new(filter)));
                }
                Step::Quit => return Ok(Machine::Quit),
                Step::Told(_, filter) => filter,
                Step::Asked(event, question) => question.answer(self.answer(&event))?,
                Step::Body(_, question) => question.answer(BodyAnswer::Answer(Answer::Continue))?,
                Step::End(ending) => {
                    ending.finish(Answer::Accept.into()).map_err(|(fault, _)| fault)?
                }
            };
        }
    }

    fn answer(&mut self, event: &Event) -> Answer {
        if let Event::Header(field) = event {
            let (name, value) = (&field.name, &field.value);
            let text = [name.as_slice(), b":", value.as_slice()].concat();
            self.header = String::from_utf8(text).unwrap();
        }
        let refused = matches!(event, Event::Rcpt(_)) && self.refuses == Some('R');
        if refused { Answer::Reject } else { Answer::Continue }
    }

    fn stands(&self, place: &str, line: &str) {
        match &self.machine {
            Machine::Filter(filter) if line == "waits" => assert!(filter.is_inside(), "{place}"),
            Machine::Quit => assert_eq!(line, "quit", "{place}"),
            Machine::Broken(why) => {
                let expect = line.strip_prefix("broken ").unwrap_or_default();
                assert!(!expect.is_empty() && why.starts_with(expect), "{place}: {why}");
            }
            _ => panic!("{place}: it is not so"),
        }
    }
}

/// A packet from its code and its data.
fn frame(packet: &str) -> Vec<u8> {
    let (code, data) = packet.split_once(' ').unwrap_or((packet, ""));
    let inside = [code.as_bytes(), &unescape(data)].concat();
    [&u32::try_from(inside.len()).unwrap().to_be_bytes()[..], &inside].concat()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (octet, used) = match part.split_at(1).0 {
            "r" => (b'\r', 1),
            "n" => (b'\n', 1),
            "t" => (b'\t', 1),
            "0" => (0, 1),
            "x" => (u8::from_str_radix(part.get(1..3).unwrap(), 16).unwrap(), 3),
            other => panic!("what is \\{other}?"),
        };
        out.push(octet);
        out.extend_from_slice(part.split_at(used).1.as_bytes());
    }
    out
}
