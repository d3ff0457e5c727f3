//! What the admins of a domain read when delivery of a mail pauses, because many servers refuse it (rule V6).

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};
use super::{moment, shown};
use crate::bounce::brake::{ByProvider, Refusals};
use crate::time::Local;

/// Characters of one provider's words.
const SAID: usize = 300;

/// A mail that was refused by many.
#[derive(Clone, Debug)]
pub struct BrakedMail<'a> {
    /// As `listctl queue` names it.
    pub id: &'a str,
    /// Without brackets; somebody else's words.
    pub message_id: &'a str,
    pub refusals: &'a Refusals,
    /// Recipients who have no copy yet. None: nothing is left that could pause.
    pub waiting: usize,
    /// When it is given up for those.
    pub until: Local,
}

/// Which provider said what, and how it goes on.
pub fn braked(frame: &Frame<'_>, mail: &BrakedMail<'_>) -> Words {
    let Refusals { refused, tried, by } = mail.refusals;
    let pauses = mail.waiting > 0;
    let say = Say::new(frame)
        .with("refused", &refused.to_string())
        .with("tried", &tried.to_string())
        .with("waiting", &mail.waiting.to_string())
        .with("until", &moment(frame.language, &mail.until));
    let mut blocks = vec![
        say.paragraph(if pauses { "letter-braked-what" } else { "letter-braked-gone" }),
        Block::Facts(vec![
            say.fact("letter-braked-list", &frame.list.address.to_string()),
            say.fact("letter-braked-id", mail.id),
            say.fact("letter-braked-message", mail.message_id),
        ]),
        say.paragraph("letter-braked-said"),
        Block::Facts(by.iter().map(|one| provider(&say, one)).collect()),
        say.paragraph("letter-braked-members"),
    ];
    if pauses {
        blocks.push(say.paragraph("letter-braked-end"));
        let commands = ["show", "resume"].map(|what| format!("listctl queue {what} {}", mail.id));
        blocks.push(Block::Lines(commands.to_vec()));
    }
    letter(frame, &say.text("letter-braked-subject"), blocks)
}

fn provider(say: &Say<'_>, one: &ByProvider) -> (String, String) {
    let said = shown::line(&one.said, SAID);
    let class = say.text(match one.class {
        crate::bounce::Class::Content => "letter-braked-content",
        _ => "letter-braked-policy",
    });
    (format!("{} ({}, {class})", one.provider, one.count), said)
}
