//! The configuration from outside: the contract's example, defaults, and every key mistyped.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::*;
use crate::list::{FromPolicy, Posters};

const FULL: &str = include_str!("../../../../fixtures/config/full.toml");
const SMALLEST: &str = include_str!("../../../../fixtures/config/smallest.toml");

fn problems(text: &str) -> Vec<String> {
    match Config::parse("listd.toml", text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(ConfigError::to_string).collect(),
    }
}

/// The one problem of a text.
fn problem(text: &str) -> String {
    let mut all = problems(text);
    assert_eq!(all.len(), 1, "{all:#?} in {text}");
    all.remove(0)
}

/// The smallest configuration with a line more in front.
fn with(line: &str) -> String {
    format!("{line}\n{SMALLEST}")
}

#[test]
fn the_contracts_example_is_read() {
    let config = Config::parse("listd.toml", FULL).expect("the contract parses");
    assert_eq!(config.hostname, "lists.schule.example");
    assert_eq!(config.lmtp.listen.len(), 2);
    assert_eq!(config.relay.log, Some(PathBuf::from("/var/log/exim4/mainlog")));
    assert_eq!(config.directory.max_staleness, Duration::from_secs(900));
    let domain = config.domains.first().expect("a domain");
    assert_eq!(domain.dkim.rsa.as_ref().map(|key| key.selector.as_str()), Some("r2026"));
    assert_eq!(config.dns.server, Some(([127, 0, 0, 1], 53).into()));
    let said = config.later.join("\n");
    for served in ["metrics", "[web]", "relay.log"] {
        assert!(!said.contains(served), "{served} in {said}");
    }
    assert_eq!(config.metrics.map(|metrics| metrics.listen), Some(([127, 0, 0, 1], 9425).into()));
}

/// The contract writes every default out: without its examples nothing is left to differ.
#[test]
fn the_smallest_has_the_defaults_of_the_contract() {
    let small = Config::parse("/etc/listd/listd.toml", SMALLEST).expect("it parses");
    let full = Config::parse("listd.toml", FULL).expect("it parses");
    assert_eq!(small.list, full.list);
    assert_eq!(small.list, Settings::default());
    assert_eq!(small.lmtp, full.lmtp);
    assert_eq!(small.directory.lists, full.directory.lists);
    assert_eq!(small.directory.people, full.directory.people);
    assert_eq!(small.directory.sync, full.directory.sync);
    assert_eq!(small.directory.poll_interval, full.directory.poll_interval);
    assert_eq!(small.directory.shrink_guard_percent, full.directory.shrink_guard_percent);
    assert_eq!((&small.store, &small.secret_file), (&full.store, &full.secret_file));
    assert_eq!(small.control, full.control);
    assert_eq!(small.relay.connections, full.relay.connections);
    let per = |config: &Config| config.relay.recipients_per_transaction;
    assert_eq!(per(&small), per(&full));
    assert_eq!(small.hostname, "lists.schule.example");
    let home = PathBuf::from("/etc/listd/school.ldif");
    assert_eq!(small.directory.source, DirectorySource::File(home));
    assert_eq!((small.verdict, small.web, small.metrics), (None, None, None));
    assert_eq!(small.dns.server, None);
    assert!(small.later.is_empty(), "{:?}", small.later);
}

#[test]
fn a_domain_overrides_the_list_defaults() {
    let text = format!(
        "{SMALLEST}[domain.list]\nfrom = \"keep\"\npost = []\n[list]\nmax_size = \"5 MB\"\npost = [\"people\", \"cn=a,dc=x\"]\n"
    );
    let config = Config::parse("listd.toml", &text).expect("it parses");
    let domain = config.domains.first().expect("a domain");
    assert_eq!((domain.list.from, domain.list.max_size), (FromPolicy::Keep, 5_000_000));
    assert!(domain.list.post.is_empty());
    assert_eq!(config.list.from, FromPolicy::Rewrite);
    assert_eq!(config.list.post, [Posters::People, Posters::Group("cn=a,dc=x".to_owned())]);
}

