//! Every letter in every language as it leaves, compared with `fixtures/notices/NAME.LANGUAGE.eml`; and what holds of all
//! of them: plain words, and no address of anybody who did not write it.
//!
//! `UPDATE=1 cargo test -p listd --lib letters::golden` writes them anew; read what changed before you commit it.

use std::path::Path;

use listcore::answer::Asked;
use listcore::bounce::Class;
use listcore::bounce::brake::{ByProvider, Refusals};
use listcore::command::Change;
use listcore::hold::{By, End, Ended, Reason};
use listcore::list::Unsubscribe;
use listcore::message::{Mail, Shape, Tree};
use listcore::notice::letter::Words;
use listcore::notice::{
    self, About, Announcement, BrakedMail, Chapter, ComplainedOf, Frame, Line, Mine, PausedAddress,
    Post, Question, Scanned, Storm, StrangeMail, Waits, Wish,
};
use listcore::options::{Mute, Options};
use listcore::policy::Unproven;
use listcore::time::Local;

use super::tests::{NOW, address, composer, leaving, letter, letters, sent};
use super::*;
use crate::sign::Signers;

const AT: Local = Local { year: 2026, month: 11, day: 22, weekday: 7, hour: 19, minute: 4 };
const UNTIL: Local = Local { year: 2026, month: 12, day: 6, weekday: 7, hour: 19, minute: 4 };

const MAIL: &str = "Liebe Eltern,\n\nam Freitag backen wir <b>Plätzchen</b>. Wer bringt Mehl mit?\n\n\
    https://backen.example/liste\n\n-- \nÖznur Çelik";

const SETTINGS: &str = "https://lists.schule.example/o/abcdefghijklmnopqrstuvwxyz234567";

/// Whom the letter goes to.
#[derive(Copy, Clone, PartialEq)]
enum To {
    Author,
    Moderator,
    /// Of a digest, of one list or of several.
    Reader {
        several: bool,
    },
}

