//! A plain blocking MTA for tests of milters: says what it is told and gives back what it hears, byte by byte.
//!
//! It shares no code with the product's milter, and it can be as rude as a test needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::{Doing, Failure, Result, mail};

const TIMEOUT: Duration = Duration::from_secs(120);

/// All actions that version 6 has.
pub const ACTIONS: u32 = 0x1ff;
/// All protocol bits that version 6 has.
pub const PROTOCOL: u32 = 0x1f_ffff;

const SKIP: u32 = 0x400;
const LEADING_SPACE: u32 = 0x10_0000;

/// Octets of one body packet (MILTER_CHUNK_SIZE).
const PIECE: usize = 65_535;

trait Wire: Read + Write + Send {}
impl<S: Read + Write + Send> Wire for S {}

/// One connection to a milter.
pub struct Client {
    wire: Box<dyn Wire>,
    /// What was agreed: version, actions and protocol bits.
    pub version: u32,
    pub actions: u32,
    pub protocol: u32,
}

/// Who sends what to whom.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    pub ip: &'a str,
    pub host: &'a str,
    pub helo: &'a str,
    pub from: &'a str,
    pub to: Vec<&'a str>,
    /// Macros of the connection and of MAIL.
    pub connect: Vec<(&'a str, &'a str)>,
    pub mail: Vec<(&'a str, &'a str)>,
}

impl Default for Envelope<'_> {
    /// A mail from a parent's provider to a class.
    fn default() -> Self {
        Envelope {
            ip: "192.0.2.25",
            host: "mail.post.example",
            helo: "mail.post.example",
            from: "ayse.oeztuerk@post.example",
            to: vec!["klasse-5b@schule.example"],
            connect: vec![("j", "mx.schule.example"), ("{daemon_name}", "mx.schule.example")],
            mail: vec![("i", "4XyzABC")],
        }
    }
}

/// What a milter said in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Code and data of each modification, in order.
    pub changes: Vec<(char, Vec<u8>)>,
    /// `c`, `a`, `r`, `t`, `d` or `y`.
    pub answer: char,
    /// The text of a `y`.
    pub text: String,
    /// How often it told of progress.
    pub progress: usize,
    /// Was it asked for no more of the body?
    pub skipped: bool,
}

impl Outcome {
    /// Values of the headers of this name that it adds.
    pub fn added(&self, name: &str) -> Vec<String> {
        let field = |(code, data): &(char, Vec<u8>)| {
            let text = String::from_utf8_lossy(data.strip_suffix(b"\0")?).into_owned();
            let (of, value) = text.split_once('\0')?;
            (*code == 'h' && of.eq_ignore_ascii_case(name)).then(|| value.trim().to_owned())
        };
        self.changes.iter().filter_map(field).collect()
    }

    /// Names and indexes of the headers that it deletes, in order.
    pub fn deleted(&self) -> Vec<(String, u32)> {
        let field = |(code, data): &(char, Vec<u8>)| {
            let (index, rest) = data.split_first_chunk::<4>()?;
            let name = rest.strip_suffix(b"\0\0")?;
            let name = String::from_utf8_lossy(name).into_owned();
            (*code == 'm').then_some((name, u32::from_be_bytes(*index)))
        };
        self.changes.iter().filter_map(field).collect()
    }

    /// Did the mail go on?
    pub fn is_passed(&self) -> bool {
        matches!(self.answer, 'c' | 'a')
    }
}

impl Client {
    /// Connects and offers everything that version 6 has.
    pub fn connect(address: SocketAddr) -> Result<Client> {
        let mut client = Client::raw(address)?;
        client.negotiate(6, ACTIONS, PROTOCOL)?;
        Ok(client)
    }

    /// The same on a unix socket.
    pub fn connect_unix(path: &Path) -> Result<Client> {
        let stream =
            UnixStream::connect(path).doing(|| format!("connect to {}", path.display()))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let mut client = Client { wire: Box::new(stream), version: 0, actions: 0, protocol: 0 };
        client.negotiate(6, ACTIONS, PROTOCOL)?;
        Ok(client)
    }

    /// Connects and says nothing.
    pub fn raw(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)
            .doing(|| format!("connect to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Client { wire: Box::new(stream), version: 0, actions: 0, protocol: 0 })
    }

    /// Offers, and keeps what is agreed.
    pub fn negotiate(&mut self, version: u32, actions: u32, protocol: u32) -> Result<u32> {
        let offer: Vec<u8> =
            [version, actions, protocol].iter().flat_map(|n| n.to_be_bytes()).collect();
        self.say('O', &offer)?;
        let (code, data) = self.hear()?;
        let number = |at: usize| {
            let octets = data.get(at..at + 4).and_then(|o| o.try_into().ok());
            octets.map(u32::from_be_bytes)
        };
        let (Some(version), Some(actions), Some(protocol)) = (number(0), number(4), number(8))
        else {
            return Err(Failure(format!("no offer but {code:?} {data:?}")));
        };
        (self.version, self.actions, self.protocol) = (version, actions, protocol);
        Ok(version)
    }

    /// Any octets whatever.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.wire.write_all(bytes).doing(|| "write to the milter".to_owned())
    }

    /// One packet.
    pub fn say(&mut self, code: char, data: &[u8]) -> Result<()> {
        let length = u32::try_from(data.len() + 1).doing(|| "a packet".to_owned())?;
        let code = u8::try_from(code).doing(|| "a code".to_owned())?;
        self.write(&[&length.to_be_bytes()[..], &[code], data].concat())
    }

