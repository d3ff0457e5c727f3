//! What waits for somebody's word, the questions about it, and what is remembered of people, in the store.
//!
//! What a move means is `store::rules`; here is the SQL for it.

use async_trait::async_trait;
use listcore::address::Address;
use listcore::hold::Ended;
use listcore::list::ListId;
use listcore::time::Timestamp;

use super::error::Trouble;
use super::moves::number;
use super::spool::Prepared;
use super::writer::{Effects, Writer};
use super::{SqliteStore, packing};
use crate::store::held::{DUE, Held, Holds, Mark, MarkKind, NewHeld, Ticket, Told};
use crate::store::{Done, MailId, Move, NewPost, PostId, StoreError, rules};

macro_rules! held {
    ($rest:literal) => {
        concat!(
            "SELECT mail, step, next, held, ended, sender, utf8, received, size
            FROM held JOIN mail ON mail.id = held.mail ",
            $rest
        )
    };
}

type Row = (i64, u8, Option<i64>, Vec<u8>, Option<Vec<u8>>, Option<String>, bool, i64, i64);

fn stored(row: Row) -> Result<Held, Trouble> {
    let (mail, step, next, held, ended, sender, utf8, at, size) = row;
    let sender = sender.map(|text| Address::parse(&text)).transpose();
    Ok(Held {
        new: packing::from_json(&held, "held mail")?,
        mail: MailId(mail.cast_unsigned()),
        sender: sender.map_err(|e| Trouble::Failed(format!("sender of mail {mail}: {e}")))?,
        utf8,
        at: Timestamp(at),
        step,
        next: next.map(Timestamp),
        ended: ended.map(|ended| packing::from_json(&ended, "decision")).transpose()?,
        size: size.cast_unsigned(),
    })
}

/// A list's name in [`Mark`]'s table.
fn everywhere(list: Option<&ListId>) -> &str {
    list.map_or("", |list| &list.0)
}

