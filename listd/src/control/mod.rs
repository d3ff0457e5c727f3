//! The control socket: HTTP and JSON over a unix socket, for `listctl`.
//!
//! It asks the other rooms through the trait [`Rooms`] and decides only who may ask (`peer`). Not what the
//! answers look like (`listcore::api`), and not how they are shown (`cli`).

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use listcore::api;
use listcore::hold::Choice;

mod peer;
pub mod report;
mod routes;
mod sight;
mod socket;
#[cfg(test)]
mod tests;

pub use sight::Sight;
pub use socket::{Listener, bind, serve};

/// What the other rooms tell an admin. Every method may be slow; none may change more than its name says.
///
/// A list is named by its address, its id, or its short name where only one list has it.
#[async_trait]
pub trait Rooms: Send + Sync + 'static {
    async fn status(&self) -> Answer<api::Status>;
    async fn lists(&self) -> Answer<Vec<api::ListLine>>;
    async fn list(&self, list: &str, sight: Sight) -> Answer<api::ListDetail>;
    /// Sets or unsets one setting; the list as it is then.
    async fn set(&self, ask: api::Set) -> Answer<api::ListDetail>;
    /// Where all mail waits.
    async fn stopped(&self) -> Answer<api::Stopped>;
    /// Begins or ends an emergency; what is stopped at that place then. `who` asks, for the log.
    async fn emergency(&self, ask: api::Emergency, who: &str) -> Answer<api::Stopped>;
    async fn members(&self, list: &str, sight: Sight) -> Answer<api::Members>;
    async fn queue(&self, limit: usize, sight: Sight) -> Answer<api::Queue>;
    async fn post(&self, id: u64, sight: Sight) -> Answer<api::Post>;
    /// An address that was paused gets mail again. `who` asks, for the log.
    async fn resume(&self, address: &str, who: &str) -> Answer<api::Resumed>;
    /// Lets somebody onto a list beside the directory. `who` asks.
    async fn admit(&self, ask: api::Admit, who: &str) -> Answer<api::Changed>;
    async fn dismiss(&self, ask: api::Dismiss, who: &str) -> Answer<api::Changed>;
    /// Everything unfinished (of one post) is due now.
    async fn retry(&self, id: Option<u64>) -> Answer<api::Retried>;
    /// A post goes on whose delivery paused. `who` asks, for the log.
    async fn release(&self, id: u64, who: &str) -> Answer<api::Released>;
    async fn cancel(&self, id: u64, who: &str) -> Answer<api::Cancelled>;
    /// A bounce that nobody understands, or a complaint. Who is in it can't be told: it needs the whole sight.
    async fn strange(&self, number: u64, sight: Sight) -> Answer<api::StrangeMail>;
    /// What waits for somebody's word, on one list or on all.
    async fn held(&self, list: Option<&str>, limit: usize, sight: Sight) -> Answer<api::HeldMails>;
    async fn held_mail(&self, id: u64, sight: Sight) -> Answer<api::HeldDetail>;
    /// The decision of the admin `who`, or whoever was first.
    async fn decide(&self, id: u64, choice: &Choice, who: &str) -> Answer<api::Decided>;
    /// Tells the spam filter what a mail is. `message_id` is without brackets.
    async fn learn(&self, message_id: &str, spam: bool, who: &str) -> Answer<api::Learned>;
    /// `message_id` is without brackets.
    async fn trace(&self, message_id: &str, sight: Sight) -> Answer<api::Trace>;
    /// Stores and sends nothing.
    async fn simulate(&self, list: &str, mail: Bytes, wanted: Wanted) -> Answer<api::Simulation>;
    /// The records of one domain, or of all.
    async fn dkim(&self, domain: Option<&str>) -> Answer<Vec<api::DkimRecord>>;
    async fn directory(&self) -> Answer<api::DirectoryDetail>;
    /// Of one list, or of all that is held.
    async fn directory_diff(
        &self,
        list: Option<&str>,
        sight: Sight,
    ) -> Answer<Vec<api::Difference>>;
    /// One list that is held, or all. `who` asks, for the log.
    async fn directory_accept(&self, list: Option<&str>, who: &str) -> Answer<Vec<api::Held>>;
    async fn directory_reject(&self, who: &str) -> Answer<Vec<api::Held>>;
    /// What the recipients' own servers answered, of the last days.
    async fn providers(&self, days: u16) -> Answer<api::Providers>;
    async fn facts(&self) -> Answer<api::Facts>;
}

/// What is wanted of a simulation.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Each different copy; without it none is rendered.
    pub copies: bool,
    /// What was changed in them.
    pub diff: bool,
    /// As if the author had proved to be who From says.
    pub as_verified: bool,
    /// Whether protected people are shown.
    pub sight: Sight,
}

pub type Answer<T> = Result<T, Problem>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub failure: api::Failure,
}

impl Problem {
    fn new(status: StatusCode, error: impl Into<String>, what_to_do: impl Into<String>) -> Problem {
        let failure = api::Failure { error: error.into(), what_to_do: what_to_do.into() };
        Problem { status, failure }
    }

    /// There is nothing of this name (404; `listctl` exits 1).
    pub fn not_found(error: impl Into<String>, what_to_do: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, error, what_to_do)
    }

    /// The question makes no sense (400; `listctl` exits 2).
    pub fn bad_request(error: impl Into<String>, what_to_do: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, error, what_to_do)
    }

    /// Who asks may not (403; `listctl` exits 2).
    pub fn not_allowed(error: impl Into<String>, what_to_do: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, error, what_to_do)
    }

    /// Trouble of ours (500; `listctl` exits 2).
    pub fn trouble(error: impl Into<String>, what_to_do: impl Into<String>) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error, what_to_do)
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Problem {
        Problem::trouble(
            error.to_string(),
            "Look at the log (journalctl -u listd) and at the free space of the store's disk.",
        )
    }
}
