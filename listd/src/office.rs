//! The rooms as an admin sees them: answers the questions of the control socket out of the other rooms.
//!
//! Not who may ask (`control`), and not the shapes (`listcore::api`). Here is which question goes where; each kind has a
//! file of its own.

mod admitted;
mod cancel;
mod copies;
mod directory;
mod failures;
mod held;
mod last_mile;
mod learn;
mod lists;
mod queue;
mod recipients;
mod simulate;
mod veil;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use listcore::api;
use listcore::hold::Choice;
use listcore::list::List;
use listcore::recipients::Roster;
use listcore::time::Timestamp;

use crate::alarm::Alarm;
use crate::bounces::Bounces;
use crate::choices::Choices;
use crate::clock::Clock;
use crate::compose::Composer;
use crate::control::{Answer, Rooms, Sight, Wanted, report};
use crate::desk::Desk;
use crate::learning::Teacher;
use crate::members::Members;
use crate::pipeline::Pipeline;
use crate::scheduler::Scheduler;
use crate::store::brake::Brakes;
use crate::store::digest::Digests;
use crate::store::failures::Failures;
use crate::store::last_mile::RelayLog;
use crate::store::{Originals, Report};
use veil::Veil;

/// What the office reads of the store.
pub trait Shelf: Report + Originals + Brakes + Failures + Digests {}

impl<S: Report + Originals + Brakes + Failures + Digests> Shelf for S {}

/// What is known from the start and does not change.
#[derive(Clone, Debug)]
pub struct Plate {
    /// What a configuration for Exim needs; names and sockets too.
    pub facts: api::Facts,
    /// What is configured and has no effect yet.
    pub later: Vec<String>,
    pub dkim: Vec<api::DkimRecord>,
    pub started: Timestamp,
}

/// Where `listctl` gets its answers.
pub struct Office {
    pub plate: Plate,
    pub members: Arc<Members>,
    pub pipeline: Arc<Pipeline>,
    pub scheduler: Arc<Scheduler>,
    pub composer: Arc<Composer>,
    pub alarm: Arc<Alarm>,
    pub bounces: Arc<Bounces>,
    pub choices: Arc<Choices>,
    pub store: Arc<dyn Shelf>,
    /// Teaches the spam filter; `None` where that is not set up.
    pub teacher: Option<Arc<Teacher>>,
    pub desk: Arc<Desk>,
    /// `None` where the relay's log is not followed.
    pub relay_log: Option<Arc<dyn RelayLog>>,
    pub clock: Clock,
    /// Held while a setting is changed, so that store and members see two changes in the same order.
    pub changing: tokio::sync::Mutex<()>,
}

impl Office {
    fn veil(&self, sight: Sight) -> Veil<'_> {
        Veil { members: &self.members, sight }
    }

    fn roster(&self, list: &List) -> Arc<Roster> {
        self.members.roster(&list.id).unwrap_or_default()
    }
}

fn relay_state(address: &str, status: crate::scheduler::Status) -> api::RelayState {
    let trouble = status.relay_error.filter(|_| status.relay_failures > 0);
    api::RelayState {
        address: address.to_owned(),
        open: status.connections,
        last_error: trouble.map(|(_, why)| why),
    }
}