/// What is frozen for an author whom nobody vouched for can't be set.
#[test]
fn no_list_keeps_unproven_authors_by_a_setting() {
    let text = format!("{SMALLEST}[list]\nfrom = \"keep, unproven\"\n");
    let errors = Config::parse("listd.toml", &text).expect_err("it is refused").to_string();
    assert!(errors.contains("list.from"), "{errors}");
}

/// A place in the file: dotted key, octets of the name, octets of the value.
type Place = (String, std::ops::Range<usize>, std::ops::Range<usize>);

fn places(table: &DeTable<'_>, prefix: &str, into: &mut Vec<Place>) {
    for (key, value) in table.iter() {
        let path = match prefix {
            "" => key.get_ref().to_string(),
            _ => format!("{prefix}.{}", key.get_ref()),
        };
        match value.get_ref() {
            DeValue::Table(inner) => places(inner, &path, into),
            DeValue::Array(items) if path == "domain" => {
                for inner in items.iter().map(Spanned::get_ref).filter_map(DeValue::as_table) {
                    places(inner, &path, into);
                }
            }
            _ => into.push((path, key.span(), value.span())),
        }
    }
}

/// The contract's example with one thing changed, and the line of the change.
fn changed(range: &std::ops::Range<usize>, to: &str) -> (String, usize) {
    let mut text = FULL.to_owned();
    text.replace_range(range.clone(), to);
    (text, 1 + FULL.get(..range.start).unwrap_or_default().matches('\n').count())
}

/// Issue 2, bad input: every key misspelt and every value of a wrong type, one after the other; the message
/// has file, line, key, what is expected, and the name that was meant.
#[test]
fn every_key_mistyped_is_told_with_file_line_and_key() {
    let root = DeTable::parse(FULL).expect("TOML");
    let mut all = Vec::new();
    places(root.get_ref(), "", &mut all);
    for key in keys::KEYS {
        assert!(all.iter().any(|(path, ..)| path == key.path), "{} is in full.toml", key.path);
    }
    for (path, name, value) in &all {
        let known = keys::find(path).unwrap_or_else(|| panic!("{path} is a key"));
        for wrong in ["3.5", "1979-05-27", "{ a = 1 }", "[[1]]"] {
            let (text, line) = changed(value, wrong);
            let said = problems(&text);
            let start = format!("listd.toml:{line}: {path}: found ");
            let hit = said.iter().any(|s| s.starts_with(&start) && s.contains(known.expected));
            assert!(hit, "{path} = {wrong}: {said:#?}");
        }
        let old = FULL.get(name.clone()).unwrap_or_default();
        let (text, line) = changed(name, &format!("{old}q"));
        let said = problems(&text);
        let start =
            format!("listd.toml:{line}: {path}q: there is no such key; did you mean {path}?");
        assert!(said.contains(&start), "{path}: {said:#?}");
    }
}

/// Texts of the right type that are still wrong: the key is blamed at its line.
#[test]
fn every_text_that_says_nothing_is_refused() {
    let root = DeTable::parse(FULL).expect("TOML");
    let mut all = Vec::new();
    places(root.get_ref(), "", &mut all);
    let free = ["list.subject_tag", "list.footer"];
    for (path, _, value) in all {
        let wrong = if free.contains(&path.as_str()) { "\"a\\u0000b\"" } else { "\"? ?\"" };
        let (text, line) = changed(&value, wrong);
        let said = problems(&text);
        let start = format!("listd.toml:{line}: {path}: found ");
        assert!(said.iter().any(|s| s.starts_with(&start)), "{path}: {said:#?}");
    }
}