    /// The next packet.
    pub fn hear(&mut self) -> Result<(char, Vec<u8>)> {
        let mut length = [0; 4];
        self.wire.read_exact(&mut length).doing(|| "read from the milter".to_owned())?;
        let mut packet = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or(0)];
        self.wire.read_exact(&mut packet).doing(|| "read from the milter".to_owned())?;
        let (code, data) =
            packet.split_first().ok_or_else(|| Failure::new("a packet of length 0"))?;
        Ok((char::from(*code), data.to_vec()))
    }

    /// Waits until the milter has closed the connection; false where it only falls silent.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.wire.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// A command, and its answer unless it was agreed that there is none.
    pub fn command(&mut self, code: char, data: &[u8]) -> Result<char> {
        self.say(code, data)?;
        let silent = match code {
            'C' => 0x1000,
            'H' => 0x2000,
            'M' => 0x4000,
            'R' => 0x8000,
            'T' => 0x1_0000,
            'L' => 0x80,
            'N' => 0x4_0000,
            'B' => 0x8_0000,
            _ => 0,
        };
        if self.protocol & silent != 0 { Ok('c') } else { Ok(self.hear()?.0) }
    }

    fn macros(&mut self, of: char, macros: &[(&str, &str)]) -> Result<()> {
        let mut data = vec![u8::try_from(of).unwrap_or(b'?')];
        for (name, value) in macros {
            data.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
        }
        self.say('D', &data)
    }

    /// Connection and HELO.
    pub fn greet(&mut self, envelope: &Envelope) -> Result<()> {
        self.macros('C', &envelope.connect)?;
        let mut data = format!("{}\0", envelope.host).into_bytes();
        data.push(if envelope.ip.contains(':') { b'6' } else { b'4' });
        data.extend_from_slice(&40_000_u16.to_be_bytes());
        data.extend_from_slice(format!("{}\0", envelope.ip).as_bytes());
        self.command('C', &data)?;
        self.command('H', format!("{}\0", envelope.helo).as_bytes())?;
        Ok(())
    }

    /// MAIL to DATA.
    pub fn envelope(&mut self, envelope: &Envelope) -> Result<()> {
        self.macros('M', &envelope.mail)?;
        self.command('M', format!("<{}>\0", envelope.from).as_bytes())?;
        for to in &envelope.to {
            self.command('R', format!("<{to}>\0").as_bytes())?;
        }
        // DATA is younger than the protocol.
        if self.version >= 4 {
            self.command('T', b"")?;
        }
        Ok(())
    }

    /// The header of a mail; what the milter says to its end.
    pub fn header(&mut self, mail: &[u8]) -> Result<(char, Vec<u8>)> {
        let head = mail::split(mail).0;
        let head = String::from_utf8_lossy(head).into_owned();
        let unfolded =
            head.trim_end_matches("\r\n").replace("\r\n ", "\n ").replace("\r\n\t", "\n\t");
        for field in unfolded.split("\r\n").filter(|f| !f.is_empty()) {
            let (name, value) = field.split_once(':').unwrap_or((field, ""));
            let exact = self.protocol & LEADING_SPACE != 0;
            let value = if exact { value } else { value.strip_prefix(' ').unwrap_or(value) };
            self.command('L', format!("{name}\0{value}\0").as_bytes())?;
        }
        self.say('N', b"")?;
        if self.protocol & 0x4_0000 != 0 { Ok(('c', Vec::new())) } else { self.hear() }
    }

    /// One mail on a greeted connection.
    pub fn mail(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<Outcome> {
        self.envelope(envelope)?;
        let (code, data) = self.header(mail)?;
        if code != 'c' {
            return Ok(Outcome { answer: code, text: text(&data), ..Outcome::default() });
        }
        let mut skipped = false;
        for piece in mail::split(mail).1.chunks(PIECE) {
            match self.command('B', piece)? {
                's' if self.protocol & SKIP != 0 => {
                    skipped = true;
                    break;
                }
                'c' => {}
                other => return Ok(Outcome { answer: other, ..Outcome::default() }),
            }
        }
        let mut outcome = self.end()?;
        outcome.skipped = skipped;
        Ok(outcome)
    }

    /// The end of a mail: everything up to the final answer.
    pub fn end(&mut self) -> Result<Outcome> {
        self.say('E', b"")?;
        let mut outcome = Outcome::default();
        loop {
            match self.hear()? {
                ('p', _) => outcome.progress += 1,
                (code @ ('c' | 'a' | 'r' | 't' | 'd' | 'y'), data) => {
                    (outcome.answer, outcome.text) = (code, text(&data));
                    return Ok(outcome);
                }
                change => outcome.changes.push(change),
            }
        }
    }

    pub fn quit(mut self) {
        let _ = self.say('Q', b"");
    }
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data.strip_suffix(b"\0").unwrap_or(data)).into_owned()
}

/// One mail over a connection of its own.
pub fn ask(address: SocketAddr, envelope: &Envelope, mail: &[u8]) -> Result<Outcome> {
    let mut client = Client::connect(address)?;
    client.greet(envelope)?;
    let outcome = client.mail(envelope, mail)?;
    client.quit();
    Ok(outcome)
}
