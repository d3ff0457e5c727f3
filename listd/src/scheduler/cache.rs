//! Posts in work: each post and its body loaded once, each variant rendered once, dropped when the post rests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use listcore::rewrite::Edition;
use tokio::sync::OnceCell;

use super::{NoCopy, Render};
use crate::delivery::Can;
use crate::store::{Body, PostId, Queue, StoreError, StoredPost};

/// Bodies in memory that are kept at the same time (octets); beyond it the least used is loaded anew.
const BUDGET: u64 = 32 * 1024 * 1024;

/// Variants by what the relay can and the edition.
type Variants<V> = HashMap<(Can, Edition), Result<Arc<V>, NoCopy>>;

/// A post with its body, and its variants as far as they were asked for.
pub struct Loaded<V> {
    pub post: Arc<StoredPost>,
    body: Body,
    variants: Mutex<Variants<V>>,
}

impl<V> Loaded<V> {
    /// The variant for this relay and edition. CPU-bound; whoever comes meanwhile waits for it.
    pub fn variant<R: Render<Variant = V>>(
        &self,
        render: &R,
        can: &Can,
        edition: Edition,
    ) -> Result<Arc<V>, NoCopy> {
        let mut variants = self.variants.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (*can, edition);
        if let Some(variant) = variants.get(&key) {
            return variant.clone();
        }
        let variant = render.variant(&self.post, &self.body, can, &key.1);
        if !matches!(variant, Err(NoCopy::Later(_))) {
            variants.insert(key, variant.clone());
        }
        variant
    }

    /// The variant, if it is there and nobody is just making one.
    pub fn made(&self, can: &Can, edition: &Edition) -> Option<Arc<V>> {
        let variants = self.variants.try_lock().ok()?;
        variants.get(&(*can, edition.clone()))?.clone().ok()
    }

    /// Octets it holds, about.
    fn weight(&self) -> u64 {
        match &self.body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::File { .. } => 1024,
        }
    }
}

type Slot<V> = Arc<OnceCell<Arc<Loaded<V>>>>;

/// All posts in work.
pub struct Cache<V> {
    slots: Mutex<Slots<V>>,
}

struct Slots<V> {
    /// Counts uses: the least used slot has the smallest number.
    tick: u64,
    posts: HashMap<PostId, (u64, Slot<V>)>,
}

impl<V> Default for Cache<V> {
    fn default() -> Cache<V> {
        Cache { slots: Mutex::new(Slots { tick: 0, posts: HashMap::new() }) }
    }
}

impl<V> Cache<V> {
    /// The post and its body, from the store where they are not here; `None` where the store has lost them.
    pub async fn get(
        &self,
        queue: &dyn Queue,
        id: PostId,
    ) -> Result<Option<Arc<Loaded<V>>>, StoreError> {
        let slot = self.slot(id);
        let loaded = slot.get_or_try_init(|| load(queue, id)).await;
        match loaded {
            Ok(loaded) => Ok(Some(loaded.clone())),
            Err(Missing::Store(e)) => Err(e),
            Err(Missing::Gone) => {
                self.drop(id);
                Ok(None)
            }
        }
    }

    /// The post rests.
    pub fn drop(&self, id: PostId) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).posts.remove(&id);
    }

    fn slot(&self, id: PostId) -> Slot<V> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.tick += 1;
        let Slots { tick, posts } = &mut *slots;
        if let Some((used, slot)) = posts.get_mut(&id) {
            *used = *tick;
            return slot.clone();
        }
        let weight = |slot: &Slot<V>| slot.get().map_or(0, |l| l.weight());
        while posts.values().map(|(_, slot)| weight(slot)).sum::<u64>() > BUDGET {
            let oldest = posts.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            posts.remove(&oldest);
        }
        let slot = Slot::default();
        posts.insert(id, (*tick, slot.clone()));
        slot
    }
}

enum Missing {
    Gone,
    Store(StoreError),
}

async fn load<V>(queue: &dyn Queue, id: PostId) -> Result<Arc<Loaded<V>>, Missing> {
    let post = queue.post(id).await.map_err(Missing::Store)?.ok_or(Missing::Gone)?;
    let body = queue.body(post.mail).await.map_err(Missing::Store)?.ok_or(Missing::Gone)?;
    Ok(Arc::new(Loaded { post, body, variants: Mutex::default() }))
}
