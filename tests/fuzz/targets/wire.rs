//! What comes from other servers: LMTP commands and mails, replies of the relay.

use listcore::exim_log::{self, What};
use listcore::provider;
use lmtp::client::answer::{MAX_REPLY, Nonsense, Reader};
use lmtp::client::stuff::Stuffer;
use lmtp::client::{Answer, Capabilities, Client, Envelope, Fate, Framing, Next, queue_id};
use lmtp::data::{DotReader, Piece};
use lmtp::reply::Reply;
use lmtp::server::Flavor;

#[path = "../../../lmtp/tests/common/mod.rs"]
mod common;

use common::Rule;
use common::invariants::{hold, small};

/// LM35: a whole connection to our server, in both flavours, with kind and unkind answers, whole and in pieces.
/// What must hold for events and replies stands in `hold`.
pub fn server(stream: &[u8]) {
    let on = |ask: &str, path: &str, code| {
        let reply = Reply::new(code, "5.0.0", "text\r\n250 forged \u{fc}");
        Rule { ask: ask.to_owned(), path: path.to_owned(), reply }
    };
    let unkind = [on("rcpt", "m@d.example", 550), on("end", "*", 451), on("begin", "*", 452)];
    for flavor in [Flavor::Lmtp, Flavor::Smtp] {
        let config = small(flavor);
        for rules in [&unkind[..0], &unkind[..2], &unkind[..]] {
            let whole = hold(&config, rules, stream, usize::MAX);
            assert_eq!(hold(&config, rules, stream, 3), whole, "the split changes what is said");
        }
    }
}

/// The dot-reader says the same for each split, and undoes what the stuffer did to any message.
pub fn dots(octets: &[u8]) {
    let whole = unstuffed(octets, usize::MAX);
    assert_eq!(unstuffed(octets, 1), whole);
    assert_eq!(unstuffed(octets, 5), whole);

    let wire = stuffed(octets, usize::MAX);
    assert_eq!(stuffed(octets, 1), wire);
    assert_eq!(stuffed(octets, 4), wire);
    let (message, left) = unstuffed(&wire, usize::MAX);
    assert_eq!(left.as_deref(), Some(&b""[..]), "the message ends where it ends, and not before");
    // A server that takes a bare LF, or a bare CR, for a line end must not find the end of data inside.
    let inside = wire.strip_suffix(b".\r\n").expect("the end");
    for fake in [&b"\n.\n"[..], b"\n.\r\n"] {
        assert!(!inside.windows(fake.len()).any(|window| window == fake), "X1");
    }
    let bare = octets.iter().enumerate().any(|(at, octet)| {
        *octet == b'\n' && at.checked_sub(1).and_then(|at| octets.get(at)) != Some(&b'\r')
    });
    if !bare {
        let mut expect = octets.to_vec();
        if !expect.is_empty() && !expect.ends_with(b"\r\n") {
            expect.extend_from_slice(b"\r\n");
        }
        assert_eq!(message, expect, "LM23");
    }
}

fn stuffed(message: &[u8], size: usize) -> Vec<u8> {
    let (mut stuffer, mut out) = (Stuffer::default(), Vec::new());
    message.chunks(size).for_each(|piece| stuffer.piece(piece, &mut out));
    out.push(stuffer.end());
    out.concat()
}

/// The message, and what is left behind its end where there is one.
fn unstuffed(wire: &[u8], size: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut reader = DotReader::new();
    let (mut message, mut left, mut ended) = (Vec::new(), Vec::new(), false);
    for piece in wire.chunks(size) {
        let mut input = piece;
        while !ended {
            match reader.read(&mut input) {
                Piece::Bytes(bytes) => message.extend_from_slice(bytes),
                Piece::End => ended = true,
                Piece::More => break,
            }
        }
        left.extend_from_slice(input);
    }
    (message, ended.then_some(left))
}

/// Replies are the same in each split, printable, bounded, and their capabilities readable.
pub fn replies(stream: &[u8]) {
    let whole = answers(stream, usize::MAX);
    for size in [1, 7] {
        let split = answers(stream, size);
        // How much of a line that is too long was held when it was given up is no matter.
        assert_eq!(split, whole, "the split changes the replies");
    }
    for answer in &whole.0 {
        assert!((200..=599).contains(&answer.code));
        assert!(answer.lines.iter().flat_map(|line| line.chars()).all(|c| !c.is_control()));
        // A broken octet becomes U+FFFD, which has three.
        assert!(answer.lines.iter().map(String::len).sum::<usize>() <= 3 * MAX_REPLY);
        let _ = Capabilities::parse(answer);
        if let Some(id) = queue_id(&answer.text()) {
            assert!((4..=64).contains(&id.len()) && id.is_ascii());
        }
    }
}

