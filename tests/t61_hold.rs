//! Mail that waits, on the real stack: who is asked, what an answer by mail or by a page does, and how it ends.
//!
//! What takes days is shown by a clock that is moved; each step of it is in `listd/src/desk/tests/`.

use std::collections::HashSet;
use std::net::SocketAddr;

use stack::claim::Port;
use stack::smtp::{As, Reply, send};
use stack::{Stack, http, mail, school, wait};

const LIST: &str = "elternbrief@schule.example";
/// Any machine of Vera's provider.
const PROVIDER: As<'static> = As::Outside("203.0.113.77");

struct House {
    stack: Stack,
    pages: SocketAddr,
    _port: Port,
}

/// A letter of ours with where its answers go.
struct Letter {
    mail: Vec<u8>,
    reply_to: String,
    /// The path of its page.
    page: String,
}

impl House {
    fn start(list: &str) -> House {
        let port = Port::claim().unwrap();
        let pages = port.address();
        let web = format!(
            "\n[web]\nlisten = \"{pages}\"\npublic_url = \"https://lists.schule.example\"\n"
        );
        let stack = Stack::builder()
            .ldif(&school::newsletter(&[school::JOERG.0, school::AYSE.0]))
            .settings(|s| {
                s.unverified = "confirm".to_owned();
                s.list = list.to_owned();
                s.more = web;
            })
            .start()
            .unwrap();
        stack.listd.listctl(&["list", "show", "elternbrief"]).unwrap();
        House { stack, pages, _port: port }
    }

    /// listd dies, and is there again when so many days have gone by since the start. Its letters are out by then: one that
    /// is on its way comes twice.
    fn comes_back_later(&mut self, days: u32) {
        self.stack.listd.settled().unwrap();
        self.stack.listd.kill();
        self.stack.listd.set_days_ahead(days);
        self.stack.listd.start_knowing(LIST).unwrap();
    }

    fn vera(&self, id: &str) -> Reply {
        self.vera_at(&PROVIDER, id)
    }

    /// From another of her provider's networks.
    fn vera_at(&self, machine: &As<'_>, id: &str) -> Reply {
        let letter = mail::text(school::VERA, LIST, "Kuchen", id, "Wer backt?");
        send(self.stack.exim.mx(), machine, school::VERA, &[LIST], &letter).unwrap()
    }

    /// Maria's mail, signed by her provider.
    fn maria(&self, id: &str) -> Reply {
        let from = school::MARIA.1;
        self.stack.post(from, &[LIST], &mail::text(from, LIST, "Basar", id, "Wer hilft?")).unwrap()
    }

    /// Somebody answers a letter of ours.
    fn reply(&self, from: &str, to: &Letter, head: &str, body: &str) -> Reply {
        let id = format!("{}@antwort.example", uuid(&to.reply_to, body));
        let text = mail::text(from, &to.reply_to, "AW: Frage", &id, body);
        let whole = [head.as_bytes(), &text].concat();
        if from.ends_with("@post.example") {
            return self.stack.post(from, &[&to.reply_to], &whole).unwrap();
        }
        send(self.stack.exim.mx(), &PROVIDER, from, &[&to.reply_to], &whole).unwrap()
    }

    /// The n-th letter of ours to somebody with a mailbox outside.
    fn outside(&self, to: &str, n: usize) -> Letter {
        let found = wait::until(&format!("letter {n} to {to}"), wait::MAIL, || {
            let all = self.stack.sink.deliveries();
            let mut hers = all.iter().filter(|d| d.from.is_empty() && d.to.iter().any(|t| t == to));
            Ok(hers.nth(n).map(|d| d.mail.to_vec()))
        });
        letter(found.unwrap())
    }

    /// The letter to one with a mailbox here whose header contains this text.
    fn inside(&self, login: &str, text: &str) -> Letter {
        letter(self.stack.dovecot.wait_for(login, text).unwrap())
    }

    /// The n-th letter that asks one with a mailbox here to decide.
    fn asked(&self, login: &str, n: usize) -> Letter {
        let found = wait::until(&format!("question {n} to {login}"), wait::MAIL, || {
            let inbox = self.stack.dovecot.inbox(login)?.into_iter();
            let asks = |m: &Vec<u8>| mail::header(m, "Reply-To").contains("elternbrief-confirm+");
            Ok(inbox.filter(asks).nth(n))
        });
        letter(found.unwrap())
    }

