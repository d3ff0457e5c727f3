//! `kill -9` of listd at named moments, in both copy modes (promises 1 and 2): what had 250 reaches everybody, and
//! exactly those get it twice whose transaction was open or whose outcome was not committed.
//!
//! No moment is hit by luck: the sink holds a transaction where it is told to, and a foreign lock on the
//! database keeps commits from happening. Random moments are `t07_kill`'s.

use std::collections::HashMap;
use std::time::Duration;

use stack::listd::Listd;
use stack::sink::Point;
use stack::smtp::{Client, Reply, stuff};
use stack::{Solo, Stack, crowd, dkim, mail, school, wait};

const LIST: &str = "eltern";
const CONNECTIONS: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);
/// A negative: so long nothing more may happen.
const QUIET: Duration = Duration::from_millis(400);

/// How copies are made, and what promise 2 says of it.
#[derive(Clone, Copy, Debug)]
struct Mode {
    copies: &'static str,
    members: usize,
    /// Recipients of one transaction.
    unit: usize,
    /// Recipients per connection without a committed outcome, at most.
    open: usize,
}

const MODES: [Mode; 2] = [
    Mode { copies: "personal", members: 60, unit: 1, open: 8 },
    Mode { copies: "shared", members: 600, unit: 100, open: 100 },
];

struct House {
    solo: Solo,
    mode: Mode,
}

impl House {
    fn start(mode: Mode) -> House {
        let ldif = crowd::directory(&[(LIST, mode.members)]);
        let solo = Solo::prepare(&ldif, |s| s.list = format!("copies = \"{}\"\n", mode.copies));
        let mut house = House { solo: solo.unwrap().watched(), mode };
        house.restart();
        house
    }

    fn restart(&mut self) {
        self.solo.listd.start_knowing(&crowd::address(LIST)).unwrap();
    }

    /// A transaction up to the 354.
    fn open_data(&self) -> Client {
        let job = letter();
        let mut client = Client::connect(self.solo.listd.lmtp()).unwrap();
        client.hello("LHLO", "client.example").unwrap();
        client.say(&format!("MAIL FROM:<{}>", job.from)).unwrap().expect(250).unwrap();
        client.say(&format!("RCPT TO:<{}>", job.to[0])).unwrap().expect(250).unwrap();
        client.say("DATA").unwrap().expect(354).unwrap();
        client
    }

    fn deliver(&self) {
        let mut client = self.open_data();
        client.write(&stuff(&letter().mail)).unwrap();
        client.reply().unwrap().expect(250).unwrap();
    }

    /// Until everybody has the mail and listd has nothing left to do; how many have it twice.
    fn twice(&self) -> usize {
        let all = self.mode.members;
        wait::until(&format!("{:?}: nobody to wait", self.mode), LIMIT, || {
            let waiting = self.solo.listd.status("/queue/recipients_waiting")?;
            let deferred = self.solo.listd.status("/queue/recipients_deferred")?;
            Ok((waiting + deferred == 0 && self.solo.sink.counts().len() == all).then_some(()))
        })
        .unwrap();
        let counts = self.solo.sink.counts();
        assert!(counts.values().all(|n| *n <= 2), "{:?}: {counts:?}", self.mode);
        counts.values().filter(|n| **n == 2).count()
    }

    /// As many transactions as are open at a time when the relay answers none.
    fn open_units(&self) -> usize {
        CONNECTIONS.min(self.mode.members / self.mode.unit)
    }
}

fn letter() -> stack::load::Job {
    crowd::job(LIST, "phase@gmx.example", 3000)
}

/// Tells the story in both modes.
fn in_both_modes(story: impl Fn(House)) {
    MODES.into_iter().for_each(|mode| story(House::start(mode)));
}

#[test]
fn in_the_middle_of_data_nothing_was_taken() {
    in_both_modes(|mut house| {
        let mut client = house.open_data();
        let bytes = stuff(&letter().mail);
        client.write(&bytes[..bytes.len() / 2]).unwrap();
        house.solo.listd.kill();
        assert!(client.reply().is_err(), "nobody said 250");
        house.restart();
        assert_eq!(house.solo.listd.status("/queue/mails").unwrap(), 0);
        house.deliver();
        assert_eq!(house.twice(), 0);
    });
}

