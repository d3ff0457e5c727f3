//! The rooms as an admin sees them: answers the questions of the control socket out of the other rooms.
//!
//! Not who may ask (`control`), and not the shapes (`listcore::api`).

mod admitted;
mod cancel;
mod copies;
mod failures;
mod held;
mod last_mile;
mod learn;
mod veil;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use listcore::address::Address;
use listcore::api;
use listcore::hold::{Choice, Reason};
use listcore::list::settings::{Key, Value};
use listcore::list::{List, ListId};
use listcore::recipients::{Recipient, Roster};
use listcore::time::Timestamp;

use crate::alarm::Alarm;
use crate::bounces::Bounces;
use crate::clock::Clock;
use crate::compose::Composer;
use crate::control::{Answer, Problem, Rooms, Sight, Wanted, report};
use crate::desk::Desk;
use crate::directory::{Freshness, Mode};
use crate::learning::Teacher;
use crate::members::{self, DirectoryStatus, Held, Members};
use crate::pipeline::Pipeline;
use crate::scheduler::Scheduler;
use crate::store::brake::Brakes;
use crate::store::digest::Digests;
use crate::store::failures::Failures;
use crate::store::held::Held as StoredHeld;
use crate::store::last_mile::RelayLog;
use crate::store::{Move, Originals, PostId, Report};
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

/// Posts that are tried at once when an admin releases a list; what is behind them is due soon anyway.
const RELEASE_AT_ONCE: usize = 10_000;

/// Mails that wait that are looked at to say how many an emergency holds.
const EMERGENCY_LOOK: usize = 1_000;

/// Where `listctl` gets its answers.
pub struct Office {
    pub plate: Plate,
    pub members: Arc<Members>,
    pub pipeline: Arc<Pipeline>,
    pub scheduler: Arc<Scheduler>,
    pub composer: Arc<Composer>,
    pub alarm: Arc<Alarm>,
    pub bounces: Arc<Bounces>,
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

    fn detail(&self, list: &List, sight: Sight) -> api::ListDetail {
        let (roster, veil) = (self.roster(list), self.veil(sight));
        let (owners, owners_protected) = veil.people(&self.members.owners(list));
        let about = self.members.about(&list.id).unwrap_or_default();
        api::ListDetail {
            id: list.id.0.clone(),
            dn: list.dn.clone(),
            address: list.address.to_string(),
            aliases: list.aliases.iter().map(ToString::to_string).collect(),
            name: list.name.clone(),
            description: list.description.clone(),
            settings: veil.settings(list.settings.clone()),
            expires: list.expires,
            sources: about.sources.clone(),
            local_only: about.local_only,
            problems: about.problems.clone(),
            owners,
            owners_protected,
            recipients: roster.recipients.len(),
            skipped: roster.skipped.len(),
        }
    }

    /// A setting of a list, and where it comes from.
    fn decisive(&self, list: &List, key: Key) -> api::Decisive {
        let value = match (key, list.expires) {
            (Key::Expires, Some(at)) => at.0.to_string(),
            (Key::Expires, None) => String::new(),
            _ => Value::of(key, &list.settings).to_string(),
        };
        let about = self.members.about(&list.id);
        let source = about.and_then(|about| about.sources.get(&key).copied());
        api::Decisive { key, value, source }
    }

