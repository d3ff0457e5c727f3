//! Bounces in small: each form that is read, each class, and what is none. Whole mails of other people's servers are in
//! `tests/bounces`.

use super::*;

/// `kind address=class address=class` of a mail.
fn seen(raw: &str) -> String {
    let bounce = read(raw.as_bytes());
    let each =
        bounce.recipients.iter().map(|one| format!(" {}={}", one.address, one.class.as_str()));
    std::iter::once(bounce.kind.as_str().to_owned()).chain(each).collect()
}

fn program(text: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\nTo: b+t@schule.example\nSubject: Mail delivery failed\n\n{text}"
    )
}

fn report(fields: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\n\nSorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{fields}\n--b--\n"
    )
}

/// V5: fields first, several recipients, the original one, UTF-8 addresses, groups that fell apart.
#[test]
fn reports_for_machines() {
    let cases = [
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n",
            "bounce a@x.example=hard",
        ),
        (
            "Original-Recipient: rfc822;a@x.example\nFinal-Recipient: rfc822; b@y.example\nAction: failed\nStatus: 5.1.1\n",
            "bounce a@x.example=hard",
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\n\
             Final-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.2.2\n",
            "bounce a@x.example=hard b@x.example=full",
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\
             Final-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.7.1\n",
            "bounce a@x.example=hard b@x.example=policy",
        ),
        (
            "Final-Recipient: rfc822; a@x.example\n\nAction: failed\nStatus: 5.1.1\n",
            "bounce a@x.example=hard",
        ),
        (
            "Final-Recipient: utf-8; j\\x{FC}rgen@x.example\nAction: failed\nStatus: 5.1.1\n",
            "bounce jürgen@x.example=hard",
        ),
        // Exim: the code stands in what was answered.
        (
            "Final-Recipient: rfc822;a@x.example\nAction: failed\nStatus: 5.0.0\n\
             Diagnostic-Code: smtp; 550 5.1.1 <a@x.example>: nobody here\n",
            "bounce a@x.example=hard",
        ),
        (
            "Final-Recipient: rfc822;a@x.example\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; user unknown\n",
            "delayed a@x.example=soft",
        ),
        ("Final-Recipient: rfc822;a@x.example\nAction: delivered\nStatus: 2.0.0\n", "other"),
    ];
    for (fields, expect) in cases {
        assert_eq!(seen(&report(fields)), expect, "{fields}");
    }
}

/// V5: where an address stands says whether it is meant.
#[test]
fn words_for_people() {
    let cases = [
        ("<a@x.example>:\n550 5.1.1 user unknown\n", "bounce a@x.example=hard"),
        (
            "The following address failed:\n\n  a@x.example\n    mailbox is full\n",
            "bounce a@x.example=full",
        ),
        (
            "Sent <<< RCPT TO:<a@x.example>\nReceived >>> 550 no such user\n",
            "bounce a@x.example=hard",
        ),
        (
            "Recipient: [SMTP:a@x.example]\nReason: 550 mailbox unavailable\n",
            "bounce a@x.example=hard",
        ),
        ("  * a@x.example\n\n553 No such user here\n", "bounce a@x.example=hard"),
        (
            "a@x.example:\n  user unknown\n\nFor help contact help@mx.example.\n\n--- Original message follows.\n\n\
             Received: from x\nTo: klasse-5b@schule.example\n",
            "bounce a@x.example=hard",
        ),
        (
            "<a@x.example>: no such user\n\n<b@x.example>: mailbox full\n",
            "bounce a@x.example=hard b@x.example=full",
        ),
        (
            "  a@x.example\n    (generated from b@y.example)\n    user unknown\n",
            "bounce b@y.example=hard",
        ),
        (
            "Nothing said.\n--- Below this line is a copy of the message.\n\nTo: a@x.example\n\nx",
            "bounce a@x.example=soft",
        ),
    ];
    for (text, expect) in cases {
        assert_eq!(seen(&program(text)), expect, "{text}");
    }
    let failed = "From: MAILER-DAEMON@mx.example\nX-Failed-Recipients: a@x.example\n\na@x.example\n  quota exceeded\n";
    assert_eq!(seen(failed), "bounce a@x.example=full");
}

