//! What `listd` and `listctl` say to each other over the control socket: HTTP, JSON, paths under `/v1/`.
//!
//! Only the shapes. Times are milliseconds since 1970 (UTC), sizes octets. A newer daemon may send more fields.
//! Not who may ask what (`listd/control`), and not how it is shown (`cli`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounce::brake::Refusals;
use crate::list::Settings;
use crate::list::settings::{Key, Source};
use crate::outcome::Outcome;
use crate::rewrite::Changes;
use crate::time::Timestamp;

mod held;

pub use held::{Decide, Decided, Ending, HeldDetail, HeldMail, HeldMails, Learn, Learned};

/// Stands where a text would name somebody whose entry says `listProtected` (rule GD4).
pub const PROTECTED: &str = "(a protected person)";

/// The paths. Arguments are query parameters, so that names with any character work. Who asks with `?reason=TEXT` sees
/// protected people too, and the reason is logged.
pub mod path {
    /// GET: [`Status`](super::Status).
    pub const STATUS: &str = "/v1/status";
    /// GET: a list of [`ListLine`](super::ListLine)s.
    pub const LISTS: &str = "/v1/lists";
    /// GET `?list=`: [`ListDetail`](super::ListDetail).
    pub const LIST: &str = "/v1/list";
    /// POST [`Set`](super::Set): [`ListDetail`](super::ListDetail) as it is then.
    pub const SET: &str = "/v1/list/set";
    /// GET: [`Stopped`](super::Stopped) everywhere; POST [`Emergency`](super::Emergency): at that place then.
    pub const EMERGENCY: &str = "/v1/emergency";
    /// GET `?list=`: [`Members`](super::Members).
    pub const MEMBERS: &str = "/v1/members";
    /// GET: [`Queue`](super::Queue).
    pub const QUEUE: &str = "/v1/queue";
    /// GET `?id=`: [`Post`](super::Post).
    pub const POST: &str = "/v1/post";
    /// GET: [`DirectoryDetail`](super::DirectoryDetail).
    pub const DIRECTORY: &str = "/v1/directory";
    /// GET `?list=` (all that is held where absent): a list of [`Difference`](super::Difference)s.
    pub const DIRECTORY_DIFF: &str = "/v1/directory/diff";
    /// POST [`Accept`](super::Accept): a list of the [`Held`](super::Held) that is accepted now.
    pub const DIRECTORY_ACCEPT: &str = "/v1/directory/accept";
    /// POST `{}`: a list of the [`Held`](super::Held) that is rejected now.
    pub const DIRECTORY_REJECT: &str = "/v1/directory/reject";
    /// POST [`Resume`](super::Resume): [`Resumed`](super::Resumed).
    pub const RESUME: &str = "/v1/member/resume";
    /// POST [`Admit`](super::Admit): [`Changed`](super::Changed).
    pub const ADMIT: &str = "/v1/member/admit";
    /// POST [`Dismiss`](super::Dismiss): [`Changed`](super::Changed).
    pub const DISMISS: &str = "/v1/member/dismiss";
    /// POST [`Retry`](super::Retry): [`Retried`](super::Retried).
    pub const RETRY: &str = "/v1/queue/retry";
    /// POST [`Release`](super::Release): [`Released`](super::Released).
    pub const RELEASE: &str = "/v1/queue/resume";
    /// GET `?id=&reason=`: [`StrangeMail`](super::StrangeMail).
    pub const STRANGE: &str = "/v1/bounces/mail";
    /// GET `?list=&limit=` (all lists where absent): [`HeldMails`](super::HeldMails).
    pub const HELD: &str = "/v1/held";
    /// GET `?id=`: [`HeldDetail`](super::HeldDetail).
    pub const HELD_MAIL: &str = "/v1/held/mail";
    /// POST [`Decide`](super::Decide): [`Decided`](super::Decided).
    pub const HELD_DECIDE: &str = "/v1/held/decide";
    /// POST [`Learn`](super::Learn): [`Learned`](super::Learned).
    pub const LEARN: &str = "/v1/learn";
    /// GET `?message_id=`: [`Trace`](super::Trace).
    pub const TRACE: &str = "/v1/trace";
    /// POST a mail `?list=&copies=true|false&diff=true|false&as_verified=true|false`: [`Simulation`](super::Simulation).
    pub const SIMULATE: &str = "/v1/simulate";
    /// GET `?domain=` (all where absent): a list of [`DkimRecord`](super::DkimRecord)s.
    pub const DKIM: &str = "/v1/dkim";
    /// GET `?days=`: [`Providers`](super::Providers).
    pub const PROVIDERS: &str = "/v1/providers";
    /// GET: [`Facts`](super::Facts).
    pub const FACTS: &str = "/v1/facts";
}

