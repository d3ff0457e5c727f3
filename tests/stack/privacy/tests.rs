//! Leaks are planted in every coat an address may wear, and must be found; what people may see must not be.

use super::*;

const LDIF: &str =
    "dn: uid=anna,ou=people,dc=x\nmail: anna@home.example\nmailAlternateAddress: a@work.example

dn: uid=bert,ou=people,dc=x
mail:: YmVydEBob21lLmV4YW1wbGU=

dn: uid=carl,ou=people,dc=x
mail: carl@home.example

dn: uid=dora,ou=people,dc=x
mail: dora@home.example

dn: cn=5b,ou=groups,dc=x
mail: 5b@schule.example
owner: uid=carl,ou=people,dc=x
listModerator: uid=dora,ou=people,dc=x
member: uid=anna,ou=people,dc=x
member: uid=bert,ou=people,dc=x
gosaMailForwardingAddress: oma@out.example
";

const LETTER: &str = "From: Anna <anna@home.example>\r\nTo: 5b@schule.example\r\nSubject: Ausflug\r\n\
    Message-ID: <1@home.example>\r\n\r\nFragen Sie bert@home.example\r\n";

fn said(sender: &str, letter: &str) -> Talk {
    let text = format!(
        "EHLO x\r\nMAIL FROM:<{sender}>\r\nRCPT TO:<5b@schule.example>\r\nDATA\r\n{letter}.\r\nQUIT\r\n"
    );
    Talk { said: text.into_bytes(), heard: b"250 2.0.0 ok\r\n".to_vec(), path: None }
}

fn story(to: &str, mail: &str) -> Evidence {
    Evidence {
        registry: Registry::of(LDIF, &["root@schule.example".to_owned()]),
        delivered: vec![Delivered { to: to.to_owned(), mail: mail.as_bytes().to_vec() }],
        dialogues: vec![said("anna@home.example", LETTER)],
        pages: Vec::new(),
    }
}

fn copy(body: &str) -> String {
    format!("From: x\r\nSubject: Ausflug\r\nMessage-ID: <1@home.example>\r\n\r\n{body}\r\n")
}

fn own(body: &str) -> String {
    format!("From: \"5b\" <5b-owner@schule.example>\r\nMessage-ID: <2@lists>\r\n\r\n{body}\r\n")
}

#[test]
fn an_address_is_found_in_every_coat() {
    let coats = [
        "carl@home.example",
        "Carl@HOME.example.",
        "<mailto:carl@home.example>",
        "c=61rl=40home.example",
        "carl=\r\n@home.example",
        "Y2FybEBob21lLmV4YW1wbGU=",
        "=?utf-8?B?Y2FybEBob21lLmV4YW1wbGU=?= x",
        "=?utf-8?q?carl=40home=2Eexample?=",
        "https://x.example/?to=carl%40home.example&x",
        "5b-bounces+carl=home.example@schule.example",
        "carl&#64;home.example",
    ];
    for coat in coats {
        assert_eq!(story("bert@home.example", &copy(coat)).leaks().len(), 1, "{coat}");
        // Bare base64 stands in bodies alone.
        let head = format!("X-Odd: {coat}\r\n");
        let in_head = story("bert@home.example", &(head + &copy(""))).leaks();
        assert!(in_head.len() == 1 || coat.ends_with('='), "{coat}");
    }
    for harmless in ["carl", "@home.example", "carl@other.example", "xcarl@home.example", "oma@out"]
    {
        assert_eq!(story("bert@home.example", &copy(harmless)).leaks(), [""; 0], "{harmless}");
    }
}

#[test]
fn who_may_see_what() {
    let cases = [
        // By the author's own hand, and her own.
        ("bert@home.example", copy("anna@home.example, bert@home.example"), true),
        ("uid=bert,ou=people,dc=x", copy("bert@home.example"), true),
        ("oma@out.example", copy("anna@home.example"), true),
        ("uid=anna,ou=people,dc=x", copy("a@work.example"), true),
        ("bert@home.example", copy("a@work.example"), false),
        ("anna@home.example", copy("oma@out.example"), false),
        // By hers, in whatever is written to her.
        ("anna@home.example", own("bert@home.example"), true),
        // What one wrote is nobody else's to see under another Message-ID.
        ("bert@home.example", own("anna@home.example, Ausflug"), false),
        // Who looks after the list sees the author of the mail that waits, and who decided.
        ("carl@home.example", own("Ausflug, anna@home.example"), true),
        ("carl@home.example", own("Ausflug, dora@home.example"), true),
        ("dora@home.example", own("anna@home.example"), false),
        ("dora@home.example", own("Ausflug, oma@out.example"), false),
        ("anna@home.example", own("Ausflug, carl@home.example"), false),
    ];
    for (to, mail, fine) in cases {
        let leaks = story(to, &mail).leaks();
        assert_eq!(leaks.is_empty(), fine, "{to}: {mail}: {leaks:?}");
    }
}

