//! `credential:NAME` in place of a secret's path: a file that the service manager hands over (systemd's
//! `LoadCredential=`), so that the secret itself may stay root's.

use std::path::{Path, PathBuf};

use super::Config;

/// What stands before the name.
const PREFIX: &str = "credential:";

/// Longest name: a file name has no more.
const MAX_NAME: usize = 255;

/// A credential is named where nobody handed any over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}: no credentials were handed over; start listd by systemd with LoadCredential=, or name the file by its path"
)]
pub struct NoCredentials(pub String);

/// `credential:NAME` as it stands in the configuration, kept as such until the folder is known.
pub(super) fn read(text: &str) -> Option<PathBuf> {
    let name = text.strip_prefix(PREFIX)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let fine = (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.');
    (fine && name.chars().all(plain)).then(|| PathBuf::from(text))
}

/// The name of a credential, `None` for a real path.
fn name(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(PREFIX)
}

impl Config {
    /// Puts the path of a file in `folder` in the place of each `credential:NAME`. The folder is what the
    /// environment calls `CREDENTIALS_DIRECTORY`; without one a configuration that names a credential is an error.
    pub fn find_credentials(&mut self, folder: Option<&Path>) -> Result<(), NoCredentials> {
        self.each_credential(|name| match folder {
            Some(folder) => Ok(folder.join(name)),
            None => Err(NoCredentials(format!("{PREFIX}{name}"))),
        })
    }

    /// The same before anything is handed over, for a check by hand: `find` knows where a credential comes from.
    pub fn guess_credentials(&mut self, find: impl Fn(&str) -> PathBuf) {
        let _ = self.each_credential(|name| Ok(find(name)));
    }

    fn each_credential(
        &mut self,
        find: impl Fn(&str) -> Result<PathBuf, NoCredentials>,
    ) -> Result<(), NoCredentials> {
        let keys = self.domains.iter_mut().flat_map(|domain| {
            let dkim = &mut domain.dkim;
            [&mut dkim.rsa, &mut dkim.ed25519].into_iter().flatten().map(|key| &mut key.key_file)
        });
        let learning = self.verdict.iter_mut().flat_map(|verdict| &mut verdict.learning);
        let secrets = std::iter::once(&mut self.secret_file)
            .chain(&mut self.directory.bind_password_file)
            .chain(learning.flat_map(|learning| &mut learning.password_file))
            .chain(keys);
        for secret in secrets {
            if let Some(name) = name(secret) {
                *secret = find(name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_file_names() {
        for good in ["credential:secret_ldap.password", "credential:r2026.pem", "credential:A-1"] {
            assert_eq!(read(good), Some(PathBuf::from(good)));
        }
        let long = format!("credential:{}", "x".repeat(256));
        for bad in [
            "credential:",
            "credential:a/b",
            "credential:..",
            "credential:.x",
            "r2026.pem",
            "credential:ä",
            &long,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    /// Every secret may be a credential; a path stays as it is; without a folder it is an error that names it.
    #[test]
    fn every_secret_is_found() {
        let text = "secret_file = \"credential:secret_tokens\"\n\
            [directory]\nurl = \"ldapi://%2Frun%2Fldapi\"\nbase = \"dc=x\"\nbind_dn = \"cn=listd,dc=x\"\n\
            bind_password_file = \"credential:secret_ldap.password\"\n\
            [relay]\naddress = \"127.0.0.1:10025\"\n[[domain]]\nname = \"schule.example\"\n[domain.dkim]\n\
            rsa = { selector = \"r\", key_file = \"credential:secret_r.pem\" }\n\
            ed25519 = { selector = \"e\", key_file = \"/etc/e.pem\" }\n";
        let mut config = Config::parse("listd.toml", text).expect("right");
        let error = config.find_credentials(None).expect_err("nothing was handed over");
        assert!(
            error.to_string().starts_with("credential:secret_tokens: no credentials"),
            "{error}"
        );
        let mut guessed = config.clone();
        config.find_credentials(Some(Path::new("/run/c"))).expect("found");
        guessed.guess_credentials(|name| Path::new("/run/c").join(name));
        assert_eq!(config, guessed);
        assert_eq!(config.secret_file, Path::new("/run/c/secret_tokens"));
        assert_eq!(
            config.directory.bind_password_file.as_deref(),
            Some(Path::new("/run/c/secret_ldap.password"))
        );
        let dkim = &config.domains[0].dkim;
        let file = |key: &Option<super::super::DkimKey>| key.as_ref().map(|k| k.key_file.clone());
        assert_eq!(file(&dkim.rsa), Some(PathBuf::from("/run/c/secret_r.pem")));
        assert_eq!(file(&dkim.ed25519), Some(PathBuf::from("/etc/e.pem")));
    }
}
