//! Lists: all of them, one with its settings, and who is on it.

use listcore::api::{ListDetail, ListLine, Members, Person};
use listcore::list::{Posters, ReplyTo, Settings};

use super::table::Rows;
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
    facts.fact("owners", list.owners.iter().map(person).collect::<Vec<_>>().join(", "));
    facts.fact(
        "people",
        format!("{} get mail, {} do not (listctl list members)", list.recipients, list.skipped),
    );
    if let Some(expires) = list.expires {
        facts.fact("closed from", time::at(expires));
    }
    settings(&mut facts, &list.settings);
    facts.text()
}

fn settings(facts: &mut Rows, s: &Settings) {
    let post: Vec<&str> = s.post.iter().map(posters).collect();
    facts.fact("post", if post.is_empty() { "nobody".to_owned() } else { post.join(", ") });
    facts.fact("nonmembers", word(&s.nonmembers));
    facts.fact("unverified", word(&s.unverified));
    facts.fact("moderation", word(&s.moderation));
    facts.fact("from", word(&s.from));
    facts.fact(
        "reply_to",
        match &s.reply_to {
            ReplyTo::Address(address) => address.to_string(),
            other => word(other),
        },
    );
    facts.fact("author_address", word(&s.author_address));
    facts.fact("subject_tag", &s.subject_tag);
    facts.fact("footer", &s.footer);
    facts.fact("copies", word(&s.copies));
    facts.fact("unsubscribe", word(&s.unsubscribe));
    facts.fact("max_size", format!("{} kB", s.max_size / 1_000));
    facts.fact("archive", word(&s.archive));
}

fn posters(posters: &Posters) -> &str {
    match posters {
        Posters::Members => "members",
        Posters::Owners => "owners",
        Posters::Moderators => "moderators",
        Posters::People => "people",
        Posters::Anyone => "anyone",
        Posters::Group(dn) => dn,
    }
}

/// The word that the configuration has for it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn person(person: &Person) -> String {
    match &person.name {
        Some(name) => format!("{name} <{}>", person.address),
        None => person.address.clone(),
    }
}

pub fn members(members: &Members) -> String {
    let mut rows = Rows::new(&["ADDRESS", "NAME", "LANGUAGE"]);
    for who in &members.recipients {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        rows.row([who.address.clone(), or_empty(&who.name), or_empty(&who.language)]);
    }
    let mut text = rows.text();
    text.push_str(&format!("{} get the mail of {}.\n", members.recipients.len(), members.list));
    if members.skipped.is_empty() {
        return text;
    }
    text.push_str(&format!("\nIn the group, but without mail ({}):\n", members.skipped.len()));
    let mut rows = Rows::new(&["ENTRY", "WHY"]);
    for skipped in &members.skipped {
        rows.row([skipped.what.clone(), skipped.why.clone()]);
    }
    text + &rows.text()
}
