//! What rspamd's JSON says (rspamd.com/doc/developers/protocol.html). No I/O.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::verdict::{Action, Failure, Spam, Symbol, printable};

/// Rules that are kept, and the longest name of one.
const SYMBOLS: usize = 100;
const NAME: usize = 64;
/// Longest message for the author.
const MESSAGE: usize = 200;

/// The parts of the answer that count here. Everything else may be as it likes.
#[derive(Deserialize)]
struct Answer {
    action: String,
    score: f64,
    required_score: f64,
    #[serde(default)]
    symbols: BTreeMap<String, Matched>,
    #[serde(default)]
    messages: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Matched {
    #[serde(default)]
    score: f64,
}

/// Reads an answer.
///
/// # Errors
/// No JSON, no `action`, `score` and `required_score`, or an action that is none.
pub fn parse(body: &[u8]) -> Result<Spam, Failure> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let shown = printable(&String::from_utf8_lossy(body), 40);
        Failure::Garbage(printable(&format!("{error}: {shown}"), MESSAGE))
    })?;
    let action = action(&answer.action).ok_or_else(|| {
        Failure::Garbage(format!("the action {:?}", printable(&answer.action, NAME)))
    })?;
    let mut symbols: Vec<Symbol> = answer
        .symbols
        .iter()
        .map(|(name, matched)| Symbol { name: word(name), score: matched.score })
        .collect();
    symbols.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()));
    symbols.truncate(SYMBOLS);
    let message = answer.messages.get("smtp_message").and_then(serde_json::Value::as_str);
    let message = message.map(|text| printable(text, MESSAGE)).filter(|text| !text.is_empty());
    Ok(Spam { action, score: answer.score, required: answer.required_score, symbols, message })
}

fn action(name: &str) -> Option<Action> {
    Some(match name {
        "no action" | "accept" => Action::Pass,
        "greylist" => Action::Greylist,
        "add header" => Action::AddHeader,
        "rewrite subject" => Action::RewriteSubject,
        "soft reject" => Action::SoftReject,
        "reject" => Action::Reject,
        "quarantine" => Action::Quarantine,
        "discard" => Action::Discard,
        _ => return None,
    })
}

/// A name as one word: it stands between commas in a header and between blanks in the log.
fn word(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '?' };
    name.chars().take(NAME).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_answer() {
        let body = br#"{"is_skipped":false,"score":12.5,"required_score":15.0,"action":"rewrite subject",
            "subject":"*** SPAM *** hi","symbols":{"MISSING_TO":{"name":"MISSING_TO","score":2.0,"metric_score":2.0,
            "description":"To header is missing"},"R_DKIM_NA":{"name":"R_DKIM_NA","score":0.0},
            "BAYES_HAM":{"score":-3.0,"options":["99.9%"]}},
            "messages":{"smtp_message":"go away"},"message-id":"undef","time_real":0.07}"#;
        let spam = parse(body).expect("an answer");
        assert_eq!((spam.action, spam.score, spam.required), (Action::RewriteSubject, 12.5, 15.0));
        let names: Vec<&str> = spam.symbols.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["BAYES_HAM", "MISSING_TO", "R_DKIM_NA"]);
        assert_eq!(spam.message.as_deref(), Some("go away"));
    }

    #[test]
    fn every_action_and_no_other() {
        let of = |action: &str| {
            parse(format!(r#"{{"action":{action:?},"score":1,"required_score":2}}"#).as_bytes())
        };
        for (name, expect) in [
            ("no action", Action::Pass),
            ("accept", Action::Pass),
            ("greylist", Action::Greylist),
            ("add header", Action::AddHeader),
            ("rewrite subject", Action::RewriteSubject),
            ("soft reject", Action::SoftReject),
            ("reject", Action::Reject),
            ("quarantine", Action::Quarantine),
            ("discard", Action::Discard),
        ] {
            assert_eq!(of(name).map(|spam| spam.action), Ok(expect), "{name}");
        }
        for name in ["", "Reject", "no_action", "custom", "unknown"] {
            assert!(matches!(of(name), Err(Failure::Garbage(_))), "{name}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let bodies: [&[u8]; 9] = [
            b"",
            b"{}",
            b"[]",
            b"null",
            b"<html>",
            b"{\"action\":\"no action\"}",
            b"{\"action\":\"no action\",\"score\":\"1\",\"required_score\":2}",
            b"{\"action\":\"no action\",\"score\":1,\"required_score\":2} and more",
            b"{\"error\":\"cannot scan\"}",
        ];
        for body in bodies {
            assert!(matches!(parse(body), Err(Failure::Garbage(_))), "{body:?}");
        }
    }

    #[test]
    fn names_and_words_are_safe_and_bounded() {
        let body = br#"{"action":"reject","score":1,"required_score":2,
            "symbols":{"A,B\r\nX: y":{"score":1}},"messages":{"smtp_message":"a\r\n550 b"}}"#;
        let spam = parse(body).expect("an answer");
        assert_eq!(spam.symbols.first().map(|s| s.name.as_str()), Some("A?B??X??y"));
        assert_eq!(spam.message.as_deref(), Some("a??550 b"));
        let many: Vec<String> = (0..500).map(|n| format!("\"S{n}\":{{}}")).collect();
        let body = format!(
            r#"{{"action":"reject","score":1,"required_score":2,"symbols":{{{}}}}}"#,
            many.join(",")
        );
        assert_eq!(parse(body.as_bytes()).expect("an answer").symbols.len(), SYMBOLS);
        let other =
            br#"{"action":"reject","score":1,"required_score":2,"messages":{"smtp_message":[1]}}"#;
        assert_eq!(parse(other).expect("an answer").message, None);
    }
}
