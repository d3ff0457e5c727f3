//! Every text exists in every language, and every refusal is one short line of ASCII.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Keys with the names of their variables, read from the source.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lines = source.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    let message = |line: &str| {
        let (key, text) = line.split_once(" = ").expect("key = text on one line");
        let variables =
            text.split("{ $").skip(1).map(|v| v.split(' ').next().expect("a name").to_owned());
        (key.to_owned(), variables.collect())
    };
    let mut found = BTreeMap::new();
    for (key, variables) in lines.map(message) {
        assert!(found.insert(key.clone(), variables).is_none(), "{key} stands there twice");
    }
    found
}

/// LM5 and part 3C: the same texts with the same variables in each language, and all of them parse.
#[test]
fn each_language_is_complete() {
    let english = messages(SOURCES[0].1);
    for &(language, source) in SOURCES {
        assert_eq!(messages(source), english, "{language}");
        assert!(FluentResource::try_new(source.to_owned()).is_ok(), "{language}");
        for key in english.keys() {
            assert_ne!(&word(language, key), key, "{language}");
        }
    }
}

fn all() -> Vec<Refusal> {
    vec![
        Refusal::Loop,
        Refusal::Hops(101),
        Refusal::Malformed(Malformed::HeaderTooBig(1)),
        Refusal::Malformed(Malformed::Twice("Subject")),
        Refusal::Malformed(Malformed::NoFrom),
        Refusal::Malformed(Malformed::BadFrom),
        Refusal::Malformed(Malformed::SeveralFrom),
        Refusal::Malformed(Malformed::BareLineEnd),
        Refusal::Malformed(Malformed::Nul),
        Refusal::TooBig { size: 10_400_001, limit: 10_000_000 },
        Refusal::Expired,
        Refusal::Unverified(Unproven::Nothing),
        Refusal::Unverified(Unproven::OtherLogin),
        Refusal::Unverified(Unproven::Forbidden),
        Refusal::NotAllowed(vec![]),
        Refusal::NotAllowed(vec![Posters::Members]),
        Refusal::NotAllowed(vec![Posters::People]),
        Refusal::NotAllowed(vec![Posters::Moderators]),
        Refusal::NotAllowed(vec![Posters::Group("cn=x".to_owned())]),
        Refusal::NotAllowed(vec![Posters::Group("Elternvertretung".to_owned()), Posters::Owners]),
        Refusal::NotAllowed(vec![Posters::Group("x".repeat(500)); 9]),
        Refusal::NotYet("moderation"),
        Refusal::UnknownList,
        Refusal::LongLineSigned,
        Refusal::Unsendable,
        Refusal::BadStructure,
        Refusal::AddressShown("Subject".to_owned()),
        Refusal::TooMany,
        Refusal::Virus(Some("Win.Test.EICAR_HDB-1".to_owned())),
        Refusal::Virus(None),
        Refusal::Spam,
        Refusal::Suspect,
        Refusal::Filter,
        Refusal::AttachmentSigned("Rechnung.pdf.exe".to_owned()),
    ]
}

/// LM5, X4: one line, ASCII, at most 400, every variable filled, whatever the list is called.
#[test]
fn a_refusal_is_one_short_line() {
    let long = Address::new(
        "l".repeat(64),
        &format!("{}.example", ["d".repeat(60), "e".repeat(60)].join(".")),
    )
    .expect("address");
    let short = Address::parse("klasse-5b@schule.example").expect("address");
    for refusal in all() {
        let codes = refusal.code();
        assert!((550..=554).contains(&codes.0) && codes.1.0 == 5, "{refusal:?}");
        for language in ["de", "en", "tr", "", "ä"] {
            for title in
                ["Klasse 5b", "a\r\n250 ok\0", "李雷", "Ünal & Söhne GmbH { $x }", &"x".repeat(500)]
            {
                for address in [&long, &short] {
                    let text = super::refusal(language, &refusal, &About { title, address });
                    assert!(
                        text.len() <= MAX_REPLY && text.bytes().all(|b| (32..127).contains(&b)),
                        "{text}"
                    );
                    assert!(text.len() > 20 && !text.contains("{$"), "{text}");
                }
            }
        }
    }
}

