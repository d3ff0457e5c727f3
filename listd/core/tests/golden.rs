//! Whole heads compared: `fixtures/golden/NN-name/{in.eml,frozen.json,out.head,readme}`.
//!
//! `UPDATE=1 cargo test -p listcore --test golden` writes every `out.head` anew; look at the difference before you
//! commit it. A mail that can't be sent has the reason in its `out.head`.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use std::path::{Path, PathBuf};

use listcore::rewrite::{Frozen, Ours, copy_head};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root).expect("the golden folders").flatten().map(|e| e.path()).collect();
    // Whole mails are `footers.rs`.
    found.retain(|folder| !folder.join("out.eml").exists());
    found.sort();
    found
}

fn rendered(folder: &Path) -> Vec<u8> {
    let raw = std::fs::read(folder.join("in.eml")).expect("in.eml");
    let json = std::fs::read_to_string(folder.join("frozen.json")).expect("frozen.json");
    let frozen: Frozen =
        serde_json::from_str(&json).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let ids = ["mx.schule.example".to_owned()];
    let utf8 = !folder.join("relay-without-smtputf8").exists();
    let ours = Ours { signs_for: &|d| d == "schule.example", authserv_ids: &ids, utf8 };
    let head = listcore::rewrite::wrap_lines(&raw)
        .and_then(|new| copy_head(&new.unwrap_or(raw), &frozen, &ours));
    match head {
        Ok(head) => head.bytes,
        Err(why) => format!("unsendable: {why}\r\n").into_bytes(),
    }
}

/// T, H, R, F, P, U rules as whole mails; each readme names its own.
#[test]
fn heads_are_as_they_were() {
    let update = std::env::var_os("UPDATE").is_some();
    let folders = folders();
    assert!(folders.len() >= 20, "{} golden folders", folders.len());
    for folder in folders {
        assert!(
            folder.join("readme").is_file(),
            "{}: one line that says what is shown",
            folder.display()
        );
        let (got, path) = (rendered(&folder), folder.join("out.head"));
        if update {
            std::fs::write(&path, &got).expect("a writable out.head");
        }
        let expect = std::fs::read(&path).unwrap_or_default();
        assert_eq!(
            String::from_utf8_lossy(&got),
            String::from_utf8_lossy(&expect),
            "{}",
            folder.display()
        );
    }
}
