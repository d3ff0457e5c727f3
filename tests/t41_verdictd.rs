//! verdictd with the real rspamd and clamd: what each kind of mail comes to, over the milter protocol.

use stack::clamd::{SIGNATURE, eicar, zip};
use stack::milter::{Client, Envelope, ask};
use stack::rspamd::GTUBE;
use stack::scanners::Scanners;
use stack::{mail, wait};

fn letter(subject: &str, body: &str) -> Vec<u8> {
    let (from, to) = ("Ayse <ayse.oeztuerk@post.example>", "klasse-5b@schule.example");
    mail::text(from, to, subject, "v1@post.example", body)
}

/// Each kind of mail, its verdict, and what the author hears.
#[test]
fn every_kind_of_mail_has_its_verdict() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("").unwrap();
    let packed = zip(&[("brief.com", &eicar())]).unwrap();
    let in_zip = mail::with_file("Foto", "z@post.example", "foto.zip", &packed);
    let many: Vec<(String, Vec<u8>)> = (0..600).map(|n| (format!("{n}"), vec![b'x'; 50])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(n, d)| (n.as_str(), d.as_slice())).collect();
    // Several zeros each, 200 MB in all: over clamd's limit for one mail.
    let zeros = vec![0; 25_000_000];
    let bomb: Vec<(&str, &[u8])> =
        ["a", "b", "c", "d", "e", "f", "g", "h"].map(|n| (n, &zeros[..])).to_vec();
    let bomb = zip(&bomb).unwrap();
    assert!(bomb.len() < 300_000, "a bomb is small: {}", bomb.len());
    let virus = format!("550 5.7.1 This message contains malware: {SIGNATURE}");
    let limit = |what: &str| {
        format!("550 5.7.1 This message contains malware: Heuristics.Limits.Exceeded.{what}")
    };
    let eicar_text = String::from_utf8(eicar()).unwrap();
    let cases: Vec<(&str, Vec<u8>, &str, String)> = vec![
        ("clean", letter("Ausflug", "Hallo"), "clean", String::new()),
        ("no body", b"Subject: leer\r\n\r\n".to_vec(), "clean", String::new()),
        ("no header", b"\r\n".to_vec(), "clean", String::new()),
        (
            "GTUBE",
            letter("Gewinn", GTUBE),
            "reject",
            "550 5.7.1 This message was taken for spam: Gtube pattern".into(),
        ),
        ("EICAR", letter("Foto", &eicar_text), "virus", virus.clone()),
        (
            "EICAR attached",
            mail::with_file("Foto", "a@post.example", "a.com", &eicar()),
            "virus",
            virus.clone(),
        ),
        ("EICAR in zip", in_zip.clone(), "virus", virus.clone()),
        (
            "EICAR in zip in zip",
            mail::with_file("F", "zz@x", "a.zip", &zip(&[("b.zip", &packed)]).unwrap()),
            "virus",
            virus.clone(),
        ),
        (
            "EICAR in zip in mail",
            mail::with_file("Fwd", "f@post.example", "mail.eml", &in_zip),
            "virus",
            virus.clone(),
        ),
        (
            "EICAR and GTUBE",
            mail::with_file(GTUBE, "g@post.example", "a.com", &eicar()),
            "virus",
            virus,
        ),
        (
            "many files",
            mail::with_file("F", "m@x", "a.zip", &zip(&many).unwrap()),
            "virus",
            limit("MaxFiles"),
        ),
        ("zip bomb", mail::with_file("F", "b@x", "a.zip", &bomb), "virus", limit("MaxScanSize")),
        (
            "soft reject",
            letter("TEST-SOFT-REJECT", "x"),
            "soft_reject",
            "451 4.7.1 Try again later: asked for soft reject".into(),
        ),
        (
            "greylist",
            letter("TEST-GREYLIST", "x"),
            "greylist",
            "451 4.7.1 This sender is not known here yet, try again later".into(),
        ),
        ("add header", letter("TEST-ADD-HEADER", "x"), "spam", String::new()),
        ("rewrite subject", letter("TEST-REWRITE-SUBJECT", "x"), "spam", String::new()),
    ];
    for (what, letter, verdict, text) in cases {
        let outcome = ask(verdictd.milter(), &Envelope::default(), &letter).unwrap();
        assert_eq!(outcome.text, text, "{what}: {outcome:?}");
        assert_eq!(outcome.answer, if text.is_empty() { 'c' } else { 'y' }, "{what}: {outcome:?}");
        let line = verdictd.last_line();
        assert!(line.contains(&format!("verdict=\"{verdict}\"")), "{what}: {line}");
    }
}

