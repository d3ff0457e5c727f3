//! The real `listctl` asks the real control room, behind which the other rooms are played.

use std::path::Path;

use crate::played::{Daemon, ctl};

/// What each command prints into a pipe, and its exit code.
#[test]
fn every_question_has_its_answer_and_exit_code() {
    let daemon = Daemon::start();
    let cases: [(&[&str], i32, &[&str]); 43] = [
        (
            &["status"],
            1,
            &[
                "ALARM: the membership is too old",
                "directory: connection refused",
                "3 lists, 5 groups, 60 people",
                "(1 h 0 min ago)",
                "note: [web] comes later",
                "warning: directory: cn=copy10: two",
                "2 more; listctl --json",
            ],
        ),
        (&["lists"], 0, &["klasse-5b@schule.example", "Klasse 5b"]),
        (
            &["list", "show", "klasse-5b"],
            0,
            &[
                "5b@schule.example",
                "Ayşe Yılmaz <yilmaz@mail.example>",
                "unverified",
                "confirm",
                "10000 kB",
                "domain",
                "the strictest of all sources",
                "fdGroupMailLocalOnly",
                "- listPost \"x\\u{202e}\" makes no sense",
            ],
        ),
        (
            &["list", "set", "klasse-5b", "subject_tag", "[5b]"],
            0,
            &["klasse-5b@schule.example: subject_tag is \"[5b]\" now, from listctl"],
        ),
        (&["list", "set", "klasse-5b", "post", "a b", "c"], 0, &["post is members now"]),
        (&["list", "unset", "klasse-5b", "subject_tag"], 0, &["is \"\" now, from LDAP entry"]),
        (&["list", "set", "klasse-5b", "post"], 2, &[]),
        (
            &["list", "members", "klasse-5b"],
            0,
            &[
                "yilmaz@mail.example",
                "2 protected people (not shown; --reason TEXT shows who, and is logged)",
                "3 get the mail of",
                "the account is inactive",
                "without mail (2)",
                "a protected person (not shown",
            ],
        ),
        (
            &["list", "members", "klasse-5b"],
            0,
            &["Admitted beside the directory (1)", "oma@gmx.example", "a.lehrer@schule.example"],
        ),
        (
            &["member", "admit", "klasse-5b", "oma@gmx.example", "--name", "Erna"],
            0,
            &["oma@gmx.example is on klasse-5b now, beside the directory"],
        ),
        (
            &["member", "dismiss", "klasse-5b", "oma@gmx.example"],
            0,
            &["is not on klasse-5b any more"],
        ),
        (&["list", "members", "klasse-5b", "--reason", "wer fragt?"], 0, &["1 get the mail of"]),
        (&["--reason", " ", "list", "members", "klasse-5b"], 2, &["this is no reason"]),
        (&["list", "show", "klasse-5b"], 0, &["<yilmaz@mail.example>, a protected person"]),
        (&["directory", "diff"], 0, &["-  a protected person"]),
        (
            &["list", "members", "klasse-6z"],
            1,
            &["there is no list \"klasse-6z\"", "listctl lists shows all"],
        ),
        (&["queue"], 0, &["42", "2026-01-01 00:02:00+00:00"]),
        (
            &["queue", "show", "42"],
            0,
            &[
                "deferred, try 2",
                "\\u{1b}[2J",
                "250 OK (queue id 1vMabc-0001)",
                "her own server",
                "554 blocked [mx00.t-online.de]",
                "1 delivered, 1 deferred",
                "(a protected person)",
            ],
        ),
        (&["queue", "show", "43"], 1, &["no such mail"]),
        (&["queue", "show", "x"], 2, &["\"x\" is no id"]),
        (&["queue"], 0, &["paused, 31 of 90 refuse it: t-online.de says 554 blocked"]),
        (
            &["queue", "show", "42"],
            0,
            &["t-online.de (28, policy): 554", "listctl queue resume 42"],
        ),
        (&["queue", "resume", "42"], 0, &["59 copies go on"]),
        (&["queue", "cancel", "42"], 0, &["59 copies are not sent", "3 people"]),
        (&["bounces", "show", "12", "--reason", "T-Online"], 0, &["Subject: Hm", "what?"]),
        (&["queue", "retry", "42"], 0, &["1 copies are tried again"]),
        (&["queue", "retry", "--all"], 0, &["9 copies are tried again"]),
        (
            &["held"],
            0,
            &["7", "(a protected person)", "its moderators", "nonmember", "--limit", "2026-01-15"],
        ),
        (&["held", "klasse-5b", "--limit", "1", "--reason", "wer?"], 0, &["Kuchen", "fremd@evil"]),
        (&["held", "klasse-6z"], 1, &["there is no list"]),
        (
            &["held", "show", "7"],
            0,
            &["(not shown: a protected person", "yes: a DKIM signature", "is not on the list"],
        ),
        (
            &["held", "show", "7", "--reason", "wer?"],
            0,
            &["> Hallo\n> \\u{1b}[2Jzusammen", "1000 octets", "mx [192.0.2.1] by LMTP"],
        ),
        (&["held", "show", "x"], 2, &["\"x\" is no id of a held mail"]),
        (
            &["held", "reject", "7", "--text", "nein"],
            0,
            &["7 to klasse-5b@schule.example: rejected by lehrer@schule.example (nein)"],
        ),
        (&["held", "accept", "7", "8"], 1, &["8 to klasse-5b@schule.example: decided before"]),
        (&["spam", "<a@b.example>"], 0, &["<a@b.example>: rspamd learned it as spam.\n"]),
        (&["ham", "a@b.example"], 0, &["learned it as ham before.\n"]),
        (&["ham", "b@b.example"], 1, &["it is no longer kept", "rspamc learn_spam"]),
        (&["trace", "waits@b.example"], 0, &["its moderators", "Kuchen"]),
        (&["trace", "refused@b.example"], 0, &["fremd@evil.example", "550 5.7.1 only members"]),
        (&["trace", "<none@b.example>"], 1, &["nothing is known of <none@b.example>"]),
        (&["providers"], 0, &["t-online.de  3", "2 (2 other)  40 (40 policy)  554 IP=192.0.2.1"]),
        (&["dkim", "show", "schule.example"], 1, &["listctl dkim keygen schule.example"]),
    ];
    for (args, code, parts) in cases {
        let ran = daemon.ctl(args);
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        let said = format!("{}{}", ran.out, ran.err);
        for part in parts {
            assert!(said.contains(part), "{part:?} in {args:?}: {said}");
        }
        assert!(!said.contains('\u{1b}'), "no escape sequence: {said:?}");
    }
}

