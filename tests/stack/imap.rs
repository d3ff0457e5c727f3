//! Just enough IMAP to read a parent's INBOX as her mail program would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::{Doing, Failure, Result};

const TIMEOUT: Duration = Duration::from_secs(30);
/// No mail in a test is larger.
const LARGEST: usize = 200 << 20;

struct Session {
    stream: BufReader<TcpStream>,
    tag: u32,
}

/// Every mail in the INBOX, whole, oldest first.
pub fn inbox(address: SocketAddr, user: &str, password: &str) -> Result<Vec<Vec<u8>>> {
    let mut session = Session::open(address)?;
    session.command(&format!("LOGIN \"{user}\" \"{password}\""))?;
    session.command("EXAMINE INBOX")?;
    let mails = session.command("UID FETCH 1:* BODY.PEEK[]")?;
    session.command("LOGOUT")?;
    Ok(mails)
}

/// Logs in and out again: the probe of a ready server.
pub fn login(address: SocketAddr, user: &str, password: &str) -> Result<()> {
    let mut session = Session::open(address)?;
    session.command(&format!("LOGIN \"{user}\" \"{password}\""))?;
    session.command("LOGOUT").map(|_| ())
}

impl Session {
    fn open(address: SocketAddr) -> Result<Session> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)
            .doing(|| format!("connect to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut session = Session { stream: BufReader::new(stream), tag: 0 };
        let greeting = session.line()?;
        if greeting.starts_with("* OK") { Ok(session) } else { Err(Failure(greeting)) }
    }

    /// One command; the literals of its answer. An answer other than OK is an error with its text.
    fn command(&mut self, command: &str) -> Result<Vec<Vec<u8>>> {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.stream.get_mut().write_all(format!("{tag}{command}\r\n").as_bytes())?;
        let mut literals = Vec::new();
        loop {
            let line = self.line()?;
            if let Some(end) = line.strip_prefix(&tag) {
                let verb = command.split(' ').next().unwrap_or_default();
                return if end.starts_with("OK") {
                    Ok(literals)
                } else {
                    Err(Failure(format!("IMAP {verb}: {end}")))
                };
            }
            if let Some(length) = literal(&line) {
                if length > LARGEST {
                    return Err(Failure(format!("a literal of {length} octets")));
                }
                let mut bytes = vec![0; length];
                self.stream.read_exact(&mut bytes)?;
                literals.push(bytes);
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut raw = Vec::new();
        if self.stream.read_until(b'\n', &mut raw).doing(|| "read from IMAP".to_owned())? == 0 {
            return Err(Failure::new("the IMAP server closed"));
        }
        Ok(String::from_utf8_lossy(&raw).trim_end().to_owned())
    }
}

/// The length in `... {123}` at the end of a line.
fn literal(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}
