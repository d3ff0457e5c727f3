//! An author whose address nobody is to learn: what is left of the header, and the last look before it goes out.
//!
//! Works on the author's header before anything else is done to it, so that the rest of `rewrite` never sees the
//! address. Only fields that a reader needs are left; a body is not touched (promise 9).

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::message::{Field, Mail, Mailbox, address, fields, text};
use crate::notice;
use crate::rewrite::{Unsendable, encode};

mod ids;
mod shown;

use ids::ids;
pub use ids::{addresses_in, message_ids};
pub use shown::{Begins, Secrets};

/// What stands for a hidden author, frozen with the post. Stored; a new field gets a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Leads to the author, for a while.
    pub relay: Address,
    /// Her name; empty where a word stands for it. May be an address by mistake: it is looked at again.
    pub name: String,
    /// What no field may show; first the one from which she wrote.
    pub addresses: Vec<Address>,
    /// Where answers go instead of the relay address: hers, if she lets it be seen.
    #[serde(default)]
    pub answers: Option<Address>,
    /// Message-IDs that show an address, without brackets, and what stands for them.
    #[serde(default)]
    pub ids: Vec<(String, String)>,
}

/// All that is left of the author's header, lower-case; of `content-` fields all. Everything else goes: traces,
/// signatures, reports, keys, and what the author's provider and program say of her.
const LEFT: [&str; 19] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "thread-topic",
    "thread-index",
    "importance",
    "priority",
    "x-priority",
    "x-msmail-priority",
    "sensitivity",
    "keywords",
    "auto-submitted",
    "x-loop",
];

/// Fields whose addresses are other people's, or ours.
const OF_PEOPLE: [&str; 6] = ["from", "to", "cc", "reply-to", "received", "x-loop"];

/// What becomes of a field.
enum Fate {
    Stays,
    Goes,
    Becomes(Vec<u8>),
}

/// A header without its author's address.
pub(super) struct Scrubbed {
    pub mail: Mail,
    /// Where each field of it comes from: a field of the header that came in.
    origins: Vec<Field>,
    /// Fields of that one which have no place in it.
    pub gone: Vec<Field>,
}

impl Scrubbed {
    /// The field of the header that came in from which this one is made.
    pub fn origin(&self, field: &Field) -> Option<&Field> {
        let found = self.mail.fields.binary_search_by_key(&field.whole.start, |f| f.whole.start);
        self.origins.get(found.ok()?)
    }
}

impl Hidden {
    /// The address from which she wrote.
    pub fn author(&self) -> Option<&Address> {
        self.addresses.first().or(self.answers.as_ref())
    }

    /// The author's header without the author's address; From holds the relay address.
    pub(super) fn scrub(&self, mail: &Mail, language: &str) -> Result<Scrubbed, Unsendable> {
        let secrets = Secrets::new(&self.addresses);
        let mut head = Vec::with_capacity(mail.head.len());
        let (mut origins, mut gone) = (Vec::new(), Vec::new());
        for field in &mail.fields {
            match self.fate(mail, field, &secrets, language) {
                Fate::Goes => {
                    gone.push(field.clone());
                    continue;
                }
                Fate::Becomes(new) => head.extend(new),
                Fate::Stays => {
                    head.extend_from_slice(mail.head.get(field.whole.clone()).unwrap_or_default());
                }
            }
            // The last field of a mail that is all header may have no line end.
            if !head.ends_with(b"\n") {
                head.extend_from_slice(b"\r\n");
            }
            origins.push(field.clone());
        }
        head.extend_from_slice(b"\r\n");
        let mail = Mail::parse_within(&head, head.len()).map_err(Unsendable::Malformed)?;
        match mail.fields.len() == origins.len() {
            true => Ok(Scrubbed { mail, origins, gone }),
            false => Err(Unsendable::BadStructure),
        }
    }

