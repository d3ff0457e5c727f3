//! verdictd as `docs/postfix.md` has it: asked by a real Postfix, asking the real rspamd and clamd.

use stack::clamd::{SIGNATURE, eicar, zip};
use stack::postfix::Alone;
use stack::rspamd::GTUBE;
use stack::scanners::Scanners;
use stack::smtp::{As, Reply, send};
use stack::verdictd::Verdictd;
use stack::{mail, wait};

struct School {
    scanners: Scanners,
    verdictd: Verdictd,
    alone: Alone,
}

const FROM: &str = "ayse.oeztuerk@post.example";
const TO: &str = "petra@schule.example";

impl School {
    fn start(more: &str) -> School {
        let scanners = Scanners::start().unwrap();
        let verdictd = scanners.verdictd(more).unwrap();
        let alone = Alone::start(&[format!("inet:{}", verdictd.milter())]).unwrap();
        School { scanners, verdictd, alone }
    }

    /// What the sender hears.
    fn post(&self, letter: &[u8]) -> Reply {
        send(self.alone.postfix.smtp(), &As::Local, FROM, &[TO], letter).unwrap()
    }

    /// Posts what gets through, and has it as it arrived.
    fn passes(&self, letter: &[u8]) -> Vec<u8> {
        self.alone.sink.clear();
        self.post(letter).expect(250).unwrap();
        self.alone.sink.wait_for(1, wait::MAIL).unwrap();
        self.alone.sink.deliveries()[0].mail.to_vec()
    }
}

fn letter(subject: &str, body: &str) -> Vec<u8> {
    mail::text(FROM, TO, subject, "v4@post.example", body)
}

/// T9: a mail gets in with our headers and without anybody else's, and no octet of it is another.
#[test]
fn a_mail_gets_in_with_its_verdict() {
    let school = School::start("");
    let forged = "X-Spam-Status: No, score=-100\r\nX-Virus-Status: Clean, really\r\nX-Spam-Flag: NO\r\n\
                  x-spam-status: No\r\n\tfolded\r\nX-Rspamd-Action: no action\r\n";
    let posted = letter("TEST-ADD-HEADER", "Liebe Eltern,\n\nam Freitag.");
    let arrived = school.passes(&[forged.as_bytes(), &posted].concat());
    let headers = |name| mail::headers(&arrived, name);
    assert_eq!(headers("X-Spam-Status"), ["Yes, score=7.00 required=15.00 tests=TEST_ADD_HEADER"]);
    assert_eq!(headers("X-Spamd-Bar"), ["+++++++"]);
    assert_eq!(headers("X-Virus-Status"), ["Clean"]);
    let scanned = headers("X-Virus-Scanned");
    assert!(scanned[0].starts_with("verdictd ") && scanned[0].ends_with(" at mx.schule.example"));
    assert!(headers("X-Spam-Flag").is_empty() && headers("X-Rspamd-Action").is_empty());
    let text = String::from_utf8(arrived).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let (own, posted_body) = std::str::from_utf8(&posted).unwrap().split_once("\r\n\r\n").unwrap();
    assert!(head.contains(own), "the author's own fields stand as they were:\n{head}");
    assert_eq!(body, posted_body);

    let clean = school.passes(&letter("TEST-HAM", "Hallo"));
    assert_eq!(
        mail::headers(&clean, "X-Spam-Status"),
        ["No, score=-3.50 required=15.00 tests=TEST_HAM"]
    );
    let line = school.verdictd.last_line();
    let queue_id = line.split("queue_id=\"").nth(1).and_then(|rest| rest.split('"').next());
    let queue_id = queue_id.filter(|id| !id.is_empty()).unwrap();
    school.alone.postfix.wait_log(&format!("{queue_id}: ")).unwrap();
    assert!(line.contains("[127.0.0.1]") && line.contains(&format!("from=<{FROM}>")), "{line}");
    assert_eq!(school.verdictd.figure("verdictd_broken_sessions_total").unwrap(), 0.0);
}

/// Spam and viruses are refused while their sender still waits, in our words, and the next mail gets in.
#[test]
fn what_is_refused_is_refused_in_the_dialogue() {
    let school = School::start("");
    let virus = format!("550 5.7.1 This message contains malware: {SIGNATURE}");
    let packed = zip(&[("brief.com", &eicar())]).unwrap();
    let attached = |name: &str, file: &[u8]| mail::with_file("Foto", "f@post.example", name, file);
    let eicar_text = String::from_utf8(eicar()).unwrap();
    for (what, letter, said) in [
        (
            "GTUBE",
            letter("Gewinn", GTUBE),
            "550 5.7.1 This message was taken for spam: Gtube pattern".to_owned(),
        ),
        ("EICAR", letter("Foto", &eicar_text), virus.clone()),
        ("EICAR in zip", attached("foto.zip", &packed), virus),
        (
            "soft reject",
            letter("TEST-SOFT-REJECT", "x"),
            "451 4.7.1 Try again later: asked for soft reject".to_owned(),
        ),
    ] {
        assert_eq!(school.post(&letter).to_string(), said, "{what}");
    }
    school.passes(&letter("TEST-HAM", "Hallo"));
    assert_eq!(school.alone.sink.deliveries().len(), 1);
}

/// With a scanner gone, or verdictd itself, mail waits at its sender, and gets in when they are back.
#[test]
fn what_is_down_makes_mail_wait() {
    let mut school = School::start("timeout = \"2 s\"\n");
    let clean = letter("TEST-HAM", "Hallo");
    school.scanners.clamd.stop();
    let down = "451 4.3.0 The virus scanner does not answer, try again later";
    assert_eq!(school.post(&clean).to_string(), down);
    school.scanners.clamd.restart().unwrap();
    school.passes(&clean);
    school.scanners.rspamd.signal("STOP");
    let down = "451 4.3.0 The spam scanner does not answer, try again later";
    assert_eq!(school.post(&clean).to_string(), down);
    school.scanners.rspamd.signal("CONT");
    school.passes(&clean);
    assert!(school.verdictd.stop().unwrap().success());
    assert_eq!(school.post(&clean).code, 451);
    school.verdictd.run().unwrap();
    school.passes(&clean);
}
