//! What the recipients' own servers said, in the store: packed beside each batch, counted by provider and day.

use std::collections::BTreeMap;

use async_trait::async_trait;
use listcore::address::Address;
use listcore::outcome::Outcome;
use listcore::time::Timestamp;

use super::error::Trouble;
use super::moves::number;
use super::writer::Writer;
use super::{SqliteStore, packing, people};
use crate::store::last_mile::{LastMile, RelayLog, Said, Underway};
use crate::store::witness::Refusal;
use crate::store::{BatchId, Done, PostId, StoreError, rules};

/// Post and number of a batch, its outcomes, and what was heard of it.
type CopiesRow = (i64, u32, Vec<u8>, Option<Vec<u8>>);

impl Writer {
    pub(super) async fn last_mile(&mut self, told: &LastMile) -> Result<Done, Trouble> {
        let mut by_batch: BTreeMap<BatchId, Vec<(u16, Outcome)>> = BTreeMap::new();
        for (batch, index, outcome) in &told.heard {
            by_batch.entry(*batch).or_default().push((*index, outcome.clone()));
        }
        for (batch, heard) in by_batch {
            self.hear(batch, heard).await?;
        }
        for said in &told.said {
            self.say(said).await?;
        }
        const POSITION: &str = "INSERT INTO relay_log (id, position) VALUES (1, $1)
            ON CONFLICT (id) DO UPDATE SET position = excluded.position";
        sqlx::query(POSITION).bind(&told.position).execute(&mut self.db).await?;
        Ok(Done::Ok)
    }

    async fn hear(&mut self, id: BatchId, heard: Vec<(u16, Outcome)>) -> Result<(), Trouble> {
        const ASK: &str = "SELECT batch.recipients, last_mile.outcomes FROM batch
            LEFT JOIN last_mile ON last_mile.post = batch.post AND last_mile.number = batch.number
            WHERE batch.post = $1 AND batch.number = $2";
        const SET: &str = "INSERT INTO last_mile (post, number, outcomes) VALUES ($1, $2, $3)
            ON CONFLICT (post, number) DO UPDATE SET outcomes = excluded.outcomes";
        let Ok(post) = number(id.post.0) else { return Ok(()) };
        let row: Option<(Vec<u8>, Option<Vec<u8>>)> =
            sqlx::query_as(ASK).bind(post).bind(id.number).fetch_optional(&mut self.db).await?;
        // Erased meanwhile.
        let Some((refs, known)) = row else { return Ok(()) };
        let mut outcomes = match known {
            Some(blob) => packing::unpack_outcomes(&blob)?,
            None => vec![Outcome::Waiting; packing::unpack_refs(&refs)?.len()],
        };
        rules::hear(&mut outcomes, heard);
        sqlx::query(SET)
            .bind(post)
            .bind(id.number)
            .bind(packing::pack_outcomes(&outcomes)?)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    async fn say(&mut self, said: &Said) -> Result<(), Trouble> {
        const SET: &str = "INSERT INTO provider (day, provider, answer, reason, count, words)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (day, provider, answer, reason)
            DO UPDATE SET count = count + excluded.count, words = excluded.words";
        sqlx::query(SET)
            .bind(said.day.0)
            .bind(&said.provider)
            .bind(&said.answer)
            .bind(&said.reason)
            .bind(number(said.count)?)
            .bind(&said.words)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }
}

impl SqliteStore {
    /// What `of` finds in the batches of posts to which something happened since then, of the newest posts first.
    async fn read_copies<T>(
        &self,
        since: Timestamp,
        limit: usize,
        of: impl Fn(BatchId, &[Outcome], &[Outcome]) -> Vec<T>,
    ) -> Result<Vec<T>, Trouble> {
        const ASK: &str = "SELECT batch.post, batch.number, batch.outcomes, last_mile.outcomes
            FROM post JOIN batch ON batch.post = post.id
            LEFT JOIN last_mile ON last_mile.post = batch.post AND last_mile.number = batch.number
            WHERE (post.unfinished > 0 OR post.last >= $1) AND ($2 IS NULL OR batch.post < $2 OR (batch.post = $2 AND batch.number > $3))
            ORDER BY batch.post DESC, batch.number LIMIT 500";
        let mut all = Vec::new();
        let mut after: Option<(i64, u32)> = None;
        loop {
            let rows: Vec<CopiesRow> = sqlx::query_as(ASK)
                .bind(since.0)
                .bind(after.map(|(post, _)| post))
                .bind(after.map(|(_, number)| number))
                .fetch_all(&self.readers)
                .await?;
            let Some((post, number, ..)) = rows.last() else { return Ok(all) };
            after = Some((*post, *number));
            for (post, number, outcomes, heard) in rows {
                let id = BatchId { post: PostId(post.cast_unsigned()), number };
                let outcomes = packing::unpack_outcomes(&outcomes)?;
                let heard = heard.map(|blob| packing::unpack_outcomes(&blob)).transpose()?;
                all.extend(of(id, &outcomes, &heard.unwrap_or_default()));
            }
            if all.len() >= limit {
                all.truncate(limit);
                return Ok(all);
            }
        }
    }

