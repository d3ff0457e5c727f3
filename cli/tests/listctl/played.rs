//! A daemon's control socket with played rooms behind it, and the real `listctl` in front.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use listcore::api;
use listcore::bounce::Class;
use listcore::bounce::brake::{ByProvider, Refusals};
use listcore::hold::{Choice, End};
use listcore::list::Settings;
use listcore::list::settings::{Key, Source};
use listcore::outcome::{Outcome, Reply};
use listcore::rewrite::Changes;
use listcore::time::Timestamp;
use listd::control::{Answer, Problem, Rooms, Sight, Wanted, bind, serve};
use tokio_util::sync::CancellationToken;

/// One list, `klasse-5b`, with one mail in the queue.
pub struct School;

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_767_225_600_000 + seconds * 1_000)
}

fn person() -> api::Person {
    api::Person {
        address: "yilmaz@mail.example".to_owned(),
        name: Some("Ayşe Yılmaz".to_owned()),
        language: Some("de".to_owned()),
    }
}

fn skipped() -> api::Skipped {
    api::Skipped {
        what: "uid=alt,ou=people,dc=x".to_owned(),
        why: "the account is inactive".to_owned(),
    }
}

fn is_5b(list: &str) -> Answer<()> {
    match list {
        "klasse-5b" | "klasse-5b@schule.example" => Ok(()),
        other => Err(Problem::not_found(
            format!("there is no list {other:?}"),
            "listctl lists shows all of them.",
        )),
    }
}

fn held() -> api::Held {
    api::Held {
        list: Some("klasse-5b@schule.example".to_owned()),
        title: "Klasse 5b".to_owned(),
        since: at(0),
        accepted: 20,
        now: 8,
        rejected: false,
        gone: false,
    }
}

fn post() -> api::Post {
    let deferred = Outcome::Deferred {
        at: at(60),
        attempts: 2,
        next: at(120),
        reply: Reply { code: 451, text: "4.3.0 later\u{1b}[2J".to_owned() },
    };
    let delivered = Outcome::Delivered {
        at: at(61),
        reply: Reply { code: 250, text: "OK".to_owned() },
        queue_id: Some("1vMabc-0001".to_owned()),
    };
    let by = vec![ByProvider {
        provider: "t-online.de".to_owned(),
        class: Class::Policy,
        count: 28,
        said: "554 blocked\u{1b}[2J".to_owned(),
    }];
    let refusals = Refusals { refused: 31, tried: 90, by };
    let line = api::PostLine {
        id: "42".to_owned(),
        list: "klasse-5b@schule.example".to_owned(),
        hidden_author: None,
        message_id: "a@b.example".to_owned(),
        accepted: at(0),
        expires: at(432_000),
        size: 4_096,
        counts: api::Counts { deferred: 1, delivered: 1, ..api::Counts::default() },
        next: Some(at(120)),
        reason: Some("451 4.3.0 later".to_owned()),
        braked: Some(api::Braked { at: at(62), refusals }),
    };
    let recipient = |address: &str, outcome| api::RecipientLine {
        address: Some(address.to_owned()),
        name: None,
        protected: false,
        last_mile: (address == "alt@mail.example").then(|| Outcome::Failed {
            at: at(90),
            reply: Reply { code: 554, text: "blocked [mx00.t-online.de]".to_owned() },
        }),
        digest: None,
        outcome,
    };
    let protected = api::RecipientLine {
        address: None,
        name: None,
        protected: true,
        outcome: Outcome::Waiting,
        last_mile: None,
        digest: None,
    };
    let recipients = vec![
        recipient("yilmaz@mail.example", deferred),
        recipient("alt@mail.example", delivered),
        protected,
    ];
    api::Post { line, recipients }
}

