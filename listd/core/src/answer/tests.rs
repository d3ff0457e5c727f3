//! Replies as mail programs write them.

use super::*;

fn said(asked: Asked, raw: &str) -> Result<Said, Nothing> {
    let raw = raw.replace('\n', "\r\n");
    let mail = Mail::parse(raw.as_bytes()).expect("a mail");
    read(raw.as_bytes(), &mail, false, asked)
}

fn plain(asked: Asked, body: &str) -> Result<Said, Nothing> {
    said(asked, &format!("Subject: AW: Haben Sie das geschrieben?\n\n{body}"))
}

const YES: Result<Said, Nothing> = Ok(Said::Yes);
const NO: Result<Said, Nothing> = Ok(Said::No);
const UNCLEAR: Result<Said, Nothing> = Err(Nothing::Unclear);

/// Promise 8, LA5: only a clear word in the first line of one's own counts, whatever stands around it.
#[test]
fn a_clear_word_of_ones_own() {
    let cases: [(&str, Result<Said, Nothing>); 43] = [
        ("Ja", YES),
        ("ja.", YES),
        ("JA!!", YES),
        ("  Ja  \n", YES),
        ("\n\n\nYes\n", YES),
        ("Ja, das war ich.", YES),
        ("Ja, das habe ich geschrieben.\n\nViele Grüße\nM. Beispiel", YES),
        ("Yes, I did.", YES),
        ("Nein", NO),
        ("Nein, das war ich nicht!", NO),
        ("No, I didn't.", NO),
        ("Ja?", UNCLEAR),
        ("Ja bitte?", UNCLEAR),
        ("Jaja", UNCLEAR),
        ("Ja, ich bin bis zum 5. August im Urlaub.", UNCLEAR),
        ("Ja, aber das habe ich nicht geschrieben.", UNCLEAR),
        ("Ja Nein", UNCLEAR),
        ("Nein, ja", UNCLEAR),
        ("Guten Tag,\n\nJa", UNCLEAR),
        ("Danke für Ihre Mail. Ich bin nicht im Büro.\nJa", UNCLEAR),
        ("", UNCLEAR),
        ("> Ja", UNCLEAR),
        ("| Ja", UNCLEAR),
        ("--\nJa", UNCLEAR),
        ("-- \nJa", UNCLEAR),
        ("ok", UNCLEAR),
        ("annehmen", UNCLEAR),
        // Below a quote, as some write.
        (
            "Am 04.05.26 um 10:12 schrieb Klasse 5b:\n> Haben Sie das geschrieben?\n> Ja oder Nein\n\nJa",
            YES,
        ),
        ("On 4 May 2026, at 10:12, Klasse 5b <x@schule.example> wrote:\n\n> Did you?\n\nno", NO),
        (
            "Am Montag, 4. Mai 2026 um 10:12 Uhr\nKlasse 5b <x@schule.example> schrieb:\n> Haben Sie\n\nJa",
            YES,
        ),
        ("On Mon, 4 May 2026 10:12 Klasse 5b\nwrote:\n> Did\n\nYes", YES),
        // A quote without signs in front: nothing behind it is hers.
        ("Am 04.05.2026 um 10:12 schrieb Klasse 5b:\nJa", UNCLEAR),
        ("Am Montag, dem 4. Mai 2026 um 10:12\nschrieb x@schule.example:\nJa", UNCLEAR),
        ("-----Ursprüngliche Nachricht-----\nJa", UNCLEAR),
        ("----- Original Message -----\nYes", UNCLEAR),
        ("________________________________\nVon: x\nJa", UNCLEAR),
        ("Von: Klasse 5b\nGesendet: Montag, 4. Mai 2026\nJa", UNCLEAR),
        ("*Von:* Klasse 5b\n*Gesendet:* Montag\nJa", UNCLEAR),
        // Outlook, GMX, iPhone: the answer above.
        ("Ja\n\n-----Ursprüngliche Nachricht-----\nVon: Klasse 5b\nGesendet: Montag\n\nNein", YES),
        (
            "Ja\n \n \nGesendet: Montag, 4. Mai 2026 um 10:12 Uhr\nVon: \"Klasse 5b\" <x@schule.example>\nAn: m@gmx.example\nBetreff: Haben Sie das geschrieben?\nNein",
            YES,
        ),
        (
            "Ja\n\nVon meinem iPhone gesendet\n\n> Am 04.05.2026 um 10:12 schrieb Klasse 5b <x@schule.example>:\n> \n> \u{feff}Nein",
            YES,
        ),
        ("\u{feff}Ja\u{200b}", YES),
        ("Von meinem iPhone gesendet", UNCLEAR),
    ];
    for (body, expect) in cases {
        assert_eq!(plain(Asked::Confirm, body), expect, "{body}");
    }
}

