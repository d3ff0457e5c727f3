//! `listctl config check`: the file itself, and the files and folders it names. Works without the daemon.

use std::path::{Path, PathBuf};

use listcore::config::{Config, DirectorySource, Endpoint, MAX_TEXT, StoreUrl};
use listcore::dkim::{Algorithm, PrivateKey};
use serde::Serialize;

use crate::ask::Ask;
use crate::fail::{Done, Fail};

/// What `config check --json` prints.
#[derive(Serialize)]
struct Checked {
    file: String,
    /// The daemon would start on it.
    ok: bool,
    /// One text for each error, with file, line and key.
    errors: Vec<String>,
    /// What will go wrong later, or may be meant otherwise.
    warnings: Vec<String>,
    /// What is set and has no effect yet.
    later: Vec<String>,
}

/// Exit code 1 where there are errors; warnings alone are no errors.
pub fn run(ask: &Ask, file: &Path) -> Done {
    let text = read(file)?;
    let name = file.display().to_string();
    let checked = match Config::parse(&name, &text) {
        Ok(mut config) => {
            find_credentials(&mut config, file);
            let warnings = warnings(&config);
            Checked { file: name, ok: true, errors: Vec::new(), warnings, later: config.later }
        }
        Err(errors) => {
            let errors = errors.0.iter().map(ToString::to_string).collect();
            Checked { file: name, ok: false, errors, warnings: Vec::new(), later: Vec::new() }
        }
    };
    ask.print(&checked, human)?;
    if checked.ok { Ok(()) } else { Err(Fail::said()) }
}

/// Reads a configuration for another command.
pub fn load(file: &Path) -> Done<Config> {
    let text = read(file)?;
    let mut config = Config::parse(&file.display().to_string(), &text)
        .map_err(|errors| Fail::broken(format!("the configuration is wrong:\n{errors}"), ""))?;
    find_credentials(&mut config, file);
    Ok(config)
}

/// Where a credential comes from: the packaged unit hands over each file NAME of the folder `secrets` beside the
/// configuration as `secret_NAME` (packaging/listd.service).
fn find_credentials(config: &mut Config, file: &Path) {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let beside = file.parent().unwrap_or(Path::new("")).join("secrets");
    config.guess_credentials(|name| match &given {
        Some(folder) => folder.join(name),
        None => beside.join(name.strip_prefix("secret_").unwrap_or(name)),
    });
}

fn read(file: &Path) -> Done<String> {
    let what = format!("read {}", file.display());
    let size = std::fs::metadata(file).map_err(|e| Fail::cannot(&what, &e))?.len();
    if size > MAX_TEXT as u64 {
        return Err(Fail::broken(
            format!("cannot {what}: it has {size} octets"),
            "Is it the right file?",
        ));
    }
    std::fs::read_to_string(file).map_err(|e| Fail::cannot(&what, &e))
}

fn human(checked: &Checked) -> String {
    let mut text = String::new();
    for error in &checked.errors {
        text.push_str(&format!("{error}\n"));
    }
    for warning in &checked.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    for later in &checked.later {
        text.push_str(&format!("note: {later}\n"));
    }
    let errors = checked.errors.len();
    text.push_str(&match (checked.ok, errors) {
        (true, _) => format!("{}: fine\n", checked.file),
        (false, 1) => format!("{}: 1 error; listd would not start\n", checked.file),
        (false, n) => format!("{}: {n} errors; listd would not start\n", checked.file),
    });
    text
}