/// The name of a letter, who gets it, and what it says.
fn all(language: &str) -> Vec<(&'static str, To, Words)> {
    let list = address("klasse-5b@schule.example");
    let colleague = address("b.lehrer@schule.example");
    let admin = address("postmaster@schule.example");
    let frame = Frame {
        language,
        list: About { title: "Klasse 5b", address: &list },
        help: Some("https://schule.example/mail"),
        imprint: Some("https://schule.example/impressum"),
        privacy: Some("https://schule.example/datenschutz"),
    };
    let post = Post { subject: "Plätzchen am Freitag", at: AT };
    let strange =
        Post { subject: "Gewinn \u{202e}auf https://bad.example/\r\nBcc: x@bad.example", at: AT };
    let url = Some("https://lists.schule.example/q/abcdefghijklmnopqrstuvwxyz234567");
    let files = [("Rezept.pdf".to_owned(), 123_456), (String::new(), 2_400_000)];
    let outside = Reason::Outside(31);
    let announcement = Announcement {
        post,
        author: "Öznur Çelik <oeznur@gmx.example>",
        verified: true,
        scan: Scanned::Clean,
        reason: &Reason::First,
        text: MAIL,
        attachments: &files,
        url,
        until: UNTIL,
        deputy: false,
    };
    let doubtful = Announcement {
        post: strange,
        verified: false,
        scan: Scanned::Suspect,
        reason: &outside,
        text: "",
        attachments: &[],
        url: None,
        deputy: true,
        ..announcement
    };
    let by_colleague = Ended {
        end: End::Rejected("Bitte nicht.".to_owned()),
        by: By::Moderator(colleague),
        at: NOW,
    };
    let by_clock = Ended { end: End::Expired, by: By::Clock, at: NOW };
    let waits = Waits { post, reason: &Reason::Moderated, url, until: UNTIL };
    let by = |provider: &str, count, said: &str| ByProvider {
        provider: provider.to_owned(),
        class: if count > 9 { Class::Policy } else { Class::Content },
        count,
        said: said.to_owned(),
    };
    let telekom = "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help) (BL)";
    let refusals = Refusals {
        refused: 34,
        tried: 98,
        by: vec![
            by("t-online.de", 28, telekom),
            by("firma.example", 6, "552 5.2.3 too\r\nlarge \u{202e}"),
        ],
    };
    let braked = BrakedMail {
        id: "1763837040001",
        message_id: "1@gmx.example",
        refusals: &refusals,
        waiting: 161,
        until: UNTIL,
    };
    let came = |number, server: &str| StrangeMail {
        number,
        list: list.to_string(),
        what: format!("{server}: Rückmeldung zu Ihrer Nachricht"),
    };
    let decided = |end: End| notice::decided(&frame, &post, &end).expect("the author is told");
    let wish = Wish {
        who: "Öznur Çelik <oeznur@gmx.example>",
        text: MAIL,
        at: AT,
        url,
        until: UNTIL,
        deputy: false,
    };
    let bare = Wish { text: "", url: None, deputy: true, ..wish };
    let wished = |end: End| notice::wish_decided(&frame, &end).expect("she is told");
    let pause = Options { mute: Mute::Until(NOW + GIVE_UP_AFTER), ..Options::default() };
    let how = notice::how(language, &pause, NOW, |_| UNTIL);
    let other = address("klasse-7a@schule.example");
    let mine = [
        Mine {
            list: About { title: "Klasse 5b", address: &list },
            how: how.clone(),
            admitted: false,
        },
        Mine {
            list: About { title: "Klasse 7a", address: &other },
            how: notice::how(language, &Options::default(), NOW, |_| UNTIL),
            admitted: true,
        },
    ];
    let (one, all) = (vec![class(&list)], vec![class(&list), friends(&other)]);
    let why = "Das Fest fällt aus.\nBitte fragen Sie im Sekretariat.".to_owned();
    vec![
        (
            "confirm",
            To::Author,
            notice::confirm_question(&frame, &Question { post, url, until: UNTIL }),
        ),
        (
            "confirm-forged",
            To::Author,
            notice::confirm_question(&frame, &Question { post: strange, url: None, until: UNTIL }),
        ),
        ("held", To::Moderator, notice::held_for_moderators(&frame, &announcement)),
        ("held-doubtful", To::Moderator, notice::held_for_moderators(&frame, &doubtful)),
        ("waits", To::Author, notice::held_for_author(&frame, &waits)),
        ("accepted", To::Author, decided(End::Accepted)),
        ("rejected", To::Author, decided(End::Rejected(why))),
        ("withdrawn", To::Author, decided(End::Withdrawn)),
        ("not-mine", To::Author, decided(End::NotMine)),
        ("expired", To::Author, decided(End::Expired)),
        ("refused", To::Author, decided(End::Refused("5.2.1".to_owned()))),
        ("undecided", To::Moderator, notice::expired_for_moderators(&frame, &post)),
        ("already", To::Moderator, notice::already_decided(&frame, &post, &by_colleague, &AT)),
        ("already-late", To::Moderator, notice::already_decided(&frame, &post, &by_clock, &AT)),
        ("taken", To::Moderator, notice::taken(&frame, &post, &End::Accepted)),
        ("unclear-author", To::Author, notice::unclear(&frame, Asked::Confirm, url)),
        ("unclear-moderator", To::Moderator, notice::unclear(&frame, Asked::Moderate, url)),
        (
            "storm",
            To::Moderator,
            notice::storm(&frame, &Storm { replies: 12, minutes: 10, admin: &admin }),
        ),
        ("help", To::Author, notice::help(&frame)),
        ("wish", To::Moderator, notice::wish_for_owners(&frame, &wish)),
        ("wish-deputy", To::Moderator, notice::wish_for_owners(&frame, &bare)),
        ("wish-waits", To::Author, notice::wish_waits(&frame, url, &UNTIL)),
        ("wish-accepted", To::Author, wished(End::Accepted)),
        ("wish-rejected", To::Author, wished(End::Rejected("Nur für Eltern.".to_owned()))),
        ("wish-withdrawn", To::Author, wished(End::Withdrawn)),
        ("wish-expired", To::Author, wished(End::Expired)),
        ("wish-taken", To::Moderator, notice::wish_taken(&frame, wish.who, &End::Accepted)),
        ("already-wish", To::Moderator, notice::wish_already(&frame, wish.who, &by_colleague, &AT)),
        ("wish-undecided", To::Moderator, notice::wish_undecided(&frame, wish.who)),
        ("already-on", To::Author, notice::already_on(&frame, &how, Some(SETTINGS))),
        ("unclear-wish", To::Moderator, notice::unclear(&frame, Asked::Admit, url)),
        ("status", To::Author, notice::status(&frame, "ayse@gmx.example", &mine, Some(SETTINGS))),
        ("status-none", To::Author, notice::status(&frame, "ayse@gmx.example", &[], None)),
        ("changed", To::Author, notice::changed(&frame, &how, Some(SETTINGS))),
        ("changed-mail", To::Author, notice::changed(&frame, &how, None)),
        ("hers", To::Author, notice::is_it_hers(&frame, &Change::Leave, url, &UNTIL, |_| AT)),
        (
            "hers-mail",
            To::Author,
            notice::is_it_hers(&frame, &Change::Mute(Some(NOW)), None, &UNTIL, |_| UNTIL),
        ),
        ("settings-link", To::Author, notice::settings_link(&frame, SETTINGS)),
        (
            "unsubscribed",
            To::Author,
            notice::unsubscribed(&frame, Unsubscribe::Mute, Some(SETTINGS)),
        ),
        ("unsubscribed-mail", To::Author, notice::unsubscribed(&frame, Unsubscribe::Mute, None)),
        ("left", To::Author, notice::unsubscribed(&frame, Unsubscribe::Leave, Some(SETTINGS))),
        ("left-mail", To::Author, notice::unsubscribed(&frame, Unsubscribe::Leave, None)),
        (
            "left-request",
            To::Author,
            notice::unsubscribed(&frame, Unsubscribe::Request, Some(SETTINGS)),
        ),
        (
            "leaves",
            To::Moderator,
            notice::leaves(&frame, Some(("Öznur Çelik", &address("oeznur@gmx.example")))),
        ),
        ("leaves-protected", To::Moderator, notice::leaves(&frame, None)),
        ("probe", To::Author, notice::probe(&frame)),
        (
            "paused",
            To::Moderator,
            notice::paused(
                &frame,
                &PausedAddress {
                    address: Some("oeznur@gmx.example"),
                    said: "550 5.1.1 user unknown",
                },
            ),
        ),
        (
            "paused-protected",
            To::Moderator,
            notice::paused(&frame, &PausedAddress { address: None, said: "" }),
        ),
        (
            "complained",
            To::Moderator,
            notice::complained(
                &frame,
                &ComplainedOf {
                    address: Some("oeznur@gmx.example"),
                    provider: "arf.provider.example",
                },
            ),
        ),
        (
            "complained-protected",
            To::Moderator,
            notice::complained(
                &frame,
                &ComplainedOf { address: None, provider: "arf.provider.example" },
            ),
        ),
        ("braked", To::Moderator, notice::braked(&frame, &braked)),
        (
            "braked-gone",
            To::Moderator,
            notice::braked(&frame, &BrakedMail { waiting: 0, ..braked.clone() }),
        ),
        (
            "strange",
            To::Moderator,
            notice::strange(language, &[came(7, "mx.example"), came(9, "web.example")], &[]),
        ),
        (
            "strange-complaint",
            To::Moderator,
            notice::strange(language, &[], &[came(12, "yahoo.example")]),
        ),
        ("digest", To::Reader { several: false }, notice::digest(&frame, &one, (1, 1))),
        ("digest-part", To::Reader { several: true }, notice::digest(&frame, &all, (2, 3))),
    ]
}

