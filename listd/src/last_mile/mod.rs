//! The last mile: what the recipients' own servers answered, read from the relay's (Exim's) main log as it grows.
//!
//! The store tells which copies the relay has, by its names for them; lines about other mail are read and forgotten.
//! Not what a line says (`listcore::exim_log`), and nothing follows from it here: `listctl trace` and the figures show it.

mod copies;
mod place;
mod tail;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use listcore::address::Address;
use listcore::exim_log::{self, Answer, Heard, What, without};
use listcore::outcome::{Outcome, Reply};
use listcore::provider::{answer_word, provider, reason};
use listcore::time::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::copies::Copies;
use self::place::Place;
use self::tail::{LINES, Tail};
use crate::clock::Clock;
use crate::store::last_mile::{LastMile, RelayLog, Said};
use crate::store::{BatchId, Move, StoreError};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Where nothing was about us, the place in the log is kept this often: a commit is a sync of the disk.
const KEEP_PLACE: Duration = Duration::from_secs(30);
/// Exim may be faster than our commit: a line about an unknown message waits so long to become ours.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines that wait so at most; what comes beyond pushes out the oldest.
const STRANGERS: usize = 5_000;
/// Exim gives up after four days, many relays after five.
const LONGEST: Duration = Duration::from_secs(6 * 24 * 3600);
/// Longest answer that is kept by provider (characters).
const WORDS: usize = 200;

/// What it takes to follow a log.
pub struct Parts {
    pub path: PathBuf,
    pub store: Arc<dyn RelayLog>,
    /// A witness of the store already.
    pub copies: Arc<Copies>,
    pub clock: Clock,
}

/// Follows the log until `stop`. Trouble is told once, and tried again.
pub async fn run(parts: Parts, stop: CancellationToken) {
    let mut follower = Follower::new(parts);
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = stop.cancelled() => break,
        }
        follower.look().await;
    }
    follower.look().await;
    follower.keep(true).await;
}

/// A line about a message that may turn out to be ours.
struct Stranger {
    seen: Timestamp,
    queue_id: String,
    at: Timestamp,
    what: What,
}

struct Follower {
    parts: Parts,
    /// `None` until the store has told where to go on.
    tail: Option<Tail>,
    strangers: VecDeque<Stranger>,
    /// Not committed yet.
    heard: Vec<(BatchId, u16, Outcome)>,
    said: BTreeMap<(Timestamp, String, &'static str, &'static str), (u64, String)>,
    kept: Timestamp,
    kept_place: Option<Place>,
    trouble: Option<String>,
}

impl Follower {
    fn new(parts: Parts) -> Follower {
        Follower {
            parts,
            tail: None,
            strangers: VecDeque::new(),
            heard: Vec::new(),
            said: BTreeMap::new(),
            kept: Timestamp(0),
            kept_place: None,
            trouble: None,
        }
    }

    /// Reads what is new, and commits what it says.
    async fn look(&mut self) {
        let known = match self.begun().await {
            Ok(()) => self.read().await,
            Err(error) => Err(format!("the store can't be read: {error}")),
        };
        match known {
            Ok(()) if self.trouble.take().is_some() => tracing::info!("relay.log is read again"),
            Ok(()) => {}
            Err(why) if self.trouble.as_ref() == Some(&why) => {}
            Err(why) => {
                let path = self.parts.path.display();
                tracing::error!(
                    "relay.log = {path} can't be followed: {why}; until it can, listctl trace ends with the relay's \
                     answer (on Debian the daemon's user must be in the group adm)"
                );
                self.trouble = Some(why);
            }
        }
    }

    /// At the start: where reading goes on, and which copies the relay has.
    async fn begun(&mut self) -> Result<(), StoreError> {
        if self.tail.is_some() {
            return Ok(());
        }
        let Parts { path, store, copies, clock } = &self.parts;
        let place = Place::from_stored(&store.position().await?);
        let since = clock() - LONGEST;
        copies.add(store.underway(since, copies::MOST).await?);
        self.kept_place = place;
        self.tail = Some(Tail::new(path.clone(), place));
        Ok(())
    }

