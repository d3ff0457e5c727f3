//! What the tests on whole mails share: the corpora, mails as Exim hands them over, a post.
#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use std::path::{Path, PathBuf};

use listcore::address::Address;
use listcore::list::{ListId, Settings};
use listcore::rewrite::{Frozen, PostKind};

/// `VERTEILER_CORPORA`, else `shared/corpora` beside the workspace or above it; `None`, said aloud, where there is none.
pub fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("VERTEILER_CORPORA").map(PathBuf::from);
    // A git worktree may stand deeper than a plain clone.
    let above =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared/corpora"));
    let found = named.into_iter().chain(above).find(|path| path.is_dir());
    if found.is_none() {
        println!("SKIPPED: no corpora; set VERTEILER_CORPORA to their directory");
    }
    found
}

/// All files below a directory.
pub fn files(under: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).expect("a readable directory").flatten() {
        let path = entry.path();
        match entry.file_type().expect("a file type") {
            kind if kind.is_dir() => files(&path, out),
            kind if kind.is_file() => out.push(path),
            _ => {}
        }
    }
}

/// As Exim hands it over: CRLF line ends, nothing else changed.
pub fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 30);
    for line in raw.split_inclusive(|b| *b == b'\n') {
        match line {
            [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => {
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            text => out.extend_from_slice(text),
        }
    }
    out
}

/// A post to a class that has a subject tag.
pub fn frozen() -> Frozen {
    Frozen {
        description: "Klasse 5b".to_owned(),
        settings: Settings { subject_tag: "[5b]".to_owned(), ..Settings::default() },
        language: "de".to_owned(),
        received: "Received: from mx by lists with LMTP; Thu, 01 Jan 1970 00:00:00 +0000\r\n"
            .to_owned(),
        add_message_id: Some("<new@schule.example>".to_owned()),
        add_date: Some("Thu, 01 Jan 1970 00:00:00 +0000".to_owned()),
        ..Frozen::new(
            PostKind::List,
            ListId("5b".to_owned()),
            Address::parse("klasse-5b@schule.example").expect("an address"),
        )
    }
}