    /// A list by address, id, or a short name that only one list has.
    fn find(&self, name: &str) -> Answer<Arc<List>> {
        let lists = self.members.lists();
        let exact = |list: &&Arc<List>| {
            list.id.0 == name
                || std::iter::once(&list.address)
                    .chain(&list.aliases)
                    .any(|a| a.to_string().eq_ignore_ascii_case(name))
        };
        if let Some(list) = lists.iter().find(exact) {
            return Ok(list.clone());
        }
        let short = |list: &&Arc<List>| {
            list.name.eq_ignore_ascii_case(name) || list.address.local().eq_ignore_ascii_case(name)
        };
        let mut named = lists.iter().filter(short);
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(only.clone()),
            (Some(_), Some(_)) => Err(Problem::bad_request(
                format!("more than one list is called {name}"),
                "Name it by its address; `listctl lists` shows all.",
            )),
            (None, _) => Err(Problem::not_found(
                format!("there is no list {name}"),
                "`listctl lists` shows all. A group is a list when it has a mail address in one of the domains.",
            )),
        }
    }

    /// A list that is there, or one that is gone and held: its id and address.
    fn held_or_there(&self, name: &str, held: &[Held]) -> Answer<(String, Option<Address>)> {
        let called = |h: &&Held| {
            let address = h.address.as_ref();
            h.name == name
                || address.is_some_and(|a| {
                    a.to_string().eq_ignore_ascii_case(name) || a.local().eq_ignore_ascii_case(name)
                })
        };
        match self.find(name) {
            Ok(list) => Ok((list.id.0.clone(), Some(list.address.clone()))),
            Err(problem) => {
                held.iter().find(called).map(|h| (h.name.clone(), h.address.clone())).ok_or(problem)
            }
        }
    }

    /// Logs and stores what an admin decided, and lets the mail go that waited for it.
    async fn released(&self, lists: &[Held], what: &str, who: &str) -> Answer<()> {
        for one in lists {
            let list = one.address.as_ref().map_or("all lists".to_owned(), ToString::to_string);
            tracing::warn!(
                who,
                list,
                before = one.accepted,
                now = one.now,
                "an admin {what} what the directory says"
            );
        }
        self.alarm.measure().await;
        let all = lists.iter().any(|h| h.address.is_none());
        let hit = |id: &str| all || lists.iter().any(|h| h.name == id);
        for post in self.store.waiting(RELEASE_AT_ONCE).await? {
            if hit(&post.frozen.list.0) {
                self.scheduler.retry_now(Some(post.id)).await?;
            }
        }
        Ok(())
    }

    /// Lists of those that are meant of which all mail waits.
    async fn stopped_where(&self, meant: impl Fn(&List) -> bool) -> Answer<api::Stopped> {
        let all = self.members.lists();
        let stopped = all.iter().filter(|list| list.settings.emergency && meant(list));
        let source = |list: &List| {
            let about = self.members.about(&list.id)?;
            about.sources.get(&Key::Emergency).copied()
        };
        let lists = stopped.map(|list| (list.address.to_string(), source(list))).collect();
        let held = self.store.held_on(None, EMERGENCY_LOOK).await?;
        let at = |list: &ListId| all.iter().any(|known| known.id == *list && meant(known));
        let waits = |held: &&StoredHeld| held.reason == Reason::Emergency && at(&held.list);
        Ok(api::Stopped { lists, waiting: held.iter().filter(waits).count() })
    }

    fn roster(&self, list: &List) -> Arc<Roster> {
        self.members.roster(&list.id).unwrap_or_default()
    }
}

fn settings_key(name: &str) -> Answer<Key> {
    Key::from_name(name).ok_or_else(|| {
        let all: Vec<&str> = Key::ALL.into_iter().map(Key::name).collect();
        Problem::bad_request(
            format!("{name:?} can't be set for a list"),
            format!("These can: {}.", all.join(", ")),
        )
    })
}

/// Every text of the value, not only one that could stand.
fn makes_sense(key: Key, texts: &[String]) -> Answer<()> {
    let wrong = |found: &str| {
        Problem::bad_request(
            format!("{} = {found:?} makes no sense", key.name()),
            format!("Expected: {}.", key.expected()),
        )
    };
    match Value::read(key, "listctl list set", texts.iter().map(String::as_str)) {
        None => Err(wrong("")),
        Some(said) => match said.rejected.first() {
            Some(bad) => Err(wrong(&bad.value)),
            None => Ok(()),
        },
    }
}

