//! What somebody hears who may not write.

use listcore::list::ListId;
use listcore::list::settings::Key;

use crate::pipeline::testing::{School, letter};

/// Everybody's address in the directory of the tests.
const PEOPLE: [&str; 3] = ["anna@home.example", "bert@home.example", "left@home.example"];

fn set(school: &School, key: Key, values: &[&str]) {
    let list = ListId("00000000-0000-0000-0000-00000000005b".to_owned());
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    school.door.pipeline.members.set_override(&list, key, Some(&values));
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
