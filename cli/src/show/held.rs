//! Mail that waits for somebody's word, one of them, and what came of a decision.

use listcore::api::{Decided, Ending, HeldDetail, HeldMail, HeldMails, Learned};
use listcore::hold::End;
use listcore::notice;

use super::table::{Rows, visible};
use crate::time;

pub fn held(held: &HeldMails) -> String {
    if held.mails.is_empty() {
        return "Nothing waits for anybody's word.\n".to_owned();
    }
    let more = if held.more { "There is more: --limit shows up to 1000.\n" } else { "" };
    rows(&held.mails) + more
}

/// Mails that wait, or did.
pub fn rows(mails: &[HeldMail]) -> String {
    let mut rows =
        Rows::new(&["ID", "LIST", "SINCE", "FROM", "SUBJECT", "WAITS FOR", "WHY", "UNTIL"]);
    for mail in mails {
        let (waits, until) = match &mail.ended {
            Some(ended) => (end(ended), time::at(ended.at)),
            None => (format!("its {}", waits(mail)), time::at(mail.expires)),
        };
        rows.row([
            mail.id.clone(),
            mail.list.clone(),
            time::at(mail.at),
            mail.author.clone().unwrap_or_default(),
            mail.subject.clone().unwrap_or_default(),
            waits,
            mail.reason.clone(),
            until,
        ]);
    }
    rows.text()
}

pub fn detail(detail: &HeldDetail) -> String {
    let mail = &detail.mail;
    let mut facts = Rows::facts();
    facts.fact("held mail", &mail.id);
    facts.fact("list", &mail.list);
    facts.fact("from", mail.author.clone().unwrap_or_default());
    facts.fact("subject", mail.subject.clone().unwrap_or_default());
    facts.fact("message-id", &mail.message_id);
    facts.fact("to", &detail.recipient);
    facts.fact("came", format!("{} from {}", time::at(mail.at), detail.came_from));
    facts.fact("size", format!("{} octets", mail.size));
    facts.fact("why", &mail.why);
    let sure = if mail.verified { "yes" } else { "no" };
    facts.fact("author verified", [sure, &mail.verification].join(": ").trim_end_matches(": "));
    facts.fact("filter", &mail.verdict);
    match &mail.ended {
        Some(ended) => {
            facts.fact("decided", format!("{}, {}", end(ended), time::at(ended.at)));
        }
        None => {
            let asked = if mail.told { "" } else { ", who will be asked now" };
            facts.fact("waits for", format!("its {}{asked}", waits(mail)));
            facts.fact("until", time::at(mail.expires));
        }
    }
    facts.text() + &text(detail)
}

/// The mail's own words, marked as such.
fn text(detail: &HeldDetail) -> String {
    match &detail.text {
        Some(text) if !text.is_empty() => {
            let lines = text.lines().map(|line| format!("> {}\n", visible(line)));
            std::iter::once("\n".to_owned()).chain(lines).collect()
        }
        Some(_) => "\n(no text)\n".to_owned(),
        None if detail.mail.subject.is_none() => {
            "\n(not shown: a protected person; --reason TEXT shows it, and is logged)\n".to_owned()
        }
        None => "\n(the mail itself is no longer kept)\n".to_owned(),
    }
}

pub fn decided(decided: &Decided) -> String {
    let mail = &decided.mail;
    let how = mail.ended.as_ref().map(end).unwrap_or_default();
    let before = if decided.yours { "" } else { "decided before: " };
    visible(&format!("{} to {}: {before}{how}", mail.id, mail.list)) + "\n"
}

pub fn learned(learned: &Learned) -> String {
    let what = if learned.spam { "spam" } else { "ham" };
    let before = if learned.known { " before" } else { "" };
    visible(&format!("<{}>: rspamd learned it as {what}{before}", learned.message_id)) + ".\n"
}

fn waits(mail: &HeldMail) -> &str {
    if mail.waits_for == "moderator" { "moderators" } else { &mail.waits_for }
}

fn end(ended: &Ending) -> String {
    let by = if ended.by.is_empty() { String::new() } else { format!(" by {}", ended.by) };
    let words = match &ended.end {
        End::Rejected(why) | End::Refused(why) if !why.is_empty() => format!(" ({why})"),
        _ => String::new(),
    };
    format!("{}{by}{words}", notice::ended("en", &ended.end))
}
