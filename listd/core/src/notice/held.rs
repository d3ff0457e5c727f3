//! What we write about a mail that waits: to the one who is said to have written it, and to those who decide.
//!
//! Not when it waits (`policy`), nor who is told what (the daemon's desk). Whoever gets a letter learns no address from
//! it but those that the author wrote, and who decided, if she is one of those who decide (promise 7).

use super::frame::{Frame, Post, Say, letter};
use super::letter::{Block, Words};
use super::{day, moment, size, word};
use crate::address::Address;
use crate::answer::Asked;
use crate::hold::{By, End, Ended, Reason};
use crate::policy::Unproven;
use crate::time::Local;

/// Most attachments that a letter names.
const MOST_ATTACHMENTS: usize = 20;

/// The one question to the one whom From names.
#[derive(Copy, Clone, Debug)]
pub struct Question<'a> {
    pub post: Post<'a>,
    /// A page for the answer.
    pub url: Option<&'a str>,
    pub until: Local,
}

/// What the spam filter said.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    No,
    Clean,
    Suspect,
}

/// What those who decide must know.
#[derive(Copy, Clone, Debug)]
pub struct Announcement<'a> {
    pub post: Post<'a>,
    /// Name and address as From has them, decoded.
    pub author: &'a str,
    pub verified: bool,
    pub scan: Scanned,
    pub reason: &'a Reason,
    /// The beginning of its text.
    pub text: &'a str,
    /// Names, and sizes in octets.
    pub attachments: &'a [(String, u64)],
    /// A page for the decision.
    pub url: Option<&'a str>,
    pub until: Local,
    /// Others were asked before, and did not answer.
    pub deputy: bool,
}

/// That her mail waits.
#[derive(Copy, Clone, Debug)]
pub struct Waits<'a> {
    pub post: Post<'a>,
    pub reason: &'a Reason,
    /// A page where she can take it back.
    pub url: Option<&'a str>,
    pub until: Local,
}

/// Replies that are held together.
#[derive(Copy, Clone, Debug)]
pub struct Storm<'a> {
    /// So many came ...
    pub replies: usize,
    /// ... within so many minutes.
    pub minutes: u64,
    /// Who can let them go.
    pub admin: &'a Address,
}

/// Asks the one whom From names, and repeats nothing of the mail but its subject without links (rule Q3): nobody must
/// be able to send anything through us.
pub fn confirm_question(frame: &Frame<'_>, question: &Question<'_>) -> Words {
    let subject = without_links(question.post.subject);
    let post = Post { subject: &subject, ..question.post };
    let say = Say::new(frame)
        .with_word("yes", "answer-yes")
        .with_word("no", "answer-no")
        .with("until", &moment(frame.language, &question.until));
    let mut blocks = vec![say.paragraph("letter-confirm-what"), Block::Facts(say.which(&post))];
    blocks.push(say.paragraph("letter-confirm-yes"));
    blocks.extend(say.choice("letter-confirm-link", question.url));
    blocks.push(say.paragraph("letter-confirm-no"));
    blocks.push(say.paragraph("letter-confirm-until"));
    letter(frame, &say.text("letter-confirm-subject"), blocks)
}

/// Asks those who decide.
pub fn held_for_moderators(frame: &Frame<'_>, held: &Announcement<'_>) -> Words {
    let say = Say::new(frame)
        .with_subject(&held.post)
        .with("until", &moment(frame.language, &held.until));
    let mut blocks = vec![say.paragraph("letter-held-what")];
    if held.deputy {
        blocks.push(say.paragraph("letter-held-deputy"));
    }
    blocks.push(Block::Facts(facts(&say, held)));
    if held.text.trim().is_empty() {
        blocks.push(say.paragraph("letter-held-no-text"));
    } else {
        blocks.push(say.paragraph("letter-held-text"));
        blocks.push(Block::Quote(held.text.to_owned()));
    }
    blocks.push(say.paragraph("letter-held-how"));
    blocks.push(Block::Lines(decisions(frame)));
    if held.url.is_some() {
        blocks.push(say.paragraph("letter-held-page"));
    }
    blocks.extend(say.choice("letter-held-link", held.url));
    blocks.push(say.paragraph("letter-held-until"));
    blocks.push(say.paragraph("letter-held-secret"));
    letter(frame, &say.text("letter-held-subject"), blocks)
}

