//! Watches over the safety catch (promise 6): measures after each change, stores what was accepted, logs what is
//! held, and tells the admins of a domain once, by a mail through the normal queue.
//!
//! What is held is `members`' decision, when somebody is told `decide`'s, the words are `listcore::notice`'s.

mod decide;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use listcore::address::Address;
use listcore::notice::letter::Words;
use listcore::notice::{self, Shrunk};
use listcore::recipients::Recipient;
use listcore::time::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Clock};
use crate::directory::{Freshness, Live};
use crate::letters::{Letter, Letters};
use crate::members::{Held, Members};
use crate::store::{Accepted, Done, DueBatch, Move, StoreError};
pub use decide::{Patience, Told};
use decide::{Say, decide};

/// Between two looks at what no change tells: how old the directory is.
const LOOK: Duration = Duration::from_secs(5);

/// Between two measurings where nothing changes: a small loss counts as accepted after a day.
const HOURLY: Duration = Duration::from_secs(3600);

/// While something is held the whole directory is asked for anew so often.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Changes of one moment are measured together.
const TOGETHER: Duration = Duration::from_millis(100);

/// Most who are told.
const MOST_ADMINS: usize = 100;

/// The name of trouble that is no list's: the directory gives no answer.
const SILENT: &str = "silent";

/// What the room is handed.
pub struct Watch {
    pub members: Arc<Members>,
    pub live: Arc<Live>,
    pub store: Arc<dyn Accepted>,
    /// Told of batches that are durable now.
    pub announce: Box<dyn Fn(Vec<DueBatch>) + Send + Sync>,
    pub letters: Letters,
    /// The language of each domain, as it is now.
    pub languages: Box<dyn Fn() -> Vec<(String, String)> + Send + Sync>,
    pub hostname: String,
    pub clock: Clock,
    pub patience: Patience,
}

/// The running room, for whoever changes what is held.
pub struct Alarm {
    watch: Watch,
    told: Mutex<HashMap<String, Told>>,
    /// Since when the directory is silent, as far as we saw; and what was logged of each list.
    seen: Mutex<Seen>,
    again: Notify,
    /// The generation of the replica that was measured last.
    measured: AtomicU64,
}

#[derive(Default)]
struct Seen {
    silent_since: Option<Timestamp>,
    logged: BTreeMap<String, bool>,
}

impl Alarm {
    /// Reads what was told earlier, and measures for the first time. `members` remember already what was accepted.
    ///
    /// # Errors
    /// The store can't be read: then nothing is known to measure against, and the daemon must not start.
    pub async fn start(watch: Watch) -> Result<Arc<Alarm>, StoreError> {
        let rows = watch.store.accepted().await?;
        let told = rows.iter().filter_map(|(name, data)| {
            Some((name.strip_prefix("told:")?.to_owned(), serde_json::from_slice(data).ok()?))
        });
        let told = Mutex::new(told.collect());
        let alarm = Alarm {
            watch,
            told,
            seen: Mutex::default(),
            again: Notify::new(),
            measured: AtomicU64::new(u64::MAX),
        };
        alarm.measure().await;
        Ok(Arc::new(alarm))
    }

