//! What a mail to `-bounces` seems to be, in a few words for counts and traces.
//!
//! Not whose it is (`token`), and not yet what follows from it: classes and scores come later.

use crate::message::automatic::{Automatic, automatic};
use crate::message::fields::{fields, split, unfold};
use crate::message::parts::{Piece, pieces};
use crate::message::{Mail, params, text};

/// `dsn failed 5.1.1`, `dsn delayed 4.4.1`, `auto-reply`, or `unparsed`. At most 40 octets, ASCII.
pub fn summary(raw: &[u8]) -> String {
    let Ok(mail) = Mail::parse(raw) else { return "unparsed".to_owned() };
    let body = raw.get(mail.head_len()..).unwrap_or_default();
    let (kind, params) = params::content_type(mail.values("Content-Type").next());
    if kind == "multipart/report" {
        let boundary = params::param(&params, "boundary").filter(|b| !b.is_empty());
        if let Some(report) = boundary.and_then(|boundary| status_part(body, boundary)) {
            return delivery_status(report);
        }
    }
    match automatic(&mail, false) {
        Some(Automatic::Reply) => "auto-reply".to_owned(),
        _ => "unparsed".to_owned(),
    }
}

/// The body of the first delivery-status part (RFC 3464 2.1, RFC 6533 4).
fn status_part<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
    let parts = pieces(body, boundary).into_iter().filter_map(|piece| match piece {
        Piece::Part(range) => body.get(range),
        _ => None,
    });
    let is_status = |part: &[u8]| {
        let (head, _) = part.split_at(split(part));
        let kind = fields(head)
            .iter()
            .find(|f| f.is(head, "Content-Type"))
            .map(|f| params::content_type(Some(f.value(head))).0);
        matches!(
            kind.as_deref(),
            Some("message/delivery-status" | "message/global-delivery-status")
        )
    };
    parts.take(20).find(|part| is_status(part)).map(|part| part.split_at(split(part)).1)
}

/// The first recipient's action and status.
fn delivery_status(report: &[u8]) -> String {
    // The groups of the report are header blocks, one after the other (RFC 3464 2.1).
    let mut rest = report;
    let (mut action, mut status, mut diagnostic) = (None, None, None);
    while !rest.is_empty() {
        let (group, after) = rest.split_at(split(rest));
        let all = fields(group);
        let value = |name: &str| {
            all.iter()
                .find(|f| f.is(group, name))
                .map(|f| text::utf8_or_latin(&unfold(f.value(group))))
        };
        action = action.or_else(|| value("Action"));
        status = status.or_else(|| value("Status").and_then(|v| enhanced(&v)));
        diagnostic = diagnostic.or_else(|| value("Diagnostic-Code").and_then(|v| enhanced(&v)));
        if action.is_some() {
            break;
        }
        rest = after;
    }
    // Exim says 5.0.0 in Status and the real code only in the diagnostic.
    let vague = status.as_deref().is_none_or(|s| s.ends_with(".0.0"));
    let status = if vague { diagnostic.or(status) } else { status };
    let action = action.map(|a| a.trim().to_ascii_lowercase());
    let action = ["failed", "delayed", "delivered", "relayed", "expanded"]
        .into_iter()
        .find(|a| action.as_deref() == Some(a));
    format!("dsn {} {}", action.unwrap_or("unknown"), status.as_deref().unwrap_or("-"))
}

/// The first enhanced status code in a text (RFC 3463 2): `5.1.1`.
fn enhanced(text: &str) -> Option<String> {
    let is_code = |word: &&str| {
        let numbers: Vec<&str> = word.split('.').collect();
        let digits = |n: &&str| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
        numbers.len() == 3
            && numbers.iter().all(digits)
            && matches!(numbers.first(), Some(&("2" | "4" | "5")))
    };
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find(is_code).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: &str) -> String {
        format!(
            "From: <>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n{status}\r\n--b--\r\n"
        )
    }

    /// V5 in its smallest form, with the code that Exim hides.
    #[test]
    fn bounces_in_a_few_words() {
        let cases = [
            (report("Action: failed\r\nStatus: 5.1.1\r\n"), "dsn failed 5.1.1"),
            (
                report(
                    "Action: failed\r\nFinal-Recipient: rfc822;a@b\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 5.1.1 no\r\n",
                ),
                "dsn failed 5.1.1",
            ),
            (report("Action: Delayed\r\nStatus: 4.4.1 (x)\r\n"), "dsn delayed 4.4.1"),
            (report("Action: failed\r\nStatus: 5.0.0\r\n"), "dsn failed 5.0.0"),
            (report("Action: \r\nStatus: x\r\n"), "dsn unknown -"),
            (report(""), "dsn unknown -"),
            ("Auto-Submitted: auto-replied\r\n\r\nweg".to_owned(), "auto-reply"),
            ("Subject: Mail delivery failed\r\n\r\nno such user".to_owned(), "unparsed"),
            (String::new(), "unparsed"),
            ("x".repeat(300_000), "unparsed"),
        ];
        for (raw, expect) in cases {
            assert_eq!(summary(raw.as_bytes()), expect, "{raw:.300}");
        }
    }
}
