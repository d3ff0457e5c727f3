//! The yardstick: foreign mails by the hundred through a real `listd`, and a checker in another language
//! (`yardstick/`) that compares what went in with what came out. Each story is one way in which a list is set up.
//!
//! Nothing is judged here. `VERTEILER_YARDSTICK=DIR` keeps mails, copies and findings in a folder to look at.
//! Some lists get a sample of the mails, which is said; with `VERTEILER_YARDSTICK_WHOLE=1` all get all.

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
    name: String,
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
    /// Readers of each list, by language.
    readers: &'static [&'static str],
    /// Gets all mails always, else a sample.
    whole: bool,
}

impl Default for Variant {
    fn default() -> Variant {
        let list = String::new();
        Variant {
            name: "",
            list,
            asked: json!({}),
            seven_bit: false,
            readers: &["de"],
            whole: false,
        }
    }
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
fn hand_over(solo: &Solo, dir: &Path, mails: &[&Mail]) -> Vec<Said> {
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

/// In a sample: each fourth mail, and all that were made for the purpose.
fn sampled(mail: &Mail) -> bool {
    mail.number.is_multiple_of(4) || mail.name.starts_with("made/")
}

/// Runs one variant and has it judged; the checker's table is printed, and damage fails the story.
fn measure(variant: &Variant) {
    let Some((dir, all)) = mails() else { return };
    let whole = variant.whole || std::env::var_os("VERTEILER_YARDSTICK_WHOLE").is_some();
    let mails: Vec<&Mail> = all.iter().filter(|mail| whole || sampled(mail)).collect();
    if !whole {
        let (some, of) = (mails.len(), all.len());
        println!("{}: {some} of {of} mails; all with VERTEILER_YARDSTICK_WHOLE=1", variant.name);
    }
    let names: Vec<String> = mails.iter().map(|m| list(m.number)).collect();
    let readers = variant.readers.len();
    let lists: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), readers)).collect();
    let mut solo = Solo::prepare(&speaking(crowd::directory(&lists), variant.readers), |s| {
        s.list = format!("post = [\"anyone\"]\n{}", variant.list);
    })
    .unwrap();
    solo.sink.set(|faults| faults.seven_bit = variant.seven_bit);
    solo.listd.start_knowing(&crowd::address(&names[0])).unwrap();
    let said = hand_over(&solo, dir, &mails);
    wait::until_true("the queue to be empty", LIMIT, || {
        solo.listd.status("/queue/posts_waiting").is_ok_and(|waiting| waiting == 0)
    })
    .unwrap();
    // What became of each mail is logged behind the commit.
    let lines = |what: &str| solo.listd.output().matches(&format!(" {what} list=")).count();
    wait::until_true("the end of each mail in the log", LIMIT, || {
        lines("finished") == lines("accepted")
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
    let outcome = |(mail, said): (&&Mail, &Said)| {
        let mut all = Vec::new();
        for (reader, language) in variant.readers.iter().enumerate() {
            let own = copies.remove(&crowd::member(&list(mail.number), reader)).unwrap_or_default();
            all.extend(own.into_iter().map(|mut copy| {
                copy["language"] = (*language).into();
                copy
            }));
        }
        let failed = all.is_empty() && failed(&log, mail);
        let whole = said.code != 250 || all.is_empty() || all.len() == readers;
        assert!(whole, "{}: {} copies for {readers} readers", mail.file, all.len());
        json!({
            "number": mail.number, "code": said.code, "reply": said.reply,
            "failed": failed, "copies": all,
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
    let left_out = all.len() - mails.len();
    let results = json!({"asked": asked, "left_out": left_out, "mails": outcomes});
    std::fs::write(out.join("results.json"), results.to_string()).unwrap();
    let argv = [PYTHON, &tool("check.py"), &dir.to_string_lossy(), &out.to_string_lossy()];
    let judged = process::run_any(&argv, b"", LIMIT).unwrap();
    println!("{}", String::from_utf8_lossy(&judged.stdout));
    let errors = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success(), "{}: {errors}", variant.name);
}

/// The directory with what each reader of a list speaks; German is the school's own.
fn speaking(ldif: String, readers: &[&str]) -> String {
    let line = |line: &str| {
        let reader = line.strip_prefix("uid: c").and_then(|uid| uid.split_once('-'));
        let language = reader.and_then(|(_, at)| readers.get(at.parse::<usize>().ok()?));
        match language.filter(|language| **language != "de") {
            Some(language) => format!("{line}\npreferredLanguage: {language}\n"),
            None => format!("{line}\n"),
        }
    };
    ldif.lines().map(line).collect()
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

/// The same in English, with another charset's worth of characters.
const ENGLISH: &str =
    "Regards from the class list – naïve café, Łódź\nBulls & <cows>? Write to us €";

/// `[list]` lines with tag and footer.
fn tag_and_footer() -> String {
    format!("subject_tag = \"[5b]\"\nfooter = {}\n", json!(FOOTER))
}

/// The same with a footer for each of the two languages.
fn tag_and_footers() -> String {
    let (de, en) = (json!(FOOTER), json!(ENGLISH));
    format!("subject_tag = \"[5b]\"\nfooter = {{ de = {de}, en = {en} }}\n")
}

/// What the checker is told of it.
fn footers() -> Value {
    json!({"de": FOOTER, "en": ENGLISH})
}

const TWO: &[&str] = &["de", "en"];

/// Tag, a footer with umlauts and From rewriting: the settings that the peers were measured with.
#[test]
fn a_usual_class_list_damages_nothing() {
    measure(&Variant {
        name: "class",
        whole: true,
        list: tag_and_footer(),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER}),
        ..Variant::default()
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
        ..Variant::default()
    });
}

/// The same with an ARC set of ours on top, and every reader's own copy.
#[test]
fn a_list_that_seals_damages_nothing() {
    measure(&Variant {
        name: "sealing",
        list: format!("{}arc = \"seal\"\n", tag_and_footer()),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER, "arc": true}),
        ..Variant::default()
    });
}

