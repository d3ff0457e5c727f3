//! The HMAC keys of our tokens in `secret_file`: one per line, newest first, as hexadecimal (`listcore::token`).
//!
//! Made at the first start. To rotate, an admin puts a new line on top: new tokens use it, old tokens stay good as
//! long as their line stands there. Never logged.

use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use listcore::token::{KeyError, Keys};

/// Octets of a key that we make.
const KEY: usize = 32;

/// A file of that many octets holds hundreds of keys; a larger one is something else.
const MAX_SIZE: u64 = 64 * 1024;

/// The keys, newest first, and a warning where others can read them.
pub struct Secret {
    pub keys: Keys,
    pub warning: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("secret_file {path}: {source}; its directory must exist and be ours")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "secret_file {path}: {source}; repair it, or remove it: a new key is made, and no token sent before counts"
    )]
    Keys { path: PathBuf, source: KeyError },
    #[error("the system gives no random numbers")]
    Random,
}

/// Reads the keys; makes the file with one new key where there is none.
pub fn load_or_make(path: &Path) -> Result<Secret, SecretError> {
    let failed = |source| SecretError::Io { path: path.to_owned(), source };
    match std::fs::File::open(path) {
        Ok(file) => read(path, file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            make(path)?;
            read(path, std::fs::File::open(path).map_err(failed)?)
        }
        Err(error) => Err(failed(error)),
    }
}

fn read(path: &Path, file: std::fs::File) -> Result<Secret, SecretError> {
    let failed = |source| SecretError::Io { path: path.to_owned(), source };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    let mut text = String::new();
    file.take(MAX_SIZE).read_to_string(&mut text).map_err(failed)?;
    let keys =
        Keys::parse(&text).map_err(|source| SecretError::Keys { path: path.to_owned(), source })?;
    let warning = (mode & 0o077 != 0).then(|| {
        format!(
            "secret_file {} can be read by others (mode {mode:04o}); run: chmod 0600 {0}",
            path.display()
        )
    });
    Ok(Secret { keys, warning })
}

/// Writes a new file that appears whole or not at all: two daemons at once end up with the same key.
fn make(path: &Path) -> Result<(), SecretError> {
    let failed = |source| SecretError::Io { path: path.to_owned(), source };
    let mut key = [0u8; KEY];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| SecretError::Random)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = (|| {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        writeln!(file, "{}", HEXLOWER.encode(&key))?;
        file.sync_all()?;
        // A link, not a rename: it does not replace a file that another has made meanwhile.
        match std::fs::hard_link(&temporary, path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    })();
    let _ = std::fs::remove_file(&temporary);
    written.map_err(failed)?;
    // The name must survive a crash as well: tokens go out with this key.
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use listcore::list::ListId;
    use listcore::time::Timestamp;
    use listcore::token::{Purpose, check, make};

    use super::*;

    fn token(secret: &Secret) -> String {
        make(&secret.keys, Purpose::Bounces, &ListId("l".into()), 7, Timestamp(0))
    }

    fn is_good(secret: &Secret, token: &str) -> bool {
        check(&secret.keys, Purpose::Bounces, &ListId("l".into()), token, Timestamp(0)) == Ok(7)
    }

    /// The first start makes a key that only we can read; the second finds it.
    #[test]
    fn made_once() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("secret");
        let first = load_or_make(&path).expect("made");
        assert_eq!(first.warning, None);
        let metadata = std::fs::metadata(&path).expect("file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(metadata.len(), 2 * KEY as u64 + 1);
        assert!(is_good(&load_or_make(&path).expect("found"), &token(&first)));
        assert_eq!(std::fs::read_dir(dir.path()).expect("dir").count(), 1, "nothing left over");

        let other = load_or_make(&dir.path().join("other")).expect("made");
        assert!(!is_good(&other, &token(&first)));
    }

    /// Rotation: a new line on top, old tokens stay good; a damaged file is an error, never silently a new key.
    #[test]
    fn rotated_and_damaged() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("secret");
        let old = load_or_make(&path).expect("made");
        let (new, line) = ("ab".repeat(32), std::fs::read_to_string(&path).expect("read"));
        std::fs::write(&path, format!("# newest first\n{new}\n\n{line}")).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("mode");
        let rotated = load_or_make(&path).expect("read");
        assert!(is_good(&rotated, &token(&old)));
        assert_ne!(token(&rotated), token(&old));
        assert!(rotated.warning.is_some_and(|w| w.contains("chmod 0600")));

        for (text, expect) in [
            ("", "no key"),
            ("\n# nothing\n", "no key"),
            ("abcd\n", "line 1"),
            (&format!("{new}\nnot a key\n"), "line 2"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = load_or_make(&path).err().expect("refused").to_string();
            assert!(error.contains(expect), "{text:?}: {error}");
            assert!(!error.contains(&new), "a key in an error text");
        }
        let error = load_or_make(Path::new("/nonexistent/secret")).err().expect("refused");
        assert!(error.to_string().contains("directory must exist"));
    }
}
