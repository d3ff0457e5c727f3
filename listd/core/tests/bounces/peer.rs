//! Mailman's detector (flufl.bounce) as a peer: fetched once into `target/`, pinned by its hashes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Addresses;

/// What it finds in one mail.
pub struct Found {
    pub temporary: Addresses,
    pub permanent: Addresses,
}

impl Found {
    pub fn all(&self) -> Addresses {
        self.temporary.union(&self.permanent).cloned().collect()
    }
}

/// What it finds in these mails; `None`, said aloud, where it can't be had.
pub fn ask(mails: &[&Path]) -> Option<BTreeMap<PathBuf, Found>> {
    let Some(python) = installed() else {
        println!("SKIPPED: Mailman's detector beside ours; it needs python3 with venv, and PyPI");
        return None;
    };
    let mut names = String::new();
    mails.iter().for_each(|mail| names.push_str(&format!("{}\n", mail.display())));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bounces/peer.py");
    let mut peer = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the peer starts");
    let mut to = peer.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || to.write_all(names.as_bytes()));
    let out = peer.wait_with_output().expect("the peer's answer");
    writer.join().expect("a writer").expect("the peer reads all names");
    assert!(out.status.success(), "the peer failed");
    let text = String::from_utf8(out.stdout).expect("text");
    let found: Vec<Found> = text.lines().map(found).collect();
    assert_eq!(found.len(), mails.len());
    Some(mails.iter().map(|mail| mail.to_path_buf()).zip(found).collect())
}

fn found(line: &str) -> Found {
    let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let list = |name: &str| -> Addresses {
        let all = json[name].as_array().expect("a list").iter();
        all.map(|a| a.as_str().expect("text").to_lowercase()).collect()
    };
    Found { temporary: list("temporary"), permanent: list("permanent") }
}

/// Its own Python in `target/`, made at the first run.
fn installed() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mailmans-detector");
    let (python, done) = (venv.join("bin/python"), venv.join("done"));
    if done.is_file() {
        return Some(python);
    }
    let run = |command: &mut Command| command.status().ok().filter(|status| status.success());
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--only-binary", ":all:", "--retries", "1", "--timeout", "15"])
        .arg("-r")
        .arg(here.join("tests/bounces/peer-requirements.txt")))?;
    std::fs::write(done, b"").ok()?;
    Some(python)
}
