//! Lines of real logs, and what they say; other text does no harm.

use proptest::prelude::*;

use super::*;

/// Answer, recipient, host, code, text.
type Expect = (Answer, &'static str, Option<&'static str>, u16, &'static str);

/// Lines as Exim 4.96 wrote them in the project's stories, and others with its further options.
const HEARD: &[(&str, Expect)] = &[
    (
        "2026-11-22 07:39:02 1xV2AA-000009-1b => klasse-5b@schule.example R=listd T=listd_lmtp H=127.0.0.1 [127.0.0.1] K C=\"250 2.0.0 ok sink1\" QT=0s",
        (Answer::Accepted, "klasse-5b@schule.example", Some("127.0.0.1"), 250, "2.0.0 ok sink1"),
    ),
    (
        "2026-11-22 07:39:02 1xV2AA-000009-1b -> klasse-5a@schule.example R=listd T=listd_lmtp H=127.0.0.1 [127.0.0.1] K C=\"221 2.0.0 bye\" QT=0s",
        (Answer::Accepted, "klasse-5a@schule.example", Some("127.0.0.1"), 221, "2.0.0 bye"),
    ),
    (
        "2026-11-22 07:45:16 1xV2GC-000008-0v ** klasse-5b@schule.example R=listd T=listd_lmtp H=127.0.0.1 [127.0.0.1]: LMTP error after BDAT 1200030 LAST: 550 5.7.1 Nur Elternvertreter",
        (
            Answer::Refused,
            "klasse-5b@schule.example",
            Some("127.0.0.1"),
            550,
            "5.7.1 Nur Elternvertreter",
        ),
    ),
    (
        "2026-11-22 07:47:23 1xV2IF-000009-0d ** petra@t-online.de <sommer@schule.example> F=<x-bounces+a@schule.example> P=<x-bounces+a@schule.example> R=out T=smtp H=mx00.t-online.de [194.25.134.8]:25 X=TLS1.3:ECDHE_SECP521R1__RSA_SHA512__AES_256_GCM:256 CV=yes DN=\"C=DE,O=Telekom: AG,CN=mx00.t-online.de\": SMTP error from remote mail server after end of data: 554 IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify. (BL)",
        (
            Answer::Refused,
            "sommer@schule.example",
            Some("mx00.t-online.de"),
            554,
            "IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify. (BL)",
        ),
    ),
    (
        "2026-11-22 08:00:00.123 +0100 [4711] 1rTSy4-00000003wQ3-2eBc == ute@gmx.example R=outside T=outside H=mx01.gmx.example [192.0.2.9]:25 defer (-44) H=mx01.gmx.example [192.0.2.9]:25: SMTP error from remote mail server after RCPT TO:<ute@gmx.example>: 451-4.7.1 Greylisted,\\n451 4.7.1 come back later",
        (
            Answer::Deferred,
            "ute@gmx.example",
            Some("mx01.gmx.example"),
            451,
            "4.7.1 Greylisted, 4.7.1 come back later",
        ),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b == ute@gmx.example R=outside T=outside defer (111): Connection refused",
        (Answer::Deferred, "ute@gmx.example", None, 0, "Connection refused"),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b == ute@gmx.example R=outside T=outside defer (110): Connection timed out H=mx.gmx.example [192.0.2.9]: SMTP timeout after EHLO mx.schule.example",
        (
            Answer::Deferred,
            "ute@gmx.example",
            Some("mx.gmx.example"),
            0,
            "SMTP timeout after EHLO mx.schule.example",
        ),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b ** weg@nirgends.example: Unrouteable address",
        (Answer::Refused, "weg@nirgends.example", None, 0, "Unrouteable address"),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b ** weg@nirgends.example : all relevant MX records point to non-existent hosts",
        (
            Answer::Refused,
            "weg@nirgends.example",
            None,
            0,
            "all relevant MX records point to non-existent hosts",
        ),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b ** a@b.example R=o T=o H=mx [::1]: retry timeout exceeded",
        (Answer::Refused, "a@b.example", Some("mx"), 0, "retry timeout exceeded"),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b => \"ute maria\"@gmx.example R=o T=o H=mx [192.0.2.9] C=\"250 \\\"ok\\\" id\" QT=3s DT=1s",
        (Answer::Accepted, "\"ute maria\"@gmx.example", Some("mx"), 250, "\\\"ok\\\" id"),
    ),
    (
        "2026-11-22 08:00:00 1xV2AA-000009-1b => /var/mail/a <a@schule.example> R=local T=file",
        (Answer::Accepted, "a@schule.example", None, 0, ""),
    ),
];

#[test]
fn what_a_recipients_server_answered() {
    for (text, (answer, recipient, host, code, said)) in HEARD {
        let Some(Line { what: What::Heard(heard), .. }) = line(text) else {
            panic!("nothing heard in {text}")
        };
        let host = host.map(str::to_owned);
        let reply = Reply { code: *code, text: (*said).to_owned() };
        let expect = Heard { answer: *answer, recipient: (*recipient).to_owned(), host, reply };
        assert_eq!(heard, expect, "{text}");
    }
}

/// What is no answer of anybody is none.
#[test]
fn what_is_no_answer() {
    let other = [
        "<= klasse-5b-bounces+aytok@schule.example H=localhost [127.0.0.1] P=esmtp S=4711 id=1@post.example for a@gmx.example",
        "== a@gmx.example R=outside T=outside defer (-1): first-pass only routing due to -odqs, queue_smtp_domains or control=queue",
        "== a@gmx.example R=outside T=outside defer (-53): retry time not reached for any host for 'gmx.example'",
        "== maria.fischer@post.example R=mailbox T=dovecot defer (0): SMTP delivery explicitly queued",
        "== a@gmx.example routing defer (-56): domain is in queue_domains",
        "== a@gmx.example defer (-23): domain is held",
        ">> klasse-5b@schule.example R=listd_ask T=listd_smtp H=127.0.0.1 [127.0.0.1] C=\"250 ok\" QT=0s",
        "*> a@gmx.example R=outside T=outside H=mx [192.0.2.9]",
        "Spool file is locked (another process is handling this message)",
        "=> nobody R=outside",
        "**",
        "== a@gmx.example R=o T=o defer (x): y",
    ];
    for text in other {
        let all = format!("2026-11-22 08:00:00 1xV2AA-000009-1b {text}");
        assert_eq!(line(&all).expect(text).what, What::Other, "{text}");
    }
    for text in [
        "",
        "2026-11-22 07:39:05 exim 4.96 daemon started: pid=3, -q1s, listening for SMTP on [127.0.0.1]:{1,2}",
        "2026-11-22 07:39:02 no host name found for IP address 192.0.2.25",
        "2026-11-22 07:39:02 Start queue run: pid=13",
        "2026-11-22 1xV2AA-000009-1b => a@b",
        "2026-11-22 07:39:02 +99 1xV2AA-000009-1b Completed",
        "2026-11-22 07:39:02 1xV2AA-000009-1 Completed",
        "Nov 22 07:39:02 mx exim: 1xV2AA-000009-1b Completed",
    ] {
        assert_eq!(line(text), None, "{text}");
    }
    let done = line("2026-11-22 07:39:02 1xV2AA-000009-1b Completed QT=3s").expect("a line");
    assert_eq!((done.what, done.queue_id), (What::Completed, "1xV2AA-000009-1b"));
}

#[test]
fn when_it_was_written() {
    let read = |text: &str| line(&format!("{text} 1xV2AA-000009-1b Completed")).map(|l| l.at);
    let at = read("2026-11-22 07:39:02").expect("a time");
    assert_eq!((at.year, at.month, at.day), (2026, 11, 22));
    assert_eq!((at.hour, at.minute, at.second, at.zone), (7, 39, 2, None));
    assert_eq!(read("2026-11-22 07:39:02.999 +0530 [1]").expect("a time").zone, Some(19_800));
    assert_eq!(read("2026-11-22 07:39:02 -0100").expect("a time").zone, Some(-3_600));
    assert_eq!(read("2026-11-22 07:39"), None);
}

#[test]
fn an_answer_without_whom_it_is_about() {
    let text = "5.1.1 <Ute@GMX.example>: ute@gmx.example is unknown";
    assert_eq!(without(text, "ute@gmx.example"), "5.1.1 <(address)>: (address) is unknown");
    assert_eq!(without(text, ""), text);
}

proptest! {
    /// Promise 10
    #[test]
    fn any_text_is_read_without_harm(text in "\\PC{0,300}", flag in "=>|->|==|\\*\\*", tail in "\\PC{0,200}") {
        let _ = line(&text);
        let _ = line(&format!("2026-11-22 07:39:02 1xV2AA-000009-1b {flag} {tail}"));
        let all = format!("2026-11-22 07:39:02 1xV2AA-000009-1b {flag} a@b.example R=o T=o defer (-44): {tail}");
        if let Some(Line { what: What::Heard(heard), .. }) = line(&all) {
            prop_assert!(heard.reply.text.chars().count() <= MAX_TEXT);
            prop_assert!(!heard.reply.text.chars().any(char::is_control));
        }
        prop_assert!(!without(&tail, "a").to_ascii_lowercase().replace("(address)", "").contains('a'));
    }
}
