//! DKIM signatures for the copies that go out: RSA and Ed25519 together (rules D3 to D9).
//!
//! Not verification (`verify`), and not what a copy looks like (`compose`): a finished header block and the
//! hash of a finished body go in, `DKIM-Signature` lines come out. The time is handed in.

mod arc;
mod fields;
mod keyfile;
mod mailauth;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use listcore::dkim::{Algorithm, KeyError, PrivateKey, Record};
use listcore::time::Timestamp;
use mail_auth::crypto::DkimKey;

pub use keyfile::KeyFile;
pub use mailauth::{BodyHash, body_hash};

/// Why a domain can't be signed for.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    #[error("DKIM key {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("DKIM key {path}: {source}")]
    Key { path: PathBuf, source: KeyError },
    #[error(
        "DKIM key {path}: it holds an {found} key where the configuration says {expected}; name it in the other table of [domain.dkim]"
    )]
    OtherKind { path: PathBuf, expected: Algorithm, found: Algorithm },
    #[error("DKIM key of {domain}: the selector {selector:?} is no DNS label or row of labels")]
    Selector { domain: String, selector: String },
    #[error("DKIM key of {domain}, selector {selector}: the crypto library refuses it: {why}")]
    Refused { domain: String, selector: String, why: String },
}

/// A signature could not be made: trouble of ours, so the mail waits.
#[derive(Debug, thiserror::Error)]
#[error("the DKIM signature for {domain} failed: {why}")]
pub struct SignError {
    domain: String,
    why: String,
}

/// Signs for one domain with all its keys, RSA first.
pub struct Signer {
    domain: String,
    keys: Vec<Key>,
    /// Signatures since the start.
    made: AtomicU64,
}

struct Key {
    selector: String,
    secret: DkimKey,
    record: Record,
}

impl Signer {
    /// A signer for `domain` (a lower-case A-label) with keys by selector.
    pub fn new(domain: &str, keys: Vec<(String, PrivateKey)>) -> Result<Signer, SignerError> {
        let mut keys = keys
            .into_iter()
            .map(|(selector, key)| Key::new(domain, selector, &key))
            .collect::<Result<Vec<Key>, SignerError>>()?;
        keys.sort_by_key(|key| matches!(key.secret, DkimKey::Ed25519(_)));
        Ok(Signer { domain: domain.to_owned(), keys, made: AtomicU64::new(0) })
    }

    /// Reads the key files. The texts are warnings for the log, e.g. of a key that others can read.
    pub fn load(domain: &str, files: &[KeyFile]) -> Result<(Signer, Vec<String>), SignerError> {
        let mut keys = Vec::new();
        let mut warnings = Vec::new();
        for file in files {
            let (key, warning) = file.read()?;
            keys.push((file.selector.clone(), key));
            warnings.extend(warning);
        }
        Ok((Signer::new(domain, keys)?, warnings))
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The DNS records that must stand for these signatures to hold.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.keys.iter().map(|key| &key.record)
    }

    /// The `DKIM-Signature` lines, CRLF included, to be put above `head`: one per key.
    ///
    /// `head` is all header lines of the copy, each with CRLF, without the empty line. Relaxed/relaxed, no
    /// `l=`, `t=` is `now`, `x=` two weeks later (rule D6). RSA with 2048 bits takes about 0.4 ms.
    pub fn sign(&self, head: &[u8], body: &BodyHash, now: Timestamp) -> Result<Vec<u8>, SignError> {
        let failed =
            |why: mail_auth::Error| SignError { domain: self.domain.clone(), why: why.to_string() };
        let canonical = mailauth::Canonical::new(head).map_err(failed)?;
        let mut lines = Vec::with_capacity(2048);
        for key in &self.keys {
            let tags = mailauth::Tags { domain: &self.domain, selector: &key.selector, now };
            canonical.sign(&key.secret, &tags, body, &mut lines).map_err(failed)?;
            self.made.fetch_add(1, Ordering::Relaxed);
        }
        Ok(lines)
    }
}

impl Key {
    fn new(domain: &str, selector: String, key: &PrivateKey) -> Result<Key, SignerError> {
        // It goes into a header and a DNS name as it stands (rule X4).
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if selector.len() > 128 || !selector.split('.').all(label) {
            return Err(SignerError::Selector { domain: domain.to_owned(), selector });
        }
        let refused = |why: String| SignerError::Refused {
            domain: domain.to_owned(),
            selector: selector.clone(),
            why,
        };
        let secret = mailauth::load(key).map_err(|e| refused(e.to_string()))?;
        let record =
            listcore::dkim::record(key, &selector, domain).map_err(|e| refused(e.to_string()))?;
        Ok(Key { selector, secret, record })
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let selectors: Vec<&str> = self.keys.iter().map(|k| k.selector.as_str()).collect();
        write!(f, "Signer({} {selectors:?})", self.domain)
    }
}

/// All domains that we sign for.
#[derive(Clone, Debug, Default)]
pub struct Signers(HashMap<String, Arc<Signer>>);

impl Signers {
    pub fn new(signers: impl IntoIterator<Item = Signer>) -> Signers {
        Signers(
            signers
                .into_iter()
                .filter(|signer| !signer.keys.is_empty())
                .map(|signer| (signer.domain.clone(), Arc::new(signer)))
                .collect(),
        )
    }

    #[cfg(test)]
    pub(crate) fn of_one(signer: Arc<Signer>) -> Signers {
        Signers(HashMap::from([(signer.domain.clone(), signer)]))
    }

    /// The signer of exactly this domain.
    pub fn of(&self, domain: &str) -> Option<&Arc<Signer>> {
        self.0.get(domain)
    }

    /// Signatures made since the start.
    pub fn made(&self) -> u64 {
        self.0.values().map(|signer| signer.made.load(Ordering::Relaxed)).sum()
    }

    /// True where a From of this domain may stay, because our signature will be its own.
    pub fn signs_for(&self, domain: &str) -> bool {
        self.0.contains_key(domain)
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
