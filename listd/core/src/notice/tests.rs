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
        Refusal::PasswordSigned,
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

/// Words in a sentence, at most (AC11): what has more is read twice.
const WORDS: usize = 20;

/// AC11: every text of ours in every language, also those of pages, replies and errors: short sentences, and of German ones
/// as a whole 60 or more of Flesch and Amstad's measure.
#[test]
fn all_texts_are_easy_to_read() {
    for (language, source) in SOURCES {
        let mut lengths = Vec::new();
        let texts = source.lines().filter(|line| !line.starts_with('#'));
        for (key, text) in texts.filter_map(|line| line.split_once(" = ")) {
            for sentence in sentences(text) {
                let words: Vec<&str> = words(&sentence);
                assert!(
                    words.len() <= WORDS,
                    "{language}: {key}: {} words: {sentence}",
                    words.len()
                );
                // A label is no sentence.
                if words.len() > 3 {
                    lengths.push((words.len(), words.iter().map(|w| syllables(w)).sum::<usize>()));
                }
            }
        }
        let (words, syllables) =
            lengths.iter().fold((0, 0), |(w, s), (words, syllables)| (w + words, s + syllables));
        let average = words as f64 / lengths.len() as f64;
        let ease = 180.0 - average - 58.5 * syllables as f64 / words as f64;
        println!(
            "{language}: {} sentences, {average:.1} words each, ease {ease:.0}",
            lengths.len()
        );
        assert!(average <= 12.0, "{language}: {average:.1} words in a sentence");
        assert!(*language != "de" || ease >= 60.0, "{language}: ease {ease:.0}");
    }
}

/// The sentences of a text; what is filled in is one word.
fn sentences(text: &str) -> Vec<String> {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('{') {
        plain = plain + before + "X";
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    plain += rest;
    plain.split_inclusive(['.', '?', '!', ':', ';']).map(str::to_owned).collect()
}

fn words(sentence: &str) -> Vec<&str> {
    sentence.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).collect()
}

/// Groups of vowels, two that are one sound once.
fn syllables(word: &str) -> usize {
    let word = word.to_lowercase();
    let one = [("ie", "i"), ("ei", "e"), ("eu", "e"), ("äu", "e"), ("au", "a")];
    let word = one.iter().fold(word, |word, (two, one)| word.replace(two, one));
    let groups = word.split(|c: char| !"aeiouyäöü".contains(c));
    groups.filter(|group| !group.is_empty()).count().max(1)
}