/// Pages alone are read as text, without what they quote.
#[test]
fn answers_in_pages() {
    let cases = [
        ("<div>Ja</div><blockquote>Nein</blockquote>", YES),
        (
            "<div dir=\"ltr\">Ja</div><br><div class=\"gmail_quote\">Am 4.5. schrieb x:<br>Nein</div>",
            YES,
        ),
        ("<html><body><div class=\"gmail_quote\"><div>Ja</div></div></body></html>", UNCLEAR),
        ("<p>Nein</p><div name=\"quote\"><b>Gesendet:</b> Montag</div>", NO),
        (
            "<p class=MsoNormal>Ja<o:p></o:p></p><div><p><b>Von:</b> Klasse 5b<br><b>Gesendet:</b> heute</p></div>",
            YES,
        ),
        ("<div id=\"divRplyFwdMsg\">Ja</div>", UNCLEAR),
        ("<div><b>Von:</b> x<br><b>An:</b> y</div><p>Ja</p>", UNCLEAR),
        ("<blockquote>Ja</blockquote>", UNCLEAR),
        ("<style>p { color: red }</style><p>Ja</p>", YES),
        ("", UNCLEAR),
    ];
    for (page, expect) in cases {
        let raw = format!("Subject: Re: x\nContent-Type: text/html; charset=utf-8\n\n{page}");
        assert_eq!(said(Asked::Confirm, &raw), expect, "{page}");
    }
    // Outlook sends an empty text beside the page.
    let both = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n\n--b\nContent-Type: text/html\n\n<p>Ja</p>\n--b--\n";
    assert_eq!(said(Asked::Confirm, both), YES);
    let signed = "Content-Type: multipart/signed; boundary=b\n\n--b\n\nJa\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n";
    assert_eq!(said(Asked::Confirm, signed), YES);
}

/// A2, A4: what a program wrote counts as nothing, even where it says "Ja".
#[test]
fn programs_answer_nothing() {
    let cases = [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "List-Id: <x.y>",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ];
    for head in cases {
        assert_eq!(said(Asked::Confirm, &format!("{head}\n\nJa")), Err(Nothing::Program), "{head}");
    }
    for head in ["Auto-Submitted: no", "Precedence: first-class", "X-Auto-Response-Suppress: DR"] {
        assert_eq!(said(Asked::Confirm, &format!("{head}\n\nJa")), YES, "{head}");
    }
    let mail = Mail::parse(b"\r\nJa").expect("a mail");
    assert_eq!(read(b"\r\nJa", &mail, true, Asked::Confirm), Err(Nothing::Program));
}

/// The subject says nothing, however programs prefix it.
#[test]
fn the_subject_counts_for_nothing() {
    for prefix in ["AW:", "Re:", "Ynt:", "RE: WG:", ""] {
        for (body, expect) in [("Ja", YES), ("", UNCLEAR), ("Hm", UNCLEAR)] {
            let raw = format!("Subject: {prefix} Ja annehmen\n\n{body}");
            assert_eq!(said(Asked::Confirm, &raw), expect, "{raw}");
        }
    }
}

/// A moderator's words, in any language; a rejection with what the author is told.
#[test]
fn a_moderator_decides() {
    let reject = |sentence: &str| Ok(Said::Reject(sentence.to_owned()));
    let cases = [
        ("annehmen", Ok(Said::Accept)),
        ("Annehmen.", Ok(Said::Accept)),
        ("accept", Ok(Said::Accept)),
        ("bitte freigeben!", Ok(Said::Accept)),
        ("immer", Ok(Said::Always)),
        ("Always", Ok(Said::Always)),
        ("verwerfen", Ok(Said::Discard)),
        ("discard", Ok(Said::Discard)),
        ("SPAM", Ok(Said::Spam)),
        ("ablehnen", reject("")),
        ("Ablehnen: Bitte an die Elternvertretung.", reject("Bitte an die Elternvertretung.")),
        ("ablehnen, das gehört in die 5a\n\n-- \nFrau Muster", reject("das gehört in die 5a")),
        (
            "ablehnen\nBitte kürzer.\nUnd ohne Bilder.\n\nAm 4.5.2026 schrieb x:\n> y",
            reject("Bitte kürzer.\nUnd ohne Bilder."),
        ),
        ("reject - too long", reject("too long")),
        ("reject\u{202e}: abc\u{202e}def\tx", reject("abcdef x")),
        ("ablehnung", UNCLEAR),
        ("annehmen?", UNCLEAR),
        ("annehmen oder ablehnen", UNCLEAR),
        ("nicht annehmen", UNCLEAR),
        ("ja", UNCLEAR),
        ("zurückziehen", UNCLEAR),
        ("> annehmen", UNCLEAR),
        ("", UNCLEAR),
    ];
    for (body, expect) in cases {
        assert_eq!(plain(Asked::Moderate, body), expect, "{body}");
    }
    let long = format!("ablehnen: {}", "ä".repeat(5_000));
    let Ok(Said::Reject(sentence)) = plain(Asked::Moderate, &long) else { panic!("a rejection") };
    assert!(sentence.chars().count() <= SENTENCE && sentence.len() > SENTENCE);
}

/// The author takes her mail back, and nothing else by that ticket.
#[test]
fn the_author_withdraws() {
    let admitted: [(&str, Result<Said, Nothing>); 9] = [
        ("Ja", Ok(Said::Accept)),
        ("Yes, please", UNCLEAR),
        ("annehmen", Ok(Said::Accept)),
        ("accept", Ok(Said::Accept)),
        ("Nein", Ok(Said::Reject(String::new()))),
        ("nein danke", Ok(Said::Reject(String::new()))),
        ("Ablehnen: Nur für Eltern der 5b.", Ok(Said::Reject("Nur für Eltern der 5b.".into()))),
        ("immer", UNCLEAR),
        ("Wer ist das?", UNCLEAR),
    ];
    for (body, expect) in admitted {
        assert_eq!(plain(Asked::Admit, body), expect, "{body}");
    }
    assert_eq!(plain(Asked::Withdraw, "Zurückziehen!"), Ok(Said::Withdraw));
    assert_eq!(plain(Asked::Withdraw, "withdraw"), Ok(Said::Withdraw));
    for body in ["ja", "annehmen", "nein", "Danke"] {
        assert_eq!(plain(Asked::Withdraw, body), UNCLEAR, "{body}");
    }
}
