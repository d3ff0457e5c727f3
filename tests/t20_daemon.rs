//! The daemon as a process: what it does with a bad configuration, with signals, with rude clients, and what it logs.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use stack::process::{Server, run_any};
use stack::smtp::{Client, deliver};

use stack::{Solo, Stack, listd, mail, school, wait};

const LIMIT: Duration = Duration::from_secs(20);

fn ldif() -> String {
    std::fs::read_to_string(school::fixtures().join("school/school.ldif")).unwrap()
}

/// A school without servers: listd, its file, and a relay.
fn solo() -> Solo {
    Solo::prepare(&ldif(), |settings| settings.unverified = "reject".into()).unwrap().watched()
}

/// A mail of Jörg's, as Exim hands it over.
fn letter(id: &str) -> Vec<u8> {
    let text = mail::text(school::JOERG.1, school::CLASS_5B, "Hallo", id, "Hallo");
    let results = format!(
        "Authentication-Results: mx.schule.example; auth=pass smtp.auth={}\r\n\
         Received: from x by mx.schule.example; Sun, 22 Nov 2026 10:00:00 +0100\r\n",
        school::JOERG.0
    );
    [results.as_bytes(), &text].concat()
}

fn sent(at: std::net::SocketAddr, id: &str) {
    let replies = deliver(at, school::JOERG.1, &[school::CLASS_5B], &letter(id)).unwrap();
    assert_eq!(replies[0].code, 250, "{replies:?}");
}

/// A client in the middle of DATA.
fn in_data(at: std::net::SocketAddr, id: &str) -> Client {
    let mut client = Client::connect(at).unwrap();
    client.hello("LHLO", "mx.schule.example").unwrap();
    client.say(&format!("MAIL FROM:<{}>", school::JOERG.1)).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{}>", school::CLASS_5B)).unwrap().expect(250).unwrap();
    client.say("DATA").unwrap().expect(354).unwrap();
    client.write(&letter(id)).unwrap();
    client
}

/// DESIGN section 4: it names file, key and what was expected, and exits 2 before any socket opens.
#[test]
fn a_bad_configuration_ends_it_before_any_socket_opens() {
    let solo = solo();
    let home = solo.listd.home();
    let good = std::fs::read_to_string(solo.listd.config()).unwrap();
    std::fs::write(home.join("weak"), "short\n").unwrap();
    std::fs::create_dir_all(home.join("folder")).unwrap();
    let at = |name: &str| home.join(name).display().to_string();
    let url = good.lines().find(|l| l.starts_with("url = ")).unwrap().to_owned();
    let ldap = |more: &str| good.replace(&url, &format!("url = \"ldaps://127.0.0.1:9\"\n{more}"));
    let cases = [
        ("an unknown key", format!("hostnam = \"x\"\n{good}"), "hostnam"),
        ("no TOML", format!("hostname = \n{good}"), "listd.toml:1"),
        ("a key file that is not there", good.replace("r2026.pem", "gone.pem"), "gone.pem"),
        ("a key file that can't be read", good.replace(&at("r2026.pem"), &at("folder")), "folder"),
        ("a key of the other kind", good.replace("e2026.pem", "r2026.pem"), "r2026.pem"),
        ("a secret that can't be read", good.replace(&at("secret"), &at("folder")), "folder"),
        ("a secret that is none", good.replace(&at("secret"), &at("weak")), "weak"),
        ("a relative key file", good.replace(&at("r2026.pem"), "keys/r.pem"), "keys/r.pem"),
        ("a relative store", good.replace(&at("listd.db"), "listd.db"), "listd.db"),
        ("a relative socket", good.replace(&at("control.sock"), "c.sock"), "c.sock"),
        (
            "no password file",
            ldap(&format!("bind_dn = \"cn=x\"\nbind_password_file = \"{}\"", at("pw"))),
            "pw",
        ),
        ("no CA file", ldap(&format!("ca_file = \"{}\"", at("ca.pem"))), "ca.pem"),
    ];
    for (what, text, named) in cases {
        assert_ne!(text, good, "{what}");
        std::fs::write(solo.listd.config(), text).unwrap();
        let program = listd::program("listd").unwrap().display().to_string();
        let argv = [&program, "--config", &solo.listd.config().display().to_string()];
        let ended = run_any(&argv, b"", LIMIT).unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{what}: {said}");
        assert!(said.contains(named) && said.contains("listd.toml"), "{what}: {said}");
        assert!(!said.contains("listening") && !said.contains("panicked"), "{what}: {said}");
        assert!(!home.join("lmtp.sock").exists() && !home.join("control.sock").exists(), "{what}");
    }
}