/// What this machine lacks for the configuration, as far as whoever asks may see.
fn warnings(config: &Config) -> Vec<String> {
    let mut said = Vec::new();
    let mut file = |key: &str, path: &Path| {
        if let Err(error) = std::fs::File::open(path) {
            said.push(format!("{key}: cannot read {}: {error}", path.display()));
        }
    };
    let directory = &config.directory;
    if let Some(path) = &directory.ca_file {
        file("directory.ca_file", path);
    }
    if let Some(path) = &directory.bind_password_file {
        file("directory.bind_password_file", path);
    }
    if let DirectorySource::File(path) = &directory.source {
        file("directory.url", path);
    }
    let learning = config.verdict.as_ref().and_then(|verdict| verdict.learning.as_ref());
    let rspamd = learning.and_then(|learning| learning.password_file.as_deref());
    if let Some(path) = rspamd {
        file("verdict.rspamd_password_file", path);
    }
    said.extend(config.advice());
    open_to_all("secret_file", &config.secret_file, &mut said);
    if let Some(path) = rspamd {
        open_to_all("verdict.rspamd_password_file", path, &mut said);
    }
    if let Some(path) = &directory.bind_password_file {
        open_to_all("directory.bind_password_file", path, &mut said);
    }
    for (key, path) in folders(config) {
        if !path.is_dir() {
            said.push(format!("{key}: the folder {} is not there", path.display()));
        }
    }
    for domain in &config.domains {
        keys(domain, &mut said);
        if domain.admins.is_empty() {
            said.push(format!(
                "{}: no admins, so nobody gets mail to a list without owners",
                domain.name
            ));
        }
    }
    let tls = matches!(&directory.source, DirectorySource::Ldap(url) if url.starts_with("ldaps"));
    let local = matches!(&directory.source, DirectorySource::Ldap(url)
        if url.starts_with("ldapi") || ["ldap://127.", "ldap://localhost", "ldap://[::1]"].iter().any(|l| url.starts_with(l)));
    let remote = matches!(directory.source, DirectorySource::Ldap(_)) && !local;
    if remote && !tls && !directory.start_tls {
        said.push("directory.url: the directory is on another machine and is read without TLS; set start_tls = true".to_owned());
    }
    if config.trusted_authserv_id.is_empty() {
        said.push("trusted_authserv_id: empty, so SPF and logins that Exim checked do not count; authors are verified by DKIM only".to_owned());
    }
    said
}

/// What a configuration calls a file of the packaged folder of secrets, which lies beside `listd.toml`.
pub fn credential(file: &Path) -> Option<String> {
    let folder = file.parent()?;
    let packaged = folder.ends_with("secrets") && folder.parent()?.join("listd.toml").exists();
    let name = file.file_name()?.to_str()?;
    packaged.then(|| format!("credential:secret_{name}"))
}

/// The folders that must be there before the daemon starts.
fn folders(config: &Config) -> Vec<(&'static str, PathBuf)> {
    let StoreUrl::Sqlite(store) = &config.store;
    let mut named = vec![
        ("store", store),
        ("secret_file", &config.secret_file),
        ("control.socket", &config.control.socket),
    ];
    let sockets =
        [("lmtp.listen", &config.lmtp.listen), ("lmtp.smtp_listen", &config.lmtp.smtp_listen)];
    for (key, endpoints) in sockets {
        named.extend(endpoints.iter().filter_map(|endpoint| match endpoint {
            Endpoint::Unix(path) => Some((key, path)),
            Endpoint::Tcp(_) => None,
        }));
    }
    named.iter().filter_map(|(key, path)| Some((*key, path.parent()?.to_owned()))).collect()
}

/// Key files that are missing, unreadable, of the wrong kind or open to others.
fn keys(domain: &listcore::config::Domain, said: &mut Vec<String>) {
    let dkim = [(&domain.dkim.rsa, Algorithm::Rsa), (&domain.dkim.ed25519, Algorithm::Ed25519)];
    if dkim.iter().all(|(key, _)| key.is_none()) {
        said.push(format!(
            "{0}: no DKIM key, so copies are not signed; make one: listctl dkim keygen {0}",
            domain.name
        ));
    }
    for (key, algorithm) in dkim {
        let Some(key) = key else { continue };
        let at = format!("{}: {}", domain.name, key.key_file.display());
        match std::fs::read_to_string(&key.key_file) {
            Err(error) => said.push(format!("{at} cannot be read: {error}")),
            Ok(pem) => match PrivateKey::from_pem(&pem) {
                Err(error) => said.push(format!("{at} is no key: {error}")),
                Ok(private) if private.algorithm() != algorithm => {
                    said.push(format!(
                        "{at} is a key for {}, not {algorithm}",
                        private.algorithm()
                    ));
                }
                Ok(_) => {}
            },
        }
        open_to_all(&at, &key.key_file, said);
    }
}

/// Warns of a secret that everybody on the machine can read.
fn open_to_all(what: &str, file: &Path, said: &mut Vec<String>) {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0) {
        said.push(format!(
            "{what} can be read by everybody; chmod 600 (or 640 with listd's group)"
        ));
    }
}
