//! Lines of Exim's main log (Exim's specification, chapter 53), as far as they say what became of a recipient.
//!
//! Pure and bounded: one line in, what it says out. Not which lines are about copies of ours, and not where the log is.

use crate::outcome::Reply;

/// Longest line that is read (octets); Exim cuts its own at 8 KB.
pub const MAX_LINE: usize = 16 * 1024;

/// Longest answer that is kept (characters).
const MAX_TEXT: usize = 400;

/// A line about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub at: Written,
    /// The message's name in Exim's queue, e.g. `1xV2AA-000009-1b`.
    pub queue_id: &'a str,
    pub what: What,
}

/// When it was written, as it stands in the log: in the host's own time where no zone is given.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub year: i16,
    pub month: i8,
    pub day: i8,
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
    /// Seconds east of Greenwich (`log_timezone`).
    pub zone: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What a recipient's server answered, or that it did not.
    Heard(Heard),
    /// Nothing more will be tried (`Completed`).
    Completed,
    /// Anything else, e.g. that it arrived, or that nobody was asked yet.
    Other,
}

/// One recipient's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub answer: Answer,
    /// As Exim was given it: before its own aliases.
    pub recipient: String,
    /// Who answered, e.g. `mx00.t-online.de`.
    pub host: Option<String>,
    /// Code 0 and Exim's own words where no server said anything.
    pub reply: Reply,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `=>` and `->`
    Accepted,
    /// `==`
    Deferred,
    /// `**`
    Refused,
}

/// Reads one line without its end; `None` where it is about no message, or no line of Exim's.
pub fn line(text: &str) -> Option<Line<'_>> {
    if text.len() > MAX_LINE {
        return None;
    }
    let (at, rest) = written(text)?;
    let (queue_id, rest) = rest.split_once(' ')?;
    if !is_queue_id(queue_id) {
        return None;
    }
    Some(Line { at, queue_id, what: what(rest) })
}

fn what(rest: &str) -> What {
    if rest == "Completed" || rest.starts_with("Completed ") {
        return What::Completed;
    }
    let (flag, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let heard = match flag {
        "=>" | "->" => accepted(rest),
        "==" => deferred(rest),
        "**" => refused(rest),
        _ => None,
    };
    heard.map_or(What::Other, What::Heard)
}

fn accepted(rest: &str) -> Option<Heard> {
    let (recipient, fields) = recipient(rest)?;
    let said = field(fields, "C").unwrap_or_default();
    Some(Heard { answer: Answer::Accepted, recipient, host: host(fields), reply: reply(said) })
}

/// That nobody was asked yet is no answer: first passes, waits for the next try, held domains, names without a host.
fn deferred(rest: &str) -> Option<Heard> {
    let (recipient, fields) = recipient(rest)?;
    let (before, behind) = fields.split_once("defer (")?;
    let (number, words) = behind.split_once(')')?;
    let host = host(words).or_else(|| host(before));
    let number: i64 = number.parse().ok()?;
    // Positive ones are the system's: a connection that was refused or timed out.
    if host.is_none() && number <= 0 {
        return None;
    }
    let words = words.strip_prefix(':').unwrap_or(words);
    Some(Heard { answer: Answer::Deferred, recipient, host, reply: reply(message(words)) })
}

fn refused(rest: &str) -> Option<Heard> {
    let (recipient, fields) = recipient(rest)?;
    let host = host(fields);
    Some(Heard { answer: Answer::Refused, recipient, host, reply: reply(message(fields)) })
}

/// The address that Exim was given, and what stands behind it. Behind an alias the first one stands in `<>`.
fn recipient(rest: &str) -> Option<(String, &str)> {
    let (delivered, rest) = match rest.strip_prefix('"') {
        // A local part in quotes may have spaces.
        Some(quoted) => {
            let at = quoted.find("\"@")?;
            let end = quoted.get(at..)?.find(' ').map_or(quoted.len(), |space| at + space);
            (rest.get(..end + 1)?, rest.get(end + 1..)?)
        }
        None => rest.split_once(' ').unwrap_or((rest, "")),
    };
    let rest = rest.trim_start();
    let original = rest.strip_prefix('<').and_then(|rest| {
        let end = rest.find('>')?;
        Some((rest.get(..end)?, rest.get(end + 1..)?))
    });
    let (address, rest) = original.unwrap_or((delivered.trim_end_matches(':'), rest));
    let address = address.to_owned();
    (address.contains('@') && address.len() <= 320).then_some((address, rest))
}

/// Text behind the first colon outside quotes, else the whole.
fn message(text: &str) -> &str {
    let mut quoted = false;
    let colon =
        text.char_indices().zip(text.chars().skip(1).chain([' '])).find(|((_, c), next)| {
            quoted ^= *c == '"';
            *c == ':' && *next == ' ' && !quoted
        });
    colon.and_then(|((at, _), _)| text.get(at + 1..)).unwrap_or(text).trim()
}

/// The value of ` NAME=value` or ` NAME="value"`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = [format!(" {name}="), format!("{name}=")];
    let [inside, first] = start;
    let value = match text.strip_prefix(&first) {
        Some(value) => value,
        None => text.split_once(&inside)?.1,
    };
    match value.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted
                .match_indices('"')
                .map(|(at, _)| at)
                .find(|at| !quoted.get(..*at).unwrap_or_default().ends_with('\\'));
            quoted.get(..end.unwrap_or(quoted.len()))
        }
        None => value.split(' ').next(),
    }
}

