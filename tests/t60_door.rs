//! Refused at the school's door: a client outside hears `listd`'s own words while it still has the mail, and nobody
//! writes a bounce. The cases in which Exim takes a mail first are told, and tried, here too; `docs/exim.md` lists them.

use std::time::Duration;

use stack::clamd::{eicar, zip};
use stack::rspamd::GTUBE;
use stack::smtp::{As, Client, Reply, send, stuff};
use stack::{Stack, dkim, mail, school, wait};

const LIST: &str = school::CLASS_5B;
/// Verified and not on the list; has a mailbox in Dovecot, where a bounce would come to light.
const STRANGER: (&str, &str) = school::STRANGER;
/// The class teacher, who logs in.
const STRICT: &str = school::TEACHER.1;
/// What he hears.
const MEMBERS_ONLY: &str = "5.7.1 Nur Mitglieder von";

fn letter(from: &str, to: &str, id: &str) -> Vec<u8> {
    mail::text(from, to, "Ausflug", id, "Liebe Eltern,\n\nam Freitag.")
}

fn signed(from: &str, to: &str, id: &str) -> Vec<u8> {
    dkim::sign_as_provider(&letter(from, to, id)).unwrap()
}

fn outside(stack: &Stack) -> Client {
    Client::open(stack.exim.mx(), &As::Outside(school::PROVIDER_IP)).unwrap()
}

/// Exim never had the mail (what it has, it logs with `<=`), and nobody wrote to its sender.
fn nothing_is_left(stack: &Stack, id: &str) {
    let log = stack.exim.log();
    let taken = log.lines().find(|line| line.contains(" <= ") && line.contains(id));
    assert_eq!(taken, None, "Exim took it");
    assert!(!log.contains(" <= <> "), "a bounce: {log}");
    let bounces = stack.sink.deliveries().iter().filter(|d| d.from.is_empty()).count();
    assert_eq!(bounces, 0, "a bounce went out");
}

fn refused_in_our_words(reply: &Reply) {
    assert_eq!(reply.code, 550, "{reply}");
    assert_eq!(reply.lines.len(), 1, "one line: {reply}");
    let text = &reply.lines[0];
    assert!(text.starts_with(MEMBERS_ONLY) && text.contains("duerfen hier schreiben"), "{text}");
}

/// How a client may hand in a mail: each says the same and hears the same.
type Way = fn(&mut Client, &[u8]) -> Reply;

fn plain(client: &mut Client, mail: &[u8]) -> Reply {
    client.say(&format!("MAIL FROM:<{}>", STRANGER.1)).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{LIST}>")).unwrap().expect(250).unwrap();
    client.data(mail).unwrap()
}

fn pipelined(client: &mut Client, mail: &[u8]) -> Reply {
    assert!(client.offers("PIPELINING"));
    let all = format!("MAIL FROM:<{}>\r\nRCPT TO:<{LIST}>\r\nDATA\r\n", STRANGER.1);
    client.write(all.as_bytes()).unwrap();
    for code in [250, 250, 354] {
        client.reply().unwrap().expect(code).unwrap();
    }
    client.write(&stuff(mail)).unwrap();
    client.reply().unwrap()
}

fn eight_bit(client: &mut Client, mail: &[u8]) -> Reply {
    assert!(client.offers("8BITMIME"));
    let line = format!("MAIL FROM:<{}> BODY=8BITMIME SIZE={}", STRANGER.1, mail.len());
    client.say(&line).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{LIST}>")).unwrap().expect(250).unwrap();
    client.data(mail).unwrap()
}

/// It would, were it offered. One that tries all the same is told no, and has DATA left.
fn would_use_bdat(client: &mut Client, mail: &[u8]) -> Reply {
    assert!(!client.offers("CHUNKING"), "{:?}", client.extensions);
    client.say(&format!("MAIL FROM:<{}>", STRANGER.1)).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{LIST}>")).unwrap().expect(250).unwrap();
    let reply = client.say("BDAT 0").unwrap();
    assert_eq!(reply.code, 503, "{reply}");
    client.data(mail).unwrap()
}

