//! TOML text into [`Config`]: one row for each key, with what it expects.

use std::net::SocketAddr;
use std::time::Duration;

use daemon::Endpoint;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Errors, MAX_TEXT, Problem};
use crate::verdict::{Greylist, OnFailure};

/// Reads one value into its place; `None` where it is not what was expected.
type Read = fn(&DeValue<'_>, &mut Config) -> Option<()>;

/// All keys, what each expects, and how it is read.
const KEYS: &[(&str, &str, Read)] = &[
    (
        "milter_listen",
        "a list of unix:/path or address:port, e.g. [\"unix:/run/verdictd/milter.sock\"]",
        |value, config| set(&mut config.milter_listen, list(value, |text| text.parse().ok())?),
    ),
    ("rspamd", "http://host:port, e.g. \"http://127.0.0.1:11333\"", |value, config| {
        set(&mut config.rspamd, Some(authority(string(value)?)?))
    }),
    (
        "rspamd_settings",
        "the id of settings in rspamd's configuration, or a JSON object",
        |value, config| set(&mut config.rspamd_settings, settings(string(value)?)?),
    ),
    (
        "clamd",
        "unix:/path or address:port, e.g. \"unix:/run/clamav/clamd.ctl\"",
        |value, config| set(&mut config.clamd, Some(string(value)?.parse().ok()?)),
    ),
    ("on_failure", "\"tempfail\" or \"accept\"", |value, config| {
        let on_failure = match string(value)? {
            "tempfail" => OnFailure::TempFail,
            "accept" => OnFailure::Accept,
            _ => return None,
        };
        set(&mut config.on_failure, on_failure)
    }),
    ("greylist", "\"tempfail\" or \"ignore\"", |value, config| {
        let greylist = match string(value)? {
            "tempfail" => Greylist::TempFail,
            "ignore" => Greylist::Ignore,
            _ => return None,
        };
        set(&mut config.greylist, greylist)
    }),
    ("never_greylist", "a list of names, e.g. [\"listd\"]", |value, config| {
        set(&mut config.never_greylist, list(value, |text| Some(text.to_owned()))?)
    }),
    ("timeout", "1 s to 10 min, e.g. \"30 s\"", |value, config| {
        set(&mut config.timeout, duration(string(value)?)?)
    }),
    ("scans", "a number from 1 to 1000", |value, config| {
        set(&mut config.scans, number(value, 1_000)?)
    }),
    ("patience", "1 s to 10 min, e.g. \"20 s\"", |value, config| {
        set(&mut config.patience, duration(string(value)?)?)
    }),
    ("connections", "a number from 1 to 10000", |value, config| {
        set(&mut config.connections, number(value, 10_000)?)
    }),
    ("metrics_listen", "address:port, e.g. \"127.0.0.1:9426\"", |value, config| {
        set(&mut config.metrics_listen, Some(string(value)?.parse::<SocketAddr>().ok()?))
    }),
];

/// More problems than this are not told.
const MOST: usize = 50;

pub(super) fn config(file: &str, text: &str) -> Result<Config, Errors> {
    let mut notes = Notes { file, text, list: Vec::new() };
    if text.len() > MAX_TEXT {
        notes.add(0, "", format!("found {} octets, expected at most {MAX_TEXT}", text.len()));
        return Err(Errors(notes.list));
    }
    let (root, broken) = DeTable::parse_recoverable(text);
    for error in broken.into_iter().take(MOST) {
        let at = error.span().map_or(0, |span| span.start);
        notes.add(at, "", format!("this is no TOML: {}", error.message()));
    }
    let mut config = Config::default();
    if notes.list.is_empty() {
        for (key, value) in root.into_inner() {
            read(&key, &value, &mut config, &mut notes);
        }
        together(&config, &mut notes);
    }
    notes.list.sort_by_key(|problem| problem.line);
    if notes.list.is_empty() { Ok(config) } else { Err(Errors(notes.list)) }
}

fn read(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    config: &mut Config,
    notes: &mut Notes<'_>,
) {
    let (at, name) = (key.span().start, key.get_ref().as_ref());
    let Some((_, expected, read)) = KEYS.iter().find(|(known, ..)| *known == name) else {
        let known: Vec<&str> = KEYS.iter().map(|(known, ..)| *known).collect();
        notes.add(at, name, format!("there is no such key; there are {}", known.join(", ")));
        return;
    };
    if read(value.get_ref(), config).is_none() {
        let found = shown(value.get_ref());
        notes.add(value.span().start, name, format!("found {found}, expected {expected}"));
    }
}

/// What must fit together.
fn together(config: &Config, notes: &mut Notes<'_>) {
    if notes.list.is_empty() && config.rspamd.is_none() && config.clamd.is_none() {
        let expected = "expected at least one of rspamd and clamd: without both nothing is scanned";
        notes.add(0, "rspamd", format!("this key is missing, {expected}"));
    }
    let twice = config.milter_listen.iter().enumerate().find(|(at, endpoint)| {
        let before = config.milter_listen.get(..*at).unwrap_or_default();
        // Port 0 is a free port of the system's choice, another one each time.
        before.contains(endpoint) && !matches!(endpoint, Endpoint::Tcp(tcp) if tcp.port() == 0)
    });
    if let Some((_, endpoint)) = twice {
        notes.add_to("milter_listen", format!("found {endpoint} twice, expected each socket once"));
    }
    if config.milter_listen.is_empty() {
        notes.add_to("milter_listen", "found no socket, expected at least one".to_owned());
    }
}

/// What is wrong so far.
struct Notes<'t> {
    file: &'t str,
    text: &'t str,
    list: Vec<Problem>,
}

