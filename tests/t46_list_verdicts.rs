//! listd asks verdictd before it distributes: what the author hears, with real Exim, rspamd and clamd.

use stack::clamav_milter::ClamavMilter;
use stack::clamd::{SIGNATURE, eicar, zip};
use stack::rspamd::GTUBE;
use stack::scanners::Scanners;
use stack::smtp::{As, Reply, deliver, send};
use stack::{Stack, mail, school};

/// On the list, and the author of `mail::with_file`.
const AUTHOR: &str = school::AYSE.1;

fn letter(to: &str, subject: &str, id: &str, body: &str) -> Vec<u8> {
    mail::text(AUTHOR, to, subject, id, body)
}

/// EICAR in a zip, with what a scanner that found nothing would have written.
fn virus(id: &str) -> Vec<u8> {
    let packed = zip(&[("brief.com", &eicar())]).unwrap();
    let forged = b"X-Spam: No\r\nX-Virus-Scanned: yes\r\nX-Virus-Status: Clean\r\n";
    [&forged[..], &mail::with_file("Foto", id, "foto.zip", &packed)].concat()
}

fn post(stack: &Stack, to: &str, letter: &[u8]) -> Reply {
    stack.post(AUTHOR, &[to], letter).unwrap()
}

/// MI10, MI20, MI21, MI23, promises 4 and 5: one mail of each kind.
#[test]
fn what_is_no_good_is_refused_in_the_dialogue() {
    let mut stack = Stack::builder().scanned().start().unwrap();
    let mut verdictd = stack.verdicts.take().unwrap();
    let (verdictd, stack) = (&mut verdictd.verdictd, &stack);
    let trace = |id: &str| stack.listd.listctl(&["trace", id]).unwrap();
    let (list, owner) = (school::CLASS_5B, "klasse-5b-owner@schule.example");

    let clean = "clean@post.example";
    assert_eq!(post(stack, list, &letter(list, "Ausflug", clean, "Hallo")).code, 250);
    let copy = stack.dovecot.wait_for(school::ZOE.0, clean).unwrap();
    assert!(mail::headers(&copy, "X-Spam-Status").is_empty(), "verdicts stay inside");
    assert!(trace(clean).contains("clean"), "{}", trace(clean));
    // rspamd wants it greylisted, which no list does.
    let grey = letter(list, "TEST-GREYLIST", "grey@post.example", "Hallo");
    assert_eq!(post(stack, list, &grey).code, 250);

    let cases = [
        ("gtube", list, letter(list, "Gewinn", "gtube@post.example", GTUBE), "fuer Spam", "spam ("),
        ("zip", list, virus("zip@post.example"), SIGNATURE, "virus ("),
        ("owner", owner, virus("owner@post.example"), SIGNATURE, "virus ("),
        (
            "envelope",
            list,
            letter(list, "TEST-ENVELOPE", "envelope@post.example", "Hallo"),
            "fuer Spam",
            "ip 192.0.2.25 helo",
        ),
    ];
    for (id, to, letter, heard, traced) in &cases {
        let reply = post(stack, to, letter);
        assert_eq!(reply.code, 550, "{id}: {reply}");
        let said = reply.lines.join(" ");
        assert!(said.starts_with("5.7.1 ") && said.contains(heard), "{id}: {reply}");
        let trace = trace(&format!("{id}@post.example"));
        assert!(trace.contains(traced), "{id}: {trace}");
    }
    // In the grey zone it waits, and a moderator sees why.
    let maybe = letter(list, "TEST-ADD-HEADER", "maybe@post.example", "Hallo");
    assert_eq!(post(stack, list, &maybe).code, 250);
    let told = trace("maybe@post.example");
    assert!(told.contains("suspect ("), "{told}");
    let waits = stack.listd.listctl(&["held", list]).unwrap();
    assert!(waits.contains("TEST-ADD-HEADER"), "{waits}");

    // Who logged in is known from our Exim's own results.
    let (login, teacher) = school::TEACHER;
    let who = mail::text(teacher, list, "TEST-ENVELOPE", "login@schule.example", "Hallo");
    let user = As::User(login, school::PASSWORD);
    let reply = send(stack.exim.submission(), &user, teacher, &[list], &who).unwrap();
    assert_eq!(reply.code, 550, "{reply}");
    let told = trace("login@schule.example");
    assert!(told.contains(&format!("user {login}")), "{told}");

    // A bounce is counted and not scanned.
    let before = verdictd.figure("verdictd_scan_seconds_count{scanner=\"clamd\"}").unwrap();
    let bounce = virus("bounce@post.example");
    let to = ["klasse-5b-bounces@schule.example"];
    assert_eq!(deliver(stack.listd.lmtp(), "", &to, &bounce).unwrap()[0].code, 250);
    let after = verdictd.figure("verdictd_scan_seconds_count{scanner=\"clamd\"}").unwrap();
    assert_eq!(before, after);

    // Nobody to ask: later, and then it goes out.
    assert!(verdictd.stop().unwrap().success());
    let late = letter(list, "Elternabend", "late@post.example", "Hallo");
    let reply = post(stack, list, &late);
    assert_eq!(reply.code, 451, "{reply}");
    let told = trace("late@post.example");
    assert!(told.contains("scanner ("), "{told}");
    verdictd.run().unwrap();
    assert_eq!(post(stack, list, &late).code, 250);
    stack.dovecot.wait_for(school::ZOE.0, "late@post.example").unwrap();
    let lists = |id: &str| {
        let all = stack.sink.deliveries();
        all.iter().filter(|d| mail::header(&d.mail, "Message-ID").contains(id)).count()
    };
    let got = ["zip@post.example", "gtube@post.example", "maybe@post.example"].map(lists);
    assert_eq!(got, [0; 3], "nobody got those");

    // What would become of a mail is asked too.
    let spam = letter(list, "Gewinn", "try@post.example", GTUBE);
    let shown = stack.listd.listctl_with(&["simulate", list], &spam).unwrap_err().0;
    assert!(shown.contains("filter      spam (This message was taken for spam"), "{shown}");
}

