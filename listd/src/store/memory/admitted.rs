//! The part of the store in memory that keeps who was let onto a list.

use async_trait::async_trait;

use super::MemoryStore;
use crate::store::StoreError;
use crate::store::admitted::{Admissions, Admitted};

#[async_trait]
impl Admissions for MemoryStore {
    async fn admitted(&self) -> Result<Vec<Admitted>, StoreError> {
        Ok(self.state().admitted.values().cloned().collect())
    }
}