    fn got(&self, login: &str, id: &str) -> bool {
        let inbox = self.stack.dovecot.inbox(login).unwrap();
        inbox.iter().any(|m| mail::header(m, "Message-ID").contains(id))
    }

    fn decide(&self, letter: &Letter, form: &str) -> (u16, String) {
        http::post(self.pages, &letter.page, form).unwrap()
    }

    fn trace(&self, id: &str) -> String {
        self.stack.listd.listctl(&["--json", "trace", id]).unwrap()
    }

    /// Waits until the trace of a mail tells this.
    fn traced(&self, id: &str, word: &str) {
        let word = format!("\"{word}\"");
        wait::until_true(&word, wait::MAIL, || self.trace(id).contains(&word)).unwrap();
    }
}

fn uuid(a: &str, b: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (a, b).hash(&mut hasher);
    hasher.finish()
}

/// Headers may be folded, the text is quoted-printable at most.
fn letter(mail: Vec<u8>) -> Letter {
    let reply_to = mail::header(&mail, "Reply-To");
    let reply_to = reply_to.rsplit(['<', ' ']).next().unwrap_or_default().trim_matches('>');
    let text = String::from_utf8_lossy(&mail).replace("=\r\n", "");
    let page = text.split("https://lists.schule.example").nth(1).unwrap_or_default();
    let page = page.split(|c: char| c.is_whitespace() || c == '"' || c == '<').next();
    let (reply_to, page) = (reply_to.to_owned(), page.unwrap_or_default().to_owned());
    assert!(reply_to.starts_with("elternbrief-"), "{reply_to:?} in {text}");
    Letter { mail, reply_to, page }
}

/// Promise 8: the claimed author is asked once, and only her own clear "Ja" lets the mail go out.
#[test]
fn an_author_confirms_by_reply_and_by_link() {
    let house = House::start("");
    assert_eq!(house.vera("eins@privat.example").code, 250);
    let question = house.outside(school::VERA, 0);
    assert!(question.reply_to.starts_with("elternbrief-confirm+"), "{}", question.reply_to);
    assert_eq!(mail::header(&question.mail, "Auto-Submitted").trim(), "auto-replied");
    assert!(!String::from_utf8_lossy(&question.mail).contains("Wer backt"), "rule Q3");

    // A scanner that follows every link, and a program that answers every mail.
    for _ in 0..3 {
        let (status, page) = http::get(house.pages, &question.page).unwrap();
        assert!(status == 200 && page.contains("<form method=\"post\">"), "{status}");
    }
    let away = "Auto-Submitted: auto-replied\r\n";
    assert_eq!(house.reply(school::VERA, &question, away, "Ja").code, 250);
    house.stack.listd.listctl(&["status"]).unwrap();
    assert!(!house.got(school::ZOE.0, "eins@privat.example"));

    assert_eq!(house.reply(school::VERA, &question, "", "Ja\r\n\r\n> Haben Sie").code, 250);
    house.stack.dovecot.wait_for(school::ZOE.0, "eins@privat.example").unwrap();
    house.traced("eins@privat.example", "accepted");

    // Her word counts for the network that it came from: she is not asked again.
    assert_eq!(house.vera("noch@privat.example").code, 250);
    house.stack.dovecot.wait_for(school::ZOE.0, "noch@privat.example").unwrap();

    // From elsewhere she is, and answers by the page.
    assert_eq!(house.vera_at(&As::Outside("198.51.101.9"), "zwei@privat.example").code, 250);
    let question = house.outside(school::VERA, 1);
    assert_eq!(house.decide(&question, "answer=yes").0, 200);
    house.stack.dovecot.wait_for(school::ZOE.0, "zwei@privat.example").unwrap();

    // "No": nothing goes out, and nobody is written to.
    assert_eq!(house.vera_at(&As::Outside("198.51.102.9"), "drei@privat.example").code, 250);
    let question = house.outside(school::VERA, 2);
    assert_eq!(house.decide(&question, "answer=no").0, 200);
    house.traced("drei@privat.example", "not-mine");
    assert!(!house.got(school::ZOE.0, "drei@privat.example"));

    // Vera's three copies and three questions are all that anybody outside got.
    house.stack.sink.wait_for(6, wait::MAIL).unwrap();
    let outside = house.stack.sink.deliveries();
    let to: HashSet<&str> = outside.iter().flat_map(|d| d.to.iter().map(String::as_str)).collect();
    assert_eq!(to, HashSet::from([school::VERA]));
    assert_eq!(outside.len(), 6, "three copies and three questions");
}