fn facts(say: &Say<'_>, held: &Announcement<'_>) -> Vec<(String, String)> {
    let verified = if held.verified { "letter-verified-yes" } else { "letter-verified-no" };
    let scan = match held.scan {
        Scanned::No => "letter-scan-none",
        Scanned::Clean => "letter-scan-clean",
        Scanned::Suspect => "letter-scan-suspect",
    };
    let mut facts = vec![say.fact("letter-author", held.author)];
    facts.extend(say.which(&held.post));
    facts.push(say.fact("letter-reason", &reason(say.language, held.reason)));
    facts.push(say.fact("letter-verified", &say.text(verified)));
    facts.push(say.fact("letter-scan", &say.text(scan)));
    let attachment = |(name, octets): &(String, u64)| {
        let name = match name.trim() {
            "" => word(say.language, "attachment-unnamed"),
            name => super::shown::line(name, 100),
        };
        say.fact("letter-attachment", &format!("{name} ({})", size(say.language, *octets)))
    };
    facts.extend(held.attachments.iter().take(MOST_ATTACHMENTS).map(attachment));
    if let Some(more) = held.attachments.len().checked_sub(MOST_ATTACHMENTS).filter(|n| *n > 0) {
        facts.push(say.fact("letter-attachment", &format!("+ {more}")));
    }
    facts
}

/// Each word with what it does.
fn decisions(frame: &Frame<'_>) -> Vec<String> {
    let words = [
        ("answer-accept", "letter-held-accept"),
        ("answer-always", "letter-held-always"),
        ("answer-reject", "letter-held-reject"),
        ("answer-discard", "letter-held-discard"),
        ("answer-spam", "letter-held-spam"),
    ];
    words.map(|(word, key)| Say::new(frame).with_word("word", word).text(key)).to_vec()
}

/// Tells the author that the mail waits.
pub fn held_for_author(frame: &Frame<'_>, waits: &Waits<'_>) -> Words {
    let say = Say::new(frame)
        .with("reason", &reason(frame.language, waits.reason))
        .with_word("withdraw", "answer-withdraw")
        .with("until", &day(frame.language, &waits.until));
    let mut blocks = vec![
        say.paragraph("letter-waits-what"),
        say.paragraph("letter-waits-why"),
        Block::Facts(say.which(&waits.post)),
        say.paragraph("letter-waits-then"),
        say.paragraph("letter-waits-withdraw"),
    ];
    blocks.extend(say.choice("letter-waits-link", waits.url));
    letter(frame, &say.text("letter-waits-subject"), blocks)
}

/// Tells the author how it ended; `None` where nobody is told.
pub fn decided(frame: &Frame<'_>, post: &Post<'_>, end: &End) -> Option<Words> {
    let key = match end {
        End::Accepted => "accepted",
        End::Rejected(_) => "rejected",
        End::Withdrawn => "withdrawn",
        End::NotMine => "not-mine",
        End::Expired => "expired",
        End::Refused(_) => "refused",
        End::Discarded | End::Spam => return None,
    };
    let say = Say::new(frame);
    let mut blocks = vec![say.paragraph(&format!("letter-{key}-what"))];
    blocks.push(Block::Facts(say.which(post)));
    if let End::Rejected(why) | End::Refused(why) = end
        && !why.trim().is_empty()
    {
        blocks.push(say.paragraph(&format!("letter-{key}-why")));
        blocks.push(Block::Quote(why.clone()));
    }
    if matches!(end, End::Expired) {
        blocks.push(say.paragraph("letter-expired-then"));
    }
    Some(letter(frame, &say.text(&format!("letter-{key}-subject")), blocks))
}

/// Tells those who were asked that nobody answered in time.
pub fn expired_for_moderators(frame: &Frame<'_>, post: &Post<'_>) -> Words {
    let say = Say::new(frame).with_subject(post);
    let blocks = vec![say.paragraph("letter-undecided-what"), Block::Facts(say.which(post))];
    letter(frame, &say.text("letter-undecided-subject"), blocks)
}

/// Tells one who wanted to decide that somebody was first: who, when and how. For those who decide only.
pub fn already_decided(frame: &Frame<'_>, post: &Post<'_>, was: &Ended, when: &Local) -> Words {
    let say = Say::new(frame)
        .with_subject(post)
        .with("when", &moment(frame.language, when))
        .with("what", &ended(frame.language, &was.end));
    let (say, key) = match &was.by {
        By::Moderator(who) => (say.with("who", &who.to_string()), "letter-already-moderator"),
        By::Admin(_) => (say, "letter-already-admin"),
        By::Author => (say, "letter-already-author"),
        By::Clock => (say, "letter-already-clock"),
    };
    let blocks = vec![
        say.paragraph("letter-already-what"),
        say.paragraph(key),
        Block::Facts(say.which(post)),
    ];
    letter(frame, &say.text("letter-already-subject"), blocks)
}

