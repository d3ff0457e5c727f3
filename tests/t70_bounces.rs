//! What comes back, on the real stack and from day to day: a mail that many servers refuse, a forged bounce, a delay, an
//! address that is dead, a mailbox that is full.
//!
//! The days are to come, as in the story of the digests. `listd` looks at what came back when it starts; so each day begins
//! with a start.

use std::time::Duration;

use stack::claim::Port;
use stack::smtp::{As, Reply, send};
use stack::{Stack, crowd, dkim, http, mail, school, wait};

/// A small list: each day's mail goes through Exim, one copy after the other.
const LIST: &str = "elternrat@schule.example";
/// On it, at a provider elsewhere.
const UTE: &str = school::OUTSIDE;
const REFUSED: &str = "550 5.7.1 Our system has detected that this mail is likely unsolicited";
const GONE: &str = "550 5.1.1 no such user here";
const PROBE: &str = "Erreicht Sie die Mail";
const BRAKED: &str = "Viele Server lehnen eine Mail ab";
/// Who passes on what the customers of a provider complain of; its other authors are its customers.
const STAFF: &str = "staff@post.example";
/// A list of 40 at one provider, and Jörg.
const TRIP: &str = "wandertag";
const TRIP_SIZE: usize = 40;

/// Its LDIF.
fn trip() -> String {
    let joerg = school::dn(school::JOERG.0);
    let entries = crowd::entries(&[(TRIP, TRIP_SIZE)]);
    entries.replacen("member: ", &format!("member: {joerg}\nmember: "), 1)
}

/// The small list's LDIF: four parents, and the class teacher looks after it.
fn council() -> String {
    let parents = [school::JOERG.0, school::MARIA.0, school::ZOE.0, "ute.huebner"];
    let members = parents.map(|login| format!("member: {}\n", school::dn(login))).concat();
    let owner = format!("owner: {}\n", school::dn(school::TEACHER.0));
    crowd::entries(&[("elternrat", 0)]).trim_end().to_owned() + "\n" + &owner + &members + "\n"
}

fn trip_letter(id: &str) -> Vec<u8> {
    mail::text(school::JOERG.1, &crowd::address(TRIP), "Wandertag", id, "Am Freitag.")
}

fn refuse(stack: &Stack, who: impl IntoIterator<Item = String>, reply: &str) {
    stack.sink.set(|faults| {
        faults.refuse.extend(who.into_iter().map(|address| (address, reply.to_owned())));
    });
}

/// Those of the mails whose Subject has these words.
fn with_subject(mails: impl IntoIterator<Item = Vec<u8>>, subject: &str) -> Vec<Vec<u8>> {
    mails.into_iter().filter(|m| mail::header(m, "Subject").contains(subject)).collect()
}

fn plain(mail: &[u8]) -> String {
    String::from_utf8_lossy(mail).replace("=\r\n", "").replace("=\n", "")
}

fn members(stack: &Stack, list: &str) -> String {
    stack.listd.listctl(&["list", "members", list]).unwrap()
}

fn nobody_is_paused(stack: &Stack, list: &str) {
    let shown = members(stack, list);
    assert!(!shown.contains("paused"), "{shown}");
}

/// How many bounces came, and how many of them with a token that names nobody.
fn bounces(stack: &Stack) -> (u64, u64) {
    let count = |what| stack.listd.status(&format!("/queue/{what}")).unwrap();
    (count("bounces"), count("bounces_unattributed"))
}

fn wait_bounces(stack: &Stack, count: (u64, u64)) {
    let found = wait::until_true("bounces", wait::MAIL, || bounces(stack) == count);
    assert!(found.is_ok(), "{:?}, not {count:?}\n{}", bounces(stack), stack.exim.log());
}

