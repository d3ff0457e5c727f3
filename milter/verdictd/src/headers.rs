//! The headers that tell what was found, and those that a stranger forged. No I/O.
//!
//! The forms are those that Sieve rules know: `X-Spam-Status: Yes, score=...` (SpamAssassin, amavis, rspamd),
//! `X-Spamd-Bar` (rspamd), `X-Virus-Scanned` and `X-Virus-Status` (clamav-milter).

use std::collections::BTreeMap;

use milter::header::Field;
use milter::packet::Modification;

use crate::verdict::{Report, Spam, Virus, is_spam, printable};

/// Names that only we may write, in lower case: these, and what begins with one of them and a hyphen.
const OURS: &[&str] = &["x-spam", "x-spamd", "x-rspamd", "x-virus"];

/// Longest bar, and the most names of rules in one header.
const BAR: usize = 50;
const TESTS: usize = 40;
/// Where a line of names is folded (octets).
const WIDTH: usize = 72;

/// Header fields with names that only we may write: how often each came in (T9).
#[derive(Debug, Default)]
pub struct Forged(BTreeMap<Vec<u8>, u32>);

impl Forged {
    /// Counts a field if its name is one of ours. White space before the colon belongs to no name (RFC 5322 4.5.8).
    pub fn note(&mut self, name: &[u8]) {
        let lower = name.to_ascii_lowercase();
        let bare = lower.trim_ascii_end();
        let ours = |own: &&str| {
            let rest = bare.strip_prefix(own.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'-'))
        };
        if !OURS.iter().any(ours) {
            return;
        }
        let count = self.0.entry(lower).or_default();
        *count = count.saturating_add(1);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().map(|count| u64::from(*count)).sum()
    }

    /// What takes them away: the last of each name first, so that the index of the others holds (MI18) whether the
    /// mail server counts deleted fields or not.
    pub fn deletions(&self) -> Vec<Modification> {
        let one = |name: &Vec<u8>, index| Modification::ChangeHeader {
            index,
            field: Field { name: name.clone(), value: Vec::new() },
        };
        self.0.iter().flat_map(|(name, count)| (1..=*count).rev().map(|i| one(name, i))).collect()
    }
}

/// The headers for a mail that goes on; `server` is the mail server's name.
pub fn tell(report: &Report, server: &str) -> Vec<Modification> {
    let mut fields = Vec::new();
    if let Some(Ok(spam)) = &report.spam {
        fields.push(Field::new("X-Spam-Status", &status(spam)));
        fields.push(Field::new("X-Spam-Score", &format!("{:.2}", spam.score)));
        fields.push(Field::new("X-Spamd-Bar", &bar(spam.score)));
    }
    let scanned = format!("verdictd {} at {}", env!("CARGO_PKG_VERSION"), printable(server, 255));
    match &report.virus {
        None => {}
        Some(Ok(found)) => {
            fields.push(Field::new("X-Virus-Scanned", &scanned));
            fields.push(Field::new("X-Virus-Status", &virus(found)));
        }
        // Whoever looks for "Clean" finds nothing.
        Some(Err(_)) => fields.push(Field::new("X-Virus-Status", "Not scanned")),
    }
    fields.into_iter().map(Modification::AddHeader).collect()
}

fn virus(found: &Virus) -> String {
    match found {
        Virus::Clean => "Clean".to_owned(),
        Virus::Found(name) => format!("Infected ({name})"),
    }
}

/// `Yes, score=7.50 required=15.00 tests=A,B`, folded.
fn status(spam: &Spam) -> String {
    let yes = if is_spam(spam.action) { "Yes" } else { "No" };
    let mut out = format!("{yes}, score={:.2} required={:.2}", spam.score, spam.required);
    let mut width = "X-Spam-Status: ".len() + out.len();
    for (at, symbol) in spam.symbols.iter().take(TESTS).enumerate() {
        let before = if at == 0 { "tests=" } else { "," };
        let next = before.len() + symbol.name.len();
        if at > 0 {
            out.push(',');
        }
        if at == 0 || width + next > WIDTH {
            out.push_str("\n\t");
            width = 8;
        }
        if at == 0 {
            out.push_str(before);
        }
        out.push_str(&symbol.name);
        width += next;
    }
    out
}