/// Promise 4: 550 in our words, and no bounce by anyone, whatever the client can.
#[test]
fn every_kind_of_client_hears_it_in_the_dialogue() {
    let stack = Stack::start().unwrap();
    let ways: [(&str, Way); 4] =
        [("plain", plain), ("pipelined", pipelined), ("8bit", eight_bit), ("bdat", would_use_bdat)];
    for (name, way) in ways {
        let mut client = outside(&stack);
        // Twice on one connection, and then one that may.
        for number in [1, 2] {
            let id = format!("{name}.{number}@post.example");
            refused_in_our_words(&way(&mut client, &signed(STRANGER.1, LIST, &id)));
            nothing_is_left(&stack, &id);
        }
        let id = format!("{name}.ja@post.example");
        let member = school::JOERG.1;
        client.say(&format!("MAIL FROM:<{member}>")).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{LIST}>")).unwrap().expect(250).unwrap();
        client.data(&signed(member, LIST, &id)).unwrap().expect(250).unwrap();
        // Passed through.
        stack.exim.wait_log(&format!(">> {LIST}")).unwrap();
        client.quit();
    }

    // Who logs in hears the same.
    let user = As::User(STRANGER.0, school::PASSWORD);
    let mail = letter(STRANGER.1, LIST, "login@post.example");
    let reply = send(stack.exim.submission(), &user, STRANGER.1, &[LIST], &mail).unwrap();
    refused_in_our_words(&reply);
    nothing_is_left(&stack, "login@post.example");
    assert!(stack.dovecot.inbox(STRANGER.0).unwrap().is_empty(), "no bounce in his mailbox");
}

/// Hands a mail in over TLS: `CODE TEXT` of the last reply.
const OVER_TLS: &str = "import smtplib, sys
port, login, password, sender, to = sys.argv[1:]
with smtplib.SMTP('127.0.0.1', int(port)) as s:
    s.starttls()
    s.login(login, password)
    s.mail(sender), s.rcpt(to)
    code, text = s.data(sys.stdin.buffer.read())
    print(code, text.decode(), s.sock.version())";

/// The same over TLS, as most servers send.
#[test]
fn a_client_with_tls_hears_it_too() {
    let mut stack = Stack::start().unwrap();
    let pem = stack.dir().join("exim/tls.pem");
    certificate(&pem);
    let lines = format!("tls_advertise_hosts = *\ntls_certificate = {}", pem.display());
    stack.exim.restart_changed(|plain| plain.replace("tls_advertise_hosts =", &lines)).unwrap();
    let port = stack.exim.submission().port().to_string();
    let (login, address) = STRANGER;
    let argv = ["/usr/bin/python3", "-c", OVER_TLS, &port, login, school::PASSWORD, address, LIST];
    let mail = letter(address, LIST, "tls@post.example");
    let said = stack::process::run(&argv, &mail, wait::MAIL).unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with(&format!("550 {MEMBERS_ONLY}")) && said.contains("TLSv1"), "{said}");
    nothing_is_left(&stack, "tls@post.example");
}

/// Key and certificate of the school's Exim, in one file that it may read.
fn certificate(pem: &std::path::Path) {
    let command = format!(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mx.schule.example -keyout {0} -out {0}.crt && \
         cat {0}.crt >> {0} && chown Debian-exim {0}",
        pem.display()
    );
    stack::process::run(&["sh", "-c", &command], b"", wait::MAIL).unwrap();
}

/// Promise 5: our trouble is 4xx, the mail stays where it is, and other mail of the school goes on.
#[test]
fn trouble_of_ours_is_the_senders_to_try_again() {
    let mut stack = Stack::builder()
        .settings(|s| s.more = "\n[verdict]\nmilter = \"127.0.0.1:9\"\n".to_owned())
        .start()
        .unwrap();
    // Nobody scans.
    let member = school::JOERG.1;
    let reply = stack.post(member, &[LIST], &letter(member, LIST, "scan@post.example")).unwrap();
    assert_eq!((reply.code, &reply.lines[0][..6]), (451, "4.3.0 "), "{reply}");
    nothing_is_left(&stack, "scan@post.example");

    // listd is down: the list has to wait, a mailbox has not.
    stack.listd.stop().unwrap();
    let reply = stack.post(member, &[LIST], &letter(member, LIST, "down@post.example")).unwrap();
    assert_eq!(reply.code, 451, "{reply}");
    nothing_is_left(&stack, "down@post.example");
    let (login, teacher) = school::TEACHER;
    let other = letter(member, teacher, "other@post.example");
    assert_eq!(stack.post(member, &[teacher], &other).unwrap().code, 250);
    stack.dovecot.wait_for(login, "other@post.example").unwrap();
}

