//! What all pages share: where they are, whose they are, and whom they ask.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::guard::Turns;
use super::wishes::{ListPage, Mine, Options, Wishes};
use super::{Links, NotNow, Questions};
use crate::clock::{Clock, Zone};

/// The deadline of an answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// The pages of one daemon.
pub struct Site {
    /// As a browser says it: scheme, host and port.
    pub(super) origin: String,
    /// The path of `public_url`, without a slash at its end; usually empty.
    pub(super) base: String,
    pub(super) domains: ArcSwap<Vec<Domain>>,
    pub(super) questions: Arc<dyn Questions>,
    pub(super) options: Arc<dyn Options>,
    pub(super) clock: Clock,
    pub(super) turns: Turns,
    /// How long an answer may take, with the reading of the request's body.
    pub(super) deadline: Duration,
}

/// A domain whose pages these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub name: String,
    pub language: String,
    pub links: Links,
    /// Of all days and times on its pages.
    pub zone: Zone,
}

impl Site {
    /// `public_url` is how browsers reach it, perhaps with a path that a proxy takes off.
    pub fn new(
        public_url: &str,
        domains: Vec<Domain>,
        questions: Arc<dyn Questions>,
        clock: Clock,
    ) -> Site {
        let url = public_url.trim_end_matches('/');
        let host = url.find("://").map_or(0, |at| at + 3);
        let path =
            url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
        let (origin, base) = url.split_at_checked(path).unwrap_or((url, ""));
        Site {
            origin: origin.to_owned(),
            base: base.to_owned(),
            domains: ArcSwap::from_pointee(domains),
            questions,
            options: Arc::new(NoOptions),
            clock,
            turns: Turns::default(),
            deadline: DEADLINE,
        }
    }

    /// With settings for members; without, no link leads to any.
    pub fn with_options(self, options: Arc<dyn Options>) -> Site {
        Site { options, ..self }
    }

    /// Takes over what a reload changed.
    pub fn set_domains(&self, domains: Vec<Domain>) {
        self.domains.store(Arc::new(domains));
    }

    /// Where the list with this address is.
    pub(super) fn zone(&self, list: &str) -> Zone {
        let name = list.rsplit('@').next().unwrap_or_default();
        let domains = self.domains.load();
        let found = domains.iter().find(|domain| domain.name == name);
        found.map(|domain| domain.zone.clone()).unwrap_or_default()
    }

    /// Of a page that belongs to no list: what all domains agree on.
    pub(super) fn language(&self) -> String {
        let domains = self.domains.load();
        let first = domains.first().map(|domain| domain.language.clone()).unwrap_or_default();
        if domains.iter().all(|domain| domain.language == first) { first } else { String::new() }
    }
}

/// No member has settings: every link to some is unknown.
struct NoOptions;

#[async_trait]
impl Options for NoOptions {
    async fn mine(&self, _: &str) -> Result<Option<Mine>, NotNow> {
        Ok(None)
    }

    async fn set(&self, _: &str, _: Wishes) -> Result<Option<()>, NotNow> {
        Ok(None)
    }

    async fn unsubscribe(&self, _: &str) -> Result<Option<()>, NotNow> {
        Ok(None)
    }

    async fn list(&self, _: &str) -> Result<Option<ListPage>, NotNow> {
        Ok(None)
    }

    async fn send_link(&self, _: &str, _: &str) -> Result<(), NotNow> {
        Ok(())
    }
}