/// One wrong thing each; the message is compared whole where it matters.
#[test]
fn what_does_not_fit_is_told() {
    let cases = [
        (
            with("hostnam = \"x\""),
            "listd.toml:1: hostnam: there is no such key; did you mean hostname?",
        ),
        (
            with("lmtp = 3"),
            "listd.toml:1: lmtp: found a number without quotes, expected a table: [lmtp]",
        ),
        (with("[lmtp]\nlisten = [\"127.0.0.1:25\"]"), "port 25, which LMTP must not use"),
        (
            with("[lmtp]\nlisten = [\"127.0.0.1:2424\",\n\"nowhere\"]"),
            "listd.toml:3: lmtp.listen: found \"nowhere\", expected a list of",
        ),
        (with("[lmtp]\nlisten = []"), "no socket at all"),
        (
            with("[lmtp]\nsmtp_listen = [\"unix:/run/listd/lmtp.sock\"]"),
            "unix:/run/listd/lmtp.sock a second time",
        ),
        (
            with("[lmtp]\nmax_message_size = \"25 MiB\""),
            "found \"25 MiB\", expected a size in B, kB, MB or GB",
        ),
        (with("[lmtp]\nmax_message_size = \"5 GB\""), "more than 2 GB"),
        (with("store = \"postgres://db/listd\""), "PostgreSQL, which comes in a later release"),
        (with("store = \"sqlite://listd.db\""), "expected \"sqlite:///path/to/listd.db\""),
        (with("secret_file = \"secret\""), "found \"secret\", expected a path that starts with /"),
        (
            with("[list]\nfrom = \"munge\""),
            "found \"munge\", expected \"rewrite\", \"policy\", \"broken\" or \"keep\"",
        ),
        (with("[list]\nreply_to = \"nobody\""), "found \"nobody\", expected \"author\""),
        (with("[list]\npost = [\"member\"]"), "found \"member\", expected a list of \"members\""),
        (with("[list]\nsubject_tag = \"[5b]\\r\\nBcc: x\""), "a control character or a line break"),
        (with("[web]\npublic_url = \"ftp://x\""), "expected a link that starts with https://"),
        (
            with("[web]\npublic_url = \"http://lists.schule.example\""),
            "starts with https://, or http:// to",
        ),
        (with("[web]"), "listd.toml:1: web.public_url: this key is missing, expected a link"),
        (with("[verdict]\non_failure = \"defer\""), "verdict.milter: this key is missing"),
        (
            with("[verdict]\nmilter = \"unix:/m\"\nkeep_for_learning = \"2 d\""),
            "verdict.rspamd_controller: this key is missing",
        ),
        (
            with("[verdict]\nmilter = \"unix:/m\"\nrspamd_controller = \"https://r:1\""),
            "an http:// URL",
        ),
        (
            with(
                "[verdict]\nmilter = \"unix:/m\"\nrspamd_controller = \"http://r:1\"\nkeep_for_learning = \"31 d\"",
            ),
            "verdict.keep_for_learning: found more than 30 days",
        ),
        (with("[dns]\nserver = \"dns.example:53\""), "with an IP address"),
        (with("[directory.people]\ninactive = \"(a=b\""), "is missing at character"),
        (with("[directory.people]\naddress = []"), "else nobody gets mail"),
        (
            with("[directory.lists]\naddress_template = \"{cn}@other.example\""),
            "found the domain other.example",
        ),
        (
            SMALLEST.replace("file:school.ldif", "ldap://x"),
            "listd.toml:1: directory.base: this key is missing",
        ),
        (SMALLEST.replace("file:school.ldif", "school.ldif"), "expected \"ldap://host:port\""),
        (
            SMALLEST.replace("[relay]", "[relay]\nconnections = 0"),
            "found 0, expected a whole number from 1 to 100",
        ),
        (
            SMALLEST.replace("[relay]", "[relay]\nconnections = 99999999999999999999"),
            "found 99999999999999999999, expected",
        ),
        (SMALLEST.replace("address =", "adress ="), ""),
        (SMALLEST.replace(":10025", ""), "found \"127.0.0.1\", expected \"host:port\""),
        (
            SMALLEST.replace("[relay]", "bind_dn = \"cn=a\"\n[relay]"),
            "bind_password_file: this key is missing",
        ),
        (SMALLEST.replace("[relay]", "start_tls = true\n[relay]"), "StartTLS is for ldap:// only"),
        (SMALLEST.replace("[[domain]]", "[domain]"), "in two pairs of brackets"),
        (
            format!("{SMALLEST}[[domain]]\nname = \"Schule.Example\""),
            "listd.toml:10: domain.name: found \"schule.example\" a second time",
        ),
        (
            format!("{SMALLEST}[[domain]]\nlanguage = \"en\""),
            "listd.toml:9: domain.name: this key is missing",
        ),
        (
            format!("{SMALLEST}admins = [\"postmaster\"]"),
            "found \"postmaster\", expected a list of addresses and DNs",
        ),
        (format!("{SMALLEST}language = \"german\""), "found \"german\", expected a language code"),
        (
            format!("{SMALLEST}timezone = \"Europe/Entenhausen\""),
            "listd.toml:9: domain.timezone: found \"Europe/Entenhausen\", expected the name of a time zone, e.g. \"Europe/Berlin\"",
        ),
        (
            format!("{SMALLEST}dkim.rsa = {{ selector = \"a\" }}"),
            "domain.dkim.rsa.key_file: this key is missing",
        ),
        (
            format!("{SMALLEST}[domain.list]\nfromm = \"keep\""),
            "domain.list.fromm: there is no such key; did you mean domain.list.from?",
        ),
        (
            format!("{SMALLEST}[domain.list]\nfrom = \"munge\""),
            "listd.toml:10: domain.list.from: found \"munge\"",
        ),
        (
            "[directory]\nurl = \"file:a\"\n[relay]\naddress = \"x:1\"".to_owned(),
            "domain: this table is missing",
        ),
        (with("hostname ="), "listd.toml:1: this is no TOML: "),
        (
            with("hostname = \"a\"\nhostname = \"b\""),
            "listd.toml:2: this is no TOML: duplicate key",
        ),
    ];
    for (text, expect) in cases {
        let said = if expect.is_empty() { problems(&text).join("\n") } else { problem(&text) };
        assert!(said.contains(expect), "{expect}\nis not in\n{said}\nfor\n{text}");
    }
}

