//! The retention job: what is older goes, and recipients whom nothing names any more.
//!
//! `secure_delete` overwrites what is deleted; the writer empties the journal afterwards.

use std::collections::HashSet;

use listcore::time::Timestamp;

use super::error::Trouble;
use super::packing;
use super::writer::{Effects, Writer};
use crate::store::{Done, MailId};

const OLD: [&str; 11] = [
    // Batches, what was heard of them, and its refusals go with their post (ON DELETE CASCADE).
    "DELETE FROM post WHERE unfinished = 0 AND last < $1
        AND NOT EXISTS (SELECT 1 FROM digest WHERE digest.post = post.id AND letter IS NULL)",
    "DELETE FROM held WHERE ended_at < $1",
    "DELETE FROM ticket WHERE expires < $1",
    "DELETE FROM mail WHERE received < $1
        AND NOT EXISTS (SELECT 1 FROM post WHERE post.mail = mail.id)
        AND NOT EXISTS (SELECT 1 FROM held WHERE held.mail = mail.id)",
    "DELETE FROM trace WHERE at < $1",
    "DELETE FROM bounce WHERE at < $1",
    "DELETE FROM failure WHERE at < $1",
    "DELETE FROM strange WHERE at < $1",
    "DELETE FROM standing WHERE until < $1",
    "DELETE FROM seen WHERE at < $1",
    "DELETE FROM provider WHERE day < $1",
];

/// Batches and recipients that are looked at in one statement.
const CHUNK: usize = 1_000;

impl Writer {
    pub(super) async fn erase(
        &mut self,
        before: Timestamp,
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        let mut gone = 0;
        for sql in OLD {
            let result = sqlx::query(sql).bind(before.0).execute(&mut self.db).await?;
            gone += result.rows_affected();
        }
        if gone > 0 {
            self.erase_recipients().await?;
            effects.erased = true;
        }
        Ok(Done::Ok)
    }

    /// Bodies that were kept for the filter to learn.
    pub(super) async fn erase_originals(
        &mut self,
        before: Timestamp,
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        const SPILLED: &str = "SELECT id FROM mail WHERE finished < $1 AND spilled = 1";
        const ERASE: &str =
            "UPDATE mail SET body = NULL, spilled = 0, finished = NULL WHERE finished < $1";
        let files: Vec<i64> =
            sqlx::query_scalar(SPILLED).bind(before.0).fetch_all(&mut self.db).await?;
        let result = sqlx::query(ERASE).bind(before.0).execute(&mut self.db).await?;
        effects.remove.extend(files.into_iter().map(|mail| MailId(mail.cast_unsigned())));
        effects.erased |= result.rows_affected() > 0;
        Ok(Done::Ok)
    }

    /// What had an end of its own, and no history that anybody may ask for.
    pub(super) async fn erase_expired(
        &mut self,
        before: Timestamp,
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        const EXPIRED: [&str; 2] =
            ["DELETE FROM hidden_author WHERE expires < $1", "DELETE FROM mark WHERE until < $1"];
        for sql in EXPIRED {
            let result = sqlx::query(sql).bind(before.0).execute(&mut self.db).await?;
            effects.erased |= result.rows_affected() > 0;
        }
        Ok(Done::Ok)
    }

    async fn erase_recipients(&mut self) -> Result<(), Trouble> {
        let named = self.named().await?;
        let all: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM recipient").fetch_all(&mut self.db).await?;
        let unnamed: Vec<i64> = all.into_iter().filter(|id| !named.contains(id)).collect();
        for chunk in unnamed.chunks(CHUNK) {
            let ids = serde_json::to_string(chunk).map_err(|e| Trouble::Failed(e.to_string()))?;
            sqlx::query("DELETE FROM recipient WHERE id IN (SELECT value FROM json_each($1))")
                .bind(ids)
                .execute(&mut self.db)
                .await?;
        }
        self.forget();
        Ok(())
    }

    /// Everybody whom a batch, a bounce, a failure or a digest names.
    async fn named(&mut self) -> Result<HashSet<i64>, Trouble> {
        const BATCHES: &str = "SELECT rowid, recipients FROM batch WHERE rowid > $1
            ORDER BY rowid LIMIT 1000";
        const BOUNCES: &str = "SELECT recipient FROM bounce WHERE recipient IS NOT NULL
            UNION SELECT recipient FROM failure
            UNION SELECT recipient FROM digest";
        let bounced: Vec<i64> = sqlx::query_scalar(BOUNCES).fetch_all(&mut self.db).await?;
        let mut named: HashSet<i64> = bounced.into_iter().collect();
        let mut last = i64::MIN;
        loop {
            let rows: Vec<(i64, Vec<u8>)> =
                sqlx::query_as(BATCHES).bind(last).fetch_all(&mut self.db).await?;
            let Some((rowid, _)) = rows.last() else { return Ok(named) };
            last = *rowid;
            for (rowid, blob) in rows {
                match packing::unpack_refs(&blob) {
                    Ok(refs) => named.extend(refs),
                    // One broken batch must not keep everybody's data for ever.
                    Err(why) => tracing::error!(rowid, ?why, "a batch names nobody"),
                }
            }
        }
    }
}