/// Two decide at once: one decision. The author hears that it waits, and how it ended, with its sentence.
#[test]
fn moderators_decide_once() {
    let house = House::start("moderation = \"all\"");
    assert_eq!(house.maria("a@post.example").code, 250);
    let (joerg, ayse) = (school::JOERG, school::AYSE);
    let first = house.inside(joerg.0, "elternbrief-confirm+");
    let second = house.inside(ayse.0, "elternbrief-confirm+");
    house.inside(school::MARIA.0, "elternbrief-confirm+");
    let pages = house.pages;
    let both = std::thread::scope(|s| {
        let one = s.spawn(|| http::post(pages, &first.page, "answer=accept").unwrap());
        let two = s.spawn(|| http::post(pages, &second.page, "answer=accept").unwrap());
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert!(both.iter().all(|(status, _)| *status < 500), "{both:?}");
    house.stack.dovecot.wait_for(school::ZOE.0, "a@post.example").unwrap();
    let trace = house.trace("a@post.example");
    assert_eq!(trace.matches("\"what\": \"accepted\"").count(), 1, "{trace}");
    let shown = both.iter().filter(|(_, page)| page.contains(joerg.1) || page.contains(ayse.1));
    assert_eq!(shown.count(), 1, "the second sees who was first: {both:?}");

    // By reply, with a reason; the other one comes too late and learns it by mail.
    assert_eq!(house.maria("b@post.example").code, 250);
    let (first, second) = (house.asked(joerg.0, 1), house.asked(ayse.0, 1));
    let told = house.reply(joerg.1, &first, "", "ablehnen: Bitte an die 5a.");
    assert_eq!(told.code, 250, "{told}");
    let naming = || {
        let inbox = house.stack.dovecot.inbox(ayse.0).unwrap();
        inbox.iter().filter(|m| String::from_utf8_lossy(m).contains(joerg.1)).count()
    };
    let before = naming();
    assert_eq!(house.reply(ayse.1, &second, "", "annehmen").code, 250);
    house.traced("b@post.example", "rejected");
    wait::until_true("Maria hears why", wait::MAIL, || {
        let inbox = house.stack.dovecot.inbox(school::MARIA.0).unwrap();
        inbox.iter().any(|m| String::from_utf8_lossy(m).contains("Bitte an die 5a."))
    })
    .unwrap();
    wait::until_true("Ayse hears who", wait::MAIL, || naming() > before).unwrap();
    assert!(!house.got(school::ZOE.0, "b@post.example"));
    let maria = house.stack.dovecot.inbox(school::MARIA.0).unwrap();
    let leaks = |m: &Vec<u8>| {
        let text = String::from_utf8_lossy(m);
        [joerg.1, ayse.1].iter().any(|who| text.contains(who))
    };
    assert!(!maria.iter().any(leaks), "promise 7: she does not learn who decided");
}

/// The author takes her mail back; an admin decides about another.
#[test]
fn an_author_withdraws_and_an_admin_decides() {
    let house = House::start("moderation = \"all\"");
    assert_eq!(house.maria("c@post.example").code, 250);
    let waits = house.inside(school::MARIA.0, "elternbrief-confirm+");
    let asked = house.inside(school::JOERG.0, "elternbrief-confirm+");
    let reply = house.reply(school::MARIA.1, &waits, "", "zurückziehen");
    assert_eq!(reply.code, 250, "{reply}");
    house.traced("c@post.example", "withdrawn");
    assert!(house.decide(&asked, "answer=accept").0 < 500);
    assert!(!house.got(school::ZOE.0, "c@post.example"));

    assert_eq!(house.maria("e@post.example").code, 250);
    let held = house.stack.listd.listctl(&["--json", "held"]).unwrap();
    let held: serde_json::Value = serde_json::from_str(&held).unwrap();
    let id = held["mails"][0]["id"].as_str().unwrap();
    house.stack.listd.listctl(&["held", "accept", id]).unwrap();
    house.stack.dovecot.wait_for(school::ZOE.0, "e@post.example").unwrap();
    house.traced("e@post.example", "accepted");
}

/// Opening the page takes nothing back, its button does, once; a moderator comes too late and sees why.
#[test]
fn an_author_withdraws_by_page() {
    let (house, id) = (House::start("moderation = \"all\""), "f@post.example");
    assert_eq!(house.maria(id).code, 250);
    let waits = house.inside(school::MARIA.0, "elternbrief-confirm+");
    let asked = house.inside(school::JOERG.0, "elternbrief-confirm+");
    for _ in 0..2 {
        let (status, page) = http::get(house.pages, &waits.page).unwrap();
        assert!(status == 200 && page.contains("value=\"withdraw\""), "{status}: {page}");
    }
    let state = house.trace(id);
    assert!(!state.contains("\"withdrawn\""), "a look takes nothing back: {state}");
    // What only moderators may say, she can't.
    let (status, _) = house.decide(&waits, "answer=accept");
    assert!((400..500).contains(&status), "{status}");
    let (status, page) = house.decide(&waits, "answer=withdraw");
    assert!(status == 200 && page.contains("zurückgezogen"), "{status}: {page}");
    house.traced(id, "withdrawn");
    let (status, page) = house.decide(&asked, "answer=accept");
    assert!(status < 500 && page.contains("zurückgezogen"), "{status}: {page}");
    let trace = house.trace(id);
    assert!(!trace.contains("\"what\": \"accepted\""), "{trace}");
    assert!(!house.got(school::ZOE.0, id));
}

/// Rule R3: who comes from Mailman writes the list's old password into the first line. Neither those who decide nor those
/// who get the mail read it, in the text or in the page; signed, the mail is refused while its author is still there.
#[test]
fn a_former_lists_password() {
    let house = House::start("moderation = \"all\"");
    let (id, secret) = ("g@post.example", "Approved: hunter2geheim");
    let part = |kind: &str, text: &str| {
        format!("--b\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{text}\r\n")
    };
    let plain = part("plain", &format!("{secret}\r\n\r\nWer hilft?"));
    let page = part("html", &format!("<p>Basar</p><div>{secret}</div><p>Wer hilft?</p>"));
    let head = |kind: &str, id: &str| {
        format!(
            "From: {}\r\nTo: {LIST}\r\nSubject: Basar\r\nDate: Sun, 22 Nov 2026 10:00:00 +0100\r\n\
             Message-ID: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n",
            school::MARIA.1
        )
    };
    let post = |mail: String| house.stack.post(school::MARIA.1, &[LIST], mail.as_bytes()).unwrap();
    assert_eq!(post(head("alternative", id) + &plain + &page + "--b--\r\n").code, 250);
    let asked = house.inside(school::JOERG.0, "elternbrief-confirm+");
    let (status, shown) = http::get(house.pages, &asked.page).unwrap();
    assert!(status == 200 && shown.contains("Wer hilft?") && !shown.contains("hunter2"), "{shown}");
    let letter = String::from_utf8_lossy(&asked.mail).into_owned();
    assert!(letter.contains("Wer hilft?") && !letter.contains("hunter2"), "{letter}");
    assert_eq!(house.decide(&asked, "answer=accept").0, 200);
    let copy = house.stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    let copy = String::from_utf8_lossy(&copy).into_owned();
    assert!(!copy.contains("hunter2") && copy.matches("Wer hilft?").count() == 2, "{copy}");

    let protocol = "signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256";
    let signature = "--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n";
    let reply = post(head(protocol, "h@post.example") + &plain + signature);
    assert!(reply.code == 550 && reply.lines.join(" ").contains("Passwort"), "{reply}");
}

/// Deputies are asked after days, after fourteen it ends; a crash in between asks nobody twice. In an emergency everything
/// waits.
#[test]
fn nobody_decides() {
    let mut house = House::start("emergency = true");
    assert_eq!(house.maria("d@post.example").code, 250);
    house.inside(school::JOERG.0, "elternbrief-confirm+");
    house.comes_back_later(0);
    assert!(house.stack.dovecot.inbox(school::TEACHER.0).unwrap().is_empty(), "not yet");
    house.comes_back_later(3);
    house.inside(school::TEACHER.0, "elternbrief-confirm+");
    house.comes_back_later(13);
    assert_eq!(house.trace("d@post.example").matches("expired").count(), 0, "a day too early");
    house.comes_back_later(15);
    house.traced("d@post.example", "expired");
    let told = |login: &str| house.stack.dovecot.inbox(login).unwrap().len();
    for (login, letters) in [(school::MARIA.0, 2), (school::JOERG.0, 2), (school::TEACHER.0, 2)] {
        wait::until_true("all know that it ended", wait::MAIL, || told(login) >= letters).unwrap();
        assert_eq!(told(login), letters, "{login}: asked once, and told that it ended");
    }
    assert!(!house.got(school::ZOE.0, "d@post.example"));
}
