//! Commands by mail on the real stack: a wish to be on a list that its owner grants by a reply, a pause, a question to one for
//! whom nobody vouches, and who does nothing: a forger and a program.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stack::claim::Port;
use stack::smtp::{As, Reply, send};
use stack::{Stack, mail, privacy, school, wait};

const LIST: &str = "elternbrief@schule.example";
const SUBSCRIBE: &str = "elternbrief-subscribe@schule.example";
const UNSUBSCRIBE: &str = "elternbrief-unsubscribe@schule.example";
const REQUEST: &str = "elternbrief-request@schule.example";
/// Any machine of Vera's provider.
const ELSEWHERE: As<'static> = As::Outside("203.0.113.77");
/// Nobody of the directory; her provider is known by SPF.
const OMA: &str = "oma@firma.example";
const OMAS: As<'static> = As::Outside("192.0.2.26");

struct House {
    stack: Stack,
    _port: Port,
}

impl House {
    fn start() -> House {
        let port = Port::claim().unwrap();
        let web = format!(
            "\n[web]\nlisten = \"{}\"\npublic_url = \"https://lists.schule.example\"\n",
            port.address()
        );
        let stack = Stack::builder()
            .ldif(&school::newsletter(&[school::JOERG.0]))
            .settings(|s| s.more = web)
            .start()
            .unwrap();
        stack.listd.listctl(&["list", "show", "elternbrief"]).unwrap();
        House { stack, _port: port }
    }

    fn send(&self, who: &As<'_>, from: &str, to: &str, subject: &str, head: &str) -> Reply {
        self.write(who, from, to, subject, head, "Guten Tag")
    }

    fn write(
        &self,
        who: &As<'_>,
        from: &str,
        to: &str,
        subject: &str,
        head: &str,
        body: &str,
    ) -> Reply {
        static WRITTEN: AtomicUsize = AtomicUsize::new(0);
        let id = format!("{}@befehl.example", WRITTEN.fetch_add(1, Ordering::Relaxed));
        let text = mail::text(from, to, subject, &id, body);
        let whole = [head.as_bytes(), &text].concat();
        let bare = from.rsplit('<').next().unwrap_or_default().trim_end_matches('>');
        if bare.ends_with("@post.example") && !matches!(who, As::Outside(school::FORGER_IP)) {
            return self.stack.post(bare, &[to], &whole).unwrap();
        }
        send(self.stack.exim.mx(), who, bare, &[to], &whole).unwrap()
    }

    /// The letter of ours to one with a mailbox here whose header contains this text.
    fn inside(&self, login: &str, text: &str) -> Vec<u8> {
        self.stack.dovecot.wait_for(login, text).unwrap()
    }

    /// Waits for so many letters to Maria about her settings; the last.
    fn settings(&self, count: usize) -> Vec<u8> {
        let is_one = |mail: &Vec<u8>| {
            privacy::decoded(&mail::header(mail, "Subject")).contains("Ihre Einstellung")
        };
        let letters = wait::until(&format!("{count} letters on settings"), wait::MAIL, || {
            let inbox = self.stack.dovecot.inbox(school::MARIA.0)?;
            let letters: Vec<Vec<u8>> = inbox.into_iter().filter(is_one).collect();
            Ok((letters.len() == count).then_some(letters))
        });
        letters.unwrap().pop().unwrap_or_default()
    }

    /// All mail to one with a mailbox outside.
    fn outside(&self, to: &str) -> Vec<Vec<u8>> {
        let all = self.stack.sink.deliveries();
        let hers = all.iter().filter(|d| d.to.iter().any(|t| t == to));
        hers.map(|d| d.mail.to_vec()).collect()
    }

    fn wait_outside(&self, to: &str, text: &str) -> Vec<u8> {
        let found = wait::until(&format!("{text} to {to}"), wait::MAIL, || {
            let has = |mail: &Vec<u8>| {
                let (head, _) = mail::split(mail);
                privacy::decoded(&String::from_utf8_lossy(head)).contains(text)
            };
            Ok(self.outside(to).into_iter().find(has))
        });
        found.unwrap()
    }

    fn post(&self, id: &str) {
        let from = school::ZOE.1;
        let letter = mail::text(from, LIST, "Basar", id, "Wer hilft?");
        let reply = self.stack.post(from, &[LIST], &letter).unwrap();
        assert_eq!(reply.code, 250, "{reply}");
        self.inside(school::ZOE.0, id);
    }

    /// Waits until the trace of a post says why somebody got none.
    fn spared(&self, id: &str, who: &str, why: &str) {
        let line = |text: &str| text.lines().any(|l| l.contains(who) && l.contains(why));
        wait::until_true(&format!("{who} {why}"), wait::MAIL, || {
            line(&self.stack.listd.listctl(&["trace", id]).unwrap())
        })
        .unwrap();
    }

    fn members(&self) -> String {
        self.stack.listd.listctl(&["list", "members", "elternbrief"]).unwrap()
    }
}

fn reply_to(mail: &[u8]) -> String {
    let to = mail::header(mail, "Reply-To");
    to.rsplit(['<', ' ']).next().unwrap_or_default().trim_matches('>').to_owned()
}

