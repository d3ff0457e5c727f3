//! What a copy looks like: the header of the post rewritten by surgery, the body left alone.
//!
//! Pure: the same frozen settings and the same bytes give the same copy, today and at a retry. What is not named
//! here leaves byte-identical and in its order. Personal fields and signatures are added by the daemon's compose.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::arc::Sealing;
use crate::list::{AuthorAddress, Copies, ListId, Role, Settings};
use crate::message::lines::MAX_LINE;
use crate::message::{Field, Mail, Malformed, fields, lines};
use crate::options;
use crate::outcome::Dropped;
use crate::policy::Refusal;
use crate::recipients::Recipient;
use hidden::Scrubbed;

mod attachments;
pub mod body;
pub mod changes;
mod content_type;
pub mod edit;
mod eight_bit;
pub(crate) mod encode;
pub mod filter;
pub mod footer;
mod form;
mod from;
pub mod hidden;
mod language;
mod list_headers;
pub mod once;
mod part_head;
pub mod password;
pub mod quoted;
mod signed;
mod strip;
mod structure;
mod subject;
mod survives;
mod transfer;

pub use body::{to_seven_bit, wrap_lines};
pub use changes::{Changes, NotTheCopy};
pub use edit::{Change, Done, Edit, Edits, What};
pub use from::{Arrival, Dmarc, SignatureName};
pub use hidden::Hidden;
pub use language::Edition;
pub use list_headers::{author_mark, list_id, own_of_digest, role_address, unsubscribe};
pub use once::Once;
pub use quoted::Quoted;
pub use signed::{OVERSIGNED, SIGNED, sign_fields};
pub(crate) use subject::without_markers;
pub use survives::BodyOf;

/// What kind of mail it is to be.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostKind {
    /// A post to all members.
    List,
    /// Mail to a role address, on its way to the owners.
    Role(Role),
    /// Mail to a relay address, on its way to the one hidden author whose number this is.
    Author(u64),
}

/// All that compose needs to know, frozen when the mail was accepted, so that a retry sends the same mail.
/// Stored with a version; a new field gets a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    pub kind: PostKind,
    pub list: ListId,
    pub address: Address,
    pub name: String,
    pub description: String,
    /// The tenant; also the signing domain.
    pub domain: String,
    pub settings: Settings,
    /// Set for List-Help.
    pub help_url: Option<String>,
    /// For the footer.
    #[serde(default)]
    pub links: Links,
    /// The language of the list's own words (domain or list), e.g. `de`.
    pub language: String,
    /// The `Received` line we put on top, complete, with CRLF.
    pub received: String,
    /// The Message-ID (with brackets) and Date to add where the mail has none.
    pub add_message_id: Option<String>,
    pub add_date: Option<String>,
    /// Set for a post to a list that hides its authors, and for mail to a relay address.
    #[serde(default)]
    pub hidden: Option<Hidden>,
    /// Set where the list seals (RFC 8617).
    #[serde(default)]
    pub arc: Option<Sealing>,
    /// What was known of the authors when the mail came.
    #[serde(default)]
    pub arrival: Arrival,
    /// Set for a letter that is to find out whether an address works: a bounce of it comes back to this list, with a
    /// token of its own.
    #[serde(default)]
    pub probe: Option<ListId>,
    /// Recipients who get no copy, as they wished when the mail came; by [`options::who`](crate::options::who).
    #[serde(default)]
    pub spared: BTreeMap<String, Dropped>,
    /// Set for a mail that names several lists, where each person is to get it once.
    #[serde(default)]
    pub once: Option<Once>,
    /// Tokens of ours that stand in the mail, and are nobody else's business.
    #[serde(default)]
    pub quoted: Vec<String>,
    /// A text of it begins with a former list's password (rule R3).
    #[serde(default)]
    pub passwords: bool,
    /// Set for a digest, a letter of ours that stands for copies: a bounce of it comes back to this list as one of them would.
    #[serde(default)]
    pub digest: Option<ListId>,
    /// Of a digest: the lists whose mails stand in it, which its links to unsubscribe mean.
    #[serde(default)]
    pub digest_of: Vec<ListId>,
}

/// Where the footer points besides List-Help's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    pub imprint: Option<String>,
    pub privacy: Option<String>,
    /// The list's own page, the same for everybody on it.
    pub settings: Option<String>,
    /// `[web] public_url`: personal copies offer one-click unsubscription there (RFC 8058).
    pub pages: Option<String>,
}