/// All of it is told at once, in the order of the lines.
#[test]
fn all_errors_are_collected() {
    let text = "[lmtp]\nlisten = 1\nnone = 2\n[directory]\nurl = \"x\"\n[[domain]]\nname = 3\n[[domain]]\nname = 4\n";
    let said = problems(text);
    let lines: Vec<&str> = said.iter().filter_map(|s| s.split(": ").next()).collect();
    assert_eq!(
        lines,
        [
            "listd.toml:1",
            "listd.toml:2",
            "listd.toml:3",
            "listd.toml:5",
            "listd.toml:7",
            "listd.toml:9"
        ],
        "{said:#?}"
    );
    assert!(said.iter().any(|s| s.contains("relay.address: this key is missing")));
}

/// One text, or one for each language; a placeholder that does not exist is named.
#[test]
fn a_footer_is_a_text_or_a_table() {
    let footer = |line: &str| {
        let config = Config::parse("listd.toml", &with(&format!("[list]\n{line}")));
        config.map(|config| config.list.footer.to_string()).map_err(|errors| errors.to_string())
    };
    for (line, expect) in [
        ("footer = \"standard\"", "\"standard\""),
        ("footer = \"\"\"\na\nb {imprint}\"\"\"", "\"a\\nb {imprint}\""),
        ("footer = { en = \"a\", de-AT = \"b\" }", "de-at:\"b\", en:\"a\""),
        ("footer.en = \"a\"", "en:\"a\""),
    ] {
        assert_eq!(footer(line).as_deref(), Ok(expect), "{line}");
    }
    for (line, expect) in [
        (
            "footer = \"{imprnt}\"",
            "list.footer: found the placeholder {imprnt}, which is none of {list},",
        ),
        ("footer = { en = 1 }", "list.footer: found a number without quotes, expected \"\""),
        ("footer = { deutsch = \"x\" }", "list.footer: found \"deutsch\", which is no language"),
        ("footer = [\"x\"]", "list.footer: found a list, expected"),
    ] {
        let said = footer(line).expect_err(line);
        assert!(said.contains(expect), "{said}");
    }
}