/// Any answer other than 2xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What happened, to what.
    pub error: String,
    /// What the admin can do now.
    pub what_to_do: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub hostname: String,
    pub started: Timestamp,
    pub now: Timestamp,
    pub domains: Vec<String>,
    /// Where it listens, as in the configuration, with a word what for: `lmtp`, `smtp`.
    pub listening: Vec<(String, String)>,
    pub directory: DirectoryState,
    pub queue: QueueState,
    pub relay: RelayState,
    /// What is configured and has no effect yet.
    pub later: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryState {
    /// Where it is, e.g. `ldap://127.0.0.1:389`.
    pub url: String,
    /// How it is followed, e.g. `refreshAndPersist`, `file`, `snapshot`.
    pub mode: String,
    pub freshness: Freshness,
    /// When the membership was last known to be current.
    pub as_of: Option<Timestamp>,
    pub people: usize,
    pub groups: usize,
    pub lists: usize,
    pub last_error: Option<String>,
    /// Entries that an admin should mend, e.g. two lists with one address; one sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How many lists (and the directory as a whole) the safety catch holds.
    #[serde(default)]
    pub held: usize,
}

/// The directory, and what the safety catch holds (promise 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryDetail {
    pub state: DirectoryState,
    pub now: Timestamp,
    /// The server's change number up to which all is known.
    pub csn: Option<String>,
    pub held: Vec<Held>,
}

/// A list that shrank more than its guard allows: mail to it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `None` for the people of the directory together: then mail to all lists waits.
    pub list: Option<String>,
    pub title: String,
    pub since: Timestamp,
    /// How many were on it when it was accepted last, and how many are now.
    pub accepted: usize,
    pub now: usize,
    /// An admin rejected it: mail goes to those who were accepted, until the directory says something else.
    pub rejected: bool,
    /// It is no list any more.
    pub gone: bool,
}

/// Who came to a list and who left it since it was accepted last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub list: Option<String>,
    /// It is held since then.
    pub held_since: Option<Timestamp>,
    pub accepted: usize,
    pub now: usize,
    pub went: Vec<Person>,
    pub came: Vec<Person>,
    /// How many more went and came that are protected.
    #[serde(default)]
    pub went_protected: usize,
    #[serde(default)]
    pub came_protected: usize,
}

/// Believe what the directory says of a list, or (`None`) of all that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    pub list: Option<String>,
}

/// Whether mail goes out on what is known of the membership (promise 6).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    Fresh,
    /// Older than `max_staleness`: mail waits.
    Stale,
    /// Nothing was ever read: mail waits.
    Never,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueState {
    pub mails: u64,
    pub posts_waiting: u64,
    pub recipients_waiting: u64,
    pub recipients_deferred: u64,
    /// Mails that wait for somebody's word.
    #[serde(default)]
    pub held: u64,
    pub bounces: u64,
    pub bounces_unattributed: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayState {
    /// `host:port`
    pub address: String,
    /// Connections that are open now.
    pub open: usize,
    pub last_error: Option<String>,
}

/// A line of `listctl lists`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListLine {
    pub address: String,
    pub name: String,
    pub description: String,
    /// Who gets mail.
    pub recipients: usize,
    /// Who is in the group and gets none.
    pub skipped: usize,
    /// It is closed from then on.
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDetail {
    pub id: String,
    pub dn: String,
    pub address: String,
    pub aliases: Vec<String>,
    pub name: String,
    pub description: String,
    pub settings: Settings,
    pub expires: Option<Timestamp>,
    /// Where each setting comes from.
    #[serde(default)]
    pub sources: BTreeMap<Key, Source>,
    /// Only people of the directory may post, whatever `post` says (`fdGroupMailLocalOnly`).
    #[serde(default)]
    pub local_only: bool,
    /// What the group's entry, or an earlier `listctl list set`, says and makes no sense.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Who gets mail to `-owner`: the owners, else the domain's admins.
    pub owners: Vec<Person>,
    /// How many more that are protected.
    #[serde(default)]
    pub owners_protected: usize,
    pub recipients: usize,
    pub skipped: usize,
}

/// Set one setting of one list, or take back what was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    pub list: String,
    /// As in `[list]`; `expires` too.
    pub key: String,
    /// `None` = unset. More than one only for `post`.
    pub value: Option<Vec<String>>,
}