#[test]
fn after_the_final_dot_and_before_the_commit_nothing_was_taken() {
    in_both_modes(|mut house| {
        let mut client = house.open_data();
        let lock = house.solo.listd.block_commits().unwrap();
        client.write(&stuff(&letter().mail)).unwrap();
        let taken = || house.solo.sink.recipients();
        wait::stays("copies without a commit", QUIET, taken).unwrap();
        house.solo.listd.kill();
        assert!(client.reply().is_err(), "250 comes after the commit");
        drop(lock);
        house.restart();
        house.deliver();
        assert_eq!(house.twice(), 0);
    });
}

#[test]
fn after_the_commit_and_before_the_reply_is_read_the_retry_is_a_duplicate() {
    in_both_modes(|mut house| {
        let mut client = house.open_data();
        client.write(&stuff(&letter().mail)).unwrap();
        // Copies go out, so it was durable; we never look at the reply.
        house.solo.sink.wait_for(1, LIMIT).unwrap();
        house.solo.listd.kill();
        house.restart();
        let repeated = house.twice();
        assert!(repeated <= CONNECTIONS * house.mode.open, "{repeated} twice");
        let before = house.solo.sink.recipients();
        house.deliver();
        let sent = || house.solo.sink.recipients();
        wait::stays("copies of a duplicate", QUIET, sent).unwrap();
        assert_eq!(sent(), before, "a retry is answered 250 and not distributed");
    });
}

#[test]
fn right_after_the_final_dot_it_is_the_one_or_the_other() {
    in_both_modes(|mut house| {
        let mut client = house.open_data();
        client.write(&stuff(&letter().mail)).unwrap();
        house.solo.listd.kill();
        drop(client);
        house.restart();
        // Durable or not: the client, who knows nothing, tries again.
        house.deliver();
        let repeated = house.twice();
        assert!(repeated <= CONNECTIONS * house.mode.open, "{repeated} twice");
    });
}

#[test]
fn after_250_with_the_relay_down() {
    in_both_modes(|mut house| {
        house.solo.sink.close();
        house.deliver();
        house.solo.listd.kill();
        house.solo.sink.open().unwrap();
        house.restart();
        assert_eq!(house.twice(), 0);
    });
}

#[test]
fn in_a_relay_transaction_that_the_relay_never_took() {
    for point in [Point::Recipient, Point::Data] {
        in_both_modes(|mut house| {
            house.solo.sink.hold(point, 0);
            house.deliver();
            house.solo.sink.wait_held(house.open_units(), LIMIT).unwrap();
            house.solo.listd.kill();
            house.solo.sink.cut();
            house.restart();
            assert_eq!(house.twice(), 0, "{point:?}: the relay gave no 250 and kept nothing");
        });
    }
}

#[test]
fn after_the_relay_took_it_and_before_its_reply_the_open_transactions_repeat() {
    in_both_modes(|mut house| {
        // One transaction is through and committed; its recipients are never asked again.
        house.solo.sink.hold(Point::Reply, 1);
        house.deliver();
        house.solo.sink.wait_held(house.open_units(), LIMIT).unwrap();
        let left = (house.mode.members - house.mode.unit) as u64;
        wait::until_true("one committed outcome", LIMIT, || {
            house.solo.listd.status("/queue/recipients_waiting").is_ok_and(|n| n == left)
        })
        .unwrap();
        house.solo.listd.kill();
        house.solo.sink.cut();
        house.restart();
        assert_eq!(house.twice(), house.open_units() * house.mode.unit, "{:?}", house.mode);
    });
}

#[test]
fn with_outcomes_that_are_not_committed_no_more_than_promised_repeat() {
    in_both_modes(|mut house| {
        house.solo.sink.hold(Point::Recipient, 0);
        house.deliver();
        house.solo.sink.wait_held(CONNECTIONS, LIMIT).unwrap();
        let lock = house.solo.listd.block_commits().unwrap();
        house.solo.sink.let_go();
        // Every connection goes as far as it may without a commit, and waits.
        let allowed = CONNECTIONS * house.mode.open;
        house.solo.sink.wait_for(allowed as u64, LIMIT).unwrap();
        let sent = || house.solo.sink.recipients();
        wait::stays("copies without committed outcomes", QUIET, sent).unwrap();
        assert_eq!(sent(), allowed as u64, "{:?}", house.mode);
        house.solo.listd.kill();
        drop(lock);
        house.restart();
        assert_eq!(house.twice(), allowed, "{:?}", house.mode);
    });
}

