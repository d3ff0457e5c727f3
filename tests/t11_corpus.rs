//! Foreign mails by the hundred through the whole pipeline: an answer for each, no panic, bodies byte-identical,
//! and our signature valid to dkimpy. Where the corpora are absent it says so and checks nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use stack::load::{self, Answer, Job};
use stack::{Solo, crowd, dkim, mail, wait};

/// Mails of three kinds: odd MIME, signed by others, bounces.
const FOLDERS: [&str; 3] = ["mime", "dkim-arc", "bounces"];
const KINDS: [&str; 4] = ["eml", "msg", "txt", "message"];

/// Wherever VERTEILER_CORPORA says, or `shared/corpora` beside this source tree or above it.
pub fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("VERTEILER_CORPORA").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    named.into_iter().chain(above.map(|dir| dir.join("shared/corpora"))).find(|dir| dir.is_dir())
}

fn mails(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            mails(&path, found);
        } else if path.extension().is_some_and(|e| KINDS.iter().any(|k| e == *k)) {
            found.push(path);
        }
    }
}

/// With CRLF line ends, as Exim hands it over.
fn on_the_wire(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 20);
    let mut last = 0;
    for byte in bytes {
        if *byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        last = *byte;
    }
    if last != b'\n' {
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn longest_line(bytes: &[u8]) -> usize {
    bytes.split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap_or(0)
}

#[test]
fn every_corpus_mail_gets_an_answer_and_what_goes_out_is_whole() {
    let Some(corpora) = corpora() else {
        eprintln!("SKIPPED: no corpora; set VERTEILER_CORPORA to their folder");
        return;
    };
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| mails(&corpora.join(folder), &mut files));
    assert!(files.len() > 500, "{} files", files.len());
    // A list for each, so that the recipient tells which mail it was.
    let names: Vec<String> = (0..files.len()).map(|n| format!("c{n}")).collect();
    let lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 1)).collect();
    let mut solo = Solo::prepare(&crowd::directory(&lists), |s| {
        s.list = "post = [\"anyone\"]\ncopies = \"shared\"\n".into();
    })
    .unwrap()
    .watched();
    solo.listd.start_knowing(&crowd::address(&names[0])).unwrap();
    let job = |(file, name): (&PathBuf, &String)| Job {
        name: file.display().to_string(),
        from: "a@gmx.example".into(),
        to: vec![crowd::address(name)],
        mail: on_the_wire(&std::fs::read(file).unwrap()),
    };
    let jobs: Vec<Job> = files.iter().zip(&names).map(job).collect();
    let sent: HashMap<String, &Job> =
        names.iter().map(|n| crowd::member(n, 0)).zip(&jobs).collect();
    let report = load::run(solo.listd.lmtp(), 4, &jobs);
    assert!(solo.listd.is_running());
    let lost: Vec<&str> = jobs
        .iter()
        .zip(&report.answers)
        .filter(|(_, a)| a[0] == Answer::Lost)
        .map(|(j, _)| j.name.as_str())
        .collect();
    assert!(lost.is_empty(), "no answer: {lost:?}");
    let ours: Vec<(&str, &Answer)> = jobs
        .iter()
        .zip(&report.answers)
        .map(|(j, a)| (j.name.as_str(), &a[0]))
        .filter(|(_, a)| matches!(a, Answer::Said(400..=499)))
        .collect();
    assert!(ours.is_empty(), "a mail is no trouble of ours: {ours:?}");
    assert!(!solo.listd.output().contains("panicked"));

    // What was taken for an automatic reply or a duplicate is not distributed; all else arrives.
    wait::until_true("the queue to be empty", wait::MAIL * 4, || {
        solo.listd.listctl(&["--json", "queue"]).is_ok_and(|q| !q.contains("\"message_id\""))
    })
    .unwrap();
    let out = tempfile::tempdir().unwrap();
    let copies = solo.sink.deliveries();
    let mut wrapped = 0;
    for copy in &copies {
        let job = sent[&copy.to[0]];
        let file = job.name.trim_start_matches('/').replace('/', "~");
        std::fs::write(out.path().join(file), &copy.mail).unwrap();
        assert!(longest_line(&copy.mail) <= 999, "{}", job.name);
        let (before, after) = (mail::split(&job.mail).1, mail::split(&copy.mail).1);
        // Only lines that no server need take are re-encoded (RFC 5321 section 4.5.3.1.6).
        let too_long = longest_line(before) > 999;
        wrapped += usize::from(too_long);
        assert_eq!(before == after, !too_long, "the body of {}", job.name);
    }
    assert!(solo.sink.counts().values().all(|n| *n == 1), "nobody got a mail twice");
    let taken = report.accepted();
    println!(
        "{} mails, {taken} with 250, {} went out, {wrapped} with re-encoded lines",
        jobs.len(),
        copies.len()
    );
    assert!(copies.len() > 200, "{} copies", copies.len());
    dkim::check_folder(out.path(), 2).unwrap();
}
