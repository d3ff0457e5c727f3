//! The yardstick: foreign mails by the hundred through a real `listd`, and a checker in another language
//! (`yardstick/`) that compares what went in with what came out. Each story is one way in which a list is set up.
//!
//! Nothing is judged here. `VERTEILER_YARDSTICK=DIR` keeps mails, copies and findings in a folder to look at.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use stack::smtp::Client;
use stack::{Solo, crowd, process, school, wait};

const PYTHON: &str = "/usr/bin/python3";
const LIMIT: Duration = Duration::from_secs(300);
const CLIENTS: usize = 4;

/// One mail of `mails.py`.
#[derive(Deserialize)]
struct Mail {
    number: usize,
    file: String,
    /// The author's address, if it is one; also the envelope's, for which the mail says `spf=pass`.
    from: Option<String>,
}

/// A way to set up a list.
struct Variant {
    name: &'static str,
    /// Lines in `[list]`.
    list: String,
    /// What the checker is told that the list was to do.
    asked: Value,
    /// The relay takes neither eight bits nor SMTPUTF8.
    seven_bit: bool,
}

fn tool(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("yardstick").join(name).display().to_string()
}

/// The folder of one run, kept where that was asked for.
fn home() -> &'static Path {
    static HOME: OnceLock<(PathBuf, Option<tempfile::TempDir>)> = OnceLock::new();
    let make = || match std::env::var_os("VERTEILER_YARDSTICK") {
        Some(kept) => (PathBuf::from(kept), None),
        None => {
            let dir = tempfile::tempdir().unwrap();
            (dir.path().to_owned(), Some(dir))
        }
    };
    &HOME.get_or_init(make).0
}

/// The mails, made once for all variants; `None`, said aloud, where the corpora are not there.
fn mails() -> Option<&'static (PathBuf, Vec<Mail>)> {
    static MAILS: OnceLock<Option<(PathBuf, Vec<Mail>)>> = OnceLock::new();
    let make = || {
        let Some(corpora) = crate::t11_corpus::corpora() else {
            eprintln!("SKIPPED: no corpora; set VERTEILER_CORPORA to their folder");
            return None;
        };
        let dir = home().join("in");
        let keys = school::fixtures().join("keys");
        let argv = [
            PYTHON,
            &tool("mails.py"),
            &corpora.to_string_lossy(),
            &keys.to_string_lossy(),
            &dir.to_string_lossy(),
        ];
        process::run(&argv, b"", LIMIT).unwrap();
        let text = std::fs::read(dir.join("mails.json")).unwrap();
        Some((dir, serde_json::from_slice(&text).unwrap()))
    };
    MAILS.get_or_init(make).as_ref()
}

fn list(number: usize) -> String {
    format!("c{number}")
}

/// What listd said to one mail.
#[derive(Clone, Default)]
struct Said {
    code: u16,
    reply: String,
}

/// Hands every mail to its own list over LMTP; the answers in the order of the mails.
fn hand_over(solo: &Solo, dir: &Path, mails: &[Mail]) -> Vec<Said> {
    let next = AtomicUsize::new(0);
    let answers: Vec<OnceLock<Said>> = mails.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::connect(solo.listd.lmtp()).unwrap();
                client.hello("LHLO", "mx.schule.example").unwrap();
                while let Some((mail, answer)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    mails.get(at).zip(answers.get(at))
                } {
                    let raw = std::fs::read(dir.join(&mail.file)).unwrap();
                    let from = mail.from.as_deref().unwrap_or("a@gmx.example");
                    let to = crowd::address(&list(mail.number));
                    // A connection that breaks off fails the story: no mail may end one.
                    let replies = client.deliver(from, &[&to], &raw).unwrap();
                    let reply = replies.first().unwrap();
                    let said = Said { code: reply.code, reply: reply.lines.join(" ") };
                    let _ = answer.set(said);
                }
            });
        }
    });
    answers.into_iter().map(|a| a.into_inner().unwrap_or_default()).collect()
}