fn chapter(title: &str, list: &Address, threads: Vec<Vec<Line>>) -> Chapter {
    let page = listcore::links::list_url("https://lists.schule.example", list);
    Chapter { title: title.to_owned(), page: Some(page), threads }
}

fn line(author: &str, subject: &str, text: &str) -> Line {
    Line { author: author.to_owned(), subject: subject.to_owned(), came: AT, text: text.to_owned() }
}

fn class(list: &Address) -> Chapter {
    let first = line("Öznur Çelik über Klasse 5b", "Plätzchen am Freitag", MAIL);
    let answer = line("Bert", "Re: Plätzchen am Freitag", "Ich bringe Mehl mit.");
    let strange = line("Glück", "Gewinn \u{202e}auf\r\nBcc: x", "");
    chapter("Klasse 5b", list, vec![vec![first, answer], vec![strange]])
}

fn friends(list: &Address) -> Chapter {
    chapter("Klasse 7a", list, vec![vec![line("Ayşe Yılmaz", "Ausflug", "Wer kommt mit?")]])
}

/// A mail as a list sends it.
const COPY: &str = "From: Bert via Klasse 5b <klasse-5b@schule.example>\r\nTo: klasse-5b@schule.example\r\n\
    Subject: Ausflug\r\nMessage-ID: <1@gmx.example>\r\n\r\nWer kommt mit?\r\n";