/// V6, promise 11: words of many servers and languages, and what follows from them.
#[test]
fn classes() {
    let cases = [
        ("550 5.1.1 The email account that you tried to reach does not exist.", Class::Hard),
        ("550 Requested action not taken: mailbox unavailable", Class::Hard),
        ("550 5.1.1 unbekannter Empfänger", Class::Hard),
        ("550 Benutzer existiert nicht", Class::Hard),
        (
            "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416",
            Class::Hard,
        ),
        ("550 Пользователь не найден", Class::Hard),
        ("宛先不明", Class::Hard),
        ("550 用户不存在", Class::Hard),
        ("551 5.1.6 address has changed", Class::Hard),
        ("556 5.1.10 domain does not accept mail (nullMX)", Class::Hard),
        (
            "Host or domain name not found. Name service error for name=x type=A: Host not found",
            Class::Hard,
        ),
        ("450 4.1.1 user unknown", Class::Soft),
        ("Host not found, try again", Class::Soft),
        ("421 4.4.2 connection timed out", Class::Soft),
        ("retry timeout exceeded", Class::Soft),
        ("550 account temporarily suspended", Class::Soft),
        ("550 user unknown (in reply to end of DATA command)", Class::Soft),
        ("552 5.2.2 mailbox full", Class::Full),
        ("552 Das Postfach ist voll", Class::Full),
        ("552 boîte pleine", Class::Full),
        ("452 4.2.2 over quota", Class::Full),
        (
            "550-Requested action not taken: mailbox unavailable\n550-Reject due to policy restrictions.\n550 5.7.1 x",
            Class::Policy,
        ),
        (
            "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)",
            Class::Policy,
        ),
        (
            "550-5.7.26 Unauthenticated email from schule.example is not accepted due to domain's DMARC policy.",
            Class::Policy,
        ),
        (
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            Class::Policy,
        ),
        ("550 5.7.1 <a@x.example>: Recipient address rejected: User unknown", Class::Policy),
        ("554 5.7.1 Message rejected due to spam content", Class::Policy),
        ("550 5.1.8 sender address rejected", Class::Policy),
        ("552 5.3.4 message size exceeds fixed limit", Class::Content),
        ("554 virus found", Class::Content),
        ("550 5.6.0 message header malformed", Class::Content),
        ("gibberish", Class::Soft),
    ];
    for (said, expect) in cases {
        let got = read(program(&format!("<a@x.example>:\n{said}\n")).as_bytes());
        let got = got.recipients.first().map(|one| one.class);
        assert_eq!(got, Some(expect), "{said}");
    }
}

/// V6: what the programs and providers of this world say, in their own words.
#[test]
fn what_servers_say() {
    let text = include_str!("../../../../fixtures/bounces/said.txt");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    let (mut wrong, mut all) = (Vec::new(), 0);
    for line in lines {
        let (class, said) = line.split_once(' ').expect("a class and the words");
        let class = Class::from_name(class).expect("a class");
        let bounce = read(program(&format!("<a@x.example>:\n{said}\n")).as_bytes());
        let got = bounce.recipients.iter().find(|one| one.address.to_string() == "a@x.example");
        all += 1;
        if got.map(|one| one.class) != Some(class) {
            wrong.push(format!("{line}: {:?}", got.map(|one| (one.class, &one.rule))));
        }
    }
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > 200);
}

/// RFC 3463 2: a status stands where one may stand, and is one of a failure.
#[test]
fn a_status_is_no_version() {
    let cases = [
        ("<a@x.example>: 550 5.1.1 unknown user", Some("5.1.1")),
        ("<a@x.example>: unknown user (#5.1.1)", Some("5.1.1")),
        ("<a@x.example>: unknown user, status 5.1.1", Some("5.1.1")),
        ("<a@x.example>: host said 5.1.1 unknown user", Some("5.1.1")),
        ("<a@x.example>: unknown user\nReported by Mailer 5.1.2", None),
        ("<a@x.example>: unknown user\nX-Program/4.1.2, program v4.1.3", None),
        ("<a@x.example>: unknown user\nYour mail about 2.0.12 (2.0.12)", None),
        ("<a@x.example>: unknown user\nserver 5.5.2653.19 (5.9.1)", None),
        ("<a@x.example>: unknown user\nfrom 4.5.6.7 or 5.40.1", None),
    ];
    for (said, expect) in cases {
        let got = read(program(&format!("{said}\n")).as_bytes());
        let got = got.recipients.first().and_then(|one| one.status.as_deref());
        assert_eq!(got, expect, "{said}");
    }
}