    /// Until `stop`.
    pub async fn run(self: Arc<Alarm>, stop: CancellationToken) {
        let mut changes = self.watch.live.watch();
        let mut last = tokio::time::Instant::now();
        let mut asked = tokio::time::Instant::now();
        loop {
            if self.watch.live.generation() == self.measured.load(Ordering::Acquire) {
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    () = self.again.notified() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.cancelled() => return,
                }
            }
            // Access rules that are mended move no change number: only a refresh from nothing tells.
            if self.watch.members.holds_any() && asked.elapsed() >= ASK_AGAIN {
                asked = tokio::time::Instant::now();
                self.watch.live.ask_for_all();
            }
            let generation = self.watch.live.generation();
            if generation != self.measured.load(Ordering::Acquire) || last.elapsed() >= HOURLY {
                tokio::time::sleep(TOGETHER).await;
                changes.mark_unchanged();
                let begun = tokio::time::Instant::now();
                self.measure().await;
                last = tokio::time::Instant::now();
                // A burst of changes must not keep a processor busy: nothing depends on the measuring but the alarm.
                tokio::time::sleep((begun.elapsed() * 4).min(LOOK)).await;
            }
            self.tell().await;
        }
    }

    /// Measures all lists now and stores what follows, e.g. after an admin accepted.
    pub async fn measure(&self) {
        let (members, now) = (self.watch.members.clone(), (self.watch.clock)());
        self.measured.store(self.watch.live.generation(), Ordering::Release);
        let Ok(rows) = tokio::task::spawn_blocking(move || members.measure(now)).await else {
            tracing::error!("measuring the lists panicked; please report it");
            return;
        };
        if !rows.is_empty()
            && let Err(error) = self.watch.store.commit(vec![Move::Accepted(rows.clone())]).await
        {
            tracing::error!(%error, "what was accepted of the lists could not be stored; tried again with the next change");
            self.watch.members.not_stored(rows);
        }
        self.log();
        self.again.notify_one();
    }

    /// One line for each list that is held now, and one when it is not any more.
    fn log(&self) {
        let held = self.watch.members.held();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now: BTreeMap<String, bool> =
            held.iter().map(|h| (h.name.clone(), h.rejected)).collect();
        for one in held.iter().filter(|h| seen.logged.get(&h.name) != Some(&h.rejected)) {
            let list = one.address.as_ref().map_or("all lists".to_owned(), ToString::to_string);
            if one.rejected {
                tracing::warn!(
                    list,
                    "what the directory says was rejected: mail goes to those who were accepted before"
                );
            } else {
                tracing::error!(
                    list,
                    accepted = one.accepted,
                    now = one.now,
                    gone = one.gone,
                    "too many members are gone at once: mail waits; see listctl directory diff, then accept or mend it"
                );
            }
        }
        for name in seen.logged.keys().filter(|name| !now.contains_key(*name)) {
            tracing::info!(list = name, "no longer held: mail goes out again");
        }
        seen.logged = now;
    }

    /// Tells the admins of each domain what they must know and do not know yet.
    async fn tell(&self) {
        let now = (self.watch.clock)();
        let silent = self.silent_since(now);
        let held = self.watch.members.held();
        for (domain, language) in (self.watch.languages)() {
            let here: Vec<&Held> = held
                .iter()
                .filter(|h| !h.rejected)
                .filter(|h| h.address.as_ref().is_none_or(|a| a.domain() == domain))
                .collect();
            let mut trouble: BTreeMap<String, Timestamp> =
                here.iter().map(|h| (h.name.clone(), h.since)).collect();
            trouble.extend(silent.map(|since| (SILENT.to_owned(), since)));
            let mut told = self.told_of(&domain);
            let before = told.clone();
            let say = decide(&mut told, &trouble, self.watch.patience, now);
            if told == before {
                continue;
            }
            let words = |language: &str| match say {
                Say::Nothing => None,
                Say::Alarm => Some(notice::alarm(language, &self.facts(&here, silent))),
                Say::Resolved => Some(notice::resolved(language, &self.watch.hostname)),
            };
            let letters = match say {
                Say::Nothing => Vec::new(),
                Say::Alarm | Say::Resolved => self.letters(&domain, &language, &words),
            };
            if let Err(error) = self.send(&domain, letters, &told, now).await {
                tracing::error!(%error, domain, "the admins could not be told that mail waits; tried again");
                continue;
            }
            self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(domain, told);
        }
    }

    fn told_of(&self, domain: &str) -> Told {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(domain).cloned().unwrap_or_default()
    }

    /// Since when mail waits because the directory gives no answer; `None` while it does.
    fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        let fresh = self.watch.members.freshness(now) == Freshness::Fresh;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh {
            seen.silent_since = None;
        } else {
            seen.silent_since.get_or_insert(now);
        }
        seen.silent_since
    }

    fn facts(&self, held: &[&Held], silent: Option<Timestamp>) -> notice::Alarm {
        let health = self.watch.live.health();
        let error = health.last_error.unwrap_or_else(|| "-".to_owned());
        let since = silent.map(|since| clock::rfc5322(health.fresh_at.unwrap_or(since)));
        let shrunk = |h: &&Held| Shrunk {
            address: h.address.as_ref().map(ToString::to_string),
            accepted: h.accepted,
            now: h.now,
        };
        notice::Alarm {
            host: self.watch.hostname.clone(),
            shrunk: held.iter().map(shrunk).collect(),
            silent: since.map(|since| (error, since)),
        }
    }

    /// One to each admin, in a language of her own.
    fn letters(
        &self,
        domain: &str,
        language: &str,
        words: &dyn Fn(&str) -> Option<Words>,
    ) -> Vec<Letter> {
        let admins = self.watch.members.admins(domain);
        if admins.is_empty() {
            tracing::warn!(
                domain,
                "nobody is told that mail waits, or goes out again: domain.admins is empty or leads to nobody"
            );
        }
        let Ok(address) = Address::new("postmaster", domain) else { return Vec::new() };
        let letter = |to: Recipient| {
            let spoken = notice::language([to.language.as_deref().unwrap_or_default(), language]);
            Some(Letter::to_admin(to, words(spoken)?, address.clone()))
        };
        admins.into_iter().take(MOST_ADMINS).filter_map(letter).collect()
    }

    /// The letters and the note that they were sent become durable together.
    async fn send(
        &self,
        domain: &str,
        letters: Vec<Letter>,
        told: &Told,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let note = serde_json::to_vec(told).map_err(|e| StoreError::Failed(e.to_string()))?;
        let mut moves = vec![Move::Accepted(vec![(format!("told:{domain}"), Some(note))])];
        let mut announced = Vec::new();
        for letter in &letters {
            let (mail, post) = self.watch.letters.write(letter, now);
            announced.extend(post.due(now));
            moves.push(Move::accept(mail, vec![post]));
        }
        let done = self.watch.store.commit(moves).await?;
        if let Some(Done::Rejected(why)) = done.into_iter().find(|d| matches!(d, Done::Rejected(_)))
        {
            return Err(StoreError::Failed(why));
        }
        (self.watch.announce)(announced);
        Ok(())
    }
}
