//! Exim asks the same scanners about all other mail, set up by the blocks of `docs/exim.md` itself.

use stack::clamd::{SIGNATURE, eicar, zip};
use stack::rspamd::GTUBE;
use stack::scanners::Scanners;
use stack::smtp::Reply;
use stack::{Stack, mail, school};

/// The block of the guide that stands behind this mark.
fn block(title: &str) -> &'static str {
    const GUIDE: &str = include_str!("../docs/exim.md");
    let rest = GUIDE.split_once(&format!("<!-- scanners: {title} -->\n```\n")).unwrap().1;
    rest.split_once("```").unwrap().0
}

/// Mailboxes hear the same verdicts as lists; forged ones do not count; a scanner that is down is no "clean".
#[test]
fn mailboxes_hear_the_same_verdicts() {
    let mut scanners = Scanners::start().unwrap();
    let mut stack = Stack::start().unwrap();
    let port = |address: std::net::SocketAddr| address.port().to_string();
    let main = block("Main")
        .replace("3310", &port(scanners.clamd.address()))
        .replace("11333", &port(scanners.rspamd.scan()));
    let first = "acl_data:\n  accept  acl = listd_relay_data\n";
    let change = |plain: &str| {
        let plain = plain.replacen(first, &format!("{first}{}", block("ACL")), 1);
        format!("{main}\n{plain}")
    };
    stack.exim.restart_changed(change).unwrap();

    let (login, zoe) = school::ZOE;
    let letter = |subject: &str, id: &str, body: &str| {
        mail::text(school::AYSE.1, zoe, subject, &format!("{id}@post.example"), body)
    };
    let post =
        |to: &str, letter: &[u8]| -> Reply { stack.post(school::AYSE.1, &[to], letter).unwrap() };
    let packed = zip(&[("brief.com", &eicar())]).unwrap();
    let virus = mail::with_file("Foto", "zip@post.example", "foto.zip", &packed);
    let cases = [
        ("clean", letter("Hallo", "clean", "Hallo"), 250, ""),
        ("GTUBE", letter("Gewinn", "gtube", GTUBE), 550, "taken for spam"),
        ("virus", virus.clone(), 550, SIGNATURE),
        ("soft", letter("TEST-SOFT-REJECT", "soft", "x"), 451, "Try again later"),
        ("grey zone", letter("TEST-ADD-HEADER", "maybe", "x"), 250, ""),
        ("greylist", letter("TEST-GREYLIST", "grey", "x"), 250, ""),
    ];
    for (what, letter, code, said) in &cases {
        let reply = post(zoe, letter);
        assert_eq!(reply.code, *code, "{what}: {reply}");
        assert!(reply.lines.join(" ").contains(said), "{what}: {reply}");
    }
    let status = |id: &str| {
        let mail = stack.dovecot.wait_for(login, &format!("{id}@post.example")).unwrap();
        let all = mail::headers(&mail, "X-Spam-Status");
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].split(',').next().unwrap_or_default().to_owned()
    };
    assert_eq!((status("clean"), status("maybe")), ("No".to_owned(), "Yes".to_owned()));
    let forged = letter("TEST-ADD-HEADER", "forged", "x");
    assert_eq!(post(zoe, &[b"X-Spam-Status: No, mine\r\n", &forged[..]].concat()).code, 250);
    assert_eq!(status("forged"), "Yes");

    // A list hears no less.
    assert_eq!(post(school::CLASS_5B, &virus).code, 550);
    assert_eq!(post(school::CLASS_5B, &letter("Hallo", "list", "Hallo")).code, 250);

    scanners.clamd.stop();
    assert_eq!(post(zoe, &letter("Hallo", "late", "x")).code, 451);
    scanners.clamd.restart().unwrap();
    scanners.rspamd.stop();
    assert_eq!(post(zoe, &letter("Hallo", "late", "x")).code, 451);
}
