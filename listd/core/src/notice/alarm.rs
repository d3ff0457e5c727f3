//! What the admins of a domain read when mail waits because of the directory, and when it goes on (promise 6).
//!
//! Numbers and addresses of lists only: nobody learns here who is on a list (promise 7).

use fluent_bundle::FluentArgs;

use super::letter::{self, Block, Words};
use super::{format, shown};

/// Most lists that one mail names.
const MOST: usize = 50;

/// A list that shrank too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// `None` for the people of the directory together.
    pub address: Option<String>,
    pub accepted: usize,
    pub now: usize,
}

/// Why mail waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    /// The machine that `listctl` is run on.
    pub host: String,
    pub shrunk: Vec<Shrunk>,
    /// The directory gives no answer that can be used: the last error, and since when, in words.
    pub silent: Option<(String, String)>,
}

/// What is told when mail begins to wait.
pub fn alarm(language: &str, alarm: &Alarm) -> Words {
    let mut args = FluentArgs::new();
    args.set("host", alarm.host.clone());
    let say = |key, args: &FluentArgs<'_>| Block::Paragraph(format(language, key, args));
    let mut blocks = vec![say("alarm-intro", &args)];
    if let Some((error, since)) = &alarm.silent {
        args.set("since", since.clone());
        args.set("error", shown::line(error, 500));
        blocks.push(say("alarm-silent", &args));
    }
    if !alarm.shrunk.is_empty() {
        blocks.push(say("alarm-shrunk", &args));
        blocks.push(Block::Lines(lists(language, alarm)));
        blocks.push(say("alarm-what", &args));
        let commands = [
            "listctl directory diff",
            "listctl directory accept --all",
            "listctl directory reject",
        ];
        blocks.push(Block::Lines(commands.map(str::to_owned).to_vec()));
    }
    blocks.push(say("alarm-once", &args));
    let subject =
        if alarm.shrunk.is_empty() { "alarm-subject-silent" } else { "alarm-subject-shrunk" };
    letter::words(language, &format(language, subject, &args), &blocks)
}

/// Each list with its numbers.
fn lists(language: &str, alarm: &Alarm) -> Vec<String> {
    let mut args = FluentArgs::new();
    let mut lines = Vec::new();
    for list in alarm.shrunk.iter().take(MOST) {
        args.set("accepted", list.accepted.to_string());
        args.set("now", list.now.to_string());
        let key = match &list.address {
            Some(address) => {
                args.set("list", shown::line(address, 300));
                "alarm-list"
            }
            None => "alarm-everybody",
        };
        lines.push(format(language, key, &args));
    }
    if let Some(more) = alarm.shrunk.len().checked_sub(MOST).filter(|more| *more > 0) {
        args.set("more", more.to_string());
        lines.push(format(language, "alarm-more", &args));
    }
    lines
}

/// The mail that ends it.
pub fn resolved(language: &str, host: &str) -> Words {
    let mut args = FluentArgs::new();
    args.set("host", host.to_owned());
    let blocks = [Block::Paragraph(format(language, "alarm-resolved", &args))];
    letter::words(language, &format(language, "alarm-subject-resolved", &args), &blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promises 6 and 7: which lists, how many, what to do; in both languages, with every variable filled.
    #[test]
    fn an_alarm_says_what_and_what_to_do() {
        let list = |n: usize| Shrunk {
            address: Some(format!("klasse-{n}@schule.example")),
            accepted: 20,
            now: 8,
        };
        let mut shrunk = vec![Shrunk { address: None, accepted: 500, now: 3 }];
        shrunk.extend((0..60).map(list));
        let silent = Some(("no\nanswer".to_owned(), "Sun, 22 Nov 2026".to_owned()));
        let all = Alarm { host: "lists.schule.example".to_owned(), shrunk, silent };
        for (language, word) in [("de", "wartet"), ("en", "waits")] {
            let Words { subject, text, .. } = alarm(language, &all);
            assert!(subject.contains(word) && !subject.contains("alarm-"));
            for part in ["klasse-3@schule.example", "directory accept --all", "no answer", "500"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(
                !text.contains("{$") && !text.contains("alarm-") && !text.contains("klasse-55@")
            );
            let Words { text, .. } = resolved(language, "lists.schule.example");
            assert!(text.contains("lists.schule.example"), "{text}");
        }
        let silent = Alarm { shrunk: vec![], ..all };
        assert!(!alarm("de", &silent).text.contains("accept"), "nothing to accept there");
    }
}