    fn fate(&self, mail: &Mail, field: &Field, secrets: &Secrets, language: &str) -> Fate {
        let name = String::from_utf8_lossy(field.name(&mail.head)).to_ascii_lowercase();
        let value = field.value(&mail.head);
        let left = LEFT.contains(&name.as_str()) || name.starts_with("content-");
        if !field.valid || !left {
            return Fate::Goes;
        }
        if name == "from" {
            let name = self.shown_name(secrets, language);
            return Fate::Becomes(encode::field("From", &encode::mailbox(&name, &self.relay)));
        }
        if ids::FIELDS.contains(&name.as_str()) {
            return self.ids(mail, field, secrets);
        }
        if !secrets.shown_in(value, begins(&name)) {
            return Fate::Stays;
        }
        match name.as_str() {
            "to" => self.people("To", value, secrets),
            "cc" => self.people("Cc", value, secrets),
            "subject" => subject(&secrets.without(&text::decode(value))),
            // Without them the body can't be read; the last look decides.
            "content-type" | "content-transfer-encoding" | "content-disposition" => Fate::Stays,
            _ => Fate::Goes,
        }
    }

    /// The name that From shows, never an address.
    fn shown_name(&self, secrets: &Secrets, language: &str) -> String {
        let ats = ['@', '\u{ff20}', '\u{fe6b}'];
        let harmless = !self.name.trim().is_empty()
            && !self.name.contains(ats)
            && !secrets.shown_in(self.name.as_bytes(), Begins::Anywhere);
        if harmless { self.name.clone() } else { notice::word(language, "hidden-author") }
    }

    /// Those to whom it was written; where she wrote to herself too, the relay address stands for her.
    fn people(&self, name: &str, value: &[u8], secrets: &Secrets) -> Fate {
        let mut people: Vec<Mailbox> = Vec::new();
        for mailbox in address::mailboxes(value).mailboxes {
            let own = secrets.hold(&mailbox.address);
            let named = !own && !secrets.shown_in(mailbox.name.as_bytes(), Begins::Anywhere);
            let address = if own { self.relay.clone() } else { mailbox.address };
            if !people.iter().any(|p| p.address.same_as(&address)) {
                let name = if named { mailbox.name } else { String::new() };
                people.push(Mailbox { name, address });
            }
        }
        if people.is_empty() {
            return Fate::Goes;
        }
        let tokens = people.iter().map(|m| encode::mailbox(&m.name, &m.address));
        Fate::Becomes(encode::field(name, &encode::list(tokens)))
    }

    /// Ids that show an address are replaced by what stands for them; one for which nothing does goes.
    fn ids(&self, mail: &Mail, field: &Field, secrets: &Secrets) -> Fate {
        let value = field.value(&mail.head);
        let line = text::utf8_or_latin(&fields::unfold(value));
        let known =
            |id: &str| self.ids.iter().find(|(old, _)| old == id).map(|(_, new)| new.as_str());
        let found = ids(&line);
        if !secrets.shown_in(value, Begins::Anywhere) && found.iter().all(|id| known(id).is_none())
        {
            return Fate::Stays;
        }
        let kept = found.into_iter().filter_map(|id| match known(id) {
            Some(new) => Some(format!("<{new}>")),
            None if secrets.shown_in(id.as_bytes(), Begins::Anywhere) => None,
            None => Some(format!("<{id}>")),
        });
        let tokens: Vec<String> = kept.collect();
        if tokens.is_empty() {
            return Fate::Goes;
        }
        let name = String::from_utf8_lossy(field.name(&mail.head)).into_owned();
        Fate::Becomes(encode::field(&name, &tokens))
    }

    /// The last look at a header that is to go out: the name of the first field that shows an address.
    pub(super) fn check(&self, head: &[u8]) -> Result<(), Unsendable> {
        let secrets = Secrets::new(&self.addresses);
        let shows = fields::fields(head).into_iter().find(|field| {
            let name = String::from_utf8_lossy(field.name(head)).to_ascii_lowercase();
            secrets.shown_in(head.get(field.whole.clone()).unwrap_or_default(), begins(&name))
        });
        match shows {
            None => Ok(()),
            Some(field) => {
                let name = String::from_utf8_lossy(field.name(head)).into_owned();
                Err(Unsendable::AddressShown(name))
            }
        }
    }
}

/// How an address begins in a field.
fn begins(name: &str) -> Begins {
    match OF_PEOPLE.contains(&name) || name.starts_with("list-") {
        true => Begins::Alone,
        false => Begins::Anywhere,
    }
}

fn subject(text: &str) -> Fate {
    let text = encode::clean(text);
    let tokens = if text.is_ascii() && !text.contains("=?") {
        text.split(' ').map(str::to_owned).collect()
    } else {
        encode::encoded_words(&text)
    };
    Fate::Becomes(encode::field("Subject", &tokens))
}

#[cfg(test)]
mod tests;
