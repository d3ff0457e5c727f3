//! What the admins of a domain read once a day, when mail came back that nobody understands, or somebody complained
//! (rule C1).

use fluent_bundle::FluentArgs;

use super::letter::{self, Block, Words};
use super::{format, shown};

/// Most of each sort that one letter names.
const MOST: usize = 20;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrangeMail {
    /// As `listctl bounces show` names it.
    pub number: u64,
    /// The list's address.
    pub list: String,
    /// From whose server and about what, without a person's address; somebody else's words.
    pub what: String,
}

/// What came in a day: bounces that were not understood, and complaints.
pub fn strange(language: &str, bounces: &[StrangeMail], complaints: &[StrangeMail]) -> Words {
    let mut args = FluentArgs::new();
    args.set("count", bounces.len().to_string());
    args.set("complaints", complaints.len().to_string());
    args.set("most", MOST.to_string());
    let say = |key| Block::Paragraph(format(language, key, &args));
    let mut blocks = Vec::new();
    let sorts = [(bounces, "strange-what"), (complaints, "strange-complaints")];
    for (all, key) in sorts.into_iter().filter(|(all, _)| !all.is_empty()) {
        blocks.extend([say(key), Block::Lines(all.iter().take(MOST).map(line).collect())]);
        if all.len() > MOST {
            blocks.push(say("strange-more"));
        }
    }
    blocks.push(say("strange-look"));
    let first = bounces.first().or(complaints.first()).map_or(1, |one| one.number);
    blocks.push(Block::Lines(vec![::std::format!(
        "listctl bounces show {first} --reason \"...\" | listctl bounces explain -"
    )]));
    blocks.push(say("strange-then"));
    letter::words(language, &format(language, "strange-subject", &args), &blocks)
}

fn line(one: &StrangeMail) -> String {
    ::std::format!("{}  {}  {}", one.number, one.list, shown::line(&one.what, letter::VALUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounded, in both languages, and others' words do nothing.
    #[test]
    fn a_summary_is_short_and_safe() {
        let one = |n: u64| StrangeMail {
            number: n,
            list: ::std::format!("klasse-{n}@x.example"),
            what: ::std::format!("\u{202e}evil.example: {n}\r\nBcc: a@b"),
        };
        let all: Vec<_> = (0..100).map(one).collect();
        for language in ["de", "en"] {
            let words = strange(language, &all, &all[..1]);
            assert!(
                words.text.contains("100") && words.text.contains("klasse-19@"),
                "{}",
                words.text
            );
            assert!(!words.text.contains("klasse-20@") && !words.text.contains('\u{202e}'));
            assert!(words.text.lines().all(|line| !line.starts_with("Bcc:")));
            assert!(!words.text.contains("strange-") && !words.text.contains("{ $"));
            let quiet = strange(language, &[], &all[..3]);
            assert!(quiet.text.contains("klasse-2@") && quiet.text.contains("bounces show 0 "));
        }
    }
}