#[test]
fn a_message_id_is_known_with_and_without_brackets() {
    let daemon = Daemon::start();
    let (with, without) =
        (daemon.ctl(&["trace", "<a@b.example>"]), daemon.ctl(&["trace", "a@b.example"]));
    assert_eq!((with.code, without.code), (0, 0));
    assert_eq!(with.out, without.out);
    assert!(with.out.contains("yilmaz@mail.example"), "{}", with.out);
}

/// `--json` works in front of and behind the command, for every command that shows something.
#[test]
fn every_answer_is_json_too() {
    let daemon = Daemon::start();
    let commands: [&[&str]; 11] = [
        &["held"],
        &["held", "show", "7"],
        &["status"],
        &["lists"],
        &["list", "show", "klasse-5b"],
        &["list", "members", "klasse-5b"],
        &["queue"],
        &["queue", "show", "42"],
        &["queue", "retry", "--all"],
        &["trace", "a@b.example"],
        &["exim-config"],
    ];
    for command in commands {
        let before: Vec<&str> = [&["--json"], command].concat();
        let behind: Vec<&str> = [command, &["--json"]].concat();
        let (before, behind) = (daemon.ctl(&before), daemon.ctl(&behind));
        assert_eq!(before.out, behind.out, "{command:?}");
        let json: serde_json::Value = serde_json::from_str(&before.out)
            .unwrap_or_else(|e| panic!("{command:?}: {e}: {before:?}"));
        assert!(json.is_object() || json.is_array(), "{command:?}");
    }
}

