//! What a mail to `-bounces` says: what sort of mail it is, whom it is about, and what that means for her.
//!
//! Pure, bounded and linear. Whose it is says the token in its address (`token`), not this; what follows from many of
//! them is `score`. Reasons are data (`bounce/rules.toml`).

use serde::{Deserialize, Serialize};

pub mod brake;
mod classify;
pub mod complaint;
mod kind;
mod material;
mod phrases;
mod report;
mod rules;
pub mod score;
mod texts;

use crate::address::Address;
use classify::{Said, classify, enhanced, enhanced_in_words};
use kind::Clues;
use material::Material;
use report::{Action, Reported};
use rules::RULES;
use texts::Named;

/// [`Failed::rule`] where no rule knows what was said.
pub const UNKNOWN: &str = "unknown";

/// Octets of the Message-ID of a mail that came back.
const MAX_ID: usize = 998;

/// Most recipients of one mail.
pub const MAX_RECIPIENTS: usize = 200;

/// What sort of mail it is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It will not be delivered.
    Bounce,
    /// It is not delivered yet; the other server goes on trying (rule A6).
    Delayed,
    /// Somebody's automatic answer (rule A6).
    Vacation,
    /// A complaint (RFC 5965, rule C1).
    Feedback,
    /// Somebody's filter asks the sender to prove that she is one.
    Challenge,
    Other,
}

/// What a failure means for the member (rule V6).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The address does not exist, or no longer.
    Hard,
    /// It may work another time.
    Soft,
    /// Her mailbox is full.
    Full,
    /// They don't want mail of ours: our matter, never hers.
    Policy,
    /// They don't want this mail: too big, a virus, broken.
    Content,
}

/// One recipient who was not reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub address: Address,
    pub class: Class,
    /// RFC 3463, e.g. `5.1.1`.
    pub status: Option<String>,
    /// What the other server said, on one line.
    pub diagnostic: Option<String>,
    /// The rule that gave the class (`bounce/rules.toml`).
    pub rule: String,
}

/// All that a mail to `-bounces` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    pub kind: Kind,
    /// Empty for what is neither a bounce nor a delay; also where nobody is named.
    pub recipients: Vec<Failed>,
    /// The Message-ID (without brackets) of the mail that came back, where its header came with it.
    pub about: Option<String>,
}

impl Bounce {
    /// A few words for logs and traces: `bounce hard 5.1.1`, `delayed soft 4.4.1`, `vacation`; of the first recipient.
    pub fn summary(&self) -> String {
        let kind = self.kind.as_str();
        match self.recipients.first() {
            Some(one) => {
                let status = one.status.as_deref().unwrap_or("-");
                format!("{kind} {} {status}", one.class.as_str())
            }
            None => kind.to_owned(),
        }
    }
}

impl Kind {
    /// The reverse of [`Kind::as_str`].
    pub fn from_name(name: &str) -> Option<Kind> {
        use Kind::{Bounce, Challenge, Delayed, Feedback, Other, Vacation};
        let all = [Bounce, Delayed, Vacation, Feedback, Challenge, Other];
        all.into_iter().find(|kind| kind.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Bounce => "bounce",
            Kind::Delayed => "delayed",
            Kind::Vacation => "vacation",
            Kind::Feedback => "feedback",
            Kind::Challenge => "challenge",
            Kind::Other => "other",
        }
    }
}

impl Class {
    /// The reverse of [`Class::as_str`].
    pub fn from_name(name: &str) -> Option<Class> {
        use Class::{Content, Full, Hard, Policy, Soft};
        [Hard, Soft, Full, Policy, Content].into_iter().find(|class| class.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Class::Hard => "hard",
            Class::Soft => "soft",
            Class::Full => "full",
            Class::Policy => "policy",
            Class::Content => "content",
        }
    }
}

/// Reads a mail; only its first megabyte.
pub fn read(raw: &[u8]) -> Bounce {
    let Some(material) = Material::of(raw) else {
        return Bounce { kind: Kind::Other, recipients: Vec::new(), about: None };
    };
    let mut reported = report::read(&material.report);
    let named = named(&material);
    let clues = Clues { material: &material, reported: &reported, named: !named.is_empty() };
    let kind = kind::kind(&clues);
    let about = about(&material);
    if !matches!(kind, Kind::Bounce | Kind::Delayed) {
        return Bounce { kind, recipients: Vec::new(), about };
    }
    reported.retain(|one| one.address().is_some() && one.action != Some(Action::Done));
    let delayed = kind == Kind::Delayed;
    let recipients = match reported.is_empty() {
        false => by_report(&material, &reported, &named, delayed),
        true => by_words(&material, &named, delayed),
    };
    Bounce { kind, recipients, about }
}

/// The Message-ID of the mail that came back.
fn about(material: &Material) -> Option<String> {
    let value = material.returned_values("Message-ID").into_iter().next()?;
    let id = value.split_once('<')?.1.split_once('>')?.0.trim();
    (!id.is_empty() && id.len() <= MAX_ID).then(|| id.to_owned())
}