/// Promise 1: while the store is blocked the client waits, and what dies with listd then is still the client's.
#[test]
fn two_hundred_and_fifty_is_said_when_it_is_on_disk() {
    let mut stack = Stack::start().unwrap();
    let member = school::JOERG.1;
    let lock = stack.listd.block_commits().unwrap();
    let mut client = outside(&stack);
    client.say(&format!("MAIL FROM:<{member}>")).unwrap().expect(250).unwrap();
    client.say(&format!("RCPT TO:<{LIST}>")).unwrap().expect(250).unwrap();
    client.say("DATA").unwrap().expect(354).unwrap();
    client.write(&stuff(&signed(member, LIST, "disk@post.example"))).unwrap();
    let waits = client.stays_silent(Duration::from_millis(500)).unwrap();
    assert!(waits, "no answer before the commit");
    stack.listd.kill();
    let reply = client.reply().unwrap();
    assert_eq!(reply.code, 450, "{reply}");
    nothing_is_left(&stack, "disk@post.example");
    drop(lock);

    stack.listd.start().unwrap();
    let again = stack.post(member, &[LIST], &letter(member, LIST, "disk@post.example")).unwrap();
    assert_eq!(again.code, 250, "{again}");
    stack.listd.kill();
    stack.listd.start().unwrap();
    stack.dovecot.wait_for(school::ZOE.0, "disk@post.example").unwrap();
}

/// Promise 5: a store that can't write is 451 at the final dot, said by Exim as listd says it; Exim has not taken the mail,
/// and the sender's next try gets it through. Who logged in is spared that: Exim keeps his mail and tries itself.
#[test]
fn a_store_in_trouble_is_451_at_the_final_dot() {
    let stack = Stack::start().unwrap();
    let member = school::JOERG.1;
    let lock = stack.listd.block_commits().unwrap();
    let (outside_mail, own_mail) =
        (letter(member, LIST, "store@post.example"), letter(STRICT, LIST, "own@schule.example"));
    std::thread::scope(|scope| {
        let parent = scope.spawn(|| stack.post(member, &[LIST], &outside_mail).unwrap());
        let teacher = As::User(school::TEACHER.0, school::PASSWORD);
        let own = send(stack.exim.submission(), &teacher, STRICT, &[LIST], &own_mail).unwrap();
        assert_eq!(own.code, 250, "{own}");
        let reply = parent.join().unwrap();
        assert_eq!((reply.code, &reply.lines[0][..6]), (451, "4.3.0 "), "{reply}");
        assert!(reply.lines[0].contains("could not be stored"), "in our words: {reply}");
    });
    nothing_is_left(&stack, "store@post.example");
    drop(lock);
    let again = stack.post(member, &[LIST], &outside_mail).unwrap();
    assert_eq!(again.code, 250, "{again}");
    stack.dovecot.wait_for(school::ZOE.0, "store@post.example").unwrap();
    stack.dovecot.wait_for(school::ZOE.0, "own@schule.example").unwrap();
    assert!(!stack.exim.log().contains(" <= <> "), "nobody wrote a bounce: {}", stack.exim.log());
}

/// While the client still sends, listd has what came so far: Exim hands it on as it comes.
#[test]
fn a_large_mail_streams() {
    let stack = Stack::start().unwrap();
    let spooled = || {
        let all = stack::process::run(
            &["find", &stack.listd.home().to_string_lossy(), "-name", "in.*", "-size", "+1M"],
            b"",
            wait::MAIL,
        );
        !all.unwrap_or_default().is_empty()
    };
    for (author, code) in [(school::AYSE.1, 250), (STRANGER.1, 550)] {
        let id = format!("gross.{code}@post.example");
        let file = vec![b'x'; 10_000_000];
        let mail = mail::with_file("Fotos", &id, "fotos.bin", &file);
        let from = format!("From: <{author}>");
        let mail = String::from_utf8(mail)
            .unwrap()
            .replace("From: Ayse <ayse.oeztuerk@post.example>", &from);
        let stuffed = stuff(&dkim::sign_as_provider(mail.as_bytes()).unwrap());
        let (first, rest) = stuffed.split_at(stuffed.len() / 2);
        let mut client = outside(&stack);
        client.say(&format!("MAIL FROM:<{author}>")).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{LIST}>")).unwrap().expect(250).unwrap();
        client.say("DATA").unwrap().expect(354).unwrap();
        client.write(first).unwrap();
        wait::until_true("the first half with listd", wait::MAIL, spooled).unwrap();
        client.write(rest).unwrap();
        let reply = client.reply().unwrap();
        assert_eq!(reply.code, code, "{reply}");
        client.quit();
    }
    nothing_is_left(&stack, "gross.550@post.example");
    stack.dovecot.wait_for(school::ZOE.0, "gross.250@post.example").unwrap();
}

