//! DKIM by dkimpy, which shares no code with the product: the outside world signs and checks with it.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::process::{run, run_any};
use crate::{Doing, Failure, Result, school};

const COMMAND: Duration = Duration::from_secs(120);
const SIGN: &str = "import sys, dkim
m = sys.stdin.buffer.read()
key = open(sys.argv[3], 'rb').read()
for form in sys.argv[4:]:
    s = dkim.sign(m, sys.argv[1].encode(), sys.argv[2].encode(), key, canonicalize=(form.encode(), form.encode()),
        include_headers=[b'from', b'to', b'subject', b'date', b'message-id'])
    sys.stdout.buffer.write(s)
sys.stdout.buffer.write(m)";

/// One signature of a mail, judged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Signature {
    #[serde(rename = "d")]
    pub domain: String,
    #[serde(rename = "s")]
    pub selector: String,
    #[serde(rename = "a")]
    pub algorithm: String,
    pub ok: bool,
    pub error: Option<String>,
}

#[derive(Deserialize)]
struct Judged {
    signatures: Vec<Signature>,
}

/// The mail as `post.example`, the parents' provider, signs it.
pub fn sign_as_provider(mail: &[u8]) -> Result<Vec<u8>> {
    sign("post.example", &["relaxed"], mail)
}

/// The mail with two signatures of a domain, the first in the form that forgives white space, the second in that which
/// forgives nothing.
pub fn sign_as(domain: &str, mail: &[u8]) -> Result<Vec<u8>> {
    sign(domain, &["relaxed", "simple"], mail)
}

fn sign(domain: &str, forms: &[&str], mail: &[u8]) -> Result<Vec<u8>> {
    let key = school::fixtures().join("keys/provider-rsa.pem");
    let key = key.to_string_lossy();
    let argv = [&["/usr/bin/python3", "-c", SIGN, "s1", domain, &key], forms].concat();
    run(&argv, mail, COMMAND)
}

/// All signatures of a mail, in header order, checked against `fixtures/keys/dns.json`.
pub fn signatures(mail: &[u8]) -> Result<Vec<Signature>> {
    judged(&[], mail)
}

/// `clock`: in front of the program that judges.
fn judged(clock: &[&str], mail: &[u8]) -> Result<Vec<Signature>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("mail.eml");
    std::fs::write(&file, mail)?;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("stack/dkim_verify.py");
    let dns = school::fixtures().join("keys/dns.json");
    let argv = [
        "/usr/bin/python3",
        &script.to_string_lossy(),
        &dns.to_string_lossy(),
        &file.to_string_lossy(),
    ];
    let output = run_any(&[clock, &argv].concat(), b"", COMMAND)?;
    let judged: Judged = serde_json::from_slice(&output.stdout)
        .doing(|| format!("dkim_verify.py: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(judged.signatures)
}

/// Fails unless the school signed the mail with RSA and with Ed25519 and both hold.
pub fn check_school(mail: &[u8]) -> Result<Vec<Signature>> {
    both_hold(signatures(mail)?)
}

/// The same at another time: a signature from the future counts for nothing, nor one that has expired.
pub fn check_school_at(clock: &str, mail: &[u8]) -> Result<Vec<Signature>> {
    let clock = format!("FAKETIME=@{clock}");
    both_hold(judged(&["env", "TZ=UTC", crate::listd::FAKETIME, &clock], mail)?)
}

/// True where each signature of the school names the field in its `h=`.
pub fn covers(mail: &[u8], field: &str) -> bool {
    let signatures = crate::mail::headers(mail, "DKIM-Signature").into_iter();
    let signatures = signatures.map(|s| s.split_whitespace().collect::<String>());
    let mut ours = signatures.filter(|s| s.contains("d=schule.example;"));
    ours.all(|signature| {
        let named = signature.split(';').find_map(|tag| tag.strip_prefix("h="));
        named.is_some_and(|named| named.split(':').any(|name| name.eq_ignore_ascii_case(field)))
    })
}

fn both_hold(all: Vec<Signature>) -> Result<Vec<Signature>> {
    let holds = |algorithm: &str| {
        all.iter().any(|s| s.domain == "schule.example" && s.algorithm == algorithm && s.ok)
    };
    if holds("rsa-sha256") && holds("ed25519-sha256") {
        Ok(all)
    } else {
        Err(Failure(format!("not signed by schule.example with both keys: {all:?}")))
    }
}

/// Fails unless every mail in a folder has at least so many signatures of the school and all of them hold.
pub fn check_folder(dir: &std::path::Path, at_least: usize) -> Result<()> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("stack/dkim_verify.py");
    let dns = school_only()?;
    let least = at_least.to_string();
    let script = script.to_string_lossy();
    let argv = [
        "/usr/bin/python3",
        &script,
        "--at-least",
        &least,
        &dns.path().to_string_lossy(),
        &dir.to_string_lossy(),
    ];
    run(&argv, b"", COMMAND * 5).map(|_| ())
}

/// The school's records alone: other signatures in foreign mails are not ours to judge.
fn school_only() -> Result<tempfile::NamedTempFile> {
    let all = std::fs::read(school::fixtures().join("keys/dns.json"))?;
    let mut records: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&all).doing(|| "fixtures/keys/dns.json".to_owned())?;
    records.retain(|name, _| name.ends_with(".schule.example"));
    let file = tempfile::NamedTempFile::new()?;
    let text = serde_json::to_vec(&records).doing(|| "the school's keys".to_owned())?;
    std::fs::write(file.path(), text)?;
    Ok(file)
}
