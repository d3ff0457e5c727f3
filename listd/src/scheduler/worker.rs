//! One connection's work: take a unit, ask who still gets it, render, send, hand the outcomes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use listcore::outcome::{Dropped, Outcome, Reply};
use listcore::recipients::Recipient;
use listcore::retry;
use listcore::rewrite::{Edition, Frozen};
use listcore::time::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::agenda::{self, Pick, Unit};
use super::cache::Loaded;
use super::settle::Settlement;
use super::{Brake, Core, Deck, NoCopy, NotNow, Render, Settings, StillGets};
use crate::delivery::{Connection, Copy, Entry, Fate, Relay, Sent};
use crate::store::{Batch, BatchId, PostId, RecipientRef};

/// Personal copies whose outcome may be uncommitted at a time, per connection (promise 2).
pub const WINDOW: u32 = 8;

/// Octets that count as one more turn of the list.
const TURN: u64 = 256 * 1024;

/// What all workers share.
pub struct Bench<R: Render> {
    pub core: Arc<Core>,
    pub deck: Arc<Deck<R>>,
    pub render: Arc<R>,
    pub members: Arc<dyn StillGets>,
    pub relay: Relay,
    pub settings: Settings,
    pub outcomes: mpsc::UnboundedSender<Settlement>,
}

impl<R: Render> Bench<R> {
    pub fn edition(&self, post: &Frozen, who: &Recipient) -> Edition {
        self.render.edition(post, who, self.members.plain(post, who))
    }
}

/// A loaded batch in work.
pub struct Work<V> {
    pub batch: Arc<Batch>,
    pub loaded: Arc<Loaded<V>>,
    pub shared: bool,
}

impl<V> Clone for Work<V> {
    fn clone(&self) -> Work<V> {
        Work { batch: self.batch.clone(), loaded: self.loaded.clone(), shared: self.shared }
    }
}

/// A unit that was claimed. Dropped without [`Claim::done`] it goes back, so that a panic loses nobody.
struct Claim<'a> {
    core: &'a Core,
    batch: BatchId,
    unit: Unit,
}

impl Claim<'_> {
    fn done(&mut self) -> Unit {
        std::mem::take(&mut self.unit)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.unit.is_empty() {
            let unit = std::mem::take(&mut self.unit);
            self.core.state().agenda.put_back(self.batch, unit);
            self.core.wake.notify_waiters();
        }
    }
}

/// Runs until the scheduler stops.
pub async fn run<R: Render>(bench: Arc<Bench<R>>) {
    let mut worker = Worker {
        bench,
        connection: None,
        window: Arc::new(Semaphore::new(WINDOW as usize)),
        probe: false,
    };
    while worker.turn().await {}
    if let Some(connection) = worker.put_down() {
        connection.quit().await;
    }
}

struct Worker<R: Render> {
    bench: Arc<Bench<R>>,
    connection: Option<Connection>,
    /// Outcomes that are not committed yet.
    window: Arc<Semaphore>,
    /// We are the one who finds out whether the relay is back.
    probe: bool,
}

impl<R: Render> Drop for Worker<R> {
    fn drop(&mut self) {
        if self.connection.is_some() {
            self.bench.core.state().connections -= 1;
        }
        if self.probe {
            self.bench.core.state().gate.leave();
            self.bench.core.wake.notify_waiters();
        }
    }
}

/// What a worker waits for.
enum Wait {
    Go { probe: bool },
    Until(Option<Timestamp>),
    Stop,
}

impl<R: Render> Worker<R> {
    /// One step; false when it is time to go.
    async fn turn(&mut self) -> bool {
        if !self.wait().await {
            return false;
        }
        let bench = self.bench.clone();
        if self.connect().await
            && let Some((claim, work)) = claim(&bench).await
        {
            self.deliver(claim, work).await;
        }
        if std::mem::take(&mut self.probe) {
            self.bench.core.state().gate.leave();
            self.bench.core.wake.notify_waiters();
        }
        true
    }