/// With the mails behind the words.
fn digest(words: Words, several: bool) -> Vec<u8> {
    let list = address("klasse-5b@schule.example");
    let of = if several { 2 } else { 1 };
    let returns = Frozen {
        description: "Klasse 5b".to_owned(),
        ..Frozen::new(PostKind::List, ListId("5b".to_owned()), list)
    };
    let original = Original { octets: Arc::from(COPY.as_bytes()), global: false };
    let digest = Digest {
        to: vec![letter().to],
        returns: &returns,
        lists: ["5b", "7a"].into_iter().take(of).map(|id| ListId(id.to_owned())).collect(),
        name: notice::word(&words.language, "letter-digest-from"),
        words,
        originals: vec![original.clone(), original],
        pages: Some("https://lists.schule.example".to_owned()),
    };
    leaving(letters().digest(&digest, NOW), &composer(Signers::new([]))).2
}

/// As it leaves, before it is signed.
fn leaves(words: Words, to: To) -> Vec<u8> {
    if let To::Reader { several } = to {
        return digest(words, several);
    }
    let mut letter = letter();
    letter.words = words;
    if to == To::Moderator {
        letter.to.name = Some("Anna Lehrer".to_owned());
        letter.to.address = address("a.lehrer@schule.example");
        letter.answers = None;
        letter.auto = Auto::Generated;
    }
    sent(&letter, &composer(Signers::new([]))).2
}

fn every() -> impl Iterator<Item = (String, To, Words)> {
    let of = |language: &'static str| {
        let named = move |(name, to, words)| (format!("{name}.{language}"), to, words);
        all(language).into_iter().map(named)
    };
    notice::languages().flat_map(of)
}

/// A1, AC8, LA1: what leaves is what was looked at.
#[test]
fn letters_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/notices");
    let update = std::env::var_os("UPDATE").is_some();
    for (name, to, words) in every() {
        // The zone of `Received` is the machine's.
        let got = String::from_utf8(leaves(words, to)).expect("ASCII");
        let got: String = got
            .split_inclusive("\r\n")
            .map(|line| {
                if line.starts_with("\tSun, 22 Nov 2026") {
                    "\tSun, 22 Nov 2026 01:02:03 +0000\r\n"
                } else {
                    line
                }
            })
            .collect();
        let path = folder.join(format!("{name}.eml"));
        if update {
            std::fs::write(&path, &got).expect("a writable folder");
        }
        let expect = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(got, expect, "{}", path.display());
    }
}

/// Everything that a reader can see or dig out: decoded fields, and decoded parts.
fn dug_out(raw: &[u8]) -> String {
    let mail = Mail::parse(raw).expect("a mail");
    let mut seen = String::new();
    for field in &mail.fields {
        seen.push_str(&listcore::message::text::decode(field.value(&mail.head)));
        seen.push('\n');
    }
    let tree = Tree::parse(raw).expect("a tree");
    // What holds other parts is not decoded: there an address may be broken at the end of a line.
    for part in tree.parts.iter().filter(|part| part.shape == Shape::Leaf) {
        seen.push_str(&String::from_utf8_lossy(&part.content(raw)));
        seen.push('\n');
    }
    seen
}

/// Promise 7, GD3: a letter shows its reader's own address, the list's and the house's; to those who decide also the
/// author's and who decided. Nothing else that looks like an address but what the author wrote herself.
#[test]
fn letters_show_nobody_elses_address() {
    let house = [
        "klasse-5b",
        "klasse-5b-owner",
        "klasse-5b-unsubscribe",
        "klasse-5b-request",
        "klasse-7a",
        "klasse-5b-confirm+abc",
        "postmaster",
    ];
    for (name, to, words) in every() {
        let seen = dug_out(&leaves(words, to));
        let word = |c: char| c.is_alphanumeric() || "@.+-_".contains(c);
        for found in seen.split(|c| !word(c)).filter(|w| w.contains('@')) {
            let found = found.trim_matches('.');
            let ours = house.iter().any(|h| found == format!("{h}@schule.example"));
            let technical = found.starts_with("letter.") || found == "1@gmx.example";
            let own = match to {
                To::Author | To::Reader { .. } => found == "ayse@gmx.example",
                To::Moderator => ["a.lehrer@schule.example", "oeznur@gmx.example"].contains(&found),
            };
            let decider = (name.starts_with("already.") || name.starts_with("already-wish."))
                && found == "b.lehrer@schule.example";
            // A link of the forger's stands in what those who decide have to see.
            let forged = name.starts_with("held-doubtful") && found == "x@bad.example";
            assert!(ours || technical || own || decider || forged, "{name} shows {found}");
        }
        if to == To::Author {
            assert!(!seen.contains("bad.example"), "{name}: a forger sends no link through us");
        }
    }
}

