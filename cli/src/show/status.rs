//! `listctl status`: the few facts that say whether all is well, worst first.

use listcore::api::{Freshness, Status};

use super::table::Rows;
use crate::time;

pub fn status(status: &Status) -> String {
    let mut text = alarms(status);
    let mut facts = Rows::facts();
    let (directory, queue) = (&status.directory, &status.queue);
    facts.fact("listd", format!("{} on {}", status.version, status.hostname));
    facts.fact("up since", time::at(status.started));
    facts.fact("domains", status.domains.join(", "));
    for (what, socket) in &status.listening {
        facts.fact("listens", format!("{socket} ({what})"));
    }
    facts.fact("directory", format!("{} ({})", directory.url, directory.mode));
    facts.fact(
        "",
        format!(
            "{} lists, {} groups, {} people",
            directory.lists, directory.groups, directory.people
        ),
    );
    if let Some(as_of) = directory.as_of {
        let age = time::between(as_of, status.now);
        facts.fact("membership", format!("as of {} ({age} ago)", time::at(as_of)));
    }
    facts.fact("queue", format!("{} mails on {} ways to a list", queue.mails, queue.posts_waiting));
    facts.fact(
        "",
        format!(
            "{} copies to send, {} of them deferred",
            queue.recipients_waiting + queue.recipients_deferred,
            queue.recipients_deferred
        ),
    );
    facts.fact("held", format!("{} mails wait for somebody's word", queue.held));
    facts.fact(
        "bounces",
        format!("{}, {} of them nobody's", queue.bounces, queue.bounces_unattributed),
    );
    facts
        .fact("relay", format!("{}, {} connections open", status.relay.address, status.relay.open));
    text.push_str(&facts.text());
    text.push_str(&warnings(&directory.warnings));
    for later in &status.later {
        text.push_str(&format!("note: {later}\n"));
    }
    text
}

/// Entries to mend that are shown; the rest is counted.
const WARNINGS: usize = 10;

/// Entries of the directory that an admin should mend.
fn warnings(warnings: &[String]) -> String {
    let mut text = String::new();
    for warning in warnings.iter().take(WARNINGS) {
        text.push_str(&super::table::visible(&format!("warning: directory: {warning}")));
        text.push('\n');
    }
    if let Some(more) = warnings.len().checked_sub(WARNINGS).filter(|more| *more > 0) {
        text.push_str(&format!(
            "warning: directory: {more} more; listctl --json status shows all\n"
        ));
    }
    text
}

/// What an admin must look at, one line each; an empty line behind them.
fn alarms(status: &Status) -> String {
    let mut text = String::new();
    match status.directory.freshness {
        Freshness::Fresh => {}
        Freshness::Stale => text.push_str(
            "ALARM: the membership is too old; mail waits until the directory answers.\n",
        ),
        Freshness::Never => {
            text.push_str("ALARM: the directory was never read; mail waits until it answers.\n")
        }
    }
    if status.directory.held > 0 {
        text.push_str(
            "ALARM: too many members are gone at once, mail waits; see listctl directory status.\n",
        );
    }
    let directory = status.directory.last_error.as_ref().map(|e| format!("directory: {e}\n"));
    let relay = status.relay.last_error.as_ref().map(|e| format!("relay: {e}\n"));
    text.extend(
        [directory, relay]
            .into_iter()
            .flatten()
            .map(|line| super::table::visible(line.trim_end()) + "\n"),
    );
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
