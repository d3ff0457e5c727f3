//! A list as the rest of the house sees it: a read-only snapshot of small parts.
//!
//! Not who is on it (`recipients`), and not what may be done with it (`policy`).

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::time::Timestamp;

mod attachments;
mod footer;
pub mod settings;

pub use attachments::{Allowed, Family, Forbidden, Form, NoPattern, Pattern};
pub use footer::{BadFooter, FooterTexts, Piece, Placeholder, Wanted, pieces};

/// The stable name of a list: the entryUUID of its group, lower-case. Survives renames.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListId(pub String);

impl std::fmt::Display for ListId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One list: an LDAP group with a mail address, and what is set for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pub id: ListId,
    /// DN of the group, for messages to the admin.
    pub dn: String,
    /// The posting address; its domain is always one of the configured domains.
    pub address: Address,
    /// Further addresses that mean this list.
    pub aliases: Vec<Address>,
    /// Short name, e.g. `klasse-5b`; one line of text, any script.
    pub name: String,
    /// What a person would call it, e.g. `Klasse 5b`; may be empty.
    pub description: String,
    pub settings: Settings,
    /// From then on the list is closed.
    pub expires: Option<Timestamp>,
}

impl List {
    /// The name a person should see: the description where there is one, else the name.
    pub fn title(&self) -> &str {
        if self.description.is_empty() { &self.name } else { &self.description }
    }
}

/// All that can be set for a list (`DESIGN.md` section 4, `[list]`).
///
/// Stored with each post: a setting that a post from before does not have is the contract's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Who may post besides owners and moderators; empty = nobody.
    pub post: Vec<Posters>,
    pub nonmembers: Nonmembers,
    pub unverified: Unverified,
    pub moderation: Moderation,
    pub from: FromPolicy,
    pub reply_to: ReplyTo,
    pub author_address: AuthorAddress,
    pub subject_tag: String,
    pub footer: FooterTexts,
    pub footer_signed: FooterSigned,
    pub copies: Copies,
    pub unsubscribe: Unsubscribe,
    /// Octets on the wire, without dot-stuffing (rule Z1).
    pub max_size: u64,
    pub archive: Archive,
    /// Of our own words for whoever has none of his own, e.g. `de`; empty = the domain's.
    pub language: String,
    /// The share of its members that may be gone at once, 0 to 100 percent; 100 switches the safety catch off.
    pub shrink_guard: u8,
    pub arc: ArcSet,
    pub attachments_allowed: Allowed,
    pub attachments_forbidden: Forbidden,
    /// Octets of one attachment, decoded; 0 = no limit of its own.
    pub max_attachment: u64,
    pub form: Form,
    /// Everything that would be distributed waits for a moderator.
    pub emergency: bool,
    /// Lists of this house that one mail may name; 0 = no limit.
    pub max_lists: u32,
    /// Addresses that one mail may show in To and Cc; 0 = no limit.
    pub max_recipients: u32,
    /// The same, counting only addresses outside the house and the list (rule GD22); 0 = no limit.
    pub max_outside: u32,
    /// Mails of one author to the list; 0 = no limit.
    pub posts_per_hour: u32,
    /// The brake on reply storms: so many replies within `storm_minutes`, on lists of at least `storm_members`;
    /// 0 = no brake.
    pub storm_replies: u32,
    pub storm_minutes: u32,
    pub storm_members: u32,
    /// How long a held mail waits, seconds.
    pub hold_expires: u32,
    /// When others are asked too, where no moderator has decided: seconds after the last ones were.
    pub deputies_after: u32,
}

impl Default for Settings {
    /// The contract's defaults.
    fn default() -> Settings {
        Settings {
            post: vec![Posters::Members],
            nonmembers: Nonmembers::Reject,
            unverified: Unverified::Confirm,
            moderation: Moderation::None,
            from: FromPolicy::Rewrite,
            reply_to: ReplyTo::Author,
            author_address: AuthorAddress::Shown,
            subject_tag: String::new(),
            footer: FooterTexts::default(),
            footer_signed: FooterSigned::Skip,
            copies: Copies::Personal,
            unsubscribe: Unsubscribe::Mute,
            max_size: 10_000_000,
            archive: Archive::Off,
            language: String::new(),
            shrink_guard: 50,
            arc: ArcSet::Off,
            attachments_allowed: Allowed::Any,
            attachments_forbidden: Forbidden::default(),
            max_attachment: 0,
            form: Form::Any,
            emergency: false,
            max_lists: 5,
            max_recipients: 100,
            max_outside: 20,
            posts_per_hour: 20,
            storm_replies: 10,
            storm_minutes: 10,
            storm_members: 50,
            hold_expires: 14 * 86_400,
            deputies_after: 86_400,
        }
    }
}

/// A set of people in `post`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Posters {
    Members,
    Owners,
    Moderators,
    /// Anybody who is a person in the directory.
    People,
    Anyone,
    /// Members of the group with this DN.
    Group(String),
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonmembers {
    Reject,
    Hold,
    Discard,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unverified {
    Confirm,
    Hold,
    Reject,
    Accept,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moderation {
    None,
    All,
    Nonmembers,
    First,
}

/// When the From of a copy becomes the list's address (rule F2).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FromPolicy {
    Rewrite,
    Policy,
    Broken,
    Keep,
    /// Frozen for a mail whose author nobody vouched for, and no setting: From stays, and no signature of ours makes
    /// it valid (promise 8).
    #[serde(rename = "keep, unproven")]
    Unproven,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyTo {
    Author,
    List,
    Both,
    Address(Address),
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorAddress {
    Shown,
    Hidden,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Copies {
    /// One signed copy each.
    Personal,
    /// One signed copy for many recipients.
    Shared,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsubscribe {
    Mute,
    Leave,
    Request,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Archive {
    Off,
    Members,
}

/// What becomes of the footer where nothing may be added to what is there: signed and encrypted mail, and text that
/// can't be read (rule B7).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FooterSigned {
    /// The mail goes without one.
    #[default]
    Skip,
    /// The mail becomes the first part of a new one, untouched, and the footer the second.
    Wrap,
}

/// Whether copies get an ARC set of ours (RFC 8617, rule D10).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArcSet {
    Off,
    Seal,
}

/// What stands between a list's local part and the `@` in its role addresses.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Request,
    Subscribe,
    Unsubscribe,
    Bounces,
    Confirm,
    Author,
}

impl Role {
    /// Nobody reads what is written there: the program does it.
    pub fn is_program(self) -> bool {
        matches!(self, Role::Request | Role::Subscribe | Role::Unsubscribe)
    }
}
