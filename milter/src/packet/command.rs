//! What the MTA says.

use std::net::IpAddr;

use super::PacketError;
use super::wire::{Reader, put};
use crate::code;
use crate::frame::Frame;
use crate::header::Field;
use crate::macros::Macros;
use crate::negotiate::Offer;

/// One command with its data. Texts are octets as they came, without their NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Negotiate(Offer),
    /// Macros for the command with this code.
    Macros(code::Command, Macros),
    Connect(Connect),
    /// The name in HELO or EHLO.
    Helo(Vec<u8>),
    Mail(Path),
    Rcpt(Path),
    Data,
    /// A header field as the wire has it: with or without its leading space, as was agreed (MI16).
    Header(Field),
    HeaderEnd,
    Body(Vec<u8>),
    /// With the last piece of the body where an old MTA puts it there (MI17).
    BodyEnd(Vec<u8>),
    /// The line that the MTA did not understand.
    Unknown(Vec<u8>),
    Abort,
    QuitNewConnection,
    Quit,
}

/// Who connected to the MTA (MI14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Its name, or its address in brackets.
    pub host: Vec<u8>,
    pub family: Family,
    /// 0 for a unix socket; not on the wire where the family is unknown.
    pub port: u16,
    /// An IP address in text, or the path of a unix socket; empty where the family is unknown.
    pub address: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Unknown,
    Unix,
    Inet,
    Inet6,
}

impl Connect {
    /// A client with an IP address.
    pub fn inet(host: impl Into<Vec<u8>>, ip: IpAddr, port: u16) -> Connect {
        let family = if ip.is_ipv4() { Family::Inet } else { Family::Inet6 };
        Connect { host: host.into(), family, port, address: ip.to_string().into_bytes() }
    }

    /// A client of which no address is known.
    pub fn unknown(host: impl Into<Vec<u8>>) -> Connect {
        Connect { host: host.into(), family: Family::Unknown, port: 0, address: Vec::new() }
    }

    /// The client's address; Sendmail puts `IPv6:` before it.
    pub fn ip(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(&self.address).ok()?;
        let bare = match text.get(..5) {
            Some(prefix) if prefix.eq_ignore_ascii_case("ipv6:") => text.get(5..)?,
            _ => text,
        };
        matches!(self.family, Family::Inet | Family::Inet6).then(|| bare.parse().ok()).flatten()
    }
}

impl Family {
    fn octet(self) -> u8 {
        match self {
            Family::Unknown => b'U',
            Family::Unix => b'L',
            Family::Inet => b'4',
            Family::Inet6 => b'6',
        }
    }

    fn from_octet(octet: u8) -> Option<Family> {
        let all = [Family::Unknown, Family::Unix, Family::Inet, Family::Inet6];
        all.into_iter().find(|family| family.octet() == octet)
    }
}

/// An address of the envelope with its ESMTP arguments (MI15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// As it came, most often in angle brackets; `<>` is the null sender.
    pub address: Vec<u8>,
    /// `SIZE=1000`, `BODY=8BITMIME`, ...
    pub arguments: Vec<Vec<u8>>,
}

impl Path {
    /// An address without brackets; they are put around it. Empty: the null sender.
    pub fn new(address: &str) -> Path {
        Path { address: format!("<{address}>").into_bytes(), arguments: Vec::new() }
    }

    /// The address without angle brackets; empty: the null sender.
    pub fn bare(&self) -> &[u8] {
        let inner = self.address.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">"));
        inner.unwrap_or(&self.address)
    }
}

impl Command {
    /// The code it stands under.
    pub fn code(&self) -> code::Command {
        match self {
            Command::Negotiate(_) => code::Command::Negotiate,
            Command::Macros(..) => code::Command::Macro,
            Command::Connect(_) => code::Command::Connect,
            Command::Helo(_) => code::Command::Helo,
            Command::Mail(_) => code::Command::Mail,
            Command::Rcpt(_) => code::Command::Rcpt,
            Command::Data => code::Command::Data,
            Command::Header(_) => code::Command::Header,
            Command::HeaderEnd => code::Command::HeaderEnd,
            Command::Body(_) => code::Command::Body,
            Command::BodyEnd(_) => code::Command::BodyEnd,
            Command::Unknown(_) => code::Command::Unknown,
            Command::Abort => code::Command::Abort,
            Command::QuitNewConnection => code::Command::QuitNewConnection,
            Command::Quit => code::Command::Quit,
        }
    }

