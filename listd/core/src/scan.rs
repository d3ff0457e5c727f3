//! What a filter's answer to a mail means for a list: one finding, and the words behind it. Pure.
//!
//! The milter protocol is not spoken here: the daemon puts an answer into an [`Answer`]. What follows from a finding
//! is `policy`'s. A mail's own `X-Spam` and `X-Virus` fields never count, only what the filter adds (rule T9).

use crate::config::OnFailure;

/// Longest words of a filter that are kept (octets).
const MAX_WORDS: usize = 200;

/// Longest name of a virus (octets).
const MAX_NAME: usize = 80;

/// What a filter answered, or why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The mail goes on.
    Pass {
        /// Header fields that the filter adds: name and value.
        marks: Vec<(String, String)>,
        /// Held by the filter, for this reason.
        quarantine: Option<String>,
    },
    /// Taken and thrown away.
    Discard,
    /// 5yz, with the filter's words; empty where it has none.
    Reject(String),
    /// 4yz, likewise.
    TempFail(String),
    /// It could not be asked, or gave no answer that counts: why.
    Silent(String),
    /// Too many mails wait for it.
    Busy,
}

/// What is known of a mail's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No filter is configured, or nobody who would want to know is among the recipients.
    NotAsked,
    Clean,
    /// The filter had no answer, and the admin lets such mail through.
    Unscanned,
    /// Perhaps spam: to be held.
    Suspect,
    /// To be held, for a reason of the filter's own.
    Quarantined,
    Discard,
    Spam,
    /// With the signature's name, where the filter told it.
    Virus(Option<String>),
    /// Refused for another reason.
    Refused,
    /// The filter had no answer.
    Failed,
    Busy,
}

impl Finding {
    /// All words of [`Finding::as_str`], for figures.
    pub const WORDS: [&str; 10] = [
        "clean",
        "unscanned",
        "suspect",
        "quarantined",
        "discard",
        "spam",
        "virus",
        "refused",
        "failed",
        "busy",
    ];

    /// One word for the log, traces and figures.
    pub fn as_str(&self) -> &'static str {
        match self {
            Finding::NotAsked => "not_asked",
            Finding::Clean => "clean",
            Finding::Unscanned => "unscanned",
            Finding::Suspect => "suspect",
            Finding::Quarantined => "quarantined",
            Finding::Discard => "discard",
            Finding::Spam => "spam",
            Finding::Virus(_) => "virus",
            Finding::Refused => "refused",
            Finding::Failed => "failed",
            Finding::Busy => "busy",
        }
    }
}

/// A finding with the filter's words: printable ASCII on one line, for traces and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub finding: Finding,
    pub words: String,
}

impl Scan {
    pub fn not_asked() -> Scan {
        Scan { finding: Finding::NotAsked, words: String::new() }
    }

    /// For a trace, e.g. `virus (This message contains malware: Eicar)`.
    pub fn shown(&self) -> String {
        match self.words.as_str() {
            "" => self.finding.as_str().to_owned(),
            words => format!("{} ({words})", self.finding.as_str()),
        }
    }
}

/// What an answer means.
///
/// `on_failure` decides on a filter that is silent or says 4yz. Greylisting is the exception: a 4yz at the end of
/// a mail makes Exim hold up all mail to the list, so a 4yz whose words speak of a grey list lets the mail go on.
pub fn read(answer: &Answer, on_failure: OnFailure) -> Scan {
    let failed = match on_failure {
        OnFailure::Defer => Finding::Failed,
        OnFailure::Accept => Finding::Unscanned,
    };
    let (finding, words) = match answer {
        Answer::Pass { marks, quarantine } => passed(marks, quarantine.as_deref()),
        Answer::Discard => (Finding::Discard, String::new()),
        Answer::Reject(words) => (rejected(words), words.clone()),
        Answer::TempFail(words) if is_greylist(words) => (Finding::Clean, words.clone()),
        Answer::TempFail(words) => (failed, words.clone()),
        Answer::Silent(why) => (failed, why.clone()),
        Answer::Busy => (Finding::Busy, "too many mails wait for the filter".to_owned()),
    };
    Scan { finding, words: line(&words, MAX_WORDS) }
}

fn is_greylist(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["greylist", "graylist", "grey list", "gray list"].iter().any(|word| words.contains(word))
}

/// A mail that goes on is marked as spam or a virus by the fields that rspamd, SpamAssassin, `verdictd` and
/// clamav-milter add.
fn passed(marks: &[(String, String)], quarantine: Option<&str>) -> (Finding, String) {
    let mark = |name: &str, word: &str| {
        marks.iter().find(|(n, v)| {
            let start = v.trim_start().get(..word.len()).unwrap_or_default();
            n.eq_ignore_ascii_case(name) && start.eq_ignore_ascii_case(word)
        })
    };
    if let Some((_, value)) = mark("X-Virus-Status", "infected") {
        let name = value.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        return (Finding::Virus(name.and_then(|(name, _)| virus_name(name))), value.clone());
    }
    if let Some(why) = quarantine {
        return (Finding::Quarantined, why.to_owned());
    }
    let spam = ["X-Spam-Status", "X-Spam-Flag", "X-Spam"].into_iter().find_map(|n| mark(n, "yes"));
    if let Some((name, value)) = spam {
        return (Finding::Suspect, format!("{name}: {value}"));
    }
    match mark("X-Virus-Status", "not scanned") {
        Some((name, value)) => (Finding::Unscanned, format!("{name}: {value}")),
        None => (Finding::Clean, String::new()),
    }
}

