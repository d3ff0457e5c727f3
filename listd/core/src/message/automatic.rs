//! Was this mail written by a program that answers mail (rules A4, A6, V4)?

use crate::address::Address;
use crate::message::{Mail, params};

/// Why a mail is never distributed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Automatic {
    /// V4: a bounce gone astray.
    NullSender,
    /// A4: a vacation notice or another automatic reply.
    Reply,
    /// A delivery or disposition report.
    Report,
}

/// Fields that only automatic replies carry.
const REPLY_FIELDS: [&str; 6] = [
    "X-Autoreply",
    "X-Autorespond",
    "X-Auto-Reply",
    "X-Autoreply-From",
    "X-Mail-Autoreply",
    "X-Autoresponse",
];

/// How Exchange begins the subject of an out-of-office reply, which it marks `auto-generated`.
const REPLY_SUBJECTS: [&str; 6] = [
    "automatic reply:",
    "automatische antwort:",
    "out of office:",
    "abwesend:",
    "abwesenheitsnotiz:",
    "automatische abwesenheit",
];

/// A4, V4. `auto-generated` mail (school software, monitoring) passes; `null_sender` is MAIL FROM:<>.
pub fn automatic(mail: &Mail, null_sender: bool) -> Option<Automatic> {
    if null_sender {
        return Some(Automatic::NullSender);
    }
    if is_report(mail) {
        return Some(Automatic::Report);
    }
    let submitted = mail.auto_submitted.as_deref();
    let marked = |name: &&str| {
        mail.text(name).is_some_and(|value| {
            !matches!(value.to_ascii_lowercase().as_str(), "no" | "false" | "0")
        })
    };
    let reply = submitted == Some("auto-replied")
        || REPLY_FIELDS.iter().any(marked)
        || matches!(mail.precedence.as_deref(), Some("auto_reply" | "auto-reply"))
        || mail
            .text("X-POST-MessageClass")
            .is_some_and(|v| v.to_ascii_lowercase().contains("autoresponder"))
        || (submitted == Some("auto-generated") && is_exchange_reply(mail));
    reply.then_some(Automatic::Reply)
}

/// Whether a program of ours may answer this mail (A2): only what a person seems to have written to us alone.
/// `sender` is MAIL FROM. That a filter calls it spam is a further reason not to, which the caller knows.
pub fn automatic_answer_allowed(mail: &Mail, sender: Option<&Address>) -> bool {
    sender.is_some_and(|sender| !is_machine(sender.local()) && !by_program(mail, false))
}

/// Whether a program wrote it or sent it to many: its own marks say so (A2, A4).
pub fn by_program(mail: &Mail, null_sender: bool) -> bool {
    let suppressed = |value: String| {
        let mut words = value.split(',').map(|word| word.trim().to_ascii_lowercase());
        words.any(|word| word == "all" || word == "autoreply")
    };
    let names = mail.fields.iter().filter_map(|f| mail.head.get(f.name.clone()));
    let of_list = |name: &[u8]| name.get(..5).is_some_and(|n| n.eq_ignore_ascii_case(b"list-"));
    automatic(mail, null_sender).is_some()
        || mail.auto_submitted.as_deref().is_some_and(|word| word != "no")
        || matches!(mail.precedence.as_deref(), Some("bulk" | "junk" | "list"))
        || names.into_iter().any(of_list)
        || mail.text("X-Auto-Response-Suppress").is_some_and(suppressed)
}

/// The left side of an address behind which nobody reads.
fn is_machine(local: &str) -> bool {
    let local = local.to_ascii_lowercase();
    let names =
        ["mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply"];
    names.contains(&local.as_str())
        || local.starts_with("owner-")
        || ["-owner", "-request", "-bounces"].iter().any(|end| local.ends_with(end))
        || local.contains("-bounces+")
}

fn is_report(mail: &Mail) -> bool {
    let (kind, params) = params::content_type(mail.values("Content-Type").next());
    let report = params::param(&params, "report-type").unwrap_or_default().to_ascii_lowercase();
    kind == "multipart/report"
        && matches!(report.as_str(), "delivery-status" | "disposition-notification")
}