#[async_trait]
impl Rooms for School {
    async fn status(&self) -> Answer<api::Status> {
        let directory = api::DirectoryState {
            url: "ldap://127.0.0.1:389".to_owned(),
            mode: "refreshAndPersist".to_owned(),
            freshness: api::Freshness::Stale,
            as_of: Some(at(0)),
            people: 60,
            groups: 5,
            lists: 3,
            held: 0,
            last_error: Some("connection refused".to_owned()),
            warnings: (1..=12).map(|n| format!("cn=copy{n}: two lists have one address")).collect(),
        };
        Ok(api::Status {
            version: "0.1.0".to_owned(),
            hostname: "lists.schule.example".to_owned(),
            started: at(0),
            now: at(3_600),
            domains: vec!["schule.example".to_owned()],
            listening: vec![("lmtp".to_owned(), "127.0.0.1:2424".to_owned())],
            directory,
            queue: api::QueueState::default(),
            relay: api::RelayState::default(),
            later: vec!["[web] comes later: no pages".to_owned()],
        })
    }
    async fn lists(&self) -> Answer<Vec<api::ListLine>> {
        Ok(vec![api::ListLine {
            address: "klasse-5b@schule.example".to_owned(),
            name: "klasse-5b".to_owned(),
            description: "Klasse 5b".to_owned(),
            recipients: 1,
            skipped: 1,
            expires: None,
        }])
    }
    async fn list(&self, list: &str, _sight: Sight) -> Answer<api::ListDetail> {
        is_5b(list)?;
        Ok(api::ListDetail {
            id: "0f0e".to_owned(),
            dn: "cn=klasse-5b,dc=x".to_owned(),
            address: "klasse-5b@schule.example".to_owned(),
            aliases: vec!["5b@schule.example".to_owned()],
            name: "klasse-5b".to_owned(),
            description: "Klasse 5b".to_owned(),
            settings: Settings::default(),
            expires: None,
            sources: [(Key::MaxSize, Source::Domain), (Key::Post, Source::Strictest)].into(),
            local_only: true,
            problems: vec!["listPost \"x\u{202e}\" makes no sense".to_owned()],
            owners: vec![person()],
            owners_protected: 1,
            recipients: 1,
            skipped: 1,
        })
    }
    async fn set(&self, ask: api::Set) -> Answer<api::ListDetail> {
        let mut list = self.list(&ask.list, Sight::Veiled).await?;
        let source = if ask.value.is_some() { Source::Listctl } else { Source::Ldap };
        list.sources.insert(Key::SubjectTag, source);
        list.settings.subject_tag = ask.value.unwrap_or_default().join("|");
        Ok(list)
    }
    async fn members(&self, list: &str, sight: Sight) -> Answer<api::Members> {
        is_5b(list)?;
        let list = "klasse-5b@schule.example".to_owned();
        let veiled = sight == Sight::Veiled;
        Ok(api::Members {
            list,
            recipients: vec![person()],
            skipped: vec![skipped()],
            recipients_protected: if veiled { 2 } else { 0 },
            skipped_protected: if veiled { 1 } else { 0 },
            admitted: vec![api::Admitted {
                address: "oma@gmx.example".to_owned(),
                by: "a.lehrer@schule.example".to_owned(),
                at: Timestamp(1_795_309_323_000),
                in_directory: false,
            }],
            digests: vec![api::Gathers {
                address: "yilmaz@mail.example".to_owned(),
                period: "weekly".to_owned(),
            }],
        })
    }
    async fn queue(&self, _limit: usize, _sight: Sight) -> Answer<api::Queue> {
        Ok(api::Queue { posts: vec![post().line], more: false })
    }
    async fn post(&self, id: u64, _sight: Sight) -> Answer<api::Post> {
        if id == 42 { Ok(post()) } else { Err(Problem::not_found("no such mail", "listctl queue")) }
    }
    async fn admit(&self, ask: api::Admit, _: &str) -> Answer<api::Changed> {
        Ok(api::Changed { list: ask.list, address: ask.address })
    }

    async fn dismiss(&self, ask: api::Dismiss, _: &str) -> Answer<api::Changed> {
        Ok(api::Changed { list: ask.list, address: ask.address })
    }

    async fn resume(&self, address: &str, _: &str) -> Answer<api::Resumed> {
        let domains = vec!["schule.example".to_owned()];
        Ok(api::Resumed { address: address.to_owned(), domains })
    }

