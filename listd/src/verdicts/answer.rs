//! From what a milter answered to what `listcore` reads: the protocol's words into ours. Pure.
//!
//! Of the changes that a filter wants, its header fields say what it found, and none of them is made: other recipients,
//! another sender or another body are not its business here (rule MI20).

use listcore::scan::Answer;
use milter::answer::Answer as Said;
use milter::drive_client::Outcome;
use milter::packet::Modification;

/// The answer for all recipients, and those for single ones by their place.
pub fn of(outcome: &Outcome) -> (Answer, Vec<(usize, Answer)>) {
    let all = answer(&outcome.verdict.answer, &outcome.verdict.modifications);
    let alone = outcome.refused.iter().map(|(at, said)| (*at, answer(said, &[]))).collect();
    (all, alone)
}

fn answer(said: &Said, modifications: &[Modification]) -> Answer {
    match said {
        Said::Continue | Said::Accept => passed(modifications),
        Said::Reject => Answer::Reject(String::new()),
        Said::TempFail => Answer::TempFail(String::new()),
        Said::Discard => Answer::Discard,
        Said::Code(code) if code.is_temporary() => Answer::TempFail(code.lines().join(" ")),
        Said::Code(code) => Answer::Reject(code.lines().join(" ")),
    }
}

fn passed(modifications: &[Modification]) -> Answer {
    let (mut marks, mut quarantine) = (Vec::new(), None);
    for modification in modifications {
        match modification {
            Modification::AddHeader(field)
            | Modification::InsertHeader { field, .. }
            | Modification::ChangeHeader { field, .. } => {
                marks.push((text(&field.name), text(field.text())));
            }
            Modification::Quarantine(why) => quarantine = Some(text(why)),
            Modification::ReplaceBody(_) => ignored("another body"),
            Modification::AddRecipient { .. } => ignored("a further recipient"),
            Modification::DeleteRecipient(_) => ignored("fewer recipients"),
            Modification::ChangeSender { .. } => ignored("another sender"),
        }
    }
    Answer::Pass { marks, quarantine }
}

fn ignored(what: &str) {
    tracing::warn!(what, "the filter wants to change a mail, which a list does not let it do");
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
