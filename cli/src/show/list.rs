//! Lists: all of them, one with its settings, and who is on it.

use listcore::api::{ListDetail, ListLine, Members, Person, Stopped};
use listcore::list::settings::{Key, Source, Value};
use listcore::time::Timestamp;

use super::table::{Rows, visible};
use super::{protected, protected_line};
use crate::time;

pub fn lists(lists: &[ListLine]) -> String {
    let mut rows = Rows::new(&["LIST", "NAME", "DESCRIPTION", "PEOPLE", "WITHOUT MAIL"]);
    for list in lists {
        let people = list.recipients.to_string();
        let skipped = if list.skipped == 0 { String::new() } else { list.skipped.to_string() };
        rows.row([
            list.address.clone(),
            list.name.clone(),
            list.description.clone(),
            people,
            skipped,
        ]);
    }
    if lists.is_empty() {
        return "There are no lists: no group in the directory has an address in a domain of ours.\n".to_owned();
    }
    rows.text()
}

pub fn detail(list: &ListDetail) -> String {
    let mut facts = Rows::facts();
    facts.fact("list", &list.address);
    facts.fact("also", list.aliases.join(", "));
    facts.fact("name", &list.name);
    facts.fact("description", &list.description);
    facts.fact("group", &list.dn);
    facts.fact("id", &list.id);
    let owners = list.owners.iter().map(person).chain(protected(list.owners_protected));
    facts.fact("owners", owners.collect::<Vec<_>>().join(", "));
    facts.fact(
        "people",
        format!("{} get mail, {} do not (listctl list members)", list.recipients, list.skipped),
    );
    let mut text = facts.text();
    text.push_str("\nSettings, and where they come from:\n");
    let mut rows = Rows::new(&["KEY", "VALUE", "FROM"]);
    for key in Key::ALL {
        rows.row(line(list, key));
    }
    text.push_str(&rows.text());
    if list.local_only {
        text.push_str("Only people of the directory may post (fdGroupMailLocalOnly).\n");
    }
    if !list.problems.is_empty() {
        text.push_str("\nTo mend in the group's entry, or with listctl list set:\n");
        for problem in &list.problems {
            text.push_str(&format!("- {}\n", visible(problem)));
        }
    }
    text
}

/// One setting, after it was set or unset.
pub fn setting(list: &ListDetail, name: &str) -> String {
    let Some(key) = Key::from_name(name) else { return detail(list) };
    let [name, value, from] = line(list, key);
    format!("{}: {name} is {} now, from {from}.\n", list.address, visible(&value))
}

/// Where an emergency holds all mail, and how much waits.
pub fn stopped(stopped: &Stopped) -> String {
    let mut text = String::new();
    for (list, source) in &stopped.lists {
        let from = source.map_or("configuration", Source::as_str);
        text.push_str(&format!("{}: all mail waits (emergency, from {from}).\n", visible(list)));
    }
    if stopped.lists.is_empty() {
        text.push_str("Mail goes out: there is no emergency.\n");
    }
    if stopped.waiting > 0 {
        let waiting = stopped.waiting;
        text.push_str(&format!("{waiting} mails wait because of one (listctl held).\n"));
    }
    text
}

fn line(list: &ListDetail, key: Key) -> [String; 3] {
    let source = list.sources.get(&key).map_or("", |source| source.as_str());
    [key.name().to_owned(), value(list, key), source.to_owned()]
}

fn value(list: &ListDetail, key: Key) -> String {
    match key {
        Key::Expires => match list.expires {
            None => "never".to_owned(),
            Some(Timestamp(..=0)) => "closed".to_owned(),
            Some(at) => time::at(at),
        },
        Key::MaxSize => format!("{} kB", list.settings.max_size / 1_000),
        key => Value::of(key, &list.settings).to_string(),
    }
}

fn person(person: &Person) -> String {
    match &person.name {
        Some(name) => format!("{name} <{}>", person.address),
        None => person.address.clone(),
    }
}

/// Who is on the list because somebody let her in.
fn admitted(members: &Members) -> String {
    if members.admitted.is_empty() {
        return String::new();
    }
    let mut rows = Rows::new(&["ADDRESS", "ADMITTED BY", "WHEN", ""]);
    for one in &members.admitted {
        let note = if one.in_directory { "in the group too by now" } else { "" };
        rows.row([one.address.clone(), one.by.clone(), time::at(one.at), note.to_owned()]);
    }
    format!("\nAdmitted beside the directory ({}):\n{}", members.admitted.len(), rows.text())
}

/// Who gets many mails as one.
fn digests(members: &Members) -> String {
    if members.digests.is_empty() {
        return String::new();
    }
    let mut rows = Rows::new(&["ADDRESS", "HOW OFTEN"]);
    for one in &members.digests {
        rows.row([one.address.clone(), one.period.clone()]);
    }
    format!("\nDigests instead of single mails ({}):\n{}", members.digests.len(), rows.text())
}

pub fn members(members: &Members) -> String {
    let mut rows = Rows::new(&["ADDRESS", "NAME", "LANGUAGE"]);
    for who in &members.recipients {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        rows.row([who.address.clone(), or_empty(&who.name), or_empty(&who.language)]);
    }
    let mut text = rows.text() + &protected_line(members.recipients_protected);
    let all = members.recipients.len() + members.recipients_protected;
    text.push_str(&format!("{all} get the mail of {}.\n", members.list));
    text.push_str(&digests(members));
    text.push_str(&admitted(members));
    let without = members.skipped.len() + members.skipped_protected;
    if without == 0 {
        return text;
    }
    text.push_str(&format!("\nIn the group, but without mail ({without}):\n"));
    let mut rows = Rows::new(&["ENTRY", "WHY"]);
    for skipped in &members.skipped {
        rows.row([skipped.what.clone(), skipped.why.clone()]);
    }
    text + &rows.text() + &protected_line(members.skipped_protected)
}