/// Promise 3. What a server outside does by itself with a 451 for the second is done here by hand.
#[test]
fn a_list_is_alone_in_its_mail() {
    let stack = Stack::start().unwrap();
    let (login, teacher) = school::TEACHER;
    let member = school::JOERG.1;
    let pairs = [
        (LIST, "klasse-5a@schule.example", "zwei@post.example"),
        (LIST, teacher, "danach@post.example"),
        (teacher, LIST, "davor@post.example"),
        // Not even behind an address that does not exist: Exim would take the mail.
        ("niemand@schule.example", LIST, "niemand@post.example"),
    ];
    for (first, second, id) in pairs {
        let mut client = outside(&stack);
        client.say(&format!("MAIL FROM:<{member}>")).unwrap().expect(250).unwrap();
        let one = client.say(&format!("RCPT TO:<{first}>")).unwrap();
        assert_eq!(one.code, if first.starts_with("niemand") { 550 } else { 250 }, "{one}");
        let two = client.say(&format!("RCPT TO:<{second}>")).unwrap();
        assert_eq!((two.code, &two.lines[0][..5]), (451, "4.5.3"), "{id}: {two}");
        let mail = signed(member, first, id);
        if one.code == 250 {
            client.data(&mail).unwrap().expect(250).unwrap();
        }
        client.quit();
        let later =
            send(stack.exim.mx(), &As::Outside(school::PROVIDER_IP), member, &[second], &mail)
                .unwrap();
        // To 5a he may not write: refused alone, after 5b got it.
        assert_eq!(later.code, if second.starts_with("klasse-5a") { 550 } else { 250 }, "{later}");
        if first == teacher || second == teacher {
            stack.dovecot.wait_for(login, id).unwrap();
        }
        stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    }
    assert!(!stack.exim.log().contains(" <= <> "), "{}", stack.exim.log());
}

/// Where a refusal is a bounce after all, as the guide says: only to people who logged in, and to local programs.
#[test]
fn who_logs_in_and_writes_to_several_gets_a_bounce() {
    let stack = Stack::start().unwrap();
    let user = As::User(STRANGER.0, school::PASSWORD);
    let both = ["klasse-5a@schule.example", LIST];
    let mail = letter(STRANGER.1, LIST, "beide@post.example");
    let reply = send(stack.exim.submission(), &user, STRANGER.1, &both, &mail).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let bounce = stack.dovecot.wait_for(STRANGER.0, "X-Failed-Recipients: klasse-5b@").unwrap();
    assert!(String::from_utf8_lossy(&bounce).contains("Nur Mitglieder"), "in our words");
    wait::until_true("5a got it", wait::MAIL, || {
        stack
            .listd
            .listctl(&["--json", "trace", "beide@post.example"])
            .is_ok_and(|t| t.contains("klasse-5a@schule.example"))
    })
    .unwrap();
}

/// A parent of no class who reads English.
const ANNE: &str = "
dn: uid=anne.smith,ou=people,dc=schule,dc=example
objectClass: inetOrgPerson
uid: anne.smith
cn: Anne Smith
sn: Smith
mail: anne.smith@post.example
preferredLanguage: en
";

/// Code and text. At RCPT Exim breaks a text into lines of 75 characters and repeats the enhanced code on each; what was
/// passed through it leaves as one line.
fn said(reply: &Reply) -> String {
    let code = reply.lines[0].split(' ').next().unwrap_or_default();
    let rest = reply.lines.iter().map(|line| line.strip_prefix(code).unwrap_or(line));
    format!("{} {code}{}", reply.code, rest.collect::<String>())
}

