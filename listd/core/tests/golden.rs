//! Copies compared: `fixtures/golden/NN-name/{in.eml,frozen.json,readme}` with `out.head` for the header alone, or
//! `out.eml` for the whole copy, before personal fields and signatures.
//!
//! `UPDATE=1 cargo test -p listcore --test golden` writes every result anew; look at the difference before you
//! commit it. A mail that can't be sent has the reason in its place. An empty file `relay-without-smtputf8` or
//! `relay-of-seven-bits` says what the relay takes.

#![allow(clippy::expect_used, reason = "a test that can't go on says where")]

use std::path::{Path, PathBuf};

use listcore::message::{Tree, split};
use listcore::rewrite::body::{self, Wishes};
use listcore::rewrite::filter::Filter;
use listcore::rewrite::{BodyOf, Frozen, Ours, Unsendable, copy_head, footer};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root).expect("the golden folders").flatten().map(|e| e.path()).collect();
    found.sort();
    found
}

/// The copy: its header, and its body.
fn copy(folder: &Path) -> Result<(Vec<u8>, Vec<u8>), Unsendable> {
    let raw = std::fs::read(folder.join("in.eml")).expect("in.eml");
    let json = std::fs::read_to_string(folder.join("frozen.json")).expect("frozen.json");
    let frozen: Frozen =
        serde_json::from_str(&json).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let ids = ["mx.schule.example".to_owned()];
    let seven = folder.join("relay-of-seven-bits").exists();
    let utf8 = !seven && !folder.join("relay-without-smtputf8").exists();
    let footer = footer::footer(&frozen, &frozen.language);
    let filter = Filter::of(&frozen, &frozen.language.as_str().into());
    let wishes = Wishes {
        seven_bit: seven,
        footer: footer.as_ref(),
        footer_signed: frozen.settings.footer_signed,
        filter: filter.as_ref(),
        quoted: &frozen.quoted,
        passwords: frozen.passwords,
    };
    let tree = Tree::parse(&raw).expect("a mail that is not too deep");
    let new = body::edits(&raw, &tree, &wishes)?.apply(&raw);
    let (head, body) = new.split_at(split(&new));
    let (before, _) = raw.split_at(split(&raw));
    let ours = Ours {
        signs_for: &|d| d == "schule.example",
        authserv_ids: &ids,
        body: BodyOf::Changed { head: before, body: Some(body) },
        utf8,
    };
    Ok((copy_head(head, &frozen, &ours)?.bytes, body.to_vec()))
}

/// What is compared, and the file it stands in.
fn rendered(folder: &Path) -> (Vec<u8>, PathBuf) {
    let head_only = folder.join("out.head");
    let whole = !head_only.exists();
    let bytes = match copy(folder) {
        Ok((head, body)) if whole => [&head, &b"\r\n"[..], &body].concat(),
        Ok((head, _)) => head,
        Err(why) => format!("unsendable: {why}\r\n").into_bytes(),
    };
    (bytes, if whole { folder.join("out.eml") } else { head_only })
}

/// T, H, R, F, P, S, B, U rules as whole mails; each readme names its own.
#[test]
fn copies_are_as_they_were() {
    let update = std::env::var_os("UPDATE").is_some();
    let folders = folders();
    assert!(folders.len() >= 60, "{} golden folders", folders.len());
    for folder in folders {
        assert!(
            folder.join("readme").is_file(),
            "{}: one line that says what is shown",
            folder.display()
        );
        let (got, path) = rendered(&folder);
        if update {
            std::fs::write(&path, &got).expect("a writable folder");
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
