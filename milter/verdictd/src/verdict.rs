//! What the scanners said and what the admin wants, as one verdict. No I/O.
//!
//! The order (MI25): a virus, then spam that is refused; then whatever can only be told later, a scanner that failed
//! among it; then what is thrown away, held or let through. A scanner that failed never counts as "clean".

/// What rspamd advises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Pass,
    Greylist,
    AddHeader,
    RewriteSubject,
    SoftReject,
    Reject,
    Quarantine,
    Discard,
}

/// One rule of rspamd that matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    pub name: String,
    pub score: f64,
}

/// rspamd's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Spam {
    pub action: Action,
    pub score: f64,
    /// The score at which it refuses.
    pub required: f64,
    /// The weightiest first.
    pub symbols: Vec<Symbol>,
    /// Its own words for the author, printable ASCII.
    pub message: Option<String>,
}

/// clamd's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Virus {
    Clean,
    /// The name of the signature, printable ASCII.
    Found(String),
}

/// Why a scanner gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("broke off: {0}")]
    Broken(String),
    #[error("did not answer in time")]
    Late,
    #[error("does not take a message of this size: {0}")]
    TooLarge(String),
    #[error("reports an error: {0}")]
    Error(String),
    #[error("gives an answer that is none: {0}")]
    Garbage(String),
}

impl Failure {
    /// One word, for figures.
    pub fn kind(&self) -> &'static str {
        match self {
            Failure::Unreachable(_) => "unreachable",
            Failure::Broken(_) => "broken",
            Failure::Late => "late",
            Failure::TooLarge(_) => "too_large",
            Failure::Error(_) => "error",
            Failure::Garbage(_) => "garbage",
        }
    }
}

/// What came of asking one scanner; `None` where it is not to be asked.
pub type Asked<T> = Option<Result<T, Failure>>;

/// What came of asking all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub spam: Asked<Spam>,
    pub virus: Asked<Virus>,
}

impl Report {
    /// rspamd's answer, if there is one.
    pub fn said(&self) -> Option<&Spam> {
        self.spam.as_ref().and_then(|spam| spam.as_ref().ok())
    }

    /// The virus, if there is one.
    pub fn found(&self) -> Option<&str> {
        match &self.virus {
            Some(Ok(Virus::Found(name))) => Some(name),
            _ => None,
        }
    }

    fn failed(&self) -> Option<&'static str> {
        match (&self.spam, &self.virus) {
            (_, Some(Err(_))) => Some("The virus scanner"),
            (Some(Err(_)), _) => Some("The spam scanner"),
            _ => None,
        }
    }
}

/// What to do where a scanner failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    TempFail,
    Accept,
}

/// What to do where rspamd greylists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greylist {
    TempFail,
    /// For a client that must not make others wait, as `listd`: a 4yz at the end of a list's mail holds up the queue
    /// of a whole server.
    Ignore,
}

/// What the admin wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub on_failure: OnFailure,
    pub greylist: Greylist,
}

/// What becomes of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on, with headers that say what was found.
    Pass,
    /// It goes on and is held, for this reason.
    Hold(String),
    Discard,
    /// Code, enhanced code, and words for the author: printable ASCII.
    Refuse(u16, &'static str, String),
}

/// The verdict and its name in log and figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub name: &'static str,
    pub decision: Decision,
}

impl Verdict {
    fn refuse(name: &'static str, code: u16, enhanced: &'static str, text: &str) -> Verdict {
        Verdict { name, decision: Decision::Refuse(code, enhanced, text.to_owned()) }
    }

    /// There was no turn for it within the time that it may wait.
    pub fn busy() -> Verdict {
        let text = "Too many messages are being scanned, try again later";
        Verdict::refuse("busy", 451, "4.3.2", text)
    }
}

/// All names that a verdict can have.
pub const NAMES: &[&str] = &[
    "virus",
    "reject",
    "failed",
    "soft_reject",
    "greylist",
    "busy",
    "discard",
    "quarantine",
    "spam",
    "unscanned",
    "clean",
];

/// One verdict out of everything.
pub fn merge(report: &Report, policy: Policy) -> Verdict {
    if let Some(name) = report.found() {
        let text = format!("This message contains malware: {name}");
        return Verdict::refuse("virus", 550, "5.7.1", &text);
    }
    let (action, message) = match report.said() {
        Some(spam) => (spam.action, spam.message.as_deref()),
        None => (Action::Pass, None),
    };
    let words = |plain: &str| match message {
        Some(message) => format!("{plain}: {message}"),
        None => plain.to_owned(),
    };
    if action == Action::Reject {
        return Verdict::refuse("reject", 550, "5.7.1", &words("This message was taken for spam"));
    }
    if let (Some(who), OnFailure::TempFail) = (report.failed(), policy.on_failure) {
        let text = format!("{who} does not answer, try again later");
        return Verdict::refuse("failed", 451, "4.3.0", &text);
    }
    if action == Action::SoftReject {
        return Verdict::refuse("soft_reject", 451, "4.7.1", &words("Try again later"));
    }
    if (action, policy.greylist) == (Action::Greylist, Greylist::TempFail) {
        let text = "This sender is not known here yet, try again later";
        return Verdict::refuse("greylist", 451, "4.7.1", text);
    }
    let (name, decision) = match action {
        Action::Discard => ("discard", Decision::Discard),
        Action::Quarantine => ("quarantine", Decision::Hold(words("rspamd holds it"))),
        _ if is_spam(action) => ("spam", Decision::Pass),
        _ if report.failed().is_some() => ("unscanned", Decision::Pass),
        _ => ("clean", Decision::Pass),
    };
    Verdict { name, decision }
}