/// Hold all mail to a list or to all lists of a domain, or hold it no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// A list (address or short name) or a domain.
    pub place: String,
    pub on: bool,
}

/// Lists of which all mail waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Address, and who says so.
    pub lists: Vec<(String, Option<Source>)>,
    /// Mails that wait because of an emergency, there or earlier; of the oldest 1,000 that wait at all.
    pub waiting: usize,
}

/// Somebody who gets mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub address: String,
    pub name: Option<String>,
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    pub list: String,
    pub recipients: Vec<Person>,
    pub skipped: Vec<Skipped>,
    /// How many more of both that are protected.
    #[serde(default)]
    pub recipients_protected: usize,
    #[serde(default)]
    pub skipped_protected: usize,
    /// Who of them is on the list beside the directory.
    #[serde(default)]
    pub admitted: Vec<Admitted>,
    /// Who of the recipients gets digests instead of single mails.
    #[serde(default)]
    pub digests: Vec<Gathers>,
}

/// A member who gets digests, by an own choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathers {
    pub address: String,
    /// `daily` or `weekly`.
    pub period: String,
}

/// Somebody who was let onto a list beside the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    pub address: String,
    /// Who let her in, e.g. `a.lehrer@schule.example` or `root with listctl`.
    pub by: String,
    pub at: Timestamp,
    /// The directory names her there as well now.
    #[serde(default)]
    pub in_directory: bool,
}

/// Lets somebody onto a list beside the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    pub list: String,
    pub address: String,
    #[serde(default)]
    pub name: String,
    /// E.g. `de`; empty = the list's.
    #[serde(default)]
    pub language: String,
}

/// Takes that back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismiss {
    pub list: String,
    pub address: String,
}

/// Somebody is on a list beside the directory now, or is not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub list: String,
    pub address: String,
}

/// An address works again, says an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    pub address: String,
    /// Where it was paused.
    pub domains: Vec<String>,
}

/// Something in the group that gets no mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The DN, login or address as the group has it.
    pub what: String,
    /// Why, e.g. `no entry with this DN`.
    pub why: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Oldest first.
    pub posts: Vec<PostLine>,
    /// There are more than shown.
    pub more: bool,
}

/// One mail's way to one list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLine {
    /// A number as text: it may be more than JSON numbers carry.
    pub id: String,
    /// The list's address when the mail was accepted.
    pub list: String,
    /// The address that its copies hide.
    #[serde(default)]
    pub hidden_author: Option<String>,
    /// Without brackets.
    pub message_id: String,
    pub accepted: Timestamp,
    pub expires: Timestamp,
    pub size: u64,
    pub counts: Counts,
    /// When the next recipient is due; `None` where nothing is left to do.
    pub next: Option<Timestamp>,
    /// The latest answer of the relay to a recipient who still waits.
    pub reason: Option<String>,
    /// Delivery pauses: since when, and who refused it.
    #[serde(default)]
    pub braked: Option<Braked>,
}

/// Many servers refuse a mail, so that delivery of the rest pauses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Braked {
    pub at: Timestamp,
    #[serde(flatten)]
    pub refusals: Refusals,
}

/// Recipients by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub waiting: u64,
    pub deferred: u64,
    pub delivered: u64,
    pub failed: u64,
    pub dropped: u64,
    /// Erased on request: nothing is known of them.
    pub erased: u64,
}

/// A post with every recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    #[serde(flatten)]
    pub line: PostLine,
    pub recipients: Vec<RecipientLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientLine {
    /// `None` where the person's data was erased, or she is protected.
    pub address: Option<String>,
    pub name: Option<String>,
    /// Of the relay's words only the codes are left, too.
    #[serde(default)]
    pub protected: bool,
    pub outcome: Outcome,
    /// What her own server answered, where the relay's log is followed and has told; its host in brackets.
    #[serde(default)]
    pub last_mile: Option<Outcome>,
    /// Message-ID (without brackets) of the digest in which it went out; that has an outcome of its own.
    #[serde(default)]
    pub digest: Option<String>,
}

/// What the recipients' own servers answered lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Providers {
    pub since: Timestamp,
    /// The relay's log is followed.
    pub followed: bool,
    /// Those with the most answers first; all that are left are the last one, `other`.
    pub providers: Vec<Provider>,
}

