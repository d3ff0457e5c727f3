//! The directory's replica in the store: entries and cookie change together. And what was accepted of the lists.

use std::collections::BTreeMap;

use listcore::time::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::error::Trouble;
use super::writer::Writer;
use crate::store::{Done, ReplicaChange};

/// Entries in one statement.
const CHUNK: usize = 200;

impl Writer {
    pub(super) async fn change_replica(&mut self, change: &ReplicaChange) -> Result<Done, Trouble> {
        match change {
            ReplicaChange::Replace { entries, cookie, at } => {
                self.replace(entries).await?;
                self.mark(cookie, *at).await?;
            }
            ReplicaChange::Update { entries, cookie, at } => {
                // The last word on an entry counts.
                let last: BTreeMap<&str, Option<&[u8]>> =
                    entries.iter().map(|(u, d)| (u.as_str(), d.as_deref())).collect();
                let changed: Vec<(&str, &[u8])> =
                    last.iter().filter_map(|(u, d)| Some((*u, (*d)?))).collect();
                let gone: Vec<&str> =
                    last.iter().filter(|(_, d)| d.is_none()).map(|(u, _)| *u).collect();
                self.put(&changed).await?;
                self.delete(&gone).await?;
                self.mark(cookie, *at).await?;
            }
        }
        Ok(Done::Ok)
    }

    /// Writes only what differs: after a refresh that is little, and the journal stays small. In the order of the
    /// key, which is what the table likes.
    async fn replace(&mut self, entries: &[(String, Vec<u8>)]) -> Result<(), Trouble> {
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT uuid, data FROM replica").fetch_all(&mut self.db).await?;
        let new: BTreeMap<&str, &[u8]> =
            entries.iter().map(|(u, d)| (u.as_str(), d.as_slice())).collect();
        let old: BTreeMap<&str, &[u8]> =
            rows.iter().map(|(u, d)| (u.as_str(), d.as_slice())).collect();
        let changed: Vec<(&str, &[u8])> =
            new.iter().filter(|(u, d)| old.get(*u) != Some(d)).map(|(u, d)| (*u, *d)).collect();
        let gone: Vec<&str> = old.keys().filter(|u| !new.contains_key(*u)).copied().collect();
        self.put(&changed).await?;
        self.delete(&gone).await
    }

    async fn put(&mut self, entries: &[(&str, &[u8])]) -> Result<(), Trouble> {
        for chunk in entries.chunks(CHUNK) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO replica (uuid, data) ");
            insert.push_values(chunk, |mut row, (uuid, data)| {
                row.push_bind(*uuid).push_bind(*data);
            });
            insert.push(" ON CONFLICT (uuid) DO UPDATE SET data = excluded.data");
            // Only full chunks are worth a place among the prepared statements.
            let full = chunk.len() == CHUNK;
            insert.build().persistent(full || chunk.len() == 1).execute(&mut self.db).await?;
        }
        Ok(())
    }

    async fn delete(&mut self, uuids: &[&str]) -> Result<(), Trouble> {
        for chunk in uuids.chunks(CHUNK) {
            let list = serde_json::to_string(chunk).map_err(|e| Trouble::Failed(e.to_string()))?;
            sqlx::query("DELETE FROM replica WHERE uuid IN (SELECT value FROM json_each($1))")
                .bind(list)
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn accepted(
        &mut self,
        rows: &[(String, Option<Vec<u8>>)],
    ) -> Result<Done, Trouble> {
        const PUT: &str = "INSERT INTO accepted (name, data) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET data = excluded.data";
        for (name, data) in rows {
            let query = match data {
                Some(data) => sqlx::query(PUT).bind(name).bind(data),
                None => sqlx::query("DELETE FROM accepted WHERE name = $1").bind(name),
            };
            query.execute(&mut self.db).await?;
        }
        Ok(Done::Ok)
    }

    async fn mark(&mut self, cookie: &[u8], at: Timestamp) -> Result<(), Trouble> {
        const MARK: &str = "INSERT INTO replica_meta (id, cookie, at) VALUES (1, $1, $2)
            ON CONFLICT (id) DO UPDATE SET cookie = excluded.cookie, at = excluded.at";
        sqlx::query(MARK).bind(cookie).bind(at.0).execute(&mut self.db).await?;
        Ok(())
    }
}
