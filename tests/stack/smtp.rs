//! A plain blocking SMTP and LMTP client for tests: says what it is told and gives back what it hears.
//!
//! It shares no code with the product's client, and it can be as rude as a test needs.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use data_encoding::BASE64;

use crate::{Doing, Failure, Result, talks};

const TIMEOUT: Duration = Duration::from_secs(120);

/// A whole reply, also of several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// Without code and separator.
    pub lines: Vec<String>,
}

impl Reply {
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// Fails with the whole reply unless its code is `code`.
    pub fn expect(self, code: u16) -> Result<Reply> {
        if self.code == code {
            Ok(self)
        } else {
            Err(Failure(format!("expected {code}, got {self}")))
        }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" / "))
    }
}

/// Who the client is to the server.
#[derive(Clone, Debug)]
pub enum As<'a> {
    /// A program on this host.
    Local,
    /// A mail server elsewhere: the address goes ahead in a PROXY line, for Exim's MX port.
    Outside(&'a str),
    /// A person who logs in: name and password.
    User(&'a str, &'a str),
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    /// The server's port, and this connection's name in `talks`.
    talk: (u16, u64),
    /// What the last EHLO or LHLO offered.
    pub extensions: Vec<String>,
}

impl Client {
    /// Connects and reads the greeting.
    pub fn connect(address: SocketAddr) -> Result<Client> {
        let mut client = Client::raw(address)?;
        client.reply()?.expect(220)?;
        Ok(client)
    }

    /// Connects, greets and logs in as asked.
    pub fn open(address: SocketAddr, who: &As) -> Result<Client> {
        let mut client = Client::raw(address)?;
        if let As::Outside(ip) = who {
            let line = format!("PROXY TCP4 {ip} 127.0.0.1 40000 {}\r\n", address.port());
            client.write(line.as_bytes())?;
        }
        client.reply()?.expect(220)?;
        client.hello(
            "EHLO",
            if matches!(who, As::Outside(_)) { "mail.post.example" } else { "client.example" },
        )?;
        if let As::User(name, password) = who {
            let token = BASE64.encode(format!("\0{name}\0{password}").as_bytes());
            client.say(&format!("AUTH PLAIN {token}"))?.expect(235)?;
        }
        Ok(client)
    }

