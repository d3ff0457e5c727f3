//! What the Exim configuration of the guide does by itself, with a recording server where listd would be:
//! refusals inside the dialogue, nothing queued that can still be refused, and who sent it in a header.

use stack::sink::Sink;
use stack::smtp::{As, Client, Reply, send};
use stack::{Stack, mail, school, wait};

/// Exim with two sinks for listd's LMTP and SMTP ports.
struct Doors {
    lmtp: Sink,
    smtp: Sink,
    stack: Stack,
}

impl Doors {
    fn open() -> Doors {
        let (lmtp, smtp) = (Sink::start().unwrap(), Sink::start().unwrap());
        let ports = (lmtp.address().port(), smtp.address().port());
        let stack = Stack::builder().instead_of_listd(ports.0, ports.1).start().unwrap();
        Doors { lmtp, smtp, stack }
    }

    fn outsider(&self, to: &[&str], letter: &[u8]) -> Reply {
        let who = As::Outside(school::PROVIDER_IP);
        send(self.stack.exim.mx(), &who, school::JOERG.1, to, letter).unwrap()
    }

    fn parent(&self, to: &[&str], letter: &[u8]) -> Reply {
        let who = As::User(school::JOERG.0, school::PASSWORD);
        send(self.stack.exim.submission(), &who, school::JOERG.1, to, letter).unwrap()
    }
}

fn letter(id: &str) -> Vec<u8> {
    let mut forged =
        b"Authentication-Results: mx.schule.example; auth=pass smtp.auth=petra.sommer\r\n".to_vec();
    forged.extend(mail::text(
        school::JOERG.1,
        school::CLASS_5B,
        "Ausflug",
        id,
        "Liebe Eltern,\n\nam Freitag.",
    ));
    forged
}

#[test]
fn what_listd_says_is_what_the_sender_hears() {
    let doors = Doors::open();
    let to = [school::CLASS_5B];

    let reply = doors.outsider(&to, &letter("1@post.example"));
    assert_eq!(reply.code, 250, "{reply}");
    let taken = doors.smtp.deliveries();
    assert_eq!(taken.len(), 1, "taken through, not queued");
    assert_eq!(
        (taken[0].from.as_str(), taken[0].to.as_slice()),
        (school::JOERG.1, &[school::CLASS_5B.to_owned()][..])
    );
    let results = mail::headers(&taken[0].mail, "Authentication-Results");
    assert!(results[0].contains("spf=pass smtp.mailfrom=post.example"), "{results:?}");
    assert!(!results[0].contains("auth="), "{results:?}");
    let head = String::from_utf8_lossy(mail::split(&taken[0].mail).0).into_owned();
    assert!(
        head.find("spf=pass") < head.find("Received:"),
        "ours stands above Exim's Received: {head}"
    );
    assert!(head.find("Received:") < head.find("smtp.auth=petra"), "a forged one below it: {head}");

    // Refused at RCPT.
    doors.smtp.set(|f| {
        f.refuse.insert("nichts@schule.example".into(), "550 5.1.1 There is no such list".into());
    });
    let reply = doors.outsider(&["nichts@schule.example"], &letter("2@post.example"));
    assert_eq!((reply.code, reply.lines.join("|").as_str()), (550, "5.1.1 There is no such list"));

    // Refused and deferred at the final dot.
    doors
        .smtp
        .set(|f| f.answer = Some("550 5.7.1 Nur Elternvertreter duerfen hier schreiben".into()));
    let reply = doors.outsider(&to, &letter("3@post.example"));
    assert_eq!(
        (reply.code, reply.lines[0].as_str()),
        (550, "5.7.1 Nur Elternvertreter duerfen hier schreiben")
    );
    let reply = doors.parent(&to, &letter("4@post.example"));
    assert_eq!(
        (reply.code, reply.lines[0].as_str()),
        (550, "5.7.1 Nur Elternvertreter duerfen hier schreiben")
    );
    doors.smtp.set(|f| f.answer = Some("451 4.3.0 The directory does not answer".into()));
    let reply = doors.outsider(&to, &letter("5@post.example"));
    assert_eq!((reply.code, reply.lines[0].as_str()), (451, "4.3.0 The directory does not answer"));
    assert_eq!(doors.stack.exim.queued(), 0, "nobody owes a bounce");

    // Who logs in is named, and her mail is taken when listd is busy: no mail program tries again.
    let reply = doors.parent(&to, &letter("6@post.example"));
    assert_eq!(reply.code, 250, "{reply}");
    doors.lmtp.wait_for(1, wait::MAIL).unwrap();
    let results = mail::headers(&doors.lmtp.deliveries()[0].mail, "Authentication-Results");
    assert!(results[0].contains("smtp.auth=joerg.schaefer"), "{results:?}");
    assert!(doors.stack.sink.deliveries().is_empty(), "no bounce");
}

