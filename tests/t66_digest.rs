//! Digests on the real stack, with a clock that is moved: two lists in one mail over a weekend on which summer time begins,
//! weekly beside daily, `kill -9` in between, and the bounce of one.
//!
//! The days are to come, so that what others sign now is old and not from the future; the unit tests have all other changes
//! of the clock.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use stack::claim::Port;
use stack::{Stack, dkim, http, mail, school, wait};

const PUBLIC: &str = "https://lists.schule.example";
const CHOIR: &str = "chor@schule.example";
const DAYS: &str = "timezone = \"Europe/Berlin\"\ndigest_at = \"18:00\"\ndigest_day = \"sunday\"\n";

/// White space at the end of lines and of the mail, and what looks like a boundary: nothing of it may change.
const TEXT: &str = "Liebe Eltern,  \nam Freitag ist Wandertag.\n--\n-- \nJörg\n\n";

fn letter(list: &str, subject: &str) -> Vec<u8> {
    let id = format!("{subject}@post.example");
    mail::text(school::JOERG.1, list, subject, &id, TEXT)
}

fn post(stack: &Stack, list: &str, subject: &str, head: &str) {
    let (_, author) = school::JOERG;
    let letter = [head.as_bytes(), &letter(list, subject)].concat();
    let reply = stack.post(author, &[list], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
}

/// The path of a copy's own page.
fn settings(copy: &[u8]) -> String {
    mail::own_path(copy, PUBLIC).expect("an https link first").replace("/u/", "/o/")
}

fn choose(web: SocketAddr, path: &str, digest: &str) {
    let (status, page) = http::post(web, path, &format!("mail=all&digest={digest}")).unwrap();
    assert!(status == 200 && page.contains("role=\"status\""), "{status} {page}");
}

/// What Python's parser makes of a mail: the kinds of its parts, and the Message-IDs of the mails in it.
fn parsed(raw: &[u8]) -> String {
    python(
        "import sys, email
m = email.message_from_bytes(sys.stdin.buffer.read())
top = m.get_payload()
print(m.get_content_type(), [p.get_content_type() for p in top], [p.get_content_type() for p in top[0].get_payload()])
print([(p.get_content_type(), p.get_payload(0)['Message-ID'], p.defects) for p in top[1].get_payload()])",
        raw,
    )
}

/// The mails in a digest, byte for byte: Python reads the boundaries, and divides the octets at them.
fn originals(raw: &[u8]) -> Vec<Vec<u8>> {
    let hex = python(
        "import sys, email
raw = sys.stdin.buffer.read()
m = email.message_from_bytes(raw)
def parts(raw, boundary):
    return raw.split(b'\\r\\n--' + boundary.encode())[1:-1]
digest = parts(raw, m.get_boundary())[1]
for part in parts(digest, m.get_payload(1).get_boundary()):
    print(part.split(b'\\r\\n\\r\\n', 1)[1].hex())",
        raw,
    );
    hex.lines().map(|line| data_encoding::HEXLOWER.decode(line.as_bytes()).unwrap()).collect()
}

fn python(program: &str, raw: &[u8]) -> String {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(raw).unwrap();
    String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap()
}

/// dkimpy says that both of our signatures hold, and they cover the pair that one click needs (RFC 8058 4).
fn signed(digest: &[u8]) {
    dkim::check_school_at("2027-03-29 00:00:00", digest).unwrap();
    for field in ["List-Unsubscribe", "List-Unsubscribe-Post"] {
        assert_eq!(mail::headers(digest, field).len(), 1, "{field}");
        assert!(dkim::covers(digest, field), "{field}");
    }
    assert_eq!(mail::header(digest, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
}

/// Until a digest is there: its time comes ten seconds after a start, which may take as long on a busy machine.
const LONG: Duration = Duration::from_secs(90);

fn digests(stack: &Stack, login: &str) -> Vec<Vec<u8>> {
    let all = stack.dovecot.inbox(login).unwrap();
    all.into_iter().filter(|m| mail::header(m, "Subject").starts_with("Sammelmail")).collect()
}

fn wait_for_digests(stack: &Stack, login: &str, count: usize) -> Vec<u8> {
    let what = format!("digest {count} of {login}");
    wait::until_true(&what, LONG, || digests(stack, login).len() >= count)
        .unwrap_or_else(|why| panic!("{why:?}\n{}", stack.listd.output()));
    let mut all = digests(stack, login);
    assert_eq!(all.len(), count, "{login}");
    all.pop().unwrap()
}

/// Dies, and is there again at another time. What the relay has is noted before: else it would go out once more.
fn move_clock(stack: &mut Stack, at: &str) {
    let settled = stack.listd.settled();
    settled.unwrap_or_else(|why| panic!("{why:?}\n{}", stack.listd.output()));
    stack.listd.kill();
    stack.listd.set_clock(at);
    stack.listd.start().unwrap();
}

/// The trace of a mail says of somebody that she gets digests.
fn gathered(stack: &Stack, subject: &str, who: &str) {
    wait::until_true(&format!("{subject} to wait for {who}"), wait::MAIL, || {
        let trace = stack.listd.listctl(&["trace", &format!("{subject}@post.example")]).unwrap();
        trace.lines().any(|line| line.contains(who) && line.contains("digests"))
    })
    .unwrap();
}

/// Ayse and Maria have so many digests, and get no more for a while.
fn not_yet(stack: &Stack, so_many: [usize; 2]) {
    let count = || [school::AYSE, school::MARIA].map(|who| digests(stack, who.0).len());
    wait::stays("the digests", Duration::from_secs(3), count).unwrap();
    assert_eq!(count(), so_many);
}

fn cancel(stack: &Stack, subject: &str) {
    let id = format!("{subject}@post.example");
    let trace = stack.listd.listctl(&["--json", "trace", &id]).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&trace).unwrap();
    let number = trace.pointer("/posts/0/id").and_then(serde_json::Value::as_str);
    let said = stack.listd.listctl(&["queue", "cancel", number.unwrap_or_default()]).unwrap();
    assert!(said.contains("digest"), "{said}");
    let trace = stack.listd.listctl(&["trace", &id]).unwrap();
    assert!(trace.contains("an admin removed the mail") && !trace.contains("digests"), "{trace}");
}

/// The directory is tidied up: what somebody chose stays, whichever account she has and whatever her group is called.
fn choices_stay(stack: &Stack) {
    let (ayse, maria) = (school::AYSE, school::MARIA);
    let person = |login: &str| format!("uid={login},ou=people,dc=schule,dc=example");
    let group = "cn=klasse-5b,ou=groups,dc=schule,dc=example";
    let shows = |list: &str, who: &str, how: &str| {
        let members = stack.listd.listctl(&["list", "members", list]).unwrap_or_default();
        members.lines().any(|line| line.contains(who) && line.contains(how))
    };
    let waits = |what: &str, is: &dyn Fn() -> bool| wait::until_true(what, wait::MAIL, is).unwrap();
    stack.ldap.modify(&format!("dn: {}\nchangetype: delete\n", person(ayse.0))).unwrap();
    waits("her account to be gone", &|| !shows(school::CLASS_5B, ayse.1, ""));
    stack
        .ldap
        .modify(&format!(
            "dn: {}\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: schoolPerson\n\
             objectClass: schoolMailbox\nuid: {}\ncn: Ayse\nsn: Neu\nmail: {}\nuserPassword: geheim\n\n\
             dn: {}\nchangetype: modrdn\nnewrdn: uid=maria.neu\ndeleteoldrdn: 1\n\n\
             dn: {group}\nchangetype: modify\ndelete: member\nmember: {}\n-\nadd: member\nmember: {}\n-\n\
             replace: mail\nmail: klasse-5b-neu@schule.example\n\n\
             dn: {group}\nchangetype: modrdn\nnewrdn: cn=klasse-5b-neu\ndeleteoldrdn: 1\n",
            person(ayse.0),
            ayse.0,
            ayse.1,
            person(maria.0),
            person(maria.0),
            person("maria.neu"),
        ))
        .unwrap();
    let renamed = "klasse-5b-neu@schule.example";
    waits("a new account with the same address", &|| shows(renamed, ayse.1, "unsubscribed"));
    waits("a person and a group with other names", &|| shows(renamed, maria.1, "weekly"));
    waits("the new account on the other list", &|| shows(CHOIR, ayse.1, "unsubscribed"));
    post(stack, renamed, "Sieben", "");
    stack.dovecot.wait_for(school::ZOE.0, "Sieben@post.example").unwrap();
    gathered(stack, "Sieben", maria.1);
    waits("what became of hers", &|| {
        let trace = stack.listd.listctl(&["trace", "Sieben@post.example"]).unwrap_or_default();
        trace.lines().any(|line| line.contains(ayse.1) && line.contains("muted"))
    });
}

#[test]
fn digests_come_at_their_time() {
    let port = Port::claim().unwrap();
    let web = SocketAddr::from(([127, 0, 0, 1], port.number()));
    let pages = format!("\n[web]\nlisten = \"{web}\"\npublic_url = \"{PUBLIC}\"\n");
    let mut stack = Stack::builder()
        .settings(|s| {
            s.domain.push_str(DAYS);
            s.more.push_str(&pages);
        })
        .start()
        .unwrap();
    let (ayse, maria, zoe) = (school::AYSE, school::MARIA, school::ZOE);
    move_clock(&mut stack, "2027-03-26 09:00:00");

    // Friday: each chooses, by the link in her own copy.
    post(&stack, school::CLASS_5B, "Eins", "");
    post(&stack, CHOIR, "Zwei", "");
    let copy = |login: &str, id: &str| settings(&stack.dovecot.wait_for(login, id).unwrap());
    choose(web, &copy(ayse.0, "Eins@post.example"), "daily");
    choose(web, &copy(ayse.0, "Zwei@post.example"), "daily");
    choose(web, &copy(maria.0, "Eins@post.example"), "weekly");
    let outside = school::OUTSIDE;
    let to_outside = || {
        let all = stack.sink.deliveries();
        all.into_iter().find(|mail| mail.to.iter().any(|to| to == outside))
    };
    wait::until_true("a copy outside", wait::MAIL, || to_outside().is_some()).unwrap();
    choose(web, &settings(&to_outside().unwrap().mail), "daily");
    let members = stack.listd.listctl(&["list", "members", school::CLASS_5B]).unwrap();
    let shown = |who: &str, how: &str| {
        members.lines().any(|line| line.contains(who) && line.ends_with(how))
    };
    assert!(shown(ayse.1, "daily") && shown(maria.1, "weekly"), "{members}");
    post(&stack, school::CLASS_5B, "Drei", "In-Reply-To: <Eins@post.example>\r\n");
    post(&stack, CHOIR, "Vier", "");
    stack.dovecot.wait_for(zoe.0, "Vier@post.example").unwrap();
    for subject in ["Drei", "Vier"] {
        gathered(&stack, subject, ayse.1);
    }
    gathered(&stack, "Drei", maria.1);
    gathered(&stack, "Drei", outside);

    // Her mailbox outside is gone by six o'clock.
    stack.sink.set(|f| {
        f.refuse.insert(outside.to_owned(), "550 5.1.1 no such user".into());
    });
    move_clock(&mut stack, "2027-03-26 16:40:00");
    not_yet(&stack, [0, 0]);
    move_clock(&mut stack, "2027-03-26 16:59:50");
    let digest = wait_for_digests(&stack, ayse.0, 1);
    assert_eq!(mail::header(&digest, "Subject"), "Sammelmail: Elternchor, Klasse 5b (2)");
    assert!(mail::header(&digest, "To").ends_with(&format!("<{}>", ayse.1)));
    assert_eq!(mail::header(&digest, "Auto-Submitted"), "auto-generated");
    assert_eq!(
        parsed(&digest),
        "multipart/mixed ['multipart/alternative', 'multipart/digest'] ['text/plain', 'text/html']\n\
         [('message/rfc822', '<Drei@post.example>', []), ('message/rfc822', '<Vier@post.example>', [])]\n"
    );
    // Octet for octet what was posted, also as Exim and Dovecot have it.
    let posted = [(school::CLASS_5B, "Drei"), (CHOIR, "Vier")].map(|(l, s)| letter(l, s));
    let inside = originals(&digest);
    let bodies = |mails: &[Vec<u8>]| -> Vec<Vec<u8>> {
        mails.iter().map(|mail| mail::split(mail).1.to_vec()).collect()
    };
    assert_eq!(bodies(&inside), bodies(&posted));
    signed(&digest);
    let link = settings(&digest);
    let (_, body) = mail::split(&digest);
    let body = String::from_utf8_lossy(body);
    assert!(!body.contains("/u/") && !body.contains(ayse.1), "nothing personal in a body");

    // Its bounce is hers: it came to an address with her token.
    let counted = || {
        let count = |what| stack.listd.status(&format!("/queue/{what}")).unwrap();
        (count("bounces"), count("bounces_unattributed"))
    };
    wait::until_true("the bounce to be counted", wait::MAIL, || counted() == (1, 0)).unwrap();
    let trace = stack.listd.listctl(&["trace", "Drei@post.example"]).unwrap();
    assert!(trace.contains("in the digest letter."), "{trace}");

    // Saturday evening, behind the digest of that day; on Sunday six o'clock is an hour earlier by the sun.
    move_clock(&mut stack, "2027-03-27 19:00:00");
    post(&stack, school::CLASS_5B, "Fuenf", "");
    gathered(&stack, "Fuenf", ayse.1);
    gathered(&stack, "Fuenf", maria.1);
    // An admin takes one back: it stands in nobody's digest.
    post(&stack, school::CLASS_5B, "Sechs", "");
    gathered(&stack, "Sechs", ayse.1);
    gathered(&stack, "Sechs", maria.1);
    cancel(&stack, "Sechs");
    move_clock(&mut stack, "2027-03-28 15:40:00");
    not_yet(&stack, [1, 0]);
    move_clock(&mut stack, "2027-03-28 15:59:50");
    let second = wait_for_digests(&stack, ayse.0, 2);
    assert!(parsed(&second).ends_with("[('message/rfc822', '<Fuenf@post.example>', [])]\n"));
    let weekly = wait_for_digests(&stack, maria.0, 1);
    let both = parsed(&weekly);
    assert!(
        both.contains("<Drei@post.example>") && both.contains("<Fuenf@post.example>"),
        "{both}"
    );
    assert!(!both.contains("<Sechs@post.example>"), "{both}");

    // Nothing comes twice, whenever it dies.
    move_clock(&mut stack, "2027-03-28 16:00:30");
    not_yet(&stack, [2, 1]);

    // One click ends all of it, and nothing else.
    let leave = link.replace("/o/", "/u/");
    let (status, _) = http::get(web, &leave).unwrap();
    assert_eq!(status, 200);
    let (status, page) = http::post(web, &leave, "List-Unsubscribe=One-Click").unwrap();
    assert!(status == 200 && page.contains(ayse.1), "{status} {page}");
    for list in [school::CLASS_5B, CHOIR] {
        let members = stack.listd.listctl(&["list", "members", list]).unwrap();
        let line = members.lines().find(|line| line.contains(ayse.1)).unwrap_or_default();
        assert!(line.contains("unsubscribed"), "{members}");
    }
    choices_stay(&stack);
}