#[test]
fn a_simulation_says_yes_or_no_and_writes_the_copies() {
    let daemon = Daemon::start();
    let out = daemon.folder.path().join("new/copies");
    let out_text = out.display().to_string();
    let mail = "From: anna@schule.example\r\n\r\nHallo";
    let args = ["simulate", "klasse-5b", "--out", &out_text];
    let ran = ctl(&daemon.socket(), &args, mail);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in ["it would go out", "yilmaz@mail.example", "not to uid=alt", "1 copies are in"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert_eq!(std::fs::read_to_string(out.join("1.eml")).expect("a copy"), mail);

    let ran = ctl(&daemon.socket(), &["simulate", "klasse-5b", "--diff"], mail);
    let shown = "Changed in the copy for yilmaz@mail.example (de):\n- From: anna@schule.example\n";
    assert!(ran.code == 0 && ran.out.contains(shown), "{ran:?}");

    let ran = ctl(&daemon.socket(), &["simulate", "klasse-5b"], "From: fremd@x\r\n\r\n");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("it would not go out") && ran.out.contains("550 5.7.1 no"), "{ran:?}");
    assert!(ran.out.contains("post = members (from: LDAP entry)"), "{ran:?}");
    let ran = ctl(&daemon.socket(), &["--json", "simulate", "klasse-5b"], "From: fremd@x\r\n\r\n");
    let said: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let decisive = serde_json::json!({ "key": "post", "value": "members", "source": "ldap" });
    assert_eq!(said["setting"], decisive, "{ran:?}");

    let args = ["simulate", "klasse-5b", "--as-verified"];
    assert_eq!(ctl(&daemon.socket(), &args, "From: fremd@x\r\n\r\n").code, 0);

    let ran = ctl(&daemon.socket(), &["simulate", "klasse-5b"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no mail on standard input"), "{ran:?}");
}

/// An emergency ends with yes only where nothing else holds the mail.
#[test]
fn an_emergency_says_who_still_holds_mail() {
    let daemon = Daemon::start();
    let ask = |args: &[&str]| ctl(&daemon.socket(), args, "");
    let ran = ask(&["emergency", "on", "klasse-5b"]);
    assert!(
        ran.code == 0 && ran.out.contains("all mail waits (emergency, from listctl)"),
        "{ran:?}"
    );
    let ran = ask(&["emergency", "off", "klasse-5b"]);
    assert!(ran.code == 1 && ran.out.contains("from LDAP entry"), "{ran:?}");
    assert!(ran.out.contains("2 mails wait"), "{ran:?}");
    let ran = ask(&["emergency"]);
    assert!(ran.code == 0 && ran.out.contains("there is no emergency"), "{ran:?}");
    assert_eq!(ask(&["emergency", "on", "klasse-9z"]).code, 1);
}

#[test]
fn exim_is_configured_from_the_running_daemon() {
    let daemon = Daemon::start();
    let ran = daemon.ctl(&["exim-config"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("port = 2525") && !ran.out.contains("@@"), "{}", ran.out);
}

#[test]
fn a_daemon_that_is_not_there_is_told() {
    let ran = ctl(Path::new("/nonexistent/control.sock"), &["status"], "");
    assert_eq!(ran.code, 2);
    for part in ["/nonexistent/control.sock", "systemctl status listd", "--socket"] {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
    assert!(ran.out.is_empty());
}

#[test]
fn wrong_words_exit_2() {
    for args in [
        &["statuss"][..],
        &["queue", "retry"],
        &["queue", "retry", "1", "--all"],
        &["list"],
        &["queue", "--limit", "0"],
    ] {
        let ran = ctl(Path::new("/nonexistent"), args, "");
        assert_eq!(ran.code, 2, "{args:?}: {ran:?}");
        assert!(ran.err.contains("--help"), "{args:?}: {ran:?}");
    }
}