/// Groups of vowels: near enough to syllables.
fn syllables(word: &str) -> usize {
    let vowel = |c: char| "aeiouyäöü".contains(c);
    let lower = word
        .to_lowercase()
        .replace("ie", "i")
        .replace("ei", "e")
        .replace("eu", "e")
        .replace("äu", "e")
        .replace("au", "a");
    lower.split(|c| !vowel(c)).filter(|group| !group.is_empty()).count().max(1)
}

/// AC11: at most 15 words in a sentence on average, German texts at 60 or more of Flesch and Amstad, "Sie", no word
/// that only we know.
#[test]
fn letters_are_easy_to_read() {
    for (name, _, words) in every() {
        let lines = words.text.lines().filter(|l| !l.starts_with(['>', ' ']) && !l.contains("://"));
        let own: String =
            lines.filter(|l| l.ends_with(['.', '?', ','])).collect::<Vec<_>>().join(" ");
        let plain: Vec<&str> = own
            .split_whitespace()
            .filter(|w| !w.contains('@') && w.chars().any(char::is_alphabetic))
            .collect();
        let sentences = own.matches(". ").count() + own.matches("? ").count() + 1;
        let average = plain.len() as f64 / sentences as f64;
        assert!(average <= 15.0, "{name}: {average} words in a sentence");
        let per_word =
            plain.iter().map(|w| syllables(w)).sum::<usize>() as f64 / plain.len() as f64;
        if name.ends_with(".de") {
            let ease = 180.0 - average - 58.5 * per_word;
            assert!(ease >= 60.0, "{name}: {ease:.0}");
            assert!(own.contains("Sie") || own.contains("Ihre"), "{name}");
        }
        let low = words.text.to_lowercase();
        for word in [
            "moderat", "bounce", "digest", "verp", "dkim", "spf", "dmarc", "token", "header", "{",
            "letter-",
        ] {
            // The name of the command that shows more.
            let fine = word == "bounce" && name.starts_with("strange");
            // What everybody calls one, in English.
            let fine = fine || word == "digest" && name.ends_with(".en");
            assert!(fine || !low.contains(word), "{name} says {word}");
        }
    }
}

/// AC8, AC11: who only reads mail can do everything; each letter says whom to ask.
#[test]
fn every_question_can_be_answered_by_mail() {
    for (name, _, words) in every() {
        let asked = ["confirm", "held", "waits", "unclear", "hers", "wish."]
            .iter()
            .any(|n| name.starts_with(n));
        let says = ["antworten", "answer"].iter().any(|w| words.text.to_lowercase().contains(w));
        assert!(says || !asked, "{name}");
        // Two go to admins: about all their lists, and about what no owner must hear.
        let asks = words.text.contains("klasse-5b-owner@schule.example");
        let admins = ["strange", "complained"].iter().any(|n| name.starts_with(n));
        assert!(asks || admins, "{name}");
        assert!(words.html.contains(&format!("lang=\"{}\"", words.language)), "{name}");
    }
}

/// Every reason and every end has words, the same for pages.
#[test]
fn reasons_and_ends() {
    let reasons = [
        Reason::Unverified(Unproven::Nothing),
        Reason::Asked(Unproven::OtherLogin),
        Reason::Nonmember,
        Reason::Moderated,
        Reason::First,
        Reason::Suspect,
        Reason::Filter,
        Reason::SeveralAuthors,
        Reason::Outside(31),
        Reason::Storm,
        Reason::Emergency,
        Reason::Lists(4),
        Reason::Rate,
        Reason::Conflict,
        Reason::Subscription,
    ];
    let ends = [
        End::Accepted,
        End::Rejected(String::new()),
        End::Discarded,
        End::Spam,
        End::Withdrawn,
        End::NotMine,
        End::Expired,
        End::Refused(String::new()),
    ];
    for language in notice::languages() {
        for reason in &reasons {
            let said = notice::reason(language, reason);
            assert!(said.ends_with('.') && !said.contains('{'), "{said}");
        }
        assert!(notice::reason(language, &Reason::Outside(31)).contains("31"));
        for end in &ends {
            assert!(!notice::ended(language, end).contains("ended-"), "{end:?}");
        }
    }
}
