//! What accepting, settling, retrying and noting write: plain SQL, inside the writer's transaction.
//!
//! Decisions (duplicates, due times) are `store::rules`.

use listcore::outcome::Outcome;
use listcore::recipients::Recipient;
use listcore::rewrite::Frozen;
use listcore::time::Timestamp;

use super::error::Trouble;
use super::packing;
use super::spool::Prepared;
use super::writer::{Effects, Writer};
use crate::store::held::NewHeld;
use crate::store::rules::{self, Key as Seen};
use crate::store::{
    BATCH, BatchId, BounceEvent, Done, MailId, Move, NewMail, NewPost, PostId, TraceEvent,
};

/// Names are below 2^63, as SQLite's integers are.
pub(super) fn number(name: u64) -> Result<i64, Trouble> {
    i64::try_from(name).map_err(|_| Trouble::Constraint(format!("{name} is too large for a name")))
}

impl Writer {
    pub(super) async fn change(
        &mut self,
        change: &Move,
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        match change {
            Move::Accept { .. } | Move::Told(_) => {
                Err(Trouble::Failed("a mail without its body".into()))
            }
            Move::Settle { batch, outcomes } => self.settle(*batch, outcomes, effects).await,
            Move::Trace(event) => self.trace(event).await,
            Move::Bounce(event) => self.bounce(event).await,
            Move::Failed { who, at, failure } => self.failed(*who, *at, failure).await,
            Move::Standing(standing) => self.standing(standing).await,
            Move::Refused(refused) => self.refused(refused).await,
            Move::Brake { post, at, refusals } => self.brake(*post, *at, refusals).await,
            Move::Unbrake { post, at } => self.unbrake(*post, *at).await,
            Move::RetryNow { post } => self.retry_now(*post).await,
            Move::Replica(change) => self.change_replica(change).await,
            Move::Override { list, key, value } => {
                self.set_override(list, *key, value.as_ref()).await
            }
            Move::Options(choice) => self.choose(choice).await,
            Move::Admit(admitted) => self.admit(admitted).await,
            Move::Dismiss { list, address } => self.dismiss(list, address).await,
            Move::Accepted(rows) => self.accepted(rows).await,
            Move::LastMile(told) => self.last_mile(told).await,
            Move::Digested { letter, entries } => self.digested(*letter, entries, effects).await,
            Move::Erase { before } => self.erase(*before, effects).await,
            Move::Tickets(tickets) => self.tickets(tickets).await,
            Move::Mark(mark) => self.marks(std::slice::from_ref(mark)).await,
            Move::Rehold { .. } => self.rehold(change).await,
            Move::End { id, ended, post, marks } => {
                self.end(*id, ended, post.as_deref(), marks, effects).await
            }
            Move::EraseOriginals { before } => self.erase_originals(*before, effects).await,
            Move::EraseExpired { before } => self.erase_expired(*before, effects).await,
        }
    }

    pub(super) async fn accept(
        &mut self,
        mail: &NewMail,
        body: &Prepared,
        posts: &[NewPost],
        held: &[NewHeld],
        effects: &mut Effects,
    ) -> Result<(), Trouble> {
        if let Prepared::Refused(why) = body {
            return Err(Trouble::Constraint(why.clone()));
        }
        let mut new = Vec::with_capacity(posts.len());
        for post in posts {
            let known = self.seen(mail, Seen::of_post(post)).await?;
            if known.is_none() {
                new.push(post);
            }
            effects.done.push(known.unwrap_or(Done::Ok));
        }
        let mut waiting = Vec::with_capacity(held.len());
        for held in held {
            let known = self.seen(mail, Seen::of_held(held)).await?;
            if known.is_none() {
                waiting.push(held);
            }
            effects.done.push(known.unwrap_or(Done::Ok));
        }
        let needed = !waiting.is_empty() || new.iter().any(|post| !post.recipients.is_empty());
        if !needed && matches!(body, Prepared::File { .. }) {
            effects.remove.push(mail.id);
        }
        if !(new.is_empty() && waiting.is_empty()) {
            self.insert_mail(mail, body, needed).await?;
        }
        for post in new {
            self.insert_post(mail.id, mail.received, post).await?;
        }
        for held in waiting {
            self.hold(mail.id, held).await?;
        }
        Ok(())
    }

    /// Rule L4: what this repeats. A new one is remembered.
    async fn seen(&mut self, mail: &NewMail, key: Seen<'_>) -> Result<Option<Done>, Trouble> {
        const ASK: &str = "SELECT digest, post, at FROM seen
            WHERE list = $1 AND way = $2 AND message_id = $3 ORDER BY at";
        const REMEMBER: &str = "INSERT INTO seen (list, way, message_id, digest, post, at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT DO UPDATE SET post = excluded.post, at = excluded.at";
        let rows: Vec<(Vec<u8>, i64, i64)> = sqlx::query_as(ASK)
            .bind(&key.list.0)
            .bind(&key.way)
            .bind(&mail.message_id)
            .fetch_all(&mut self.db)
            .await?;
        let earlier = rows.into_iter().filter_map(|(digest, post, at)| {
            Some((digest.try_into().ok()?, PostId(post.cast_unsigned()), Timestamp(at)))
        });
        let known = rules::duplicate(earlier, key.digest, mail.received);
        if let Some(known) = known.filter(|known| !key.allows(known)) {
            return Ok(Some(known));
        }
        sqlx::query(REMEMBER)
            .bind(&key.list.0)
            .bind(&key.way)
            .bind(&mail.message_id)
            .bind(&key.digest[..])
            .bind(number(key.id.0)?)
            .bind(mail.received.0)
            .execute(&mut self.db)
            .await?;
        Ok(None)
    }

