//! What members wish on their page, and what unsubscribing means, over real HTTP and through Exim: no own copy, no second
//! copy, plain text only; a pause until a day; letters to her and to those who look after the list, each once.

use std::net::SocketAddr;

use stack::claim::Port;
use stack::process::run;
use stack::{Stack, dkim, http, mail, school, wait};

const PUBLIC: &str = "https://lists.schule.example";

struct House {
    stack: Stack,
    web: SocketAddr,
    _port: Port,
}

impl House {
    fn start(list: &str) -> House {
        let port = Port::claim().unwrap();
        let web = port.address();
        let pages = format!("\n[web]\nlisten = \"{web}\"\npublic_url = \"{PUBLIC}\"\n");
        let settings = |s: &mut stack::listd::Settings| {
            s.more = pages;
            s.list = list.to_owned();
        };
        let stack = Stack::builder().settings(settings).start().unwrap();
        House { stack, web, _port: port }
    }

    /// Jörg writes to 5b: in plain text and as a page, with Maria in Cc.
    fn write(&self, id: &str) {
        let (_, author) = school::JOERG;
        let (cc, list) = (school::MARIA.1, school::CLASS_5B);
        let letter = format!(
            "From: {author}\r\nTo: {list}\r\nCc: {cc}\r\nSubject: Ausflug\r\n\
             Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=a\r\n\r\n\
             --a\r\nContent-Type: text/plain\r\n\r\nAm Freitag.\r\n\
             --a\r\nContent-Type: text/html\r\n\r\n<p>Am <b>Freitag</b>.</p>\r\n--a--\r\n"
        );
        let reply = self.stack.post(author, &[list], letter.as_bytes()).unwrap();
        assert_eq!(reply.code, 250, "{reply}");
    }

    fn copy(&self, who: (&str, &str), id: &str) -> Vec<u8> {
        self.stack.dovecot.wait_for(who.0, id).unwrap()
    }

    /// The token of a member's own links, from her copy.
    fn token(&self, who: (&str, &str), id: &str) -> String {
        let path = mail::own_path(&self.copy(who, id), PUBLIC).expect("a link");
        path.strip_prefix("/u/").expect("her own").to_owned()
    }

    fn save(&self, token: &str, form: &str) {
        let (status, page) = http::post(self.web, &format!("/o/{token}"), form).unwrap();
        assert!(status == 200 && page.contains("role=\"status\""), "{status} {page}");
    }

    /// Waits until the trace has a line about her with these words.
    fn traced(&self, who: (&str, &str), id: &str, words: &str) {
        let says = || {
            let trace = self.stack.listd.listctl(&["trace", id]).unwrap_or_default();
            trace.lines().any(|line| line.contains(who.1) && line.contains(words))
        };
        let found = wait::until_true("the trace to say why", wait::MAIL, says);
        assert!(found.is_ok(), "{}", self.stack.listd.listctl(&["trace", id]).unwrap());
    }

    fn letters(&self, who: (&str, &str), text: &str) -> usize {
        let inbox = self.stack.dovecot.inbox(who.0).unwrap();
        let is = |mail: &&Vec<u8>| {
            mail::header(mail, "Auto-Submitted") == "auto-generated"
                && String::from_utf8_lossy(mail).contains(text)
        };
        inbox.iter().filter(is).count()
    }
}

#[test]
fn each_gets_it_as_she_wishes() {
    let house = House::start("");
    let (joerg, ayse, maria, zoe) = (school::JOERG, school::AYSE, school::MARIA, school::ZOE);
    house.write("eins@post.example");
    let [own, plain, named] = [joerg, ayse, maria].map(|who| house.token(who, "eins@post.example"));
    house.save(&own, "mail=all&digest=off&no-own=on");
    house.save(&plain, "mail=all&digest=off&plain=on");
    house.save(&named, "mail=all&digest=off&no-addressed=on");
    let (_, page) = http::get(house.web, &format!("/o/{plain}")).unwrap();
    assert!(page.contains("name=\"plain\" value=\"on\" checked"), "{page}");

    house.write("zwei@post.example");
    let copy = house.copy(ayse, "zwei@post.example");
    dkim::check_school(&copy).unwrap();
    let text = String::from_utf8_lossy(&copy);
    assert!(text.contains("Am Freitag.") && !text.contains("<b>") && !text.contains("text/html"));
    let copy = house.copy(zoe, "zwei@post.example");
    assert!(String::from_utf8_lossy(&copy).contains("<b>Freitag</b>"), "the others get all of it");
    house.traced(joerg, "zwei@post.example", "no copy of her own mail");
    house.traced(maria, "zwei@post.example", "stands in To or Cc");

    // It outlives the daemon; and in one transaction for many each has her wish too.
    let mut house = house;
    house.stack.listd.stop().unwrap();
    house.stack.listd.start().unwrap();
    house.stack.listd.listctl(&["list", "set", school::CLASS_5B, "copies", "shared"]).unwrap();
    house.write("drei@post.example");
    let copies = [ayse, zoe].map(|who| house.copy(who, "drei@post.example"));
    let pages = copies.each_ref().map(|copy| String::from_utf8_lossy(copy).contains("<b>"));
    assert_eq!(pages, [false, true]);
    house.traced(joerg, "drei@post.example", "no copy of her own mail");
}