/// From the wish to the last mail: the owner decides by a reply, the guest is shown as such, gets the mail and writes, and
/// `-unsubscribe` ends it.
#[test]
fn a_guest_comes_and_goes() {
    let house = House::start();
    let forged = house.send(&ELSEWHERE, OMA, SUBSCRIBE, "Anmelden", "");
    assert_eq!(forged.code, 550, "{forged}");
    let away = "Auto-Submitted: auto-replied\r\n";
    assert_eq!(house.send(&OMAS, OMA, SUBSCRIBE, "Anmelden", away).code, 250);
    let named = format!("Erna Muster <{OMA}>");
    let wish = house.send(&OMAS, &named, SUBSCRIBE, "Anmelden", "");
    assert_eq!(wish.code, 250, "{wish}");
    let asked = house.inside(school::JOERG.0, "Aufnahme in Elternbrief");
    house.wait_outside(OMA, "Ihr Wunsch geht an");
    let held = house.stack.listd.listctl(&["held"]).unwrap();
    assert!(held.contains("subscription") && held.lines().count() < 5, "{held}");
    assert!(!house.members().contains(OMA), "nothing before the answer");

    let (owner, to) = (school::JOERG.1, reply_to(&asked));
    assert!(to.starts_with("elternbrief-confirm+"), "{to}");
    let home = As::Outside(school::PROVIDER_IP);
    assert_eq!(house.write(&home, owner, &to, "AW: Aufnahme", away, "Ja").code, 250);
    assert!(!house.members().contains(OMA), "a program decides nothing");
    let yes = house.write(&home, owner, &to, "AW: Bitte entscheiden: Aufnahme", "", "Ja\n\n> x");
    assert_eq!(yes.code, 250, "{yes}");
    let told = house.wait_outside(OMA, "Sie sind jetzt auf der Liste");
    assert_eq!(mail::header(&told, "Auto-Submitted"), "auto-replied");
    let members = house.members();
    assert!(members.contains("Admitted beside the directory (1)"), "{members}");
    let line = members.lines().filter(|line| line.contains(OMA)).collect::<Vec<_>>().join("\n");
    assert!(line.contains(owner) && line.contains("Erna Muster"), "{members}");

    house.post("eins@post.example");
    house.wait_outside(OMA, "eins@post.example");
    let own = mail::text(OMA, LIST, "Danke", "zwei@firma.example", "Schön");
    assert_eq!(send(house.stack.exim.mx(), &OMAS, OMA, &[LIST], &own).unwrap().code, 250);
    house.inside(school::MARIA.0, "zwei@firma.example");

    house.stack.listd.listctl(&["list", "set", "elternbrief", "unsubscribe", "leave"]).unwrap();
    assert_eq!(house.send(&OMAS, OMA, UNSUBSCRIBE, "x", away).code, 250);
    assert!(house.members().contains(OMA), "a program ends nothing");
    assert_eq!(house.send(&OMAS, OMA, UNSUBSCRIBE, "x", "").code, 250);
    house.wait_outside(OMA, "keine Mails mehr");
    assert!(!house.members().contains(OMA), "{}", house.members());
    house.post("drei@post.example");
    house.inside(school::MARIA.0, "drei@post.example");
    let got =
        |id: &str| house.outside(OMA).iter().any(|m| mail::header(m, "Message-ID").contains(id));
    wait::stays("no more mail", Duration::from_secs(2), || got("drei@post.example")).unwrap();
    assert!(!got("drei@post.example"));
}

/// A pause until a day and its end by mail; nobody vouches for Vera, so she is asked, and a reply carries the token whatever
/// stands before its subject; a forger and a program change nothing.
#[test]
fn a_member_has_it_quieter() {
    let house = House::start();
    let home = As::Outside(school::PROVIDER_IP);
    let (login, maria) = school::MARIA;
    let forger = As::Outside(school::FORGER_IP);
    for to in [UNSUBSCRIBE, REQUEST] {
        let reply = house.send(&forger, maria, to, "Pause", "");
        assert_eq!(reply.code, 550, "{reply}");
    }
    assert_eq!(house.send(&home, maria, REQUEST, "AW: Pause bis 1.2.2027", "").code, 250);
    let told = house.settings(1);
    let text = String::from_utf8_lossy(&told).replace("=\r\n", "");
    assert!(text.contains("1. Februar 2027") && text.contains("/o/"), "{text}");
    house.post("eins@post.example");
    house.spared("eins@post.example", maria, "muted");
    let members = house.members();
    assert!(
        members.lines().any(|l| l.contains(maria) && l.contains("until Mon, 1 Feb 2027")),
        "{members}"
    );
    assert_eq!(house.send(&home, maria, REQUEST, "Weiter", "").code, 250);
    house.settings(2);
    house.post("zwei@post.example");
    house.inside(login, "zwei@post.example");

    let hers = house.send(&ELSEWHERE, school::VERA, UNSUBSCRIBE, "x", "");
    let other = house.send(&ELSEWHERE, "niemand@privat.example", UNSUBSCRIBE, "x", "");
    let said = |reply: &Reply| reply.to_string().split(" id=").next().map(str::to_owned);
    assert_eq!(hers.code, 250, "{hers}");
    assert_eq!(said(&hers), said(&other), "nobody learns who is on the list");
    let asked = house.wait_outside(school::VERA, "Bitte best");
    let to = reply_to(&asked);
    let away = "Auto-Submitted: auto-replied\r\n";
    assert_eq!(house.write(&ELSEWHERE, school::VERA, &to, "AW: x", away, "Ja").code, 250);
    house.post("drei@post.example");
    house.wait_outside(school::VERA, "drei@post.example");
    let yes = house.write(
        &ELSEWHERE,
        school::VERA,
        &to,
        "Ynt: AW: Bitte",
        "",
        "Ja\n\n> Ist das richtig?",
    );
    assert_eq!(yes.code, 250, "{yes}");
    house.wait_outside(school::VERA, "keine Mails mehr");
    house.post("vier@post.example");
    house.spared("vier@post.example", school::VERA, "muted");
    assert!(house.outside("niemand@privat.example").is_empty());
}