fn answers(stream: &[u8], size: usize) -> (Vec<Answer>, Option<Nonsense>) {
    let (mut reader, mut answers) = (Reader::default(), Vec::new());
    for mut piece in stream.chunks(size) {
        loop {
            match reader.read(&mut piece) {
                Ok(Some(answer)) => answers.push(answer),
                Ok(None) => break,
                Err(nonsense) => return (answers, Some(nonsense)),
            }
        }
        assert!(piece.is_empty());
    }
    (answers, None)
}

/// A whole connection of our client to a relay that says anything. The first octet chooses mail and pieces.
pub fn client(stream: &[u8]) {
    let Some((&choice, stream)) = stream.split_first() else { return };
    let size = usize::from(choice >> 3) + 1;
    let mut relay = Relay { client: Client::new("lists.example", choice & 1 == 1), begun: 0 };
    let eight_bit = choice & 2 == 2;
    relay.go_on(eight_bit);
    for piece in stream.chunks(size) {
        relay.client.receive(piece);
        relay.go_on(eight_bit);
    }
    relay.client.lost("gone");
    assert_eq!(relay.client.next(), Next::Closed);
    relay.report();
    assert!(relay.begun == 0, "a transaction has no report");
}

struct Relay {
    client: Client,
    /// Transactions whose report is still to come: none or one.
    begun: usize,
}

impl Relay {
    /// Does what the machine asks for until it wants to read.
    fn go_on(&mut self, eight_bit: bool) {
        let to =
            ["a@x.example".to_owned(), "\"b c\"@x.example".to_owned(), "d@x.example".to_owned()];
        // A machine that never wants to read again would hang its driver.
        for _ in 0..100 {
            self.look_at_output();
            match self.client.next() {
                Next::Read => return,
                Next::Message(framing) => {
                    assert!(self.begun == 1);
                    let _: Framing = framing;
                    self.client.message_sent();
                }
                Next::Tls => self.client.tls_is_up(),
                Next::Closed => return self.report(),
                Next::Ready => {
                    self.report();
                    let envelope = Envelope {
                        sender: Some("s@lists.example"),
                        recipients: &to,
                        size: if eight_bit { 100 } else { 100_000 },
                        eight_bit,
                        utf8: false,
                    };
                    match self.client.begin(&envelope) {
                        Ok(()) => self.begun += 1,
                        Err(_) => return,
                    }
                }
            }
        }
        panic!("the client is never content");
    }

    /// Commands are whole lines, and nothing that the relay said is among them.
    fn look_at_output(&mut self) {
        let output = self.client.output();
        assert!(output.is_empty() || output.ends_with(b"\r\n"));
        for line in output.split_inclusive(|octet| *octet == b'\n') {
            let known = [
                "EHLO ",
                "HELO ",
                "STARTTLS",
                "RSET",
                "MAIL FROM:<",
                "RCPT TO:<",
                "DATA",
                "BDAT ",
                "QUIT",
            ];
            assert!(known.iter().any(|start| line.starts_with(start.as_bytes())), "{line:?}");
            assert!(line.len() <= 1_000 && line.is_ascii());
        }
    }

    /// One fate per recipient, once; a mail counts as accepted only where the relay said 2yz.
    fn report(&mut self) {
        let Some(report) = self.client.take_report() else { return };
        assert_eq!((self.begun, report.fates.len()), (1, 3));
        self.begun = 0;
        for fate in report.fates {
            match fate {
                Fate::Accepted(answer) => assert_eq!(answer.code / 100, 2),
                Fate::Deferred(_, answer) => assert_eq!(answer.code / 100, 4),
                Fate::Refused(_, answer) => assert_eq!(answer.code / 100, 5),
                Fate::Lost { .. } => {}
            }
        }
        assert!(self.client.take_report().is_none());
    }
}

/// A log in any state: what is heard is one line, bounded, and names somebody.
pub fn exim_log(octets: &[u8]) {
    for text in super::text(octets).split('\n') {
        let Some(line) = exim_log::line(text) else { continue };
        assert!(line.queue_id.len() >= 16 && line.queue_id.is_ascii());
        let What::Heard(heard) = line.what else { continue };
        assert!(heard.recipient.contains('@') && heard.recipient.len() <= 320);
        assert!(heard.host.iter().all(|host| host.chars().all(|c| c.is_ascii_graphic())));
        assert!(!heard.reply.text.chars().any(char::is_control));
        assert!(heard.reply.code == 0 || (200..600).contains(&heard.reply.code));
        let _ = provider::reason(&heard);
        let hidden = exim_log::without(&heard.reply.text, &heard.recipient);
        assert!(hidden.len() <= heard.reply.text.len() * 4);
    }
}
