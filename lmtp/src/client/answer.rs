//! What the server says: replies put together from octets, the offers in its EHLO, and its name for a mail.
//!
//! Client side. What we answer as a server is `crate::reply`.

use memchr::memchr;

/// Longest reply that is read, all lines together, in octets.
pub const MAX_REPLY: usize = 4096;

/// A whole reply (RFC 5321 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599.
    pub code: u16,
    /// Texts behind the code without line ends or control characters; an enhanced code is part of the text.
    pub lines: Vec<String>,
}

impl Answer {
    /// The lines in one, joined by a space.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// 2yz.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text())
    }
}

/// What came is no SMTP reply; the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    #[error("the reply is longer than {MAX_REPLY} octets")]
    TooLong,
    #[error("the reply does not begin with a three-digit code")]
    NoCode,
    #[error("the lines of the reply have different codes")]
    Codes,
}

/// Puts replies together, whatever the pieces they arrive in.
#[derive(Debug, Default)]
pub struct Reader {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Octets of this reply so far.
    size: usize,
    code: Option<u16>,
    lines: Vec<String>,
}

impl Reader {
    /// Takes octets off the front of `input` until a reply is complete; `None` = all taken, more is needed.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Answer>, Nonsense> {
        while let Some(at) = memchr(b'\n', input) {
            let (line, rest) = input.split_at(at + 1);
            *input = rest;
            self.hold(line)?;
            if let Some(answer) = self.end_of_line()? {
                return Ok(Some(answer));
            }
        }
        let rest = std::mem::take(input);
        self.hold(rest)?;
        Ok(None)
    }

    fn hold(&mut self, octets: &[u8]) -> Result<(), Nonsense> {
        self.size += octets.len();
        if self.size > MAX_REPLY {
            return Err(Nonsense::TooLong);
        }
        self.line.extend_from_slice(octets);
        Ok(())
    }

    fn end_of_line(&mut self) -> Result<Option<Answer>, Nonsense> {
        let line = std::mem::take(&mut self.line);
        let (code, last, text) = parse_line(line.trim_ascii_end()).ok_or(Nonsense::NoCode)?;
        if *self.code.get_or_insert(code) != code {
            return Err(Nonsense::Codes);
        }
        self.lines.push(text);
        if !last {
            return Ok(None);
        }
        self.size = 0;
        self.code = None;
        Ok(Some(Answer { code, lines: std::mem::take(&mut self.lines) }))
    }
}

/// `250-text`, `250 text` or `250`: code, whether it is the last line, and the text.
fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(code).ok()?.parse().ok()?;
    if !(200..=599).contains(&code) {
        return None;
    }
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    // Exim answers BDAT with "250- 46 byte chunk, ...": the space is not part of what it says.
    let text = String::from_utf8_lossy(text.trim_ascii_start());
    Some((code, last, text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()))
}

/// What a server offers in its answer to EHLO (RFC 5321 4.1.1.1), as far as we use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// RFC 2920
    pub pipelining: bool,
    /// RFC 3030
    pub chunking: bool,
    /// 8BITMIME, RFC 6152
    pub eight_bit: bool,
    /// SMTPUTF8, RFC 6531
    pub utf8: bool,
    /// RFC 3461
    pub dsn: bool,
    /// RFC 3207
    pub starttls: bool,
    /// The largest message in octets (RFC 1870); `None` = SIZE is offered without a limit, or not at all.
    pub max_size: Option<u64>,
    /// SIZE is offered.
    pub size: bool,
}

impl Capabilities {
    pub fn parse(answer: &Answer) -> Capabilities {
        let mut can = Capabilities::default();
        for line in answer.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "PIPELINING" => can.pipelining = true,
                "CHUNKING" => can.chunking = true,
                "8BITMIME" => can.eight_bit = true,
                "SMTPUTF8" => can.utf8 = true,
                "DSN" => can.dsn = true,
                "STARTTLS" => can.starttls = true,
                "SIZE" => {
                    can.size = true;
                    can.max_size = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                }
                _ => {}
            }
        }
        can
    }
}