/// A sentence for each value that has no effect yet, and none where the value changes nothing.
#[test]
fn what_comes_later_is_said() {
    let cases = [
        ("[list]\nnonmembers = \"hold\"\nunverified = \"hold\"", 0),
        ("[list]\nfooter = \"\"\nsubject_tag = \"\"", 0),
        ("[list]\nfooter = \"x\"\nsubject_tag = \"y\"\narchive = \"members\"", 1),
        ("[list]\nmoderation = \"all\"\nfrom = \"broken\"\nauthor_address = \"hidden\"", 0),
        ("[list]\nunsubscribe = \"leave\"", 0),
        ("[directory]\nshrink_guard = \"50 %\"", 0),
        ("[domain.list]\narchive = \"x\"", 0),
    ];
    for (more, expect) in cases {
        let text = match more.strip_prefix("[directory]\n") {
            Some(line) => SMALLEST.replace("[relay]", &format!("{line}\n[relay]")),
            None if more.starts_with("[domain") => continue,
            None => with(more),
        };
        let config = Config::parse("listd.toml", &text).expect("it parses");
        assert_eq!(config.later.len(), expect, "{more}: {:?}", config.later);
    }
    let text = format!("{SMALLEST}[domain.list]\narchive = \"members\"");
    let config = Config::parse("listd.toml", &text).expect("it parses");
    assert_eq!(
        config.later,
        ["domain.list.archive = \"members\" comes later: there is no archive yet"]
    );
}

#[test]
fn endpoints_as_text() {
    for text in ["unix:/run/a.sock", "127.0.0.1:25", "[::1]:2424"] {
        let endpoint: Endpoint = text.parse().expect("an endpoint");
        assert_eq!(endpoint.to_string(), text);
    }
    let long = format!("unix:/{}", "a".repeat(120));
    for text in
        ["unix:run/a", "unix:", "unix:/a/", "localhost:25", "127.0.0.1", ":25", long.as_str()]
    {
        assert!(text.parse::<Endpoint>().is_err(), "{text}");
    }
}

proptest::proptest! {
    /// Promise 10: no text panics the parser.
    #[test]
    fn any_text_is_answered(text in "[\\[\\]a-z_.=\"{}0-9 \\n#,:/@-]{0,200}") {
        let _ = Config::parse("listd.toml", &text);
    }

    /// The same for values in the place of good ones.
    #[test]
    fn any_value_is_answered(value in "\\PC{0,40}", at in 0usize..80) {
        let line = FULL.lines().nth(at).unwrap_or_default();
        if let Some((key, _)) = line.split_once(" = ") {
            let _ = Config::parse("listd.toml", &FULL.replace(line, &format!("{key} = \"{value}\"")));
        }
    }
}

/// Whoever shows pages has to say who he is.
#[test]
fn pages_without_an_imprint_are_told() {
    let web = "[web]\nlisten = \"127.0.0.1:8425\"\npublic_url = \"https://lists.schule.example\"\n";
    let advice = |text: &str| Config::parse("listd.toml", text).expect("it parses").advice();
    assert!(advice(SMALLEST).is_empty(), "no pages, no imprint");
    let said = advice(&format!("{SMALLEST}\n{web}"));
    assert!(matches!(said.as_slice(), [one] if one.contains("imprint_url")), "{said:?}");
    assert!(advice(FULL).is_empty());
}
