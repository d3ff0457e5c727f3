//! What the admins of a domain read when mail waits because of the directory, and when it goes on (promise 6).
//!
//! Numbers and addresses of lists only: nobody learns here who is on a list (promise 7).

use fluent_bundle::FluentArgs;

use super::format;

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

/// Subject (ASCII) and text, lines ending in LF.
pub fn alarm(language: &str, alarm: &Alarm) -> (String, String) {
    let mut args = FluentArgs::new();
    args.set("host", alarm.host.clone());
    let say = |key, args: &FluentArgs<'_>| format(language, key, args);
    let mut text = say("alarm-intro", &args) + "\n\n";
    if let Some((error, since)) = &alarm.silent {
        args.set("since", since.clone());
        args.set("error", one_line(error));
        text += &(say("alarm-silent", &args) + "\n\n");
    }
    if !alarm.shrunk.is_empty() {
        text += &(say("alarm-shrunk", &args) + "\n\n");
        for list in alarm.shrunk.iter().take(MOST) {
            args.set("accepted", list.accepted.to_string());
            args.set("now", list.now.to_string());
            let key = match &list.address {
                Some(address) => {
                    args.set("list", one_line(address));
                    "alarm-list"
                }
                None => "alarm-everybody",
            };
            text += &format!("  {}\n", say(key, &args));
        }
        if let Some(more) = alarm.shrunk.len().checked_sub(MOST).filter(|more| *more > 0) {
            args.set("more", more.to_string());
            text += &format!("  {}\n", say("alarm-more", &args));
        }
        text += &format!("\n{}\n", say("alarm-what", &args));
        text += "\n  listctl directory diff\n  listctl directory accept --all\n  listctl directory reject\n\n";
    }
    text += &(say("alarm-once", &args) + "\n");
    let subject =
        if alarm.shrunk.is_empty() { "alarm-subject-silent" } else { "alarm-subject-shrunk" };
    (super::ascii(&say(subject, &args)), text)
}

/// The mail that ends it: subject and text.
pub fn resolved(language: &str, host: &str) -> (String, String) {
    let mut args = FluentArgs::new();
    args.set("host", host.to_owned());
    let text = format(language, "alarm-resolved", &args) + "\n";
    (super::ascii(&format(language, "alarm-subject-resolved", &args)), text)
}

fn one_line(text: &str) -> String {
    let flat = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    flat.take(500).collect()
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
            let (subject, text) = alarm(language, &all);
            assert!(subject.is_ascii() && subject.contains(word) && !subject.contains("alarm-"));
            for part in ["klasse-3@schule.example", "directory accept --all", "no answer", "500"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(
                !text.contains("{$") && !text.contains("alarm-") && !text.contains("klasse-55@")
            );
            let (subject, text) = resolved(language, "lists.schule.example");
            assert!(subject.is_ascii() && text.contains("lists.schule.example"), "{text}");
        }
        let silent = Alarm { shrunk: vec![], ..all };
        assert!(!alarm("de", &silent).1.contains("accept"), "nothing to accept there");
    }
}
