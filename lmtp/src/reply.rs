//! Replies: a code, an enhanced code and a text, and the lines they become on the wire.
//!
//! Whatever the text holds, the lines are ASCII, at most 512 octets long and free of control
//! characters, so no text that came from a user can forge a second reply (LM5, X4).
//! Not here: which reply a situation deserves. That is `server` for the protocol and the handler
//! for the mail.

use std::fmt::Write as _;

/// RFC 5321 4.5.3.1.5: a reply line has at most 512 octets, with code and CRLF.
const MAX_LINE: usize = 512;
/// Longer texts are cut: 7 x 512 stays below the 4,096 octets that clients are known to take.
const MAX_LINES: usize = 7;

/// One reply. `text` may be of any length and content; `\n` in it starts a new line of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// RFC 3463 class, subject, detail. The class always equals the first digit of `code` (LM4).
    pub enhanced: Option<(u8, u16, u16)>,
    pub text: String,
}

impl Reply {
    /// A reply with an enhanced code written like `"5.1.1"`; an empty one gives a reply without.
    ///
    /// The class is taken from `code`, so the two can never disagree (RFC 2034 4). A code outside
    /// 200..=599 becomes 451 4.3.0: a mistake of ours must stay temporary.
    pub fn new(code: u16, enhanced: &str, text: impl Into<String>) -> Reply {
        if !(200..=599).contains(&code) {
            return Reply { code: 451, enhanced: Some((4, 3, 0)), text: text.into() };
        }
        let class = (code / 100) as u8;
        let enhanced = match (class, parts(enhanced)) {
            (3, _) => None,
            (_, Some((subject, detail))) => Some((class, subject, detail)),
            (_, None) if enhanced.is_empty() => None,
            (_, None) => Some((class, 0, 0)),
        };
        Reply { code, enhanced, text: text.into() }
    }

    /// 250 2.1.0: the sender is taken.
    pub fn sender_ok() -> Reply {
        Reply::new(250, "2.1.0", "Sender ok")
    }

    /// 250 2.1.5: the recipient is taken.
    pub fn recipient_ok() -> Reply {
        Reply::new(250, "2.1.5", "Recipient ok")
    }

    /// 250 2.6.0: the message is on stable storage.
    pub fn accepted(text: impl Into<String>) -> Reply {
        Reply::new(250, "2.6.0", text)
    }

    /// 451 4.3.0: trouble of ours, the client should come again.
    pub fn trouble(text: impl Into<String>) -> Reply {
        Reply::new(451, "4.3.0", text)
    }

    /// 2xx: what was asked is done.
    pub fn is_ok(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4xx or 5xx.
    pub fn is_refusal(&self) -> bool {
        matches!(self.code / 100, 4 | 5)
    }

    /// Appends the wire form: one or more lines, each ended by CRLF.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut lead = String::new();
        if let Some((class, subject, detail)) = self.enhanced {
            let _ = write!(lead, "{class}.{subject}.{detail} ");
        }
        let room = MAX_LINE.saturating_sub(4 + lead.len() + 2);
        let lines = lines(&self.text, room);
        for (at, line) in lines.iter().enumerate() {
            let mark = if at + 1 == lines.len() { ' ' } else { '-' };
            out.extend_from_slice(format!("{}{mark}{lead}{line}\r\n", self.code).as_bytes());
        }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        write!(f, " {}", ascii(&self.text))
    }
}

/// Subject and detail of `"5.1.1"`.
fn parts(enhanced: &str) -> Option<(u16, u16)> {
    let mut numbers = enhanced.split('.').map(|n| n.parse::<u16>().ok().filter(|n| *n < 1000));
    let (_class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some((subject, detail))
}

/// The text as lines of at most `room` octets; never none.
fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        text.split('\n').flat_map(|line| wrap(&ascii(line), room)).collect();
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES);
    }
    lines
}

/// Printable ASCII only: controls become a space, anything beyond ASCII a question mark.
fn ascii(line: &str) -> String {
    let plain = |c: char| match c {
        ' '..='~' => c,
        c if c.is_ascii() => ' ',
        _ => '?',
    };
    line.trim_end_matches('\r').chars().map(plain).collect()
}

/// Breaks an ASCII line at blanks, or hard where there is none, into pieces of at most `room`.
fn wrap(line: &str, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((head, _)) = rest.split_at_checked(room).filter(|(_, tail)| !tail.is_empty()) {
        let cut = head.rfind(' ').filter(|at| *at > room / 2).unwrap_or(room);
        let (piece, tail) = rest.split_at(cut);
        pieces.push(piece.to_owned());
        rest = tail.trim_start_matches(' ');
    }
    pieces.push(rest.to_owned());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// LM4: the class follows the code, the same enhanced code stands on each line, none on 3xx.
    #[test]
    fn lm4_enhanced_codes() {
        for (reply, expect) in [
            (Reply::new(550, "5.1.1", "no such list"), "550 5.1.1 no such list\r\n"),
            (Reply::new(451, "5.1.1", "later"), "451 4.1.1 later\r\n"),
            (Reply::new(354, "3.0.0", "go"), "354 go\r\n"),
            (Reply::new(220, "", "host LMTP"), "220 host LMTP\r\n"),
            (Reply::new(550, "nonsense", "x"), "550 5.0.0 x\r\n"),
            (Reply::new(550, "5.1.1.1", "x"), "550 5.0.0 x\r\n"),
            (Reply::new(99, "5.1.1", "x"), "451 4.3.0 x\r\n"),
            (Reply::new(700, "", "x"), "451 4.3.0 x\r\n"),
            (Reply::new(250, "2.0.0", ""), "250 2.0.0 \r\n"),
            (Reply::new(550, "5.7.1", "a\nb\nc"), "550-5.7.1 a\r\n550-5.7.1 b\r\n550 5.7.1 c\r\n"),
        ] {
            assert_eq!(wire(&reply), expect);
        }
    }

    /// LM5, X4: no control character and no 8-bit octet leaves, so no second reply can be forged.
    #[test]
    fn lm5_no_injection() {
        let reply = Reply::new(550, "5.7.1", "nur für\r\n250 2.0.0 ok\0\x1b[2J\u{2028}x");
        assert_eq!(wire(&reply), "550-5.7.1 nur f?r\r\n550 5.7.1 250 2.0.0 ok  [2J?x\r\n");
    }

    /// LM5: each line has at most 512 octets, and a text of any length stays bounded.
    #[test]
    fn lm5_long_texts_wrap() {
        for text in ["word ".repeat(300), "x".repeat(3000), "word ".repeat(100_000)] {
            let wire = wire(&Reply::new(550, "5.7.1", text));
            assert!(wire.lines().count() > 1 && wire.len() < 4096);
            assert!(wire.split_inclusive("\r\n").all(|l| l.len() <= 512), "{wire}");
            let last = wire.lines().count() - 1;
            for (at, line) in wire.lines().enumerate() {
                let mark = if at == last { "550 5.7.1 " } else { "550-5.7.1 " };
                assert!(line.starts_with(mark), "{line}");
            }
        }
    }
}
