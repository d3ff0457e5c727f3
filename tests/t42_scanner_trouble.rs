//! Scanners that are gone, hang, come back in mid-mail, or are something else: the configured action, never "clean".

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use stack::clamd::{SIGNATURE, eicar};
use stack::milter::{Client, Envelope, Outcome, ask};
use stack::scanners::Scanners;
use stack::verdictd::{Settings, Verdictd};
use stack::{mail, wait};

/// Of the stories; the default of 30 s would make them long.
const SHORT: &str = "timeout = \"2 s\"\n";

fn letter(body: &str) -> Vec<u8> {
    mail::text("a@post.example", "klasse-5b@schule.example", "x", "v2@post.example", body)
}

fn scan(verdictd: &Verdictd, letter: &[u8]) -> Outcome {
    ask(verdictd.milter(), &Envelope::default(), letter).unwrap()
}

fn text(who: &str) -> String {
    format!("451 4.3.0 The {who} scanner does not answer, try again later")
}

/// What the log says of the last failure.
fn reason(verdictd: &Verdictd) -> String {
    let output = verdictd.output();
    let line = output.lines().rev().find(|l| l.contains("a scanner gave no answer"));
    line.unwrap_or_default().to_owned()
}

/// Stopped, hung and started again: the mail waits outside, and what one scanner is sure of counts all the same.
#[test]
fn a_scanner_that_is_gone_or_hangs_makes_mail_wait() {
    let mut scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd(SHORT).unwrap();
    let virus = mail::with_file("x", "v@post.example", "a.com", &eicar());
    assert!(scan(&verdictd, &letter("x")).is_passed());

    scanners.clamd.stop();
    assert_eq!(scan(&verdictd, &letter("x")).text, text("virus"));
    assert!(reason(&verdictd).contains("clamd=\"cannot be reached"), "{}", reason(&verdictd));
    let (status, why) = verdictd.get("/readyz").unwrap();
    assert!(status == 503 && why.contains("clamd cannot be reached"), "{status} {why}");
    scanners.clamd.restart().unwrap();
    assert!(scan(&verdictd, &letter("x")).is_passed(), "it is back");

    scanners.rspamd.stop();
    assert_eq!(scan(&verdictd, &letter("x")).text, text("spam"));
    assert!(scan(&verdictd, &virus).text.contains(SIGNATURE), "a virus is told without rspamd");
    scanners.rspamd.restart().unwrap();
    assert!(scan(&verdictd, &letter("x")).is_passed(), "it is back");

    scanners.clamd.signal("STOP");
    let began = Instant::now();
    assert_eq!(scan(&verdictd, &letter("x")).text, text("virus"));
    let took = began.elapsed();
    assert!((2..10).contains(&took.as_secs()), "{took:?}");
    assert!(reason(&verdictd).contains("clamd=\"did not answer in time"));
    // A large mail fills every buffer on the way to it; the other scanner gets all of it.
    let large = letter(&"0123456789abcdef\n".repeat(1_000_000));
    assert_eq!(scan(&verdictd, &large).text, text("virus"));
    scanners.clamd.signal("CONT");
    assert!(scan(&verdictd, &letter("x")).is_passed(), "it goes on");

    scanners.rspamd.signal("STOP");
    assert_eq!(scan(&verdictd, &letter("x")).text, text("spam"));
    assert!(scan(&verdictd, &virus).text.contains(SIGNATURE));
    scanners.rspamd.signal("CONT");
    assert!(scan(&verdictd, &letter("x")).is_passed(), "it goes on");
    let late = verdictd.figure("verdictd_scanner_failures_total{scanner=\"clamd\",why=\"late\"}");
    assert_eq!(late.unwrap(), 2.0);
    the_documents_name_what_there_is(&verdictd.get("/metrics").unwrap().1);
}

/// Each of verdictd's figures that an alarm or the dashboard names. Failures are there from the first on.
fn the_documents_name_what_there_is(scraped: &str) {
    let mut named = 0;
    for text in [include_str!("../docs/alerts.yml"), include_str!("../docs/grafana.json")] {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for figure in words.filter(|word| word.starts_with("verdictd_")) {
            let family = figure.trim_end_matches("_total").trim_end_matches("_bucket");
            assert!(scraped.contains(&format!("# TYPE {family} ")), "{figure} in\n{scraped}");
            named += 1;
        }
    }
    assert!(named >= 5, "{named}");
}

/// Where the admin prefers mail to safety, it goes on, and no header says that it is clean.
#[test]
fn what_was_not_scanned_is_not_called_clean() {
    let mut scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd(&format!("{SHORT}on_failure = \"accept\"\n")).unwrap();
    scanners.clamd.stop();
    scanners.rspamd.stop();
    let forged = [&b"X-Virus-Status: Clean\r\nX-Spam-Status: No\r\n"[..], &letter("x")].concat();
    let outcome = scan(&verdictd, &forged);
    assert!(outcome.is_passed());
    assert_eq!(outcome.added("X-Virus-Status"), ["Not scanned"]);
    assert!(
        outcome.added("X-Virus-Scanned").is_empty() && outcome.added("X-Spam-Status").is_empty()
    );
    assert_eq!(outcome.deleted().len(), 2);
    assert!(verdictd.last_line().contains("verdict=\"unscanned\""));
    // What the one that works finds counts.
    scanners.clamd.restart().unwrap();
    let virus = mail::with_file("x", "v@post.example", "a.com", &eicar());
    assert!(scan(&verdictd, &virus).text.contains(SIGNATURE));
}

