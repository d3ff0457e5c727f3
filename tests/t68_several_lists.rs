//! One person, several lists (`domain.once`): a mother of 5b and 7a gets a mail that names both once, however the lists get
//! it, and what she or a moderator says of one of them does not lose it.

use std::net::SocketAddr;

use stack::claim::Port;
use stack::smtp::{As, Client, deliver, send};
use stack::{Stack, dkim, http, mail, school, wait};

const PUBLIC: &str = "https://lists.schule.example";
const CLASS_7A: &str = "klasse-7a@schule.example";
const LDIF: &str = "
dn: cn=klasse-7a,ou=groups,dc=schule,dc=example
objectClass: groupOfNames
objectClass: schoolList
cn: klasse-7a
description: Klasse 7a
mail: klasse-7a@schule.example
member: uid=joerg.schaefer,ou=people,dc=schule,dc=example
member: uid=ayse.oeztuerk,ou=people,dc=schule,dc=example
";

struct House {
    stack: Stack,
    web: SocketAddr,
    _port: Port,
}

impl House {
    fn start() -> House {
        let port = Port::claim().unwrap();
        let web = port.address();
        let pages = format!("\n[web]\nlisten = \"{web}\"\npublic_url = \"{PUBLIC}\"\n");
        let settings = |s: &mut stack::listd::Settings| {
            s.more = pages;
            s.domain = "once = true\n".to_owned();
        };
        let stack = Stack::builder().ldif(LDIF).settings(settings).start().unwrap();
        wait::until_true("7a to be there", wait::MAIL, || {
            stack.listd.listctl(&["list", "show", CLASS_7A]).is_ok()
        })
        .unwrap();
        House { stack, web, _port: port }
    }

    fn letter(&self, id: &str) -> Vec<u8> {
        let to = format!("{}, {CLASS_7A}", school::CLASS_5B);
        mail::text(school::JOERG.1, &to, "Wandertag", id, "Für beide Klassen.")
    }

    /// As Exim hands it over with one list in each mail: the second comes by itself, later.
    fn post(&self, id: &str, lists: &[&str]) {
        for list in lists {
            let reply = self.stack.post(school::JOERG.1, &[*list], &self.letter(id)).unwrap();
            assert_eq!(reply.code, 250, "{reply}");
        }
    }

    /// As a provider's server has it: Exim takes one list in a transaction and puts the other off.
    fn post_to_both(&self, id: &str, lists: [&str; 2]) {
        let letter = dkim::sign_as_provider(&self.letter(id)).unwrap();
        let (mx, provider) = (self.stack.exim.mx(), As::Outside(school::PROVIDER_IP));
        let mut client = Client::open(mx, &provider).unwrap();
        client.say(&format!("MAIL FROM:<{}>", school::JOERG.1)).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{}>", lists[0])).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{}>", lists[1])).unwrap().expect(451).unwrap();
        client.data(&letter).unwrap().expect(250).unwrap();
        client.quit();
        self.one_copy(id, 1, "klasse-5b");
        let reply = send(mx, &provider, school::JOERG.1, &lists[1..], &letter).unwrap();
        assert_eq!(reply.code, 250, "{reply}");
    }

    /// List-Ids of the copies of a mail in an inbox.
    fn copies(&self, who: (&str, &str), id: &str) -> Vec<String> {
        let inbox = self.stack.dovecot.inbox(who.0).unwrap();
        let mine = inbox.iter().filter(|copy| mail::header(copy, "Message-ID").contains(id));
        mine.map(|copy| mail::header(copy, "List-Id")).collect()
    }

    /// Every recipient of both lists has an outcome.
    fn is_done(&self, id: &str, posts: usize) -> bool {
        let text = self.stack.listd.listctl(&["--json", "trace", id]).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let all = json["posts"].as_array().cloned().unwrap_or_default();
        let none = |what: &str| {
            self.stack.listd.status(&format!("/queue/recipients_{what}")).ok() == Some(0)
        };
        all.len() == posts && none("waiting") && none("deferred")
    }

    /// Waits for the end; then she has one copy, of this list.
    fn one_copy(&self, id: &str, posts: usize, list: &str) {
        wait::until_true("all to have it", wait::MAIL, || {
            self.is_done(id, posts) && !self.copies(school::AYSE, id).is_empty()
        })
        .unwrap();
        let copies = || self.copies(school::AYSE, id);
        let stays = wait::stays("her copies", std::time::Duration::from_secs(2), copies);
        let trace = self.stack.listd.listctl(&["trace", id]).unwrap();
        assert!(stays.is_ok(), "{stays:?}\n{trace}");
        let copies = copies();
        assert!(copies.len() == 1 && copies[0].contains(list), "{copies:?}\n{trace}");
    }
}

#[test]
fn a_mail_to_both_classes_comes_once() {
    let house = House::start();
    let both = [school::CLASS_5B, CLASS_7A];
    // One transaction, in the wrong order: To counts. Then the same with minutes between.
    let letter = dkim::sign_as_provider(&house.letter("zusammen@post.example")).unwrap();
    let rcpts = [CLASS_7A, school::CLASS_5B];
    let replies = deliver(house.stack.listd.lmtp(), school::JOERG.1, &rcpts, &letter).unwrap();
    assert!(replies.iter().all(|reply| reply.code == 250), "{replies:?}");
    house.one_copy("zusammen@post.example", 2, "klasse-5b");
    house.post("nacheinander@post.example", &both);
    house.one_copy("nacheinander@post.example", 2, "klasse-5b");
    let trace = house.stack.listd.listctl(&["trace", "nacheinander@post.example"]).unwrap();
    assert!(trace.contains("gets it from another list"), "{trace}");

    house.post_to_both("aufgeschoben@post.example", both);
    house.one_copy("aufgeschoben@post.example", 2, "klasse-5b");

    // She wants none of 5b: what names both comes by 7a.
    let copies = house.stack.dovecot.inbox(school::AYSE.0).unwrap();
    let path = mail::own_path(copies.last().unwrap(), PUBLIC).expect("a link");
    let (status, _) = http::post(house.web, &path, "List-Unsubscribe=One-Click").unwrap();
    assert_eq!(status, 200);
    house.post("stumm@post.example", &both);
    house.one_copy("stumm@post.example", 2, "klasse-7a");
}

#[test]
fn what_waits_on_one_list_comes_by_the_other() {
    let house = House::start();
    let (list, id) = (school::CLASS_5B, "haelt@post.example");
    house.stack.listd.listctl(&["list", "set", list, "emergency", "true"]).unwrap();
    house.post(id, &[list, CLASS_7A]);
    house.one_copy(id, 1, "klasse-7a");
    let held = house.stack.listd.listctl(&["--json", "held"]).unwrap();
    let held: serde_json::Value = serde_json::from_str(&held).unwrap();
    let number = held.pointer("/mails/0/id").and_then(serde_json::Value::as_str);
    let number = number.unwrap_or_else(|| panic!("{held}")).to_owned();
    house.stack.listd.listctl(&["held", "accept", &number]).unwrap();
    house.stack.dovecot.wait_for(school::ZOE.0, id).unwrap();
    house.one_copy(id, 2, "klasse-7a");
}