#[test]
fn two_lists_are_two_decisions() {
    let doors = Doors::open();
    let both = [school::CLASS_5B, "klasse-5a@schule.example"];
    let mut client =
        Client::open(doors.stack.exim.mx(), &As::Outside(school::PROVIDER_IP)).unwrap();
    assert!(!client.offers("CHUNKING") && !client.offers("PRDR"), "{:?}", client.extensions);
    client.say(&format!("MAIL FROM:<{}>", school::JOERG.1)).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{}>", both[0])).unwrap().expect(250).unwrap();
    let reply = client.say(&format!("RCPT TO:<{}>", both[1])).unwrap();
    assert_eq!((reply.code, reply.lines[0].split(' ').next()), (451, Some("4.5.3")), "{reply}");
    client.data(&letter("1@post.example")).unwrap().expect(250).unwrap();
    assert_eq!(doors.smtp.deliveries()[0].to, [school::CLASS_5B]);

    // A parent's own mail program would not try again.
    doors.smtp.set(|f| f.full_after = Some(1));
    let reply = doors.parent(&both, &letter("2@post.example"));
    assert_eq!(reply.code, 250, "{reply}");
    doors.lmtp.wait_for(2, wait::MAIL).unwrap();
    assert_eq!(doors.smtp.deliveries().len(), 1, "not to the first alone");

    // A mailbox beside a list would make Exim take the mail before listd was asked: it comes later, in either order.
    let (login, mailbox) = school::TEACHER;
    for (i, to) in [[mailbox, school::CLASS_5B], [school::CLASS_5B, mailbox]].iter().enumerate() {
        let id = format!("3.{i}@post.example");
        let before = doors.lmtp.recipients() + doors.smtp.recipients();
        let mut client =
            Client::open(doors.stack.exim.mx(), &As::Outside(school::PROVIDER_IP)).unwrap();
        client.say(&format!("MAIL FROM:<{}>", school::JOERG.1)).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{}>", to[0])).unwrap().expect(250).unwrap();
        let reply = client.say(&format!("RCPT TO:<{}>", to[1])).unwrap();
        assert_eq!((reply.code, &reply.lines[0][..5]), (451, "4.5.3"), "{reply}");
        client.data(&letter(&id)).unwrap().expect(250).unwrap();
        // What a server does by itself.
        assert_eq!(doors.outsider(&to[1..], &letter(&id)).code, 250);
        doors.stack.dovecot.wait_for(login, &id).unwrap();
        let once = || doors.lmtp.recipients() + doors.smtp.recipients() == before + 1;
        wait::until_true("the list to get it once", wait::MAIL, once).unwrap();
        assert_eq!(doors.lmtp.deliveries().len(), 1, "passed through, not queued");
    }

    // One of the school's own: both at once.
    for (i, to) in [[mailbox, school::CLASS_5B], [school::CLASS_5B, mailbox]].iter().enumerate() {
        let id = format!("4.{i}@post.example");
        let before = doors.lmtp.recipients();
        assert_eq!(doors.parent(to, &letter(&id)).code, 250);
        doors.stack.dovecot.wait_for(login, &id).unwrap();
        let once = || doors.lmtp.recipients() == before + 1;
        wait::until_true("the list to get it once, by LMTP", wait::MAIL, once).unwrap();
    }
}

