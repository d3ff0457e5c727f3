//! What an answer shows of protected people (`listProtected`, rule GD4): that they are there, and no name and no
//! address, unless the admin gave a reason.
//!
//! Not the reason and its line in the log (`control`), and not who is protected (`members`).

use std::collections::HashSet;

use listcore::api::{self, PROTECTED};
use listcore::list::{Posters, Settings};
use listcore::options::{Choice, Digest, Left, Mute, Options};
use listcore::outcome::{Outcome, Reply};
use listcore::recipients::{PersonId, Recipient, Roster, Skipped};

use crate::control::{Sight, report};
use crate::members::{Difference, Members};
use crate::store::{Account, TraceEvent};

/// What stands around an address in a text.
const EDGES: [char; 13] = ['<', '>', '(', ')', '[', ']', '{', '}', ',', ';', ':', '"', '\''];

/// Held before every answer that tells of people.
pub struct Veil<'a> {
    pub members: &'a Members,
    pub sight: Sight,
}

impl Veil<'_> {
    pub fn hides(&self, who: &Recipient) -> bool {
        self.sight == Sight::Veiled && self.members.is_protected(who)
    }

    pub fn hides_named(&self, written: &str) -> bool {
        self.sight == Sight::Veiled && self.members.names_protected(written)
    }

    /// Those who may be shown, and how many may not.
    pub fn people(&self, all: &[Recipient]) -> (Vec<api::Person>, usize) {
        parted(all, |who| self.hides(who), person)
    }

    /// Who went and who came; also those who went and were protected while they were there.
    pub fn changes(&self, known: &Difference) -> [(Vec<api::Person>, usize); 2] {
        let noted = |known: &HashSet<PersonId>, who: &Recipient| {
            self.sight == Sight::Veiled && who.person.as_ref().is_some_and(|id| known.contains(id))
        };
        let hidden = |who: &Recipient| self.hides(who) || noted(&known.protected, who);
        [&known.went, &known.came].map(|all| parted(all, hidden, person))
    }

    pub fn skipped(&self, roster: &Roster) -> (Vec<api::Skipped>, usize) {
        let line = |s: &Skipped| api::Skipped { what: s.what.clone(), why: s.why.clone() };
        parted(&roster.skipped, |skipped| self.hides_named(&skipped.what), line)
    }

    /// A setting may name a person who may post.
    pub fn settings(&self, mut settings: Settings) -> Settings {
        for who in &mut settings.post {
            match who {
                Posters::Group(dn) if self.hides_named(dn) => *dn = PROTECTED.to_owned(),
                _ => {}
            }
        }
        settings
    }

    /// A line of the queue.
    pub fn line(&self, account: Account) -> api::PostLine {
        self.head(report::line(&self.account(account)))
    }

    /// A post with every recipient.
    pub fn post(&self, account: Account) -> api::Post {
        let post = report::post(&self.account(account), &|who| self.hides(who));
        api::Post { line: self.head(post.line), ..post }
    }

    pub fn trace(
        &self,
        message_id: &str,
        posts: Vec<api::Post>,
        events: &[TraceEvent],
    ) -> api::Trace {
        let mut trace = report::trace(message_id, posts, events);
        for event in &mut trace.events {
            event.author = event.author.take().map(|author| self.text(&author));
            event.recipient = self.text(&event.recipient);
            event.why = self.text(&event.why);
        }
        trace
    }

    /// A text with [`PROTECTED`] in place of each address that is a protected person's.
    pub fn text(&self, text: &str) -> String {
        if self.sight == Sight::Whole || !text.contains('@') {
            return text.to_owned();
        }
        let is_edge = |c: char| c.is_whitespace() || EDGES.contains(&c);
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(is_edge) {
            let word = piece.strip_suffix(is_edge).unwrap_or(piece);
            let bare = word.trim_end_matches('.');
            let behind = bare.rsplit_once('=').map_or(bare, |(_, behind)| behind);
            let hidden = bare.contains('@') && [bare, behind].iter().any(|w| self.hides_named(w));
            out.push_str(if hidden { PROTECTED } else { bare });
            out.push_str(piece.get(bare.len()..).unwrap_or_default());
        }
        out
    }

    fn head(&self, line: api::PostLine) -> api::PostLine {
        let hidden_author = line.hidden_author.as_deref().map(|author| self.text(author));
        api::PostLine { hidden_author, ..line }
    }

    /// A server may say more of a protected person than her address: of its words to her only the code stays.
    fn account(&self, mut account: Account) -> Account {
        if self.sight == Sight::Whole {
            return account;
        }
        for batch in &mut account.batches {
            for (who, outcome) in batch.recipients.iter().zip(&mut batch.outcomes) {
                self.outcome(who.as_ref().map(|(_, recipient)| recipient), outcome);
            }
        }
        account
    }

    /// The same for one outcome.
    pub fn outcome(&self, who: Option<&Recipient>, outcome: &mut Outcome) {
        if self.sight == Sight::Whole {
            return;
        }
        if let Some(reply) = reply(outcome) {
            let hidden = who.is_some_and(|who| self.hides(who));
            reply.text = if hidden { code(&reply.text) } else { self.text(&reply.text) };
        }
    }
}

fn person(who: &Recipient) -> api::Person {
    api::Person {
        address: who.address.to_string(),
        name: who.name.clone(),
        language: who.language.clone(),
    }
}