impl Notes<'_> {
    /// Notes that what stands at octet `at` is wrong.
    fn add(&mut self, at: usize, key: &str, what: String) {
        if self.list.len() < MOST {
            let before = self.text.as_bytes().iter().take(at);
            let line = 1 + before.filter(|octet| **octet == b'\n').count();
            let (file, key) = (self.file.to_owned(), key.chars().take(80).collect());
            self.list.push(Problem { file, line, key, what });
        }
    }

    /// The same for a key by its name.
    fn add_to(&mut self, key: &str, what: String) {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            if line.trim_start().starts_with(key) {
                break;
            }
            at += line.len();
        }
        self.add(if at >= self.text.len() { 0 } else { at }, key, what);
    }
}

fn set<T>(place: &mut T, value: T) -> Option<()> {
    *place = value;
    Some(())
}

fn string<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    match value {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

fn list<T>(value: &DeValue<'_>, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let DeValue::Array(items) = value else { return None };
    items.iter().map(|item| read(string(item.get_ref())?)).collect()
}

fn number(value: &DeValue<'_>, most: usize) -> Option<usize> {
    let DeValue::Integer(digits) = value else { return None };
    let number = usize::from_str_radix(digits.as_str(), digits.radix()).ok()?;
    (1..=most).contains(&number).then_some(number)
}

/// `30 s` or `2 min`, from 1 s to 10 min.
fn duration(text: &str) -> Option<Duration> {
    let (number, factor) = match (text.strip_suffix("min"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 60),
        (_, Some(number)) => (number, 1),
        _ => return None,
    };
    let number: u64 = number.trim_end().parse().ok()?;
    let seconds = number.checked_mul(factor)?;
    (1..=600).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// `http://host:port`, with or without a slash behind it.
fn authority(url: &str) -> Option<String> {
    let rest = url.strip_prefix("http://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = rest.rsplit_once(':')?;
    let sound = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match literal {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(sound),
    };
    (is_host && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| rest.to_owned())
}

/// An id of one word, a JSON object, or nothing.
fn settings(text: &str) -> Option<String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let json = text.starts_with('{') && serde_json::from_str::<serde_json::Value>(text).is_ok();
    (json || text.chars().all(sound)).then(|| text.to_owned())
}

/// A value as messages show it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        DeValue::Integer(digits) => digits.to_string().chars().take(40).collect(),
        DeValue::Float(_) => "a number with a point".to_owned(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list with something else in it".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> String {
        Config::parse("v.toml", text).expect_err("wrong").to_string()
    }

    const CONTRACT: &str = r#"
milter_listen = ["unix:/run/verdictd/milter.sock", "127.0.0.1:8026"]
rspamd = "http://127.0.0.1:11333"
clamd = "unix:/run/clamav/clamd.ctl"
on_failure = "tempfail"
timeout = "30 s"
metrics_listen = "127.0.0.1:9426"
"#;

    #[test]
    fn the_contract_is_the_default() {
        let config = Config::parse("v.toml", CONTRACT).expect("right");
        let expect = Config {
            rspamd: Some("127.0.0.1:11333".to_owned()),
            clamd: Some("unix:/run/clamav/clamd.ctl".parse().expect("an endpoint")),
            metrics_listen: Some(([127, 0, 0, 1], 9426).into()),
            ..Config::default()
        };
        assert_eq!(config, expect);
    }

    #[test]
    fn every_key_counts() {
        let text = r#"
milter_listen = ["[::1]:1"]
rspamd = "http://[::1]:11333/"
rspamd_settings = "lists"
clamd = "10.0.0.1:3310"
on_failure = "accept"
greylist = "ignore"
never_greylist = []
timeout = "2 min"
scans = 8
patience = "5 s"
connections = 0x10
metrics_listen = "127.0.0.1:1"
"#;
        let config = Config::parse("v.toml", text).expect("right");
        let expect = Config {
            milter_listen: vec!["[::1]:1".parse().expect("an endpoint")],
            rspamd: Some("[::1]:11333".to_owned()),
            rspamd_settings: "lists".to_owned(),
            clamd: Some("10.0.0.1:3310".parse().expect("an endpoint")),
            on_failure: OnFailure::Accept,
            greylist: Greylist::Ignore,
            never_greylist: Vec::new(),
            timeout: Duration::from_secs(120),
            scans: 8,
            patience: Duration::from_secs(5),
            connections: 16,
            metrics_listen: Some(([127, 0, 0, 1], 1).into()),
        };
        assert_eq!(config, expect);
        for (name, ..) in KEYS {
            assert!(text.contains(&format!("{name} =")), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_names_file_line_key_and_what_was_expected() {
        let with = |line: &str| errors(&format!("clamd = \"127.0.0.1:1\"\n{line}\n"));
        let cases = [
            (
                "rspam = 1",
                "v.toml:2: rspam: there is no such key; there are milter_listen, rspamd,",
            ),
            ("timeout = \"5\"", "v.toml:2: timeout: found \"5\", expected 1 s to 10 min"),
            ("timeout = \"11 min\"", "v.toml:2: timeout: found"),
            ("timeout = 30", "v.toml:2: timeout: found 30, expected 1 s"),
            ("scans = 0", "v.toml:2: scans: found 0, expected a number from 1 to 1000"),
            ("scans = 99999999999999999999999", "v.toml:2: scans: found"),
            ("on_failure = \"reject\"", "expected \"tempfail\" or \"accept\""),
            ("greylist = true", "v.toml:2: greylist: found true, expected"),
            (
                "rspamd = \"https://h:1\"",
                "v.toml:2: rspamd: found \"https://h:1\", expected http://host",
            ),
            ("rspamd = \"http://h\"", "v.toml:2: rspamd: found"),
            ("rspamd = \"http://a b:1\"", "v.toml:2: rspamd: found"),
            ("rspamd_settings = \"{\"", "v.toml:2: rspamd_settings: found"),
            ("milter_listen = []", "v.toml:2: milter_listen: found no socket"),
            ("milter_listen = [1]", "v.toml:2: milter_listen: found a list with something else"),
            (
                "milter_listen = [\"1.2.3.4:5\", \"1.2.3.4:5\"]",
                "v.toml:2: milter_listen: found 1.2.3.4:5 twice",
            ),
            (
                "metrics_listen = \"9426\"",
                "v.toml:2: metrics_listen: found \"9426\", expected address:port",
            ),
            ("[rspamd]", "v.toml:2: rspamd: found a table, expected http://"),
            ("x", "v.toml:2: this is no TOML"),
        ];
        for (line, expect) in cases {
            let said = with(line);
            assert!(said.contains(expect), "{line}: {said}");
        }
        assert!(
            errors("").contains("v.toml:1: rspamd: this key is missing, expected at least one")
        );
        assert!(errors(&" ".repeat(MAX_TEXT + 1)).contains("at most 100000"));
        assert!(errors("x = 1\ny = 2\n").lines().count() == 2);
    }
}
