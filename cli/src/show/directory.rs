//! `listctl directory`: what is held, who came and who went.

use listcore::api::{Difference, DirectoryDetail, Freshness, Held, Person};

use super::protected;
use super::table::Rows;
use crate::time;

pub fn directory(detail: &DirectoryDetail) -> String {
    let state = &detail.state;
    let mut facts = Rows::facts();
    facts.fact("directory", &state.url);
    facts.fact("followed by", &state.mode);
    facts.fact(
        "membership",
        match state.freshness {
            Freshness::Fresh => "current",
            Freshness::Stale => "too old or doubtful: mail to all lists waits",
            Freshness::Never => "never read: mail to all lists waits",
        },
    );
    if let Some(as_of) = state.as_of {
        let age = time::between(as_of, detail.now);
        facts.fact("as of", format!("{} ({age} ago)", time::at(as_of)));
    }
    facts.fact("change number", detail.csn.clone().unwrap_or_default());
    facts.fact(
        "holds",
        format!("{} lists, {} groups, {} people", state.lists, state.groups, state.people),
    );
    facts.fact("last error", state.last_error.clone().unwrap_or_default());
    let text = facts.text();
    if detail.held.is_empty() {
        return text + "\nNothing is held.\n";
    }
    format!(
        "{text}\nToo many members are gone at once:\n{}\nlistctl directory diff shows who; then accept it, mend the \
         directory, or reject it.\n",
        held(&detail.held)
    )
}

fn held(all: &[Held]) -> String {
    let mut rows = Rows::new(&["LIST", "ACCEPTED", "NOW", "SINCE", "STATE"]);
    for one in all {
        let state = match (one.rejected, one.gone && one.list.is_some()) {
            (true, _) => "rejected: mail goes to those who were accepted",
            (false, true) => "the list is gone: mail waits",
            (false, false) => "mail waits",
        };
        rows.row([
            named(one.list.as_ref()),
            one.accepted.to_string(),
            one.now.to_string(),
            time::at(one.since),
            state.to_owned(),
        ]);
    }
    rows.text()
}

pub fn differences(all: &[Difference]) -> String {
    if all.is_empty() {
        return "Nothing is held.\n".to_owned();
    }
    let mut text = String::new();
    for one in all {
        let since = one.held_since.map(|at| format!(", held since {}", time::at(at)));
        text += &format!(
            "{}: {} accepted, {} now{}\n",
            named(one.list.as_ref()),
            one.accepted,
            one.now,
            since.unwrap_or_default()
        );
        let mut rows = Rows::new(&["", "ADDRESS", "NAME"]);
        let changes = one.went.iter().map(|p| ("-", p)).chain(one.came.iter().map(|p| ("+", p)));
        for (sign, Person { address, name, .. }) in changes {
            rows.row([sign.to_owned(), address.clone(), name.clone().unwrap_or_default()]);
        }
        for (sign, count) in [("-", one.went_protected), ("+", one.came_protected)] {
            if let Some(who) = protected(count) {
                rows.row([sign.to_owned(), who, String::new()]);
            }
        }
        text += &(rows.text() + "\n");
    }
    text
}

pub fn released(all: &[Held], what: &str) -> String {
    if all.is_empty() {
        return "Nothing was held.\n".to_owned();
    }
    let line = |h: &Held| {
        let list = named(h.list.as_ref());
        format!("{what}: {list} ({} before, {} now)\n", h.accepted, h.now)
    };
    all.iter().map(line).collect()
}

fn named(list: Option<&String>) -> String {
    list.cloned().unwrap_or_else(|| "all lists: people of the directory".to_owned())
}
