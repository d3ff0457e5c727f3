//! Documents say what is true: the paths they name exist, and every configuration key is described.

use std::collections::BTreeSet;

use listcore::config::{Config, keys};

use crate::tree::{files, read, root};

/// Documents for people: those at the top and everything in `docs/`.
fn documents() -> Vec<String> {
    let top = std::fs::read_dir(root()).expect("root").filter_map(Result::ok);
    let top = top.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> = top.filter(|name| name.ends_with(".md")).collect();
    found.extend(files("docs", ".md"));
    found
}

/// What stands between backticks in the prose (not in code blocks), and the targets of links.
fn named(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut ticks, mut links) = (Vec::new(), Vec::new());
    let mut code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if !code {
            ticks.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.extend(targets.map(str::to_owned));
        }
    }
    (ticks, links)
}

/// A path into this tree: it begins with a folder of ours and has no placeholder in it.
fn path_of(tick: &str) -> Option<&str> {
    const TOP: &[&str] = &[
        "daemon",
        "lmtp",
        "milter",
        "listd",
        "cli",
        "tests",
        "fixtures",
        "docs",
        "packaging",
        ".ci",
    ];
    let path = tick.split([':', '#']).next()?.trim_end_matches('/');
    let (first, _) = path.split_once('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    // NN, NAME and the like stand for something.
    let holder = path.as_bytes().windows(2).any(|two| two.iter().all(u8::is_ascii_uppercase));
    (TOP.contains(&first) && path.chars().all(plain) && !holder).then_some(path)
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        let (ticks, links) = named(&read(&document));
        let folder = root().join(&document).parent().expect("a folder").to_owned();
        for tick in ticks.iter().filter_map(|tick| path_of(tick)) {
            if !root().join(tick).exists() {
                missing.push(format!("{document}: `{tick}`"));
            }
        }
        for link in
            links.iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !folder.join(file).exists() {
                missing.push(format!("{document}: ({link})"));
            }
        }
    }
    assert!(missing.is_empty(), "these are named and not there: {missing:#?}");
}

#[test]
fn paths_are_told_from_other_words() {
    let cases = [
        ("docs/exim.md", Some("docs/exim.md")),
        ("lmtp/", None),
        ("listd/src/store/", Some("listd/src/store")),
        ("listd/src/main.rs:12", Some("listd/src/main.rs")),
        ("tests/tNN_story.rs", None),
        ("listd/{a,b}", None),
        ("text/plain", None),
        ("/etc/listd/listd.toml", None),
    ];
    for (tick, expect) in cases {
        assert_eq!(path_of(tick), expect, "{tick}");
    }
}

/// The keys of the manual, from the first column of its tables.
fn documented() -> Vec<String> {
    let text = read("docs/configuration.md");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
    rows.collect()
}

#[test]
fn every_configuration_key_is_documented_once_and_no_other() {
    let rows = documented();
    let described: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = keys::KEYS.iter().map(|key| key.path).collect();
    let undescribed: Vec<_> = known.difference(&described).collect();
    let unknown: Vec<_> = described.difference(&known).collect();
    assert!(undescribed.is_empty(), "not in docs/configuration.md: {undescribed:?}");
    assert!(unknown.is_empty(), "in docs/configuration.md, but no key: {unknown:?}");
    assert_eq!(rows.len(), described.len(), "a key stands there twice");
    let order: Vec<&str> = keys::KEYS.iter().map(|key| key.path).collect();
    assert_eq!(rows, order, "the manual has the order of the keys");
}

/// Every row has a type, a default and a meaning.
#[test]
fn every_row_of_the_manual_is_full() {
    for line in read("docs/configuration.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{line}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
    }
}

/// Every TOML example of the manual is right, together with the smallest configuration where it is only a part.
#[test]
fn every_example_of_the_manual_is_right() {
    let text = read("docs/configuration.md");
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|t| t.split("```").next()).collect();
    assert!(examples.len() >= 10, "{}", examples.len());
    let smallest = read("fixtures/config/smallest.toml");
    for example in examples {
        let mut whole = example.to_owned();
        for part in smallest.split("\n\n") {
            let head = part.lines().next().unwrap_or_default();
            if !example.lines().any(|line| line == head) {
                whole.push_str(&format!("\n{part}\n"));
            }
        }
        let read = Config::parse("configuration.md", &whole);
        assert!(read.is_ok(), "{}\nin\n{whole}", read.expect_err("wrong"));
    }
}

/// The complete example is the contract's: every key stands in it.
#[test]
fn the_complete_example_is_right_and_complete() {
    let text = read("fixtures/config/full.toml");
    if let Err(errors) = Config::parse("fixtures/config/full.toml", &text) {
        panic!("{errors}");
    }
    for key in keys::KEYS {
        let name = key.path.rsplit('.').next().unwrap_or(key.path);
        assert!(text.contains(&format!("{name} ")), "{} is not in full.toml", key.path);
    }
}
