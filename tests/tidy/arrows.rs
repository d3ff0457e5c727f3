//! Who may know whom: the crates of the house, and the rooms inside `listd`.

use crate::tree::{files, read, rooms_named, without_tests};

/// Our crates, where they live, and which of ours each may know outside its tests.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("daemon", "daemon", &[]),
    ("lmtp", "lmtp", &[]),
    ("milter", "milter", &[]),
    ("verdictd", "milter/verdictd", &["daemon", "milter"]),
    ("listcore", "listd/core", &[]),
    ("listd", "listd", &["daemon", "lmtp", "listcore", "milter"]),
    ("listctl", "cli", &["listcore"]),
    // Stories reach the binaries through sockets and processes; tidy reads the table of keys.
    ("stories", "tests", &["listcore"]),
];

/// Those that put the rooms together: they know all rooms, and they alone see the configuration.
const BUILDERS: &[&str] = &[
    "listd/src/main.rs",
    "listd/src/build.rs",
    "listd/src/build/digests.rs",
    "listd/src/build/doors.rs",
    "listd/src/build/files.rs",
    "listd/src/build/filter.rs",
    "listd/src/build/outbound.rs",
    "listd/src/build/pages.rs",
    "listd/src/build/returned.rs",
    "listd/src/build/tenants.rs",
    "listd/src/lib.rs",
];

/// The rooms of `listd`, and which rooms each may know.
const ROOMS: &[(&str, &[&str])] = &[
    // Leaves that know no room: the clock, names for mails, key files.
    ("clock", &[]),
    ("ids", &[]),
    ("secret", &[]),
    ("store", &[]),
    ("delivery", &[]),
    ("sign", &[]),
    ("directory", &["store", "clock"]),
    ("members", &["directory", "store"]),
    ("verify", &["sign"]),
    ("verdicts", &[]),
    ("learning", &[]),
    ("intake", &["pipeline", "store", "clock", "ids"]),
    ("pipeline", &["members", "directory", "verify", "verdicts", "store", "clock", "ids"]),
    ("scheduler", &["store", "delivery", "clock"]),
    ("compose", &["sign", "delivery", "scheduler", "store"]),
    // A socket with limits, for whichever room has pages, questions or figures.
    ("http", &[]),
    ("control", &["store", "http"]),
    // Pages: it asks through a trait of its own, and knows nobody.
    ("web", &["clock", "http"]),
    // What members choose on the pages: kept, told by a letter, and from then on true.
    ("choices", &["web", "members", "store", "letters", "clock"]),
    // Hears of commits, as the metrics do.
    ("maillog", &["store"]),
    // Looks at the others at a scrape, and hears of commits; nobody knows that it is there.
    (
        "metrics",
        &[
            "http",
            "store",
            "members",
            "directory",
            "scheduler",
            "compose",
            "intake",
            "verdicts",
            "learning",
            "clock",
        ],
    ),
    ("retention", &["store", "clock"]),
    // Reads the relay's log, and hears of commits; nobody asks it.
    ("last_mile", &["store", "clock"]),
    // What we write ourselves, on its way into the store.
    ("letters", &["store", "clock", "ids"]),
    // Cares for mail that waits: asks by letters, hears by the pipeline and by the pages' trait.
    (
        "desk",
        &[
            "learning",
            "letters",
            "pipeline",
            "members",
            "directory",
            "web",
            "store",
            "clock",
            "ids",
        ],
    ),
    // Answers what is asked of a list's program; the pipeline knows it by a trait.
    ("requests", &["choices", "letters", "members", "pipeline", "store", "web", "clock"]),
    // Many mails as one: it makes the copies that stand in it, and writes the letter around them.
    ("digest", &["letters", "compose", "scheduler", "delivery", "store", "clock"]),
    // Tells the admins what the safety catch holds, by a mail of our own.
    ("alarm", &["letters", "members", "directory", "store", "clock"]),
    // What follows from what came back.
    ("bounces", &["letters", "members", "store", "clock"]),
    // What an admin asks, answered out of the other rooms: nobody but the control socket asks it.
    (
        "office",
        &[
            "alarm",
            "bounces",
            "choices",
            "control",
            "desk",
            "learning",
            "store",
            "members",
            "directory",
            "pipeline",
            "scheduler",
            "compose",
            "delivery",
            "clock",
        ],
    ),
];

