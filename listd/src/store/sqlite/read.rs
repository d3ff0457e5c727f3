//! What the rooms read, on connections of their own: a reader never waits for the writer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use listcore::list::ListId;
use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::time::Timestamp;
use sqlx::SqliteConnection;

use super::error::Trouble;
use super::moves::number;
use super::{SqliteStore, packing, people};
use crate::store::brake::Brakes;
use crate::store::{
    Accepted, Account, Attribution, Batch, BatchId, Body, Counts, DueBatch, HiddenAuthor, MailId,
    Originals, PostId, Queue, RecipientRef, Replica, Report, StoreError, StoredPost, StoredReplica,
    TraceEvent,
};

macro_rules! posts {
    ($rest:literal) => {
        concat!(
            "SELECT post.id, mail, message_id, frozen, received, expires, size
            FROM post JOIN mail ON mail.id = post.mail ",
            $rest
        )
    };
}

type PostRow = (i64, i64, String, Vec<u8>, i64, i64, i64);
type BatchRow = (i64, u32, Vec<u8>, Vec<u8>);

fn stored(
    (id, mail, message_id, frozen, accepted, expires, size): PostRow,
) -> Result<StoredPost, Trouble> {
    Ok(StoredPost {
        id: PostId(id.cast_unsigned()),
        mail: MailId(mail.cast_unsigned()),
        message_id,
        frozen: packing::from_json(&frozen, "post")?,
        accepted: Timestamp(accepted),
        expires: Timestamp(expires),
        size: size.cast_unsigned(),
    })
}

async fn batch(db: &mut SqliteConnection, row: BatchRow) -> Result<Batch, Trouble> {
    let (post, number, refs, outcomes) = row;
    let (refs, outcomes) = (packing::unpack_refs(&refs)?, packing::unpack_outcomes(&outcomes)?);
    if refs.len() != outcomes.len() {
        let text = format!("batch {number} of post {post} has {} recipients", refs.len());
        return Err(Trouble::Failed(format!("{text} and {} outcomes", outcomes.len())));
    }
    let known = people::load(db, &refs).await?;
    let recipient = |n: &i64| Some((RecipientRef(n.cast_unsigned()), known.get(n)?.clone()));
    let recipients = refs.iter().map(recipient).collect();
    let id = BatchId { post: PostId(post.cast_unsigned()), number };
    Ok(Batch { id, recipients, outcomes })
}

async fn account(db: &mut SqliteConnection, row: PostRow) -> Result<Account, Trouble> {
    const BATCHES: &str =
        "SELECT post, number, recipients, outcomes FROM batch WHERE post = $1 ORDER BY number";
    let post = stored(row)?;
    let rows: Vec<BatchRow> =
        sqlx::query_as(BATCHES).bind(number(post.id.0)?).fetch_all(&mut *db).await?;
    let mut batches = Vec::with_capacity(rows.len());
    for row in rows {
        batches.push(batch(db, row).await?);
    }
    Ok(Account { post, batches })
}

