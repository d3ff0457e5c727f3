//! What somebody hears who may not write.

use bytes::Bytes;
use listcore::address::Address;
use listcore::hold::Reason;
use listcore::list::ListId;
use listcore::list::settings::Key;

use crate::members::Lookup;
use crate::pipeline::testing::{School, letter};

/// Everybody's address in the directory of the tests.
const PEOPLE: [&str; 3] = ["anna@home.example", "bert@home.example", "left@home.example"];

fn set(school: &School, key: Key, values: &[&str]) {
    let list = ListId("00000000-0000-0000-0000-00000000005b".to_owned());
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    school.door.pipeline.members.set_override(&list, key, Some(&values));
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// What a stranger hears who logged in as nobody, or as Anna does.
async fn hears(school: &School, mail: &str) -> String {
    let sent = school.send("<eve@away.example>", &["5b@schule.example"], mail.as_bytes()).await;
    sent.last().cloned().unwrap()
}

/// Who may write is named by title, a person not at all, and nobody's address is told (promise 7).
#[tokio::test]
async fn refusals_say_who_may_write_and_tell_no_address() {
    let school = School::new();
    let anna = letter("1@x", "1");
    let eve = anna.replace("Anna <anna@home.example>", "eve@away.example");
    set(&school, Key::Unverified, &["accept"]);
    let cases: [(&[&str], &str, &str); 6] = [
        (&["members"], &eve, "Nur Mitglieder von Klasse 5b duerfen hier schreiben"),
        (&["owners"], &anna, "Nur die Verantwortlichen von Klasse 5b duerfen hier schreiben"),
        (&["cn=foreign,dc=x"], &anna, "An Klasse 5b duerfen nur schreiben: \"foreign\""),
        (&["cn=5b,dc=x", "people"], &eve, "\"Klasse 5b\", Angehoerige der Schule"),
        (&["uid=bert,dc=x"], &anna, "Nur bestimmte Personen duerfen an Klasse 5b schreiben"),
        (&["cn=nobody,dc=x"], &eve, "Nur bestimmte Personen duerfen an Klasse 5b schreiben"),
    ];
    for (post, mail, expect) in cases {
        set(&school, Key::Post, post);
        let heard = hears(&school, mail).await;
        assert!(heard.starts_with("550 5.7.1 ") && heard.contains(expect), "{post:?}: {heard}");
        assert!(heard.contains("5b-owner@schule.example"), "what to do: {heard}");
        assert!(!PEOPLE.iter().any(|address| heard.contains(address)), "{heard}");
        assert!(!heard.to_lowercase().contains("bert"), "{heard}");
    }
    set(&school, Key::Unverified, &["reject"]);
    let login = anna.replace("smtp.auth=anna", "smtp.auth=bert");
    let heard = hears(&school, &login).await;
    assert!(heard.contains("Anmeldung und Absenderadresse"), "{heard}");
    assert!(!PEOPLE.iter().any(|address| heard.contains(address)), "{heard}");
}

/// What `listctl simulate` says of a mail: by which rule, why it would wait, and what decides it, for each kind of answer.
#[tokio::test]
async fn a_trial_names_the_rule_and_the_setting() {
    let anna = letter("1@x", "1");
    let eve = anna.replace("Anna <anna@home.example>", "eve@away.example");
    let big = letter("1@x", &"Hallo\r\n".repeat(1_000));
    let two = anna.replace("Anna <anna@home.example>", "anna@home.example, eve@away.example");
    type Case<'a> = (&'a [(Key, &'a str)], &'a str, bool, &'a str, Option<Reason>, Option<Key>);
    let cases: [Case<'_>; 8] = [
        (&[], &anna, true, "allowed", None, None),
        (
            &[(Key::Moderation, "all")],
            &anna,
            true,
            "moderation",
            Some(Reason::Moderated),
            Some(Key::Moderation),
        ),
        (
            &[(Key::Emergency, "true")],
            &anna,
            true,
            "emergency",
            Some(Reason::Emergency),
            Some(Key::Emergency),
        ),
        (&[], &eve, true, "post", None, Some(Key::Post)),
        (&[(Key::Nonmembers, "discard")], &eve, true, "post", None, Some(Key::Nonmembers)),
        (&[(Key::MaxSize, "1 kB")], &big, true, "size", None, Some(Key::MaxSize)),
        (&[(Key::Unverified, "reject")], &eve, false, "author (", None, Some(Key::Unverified)),
        (&[], &two, true, "malformed", None, None),
    ];
    for (settings, mail, supposed, rule, waits, setting) in cases {
        let school = School::new();
        settings.iter().for_each(|(key, value)| set(&school, *key, &[value]));
        let pipeline = &school.door.pipeline;
        let Lookup::List(list) = pipeline.members.lookup(&address("5b@schule.example")) else {
            panic!("no list")
        };
        let trial = pipeline.trial(list, Bytes::from(mail.to_owned()), supposed).await;
        let shown = (&trial.rule, trial.waits, trial.setting);
        assert!(trial.rule.starts_with(rule), "{settings:?}: {shown:?}");
        assert_eq!((trial.waits, trial.setting), (waits, setting), "{settings:?}: {shown:?}");
    }
}
