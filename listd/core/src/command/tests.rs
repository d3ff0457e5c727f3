//! Commands as people write them.

use proptest::prelude::*;

use super::*;

/// A Sunday.
const TODAY: Local = Local { year: 2026, month: 11, day: 22, weekday: 7, hour: 2, minute: 2 };

fn until(year: i16, month: u8, day: u8) -> Option<Command> {
    Some(Command::Mute(Some(Day { year, month, day })))
}

/// Q3, LA5: a line is a command or none, in German and English, with good manners.
#[test]
fn a_line_says_what_it_says() {
    let cases: [(&str, Option<Command>); 37] = [
        ("Hilfe", Some(Command::Help)),
        ("HELP!", Some(Command::Help)),
        ("help, please", Some(Command::Help)),
        ("Bitte abmelden", Some(Command::Unsubscribe)),
        ("Bitte mich abmelden. Danke!", Some(Command::Unsubscribe)),
        ("unsubscribe", Some(Command::Unsubscribe)),
        ("Remove me.", Some(Command::Unsubscribe)),
        ("Anmelden", Some(Command::Subscribe)),
        ("subscribe", Some(Command::Subscribe)),
        ("Status", Some(Command::Status)),
        ("my settings", Some(Command::Status)),
        ("Pause", Some(Command::Mute(None))),
        ("\"stumm\"", Some(Command::Mute(None))),
        ("Weiter", Some(Command::Unmute)),
        ("Pause beenden", Some(Command::Unmute)),
        ("unmute", Some(Command::Unmute)),
        ("Sammelmail", Some(Command::Digest(Digest::Daily))),
        ("Sammelmail wöchentlich", Some(Command::Digest(Digest::Weekly))),
        ("sammelmail: täglich", Some(Command::Digest(Digest::Daily))),
        ("digest weekly", Some(Command::Digest(Digest::Weekly))),
        ("Digest off", Some(Command::Digest(Digest::Off))),
        ("keine Sammelmail", Some(Command::Digest(Digest::Off))),
        ("abmel\u{ad}den", Some(Command::Unsubscribe)),
        // Not a command, or not only one.
        ("", None),
        ("nicht abmelden", None),
        ("Ich möchte mich nicht abmelden", None),
        ("Wie kann ich mich abmelden?", None),
        ("abmelden?", None),
        ("Hilfe beim Kuchenbacken", None),
        ("Abmelden Emil", None),
        ("Ich habe eine Pause", None),
        ("pause und weiter", None),
        ("Hallo", None),
        ("bitte", None),
        ("...", None),
        ("Elternabend am 5.12.", None),
        ("remove me remove me", None),
    ];
    for (text, expect) in cases {
        assert_eq!(line(text, &TODAY), expect, "{text}");
    }
}

/// Days as people write them; past ones, ones that are none, and those that can be read in two ways are not taken.
#[test]
fn a_pause_has_an_end() {
    let cases: [(&str, Option<Command>); 44] = [
        ("Pause bis Montag", until(2026, 11, 23)),
        ("bis Montag Pause bitte", until(2026, 11, 23)),
        ("Pause bis zum nächsten Freitag", until(2026, 11, 27)),
        ("stumm bis Sonntag", until(2026, 11, 29)),
        ("Pause bis 1.12.", until(2026, 12, 1)),
        ("Pause bis zum 1.12.2026", until(2026, 12, 1)),
        ("Pause bis 1.12.26.", until(2026, 12, 1)),
        ("Pause bis 1. 12. 2026", until(2026, 12, 1)),
        ("Pause bis 22.11.", until(2027, 11, 22)),
        ("Pause bis 3.1.", until(2027, 1, 3)),
        ("Pause bis 1. Dezember", until(2026, 12, 1)),
        ("Pause bis Dienstag, den 1. Dezember 2026", until(2026, 12, 1)),
        ("Pause bis 15. März", until(2027, 3, 15)),
        ("Pause bis morgen", until(2026, 11, 23)),
        ("Pause bis übermorgen", until(2026, 11, 24)),
        ("Pause für 2 Wochen", until(2026, 12, 6)),
        ("Pause 2 Wochen", until(2026, 12, 6)),
        ("zwei Wochen Pause", until(2026, 12, 6)),
        ("Pause für einen Tag", until(2026, 11, 23)),
        ("Pause 3 Monate", until(2027, 2, 22)),
        ("mute until Dec 1", until(2026, 12, 1)),
        ("mute until December 1st, 2026", until(2026, 12, 1)),
        ("mute until 1 December", until(2026, 12, 1)),
        ("mute until the 2nd of January", until(2027, 1, 2)),
        ("mute until Monday", until(2026, 11, 23)),
        ("Mute until next Tuesday!", until(2026, 11, 24)),
        ("mute for a week", until(2026, 11, 29)),
        ("mute 10 days", until(2026, 12, 2)),
        ("mute until tomorrow", until(2026, 11, 23)),
        ("mute until 2026-12-01", until(2026, 12, 1)),
        ("mute until 12/25", until(2026, 12, 25)),
        ("mute until 25/12/2026", until(2026, 12, 25)),
        ("vacation until Dec. 1", until(2026, 12, 1)),
        ("mute until 1/2", None),
        ("mute until 2026-11-22", None),
        ("mute until 1.12.2025", None),
        ("mute until 1.12.2099", None),
        ("Pause bis 31.2.", None),
        ("Pause bis bald", None),
        ("Pause bis", None),
        ("Pause 99999999999 Tage", None),
        ("Pause 0 Tage", None),
        ("Pause für 2 Brote", None),
        ("Pause bis 1.2.3.4", None),
    ];
    for (text, expect) in cases {
        assert_eq!(line(text, &TODAY), expect, "{text}");
    }
}