/// The headers, on the unix socket, for several mails on one connection.
#[test]
fn a_mail_that_goes_on_says_what_was_found() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("").unwrap();
    let mut client = Client::connect_unix(&verdictd.socket()).unwrap();
    let envelope = Envelope::default();
    client.greet(&envelope).unwrap();
    let ham = client.mail(&envelope, &letter("TEST-HAM", "x")).unwrap();
    assert!(ham.is_passed());
    assert_eq!(ham.added("X-Spam-Status"), ["No, score=-3.50 required=15.00\n\ttests=TEST_HAM"]);
    assert_eq!(ham.added("X-Spam-Score"), ["-3.50"]);
    assert_eq!(ham.added("X-Spamd-Bar"), ["---"]);
    assert_eq!(ham.added("X-Virus-Status"), ["Clean"]);
    let scanned = ham.added("X-Virus-Scanned");
    assert!(scanned[0].starts_with("verdictd ") && scanned[0].ends_with(" at mx.schule.example"));
    let spam = client.mail(&envelope, &letter("TEST-ADD-HEADER", "x")).unwrap();
    assert_eq!(
        spam.added("X-Spam-Status"),
        ["Yes, score=7.00 required=15.00\n\ttests=TEST_ADD_HEADER"]
    );
    assert_eq!(spam.added("X-Spamd-Bar"), ["+++++++"]);
    assert_eq!(spam.added("X-Virus-Status"), ["Clean"]);
    // What was refused is over, and the next mail on the connection is judged by itself.
    let gtube = client.mail(&envelope, &letter("x", GTUBE)).unwrap();
    assert_eq!((gtube.answer, gtube.changes.len()), ('y', 0));
    assert!(client.mail(&envelope, &letter("TEST-HAM", "x")).unwrap().is_passed());
    client.quit();
}

/// T9: what a stranger wrote under our names goes, and what we say stands there.
#[test]
fn t9_forged_verdicts_are_taken_away() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("").unwrap();
    let forged = "X-Spam-Status: No, score=-100\r\nx-SPAM-status: No\r\nX-Spam: no\r\nX-Virus-Status: Clean\r\n\
                  X-Rspamd-Action: no action\r\nX-Spamd-Bar: ----\r\nX-Spammer: is none of ours\r\n";
    let letter = [forged.as_bytes(), &letter("TEST-ADD-HEADER", "x")].concat();
    let outcome = ask(verdictd.milter(), &Envelope::default(), &letter).unwrap();
    let deleted = outcome.deleted();
    let deleted: Vec<(&str, u32)> = deleted.iter().map(|(n, i)| (n.as_str(), *i)).collect();
    let expect = [
        ("x-rspamd-action", 1),
        ("x-spam", 1),
        ("x-spam-status", 2),
        ("x-spam-status", 1),
        ("x-spamd-bar", 1),
        ("x-virus-status", 1),
    ];
    assert_eq!(deleted, expect);
    assert!(outcome.added("X-Spam-Status")[0].starts_with("Yes, score=7.00"));
    let first_added = outcome.changes.iter().position(|(code, _)| *code == 'h');
    let last_deleted = outcome.changes.iter().rposition(|(code, _)| *code == 'm');
    assert!(first_added > last_deleted, "what is added is not counted among what is deleted");
    assert_eq!(verdictd.figure("verdictd_forged_headers_total").unwrap(), 6.0);
}

/// rspamd hears of the whole envelope, and who writes one can not add a header to the question.
#[test]
fn rspamd_hears_who_sends_to_whom() {
    let scanners = Scanners::start().unwrap();
    let more = "rspamd_settings = '{\"note\":\"lists\"}'\n";
    let verdictd = scanners.verdictd(more).unwrap();
    let mut envelope = Envelope {
        to: vec!["a@schule.example", "b@schule.example", "c@schule.example"],
        mail: vec![("i", "4XyzABC"), ("{auth_authen}", "ayse")],
        ..Envelope::default()
    };
    let letter = letter("TEST-ENVELOPE", "x");
    let said = |envelope: &Envelope| ask(verdictd.milter(), envelope, &letter).unwrap().text;
    let size = letter.len();
    assert_eq!(
        said(&envelope),
        format!(
            "550 5.7.1 This message was taken for spam: ip 192.0.2.25 helo mail.post.example host mail.post.example \
             from ayse.oeztuerk@post.example rcpts 3 user ayse id 4XyzABC settings {{\"note\":\"lists\"}} size {size}"
        )
    );
    envelope.from = "";
    envelope.ip = "2001:db8::25";
    envelope.host = "[2001:db8::25]";
    envelope.helo = "evil\r\nIP: 127.0.0.1";
    let heard = said(&envelope);
    assert!(heard.contains("ip 2001:db8::25 helo evil??IP: 127.0.0.1"), "{heard}");
    // 10,000 recipients: rspamd takes 80 KiB of envelope, and hears of as many as find room in that.
    let many: Vec<String> = (0..10_000).map(|n| format!("person-{n}@schule.example")).collect();
    envelope.to = many.iter().map(String::as_str).collect();
    let heard = said(&envelope);
    let told = heard.split(" rcpts ").nth(1).and_then(|rest| rest.split(' ').next());
    let told: usize = told.unwrap().parse().unwrap();
    assert!((1_000..10_000).contains(&told), "{heard}");
    assert!(verdictd.last_line().contains("recipients=10000"));
}

