//! Refusals of a mail, and its brake, in the store: one row for a post and recipient, and one for a braked post.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::bounce::Class;
use listcore::bounce::brake::{ByProvider, Refusals, Tally};
use listcore::list::ListId;
use listcore::rewrite::Frozen;
use listcore::time::Timestamp;

use super::SqliteStore;
use super::error::Trouble;
use super::moves::number;
use super::packing;
use super::writer::Writer;
use crate::store::brake::{Braked, Brakes, Refused, Sent};
use crate::store::{BatchId, Done, PostId, RecipientRef, StoreError};

impl Writer {
    /// Nothing where the post is gone. Who has refused it once has refused it.
    pub(super) async fn refused(&mut self, refused: &Refused) -> Result<Done, Trouble> {
        const ADD: &str = "INSERT INTO refusal (post, recipient, provider, class, said)
            SELECT id, $2, $3, $4, $5 FROM post WHERE id = $1
            ON CONFLICT (post, recipient) DO UPDATE SET said = excluded.said";
        sqlx::query(ADD)
            .bind(number(refused.post.0)?)
            .bind(number(refused.who.0)?)
            .bind(&refused.provider)
            .bind(refused.class.as_str())
            .bind(&refused.said)
            .execute(&mut self.db)
            .await?;
        Ok(Done::Ok)
    }

    pub(super) async fn brake(
        &mut self,
        post: PostId,
        at: Timestamp,
        why: &Refusals,
    ) -> Result<Done, Trouble> {
        const ADD: &str = "INSERT INTO brake (post, at, refusals)
            SELECT id, $2, $3 FROM post WHERE id = $1 ON CONFLICT (post) DO NOTHING";
        let result = sqlx::query(ADD)
            .bind(number(post.0)?)
            .bind(at.0)
            .bind(packing::to_json(why)?)
            .execute(&mut self.db)
            .await?;
        Ok(if result.rows_affected() == 1 { Done::Ok } else { Done::Stale })
    }

    pub(super) async fn unbrake(&mut self, post: PostId, at: Timestamp) -> Result<Done, Trouble> {
        const SET: &str = "UPDATE brake SET released = $2 WHERE post = $1 AND released IS NULL";
        let result =
            sqlx::query(SET).bind(number(post.0)?).bind(at.0).execute(&mut self.db).await?;
        Ok(if result.rows_affected() == 1 { Done::Ok } else { Done::Stale })
    }
}

impl SqliteStore {
    async fn read_sent(&self, id: BatchId, index: u16) -> Result<Option<Sent>, Trouble> {
        const ASK: &str = "SELECT batch.recipients, post.frozen FROM batch JOIN post
            ON post.id = batch.post WHERE batch.post = $1 AND batch.number = $2";
        const WHO: &str = "SELECT address FROM recipient WHERE id = $1";
        let Ok(post) = number(id.post.0) else { return Ok(None) };
        let row: Option<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as(ASK).bind(post).bind(id.number).fetch_optional(&self.readers).await?;
        let Some((refs, frozen)) = row else { return Ok(None) };
        let refs = packing::unpack_refs(&refs)?;
        let Some(who) = refs.get(usize::from(index)) else { return Ok(None) };
        let address: Option<String> =
            sqlx::query_scalar(WHO).bind(who).fetch_optional(&self.readers).await?;
        let Some(address) = address.and_then(|text| Address::parse(&text).ok()) else {
            return Ok(None);
        };
        let frozen: Frozen = packing::from_json(&frozen, "a post")?;
        let Frozen { domain, list, probe, .. } = frozen;
        Ok(Some(Sent { who: RecipientRef(who.cast_unsigned()), address, domain, list, probe }))
    }

