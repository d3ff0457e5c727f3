//! The question whether the server still answers, on a connection of its own (promise 6).
//!
//! A persistent search over a hung server looks alive; silence is not freshness, only an answer is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ldap3::{Ldap, Scope, SearchEntry};
use listcore::dn;

use super::query::{change_numbers, is_ahead, is_behind};
use super::session::Shared;

/// After so many answers in a row that name changes which we were not told, the session begins again.
const DEAF_AFTER: u32 = 4;

/// Asks every `every`, waiting `deadline` for each answer, for ever.
pub async fn run(shared: Arc<Shared>, base: String, every: Duration, deadline: Duration) {
    let mut asker = Asker { shared, base, place: None, behind: 0 };
    loop {
        tokio::time::sleep(every).await;
        if !asker.shared.listening.load(Ordering::Acquire) {
            continue;
        }
        // A task of its own: a malformed answer panics in ldap3.
        let mut connection = None;
        loop {
            let began = (asker.shared.clock)();
            let known = asker.ours();
            match tokio::time::timeout(deadline, asker.ask(&mut connection)).await {
                Ok(Ok(server)) => {
                    if asker.shared.listening.load(Ordering::Acquire) {
                        asker.answered(began, &known, &server);
                    }
                }
                Ok(Err(error)) => {
                    asker.unanswered(error);
                    break;
                }
                Err(_) => {
                    let url = &asker.shared.server.url;
                    asker.unanswered(format!(
                        "the LDAP server {url} did not answer within {deadline:?}; is it hanging? Mail waits when \
                         max_staleness is over"
                    ));
                    break;
                }
            }
            tokio::time::sleep(every).await;
        }
    }
}

struct Asker {
    shared: Arc<Shared>,
    base: String,
    /// The entry that holds contextCSN, once it is known.
    place: Option<String>,
    behind: u32,
}

impl Asker {
    async fn ask(
        &mut self,
        connection: &mut Option<Ldap>,
    ) -> Result<BTreeMap<String, String>, String> {
        if connection.is_none() {
            *connection = Some(self.shared.server.connect().await?);
        }
        let Some(ldap) = connection else { return Ok(BTreeMap::new()) };
        let place = match &self.place {
            Some(place) => place.clone(),
            None => self.find_place(ldap).await?,
        };
        let values = self.values(ldap, &place, "contextCSN").await?;
        self.place = Some(place);
        Ok(change_numbers(values.iter().map(String::as_str)))
    }

    /// contextCSN stands at the root of the database, which may lie above our base.
    async fn find_place(&self, ldap: &mut Ldap) -> Result<String, String> {
        if !self.values(ldap, &self.base, "contextCSN").await?.is_empty() {
            return Ok(self.base.clone());
        }
        let base = dn::normal(&self.base).unwrap_or_default();
        let contexts = self.values(ldap, "", "namingContexts").await?;
        let above = contexts
            .into_iter()
            .filter(|context| dn::normal(context).is_some_and(|c| dn::is_under(&base, &c)))
            .max_by_key(String::len);
        Ok(above.unwrap_or_else(|| self.base.clone()))
    }

    async fn values(
        &self,
        ldap: &mut Ldap,
        base: &str,
        attribute: &str,
    ) -> Result<Vec<String>, String> {
        let search = ldap.search(base, Scope::Base, "(objectClass=*)", vec![attribute]).await;
        let (entries, _) = search
            .and_then(ldap3::SearchResult::success)
            .map_err(|e| self.shared.server.explain(&e))?;
        let attributes = entries.into_iter().map(SearchEntry::construct).flat_map(|e| e.attrs);
        Ok(attributes
            .filter(|(name, _)| name.eq_ignore_ascii_case(attribute))
            .flat_map(|(_, values)| values)
            .collect())
    }

    /// The change numbers that we know now.
    fn ours(&self) -> BTreeMap<String, String> {
        change_numbers([self.shared.live.health().csn.unwrap_or_default().as_str()])
    }

    /// `before` is what we knew when the question was asked.
    fn answered(
        &mut self,
        began: listcore::time::Timestamp,
        before: &BTreeMap<String, String>,
        server: &BTreeMap<String, String>,
    ) {
        let told = !server.is_empty();
        if self.shared.tells_csn.swap(told, Ordering::AcqRel) && !told {
            let who = self.shared.server.bind_dn.as_deref().unwrap_or("an anonymous reader");
            tracing::warn!(
                "the LDAP server {} does not show contextCSN to {who}: it cannot be told whether it keeps silent about \
                 changes, so everything is asked for each directory.verify_interval; let {who} read contextCSN",
                self.shared.server.url
            );
        }
        if !told {
            // An answer that says nothing of changes makes nothing fresh (promise 6).
            return;
        }
        // Ahead of the server: it was restored or replaced behind our connection.
        let differs = is_behind(&self.ours(), server) || is_ahead(before, server);
        self.behind = if differs { self.behind + 1 } else { 0 };
        self.shared.live.fresh(began, None);
        self.shared.keeper.touch();
        if self.behind >= DEAF_AFTER {
            self.behind = 0;
            self.shared.again.notify_one();
        }
    }

    fn unanswered(&mut self, error: String) {
        if self.shared.listening.load(Ordering::Acquire) {
            self.shared.live.failed(error);
        }
    }
}
