//! Runs `fixtures/dialogues/*.txt`: what a client says, what the server must answer, to the letter.
//!
//! A file is a list of lines, `#` begins a comment, the first line says what the dialogue shows:
//! - `set KEY VALUE`: a value of the configuration, before all else;
//! - `on mail|rcpt|begin|end PATH CODE ENHANCED TEXT`: what the handler answers, `*` for any path;
//! - `C: text`: the client sends it with CRLF; `C+ text`: without. Lines in a row are one write.
//!   `\r`, `\n`, `\0`, `\\` and `\xNN` stand for octets; `{1000x}` repeats the letter behind the number;
//! - `S: text`: a line that the server sends now, no other between;
//! - `M: text`: the next message that came to its end, in the same escapes;
//! - `closed`: the server has hung up. Where it is missing, the server must still be listening.
//!
//! Each dialogue runs with each write in one piece, and again octet by octet.

mod common;

use std::path::Path;

use common::{Bench, Rule};
use lmtp::reply::Reply;
use lmtp::server::{Config, Flavor};

/// LM2 to LM19, LM25 to LM30: each file names the rules it shows.
#[test]
fn dialogues() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/dialogues");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "no dialogues in {}", folder.display());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.starts_with("# "), "{name}: the first line says what it shows");
        for size in [usize::MAX, 1, 7] {
            run(&format!("{name} in pieces of {size}"), &text, size);
        }
    }
}

fn run(name: &str, text: &str, size: usize) {
    let mut config = Config::new(Flavor::Lmtp, "lists.example");
    let mut rules = Vec::new();
    let lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(at, l)| (at + 1, l)).collect();
    for (at, line) in &lines {
        if let Some(setting) = line.strip_prefix("set ") {
            set(&mut config, setting).unwrap_or_else(|| panic!("{name}:{at}: {line}"));
        } else if let Some(rule) = line.strip_prefix("on ") {
            rules.push(parse_rule(rule).unwrap_or_else(|| panic!("{name}:{at}: {line}")));
        }
    }
    let mut bench = Bench::new(&config, &rules);
    let mut messages = 0;
    let mut write = Vec::new();
    let mut closed = false;
    bench.feed(b"");
    for (at, line) in lines {
        let place = format!("{name}:{at}");
        match line.split_at_checked(2) {
            Some(("C:", text)) => write.extend([unescape(text), b"\r\n".to_vec()].concat()),
            Some(("C+", text)) => write.extend(unescape(text)),
            _ if line.is_empty() || line.starts_with(['#']) => {}
            _ if line.starts_with("set ") || line.starts_with("on ") => {}
            other => {
                bench.feed_split(&std::mem::take(&mut write), size);
                match other {
                    Some(("S:", text)) => expect_line(&place, &mut bench, text),
                    Some(("M:", text)) => {
                        let got = bench.messages().get(messages).map(|(bytes, _)| bytes.clone());
                        messages += 1;
                        let got = got.unwrap_or_else(|| panic!("{place}: no such message"));
                        assert_eq!(show(&got), show(&unescape(text)), "{place}");
                    }
                    _ if line == "closed" => closed = true,
                    _ => panic!("{place}: what is {line}?"),
                }
            }
        }
    }
    assert!(write.is_empty(), "{name}: the last line must be the server's");
    assert_eq!(show(&bench.output), "", "{name}: the server said more");
    assert_eq!(bench.server.is_closed(), closed, "{name}: closed?");
    assert_eq!(bench.messages().len(), messages, "{name}: messages");
}

fn expect_line(place: &str, bench: &mut Bench<'_>, text: &str) {
    let end = bench.output.windows(2).position(|w| w == b"\r\n");
    let end = end.unwrap_or_else(|| panic!("{place}: the server said nothing more"));
    let line: Vec<u8> = bench.output.drain(..end + 2).collect();
    assert_eq!(show(&line[..end]), text.strip_prefix(' ').unwrap_or(text), "{place}");
}

fn set(config: &mut Config, setting: &str) -> Option<()> {
    let (key, value) = setting.split_once(' ')?;
    match key {
        "flavor" if value == "smtp" => config.flavor = Flavor::Smtp,
        "max_message_size" => config.max_message_size = value.parse().ok()?,
        "max_line_length" => config.max_line_length = value.parse().ok()?,
        "max_recipients" => config.max_recipients = value.parse().ok()?,
        "max_errors" => config.max_errors = value.parse().ok()?,
        "strict_lines" => config.strict_lines = value.parse().ok()?,
        "space_before_path" => config.space_before_path = value.parse().ok()?,
        _ => return None,
    }
    Some(())
}

fn parse_rule(rule: &str) -> Option<Rule> {
    let mut words = rule.splitn(5, ' ');
    let (ask, path) = (words.next()?.to_owned(), text_of(&unescape(words.next()?)));
    let code = words.next()?.parse().ok()?;
    let reply = Reply::new(code, words.next()?, words.next()?);
    Some(Rule { ask, path, reply })
}

/// `{1000x}` repeats, backslash escapes; one blank behind the mark is no part of the text.
fn unescape(text: &str) -> Vec<u8> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let repeat = (first == b'{').then(|| tail.iter().position(|b| *b == b'}')).flatten();
        let repeat = repeat.and_then(|end| {
            let (letter, count) = tail[..end].split_last()?;
            let count: usize = std::str::from_utf8(count).ok()?.parse().ok()?;
            Some((vec![*letter; count], end + 1))
        });
        if let Some((letters, used)) = repeat {
            out.extend(letters);
            rest = &tail[used..];
        } else if first == b'\\' {
            let (octet, used) = match tail[0] {
                b'r' => (b'\r', 1),
                b'n' => (b'\n', 1),
                b'0' => (0, 1),
                b'x' => (u8::from_str_radix(&text_of(&tail[1..3]), 16).unwrap_or(b'?'), 3),
                other => (other, 1),
            };
            out.push(octet);
            rest = &tail[used..];
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn show(bytes: &[u8]) -> String {
    let escape = |b: &u8| match b {
        b' '..=b'~' => char::from(*b).to_string(),
        b => format!("\\x{b:02x}"),
    };
    bytes.iter().map(escape).collect()
}