    async fn read(&mut self) -> Result<(), String> {
        loop {
            let Some(mut tail) = self.tail.take() else { return Ok(()) };
            let read = tokio::task::spawn_blocking(move || {
                let lines = tail.read();
                (tail, lines)
            });
            let (tail, lines) = read.await.map_err(|error| error.to_string())?;
            self.tail = Some(tail);
            let lines = lines.map_err(|error| error.to_string())?;
            let (whole, now) = (lines.len() < LINES, (self.parts.clock)());
            for line in &lines {
                self.take(line, now).await;
            }
            self.again(now).await;
            self.keep(false).await;
            if whole {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, text: &str, now: Timestamp) {
        let Some(line) = exim_log::line(text) else { return };
        if line.what == What::Other {
            return;
        }
        let at = place::instant(&line.at).unwrap_or(now);
        let (seen, queue_id) = (now, line.queue_id.to_owned());
        let stranger = Stranger { seen, queue_id, at, what: line.what };
        if let Some(stranger) = self.ours(stranger).await {
            if self.strangers.len() >= STRANGERS {
                self.strangers.pop_front();
            }
            self.strangers.push_back(stranger);
        }
    }

    /// Those that waited: some are known now, the oldest are nobody of ours.
    async fn again(&mut self, now: Timestamp) {
        for stranger in std::mem::take(&mut self.strangers) {
            if now.since(stranger.seen) > PATIENCE {
                continue;
            }
            if let Some(still) = self.ours(stranger).await {
                self.strangers.push_back(still);
            }
        }
    }

    /// Takes in what is about a copy of ours; gives back what is not (yet).
    async fn ours(&mut self, line: Stranger) -> Option<Stranger> {
        let Some(copies) = self.parts.copies.of(&line.queue_id) else { return Some(line) };
        match &line.what {
            What::Completed => self.parts.copies.forget(&line.queue_id),
            What::Heard(heard) => self.hear(&copies, heard, line.at).await,
            What::Other => {}
        }
        None
    }

    async fn hear(&mut self, copies: &[(BatchId, u16)], heard: &Heard, at: Timestamp) {
        self.count(heard, at);
        // A personal copy has one recipient, whatever the relay calls her.
        let copy = match copies {
            [one] => Some(*one),
            several => self.recipient_of(several, &heard.recipient).await,
        };
        if let Some((batch, index)) = copy {
            self.heard.push((batch, index, outcome(heard, at)));
        }
    }

    /// Which of the recipients of one transaction.
    async fn recipient_of(&self, copies: &[(BatchId, u16)], who: &str) -> Option<(BatchId, u16)> {
        let key = Address::parse(who).ok()?.key();
        let mut known: HashMap<BatchId, Vec<Option<Address>>> = HashMap::new();
        for (batch, index) in copies {
            if !known.contains_key(batch) {
                // What can't be read now is heard without its recipient: the relay's word stays.
                known.insert(*batch, self.parts.store.addresses(*batch).await.unwrap_or_default());
            }
            let address = known.get(batch).and_then(|all| all.get(usize::from(*index)));
            if address.is_some_and(|one| one.as_ref().is_some_and(|one| one.key() == key)) {
                return Some((*batch, *index));
            }
        }
        None
    }

    fn count(&mut self, heard: &Heard, at: Timestamp) {
        const DAY: i64 = 24 * 3600 * 1000;
        let day = Timestamp(at.0.div_euclid(DAY) * DAY);
        let domain = heard.recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        let why = reason(heard);
        let key =
            (day, provider(domain), answer_word(heard.answer), why.map_or("", |w| w.as_str()));
        let words = if why.is_some() { words(heard) } else { String::new() };
        let entry = self.said.entry(key).or_default();
        *entry = (entry.0 + 1, words);
    }

    /// Commits what was heard; where nothing was, the place in the log from time to time, or `now`.
    async fn keep(&mut self, at_once: bool) {
        let place = self.tail.as_ref().and_then(Tail::place);
        let now = (self.parts.clock)();
        let due = at_once || now.since(self.kept) >= KEEP_PLACE;
        if self.heard.is_empty() && self.said.is_empty() && (!due || place == self.kept_place) {
            return;
        }
        let said = self.said.iter().map(|((day, provider, answer, reason), (count, words))| Said {
            day: *day,
            provider: provider.clone(),
            answer: (*answer).to_owned(),
            reason: (*reason).to_owned(),
            count: *count,
            words: words.clone(),
        });
        let position = place.map(Place::to_stored).unwrap_or_default();
        let told = LastMile { heard: self.heard.clone(), said: said.collect(), position };
        // What can't be committed now is committed with the next; the log waits on the disk meanwhile.
        if let Err(error) = self.parts.store.commit(vec![Move::LastMile(told)]).await {
            tracing::error!(%error, "what the relay's log said can't be stored; it is tried again");
            return;
        }
        self.heard.clear();
        self.said.clear();
        (self.kept, self.kept_place) = (now, place);
    }
}

/// The answer with who gave it, and without whom it is about.
fn outcome(heard: &Heard, at: Timestamp) -> Outcome {
    let mut text = without(&heard.reply.text, &heard.recipient);
    if let Some(host) = &heard.host {
        text = format!("{text} [{host}]");
    }
    let reply = Reply { code: heard.reply.code, text };
    match heard.answer {
        Answer::Accepted => Outcome::Delivered { at, reply, queue_id: None },
        Answer::Deferred => Outcome::Deferred { at, attempts: 1, next: at, reply },
        Answer::Refused => Outcome::Failed { at, reply },
    }
}

fn words(heard: &Heard) -> String {
    let text = without(&heard.reply.text, &heard.recipient);
    let all = match heard.reply.code {
        0 => text,
        code => format!("{code} {text}"),
    };
    all.chars().take(WORDS).collect()
}

#[cfg(test)]
mod tests;