/// `H=mx.example [192.0.2.1]:25` as its name, else its address.
fn host(text: &str) -> Option<String> {
    let name = field(text, "H")?.trim_end_matches(':');
    let plain: String = name.chars().filter(|c| c.is_ascii_graphic()).take(255).collect();
    (!plain.is_empty()).then_some(plain)
}

/// A server's code and words out of what Exim writes around them.
fn reply(text: &str) -> Reply {
    let starts = std::iter::once(0).chain(text.match_indices(": ").map(|(at, _)| at + 2));
    let found = starts.filter_map(|at| text.get(at..)).find_map(|said| Some((code(said)?, said)));
    match found {
        Some((code, said)) => Reply { code, text: words(said) },
        None => Reply { code: 0, text: words(text) },
    }
}

/// Three digits of a reply, with a space or a hyphen behind them or nothing.
fn code(said: &str) -> Option<u16> {
    let digits = said.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let fits = matches!(said.as_bytes().get(3), None | Some(b' ' | b'-'));
    digits.parse().ok().filter(|code| fits && (200..600).contains(code))
}

/// On one line, without the code in front of each line of a reply. Exim writes a line end as `\n`.
fn words(said: &str) -> String {
    let lines = said.split("\\n").map(|line| match code(line) {
        Some(_) => line.get(4..).unwrap_or_default(),
        None => line,
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

/// An answer without the address that it is about: who reads it knows, and nobody else needs to.
pub fn without(text: &str, address: &str) -> String {
    let (lower, needle) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    if needle.is_empty() {
        return text.to_owned();
    }
    for (at, _) in lower.match_indices(&needle) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str("(address)");
        from = at + needle.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// `1xV2AA-000009-1b`, and from Exim 4.97 on `1rTSy4-00000003wQ3-2eBc`.
fn is_queue_id(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').take(4).map(str::len).collect();
    let known = lengths == [6, 6, 2] || lengths == [6, 11, 4];
    known && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `2026-11-22 07:39:02`, perhaps with `.123`, ` +0100` and ` [pid]`, and what stands behind it.
fn written(text: &str) -> Option<(Written, &str)> {
    let (day, rest) = text.split_once(' ')?;
    let (time, mut rest) = rest.split_once(' ')?;
    let (whole, _) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(day, '-')?;
    let [hour, minute, second] = numbers(whole, ':')?;
    let mut zone = None;
    if rest.starts_with(['+', '-']) {
        let (text, behind) = rest.split_once(' ')?;
        (zone, rest) = (Some(seconds_east(text)?), behind);
    }
    if let Some(pid) = rest.strip_prefix('[') {
        rest = pid.split_once("] ")?.1;
    }
    let small = |n: u16| i8::try_from(n).ok();
    let at = Written {
        year: i16::try_from(year).ok()?,
        month: small(month)?,
        day: small(day)?,
        hour: small(hour)?,
        minute: small(minute)?,
        second: small(second)?,
        zone,
    };
    Some((at, rest))
}

fn numbers(text: &str, between: char) -> Option<[u16; 3]> {
    let mut parts = text.split(between).map(|part| {
        let digits = part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

fn seconds_east(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let fits = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
    let number: i32 = digits.parse().ok().filter(|_| fits)?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

#[cfg(test)]
mod tests;