/// Exchange marks its vacation replies `auto-generated`, as if nobody had written to it.
fn is_exchange_reply(mail: &Mail) -> bool {
    let subject = mail.text("Subject").unwrap_or_default().to_lowercase();
    mail.count("X-Auto-Response-Suppress") > 0
        && (mail.count("In-Reply-To") > 0 || REPLY_SUBJECTS.iter().any(|s| subject.starts_with(s)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A2: nothing of ours answers a program, a list or nobody.
    #[test]
    fn whom_a_program_may_answer() {
        let cases = [
            ("Subject: x", "anna@home.example", true),
            ("Auto-Submitted: no", "anna@home.example", true),
            ("Precedence: first-class", "anna@home.example", true),
            ("X-Auto-Response-Suppress: DR", "anna@home.example", true),
            ("Auto-Submitted: auto-generated", "anna@home.example", false),
            ("Precedence: list", "anna@home.example", false),
            ("Precedence: Bulk", "anna@home.example", false),
            ("Precedence: junk", "anna@home.example", false),
            ("Auto-Submitted: auto-replied (vacation)", "anna@home.example", false),
            ("X-Auto-Response-Suppress: All", "anna@home.example", false),
            ("X-Autoreply: yes", "anna@home.example", false),
            (
                "Content-Type: multipart/report; report-type=delivery-status",
                "anna@home.example",
                false,
            ),
            ("Subject: x", "x-owner@home.example", false),
            ("Subject: x", "x-bounces@home.example", false),
            ("Subject: x", "do-not-reply@home.example", false),
            ("Subject: x", "owner@home.example", true),
            ("LIST-Unsubscribe: <mailto:x@y>", "anna@home.example", false),
            ("List-Id: <klasse-5b.schule.example>", "anna@home.example", false),
            ("X-Auto-Response-Suppress: OOF, autoreply", "anna@home.example", false),
            ("Subject: x", "MAILER-DAEMON@home.example", false),
            ("Subject: x", "owner-x@home.example", false),
            ("Subject: x", "x-request@home.example", false),
            ("Subject: x", "x-bounces+a@home.example", false),
            ("Subject: x", "NoReply@home.example", false),
            ("Subject: x", "postmaster@home.example", false),
        ];
        for (head, sender, expect) in cases {
            let mail = Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail");
            let sender = Address::parse(sender).expect("an address");
            assert_eq!(automatic_answer_allowed(&mail, Some(&sender)), expect, "{head} {sender}");
            assert!(!automatic_answer_allowed(&mail, None), "{head}");
        }
    }

    /// A4, A6, V4: replies are seen, mail by programs that ask nothing of a person passes.
    #[test]
    fn answers_of_programs() {
        let reply = Some(Automatic::Reply);
        let report = Some(Automatic::Report);
        let cases = [
            ("Auto-Submitted: auto-replied", reply),
            ("Auto-Submitted: Auto-Replied (vacation)", reply),
            ("Auto-Submitted: auto-replied; owner-email=\"a@x\"", reply),
            ("Auto-Submitted: auto-generated", None),
            ("Auto-Submitted: no", None),
            (
                "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nSubject: Automatische Antwort: x",
                reply,
            ),
            (
                "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nIn-Reply-To: <a@b>",
                reply,
            ),
            (
                "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nSubject: Heizung kalt",
                None,
            ),
            ("X-Auto-Response-Suppress: All", None),
            ("X-Autoreply: yes", reply),
            ("X-Autoreply: no", None),
            ("X-Autorespond: weg", reply),
            ("Precedence: auto_reply", reply),
            ("Precedence: bulk", None),
            ("Content-Type: multipart/report; report-type=delivery-status; boundary=x", report),
            ("Content-Type: multipart/report; report-type=\"disposition-notification\"", report),
            ("Content-Type: multipart/report; report-type=feedback-report", None),
            ("Subject: Automatische Antwort: x", None),
        ];
        for (head, expect) in cases {
            let mail = Mail::parse(format!("{head}\r\n\r\n").as_bytes()).expect("mail");
            assert_eq!(automatic(&mail, false), expect, "{head}");
            assert_eq!(automatic(&mail, true), Some(Automatic::NullSender), "{head}");
        }
    }
}
