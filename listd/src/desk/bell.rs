//! How the pipeline calls the desk, which is itself built out of the pipeline.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;

use super::Desk;
use crate::pipeline::{Front, Heard, Written};

/// Rings at the desk that it was hung up for; before that nobody hears it, and replies are deferred.
#[derive(Debug, Default)]
pub struct Bell(OnceLock<Weak<Desk>>);

impl Bell {
    /// Once; what comes later changes nothing.
    pub fn hang(&self, desk: &Arc<Desk>) {
        let _ = self.0.set(Arc::downgrade(desk));
    }

    fn desk(&self) -> Option<Arc<Desk>> {
        self.0.get().and_then(Weak::upgrade)
    }
}

#[async_trait]
impl Front for Bell {
    fn waits(&self) {
        if let Some(desk) = self.desk() {
            desk.waits();
        }
    }

    async fn heard(&self, written: &Written<'_>) -> Heard {
        match self.desk() {
            Some(desk) => desk.heard(written).await,
            None => Heard::NotNow,
        }
    }
}