/// Promise 7: no refusal shows an address but the list's own and its owners', whoever stands in the settings.
#[test]
fn no_refusal_shows_an_address() {
    let address = Address::parse("klasse-5b@schule.example").expect("address");
    let about = About { title: "Klasse 5b", address: &address };
    let ours = ["klasse-5b@schule.example", "klasse-5b-owner@schule.example"];
    let named = ["uid=anna,ou=people,dc=x", "anna@home.example", "Anna <anna@home.example>"];
    let posters = named.map(|name| Refusal::NotAllowed(vec![Posters::Group(name.to_owned())]));
    for refusal in all().iter().chain(&posters) {
        for &(language, _) in SOURCES {
            let text = super::refusal(language, refusal, &about);
            let shown = text.split([' ', ',', '(', ')', '"']).filter(|word| word.contains('@'));
            for word in shown {
                assert!(ours.contains(&word.trim_end_matches('.')), "{text}");
            }
            assert!(!text.contains("uid=") && !text.contains("anna"), "{text}");
        }
    }
}

/// Who may write, by names that a parent knows.
#[test]
fn refusals_name_groups_by_title() {
    let address = Address::parse("klasse-5b@schule.example").expect("address");
    let about = About { title: "Klasse 5b", address: &address };
    let group = |title: &str| Posters::Group(title.to_owned());
    let cases = [
        (vec![group("Elternvertretung 5b")], "schreiben: \"Elternvertretung 5b\". Bitte"),
        (
            vec![Posters::Members, group("Kollegium")],
            "schreiben: die Mitglieder, \"Kollegium\". Bitte",
        ),
        (vec![Posters::Moderators], "schreiben: die Moderation. Bitte"),
        (
            vec![Posters::People, Posters::Owners],
            "Angehoerige der Schule, die Verantwortlichen. Bitte",
        ),
        (vec![group("cn=kollegium,dc=x"), Posters::Members], "Nur bestimmte Personen duerfen"),
        (vec![group("Kollegium"), group("cn=x")], "Nur bestimmte Personen duerfen"),
    ];
    for (post, expect) in cases {
        let text = refusal("de", &Refusal::NotAllowed(post), &about);
        assert!(text.contains(expect), "{text}");
        assert!(text.ends_with("klasse-5b-owner@schule.example."), "{text}");
    }
}

/// The words of DESIGN section 5, with umlauts written out.
#[test]
fn refusals_in_plain_words() {
    let address = Address::parse("klasse-5b@schule.example").expect("address");
    let about = About { title: "Klasse 5b", address: &address };
    let members = Refusal::NotAllowed(vec![Posters::Members]);
    assert_eq!(
        refusal("de-AT", &members, &about),
        "Nur Mitglieder von Klasse 5b duerfen hier schreiben. Bitte schreiben Sie von der Adresse, die die Schule \
         kennt, oder an klasse-5b-owner@schule.example."
    );
    let size = Refusal::TooBig { size: 10_400_001, limit: 10_000_000 };
    assert!(
        refusal("de", &size, &about)
            .contains("zu gross: 10,5 MB, und Klasse 5b nimmt hoechstens 10 MB an")
    );
    assert!(
        refusal("fr", &size, &about)
            .contains("too large: 10.5 MB, and Klasse 5b takes at most 10 MB")
    );
    let about = About { title: "李雷", address: &address };
    assert!(
        refusal("en", &members, &about).starts_with("Only members of klasse-5b@schule.example may")
    );
    assert_eq!(
        (word("de", "from-via"), word("en", "from-via")),
        ("über".to_owned(), "via".to_owned())
    );
}