/// Runs one variant and has it judged; the checker's table is printed, and damage fails the story.
fn measure(variant: &Variant) {
    let Some((dir, mails)) = mails() else { return };
    let names: Vec<String> = mails.iter().map(|m| list(m.number)).collect();
    let lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 1)).collect();
    let mut solo = Solo::prepare(&crowd::directory(&lists), |s| {
        s.list = format!("post = [\"anyone\"]\n{}", variant.list);
    })
    .unwrap();
    solo.sink.set(|faults| faults.seven_bit = variant.seven_bit);
    solo.listd.start_knowing(&crowd::address(&names[0])).unwrap();
    let said = hand_over(&solo, dir, mails);
    wait::until_true("the queue to be empty", LIMIT, || {
        solo.listd.status("/queue/recipients_waiting").is_ok_and(|waiting| waiting == 0)
    })
    .unwrap();
    assert!(solo.listd.is_running());
    assert!(!solo.listd.output().contains("panicked"));

    let out = home().join(variant.name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).unwrap();
    let mut copies: HashMap<String, Vec<Value>> = HashMap::new();
    for (at, copy) in solo.sink.deliveries().iter().enumerate() {
        let file = format!("{at:05}.eml");
        std::fs::write(out.join(&file), &copy.mail).unwrap();
        for to in &copy.to {
            let copy = json!({"file": file, "said": copy.mail_line});
            copies.entry(to.clone()).or_default().push(copy);
        }
    }
    let log = solo.listd.output();
    let outcome = |(mail, said): (&Mail, &Said)| {
        let copies = copies.remove(&crowd::member(&list(mail.number), 0)).unwrap_or_default();
        let failed = copies.is_empty() && failed(&log, mail);
        json!({
            "number": mail.number, "code": said.code, "reply": said.reply,
            "failed": failed, "copies": copies,
        })
    };
    let mut outcome = outcome;
    let outcomes: Vec<Value> = mails.iter().zip(&said).map(&mut outcome).collect();
    let mut asked = variant.asked.clone();
    for (key, value) in [
        ("name", variant.name),
        ("list", "c#@schule.example"),
        ("title", "c#"),
        ("domain", "schule.example"),
    ] {
        asked[key] = value.into();
    }
    asked["seven"] = variant.seven_bit.into();
    let results = json!({"asked": asked, "mails": outcomes});
    std::fs::write(out.join("results.json"), results.to_string()).unwrap();
    let argv = [PYTHON, &tool("check.py"), &dir.to_string_lossy(), &out.to_string_lossy()];
    let judged = process::run_any(&argv, b"", LIMIT).unwrap();
    println!("{}", String::from_utf8_lossy(&judged.stdout));
    let errors = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success(), "{}: {errors}", variant.name);
}

/// True where listd says itself that a mail it took could not be given to the relay.
fn failed(log: &str, mail: &Mail) -> bool {
    let list = format!("list={} ", crowd::address(&list(mail.number)));
    log.lines().any(|line| line.contains(&list) && line.contains(" failed=1 "))
}

/// Whoever says "0 damaged" has to see damage: every kind is planted into good copies, and found.
#[test]
fn the_checker_sees_planted_damage() {
    let keys = school::fixtures().join("keys");
    let argv = [PYTHON, &tool("selftest.py"), &keys.to_string_lossy()];
    let checked = process::run_any(&argv, b"", LIMIT).unwrap();
    println!("{}", String::from_utf8_lossy(&checked.stdout));
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// With characters that a footer in the wrong charset, an unescaped page or a shell would show.
const FOOTER: &str =
    "Grüße von der Klassenliste – für Bürger der Straße\nÄrger & <Öl>? Schreiben Sie uns";

/// `[list]` lines with tag and footer.
fn tag_and_footer() -> String {
    format!("subject_tag = \"[5b]\"\nfooter = {}\n", json!(FOOTER))
}

/// Tag, a footer with umlauts and From rewriting: the settings that the peers were measured with.
#[test]
fn a_usual_class_list_damages_nothing() {
    measure(&Variant {
        name: "class",
        list: tag_and_footer(),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER}),
        seven_bit: false,
    });
}

/// The same with sealed mail in a frame of its own and the footer beside it.
#[test]
fn a_list_that_wraps_what_is_sealed_damages_nothing() {
    measure(&Variant {
        name: "wrap",
        list: format!("{}footer_signed = \"wrap\"\nreply_to = \"both\"\n", tag_and_footer()),
        asked: json!({
            "from": "rewrite", "tag": "[5b]", "footer": FOOTER, "wrap": true, "reply_to": "both",
        }),
        seven_bit: false,
    });
}

/// The same with an ARC set of ours on top, and every reader's own copy.
#[test]
fn a_list_that_seals_damages_nothing() {
    measure(&Variant {
        name: "sealing",
        list: format!("{}arc = \"seal\"\n", tag_and_footer()),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER, "arc": true}),
        seven_bit: false,
    });
}

/// A list that hides its authors: their addresses are in no header, and nothing else of the mail is lost.
#[test]
fn a_list_that_hides_its_authors_damages_nothing() {
    measure(&Variant {
        name: "hidden",
        list: format!("{}author_address = \"hidden\"\n", tag_and_footer()),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER, "hidden": true}),
        seven_bit: false,
    });
}

/// Nothing is set that touches what an author signs: the author's signature holds behind us wherever it held before.
#[test]
fn a_list_that_changes_nothing_breaks_no_signature() {
    measure(&Variant {
        name: "minimal",
        list: "from = \"keep\"\ncopies = \"shared\"\n".to_owned(),
        asked: json!({"from": "keep", "minimal": true}),
        seven_bit: false,
    });
}

/// A relay with neither 8BITMIME nor SMTPUTF8: everything that can be told in seven bits is (U3, U4).
#[test]
fn a_relay_of_seven_bits_gets_the_same_mails() {
    measure(&Variant {
        name: "seven",
        list: format!("{}copies = \"shared\"\n", tag_and_footer()),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER}),
        seven_bit: true,
    });
}
