//! `listctl dkim`: makes keys and shows the DNS records that publish them. Works without the daemon.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use listcore::address::normal_domain;
use listcore::api::{DkimRecord, path};
use listcore::config::DkimKey;
use listcore::dkim::{self, Algorithm, PrivateKey, Record};

use crate::ask::Ask;
use crate::fail::{Done, Fail};
use crate::{check, time};

/// Makes both keys, or none where a file is there already.
pub fn keygen(ask: &Ask, domain: &str, folder: &Path, day: bool) -> Done {
    let domain = normal_domain(domain).map_err(|e| {
        Fail::broken(format!("{domain:?} is no domain: {e}"), "Example: schule.example")
    })?;
    let stamp = time::selector(day);
    let plan = [
        (Algorithm::Rsa, "rsa", format!("r{stamp}")),
        (Algorithm::Ed25519, "ed25519", format!("e{stamp}")),
    ];
    for (.., selector) in &plan {
        let file = folder.join(format!("{selector}.pem"));
        if file.exists() {
            return Err(Fail::no(
                format!("{} is there already", file.display()),
                "Nothing was made. Take another --dir, or --selector-date for a new selector.",
            ));
        }
    }
    let mut records = Vec::new();
    let mut lines = String::new();
    let mut let_read = "systemd hands the key files over. Put";
    for (algorithm, key, selector) in plan {
        let private = dkim::generate(algorithm).map_err(|e| Fail::cannot("make a key", &e))?;
        let file = folder.join(format!("{selector}.pem"));
        write_secret(&file, &private.secret_pem())?;
        records.push(record(&private, &selector, &domain)?);
        let file = std::fs::canonicalize(&file).unwrap_or(file);
        let named = match check::credential(&file) {
            Some(credential) => credential,
            None => {
                let_read =
                    "Let listd read the key files (chown to its user; they are 0600), and put";
                file.display().to_string()
            }
        };
        lines.push_str(&format!(
            "{key} = {{ selector = \"{selector}\", key_file = \"{named}\" }}\n"
        ));
    }
    let shown: Vec<DkimRecord> = records.iter().map(|(shown, _)| shown.clone()).collect();
    ask.print(&shown, |_| {
        format!(
            "1. Publish in the DNS zone of {domain}:\n\n{}\n2. {let_read} into its [[domain]]:\n\n[domain.dkim]\n{lines}",
            zone(&records)
        )
    })
}

/// A new file that only its owner may read.
fn write_secret(file: &Path, text: &str) -> Done {
    let cannot = |e: std::io::Error| Fail::cannot(&format!("write {}", file.display()), &e);
    let mut open = std::fs::OpenOptions::new();
    let mut to = open.write(true).create_new(true).mode(0o600).open(file).map_err(cannot)?;
    to.write_all(text.as_bytes()).and_then(|()| to.sync_all()).map_err(cannot)
}

fn record(key: &PrivateKey, selector: &str, domain: &str) -> Done<(DkimRecord, Record)> {
    let record =
        dkim::record(key, selector, domain).map_err(|e| Fail::cannot("show the key", &e))?;
    let shown = DkimRecord {
        domain: domain.to_owned(),
        algorithm: key.algorithm().to_string(),
        name: record.name.clone(),
        record: record.text.clone(),
    };
    Ok((shown, record))
}

fn zone(records: &[(DkimRecord, Record)]) -> String {
    records.iter().map(|(_, record)| record.zone_line() + "\n").collect()
}

pub async fn show(ask: &Ask, domain: &str, config: Option<&Path>) -> Done {
    let domain = domain.to_ascii_lowercase();
    let records: Vec<DkimRecord> = match config {
        Some(file) => from_config(file, &domain)?,
        None => ask.client.get(path::DKIM, &[("domain", &domain)]).await?,
    };
    if records.is_empty() {
        return Err(Fail::no(
            format!("{domain} has no DKIM key"),
            format!("Make a pair: listctl dkim keygen {domain} --dir /etc/verteiler/secrets"),
        ));
    }
    ask.print(&records, |records| {
        let zone_line = |shown: &DkimRecord| {
            Record { name: shown.name.clone(), text: shown.record.clone() }.zone_line() + "\n"
        };
        records.iter().map(zone_line).collect()
    })
}

/// The records of the keys that a configuration names for `domain`.
fn from_config(file: &Path, domain: &str) -> Done<Vec<DkimRecord>> {
    let config = check::load(file)?;
    let Some(found) = config.domains.iter().find(|d| d.name == domain) else {
        return Err(Fail::no(
            format!("{} has no [[domain]] {domain}", file.display()),
            "listctl config check shows what is in it.",
        ));
    };
    let keys = [&found.dkim.rsa, &found.dkim.ed25519];
    keys.into_iter().flatten().map(|key| read_key(key, domain)).collect()
}

fn read_key(key: &DkimKey, domain: &str) -> Done<DkimRecord> {
    let at = key.key_file.display();
    let pem = std::fs::read_to_string(&key.key_file).map_err(|e| {
        Fail::broken(format!("cannot read {at}: {e}"), "Run it as root or as listd's user.")
    })?;
    let private = PrivateKey::from_pem(&pem).map_err(|e| Fail::cannot(&format!("use {at}"), &e))?;
    Ok(record(&private, &key.selector, domain)?.0)
}