impl Veil<'_> {
    /// Who of those that are shown gets digests.
    pub fn gathers(
        &self,
        all: &[Recipient],
        options: impl Fn(&Recipient) -> Option<Options>,
    ) -> Vec<api::Gathers> {
        let gathers = |who: &Recipient| {
            let period = match options(who)?.digest {
                Digest::Off => return None,
                Digest::Daily => "daily",
                Digest::Weekly => "weekly",
            };
            let (shown, _) = self.people(std::slice::from_ref(who));
            let address = shown.into_iter().next()?.address;
            Some(api::Gathers { address, period: period.to_owned() })
        };
        all.iter().filter_map(gathers).collect()
    }
}

/// A member who wants no mail, as she said herself.
pub fn quiet(person: api::Person, choice: &Choice) -> api::Skipped {
    let day = crate::clock::rfc5322;
    let way = match choice.by {
        Some(Left::Click) => "one click",
        Some(Left::Page) => "her settings",
        Some(Left::Mail) => "mail",
        Some(Left::Complaint) => "a complaint at her provider",
        None => "an own choice",
    };
    let way = format!("by {way}, {}", day(choice.at));
    let why = match choice.options.mute {
        Mute::Until(end) => format!("paused this list until {}, {way}", day(end)),
        Mute::Left => format!("left this list {way}"),
        Mute::No | Mute::ForGood => format!("unsubscribed from this list {way}"),
    };
    api::Skipped { what: person.address, why }
}

fn parted<T, U>(all: &[T], hidden: impl Fn(&T) -> bool, show: impl Fn(&T) -> U) -> (Vec<U>, usize) {
    let (hidden, shown): (Vec<&T>, Vec<&T>) = all.iter().partition(|one| hidden(one));
    (shown.into_iter().map(show).collect(), hidden.len())
}

fn reply(outcome: &mut Outcome) -> Option<&mut Reply> {
    match outcome {
        Outcome::Delivered { reply, .. }
        | Outcome::Deferred { reply, .. }
        | Outcome::Failed { reply, .. } => Some(reply),
        Outcome::Waiting | Outcome::Dropped { .. } => None,
    }
}

/// The enhanced status code (RFC 3463 2) in front of a reply's text; empty where there is none.
fn code(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_code = first.split('.').count() == 3
        && first.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if is_code { first.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use listcore::address::Address;
    use listcore::time::Timestamp;

    use super::*;
    use crate::directory::Change;
    use crate::pipeline::testing::School;

    /// Anna is protected; Bert is not.
    fn school() -> School {
        let school = School::new();
        let anna = "uid=anna,dc=x";
        let mut entry = school.live.read(|r| (**r.entry(anna).expect("anna")).clone());
        entry.push("listProtected", b"TRUE");
        school.live.apply(&[Change::Upsert(anna.to_owned(), entry)]);
        school
    }

    fn recipient(id: Option<&str>, address: &str) -> Recipient {
        Recipient {
            person: id.map(|id| PersonId(id.to_owned())),
            address: Address::parse(address).expect("address"),
            name: Some("Anna".to_owned()),
            language: None,
        }
    }

    /// GD4: by her entry, by her address, and by an address that was hers.
    #[tokio::test]
    async fn protected_people_are_counted_and_not_shown() {
        let school = school();
        let members = &school.door.pipeline.members;
        let all = [
            recipient(None, "ANNA@home.example"),
            recipient(Some("uid=anna,dc=x"), "old@home.example"),
            recipient(Some("uid=bert,dc=x"), "bert@home.example"),
            recipient(None, "oma@out.example"),
        ];
        for (sight, shown, hidden) in [(Sight::Veiled, 2, 2), (Sight::Whole, 4, 0)] {
            let (people, count) = Veil { members, sight }.people(&all);
            assert_eq!((people.len(), count), (shown, hidden), "{sight:?}");
        }
        let known = Difference {
            went: vec![recipient(Some("gone"), "gone@home.example")],
            protected: [PersonId("gone".to_owned())].into(),
            ..Difference::default()
        };
        let [(went, count), _] = Veil { members, sight: Sight::Veiled }.changes(&known);
        assert_eq!((went.len(), count), (0, 1), "also when her entry is gone");
    }

    #[tokio::test]
    async fn her_address_is_taken_out_of_texts() {
        let school = school();
        let members = &school.door.pipeline.members;
        let veil = Veil { members, sight: Sight::Veiled };
        let cases = [
            ("550 <anna@home.example>: unknown", "550 <(a protected person)>: unknown"),
            ("to=anna@home.example.", "(a protected person)."),
            ("bert@home.example, Anna@Home.example", "bert@home.example, (a protected person)"),
            ("anna is a word", "anna is a word"),
            ("@ü=@<>@", "@ü=@<>@"),
        ];
        for (text, expect) in cases {
            assert_eq!(veil.text(text), expect);
            assert_eq!(Veil { members, sight: Sight::Whole }.text(text), text);
        }
        for (text, expect) in [("5.1.1 Anna is away", "5.1.1"), ("Anna 5.1.1", ""), ("5..1 x", "")]
        {
            assert_eq!(code(text), expect, "{text}");
        }
    }

    /// Other people's answers stay, of hers the code.
    #[tokio::test]
    async fn a_reply_to_her_is_not_shown() {
        let school = school();
        let members = &school.door.pipeline.members;
        let at = Timestamp(0);
        for (address, expect) in
            [("anna@home.example", "5.1.1"), ("bert@home.example", "5.1.1 Anna moved")]
        {
            let reply = Reply { code: 550, text: "5.1.1 Anna moved".to_owned() };
            let mut outcome = Outcome::Failed { at, reply };
            let veil = Veil { members, sight: Sight::Veiled };
            veil.outcome(Some(&recipient(None, address)), &mut outcome);
            assert_eq!(super::reply(&mut outcome).expect("reply").text, expect, "{address}");
        }
    }
}