/// SIGHUP takes the lists' settings over; what it cannot read leaves everything as it was.
#[test]
fn a_reload_counts_at_once_or_not_at_all() {
    let mut solo = solo();
    solo.listd.start().unwrap();
    let asks = |size: &str| {
        let mut client = Client::connect(solo.listd.lmtp()).unwrap();
        client.hello("LHLO", "mx.schule.example").unwrap();
        client.say(&format!("MAIL FROM:<> SIZE={size}")).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{}>", school::CLASS_5B)).unwrap().code
    };
    assert_eq!(asks("5000"), 250);
    let good = std::fs::read_to_string(solo.listd.config()).unwrap();
    std::fs::write(solo.listd.config(), good.replace("40 MB", "4 KB")).unwrap();
    solo.listd.signal("HUP");
    wait::until_true("the new limit", LIMIT, || asks("5000") == 552).unwrap();
    std::fs::write(solo.listd.config(), "nonsense").unwrap();
    solo.listd.signal("HUP");
    wait::until_true("the complaint", LIMIT, || solo.listd.output().contains("not reloaded"))
        .unwrap();
    assert_eq!((asks("5000"), asks("3000")), (552, 250));
}

/// LM32: SIGTERM in the middle of two mails. One comes to its end and is kept, the other hears 421 and leaves nothing.
#[test]
fn a_stop_in_the_middle_of_a_mail_keeps_it_whole_or_not_at_all() {
    let mut solo = solo();
    solo.sink.close();
    solo.listd.start().unwrap();
    let mut idle = Client::connect(solo.listd.smtp()).unwrap();
    let mut quick = in_data(solo.listd.lmtp(), "quick@post.example");
    let mut slow = in_data(solo.listd.lmtp(), "slow@post.example");
    slow.write(&b"more and more\r\n".repeat(40_000)).unwrap();
    solo.listd.signal("TERM");
    assert_eq!(idle.reply().unwrap().code, 421);
    assert_eq!(quick.say(".").unwrap().code, 250);
    assert_eq!(slow.reply().unwrap().code, 421, "it had its time");
    assert!(solo.listd.stop().unwrap().success());
    let spool: Vec<_> = std::fs::read_dir(solo.listd.home())
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_dir())
        .flat_map(|dir| std::fs::read_dir(dir.path()).unwrap().flatten())
        .filter(|e| e.file_name().to_string_lossy().starts_with("in."))
        .collect();
    assert!(spool.is_empty(), "{spool:?}");
    solo.sink.open().unwrap();
    solo.listd.start().unwrap();
    solo.sink.wait_for(school::CLASS_5B_RECIPIENTS as u64, wait::MAIL).unwrap();
    assert!(solo.listd.listctl(&["trace", "slow@post.example"]).is_err(), "nothing is known of it");
}

/// LM31: 1,000 connections that say nothing, one that drips, and some on the control socket: a mail takes no longer than
/// without them, but for a second.
#[test]
fn a_thousand_idle_connections_and_a_dripping_one_stop_nobody() {
    let mut solo = solo();
    solo.listd.start().unwrap();
    let timed = |id: &str| {
        let begun = Instant::now();
        sent(solo.listd.lmtp(), id);
        begun.elapsed()
    };
    let alone = timed("alone@post.example");
    let idle: Vec<TcpStream> =
        (0..900).map(|_| TcpStream::connect(solo.listd.lmtp()).unwrap()).collect();
    let socket = solo.listd.home().join("lmtp.sock");
    let more: Vec<UnixStream> = (0..100).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    let mut curious: Vec<UnixStream> =
        (0..50).map(|_| UnixStream::connect(solo.listd.control()).unwrap()).collect();
    for stream in &mut curious {
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: ").unwrap();
    }
    let mut dripping = Client::connect(solo.listd.lmtp()).unwrap();
    for octet in b"LHLO drip" {
        dripping.write(&[*octet]).unwrap();
    }
    let took = timed("idle@post.example");
    assert!(took < 5 * alone + Duration::from_secs(1), "{took:?}, alone {alone:?}");
    solo.listd.listctl(&["status"]).unwrap();
    assert_eq!(dripping.say("").unwrap().code, 250);
    eprintln!("1,000 idle connections: {:?} MB, a mail took {took:?}", solo.listd.memory("VmRSS"));
    drop((idle, more, curious));
}

