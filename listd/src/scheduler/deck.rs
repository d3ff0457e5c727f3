//! Batches in work, loaded: what the agenda speaks of by name only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use listcore::recipients::Recipient;

use super::cache::Cache;
use super::worker::{Bench, Work};
use super::{Brake, Core, Render, agenda};
use crate::store::{BatchId, StoreError};

/// Pause before a batch that could not be loaded is tried again.
const PAUSE: Duration = Duration::from_secs(5);

pub struct Deck<R: Render> {
    works: Mutex<HashMap<BatchId, Work<R::Variant>>>,
    pub cache: Cache<R::Variant>,
}

impl<R: Render> Default for Deck<R> {
    fn default() -> Deck<R> {
        Deck { works: Mutex::default(), cache: Cache::default() }
    }
}

impl<R: Render> Deck<R> {
    fn works(&self) -> MutexGuard<'_, HashMap<BatchId, Work<R::Variant>>> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch that is open.
    pub fn work(&self, id: BatchId) -> Option<Work<R::Variant>> {
        self.works().get(&id).cloned()
    }

    /// Loads a batch and tells the agenda what there is to do in it.
    pub async fn open(&self, bench: &Bench<R>, id: BatchId) {
        let core = bench.core.as_ref();
        if let Some(rests) = core.postponed(id) {
            return self.tidy(core, id, rests);
        }
        match self.load(core, id).await {
            Ok(Some(work)) => self.lay_out(bench, id, work),
            Ok(None) => {
                let rests = core.state().agenda.gone(id);
                self.tidy(core, id, rests);
            }
            Err(why) => {
                tracing::error!(?id, %why, "a batch can't be loaded, trying again later");
                let until = core.timer.now() + PAUSE;
                let rests = core.state().agenda.postpone(id, until);
                self.tidy(core, id, rests);
            }
        }
        core.wake.notify_waiters();
    }

    fn lay_out(&self, bench: &Bench<R>, id: BatchId, mut work: Work<R::Variant>) {
        let core = bench.core.as_ref();
        let now = core.timer.now();
        let frozen = &work.loaded.post.frozen;
        let mut state = core.state();
        let recipients = state.agenda.recipients_of_post(&work.batch);
        work.shared = agenda::is_shared(frozen.settings.copies, work.loaded.post.size, recipients);
        let most = bench.settings.recipients_per_transaction;
        let edition = |who: &Recipient| bench.edition(frozen, who);
        let (units, next) = agenda::units(&work.batch, now, work.shared, most, &edition);
        self.works().insert(id, work);
        let rests = state.agenda.opened(id, units, next);
        drop(state);
        self.tidy(core, id, rests);
    }

    /// `None`: finished or gone.
    async fn load(&self, core: &Core, id: BatchId) -> Result<Option<Work<R::Variant>>, StoreError> {
        let Some(batch) = core.queue.batch(id).await? else { return Ok(None) };
        let loaded = self.cache.get(core.queue.as_ref(), id.post).await?;
        let missing = || StoreError::Failed("the batch's mail is not there".to_owned());
        let loaded = loaded.ok_or_else(missing)?;
        Ok(Some(Work { batch: Arc::new(batch), loaded, shared: false }))
    }

    /// Lets go of a batch that is not open any more, and of its post where that `rests`.
    pub fn tidy(&self, core: &Core, id: BatchId, rests: bool) {
        let state = core.state();
        if !state.agenda.is_open(id) {
            self.works().remove(&id);
        }
        drop(state);
        if rests {
            self.cache.drop(id.post);
        }
    }
}

impl Core {
    /// Puts a batch off whose post is braked; true in it where the post rests. `None`: it is not.
    fn postponed(&self, id: BatchId) -> Option<bool> {
        let now = self.timer.now();
        let mut state = self.state();
        match state.brake(id.post, now) {
            Brake::Until(until) => Some(state.agenda.postpone(id, until)),
            Brake::Off | Brake::Over | Brake::Cancelled => None,
        }
    }
}