/// One of them. Each try counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub name: String,
    pub accepted: u64,
    /// By reason: `hard`, `full`, `policy`, `content`, `other`.
    pub deferred: BTreeMap<String, u64>,
    pub refused: BTreeMap<String, u64>,
    /// The last refusal, else the last deferral, without anybody's address.
    pub words: Option<String>,
}

/// Try again now: one post, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// Recipients that are due now.
    pub recipients: u64,
}

/// A mail goes on whose delivery paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Recipients who still wait.
    pub recipients: u64,
}

/// A bounce that was not understood, or a complaint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrangeMail {
    /// Its beginning; what is no UTF-8 is replaced.
    pub mail: String,
}

/// Everything known of a Message-ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Without brackets.
    pub message_id: String,
    pub posts: Vec<Post>,
    /// What waits for somebody's word, or did.
    #[serde(default)]
    pub held: Vec<HeldMail>,
    /// What was refused, dropped or deferred at the door, and what the filter said of the rest; oldest first.
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    /// RCPT TO as it came.
    pub recipient: String,
    /// From as it came.
    pub author: Option<String>,
    /// One word, e.g. `refused`.
    pub what: String,
    /// The rule that decided, and the reply we gave.
    pub why: String,
}

/// What would happen to a mail. Nothing was stored or sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    pub list: String,
    /// It would go out.
    pub accepted: bool,
    /// The rule that decides, with what lies behind it, e.g. `author (no signature of gmx.example)`.
    pub rule: String,
    /// Why it would wait for somebody's word, in one word; `None` where it would not.
    #[serde(default)]
    pub waits: Option<String>,
    /// What would have to be set otherwise for another decision; `None` where nothing would do.
    #[serde(default)]
    pub setting: Option<Decisive>,
    /// The answer to the sending server, e.g. `550 5.7.1 ...`.
    pub reply: String,
    /// Whether the author counts as verified, and by what.
    pub author: String,
    /// What the spam and virus filter said, e.g. `clean` or `not_asked`.
    #[serde(default)]
    pub scan: String,
    /// What an admin should know of it beside.
    #[serde(default)]
    pub notes: Vec<String>,
    pub recipients: Vec<Person>,
    pub skipped: Vec<Skipped>,
    /// How many more of both that are protected.
    #[serde(default)]
    pub recipients_protected: usize,
    #[serde(default)]
    pub skipped_protected: usize,
    /// Each different copy; empty where the mail would not go out or copies were not asked for.
    pub copies: Vec<SimulatedCopy>,
    /// Personal copies beyond those rendered; they differ in the recipient only.
    pub copies_left_out: usize,
}

/// A setting that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisive {
    pub key: Key,
    /// As `listctl list set` takes it; for `expires` a timestamp.
    pub value: String,
    /// Where it comes from.
    pub source: Option<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedCopy {
    /// MAIL FROM.
    pub sender: String,
    /// RCPT TO.
    pub to: Vec<String>,
    /// In which our own words are, e.g. `de`.
    #[serde(default)]
    pub language: String,
    /// For those who want plain text only.
    #[serde(default)]
    pub plain: bool,
    /// The whole mail, CRLF, in base64.
    pub mail: String,
    /// Where it was asked for.
    #[serde(default)]
    pub changes: Option<SimulatedChanges>,
}

/// What was changed in a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedChanges {
    /// To be read by people: `-` and `+` lines for header fields, `~` lines for parts.
    pub diff: String,
    /// With the copy, enough to make the mail again that came in.
    pub record: Changes,
}

/// A key that is published, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimRecord {
    pub domain: String,
    /// `RSA` or `Ed25519`.
    pub algorithm: String,
    /// Where the TXT record stands, e.g. `r2026._domainkey.schule.example`.
    pub name: String,
    /// The record's text in one piece, e.g. `v=DKIM1; k=rsa; p=...`.
    pub record: String,
}

/// What a configuration for Exim needs to know of the running daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub hostname: String,
    pub domains: Vec<String>,
    /// As in the configuration: `unix:/path` or `address:port`.
    pub lmtp_listen: Vec<String>,
    pub smtp_listen: Vec<String>,
    /// Whose Authentication-Results count.
    pub trusted_authserv_id: Vec<String>,
    /// `host:port`
    pub relay: String,
    pub max_message_size: u64,
}