/// Greylisting makes an MX's client wait, and no list.
#[test]
fn listd_is_never_greylisted() {
    let scanners = Scanners::start().unwrap();
    let mut verdictd = scanners.verdictd("").unwrap();
    let letter = letter("TEST-GREYLIST", "x");
    let listd = Envelope { connect: vec![("{daemon_name}", "listd")], ..Envelope::default() };
    let code = |envelope: &Envelope| ask(verdictd.milter(), envelope, &letter).unwrap().answer;
    assert_eq!((code(&Envelope::default()), code(&listd)), ('y', 'c'));
    // Neither is anybody, where the admin says so; a reload is enough.
    let mut settings = scanners.settings("greylist = \"ignore\"\nnever_greylist = []\n");
    verdictd.configure(&settings).unwrap();
    verdictd.signal("HUP");
    wait::until_true("the reload", wait::START, || verdictd.output().contains("reloaded")).unwrap();
    let code = |envelope: &Envelope| ask(verdictd.milter(), envelope, &letter).unwrap().answer;
    assert_eq!((code(&Envelope::default()), code(&listd)), ('c', 'c'));
    // A reload that fails leaves that so.
    settings.more = "greylist = \"maybe\"\n".to_owned();
    verdictd.configure(&settings).unwrap();
    verdictd.signal("HUP");
    wait::until_true("the refusal", wait::START, || verdictd.output().contains("not reloaded"))
        .unwrap();
    assert_eq!(ask(verdictd.milter(), &Envelope::default(), &letter).unwrap().answer, 'c');
    assert!(verdictd.stop().unwrap().success());
}

/// One line for each mail, with all of it and nothing of the letter; figures that follow; sockets that go.
#[test]
fn log_and_figures_follow_and_nothing_is_left() {
    let scanners = Scanners::start().unwrap();
    let mut verdictd = scanners.verdictd("").unwrap();
    let geheim = letter("Geheimer Betreff TEST-ADD-HEADER", "geheimer Text");
    ask(verdictd.milter(), &Envelope::default(), &geheim).unwrap();
    let line = verdictd.last_line();
    for part in [
        "queue_id=\"4XyzABC\"",
        "message_id=\"<v1@post.example>\"",
        "client=\"mail.post.example [192.0.2.25]\"",
        "from=<ayse.oeztuerk@post.example>",
        "recipients=1",
        &format!("size={}", geheim.len()),
        "verdict=\"spam\"",
        "score=\"7.00\"",
        "symbols=\"TEST_ADD_HEADER(7.00)\"",
        " ms=",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!verdictd.output().to_lowercase().contains("geheim"));
    ask(verdictd.milter(), &Envelope::default(), &letter("x", GTUBE)).unwrap();
    let count = |verdict: &str| {
        verdictd.figure(&format!("verdictd_messages_total{{verdict=\"{verdict}\"}}")).unwrap()
    };
    assert_eq!((count("spam"), count("reject"), count("clean")), (1.0, 1.0, 0.0));
    let of = |scanner: &str| {
        verdictd.figure(&format!("verdictd_scan_seconds_count{{scanner=\"{scanner}\"}}")).unwrap()
    };
    assert_eq!((of("rspamd"), of("clamd")), (2.0, 2.0));
    assert_eq!(verdictd.get("/healthz").unwrap(), (200, "ok\n".to_owned()));
    assert_eq!(verdictd.get("/readyz").unwrap(), (200, "ready\n".to_owned()));
    assert!(verdictd.output().matches("listening: ").count() >= 3);
    assert!(verdictd.stop().unwrap().success());
    assert!(!verdictd.socket().exists(), "its socket is gone");
}

/// A wrong configuration ends it with 2 before any socket opens, and says where.
#[test]
fn a_wrong_configuration_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("verdictd.toml");
    let program = stack::listd::program("verdictd").unwrap();
    let try_with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let argv = [program.to_str().unwrap(), "--config", file.to_str().unwrap()];
        let ran = stack::process::run_any(&argv, b"", wait::START).unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    let (code, said) = try_with("clamd = \"127.0.0.1:1\"\n\ntimeout = \"soon\"\n");
    assert_eq!(code, Some(2));
    let expect = format!("{}:3: timeout: found \"soon\", expected 1 s to 10 min", file.display());
    assert!(said.contains(&expect), "{said}");
    assert_eq!(try_with("").0, Some(2));
    std::fs::remove_file(&file).unwrap();
    let argv = [program.to_str().unwrap(), "--config", file.to_str().unwrap()];
    assert_eq!(stack::process::run_any(&argv, b"", wait::START).unwrap().status.code(), Some(2));
}
