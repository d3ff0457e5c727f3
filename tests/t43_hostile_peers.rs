//! Mail servers that break the milter protocol, and some that only test its corners: each ends its own session alone.

use stack::clamd::{SIGNATURE, eicar};
use stack::milter::{ACTIONS, Client, Envelope, PROTOCOL, ask};
use stack::process::run;
use stack::rspamd::GTUBE;
use stack::scanners::Scanners;
use stack::verdictd::Verdictd;
use stack::{mail, wait};

fn letter() -> Vec<u8> {
    mail::text("a@post.example", "klasse-5b@schule.example", "x", "v3@post.example", "x")
}

fn broken(verdictd: &Verdictd) -> f64 {
    verdictd.figure("verdictd_broken_sessions_total").unwrap()
}

/// MI1, MI3, MI8: frames of length 0 and 4 GB, other protocols, a wrong order. The connection closes without a word, there
/// is a line in the log, and others notice nothing.
#[test]
fn who_breaks_the_protocol_is_left_alone() {
    let scanners = Scanners::start().unwrap();
    let mut verdictd = scanners.verdictd("").unwrap();
    let mut other = Client::connect(verdictd.milter()).unwrap();
    other.greet(&Envelope::default()).unwrap();
    let offer = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff".to_vec();
    let after = |more: &[u8]| [&offer[..], more].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("length 0", b"\0\0\0\0".to_vec()),
        ("4 GB", b"\xff\xff\xff\xffO".to_vec()),
        ("SMTP", b"EHLO mx.example\r\n".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("no offer", b"\0\0\0\x01T".to_vec()),
        ("a short offer", b"\0\0\0\x05O\0\0\0\x06".to_vec()),
        ("no header changes allowed", b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\x1f\xff\xff".to_vec()),
        ("length 0 later", after(b"\0\0\0\0")),
        ("4 GB later", after(b"\xff\xff\xff\xffB")),
        ("an unknown code", after(b"\0\0\0\x01?")),
        ("RCPT before MAIL", after(b"\0\0\0\x05R<a>\0")),
        ("the end before the beginning", after(b"\0\0\0\x01E")),
        ("a name without NUL", after(b"\0\0\0\x05M<a>\0\0\0\0\x04Lab\0")),
        ("a second offer", after(&offer)),
    ];
    for (what, octets) in cases {
        let before = broken(&verdictd);
        let mut client = Client::raw(verdictd.milter()).unwrap();
        client.write(&octets).unwrap();
        assert!(client.is_closed(), "{what}: it talks on");
        wait::until_true(what, wait::START, || broken(&verdictd) == before + 1.0).unwrap();
    }
    let told = || verdictd.output().matches("a mail server broke the protocol").count();
    wait::until_true("a line for each", wait::START, || told() == 14).unwrap();
    // Half a frame and silence holds up nobody; neither does one that leaves in the middle.
    let mut silent = Client::connect(verdictd.milter()).unwrap();
    silent.write(b"\0\0\x10\0Mhal").unwrap();
    let mut gone = Client::connect(verdictd.milter()).unwrap();
    gone.greet(&Envelope::default()).unwrap();
    gone.envelope(&Envelope::default()).unwrap();
    gone.header(&letter()).unwrap();
    drop(gone);
    assert!(other.mail(&Envelope::default(), &letter()).unwrap().is_passed());
    assert!(ask(verdictd.milter(), &Envelope::default(), &letter()).unwrap().is_passed());
    assert!(verdictd.is_running());
    // At the end it does not wait for the silent one.
    assert!(verdictd.stop().unwrap().success());
}

/// MI3, MI4, MI6: whatever an MTA offers, the mail has its verdict: old versions, no silent commands, no leading space.
#[test]
fn mi6_every_kind_of_mta_is_served() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("").unwrap();
    let offers = [
        (6, ACTIONS, PROTOCOL),
        (6, ACTIONS, 0),
        (6, ACTIONS, 0xfffff),
        (6, ACTIONS, 0x10_0000),
        (6, 0x11, 0x7f),
        (4, 0x3f, 0x7f),
        (2, 0x3f, 0x7f),
        (7, u32::MAX, u32::MAX),
    ];
    for (version, actions, protocol) in offers {
        let mut client = Client::raw(verdictd.milter()).unwrap();
        let chosen = client.negotiate(version, actions, protocol).unwrap();
        assert_eq!(chosen, version.min(6));
        assert_eq!((client.actions & !actions, client.protocol & !protocol), (0, 0));
        client.greet(&Envelope::default()).unwrap();
        // Twice, with an abort between them.
        let outcome = client.mail(&Envelope::default(), &letter()).unwrap();
        assert!(outcome.is_passed(), "{version} {actions:#x} {protocol:#x}: {outcome:?}");
        client.envelope(&Envelope::default()).unwrap();
        client.say('A', b"").unwrap();
        client.say('A', b"").unwrap();
        let outcome = client.mail(&Envelope::default(), &letter()).unwrap();
        assert_eq!(outcome.added("X-Virus-Status"), ["Clean"]);
        client.quit();
    }
    assert_eq!(broken(&verdictd), 0.0);
}

/// MI16: rspamd and clamd see the mail octet by octet as it is, folds and odd spaces included.
#[test]
fn mi16_the_mail_reaches_the_scanners_as_it_is() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("").unwrap();
    let head = "Subject:TEST-ENVELOPE\r\nA:  two\r\nB:\tx\r\n\tfolded\r\n  again\r\nC:\r\n\r\n";
    for body in ["", "\r\n", "x", "x\r\n.\r\n\r\n", "\r\n\r\n\r\n"] {
        let mail = format!("{head}{body}");
        let text = ask(verdictd.milter(), &Envelope::default(), mail.as_bytes()).unwrap().text;
        assert!(text.ends_with(&format!(" size {}", mail.len())), "{body:?}: {text}");
    }
}

/// MI26: a foreign MTA's side, OpenDKIM's miltertest, gets each answer as it should be.
#[test]
fn mi26_miltertest_is_served() {
    let scanners = Scanners::start().unwrap();
    let verdictd = scanners.verdictd("").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/miltertest/verdicts.lua");
    let eicar = String::from_utf8(eicar()).unwrap();
    let settings = [
        format!("socket=inet:{}@127.0.0.1", verdictd.milter().port()),
        format!("gtube={GTUBE}"),
        format!("eicar={eicar}"),
        format!("signature={SIGNATURE}"),
    ];
    let mut argv = vec!["miltertest"];
    argv.extend(settings.iter().flat_map(|setting| ["-D", setting.as_str()]));
    argv.extend(["-s", script]);
    let said = run(&argv, b"", wait::MAIL).unwrap();
    assert!(String::from_utf8_lossy(&said).contains("all answers are right"));
    assert_eq!(broken(&verdictd), 0.0);
}