impl SqliteStore {
    async fn reader(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Sqlite>, Trouble> {
        Ok(self.readers.acquire().await?)
    }

    async fn read_due(&self) -> Result<Vec<DueBatch>, Trouble> {
        const DUE: &str =
            "SELECT post, number, list, due FROM batch JOIN post ON post.id = batch.post
            WHERE due IS NOT NULL ORDER BY due, post, number";
        let rows: Vec<(i64, u32, String, i64)> =
            sqlx::query_as(DUE).fetch_all(&self.readers).await?;
        let due = |(post, number, list, due): (i64, u32, String, i64)| DueBatch {
            id: BatchId { post: PostId(post.cast_unsigned()), number },
            list: ListId(list),
            due: Timestamp(due),
        };
        Ok(rows.into_iter().map(due).collect())
    }

    async fn read_batch(&self, id: BatchId) -> Result<Option<Batch>, Trouble> {
        const BATCH: &str = "SELECT post, number, recipients, outcomes FROM batch
            WHERE post = $1 AND number = $2 AND due IS NOT NULL";
        let Ok(post) = number(id.post.0) else { return Ok(None) };
        let mut db = self.reader().await?;
        let row: Option<BatchRow> =
            sqlx::query_as(BATCH).bind(post).bind(id.number).fetch_optional(&mut *db).await?;
        match row {
            Some(row) => batch(&mut db, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read_outcome(&self, id: BatchId, index: u16) -> Result<Option<Outcome>, Trouble> {
        const ASK: &str = "SELECT outcomes FROM batch WHERE post = $1 AND number = $2";
        let Ok(post) = number(id.post.0) else { return Ok(None) };
        let mut db = self.reader().await?;
        let query = sqlx::query_scalar(ASK).bind(post).bind(id.number);
        let blob: Option<Vec<u8>> = query.fetch_optional(&mut *db).await?;
        let outcomes = blob.map(|blob| packing::unpack_outcomes(&blob)).transpose()?;
        Ok(outcomes.and_then(|all| all.into_iter().nth(usize::from(index))))
    }

    async fn read_post(&self, id: PostId) -> Result<Option<PostRow>, Trouble> {
        let Ok(id) = number(id.0) else { return Ok(None) };
        let ask = sqlx::query_as(posts!("WHERE post.id = $1")).bind(id);
        Ok(ask.fetch_optional(&self.readers).await?)
    }

    async fn read_body(&self, mail: MailId) -> Result<Option<Body>, Trouble> {
        const BODY: &str = "SELECT size, spilled, body FROM mail WHERE id = $1";
        let Ok(id) = number(mail.0) else { return Ok(None) };
        let row: Option<(i64, bool, Option<Vec<u8>>)> =
            sqlx::query_as(BODY).bind(id).fetch_optional(&self.readers).await?;
        Ok(match row {
            Some((size, true, _)) => {
                Some(Body::File { path: self.spool.path(mail), size: size.cast_unsigned() })
            }
            Some((_, false, body)) => body.map(|body| Body::Memory(body.into())),
            None => None,
        })
    }

    async fn read_replica(&self) -> Result<StoredReplica, Trouble> {
        // One transaction, so that entries and cookie belong together.
        let mut read = self.readers.begin().await?;
        let meta: Option<(Vec<u8>, i64)> = sqlx::query_as("SELECT cookie, at FROM replica_meta")
            .fetch_optional(&mut *read)
            .await?;
        let entries =
            sqlx::query_as("SELECT uuid, data FROM replica").fetch_all(&mut *read).await?;
        read.commit().await?;
        let (cookie, at) = meta.unwrap_or_default();
        Ok(StoredReplica { entries, cookie, at: Timestamp(at) })
    }

    async fn read_counts(&self) -> Result<Counts, Trouble> {
        const COUNTS: &str = "SELECT
            (SELECT count(*) FROM (SELECT mail FROM post WHERE unfinished > 0
                UNION SELECT mail FROM held WHERE ended_at IS NULL)),
            (SELECT count(*) FROM post WHERE unfinished > 0),
            (SELECT coalesce(sum(waiting), 0) FROM batch WHERE due IS NOT NULL),
            (SELECT coalesce(sum(deferred), 0) FROM batch WHERE due IS NOT NULL),
            (SELECT count(*) FROM bounce),
            (SELECT count(*) FROM bounce WHERE recipient IS NULL),
            (SELECT count(*) FROM held WHERE ended_at IS NULL),
            (SELECT count(*) FROM brake JOIN post ON post.id = brake.post
                WHERE released IS NULL AND unfinished > 0),
            (SELECT count(*) FROM standing WHERE until IS NULL)";
        let row: (i64, i64, i64, i64, i64, i64, i64, i64, i64) =
            sqlx::query_as(COUNTS).fetch_one(&self.readers).await?;
        Ok(Counts {
            mails: row.0.cast_unsigned(),
            posts_waiting: row.1.cast_unsigned(),
            recipients_waiting: row.2.cast_unsigned(),
            recipients_deferred: row.3.cast_unsigned(),
            bounces: row.4.cast_unsigned(),
            bounces_unattributed: row.5.cast_unsigned(),
            held: row.6.cast_unsigned(),
            braked: row.7.cast_unsigned(),
            paused: row.8.cast_unsigned(),
        })
    }

    async fn read_waiting(&self, limit: usize) -> Result<Vec<StoredPost>, Trouble> {
        let ask = posts!("WHERE unfinished > 0 ORDER BY received, post.id LIMIT $1");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<PostRow> = sqlx::query_as(ask).bind(limit).fetch_all(&self.readers).await?;
        rows.into_iter().map(stored).collect()
    }

    async fn read_account(&self, id: PostId) -> Result<Option<Account>, Trouble> {
        match self.read_post(id).await? {
            Some(row) => account(&mut *self.reader().await?, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read_trace(
        &self,
        message_id: &str,
    ) -> Result<(Vec<Account>, Vec<TraceEvent>), Trouble> {
        const EVENTS: &str = "SELECT event FROM trace WHERE message_id = $1 ORDER BY at, id";
        let ask = posts!("WHERE message_id = $1 ORDER BY received, post.id");
        let mut db = self.reader().await?;
        let rows: Vec<PostRow> = sqlx::query_as(ask).bind(message_id).fetch_all(&mut *db).await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            accounts.push(account(&mut db, row).await?);
        }
        let events: Vec<Vec<u8>> =
            sqlx::query_scalar(EVENTS).bind(message_id).fetch_all(&mut *db).await?;
        let events = events.iter().map(|event| packing::from_json(event, "trace"));
        Ok((accounts, events.collect::<Result<_, _>>()?))
    }
}

#[async_trait]
impl Queue for SqliteStore {
    async fn due(&self) -> Result<Vec<DueBatch>, StoreError> {
        Ok(self.read_due().await?)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        Ok(self.read_batch(id).await?)
    }

    async fn outcome(&self, id: BatchId, index: u16) -> Result<Option<Outcome>, StoreError> {
        Ok(self.read_outcome(id, index).await?)
    }

    async fn post(&self, id: PostId) -> Result<Option<Arc<StoredPost>>, StoreError> {
        let row = self.read_post(id).await?;
        Ok(row.map(stored).transpose()?.map(Arc::new))
    }

    async fn body(&self, mail: MailId) -> Result<Option<Body>, StoreError> {
        Ok(self.read_body(mail).await?)
    }

    async fn brakes(&self) -> Result<Vec<(PostId, Timestamp)>, StoreError> {
        Ok(self.braked().await?.into_iter().map(|one| (one.post, one.expires)).collect())
    }
}

#[async_trait]
impl Originals for SqliteStore {
    fn keep_originals(&self, keep: bool) {
        self.keeps_originals.store(keep, Ordering::Relaxed);
    }

    async fn originals(&self, message_id: &str) -> Result<Vec<MailId>, StoreError> {
        const ASK: &str = "SELECT id FROM mail WHERE message_id = $1 ORDER BY received, id";
        let ids: Vec<i64> = sqlx::query_scalar(ASK)
            .bind(message_id)
            .fetch_all(&self.readers)
            .await
            .map_err(Trouble::from)?;
        Ok(ids.into_iter().map(|id| MailId(id.cast_unsigned())).collect())
    }
}

#[async_trait]
impl Replica for SqliteStore {
    async fn replica(&self) -> Result<StoredReplica, StoreError> {
        Ok(self.read_replica().await?)
    }
}

#[async_trait]
impl Accepted for SqliteStore {
    async fn accepted(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut db = self.reader().await?;
        let rows = sqlx::query_as("SELECT name, data FROM accepted ORDER BY name")
            .fetch_all(&mut *db)
            .await
            .map_err(Trouble::from)?;
        Ok(rows)
    }
}

#[async_trait]
impl Attribution for SqliteStore {
    async fn recipient(&self, who: RecipientRef) -> Result<Option<Recipient>, StoreError> {
        let Ok(id) = number(who.0) else { return Ok(None) };
        let mut db = self.reader().await?;
        Ok(people::load(&mut db, &[id]).await?.remove(&id))
    }

    async fn hidden_author(
        &self,
        list: &ListId,
        number: u64,
    ) -> Result<Option<HiddenAuthor>, StoreError> {
        self.read_hidden(list, number).await
    }
}

#[async_trait]
impl Report for SqliteStore {
    async fn counts(&self) -> Result<Counts, StoreError> {
        Ok(self.read_counts().await?)
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<StoredPost>, StoreError> {
        Ok(self.read_waiting(limit).await?)
    }

    async fn account(&self, post: PostId) -> Result<Option<Account>, StoreError> {
        Ok(self.read_account(post).await?)
    }

    async fn trace(&self, message_id: &str) -> Result<(Vec<Account>, Vec<TraceEvent>), StoreError> {
        Ok(self.read_trace(message_id).await?)
    }
}
