//! What admins have set for lists, in the store: one row for each setting.
//!
//! Not what a value means: that is `listcore::list::settings`.

use async_trait::async_trait;
use listcore::list::ListId;
use listcore::list::settings::Key;

use super::SqliteStore;
use super::error::Trouble;
use super::writer::Writer;
use crate::store::{Done, Override, Overrides, StoreError};

impl Writer {
    pub(super) async fn set_override(
        &mut self,
        list: &ListId,
        key: Key,
        value: Option<&Vec<String>>,
    ) -> Result<Done, Trouble> {
        const SET: &str = "INSERT INTO override (list, key, value) VALUES ($1, $2, $3)
            ON CONFLICT (list, key) DO UPDATE SET value = excluded.value";
        const UNSET: &str = "DELETE FROM override WHERE list = $1 AND key = $2";
        let query = match value {
            None => sqlx::query(UNSET).bind(&list.0).bind(key.name()),
            Some(texts) => {
                let json =
                    serde_json::to_string(texts).map_err(|e| Trouble::Failed(e.to_string()))?;
                sqlx::query(SET).bind(&list.0).bind(key.name()).bind(json)
            }
        };
        query.execute(&mut self.db).await?;
        Ok(Done::Ok)
    }
}

#[async_trait]
impl Overrides for SqliteStore {
    async fn overrides(&self) -> Result<Vec<Override>, StoreError> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT list, key, value FROM override")
                .fetch_all(&self.readers)
                .await
                .map_err(Trouble::from)?;
        let mut all = Vec::with_capacity(rows.len());
        for (list, key, value) in rows {
            let Some(key) = Key::from_name(&key) else { continue };
            let value = serde_json::from_str(&value).map_err(|e| {
                StoreError::Failed(format!("override {} of {list}: {e}", key.name()))
            })?;
            all.push(Override { list: ListId(list), key, value });
        }
        all.sort_by(|a, b| (&a.list, a.key).cmp(&(&b.list, b.key)));
        Ok(all)
    }
}