    async fn insert_mail(
        &mut self,
        mail: &NewMail,
        body: &Prepared,
        needed: bool,
    ) -> Result<(), Trouble> {
        const INSERT: &str = "INSERT INTO mail
            (id, message_id, sender, received, utf8, size, spilled, body)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (size, spilled, inline) = match body {
            Prepared::Inline(bytes) => (bytes.len() as u64, false, Some(&bytes[..])),
            Prepared::File { size } => (*size, true, None),
            Prepared::Refused(why) => return Err(Trouble::Constraint(why.clone())),
        };
        sqlx::query(INSERT)
            .bind(number(mail.id.0)?)
            .bind(&mail.message_id)
            .bind(mail.sender.as_ref().map(ToString::to_string))
            .bind(mail.received.0)
            .bind(mail.utf8)
            .bind(number(size)?)
            .bind(spilled && needed)
            .bind(inline.filter(|_| needed))
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    pub(super) async fn insert_post(
        &mut self,
        mail: MailId,
        received: Timestamp,
        post: &NewPost,
    ) -> Result<(), Trouble> {
        const INSERT: &str = "INSERT INTO post (id, mail, list, expires, unfinished, last, frozen)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let batches = rules::batches(post.recipients.len()).map_err(Trouble::Constraint)?;
        sqlx::query(INSERT)
            .bind(number(post.id.0)?)
            .bind(number(mail.0)?)
            .bind(&post.frozen.list.0)
            .bind(post.expires.0)
            .bind(batches)
            .bind(received.0)
            .bind(packing::to_json::<Frozen>(&post.frozen)?)
            .execute(&mut self.db)
            .await?;
        if let Some(hidden) = &post.hides {
            self.hide(hidden).await?;
        }
        self.insert_batches(post.id, &post.recipients).await
    }

    async fn insert_batches(
        &mut self,
        post: PostId,
        recipients: &[Recipient],
    ) -> Result<(), Trouble> {
        const INSERT: &str = "INSERT INTO batch
            (post, number, due, waiting, deferred, recipients, outcomes)
            VALUES ($1, $2, 0, $3, 0, $4, $5)";
        let numbers = self.people.refer(&mut self.db, recipients).await?;
        for (index, refs) in (0_u32..).zip(numbers.chunks(BATCH)) {
            sqlx::query(INSERT)
                .bind(number(post.0)?)
                .bind(index)
                .bind(number(refs.len() as u64)?)
                .bind(packing::pack_refs(refs)?)
                .bind(packing::pack_outcomes(&vec![Outcome::Waiting; refs.len()])?)
                .execute(&mut self.db)
                .await?;
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        id: BatchId,
        changes: &[(u16, Outcome)],
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        let (post, mut outcomes) = match (number(id.post.0), self.outcomes(id).await?) {
            (Ok(post), Some(outcomes)) => (post, outcomes),
            _ => {
                let text = format!("there is no batch {} of post {}", id.number, id.post.0);
                return Ok(Done::Rejected(text));
            }
        };
        let was_due = rules::due(&outcomes).is_some();
        let gathered = rules::gathered(&outcomes, changes);
        if let Err(why) = rules::settle(&mut outcomes, changes.to_vec()) {
            return Ok(Done::Rejected(why));
        }
        self.digest_later(id, &gathered).await?;
        self.update(post, id.number, &outcomes).await?;
        let is_due = rules::due(&outcomes).is_some();
        if was_due && !is_due {
            self.finish_batch(post, rules::last(&outcomes), effects).await?;
        } else if gathered.iter().any(|(_, waits)| waits.is_none()) {
            self.release_of(post, effects).await?;
        }
        if is_due {
            self.unfinished.keep(id, outcomes);
        }
        Ok(Done::Ok)
    }

    async fn outcomes(&mut self, id: BatchId) -> Result<Option<Vec<Outcome>>, Trouble> {
        const ASK: &str = "SELECT outcomes FROM batch WHERE post = $1 AND number = $2";
        if let Some(outcomes) = self.unfinished.take(id) {
            return Ok(Some(outcomes));
        }
        let Ok(post) = number(id.post.0) else { return Ok(None) };
        let blob: Option<Vec<u8>> =
            sqlx::query_scalar(ASK).bind(post).bind(id.number).fetch_optional(&mut self.db).await?;
        blob.map(|blob| packing::unpack_outcomes(&blob)).transpose()
    }

    async fn update(&mut self, post: i64, batch: u32, outcomes: &[Outcome]) -> Result<(), Trouble> {
        const UPDATE: &str = "UPDATE batch SET due = $3, waiting = $4, deferred = $5, outcomes = $6
            WHERE post = $1 AND number = $2";
        let (waiting, deferred) = rules::unfinished(outcomes);
        sqlx::query(UPDATE)
            .bind(post)
            .bind(batch)
            .bind(rules::due(outcomes).map(|due| due.0))
            .bind(number(waiting)?)
            .bind(number(deferred)?)
            .bind(packing::pack_outcomes(outcomes)?)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// With the last batch of a post its mail's body may go.
    async fn finish_batch(
        &mut self,
        post: i64,
        last: Timestamp,
        effects: &mut Effects,
    ) -> Result<(), Trouble> {
        const FINISH: &str = "UPDATE post SET unfinished = unfinished - 1, last = max(last, $2)
            WHERE id = $1 RETURNING unfinished, mail";
        let (unfinished, mail): (i64, i64) =
            sqlx::query_as(FINISH).bind(post).bind(last.0).fetch_one(&mut self.db).await?;
        if unfinished > 0 { Ok(()) } else { self.release(mail, last, true, effects).await }
    }

    /// A body goes when neither a post, nor a held mail, nor a digest needs it, and nobody is to learn from it.
    pub(super) async fn release(
        &mut self,
        mail: i64,
        at: Timestamp,
        may_keep: bool,
        effects: &mut Effects,
    ) -> Result<(), Trouble> {
        const NEEDED: &str = "SELECT EXISTS
            (SELECT 1 FROM post WHERE mail = $1 AND unfinished > 0) OR EXISTS
            (SELECT 1 FROM held WHERE mail = $1 AND ended_at IS NULL) OR EXISTS
            (SELECT 1 FROM digest JOIN post ON post.id = digest.post WHERE mail = $1 AND letter IS NULL), EXISTS
            (SELECT 1 FROM post WHERE mail = $1 AND substr(list, 1, length($2)) != $2) OR EXISTS
            (SELECT 1 FROM held WHERE mail = $1), spilled
            FROM mail WHERE id = $1";
        const KEEP: &str = "UPDATE mail SET finished = $2 WHERE id = $1";
        const RELEASE: &str = "UPDATE mail SET body = NULL, spilled = 0 WHERE id = $1";
        let (needed, foreign, spilled): (bool, bool, bool) =
            sqlx::query_as(NEEDED).bind(mail).bind(Frozen::NOTICE).fetch_one(&mut self.db).await?;
        if needed {
            return Ok(());
        }
        if foreign && may_keep && self.keeps_originals() {
            sqlx::query(KEEP).bind(mail).bind(at.0).execute(&mut self.db).await?;
            return Ok(());
        }
        sqlx::query(RELEASE).bind(mail).execute(&mut self.db).await?;
        effects.remove.extend(spilled.then_some(MailId(mail.cast_unsigned())));
        Ok(())
    }

    async fn retry_now(&mut self, post: Option<PostId>) -> Result<Done, Trouble> {
        const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM post WHERE id = $1)";
        const DEFERRED: &str = "SELECT post, number FROM batch
            WHERE due IS NOT NULL AND deferred > 0 AND ($1 IS NULL OR post = $1)";
        let chosen = post.map(|post| number(post.0)).transpose()?;
        if let Some(id) = chosen {
            let there: bool = sqlx::query_scalar(EXISTS).bind(id).fetch_one(&mut self.db).await?;
            if !there {
                return Ok(Done::Rejected(format!("there is no post {id}")));
            }
        }
        let batches: Vec<(i64, u32)> =
            sqlx::query_as(DEFERRED).bind(chosen).fetch_all(&mut self.db).await?;
        for (post, batch) in batches {
            let id = BatchId { post: PostId(post.cast_unsigned()), number: batch };
            if let Some(mut outcomes) = self.outcomes(id).await?
                && rules::hurry(&mut outcomes)
            {
                self.update(post, batch, &outcomes).await?;
            }
        }
        Ok(Done::Ok)
    }

    async fn trace(&mut self, event: &TraceEvent) -> Result<Done, Trouble> {
        sqlx::query("INSERT INTO trace (at, message_id, event) VALUES ($1, $2, $3)")
            .bind(event.at.0)
            .bind(&event.message_id)
            .bind(packing::to_json(event)?)
            .execute(&mut self.db)
            .await?;
        Ok(Done::Ok)
    }

    async fn bounce(&mut self, event: &BounceEvent) -> Result<Done, Trouble> {
        sqlx::query("INSERT INTO bounce (at, recipient, event) VALUES ($1, $2, $3)")
            .bind(event.at.0)
            .bind(event.recipient.map(|who| number(who.0)).transpose()?)
            .bind(packing::to_json(event)?)
            .execute(&mut self.db)
            .await?;
        if let (Some(list), Some(strange)) = (&event.list, &event.strange) {
            self.strange(event.at, list, strange).await?;
        }
        match (event.recipient, &event.failure) {
            (Some(who), Some(failure)) => self.failed(who, event.at, failure).await,
            _ => Ok(Done::Ok),
        }
    }
}