fn mail(raw: &str) -> Option<Command> {
    let raw = raw.replace('\n', "\r\n");
    read(raw.as_bytes(), &Mail::parse(raw.as_bytes()).expect("a mail"), &TODAY)
}

/// S3: markers of replies and forwards stand before the command; else the first lines say it, never a quote.
#[test]
fn a_mail_says_one_command() {
    let unsubscribe = Some(Command::Unsubscribe);
    let cases: [(&str, Option<Command>); 16] = [
        ("Subject: Abmelden\n\n", unsubscribe),
        ("Subject: Re: AW: Abmelden\n\n", unsubscribe),
        ("Subject: WG: abmelden\n\n", unsubscribe),
        ("Subject: Ynt: Fwd: [extern] unsubscribe\n\n", unsubscribe),
        ("Subject: =?utf-8?q?Sammelmail_t=C3=A4glich?=\n\n", Some(Command::Digest(Digest::Daily))),
        ("Subject: Hilfe\n\nabmelden\n", Some(Command::Help)),
        ("Subject: \n\nGuten Tag,\n\nbitte abmelden.\n\nA. Muster\n", unsubscribe),
        ("Subject: AW: [5b] Elternabend\n\nabmelden\n\n> Hilfe\n", unsubscribe),
        ("\nunsubscribe\n", unsubscribe),
        (
            "Content-Type: text/html\n\n<p>Hallo</p><div>Pause bis <b>1.12.</b></div>",
            until(2026, 12, 1),
        ),
        ("Subject: Frage\n\n> abmelden\n", None),
        ("Subject: x\n\n-- \nabmelden\n", None),
        ("Subject: x\n\na\nb\nc\nd\ne\nabmelden\n", None),
        ("Subject: x\n\nAm 04.05.26 um 10:12 schrieb Klasse 5b:\n> x\n\nabmelden\n", unsubscribe),
        ("Subject: Mute: until Monday\n\n", until(2026, 11, 23)),
        ("Subject: x\nContent-Type: application/pdf\n\nabmelden\n", None),
    ];
    for (raw, expect) in cases {
        assert_eq!(mail(raw), expect, "{raw}");
    }
}

/// What a letter names is understood.
#[test]
fn the_words_of_our_letters_count() {
    for language in crate::notice::languages() {
        for kind in Kind::ALL {
            assert_eq!(line(word(language, kind), &TODAY), Some(kind.alone()), "{language}");
        }
    }
    assert_eq!(word("xx", Kind::Help), "help");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise 10: whatever a line holds, a pause ends after today and within two years.
    #[test]
    fn a_pause_ends_soon_enough(
        words in proptest::collection::vec("pause|bis|zum|für|[0-9]{1,6}\\.?|[0-9]{1,2}[./-][0-9]{1,2}|wochen|tage|monate|dez|dec|montag|next|\\PC{0,8}", 0..9),
        day in 1_u8..=31,
        month in 1_u8..=12,
        year in -9999_i16..=9999,
    ) {
        let today = Local { year, month, day, ..TODAY };
        let said = line(&words.join(" "), &today);
        if let Some(Command::Mute(Some(end))) = said {
            let now = Day { year, month, day };
            prop_assert!(end > now); //(Day { year, month, day }));
            prop_assert!(i32::from(end.year) - i32::from(year) <= 3);
        }
    }

    /// Every day of the next year is read back as it is written.
    #[test]
    fn a_day_is_read_as_it_is_written(day in 1_u8..=28, month in 1_u8..=12) {
        let text = format!("Pause bis {day}.{month}.");
        let Some(Command::Mute(Some(end))) = line(&text, &TODAY) else { panic!("{text}") };
        prop_assert_eq!((end.day, end.month), (day, month));
    }
}

/// A pause without an end takes nothing back from who has left; every other command says something new.
#[test]
fn what_a_command_changes() {
    let of = |before, change: Change| {
        let options = Options { mute: before, ..Options::default() };
        change.of(options).map(|after| after.mute)
    };
    let day = Timestamp(9);
    let cases = [
        (Mute::No, Change::Mute(None), Some(Mute::ForGood)),
        (Mute::Left, Change::Mute(None), Some(Mute::Left)),
        (Mute::Left, Change::Mute(Some(day)), Some(Mute::Until(day))),
        (Mute::Left, Change::Unmute, Some(Mute::No)),
        (Mute::Left, Change::Digest(Digest::Daily), Some(Mute::Left)),
        (Mute::No, Change::Leave, None),
    ];
    for (before, change, after) in cases {
        assert_eq!(of(before, change), after, "{before:?} {change:?}");
    }
}