/// A `+` for each point, a `-` for each below zero, `/` between.
fn bar(score: f64) -> String {
    // A float becomes the nearest number that fits.
    let points = score.abs() as usize;
    match points.min(BAR) {
        0 => "/".to_owned(),
        n if score > 0.0 => "+".repeat(n),
        n => "-".repeat(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Action, Failure, Symbol};

    /// The fields as `name: value`, deletions as `name[index]`.
    fn shown(changes: &[Modification]) -> Vec<String> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let one = |change: &Modification| match change {
            Modification::AddHeader(f) => format!("{}:{}", text(&f.name), text(&f.value)),
            Modification::ChangeHeader { index, field } if field.value.is_empty() => {
                format!("{}[{index}]", text(&field.name))
            }
            other => panic!("{other:?}"),
        };
        changes.iter().map(one).collect()
    }

    fn spam(action: Action, score: f64, names: &[&str]) -> Spam {
        let symbols = names.iter().map(|n| Symbol { name: (*n).to_owned(), score: 1.0 }).collect();
        Spam { action, score, required: 15.0, symbols, message: None }
    }

    #[test]
    fn the_forms_are_those_that_sieve_rules_know() {
        let report = Report {
            spam: Some(Ok(spam(Action::AddHeader, 7.25, &["A", "B"]))),
            virus: Some(Ok(Virus::Clean)),
        };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            shown(&tell(&report, "mx.schule.example")),
            [
                "X-Spam-Status: Yes, score=7.25 required=15.00\n\ttests=A,B".to_owned(),
                "X-Spam-Score: 7.25".to_owned(),
                "X-Spamd-Bar: +++++++".to_owned(),
                format!("X-Virus-Scanned: verdictd {version} at mx.schule.example"),
                "X-Virus-Status: Clean".to_owned(),
            ]
        );
        let report = Report { spam: Some(Ok(spam(Action::Pass, -2.5, &[]))), virus: None };
        assert_eq!(
            shown(&tell(&report, "mx")),
            [
                "X-Spam-Status: No, score=-2.50 required=15.00",
                "X-Spam-Score: -2.50",
                "X-Spamd-Bar: --"
            ]
        );
    }

    /// What failed is never told as clean.
    #[test]
    fn a_scanner_that_failed_says_nothing_good() {
        let report = Report { spam: Some(Err(Failure::Late)), virus: Some(Err(Failure::Late)) };
        assert_eq!(shown(&tell(&report, "mx")), ["X-Virus-Status: Not scanned"]);
        assert_eq!(shown(&tell(&Report::default(), "mx")), [""; 0]);
    }

    #[test]
    fn bars() {
        let cases = [(0.0, "/"), (0.99, "/"), (-0.99, "/"), (1.0, "+"), (-1.0, "-"), (3.9, "+++")];
        for (score, expect) in cases {
            assert_eq!(bar(score), expect, "{score}");
        }
        for score in [1e300, f64::INFINITY] {
            assert_eq!(bar(score).len(), BAR);
        }
        assert_eq!(bar(f64::NAN), "/");
    }

    #[test]
    fn many_rules_are_folded_and_bounded() {
        let names: Vec<String> = (0..200).map(|n| format!("A_LONG_NAME_OF_A_RULE_{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let status = status(&spam(Action::Pass, 1.0, &names));
        assert!(status.split('\n').all(|line| line.len() < 100), "{status}");
        assert_eq!(status.matches("A_LONG").count(), TESTS);
    }

    /// T9: whatever its case and however often, what a stranger wrote under our names goes.
    #[test]
    fn t9_forged_headers_go() {
        let mut forged = Forged::default();
        for name in [
            "X-Spam-Status",
            "x-SPAM-status",
            "X-Spam",
            "X-Spam-Flag",
            "X-Spamd-Bar",
            "X-Rspamd-Action",
            "X-Virus-Status",
            "X-Virus-Scanned",
            "X-VIRUS-SCANNED",
            "X-Spam-Level ",
            // These are others'.
            "X-Spammer",
            "X-Viruses",
            "Subject",
            "X-Mailer",
            "XX-Spam",
            "Spam",
            "",
        ] {
            forged.note(name.as_bytes());
        }
        assert_eq!(forged.count(), 10);
        assert_eq!(
            shown(&forged.deletions()),
            [
                "x-rspamd-action[1]",
                "x-spam[1]",
                "x-spam-flag[1]",
                "x-spam-level [1]",
                "x-spam-status[2]",
                "x-spam-status[1]",
                "x-spamd-bar[1]",
                "x-virus-scanned[2]",
                "x-virus-scanned[1]",
                "x-virus-status[1]",
            ]
        );
    }
}