/// The server's name for the mail it just accepted, so that it can be found in its log.
///
/// Exim says `OK id=1tABCD-0000000Abc-1xyz`, Postfix `2.0.0 Ok: queued as 4Xy7B23kLz`.
pub fn queue_id(text: &str) -> Option<&str> {
    let behind = |mark: &str| text.find(mark).and_then(|at| text.get(at + mark.len()..));
    let rest = behind("id=").or_else(|| behind("queued as "))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    rest.get(..end).filter(|id| (4..=64).contains(&id.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Result<Vec<Answer>, Nonsense> {
        let mut reader = Reader::default();
        let (mut input, mut answers) = (text, Vec::new());
        while let Some(answer) = reader.read(&mut input)? {
            answers.push(answer);
        }
        Ok(answers)
    }

    fn answer(code: u16, lines: &[&str]) -> Answer {
        Answer { code, lines: lines.iter().map(|l| (*l).to_owned()).collect() }
    }

    /// RFC 5321 4.2.1, and what servers in the wild add to it.
    #[test]
    fn replies() {
        let cases: [(&str, Result<Vec<Answer>, Nonsense>); 10] = [
            ("250 OK\r\n", Ok(vec![answer(250, &["OK"])])),
            ("250\r\n", Ok(vec![answer(250, &[""])])),
            ("250- a\r\n250-b c\r\n250 d\r\n", Ok(vec![answer(250, &["a", "b c", "d"])])),
            ("250 a\n550 b\n", Ok(vec![answer(250, &["a"]), answer(550, &["b"])])),
            ("250 in two", Ok(vec![])),
            ("250 bell\x07\r\n", Ok(vec![answer(250, &["bell "])])),
            ("2x0 a\r\n", Err(Nonsense::NoCode)),
            ("HTTP/1.1 400 Bad Request\r\n", Err(Nonsense::NoCode)),
            ("650 a\r\n", Err(Nonsense::NoCode)),
            ("250-a\r\n550 b\r\n", Err(Nonsense::Codes)),
        ];
        for (text, expect) in cases {
            assert_eq!(all(text.as_bytes()), expect, "{text:?}");
        }
        assert_eq!(all(b"250 \xff\r\n"), Ok(vec![answer(250, &["\u{fffd}"])]));
    }

    /// Promise 10: a reply has an end, in one line or in many.
    #[test]
    fn a_reply_without_end_is_refused() {
        assert_eq!(all(&[b'2'; MAX_REPLY + 1]), Err(Nonsense::TooLong));
        assert_eq!(all("250-a\r\n".repeat(600).as_bytes()), Err(Nonsense::TooLong));
        let longest = format!("250 {}\r\n", "a".repeat(MAX_REPLY - 6));
        assert_eq!(all(longest.repeat(3).as_bytes()).map(|a| a.len()), Ok(3));
    }

    #[test]
    fn pieces_do_not_matter() {
        let text = b"250-mx greets\r\n250 SIZE 5\r\n354 go\r\n";
        for cut in 0..text.len() {
            let (a, b) = text.split_at(cut);
            let mut reader = Reader::default();
            let mut answers = Vec::new();
            for mut piece in [a, b] {
                while let Some(answer) = reader.read(&mut piece).expect("fine") {
                    answers.push(answer);
                }
            }
            assert_eq!(
                answers,
                [answer(250, &["mx greets", "SIZE 5"]), answer(354, &["go"])],
                "{cut}"
            );
        }
    }

    #[test]
    fn offers() {
        let said = answer(250, &["mx PIPELINING", "size 1000", "8BITMIME", "Chunking", "AUTH X"]);
        let expect = Capabilities {
            size: true,
            max_size: Some(1000),
            eight_bit: true,
            chunking: true,
            ..Capabilities::default()
        };
        assert_eq!(Capabilities::parse(&said), expect);
        let none = Capabilities::parse(&answer(250, &["mx", "SIZE 0"]));
        assert_eq!(none, Capabilities { size: true, ..Capabilities::default() });
    }

    #[test]
    fn queue_ids() {
        let cases = [
            ("OK id=1tQbCd-00000003xYz-1aBc", Some("1tQbCd-00000003xYz-1aBc")),
            ("OK id=1abc-000-Xy", Some("1abc-000-Xy")),
            ("2.0.0 Ok: queued as 4Xy7B23kLzz9", Some("4Xy7B23kLzz9")),
            ("2.0.0 Ok: queued as ABCDEF12;x", Some("ABCDEF12")),
            ("OK", None),
            ("id=", None),
            ("queued as ", None),
        ];
        for (text, expect) in cases {
            assert_eq!(queue_id(text), expect, "{text:?}");
        }
    }
}