/// Thanks one who decided by mail.
pub fn taken(frame: &Frame<'_>, post: &Post<'_>, end: &End) -> Words {
    let say = Say::new(frame).with_subject(post).with("what", &ended(frame.language, end));
    let blocks = vec![say.paragraph("letter-taken-what"), Block::Facts(say.which(post))];
    letter(frame, &say.text("letter-taken-subject"), blocks)
}

/// Tells that a reply to a question of ours was not understood, and which words are.
pub fn unclear(frame: &Frame<'_>, asked: Asked, url: Option<&str>) -> Words {
    let keys: &[&str] = match asked {
        Asked::Admit => &["answer-yes", "answer-no", "answer-reject"],
        Asked::Confirm => &["answer-yes", "answer-no"],
        Asked::Moderate => {
            &["answer-accept", "answer-always", "answer-reject", "answer-discard", "answer-spam"]
        }
        Asked::Withdraw => &["answer-withdraw"],
    };
    let say = Say::new(frame);
    let words = keys.iter().map(|key| super::frame::answer_word(frame.language, key)).collect();
    let mut blocks = vec![
        say.paragraph("letter-unclear-what"),
        say.paragraph("letter-unclear-how"),
        Block::Lines(words),
    ];
    blocks.extend(say.choice("letter-unclear-link", url));
    letter(frame, &say.text("letter-unclear-subject"), blocks)
}

/// Tells those who decide that many replies came at once, and that more of them wait.
pub fn storm(frame: &Frame<'_>, storm: &Storm<'_>) -> Words {
    let say = Say::new(frame)
        .with("count", &storm.replies.to_string())
        .with("minutes", &storm.minutes.to_string())
        .with("admin", &storm.admin.to_string());
    let blocks = vec![say.paragraph("letter-storm-what"), say.paragraph("letter-storm-then")];
    letter(frame, &say.text("letter-storm-subject"), blocks)
}

/// Why a mail waits: one sentence or two, for everybody.
pub fn reason(language: &str, reason: &Reason) -> String {
    let mut args = fluent_bundle::FluentArgs::new();
    let key = match reason {
        Reason::Unverified(unproven) | Reason::Asked(unproven) => match unproven {
            Unproven::Nothing | Unproven::Forbidden => "held-unverified",
            Unproven::OtherLogin => "held-other-login",
        },
        Reason::Nonmember => "held-nonmember",
        Reason::Moderated => "held-moderated",
        Reason::First => "held-first",
        Reason::Suspect => "held-suspect",
        Reason::Filter => "held-filter",
        Reason::SeveralAuthors => "held-several-authors",
        Reason::Outside(count) => {
            args.set("count", count.to_string());
            "held-outside"
        }
        Reason::Recipients(count) => {
            args.set("count", count.to_string());
            "held-recipients"
        }
        Reason::Storm => "held-storm",
        Reason::Emergency => "held-emergency",
        Reason::Lists(count) => {
            args.set("count", count.to_string());
            "held-lists"
        }
        Reason::Rate => "held-rate",
        Reason::Conflict => "held-conflict",
        Reason::Subscription => "held-subscription",
    };
    super::format(language, key, &args)
}

/// How it ended, in a word or two, e.g. `angenommen`.
pub fn ended(language: &str, end: &End) -> String {
    word(language, &format!("ended-{}", end.as_str()))
}

/// A subject without anything that a mail program would make a link of.
fn without_links(subject: &str) -> String {
    let words = subject.split_whitespace().map(|word| if is_link(word) { "[…]" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn is_link(word: &str) -> bool {
    let dots: Vec<&str> = word.split('.').collect();
    let host = dots.windows(2).any(|pair| {
        let before = pair[0].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = pair[1].chars().take_while(|c| c.is_alphabetic()).count() >= 2;
        before && after
    });
    word.contains("://") || word.contains('@') || host
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Q3: what would become a link is left out; what a person writes stays.
    #[test]
    fn subjects_carry_no_links() {
        let cases = [
            ("Elternabend am 5.12. um 19.30 Uhr", "Elternabend am 5.12. um 19.30 Uhr"),
            ("z.B. Kuchen, u.a. Muffins", "z.B. Kuchen, u.a. Muffins"),
            ("Gewinn: https://bad.example/x jetzt", "Gewinn: […] jetzt"),
            ("www.bad.example", "[…]"),
            ("bad.example/login", "[…]"),
            ("an boese@bad.example", "an […]"),
            ("", ""),
        ];
        for (subject, expect) in cases {
            assert_eq!(without_links(subject), expect, "{subject}");
        }
    }
}