/// A6, C1: what is no bounce, and what only looks like one.
#[test]
fn kinds() {
    let cases = [
        (
            "From: anna@x.example\nAuto-Submitted: auto-replied\nSubject: Abwesend\n\nIch bin im Urlaub.\n",
            "vacation",
        ),
        (
            "From: anna@x.example\nSubject: Automatische Antwort: Elternabend\n\nKontakt: b@x.example\n",
            "vacation",
        ),
        (
            "From: x@provider.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b--\n",
            "feedback",
        ),
        ("From: a@x.example\nSubject: Please confirm your message\n\nClick here.\n", "challenge"),
        (
            "From: a@x.example\nSubject: Re: Ausflug\n\nWir kommen. b@x.example kommt auch.\n",
            "other",
        ),
        (
            "From: a@x.example\nIn-Reply-To: <1@x>\nSubject: Re: Ausflug\n\nMeine Mail an b@x.example kam zurück, undeliverable.\n",
            "other",
        ),
        (
            "From: MAILER-DAEMON@mx.example\nSubject: Warning: message delayed 24 hours\n\nhas not yet been delivered to:\n\n  a@x.example\n",
            "delayed a@x.example=soft",
        ),
        // Exim and Dovecot mark refusals of theirs as replies.
        (
            "From: MAILER-DAEMON@mx.example\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed\n\n  a@x.example\n    Unrouteable address\n",
            "bounce a@x.example=hard",
        ),
        ("", "other"),
        ("x", "other"),
    ];
    for (raw, expect) in cases {
        assert_eq!(seen(raw), expect, "{raw}");
    }
}

/// Every rule has a name, a reason to match, and phrases in the form in which texts are searched.
#[test]
fn rules_are_sound() {
    let text = include_str!("rules.toml");
    let table: toml::Table = toml::from_str(text).expect("TOML");
    let mut unsound = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for rule in table["rule"].as_array().expect("rules") {
        let name = rule["name"].as_str().expect("a name");
        assert!(names.insert(name), "{name} twice");
        let phrases = rule.get("text").and_then(|t| t.as_array()).cloned().unwrap_or_default();
        assert!(!phrases.is_empty(), "{name}");
        for phrase in phrases {
            let phrase = phrase.as_str().expect("a phrase");
            assert_eq!(phrase, phrase.to_lowercase(), "{name}");
            let words = phrase.replace(" * ", " ").replace('*', " ");
            let form = words.split_whitespace().collect::<Vec<_>>().join(" ");
            if phrases::plain(&words) != form {
                unsound.push(format!("{name}: {phrase}"));
            }
        }
    }
    assert!(unsound.is_empty(), "never found: {unsound:#?}");
    assert!(names.len() > 20 && !RULES.rule.is_empty());
}

/// X6, promise 10: more of anything costs no more than its length, and is cut off.
#[test]
fn large_bounces_are_bounded() {
    let line = "<a@x.example>: 550 user unknown\n";
    let many: String =
        (0..30_000).map(|i| format!("<a{i}@x.example>: 550 user unknown\n")).collect();
    let fields: String = (0..5_000)
        .map(|i| format!("Final-Recipient: rfc822; a{i}@x.example\nAction: failed\n\n"))
        .collect();
    for raw in [
        program(&line.repeat(30_000)),
        program(&many),
        report(&fields),
        program(&"@".repeat(900_000)),
        program(&"user user ".repeat(90_000)),
    ] {
        assert!(read(raw.as_bytes()).recipients.len() <= MAX_RECIPIENTS);
    }
}

#[test]
fn in_a_few_words() {
    assert_eq!(
        read(program("<a@x.example>: 550 5.1.1 unknown user").as_bytes()).summary(),
        "bounce hard 5.1.1"
    );
    assert_eq!(read(program("<a@x.example>: unknown user").as_bytes()).summary(), "bounce hard -");
    assert_eq!(read(b"x").summary(), "other");
}

/// V6: a single reply, as the relay gives it or its log tells it.
#[test]
fn replies() {
    let cases = [
        (550, "5.1.1 <a@x.example>: Recipient address rejected: User unknown", Class::Hard),
        (550, "Unrouteable address", Class::Hard),
        (452, "4.2.2 mailbox full", Class::Full),
        (451, "4.7.1 greylisted, try again in 300 seconds", Class::Soft),
        (450, "4.1.1 user unknown", Class::Soft),
        (554, "5.7.1 Spam message rejected", Class::Policy),
        (552, "5.3.4 Message too big", Class::Content),
        (550, "", Class::Soft),
        (0, "the connection was lost", Class::Soft),
    ];
    for (code, text, expect) in cases {
        assert_eq!(of_reply(code, text), expect, "{code} {text}");
    }
}
