//! Licences, banned crates and sources, as `deny.toml` has them, checked without cargo-deny.

use std::process::Command;

use crate::tree::{files, read, root};

/// What is built: name and licence of each crate, with the features that are on.
fn built() -> Vec<(String, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let ran = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--offline", "--locked", "--workspace", "--prefix", "none"])
        .args(["--edges", "normal,build,dev", "--format", "{p}|{l}"])
        .output()
        .expect("cargo tree starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "cargo tree failed: {said}");
    let mut crates: Vec<(String, String)> = String::from_utf8_lossy(&ran.stdout)
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.split_once('|')?;
            let name = package.split(' ').next()?.to_owned();
            Some((name, licence.trim_end_matches(" (*)").to_owned()))
        })
        .collect();
    crates.sort();
    crates.dedup();
    crates
}

fn deny() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml")
}

fn texts<'a>(table: &'a toml::Table, section: &str, key: &str) -> Vec<&'a str> {
    let list = table[section][key].as_array().expect("a list");
    list.iter().filter_map(toml::Value::as_str).collect()
}

/// Whether an SPDX expression can be kept with the licences in `allow`. `/` is the old way to write OR.
fn kept(expression: &str, allow: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let result = any(&words, &mut at, allow);
    result && at == words.len()
}

fn any(words: &[&str], at: &mut usize, allow: &[&str]) -> bool {
    let mut result = all(words, at, allow);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        let other = all(words, at, allow);
        result = result || other;
    }
    result
}

fn all(words: &[&str], at: &mut usize, allow: &[&str]) -> bool {
    let mut result = one(words, at, allow);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        let other = one(words, at, allow);
        result = result && other;
    }
    result
}

fn one(words: &[&str], at: &mut usize, allow: &[&str]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let result = any(words, at, allow);
        *at += 1;
        return result;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return allow.contains(&format!("{word} WITH {exception}").as_str());
    }
    allow.contains(word)
}

#[test]
fn every_licence_is_allowed() {
    let deny = deny();
    let allow = texts(&deny, "licenses", "allow");
    let crates = built();
    assert!(crates.len() > 100, "cargo tree names {} crates", crates.len());
    let bad: Vec<_> = crates.iter().filter(|(_, licence)| !kept(licence, &allow)).collect();
    assert!(bad.is_empty(), "deny.toml does not allow: {bad:#?}");
}

#[test]
fn no_banned_crate_is_built() {
    let deny = deny();
    let banned = deny["bans"]["deny"].as_array().expect("a list");
    let banned: Vec<&str> = banned.iter().filter_map(|ban| ban.get("crate")?.as_str()).collect();
    assert!(banned.contains(&"ring"));
    let found: Vec<_> =
        built().into_iter().filter(|(name, _)| banned.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "banned by deny.toml: {found:#?}");
}

/// The lock file names only registries that deny.toml allows, and no git repository.
#[test]
fn every_source_is_allowed() {
    let deny = deny();
    let allow: Vec<String> = texts(&deny, "sources", "allow-registry")
        .iter()
        .map(|url| format!("registry+{url}"))
        .collect();
    let lock: toml::Table = read("Cargo.lock").parse().expect("Cargo.lock");
    for package in lock["package"].as_array().expect("packages") {
        if let Some(source) = package.get("source").and_then(toml::Value::as_str) {
            assert!(allow.iter().any(|url| url == source), "{source}: {:?}", package.get("name"));
        }
    }
}

/// What a crate does not name it does not need, and whoever builds it need not build that.
#[test]
fn every_dependency_is_named() {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let members = texts(&workspace, "workspace", "members");
    let mut unused = Vec::new();
    for member in &members {
        let inner = |path: &String| {
            let nested = |m: &&str| m.starts_with(&format!("{member}/")) && path.starts_with(*m);
            !members.iter().any(nested)
        };
        let sources: Vec<String> =
            files(member, ".rs").into_iter().filter(inner).map(|path| read(&path)).collect();
        assert!(!sources.is_empty(), "{member} has no source");
        let manifest: toml::Table = read(&format!("{member}/Cargo.toml")).parse().expect("TOML");
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(listed) = manifest.get(kind).and_then(toml::Value::as_table) else { continue };
            let names = listed.keys().filter(|name| !sources.iter().any(|s| names_crate(s, name)));
            unused.extend(names.map(|name| format!("{member}: {name}")));
        }
    }
    assert!(unused.is_empty(), "listed and never named: {unused:#?}");
}

/// Whether a source names a crate as a word of its code.
fn names_crate(source: &str, name: &str) -> bool {
    let name = name.replace('-', "_");
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.flat_map(|line| line.split(|c| !part(c))).any(|word| word == name)
}

#[test]
fn licence_expressions_are_understood() {
    let allow = ["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"];
    let good = [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-2.0-only OR MIT",
        "(MIT OR X) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
        "X AND Y OR MIT",
    ];
    for expression in good {
        assert!(kept(expression, &allow), "{expression}");
    }
    for expression in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MIT WITH LLVM-exception",
        "(MIT OR ISC) AND X",
        "MIT ISC",
    ] {
        assert!(!kept(expression, &allow), "{expression}");
    }
}