/// A list that hides its authors: their addresses are in no header, and nothing else of the mail is lost.
#[test]
fn a_list_that_hides_its_authors_damages_nothing() {
    measure(&Variant {
        name: "hidden",
        list: format!("{}author_address = \"hidden\"\n", tag_and_footer()),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": FOOTER, "hidden": true}),
        ..Variant::default()
    });
}

/// Nothing is set that touches what an author signs: the author's signature holds behind us wherever it held before.
#[test]
fn a_list_that_changes_nothing_breaks_no_signature() {
    measure(&Variant {
        name: "minimal",
        whole: true,
        list: "from = \"keep\"\ncopies = \"shared\"\n".to_owned(),
        asked: json!({"from": "keep", "minimal": true}),
        ..Variant::default()
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
        ..Variant::default()
    });
}

/// Readers of two languages on one list: each has the footer and the From of her own, and nothing else differs (LA1).
#[test]
fn readers_of_two_languages_are_damaged_nothing() {
    measure(&Variant {
        name: "languages",
        list: tag_and_footers(),
        asked: json!({"from": "rewrite", "tag": "[5b]", "footer": footers()}),
        readers: TWO,
        ..Variant::default()
    });
}

/// Domains whose policy is `quarantine` or `reject`, with all below them; the zones are those of `stack::dns`.
const STRICT: [&str; 4] = ["post.example", "firma.example", "sorge.example", "post.still.example"];

/// From is rewritten where the author's domain asks for it, and stays everywhere else (F1).
#[test]
fn a_list_that_asks_for_the_policy_damages_nothing() {
    measure(&Variant {
        name: "policy",
        list: format!("{}from = \"policy\"\n", tag_and_footer()),
        asked: json!({
            "from": "policy", "strict": STRICT,
            "tag": "[5b]", "footer": FOOTER,
        }),
        ..Variant::default()
    });
}

/// From stays where the author's own signature holds in the copy, which dkimpy says, and goes everywhere else (F2).
#[test]
fn a_list_that_keeps_what_is_signed_damages_nothing() {
    measure(&Variant {
        name: "broken",
        list: "from = \"broken\"\n".to_owned(),
        asked: json!({"from": "broken"}),
        ..Variant::default()
    });
}

/// Files that the list does not take are gone, with a note, and nothing else is (B13).
#[test]
fn a_list_that_takes_not_all_files_loses_nothing_else() {
    measure(&Variant {
        name: "attachments",
        list: "from = \"keep\"\nattachments_forbidden = [\"pdf\", \"gif\"]\n".to_owned(),
        asked: json!({"from": "keep", "forbidden": ["pdf", "gif"]}),
        readers: TWO,
        ..Variant::default()
    });
}

/// Files of other kinds than those, or larger, are gone with a note that says why, and nothing else is (B13).
#[test]
fn a_list_that_takes_some_files_loses_nothing_else() {
    let allowed = ["image/*", "pdf", "txt"];
    measure(&Variant {
        name: "chosen files",
        list: format!(
            "from = \"keep\"\nattachments_allowed = {}\nmax_attachment = \"20 kB\"\n",
            json!(allowed)
        ),
        asked: json!({"from": "keep", "allowed": allowed, "max": 20_000}),
        ..Variant::default()
    });
}

/// Plain text alone: no page is left, and every word of it is.
#[test]
fn a_list_of_plain_text_loses_no_word() {
    measure(&Variant {
        name: "text",
        list: "from = \"keep\"\nform = \"text\"\n".to_owned(),
        asked: json!({"from": "keep", "form": "text"}),
        ..Variant::default()
    });
}

/// HTML where there is some: no plain text beside it, and every word of the page stays.
#[test]
fn a_list_of_pages_loses_no_word() {
    measure(&Variant {
        name: "html",
        list: "from = \"keep\"\nform = \"html\"\n".to_owned(),
        asked: json!({"from": "keep", "form": "html"}),
        ..Variant::default()
    });
}

/// Every option at once, for readers of two languages; of several forms the HTML goes.
#[test]
fn a_list_with_every_option_damages_nothing() {
    measure(&everything("everything", "html"));
}

/// The same with plain text alone.
#[test]
fn a_list_with_every_option_and_plain_text_damages_nothing() {
    measure(&everything("everything in plain text", "text"));
}

fn everything(name: &'static str, form: &str) -> Variant {
    Variant {
        name,
        list: format!(
            "{}footer_signed = \"wrap\"\nauthor_address = \"hidden\"\narc = \"seal\"\n\
             attachments_forbidden = [\"pdf\", \"gif\"]\nform = \"{form}\"\n",
            tag_and_footers()
        ),
        asked: json!({
            "from": "rewrite", "tag": "[5b]", "footer": footers(), "wrap": true, "hidden": true,
            "arc": true, "forbidden": ["pdf", "gif"], "form": form,
        }),
        readers: TWO,
        whole: form == "html",
        ..Variant::default()
    }
}