    async fn retry(&self, id: Option<u64>) -> Answer<api::Retried> {
        Ok(api::Retried { recipients: if id.is_some() { 1 } else { 9 } })
    }
    async fn release(&self, id: u64, _who: &str) -> Answer<api::Released> {
        assert_eq!(id, 42);
        Ok(api::Released { recipients: 59 })
    }
    async fn cancel(&self, id: u64, _who: &str) -> Answer<api::Cancelled> {
        assert_eq!(id, 42);
        Ok(api::Cancelled { copies: 59, digests: 3 })
    }
    async fn strange(&self, number: u64, sight: Sight) -> Answer<api::StrangeMail> {
        assert_eq!((number, sight), (12, Sight::Whole));
        Ok(api::StrangeMail { mail: "Subject: Hm\n\nwhat?\n".to_owned() })
    }
    async fn held(
        &self,
        list: Option<&str>,
        _limit: usize,
        sight: Sight,
    ) -> Answer<api::HeldMails> {
        is_5b(list.unwrap_or("klasse-5b"))?;
        Ok(api::HeldMails { mails: vec![held_mail(sight)], more: true })
    }
    async fn held_mail(&self, id: u64, sight: Sight) -> Answer<api::HeldDetail> {
        if id != 7 {
            return Err(Problem::not_found("there is no held mail", "listctl held"));
        }
        Ok(api::HeldDetail {
            mail: held_mail(sight),
            recipient: "klasse-5b@schule.example".to_owned(),
            came_from: "mx [192.0.2.1] by LMTP".to_owned(),
            text: (sight == Sight::Whole).then(|| "Hallo\n\u{1b}[2Jzusammen".to_owned()),
        })
    }
    async fn decide(&self, id: u64, choice: &Choice, _who: &str) -> Answer<api::Decided> {
        let end = match choice {
            Choice::Reject(why) => End::Rejected(why.clone()),
            _ => End::Accepted,
        };
        let ended = Some(api::Ending { end, by: "lehrer@schule.example".to_owned(), at: at(60) });
        let mail = api::HeldMail { ended, id: id.to_string(), ..held_mail(Sight::Whole) };
        Ok(api::Decided { yours: id == 7, mail })
    }
    async fn learn(&self, message_id: &str, spam: bool, _who: &str) -> Answer<api::Learned> {
        match message_id {
            "a@b.example" => {
                let message_id = message_id.to_owned();
                Ok(api::Learned { message_id, spam, known: !spam })
            }
            _ => Err(Problem::not_found("it is no longer kept", "rspamc learn_spam")),
        }
    }
    async fn trace(&self, message_id: &str, _sight: Sight) -> Answer<api::Trace> {
        let event = api::Event {
            at: at(5),
            recipient: "klasse-5b@schule.example".to_owned(),
            author: Some("fremd@evil.example".to_owned()),
            what: "refused".to_owned(),
            why: "550 5.7.1 only members may write here".to_owned(),
        };
        let (posts, events) = match message_id {
            "a@b.example" => (vec![post()], Vec::new()),
            "refused@b.example" => (Vec::new(), vec![event]),
            _ => (Vec::new(), Vec::new()),
        };
        let waits = message_id == "waits@b.example";
        let held = waits.then(|| held_mail(Sight::Whole)).into_iter().collect();
        Ok(api::Trace { message_id: message_id.to_owned(), posts, held, events })
    }
    async fn simulate(&self, list: &str, mail: Bytes, wanted: Wanted) -> Answer<api::Simulation> {
        is_5b(list)?;
        let accepted = wanted.as_verified || !mail.starts_with(b"From: fremd");
        let changes = api::SimulatedChanges {
            diff: "- From: anna@schule.example\n~ body: footer\n".to_owned(),
            record: Changes::of(&mail),
        };
        let copy = api::SimulatedCopy {
            sender: "klasse-5b-bounces@schule.example".to_owned(),
            to: vec!["yilmaz@mail.example".to_owned()],
            language: "de".to_owned(),
            plain: false,
            changes: wanted.diff.then_some(changes),
            mail: data_encoding::BASE64.encode(&mail),
        };
        Ok(api::Simulation {
            list: list.to_owned(),
            accepted,
            rule: "post".to_owned(),
            waits: None,
            setting: (!accepted).then(|| api::Decisive {
                key: Key::Post,
                value: "members".to_owned(),
                source: Some(Source::Ldap),
            }),
            reply: if accepted { "250 2.0.0 ok" } else { "550 5.7.1 no" }.to_owned(),
            author: "verified by DKIM".to_owned(),
            scan: String::new(),
            notes: Vec::new(),
            recipients: vec![person()],
            skipped: vec![skipped()],
            recipients_protected: 1,
            skipped_protected: 0,
            copies: if (wanted.copies || wanted.diff) && accepted {
                vec![copy]
            } else {
                Vec::new()
            },
            copies_left_out: 0,
        })
    }
    async fn stopped(&self) -> Answer<api::Stopped> {
        Ok(api::Stopped { lists: Vec::new(), waiting: 0 })
    }
    /// The list's entry holds its mail, whatever is asked.
    async fn emergency(&self, ask: api::Emergency, _who: &str) -> Answer<api::Stopped> {
        is_5b(&ask.place)?;
        let source = if ask.on { Source::Listctl } else { Source::Ldap };
        let lists = vec![("klasse-5b@schule.example".to_owned(), Some(source))];
        Ok(api::Stopped { lists, waiting: 2 })
    }
    async fn dkim(&self, _domain: Option<&str>) -> Answer<Vec<api::DkimRecord>> {
        Ok(Vec::new())
    }
    async fn directory(&self) -> Answer<api::DirectoryDetail> {
        let state = self.status().await?.directory;
        Ok(api::DirectoryDetail { state, now: at(100), csn: None, held: vec![held()] })
    }

