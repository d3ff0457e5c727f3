//! Lists and their settings, for `listctl list` and `listctl emergency`: what each is, how it is named, what was set for it.
//!
//! Not who is on them: that is `recipients`.

use std::sync::Arc;

use listcore::api;
use listcore::hold::Reason;
use listcore::list::settings::{Key, Value};
use listcore::list::{List, ListId};

use super::Office;
use crate::control::{Answer, Problem, Sight};
use crate::members;
use crate::store::Move;
use crate::store::held::Held as StoredHeld;

/// Mails that wait that are looked at to say how many an emergency holds.
const EMERGENCY_LOOK: usize = 1_000;

impl Office {
    pub(super) fn all_lists(&self) -> Vec<api::ListLine> {
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
        self.members.lists().iter().map(line).collect()
    }

    pub(super) fn detail(&self, list: &List, sight: Sight) -> api::ListDetail {
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
    pub(super) fn decisive(&self, list: &List, key: Key) -> api::Decisive {
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
    pub(super) fn find(&self, name: &str) -> Answer<Arc<List>> {
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

    pub(super) async fn change_setting(&self, ask: api::Set) -> Answer<api::ListDetail> {
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

    pub(super) async fn change_emergency(
        &self,
        ask: api::Emergency,
        who: &str,
    ) -> Answer<api::Stopped> {
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

    /// Lists of those that are meant of which all mail waits.
    pub(super) async fn stopped_where(
        &self,
        meant: impl Fn(&List) -> bool,
    ) -> Answer<api::Stopped> {
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