    fn raw(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)
            .doing(|| format!("connect to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let talk = (address.port(), talks::number());
        Ok(Client { stream: BufReader::new(stream), talk, extensions: Vec::new() })
    }

    /// `EHLO` or `LHLO`; keeps the extensions.
    pub fn hello(&mut self, verb: &str, name: &str) -> Result<Reply> {
        let reply = self.say(&format!("{verb} {name}"))?.expect(250)?;
        self.extensions = reply.lines.iter().skip(1).cloned().collect();
        Ok(reply)
    }

    pub fn offers(&self, extension: &str) -> bool {
        self.extensions.iter().any(|e| e.split(' ').next() == Some(extension))
    }

    /// One command and its reply.
    pub fn say(&mut self, line: &str) -> Result<Reply> {
        self.write(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        talks::said(self.talk.0, self.talk.1, bytes);
        self.stream.get_mut().write_all(bytes).doing(|| "write to the server".to_owned())
    }

    /// True where nothing comes for so long.
    pub fn stays_silent(&mut self, time: Duration) -> Result<bool> {
        self.stream.get_ref().set_read_timeout(Some(time))?;
        let silent = match self.stream.fill_buf() {
            Ok(_) => false,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.stream.get_ref().set_read_timeout(Some(TIMEOUT))?;
        Ok(silent)
    }

    pub fn reply(&mut self) -> Result<Reply> {
        let mut lines = Vec::new();
        loop {
            let mut raw = Vec::new();
            self.stream.read_until(b'\n', &mut raw).doing(|| "read a reply".to_owned())?;
            talks::heard(self.talk.0, self.talk.1, &raw);
            let line = String::from_utf8_lossy(&raw).trim_end().to_owned();
            let code = line.get(..3).and_then(|c| c.parse().ok());
            let Some(code) = code else {
                return Err(Failure(format!("the server closed or said no reply: {line:?}")));
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// DATA, the mail with dots stuffed, and one reply.
    pub fn data(&mut self, mail: &[u8]) -> Result<Reply> {
        let go = self.say("DATA")?;
        if go.code != 354 {
            return Ok(go);
        }
        self.write(&stuff(mail))?;
        self.reply()
    }

    /// The mail in BDAT chunks of at most `size` octets; the last reply.
    pub fn bdat(&mut self, mail: &[u8], size: usize) -> Result<Reply> {
        let chunks: Vec<&[u8]> = mail.chunks(size.max(1)).collect();
        let mut reply = Reply { code: 0, lines: vec!["no chunk".to_owned()] };
        for (i, chunk) in chunks.iter().enumerate() {
            let last = if i + 1 == chunks.len() { " LAST" } else { "" };
            let mut bytes = format!("BDAT {}{last}\r\n", chunk.len()).into_bytes();
            bytes.extend_from_slice(chunk);
            self.write(&bytes)?;
            reply = self.reply()?;
            if !reply.is_positive() {
                break;
            }
        }
        Ok(reply)
    }

    pub fn quit(mut self) {
        let _ = self.say("QUIT");
    }
}

/// The bytes between 354 and the reply: dots doubled, the end of data appended.
pub fn stuff(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 64);
    let mut at_start = true;
    for byte in mail {
        if at_start && *byte == b'.' {
            out.push(b'.');
        }
        out.push(*byte);
        at_start = *byte == b'\n';
    }
    out.extend_from_slice(if at_start { b".\r\n" } else { b"\r\n.\r\n" });
    out
}

/// Sends one mail by SMTP: the first reply that is no success, else the last one.
pub fn send(address: SocketAddr, who: &As, from: &str, to: &[&str], mail: &[u8]) -> Result<Reply> {
    let mut client = Client::open(address, who)?;
    let utf8 = [from].iter().chain(to).any(|a| !a.is_ascii());
    let parameter = if utf8 { " SMTPUTF8" } else { "" };
    let mut reply = client.say(&format!("MAIL FROM:<{from}>{parameter}"))?;
    for to in to {
        if reply.is_positive() {
            reply = client.say(&format!("RCPT TO:<{to}>"))?;
        }
    }
    if reply.is_positive() {
        reply = client.data(mail)?;
    }
    client.quit();
    Ok(reply)
}

/// Delivers one mail by LMTP: one reply for each recipient, in order, from RCPT or from the end of data.
pub fn deliver(address: SocketAddr, from: &str, to: &[&str], mail: &[u8]) -> Result<Vec<Reply>> {
    let mut client = Client::connect(address)?;
    client.hello("LHLO", "client.example")?;
    let replies = client.deliver(from, to, mail)?;
    client.quit();
    Ok(replies)
}

impl Client {
    /// One LMTP transaction on an open connection.
    pub fn deliver(&mut self, from: &str, to: &[&str], mail: &[u8]) -> Result<Vec<Reply>> {
        self.say(&format!("MAIL FROM:<{from}>"))?.expect(250)?;
        let mut replies = Vec::with_capacity(to.len());
        for to in to {
            replies.push(self.say(&format!("RCPT TO:<{to}>"))?);
        }
        if replies.iter().any(Reply::is_positive) {
            self.say("DATA")?.expect(354)?;
            self.write(&stuff(mail))?;
            for reply in replies.iter_mut().filter(|r| r.is_positive()) {
                *reply = self.reply()?;
            }
        } else {
            self.say("RSET")?.expect(250)?;
        }
        Ok(replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_the_end_is_on_its_own_line() {
        assert_eq!(stuff(b".\r\n..a\r\nb.\r\n"), b"..\r\n...a\r\nb.\r\n.\r\n");
        assert_eq!(stuff(b"a"), b"a\r\n.\r\n");
        assert_eq!(stuff(b""), b".\r\n");
    }
}
