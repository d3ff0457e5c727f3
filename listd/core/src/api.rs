//! What `listd` and `listctl` say to each other over the control socket: HTTP, JSON, paths under `/v1/`.
//!
//! Only the shapes. Times are milliseconds since 1970 (UTC), sizes octets. A newer daemon may send more fields.
//! Not who may ask what (`listd/control`), and not how it is shown (`cli`).

use serde::{Deserialize, Serialize};

mod directory;
mod held;
mod lists;
mod members;
mod queue;
mod simulation;
mod status;

pub use directory::{Accept, Difference, DirectoryDetail, DirectoryState, Freshness, Held};
pub use held::{Decide, Decided, Ending, HeldDetail, HeldMail, HeldMails, Learn, Learned};
pub use lists::{Emergency, ListDetail, ListLine, Set, Stopped};
pub use members::{
    Admit, Admitted, Changed, Dismiss, Gathers, Members, Person, Resume, Resumed, Skipped,
};
pub use queue::{
    Braked, Cancel, Cancelled, Counts, Event, Post, PostLine, Provider, Providers, Queue,
    RecipientLine, Release, Released, Retried, Retry, StrangeMail, Trace,
};
pub use simulation::{Decisive, SimulatedChanges, SimulatedCopy, Simulation};
pub use status::{DkimRecord, Facts, QueueState, RelayState, Status};

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
    /// POST [`Cancel`](super::Cancel): [`Cancelled`](super::Cancelled).
    pub const CANCEL: &str = "/v1/queue/cancel";
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
