//! What rspamd and clamd answer: a verdict, or a failure that is told; never words that break a header, a reply or the log.

use verdictd::headers;
use verdictd::maillog;
use verdictd::scan::{clamd, rspamd::answer};
use verdictd::verdict::{
    Action, Decision, Failure, Greylist, OnFailure, Policy, Report, Virus, merge,
};

const POLICY: Policy = Policy { on_failure: OnFailure::TempFail, greylist: Greylist::TempFail };

/// rspamd's JSON: what is said further is bounded and printable, and no answer passes a mail that has no action.
pub fn rspamd(octets: &[u8]) {
    let answer = answer::parse(octets);
    if let Ok(spam) = &answer {
        assert!(spam.symbols.len() <= 100);
        assert!(spam.symbols.iter().all(|s| s.name.len() <= 64 && !s.name.contains([',', ' '])));
        if spam.action == Action::Pass {
            let text = String::from_utf8_lossy(octets);
            // JSON may write letters as numbers; otherwise the words must stand there.
            assert!(["no action", "accept", "\\u"].iter().any(|word| text.contains(word)));
        }
    }
    check(Report { spam: Some(answer), virus: None });
}

/// clamd's line: clean only where it says exactly that.
pub fn clamd(octets: &[u8]) {
    let answer = clamd::parse(octets);
    if answer == Ok(Virus::Clean) {
        let line = octets.strip_prefix(b"stream: OK").expect("exactly this");
        assert!(line.iter().all(|octet| matches!(octet, b'\0' | b'\r' | b'\n')));
    }
    check(Report { spam: None, virus: Some(answer) });
}

/// Whatever was said, the verdict is sound: a failure is no pass, and all words can be said.
fn check(report: Report) {
    let verdict = merge(&report, POLICY);
    let failed = report.spam.as_ref().is_some_and(Result::is_err)
        || report.virus.as_ref().is_some_and(Result::is_err);
    match &verdict.decision {
        Decision::Refuse(code, enhanced, text) => {
            assert_eq!(
                enhanced.as_bytes().first().copied(),
                Some(b'0' + u8::from(*code >= 500) + 4)
            );
            assert!(text.len() < 300 && text.bytes().all(is_plain), "{text:?}");
        }
        Decision::Hold(why) => assert!(!failed && why.bytes().all(is_plain)),
        Decision::Pass | Decision::Discard => assert!(!failed),
    }
    for change in headers::tell(&report, "mx.schule.example") {
        let milter::packet::Modification::AddHeader(field) = change else { panic!("{change:?}") };
        let value = String::from_utf8_lossy(&field.value).replace("\n\t", " ");
        assert!(value.len() < 5_000 && value.bytes().all(is_plain), "{value:?}");
    }
    let failures = [
        report.spam.as_ref().and_then(|spam| spam.as_ref().err()),
        report.virus.as_ref().and_then(|virus| virus.as_ref().err()),
    ];
    for failure in failures.into_iter().flatten().map(Failure::to_string) {
        assert!(failure.len() < 600 && failure.bytes().all(is_plain), "{failure:?}");
        assert!(!maillog::word(failure.as_bytes()).contains([' ', '\n']));
    }
}

fn is_plain(octet: u8) -> bool {
    octet == b' ' || octet.is_ascii_graphic()
}
