//! Footers below whole mails: golden folders, `fixtures/golden/NN-name` with an `out.eml`.
//!
//! `UPDATE=1 cargo test -p listcore --test footers` writes every `out.eml` anew; look at the difference before you
//! commit it.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use std::path::{Path, PathBuf};

use listcore::message::{Tree, split};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::footer::footer;
use listcore::rewrite::{Frozen, Ours, copy_head};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden")
}

fn frozen(folder: &Path) -> Frozen {
    let json = std::fs::read_to_string(folder.join("frozen.json")).expect("frozen.json");
    serde_json::from_str(&json).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
}

/// The whole copy, without personal fields and signatures.
fn copy(raw: &[u8], frozen: &Frozen) -> Vec<u8> {
    let footer = footer(frozen, &frozen.language);
    let footer_signed = frozen.settings.footer_signed;
    let wishes = Wishes { footer: footer.as_ref(), footer_signed, ..Wishes::default() };
    let tree = Tree::parse(raw).expect("a tree");
    let middle = body::edits(raw, &tree, &wishes).expect("sendable").apply(raw);
    let ids = ["mx.schule.example".to_owned()];
    let ours = Ours { signs_for: &|d| d == "schule.example", authserv_ids: &ids, utf8: true };
    let head = copy_head(&middle[..split(&middle)], frozen, &ours).expect("sendable");
    head.edits.apply(&middle)
}

/// B1 to B10, LA3 as whole mails; each readme names its own.
#[test]
fn mails_are_as_they_were() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root())
        .expect("the golden folders")
        .flatten()
        .map(|e| e.path())
        .collect();
    folders.retain(|folder| folder.join("out.eml").exists());
    assert!(folders.len() >= 29, "{} golden folders", folders.len());
    for folder in folders {
        let raw = std::fs::read(folder.join("in.eml")).expect("in.eml");
        let (got, path) = (copy(&raw, &frozen(&folder)), folder.join("out.eml"));
        if update {
            std::fs::write(&path, &got).expect("a writable out.eml");
        }
        let expect = std::fs::read(&path).expect("out.eml");
        assert_eq!(
            String::from_utf8_lossy(&got),
            String::from_utf8_lossy(&expect),
            "{}",
            folder.display()
        );
    }
}
