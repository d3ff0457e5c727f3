//! A reply in the filter's own words: a code, an enhanced status code, lines of text (MI13).

use std::fmt;

use crate::packet::PacketError;

/// Octets of one line of text; what is longer is cut. RFC 5321 4.5.3.1.5 allows 512 for a whole line.
const MAX_LINE: usize = 480;
/// Lines of one reply; what is more is dropped. libmilter takes 32.
const MAX_LINES: usize = 32;

/// A reply to the SMTP client: 4yz or 5yz, printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyCode {
    code: u16,
    enhanced: String,
    lines: Vec<String>,
}

impl ReplyCode {
    /// `code` 400 to 599; `enhanced` like `5.7.1` with the same first digit, or empty; `text` with LF between
    /// lines. What is not printable ASCII in the text becomes `?`.
    ///
    /// # Errors
    /// A code or an enhanced code that is none.
    pub fn new(code: u16, enhanced: &str, text: &str) -> Result<ReplyCode, PacketError> {
        let fits = enhanced.is_empty()
            || (is_enhanced(enhanced) && enhanced.as_bytes().first().copied() == class(code));
        if !(400..=599).contains(&code) || !fits {
            return Err(PacketError::BadReplyCode);
        }
        let lines = text.split('\n').take(MAX_LINES).map(clean).collect();
        Ok(ReplyCode { code, enhanced: enhanced.to_owned(), lines })
    }

    /// 400 to 599. 421 also closes the SMTP session.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// `5.7.1`, or empty.
    pub fn enhanced(&self) -> &str {
        &self.enhanced
    }

    /// The lines of text, without codes; at least one, which may be empty.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Come again later?
    pub fn is_temporary(&self) -> bool {
        self.code < 500
    }

    /// What stands in a packet: lines joined by CRLF, each with its code, `%` doubled.
    pub(crate) fn wire(&self) -> Vec<u8> {
        let mut out = String::new();
        for (at, line) in self.lines.iter().enumerate() {
            let last = at + 1 == self.lines.len();
            out.push_str(if at == 0 { "" } else { "\r\n" });
            out.push_str(&self.code.to_string());
            out.push(if last { ' ' } else { '-' });
            if !self.enhanced.is_empty() {
                out.push_str(&self.enhanced);
                out.push(' ');
            }
            out.push_str(&line.replace('%', "%%"));
        }
        out.into_bytes()
    }

    /// Reads what stands in a packet.
    pub(crate) fn parse(wire: &[u8]) -> Result<ReplyCode, PacketError> {
        let text = String::from_utf8_lossy(wire).replace("%%", "%");
        let text = text.strip_suffix("\r\n").unwrap_or(&text);
        let (mut code, mut enhanced, mut lines) = (None, None, Vec::new());
        for line in text.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (of_line, rest) = line.split_at_checked(3).ok_or(PacketError::BadReplyCode)?;
            if *code.get_or_insert(of_line) != of_line {
                return Err(PacketError::BadReplyCode);
            }
            let rest = match rest.strip_prefix(['-', ' ']) {
                Some(rest) => rest,
                None if rest.is_empty() => rest,
                None => return Err(PacketError::BadReplyCode),
            };
            lines.push(without_enhanced(of_line, rest, &mut enhanced));
        }
        let digits = code.filter(|code| code.bytes().all(|octet| octet.is_ascii_digit()));
        let code = digits.and_then(|code| code.parse().ok()).ok_or(PacketError::BadReplyCode)?;
        ReplyCode::new(code, enhanced.unwrap_or_default(), &lines.join("\n"))
    }
}

/// The text of a line behind its enhanced code. The first line says which one it is for all.
fn without_enhanced<'a>(code: &str, text: &'a str, enhanced: &mut Option<&'a str>) -> &'a str {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let is_one = is_enhanced(first) && first.get(..1) == code.get(..1);
    let of_first = *enhanced.get_or_insert(if is_one { first } else { "" });
    if is_one && first == of_first { rest } else { text }
}

