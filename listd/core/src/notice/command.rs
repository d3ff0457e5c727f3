//! What we answer to commands by mail: how things stand, what has changed, and the question whether she wrote it.

use super::frame::{Frame, Say, letter};
use super::letter::{Block, Words};
use super::settings::undo_by_mail;
use super::{About, day, word};
use crate::command::{Change, Kind};
use crate::options::{Digest, Mute, Options};
use crate::time::{Local, Timestamp};

/// One list of hers.
#[derive(Clone, Debug)]
pub struct Mine<'a> {
    pub list: About<'a>,
    /// As [`how`] says it.
    pub how: String,
    /// She is on it beside the directory.
    pub admitted: bool,
}

/// How somebody gets the mail of a list, e.g. `keine Mails bis Montag, 23. November 2026`.
pub fn how(
    language: &str,
    options: &Options,
    now: Timestamp,
    local: impl Fn(Timestamp) -> Local,
) -> String {
    let mut args = fluent_bundle::FluentArgs::new();
    let key = match (options.mute, options.digest) {
        (Mute::Until(end), _) if now < end => {
            args.set("until", day(language, &local(end)));
            "how-until"
        }
        (mute, _) if mute.is_for_good() => "how-none",
        (_, Digest::Off) => "how-all",
        (_, Digest::Daily) => "how-daily",
        (_, Digest::Weekly) => "how-weekly",
    };
    super::format(language, key, &args)
}

/// Which lists go to an address, and how: for its owner alone. `url` leads to her settings for the list of the frame.
pub fn status(frame: &Frame<'_>, address: &str, lists: &[Mine<'_>], url: Option<&str>) -> Words {
    let say = Say::new(frame).with("who", address);
    if lists.is_empty() {
        let blocks = vec![say.paragraph("letter-status-none")];
        return letter(frame, &say.text("letter-status-subject"), blocks);
    }
    let line = |mine: &Mine<'_>| {
        let beside =
            if mine.admitted { word(frame.language, "how-admitted") } else { String::new() };
        let how = [mine.how.as_str(), &beside].into_iter().filter(|part| !part.is_empty());
        let how = how.collect::<Vec<_>>().join(", ");
        (format!("{} ({})", mine.list.title, mine.list.address), how)
    };
    let mut blocks =
        vec![say.paragraph("letter-status-what"), Block::Facts(lists.iter().map(line).collect())];
    blocks.extend(say.choice("letter-changed-link", url));
    letter(frame, &say.text("letter-status-subject"), blocks)
}

/// Tells her how she gets the mail of a list from now on.
pub fn changed(frame: &Frame<'_>, how: &str, url: Option<&str>) -> Words {
    let say = Say::new(frame).with("how", how);
    let mut blocks = vec![say.paragraph("letter-changed-what")];
    match say.choice("letter-changed-link", url) {
        Some(link) => blocks.extend([say.paragraph("letter-changed-undo"), link]),
        None => blocks.push(undo_by_mail(frame, Kind::Help)),
    }
    letter(frame, &say.text("letter-changed-subject"), blocks)
}

/// Asks whether a command is hers, and repeats nothing of the mail (rule Q3).
pub fn is_it_hers(
    frame: &Frame<'_>,
    change: &Change,
    url: Option<&str>,
    until: &Local,
    local: impl Fn(Timestamp) -> Local,
) -> Words {
    let say =
        Say::new(frame).with_word("yes", "answer-yes").with("until", &day(frame.language, until));
    let mut blocks = vec![
        say.paragraph("letter-hers-what"),
        Block::Lines(vec![wanted(frame.language, change, local)]),
        say.paragraph("letter-hers-yes"),
    ];
    blocks.extend(say.choice("letter-confirm-link", url));
    blocks.push(say.paragraph("letter-hers-no"));
    letter(frame, &say.text("letter-hers-subject"), blocks)
}

/// What a change would do, in a sentence.
pub fn wanted(language: &str, change: &Change, local: impl Fn(Timestamp) -> Local) -> String {
    let mut args = fluent_bundle::FluentArgs::new();
    let key = match change {
        Change::Leave => "wanted-leave",
        Change::Mute(Some(end)) => {
            args.set("until", day(language, &local(*end)));
            "wanted-until"
        }
        Change::Mute(None) => "wanted-mute",
        Change::Unmute => "wanted-unmute",
        Change::Digest(Digest::Off) => "wanted-digest-off",
        Change::Digest(Digest::Daily) => "wanted-digest-daily",
        Change::Digest(Digest::Weekly) => "wanted-digest-weekly",
    };
    super::format(language, key, &args)
}