#[async_trait]
impl Rooms for Office {
    async fn status(&self) -> Answer<api::Status> {
        let now = (self.clock)();
        let listening = |what: &str, at: &[String]| -> Vec<(String, String)> {
            at.iter().map(|endpoint| (what.to_owned(), endpoint.clone())).collect()
        };
        let Plate { facts, later, started, .. } = self.plate.clone();
        let mut sockets = listening("lmtp", &facts.lmtp_listen);
        sockets.extend(listening("smtp", &facts.smtp_listen));
        Ok(api::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hostname: facts.hostname,
            started,
            now,
            domains: facts.domains,
            listening: sockets,
            directory: directory::state(self.members.status(now)),
            queue: report::queue_state(&self.store.counts().await?),
            relay: relay_state(&facts.relay, self.scheduler.status()),
            later,
        })
    }

    async fn lists(&self) -> Answer<Vec<api::ListLine>> {
        Ok(self.all_lists())
    }

    async fn list(&self, list: &str, sight: Sight) -> Answer<api::ListDetail> {
        let list = self.find(list)?;
        Ok(self.detail(&list, sight))
    }

    async fn set(&self, ask: api::Set) -> Answer<api::ListDetail> {
        self.change_setting(ask).await
    }

    async fn stopped(&self) -> Answer<api::Stopped> {
        self.stopped_where(|_| true).await
    }

    async fn emergency(&self, ask: api::Emergency, who: &str) -> Answer<api::Stopped> {
        self.change_emergency(ask, who).await
    }

    async fn members(&self, list: &str, sight: Sight) -> Answer<api::Members> {
        let list = self.find(list)?;
        self.who_gets_mail(&list, &self.veil(sight)).await
    }

    async fn admit(&self, ask: api::Admit, who: &str) -> Answer<api::Changed> {
        self.admitted(ask, who).await
    }

    async fn dismiss(&self, ask: api::Dismiss, who: &str) -> Answer<api::Changed> {
        self.dismissed(ask, who).await
    }

    async fn resume(&self, address: &str, who: &str) -> Answer<api::Resumed> {
        self.resumed(address, who).await
    }

    async fn queue(&self, limit: usize, sight: Sight) -> Answer<api::Queue> {
        self.what_waits(limit, &self.veil(sight)).await
    }

    async fn post(&self, id: u64, sight: Sight) -> Answer<api::Post> {
        self.one_post(id, &self.veil(sight)).await
    }

    async fn retry(&self, id: Option<u64>) -> Answer<api::Retried> {
        self.try_again(id).await
    }

    async fn release(&self, id: u64, who: &str) -> Answer<api::Released> {
        self.go_on(id, who).await
    }

    async fn cancel(&self, id: u64, who: &str) -> Answer<api::Cancelled> {
        self.cancelled(id, who).await
    }

    async fn strange(&self, number: u64, sight: Sight) -> Answer<api::StrangeMail> {
        self.strange_mail(number, sight).await
    }

    async fn held(&self, list: Option<&str>, limit: usize, sight: Sight) -> Answer<api::HeldMails> {
        self.held_mails(list, limit, &self.veil(sight)).await
    }

    async fn held_mail(&self, id: u64, sight: Sight) -> Answer<api::HeldDetail> {
        self.held_detail(id, &self.veil(sight)).await
    }

    async fn decide(&self, id: u64, choice: &Choice, who: &str) -> Answer<api::Decided> {
        self.ruled(id, choice, who).await
    }

    async fn learn(&self, message_id: &str, spam: bool, who: &str) -> Answer<api::Learned> {
        self.learned(message_id, spam, who).await
    }

    async fn trace(&self, message_id: &str, sight: Sight) -> Answer<api::Trace> {
        self.all_of(message_id, &self.veil(sight)).await
    }

    async fn simulate(&self, list: &str, mail: Bytes, wanted: Wanted) -> Answer<api::Simulation> {
        let list = self.find(list)?;
        self.what_would_be(&list, mail, wanted).await
    }

    async fn directory(&self) -> Answer<api::DirectoryDetail> {
        Ok(self.what_is_known())
    }

    async fn directory_diff(
        &self,
        list: Option<&str>,
        sight: Sight,
    ) -> Answer<Vec<api::Difference>> {
        self.differences(list, &self.veil(sight))
    }

    async fn directory_accept(&self, list: Option<&str>, who: &str) -> Answer<Vec<api::Held>> {
        self.believe(list, who).await
    }

    async fn directory_reject(&self, who: &str) -> Answer<Vec<api::Held>> {
        self.disbelieve(who).await
    }

    async fn dkim(&self, domain: Option<&str>) -> Answer<Vec<api::DkimRecord>> {
        let wanted = |record: &&api::DkimRecord| {
            domain.is_none_or(|d| record.domain.eq_ignore_ascii_case(d))
        };
        Ok(self.plate.dkim.iter().filter(wanted).cloned().collect())
    }

    async fn providers(&self, days: u16) -> Answer<api::Providers> {
        Ok(self.answers(days).await?)
    }

    async fn facts(&self) -> Answer<api::Facts> {
        Ok(self.plate.facts.clone())
    }
}