fn dependencies(folder: &str) -> Vec<String> {
    let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().expect("Cargo.toml");
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

/// Libraries know none of ours; the daemon and the command line know the libraries; nobody knows a program.
#[test]
fn crates_know_only_whom_they_may() {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("members");
    for member in members.iter().filter_map(toml::Value::as_str) {
        let known = CRATES.iter().find(|(_, folder, _)| *folder == member);
        let (name, _, may) =
            known.unwrap_or_else(|| panic!("say in CRATES whom {member} may know"));
        for dependency in dependencies(member) {
            let ours = CRATES.iter().any(|(crate_name, ..)| *crate_name == dependency);
            assert!(
                !ours || may.contains(&dependency.as_str()),
                "{name} must not know {dependency}"
            );
        }
    }
}

/// The pure crates do no I/O: `listcore` has no runtime, in `lmtp` and `milter` only `drive` knows tokio.
#[test]
fn only_drive_knows_the_runtime() {
    assert!(!dependencies("listd/core").iter().any(|name| name.starts_with("tokio")));
    for path in files("lmtp/src", ".rs").into_iter().chain(files("milter/src", ".rs")) {
        let file = path.split("/src/").nth(1).unwrap_or_default();
        let source = without_tests(&path, &read(&path));
        assert!(file.starts_with("drive") || !source.contains("tokio"), "{path} knows tokio");
    }
}

/// `listcore` asks neither clock nor network nor disk: they come as arguments.
#[test]
fn decisions_ask_nobody() {
    for path in files("listd/core/src", ".rs") {
        let source = without_tests(&path, &read(&path));
        for asked in ["SystemTime::now", "Instant::now", "std::fs::", "std::net::Tcp", "std::env::"]
        {
            assert!(!source.contains(asked), "{path} asks {asked}");
        }
    }
}

/// `intake/spool.rs` and `clock.rs` belong to the rooms `intake` and `clock`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("listd/src/").unwrap_or(path);
    let room = inside.split('/').next().unwrap_or(inside);
    room.strip_suffix(".rs").unwrap_or(room)
}

#[test]
fn rooms_know_only_whom_they_may() {
    let mut broken = Vec::new();
    for path in files("listd/src", ".rs") {
        let room = room_of(&path);
        if BUILDERS.contains(&path.as_str()) {
            continue;
        }
        let Some((_, may)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            broken.push(format!("{path}: say in ROOMS whom the room {room} may know"));
            continue;
        };
        for named in rooms_named(&without_tests(&path, &read(&path))) {
            if named != room && !may.contains(&named.as_str()) {
                broken.push(format!("{path}: {room} must not know {named}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Intake and delivery meet only in the store.
#[test]
fn the_way_in_and_the_way_out_meet_only_in_the_store() {
    let reach = |from: &str| {
        let mut seen = vec![from.to_owned()];
        let mut at = 0;
        while let Some(room) = seen.get(at).cloned() {
            let may = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, may)| may);
            seen.extend(
                may.iter()
                    .map(|m| (*m).to_owned())
                    .filter(|m| !seen.contains(m))
                    .collect::<Vec<_>>(),
            );
            at += 1;
        }
        seen
    };
    for far in ["scheduler", "compose", "delivery", "control", "office", "metrics"] {
        assert!(!reach("intake").contains(&far.to_owned()), "intake reaches {far}");
    }
    for far in ["intake", "pipeline", "members", "control", "office", "metrics"] {
        assert!(!reach("scheduler").contains(&far.to_owned()), "the scheduler reaches {far}");
    }
}

/// Rooms get values, not the configuration: only those that build them see all of it.
#[test]
fn no_room_reads_the_configuration() {
    for path in files("listd/src", ".rs") {
        if BUILDERS.contains(&path.as_str()) {
            continue;
        }
        let source = without_tests(&path, &read(&path));
        let words: Vec<&str> =
            source.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).collect();
        let whole = words.iter().any(|word| word.ends_with("config::Config"));
        let import = source.lines().any(|line| {
            line.contains("listcore::config::{")
                && line.split([' ', ',', '{', '}']).any(|w| w == "Config")
        });
        assert!(!whole && !import, "{path} knows the whole configuration");
    }
}