/// `5.7.1`: a class, a subject and a detail (RFC 3463 2).
fn is_enhanced(text: &str) -> bool {
    let number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|o| o.is_ascii_digit());
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts.as_slice(), ["4" | "5", subject, detail] if number(subject) && number(detail))
}

fn class(code: u16) -> Option<u8> {
    u8::try_from(code / 100).ok().map(|class| b'0' + class)
}

fn clean(line: &str) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    line.chars().take(MAX_LINE).map(printable).collect()
}

impl fmt::Display for ReplyCode {
    /// On one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.enhanced.is_empty() {
            write!(f, " {}", self.enhanced)?;
        }
        write!(f, " {}", self.lines.join(" / "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MI13: the octets in the packet, and the reply they are; `None`: none.
    #[test]
    fn mi13_parse() {
        type Parts = (u16, &'static str, &'static str);
        let cases: &[(&str, Option<Parts>)] = &[
            ("550 5.7.1 text", Some((550, "5.7.1", "text"))),
            ("451 4.7.0 later", Some((451, "4.7.0", "later"))),
            ("421 4.3.2 closing", Some((421, "4.3.2", "closing"))),
            ("550 text alone", Some((550, "", "text alone"))),
            ("550", Some((550, "", ""))),
            ("550 ", Some((550, "", ""))),
            ("550 5.7.1", Some((550, "5.7.1", ""))),
            ("550 100%% sure", Some((550, "", "100% sure"))),
            ("550 100% sure", Some((550, "", "100% sure"))),
            ("550-5.7.1 a\r\n550-5.7.1 b\r\n550 5.7.1 c", Some((550, "5.7.1", "a\nb\nc"))),
            ("550-5.7.1 a\r\n550 5.7.1 b\r\n", Some((550, "5.7.1", "a\nb"))),
            ("550-a\n550 b", Some((550, "", "a\nb"))),
            ("550-5.7.1 a\r\n550 5.7.2 b", Some((550, "5.7.1", "a\n5.7.2 b"))),
            // A class that is not the code's is text.
            ("550 4.7.1 text", Some((550, "", "4.7.1 text"))),
            ("550 5.7 text", Some((550, "", "5.7 text"))),
            ("550 gr\u{fc}n\u{1b}[0m", Some((550, "", "gr?n?[0m"))),
            ("", None),
            ("55", None),
            ("5500 text", None),
            ("250 2.0.0 fine", None),
            ("354 go on", None),
            ("600 text", None),
            ("399 text", None),
            ("+50 text", None),
            ("5 0 text", None),
            ("550-a\r\n551 b", None),
            ("550-a\r\nb", None),
            ("550 a\r\n\r\n550 b", None),
        ];
        for (wire, expect) in cases {
            let expect = expect.map(|(code, enhanced, text)| {
                ReplyCode::new(code, enhanced, text).map_err(|error| error.to_string())
            });
            let found = ReplyCode::parse(wire.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(found.clone().ok(), expect.and_then(Result::ok), "{wire:?}");
            if let Ok(code) = found {
                assert_eq!(ReplyCode::parse(&code.wire()), Ok(code), "there and back");
            }
        }
    }

    /// MI13: what a filter of ours writes.
    #[test]
    fn mi13_wire() {
        let two = ReplyCode::new(550, "5.7.1", "virus\n100 % sure\u{e9}").unwrap();
        assert_eq!(two.wire(), b"550-5.7.1 virus\r\n550 5.7.1 100 %% sure?");
        assert_eq!(two.to_string(), "550 5.7.1 virus / 100 % sure?");
        for (code, enhanced) in
            [(250, ""), (399, ""), (600, ""), (550, "4.7.1"), (550, "5.7"), (451, "x")]
        {
            assert_eq!(ReplyCode::new(code, enhanced, ""), Err(PacketError::BadReplyCode));
        }
        let long =
            ReplyCode::new(550, "", &format!("{}\n", "x".repeat(1_000)).repeat(100)).unwrap();
        assert_eq!((long.lines().len(), long.lines()[0].len()), (32, 480));
    }
}