/// Another milter than ours: rspamd's own proxy.
#[test]
fn rspamds_own_milter_serves_too() {
    let scanners = Scanners::start().unwrap();
    let more = format!("[verdict]\nmilter = \"{}\"\n", scanners.rspamd.milter());
    let stack = Stack::builder().settings(|settings| settings.more = more).start().unwrap();
    let list = school::CLASS_5B;
    let cases = [
        ("a@post.example", "Ausflug", "Hallo", 250),
        ("b@post.example", "Gewinn", GTUBE, 550),
        ("c@post.example", "TEST-ADD-HEADER", "Hallo", 250),
        ("d@post.example", "TEST-SOFT-REJECT", "Hallo", 451),
        ("e@post.example", "Ausflug", "Hallo", 250),
    ];
    for (id, subject, body, code) in cases {
        let reply = post(&stack, list, &letter(list, subject, id, body));
        assert_eq!(reply.code, code, "{id}: {reply}");
    }
    let told = stack.listd.listctl(&["trace", "c@post.example"]).unwrap();
    assert!(told.contains("suspect ("), "in the grey zone it waits: {told}");
}

/// And clamav-milter, which looks for viruses alone.
#[test]
fn clamav_milter_serves_too() {
    let scanners = Scanners::start().unwrap();
    let milter = ClamavMilter::start(scanners.dir(), scanners.clamd.address()).unwrap();
    let more = format!("[verdict]\nmilter = \"{}\"\n", milter.address());
    let stack = Stack::builder().settings(|settings| settings.more = more).start().unwrap();
    let list = school::CLASS_5B;
    let cases = [
        (letter(list, "Ausflug", "a@post.example", "Hallo"), 250),
        (virus("b@post.example"), 550),
        (letter(list, "Ausflug", "c@post.example", "Hallo"), 250),
    ];
    for (letter, code) in &cases {
        let reply = post(&stack, list, letter);
        assert_eq!(reply.code, *code, "{reply}");
    }
    stack.dovecot.wait_for(school::ZOE.0, "c@post.example").unwrap();
    assert!(stack.listd.listctl(&["trace", "b@post.example"]).unwrap().contains("virus"));
}