    /// Reads a packet.
    pub fn decode(frame: Frame) -> Result<Command, PacketError> {
        let code = code::Command::from_octet(frame.code);
        let code = code.ok_or(PacketError::UnknownCode(frame.code))?;
        let mut data = Reader::new(frame.code, &frame.data);
        let command = match code {
            code::Command::Body => return Ok(Command::Body(frame.data)),
            code::Command::BodyEnd => return Ok(Command::BodyEnd(frame.data)),
            code::Command::Negotiate => Command::Negotiate(Offer::read(&mut data)?),
            code::Command::Macro => macros(&mut data)?,
            code::Command::Connect => return connect(&mut data).map(Command::Connect),
            code::Command::Helo => Command::Helo(data.text()?),
            code::Command::Mail => Command::Mail(path(&mut data)?),
            code::Command::Rcpt => Command::Rcpt(path(&mut data)?),
            code::Command::Data => Command::Data,
            code::Command::Header => {
                Command::Header(Field { name: data.text()?, value: data.text()? })
            }
            code::Command::HeaderEnd => Command::HeaderEnd,
            code::Command::Unknown => Command::Unknown(data.text()?),
            code::Command::Abort => Command::Abort,
            code::Command::QuitNewConnection => Command::QuitNewConnection,
            code::Command::Quit => Command::Quit,
        };
        data.end()?;
        Ok(command)
    }

    /// The packet.
    pub fn encode(&self) -> Result<Frame, PacketError> {
        let mut data = Vec::new();
        match self {
            Command::Negotiate(offer) => offer.write(&mut data),
            Command::Macros(of, macros) => {
                data.push(of.octet());
                for (name, value) in macros.iter() {
                    put(name, &mut data)?;
                    put(value, &mut data)?;
                }
            }
            Command::Connect(connect) => {
                put(&connect.host, &mut data)?;
                data.push(connect.family.octet());
                if connect.family != Family::Unknown {
                    data.extend_from_slice(&connect.port.to_be_bytes());
                    put(&connect.address, &mut data)?;
                }
            }
            Command::Helo(text) | Command::Unknown(text) => put(text, &mut data)?,
            Command::Mail(path) | Command::Rcpt(path) => {
                put(&path.address, &mut data)?;
                for argument in &path.arguments {
                    put(argument, &mut data)?;
                }
            }
            Command::Header(field) => {
                put(&field.name, &mut data)?;
                put(&field.value, &mut data)?;
            }
            Command::Body(piece) | Command::BodyEnd(piece) => data.extend_from_slice(piece),
            Command::Data
            | Command::HeaderEnd
            | Command::Abort
            | Command::QuitNewConnection
            | Command::Quit => {}
        }
        Ok(Frame::new(self.code().octet(), data))
    }
}

fn macros(data: &mut Reader<'_>) -> Result<Command, PacketError> {
    let of = code::Command::from_octet(data.octet()?).ok_or(data.malformed())?;
    let mut macros = Macros::default();
    while !data.is_empty() {
        macros.set(data.text()?, data.text()?);
    }
    Ok(Command::Macros(of, macros))
}

fn connect(data: &mut Reader<'_>) -> Result<Connect, PacketError> {
    let host = data.text()?;
    let family = Family::from_octet(data.octet()?).ok_or(data.malformed())?;
    if family == Family::Unknown {
        // Some MTAs send a port and an address here as well; they mean nothing.
        return Ok(Connect::unknown(host));
    }
    let (port, address) = (data.u16()?, data.text()?);
    data.end()?;
    Ok(Connect { host, family, port, address })
}

fn path(data: &mut Reader<'_>) -> Result<Path, PacketError> {
    Ok(Path { address: data.text()?, arguments: data.texts()? })
}