/// What one reply to a copy means for its recipient; `code` is SMTP's (RFC 5321 4.2), `text` what stands behind it, an
/// enhanced code included.
pub fn of_reply(code: u16, text: &str) -> Class {
    let diagnostic = format!("{code} {text}");
    let said =
        Said { status: enhanced(text), diagnostic: &diagnostic, alone: true, ..Said::default() };
    classify(&said).0
}

/// True where a reply says that its server does not relay for whoever asks.
pub(crate) fn is_about_relaying(text: &str) -> bool {
    classify::is_about_relaying(text)
}

/// Whom the words name, else whom the mail that came back was for.
fn named(material: &Material) -> Vec<Named> {
    let mail = &material.mail;
    let own: Vec<&Address> =
        mail.from.iter().chain(&mail.to).map(|mailbox| &mailbox.address).collect();
    let failed = mail.text("X-Failed-Recipients").unwrap_or_default();
    let told: Vec<Address> =
        texts::addresses(&failed).into_iter().map(|found| found.address).collect();
    let mut named = texts::recipients(&material.notes, &own);
    if !told.is_empty() {
        named.retain(|one| told.iter().any(|told| told.same_as(&one.address)));
        for address in told.into_iter().take(MAX_RECIPIENTS) {
            if !named.iter().any(|one| one.address.same_as(&address)) {
                named.push(Named { address, near: String::new() });
            }
        }
    }
    if named.is_empty() {
        named = texts::recipients(&material.subject, &own);
    }
    if named.is_empty() {
        named.extend(bare(material));
    }
    if named.is_empty() {
        named = returned(material, &own);
    }
    named
}

/// A name at the server that bounced.
fn bare(material: &Material) -> Option<Named> {
    let name = texts::bare_name(&material.notes, &RULES.kind.bounce)?;
    let server = material.mail.from.first()?.address.domain();
    let address = Address::new(name, server).ok()?;
    Some(Named { address, near: material.notes.chars().take(1_000).collect() })
}

/// Whom the mail that came back was for: its envelope as the last server wrote it down, else a single To. Addresses
/// where the bounce went to are the list's own.
fn returned(material: &Material, own: &[&Address]) -> Vec<Named> {
    let lists = |address: &Address| {
        material.mail.to.iter().any(|to| to.address.domain() == address.domain())
    };
    let theirs = |text: &str| -> Vec<Address> {
        let found = texts::addresses(text).into_iter().map(|found| found.address);
        found.filter(|a| !lists(a) && !own.iter().any(|own| own.same_as(a))).collect()
    };
    let envelope = ["X-Original-To", "Delivered-To", "X-Envelope-To", "Envelope-To"];
    let written = envelope.into_iter().flat_map(|name| material.returned_values(name));
    let received = material.returned_values("Received").into_iter().map(|received| {
        let by = received.replace('\t', " ").to_ascii_lowercase();
        by.find(" for ").and_then(|at| received.get(at..)).unwrap_or_default().to_owned()
    });
    let mut found = written.chain(received).filter_map(|text| theirs(&text).into_iter().next());
    let address = found.next().or_else(|| {
        match theirs(&material.returned_values("To").join(", ")).as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    });
    address.into_iter().map(|address| Named { address, near: String::new() }).collect()
}

fn by_report(
    material: &Material,
    reported: &[Reported],
    named: &[Named],
    delayed: bool,
) -> Vec<Failed> {
    let mut out: Vec<Failed> = Vec::new();
    for one in reported {
        let Some(address) = one.address() else { continue };
        if out.iter().any(|failed| failed.address.same_as(address)) {
            continue;
        }
        let last = one.last.as_ref().unwrap_or(address);
        let words = named.iter().find(|n| n.address.same_as(address) || n.address.same_as(last));
        let near = words.map(|n| n.near.as_str()).unwrap_or_default();
        let diagnostic = one.diagnostic.clone().filter(|words| !words.trim().is_empty());
        // Exim and others say 5.0.0 in Status and the real code only in what was answered.
        let real = diagnostic.as_deref().and_then(enhanced);
        let status = match one.status.as_deref() {
            Some(status) if !status.ends_with(".0.0") => Some(status),
            vague => real.or_else(|| enhanced_in_words(near)).or(vague),
        };
        let said = Said {
            status,
            diagnostic: diagnostic.as_deref().unwrap_or_default(),
            near,
            notes: &material.notes,
            alone: reported.len() == 1,
            delayed: delayed || one.action == Some(Action::Delayed),
        };
        out.push(failed(address, &said, diagnostic.clone().or_else(|| texts::diagnostic(near))));
    }
    out
}

fn by_words(material: &Material, named: &[Named], delayed: bool) -> Vec<Failed> {
    let notes = material.notes.as_str();
    let each = named.iter().map(|one| {
        let status = one.status().or_else(|| enhanced_in_words(notes).filter(|_| named.len() == 1));
        let said = Said {
            status,
            diagnostic: "",
            near: &one.near,
            notes,
            alone: named.len() == 1,
            delayed,
        };
        failed(&one.address, &said, one.diagnostic())
    });
    each.collect()
}

fn failed(address: &Address, said: &Said<'_>, diagnostic: Option<String>) -> Failed {
    let (class, rule) = classify(said);
    let status = said.status.map(str::to_owned);
    Failed { address: address.clone(), class, status, diagnostic, rule }
}

#[cfg(test)]
mod tests;