/// The words in which filters refuse: `verdictd` "contains malware: NAME", rspamd "virus found: "NAME"" and
/// "Gtube pattern", clamav-milter as its admin likes, most often with "virus".
fn rejected(words: &str) -> Finding {
    let lower = words.to_ascii_lowercase();
    let has = |word: &str| lower.contains(word);
    if has("malware") || has("virus") || has("infected") {
        let name = ["malware:", "found:", "virus:", "infected:"].iter().find_map(|before| {
            let at = lower.find(before)?.saturating_add(before.len());
            virus_name(words.get(at..)?)
        });
        return Finding::Virus(name);
    }
    if has("spam") || has("gtube") { Finding::Spam } else { Finding::Refused }
}

/// The first word, without quotes.
fn virus_name(text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?;
    let word = word.trim_matches(|c: char| matches!(c, '"' | '\'' | '(' | ')' | ',' | ';'));
    let name = line(word, MAX_NAME);
    (!name.is_empty()).then_some(name)
}

/// Printable ASCII on one line.
fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }));
    }
    out.truncate(most);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(marks: &[(&str, &str)]) -> Answer {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Answer::Pass { marks: marks.iter().map(own).collect(), quarantine: None }
    }

    fn virus(name: &str) -> Finding {
        Finding::Virus((!name.is_empty()).then(|| name.to_owned()))
    }

    /// MI21, MI25: what filters say, and what it means for a list; a failure is never "clean".
    #[test]
    fn each_answer_has_its_meaning() {
        let reject = |words: &str| Answer::Reject(words.to_owned());
        let later = |words: &str| Answer::TempFail(words.to_owned());
        let hold = Answer::Pass { marks: Vec::new(), quarantine: Some("held".to_owned()) };
        let cases = [
            (pass(&[]), Finding::Clean),
            (pass(&[("X-Spam-Status", "No, score=1.00 required=15.00")]), Finding::Clean),
            (pass(&[("X-Spam-Status", " Yes, score=7.00 required=15.00")]), Finding::Suspect),
            (pass(&[("x-spam", "Yes")]), Finding::Suspect),
            (pass(&[("X-Spam-Flag", "YES")]), Finding::Suspect),
            (pass(&[("X-Spam-Level", "yes")]), Finding::Clean),
            (pass(&[("X-Virus-Status", "Clean")]), Finding::Clean),
            (pass(&[("X-Virus-Status", "Not scanned")]), Finding::Unscanned),
            (pass(&[("X-Virus-Status", "Infected (Eicar-Test)")]), virus("Eicar-Test")),
            (hold, Finding::Quarantined),
            (Answer::Discard, Finding::Discard),
            (reject("This message contains malware: Eicar.X\r\n"), virus("Eicar.X")),
            (reject("clamav: virus found: \"Eicar\""), virus("Eicar")),
            (reject("Blocked, infected"), virus("")),
            (reject("This message was taken for spam: Gtube pattern"), Finding::Spam),
            (reject("Gtube pattern"), Finding::Spam),
            (reject("no such luck"), Finding::Refused),
            (reject(""), Finding::Refused),
            (later("The virus scanner does not answer"), Finding::Failed),
            (later("Greylisting in action, please come back later"), Finding::Clean),
            (later(""), Finding::Failed),
            (Answer::Silent("no connection".to_owned()), Finding::Failed),
            (Answer::Busy, Finding::Busy),
        ];
        for (answer, expect) in cases {
            assert_eq!(read(&answer, OnFailure::Defer).finding, expect, "{answer:?}");
            let open = read(&answer, OnFailure::Accept).finding;
            let unscanned = expect == Finding::Failed;
            assert_eq!(open, if unscanned { Finding::Unscanned } else { expect }, "{answer:?}");
        }
    }

    /// Rule X4: a filter's words are one short line of ASCII, also inside a name.
    #[test]
    fn words_are_harmless() {
        let words = format!("contains malware: E\u{7}ü\r\n250 ok {}", "x".repeat(900));
        let scan = read(&Answer::Reject(words), OnFailure::Defer);
        assert_eq!(scan.finding, virus("E??"));
        assert!(scan.words.len() <= MAX_WORDS && !scan.words.contains(['\r', '\n']), "{scan:?}");
        assert!(scan.shown().starts_with("virus (contains malware: E?? 250 ok xxx"));
        let long = read(&Answer::Reject(format!("virus: {}", "y".repeat(500))), OnFailure::Defer);
        assert_eq!(long.finding, virus(&"y".repeat(MAX_NAME)));
    }
}