#[test]
fn a_pause_ends_by_itself() {
    let mut house = House::start("");
    let (ayse, zoe) = (school::AYSE, school::ZOE);
    house.write("eins@post.example");
    let token = house.token(ayse, "eins@post.example");
    // The first day that the page offers.
    let (_, page) = http::get(house.web, &format!("/o/{token}")).unwrap();
    let (_, rest) = page.split_once("min=\"").expect("a date field");
    let day = rest.split_once('"').expect("an end").0;
    house.save(&token, &format!("mail=pause&digest=off&until={day}"));
    house.write("zwei@post.example");
    house.copy(zoe, "zwei@post.example");
    house.traced(ayse, "zwei@post.example", "muted");
    let members = house.stack.listd.listctl(&["list", "members", school::CLASS_5B]).unwrap();
    let line = members.lines().find(|line| line.contains(ayse.1)).unwrap_or_default();
    assert!(
        line.contains("paused this list until") && line.contains("by her settings"),
        "{members}"
    );

    // The day comes: what is stored of its beginning is put into the past.
    house.stack.listd.stop().unwrap();
    const PAST: &str = "import re, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for who, list, choice in db.execute('SELECT who, list, choice FROM member_option').fetchall():
    new, count = re.subn(rb'\"Until\":\\d+', b'\"Until\":1', choice)
    assert count == 1, choice
    db.execute('UPDATE member_option SET choice = ? WHERE who = ? AND list = ?', (new, who, list))
db.commit()";
    let store = house.stack.listd.home().join("listd.db");
    run(&["/usr/bin/python3", "-c", PAST, &store.to_string_lossy()], b"", wait::MAIL).unwrap();
    house.stack.listd.start().unwrap();
    house.write("drei@post.example");
    house.copy(ayse, "drei@post.example");
    let (_, page) = http::get(house.web, &format!("/o/{token}")).unwrap();
    assert!(page.contains("value=\"all\" checked"), "{page}");
}

/// RFC 8058: a scanner changes nothing; a provider's click ends it at once, and whoever must know hears of it once.
#[test]
fn owners_are_asked_once() {
    let house = House::start("unsubscribe = \"request\"\n");
    let (ayse, maria, teacher) = (school::AYSE, school::MARIA, school::TEACHER);
    house.write("eins@post.example");
    let token = house.token(ayse, "eins@post.example");
    let path = format!("/u/{token}");
    assert_eq!(http::head(house.web, &path).unwrap(), 200);
    assert_eq!(http::get(house.web, &path).unwrap().0, 200);
    house.write("zwei@post.example");
    house.copy(ayse, "zwei@post.example");
    for _ in 0..3 {
        let (status, _) = http::post(house.web, &path, "List-Unsubscribe=One-Click").unwrap();
        assert_eq!(status, 200);
    }
    house.save(&token, "mail=none&digest=off");
    let told = || house.letters(teacher, ayse.1) == 1 && house.letters(ayse, "/o/") == 1;
    wait::until_true("a letter to her and one to the owner", wait::MAIL, told).unwrap();

    // Where it means leaving, the list of members says so.
    let list = school::CLASS_5B;
    house.stack.listd.listctl(&["list", "set", list, "unsubscribe", "leave"]).unwrap();
    let other = house.token(maria, "zwei@post.example");
    let path = format!("/u/{other}");
    http::post(house.web, &path, "List-Unsubscribe=One-Click").unwrap();
    house.write("drei@post.example");
    house.copy(school::ZOE, "drei@post.example");
    house.traced(ayse, "drei@post.example", "muted");
    house.traced(maria, "drei@post.example", "muted");
    let members = house.stack.listd.listctl(&["list", "members", list]).unwrap();
    for (who, words) in
        [(ayse, "unsubscribed from this list by one click"), (maria, "left this list by one click")]
    {
        let line = members.lines().find(|line| line.contains(who.1)).unwrap_or_default();
        assert!(line.contains(words), "{members}");
    }
    assert_eq!((house.letters(teacher, ayse.1), house.letters(teacher, maria.1)), (1, 0));
    assert_eq!(house.letters(ayse, "/o/"), 1);

    // The link in her letter brings the mail back.
    let inbox = house.stack.dovecot.inbox(ayse.0).unwrap();
    let letter = inbox.iter().find(|mail| mail::header(mail, "Auto-Submitted") == "auto-generated");
    let text = String::from_utf8_lossy(letter.expect("the letter")).replace("=\r\n", "");
    let (_, rest) = text.split_once("/o/").expect("a link");
    let undo: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    house.save(&undo, "mail=all&digest=off");
    house.write("vier@post.example");
    house.copy(ayse, "vier@post.example");
}

/// Whoever quotes the header of her copy hands out no link of her own.
#[test]
fn quoted_links_are_of_no_use() {
    let house = House::start("");
    let (ayse, zoe) = (school::AYSE, school::ZOE);
    house.write("eins@post.example");
    let token = house.token(ayse, "eins@post.example");
    let quote = format!("> List-Unsubscribe: <{PUBLIC}/u/{token}>\n\nWas ist das?");
    let letter = mail::text(ayse.1, school::CLASS_5B, "Re: Ausflug", "frage@post.example", &quote);
    let reply = house.stack.post(ayse.1, &[school::CLASS_5B], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    let copy = house.copy(zoe, "frage@post.example");
    let text = String::from_utf8_lossy(&copy);
    assert!(!text.contains(&token) && text.contains("/u/....") && text.contains("Was ist das?"));
    dkim::check_school(&copy).unwrap();
}