    /// Until there is something to do and the relay may be tried. False = stop.
    async fn wait(&mut self) -> bool {
        let core = self.bench.core.clone();
        loop {
            let woken = core.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let until = match core.what_now() {
                Wait::Stop => return false,
                Wait::Go { probe } => {
                    self.probe = probe;
                    return true;
                }
                Wait::Until(until) => until,
            };
            let due = async {
                match until {
                    Some(at) => core.timer.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let idle = tokio::time::sleep(self.bench.settings.idle);
            tokio::select! {
                () = woken => {}
                () = due => {}
                () = idle, if self.connection.is_some() => self.hang_up(),
            }
        }
    }

    fn put_down(&mut self) -> Option<Connection> {
        let connection = self.connection.take()?;
        self.bench.core.state().connections -= 1;
        Some(connection)
    }

    /// Says goodbye in the background: a relay that is slow to answer must not keep the next copy waiting.
    fn hang_up(&mut self) {
        if let Some(connection) = self.put_down() {
            tokio::spawn(connection.quit());
        }
    }

    /// There is a connection that can take a copy. Tells the gate where there is none to be had.
    async fn connect(&mut self) -> bool {
        if self.connection.as_mut().is_some_and(Connection::is_usable) {
            return true;
        }
        self.hang_up();
        let core = &self.bench.core;
        let connected = tokio::select! {
            connected = self.bench.relay.connect() => connected,
            () = core.stop.cancelled() => return false,
        };
        match connected {
            Ok(connection) => {
                core.state().connections += 1;
                self.connection = Some(connection);
                true
            }
            Err(why) => {
                self.relay_failed(why);
                false
            }
        }
    }

    fn relay_failed(&mut self, why: String) {
        let core = &self.bench.core;
        tracing::warn!(%why, "the relay is in trouble, all copies wait a little");
        let now = core.timer.now();
        let mut state = core.state();
        state.relay_troubles += 1;
        state.gate.failed(now, why, self.probe, now.0.unsigned_abs());
        drop(state);
        self.probe = false;
        core.wake.notify_waiters();
    }

    fn relay_denied(&mut self, why: String) {
        let core = &self.bench.core;
        let now = core.timer.now();
        let mut state = core.state();
        state.relay_denials += 1;
        let told = why.clone();
        let news = state.gate.denied(now, told, self.probe, now.0.unsigned_abs());
        drop(state);
        self.probe = false;
        core.wake.notify_waiters();
        if news {
            tracing::error!(
                %why,
                "the relay does not take copies from us; they wait until its setup, or [relay], is mended"
            );
        }
    }

    fn relay_answered(&mut self) {
        self.probe = false;
        let core = &self.bench.core;
        let over = core.state().gate.succeeded();
        if over {
            tracing::info!("the relay takes copies again");
            core.wake.notify_waiters();
        }
    }

    /// From a claimed unit to its outcomes.
    async fn deliver(&mut self, mut claim: Claim<'_>, work: Work<R::Variant>) {
        let permits = if work.shared { WINDOW } else { 1 };
        let Ok(permit) = self.window.clone().acquire_many_owned(permits).await else { return };
        let now = self.bench.core.timer.now();
        let (to, mut outcomes) = self.sift(&claim.unit, &work, now).await;
        if !to.is_empty() {
            let Some(fates) = self.attempt(&work, &to).await else { return };
            let now = self.bench.core.timer.now();
            let results = to.iter().zip(fates);
            outcomes.extend(results.map(|((i, ..), fate)| (*i, outcome(&work, *i, fate, now))));
        }
        // Whoever got no fate would wait for ever: the unit goes back unless all have one.
        if outcomes.len() == claim.unit.len() {
            claim.done();
            self.settle(&work.batch, outcomes, permit);
        }
    }

    fn settle(&self, batch: &Batch, outcomes: Vec<(u16, Outcome)>, permit: OwnedSemaphorePermit) {
        let presses = self.window.available_permits() <= WINDOW as usize / 2;
        let settlement = Settlement { batch: batch.id, outcomes, presses, _permit: permit };
        self.bench.core.state().uncommitted += settlement.outcomes.len();
        if self.bench.outcomes.send(settlement).is_err() {
            tracing::error!("outcomes can't be committed any more: the scheduler is gone");
        }
    }

    /// Who is to get it now; and outcomes for those who are not.
    async fn sift(&self, unit: &[u16], work: &Work<R::Variant>, now: Timestamp) -> Sifted {
        let post = &work.loaded.post;
        let all = |outcome: Outcome| unit.iter().map(|i| (*i, outcome.clone())).collect();
        let brake = self.bench.core.state().brake(post.id, now);
        match brake {
            Brake::Over => return (Vec::new(), all(retry::braked(now))),
            Brake::Cancelled => {
                return (Vec::new(), all(Outcome::Dropped { at: now, why: Dropped::Cancelled }));
            }
            Brake::Off | Brake::Until(_) => {}
        }
        let (mut to, mut outcomes) = (Vec::with_capacity(unit.len()), Vec::new());
        for &i in unit {
            let at = usize::from(i);
            let Some(Some((who, recipient))) = work.batch.recipients.get(at) else {
                outcomes.push((i, Outcome::Dropped { at: now, why: Dropped::Erased }));
                continue;
            };
            let still = self.bench.members.still_gets(&post.frozen, recipient, now);
            let before = work.batch.outcomes.get(at);
            if let Some(outcome) =
                self.elsewhere(&post.frozen, recipient, (still, before), now).await
            {
                outcomes.push((i, outcome));
                continue;
            }
            match still {
                Ok(()) => to.push((i, *who, recipient.clone())),
                Err(NotNow::Dropped(why)) => outcomes.push((i, Outcome::Dropped { at: now, why })),
                Err(NotNow::Unsure) => {
                    outcomes.push((i, waits_for_directory(before, now)));
                }
            }
        }
        (to, outcomes)
    }

    /// For a mail that names several lists: she has it by another one, or that is not sure yet. `None`: this list sends it,
    /// if any does. Where both gather it for digests, it is the digest that has it once.
    async fn elsewhere(
        &self,
        post: &Frozen,
        who: &Recipient,
        (still, before): (Result<(), NotNow>, Option<&Outcome>),
        now: Timestamp,
    ) -> Option<Outcome> {
        let gathers = still == Err(NotNow::Dropped(Dropped::Digest));
        if !(still.is_ok() || gathers) {
            return None;
        }
        let mut open = false;
        for copy in post.once.as_ref()?.copies(who) {
            let (batch, index) = BatchId::at(PostId(copy.post), copy.place);
            match self.bench.core.queue.outcome(batch, index).await {
                Ok(Some(Outcome::Dropped { why: Dropped::Digest, .. })) if gathers => {}
                Ok(Some(
                    Outcome::Delivered { .. }
                    | Outcome::Failed { .. }
                    | Outcome::Dropped { why: Dropped::Digest, .. },
                )) => return Some(Outcome::Dropped { at: now, why: Dropped::Elsewhere }),
                Ok(Some(Outcome::Dropped { .. }) | None) => {}
                Ok(Some(Outcome::Waiting | Outcome::Deferred { .. })) | Err(_) => open = true,
            }
        }
        let text = "waits for another list that the mail names: it may send it first";
        open.then(|| waits(before, text, TURN_PAUSE, now))
    }

    /// Renders and sends. `None`: nothing was tried, because the relay could not be reached again.
    async fn attempt(&mut self, work: &Work<R::Variant>, to: &[To]) -> Option<Vec<Fate>> {
        // Twice: a connection that was used before may have gone stale without telling.
        for _ in 0..2 {
            if !self.connect().await {
                return None;
            }
            let copy = match self.render(work, to).await {
                Ok(copy) => copy,
                Err(no) => return Some(vec![no.into(); to.len()]),
            };
            let connection = self.connection.as_mut()?;
            let fresh = connection.is_fresh();
            match connection.send(&copy).await {
                Sent::Stale(why) => {
                    tracing::debug!(%why, "the relay had closed the connection, taking a new one");
                    self.hang_up();
                }
                Sent::Fates(fates) => {
                    let size = copy.head.len() as u64 + copy.body.len();
                    let extra = i64::try_from(size / TURN).unwrap_or(i64::MAX);
                    self.bench.core.state().agenda.charge(&work.loaded.post.frozen.list, extra);
                    self.judge(&fates, fresh);
                    return Some(fates);
                }
            }
        }
        None
    }

    /// What the fates say of the relay.
    fn judge(&mut self, fates: &[Fate], fresh: bool) {
        let trouble = fates.iter().find_map(|fate| match fate {
            Fate::Deferred { reply, relay: true } => Some(format!("{} {}", reply.code, reply.text)),
            Fate::Lost { reply } if fresh => Some(reply.text.clone()),
            _ => None,
        });
        let denied = fates.iter().find_map(|fate| match fate {
            Fate::Denied { reply } => Some(format!("{} {}", reply.code, reply.text)),
            _ => None,
        });
        let taken = fates.iter().any(|fate| matches!(fate, Fate::Accepted { .. }));
        match trouble {
            Some(why) => self.relay_failed(why),
            None if let Some(why) = denied => {
                self.relay_denied(why);
                if taken {
                    self.relay_answered();
                }
            }
            None if fates.iter().any(|fate| fate.reply().code != 0) => self.relay_answered(),
            None => {}
        }
    }

    async fn render(&self, work: &Work<R::Variant>, to: &[To]) -> Result<Copy, NoCopy> {
        let can = self.connection.as_ref().map(Connection::can).unwrap_or_default();
        let (render, loaded) = (self.bench.render.clone(), work.loaded.clone());
        // Who changes her mind while a shared copy is on its way gets what the others get.
        let first = to.first().map(|(.., who)| self.bench.edition(&loaded.post.frozen, who));
        let to: Vec<(RecipientRef, Recipient)> =
            to.iter().map(|(_, who, recipient)| (*who, recipient.clone())).collect();
        let (edition, now) = (first.unwrap_or_default(), self.bench.core.timer.now());
        let made = loaded.made(&can, &edition);
        let is_quick = made.is_some_and(|variant| render.is_quick(&variant, now));
        let rendering = move || {
            let variant = loaded.variant(render.as_ref(), &can, edition)?;
            let copy = render.copy(&variant, &to, now)?;
            if copy.recipients.len() == to.len() {
                return Ok(copy);
            }
            Err(NoCopy::Later("the copy is for other recipients than it was asked for".to_owned()))
        };
        // Handing a copy to another thread costs more than to put together what is there already.
        let rendered = match is_quick {
            true => catch_unwind(AssertUnwindSafe(rendering)).map_err(|_| "it panicked".to_owned()),
            false => tokio::task::spawn_blocking(rendering).await.map_err(|e| e.to_string()),
        };
        rendered.unwrap_or_else(|e| Err(NoCopy::Later(format!("rendering failed: {e}"))))
    }
}

/// Index in the batch, and who.
type To = (u16, RecipientRef, Recipient);
type Sifted = (Vec<To>, Vec<(u16, Outcome)>);

impl From<NoCopy> for Fate {
    fn from(no: NoCopy) -> Fate {
        match no {
            NoCopy::Never(reply) => Fate::Refused { reply },
            NoCopy::Later(why) => {
                tracing::error!(%why, "a copy could not be made, trying again later");
                let text = format!("not sent yet, trouble of ours: {why}");
                Fate::Deferred { reply: Reply { code: 0, text }, relay: false }
            }
        }
    }
}

/// How long a copy waits for the directory before it asks again.
const DIRECTORY_PAUSE: Duration = Duration::from_secs(15);

/// How long a copy waits for that of another list.
const TURN_PAUSE: Duration = Duration::from_secs(5);

fn waits_for_directory(before: Option<&Outcome>, now: Timestamp) -> Outcome {
    let text = "waits for the directory: who is on the list is not known for sure";
    waits(before, text, DIRECTORY_PAUSE, now)
}

/// Not an attempt: nothing was sent, and the recipient is not to blame.
fn waits(before: Option<&Outcome>, why: &str, pause: Duration, now: Timestamp) -> Outcome {
    let attempts = match before {
        Some(Outcome::Deferred { attempts, .. }) => *attempts,
        _ => 0,
    };
    let reply = Reply { code: 0, text: why.to_owned() };
    Outcome::Deferred { at: now, attempts, next: now + pause, reply }
}

fn outcome<V>(work: &Work<V>, index: u16, fate: Fate, now: Timestamp) -> Outcome {
    let before = work.batch.outcomes.get(usize::from(index)).map_or(0, agenda::attempts);
    match fate {
        Fate::Accepted { reply, queue_id } => Outcome::Delivered { at: now, reply, queue_id },
        Fate::Refused { reply } => Outcome::Failed { at: now, reply },
        Fate::Deferred { reply, .. } | Fate::Denied { reply } | Fate::Lost { reply } => {
            // The same jitter for the whole batch: who was deferred together is tried together.
            let seed = work.batch.id.post.0 ^ u64::from(work.batch.id.number);
            retry::deferred(reply, before.saturating_add(1), now, work.loaded.post.expires, seed)
        }
    }
}

/// The next unit, from whichever list has its turn; its batch is loaded where it is not yet.
async fn claim<R: Render>(bench: &Bench<R>) -> Option<(Claim<'_>, Work<R::Variant>)> {
    let core = &bench.core;
    let picked = core.state().agenda.pick()?;
    let (id, unit) = match picked {
        Pick::Unit(id, unit) => (id, unit),
        Pick::Load(id) => {
            bench.deck.open(bench, id).await;
            (id, core.state().agenda.take(id)?)
        }
    };
    let now = core.timer.now();
    let brake = core.state().brake(id.post, now);
    if let Brake::Until(until) = brake {
        let rests = core.state().agenda.shelve(id, &unit, until);
        bench.deck.tidy(core, id, rests);
        return None;
    }
    let claim = Claim { core, batch: id, unit };
    let work = bench.deck.work(id)?;
    Some((claim, work))
}

impl Core {
    /// What a worker may do now.
    fn what_now(&self) -> Wait {
        if self.stop.is_cancelled() {
            return Wait::Stop;
        }
        let now = self.timer.now();
        let mut state = self.state();
        state.agenda.advance(now);
        if !state.agenda.has_work() {
            return Wait::Until(state.agenda.next_due());
        }
        match state.gate.enter(now) {
            Entry::Open => Wait::Go { probe: false },
            Entry::Probe => Wait::Go { probe: true },
            Entry::Wait(until) => Wait::Until(Some(until)),
            Entry::Busy => Wait::Until(None),
        }
    }
}
