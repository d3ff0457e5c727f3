//! Private keys from files: small, readable to us, and better to nobody else.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use listcore::dkim::{Algorithm, PrivateKey};

use super::SignerError;

/// Larger files are no keys: an RSA key of 8192 bits has about 6 KB.
const MAX_SIZE: u64 = 64 * 1024;

/// Where a key is, and what it is said to be.
#[derive(Clone, Debug)]
pub struct KeyFile {
    pub selector: String,
    pub path: PathBuf,
    pub algorithm: Algorithm,
}

impl KeyFile {
    /// The key, and a warning where others can read the file (rule D8).
    pub(super) fn read(&self) -> Result<(PrivateKey, Option<String>), SignerError> {
        let path = || self.path.clone();
        let failed = |source| SignerError::Read { path: path(), source };
        let file = std::fs::File::open(&self.path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        let mut pem = String::new();
        file.take(MAX_SIZE).read_to_string(&mut pem).map_err(failed)?;
        let key = PrivateKey::from_pem(&pem)
            .map_err(|source| SignerError::Key { path: path(), source })?;
        if key.algorithm() != self.algorithm {
            let (expected, found) = (self.algorithm, key.algorithm());
            return Err(SignerError::OtherKind { path: path(), expected, found });
        }
        let warning = (mode & 0o077 != 0).then(|| {
            format!(
                "DKIM key {} can be read by others (mode {mode:04o}); run: chmod 0600 {0}",
                self.path.display()
            )
        });
        Ok((key, warning))
    }
}
