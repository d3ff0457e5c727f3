//! What the configuration names as files: the secret of the tokens, the DKIM keys, passwords and certificates.

use std::path::Path;
use std::sync::Arc;

use listcore::api;
use listcore::config::{self, Config};
use listcore::dkim::Algorithm;
use listcore::token::Keys;
use listd::secret;
use listd::sign::{KeyFile, Signer, Signers};

use super::{StartError, wrong};

pub(super) fn token_keys(config: &Config) -> Result<Arc<Keys>, StartError> {
    let secret = secret::load_or_make(&config.secret_file).map_err(wrong)?;
    if let Some(warning) = &secret.warning {
        tracing::warn!("{warning}");
    }
    Ok(Arc::new(secret.keys))
}

/// The DKIM keys of all domains, and the records that publish them.
pub(super) fn signers(config: &Config) -> Result<(Signers, Vec<api::DkimRecord>), StartError> {
    let (mut signers, mut records) = (Vec::new(), Vec::new());
    for domain in &config.domains {
        let keys = [(&domain.dkim.rsa, Algorithm::Rsa), (&domain.dkim.ed25519, Algorithm::Ed25519)];
        let files: Vec<KeyFile> = keys
            .into_iter()
            .filter_map(|(key, algorithm)| key.as_ref().map(|key| key_file(key, algorithm)))
            .collect();
        if files.is_empty() {
            continue;
        }
        let (signer, warnings) = Signer::load(&domain.name, &files).map_err(wrong)?;
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        for (record, file) in signer.records().zip(&files) {
            records.push(api::DkimRecord {
                domain: domain.name.clone(),
                algorithm: file.algorithm.to_string(),
                name: record.name.clone(),
                record: record.text.clone(),
            });
        }
        signers.push(signer);
    }
    Ok((Signers::new(signers), records))
}

fn key_file(key: &config::DkimKey, algorithm: Algorithm) -> KeyFile {
    KeyFile { selector: key.selector.clone(), path: key.key_file.clone(), algorithm }
}

/// These are read anew for each connection to the server; what is missing at the start is a mistake.
pub(super) fn readable(key: &str, path: Option<&Path>) -> Result<(), StartError> {
    let Some(path) = path else { return Ok(()) };
    match std::fs::read(path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let path = path.display();
            Err(wrong(format!(
                "{key}: {path} cannot be read: {error}; make the file or correct the path"
            )))
        }
    }
}
