//! How long DNS may keep a mail waiting, and whether the resolver answers at all.
//!
//! A resolver that is dead must not cost each mail its whole patience: once one mail has waited in vain, it is found out
//! in the background whether anything is answered, and until it is, other mails wait for what is known already. A domain
//! whose own servers are slow is nobody else's trouble: it opens no breaker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mail_auth::hickory_resolver::TokioResolver;
use tokio::time::Instant;

use super::dns;

/// For all DNS questions about one mail.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The same while the resolver is known to be dead: enough for answers that we have.
const DEAD: Duration = Duration::from_millis(100);

/// For the question whether it is there, and between two of them.
pub const PROBE: Duration = Duration::from_secs(1);

/// What is left of [`PATIENCE`] for one mail; clones share it.
#[derive(Clone, Debug)]
pub struct Patience(Arc<Mutex<Duration>>);

impl Default for Patience {
    fn default() -> Patience {
        Patience(Arc::new(Mutex::new(PATIENCE)))
    }
}

impl Patience {
    #[cfg(test)]
    pub fn of(span: Duration) -> Patience {
        Patience(Arc::new(Mutex::new(span)))
    }

    fn left(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spend(&self, span: Duration) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(span);
    }
}

/// The resolver as all mails see it.
pub struct Health {
    prober: TokioResolver,
    /// Between two questions whether it is back.
    pause: Duration,
    dead: Arc<AtomicBool>,
    /// Somebody is finding out.
    probing: Arc<AtomicBool>,
}

impl Health {
    pub fn new(prober: TokioResolver, pause: Duration) -> Health {
        Health { prober, pause, dead: Arc::default(), probing: Arc::default() }
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Waits for questions to DNS as long as the mail's patience lasts. `None`: it is at its end.
    pub async fn within<T>(
        &self,
        patience: &Patience,
        questions: impl Future<Output = T>,
    ) -> Option<T> {
        let left = patience.left();
        let limit = if self.is_dead() { left.min(DEAD) } else { left };
        let began = Instant::now();
        let answered = tokio::time::timeout(limit, questions).await.ok();
        patience.spend(began.elapsed());
        if answered.is_none() {
            self.doubt();
        }
        answered
    }

    /// Something was not answered: finds out in the background whether anything is, and when it is again.
    pub fn doubt(&self) {
        if self.probing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (prober, pause) = (self.prober.clone(), self.pause);
        let (dead, probing) = (self.dead.clone(), self.probing.clone());
        tokio::spawn(async move {
            while !dns::answers(&prober).await {
                if !dead.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "the DNS resolver does not answer; mail whose author only DNS can prove hears 451 until it does"
                    );
                }
                tokio::time::sleep(pause).await;
            }
            if dead.swap(false, Ordering::Relaxed) {
                tracing::info!("the DNS resolver answers again");
            }
            probing.store(false, Ordering::Relaxed);
        });
    }
}
