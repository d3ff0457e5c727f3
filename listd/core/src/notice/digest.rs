//! The words of a digest: what came on all lists of one person, in the order of `digest::order`.
//!
//! It shows what the copies would have shown her, and nothing else (promise 7). Nothing personal stands in it (promise 9).

use super::frame::{Frame, Post, Say, letter};
use super::letter::{Block, Words};
use super::{moment, shown};
use crate::time::Local;

/// Most lists that are named in the subject.
const IN_SUBJECT: usize = 3;

/// One mail as its copy shows it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The name in From.
    pub author: String,
    /// Decoded.
    pub subject: String,
    pub came: Local,
    /// The beginning of its text.
    pub text: String,
}

/// What came on one list, by thread.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// What a person calls the list.
    pub title: String,
    /// Where a member gets a link to her settings: the same for all.
    pub page: Option<String>,
    pub threads: Vec<Vec<Line>>,
}

/// `part`: which of how many mails, from 1; what is too much for one comes in several at once.
pub fn digest(frame: &Frame<'_>, chapters: &[Chapter], part: (usize, usize)) -> Words {
    let say = Say::new(frame)
        .with("lists", &titles(chapters))
        .with("count", &count(chapters.iter().flat_map(|chapter| &chapter.threads)).to_string())
        .with("part", &part.0.to_string())
        .with("parts", &part.1.to_string());
    let divided = part.1 > 1;
    let mut blocks = vec![say.paragraph("letter-digest-what")];
    if divided {
        blocks.push(say.paragraph("letter-digest-part"));
    }
    for chapter in chapters {
        let title = shown::line(&chapter.title, 100);
        blocks.push(Block::Heading(format!("{title} ({})", count(&chapter.threads))));
        for thread in &chapter.threads {
            blocks.extend(self::thread(&say, thread));
        }
    }
    blocks.push(say.paragraph("letter-digest-whole"));
    blocks.push(say.paragraph("letter-digest-change"));
    let page = |chapter: &Chapter| Some((shown::line(&chapter.title, 100), chapter.page.clone()?));
    blocks.push(Block::Links(chapters.iter().filter_map(page).collect()));
    let subject = if divided { "letter-digest-subject-part" } else { "letter-digest-subject" };
    letter(frame, &say.text(subject), blocks)
}

fn titles(chapters: &[Chapter]) -> String {
    let first = chapters.iter().take(IN_SUBJECT);
    let mut titles: Vec<String> = first.map(|chapter| shown::line(&chapter.title, 40)).collect();
    if chapters.len() > IN_SUBJECT {
        titles.push("...".to_owned());
    }
    titles.join(", ")
}

fn count<'a>(threads: impl IntoIterator<Item = &'a Vec<Line>>) -> usize {
    threads.into_iter().map(Vec::len).sum()
}

/// What belongs together stands under the subject with which it began.
fn thread(say: &Say<'_>, mails: &[Line]) -> Vec<Block> {
    let Some(first) = mails.first() else { return Vec::new() };
    let subject = |line: &Line| say.subject(&Post { subject: &line.subject, at: line.came });
    let about = subject(first);
    let mut blocks = vec![Block::Topic(about.clone())];
    for line in mails {
        let mut facts = vec![
            say.fact("letter-author", &line.author),
            say.fact("letter-came", &moment(say.language, &line.came)),
        ];
        let its = subject(line);
        // "Re: [5b] Ausflug" says nothing new below "[5b] Ausflug".
        if !its.ends_with(&about) {
            facts.insert(0, say.fact("letter-subject", &its));
        }
        blocks.push(Block::Facts(facts));
        if !line.text.trim().is_empty() {
            blocks.push(Block::Quote(line.text.clone()));
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::notice::About;

    /// LA1, X4: grouped by list and thread, in the reader's language; what others wrote is text, never markup or a second
    /// subject.
    #[test]
    fn a_digest_in_two_languages() {
        let address = Address::parse("klasse-5b@schule.example").expect("an address");
        let came = Local { year: 2026, month: 11, day: 20, weekday: 5, hour: 9, minute: 3 };
        let line = |subject: &str, text: &str| Line {
            author: "Ayse Yilmaz über Klasse 5b".to_owned(),
            subject: subject.to_owned(),
            came,
            text: text.to_owned(),
        };
        let chapters = [
            Chapter {
                title: "Klasse 5b".to_owned(),
                page: Some("https://lists.schule.example/list/klasse-5b@schule.example".to_owned()),
                threads: vec![
                    vec![line("Ausflug", "Wer kommt mit?"), line("Re: Ausflug", "Wir <b>alle</b>")],
                    vec![line("", "")],
                ],
            },
            Chapter {
                title: "Chor\r\nBcc: x".to_owned(),
                page: None,
                threads: vec![vec![line("Probe", "Um 8")]],
            },
        ];
        for (language, subject, what) in [
            ("de", "Sammelmail: Klasse 5b, Chor Bcc: x (4)", "Sammelmail"),
            ("en", "Digest: Klasse 5b, Chor Bcc: x (4)", "digest"),
        ] {
            let frame = Frame {
                language,
                list: About { title: "Klasse 5b", address: &address },
                help: None,
                imprint: None,
                privacy: None,
            };
            let words = digest(&frame, &chapters, (1, 1));
            assert_eq!(words.subject, subject);
            assert!(words.text.contains(what) && words.text.contains("> Wir <b>alle</b>"));
            assert!(words.html.contains("Wir &lt;b&gt;alle"));
            assert!(words.html.contains("<h2>Klasse 5b (3)</h2>\n<h3><bdi>Ausflug</bdi></h3>"));
            assert_eq!(words.text.matches("Ausflug").count(), 1, "the thread has one subject");
            let place = |text: &str| words.text.find(text).expect(text);
            assert!(place("Wir <b>") < place("Chor") && place("Chor") < place("Um 8"));
            let second = digest(&frame, &chapters, (2, 3));
            assert!(second.subject.contains("2/3") && second.text.len() > words.text.len());
        }
    }
}