impl Writer {
    pub(super) async fn hold(&mut self, mail: MailId, new: &NewHeld) -> Result<(), Trouble> {
        const INSERT: &str =
            "INSERT INTO held (id, mail, list, step, next, held) VALUES ($1, $2, $3, 0, $4, $5)";
        sqlx::query(INSERT)
            .bind(number(new.id.0)?)
            .bind(number(mail.0)?)
            .bind(&new.list.0)
            .bind(new.next.0)
            .bind(packing::to_json(new)?)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    async fn held(&mut self, id: PostId) -> Result<Held, Trouble> {
        let row: Option<Row> = sqlx::query_as(held!("WHERE held.id = $1"))
            .bind(number(id.0)?)
            .fetch_optional(&mut self.db)
            .await?;
        row.map_or_else(|| Err(Trouble::Constraint(rules::no_held(id))), stored)
    }

    pub(super) async fn told(
        &mut self,
        told: &Told,
        bodies: &[Prepared],
        effects: &mut Effects,
    ) -> Result<(), Trouble> {
        const STEP: &str = "UPDATE held SET step = $2, next = $3 WHERE id = $1";
        let held = self.held(told.id).await?;
        if rules::is_stale(&held, told) {
            effects.remove.extend(super::writer::letter_files(told, bodies));
            effects.done.push(Done::Stale);
            return Ok(());
        }
        let mut of_letters = Effects::default();
        for ((mail, post), body) in told.letters.iter().zip(bodies) {
            let post = std::slice::from_ref(post);
            self.accept(mail, body, post, &[], &mut of_letters).await?;
        }
        effects.remove.append(&mut of_letters.remove);
        sqlx::query(STEP)
            .bind(number(told.id.0)?)
            .bind(told.step)
            .bind(told.next.map(|next| next.0))
            .execute(&mut self.db)
            .await?;
        self.tickets(&told.tickets).await?;
        self.marks(&told.marks).await?;
        effects.done.push(Done::Ok);
        Ok(())
    }

    /// [`Move::Rehold`].
    pub(super) async fn rehold(&mut self, change: &Move) -> Result<Done, Trouble> {
        const UPDATE: &str = "UPDATE held SET step = 0, next = $2, held = $3 WHERE id = $1";
        let Move::Rehold { id, reason, waits_for, next, expires } = change else {
            return Err(Trouble::Failed("not a rehold".to_owned()));
        };
        let held = self.held(*id).await?;
        if let Some(done) = rules::rehold(&held, *reason, *waits_for) {
            return Ok(done);
        }
        let (reason, waits_for) = (*reason, *waits_for);
        let new = NewHeld { reason, waits_for, next: *next, expires: *expires, ..held.new };
        sqlx::query(UPDATE)
            .bind(number(id.0)?)
            .bind(next.0)
            .bind(packing::to_json(&new)?)
            .execute(&mut self.db)
            .await?;
        Ok(Done::Ok)
    }

    pub(super) async fn end(
        &mut self,
        id: PostId,
        ended: &Ended,
        post: Option<&NewPost>,
        marks: &[Mark],
        effects: &mut Effects,
    ) -> Result<Done, Trouble> {
        const END: &str = "UPDATE held SET next = $2, ended_at = $2, ended = $3 WHERE id = $1";
        let held = self.held(id).await?;
        if let Some(first) = held.ended {
            return Ok(Done::Ended(first));
        }
        sqlx::query(END)
            .bind(number(id.0)?)
            .bind(ended.at.0)
            .bind(packing::to_json(ended)?)
            .execute(&mut self.db)
            .await?;
        if let Some(post) = post {
            rules::may_release(id, post).map_err(Trouble::Constraint)?;
            self.insert_post(held.mail, held.at, post).await?;
        }
        let keep = rules::may_keep(&ended.end);
        self.release(number(held.mail.0)?, ended.at, keep, effects).await?;
        self.marks(marks).await?;
        Ok(Done::Ok)
    }

    pub(super) async fn tickets(&mut self, tickets: &[Ticket]) -> Result<Done, Trouble> {
        const INSERT: &str =
            "INSERT INTO ticket (number, post, expires, ticket) VALUES ($1, $2, $3, $4)";
        for ticket in tickets {
            sqlx::query(INSERT)
                .bind(number(ticket.number)?)
                .bind(ticket.about.post().map(|post| number(post.0)).transpose()?)
                .bind(ticket.expires.0)
                .bind(packing::to_json(ticket)?)
                .execute(&mut self.db)
                .await?;
        }
        Ok(Done::Ok)
    }

    pub(super) async fn marks(&mut self, marks: &[Mark]) -> Result<Done, Trouble> {
        const SET: &str = "INSERT INTO mark (kind, who, list, value, until)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kind, who, list, value) DO UPDATE SET until = excluded.until";
        for mark in marks {
            sqlx::query(SET)
                .bind(mark.kind.as_str())
                .bind(&mark.who)
                .bind(everywhere(mark.list.as_ref()))
                .bind(&mark.value)
                .bind(mark.until.map(|until| until.0))
                .execute(&mut self.db)
                .await?;
        }
        Ok(Done::Ok)
    }
}

impl SqliteStore {
    async fn read_held(&self, id: PostId) -> Result<Option<Held>, Trouble> {
        let Ok(id) = number(id.0) else { return Ok(None) };
        let ask = sqlx::query_as(held!("WHERE held.id = $1")).bind(id);
        ask.fetch_optional(&self.readers).await?.map(stored).transpose()
    }

    async fn read_held_as(&self, message_id: &str) -> Result<Vec<Held>, Trouble> {
        let ask = held!("WHERE message_id = $1 ORDER BY received, held.id");
        let rows: Vec<Row> = sqlx::query_as(ask).bind(message_id).fetch_all(&self.readers).await?;
        rows.into_iter().map(stored).collect()
    }

    async fn read_held_on(
        &self,
        list: Option<&ListId>,
        limit: usize,
    ) -> Result<Vec<Held>, Trouble> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let ask = match list {
            Some(list) => sqlx::query_as(held!(
                "WHERE list = $2 AND ended_at IS NULL ORDER BY received, held.id LIMIT $1"
            ))
            .bind(limit)
            .bind(&list.0),
            None => {
                sqlx::query_as(held!("WHERE ended_at IS NULL ORDER BY received, held.id LIMIT $1"))
                    .bind(limit)
            }
        };
        let rows: Vec<Row> = ask.fetch_all(&self.readers).await?;
        rows.into_iter().map(stored).collect()
    }