impl Frozen {
    /// With what the id of a "list" begins whose mail is a notice of our own, e.g. an alarm to the admins.
    pub const NOTICE: &str = "notice:";

    /// A mail of this kind with nothing set: no words of the list's own, no settings but the contract's.
    pub fn new(kind: PostKind, list: ListId, address: Address) -> Frozen {
        Frozen {
            kind,
            list,
            name: address.local().to_owned(),
            description: String::new(),
            domain: address.domain().to_owned(),
            settings: Settings::default(),
            help_url: None,
            links: Links::default(),
            language: "en".to_owned(),
            received: String::new(),
            add_message_id: None,
            add_date: None,
            hidden: None,
            arc: None,
            arrival: Arrival::default(),
            probe: None,
            spared: BTreeMap::new(),
            once: None,
            quoted: Vec::new(),
            passwords: false,
            digest: None,
            digest_of: Vec::new(),
            address,
        }
    }

    /// Where each copy has a link of its own to unsubscribe with one click; its fields are the copy's, not all copies'.
    pub fn one_click(&self) -> Option<&str> {
        let personal = self.kind == PostKind::List && self.settings.copies == Copies::Personal;
        self.links.pages.as_deref().filter(|_| personal)
    }

    /// Why somebody gets no copy of it, where that was known when the mail came.
    pub fn spares(&self, who: &Recipient) -> Option<Dropped> {
        let key = || options::who(who.person.as_ref(), &who.address);
        if self.spared.is_empty() { None } else { self.spared.get(&key()).copied() }
    }

    /// True for a notice of our own: it leaves with a null sender, so that nothing can answer it.
    pub fn is_notice(&self) -> bool {
        matches!(self.kind, PostKind::Role(_)) && self.list.0.starts_with(Frozen::NOTICE)
    }

    /// The name a person should see: the description where there is one, else the name.
    pub fn title(&self) -> &str {
        if self.description.is_empty() { &self.name } else { &self.description }
    }
}

/// What is ours, which changes with the configuration and so is not frozen.
#[derive(Copy, Clone)]
pub struct Ours<'a> {
    /// True for a domain that we sign for: From of such an author is kept.
    pub signs_for: &'a dyn Fn(&str) -> bool,
    /// Our authserv-ids, lower-case: fields that claim one are removed (rule T8).
    pub authserv_ids: &'a [String],
    /// What becomes of the body in this copy: with the header it decides whether a signature of the author's survives.
    pub body: BodyOf<'a>,
    /// The relay takes SMTPUTF8. Where it does not, UTF-8 addresses in To, Cc and Reply-To become text (RFC 6857).
    pub utf8: bool,
}

/// The header of a copy, before personal fields and signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// All fields, each ending in CRLF, *without* the empty line. No line over 998 octets, no bare CR or LF, no NUL.
    pub bytes: Vec<u8>,
    /// What makes it of the header that came in, the empty line included: applied to the mail they give the copy.
    pub edits: Edits,
    /// The address that From shows.
    pub from: Address,
    /// An address in it needs SMTPUTF8 (rule U1); otherwise it is pure ASCII.
    pub needs_utf8: bool,
}

/// Why no copy can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error("the mail is malformed: {0}")]
    Malformed(Malformed),
    /// Promise 9.
    #[error("a line over 998 octets stands inside a signed or encrypted part")]
    LongLineSigned,
    #[error(
        "eight-bit text stands inside a signed or encrypted part, and the relay takes only seven"
    )]
    EightBitSigned,
    #[error("the author's address needs SMTPUTF8, and the relay does not take it")]
    NeedsUtf8,
    #[error("its parts are nested too deep, divided by lines that can't be sent, or not plain")]
    BadStructure,
    /// What may not be attached stands where not one octet may change (promise 9); its name.
    #[error("the attachment {0:?} is not allowed, and it stands inside a signed or encrypted part")]
    AttachmentSigned(String),
    /// Rule R3 where not one octet may change (promise 9).
    #[error("it begins with a password inside a signed part")]
    PasswordSigned,
    /// The name of the field. Nothing leaves rather than that.
    #[error("the field {0} shows the address of an author whom the list hides")]
    AddressShown(String),
}