#[test]
fn whose_address_is_paused_is_the_admins_to_know() {
    let told = own("Bert ist weg:\r\n  listctl member resume bert@home.example\r\n");
    let leaks = |to: &str, mail: &str| story(to, mail).leaks().len();
    assert_eq!(leaks("root@schule.example", &told), 0);
    assert_eq!(leaks("carl@home.example", &told), 1, "an owner is no admin");
    assert_eq!(leaks("root@schule.example", &own("bert@home.example")), 1, "not in any letter");
}

#[test]
fn replies_and_pages_are_looked_at() {
    let mut story =
        story("bert@home.example", &own("https://lists.x/q/abcdefghijklmnopqrstuvwxyz"));
    let page = |text: &str, path: &str| Talk {
        said: b"answer=yes".to_vec(),
        heard: text.as_bytes().to_vec(),
        path: Some(path.to_owned()),
    };
    let token = "/q/abcdefghijklmnopqrstuvwxyz";
    story.pages = vec![
        page("bert@home.example", token),
        page("anna@home.example", token),
        page("bert@home.example", "/q/forged"),
    ];
    let mut talk = said("anna@home.example", "");
    talk.heard = b"550 5.7.1 only carl@home.example may\r\n".to_vec();
    story.dialogues.push(talk);
    let mut talk = said("anna@home.example", "");
    talk.heard = b"550 5.7.1 anna@home.example is not known\r\n".to_vec();
    story.dialogues.push(talk);
    let leaks = story.leaks();
    assert_eq!(leaks.len(), 3, "{leaks:?}");
    assert!(leaks[0].contains("carl@home.example"), "{leaks:?}");
}

/// Two mails as one: each may show what its own author wrote, and the words around them what any of them may.
#[test]
fn a_digest_is_looked_into() {
    let other = LETTER.replace("<1@", "<3@").replace("bert@home.example", "oma@out.example");
    let digest = |words: &str, one: &str, two: &str| {
        let part = |id: &str, body: &str| {
            format!(
                "--d\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nMessage-ID: <{id}>\r\n\r\n{body}\r\n"
            )
        };
        format!(
            "Message-ID: <2@lists>\r\nContent-Type: multipart/mixed; boundary=\"m\"\r\n\r\n--m\r\n\r\n{words}\r\n--m\r\n\
             Content-Type: multipart/digest; boundary=\"d\"\r\n\r\n{}{}--d--\r\n\r\n--m--\r\n",
            part("1@home.example", one),
            part("3@home.example", two)
        )
    };
    let (anna, oma) = ("anna@home.example", "oma@out.example");
    let cases = [
        (digest("", anna, &format!("{anna} {oma}")), 0),
        (digest(&format!("{anna} {oma}"), "", ""), 0),
        (digest("", oma, ""), 1),
        (digest("carl@home.example", "", ""), 1),
        (digest("", "carl@home.example", "carl@home.example"), 2),
    ];
    for (mail, count) in cases {
        let mut story = story("bert@home.example", &mail);
        story.dialogues.push(said("anna@home.example", &other));
        let leaks = story.leaks();
        assert_eq!(leaks.len(), count, "{mail}: {leaks:?}");
    }
}

/// A mail in chunks of seven octets is the same mail: its author may show what she wrote, and nobody else's address.
#[test]
fn chunks_are_put_together() {
    let mut said =
        b"EHLO x\r\nMAIL FROM:<anna@home.example>\r\nRCPT TO:<5b@schule.example>\r\n".to_vec();
    let chunks: Vec<&[u8]> = LETTER.as_bytes().chunks(7).collect();
    for (number, chunk) in chunks.iter().enumerate() {
        let last = if number + 1 == chunks.len() { " LAST" } else { "" };
        said.extend_from_slice(format!("BDAT {}{last}\r\n", chunk.len()).as_bytes());
        said.extend_from_slice(chunk);
    }
    said.extend_from_slice(b"QUIT\r\n");
    for (shown, count) in [("bert@home.example", 0), ("carl@home.example", 1)] {
        let copy = format!("Message-ID: <1@home.example>\r\n\r\n{shown}\r\n");
        let mut story = story("oma@out.example", &copy);
        story.dialogues = vec![Talk { said: said.clone(), ..Talk::default() }];
        assert_eq!(story.leaks().len(), count, "{shown}: {:?}", story.leaks());
    }
}