fn shown_reply(reply: &lmtp::reply::Reply) -> String {
    let mut line = Vec::new();
    reply.write(&mut line);
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

/// The directory's state in the words of the control API.
fn directory_state(status: DirectoryStatus) -> api::DirectoryState {
    let mode = match status.mode {
        Mode::File => "file",
        Mode::Sync => "refreshAndPersist",
        Mode::Poll => "poll, everything",
        Mode::PollChanges => "poll, changes since",
    };
    api::DirectoryState {
        url: status.url,
        mode: mode.to_owned(),
        freshness: match status.freshness {
            Freshness::Fresh => api::Freshness::Fresh,
            Freshness::Stale { .. } => api::Freshness::Stale,
            Freshness::Never => api::Freshness::Never,
        },
        as_of: status.fresh_at,
        people: status.people,
        groups: status.groups,
        lists: status.lists,
        held: status.held.len(),
        last_error: status.last_error,
        warnings: status.warnings,
    }
}

fn held(held: &Held) -> api::Held {
    api::Held {
        list: held.address.as_ref().map(ToString::to_string),
        title: held.title.clone(),
        since: held.since,
        accepted: held.accepted,
        now: held.now,
        rejected: held.rejected,
        gone: held.gone,
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
            directory: directory_state(self.members.status(now)),
            queue: report::queue_state(&self.store.counts().await?),
            relay: relay_state(&facts.relay, self.scheduler.status()),
            later,
        })
    }

    async fn lists(&self) -> Answer<Vec<api::ListLine>> {
        let line = |list: &Arc<List>| {
            let roster = self.roster(list);
            api::ListLine {
                address: list.address.to_string(),
                name: list.name.clone(),
                description: list.description.clone(),
                recipients: roster.recipients.len(),
                skipped: roster.skipped.len(),
                expires: list.expires,
            }
        };
        Ok(self.members.lists().iter().map(line).collect())
    }

    async fn list(&self, list: &str, sight: Sight) -> Answer<api::ListDetail> {
        let list = self.find(list)?;
        Ok(self.detail(&list, sight))
    }

    async fn set(&self, ask: api::Set) -> Answer<api::ListDetail> {
        let _changing = self.changing.lock().await;
        let list = self.find(&ask.list)?;
        let key = settings_key(&ask.key)?;
        if let Some(texts) = &ask.value {
            makes_sense(key, texts)?;
        }
        let (id, value) = (list.id.clone(), ask.value);
        let change = Move::Override { list: id.clone(), key, value: value.clone() };
        self.store.commit(vec![change]).await?;
        self.members.set_override(&id, key, value.as_deref());
        tracing::info!(list = %list.address, key = key.name(), ?value, "an admin changed a setting");
        Ok(self.detail(&self.members.list(&id).unwrap_or(list), Sight::Veiled))
    }

    async fn stopped(&self) -> Answer<api::Stopped> {
        self.stopped_where(|_| true).await
    }

    async fn emergency(&self, ask: api::Emergency, who: &str) -> Answer<api::Stopped> {
        let _changing = self.changing.lock().await;
        let domain = ask.place.to_ascii_lowercase();
        let whole = self.members.is_domain(&domain);
        let id = if whole { members::whole(&domain) } else { self.find(&ask.place)?.id.clone() };
        let value = ask.on.then(|| vec!["true".to_owned()]);
        let change = Move::Override { list: id.clone(), key: Key::Emergency, value: value.clone() };
        self.store.commit(vec![change]).await?;
        self.members.set_override(&id, Key::Emergency, value.as_deref());
        tracing::warn!(who, place = ask.place, on = ask.on, "an admin changed an emergency");
        self.stopped_where(
            |list| if whole { list.address.domain() == domain } else { list.id == id },
        )
        .await
    }

    async fn members(&self, list: &str, sight: Sight) -> Answer<api::Members> {
        let list = self.find(list)?;
        let (roster, veil) = (self.roster(&list), self.veil(sight));
        let now = (self.clock)();
        let choice = |who: &Recipient| self.members.choice(&list.id, who);
        let (muted, gets): (Vec<Recipient>, Vec<Recipient>) = roster
            .recipients
            .iter()
            .cloned()
            .partition(|who| choice(who).is_some_and(|choice| choice.options.is_muted(now)));
        let paused = self.bounces.paused(list.address.domain()).await?;
        let why = |who: &Recipient| paused.iter().find(|(a, _)| a.same_as(&who.address));
        let (without, with): (Vec<Recipient>, Vec<Recipient>) =
            gets.into_iter().partition(|who| why(who).is_some());
        let (recipients, recipients_protected) = veil.people(&with);
        let (mut skipped, mut skipped_protected) = veil.skipped(&roster);
        let (shown, hidden) = veil.people(&without);
        skipped_protected += hidden;
        skipped.extend(shown.into_iter().map(|person| {
            let said = paused.iter().find(|(a, _)| a.to_string() == person.address);
            let said = said.map_or("", |(_, paused)| paused.said.as_str());
            api::Skipped {
                why: format!("paused, her address takes no mail: {said}"),
                what: person.address,
            }
        }));
        for who in muted {
            let Some(choice) = choice(&who) else { continue };
            let (seen, hidden) = veil.people(&[who]);
            skipped.extend(seen.into_iter().map(|person| veil::quiet(person, &choice)));
            skipped_protected += hidden;
        }
        let digests = veil.gathers(&with, |who| choice(who).map(|choice| choice.options));
        Ok(api::Members {
            list: list.address.to_string(),
            recipients,
            skipped,
            recipients_protected,
            skipped_protected,
            admitted: self.let_in(&list, &roster, &veil),
            digests,
        })
    }

    async fn admit(&self, ask: api::Admit, who: &str) -> Answer<api::Changed> {
        self.admitted(ask, who).await
    }

    async fn dismiss(&self, ask: api::Dismiss, who: &str) -> Answer<api::Changed> {
        self.dismissed(ask, who).await
    }

    async fn resume(&self, address: &str, who: &str) -> Answer<api::Resumed> {
        let parsed = admitted::written(address)?;
        let domains = self.bounces.resume(&parsed).await?;
        if domains.is_empty() {
            return Err(Problem::not_found(
                format!("{parsed} is not paused"),
                "`listctl list members` shows who is, below those who get the mail.",
            ));
        }
        tracing::warn!(who, "an admin ended the pause of an address");
        Ok(api::Resumed { address: parsed.to_string(), domains })
    }

    async fn queue(&self, limit: usize, sight: Sight) -> Answer<api::Queue> {
        let mut waiting = self.store.waiting(limit.saturating_add(1)).await?;
        let more = waiting.len() > limit;
        waiting.truncate(limit);
        let mut posts = Vec::with_capacity(waiting.len());
        for post in waiting {
            if let Some(account) = self.store.account(post.id).await? {
                posts.push(self.veil(sight).line(account));
            }
        }
        let brakes = self.brakes().await?;
        for line in &mut posts {
            line.braked = brakes.get(&line.id).cloned();
        }
        Ok(api::Queue { posts, more })
    }

    async fn post(&self, id: u64, sight: Sight) -> Answer<api::Post> {
        match self.store.account(PostId(id)).await? {
            Some(account) => {
                let mut post = self.whole(account, &self.veil(sight)).await?;
                post.line.braked = self.brakes().await?.remove(&post.line.id);
                Ok(post)
            }
            None => Err(Problem::not_found(
                format!("there is no post {id}"),
                "`listctl queue` shows what waits; what is finished is kept 30 days.",
            )),
        }
    }

    async fn retry(&self, id: Option<u64>) -> Answer<api::Retried> {
        let recipients = match id {
            Some(id) => {
                let counts = self.post(id, Sight::Veiled).await?.line.counts;
                counts.waiting + counts.deferred
            }
            None => {
                let counts = self.store.counts().await?;
                counts.recipients_waiting + counts.recipients_deferred
            }
        };
        self.scheduler.retry_now(id.map(PostId)).await?;
        Ok(api::Retried { recipients })
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
        let (accounts, events) = self.store.trace(message_id).await?;
        let veil = self.veil(sight);
        let mut posts = Vec::with_capacity(accounts.len());
        for account in accounts {
            posts.push(self.whole(account, &veil).await?);
        }
        let held = self.store.held_as(message_id).await?;
        let held = held.iter().map(|held| veil.held(held)).collect();
        Ok(api::Trace { held, ..veil.trace(message_id, posts, &events) })
    }

    async fn simulate(&self, list: &str, mail: Bytes, wanted: Wanted) -> Answer<api::Simulation> {
        let list = self.find(list)?;
        let (roster, veil) = (self.roster(&list), self.veil(wanted.sight));
        let trial = self.pipeline.trial(list.clone(), mail.clone(), wanted.as_verified).await;
        let mut rendered = match &trial.post {
            Some(post) if wanted.copies || wanted.diff => {
                let plain = |who: &Recipient| self.members.wants_plain(&list.id, who);
                copies::of(&self.composer, post, &mail, &plain, wanted.diff, (self.clock)())?
            }
            _ => Vec::new(),
        };
        let accepted = trial.post.is_some();
        let all = trial.post.map(|post| post.recipients).unwrap_or_default();
        let (recipients, recipients_protected) = veil.people(&all);
        let (skipped, skipped_protected) = veil.skipped(&roster);
        let shown: usize = rendered.iter().map(|copy| copy.to.len()).sum();
        let left_out = if wanted.copies { all.len().saturating_sub(shown) } else { 0 };
        for to in rendered.iter_mut().flat_map(|copy| &mut copy.to) {
            *to = veil.text(to);
        }
        Ok(api::Simulation {
            list: list.address.to_string(),
            accepted,
            rule: veil.text(&trial.rule),
            waits: trial.waits.map(|reason| reason.as_str().to_owned()),
            setting: trial.setting.map(|key| self.decisive(&list, key)),
            reply: veil.text(&shown_reply(&trial.reply)),
            author: veil.text(&trial.author),
            scan: trial.scan,
            notes: trial.notes,
            copies_left_out: left_out,
            recipients,
            skipped,
            recipients_protected,
            skipped_protected,
            copies: rendered,
        })
    }

    async fn directory(&self) -> Answer<api::DirectoryDetail> {
        let now = (self.clock)();
        let status = self.members.status(now);
        Ok(api::DirectoryDetail {
            now,
            csn: status.csn.clone(),
            held: status.held.iter().map(held).collect(),
            state: directory_state(status),
        })
    }

    async fn directory_diff(
        &self,
        list: Option<&str>,
        sight: Sight,
    ) -> Answer<Vec<api::Difference>> {
        let all = self.members.held();
        let chosen = match list {
            None => all.iter().map(|h| (h.name.clone(), h.address.clone())).collect(),
            Some(name) => vec![self.held_or_there(name, &all)?],
        };
        let line = |(name, address): (String, Option<Address>)| {
            let known = self.members.difference(&name)?;
            let held = all.iter().find(|h| h.name == name);
            let [(went, went_protected), (came, came_protected)] = self.veil(sight).changes(&known);
            Some(api::Difference {
                list: address.map(|address| address.to_string()),
                held_since: held.map(|h| h.since),
                accepted: known.accepted,
                now: held.map_or(known.now, |h| h.now),
                went,
                came,
                went_protected,
                came_protected,
            })
        };
        Ok(chosen.into_iter().filter_map(line).collect())
    }

    async fn directory_accept(&self, list: Option<&str>, who: &str) -> Answer<Vec<api::Held>> {
        let all = self.members.held();
        let name = list.map(|list| self.held_or_there(list, &all)).transpose()?;
        let names = name.map(|(name, _)| vec![name]);
        let accepted = self.members.accept(names.as_deref());
        self.released(&accepted, "accepted", who).await?;
        Ok(accepted.iter().map(held).collect())
    }

    async fn directory_reject(&self, who: &str) -> Answer<Vec<api::Held>> {
        let rejected = self.members.reject();
        self.released(&rejected, "rejected", who).await?;
        Ok(rejected.iter().map(held).collect())
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