impl Unsendable {
    /// What to tell the author, who is still there when this is found out at the door.
    pub fn refusal(&self) -> Refusal {
        match self {
            Unsendable::Malformed(malformed) => Refusal::Malformed(malformed.clone()),
            Unsendable::LongLineSigned => Refusal::LongLineSigned,
            Unsendable::AddressShown(field) => Refusal::AddressShown(field.clone()),
            Unsendable::AttachmentSigned(name) => Refusal::AttachmentSigned(name.clone()),
            Unsendable::PasswordSigned => Refusal::PasswordSigned,
            Unsendable::BadStructure => Refusal::BadStructure,
            Unsendable::EightBitSigned | Unsendable::NeedsUtf8 => Refusal::Unsendable,
        }
    }
}

/// Rewrites a header block (with or without its empty line) for the copies of a post.
///
/// Expects what `policy` let through; anything malformed is an error, never passed on (rules T6, T7, X3).
pub fn copy_head(raw_head: &[u8], frozen: &Frozen, ours: &Ours<'_>) -> Result<Head, Unsendable> {
    let raw = Mail::parse(raw_head).map_err(Unsendable::Malformed)?;
    if let Some(malformed) = raw.malformed() {
        return Err(Unsendable::Malformed(malformed));
    }
    let scrubbed = without_author(&raw, frozen)?;
    let mail = scrubbed.as_ref().map_or(&raw, |scrubbed| &scrubbed.mail);
    let author = mail.author().ok_or(Unsendable::Malformed(Malformed::BadFrom))?;
    if from::needs_signature(mail, author, frozen, ours) {
        let kept = written_head(&raw, mail, None, (frozen, true), ours)?;
        if survives::any(&frozen.arrival.signatures, &raw.head, &kept.bytes, ours.body) {
            return Ok(kept);
        }
    }
    written_head(&raw, mail, scrubbed.as_ref(), (frozen, false), ours)
}

/// The new block; `signed` as for [`from::plan`].
fn written_head(
    raw: &Mail,
    mail: &Mail,
    scrubbed: Option<&Scrubbed>,
    (frozen, signed): (&Frozen, bool),
    ours: &Ours<'_>,
) -> Result<Head, Unsendable> {
    let author = mail.author().ok_or(Unsendable::Malformed(Malformed::BadFrom))?;
    let plan = from::plan(mail, author, frozen, ours, signed)?;
    let subject = subject::of_copy(mail, frozen);
    let mut out = Out::new(raw, scrubbed, &frozen.quoted);
    out.line(0, frozen.received.as_bytes());
    for field in &mail.fields {
        let tagged = subject.as_deref().filter(|_| field.is(&mail.head, "Subject"));
        match tagged.or_else(|| plan.replacement(mail, field)) {
            Some(new) => out.replace(field, new),
            None if strip::removed(mail, field, frozen, ours) || plan.drops(mail, field) => {
                out.replace(field, b"");
            }
            None => out.keep(field, ours.utf8),
        }
    }
    let end = out.end;
    if mail.count("Subject") == 0 {
        out.add(end, &subject.unwrap_or_default());
    }
    out.add(end, &plan.added);
    if let (None, Some(id)) = (&mail.message_id, &frozen.add_message_id) {
        out.line(end, format!("Message-ID: {id}\r\n").as_bytes());
    }
    if let (false, Some(date)) = (mail.has_date, &frozen.add_date) {
        out.line(end, format!("Date: {date}\r\n").as_bytes());
    }
    out.add(end, &list_headers::all(frozen));
    let head = out.head(plan.address)?;
    match &frozen.hidden {
        Some(hidden) => hidden.check(&head.bytes).map(|()| head),
        None => Ok(head),
    }
}

/// The mail as if the relay address had written it, where the author is hidden. Nothing behind this sees the address.
fn without_author(mail: &Mail, frozen: &Frozen) -> Result<Option<Scrubbed>, Unsendable> {
    let must = match frozen.kind {
        PostKind::List => frozen.settings.author_address == AuthorAddress::Hidden,
        PostKind::Role(_) => false,
        PostKind::Author(_) => true,
    };
    match &frozen.hidden {
        Some(hidden) => hidden.scrub(mail, &frozen.language).map(Some),
        None if must => Err(Unsendable::AddressShown("From".to_owned())),
        None => Ok(None),
    }
}

/// A field as it came, but without white space before its colon: the syntax of old (RFC 5322 4.5), over which many
/// programs stumble, verifiers of signatures among them. Relaxed signatures do not see it (RFC 6376 3.4.2).
fn written<'m>(mail: &'m Mail, field: &Field) -> Cow<'m, [u8]> {
    let whole = mail.head.get(field.whole.clone()).unwrap_or_default();
    let spaces = field.value.start.saturating_sub(field.name.end + 1);
    if !field.valid || spaces == 0 {
        return Cow::Borrowed(whole);
    }
    let behind = whole.get(field.name.len() + spaces..).unwrap_or_default();
    Cow::Owned([field.name(&mail.head), behind].concat())
}