/// Rule V6, promise 11: 30 of 41 are refused at Exim, which had all copies before; each refusal is seen in its log and
/// comes back as a bounce too. It counts about the mail, once.
#[test]
fn a_mail_that_many_refuse_is_to_blame() {
    let mut stack = Stack::builder().ldif(&trip()).follows_relay_log().start().unwrap();
    stack.listd.listctl(&["list", "show", TRIP]).unwrap();
    // The provider can't be reached until Exim has all.
    stack.sink.close();
    refuse(&stack, (0..30).map(|n| crowd::member(TRIP, n)), REFUSED);
    let letter = trip_letter("ausflug@post.example");
    let reply = stack.post(school::JOERG.1, &[&crowd::address(TRIP)], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");
    stack.listd.settled().unwrap();
    stack.sink.open().unwrap();
    wait_bounces(&stack, (30, 0));
    stack.sink.wait_for(10, wait::MAIL).unwrap();

    let letters = || with_subject(stack.dovecot.inbox(school::TEACHER.0).unwrap(), BRAKED);
    wait::until_true("a letter to the admin", wait::MAIL, || !letters().is_empty()).unwrap();
    let text = plain(&letters()[0]);
    assert!(text.contains("gmx.example (") && text.contains(REFUSED), "{text}");
    assert!(!text.contains("@gmx.example"), "it is about the provider: {text}");
    assert!(!text.contains("listctl queue"), "nothing is left to pause: {text}");
    // The log is looked at twice a second: a bounce may be faster.
    let trace = || stack.listd.listctl(&["trace", "ausflug@post.example"]).unwrap();
    let all = wait::until_true("30 answers", wait::MAIL, || trace().matches(REFUSED).count() == 30);
    assert!(all.is_ok(), "{}", trace());

    // Those who were refused get the next mail; whatever is looked at when it starts, one letter was enough.
    stack.sink.set(|faults| faults.refuse.clear());
    stack.listd.settled().unwrap();
    stack.listd.kill();
    stack.listd.start().unwrap();
    let letter = trip_letter("nochmal@post.example");
    stack.post(school::JOERG.1, &[&crowd::address(TRIP)], &letter).unwrap();
    stack.sink.wait_for(10 + TRIP_SIZE as u64, wait::MAIL).unwrap();
    nobody_is_paused(&stack, TRIP);
    let mails = stack.sink.deliveries().into_iter().map(|d| d.mail.to_vec());
    assert!(with_subject(mails, PROBE).is_empty(), "nobody is probed");
    assert_eq!(with_subject(stack.dovecot.inbox(school::TEACHER.0).unwrap(), BRAKED).len(), 1);
}

/// Where the answer is the relay's own, the rest waits: over a restart, and until an admin says so.
#[test]
fn the_rest_waits_until_an_admin_says_so() {
    let mut stack = Stack::builder().ldif(&trip()).relay_is_sink().start().unwrap();
    stack.listd.listctl(&["list", "show", TRIP]).unwrap();
    refuse(&stack, (0..30).map(|n| crowd::member(TRIP, n)), REFUSED);
    let late = || (30..35).map(|n| crowd::member(TRIP, n));
    stack.sink.set(|faults| faults.defer.extend(late().map(|address| (address, u32::MAX))));
    let list = crowd::address(TRIP);
    let letter = trip_letter("warten@post.example");
    let reply = stack.post(school::JOERG.1, &[&list], &letter).unwrap();
    assert_eq!(reply.code, 250, "{reply}");

    let letters = |stack: &Stack| {
        let all = stack.sink.deliveries().into_iter();
        let hers = all.filter(|d| d.to.iter().any(|to| to == school::TEACHER.1));
        with_subject(hers.map(|d| d.mail.to_vec()), BRAKED)
    };
    wait::until_true("a letter", wait::MAIL, || !letters(&stack).is_empty()).unwrap();
    let text = plain(&letters(&stack)[0]);
    assert!(text.contains("gmx.example (") && text.contains(REFUSED), "{text}");
    let queue = stack.listd.listctl(&["queue"]).unwrap();
    assert!(queue.contains("paused, ") && queue.contains("gmx.example says 550 5.7.1"), "{queue}");
    let number = |line: &str| line.split_ascii_whitespace().next().map(str::to_owned);
    let id = queue.lines().find(|l| l.contains(&list)).and_then(number).expect("its line");
    let shown = stack.listd.listctl(&["queue", "show", &id]).unwrap();
    assert!(shown.contains(REFUSED) && shown.contains(&format!("queue resume {id}")), "{shown}");

    // All would take it now, but nobody said so yet.
    stack.sink.set(|faults| {
        faults.refuse.clear();
        faults.defer.clear();
    });
    // In good order: whoever has her copy is none of the rest.
    assert!(stack.listd.stop().unwrap().success());
    stack.listd.start().unwrap();
    stack.listd.listctl(&["queue", "retry", &id]).unwrap();
    let got = |stack: &Stack| {
        let counts = stack.sink.counts();
        late().filter(|who| counts.contains_key(who)).count()
    };
    wait::stays("who waits", Duration::from_secs(1), || got(&stack)).unwrap();
    assert_eq!(got(&stack), 0);

    stack.listd.listctl(&["queue", "resume", &id]).unwrap();
    wait::until_true("the rest to get it", wait::MAIL, || got(&stack) == 5).unwrap();
    stack.listd.settled().unwrap();
    let counts = stack.sink.counts();
    assert!(counts.values().all(|n| *n == 1), "nobody twice, one letter: {counts:?}");
    nobody_is_paused(&stack, TRIP);
}

/// The list from day to day.
struct House {
    stack: Stack,
    day: u32,
    metrics: Port,
}

impl House {
    fn start() -> House {
        let metrics = Port::claim().unwrap();
        let more = format!(
            "\n[metrics]\nlisten = \"{}\"\n[bounces]\ncomplaints_from = [\"{STAFF}\"]\n",
            metrics.address()
        );
        let builder = Stack::builder().ldif(&council()).without_listd();
        let stack = builder.settings(|s| s.more = more).start().unwrap();
        House { stack, day: 0, metrics }
    }

    /// Dies, and starts on the next morning. Nobody has a copy by then that is tried again.
    fn morning(&mut self) {
        if self.day > 0 {
            self.stack.listd.settled().unwrap();
        }
        self.day += 1;
        self.stack.listd.kill();
        self.stack.listd.set_clock(&format!("2027-03-{:02} 09:00:00", self.day));
        self.stack.listd.start().unwrap();
    }

    /// A mail to the list; its Message-ID.
    fn post(&self) -> String {
        let (author, id) = (school::JOERG.1, format!("tag{}@post.example", self.day));
        let letter = mail::text(author, LIST, "Ausflug", &id, "Liebe Eltern");
        let reply = self.stack.post(author, &[LIST], &letter).unwrap();
        assert_eq!(reply.code, 250, "{reply}");
        id
    }

    /// Ute's copy: whom its bounces would go to.
    fn copy(&self, id: &str) -> String {
        let find = || {
            let mut all = self.stack.sink.deliveries().into_iter();
            let hers = all.find(|d| d.message_id == id && d.to.iter().any(|to| to == UTE));
            Ok(hers.map(|copy| copy.from))
        };
        let found = wait::until("a copy", wait::MAIL, find);
        found.unwrap_or_else(|why| panic!("{why:?}\n{}", self.stack.listd.output()))
    }

    /// Who outside got a probe.
    fn probed(&self) -> Vec<String> {
        let all = self.stack.sink.deliveries().into_iter();
        let probes = all.filter(|d| mail::header(&d.mail, "Subject").contains(PROBE));
        probes.flat_map(|d| d.to).collect()
    }

    /// What came back and is of this kind, since this morning.
    fn returned(&self, kind: &str) -> usize {
        let (_, figures) = http::get(self.metrics.address(), "/metrics").unwrap();
        let lines = figures.lines().filter(|line| line.starts_with("verteiler_returned_total{"));
        let of = lines.filter(|line| line.contains(&format!("kind=\"{kind}\"")));
        of.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }

    /// Waits for so many of them: they are counted a moment after the store has them.
    fn wait_returned(&self, kind: &str, count: usize) {
        let found = wait::until_true("figures", wait::MAIL, || self.returned(kind) == count);
        assert!(found.is_ok(), "{kind}: {}, not {count}", self.returned(kind));
    }

    /// Who gets nothing, as an admin sees it.
    fn paused(&self) -> Option<String> {
        let shown = members(&self.stack, LIST);
        shown.lines().find(|line| line.contains("paused")).map(str::to_owned)
    }

    /// Letters that the class teacher got because of bounces.
    fn told(&self) -> Vec<Vec<u8>> {
        let all = self.stack.dovecot.inbox(school::TEACHER.0).unwrap();
        all.into_iter().filter(|m| mail::header(m, "Auto-Submitted") == "auto-generated").collect()
    }
}

/// A bounce as somebody else could write it.
fn forged(stack: &Stack, to: &str, about: &str) -> Reply {
    let mail = format!(
        "From: Mailer-Daemon <mailer-daemon@telekom.example>\r\nTo: {to}\r\nSubject: Undeliverable\r\n\
         Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{}@telekom.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=a\r\n\r\n\
         --a\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n\
         --a\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; telekom.example\r\n\r\n\
         Final-Recipient: rfc822; {about}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; {GONE}\r\n\r\n--a--\r\n",
        to.len()
    );
    let machine = As::Outside(school::FORGER_IP);
    send(stack.exim.mx(), &machine, "", &[to], mail.as_bytes()).unwrap()
}

/// Rules V5, V8, promise 11: who has a copy knows its token, and writes bounces with it on five days.
#[test]
fn a_forged_bounce_pauses_nobody() {
    let mut house = House::start();
    house.morning();
    let token = house.copy(&house.post());
    for day in 1..=5 {
        // Whom the words name is of no matter.
        let about = if day % 2 == 0 { school::MARIA.1 } else { UTE };
        assert_eq!(forged(&house.stack, &token, about).code, 250);
        wait_bounces(&house.stack, (day, 0));
        // With the fifth a probe is due, and a slow day is long enough for it.
        assert!(day == 5 || house.probed().is_empty(), "day {day}");
        house.morning();
    }
    // Enough for a probe: to the address of the token alone, and it arrives.
    wait::until_true("a probe", wait::MAIL, || house.probed() == [UTE]).unwrap();
    assert_eq!(forged(&house.stack, &token, UTE).code, 250);
    wait_bounces(&house.stack, (6, 0));
    // A token that is nobody's.
    let (local, domain) = token.split_once('@').unwrap();
    let (list, code) = local.split_once('+').unwrap();
    let turned: String = code.chars().rev().collect();
    let reply = forged(&house.stack, &format!("{list}+{turned}@{domain}"), UTE);
    assert_eq!(reply.code, 250, "{reply}");
    wait_bounces(&house.stack, (7, 1));

    house.morning();
    house.copy(&house.post());
    assert_eq!((house.paused(), house.probed()), (None, vec![UTE.to_owned()]));
    assert!(house.told().is_empty(), "no admin has to hear of it");
    let inbox = house.stack.dovecot.inbox(school::MARIA.0).unwrap();
    assert!(with_subject(inbox, PROBE).is_empty());
}

/// Rule V6: Exim's own notices that it goes on trying. Five days of them are no dead address.
#[test]
fn a_delay_is_no_bounce() {
    let mut house = House::start();
    // Exim's default is a day, and none for lists. Each of its runs reads the file anew.
    let file = house.stack.dir().join("exim/exim.conf");
    let plain = std::fs::read_to_string(&file).unwrap();
    let often = "delay_warning = 1s\ndelay_warning_condition = yes\n";
    std::fs::write(&file, often.to_owned() + &plain).unwrap();
    house.stack.exim.restart().unwrap();
    house.stack.sink.set(|faults| {
        faults.defer.insert(UTE.to_owned(), u32::MAX);
    });
    for _ in 1..=5 {
        house.morning();
        house.post();
        let found = wait::until_true("a notice", wait::MAIL, || house.returned("delayed") > 0);
        assert!(found.is_ok(), "{}", house.stack.exim.log());
        assert_eq!(house.returned("bounce"), 0);
    }
    house.stack.sink.set(|faults| faults.defer.clear());
    house.morning();
    for day in 1..=5 {
        house.copy(&format!("tag{day}@post.example"));
    }
    assert_eq!((house.paused(), house.probed()), (None, Vec::new()));
    assert!(house.told().is_empty());
}

/// Rule V7: bounces on five days, a probe that comes back, a pause; and an admin who knows better.
#[test]
fn a_dead_address_is_paused() {
    let mut house = House::start();
    refuse(&house.stack, [UTE.to_owned()], GONE);
    for day in 1..=5 {
        house.morning();
        assert_eq!(house.paused(), None);
        house.post();
        wait_bounces(&house.stack, (day, 0));
    }
    // The sixth is the probe's: nobody wrote anything on this day.
    house.morning();
    wait_bounces(&house.stack, (6, 0));
    house.morning();
    wait::until_true("a pause", wait::MAIL, || house.paused().is_some()).unwrap();
    let line = house.paused().unwrap();
    assert!(line.contains(UTE) && line.contains("no such user here"), "{line}");
    wait::until_true("a letter to the admin", wait::MAIL, || house.told().len() == 1).unwrap();
    let told = plain(&house.told()[0]);
    let resume = format!("listctl member resume {UTE}");
    assert!(told.contains(&resume) && told.contains("no such user here"), "{told}");

    // Nothing is sent, so nothing comes back; the others get it.
    let id = house.post();
    house.stack.dovecot.wait_for(school::ZOE.0, &id).unwrap();
    let trace = || house.stack.listd.listctl(&["trace", &id]).unwrap();
    let why = "paused: the address takes no mail";
    let hers = || trace().lines().any(|line| line.contains(UTE) && line.contains(why));
    let told = wait::until_true("the trace to say why", wait::MAIL, hers);
    assert!(told.is_ok(), "{}", trace());
    assert_eq!(bounces(&house.stack), (6, 0));

    house.stack.sink.set(|faults| faults.refuse.clear());
    house.stack.listd.listctl(&["member", "resume", UTE]).unwrap();
    assert_eq!(house.paused(), None);
    house.morning();
    house.copy(&house.post());
    assert_eq!((house.paused(), house.probed()), (None, Vec::new()));
}

/// Rules V6, V7: a mailbox that is full for a week is a holiday.
#[test]
fn a_full_mailbox_is_a_holiday() {
    let mut house = House::start();
    refuse(&house.stack, [UTE.to_owned()], "552 5.2.2 mailbox is full");
    for day in 1..=7 {
        house.morning();
        house.post();
        wait_bounces(&house.stack, (day, 0));
        house.wait_returned("bounce", 1);
    }
    house.stack.sink.set(|faults| faults.refuse.clear());
    house.morning();
    house.copy(&house.post());
    assert_eq!((house.paused(), house.probed()), (None, Vec::new()));
    assert_eq!(bounces(&house.stack), (7, 0));
    assert!(house.told().is_empty());
}

/// A complaint (RFC 5965) about a copy, without the name of who complains.
fn complaint(from: &str, to: &str) -> Vec<u8> {
    format!(
        "From: Feedback <{from}>\r\nTo: {to}\r\nSubject: complaint about message\r\n\
         Date: Sun, 22 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{from}.1@post.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=a\r\n\r\n\
         --a\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\
         --a\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: X/1\r\n\
         Version: 1\r\nOriginal-Rcpt-To: redacted\r\n\r\n\
         --a\r\nContent-Type: message/rfc822\r\n\r\nSubject: Ausflug\r\n\r\nLiebe Eltern\r\n\r\n--a--\r\n"
    )
    .into_bytes()
}

/// Rule C1, promises 7 and 8: a forged complaint and that of a customer change nothing. The provider's own ends her mail of
/// the list, over a restart, and an admin undoes it; who wrote the mail never learns of it.
#[test]
fn a_proved_complaint_mutes_one_member() {
    let mut house = House::start();
    house.morning();
    let token = house.copy(&house.post());
    let says = |house: &House, ip: &'static str, mail: &[u8]| {
        let reply = send(house.stack.exim.mx(), &As::Outside(ip), "", &[&token], mail).unwrap();
        assert_eq!(reply.code, 250, "{reply}");
    };
    let complained = |house: &House| {
        let shown = members(&house.stack, LIST);
        shown.lines().find(|line| line.contains("complaint at her provider")).map(str::to_owned)
    };
    says(&house, school::FORGER_IP, &complaint(STAFF, &token));
    let customers = dkim::sign_as_provider(&complaint(school::JOERG.1, &token)).unwrap();
    says(&house, school::PROVIDER_IP, &customers);
    wait_bounces(&house.stack, (2, 0));
    house.wait_returned("feedback", 2);
    assert_eq!(complained(&house), None);

    // The days' one letter about those may be written at any time; this one is another.
    let reported =
        |house: &House| with_subject(house.told(), "Als Spam gemeldet").into_iter().next();
    assert_eq!(reported(&house), None);
    says(&house, school::PROVIDER_IP, &dkim::sign_as_provider(&complaint(STAFF, &token)).unwrap());
    wait::until_true("her mute", wait::MAIL, || complained(&house).is_some()).unwrap();
    let line = complained(&house).unwrap();
    assert!(line.contains(UTE), "{line}");
    wait::until_true("a letter", wait::MAIL, || reported(&house).is_some()).unwrap();
    let text = plain(&reported(&house).unwrap());
    let resume = format!("listctl member resume {UTE}");
    assert!(text.contains(&resume) && text.contains("post.example"), "{text}");
    assert!(!text.contains("Ausflug"), "which mail it was nobody is told: {text}");

    house.morning();
    let id = house.post();
    house.stack.dovecot.wait_for(school::ZOE.0, &id).unwrap();
    let trace = || house.stack.listd.listctl(&["trace", &id]).unwrap();
    let hers = || trace().lines().any(|line| line.contains(UTE) && line.contains("not sent"));
    let told = wait::until_true("the trace to say why", wait::MAIL, hers);
    assert!(told.is_ok(), "{}", trace());
    house.stack.listd.listctl(&["member", "resume", UTE]).unwrap();
    assert_eq!(complained(&house), None);
    house.morning();
    house.copy(&house.post());
    let author = house.stack.dovecot.inbox(school::JOERG.0).unwrap();
    let letters = author.iter().filter(|mail| !mail::header(mail, "Auto-Submitted").is_empty());
    assert_eq!(letters.count(), 0);
}
