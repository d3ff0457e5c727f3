//! What all our letters about a list have in common: how they begin and end, and how others' words get into ours.

use fluent_bundle::FluentArgs;

use super::letter::{self, Block, Words};
use super::{About, format, moment, phrases, shown, word};
use crate::command::{self, Kind};
use crate::list::Role;
use crate::rewrite::role_address;
use crate::time::Local;

/// Longest subject of somebody else's in a subject of ours, in characters.
const IN_SUBJECT: usize = 60;

/// In which language, about which list, and where more stands.
#[derive(Copy, Clone, Debug)]
pub struct Frame<'a> {
    /// One that there are texts in: see [`super::language`].
    pub language: &'a str,
    pub list: About<'a>,
    pub help: Option<&'a str>,
    pub imprint: Option<&'a str>,
    pub privacy: Option<&'a str>,
}

/// A mail that a letter is about.
#[derive(Copy, Clone, Debug)]
pub struct Post<'a> {
    /// Decoded; somebody else's words.
    pub subject: &'a str,
    /// When it came.
    pub at: Local,
}

/// One of the texts with its variables, all of which may be somebody else's words.
pub(super) struct Say<'a> {
    pub language: &'a str,
    args: FluentArgs<'static>,
}

impl<'a> Say<'a> {
    /// With the list's name and address.
    pub fn new(frame: &Frame<'a>) -> Say<'a> {
        let say = Say { language: frame.language, args: FluentArgs::new() };
        say.with("list", frame.list.title).with("address", &frame.list.address.to_string())
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Say<'a> {
        self.args.set(name, shown::line(value, letter::VALUE));
        self
    }

    /// The subject of a mail, short enough to stand in a subject of ours.
    pub fn with_subject(mut self, post: &Post<'_>) -> Say<'a> {
        self.args.set("subject", shown::line(&self.subject(post), IN_SUBJECT));
        self
    }

    /// The first of the words that count as an answer, e.g. `ja`.
    pub fn with_word(self, name: &'static str, key: &str) -> Say<'a> {
        let word = answer_word(self.language, key);
        self.with(name, &word)
    }

    /// A command by mail: its word, and where to send it. `None` where the list's name is too long for such an address.
    pub fn with_command(self, frame: &Frame<'_>, kind: Kind) -> Option<Say<'a>> {
        let request = role_address(frame.list.address, Role::Request)?;
        let word = command::word(frame.language, kind);
        Some(self.with("word", word).with("request", &request.to_string()))
    }

    pub fn text(&self, key: &str) -> String {
        format(self.language, key, &self.args)
    }

    pub fn paragraph(&self, key: &str) -> Block {
        Block::Paragraph(self.text(key))
    }

    /// A label and a value.
    pub fn fact(&self, key: &str, value: &str) -> (String, String) {
        (self.text(key), value.to_owned())
    }

    /// The subject of a mail, or that it has none.
    pub fn subject(&self, post: &Post<'_>) -> String {
        let subject = shown::line(post.subject, letter::VALUE);
        if subject.is_empty() { word(self.language, "letter-no-subject") } else { subject }
    }

    /// Which mail it is: its subject and when it came.
    pub fn which(&self, post: &Post<'_>) -> Vec<(String, String)> {
        vec![
            self.fact("letter-subject", &self.subject(post)),
            self.fact("letter-came", &moment(self.language, &post.at)),
        ]
    }

    /// A link, where there is one.
    pub fn choice(&self, key: &str, url: Option<&str>) -> Option<Block> {
        Some(Block::Choice { label: self.text(key), url: url?.to_owned() })
    }
}

/// The word that a letter asks for: the first of those that count.
pub(super) fn answer_word(language: &str, key: &str) -> String {
    phrases::first(language, key)
}

/// A whole letter: greeting, what it says, whom to ask, and links of the house.
pub(super) fn letter(frame: &Frame<'_>, subject: &str, blocks: Vec<Block>) -> Words {
    let owner = role_address(frame.list.address, Role::Owner);
    let owner = owner.map_or_else(|| frame.list.address.to_string(), |a| a.to_string());
    let say = Say::new(frame).with("owner", &owner);
    let mut all = vec![say.paragraph("letter-hello")];
    all.extend(blocks);
    all.extend([Block::Foot, say.paragraph("letter-owner")]);
    let links = [
        ("letter-help", frame.help),
        ("letter-imprint", frame.imprint),
        ("letter-privacy", frame.privacy),
    ];
    let links = links.into_iter().filter_map(|(key, url)| Some((say.text(key), url?.to_owned())));
    all.push(Block::Links(links.collect()));
    letter::words(frame.language, subject, &all)
}