/// The edits of a header block while they are made.
struct Out<'m> {
    /// As it came.
    raw: &'m Mail,
    /// What the copy is made of, if that is another one.
    scrubbed: Option<&'m Scrubbed>,
    /// Tokens that nobody is to read.
    quoted: &'m [String],
    /// Behind the last field: where new ones go.
    end: usize,
    edits: Vec<Edit>,
}

impl<'m> Out<'m> {
    fn new(raw: &'m Mail, scrubbed: Option<&'m Scrubbed>, quoted: &'m [String]) -> Out<'m> {
        let end = raw.fields.last().map_or(0, |field| field.whole.end);
        let mut out = Out { raw, scrubbed, quoted, end, edits: Vec::new() };
        for gone in scrubbed.into_iter().flat_map(|scrubbed| &scrubbed.gone) {
            out.exchange(gone, b"");
        }
        out
    }

    /// A field of ours that came as text: made safe, since texts come from settings and directories (rule X4).
    fn line(&mut self, at: usize, field: &[u8]) {
        let text = String::from_utf8_lossy(field);
        let safe: Vec<u8> =
            text.chars().map(|c| if c.is_ascii() && c != '\0' { c as u8 } else { b'?' }).collect();
        let mut folded = Vec::new();
        encode::fold_raw(&safe, &mut folded);
        self.add(at, &folded);
    }

    /// New fields, whole, each ending in CRLF.
    fn add(&mut self, at: usize, new: &[u8]) {
        let new = &quoted::in_field(new, self.quoted);
        for field in fields::fields(new) {
            let name = String::from_utf8_lossy(field.name(new)).into_owned();
            let what = What::field("", &name, Change::Added);
            let new = new.get(field.whole).unwrap_or_default().to_vec();
            self.edits.push(Edit { old: at..at, new, what });
        }
    }

    /// A whole field instead of this one; an empty one leaves it out.
    fn replace(&mut self, field: &Field, new: &[u8]) {
        let origin = self.scrubbed.map_or(Some(field), |scrubbed| scrubbed.origin(field));
        if let Some(origin) = origin {
            self.exchange(origin, new);
        }
    }

    /// [`Out::replace`] for a field of the header that came in.
    fn exchange(&mut self, field: &Field, new: &[u8]) {
        let new = quoted::in_field(new, self.quoted);
        if self.raw.head.get(field.whole.clone()) == Some(new.as_ref()) {
            return;
        }
        let name = String::from_utf8_lossy(field.name(&self.raw.head)).into_owned();
        let change = if new.is_empty() { Change::Removed } else { Change::Replaced };
        let what = What::field("", &name, change);
        self.edits.push(Edit { old: field.whole.clone(), new: new.to_vec(), what });
    }

    /// A field of the author's: byte-identical wherever that can be sent.
    fn keep(&mut self, field: &Field, utf8: bool) {
        let mail = self.scrubbed.map_or(self.raw, |scrubbed| &scrubbed.mail);
        let raw = written(mail, field);
        let raw = raw.as_ref();
        let counted = lines(raw);
        let mut new = Vec::new();
        if !raw.is_ascii() {
            eight_bit::convert(mail, field, utf8, &mut new);
        } else if counted.longest > MAX_LINE || counted.bare || !raw.ends_with(b"\r\n") {
            encode::fold_raw(raw, &mut new);
        } else {
            new.extend_from_slice(raw);
        }
        self.replace(field, &new);
    }

    fn head(mut self, from: Address) -> Result<Head, Unsendable> {
        let len = self.raw.head.len();
        if len == self.end {
            // A mail that is all header gets its empty line.
            let what = What::part("", Done::Encoded);
            self.edits.push(Edit { old: len..len, new: b"\r\n".to_vec(), what });
        }
        let edits = Edits::new(self.edits, len).map_err(|_| Unsendable::BadStructure)?;
        let mut bytes = edits.apply(&self.raw.head);
        bytes.truncate(bytes.len().saturating_sub(b"\r\n".len()));
        Ok(Head { needs_utf8: !bytes.is_ascii(), bytes, edits, from })
    }
}

#[cfg(test)]
mod tests;
