//! Every source file: it says what it is, and it has no `unsafe`.

use crate::tree::{files, read};

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = files("", ".rs")
        .into_iter()
        .filter(|path| {
            let text = read(path);
            let first = text.lines().next().unwrap_or_default();
            first.strip_prefix("//! ").is_none_or(|said| said.len() < 10)
        })
        .collect();
    assert!(silent.is_empty(), "these files do not open with `//! what they are`: {silent:#?}");
}

/// The lint forbids `unsafe` where it is on: it is on everywhere, and nobody turns it off.
#[test]
fn nothing_is_unsafe() {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let forbidden = workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str();
    assert_eq!(forbidden, Some("forbid"));
    for path in files("", "Cargo.toml") {
        let manifest: toml::Table = read(&path).parse().expect("Cargo.toml");
        if manifest.contains_key("package") {
            let on = manifest
                .get("lints")
                .and_then(|l| l.get("workspace"))
                .and_then(toml::Value::as_bool);
            assert_eq!(on, Some(true), "{path} needs [lints] workspace = true");
        }
    }
    let block = ["unsafe", " {"].concat();
    for path in files("", ".rs") {
        assert!(!read(&path).contains(&block), "{path} has an unsafe block");
    }
}

/// Files stay short enough to read: over 700 lines without tests is two jobs in one file.
#[test]
fn files_stay_readable() {
    for path in files("", ".rs") {
        let lines = crate::tree::without_tests(&path, &read(&path)).lines().count();
        assert!(lines <= 700, "{path} has {lines} lines without tests: split it by its jobs");
    }
}