/// The words are listd's to the last letter: Exim puts nothing before, behind or between them. In the author's language
/// where the mail was seen, before that in the list's.
#[test]
fn the_words_arrive_as_they_are() {
    let stack = Stack::builder().scanned().ldif(ANNE).start().unwrap();
    stack.listd.listctl(&["list", "set", "chor", "max_size", "100 kB"]).unwrap();
    let (provider, forger) = (As::Outside(school::PROVIDER_IP), As::Outside(school::FORGER_IP));
    let (member, stranger, anne) = (school::AYSE.1, STRANGER.1, "anne.smith@post.example");
    let packed = zip(&[("brief.com", &eicar())]).unwrap();
    let virus =
        dkim::sign_as_provider(&mail::with_file("Foto", "virus@p", "foto.zip", &packed)).unwrap();
    let spam =
        dkim::sign_as_provider(&mail::text(member, LIST, "Gewinn", "spam@p", GTUBE)).unwrap();
    let big = dkim::sign_as_provider(&mail::with_file("Foto", "big@p", "foto.bin", &[7; 150_000]))
        .unwrap();
    let cases: [(&As, &str, &str, &[u8], &str); 9] = [
        (
            &provider,
            member,
            "klasse-9z@schule.example",
            b"",
            "550 5.1.1 Die Liste klasse-9z@schule.example gibt es nicht. \
            Bitte pruefen Sie die Adresse.",
        ),
        (
            &provider,
            member,
            "ausflug-2024@schule.example",
            b"",
            "550 5.2.1 Die Liste Ausflug 2024 ist geschlossen und nimmt \
            keine Mails mehr an. Hilfe bekommen Sie unter ausflug-2024-owner@schule.example.",
        ),
        (
            &provider,
            stranger,
            LIST,
            &signed(stranger, LIST, "a@p"),
            "550 5.7.1 Nur Mitglieder von Klasse 5b duerfen hier \
            schreiben. Bitte schreiben Sie von der Adresse, die die Schule kennt, oder an klasse-5b-owner@schule.example.",
        ),
        (
            &provider,
            anne,
            LIST,
            &signed(anne, LIST, "b@p"),
            "550 5.7.1 Only members of Klasse 5b may write to it. Please write \
            from the address that the school knows, or to klasse-5b-owner@schule.example.",
        ),
        (
            &provider,
            member,
            "chor@schule.example",
            &big,
            "552 5.3.4 Ihre Mail ist zu gross: 0,3 MB, und Elternchor nimmt hoechstens \
            0,1 MB an. Bitte schicken Sie grosse Dateien als Link.",
        ),
        (
            &forger,
            member,
            LIST,
            &letter(member, LIST, "c@p"),
            "550 5.7.1 Die Domain Ihrer Absenderadresse verlangt, dass wir \
            Mails ablehnen, die sie nicht selbst geschickt hat. Bitte senden Sie ueber Ihren eigenen Mailanbieter.",
        ),
        (
            &forger,
            "x@elsewhere.example",
            LIST,
            &letter(anne, LIST, "d@p"),
            "550 5.7.1 Your mail's sender domain tells us to \
            refuse mail it has not sent itself. Please send through your own mail provider.",
        ),
        (
            &provider,
            member,
            LIST,
            &virus,
            "550 5.7.1 Ihre Mail enthaelt einen Virus (Eicar-Test-Signature.UNOFFICIAL) und wird \
            nicht verteilt. Bitte pruefen Sie Ihren Rechner, bevor Sie wieder schreiben.",
        ),
        (
            &provider,
            member,
            LIST,
            &spam,
            "550 5.7.1 Unser Filter haelt Ihre Mail fuer Spam, darum wird sie nicht an Klasse 5b \
            verteilt. Bitte schreiben Sie sie neu, mit eigenen Worten und ohne Links.",
        ),
    ];
    for (who, from, to, mail, expect) in cases {
        let reply = send(stack.exim.mx(), who, from, &[to], mail).unwrap();
        assert_eq!(said(&reply), expect);
    }
    nothing_is_left(&stack, "@p");
    assert!(stack.sink.deliveries().is_empty(), "nobody got anything");
}