    async fn read_post_to(
        &self,
        list: &ListId,
        message_id: &str,
        who: RecipientRef,
    ) -> Result<Option<PostId>, Trouble> {
        const ASK: &str = "SELECT post.id, batch.recipients FROM mail
            JOIN post ON post.mail = mail.id JOIN batch ON batch.post = post.id
            WHERE mail.message_id = $1 AND post.list = $2 ORDER BY post.id DESC, batch.number";
        let Ok(who) = number(who.0) else { return Ok(None) };
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as(ASK).bind(message_id).bind(&list.0).fetch_all(&self.readers).await?;
        for (post, refs) in rows {
            if packing::unpack_refs(&refs)?.contains(&who) {
                return Ok(Some(PostId(post.cast_unsigned())));
            }
        }
        Ok(None)
    }

    async fn read_tally(&self, post: PostId) -> Result<Option<Tally>, Trouble> {
        const BRAKED: &str = "SELECT 1 FROM brake WHERE post = $1";
        const BATCHES: &str = "SELECT waiting + deferred, recipients FROM batch WHERE post = $1";
        // With max() SQLite takes the other columns from the row that has it.
        const BY: &str = "SELECT provider, class, count(*), said, max(recipient) FROM refusal
            WHERE post = $1 GROUP BY provider, class";
        let Ok(post) = number(post.0) else { return Ok(None) };
        let braked: Option<i64> =
            sqlx::query_scalar(BRAKED).bind(post).fetch_optional(&self.readers).await?;
        let batches: Vec<(i64, Vec<u8>)> =
            sqlx::query_as(BATCHES).bind(post).fetch_all(&self.readers).await?;
        if braked.is_some() || batches.is_empty() {
            return Ok(None);
        }
        let mut tally = Tally::default();
        for (unfinished, refs) in batches {
            let unfinished = usize::try_from(unfinished).unwrap_or_default();
            tally.waiting += unfinished;
            tally.tried += packing::unpack_refs(&refs)?.len().saturating_sub(unfinished);
        }
        let rows: Vec<(String, String, i64, String, i64)> =
            sqlx::query_as(BY).bind(post).fetch_all(&self.readers).await?;
        tally.by = rows.into_iter().filter_map(by_provider).collect();
        Ok(Some(tally))
    }

    async fn read_braked(&self) -> Result<Vec<Braked>, Trouble> {
        const ASK: &str = "SELECT brake.post, brake.at, brake.refusals, post.expires FROM brake
            JOIN post ON post.id = brake.post
            WHERE brake.released IS NULL AND post.unfinished > 0 ORDER BY brake.post";
        let rows: Vec<(i64, i64, Vec<u8>, i64)> =
            sqlx::query_as(ASK).fetch_all(&self.readers).await?;
        let one = |(post, at, refusals, expires): (i64, i64, Vec<u8>, i64)| {
            Ok(Braked {
                post: PostId(post.cast_unsigned()),
                at: Timestamp(at),
                refusals: packing::from_json(&refusals, "a brake")?,
                expires: Timestamp(expires),
            })
        };
        rows.into_iter().map(one).collect()
    }
}

fn by_provider(
    (provider, class, count, said, _): (String, String, i64, String, i64),
) -> Option<ByProvider> {
    let (class, count) = (Class::from_name(&class)?, usize::try_from(count).ok()?);
    Some(ByProvider { provider, class, count, said })
}

#[async_trait]
impl Brakes for SqliteStore {
    async fn sent(&self, batch: BatchId, index: u16) -> Result<Option<Sent>, StoreError> {
        Ok(self.read_sent(batch, index).await?)
    }

    async fn post_to(
        &self,
        list: &ListId,
        message_id: &str,
        who: RecipientRef,
    ) -> Result<Option<PostId>, StoreError> {
        Ok(self.read_post_to(list, message_id, who).await?)
    }

    async fn tally(&self, post: PostId) -> Result<Option<Tally>, StoreError> {
        Ok(self.read_tally(post).await?)
    }

    async fn braked(&self) -> Result<Vec<Braked>, StoreError> {
        Ok(self.read_braked().await?)
    }
}