/// Promise 10: mails made to be costly, 25 MB of header fields or of parts, hold up nobody else.
#[test]
fn costly_mails_hold_up_nobody() {
    let mut solo = solo();
    solo.listd.start().unwrap();
    let parts = b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".repeat(400_000);
    let long = [vec![b'x'; 900_000], b"\r\n".to_vec()].concat().repeat(25);
    let fields = b"X-Costly: a\r\n".repeat(1_900_000);
    let plain = letter("costly@post.example");
    let (head, _) = mail::split(&plain);
    let head = String::from_utf8_lossy(head).trim_end().to_owned();
    let mixed = head
        .replace("text/plain; charset=utf-8", "multipart/mixed; boundary=b")
        .replace("costly@", "parts@");
    assert_ne!(mixed, head);
    let costly = [
        [&fields, plain.as_slice()].concat(),
        [mixed.as_bytes(), b"\r\n\r\n", &parts].concat(),
        [head.as_bytes(), b"\r\n\r\n", &long].concat(),
    ];
    let at = solo.listd.lmtp();
    let senders: Vec<_> = costly
        .into_iter()
        .map(|mail| {
            std::thread::spawn(move || {
                let begun = Instant::now();
                let replies = deliver(at, school::JOERG.1, &[school::CLASS_5B], &mail).unwrap();
                (replies[0].to_string(), begun.elapsed())
            })
        })
        .collect();
    let mut worst = Duration::ZERO;
    let mut number = 0;
    while number < 5 || senders.iter().any(|sender| !sender.is_finished()) {
        let begun = Instant::now();
        let mut client = Client::connect(at).unwrap();
        client.hello("LHLO", "mx.schule.example").unwrap();
        client.say("MAIL FROM:<>").unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{}>", school::CLASS_5B)).unwrap().expect(250).unwrap();
        worst = worst.max(begun.elapsed());
        number += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    eprintln!("costly mails: {ended:?}; the slowest of {number} callouts beside them: {worst:?}");
    // On a machine with other work all of it is slower.
    let slowest = ended.iter().map(|(_, took)| *took).max().unwrap_or_default();
    assert!(worst < Duration::from_secs(1).max(slowest / 4), "{worst:?}");
    assert!(ended.iter().all(|(reply, _)| reply.starts_with(['2', '5'])), "{ended:?}");
}

/// Secrets are never logged, at any level: the directory's password, the token keys, the DKIM keys.
#[test]
fn no_secret_is_in_the_most_talkative_log() {
    let stack = Stack::builder().without_listd().start().unwrap();
    let program = listd::program("listd").unwrap().display().to_string();
    let config = stack.listd.config().display().to_string();
    let argv = ["env", "LISTD_LOG=trace", &program, "--config", &config];
    let mut server = Server::start("talkative", &stack.dir().join("log"), &argv).unwrap();
    let at = stack.listd.lmtp();
    let known = || deliver(at, school::JOERG.1, &[school::CLASS_5B], &letter("log@post.example"));
    wait::until_true("the mail", LIMIT, || known().is_ok_and(|r| r[0].code == 250)).unwrap();
    wait::until("a copy", wait::MAIL, || {
        Ok((!stack.dovecot.inbox(school::ZOE.0)?.is_empty()).then_some(()))
    })
    .unwrap();
    server.stop().unwrap();
    let log = server.output();
    assert!(log.contains("listening") && log.contains("stopped"), "it has a log");
    assert!(!log.contains(school::LISTD_PASSWORD), "the directory's password");
    let bytes = format!("{:?}", school::LISTD_PASSWORD.as_bytes());
    assert!(!log.contains(bytes.trim_matches(['[', ']'])), "the password as numbers");
    for file in ["secret", "r2026.pem", "e2026.pem"] {
        let text = std::fs::read_to_string(stack.listd.home().join(file)).unwrap();
        let secret = text.lines().filter(|l| l.len() > 20 && !l.starts_with(['#', '-']));
        for line in secret {
            assert!(!log.contains(line), "a line of {file}");
        }
    }
}