/// Each scanner dies when it has half of the mail. The next mail finds it again.
#[test]
fn a_scanner_that_restarts_in_mid_mail() {
    let mut scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd(SHORT).unwrap();
    let envelope = Envelope::default();
    let half = |kill: &mut dyn FnMut()| {
        let mut client = Client::connect(verdictd.milter()).unwrap();
        client.greet(&envelope).unwrap();
        client.envelope(&envelope).unwrap();
        client.header(&letter("x")).unwrap();
        client.command('B', &[b'x'; 60_000]).unwrap();
        kill();
        client.command('B', &[b'x'; 60_000]).unwrap();
        client.end().unwrap().text
    };
    assert_eq!(half(&mut || scanners.clamd.restart().unwrap()), text("virus"));
    // Whether clamd had taken the connection when it died can't be seen from here.
    let why = reason(&verdictd);
    assert!(
        why.contains("clamd=\"broke off") || why.contains("clamd=\"cannot be reached"),
        "{why}"
    );
    assert_eq!(half(&mut || scanners.rspamd.restart().unwrap()), text("spam"));
    assert!(scan(&verdictd, &letter("x")).is_passed());
}

/// A mail over clamd's StreamMaxLength was not scanned: clamd says so, and closes while it is still being sent.
#[test]
fn a_mail_over_clamds_limit_is_not_clean() {
    let scanners = Scanners::start().unwrap();
    let mut settings = scanners.settings(SHORT);
    settings.rspamd.clear();
    for clamd in [settings.clamd.clone(), scanners.clamd.address().to_string()] {
        let dir = tempfile::tempdir_in(scanners.dir()).unwrap();
        std::fs::create_dir(dir.path().join("log")).unwrap();
        let settings = Settings { clamd, ..settings.clone() };
        let verdictd = Verdictd::start(dir.path(), &settings).unwrap();
        let large = letter(&"0123456789abcdef\n".repeat(2_200_000));
        let outcome = scan(&verdictd, &large);
        assert_eq!(outcome.text, text("virus"));
        assert!(
            reason(&verdictd).contains("INSTREAM size limit exceeded"),
            "{}",
            reason(&verdictd)
        );
        assert!(scan(&verdictd, &letter("x")).is_passed());
        // Streamed and not held.
        let most = verdictd.memory("VmHWM").unwrap();
        eprintln!("37 MB to clamd: at most {most:.1} MB of memory");
        assert!(most < 25.0, "{most}");
    }
}

/// A server that answers each connection with these octets after it has read so many, and closes.
fn fake(takes: usize, answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            let mut octets = vec![0; takes];
            let _ = stream.read_exact(&mut octets);
            let _ = stream.write_all(answer);
        }
    });
    address
}

/// Something else answers on the port. Whatever it says, it is no verdict.
#[test]
fn garbage_is_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("log")).unwrap();
    let mut verdictd = Verdictd::prepare(dir.path(), &Settings::default()).unwrap();
    let rspamd = |takes, answer| Settings {
        rspamd: format!("http://{}", fake(takes, answer)),
        more: SHORT.into(),
        ..Settings::default()
    };
    let clamd = |takes, answer| Settings {
        clamd: fake(takes, answer).to_string(),
        more: SHORT.into(),
        ..Settings::default()
    };
    let html = b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n<html>It works!</html>   ";
    let ham = b"HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n{\"action\":\"no action\",\"score\":0.0,\"required_score\":15.0}";
    const ALL: usize = 100_000;
    let cases: Vec<(&str, Settings)> = vec![
        ("rspamd answers HTML", rspamd(ALL, html)),
        ("rspamd closes", rspamd(ALL, b"")),
        ("rspamd closes at once", rspamd(0, b"")),
        ("rspamd answers before the mail", rspamd(0, ham)),
        ("rspamd is clamd", rspamd(ALL, b"stream: OK\0")),
        ("clamd closes early", clamd(5, b"")),
        ("clamd closes", clamd(ALL, b"")),
        ("clamd says OK early", clamd(5, b"stream: OK\0")),
        ("clamd answers HTML", clamd(ALL, html)),
        ("clamd errs", clamd(ALL, b"stream: Can't open file or directory ERROR\0")),
    ];
    // More than what the kernel holds on the way: who answers early does so before it was sent.
    let large = letter(&"0123456789abcde\n".repeat(1_500_000));
    for (what, settings) in cases {
        verdictd.configure(&settings).unwrap();
        verdictd.run().unwrap();
        let outcome = scan(&verdictd, &large);
        assert!(outcome.text.starts_with("451 4.3.0 The "), "{what}: {outcome:?}");
        assert!(verdictd.last_line().contains("verdict=\"failed\""), "{what}");
        assert!(verdictd.stop().unwrap().success());
    }
}

/// One turn, and it is taken: the next mail is sent away before its body, and the one at work is not disturbed.
#[test]
fn too_many_mails_wait_and_then_hear_451() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("scans = 1\npatience = \"1 s\"\n").unwrap();
    let envelope = Envelope::default();
    let mut first = Client::connect(verdictd.milter()).unwrap();
    first.greet(&envelope).unwrap();
    first.envelope(&envelope).unwrap();
    first.header(&letter("x")).unwrap();
    let second = scan(&verdictd, &letter("x"));
    assert_eq!(second.text, "451 4.3.2 Too many messages are being scanned, try again later");
    assert!(verdictd.last_line().contains("verdict=\"busy\""));
    first.command('B', b"x\r\n").unwrap();
    assert!(first.end().unwrap().is_passed());
    assert!(scan(&verdictd, &letter("x")).is_passed(), "its turn is free again");
    // A client that leaves gives its turn back too.
    first.envelope(&envelope).unwrap();
    first.header(&letter("x")).unwrap();
    drop(first);
    wait::until_true("a turn", wait::START, || scan(&verdictd, &letter("x")).is_passed()).unwrap();
}
