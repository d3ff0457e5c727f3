//! The source tree as text: its root, its files, and Rust source without its tests.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ has a parent").to_owned()
}

/// A file of the workspace by its path from the root.
pub fn read(path: &str) -> String {
    let file = root().join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// All files under `folder` (from the root) with this ending, as paths from the root, sorted. What git
/// ignores by name is left out.
pub fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    let root = root();
    let inside = |path: PathBuf| path.strip_prefix(&root).ok().map(|p| p.display().to_string());
    let mut found: Vec<String> = found.into_iter().filter_map(inside).collect();
    found.sort();
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name == "target" || (name.starts_with('.') && name != ".ci") {
            continue;
        }
        if path.is_dir() {
            walk(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// True for files that are tests as a whole: their parent names them under `#[cfg(test)]`.
fn is_test(path: &str) -> bool {
    let Some((folder, file)) = path.rsplit_once('/') else { return false };
    let name = file.trim_end_matches(".rs");
    let up = format!("{folder}.rs");
    let parents = ["mod.rs", "lib.rs", "main.rs"].map(|parent| format!("{folder}/{parent}"));
    let declared = parents.iter().chain([&up]).filter(|parent| *parent != path).any(|parent| {
        let text = std::fs::read_to_string(root().join(parent)).unwrap_or_default();
        ["mod", "pub mod", "pub(crate) mod", "pub(super) mod"]
            .iter()
            .any(|word| text.contains(&format!("#[cfg(test)]\n{word} {name};")))
    });
    declared || path.contains("/tests/")
}

/// Rust source without comments and without what stands behind the first `#[cfg(test)]` that opens a
/// block of tests; empty for files that are tests as a whole.
pub fn without_tests(path: &str, text: &str) -> String {
    if is_test(path) {
        return String::new();
    }
    let mut lines = Vec::new();
    let mut source = text.lines().peekable();
    while let Some(line) = source.next() {
        let opens = |next: &&str| next.trim_start().starts_with("mod ") && next.ends_with('{');
        if line.trim() == "#[cfg(test)]" && source.peek().is_some_and(opens) {
            break;
        }
        let code = if line.trim_start().starts_with("//") { "" } else { line };
        lines.push(code);
    }
    lines.join("\n")
}

/// The words `NAME` of every `crate::NAME` and `crate::{NAME, ...}` in the source.
pub fn rooms_named(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let before = source.get(..at).and_then(|b| b.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = source.get(at + "crate::".len()..).unwrap_or_default();
        let word = |text: &str| -> String {
            text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let group = group.split(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    (c == ',' && depth == 0) || depth < 0
                });
                // What stands behind the closing brace is no name of the group.
                names.extend(group.map(str::trim).take_while(|t| !t.starts_with(';')).map(word));
            }
        }
    }
    names.retain(|name| !name.is_empty() && name != "self");
    names
}

#[test]
fn rooms_are_found_in_every_form() {
    let found = rooms_named(
        "use crate::store::Move;\nuse crate::{sign::{A, B}, verify};\ncrate::ids::x(); $crate::y",
    );
    assert_eq!(found, ["store", "sign", "verify", "ids", "y"]);
}

#[test]
fn tests_are_left_out() {
    let text = "use a;\n// crate::b\n#[cfg(test)]\nmod tests;\nfn c() {}\n#[cfg(test)]\nmod tests {\n use d;\n}";
    assert_eq!(without_tests("x/mod.rs", text), "use a;\n\n#[cfg(test)]\nmod tests;\nfn c() {}");
    assert_eq!(without_tests("listd/core/src/config/tests.rs", text), "");
}
