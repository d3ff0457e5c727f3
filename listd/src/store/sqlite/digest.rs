//! What waits for digests, in the store.

use std::collections::HashMap;

use async_trait::async_trait;
use listcore::time::Timestamp;

use super::error::Trouble;
use super::moves::number;
use super::writer::{Effects, Writer};
use super::{SqliteStore, packing, people};
use crate::store::digest::{Digests, Entry, Waiting};
use crate::store::{BatchId, Done, PostId, RecipientRef, StoreError};

impl Writer {
    /// Which of the batch wait for digests from now on, since when, and which no longer.
    pub(super) async fn digest_later(
        &mut self,
        id: BatchId,
        changes: &[(u16, Option<Timestamp>)],
    ) -> Result<(), Trouble> {
        const REFS: &str = "SELECT recipients FROM batch WHERE post = $1 AND number = $2";
        const INSERT: &str = "INSERT INTO digest (post, recipient, batch, place, at)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        const GONE: &str =
            "DELETE FROM digest WHERE post = $1 AND recipient = $2 AND letter IS NULL";
        if changes.is_empty() {
            return Ok(());
        }
        let post = number(id.post.0)?;
        let blob: Vec<u8> =
            sqlx::query_scalar(REFS).bind(post).bind(id.number).fetch_one(&mut self.db).await?;
        let refs = packing::unpack_refs(&blob)?;
        for (index, waits) in changes {
            let Some(who) = refs.get(usize::from(*index)) else { continue };
            let query = match waits {
                Some(at) => {
                    let query = sqlx::query(INSERT).bind(post).bind(who);
                    query.bind(id.number).bind(index).bind(at.0)
                }
                None => sqlx::query(GONE).bind(post).bind(who),
            };
            query.execute(&mut self.db).await?;
        }
        Ok(())
    }

    /// They stand in a digest now; bodies that nobody else needs go.
    pub(super) async fn digested(
        &mut self,
        letter: PostId,
        entries: &[(PostId, RecipientRef)],
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        const SENT: &str = "UPDATE digest SET letter = $3 WHERE post = $1 AND recipient = $2";
        let letter = number(letter.0)?;
        let mut posts: Vec<PostId> = Vec::new();
        for (post, who) in entries {
            let query = sqlx::query(SENT).bind(number(post.0)?).bind(number(who.0)?).bind(letter);
            query.execute(&mut self.db).await?;
            if !posts.contains(post) {
                posts.push(*post);
            }
        }
        for post in posts {
            self.release_of(number(post.0)?, effects).await?;
        }
        Ok(Done::Ok)
    }

    /// The body of a post goes, if nobody needs it.
    pub(super) async fn release_of(
        &mut self,
        post: i64,
        effects: &mut Effects,
    ) -> Result<(), Trouble> {
        const MAIL: &str = "SELECT mail, last FROM post WHERE id = $1";
        let found: Option<(i64, i64)> =
            sqlx::query_as(MAIL).bind(post).fetch_optional(&mut self.db).await?;
        match found {
            Some((mail, last)) => self.release(mail, Timestamp(last), true, effects).await,
            None => Ok(()),
        }
    }
}

impl SqliteStore {
    async fn read_digests(&self) -> Result<Waiting, Trouble> {
        const ALL: &str = "SELECT post, recipient, batch, place, at FROM digest
            WHERE letter IS NULL ORDER BY recipient, at, post";
        const CHUNK: usize = 1_000;
        let mut db = self.readers.acquire().await?;
        let rows: Vec<(i64, i64, u32, u16, i64)> = sqlx::query_as(ALL).fetch_all(&mut *db).await?;
        let mut numbers: Vec<i64> = rows.iter().map(|(_, who, ..)| *who).collect();
        numbers.dedup();
        let mut waiting = Waiting::default();
        for chunk in numbers.chunks(CHUNK) {
            let known = people::load(&mut db, chunk).await?.into_iter();
            waiting.people.extend(known.map(|(who, r)| (RecipientRef(who.cast_unsigned()), r)));
        }
        let entry = |(post, who, batch, index, at): (i64, i64, u32, u16, i64)| Entry {
            batch: BatchId { post: PostId(post.cast_unsigned()), number: batch },
            index,
            number: RecipientRef(who.cast_unsigned()),
            at: Timestamp(at),
        };
        waiting.entries = rows.into_iter().map(entry).collect();
        waiting.entries.retain(|entry| waiting.people.contains_key(&entry.number));
        Ok(waiting)
    }

    async fn read_digested(&self, id: PostId) -> Result<HashMap<(BatchId, u16), PostId>, Trouble> {
        const SENT: &str =
            "SELECT batch, place, letter FROM digest WHERE post = $1 AND letter IS NOT NULL";
        let mut db = self.readers.acquire().await?;
        let rows: Vec<(u32, u16, i64)> =
            sqlx::query_as(SENT).bind(number(id.0)?).fetch_all(&mut *db).await?;
        let one = |(batch, index, letter): (u32, u16, i64)| {
            ((BatchId { post: id, number: batch }, index), PostId(letter.cast_unsigned()))
        };
        Ok(rows.into_iter().map(one).collect())
    }
}

#[async_trait]
impl Digests for SqliteStore {
    async fn digests(&self) -> Result<Waiting, StoreError> {
        Ok(self.read_digests().await?)
    }

    async fn digested(&self, post: PostId) -> Result<HashMap<(BatchId, u16), PostId>, StoreError> {
        Ok(self.read_digested(post).await?)
    }
}
