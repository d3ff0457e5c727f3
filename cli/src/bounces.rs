//! `listctl bounces explain`: what the parser of bounces sees in saved mails. Works without the daemon.

use std::io::Read;
use std::path::{Path, PathBuf};

use listcore::bounce::{self, Failed, Kind};
use serde::Serialize;

use crate::ask::{Ask, print};
use crate::fail::{Done, Fail};
use crate::mbox;
use crate::show;

/// Larger files are not read (octets).
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// What is printed of one mail.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// As it was given; `-` is standard input.
    pub file: String,
    /// Which mail of a mailbox (mbox), counted from 1; not there for a file that is one mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<usize>,
    pub kind: Kind,
    pub recipients: Vec<Failed>,
}

/// Explains file by file; one that can't be read is told, and the others are done.
pub fn explain(ask: &Ask, files: &[PathBuf]) -> Done {
    let mut failed = false;
    let mut shown = Vec::new();
    for file in files {
        match read(file) {
            Ok(raw) if ask.json => explained(file, &raw).iter().try_for_each(line)?,
            Ok(raw) => shown.extend(explained(file, &raw)),
            Err(fail) => {
                fail.tell();
                failed = true;
            }
        }
    }
    if !ask.json {
        print(&show::bounces(&shown))?;
    }
    if failed { Err(Fail::broken("", "")) } else { Ok(()) }
}

fn line(one: &Explained) -> Done {
    let json = serde_json::to_string(one).map_err(|e| Fail::cannot("print", &e))?;
    print(&(json + "\n"))
}

fn read(file: &Path) -> Done<Vec<u8>> {
    let named = file.display();
    let cannot = |error: std::io::Error| {
        Fail::broken(
            format!("cannot read {named}: {error}"),
            "Give saved mails (.eml) or mailboxes (mbox); - reads one from standard input.",
        )
    };
    let mut raw = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut raw),
        false => {
            std::fs::File::open(file).and_then(|from| from.take(MAX_FILE + 1).read_to_end(&mut raw))
        }
    };
    read.map_err(cannot)?;
    match raw.len() as u64 {
        0 => Err(Fail::broken(format!("{named} is empty"), "There is no mail in it.")),
        size if size > MAX_FILE => Err(Fail::broken(
            format!("{named} is larger than 256 MB"),
            "Split the mailbox into smaller ones.",
        )),
        _ => Ok(raw),
    }
}

fn explained(file: &Path, raw: &[u8]) -> Vec<Explained> {
    let one = |mail: Option<usize>, raw: &[u8]| {
        let bounce = bounce::read(raw);
        let file = file.display().to_string();
        Explained { file, mail, kind: bounce.kind, recipients: bounce.recipients }
    };
    let is_mail = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("eml"));
    let mails = if is_mail { vec![raw] } else { mbox::mails(raw) };
    match mails.as_slice() {
        [only] => vec![one(None, only)],
        several => several.iter().enumerate().map(|(at, raw)| one(Some(at + 1), raw)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = "From: MAILER-DAEMON@mx.example\nTo: b+x@schule.example\nSubject: failure notice\n\n\
                          <anna@gmx.example>:\n550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n";

    /// The form that the issue's readers rely on: names and order of the fields.
    #[test]
    fn one_object_for_a_mail() {
        let all = explained(Path::new("a.eml"), BOUNCE.as_bytes());
        let json: Vec<String> =
            all.iter().map(|one| serde_json::to_string(one).expect("JSON")).collect();
        let expect = r#"{"file":"a.eml","kind":"bounce","recipients":[{"address":"anna@gmx.example","class":"hard","status":"5.1.1","diagnostic":"550 5.1.1 User unknown","rule":"user-unknown"}]}"#;
        assert_eq!(json, [expect]);
    }

    #[test]
    fn mails_of_a_mailbox_are_counted() {
        let from = "From MAILER-DAEMON Thu Apr  9 23:34:45 2015\n";
        let mailbox =
            format!("{from}{BOUNCE}\n{from}Subject: Urlaub\nAuto-Submitted: auto-replied\n\nweg\n");
        let all = explained(Path::new("inbox"), mailbox.as_bytes());
        let shown: Vec<_> = all.iter().map(|one| (one.mail, one.kind)).collect();
        assert_eq!(shown, [(Some(1), Kind::Bounce), (Some(2), Kind::Vacation)]);
        // A mail that was saved with its envelope line is one mail.
        assert_eq!(explained(Path::new("a.eml"), mailbox.as_bytes()).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let dir = tempfile::tempdir().expect("a directory");
        let empty = dir.path().join("empty");
        std::fs::write(&empty, b"").expect("a file");
        for file in [dir.path().join("missing"), empty, dir.path().to_owned()] {
            let fail = read(&file).expect_err("no mail");
            assert!(fail.code == 2 && !fail.what_to_do.is_empty(), "{fail:?}");
        }
    }
}