/// Is a mail that goes on with this advice marked as spam?
pub fn is_spam(action: Action) -> bool {
    match action {
        Action::Pass | Action::Greylist => false,
        Action::AddHeader | Action::RewriteSubject | Action::SoftReject => true,
        Action::Reject | Action::Quarantine | Action::Discard => true,
    }
}

/// What a scanner says, as it may stand in a reply, a header or a log line: printable ASCII, at most `most` octets.
pub fn printable(text: &str, most: usize) -> String {
    let safe = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    text.trim().chars().take(most).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MX: Policy = Policy { on_failure: OnFailure::TempFail, greylist: Greylist::TempFail };
    const OPEN: Policy = Policy { on_failure: OnFailure::Accept, greylist: Greylist::TempFail };
    const LIST: Policy = Policy { on_failure: OnFailure::TempFail, greylist: Greylist::Ignore };

    fn spam(action: Action) -> Asked<Spam> {
        let message = Some("because".to_owned());
        Some(Ok(Spam { action, score: 1.0, required: 15.0, symbols: Vec::new(), message }))
    }

    fn virus(name: &str) -> Asked<Virus> {
        Some(Ok(if name.is_empty() { Virus::Clean } else { Virus::Found(name.to_owned()) }))
    }

    /// Verdict and code for what the two said, under a policy.
    #[test]
    fn mi25_one_verdict_out_of_two() {
        fn late<T>() -> Asked<T> {
            Some(Err(Failure::Late))
        }
        let gone = || Some(Err(Failure::Unreachable("refused".into())));
        type Case<'a> = (Asked<Spam>, Asked<Virus>, Policy, &'a str, u16);
        let cases: Vec<Case<'_>> = vec![
            (spam(Action::Pass), virus(""), MX, "clean", 0),
            (spam(Action::Pass), None, MX, "clean", 0),
            (None, virus(""), MX, "clean", 0),
            // A virus is told as such, whatever the other says or does not say.
            (spam(Action::Pass), virus("Eicar"), MX, "virus", 550),
            (spam(Action::Reject), virus("Eicar"), MX, "virus", 550),
            (spam(Action::Discard), virus("Eicar"), OPEN, "virus", 550),
            (late(), virus("Eicar"), MX, "virus", 550),
            (None, virus("Eicar"), OPEN, "virus", 550),
            // What is refused for good does not wait for a scanner that failed.
            (spam(Action::Reject), virus(""), MX, "reject", 550),
            (spam(Action::Reject), late(), MX, "reject", 550),
            // A failure is never "clean".
            (late(), virus(""), MX, "failed", 451),
            (spam(Action::Pass), gone(), MX, "failed", 451),
            (spam(Action::Pass), gone(), LIST, "failed", 451),
            (late(), gone(), MX, "failed", 451),
            (late(), None, MX, "failed", 451),
            (spam(Action::Discard), late(), MX, "failed", 451),
            (spam(Action::AddHeader), late(), MX, "failed", 451),
            (late(), virus(""), OPEN, "unscanned", 0),
            (spam(Action::Pass), gone(), OPEN, "unscanned", 0),
            (late(), gone(), OPEN, "unscanned", 0),
            (spam(Action::AddHeader), gone(), OPEN, "spam", 0),
            (spam(Action::SoftReject), virus(""), MX, "soft_reject", 451),
            (spam(Action::SoftReject), gone(), OPEN, "soft_reject", 451),
            (spam(Action::SoftReject), virus(""), LIST, "soft_reject", 451),
            (spam(Action::Greylist), virus(""), MX, "greylist", 451),
            (spam(Action::Greylist), virus(""), LIST, "clean", 0),
            (spam(Action::Greylist), gone(), LIST, "failed", 451),
            (spam(Action::AddHeader), virus(""), MX, "spam", 0),
            (spam(Action::RewriteSubject), virus(""), MX, "spam", 0),
            (spam(Action::AddHeader), virus(""), LIST, "spam", 0),
            (spam(Action::Quarantine), virus(""), MX, "quarantine", 0),
            (spam(Action::Discard), virus(""), MX, "discard", 0),
        ];
        for (spam, virus, policy, name, code) in cases {
            let report = Report { spam, virus };
            let verdict = merge(&report, policy);
            let got = match &verdict.decision {
                Decision::Refuse(code, ..) => *code,
                _ => 0,
            };
            assert_eq!((verdict.name, got), (name, code), "{report:?} {policy:?}");
            assert!(NAMES.contains(&verdict.name));
        }
        assert!(NAMES.contains(&Verdict::busy().name));
    }

    #[test]
    fn the_author_hears_the_name_of_the_virus_and_rspamds_own_words() {
        let said = |report: &Report| match merge(report, MX).decision {
            Decision::Refuse(_, enhanced, text) => format!("{enhanced} {text}"),
            other => panic!("{other:?}"),
        };
        let report = Report { spam: None, virus: virus("Eicar-Test") };
        assert_eq!(said(&report), "5.7.1 This message contains malware: Eicar-Test");
        let report = Report { spam: spam(Action::Reject), virus: None };
        assert_eq!(said(&report), "5.7.1 This message was taken for spam: because");
        let report = Report { spam: None, virus: Some(Err(Failure::Late)) };
        assert_eq!(said(&report), "4.3.0 The virus scanner does not answer, try again later");
    }

    #[test]
    fn what_is_not_printable_is_not_said() {
        assert_eq!(printable(" a\r\nb\0ü ", 80), "a??b??");
        assert_eq!(printable("abcdef", 3), "abc");
    }
}
