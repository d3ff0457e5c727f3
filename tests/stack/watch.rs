//! Watches a stack for its whole life, and judges at its end what everybody saw (`privacy`), so that no story forgets it.
//!
//! It looks where people look: into the mailboxes, at what the world outside got, at what clients heard, at pages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::privacy::{Delivered, Evidence, Registry};
use crate::sink::Taken;
use crate::{school, talks};

/// So many mails are judged, whoever got them; where there were more, the first and the last ones of each recipient.
const JUDGED: usize = 4_000;

/// Judges when it is dropped.
pub struct Watch {
    dir: PathBuf,
    /// Where mail comes in and pages are, by port.
    ports: Vec<u16>,
    sink: Taken,
}

impl Watch {
    /// `doors`: where clients of the tests hand in mail; pages and listd's own doors are found in its configuration.
    pub fn begin(dir: &Path, doors: &[u16], sink: Taken) -> Watch {
        let config = std::fs::read_to_string(dir.join("listd/listd.toml")).unwrap_or_default();
        let listens = config.lines().filter(|line| line.contains("listen"));
        let ours = listens.flat_map(|line| line.split("127.0.0.1:").skip(1)).filter_map(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..digits)?.parse().ok()
        });
        let ports: Vec<u16> = doors.iter().copied().chain(ours).collect();
        ports.iter().for_each(|port| talks::watch(*port));
        Watch { dir: dir.to_owned(), ports, sink }
    }

    /// Clients hand in mail at this port too.
    pub fn also(&mut self, port: u16) {
        talks::watch(port);
        self.ports.push(port);
    }

    /// Every address that somebody saw so far and should not have, in words.
    pub fn leaks(&self) -> Vec<String> {
        let talks = self.ports.iter().flat_map(|port| talks::look(*port));
        let (pages, dialogues) = talks.partition(|talk| talk.path.is_some());
        let registry = self.registry();
        let delivered = sampled(self.mailboxes().into_iter().chain(self.outside()).collect());
        Evidence { registry, delivered, dialogues, pages }.leaks()
    }

    fn registry(&self) -> Registry {
        let ldif = |name: &str| std::fs::read_to_string(self.dir.join(name));
        let ldif = ["slapd/load.ldif", "slapd/changes.ldif", "crowd.ldif"].map(ldif);
        let ldif = ldif.map(Result::unwrap_or_default);
        let config = std::fs::read_to_string(self.dir.join("listd/listd.toml")).unwrap_or_default();
        let admins = config.lines().filter(|line| line.starts_with("admins"));
        let admins = admins.flat_map(|line| line.split('"').skip(1).step_by(2));
        Registry::of(&ldif.join("\n\n"), &admins.map(str::to_lowercase).collect::<Vec<_>>())
    }

    fn mailboxes(&self) -> Vec<Delivered> {
        let mut found = Vec::new();
        for home in entries(&self.dir.join("dovecot/mail")) {
            let login = home.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mails = ["new", "cur"].map(|part| entries(&home.join("Maildir").join(part)));
            for mail in mails.into_iter().flatten() {
                let mail = std::fs::read(mail).map(with_crlf).unwrap_or_default();
                found.push(Delivered { to: school::dn(&login), mail });
            }
        }
        found
    }

    fn outside(&self) -> Vec<Delivered> {
        let each = self.sink.all().into_iter().flat_map(|delivery| {
            let mail = delivery.mail.to_vec();
            delivery.to.into_iter().map(move |to| Delivered { to, mail: mail.clone() })
        });
        each.collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let leaks = if std::thread::panicking() { Vec::new() } else { self.leaks() };
        self.ports.iter().for_each(|port| drop(talks::take(*port)));
        let shown = leaks.iter().take(20).fold(String::new(), |all, leak| all + "\n  " + leak);
        assert!(leaks.is_empty(), "promise 7: somebody saw another member's address:{shown}");
    }
}

/// Of thousands of mails the first and the last ones of each recipient, and it is said how many these are.
fn sampled(all: Vec<Delivered>) -> Vec<Delivered> {
    let (many, mut of) = (all.len(), BTreeMap::<String, Vec<Delivered>>::new());
    if many <= JUDGED {
        return all;
    }
    all.into_iter().for_each(|one| of.entry(one.to.clone()).or_default().push(one));
    let each = (JUDGED / of.len().max(1)).max(2);
    let ends = |mails: Vec<Delivered>| {
        let behind = mails.len().saturating_sub(each / 2).max(each / 2);
        let kept = move |(at, one)| (at < each / 2 || at >= behind).then_some(one);
        mails.into_iter().enumerate().filter_map(kept)
    };
    let recipients = of.len();
    let judged: Vec<Delivered> = of.into_values().flat_map(ends).collect();
    println!(
        "privacy: {} of {many} mails judged, of each of {recipients} recipients",
        judged.len()
    );
    judged
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(dir).into_iter().flatten();
    read.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Dovecot keeps mails with LF alone.
fn with_crlf(mail: Vec<u8>) -> Vec<u8> {
    let text = mail.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    text.collect::<Vec<_>>().join(b"\r\n".as_slice())
}
