//! What one reads who writes to `-request` (rule Q4).

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};
use super::{About, MAX_REPLY, about_args, ascii, clip, format};
use crate::command::{self, Kind};
use crate::list::Role;
use crate::rewrite::role_address;

/// Which addresses the list has and what each is for. It names nobody (rule GD2).
pub fn help(frame: &Frame<'_>) -> Words {
    let say = Say::new(frame);
    let mut facts = vec![say.fact("letter-help-write", &frame.list.address.to_string())];
    let roles = [
        ("letter-help-ask", Role::Owner),
        ("letter-help-leave", Role::Unsubscribe),
        ("letter-help-request", Role::Request),
    ];
    for (key, role) in roles {
        let address = role_address(frame.list.address, role);
        facts.extend(address.map(|address| say.fact(key, &address.to_string())));
    }
    let blocks = vec![
        say.paragraph("letter-help-what"),
        Block::Facts(facts),
        say.paragraph("letter-help-commands"),
        Block::Lines(COMMANDS.map(|(kind, key)| command(frame, kind, key)).to_vec()),
        say.paragraph("letter-help-change"),
    ];
    letter(frame, &say.text("letter-help-subject"), blocks)
}

/// In the order in which a reader needs them.
const COMMANDS: [(Kind, &str); 8] = [
    (Kind::Status, "letter-help-command-status"),
    (Kind::Mute, "letter-help-command-pause"),
    (Kind::Unmute, "letter-help-command-on"),
    (Kind::DigestDaily, "letter-help-command-daily"),
    (Kind::DigestWeekly, "letter-help-command-weekly"),
    (Kind::DigestOff, "letter-help-command-single"),
    (Kind::Unsubscribe, "letter-help-command-off"),
    (Kind::Subscribe, "letter-help-command-join"),
];

fn command(frame: &Frame<'_>, kind: Kind, key: &str) -> String {
    Say::new(frame).with("word", command::word(frame.language, kind)).text(key)
}

/// Why one gets no help text.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NoHelp {
    /// Nobody vouches for the sender: an answer could go to somebody who never wrote.
    Unverified,
    /// It was sent today already.
    Enough,
    /// As [`NoHelp::Unverified`], for one who wishes to be on the list.
    Doubtful,
    /// She has asked for a lot today.
    TooMany,
}

/// What one hears instead, who may well be a person with a question: a reply as [`super::refusal`] makes them.
pub fn no_help(language: &str, why: NoHelp, list: &About<'_>) -> String {
    let key = match why {
        NoHelp::Unverified => "refused-help-unverified",
        NoHelp::Enough => "refused-help-enough",
        NoHelp::Doubtful => "refused-wish-unverified",
        NoHelp::TooMany => "refused-wish-enough",
    };
    clip(&ascii(&format(language, key, &about_args(list))), MAX_REPLY)
}