#[test]
fn during_the_start_twice_in_a_row_and_once_more() {
    in_both_modes(|mut house| {
        house.solo.sink.close();
        house.deliver();
        house.solo.listd.kill();
        for mark in ["", "listening", "ready"] {
            let seen = house.solo.listd.output().len();
            house.solo.listd.spawn().unwrap();
            wait::until_true(&format!("{mark:?} in the log"), wait::START, || {
                house.solo.listd.output()[seen..].contains(mark)
            })
            .unwrap();
            house.solo.listd.kill();
        }
        house.solo.sink.open().unwrap();
        house.restart();
        assert_eq!(house.twice(), 0);
    });
}

#[test]
fn while_it_stops_on_sigterm() {
    in_both_modes(|mut house| {
        house.solo.sink.hold(Point::Reply, 0);
        house.deliver();
        house.solo.sink.wait_held(house.open_units(), LIMIT).unwrap();
        // Half a mail is on its way in as well; it got no 250.
        let mut half = house.open_data();
        half.write(b"Subject: half\r\n").unwrap();
        house.solo.listd.signal("TERM");
        wait::until_true("listd to stop", LIMIT, || house.solo.listd.output().contains("stopping"))
            .unwrap();
        assert!(house.solo.listd.is_running(), "it waits for the relay");
        house.solo.listd.kill();
        assert!(half.reply().is_ok_and(|r| r.code == 421) || half.reply().is_err());
        house.solo.sink.cut();
        house.restart();
        assert_eq!(house.twice(), house.open_units() * house.mode.unit, "{:?}", house.mode);
    });
}

#[test]
fn while_a_directory_file_is_read_anew() {
    in_both_modes(|mut house| {
        let more = house.mode.members + 20;
        let file = house.solo.dir().join("crowd.ldif");
        std::fs::write(&file, crowd::directory(&[(LIST, more)])).unwrap();
        house.solo.listd.kill();
        house.restart();
        house.mode.members = more;
        house.deliver();
        assert_eq!(house.twice(), 0);
    });
}

fn hand_over(listd: &Listd, id: &str) -> Reply {
    let letter = mail::text(school::JOERG.1, school::CLASS_5B, "Hallo", id, "Hallo");
    let letter = dkim::sign_as_provider(&letter).unwrap();
    let to = [school::CLASS_5B];
    stack::smtp::deliver(listd.lmtp(), school::JOERG.1, &to, &letter).unwrap().remove(0)
}

#[test]
fn while_a_change_of_the_directory_is_being_stored() {
    let mut stack = Stack::builder().relay_is_sink().start().unwrap();
    let (newcomer, address) = school::STRANGER;
    let knows = |stack: &Stack, who: &str| {
        wait::until_true(&format!("listd to know {who}"), wait::START, || {
            let members = stack.listd.listctl(&["--json", "list", "members", school::CLASS_5B]);
            members.is_ok_and(|m| m.contains(who))
        })
        .unwrap();
    };
    // She is known, and the commit that would remember her can not happen.
    let lock = stack.listd.block_commits().unwrap();
    stack.ldap.membership("klasse-5b", newcomer, true).unwrap();
    knows(&stack, address);
    stack.listd.kill();
    drop(lock);
    // What was stored before is whole: with the directory down the list is still known.
    stack.ldap.kill();
    stack.listd.start().unwrap();
    knows(&stack, school::AYSE.1);
    stack.ldap.restart().unwrap();
    // And the cookie is as old as the entries: the change comes again.
    knows(&stack, address);
    wait::until("the mail to be taken", wait::MAIL, || {
        hand_over(&stack.listd, "gemerkt@post.example").expect(250).map(Some)
    })
    .unwrap();
    let all = school::CLASS_5B_RECIPIENTS + 1;
    stack.sink.wait_for(all as u64, LIMIT).unwrap();
    let counts: HashMap<String, usize> = stack.sink.counts();
    assert!(counts.len() == all && counts.values().all(|n| *n == 1), "{counts:?}");
}