    async fn directory_diff(
        &self,
        list: Option<&str>,
        _sight: Sight,
    ) -> Answer<Vec<api::Difference>> {
        is_5b(list.unwrap_or("klasse-5b"))?;
        let list = Some("klasse-5b@schule.example".to_owned());
        let (went, came) = (vec![person()], vec![]);
        Ok(vec![api::Difference {
            list,
            held_since: Some(at(0)),
            accepted: 2,
            now: 1,
            went,
            came,
            went_protected: 1,
            came_protected: 0,
        }])
    }

    async fn directory_accept(&self, list: Option<&str>, _who: &str) -> Answer<Vec<api::Held>> {
        is_5b(list.unwrap_or("klasse-5b"))?;
        Ok(vec![held()])
    }

    async fn directory_reject(&self, _who: &str) -> Answer<Vec<api::Held>> {
        Ok(vec![held()])
    }

    async fn providers(&self, _days: u16) -> Answer<api::Providers> {
        let count = |why: &str, n| [(why.to_owned(), n)].into_iter().collect();
        let telekom = api::Provider {
            name: "t-online.de".to_owned(),
            accepted: 3,
            deferred: count("other", 2),
            refused: count("policy", 40),
            words: Some("554 IP=192.0.2.1 - A problem occurred. (BL)".to_owned()),
        };
        Ok(api::Providers { since: at(0), followed: true, providers: vec![telekom] })
    }
    async fn facts(&self) -> Answer<api::Facts> {
        Ok(api::Facts {
            hostname: "lists.schule.example".to_owned(),
            domains: vec!["schule.example".to_owned()],
            lmtp_listen: vec!["127.0.0.1:2424".to_owned()],
            smtp_listen: vec!["127.0.0.1:2525".to_owned()],
            trusted_authserv_id: vec!["mx.schule.example".to_owned()],
            relay: "127.0.0.1:10025".to_owned(),
            max_message_size: 25_000_000,
        })
    }
}

fn held_mail(sight: Sight) -> api::HeldMail {
    let veiled = sight == Sight::Veiled;
    let author = if veiled { api::PROTECTED } else { "fremd@evil.example" };
    api::HeldMail {
        id: "7".to_owned(),
        list: "klasse-5b@schule.example".to_owned(),
        message_id: "waits@b.example".to_owned(),
        author: Some(author.to_owned()),
        subject: (!veiled).then(|| "Kuchen".to_owned()),
        at: at(0),
        size: 1_000,
        reason: "nonmember".to_owned(),
        why: "the author is not on the list".to_owned(),
        waits_for: "moderator".to_owned(),
        verified: true,
        verification: "a DKIM signature of evil.example".to_owned(),
        verdict: "clean".to_owned(),
        expires: at(1_209_600),
        told: true,
        ended: None,
    }
}

/// A running control room in a folder of its own; gone when dropped.
pub struct Daemon {
    pub folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Daemon {
    pub fn start() -> Daemon {
        let folder = tempfile::tempdir().expect("folder");
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let listener = runtime.block_on(bind(&folder.path().join("c.sock"))).expect("bind");
        runtime.spawn(serve(listener, Arc::new(School), CancellationToken::new()));
        Daemon { folder, _runtime: runtime }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("c.sock")
    }

    /// Runs `listctl --socket ... ARGS`.
    pub fn ctl(&self, args: &[&str]) -> Ran {
        ctl(&self.socket(), args, "")
    }
}

/// What a run of `listctl` left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs the real `listctl` in UTC, with `input` on standard input.
pub fn ctl(socket: &Path, args: &[&str], input: &str) -> Ran {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_listctl"))
        .env("TZ", "UTC")
        .env_remove("LISTCTL_SOCKET")
        .arg("--socket")
        .arg(socket)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("listctl starts");
    // A command that reads no input may have ended already.
    let _ = child.stdin.take().expect("input").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("listctl ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}