/// The cases of the guide in which Exim takes a mail before it can be refused, and those in which it does not.
#[test]
fn where_passing_through_ends() {
    let mut doors = Doors::open();
    let to = [school::CLASS_5B];
    // listd ends between the mail and its answer: the sender keeps the mail.
    doors.smtp.set(|f| f.cut_reply = 1);
    let reply = doors.outsider(&to, &letter("reply@post.example"));
    assert_eq!(reply.code, 450, "{reply}");
    assert_eq!(doors.stack.exim.queued(), 0);
    // Exim's own limit: its own answer, and listd never hears the end.
    let large = [letter("gross@post.example"), vec![b'x'; 70_000]].concat();
    let limit = |plain: &str| plain.replace("message_size_limit = 50M", "message_size_limit = 50K");
    doors.stack.exim.restart_changed(limit).unwrap();
    let reply = doors.outsider(&to, &large);
    assert_eq!(reply.code, 552, "{reply}");
    doors.stack.exim.restart().unwrap();
    assert_eq!((doors.stack.exim.queued(), doors.lmtp.recipients()), (0, 0));

    // listd ends while the mail comes in: Exim has it and tries by LMTP. Refused there, it is a bounce.
    doors.lmtp.set(|f| f.answer = Some("550 5.7.1 Nur Elternvertreter".into()));
    doors.smtp.set(|f| f.cut_data = 1);
    let long = [letter("daten@post.example"), b"0123456789\r\n".repeat(100_000)].concat();
    let reply = doors.outsider(&to, &long);
    assert_eq!(reply.code, 250, "{reply}");
    let bounced = "X-Failed-Recipients: klasse-5b@";
    doors.stack.dovecot.wait_for(school::JOERG.0, bounced).unwrap();

    // Another name of a list, of which only Exim knows, is passed through. One for a list and somebody else is not.
    let alias = "alias:\n  driver = redirect\n  domains = +mailbox_domains\n  local_parts = elternecke : alle\n  \
         data = klasse-5b@schule.example${if eq{$local_part}{alle}{,petra.sommer@schule.example}}\n\n";
    let with_alias = |plain: &str| plain.replace("mailbox:\n", &format!("{alias}mailbox:\n"));
    doors.stack.exim.restart_changed(with_alias).unwrap();
    doors.smtp.set(|f| f.answer = Some("550 5.7.1 Nur Elternvertreter".into()));
    let reply = doors.outsider(&["elternecke@schule.example"], &letter("ecke@post.example"));
    assert_eq!((reply.code, reply.lines[0].as_str()), (550, "5.7.1 Nur Elternvertreter"));
    let reply = doors.outsider(&["alle@schule.example"], &letter("alle@post.example"));
    assert_eq!(reply.code, 250, "{reply}");
    doors.stack.exim.wait_log("** alle@schule.example").unwrap();
}

#[test]
fn the_copies_come_back_and_leave_at_once() {
    let doors = Doors::open();
    let relay = doors.stack.exim.relay();
    let mut client = Client::open(relay, &As::Local).unwrap();
    for i in 0..40 {
        client.say("MAIL FROM:<klasse-5b-bounces+x@schule.example>").unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<p{i}@gmx.example>")).unwrap().expect(250).unwrap();
        client.data(&letter("1@post.example")).unwrap().expect(250).unwrap();
    }
    client.quit();
    doors.stack.sink.wait_for(40, wait::MAIL).unwrap();
    let copy = &doors.stack.sink.deliveries()[0];
    assert_eq!(copy.from, "klasse-5b-bounces+x@schule.example");
    assert_eq!(mail::headers(&copy.mail, "Authentication-Results").len(), 1, "none of Exim's");

    // Its bounces go to listd, with the whole return path.
    doors.stack.sink.set(|f| {
        f.refuse.insert("weg@gmx.example".into(), "550 5.1.1 no such user".into());
    });
    let from = "klasse-5b-bounces+aytok@schule.example";
    send(relay, &As::Local, from, &["weg@gmx.example"], &letter("2@post.example"))
        .unwrap()
        .expect(250)
        .unwrap();
    doors.lmtp.wait_for(1, wait::MAIL).unwrap();
    let bounce = &doors.lmtp.deliveries()[0];
    assert_eq!((bounce.from.as_str(), bounce.to[0].as_str()), ("", from));
    assert!(mail::header(&bounce.mail, "Content-Type").starts_with("multipart/report"));
}

/// What `listctl exim-config` prints for this place is a configuration that Exim takes.
#[test]
fn exim_accepts_what_listctl_prints() {
    let doors = Doors::open();
    let listd = &doors.stack.listd;
    let text =
        listd.listctl(&["exim-config", "--config", &listd.config().to_string_lossy()]).unwrap();
    assert!(text.contains(&format!("port = {}", listd.lmtp().port())), "{text}");
    let file = doors.stack.dir().join("printed.conf");
    std::fs::write(&file, text).unwrap();
    let exim = |option: &str, argument: &[&str]| {
        let file = file.to_string_lossy();
        let argv = [&["exim4", "-C", &file, option], argument].concat();
        let out = stack::process::run(&argv, b"", wait::MAIL).unwrap();
        String::from_utf8_lossy(&out).into_owned()
    };
    exim("-bV", &[]);
    assert!(exim("-bt", &[school::CLASS_5B]).contains("transport = listd_lmtp"));
}

/// The guide quotes the template that these tests run, word for word.
#[test]
fn the_guide_says_what_is_tested() {
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/exim.md")).unwrap();
    let quotes: Vec<&str> = guide.split("<!-- exim.conf.tmpl: ").skip(1).collect();
    assert_eq!(quotes.len(), 4);
    assert!(guide.contains(&format!("\nQUEUEINTERVAL='{}'\n", stack::exim::GUIDE)));
    for quote in quotes {
        let (title, rest) = quote.split_once(" -->\n```\n").expect("a title and a block");
        let (block, _) = rest.split_once("\n```").expect("the end of the block");
        let section = stack::template::section(stack::exim::TEMPLATE, title).unwrap();
        assert_eq!(block.trim(), section.trim(), "section {title} of docs/exim.md");
    }
}