    async fn read_addresses(&self, id: BatchId) -> Result<Vec<Option<Address>>, Trouble> {
        const ASK: &str = "SELECT recipients FROM batch WHERE post = $1 AND number = $2";
        let Ok(post) = number(id.post.0) else { return Ok(Vec::new()) };
        let mut db = self.readers.acquire().await?;
        let blob: Option<Vec<u8>> =
            sqlx::query_scalar(ASK).bind(post).bind(id.number).fetch_optional(&mut *db).await?;
        let refs = blob.map(|blob| packing::unpack_refs(&blob)).transpose()?.unwrap_or_default();
        let known = people::load(&mut db, &refs).await?;
        Ok(refs.iter().map(|who| Some(known.get(who)?.address.clone())).collect())
    }

    async fn read_heard(&self, id: PostId) -> Result<Vec<(u32, Vec<Outcome>)>, Trouble> {
        const ASK: &str = "SELECT number, outcomes FROM last_mile WHERE post = $1 ORDER BY number";
        let Ok(post) = number(id.0) else { return Ok(Vec::new()) };
        let rows: Vec<(u32, Vec<u8>)> =
            sqlx::query_as(ASK).bind(post).fetch_all(&self.readers).await?;
        rows.into_iter().map(|(n, blob)| Ok((n, packing::unpack_outcomes(&blob)?))).collect()
    }

    async fn read_said(&self, since: Timestamp) -> Result<Vec<Said>, Trouble> {
        // With max() SQLite takes the other columns from the row that has it.
        const ASK: &str = "SELECT max(day), provider, answer, reason, sum(count), words
            FROM provider WHERE day >= $1 GROUP BY provider, answer, reason
            ORDER BY provider, answer, reason";
        let rows: Vec<(i64, String, String, String, i64, String)> =
            sqlx::query_as(ASK).bind(since.0).fetch_all(&self.readers).await?;
        let said = |(day, provider, answer, reason, count, words): (_, _, _, _, i64, _)| Said {
            day: Timestamp(day),
            provider,
            answer,
            reason,
            count: count.cast_unsigned(),
            words,
        };
        Ok(rows.into_iter().map(said).collect())
    }
}

#[async_trait]
impl RelayLog for SqliteStore {
    async fn position(&self) -> Result<Vec<u8>, StoreError> {
        let row: Option<Vec<u8>> = sqlx::query_scalar("SELECT position FROM relay_log")
            .fetch_optional(&self.readers)
            .await
            .map_err(Trouble::from)?;
        Ok(row.unwrap_or_default())
    }

    async fn underway(&self, since: Timestamp, limit: usize) -> Result<Vec<Underway>, StoreError> {
        Ok(self.read_copies(since, limit, rules::underway).await?)
    }

    async fn refused(&self, since: Timestamp, limit: usize) -> Result<Vec<Refusal>, StoreError> {
        Ok(self.read_copies(since, limit, rules::refused).await?)
    }

    async fn addresses(&self, batch: BatchId) -> Result<Vec<Option<Address>>, StoreError> {
        Ok(self.read_addresses(batch).await?)
    }

    async fn heard(&self, post: PostId) -> Result<Vec<(u32, Vec<Outcome>)>, StoreError> {
        Ok(self.read_heard(post).await?)
    }

    async fn said(&self, since: Timestamp) -> Result<Vec<Said>, StoreError> {
        Ok(self.read_said(since).await?)
    }
}
