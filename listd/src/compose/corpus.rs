//! Every mail of the corpora through verification and composition: no panic, no changed body, valid signatures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use listcore::message::{Mail, lines, split};

use super::tests::{NOW, bytes, composer, post};
use super::*;
use crate::sign::testing::{dkimpy, signer};
use crate::verify::testing::{corpora, failing_server, is_proven};

const CAN: Can = Can { eight_bit: true, utf8: true, chunking: true, size: None };

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .map(|entries| entries.filter_map(Result::ok).collect())
        .unwrap_or_default();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&path, found),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}

/// As Exim hands it over (rule X2a): CRLF line ends; NUL never gets through the door.
fn as_received(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 20);
    let mut octets = raw.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            0 => {}
            b'\r' => {
                octets.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    out
}

/// A test mail often has no author; it gets one, so that its body is tried as well.
fn with_author(raw: Vec<u8>) -> Vec<u8> {
    match Mail::parse(&raw) {
        Ok(mail) if mail.count("From") == 0 => {
            [b"From: Ayse Yilmaz <ayse@gmx.example>\r\n".as_slice(), &raw].concat()
        }
        _ => raw,
    }
}

/// Issue 2, X3, X6, promises 9 and 10: the corpora, with a relay that can everything and one that can nothing.
#[test]
fn corpora_pass() {
    let Some(folder) = corpora() else { return };
    let mut paths = Vec::new();
    for part in ["mime", "dkim-arc", "bounces"] {
        files(&folder.join(part), &mut paths);
    }
    assert!(paths.len() > 1_000, "the corpora are incomplete: {}", paths.len());

    let signer = Arc::new(signer());
    let mut composer = composer([]);
    composer.signers = Signers::of_one(Arc::clone(&signer));
    let post = post(Copies::Personal);
    let (mut mails, mut names) = (Vec::new(), Vec::new());
    let mut changed = 0;
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    for path in &paths {
        let raw = with_author(as_received(&std::fs::read(path).expect("corpus file")));
        for can in [CAN, Can::default()] {
            match compose(&composer, &post, &raw, &can) {
                Ok(copy) => {
                    changed += u32::from(check(path, &raw, &copy, &can));
                    names.push(format!("{} {can:?}", path.display()));
                    mails.push(copy);
                }
                Err(NoCopy::Never(reply)) => {
                    *refused.entry(reply.text.clone()).or_default() += 1;
                    assert!(reply.text.starts_with("5."), "{}: {reply:?}", path.display());
                }
                Err(NoCopy::Later(why)) => panic!("{}: {why}", path.display()),
            }
        }
    }
    println!(
        "{} files: {} copies, {changed} re-encoded; refused: {refused:#?}",
        paths.len(),
        mails.len()
    );
    assert!(mails.len() > paths.len(), "most of the corpus can be sent");

    let Some(judged) = dkimpy(&signer, &mails) else { return };
    let bad: Vec<String> = names
        .iter()
        .zip(&judged)
        .filter(|(_, one)| !one.is_unreadable())
        .filter(|(_, one)| one.ours() != [("r1", true), ("e1", true)])
        .map(|(name, one)| format!("{name}: {one:?}"))
        .collect();
    assert!(bad.is_empty(), "{} of {} are not valid:\n{}", bad.len(), judged.len(), bad.join("\n"));
}

fn compose(
    composer: &Composer,
    post: &StoredPost,
    raw: &[u8],
    can: &Can,
) -> Result<Vec<u8>, NoCopy> {
    let body = Body::Memory(Bytes::copy_from_slice(raw));
    let variant = composer.variant(post, &body, can, &"de".into())?;
    let address = Address::parse("anna@gmx.example").expect("address");
    let anna = Recipient { person: None, address, name: None, language: None };
    Ok(bytes(&composer.copy(&variant, &[(RecipientRef(7), anna)], NOW)?))
}

/// What must hold for each copy; true where its body was re-encoded.
fn check(path: &Path, raw: &[u8], copy: &[u8], can: &Can) -> bool {
    let name = path.display();
    let before = &raw[split(raw)..];
    let after = &copy[split(copy)..];
    let found = lines(copy);
    assert!(found.longest <= 998 && !found.bare && !found.nul, "{name}: {found:?}");
    assert!(can.eight_bit || !found.eight_bit, "{name}: eight bits");
    let facts = lines(before);
    let must_change = facts.longest > 998 || (facts.eight_bit && !can.eight_bit);
    assert!(must_change || before == after, "{name}: the body changed");
    before != after
}

/// Issue 2, X6: no mail makes verification panic, and without DNS none is believed.
#[tokio::test]
async fn corpora_prove_nothing_without_dns() {
    let Some(folder) = corpora() else { return };
    let mut paths = Vec::new();
    for part in ["mime", "dkim-arc", "bounces"] {
        files(&folder.join(part), &mut paths);
    }
    let verifier = crate::verify::Verifier::new(Some(failing_server()), &[]).expect("resolver");
    for path in &paths {
        let raw = as_received(&std::fs::read(path).expect("corpus file"));
        let Ok(mail) = Mail::parse(&raw) else { continue };
        let judged = verifier.verify(&raw, &mail, None, &|_, _| true, &Default::default()).await;
        assert!(!is_proven(&judged), "{}: {judged:?}", path.display());
    }
}
