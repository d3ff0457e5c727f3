//! For tests: a signer with fresh keys, and dkimpy as the judge.

use std::path::Path;
use std::process::Command;

use listcore::dkim::{Algorithm, generate};
use serde::Deserialize;

use super::Signer;

pub(crate) const DOMAIN: &str = "schule.example";

/// A signer for [`DOMAIN`] with one key of each kind; the order given is the wrong one on purpose.
pub(crate) fn signer() -> Signer {
    let key = |algorithm| generate(algorithm).expect("key");
    let keys =
        vec![("e1".to_owned(), key(Algorithm::Ed25519)), ("r1".to_owned(), key(Algorithm::Rsa))];
    Signer::new(DOMAIN, keys).expect("signer")
}

/// What dkimpy says of one file.
#[derive(Debug, Deserialize)]
pub(crate) struct Judged {
    pub signatures: Vec<JudgedSignature>,
    /// What the ARC chain is worth: `none`, `pass` or `fail`.
    #[serde(default)]
    pub arc: String,
    /// Why the file could not be read as a mail.
    pub error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct JudgedSignature {
    pub d: String,
    pub s: String,
    pub ok: bool,
}

impl Judged {
    /// dkimpy reads no field with white space before its colon, which RFC 5322 4.5 allows in old mails.
    pub(crate) fn is_unreadable(&self) -> bool {
        let blank = |text: &str| text.split_once(':').is_some_and(|(name, _)| name.ends_with(' '));
        let at = self.error.as_deref().and_then(|e| e.split_once("in RFC822 header: b'"));
        at.is_some_and(|(_, line)| blank(line))
    }

    /// Verdicts on the signatures of [`DOMAIN`], in header order: selector, and whether it holds.
    pub(crate) fn ours(&self) -> Vec<(&str, bool)> {
        self.signatures.iter().filter(|s| s.d == DOMAIN).map(|s| (s.s.as_str(), s.ok)).collect()
    }
}

/// Judges all mails with one dkimpy process; `None` (said aloud) where it is not installed.
pub(crate) fn dkimpy(signer: &Signer, mails: &[Vec<u8>]) -> Option<Vec<Judged>> {
    let dir = tempfile::tempdir().expect("temp dir");
    let records: serde_json::Map<String, serde_json::Value> =
        signer.records().map(|r| (r.name.clone(), r.text.clone().into())).collect();
    let dns = dir.path().join("dns.json");
    std::fs::write(&dns, serde_json::to_vec(&records).expect("json")).expect("dns.json");
    let folder = dir.path().join("mails");
    std::fs::create_dir(&folder).expect("folder");
    for (number, mail) in mails.iter().enumerate() {
        std::fs::write(folder.join(format!("{number:06}.eml")), mail).expect("mail");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stack/dkim_verify.py");
    let output = Command::new("/usr/bin/python3").arg(script).arg(&dns).arg(&folder).output();
    let output = match output {
        Ok(output) if output.status.code() != Some(2) => output,
        _ => {
            eprintln!("SKIPPED: no judgement by dkimpy; install the package python3-dkim");
            return None;
        }
    };
    let judged: Vec<Judged> = output
        .stdout
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line of JSON"))
        .collect();
    assert_eq!(judged.len(), mails.len(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(judged)
}