    async fn read_held_due(
        &self,
        now: Timestamp,
    ) -> Result<(Vec<Held>, Option<Timestamp>), Trouble> {
        let ask = held!("WHERE next IS NOT NULL ORDER BY next, held.id LIMIT $1");
        let limit = i64::try_from(DUE + 1).unwrap_or(i64::MAX);
        let rows: Vec<Row> = sqlx::query_as(ask).bind(limit).fetch_all(&self.readers).await?;
        let mut due = rows.into_iter().map(stored).collect::<Result<Vec<Held>, _>>()?;
        let ready = due.iter().take(DUE).take_while(|held| held.next.is_some_and(|at| at <= now));
        let rest = due.split_off(ready.count());
        Ok((due, rest.first().and_then(|held| held.next)))
    }

    async fn read_ticket(&self, of: u64) -> Result<Option<Ticket>, Trouble> {
        const ASK: &str = "SELECT ticket FROM ticket WHERE number = $1";
        let Ok(stored) = number(of) else { return Ok(None) };
        let blob: Option<Vec<u8>> =
            sqlx::query_scalar(ASK).bind(stored).fetch_optional(&self.readers).await?;
        blob.map(|blob| packing::from_json(&blob, "ticket")).transpose()
    }

    async fn read_tickets(&self, post: PostId) -> Result<Vec<Ticket>, Trouble> {
        const ASK: &str = "SELECT ticket FROM ticket WHERE post = $1 ORDER BY number";
        let Ok(post) = number(post.0) else { return Ok(Vec::new()) };
        let blobs: Vec<Vec<u8>> =
            sqlx::query_scalar(ASK).bind(post).fetch_all(&self.readers).await?;
        blobs.iter().map(|blob| packing::from_json(blob, "ticket")).collect()
    }

    async fn read_marks(
        &self,
        kind: MarkKind,
        list: Option<&ListId>,
        who: &str,
        now: Timestamp,
    ) -> Result<Vec<Mark>, Trouble> {
        const ASK: &str = "SELECT value, until FROM mark WHERE kind = $1 AND who = $2 AND list = $3
            AND (until IS NULL OR until > $4) ORDER BY value";
        let rows: Vec<(String, Option<i64>)> = sqlx::query_as(ASK)
            .bind(kind.as_str())
            .bind(who)
            .bind(everywhere(list))
            .bind(now.0)
            .fetch_all(&self.readers)
            .await?;
        let mark = |(value, until): (String, Option<i64>)| Mark {
            kind,
            list: list.cloned(),
            who: who.to_owned(),
            value,
            until: until.map(Timestamp),
        };
        Ok(rows.into_iter().map(mark).collect())
    }
}

#[async_trait]
impl Holds for SqliteStore {
    async fn held(&self, id: PostId) -> Result<Option<Held>, StoreError> {
        Ok(self.read_held(id).await?)
    }

    async fn held_as(&self, message_id: &str) -> Result<Vec<Held>, StoreError> {
        Ok(self.read_held_as(message_id).await?)
    }

    async fn held_on(&self, list: Option<&ListId>, limit: usize) -> Result<Vec<Held>, StoreError> {
        Ok(self.read_held_on(list, limit).await?)
    }

    async fn held_due(&self, now: Timestamp) -> Result<(Vec<Held>, Option<Timestamp>), StoreError> {
        Ok(self.read_held_due(now).await?)
    }

    async fn ticket(&self, number: u64) -> Result<Option<Ticket>, StoreError> {
        Ok(self.read_ticket(number).await?)
    }

    async fn tickets_about(&self, post: PostId) -> Result<Vec<Ticket>, StoreError> {
        Ok(self.read_tickets(post).await?)
    }

    async fn marked(
        &self,
        kind: MarkKind,
        list: Option<&ListId>,
        who: &str,
        now: Timestamp,
    ) -> Result<Vec<Mark>, StoreError> {
        Ok(self.read_marks(kind, list, who, now).await?)
    }
}

#[cfg(test)]
mod tests;
