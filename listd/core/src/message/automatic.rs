//! Was this mail written by a program that answers mail (rules A4, A6, V4)?

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
